package jobs

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/cespare/xxhash/v2"

	"aftership-bulk/batch"
	"aftership-bulk/report"
	"aftership-bulk/sheet"
)

// Settled is a job of a row together with the result that it has without a call,
// if any.
type Settled struct {
	Row    sheet.Row
	Part   int           // counts the jobs of the row from 0
	Filled []batch.Fill  // the values that stand in no cell of the row
	Result *batch.Result // nil for a job that becomes a call
}

// entry is the job as the ledger keeps it. Its cells are those of the row.
func (s Settled) entry() batch.Entry {
	return batch.Entry{Row: s.Row.Index, Line: s.Row.Line, Part: s.Part, Cells: s.Row.Cells, Filled: s.Filled}
}

// settler is pass two: it reads the rows again and writes down the results of
// those that need no call.
type settler struct {
	*Survey
	read  *reader
	line  line
	kept  map[uint32]Row // rows of jobs that a later row differs from, to name the columns
	lines map[uint32]int // and the lines of rows that are repeated
	// opened holds the line of the first row of each shipment that rows contradict
	// each other about; pass one keeps only those of the later ones.
	opened map[uint64]int
}

// keptRows bounds the rows that pass two holds to name differing columns.
const keptRows = 100_000

// Settle reads the sheet again and yields every job with its result, or without
// one if it becomes a call. The order is that of their numbers.
func (s *Survey) Settle(sh *sheet.Sheet) iter.Seq2[Settled, error] {
	return func(yield func(Settled, error) bool) {
		st := &settler{Survey: s, read: s.newReader(), kept: map[uint32]Row{}, lines: map[uint32]int{}, opened: map[uint64]int{}}
		row, job := 0, 0
		for l, err := range s.Plan.lines(sh) {
			n := s.jobsOf(row)
			if err == nil && job+n > len(s.fates) {
				err = errChanged
			}
			if err != nil {
				yield(Settled{}, err)
				return
			}
			st.line = l
			for part := range n {
				if !yield(Settled{l.Row, part, l.filled, st.result(uint32(job), part)}, nil) {
					return
				}
				job++
			}
			row++
		}
		if job != len(s.fates) {
			yield(Settled{}, errChanged)
		}
	}
}

var errChanged = errors.New("the file changed while it was read; nothing more was sent. Run the command again on a file that stays still")

// result is what a job of the current line has without a call.
func (st *settler) result(job uint32, part int) *batch.Result {
	st.keep(job, part)
	switch st.fates[job] {
	case broken:
		return brokenLine(st.line.err)
	case wrong:
		return st.problems(part)
	case repeats:
		return st.repeated(job, part)
	case contradicts, crosses:
		return st.contradiction(st.fates[job], part)
	case doneBefore:
		return st.before()
	case notSelected:
		return &batch.Result{Outcome: batch.Skipped, Message: "left out by --skip, --limit or --sample"}
	case saysSkip:
		return &batch.Result{Outcome: batch.Skipped, Message: "its operation is skip"}
	case noData:
		return &batch.Result{Outcome: batch.Skipped, Message: noDataText + st.line.Skip}
	}
	return nil
}

// part reads a job's row.
func (st *settler) part(part int) (Row, error) {
	row, err := st.row(st.read, st.line)
	if err != nil {
		return row, err
	}
	return row.part(part), nil
}

// keep remembers the rows that later ones will be compared with.
func (st *settler) keep(job uint32, part int) {
	if !st.firstWith[job] || len(st.kept) >= keptRows {
		return
	}
	if r, err := st.part(part); err == nil {
		st.kept[job] = r
		st.lines[job] = st.line.Line
	}
}

func brokenLine(err error) *batch.Result {
	res := &batch.Result{Outcome: batch.Invalid, Message: "the line cannot be read", Hint: "mend the line"}
	if le, ok := errors.AsType[*sheet.LineError](err); ok {
		res.Message, res.Hint = le.Problem, le.Hint
	}
	return res
}

// noDataText begins what is said of a row that is no data, and tells it when a
// report is given back.
const noDataText = "no data: "

// before repeats what an earlier report says of a row that is left alone.
func (st *settler) before() *batch.Result {
	r, _ := st.part(0) // it was read in pass one
	if batch.Outcome(r.Result) == batch.Duplicate {
		return &batch.Result{Outcome: batch.Duplicate, Message: "a duplicate in an earlier run, as this report says"}
	}
	if strings.HasPrefix(r.ResultSaid, noDataText) {
		return &batch.Result{Outcome: batch.Skipped, Message: r.ResultSaid}
	}
	code, _ := strconv.Atoi(r.ResultCode)
	return &batch.Result{Outcome: batch.Skipped, Code: code, TrackingID: r.ResultID, Slug: r.ResultSlug, Message: "done in an earlier run, as this report says"}
}

func (st *settler) problems(part int) *batch.Result {
	r, err := st.part(part)
	if err != nil {
		return invalid([]Problem{unreadable(err)})
	}
	return invalid(st.check(&r))
}

// invalid is the result of a row with problems: all of them at once.
func invalid(problems []Problem) *batch.Result {
	var said, remedies []string
	for _, p := range problems {
		said = append(said, p.String())
		if !slices.Contains(remedies, p.Remedy) {
			remedies = append(remedies, p.Remedy)
		}
	}
	return &batch.Result{Outcome: batch.Invalid, Message: strings.Join(said, "; "), Hint: strings.Join(remedies, "; ")}
}

// repeated is the result of a row whose shipment another row sends.
func (st *settler) repeated(job uint32, part int) *batch.Result {
	r, err := st.part(part)
	if err != nil {
		return invalid([]Problem{unreadable(err)})
	}
	sent := st.shipments[xxhash.Sum64String(r.shipmentKey(r.Op))]
	res := &batch.Result{Outcome: batch.Duplicate, DuplicateOf: int(sent.job) + 1}
	switch {
	case sent.job > job:
		res.Message = "a later row of the same shipment is sent instead"
	case sent.content == st.content(&r) && int(job-sent.job) <= part:
		res.Message = "the same as an earlier number of this row"
	case sent.content == st.content(&r):
		res.Message = "the same as an earlier row"
	default:
		res.Message = st.differing(sent.job, &r)
		res.Hint = "keep one row for the shipment; to change it later, use `enqueue update`"
	}
	return res
}

// differing names the columns in which a row differs from the one that is sent.
func (st *settler) differing(first uint32, r *Row) string {
	kept, ok := st.kept[first]
	if !ok {
		return "the same shipment as an earlier row, with other values"
	}
	var names []string
	for _, name := range st.rules[r.Op].columns {
		if st.value(&kept, name) != st.value(r, name) {
			names = append(names, name)
		}
	}
	return fmt.Sprintf("the same shipment as line %d, with another %s", st.lines[first], strings.Join(names, ", "))
}

func (st *settler) contradiction(f fate, part int) *batch.Result {
	r, err := st.part(part)
	if err != nil {
		return invalid([]Problem{unreadable(err)})
	}
	key, line := xxhash.Sum64String(r.shipmentKey(r.Op)), st.line.Line
	first, seen := st.opened[key]
	if !seen {
		first, st.opened[key] = line, line
	}
	lines := append([]int{first}, st.conflicts[key]...)
	lines = slices.DeleteFunc(lines, func(l int) bool { return l == line })
	differing := "values"
	if f == crosses {
		differing = "operations"
	}
	return &batch.Result{
		Outcome: batch.Invalid,
		Message: fmt.Sprintf("several rows of this shipment want different %s (also line %s)", differing, joinInts(lines)),
		Hint:    st.conflictRemedy(f),
	}
}

func joinInts(ns []int) string {
	var b strings.Builder
	for i, n := range ns {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprint(&b, n)
	}
	return b.String()
}

// Rehearsal is the batch that a dry run would be: the counts of what is settled
// without a call, and the rest pending.
func (s *Survey) Rehearsal(sh *sheet.Sheet, account string) batch.Batch {
	counts := map[batch.Outcome]int{}
	for outcome, n := range map[batch.Outcome]int{
		batch.Invalid:   s.Invalid(),
		batch.Duplicate: s.count(repeats),
		batch.Skipped:   s.Skipped(),
	} {
		if n > 0 {
			counts[outcome] = n
		}
	}
	spec := batch.Spec{Operation: s.Plan.Operation, Account: account, Source: sh.Name}
	report.Describe(&spec, sh)
	return batch.Batch{
		ID: "dry-run", State: batch.Finished, Rows: s.Rows, Total: s.Jobs(), Done: s.Jobs() - s.Send(), Counts: counts, Spec: spec,
	}
}

// firstRound is the round of every job that was never opened again.
const firstRound = 1

// items yields the jobs as a report shows them; those that become calls are pending.
func (s *Survey) items(sh *sheet.Sheet) iter.Seq2[batch.Item, error] {
	return func(yield func(batch.Item, error) bool) {
		job := 0
		for settled, err := range s.Settle(sh) {
			if err != nil {
				yield(batch.Item{}, err)
				return
			}
			item := batch.Item{Job: job, Round: firstRound, Entry: settled.entry()}
			item.Result = batch.Result{Outcome: batch.Pending}
			if settled.Result != nil {
				item.Result = *settled.Result
			}
			if !yield(item, nil) {
				return
			}
			job++
		}
	}
}
