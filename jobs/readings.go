package jobs

import (
	"context"
	"runtime"

	"github.com/cespare/xxhash/v2"
	"golang.org/x/sync/errgroup"

	"aftership-bulk/batch"
	"aftership-bulk/carrier"
	"aftership-bulk/sheet"
)

// blockRows is how many rows a processor reads at a time.
const blockRows = 256

// block is a run of rows on its way through pass one.
type block struct {
	rows     []line
	readings []reading
	done     chan struct{} // closed when the readings are there
}

func newBlock() *block { return &block{done: make(chan struct{})} }

// readings reads and checks the rows of a sheet on all processors, and hands out
// what they say in the order of the file.
func (s *Survey) readings(ctx context.Context, sh *sheet.Sheet, each func(reading)) error {
	workers := runtime.GOMAXPROCS(0)
	work, ordered := make(chan *block), make(chan *block, 2*workers)
	var group errgroup.Group
	group.Go(func() error {
		defer close(ordered)
		defer close(work)
		return s.cut(ctx, sh, func(b *block) {
			work <- b // first, so that every block in order is sure to be read
			ordered <- b
		})
	})
	for range workers {
		group.Go(func() error {
			s.readBlocks(work)
			return nil
		})
	}
	for b := range ordered {
		<-b.done
		for _, r := range b.readings {
			each(r)
		}
	}
	return group.Wait()
}

// cut cuts the sheet into blocks.
func (s *Survey) cut(ctx context.Context, sh *sheet.Sheet, put func(*block)) error {
	b := newBlock()
	for row, err := range s.Plan.lines(sh) {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			return err
		}
		b.rows = append(b.rows, row)
		if len(b.rows) == blockRows {
			put(b)
			b = newBlock()
		}
	}
	put(b)
	return nil
}

func (s *Survey) readBlocks(work <-chan *block) {
	read := s.newReader()
	for b := range work {
		b.readings = make([]reading, len(b.rows))
		for i, row := range b.rows {
			b.readings[i] = s.read(read, row)
		}
		close(b.done)
	}
}

// reading is what a row says by itself, before it is held against the others.
type reading struct {
	line int
	part          // the row's only job, or its first
	more []part   // its other jobs
	said *remarks // nil for most
}

// part is what one job of a row says.
type part struct {
	fate     fate
	changed  bool
	shipment uint64 // hash of which shipment it is about
	content  gist
}

// remarks are what there is to tell about a row.
type remarks struct{ problems, repairs, doubts []Problem }

// read reads and checks one row.
func (s *Survey) read(read *reader, l line) reading {
	got := reading{line: l.Line}
	switch {
	case l.Skip != "":
		got.fate = noData
	case !s.selected(l.Index):
		got.fate = notSelected
	case l.err != nil:
		got.fate = broken
		res := brokenLine(l.err)
		got.say(&Row{}, []Problem{{Column: "line", Wrong: res.Message, Remedy: res.Hint}})
	default:
		s.readRow(read, l, &got)
	}
	return got
}

func (s *Survey) readRow(read *reader, l line, got *reading) {
	row, err := s.row(read, l)
	switch {
	case err != nil:
		got.fate = wrong
		got.say(&row, []Problem{unreadable(err)})
	case row.Skip:
		got.fate = saysSkip
	case settledBefore(&row):
		got.fate = doneBefore
	case row.jobs() == 1:
		got.part = s.part(&row, got)
	default:
		got.more = make([]part, row.jobs()-1)
		for i := range row.jobs() {
			each := row.part(i)
			if i == 0 {
				got.part = s.part(&each, got)
			} else {
				got.more[i-1] = s.part(&each, got)
			}
		}
	}
}

// row reads a row, and holds the cells against it that the sheet's reader does
// not trust.
func (s *Survey) row(read *reader, l line) (Row, error) {
	row, err := read.read(l.Cells, l.filled)
	for _, flaw := range l.Flaws {
		read.flaw(&row, l, flaw)
	}
	return row, err
}

// unreadable is the problem of a row that cannot be decoded.
func unreadable(err error) Problem {
	return Problem{Column: "this row", Wrong: err.Error(), Remedy: "mend the cell"}
}

// part judges one job of a row by itself.
func (s *Survey) part(row *Row, got *reading) part {
	if problems := s.check(row); len(problems) > 0 {
		got.say(row, problems)
		return part{fate: wrong}
	}
	if len(row.Repairs)+len(row.Doubts) > 0 {
		got.say(row, nil)
	}
	return part{
		fate: send, changed: row.changed || len(row.Doubts) > 0,
		shipment: xxhash.Sum64String(row.shipmentKey(row.Op)), content: s.content(row),
	}
}

// check finds the problems of a row, those of its courier's demands included.
func (s *Survey) check(row *Row) []Problem {
	problems := check(row.Op, s.Plan.Version, s.rules[row.Op].checked, row)
	if !Creates(row.Op) || row.Slug == "" {
		return problems
	}
	required, usual := s.Plan.Required, s.Plan.Usual
	if row.Op == batch.Sync { // a tracking that is there needs none of it
		required, usual = nil, required
	}
	for _, column := range missing(required, row) {
		problems = append(problems, Problem{column, "", "is missing, and courier " + row.Slug + " needs it", "fill in " + carrier.EitherColumn(column)})
	}
	for _, column := range missing(usual, row) {
		row.Doubts = append(row.Doubts, Problem{column, "", "is missing, and courier " + row.Slug + " may need it", "fill in " + carrier.EitherColumn(column)})
	}
	return problems
}

func missing(required map[string][]string, row *Row) []string {
	columns := required[row.Slug]
	if len(columns) == 0 {
		return nil
	}
	return carrier.Missing(columns, func(column string) bool { return row.Value(column) != "" })
}

// say keeps what there is to tell about a job. Doubts are told of what is sent only:
// who mends a row looks at it anyway.
func (r *reading) say(row *Row, problems []Problem) {
	if r.said == nil {
		r.said = &remarks{}
	}
	r.said.problems = append(r.said.problems, problems...)
	if len(problems) == 0 {
		r.said.doubts = append(r.said.doubts, row.Doubts...)
	}
	for _, repair := range row.Repairs {
		r.said.repairs = append(r.said.repairs, Problem{Column: repair.Column, Value: repair.Was, Wrong: repair.Why, Remedy: repair.Now})
	}
}
