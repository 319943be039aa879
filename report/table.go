package report

import (
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
	*sheet.Writer
	echo  []int    // the input's columns that are given back
	line  []string // the cells of the current row
	clock clock
}

// newTable begins a table with its header. Columns of an earlier report are not given back.
func newTable(w io.Writer, info Info, bom bool) (*table, error) {
	out, err := sheet.NewWriter(w, sheet.WriterOptions{Delimiter: info.Delimiter, BOM: bom || info.BOM})
	if err != nil {
		return nil, err
	}
	t := &table{Writer: out}
	for i, name := range info.Header {
		if !sheet.IsReportColumn(name) {
			t.echo = append(t.echo, i)
			t.line = append(t.line, sheet.Guard(name))
		}
	}
	t.line = append(t.line, Columns...)
	return t, t.Write(t.line)
}

// write writes one row: its cells, then what happened to it.
func (t *table) write(r row) error {
	entry := r[0].Entry
	t.line = t.line[:0]
	for _, i := range t.echo {
		cell := ""
		if i < len(entry.Cells) {
			cell = sheet.Guard(entry.Cells[i])
		}
		t.line = append(t.line, cell)
	}
	told := tell(r)
	t.line = append(t.line, strconv.Itoa(entry.Line), string(r.outcome()), told.code, own(told.message), own(told.hint),
		own(told.id), own(told.slug), strconv.Itoa(told.attempts), t.clock.format(told.at))
	return t.Write(t.line)
}

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
		slices.SortStableFunc(r, func(a, b batch.Item) int { return rank(a.Result.Outcome) - rank(b.Result.Outcome) })
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

// own makes a cell of a text that came from elsewhere: one line, of limited length, no formula.
func own(text string) string {
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
	return sheet.Guard(text)
}

func unprintable(r rune) bool { return unicode.IsControl(r) || r == unicode.ReplacementChar }

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
