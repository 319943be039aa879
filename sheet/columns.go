package sheet

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
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
	return fmt.Sprintf("column %d (%s): %s", w.Column, w.Header, w.Text)
}

// OpenPrefix begins the names of columns that need no [Column], because the rest of the name is the user's own:
// custom_fields.NAME is the field of just that name.
const OpenPrefix = "custom_fields."

// Map finds the columns of a header. Case, spaces and punctuation don't count. A column that has a field's own name
// wins over one that has an alias of it (with a warning); two columns of equal standing are an error that names both, as
// is a header in which no column is known. Our report columns are mapped only if asked for.
func Map(header []string, columns []Column) (Mapping, []Warning, error) {
	m := mapper{
		Mapping: Mapping{Fields: make([]string, len(header))},
		header:  header,
		names:   index(columns),
		taken:   map[string]int{},
		own:     map[string]bool{},
	}
	for i, name := range header {
		if err := m.claim(i, m.names.find(name)); err != nil {
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

// match is what a header cell's name stands for.
type match struct {
	field string
	own   bool // the field's own name, not an alias
}

type mapper struct {
	Mapping
	header   []string
	names    nameIndex
	taken    map[string]int // field -> column
	own      map[string]bool
	warnings []Warning
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
	case m.own[found.field] == found.own:
		return fmt.Errorf("the columns %q (number %d) and %q (number %d) both mean %s; rename or remove the wrong one",
			m.header[first], first+1, m.header[i], i+1, found.field)
	case found.own:
		m.pass(first, i)
	default:
		m.pass(i, first)
		return nil
	}
	m.Fields[i], m.taken[found.field], m.own[found.field] = found.field, i, found.own
	return nil
}

// pass leaves a column out because another one has its field's own name.
func (m *mapper) pass(column, winner int) {
	m.Fields[column] = ""
	m.warnings = append(m.warnings, Warning{Column: column + 1, Header: m.header[column],
		Text: fmt.Sprintf("not sent, because column %d (%s) means the same", winner+1, m.header[winner])})
}

// nameIndex finds what a header cell stands for by its normalised name.
type nameIndex map[string]match

func index(columns []Column) nameIndex {
	names := nameIndex{}
	for _, c := range columns {
		for _, alias := range c.Aliases {
			if _, ok := names[normal(alias)]; !ok {
				names[normal(alias)] = match{field: c.Field}
			}
		}
	}
	for _, c := range columns {
		names[normal(c.Field)] = match{field: c.Field, own: true}
	}
	return names
}

func (names nameIndex) find(name string) match {
	if found, ok := names[normal(name)]; ok {
		return found
	}
	if rest := afterPrefix(clean(name), OpenPrefix); rest != "" {
		return match{field: OpenPrefix + rest, own: true}
	}
	return match{}
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

// normal folds a header cell to what counts in it: letters and digits, in lower case.
func normal(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, name)
}

// clean trims what can't be seen from both ends of a cell: white space of every width, zero-width characters, marks.
func clean(cell string) string {
	return strings.TrimFunc(cell, func(r rune) bool {
		return unicode.IsSpace(r) || r == '\u200B' || r == '\u200C' || r == '\u200D' || r == '\u2060' || r == '\uFEFF'
	})
}

// unknownHeader says that nothing in a header is known.
func unknownHeader(header []string, columns []Column) error {
	known := make([]string, len(columns))
	for i, c := range columns {
		known[i] = c.Field
	}
	return fmt.Errorf("no column of the header is known (it reads: %s); the first line must name the columns, for example: %s",
		excerpt(strings.Join(header, " | ")), strings.Join(known[:min(len(known), 6)], ", "))
}
