package jobs

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"aftership-bulk/aftership"
	"aftership-bulk/batch"
	"aftership-bulk/sheet"
	"aftership-bulk/sheet/preset"
	"aftership-bulk/value"
)

// Repair is something that was read otherwise than it stands in the sheet,
// because what it must mean is certain. Without a Why nothing was wrong: AfterShip
// only wants it written so.
type Repair struct {
	Column string
	value.Note
}

// String tells the repair in a few words.
func (r Repair) String() string {
	return r.Column + " " + shorten(r.Was) + " read as " + shorten(r.Now)
}

// reader turns the cells of a sheet into rows. Pass one, the handlers and the
// look-ups all read with it, so that what was checked is what is sent. It is not
// safe for concurrent use.
type reader struct {
	op       batch.Operation // of rows that name none
	version  aftership.Version
	mapping  sheet.Mapping
	opts     options
	hints    map[string]CarrierHint // of pass one
	words    *preset.Reader         // what the words of an export mean
	columns  []column               // of the current row's operation
	sets     map[batch.Operation][]column
	opAt     int // the columns that tell a row's operation; negative for none
	reasonAt int
	decode   *sheet.Decoder[Row]
	cells    []string // of the current row, cleaned
	found    findings // about the current row
	dates    value.Form
	zone     *time.Location // of times that do not say theirs; nil is none

	countries map[string]string // of the current row, by their fields
}

// column is a column of the sheet that holds a field.
type column struct {
	aftership.Field
	at    int
	field string // the field's name, with that of the custom field
	sent  bool   // the operation's calls depend on it
	clean cleaner
}

func newReader(op batch.Operation, v aftership.Version, m sheet.Mapping, o options) *reader {
	r := &reader{op: op, version: v, mapping: m, opts: o, decode: sheet.NewDecoder[Row](m), countries: map[string]string{}, sets: map[batch.Operation][]column{}}
	if len(o.Rules.Values) > 0 {
		r.words = o.Rules.Reader(nil)
	}
	r.dates, _ = value.ParseForm(o.dates()) // pass one was refused if it cannot be read
	r.zone = zoneOf(o.Zone)
	r.opAt, r.reasonAt = slices.Index(m.Fields, operationColumn), slices.Index(m.Fields, "reason")
	r.columns = r.columnsOf(op)
	return r
}

// columnsOf lists the columns as an operation reads them.
func (r *reader) columnsOf(op batch.Operation) []column {
	if set, ok := r.sets[op]; ok {
		return set
	}
	var set []column
	for i, field := range r.mapping.Fields {
		if field == "" || field == operationColumn {
			continue
		}
		c := column{at: i, field: field, sent: accepts(r.version, op, field)}
		c.Field, _ = aftership.LookupField(field)
		if c.sent {
			c.clean = cleanerOf(c.Field)
		}
		set = append(set, c)
	}
	// Phones and postal codes are read by their countries.
	slices.SortStableFunc(set, func(a, b column) int { return rank(a) - rank(b) })
	r.sets[op] = set
	return set
}

func rank(c column) int {
	if c.Kind == aftership.KindCountry {
		return 0
	}
	return 1
}

// read reads the cells of one row and the values that stand in none of them,
// cleans them and fills in the defaults.
func (r *reader) read(cells []string, filled []batch.Fill) (Row, error) {
	r.cells, r.found = append(r.cells[:0], cells...), findings{}
	clear(r.countries)
	r.fillIn(filled)
	op, skip, unknown := r.operation()
	r.columns = r.columnsOf(op)
	for i := range r.columns {
		if c := &r.columns[i]; c.at < len(r.cells) && r.cells[c.at] != "" {
			r.cell(c)
		}
	}
	row, rest, err := r.decode.Decode(r.cells)
	if err != nil {
		return row, err
	}
	for column, cell := range rest {
		if _, ok := aftership.CustomField(column); ok {
			row.Set(column, cell)
		}
	}
	row.Result = strings.ToLower(row.Result)
	row.Op, row.Skip, row.findings, row.Clear = op, skip, r.found, r.found.cleared
	if unknown != nil {
		row.Problems = append(row.Problems, *unknown)
	}
	r.defaults(&row)
	r.one(&row)
	r.markedOnly(&row)
	return row, nil
}

// one keeps a row with several numbers from becoming several jobs where an id says
// which tracking is meant.
func (r *reader) one(row *Row) {
	if len(row.pieces) == 0 || row.ID == "" {
		return
	}
	if Creates(row.Op) {
		row.Problems = append(row.Problems, Problem{"id", row.ID, "stands beside several tracking numbers, and can be the id of one only", "give each number a row of its own"})
	}
	row.pieces = nil
}

// fillIn puts the values that stand in no cell of the row into theirs.
func (r *reader) fillIn(filled []batch.Fill) {
	for _, f := range filled {
		if f.Column >= 0 && f.Column < len(r.cells) {
			r.cells[f.Column], r.found.changed = f.Value, true
		}
	}
}

// cell cleans one cell of the current row.
func (r *reader) cell(c *column) {
	text := sheet.Unguard(trim(r.cells[c.at]))
	if text == "" {
		return
	}
	if text[0] == clearCell[0] && strings.EqualFold(trim(text), clearCell) {
		r.found.cleared = append(r.found.cleared, c.field)
		r.cells[c.at] = ""
		return
	}
	if c.clean == nil {
		return
	}
	if err := value.Failed(text); err != nil {
		r.found.Problems = append(r.found.Problems, refusal(c, text, err))
		return
	}
	word := text
	if r.words != nil {
		word = r.words.Value(c.field, text)
	}
	clean, err := c.clean(r, c, word)
	if err != nil {
		r.found.Problems = append(r.found.Problems, refusal(c, text, err))
		return
	}
	if clean.Value != text {
		r.cells[c.at] = sheet.Guard(clean.Value) // the decoder takes the guard off again
		if before := c.unrepaired(text); clean.Value != before {
			r.found.changed = true
			if leftOut := clean.Value == "" && len(clean.Warnings) > 0; len(clean.Notes) == 0 && !leftOut {
				clean.Notes = []value.Note{r.rewritten(text, clean.Value)}
			}
		}
	}
	r.note(c, text, clean)
}

// rewritten tells that a cell is sent otherwise than it stands there, though nothing was wrong with it.
func (r *reader) rewritten(text, now string) value.Note {
	if len(r.found.pieces) == 0 || now != r.found.pieces[0].number {
		return value.Note{Was: text, Now: now}
	}
	var numbers []string
	for _, p := range r.found.pieces {
		numbers = append(numbers, p.number)
	}
	return value.Note{Was: text, Now: strings.Join(numbers, " | "), Why: "the cell holds several numbers; each is a shipment of its own"}
}

// unrepaired is what a program that knows no repairs reads.
func (c *column) unrepaired(text string) string {
	switch {
	case c.Kind == aftership.KindCountry || c.field == "reason":
		return strings.ToUpper(text)
	case c.List:
		return aftership.ParseList(text).String()
	}
	return text
}

// flaw holds a cell that the sheet's reader does not trust against the row, if its
// column is sent.
func (r *reader) flaw(row *Row, l line, f sheet.Flaw) {
	i := slices.IndexFunc(r.columns, func(c column) bool { return c.at == f.Column-1 })
	p := Problem{Column: fmt.Sprintf("column %d", f.Column), Wrong: f.Problem, Remedy: f.Hint}
	if f.Column > 0 && f.Column <= len(l.Cells) {
		p.Value = l.Cells[f.Column-1]
	}
	if i < 0 || !r.columns[i].sent {
		row.Doubts = append(row.Doubts, p)
		return
	}
	p.Column = r.columns[i].field
	row.Problems = slices.DeleteFunc(row.Problems, func(q Problem) bool { return q.Column == p.Column })
	row.Problems = append(row.Problems, p)
}

// refusal is the problem of a cell that cannot be sent.
func refusal(c *column, text string, err error) Problem {
	p := Problem{Column: c.field, Value: text, Wrong: err.Error(), Remedy: "mend the cell"}
	switch e := err.(type) {
	case *value.Damage:
		p.Value, p.Remedy = cmp.Or(e.Value, text), e.Remedy
	case *value.Unclear:
		p.Value, p.Remedy = cmp.Or(e.Value, text), e.Remedy
	case *noCourier:
		p.Remedy = e.Remedy
	}
	return p
}

// doubt is a warning about a cell that is sent.
func doubt(c *column, text, warning string) Problem {
	p := Problem{Column: c.field, Value: text, Wrong: warning, Remedy: "compare it with its source"}
	if warning == noOffset {
		p.Remedy = "--time-zone settles it, as --time-zone Europe/Berlin"
	}
	return p
}

// note keeps what was repaired in a cell, and what is doubtful about it.
func (r *reader) note(c *column, text string, clean value.Cleaned) {
	for _, n := range clean.Notes {
		r.found.Repairs = append(r.found.Repairs, Repair{c.field, n})
	}
	for _, w := range clean.Warnings {
		r.found.Doubts = append(r.found.Doubts, doubt(c, cmp.Or(clean.Value, text), w))
	}
}

// trim takes off the white space that spreadsheets and people leave around a
// value.
func trim(s string) string {
	if s == "" || visible(s[0]) && visible(s[len(s)-1]) {
		return s
	}
	return strings.TrimFunc(s, func(r rune) bool { return unicode.IsSpace(r) || r == '\u200b' || r == '\ufeff' })
}

func visible(c byte) bool { return c > ' ' && c < utf8.RuneSelf }

// defaults fills in what the row does not say.
func (r *reader) defaults(row *Row) {
	d := &r.opts.Defaults
	if row.Slug == "" && row.SlugGroup == "" && row.ID == "" || Creates(row.Op) && row.Slug == "" && row.SlugGroup == "" {
		row.Slug = d.Slug
	}
	if row.Reason == "" {
		row.Reason = d.Reason
	}
}
