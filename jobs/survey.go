package jobs

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"

	"github.com/cespare/xxhash/v2"

	"aftership-bulk/batch"
	"aftership-bulk/sheet"
	"aftership-bulk/value"
)

// fate is what pass one decided about a job.
type fate byte

const (
	send        fate = iota // becomes a call
	broken                  // the line cannot be read
	wrong                   // the check found problems
	repeats                 // the same as an earlier row, or superseded by a later one
	contradicts             // one of several rows of a shipment that differ, of which none can be chosen
	crosses                 // one of several rows of a shipment that want different operations
	doneBefore              // a report says that it was done
	notSelected             // --skip, --limit or --sample leave it out
	saysSkip                // its operation is skip
	noData                  // a footer, a repeated header, a voided label
)

// sighting is the job of a shipment that will be sent.
type sighting struct {
	job     uint32
	content gist
}

// gist stands for what a row would send: a hash, which is short since it is held
// against rows of the same shipment only, with the operation and whether it is looked
// up in its last bits.
type gist uint32

const gistBits = 4 // that are not the hash's

func gistOf(hash uint64, op batch.Operation, lookup bool) gist {
	c := gist(hash)<<gistBits | gist(slices.Index(batch.AllOperations(), op))<<1
	if lookup {
		c |= 1
	}
	return c
}

func (c gist) op() batch.Operation { return batch.AllOperations()[c>>1&(1<<(gistBits-1)-1)] }
func (c gist) lookup() bool        { return c&1 == 1 }

// Survey is what pass one found out about a sheet: the fate of every job of every
// row. It holds a byte a job and a hash a shipment, never the rows themselves.
type Survey struct {
	Plan Plan
	Rows int

	fates     []fate
	several   map[uint32]uint16 // rows that make several jobs, and how many
	shipments map[uint64]sighting
	conflicts map[uint64][]int // lines of the rows of a shipment that differ, the first few
	apart     map[fate][]int   // the first lines of the rows that contradict or cross others
	firstWith map[uint32]bool  // jobs that another row differs from
	samples   map[int]bool
	rules     map[batch.Operation]ruleset
	sends     map[batch.Operation]int // jobs that become calls
	lookups   int                     // jobs whose tracking must be found first
	changed   bool                    // programs that know no repairs would send something else
	problems  tally
	repairs   tally
	doubts    tally
}

// Take reads the sheet once and decides the fate of every row. Nothing is sent,
// and nothing is written.
func Take(ctx context.Context, sh *sheet.Sheet, plan Plan) (*Survey, error) {
	s := &Survey{
		Plan: plan, several: map[uint32]uint16{}, shipments: map[uint64]sighting{}, conflicts: map[uint64][]int{}, apart: map[fate][]int{}, firstWith: map[uint32]bool{},
		rules: rulesets(plan), sends: map[batch.Operation]int{},
	}
	if _, err := value.ParseForm(plan.options().dates()); err != nil {
		return nil, err
	}
	if plan.Defaults.Sample > 0 {
		if err := s.choose(ctx, sh); err != nil {
			return nil, err
		}
	}
	if err := s.readings(ctx, sh, s.take); err != nil {
		return nil, err
	}
	return s, s.takeApart(ctx, sh)
}

// takeApart finds the first lines of the rows that differ from others of their
// shipment. It reads the sheet again as far as they stand, since the first row of a
// shipment is known as such only by a later one.
func (s *Survey) takeApart(ctx context.Context, sh *sheet.Sheet) error {
	missing := min(s.count(contradicts), mostExamples) + min(s.count(crosses), mostExamples)
	if missing == 0 {
		return nil
	}
	row, job := 0, 0
	for r, err := range sh.Rows() {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil && !isLineError(err) {
			return err
		}
		end := min(job+s.jobsOf(row), len(s.fates))
		for _, f := range s.fates[job:end] {
			if f != contradicts && f != crosses || len(s.apart[f]) == mostExamples {
				continue
			}
			missing--
			if !slices.Contains(s.apart[f], r.Line) {
				s.apart[f] = append(s.apart[f], r.Line)
			}
		}
		if row, job = row+1, end; missing <= 0 {
			break
		}
	}
	return nil
}

// line is a row of a sheet with what the rules of its export say about it.
type line struct {
	sheet.Row
	filled []batch.Fill
	err    error // of a broken line
}

// lines yields the rows of a sheet as the plan's rules read them. The rules
// remember earlier rows, so that every row passes them, in order.
func (p Plan) lines(sh *sheet.Sheet) iter.Seq2[line, error] {
	return func(yield func(line, error) bool) {
		rules, example := p.Rules.Reader(sh.Header), p.example()
		ruled := ruled(p.Rules)
		for row, err := range sh.Rows() {
			l := line{Row: row, err: err}
			if err != nil && !isLineError(err) {
				yield(l, err)
				return
			}
			if err == nil && l.Skip == "" && isExample(example, row.Cells) {
				l.Skip = exampleRow
			}
			if ruled && err == nil && l.Skip == "" {
				var filled []sheet.Fill
				filled, l.Skip = rules.Row(row.Cells)
				l.filled = fills(filled)
			}
			if !yield(l, nil) {
				return
			}
		}
	}
}

func fills(filled []sheet.Fill) []batch.Fill {
	if len(filled) == 0 {
		return nil
	}
	out := make([]batch.Fill, len(filled))
	for i, f := range filled {
		out[i] = batch.Fill(f)
	}
	return out
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

// newReader is a reader of the sheet's rows.
func (s *Survey) newReader() *reader {
	r := newReader(s.Plan.Operation, s.Plan.Version, s.Plan.Mapping, s.Plan.options())
	r.hints = s.Plan.CarrierHints
	return r
}

// take decides the fates of a row's jobs, as far as the rows before it tell.
func (s *Survey) take(r reading) {
	first := len(s.fates)
	s.one(r.line, r.part)
	for _, p := range r.more {
		s.one(r.line, p)
	}
	if n := len(r.more); n > 0 {
		s.several[uint32(s.Rows)] = uint16(n + 1)
	}
	s.Rows++
	if r.said == nil {
		return
	}
	if !slices.Contains(s.fates[first:], send) {
		r.said.doubts = nil
	}
	s.tally(r.line, r.said)
}

func (s *Survey) one(line int, p part) {
	fate := p.fate
	if fate == send {
		fate = s.sight(line, p)
	}
	if fate == send {
		s.sends[p.content.op()]++
		s.changed = s.changed || p.changed
		if p.content.lookup() {
			s.lookups++
		}
	}
	s.fates = append(s.fates, fate)
}

// settledBefore reports whether a report given back says that nothing is left to
// do for the row. A row that was skipped because it had been done has its code;
// one that --limit left out has none. One that was no data (a hidden row, say) is
// none here either, though this sheet does not show why.
//
// The result of a row with several numbers is the worst of its jobs', so that all
// of them are sent again if one failed. What was done then is not done twice by
// that: AfterShip answers 4003 to a create and 4013 to a retrack of an active
// tracking, and to update or complete again changes nothing.
func settledBefore(row *Row) bool {
	o := batch.Outcome(row.Result)
	return o.Done() || o == batch.Duplicate || o == batch.Skipped && (row.ResultCode != "" || strings.HasPrefix(row.ResultSaid, noDataText))
}

// firstWins are the operations of which the first of several rows of a shipment is sent,
// whatever the others say.
var firstWins = []batch.Operation{batch.Create, batch.Retrack}

// sight looks for an earlier job of the same shipment.
func (s *Survey) sight(line int, p part) fate {
	now := sighting{job: uint32(len(s.fates)), content: p.content}
	first, seen := s.shipments[p.shipment]
	switch {
	case !seen:
		s.shipments[p.shipment] = now
		return send
	case first.content == now.content && s.fates[first.job] == send:
		return repeats
	case first.content.op() == now.content.op() && slices.Contains(firstWins, now.content.op()):
		s.firstWith[first.job] = true
		return repeats
	case first.content.op() == now.content.op() && s.Plan.Defaults.OnConflict == ConflictLast && s.fates[first.job] == send:
		s.unsend(first, repeats)
		s.shipments[p.shipment] = now
		return send
	}
	apart := contradicts
	if first.content.op() != now.content.op() || s.fates[first.job] == crosses {
		apart = crosses // which --on-conflict does not settle: no operation says what another does
	}
	s.unsend(first, apart)
	s.conflict(p.shipment, line)
	return apart
}

// unsend keeps an earlier job of the same shipment from being sent.
func (s *Survey) unsend(first sighting, f fate) {
	if s.fates[first.job] == send {
		s.sends[first.content.op()]--
		if first.content.lookup() {
			s.lookups--
		}
	}
	s.fates[first.job] = f
}

// linesNamed is how many lines of a conflict a message names.
const linesNamed = 5

func (s *Survey) conflict(key uint64, line int) {
	if lines := s.conflicts[key]; len(lines) < linesNamed {
		s.conflicts[key] = append(lines, line)
	}
}

// content hashes what the row would send.
func (s *Survey) content(row *Row) gist {
	h := xxhash.New()
	_, _ = h.WriteString(string(row.Op) + "\x00")
	for _, name := range s.rules[row.Op].columns {
		for _, part := range [...]string{name, "\x00", s.value(row, name), "\x00"} {
			_, _ = h.WriteString(part) // a hash takes everything
		}
	}
	return gistOf(h.Sum64(), row.Op, s.looksUp(row))
}

// looksUp reports whether the row is looked up before its call.
func (s *Survey) looksUp(row *Row) bool {
	return row.needsLookup(s.Plan.Version, row.Op) || s.Plan.Defaults.looksUp(row.Op)
}

// sentColumns lists the columns of a sheet that change the calls of its rows.
func sentColumns(p Plan) []string {
	var names []string
	for _, name := range append([]string{"slug", "reason"}, p.Mapping.Fields...) {
		if name != "" && accepts(p.Version, p.Operation, name) && !slices.Contains(names, name) {
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

// Jobs is the number of jobs that the rows make: one each, or one for each of
// several tracking numbers in a cell.
func (s *Survey) Jobs() int { return len(s.fates) }

// Send is the number of jobs that become calls.
func (s *Survey) Send() int { return s.count(send) }

// Invalid is the number of jobs that cannot be sent as they are.
func (s *Survey) Invalid() int {
	return s.count(broken) + s.count(wrong) + s.count(contradicts) + s.count(crosses)
}

// Duplicates is the number of jobs whose shipment another row sends.
func (s *Survey) Duplicates() int { return s.count(repeats) }

// Skipped is the number of jobs that are left alone: rows that were done before,
// that --skip, --limit or --sample leave out, whose operation is skip, and that are no
// data.
func (s *Survey) Skipped() int {
	return s.count(doneBefore) + s.count(notSelected) + s.count(saysSkip) + s.count(noData)
}

func (s *Survey) count(f fate) int {
	n := 0
	for _, g := range s.fates {
		if g == f {
			n++
		}
	}
	return n
}

// jobsOf is how many jobs a row makes.
func (s *Survey) jobsOf(row int) int { return max(1, int(s.several[uint32(row)])) }

// Unsent lists the columns of the header that have no effect on the calls.
func (s *Survey) Unsent(header []string) []string {
	var names []string
	for i, name := range header {
		field := s.Plan.Mapping.Fields[i]
		if sheet.IsReportColumn(name) || field == operationColumn || slices.ContainsFunc(s.Operations(), func(op batch.Operation) bool { return accepts(s.Plan.Version, op, field) }) {
			continue
		}
		names = append(names, name)
	}
	return names
}
