package sheet

import "strings"

// joined makes one name per column of a header's lines. A part that the line above has too, as merged cells give it, counts once.
//
// A name that means something only together with the heading of its group ("Recipient" above "Name") is joined with it, though
// the heading stands above the group's first column alone; a name that means something only by its last part ("Shipment" above
// "Tracking no.") is that part. What stands below the heading of somebody else than the recipient keeps that heading.
func (sm *sample) joined(lines []line) []string {
	switch len(lines) {
	case 0:
		return nil
	case 1:
		return lines[0].cells
	}
	names := whole(lines)
	groups := headings(lines[:len(lines)-1], len(names))
	for i := range names {
		last := cellAt(lines[len(lines)-1], i)
		grouped := strings.TrimSpace(groups[i] + " " + last)
		switch {
		case sm.options.Known == nil || last == "":
		case isOtherParty(groups[i]):
			names[i] = grouped
		case sm.options.Known(names[i]):
		case sm.options.Known(grouped):
			names[i] = grouped
		case sm.options.Known(last):
			names[i] = last
		}
	}
	return names
}

// whole joins all parts of the names.
func whole(lines []line) []string {
	width := 0
	for _, ln := range lines {
		width = max(width, len(ln.cells))
	}
	names := make([]string, width)
	for i := range names {
		names[i] = joinedAt(lines, i)
	}
	return names
}

func cellAt(ln line, i int) string {
	if i < len(ln.cells) {
		return clean(ln.cells[i])
	}
	return ""
}

func joinedAt(lines []line, i int) string {
	var parts []string
	for _, ln := range lines {
		cell := cellAt(ln, i)
		if cell != "" && (len(parts) == 0 || parts[len(parts)-1] != cell) {
			parts = append(parts, cell)
		}
	}
	return strings.Join(parts, " ")
}

// headings gives each column the heading of its group: that above it, or the nearest to the left.
func headings(lines []line, width int) []string {
	groups := make([]string, width)
	for i := range groups {
		groups[i] = joinedAt(lines, i)
		if groups[i] == "" && i > 0 {
			groups[i] = groups[i-1]
		}
	}
	return groups
}

// otherParties are headings of groups of columns that say nothing about the recipient.
var otherParties = nameSet("Sender", "From", "Ship From", "Shipper", "Origin", "Return", "Return Address", "Billing", "Bill To", "Billing Address",
	"Invoice", "Seller", "Merchant", "Warehouse", "Buyer", "Absender", "Versender", "Rechnung", "Rechnungsadresse", "Rechnungsempfänger", "Retoure",
	"Expéditeur", "Facturation", "Remitente", "Facturación", "Mittente", "Fatturazione", "Afzender", "Facturatie", "発送元", "送り主", "差出人", "ご依頼主", "寄件人", "发件人")

func isOtherParty(heading string) bool { return otherParties[normal(heading)] }
