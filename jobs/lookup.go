package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"aftership-bulk/aftership"
	"aftership-bulk/batch"
)

// wanted is a row whose tracking must be found.
type wanted struct {
	job   int
	row   Row
	tried bool // an earlier call of the job may have reached AfterShip
}

// lookup finds the trackings of the rows of a range through the list, one call for
// up to 50 of them, and enqueues what is left to do. Repeating it is harmless.
func (h *Handler) lookup(ctx context.Context, p Payload) error {
	look, err := h.ledger.Look(ctx, p.Batch, p.Job, p.Round)
	if err != nil {
		return err
	}
	if !look.Known || look.State.Held() {
		return nil
	}
	b, err := h.batches.get(ctx, p.Batch)
	if err != nil {
		return err
	}
	if err := h.stopped(ctx, laneLookup); err != nil {
		return err
	}
	rows, ready, err := h.wanted(ctx, b, p)
	if err != nil {
		return err
	}
	if len(rows) > 0 && look.State != batch.Cancelled {
		found, err := h.find(ctx, b, p, rows)
		if err != nil {
			return err
		}
		ready = append(ready, found...)
	}
	return h.queue.putMany(ctx, ready)
}

// wanted sorts the pending jobs of the range into those whose tracking must be
// found and those that can be carried out.
func (h *Handler) wanted(ctx context.Context, b *cachedBatch, p Payload) (rows []wanted, ready []task, err error) {
	for job := p.Job; job < p.To; job++ {
		look, err := h.ledger.Look(ctx, b.ID, job, p.Round)
		if err != nil {
			return nil, nil, err
		}
		if !look.Known || look.Done || look.Round != p.Round {
			continue
		}
		e, err := h.ledger.Entry(ctx, b.ID, job)
		if err != nil {
			return nil, nil, err
		}
		row, err := b.row(e)
		if err != nil {
			return nil, nil, err
		}
		known, err := decisionOf(look.TrackingID)
		if err != nil {
			return nil, nil, err
		}
		c := call{b: b, row: row, known: known}
		if known.none() && look.State != batch.Cancelled && b.lookedUp(&row, h.account.Client.Version()) {
			rows = append(rows, wanted{job, row, look.Begins > 0 || look.Earlier})
			continue
		}
		ready = append(ready, jobTask(b.Batch, c.lane(), job, p.Round))
	}
	return rows, ready, nil
}

// find asks the list, writes down the ids, refuses the rows that cannot be
// found, and returns the tasks of the others.
func (h *Handler) find(ctx context.Context, b *cachedBatch, p Payload, rows []wanted) ([]task, error) {
	found, err := h.account.Client.With(h.gate(laneLookup, b)).Lookup(ctx, refsOf(rows))
	if err != nil {
		return h.notListed(ctx, b, p, rows, err)
	}
	h.health.answered(ctx, laneLookup)
	known := map[int]string{}
	var tasks []task
	for i, w := range rows {
		d, res := b.decide(h.account.Client.Version(), w, found[i])
		if res != nil {
			if err := h.settle(ctx, b, w, p.Round, *res); err != nil {
				return nil, err
			}
			continue
		}
		known[w.job] = d.text()
		c := call{b: b, row: w.row, known: d}
		tasks = append(tasks, jobTask(b.Batch, c.lane(), w.job, p.Round))
	}
	if len(known) == 0 {
		return nil, nil
	}
	return tasks, h.ledger.SetIDs(ctx, b.ID, known)
}

// refsOf names the trackings of rows that are to be found.
func refsOf(rows []wanted) []aftership.Ref {
	refs := make([]aftership.Ref, len(rows))
	for i, w := range rows {
		refs[i] = w.row.ref(w.row.Op, "")
	}
	return refs
}

// decide says what becomes of a row that was looked up: what its job does, or its
// result.
func (b *cachedBatch) decide(v aftership.Version, w wanted, f aftership.Found) (decision, *batch.Result) {
	switch {
	case Creates(w.row.Op):
		return decideFor(v, b.read.opts.onExists(w.row.Op), b.Batch, found{w, f})
	case f.Match == aftership.MatchFound:
		return decision{ID: f.Tracking.ID}, nil
	}
	res := notFound(w.row.Op, w, f)
	return decision{}, &res
}

// notFound is the result of a row whose tracking the list does not show, or
// shows more than once.
func notFound(op batch.Operation, w wanted, f aftership.Found) batch.Result {
	switch {
	case op == batch.Delete && len(f.Candidates) == 0:
		return notThere(w.tried)
	case f.Match == aftership.MatchAmbiguous:
		return batch.Result{Outcome: batch.Rejected, Message: "several trackings have this number: " + slugs(f.Candidates), Hint: "fill in slug or id to say which one is meant"}
	case len(f.Candidates) > 0:
		return batch.Result{Outcome: batch.Rejected, Code: 4004, Message: "the number is known under another courier: " + slugs(f.Candidates), Hint: "mend slug, or leave it empty"}
	}
	return batch.Result{
		Outcome: batch.Rejected, Code: 4004,
		Message: fmt.Sprintf("no tracking of the last %d days has this number", listedDays()),
		Hint:    "check the number, or create it first; an older tracking can only be named by its id",
	}
}

// notThere is the result of a row to delete that the list does not show: AfterShip
// keeps trackings no longer than the list reaches.
func notThere(tried bool) batch.Result {
	if tried {
		return batch.Result{Outcome: batch.Deleted, Ambiguous: true, Message: "gone when looked for: an earlier call, whose reply was lost, deleted it"}
	}
	return batch.Result{
		Outcome: batch.Already,
		Message: fmt.Sprintf("no tracking of the last %d days has this number", listedDays()),
		Hint:    "nothing to do; should AfterShip still have an older tracking, name it by its id",
	}
}

// listedDays is how far back AfterShip's list reaches.
func listedDays() int { return int(aftership.MaxListAge.Hours() / 24) }

func slugs(ts []aftership.Tracking) string {
	var names []string
	for _, t := range ts {
		names = append(names, t.Slug)
	}
	slices.Sort(names)
	return strings.Join(slices.Compact(names), ", ")
}

// notListed judges a listing that failed, for all of its rows.
func (h *Handler) notListed(ctx context.Context, b *cachedBatch, p Payload, rows []wanted, err error) ([]task, error) {
	if !sentOrRefused(err) {
		return nil, interruptedLookup(err)
	}
	v := Decide(Answer{Operation: b.Operation, Attempt: p.Try + 1, MaxAttempts: h.opts.MaxAttempts, Err: err})
	transient := v.Kind == Retry || v.Kind == GiveUp
	switch {
	case transient && h.health.failed(ctx, laneLookup):
		return nil, back(outageLook, "AfterShip is failing for every look-up; this costs no attempt: %s", v.Message)
	case v.Kind == Wait:
		return nil, back(time.Second, "AfterShip asked to slow down")
	case v.Kind == Stop:
		return nil, h.halt(ctx, b.ID, laneLookup, v, v.reason())
	case v.Kind == Retry:
		return nil, h.listAgain(ctx, b, p, v)
	case v.Kind == Refused && len(rows) > 1:
		return h.halves(ctx, b, p, rows)
	}
	for _, w := range rows {
		if err := h.settle(ctx, b, w, p.Round, notLookedUp(v, p.Try+1)); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// notLookedUp is the result of a row whose look-up AfterShip refused, or failed for good.
func notLookedUp(v Verdict, attempts int) batch.Result {
	return batch.Result{Outcome: v.Outcome, Code: v.Code, Message: "look-up: " + v.Message, Hint: v.Hint, Attempts: attempts}
}

func interruptedLookup(err error) error {
	if errors.Is(err, errNoSlot) {
		return back(time.Second, "no slot within %s", longestWait)
	}
	return back(0, "%v", err)
}

// listAgain puts the look-up on the queue for another try. A look-up has no job
// in the ledger to count its failures, so its task carries them.
func (h *Handler) listAgain(ctx context.Context, b *cachedBatch, p Payload, v Verdict) error {
	h.log.Info("the look-up will be tried again", "batch", b.ID, "attempt", p.Try+1, "message", v.Message)
	next := lookupTask(b.Batch, p.Job, p.To, p.Round)
	next.payload.Try = p.Try + 1
	next.delay = h.opts.Backoff(next.payload.Try)
	return h.queue.put(ctx, next)
}

// halves splits a listing that AfterShip refused, so that one bad number does
// not spoil its neighbours.
func (h *Handler) halves(ctx context.Context, b *cachedBatch, p Payload, rows []wanted) ([]task, error) {
	left, err := h.find(ctx, b, p, rows[:len(rows)/2])
	if err != nil {
		return nil, err
	}
	right, err := h.find(ctx, b, p, rows[len(rows)/2:])
	return append(left, right...), err
}

// settle records a row that needs no call of its own.
func (h *Handler) settle(ctx context.Context, b *cachedBatch, w wanted, round int, res batch.Result) error {
	c := call{h: h, b: b, row: w.row, p: Payload{Batch: b.ID, Job: w.job, Round: round}}
	return c.record(ctx, res)
}
