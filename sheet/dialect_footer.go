package sheet

import (
	"regexp"
	"strings"
)

// What programs write below a table, in lines of one or two cells. Only what is certain: none of these can be a shipment.
const (
	nouns = `(?:shipments?|parcels?|packages?|orders?|records?|rows?|entries|results?|lines?|labels?|tracking numbers?|` +
		`sendung(?:en)?|pakete?|bestellung(?:en)?|datens[aä]tze?|datensatz|zeilen?|eintr[aä]ge?|auftr[aä]ge?|positionen|` +
		`colis|envois?|exp[eé]ditions?|commandes?|lignes?|enregistrements?|env[ií]os?|paquetes?|pedidos?|registros?|filas?|` +
		`spedizion[ei]|pacch[io]|ordin[ei]|righe|zending(?:en)?|pakket(?:ten)?|bestelling(?:en)?|regels|rijen|件)`
	counting = `(?:number of|no\. of|count of|total number of|total|sum|anzahl(?: der)?|gesamtzahl|summe|nombre (?:de|d['’])|n[uú]mero de|numero di|aantal)`
	making   = `(?:printed|exported|generated|created|downloaded|report generated|gedruckt|erstellt|exportiert|erzeugt|imprim[eé]|g[eé]n[eé]r[eé]|impreso|generado|stampato|generato|afgedrukt|gegenereerd)`
)

var (
	footerTexts = regexp.MustCompile(`(?i)^(?:` + strings.Join([]string{
		`[0-9]{1,7} ?` + nouns + `(?:\(s\))?(?: (?:in )?(?:total|found|exported|downloaded|listed|insgesamt|gesamt|gefunden))?\.?`,
		counting + ` ?` + nouns + ` ?[:=] ?[0-9]{1,7}`,
		`(?:anzahl|count|shipments|parcels|packages|orders|records|rows|entries|sendungen|pakete|bestellungen|datens[aä]tze|zeilen|eintr[aä]ge) ?[:=] ?[0-9]{1,7}`,
		making + ` (?:by|on|at|from|with|von|am|um|mit|par|le|por|el|da|il|door|op) .{1,60}`,
		`(?:page|seite|page no\.|p[aá]gina|pag\.|pagina) [0-9]{1,5}(?: ?(?:of|von|de|di|van|sur|/) ?[0-9]{1,5})?`,
		`\*{0,3} ?(?:end of (?:the )?(?:report|file|list|export|data)|ende der liste|ende der datei|ende des berichts) ?\*{0,3}`,
	}, "|") + `)$`)
	footerLabels = regexp.MustCompile(`(?i)^(?:` + counting + ` ?` + nouns + `|` + making + ` (?:by|on|at|von|am|par|le|por|el|da|il|door|op)|anzahl) ?:?$`)
	dottedDate   = regexp.MustCompile(`^[0-9]{1,4}\.[0-9]{1,2}\.[0-9]{1,4}$`)
)

// footerLine tells a line of one or two cells that stands below a table: counts, pages, who printed it and when.
func footerLine(cells []string) string {
	var texts []string
	for _, cell := range cells {
		if cell = clean(cell); cell == "" {
			continue
		}
		if len(texts) == 2 || len(cell) > 120 {
			return ""
		}
		texts = append(texts, cell)
	}
	return footerCells(texts)
}

// footerCells judges the cells of a line that are not empty.
func footerCells(texts []string) string {
	footer, label, total, values := false, false, false, 0
	for _, text := range texts {
		switch {
		case couldBeShipment(text):
			return ""
		case footerTexts.MatchString(text):
			footer = true
		case footerLabels.MatchString(text):
			label = true
		case isTotal(strings.ToLower(strings.TrimRight(text, ": "))):
			total = true
		case kindOf(text) == kindNumber || kindOf(text) == kindTime:
			values++
		default:
			return ""
		}
	}
	switch {
	case footer && total:
		return skipTotal
	case footer, label && values > 0:
		return skipFooter
	}
	return ""
}

// couldBeShipment says that a cell is one word with digits that is long enough for a tracking number, and no date.
func couldBeShipment(text string) bool {
	if strings.ContainsAny(text, " \u00A0") || kindOf(text) == kindTime || dottedDate.MatchString(text) || !strings.ContainsAny(text, "0123456789") {
		return false
	}
	return len(normal(text)) >= 8 && !footerTexts.MatchString(text)
}

// ruled says that a line is drawn: each of its cells that is not empty is a row of dashes.
func ruled(cells []string) bool {
	some := false
	for _, cell := range cells {
		if cell = clean(cell); cell == "" {
			continue
		}
		if len(cell) < 3 || strings.Trim(cell, "-=_*–—+|") != "" {
			return false
		}
		some = true
	}
	return some && len(cells) > 1
}
