package report

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"aftership-bulk/batch"
	"aftership-bulk/sheet"
)

// table writes rows as a sheet.
type table struct {
	out    output
	guard  func(string) string
	echo   []int // the input's columns that are given back
	broken int   // the input's column of broken lines, where it is a report; -1 if there is none
	width  int   // of the input
	fill   bool  // cells that are empty show what the row inherits
	line   []string
	clock  clock
}

// newTable begins a table with its header. Columns of an earlier report are not given back.
func newTable(w io.Writer, info Info, o Options) (*table, error) {
	t := &table{guard: guardOf(o), broken: -1, width: len(info.Header), fill: o.OnlyFailed}
	for i, name := range info.Header {
		switch {
		case sheet.Names(name, sheet.ColumnBroken):
			t.broken = i
		case !sheet.IsReportColumn(name):
			t.echo = append(t.echo, i)
			t.line = append(t.line, t.guard(name))
		}
	}
	t.line = append(t.line, Columns...)
	var err error
	t.out, err = newOutput(w, t.line, info, o)
	return t, err
}

// guardOf says how cells are guarded.
func guardOf(o Options) func(string) string {
	switch {
	case o.Format == XLSX:
		return sheet.GuardNothing
	case o.Guard == GuardOff:
		return sheet.Guard
	}
	return sheet.GuardNumbers
}

// write writes one row: its cells, then what happened to it.
func (t *table) write(r row) error {
	entry := r[0].Entry
	t.line = t.line[:0]
	for _, i := range t.echo {
		t.line = append(t.line, t.guard(t.cell(entry, i)))
	}
	told := tell(r)
	t.line = append(t.line, strconv.Itoa(entry.Line), string(r.outcome()), told.code, t.own(told.message), t.own(told.hint),
		t.own(told.id), t.own(told.slug), strconv.Itoa(told.attempts), t.clock.format(told.at), t.guard(t.brokenLine(r)))
	if err := t.out.write(t.line, tintOf(r.outcome())); err != nil {
		return fmt.Errorf("line %d: %w", entry.Line, err)
	}
	return nil
}

// cell is a cell of the row as it was. Among the failed rows alone, the rows above from which one inherits may be missing,
// so there an empty cell holds what it inherits.
func (t *table) cell(entry batch.Entry, i int) string {
	if own := cellAt(entry.Cells, i); own != "" || !t.fill {
		return own
	}
	for _, f := range entry.Filled {
		if f.Column == i {
			return f.Value
		}
	}
	return ""
}

func cellAt(cells []string, i int) string {
	if i < len(cells) {
		return cells[i]
	}
	return ""
}

// brokenLine is the line of a row that could not be split into cells; the reader puts it behind the cells, which are empty. A report
// fed back tells what the earlier one told, as long as the row fails.
func (t *table) brokenLine(r row) string {
	cells := r[0].Entry.Cells
	switch {
	case len(cells) > t.width:
		return cells[t.width]
	case t.broken >= 0 && t.broken < len(cells) && r.failed():
		return cells[t.broken]
	}
	return ""
}

func (t *table) finish() error { return t.out.finish() }

// close removes what is left of a table, finished or not.
func (t *table) close() { t.out.close() }

// told is what a row's jobs have to say, as cells.
type told struct {
	code, message, hint, id, slug string
	attempts                      int
	at                            time.Time
}

// tell gathers the results of a row's jobs, the worst first.
func tell(r row) told {
	if len(r) > 1 {
		r = slices.Clone(r)
		slices.SortStableFunc(r, func(a, b batch.Item) int { return weight(a.Result.Outcome) - weight(b.Result.Outcome) })
	}
	var t told
	for _, item := range r {
		t.attempts += item.Result.Attempts
		if item.Result.At.After(t.at) {
			t.at = item.Result.At
		}
	}
	t.code = join(r, func(res *batch.Result) string { return code(res.Code) })
	t.message = join(r, func(res *batch.Result) string { return res.Message })
	t.hint = join(r, func(res *batch.Result) string { return res.Hint })
	t.id = join(r, func(res *batch.Result) string { return res.TrackingID })
	t.slug = join(r, func(res *batch.Result) string { return res.Slug })
	return t
}

// join puts what the jobs say in one cell, equal and empty texts left out.
func join(r row, text func(*batch.Result) string) string {
	if len(r) == 1 {
		return text(&r[0].Result)
	}
	var texts []string
	for i := range r {
		if s := text(&r[i].Result); s != "" && !slices.Contains(texts, s) {
			texts = append(texts, s)
		}
	}
	return strings.Join(texts, "; ")
}

func code(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// ownBytes is how long a text of ours may be: it has to fit a spreadsheet's cell.
const ownBytes = 30_000

// own makes a cell of a text that came from elsewhere: one line, of limited length, guarded.
func (t *table) own(text string) string {
	if strings.ContainsFunc(text, unprintable) {
		text = strings.Map(func(r rune) rune {
			if unprintable(r) {
				return ' '
			}
			return r
		}, text)
	}
	if len(text) > ownBytes {
		text = strings.ToValidUTF8(text[:ownBytes], "") + "…"
	}
	return t.guard(text)
}

// unprintable says that a character has no place in a line of text.
func unprintable(r rune) bool {
	return unicode.IsControl(r) || r == unicode.ReplacementChar || r == 0xFFFE || r == 0xFFFF
}

// clock writes times, of which many rows in a row have the same.
type clock struct {
	last time.Time
	text string
}

func (c *clock) format(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	if !at.Equal(c.last) {
		c.last, c.text = at, at.UTC().Format(time.RFC3339)
	}
	return c.text
}
