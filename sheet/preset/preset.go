package preset

import (
	"maps"
	"slices"
	"strings"

	"aftership-bulk/sheet"
)

// Preset is what is known about one kind of export. The package comment describes its file.
type Preset struct {
	Name       string            `yaml:"name"`
	Title      string            `yaml:"title,omitempty"`
	Proof      Proof             `yaml:"proof,omitempty"`
	Source     string            `yaml:"source,omitempty"`
	Export     string            `yaml:"export,omitempty"`
	Match      []Signature       `yaml:"match,omitempty"`
	Columns    map[string]string `yaml:"columns,omitempty"` // column -> field
	Ignore     []string          `yaml:"ignore,omitempty"`
	Reading    Reading           `yaml:"reading,omitempty"`
	Rules      Rules             `yaml:"rules,omitempty"`
	NoTracking string            `yaml:"no_tracking,omitempty"`
}

// Proof says how well a format is known.
type Proof string

// The levels of proof.
const (
	Verified   Proof = "verified"   // the header was seen verbatim in a public file, in code that writes it or on the vendor's own page
	Documented Proof = "documented" // the column names stand in the vendor's documents or in code that reads them; the whole header was not seen
	Unproven   Proof = "unproven"   // a best guess
)

// Proofs lists every level of proof, the best first.
func Proofs() []Proof { return []Proof{Verified, Documented, Unproven} }

// Signature is what a header must have for a preset to be recognised.
type Signature struct {
	All  []string `yaml:"all,omitempty,flow"`  // every one of these columns
	Any  []string `yaml:"any,omitempty,flow"`  // at least one of these
	None []string `yaml:"none,omitempty,flow"` // none of these
	Only bool     `yaml:"only,omitempty"`      // no more columns than these, report columns apart
}

// Reading says how a file is read when its preset is asked for by name. What is zero is found out.
type Reading struct {
	Encoding     string   `yaml:"encoding,omitempty"`
	EncodingHint *Hint    `yaml:"encoding_hint,omitempty"`
	Delimiter    string   `yaml:"delimiter,omitempty"`
	Quote        string   `yaml:"quote,omitempty"`
	Escape       string   `yaml:"escape,omitempty"`
	HeaderLine   int      `yaml:"header_line,omitempty"`
	HeaderLines  int      `yaml:"header_lines,omitempty"`
	Columns      []string `yaml:"columns,omitempty,flow"`
	Sheet        string   `yaml:"sheet,omitempty"`

	preset string   // whose reading this is
	names  []string // the columns of that preset
}

// Hint tells the encoding of a file by bytes near its beginning, where detection alone is not sure.
type Hint struct {
	Contains string `yaml:"contains"`
	Encoding string `yaml:"encoding"`
}

// linkReading tells the reading what the preset knows of the header.
func (p *Preset) linkReading() {
	p.Reading.preset, p.Reading.names = p.Name, slices.DeleteFunc(
		slices.Concat(sortedKeys(p.Columns), p.Ignore), func(name string) bool { return strings.HasSuffix(name, "*") })
	for _, field := range sortedKeys(p.Rules.FirstOf) {
		p.Reading.names = append(p.Reading.names, p.Rules.FirstOf[field].Columns...)
	}
}

// Choices decides about the columns of a header, for [sheet.Map]. A column of which the preset knows nothing is left to
// its name.
func (p *Preset) Choices(header []string) []sheet.Choice {
	columns := newNames(p.Columns)
	ignored := newNames(asMap(p.Ignore, sheet.NotSent))
	firsts := p.firsts(header)
	var choices []sheet.Choice
	for _, name := range header {
		field := firsts[sheet.Normal(name)]
		if own := columns.find(name); own != "" && (field == "" || field == sheet.NotSent) {
			field = own
		}
		if field == "" {
			field = ignored.find(name)
		}
		if field != "" {
			choices = append(choices, sheet.Choice{Header: name, Field: field})
		}
	}
	return choices
}

// firsts gives every field that has several columns to the first of them that the header has; the others are not sent.
func (p *Preset) firsts(header []string) map[string]string {
	there := index(header)
	fields := map[string]string{}
	for field, first := range p.Rules.FirstOf {
		given := field
		for _, column := range first.Columns {
			if _, ok := there[sheet.Normal(column)]; !ok {
				continue
			}
			if _, taken := fields[sheet.Normal(column)]; !taken || given != sheet.NotSent {
				fields[sheet.Normal(column)] = given
			}
			given = sheet.NotSent
		}
	}
	return fields
}

// HasTracking says that a header has a column for tracking numbers by its name alone.
func HasTracking(header []string) bool {
	return slices.ContainsFunc(header, func(name string) bool {
		normal := sheet.Normal(name)
		return normal == sheet.Normal(trackingNumber) ||
			slices.ContainsFunc(sheet.Aliases[trackingNumber], func(alias string) bool { return sheet.Normal(alias) == normal })
	})
}

const trackingNumber = "tracking_number"

// names finds what a column stands for by its normalised name, or by the beginning of it: "user_marked_*".
type names struct {
	whole, begin map[string]string
}

func newNames(columns map[string]string) names {
	n := names{whole: map[string]string{}, begin: map[string]string{}}
	for name, field := range columns {
		if begin, ok := strings.CutSuffix(name, "*"); ok {
			n.begin[sheet.Normal(begin)] = field
		} else {
			n.whole[sheet.Normal(name)] = field
		}
	}
	return n
}

func (n names) find(name string) string {
	normal := sheet.Normal(name)
	if field, ok := n.whole[normal]; ok {
		return field
	}
	for _, begin := range slices.Sorted(maps.Keys(n.begin)) {
		if strings.HasPrefix(normal, begin) {
			return n.begin[begin]
		}
	}
	return ""
}

func asMap(names []string, value string) map[string]string {
	m := make(map[string]string, len(names))
	for _, name := range names {
		m[name] = value
	}
	return m
}

// index holds the place of each column by its normalised name, of the first one if several have the same.
func index(header []string) map[string]int {
	columns := make(map[string]int, len(header))
	for i, name := range header {
		if _, ok := columns[sheet.Normal(name)]; !ok {
			columns[sheet.Normal(name)] = i
		}
	}
	return columns
}
