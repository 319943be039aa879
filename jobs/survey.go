package jobs

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/cespare/xxhash/v2"

	"aftership-bulk/aftership"
	"aftership-bulk/batch"
	"aftership-bulk/sheet"
)

// ConflictLast is the value of --on-conflict that lets the last of several rows
// of one shipment win.
const ConflictLast = "last"

// Plan is what is to be done with a sheet: everything that decides which calls
// its rows become.
type Plan struct {
	Operation batch.Operation
	Version   aftership.Version
	Mapping   sheet.Mapping
	Defaults  Defaults
}

// fate is what pass one decided about a row.
type fate byte

const (
	send        fate = iota // becomes a call
	broken                  // the line cannot be read
	wrong                   // the check found problems
	repeats                 // the same as an earlier row, or superseded by a later one
	contradicts             // one of several rows of a shipment that differ, of which none can be chosen
	doneBefore              // a report says that it was done
	notSelected             // --skip, --limit or --sample leave it out
)

// sighting is the row of a shipment that will be sent.
type sighting struct {
	row     uint32
	content uint32 // hash of what the row would send; short, since it is held against rows of the same shipment only
}

// Survey is what pass one found out about a sheet: the fate of every row. It
// holds a byte a row and a hash a shipment, never the rows themselves.
type Survey struct {
	Plan Plan
	Rows int

	fates     []fate
	shipments map[uint64]sighting
	conflicts map[uint64][]int // lines of the rows of a shipment that differ, the first few
	firstWith map[uint32]bool  // rows that another row differs from
	samples   map[int]bool
	columns   []string          // that change a row's call
	checked   []aftership.Field // that a row can hold something in
}

// Take reads the sheet once and decides the fate of every row. Nothing is sent,
// and nothing is written.
func Take(ctx context.Context, sh *sheet.Sheet, plan Plan) (*Survey, error) {
	s := &Survey{
		Plan: plan, shipments: map[uint64]sighting{}, conflicts: map[uint64][]int{}, firstWith: map[uint32]bool{},
		columns: sentColumns(plan), checked: checkedFields(plan),
	}
	if plan.Defaults.Sample > 0 {
		if err := s.choose(ctx, sh); err != nil {
			return nil, err
		}
	}
	if err := s.readings(ctx, sh, func(r reading) { s.fates = append(s.fates, s.judge(r)) }); err != nil {
		return nil, err
	}
	s.Rows = len(s.fates)
	return s, nil
}

func isLineError(err error) bool {
	_, ok := errors.AsType[*sheet.LineError](err)
	return ok
}

// choose picks the rows of --sample, evenly over the file, so that the same
// file has the same sample.
func (s *Survey) choose(ctx context.Context, sh *sheet.Sheet) error {
	total := 0
	for _, err := range sh.Rows() {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil && !isLineError(err) {
			return err
		}
		total++
	}
	n := min(s.Plan.Defaults.Sample, total)
	s.samples = make(map[int]bool, n)
	for i := range n {
		s.samples[i*total/n] = true
	}
	return nil
}

func (s *Survey) selected(i int) bool {
	d := s.Plan.Defaults
	switch {
	case i < d.Skip:
		return false
	case d.Limit > 0 && i >= d.Skip+d.Limit:
		return false
	case s.samples != nil:
		return s.samples[i]
	}
	return true
}

// reading is what a row says by itself, before it is held against the others.
type reading struct {
	line     int
	fate     fate
	shipment uint64 // hash of which shipment it is about
	content  uint32 // hash of what it would send
}

// read reads and checks one row.
func (s *Survey) read(read *reader, r sheet.Row, lineErr error) reading {
	got := reading{line: r.Line, fate: send}
	if !s.selected(r.Index) {
		got.fate = notSelected
		return got
	}
	if lineErr != nil {
		got.fate = broken
		return got
	}
	row, err := read.row(r.Cells)
	switch {
	case err != nil:
		got.fate = wrong
	case settledBefore(&row):
		got.fate = doneBefore
	case len(check(s.Plan.Operation, s.Plan.Version, s.checked, &row)) > 0:
		got.fate = wrong
	default:
		got.shipment, got.content = xxhash.Sum64String(row.shipmentKey(s.Plan.Operation)), s.content(&row)
	}
	return got
}

// judge decides the fate of one row, as far as the rows before it tell.
func (s *Survey) judge(r reading) fate {
	if r.fate != send {
		return r.fate
	}
	return s.sight(r)
}

// settledBefore reports whether a report given back says that nothing is left to
// do for the row. A row that was skipped because it had been done has its code;
// one that --limit left out has none.
func settledBefore(row *Row) bool {
	o := batch.Outcome(row.Result)
	return o.Done() || o == batch.Duplicate || o == batch.Skipped && row.ResultCode != ""
}

// sight looks for an earlier row of the same shipment.
func (s *Survey) sight(r reading) fate {
	now := sighting{row: uint32(len(s.fates)), content: r.content}
	first, seen := s.shipments[r.shipment]
	switch {
	case !seen:
		s.shipments[r.shipment] = now
		return send
	case first.content == now.content && s.fates[first.row] == send:
		return repeats
	case s.Plan.Operation == batch.Create || s.Plan.Operation == batch.Retrack:
		s.firstWith[first.row] = true
		return repeats
	case s.Plan.Defaults.OnConflict == ConflictLast:
		s.fates[first.row] = repeats
		s.shipments[r.shipment] = now
		return send
	}
	s.fates[first.row] = contradicts
	s.conflict(r.shipment, r.line)
	return contradicts
}

// linesNamed is how many lines of a conflict a message names.
const linesNamed = 5

func (s *Survey) conflict(key uint64, line int) {
	if lines := s.conflicts[key]; len(lines) < linesNamed {
		s.conflicts[key] = append(lines, line)
	}
}

// content hashes what the row would send.
func (s *Survey) content(row *Row) uint32 {
	h := xxhash.New()
	for _, name := range s.columns {
		for _, part := range [...]string{name, "\x00", s.value(row, name), "\x00"} {
			_, _ = h.WriteString(part) // a hash takes everything
		}
	}
	return uint32(h.Sum64())
}

// sentColumns lists the columns of a sheet that change the calls of its rows.
func sentColumns(p Plan) []string {
	var names []string
	for _, name := range append([]string{"slug", "reason"}, p.Mapping.Fields...) {
		if name != "" && p.Version.Accepts(name, endpointOf(p.Operation)) && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

func (s *Survey) value(row *Row, column string) string {
	switch {
	case column == "reason":
		return string(row.Reason)
	case column == "event_datetime":
		return row.EventDatetime
	case slices.Contains(row.Clear, column):
		return clearCell
	case column == "tracking_number":
		return strings.ToUpper(row.TrackingNumber)
	}
	return row.Value(column)
}

// Send is the number of rows that become calls.
func (s *Survey) Send() int { return s.count(send) }

// Invalid is the number of rows that cannot be sent as they are.
func (s *Survey) Invalid() int { return s.count(broken) + s.count(wrong) + s.count(contradicts) }

func (s *Survey) count(f fate) int {
	n := 0
	for _, g := range s.fates {
		if g == f {
			n++
		}
	}
	return n
}

// Settled is a row together with the result that it has without a call, if any.
type Settled struct {
	Row    sheet.Row
	Result *batch.Result // nil for a row that becomes a call
}

// settler is pass two: it reads the rows again and writes down the results of
// those that need no call.
type settler struct {
	*Survey
	read  *reader
	kept  map[uint32]Row // rows that a later row differs from, to name the columns
	lines map[uint32]int // and the lines of rows that are repeated
	// opened holds the line of the first row of each shipment that rows contradict
	// each other about; pass one keeps only those of the later ones.
	opened map[uint64]int
}

// keptRows bounds the rows that pass two holds to name differing columns.
const keptRows = 100_000

// Settle reads the sheet again and yields every row with its result, or without
// one if it becomes a call. The rows are numbered as their jobs are.
func (s *Survey) Settle(sh *sheet.Sheet) func(yield func(Settled, error) bool) {
	return func(yield func(Settled, error) bool) {
		st := &settler{Survey: s, read: newReader(s.Plan.Operation, s.Plan.Mapping, s.Plan.Defaults), kept: map[uint32]Row{}, lines: map[uint32]int{}, opened: map[uint64]int{}}
		i := 0
		for row, err := range sh.Rows() {
			if err != nil && !isLineError(err) {
				yield(Settled{}, err)
				return
			}
			if i >= len(s.fates) {
				yield(Settled{}, errChanged)
				return
			}
			if !yield(Settled{row, st.result(uint32(i), row, err)}, nil) {
				return
			}
			i++
		}
		if i != len(s.fates) {
			yield(Settled{}, errChanged)
		}
	}
}

var errChanged = errors.New("the file changed while it was read; nothing more was sent. Run the command again on a file that stays still")

func (st *settler) result(i uint32, row sheet.Row, lineErr error) *batch.Result {
	st.keep(i, row)
	switch st.fates[i] {
	case broken:
		return brokenLine(lineErr)
	case wrong:
		return st.problems(row)
	case repeats:
		return st.repeated(i, row)
	case contradicts:
		return st.contradiction(row)
	case doneBefore:
		return st.before(row)
	case notSelected:
		return &batch.Result{Outcome: batch.Skipped, Message: "left out by --skip, --limit or --sample"}
	}
	return nil
}

// keep remembers the rows that later ones will be compared with.
func (st *settler) keep(i uint32, row sheet.Row) {
	if !st.firstWith[i] || len(st.kept) >= keptRows {
		return
	}
	if r, err := st.read.row(slices.Clone(row.Cells)); err == nil {
		st.kept[i] = r
		st.lines[i] = row.Line
	}
}

func brokenLine(err error) *batch.Result {
	res := &batch.Result{Outcome: batch.Invalid, Message: "the line cannot be read", Hint: "mend the line"}
	if le, ok := errors.AsType[*sheet.LineError](err); ok {
		res.Message, res.Hint = le.Problem, le.Hint
	}
	return res
}

// before repeats what an earlier report says of a row that is left alone.
func (st *settler) before(row sheet.Row) *batch.Result {
	r, _ := st.read.row(row.Cells) // it was read in pass one
	if batch.Outcome(r.Result) == batch.Duplicate {
		return &batch.Result{Outcome: batch.Duplicate, Message: "a duplicate in an earlier run, as this report says"}
	}
	code, _ := strconv.Atoi(r.ResultCode)
	return &batch.Result{Outcome: batch.Skipped, Code: code, TrackingID: r.ResultID, Slug: r.ResultSlug, Message: "done in an earlier run, as this report says"}
}

func (st *settler) problems(row sheet.Row) *batch.Result {
	r, err := st.read.row(row.Cells)
	if err != nil {
		return &batch.Result{Outcome: batch.Invalid, Message: err.Error(), Hint: "mend the cell"}
	}
	return invalid(Check(st.Plan.Operation, st.Plan.Version, &r))
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
func (st *settler) repeated(i uint32, row sheet.Row) *batch.Result {
	r, err := st.read.row(row.Cells)
	if err != nil {
		return &batch.Result{Outcome: batch.Invalid, Message: err.Error(), Hint: "mend the cell"}
	}
	sent := st.shipments[xxhash.Sum64String(r.shipmentKey(st.Plan.Operation))]
	res := &batch.Result{Outcome: batch.Duplicate, DuplicateOf: int(sent.row) + 1}
	switch {
	case sent.row > i:
		res.Message = "a later row of the same shipment is sent instead"
	case sent.content == st.content(&r):
		res.Message = "the same as an earlier row"
	default:
		res.Message = st.differing(sent.row, &r)
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
	for _, name := range st.columns {
		if st.value(&kept, name) != st.value(r, name) {
			names = append(names, name)
		}
	}
	return fmt.Sprintf("the same shipment as line %d, with another %s", st.lines[first], strings.Join(names, ", "))
}

func (st *settler) contradiction(row sheet.Row) *batch.Result {
	r, err := st.read.row(row.Cells)
	if err != nil {
		return &batch.Result{Outcome: batch.Invalid, Message: err.Error(), Hint: "mend the cell"}
	}
	key := xxhash.Sum64String(r.shipmentKey(st.Plan.Operation))
	first, seen := st.opened[key]
	if !seen {
		first, st.opened[key] = row.Line, row.Line
	}
	lines := append([]int{first}, st.conflicts[key]...)
	lines = slices.DeleteFunc(lines, func(line int) bool { return line == row.Line })
	return &batch.Result{
		Outcome: batch.Invalid,
		Message: fmt.Sprintf("several rows of this shipment want different values (also line %s)", joinInts(lines)),
		Hint:    "keep one of the rows, or say --on-conflict last",
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

// Unsent lists the columns of the header that have no effect on the calls.
func (s *Survey) Unsent(header []string) []string {
	ep := endpointOf(s.Plan.Operation)
	var names []string
	for i, name := range header {
		field := s.Plan.Mapping.Fields[i]
		if sheet.IsReportColumn(name) || s.Plan.Version.Accepts(field, ep) {
			continue
		}
		names = append(names, name)
	}
	return names
}

// Rehearsal is the batch that a dry run would be: the counts of what is settled
// without a call, and the rest pending.
func (s *Survey) Rehearsal(sh *sheet.Sheet, account string) batch.Batch {
	counts := map[batch.Outcome]int{}
	for outcome, n := range map[batch.Outcome]int{
		batch.Invalid:   s.Invalid(),
		batch.Duplicate: s.count(repeats),
		batch.Skipped:   s.count(doneBefore) + s.count(notSelected),
	} {
		if n > 0 {
			counts[outcome] = n
		}
	}
	return batch.Batch{
		ID: "dry-run", State: batch.Finished, Rows: s.Rows, Total: s.Rows, Done: s.Rows - s.Send(), Counts: counts,
		Spec: batch.Spec{Operation: s.Plan.Operation, Account: account, Source: sh.Name, Header: sh.Header, Delimiter: string(sh.Delimiter), BOM: sh.BOM},
	}
}

// firstRound is the round of every job that was never opened again.
const firstRound = 1

// Items yields the rows as a report of a dry run shows them.
func (s *Survey) Items(sh *sheet.Sheet) iter.Seq2[batch.Item, error] {
	return func(yield func(batch.Item, error) bool) {
		job := 0
		for settled, err := range s.Settle(sh) {
			if err != nil {
				yield(batch.Item{}, err)
				return
			}
			item := batch.Item{Job: job, Round: firstRound, Entry: batch.Entry{Row: settled.Row.Index, Line: settled.Row.Line, Cells: settled.Row.Cells}}
			item.Result = batch.Result{Outcome: batch.Pending, Message: "dry run: would be sent"}
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
