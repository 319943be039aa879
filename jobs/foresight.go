package jobs

import (
	"cmp"
	"context"
	"iter"
	"strings"

	"golang.org/x/sync/errgroup"

	"aftership-bulk/aftership"
	"aftership-bulk/batch"
	"aftership-bulk/sheet"
)

// LookUp finds shipments through AfterShip's list, up to 50 of them. A verdict says that AfterShip refused to look for
// them, which may be the fault of one; an error, that nothing can be asked any more.
type LookUp func(ctx context.Context, refs []aftership.Ref) ([]aftership.Found, *Verdict, error)

// Foresight is the report of a dry run. As far as it may look rows up, it says of those that AfterShip may have already
// what would become of them, by the rules by which workers decide it.
type Foresight struct {
	Survey *Survey
	// LookUp asks AfterShip; several are under way at once. Defaults to nobody being asked.
	LookUp LookUp
	// Unasked is what is said of rows that would be sent, as far as is known. Defaults to that.
	Unasked string

	// Settled counts the jobs that would need no call, once they were looked up.
	Settled map[batch.Outcome]int
	// Would counts the jobs that would be sent, by the outcome that they are sent for. The others were not looked up.
	Would map[batch.Outcome]int
	// Differ counts the jobs that would be updated by each column in which they differ.
	Differ map[string]int
	// Err is why the look-ups ended before the sheet did. The rows from there on were not looked up.
	Err error

	b *cachedBatch // that the jobs would be of
}

// foreseenTogether is how many jobs are looked up together, in several calls at once. The account's pace bounds them anyway.
const foreseenTogether = 8 * lookupRows

// foreseenAtMost bounds the jobs that wait for the look-up of others, where few of a sheet are looked up.
const foreseenAtMost = 20 * lookupRows

// foresees reports whether a look-up tells what would become of the operation's rows.
func (d Defaults) foresees(op batch.Operation) bool {
	return Creates(op) && (d.looksUp(op) || d.onExists(op) != ExistsSkip)
}

// Foreseeable is the number of jobs of which a look-up would tell what becomes of them.
func (s *Survey) Foreseeable() int {
	n := 0
	for op, sent := range s.sends {
		if s.Plan.Defaults.foresees(op) {
			n += sent
		}
	}
	return n
}

// Items yields the rows as the report shows them, and counts them. They are looked up a portion at a time. It ends with the
// context; where nothing can be asked any more, it goes on without.
func (f *Foresight) Items(ctx context.Context, sh *sheet.Sheet) iter.Seq2[batch.Item, error] {
	f.Settled, f.Would, f.Differ, f.Err = map[batch.Outcome]int{}, map[batch.Outcome]int{}, map[string]int{}, nil
	f.b = &cachedBatch{read: f.Survey.newReader()}
	items := func(yield func(batch.Item, error) bool) {
		p := foreseen{Foresight: f}
		for item, err := range f.Survey.items(sh) {
			if err != nil {
				yield(batch.Item{}, err)
				return
			}
			p.add(item)
			if p.full() && !p.pass(ctx, yield) {
				return
			}
		}
		p.pass(ctx, yield)
	}
	if !f.Survey.changed {
		return items
	}
	return told(items, f.Survey.newReader())
}

// foreseen is a portion of the jobs.
type foreseen struct {
	*Foresight
	items []batch.Item
	rows  []wanted // those to look up
	at    []int    // and which of the items they are
}

func (p *foreseen) full() bool {
	return len(p.rows) >= foreseenTogether || len(p.items) >= foreseenAtMost
}

// add takes a job into the portion.
func (p *foreseen) add(item batch.Item) {
	if item.Result.Outcome == batch.Pending {
		item.Result.Message = "dry run: " + cmp.Or(p.Unasked, "would be sent")
		if row, err := p.b.row(item.Entry); err == nil && p.Survey.Plan.Defaults.foresees(row.Op) {
			p.want(&item, row)
		}
	}
	p.items = append(p.items, item)
}

func (p *foreseen) want(item *batch.Item, row Row) {
	switch {
	case p.LookUp == nil:
	case p.Err != nil:
		item.Result.Message = notForeseen
	default:
		p.rows, p.at = append(p.rows, wanted{job: item.Job, row: row}), append(p.at, len(p.items))
	}
}

const notForeseen = "dry run: could not be looked up, so that it is not known what would be sent"

// pass looks the portion up and hands it on. It reports whether there shall be more.
func (p *foreseen) pass(ctx context.Context, yield func(batch.Item, error) bool) bool {
	p.settle(p.lookUp(ctx))
	if ctx.Err() != nil {
		yield(batch.Item{}, context.Cause(ctx))
		return false
	}
	for _, item := range p.items {
		if !yield(item, nil) {
			return false
		}
	}
	p.items, p.rows, p.at = p.items[:0], p.rows[:0], p.at[:0]
	return true
}

// reply is what a look-up says about a row. Neither is said where nothing could be asked.
type reply struct {
	found   *aftership.Found
	refused *Verdict
}

// lookUp asks about the portion's rows.
func (p *foreseen) lookUp(ctx context.Context) []reply {
	replies := make([]reply, len(p.rows))
	group, ctx := errgroup.WithContext(ctx)
	for from := 0; from < len(p.rows); from += lookupRows {
		to := min(from+lookupRows, len(p.rows))
		group.Go(func() error { return p.find(ctx, p.rows[from:to], replies[from:to]) })
	}
	if err := group.Wait(); err != nil {
		p.Err = err
	}
	return replies
}

// find makes one look-up. One that AfterShip refuses is made by halves, as workers do.
func (p *foreseen) find(ctx context.Context, rows []wanted, replies []reply) error {
	found, refused, err := p.LookUp(ctx, refsOf(rows))
	switch half := len(rows) / 2; {
	case err != nil:
		return err
	case refused != nil && half > 0:
		if err := p.find(ctx, rows[:half], replies[:half]); err != nil {
			return err
		}
		return p.find(ctx, rows[half:], replies[half:])
	case refused != nil:
		replies[0].refused = refused
		return nil
	}
	for i := range found {
		replies[i].found = &found[i]
	}
	return nil
}

// settle says in the items what the replies mean.
func (p *foreseen) settle(replies []reply) {
	for i, r := range replies {
		res := &p.items[p.at[i]].Result
		switch {
		case r.refused != nil:
			*res = notLookedUp(*r.refused, 1)
			p.Settled[res.Outcome]++
		case r.found == nil:
			res.Message = notForeseen
		default:
			p.decide(p.rows[i], *r.found, res)
		}
	}
}

// decide puts into the result what would become of a row that was looked up.
func (p *foreseen) decide(w wanted, f aftership.Found, res *batch.Result) {
	d, settled := p.b.decide(p.Survey.Plan.Version, w, f)
	if settled != nil {
		*res = *settled
		p.Settled[res.Outcome]++
		return
	}
	res.TrackingID = d.ID
	if d.Do != toUpdate {
		p.Would[batch.Created]++
		res.Message = "dry run: would be created"
		return
	}
	p.Would[batch.Updated]++
	res.Message = "dry run: would be updated; it differs in " + strings.Join(d.changed, ", ")
	if len(d.changed) == 0 {
		res.Message = "dry run: would be updated; AfterShip's list does not show it, so that it cannot be compared"
	}
	for _, column := range d.changed {
		p.Differ[column]++
	}
}

// Count adds what was found out to a batch of [Survey.Rehearsal].
func (f *Foresight) Count(b *batch.Batch) {
	for outcome, n := range f.Settled {
		b.Counts[outcome] += n
		b.Done += n
	}
}
