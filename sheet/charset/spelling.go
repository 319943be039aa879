package charset

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// telling finds spellings that show a group of languages. Each was chosen so that the same bytes make no word in the other
// Latin encodings: French è is č in Windows-1250, ø is ř, à is ŕ.
type telling struct {
	pattern *regexp.Regexp
	alien   string // letters that these languages do without
}

func tell(alien string, patterns ...string) *telling {
	return &telling{regexp.MustCompile("(?i:" + strings.Join(patterns, "|") + ")"), alien}
}

// hits counts the texts that show it with one of the telltale characters, as the others read the same either way. Nil
// means all characters beyond ASCII.
func (t *telling) hits(texts []string, telltale map[rune]bool) int {
	n := 0
	for _, text := range texts {
		if !strings.ContainsAny(text, t.alien) && t.hit(text, telltale) {
			n++
		}
	}
	return n
}

func (t *telling) hit(text string, telltale map[rune]bool) bool {
	for _, found := range t.pattern.FindAllString(text, -1) {
		if strings.ContainsFunc(found, func(x rune) bool { return telltale[x] || telltale == nil && x >= utf8.RuneSelf }) {
			return true
		}
	}
	return false
}

const (
	begin = `(?:^|[^\p{L}])`
	end   = `(?:$|[^\p{L}])`
	cons  = `[bcdfghjklmnpqrstvwxz]`
)

var western = tell("",
	// French, Italian: à alone or at the end, and the usual places of the other accents.
	begin+`à`+end, `[cdnrst]ità`+end, begin+`voilà`, `déjà`, begin+`là`+end, begin+`où`+end,
	`ière`, `[lr]ène`, `(?:cc|pr|xpr|gr|tr|apr)ès`, `enèv`, `[od]èl`, `[bfmp]ère`, `règl`, `pièc`, `ièce`, `[ei]ème`, `rème`, `thèq`, `llèg`, `olèn`, `gnès`, `ffè`, `èvre`, `èbv`,
	`être`, `fêt`, `tête`, `mêm`, `enêt`, `[ob]rêt`, `prêt`, `quêt`, `trêm`, `[cp]rêp`, `frên`, `três`+end, `mês`+end, `uguês`, `ência`,
	`[ao]û`, `sûr`, begin+`dû`+end, `brûl`, `[oa]ï[sv]`, `loïc`, `haït`, `naïv`, `[aou]ît`, begin+`île`, `châ`, `câb`, cons+`ô`+cons, `[oaiu]ë`,
	`più`, `così`, `però`, begin+`può`, `[nr]dì`+end, `colò`, `forlì`, `ercé`, `perché`,
	// Spanish and Portuguese: ñ stands before a vowel, where Polish ń never does.
	`ñ[aeiouáéíóú]`, `ão`, `irmã|manhã`, `[dgmtv]í[ao]`, `çú`, `õe`, `ães`, `mãe`, `[0-9n][º°ª]`, begin+`¿`, begin+`¡`, cons+`[áíú]`+cons, `ç[aeiouãõ]`, `[cs]ión`,
	// Danish, Norwegian, Swedish, Finnish: ø, æ and å are vowels.
	cons+`ø`+cons, begin+`ø`+cons, `[ks]ø`+end, `øj[ae]`, cons+`æ[dgklr]`, `næst`, begin+`æ[bgklrs]`, `ære`, cons+`å[dlnrst]`, `[ps]å`+end, begin+`å[glmnrs]`, `åge`, `blå`, `små`,
	// Umlauts and the like, where even they may be something else.
	cons+`[äöü]`+cons, `[aeiouäöü]ß`, cons+`é[es]?`+end, `[a-z]ñ[ao]`, `ço`,
	`[0-9] ?[€£]|[€£] ?[0-9]|© ?[0-9]|[a-z]®|(?:^|[ 0-9])[¼½¾]`, `[cbsv]œu|œuvre|nœud|œil`,
	// Icelandic: Turkish ğ never follows a consonant.
	cons+`ð`, begin+`þ[óúæ]`,
)

var central = tell("",
	// Czech and Slovak.
	`ř[aeiíáéýou]`, `[a-zíáé]ů[mvžzklstjrd]`, `[aovt]ů`+end, `[bpvmdtn]ě[a-z]`, `[aeu]č[aeiouyk]`, begin+`č[aeiouáéílt]`, `[ae]č`+end, `[aey]ň`, `ň[ks]`, `[čř]k[ay]`,
	// Polish.
	`[wkcs]a?ł`, `ł[aoyeóą]`, `ał`, begin+`ł[aó]`, `ńs[kc]`, `[aeoi]ń`+end, `ś[cwlm]`, `[ck]ę`+end, `[zs]ą`, `ą[cdbtz]`, `ięt`, `ęsk`, `ż[aeony]`, `[eio]ć`+end, `źd`,
	// Hungarian, Romanian, Croatian.
	`ző`, `győ`, `[er]dő`, `fő`+end, `kősz`, `ősz`, `zűc|űve|űz`, `[aeiu]ş`+end, `[eo]şti|aşi|aşov`, `i[ć]`+end, `ović|ević`,
)

var turkish = tell("áàãåæèéêëìíïñòóôõøùúýþðœßäÁÀÃÅÆÈÉÊËÌÍÏÑÒÓÔÕØÙÚÝÞÐŒÄ",
	`[aeiıouöü]ğ`, `[dklmnrsty]ı`, `ı[klmnrsyzş]`, begin+`İ`+cons)

// In the Baltic languages most letters are those of others, so that only a word with two of its own tells.
var baltic = tell("áàâãåæèêëìíïñòôùúûýþðœßç", `[āēīū][a-z]*[āēīūšžģņ]`, `[šž][a-z]*[āēīūė]`)
