package value

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"

	"github.com/biter777/countries"
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
	"golang.org/x/text/unicode/norm"
)

// Country reads a country in any common form and gives its three letters (ISO 3166-1 alpha-3): a code of two or three letters or
// three digits, or its name in English, German, French, Spanish, Italian, Dutch, Polish, Portuguese, Japanese, Chinese, Korean
// or its own languages, or two of these, or the code of a part of it (US-CA). A name that several countries share is refused with the candidates. Its errors are [*Unclear].
func Country(cell string) (alpha3 string, err error) {
	if alpha3, ok := places().alpha3[cell]; ok {
		return alpha3, nil
	}
	if alpha3, ok := places().alpha2[cell]; ok {
		return alpha3, nil
	}
	m := mend{value: cell}
	for m.trim() || m.formula() || m.quotes() || m.decimals() {
	}
	if code, ok := places().code(m.value); ok { // before the word for no value: NA is Namibia
		return code, nil
	}
	if m.value == "" || m.absent() {
		return "", nil
	}
	return places().named(m.value)
}

// atlas is what is known of the countries: their codes, and the keys of their names.
type atlas struct {
	alpha2, alpha3, numeric, two map[string]string
	names                        map[string][]string
}

var places = sync.OnceValue(newAtlas)

const countryRemedy = "write the country's three letters, as DEU or USA (ISO 3166-1 alpha-3)"

// code reads a code; dots in it ("U.S.A.") and its case do not matter.
func (a *atlas) code(s string) (string, bool) {
	s = strings.ToUpper(strings.NewReplacer(".", "", " ", "").Replace(s))
	for _, codes := range []map[string]string{a.alpha2, a.alpha3, a.numeric} {
		if code, ok := codes[s]; ok {
			return code, true
		}
	}
	if n, err := strconv.Atoi(s); err == nil && n > 0 && n < 100 { // a spreadsheet drops the zeros of 040
		code, ok := a.numeric[strconv.Itoa(1000 + n)[1:]]
		return code, ok
	}
	return "", false
}

func (a *atlas) named(s string) (string, error) {
	candidates := a.names[nameKey(s)]
	if before, inside, ok := strings.Cut(s, "("); ok && len(candidates) != 1 {
		candidates = a.bracketed(before, strings.TrimRight(inside, ") "))
	}
	if code, ok := a.partOf(s); ok && len(candidates) == 0 {
		return code, nil
	}
	if code, ok := a.twice(s); ok && len(candidates) != 1 {
		return code, nil
	}
	switch len(candidates) {
	case 0:
		return "", &Unclear{s, "is not a country that we know", countryRemedy}
	case 1:
		return candidates[0], nil
	}
	return "", &Unclear{s, "may be more than one country: " + strings.Join(a.describe(candidates), " or "), "write the three letters of the one that is meant"}
}

// bracketed reads "Germany (DE)" and "Congo (DRC)": what stands in the brackets decides between several, or repeats the one.
func (a *atlas) bracketed(before, inside string) []string {
	candidates := a.names[nameKey(before)]
	exact, ok := a.code(inside)
	if codes := a.names[nameKey(inside)]; !ok && len(codes) == 1 {
		exact, ok = codes[0], true
	}
	if ok && slices.Contains(candidates, exact) {
		return []string{exact}
	}
	return candidates
}

var subdivision = regexp.MustCompile(`^([A-Z]{2})-([A-Z0-9]{1,3})$`)

// lettered are the parts of countries whose codes of two letters may look like other countries' codes (ISO 3166-2).
var lettered = map[string]map[string]bool{
	"US": set(strings.Fields("AL AK AZ AR CA CO CT DE FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH OK OR PA RI SC SD TN TX UT VT VA WA WV WI WY DC PR GU VI AS MP")...),
	"CA": set(strings.Fields("AB BC MB NB NL NS NT NU ON PE QC SK YT")...),
	"DE": set(strings.Fields("BB BE BW BY HB HE HH MV NI NW RP SH SL SN ST TH")...),
	"AU": set(strings.Fields("ACT NSW NT QLD SA TAS VIC WA")...),
}

// partOf is the country of a part of it, as US of US-CA.
func (a *atlas) partOf(s string) (string, bool) {
	p := subdivision.FindStringSubmatch(s)
	if p == nil || a.alpha2[p[2]] != "" && !lettered[p[1]][p[2]] {
		return "", false
	}
	code, ok := a.alpha2[p[1]]
	return code, ok
}

// twice reads a country that stands there in two languages, as Switzerland/Suisse, or with its code.
func (a *atlas) twice(s string) (code string, ok bool) {
	parts := strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune("/|,;", r) })
	for _, p := range parts {
		p = strings.TrimSpace(p)
		found, known := a.code(p)
		if names := a.names[nameKey(p)]; !known && len(names) == 1 {
			found, known = names[0], true
		}
		if !known || code != "" && found != code {
			return "", false
		}
		code = found
	}
	return code, len(parts) > 1
}

func (a *atlas) describe(codes []string) []string {
	var out []string
	for _, c := range codes {
		out = append(out, c+" ("+countries.ByName(c).String()+")")
	}
	return out
}

// nameKey is what is left of a name when accents, case, punctuation, the order of its words and its small words are taken away, so
// that "Korea, Republic of" and "Republic of Korea" are one.
func nameKey(name string) string {
	name = strings.Map(withoutAccent, norm.NFKD.String(strings.ToLower(strings.ReplaceAll(name, "ß", "ss"))))
	words := strings.FieldsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsMark(r) })
	words = slices.DeleteFunc(words, func(w string) bool { return smallWords[w] })
	for i, w := range words {
		if w == "saint" || w == "sankt" || w == "ste" {
			words[i] = "st"
		}
	}
	slices.Sort(words)
	return strings.Join(words, " ")
}

func withoutAccent(r rune) rune {
	if r >= 0x300 && r < 0x370 {
		return -1
	}
	return r
}

var smallWords = set("the", "of", "and", "und", "et", "y", "e", "la", "le", "les", "el", "los", "las", "der", "die", "das", "de", "du", "des", "del", "i", "en", "l", "d", "von", "da", "do", "dos")

// nameLanguages are those in which a country's name is known, beside its own.
var nameLanguages = []language.Tag{language.English, language.German, language.French, language.Spanish, language.Italian, language.Dutch, language.Polish, language.Portuguese,
	language.Japanese, language.SimplifiedChinese, language.TraditionalChinese, language.Korean}

func newAtlas() *atlas {
	a := &atlas{alpha2: map[string]string{}, alpha3: map[string]string{}, numeric: map[string]string{}, two: map[string]string{}, names: map[string][]string{}}
	for _, c := range countries.All() {
		a.add(c)
	}
	maps.Copy(a.alpha2, oddCodes)
	for name, codes := range oddNames {
		a.names[nameKey(name)] = codes
	}
	return a
}

// gone are countries that the list still holds and that exist no more.
var gone = set("ANT", "YUG")

// add learns the codes and the names of a country that exists today.
func (a *atlas) add(c countries.CountryCode) {
	alpha2, alpha3 := c.Alpha2(), c.Alpha3()
	region, err := language.ParseRegion(alpha2)
	if err != nil || !region.IsCountry() || len(alpha3) != 3 || gone[alpha3] {
		return
	}
	a.alpha2[alpha2], a.alpha3[alpha3], a.two[alpha3] = alpha3, alpha3, alpha2
	a.numeric[strconv.Itoa(1000 + int(c))[1:]] = alpha3
	a.name(c.String(), alpha3)
	for _, l := range nameLanguages {
		a.name(display.Regions(l).Name(region), alpha3)
	}
	for _, l := range ownLanguages(region) {
		if names := display.Regions(l); names != nil {
			a.name(names.Name(region), alpha3)
		}
	}
}

func (a *atlas) name(name, alpha3 string) {
	short, _, _ := strings.Cut(name, "(")
	for _, n := range []string{name, short, umlauts.Replace(name)} {
		if key := nameKey(n); len(key) > 3 && !slices.Contains(a.names[key], alpha3) {
			a.names[key] = append(a.names[key], alpha3)
		}
	}
}

// umlauts writes German letters as those do who have none on their keyboards.
var umlauts = strings.NewReplacer("ä", "ae", "ö", "oe", "ü", "ue", "Ä", "Ae", "Ö", "Oe", "Ü", "Ue")

// ownLanguages is what is most spoken in a region.
func ownLanguages(region language.Region) []language.Tag {
	t, err := language.Compose(region)
	if err != nil {
		return nil
	}
	base, _ := t.Base()
	script, _ := t.Script()
	own, err := language.Compose(base, script)
	if err != nil {
		return nil
	}
	return []language.Tag{own}
}
