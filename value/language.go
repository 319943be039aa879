package value

import (
	"slices"
	"strings"
	"sync"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
)

// Language reads a language and gives its two letters (ISO 639-1): a code of two or three letters, with a country or without
// (de, deu, de_DE), or its name in English, German, French, Spanish, Italian or itself. Its errors are [*Unclear].
func Language(cell string) (string, error) {
	if code, ok := tongues().codes[cell]; ok {
		return code, nil
	}
	m := mend{value: cell}
	for m.trim() || m.formula() || m.quotes() {
	}
	text := m.value
	if text == "" || m.absent() {
		return "", nil
	}
	if code, ok := tagged(text); ok {
		return code, nil
	}
	name, _, _ := strings.Cut(text, "(")
	switch codes := tongues().names[nameKey(name)]; len(codes) {
	case 0:
		return "", &Unclear{text, "is not a language that we know", languageRemedy}
	case 1:
		return codes[0], nil
	default:
		return "", &Unclear{text, "may be more than one language: " + strings.Join(codes, " or "), languageRemedy}
	}
}

const languageRemedy = "write the two letters of ISO 639-1, as en or de"

// tagged reads a language tag, as de_DE.
func tagged(s string) (string, bool) {
	if len(s) > 35 || strings.Contains(s, " ") {
		return "", false
	}
	tag, err := language.Parse(strings.ReplaceAll(s, "_", "-"))
	if err != nil {
		return "", false
	}
	base, sure := tag.Base()
	code, ok := tongues().codes[base.String()]
	return code, ok && sure == language.Exact
}

// glossary is what is known of the languages: their codes, old ones too, and the keys of their names.
type glossary struct {
	codes map[string]string
	names map[string][]string
}

var tongues = sync.OnceValue(newGlossary)

func newGlossary() *glossary {
	g := &glossary{codes: map[string]string{"fil": "tl", "no": "no", "nb": "nb"}, names: map[string][]string{}}
	for a := 'a'; a <= 'z'; a++ {
		for b := 'a'; b <= 'z'; b++ {
			g.add(string(a) + string(b))
		}
	}
	for _, name := range []string{"Norwegian", "Norwegisch", "norvégien", "noruego", "norvegese", "Noors", "norweski", "norueguês", "norsk"} {
		g.names[nameKey(name)] = []string{"no"}
	}
	for _, name := range []string{"Filipino", "Tagalog"} {
		g.names[nameKey(name)] = []string{"tl"}
	}
	return g
}

// add learns a code and the names of its language. A code that was replaced stands for the one that replaced it.
func (g *glossary) add(code string) {
	base, err := language.ParseBase(code)
	if err != nil {
		return
	}
	tag := language.Make(code)
	now, _ := tag.Base()
	if len(now.String()) != 2 {
		now = base
	}
	if _, known := g.codes[code]; !known {
		g.codes[code] = now.String()
	}
	if code != now.String() || code == "no" {
		return
	}
	g.name(display.Self.Name(tag), code)
	for _, l := range nameLanguages {
		g.name(display.Languages(l).Name(tag), code)
	}
}

func (g *glossary) name(name, code string) {
	if key := nameKey(name); len(key) > 2 && !slices.Contains(g.names[key], code) {
		g.names[key] = append(g.names[key], code)
	}
}
