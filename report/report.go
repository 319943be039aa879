package report

import (
	"context"
	"fmt"
	"io"
	"iter"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"aftership-bulk/batch"
	"aftership-bulk/sheet"
)

// Columns are the columns that a report adds to those of the input.
var Columns = sheet.ReportColumns

// Info says what the report's input looked like.
type Info struct {
	Header    []string
	Delimiter rune   // Defaults to a comma.
	BOM       bool   // it began with a byte order mark, and so does the report
	LineEnd   string // "\r\n" or "\n". Defaults to "\n".
}

// InfoOf says what the sheet of a batch looked like.
func InfoOf(b batch.Batch) Info {
	delimiter, _ := utf8.DecodeRuneInString(b.Delimiter)
	if b.Delimiter == "" {
		delimiter = 0
	}
	info := Info{Header: b.Header, Delimiter: delimiter, BOM: b.BOM}
	if b.LineEnd == crlf {
		info.LineEnd = "\r\n"
	}
	return info
}

// Describe notes in the spec of a batch what its sheet looked like, as far as its report looks like it: [InfoOf] reads it there. A
// sheet that was no UTF-8 text came from a program that would misread a report without a byte order mark, so that one has it.
func Describe(spec *batch.Spec, sh *sheet.Sheet) {
	spec.Header, spec.Delimiter = sh.Header, ""
	if sh.Delimiter > 0 {
		spec.Delimiter = string(sh.Delimiter)
	}
	utf8Text := sh.Format != "xlsx" && (sh.Encoding == "" || strings.EqualFold(sh.Encoding, "utf-8"))
	spec.BOM = sh.BOM || !utf8Text
	spec.LineEnd = ""
	if sh.LineEnd == crlf {
		spec.LineEnd = crlf
	}
}

// crlf is how package sheet calls line ends of Windows.
const crlf = "crlf"

// Format is the kind of file that a report is.
type Format string

// The formats.
const (
	CSV  Format = "csv"  // for people and programs
	XLSX Format = "xlsx" // a workbook whose cells are all text: for people who go on in a spreadsheet program
)

// Formats lists every format.
func Formats() []Format { return []Format{CSV, XLSX} }

// FormatOf says which format the name of a file asks for: CSV unless it ends in .xlsx.
func FormatOf(path string) Format {
	if strings.EqualFold(filepath.Ext(path), ".xlsx") {
		return XLSX
	}
	return CSV
}

// Guard says which cells of a CSV report get an apostrophe in front. Reading a report takes it off again. A workbook needs none.
type Guard string

// The guards.
const (
	// GuardAuto guards what a spreadsheet program would take for a formula, and what it would write anew when it saves the report:
	// numbers of twelve digits and more, leading zeros, what looks like a date. People need it who open reports in such a program.
	GuardAuto Guard = "auto"
	// GuardOff guards formulas alone. Programs that take numbers from reports need it; mind that a person who opens such a report
	// in Excel and saves it has damaged it.
	GuardOff Guard = "off"
)

// Guards lists every guard.
func Guards() []Guard { return []Guard{GuardAuto, GuardOff} }

// Options says what a report holds.
type Options struct {
	// OnlyFailed leaves out all rows but those that need a person: invalid, rejected, gave_up and cancelled ones. A
	// duplicate is not among them: it fares as its first row does, which is.
	OnlyFailed bool
	// BOM begins the file with a byte order mark. Old versions of Excel need it to see UTF-8, other programs stumble over it.
	BOM bool
	// Format is the kind of file. Defaults to what the file's name says, and to CSV where there is none.
	Format Format
	// Guard says which cells of a CSV report get an apostrophe in front. Defaults to GuardAuto.
	Guard Guard
	// TempDir is where a workbook is kept until it is whole. Defaults to the system's directory for temporary files.
	TempDir string
}

// Counts says what a report holds.
type Counts struct {
	Rows     int                   // of the input, also those that OnlyFailed left out
	Jobs     int                   // at least as many
	Failed   int                   // rows that need a person
	Outcomes map[batch.Outcome]int // rows by result; they add up to Rows
}

// Write writes the report of the items, which come in the order of their jobs. Also an unfinished batch has one: jobs
// without an outcome are pending.
func Write(ctx context.Context, w io.Writer, info Info, items iter.Seq2[batch.Item, error], o Options) (Counts, error) {
	out, err := newTable(w, info, o)
	if err != nil {
		return Counts{}, err
	}
	defer out.close()
	counts, err := each(ctx, items, func(r row) error {
		if o.OnlyFailed && !r.failed() {
			return nil
		}
		return out.write(r)
	})
	if err != nil {
		return counts, err
	}
	return counts, out.finish()
}

// each folds the items to rows, counts them and hands them on.
func each(ctx context.Context, items iter.Seq2[batch.Item, error], write func(row) error) (Counts, error) {
	counts := Counts{Outcomes: map[batch.Outcome]int{}}
	for r, err := range rows(items) {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return counts, fmt.Errorf("the report broke off after %d rows: %w", counts.Rows, err)
		}
		counts.add(r)
		if err := write(r); err != nil {
			return counts, err
		}
	}
	return counts, nil
}

func (c *Counts) add(r row) {
	c.Rows++
	c.Jobs += len(r)
	c.Outcomes[r.outcome()]++
	if r.failed() {
		c.Failed++
	}
}

// row is the jobs of one row, at least one, in their order. It is valid until the next one is made.
type row []batch.Item

// rows groups items by the row that they came from. It is an error if a row is missing or comes twice: a report that
// can't be whole must not look as if it were.
func rows(items iter.Seq2[batch.Item, error]) iter.Seq2[row, error] {
	return func(yield func(row, error) bool) {
		var current row
		for item, err := range items {
			if err == nil && !follows(current, item.Entry) {
				err = outOfOrder(current, item)
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if len(current) > 0 && current[0].Entry.Row != item.Entry.Row {
				if !yield(current, nil) {
					return
				}
				current = current[:0]
			}
			current = append(current, item)
		}
		if len(current) > 0 {
			yield(current, nil)
		}
	}
}

// follows says that an entry is the next one: the row's next part, or the next row's first.
func follows(current row, e batch.Entry) bool {
	if len(current) == 0 {
		return e.Row == 0 && e.Part == 0
	}
	last := current[len(current)-1].Entry
	if e.Row == last.Row {
		return e.Part == last.Part+1
	}
	return e.Row == last.Row+1 && e.Part == 0
}

func outOfOrder(current row, item batch.Item) error {
	after := "at the beginning"
	if len(current) > 0 {
		last := current[len(current)-1].Entry
		after = fmt.Sprintf("after row %d part %d", last.Row, last.Part)
	}
	return fmt.Errorf("the ledger holds row %d part %d (job %d) %s: rows are missing or out of order",
		item.Entry.Row, item.Entry.Part, item.Job, after)
}

// severity lists the outcomes, the worst first.
var severity = []batch.Outcome{
	batch.GaveUp, batch.Rejected, batch.Invalid, batch.CancelledJob, batch.Pending, batch.Skipped, batch.Duplicate,
	batch.Already, batch.Deleted, batch.Retracked, batch.Completed, batch.Updated, batch.Created,
}

// rank is an outcome's place in severity. One that is not listed is the worst, so that it is seen.
func rank(o batch.Outcome) int { return slices.Index(severity, o) }

// weight is an outcome's place among those of one row, the worst first. A number that stands in the row twice, or in another row too, was
// left alone: that says nothing about a row of which another number had a call.
func weight(o batch.Outcome) int {
	if o == batch.Duplicate || o == batch.Skipped {
		return len(severity) + rank(o)
	}
	return rank(o)
}

// outcome is the row's result: the worst of its jobs.
func (r row) outcome() batch.Outcome {
	worst := r[0].Result.Outcome
	for _, item := range r[1:] {
		if weight(item.Result.Outcome) < weight(worst) {
			worst = item.Result.Outcome
		}
	}
	return worst
}

func (r row) failed() bool { return r.outcome().Failed() }
