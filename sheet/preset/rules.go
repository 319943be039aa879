package preset

import (
	"slices"
	"strings"
	"unicode"

	"aftership-bulk/sheet"
)

// Rules say how the rows of an export are read beyond its columns. They are data, so that a batch can keep them: whoever
// reads its rows again reads them alike.
type Rules struct {
	Preset  string                       `json:"preset,omitzero" yaml:"-"` // the preset that they are of
	Dates   string                       `json:"dates,omitzero" yaml:"dates,omitempty"`
	Carry   *Carry                       `json:"carry,omitzero" yaml:"carry,omitempty"`
	Skip    []SkipRule                   `json:"skip,omitzero" yaml:"skip,omitempty"`
	FirstOf map[string]FirstOf           `json:"first_of,omitzero" yaml:"first_of,omitempty"` // by field
	Values  map[string]map[string]string `json:"values,omitzero" yaml:"values,omitempty"`     // by field: word of the file -> word of the field
}

// Carry lets continuation rows inherit: an empty cell of the columns takes the value that a row above had, as long as the
// key stays the same. An empty key is that of the row above only if the key is itself among the columns.
type Carry struct {
	Key     string   `json:"key" yaml:"key"`
	Columns []string `json:"columns" yaml:"columns,flow"`
}

// SkipRule leaves out rows that are no parcels. Exactly one of Values, Except, Contains and Blank says which.
type SkipRule struct {
	Column   string   `json:"column" yaml:"column"`
	Values   []string `json:"values,omitzero" yaml:"values,omitempty,flow"`     // the cell is one of these; case doesn't count
	Except   []string `json:"except,omitzero" yaml:"except,omitempty,flow"`     // the cell holds something, but none of these
	Contains []string `json:"contains,omitzero" yaml:"contains,omitempty,flow"` // the cell contains one of these, exactly so
	Blank    bool     `json:"blank,omitzero" yaml:"blank,omitempty"`            // the cell is empty
	Why      string   `json:"why" yaml:"why"`
}

// FirstOf takes a field from several columns: the first whose cell is neither empty nor one of the words of Not.
type FirstOf struct {
	Columns []string `json:"columns" yaml:"columns,flow"`
	Not     []string `json:"not,omitzero" yaml:"not,omitempty,flow"` // case doesn't count
}

// Generic is the rules of a sheet that no preset knows. They are zero unless its columns say more: a row whose label was
// voided is no parcel, whatever wrote the sheet.
func Generic(header []string) Rules {
	there := index(header)
	var rules Rules
	for _, name := range []string{"Voided", "Voided (Y/N)", "Voided?"} {
		if _, ok := there[sheet.Normal(name)]; ok {
			rules.Skip = append(rules.Skip, SkipRule{Column: name, Values: []string{"Y", "Yes", "True", "1"}, Why: "the label was voided"})
			break
		}
	}
	return rules
}

// Reader applies rules to the rows of one file. It remembers what rows inherit, and so must see each row once, in the
// order of the file; it holds one value for each column that is carried.
type Reader struct {
	carry  carrier
	firsts []firstOf
	skips  []skip
	values map[string]map[string]string // by field and normalised word
	fills  []sheet.Fill
}

// Reader makes a reader of the rows below a header. Rules about columns that the header lacks do nothing.
func (r Rules) Reader(header []string) *Reader {
	there := index(header)
	reader := &Reader{values: normalValues(r.Values)}
	reader.carry.set(r.Carry, there)
	for _, field := range sortedKeys(r.FirstOf) {
		if first := r.FirstOf[field]; len(places(first.Columns, there)) > 0 {
			reader.firsts = append(reader.firsts, firstOf{places(first.Columns, there), first.Not})
		}
	}
	for _, rule := range r.Skip {
		if i, ok := there[sheet.Normal(rule.Column)]; ok {
			reader.skips = append(reader.skips, skip{rule, i})
		}
	}
	return reader
}

// Row says what a row gets beside its own cells, and why it is no parcel; skip is empty if it is one. The cells stay as
// they are; the fills are the reader's own until the next call.
func (r *Reader) Row(cells []string) (filled []sheet.Fill, skip string) {
	r.fills = r.carry.row(cells, r.fills[:0])
	for _, f := range r.firsts {
		r.fills = f.row(cells, r.fills)
	}
	for _, s := range r.skips {
		if s.fits(valueAt(cells, r.fills, s.column)) {
			return r.fills, s.Why
		}
	}
	return r.fills, ""
}

// Value translates a word of the file for a field, where the preset knows it; any other stays as it is.
func (r *Reader) Value(field, cell string) string {
	words := r.values[field]
	if words == nil {
		return cell
	}
	if value, ok := words[sheet.Normal(cell)]; ok {
		return value
	}
	return cell
}

// carrier remembers what continuation rows inherit.
type carrier struct {
	key     int // column, -1 for none
	columns []int
	own     bool // the key itself is inherited
	now     []byte
	last    [][]byte
}

func (c *carrier) set(rule *Carry, there map[string]int) {
	c.key = -1
	if rule == nil {
		return
	}
	key, ok := there[sheet.Normal(rule.Key)]
	if !ok {
		return
	}
	c.key, c.columns = key, places(rule.Columns, there)
	c.own, c.last = slices.Contains(c.columns, key), make([][]byte, len(c.columns))
}

// row fills the empty cells of a row from those above, and remembers the others.
func (c *carrier) row(cells []string, fills []sheet.Fill) []sheet.Fill {
	if c.key < 0 {
		return fills
	}
	key := cellAt(cells, c.key)
	switch {
	case key == "" && !c.own:
		c.forget("")
		return fills
	case key != "" && key != string(c.now):
		c.forget(key)
	}
	for i, column := range c.columns {
		cell := cellAt(cells, column)
		if cell != "" {
			c.last[i] = append(c.last[i][:0], cell...)
		} else if len(c.last[i]) > 0 {
			fills = append(fills, sheet.Fill{Column: column, Value: string(c.last[i])})
		}
	}
	return fills
}

func (c *carrier) forget(key string) {
	c.now = append(c.now[:0], key...)
	for i := range c.last {
		c.last[i] = c.last[i][:0]
	}
}

// firstOf is a field's columns, the preferred first.
type firstOf struct {
	columns []int
	not     []string
}

// row fills the first column if its own cell says nothing.
func (f firstOf) row(cells []string, fills []sheet.Fill) []sheet.Fill {
	into := f.columns[0]
	own := valueAt(cells, fills, into)
	if own != "" && !oneOf(own, f.not) {
		return fills
	}
	for _, column := range f.columns[1:] {
		if value := valueAt(cells, fills, column); value != "" && !oneOf(value, f.not) {
			return append(fills, sheet.Fill{Column: into, Value: value})
		}
	}
	if own != "" {
		return append(fills, sheet.Fill{Column: into})
	}
	return fills
}

// skip is a rule and its column's place.
type skip struct {
	SkipRule
	column int
}

func (s skip) fits(cell string) bool {
	switch {
	case s.Blank:
		return cell == ""
	case len(s.Except) > 0:
		return cell != "" && !oneOf(cell, s.Except)
	case len(s.Contains) > 0:
		return slices.ContainsFunc(s.Contains, func(part string) bool { return strings.Contains(cell, part) })
	}
	return oneOf(cell, s.Values)
}

// valueAt is a row's value in a column, a filled one before its own.
func valueAt(cells []string, fills []sheet.Fill, column int) string {
	for i := len(fills) - 1; i >= 0; i-- {
		if fills[i].Column == column {
			return fills[i].Value
		}
	}
	return cellAt(cells, column)
}

// cellAt is a cell without the white space and the zero-width characters around it, empty beyond the row's end.
func cellAt(cells []string, column int) string {
	if column >= len(cells) {
		return ""
	}
	return strings.TrimFunc(cells[column], unseen)
}

func unseen(r rune) bool {
	return unicode.IsSpace(r) || r == '\u200B' || r == '\u200C' || r == '\u200D' || r == '\u2060' || r == '\uFEFF'
}

func oneOf(cell string, words []string) bool {
	return slices.ContainsFunc(words, func(word string) bool { return strings.EqualFold(word, cell) })
}

// places finds the columns that are there, in the order of their names.
func places(columns []string, there map[string]int) []int {
	var found []int
	for _, name := range columns {
		if i, ok := there[sheet.Normal(name)]; ok && !slices.Contains(found, i) {
			found = append(found, i)
		}
	}
	return found
}

func normalValues(values map[string]map[string]string) map[string]map[string]string {
	normal := make(map[string]map[string]string, len(values))
	for field, words := range values {
		normal[field] = make(map[string]string, len(words))
		for word, value := range words {
			normal[field][sheet.Normal(word)] = value
		}
	}
	return normal
}
