package sheet

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Column is a field that a caller wants and the other names that its column may have.
type Column struct {
	Field   string // the field's name, which is also its column's own name
	Aliases []string
}

// Columns makes the columns of fields, with the names of [Aliases].
func Columns(fields ...string) []Column {
	columns := make([]Column, len(fields))
	for i, field := range fields {
		columns[i] = Column{Field: field, Aliases: Aliases[field]}
	}
	return columns
}

// Mapping says which field each column of a sheet holds.
type Mapping struct {
	Fields []string // per header cell: the field, or empty
}

// Warning is something about a header that a person should know, though the sheet can be read.
type Warning struct {
	Column int // number of the header cell, from 1
	Header string
	Text   string
}

func (w Warning) String() string {
	if w.Column == 0 { // of the sheet as a whole
		return w.Text
	}
	return fmt.Sprintf("column %d (%s): %s", w.Column, w.Header, w.Text)
}

// OpenPrefix begins the names of columns that need no [Column], because the rest of the name is the user's own:
// custom_fields.NAME is the field of just that name.
const OpenPrefix = "custom_fields."

// NotSent is the field of a [Choice] that leaves a column out.
const NotSent = "-"

// Choice is a decision about one column of a sheet: which field it holds, whatever its name says.
type Choice struct {
	Header string // the column's name in the header; case, spaces and punctuation don't count. "#3" is the third column, unless one has that very name
	Field  string // [NotSent] leaves the column out
	Must   bool   // a person asked for it: the header must have the column, and it wins over a choice without Must
}

// Map finds the columns of a header. Case, spaces and punctuation don't count. A choice wins over a field's own name,
// and that over an alias of it, and that over a vague one (with a warning); two columns of equal standing are an error that names both, as is a
// header in which no column is known. Of several choices for one header the last that must be counts, else the last.
// Our report columns are mapped only if asked for.
func Map(header []string, columns []Column, choices ...Choice) (Mapping, []Warning, error) {
	m := mapper{
		Mapping: Mapping{Fields: make([]string, len(header))},
		header:  header,
		names:   index(columns),
		taken:   map[string]int{},
		ranks:   map[string]rank{},
	}
	if err := m.choose(choices); err != nil {
		return Mapping{}, nil, err
	}
	for i, name := range header {
		if err := m.claim(i, m.find(i, name)); err != nil {
			return Mapping{}, nil, err
		}
	}
	if !slices.ContainsFunc(m.Fields, func(field string) bool { return field != "" && !IsReportColumn(field) }) {
		return Mapping{}, nil, unknownHeader(header, columns)
	}
	return m.Mapping, m.warnings, nil
}

// Has says that a column of the sheet holds the field.
func (m Mapping) Has(field string) bool { return slices.Contains(m.Fields, field) }

// Unsent lists the columns of a header that hold no field, report columns apart.
func (m Mapping) Unsent(header []string) []string {
	var names []string
	for i, name := range header {
		if i < len(m.Fields) && m.Fields[i] == "" && !IsReportColumn(name) {
			names = append(names, name)
		}
	}
	return names
}

// rank is how much weighs what says that a column holds a field.
type rank int

const (
	byVague rank = iota
	byAlias
	byName // the field's own name
	byPreset
	byPerson
)

// because says of each rank why a column of it wins.
var because = [...]string{byVague: "means the same", byAlias: "means the same", byName: "means the same", byPreset: "is the one that the preset takes", byPerson: "was chosen"}

// match is what a header cell's name stands for.
type match struct {
	field string
	rank
}

type mapper struct {
	Mapping
	header   []string
	names    nameIndex
	chosen   nameIndex
	numbered map[int]match  // by the column's place
	taken    map[string]int // field -> column
	ranks    map[string]rank
	warnings []Warning
}

// choose checks the choices and keeps those that count.
func (m *mapper) choose(choices []Choice) error {
	m.chosen, m.numbered = make(nameIndex, len(choices)), map[int]match{}
	inHeader := columnIndex(m.header)
	for _, c := range choices {
		name, found := normal(c.Header), match{field: c.Field, rank: byPreset}
		if c.Must {
			found.rank = byPerson
		}
		at, byNumber := m.number(c.Header)
		if _, ok := inHeader[name]; !ok && !byNumber && c.Must {
			return fmt.Errorf("there is no column %q; the header has: %s", c.Header, listed(m.header, headerNamed))
		}
		if found.field = m.names.field(c.Field); found.field == "" {
			return fmt.Errorf("the column %q can't be read as %q, because there is no such field; the fields are: %s",
				c.Header, c.Field, strings.Join(m.names.fields(), ", "))
		}
		switch {
		case byNumber && found.rank >= m.numbered[at].rank:
			m.numbered[at] = found
		case !byNumber && found.rank >= m.chosen[name].rank:
			m.chosen[name] = found
		}
	}
	return nil
}

// number is the place of the column that a choice names as "#3", if the header has so many and none of that very name.
func (m *mapper) number(name string) (at int, ok bool) {
	digits, ok := strings.CutPrefix(clean(name), "#")
	n, err := strconv.Atoi(digits)
	if !ok || err != nil || n < 1 || n > len(m.header) {
		return 0, false
	}
	return n - 1, !slices.ContainsFunc(m.header, func(cell string) bool { return clean(cell) == clean(name) })
}

// find tells what a header cell stands for.
func (m *mapper) find(i int, name string) match {
	found, ok := m.numbered[i]
	if !ok {
		found, ok = m.chosen[normal(name)]
	}
	if ok {
		if found.field == NotSent {
			return match{}
		}
		return found
	}
	return m.names.find(name)
}

// claim gives column i to the field that it matches.
func (m *mapper) claim(i int, found match) error {
	if found.field == "" {
		return nil
	}
	first, twice := m.taken[found.field]
	switch {
	case !twice:
	case IsReportColumn(found.field): // a report of a report, edited: the last run counts
		m.Fields[first] = ""
	case m.ranks[found.field] == found.rank:
		return m.twice(first, i, found.field)
	case m.ranks[found.field] < found.rank:
		m.pass(first, i, found.rank)
	default:
		m.pass(i, first, m.ranks[found.field])
		return nil
	}
	m.Fields[i], m.taken[found.field], m.ranks[found.field] = found.field, i, found.rank
	return nil
}

// twice says that two columns have the same right to a field.
func (m *mapper) twice(first, second int, field string) error {
	text := fmt.Sprintf("the columns %q (number %d) and %q (number %d) both mean %s; rename or remove the wrong one",
		m.header[first], first+1, m.header[second], second+1, field)
	if normal(m.header[first]) != normal(m.header[second]) {
		return fmt.Errorf("%s, or say --map '%s=%s' for the right one", text, m.header[second], field)
	}
	return fmt.Errorf("%s, or say --map '#%d=%s' or --map '#%d=%s', as no name tells them apart", text, first+1, field, second+1, field)
}

// pass leaves a column out because another one has a better right to its field.
func (m *mapper) pass(column, winner int, won rank) {
	m.Fields[column] = ""
	m.warnings = append(m.warnings, Warning{Column: column + 1, Header: m.header[column],
		Text: fmt.Sprintf("not sent, because column %d (%s) %s", winner+1, m.header[winner], because[won])})
}

// nameIndex finds what a header cell stands for by its normalised name.
type nameIndex map[string]match

func index(columns []Column) nameIndex {
	names := nameIndex{}
	for _, c := range columns {
		for _, alias := range c.Aliases {
			if _, ok := names[normal(alias)]; !ok {
				names[normal(alias)] = match{field: c.Field, rank: rankOf(alias)}
			}
		}
	}
	for _, c := range columns {
		names[normal(c.Field)] = match{field: c.Field, rank: byName}
	}
	return names
}

// rankOf is the rank of another name of a field.
func rankOf(alias string) rank {
	if vague[normal(alias)] {
		return byVague
	}
	return byAlias
}

func (names nameIndex) find(name string) match {
	if found, ok := names[normal(name)]; ok {
		return found
	}
	if rest := afterPrefix(clean(name), OpenPrefix); rest != "" {
		return match{field: OpenPrefix + rest, rank: byName}
	}
	return match{}
}

// field returns a field by its own name, [NotSent] for itself, and nothing for a name that is no field's.
func (names nameIndex) field(name string) string {
	if strings.TrimSpace(name) == NotSent {
		return NotSent
	}
	if found := names.find(name); found.rank == byName {
		return found.field
	}
	return ""
}

// fields lists every field that a person can choose.
func (names nameIndex) fields() []string {
	var fields []string
	for _, m := range names {
		if m.rank == byName && !IsReportColumn(m.field) {
			fields = append(fields, m.field)
		}
	}
	slices.Sort(fields)
	return append(fields, OpenPrefix+"NAME", NotSent+" (not sent)")
}

// afterPrefix returns what follows a prefix such as "custom_fields." in a header cell, however the prefix is written.
// The rest is a name of the user's and stays as it is.
func afterPrefix(name, prefix string) string {
	dot := strings.IndexAny(name, ".:")
	if dot < 0 || normal(name[:dot]) != normal(prefix) {
		return ""
	}
	return clean(name[dot+1:])
}

// Normal folds a header cell to what counts in it: letters and digits, in lower case, full-width and half-width forms
// alike. Two names that fold to the same mean the same.
func Normal(name string) string { return normal(name) }

func normal(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, norm.NFKC.String(name))
}

// clean trims what can't be seen from both ends of a cell: white space of every width, zero-width characters, marks.
func clean(cell string) string {
	return strings.TrimFunc(cell, func(r rune) bool {
		return unicode.IsSpace(r) || r == '\u200B' || r == '\u200C' || r == '\u200D' || r == '\u2060' || r == '\uFEFF'
	})
}

// How many names of a header a message shows.
const (
	headerNamed  = 40 // where a person has to find one among them
	unknownNamed = 6  // where they only show what was read
)

// unknownHeader says that nothing in a header is known.
func unknownHeader(header []string, columns []Column) error {
	known := make([]string, len(columns))
	for i, c := range columns {
		known[i] = c.Field
	}
	return fmt.Errorf("no column of the header is known (it reads: %s); the first line must name the columns, for example: %s",
		listed(header, unknownNamed), strings.Join(known[:min(len(known), 6)], ", "))
}

// listed shows the first names of a header, each shortened, and how many more there are.
func listed(names []string, most int) string {
	shown := make([]string, min(len(names), most))
	for i := range shown {
		shown[i] = excerpt(names[i])
	}
	text := strings.Join(shown, " | ")
	if more := len(names) - len(shown); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}
