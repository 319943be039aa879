package jobs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"time"

	"aftership-bulk/aftership"
	"aftership-bulk/batch"
	"aftership-bulk/internal/failpoint"
	"aftership-bulk/ratelimit"
)

// call is a job on its way: what is known of it before, and how to send it.
type call struct {
	h     *Handler
	p     Payload
	b     *cachedBatch
	row   Row
	known decision // what was found out of the tracking
	look  batch.Look
	begun batch.Begun
	until time.Time // the end of the handler's patience with slots
	// probing lets the call pass a stop, to try whether its cause is gone.
	probing bool
	run     uint64 // tells this run of the job from others, where it matters
	log     *slog.Logger
}

// open asks the ledger whether the job is still wanted, and not stopped. It
// returns nil when nothing is left to do for the task.
func (h *Handler) open(ctx context.Context, p Payload) (*call, error) {
	c, err := h.openUnchecked(ctx, p)
	if err != nil || c == nil {
		return nil, err
	}
	return c, h.stopped(ctx, c.lane())
}

func (h *Handler) openUnchecked(ctx context.Context, p Payload) (*call, error) {
	look, err := h.ledger.Look(ctx, p.Batch, p.Job, p.Round)
	if err != nil {
		return nil, fmt.Errorf("ask the ledger about job %d of batch %s: %w", p.Job, p.Batch, err)
	}
	if !look.Known || look.Done || look.State.Held() {
		return nil, nil // settled, purged, or parked: resume enqueues parked jobs again
	}
	c := &call{h: h, p: p, look: look, until: time.Now().Add(longestWait), log: h.log.With("batch", p.Batch, "job", p.Job)}
	if c.b, err = h.batches.get(ctx, p.Batch); err != nil {
		return nil, err
	}
	if done, err := c.endedElsewhere(ctx); done || err != nil {
		return nil, err
	}
	if c.known, err = decisionOf(look.TrackingID); err != nil {
		return nil, err
	}
	if err := c.load(ctx); err != nil {
		return nil, err
	}
	if res, ok := c.unsendable(); ok {
		return nil, c.record(ctx, res)
	}
	return c, nil
}

// unsendable finds a row that reads otherwise than when it was accepted, by another
// version of the program. What it would send was never checked.
func (c *call) unsendable() (batch.Result, bool) {
	i := slices.IndexFunc(c.row.Problems, func(p Problem) bool { return p.Column == "tracking_number" })
	if i < 0 {
		return batch.Result{}, false
	}
	return *invalid(c.row.Problems[i : i+1]), true
}

// endedElsewhere settles a job that must not be sent (again).
func (c *call) endedElsewhere(ctx context.Context) (bool, error) {
	switch {
	case c.look.State == batch.Cancelled:
		return true, c.record(ctx, c.cancelled())
	case c.look.Begins-c.look.Answers-c.look.Uncharged >= crashLimit:
		return true, c.record(ctx, batch.Result{
			Outcome: batch.GaveUp, Attempts: c.look.Answers, Ambiguous: true,
			Message: fmt.Sprintf("crashed: %d calls were begun and never answered", c.look.Begins-c.look.Answers-c.look.Uncharged),
			Hint:    "look at the workers' logs around this job, then `enqueue retry`",
		})
	}
	return false, nil
}

func (c *call) cancelled() batch.Result {
	res := batch.Result{Outcome: batch.CancelledJob, Attempts: c.look.Answers, Message: "the batch was cancelled before this row was sent"}
	if c.look.Begins > 0 {
		res.Ambiguous = true
		res.Message = "the batch was cancelled while this row was tried; an earlier call may have reached AfterShip"
	}
	return res
}

// op is what the call does: that of the row, or what was decided for it.
func (c *call) op() batch.Operation {
	switch {
	case c.known.Do == toUpdate:
		return batch.Update
	case c.known.Do == toCreate, c.known.Do == toCompare:
		return batch.Create
	}
	return c.wanted()
}

// wanted is the operation that the row asks for.
func (c *call) wanted() batch.Operation { return cmp.Or(c.row.Op, c.b.Operation) }

// lane is where the call's task belongs.
func (c *call) lane() lane { return laneOf(c.op()) }

// ref names the call's tracking.
func (c *call) ref() aftership.Ref { return c.row.ref(c.op(), c.known.ID) }

// load reads the job's row out of the ledger.
func (c *call) load(ctx context.Context) error {
	e, err := c.h.ledger.Entry(ctx, c.p.Batch, c.p.Job)
	if err != nil {
		return fmt.Errorf("read job %d of batch %s: %w", c.p.Job, c.p.Batch, err)
	}
	c.row, err = c.b.row(e)
	return err
}

// errLookupFirst says that the row's tracking has no id yet.
var errLookupFirst = errors.New("the row's tracking must be looked up first")

// notBegun says why the ledger did not let a call be sent.
type notBegun struct{ why batch.Why }

func (e *notBegun) Error() string { return "the call was not sent: " + string(e.why) }

// attempt sends the job's call once and judges what comes back. An error means
// that nothing was sent, or that it could not be noted that it was: then the job
// is begun, and comes back.
func (c *call) attempt(ctx context.Context) (v Verdict, err error) {
	if c.mustLookUp() {
		return v, errLookupFirst
	}
	if c.op() == batch.Retrack {
		return c.retrack(ctx)
	}
	if c.known.Do == toCompare {
		if v, settled, err := c.compare(ctx); settled || err != nil {
			return v, err
		}
	}
	return c.once(ctx)
}

// once sends the call, and judges what comes back.
func (c *call) once(ctx context.Context) (v Verdict, err error) {
	failpoint.Hit(failpoint.BeforeSlot)
	reply, err := c.send(ctx)
	if err != nil && !sentOrRefused(err) {
		return v, err
	}
	failpoint.Hit(failpoint.AfterCall)
	c.h.reach.note(err)
	if e, ok := errors.AsType[*aftership.Error](err); ok && c.undated(e) {
		c.date(ctx, e)
	}
	return c.judge(reply, err), nil
}

// mustLookUp reports whether the call can't be sent before its tracking was found.
func (c *call) mustLookUp() bool {
	return c.known.none() && c.row.needsLookup(c.h.account.Client.Version(), c.wanted())
}

// ambiguous reports whether an earlier call of the job may have reached AfterShip.
func (c *call) ambiguous() bool { return c.look.Begins > 0 || c.look.Earlier }

// sentOrRefused tells the errors that are about the call from those of the way
// to it: no slot, no begin, a ledger that is away, a shutdown.
func sentOrRefused(err error) bool {
	_, without := errors.AsType[*noLeave](err)
	return !without
}

// panicked is a bug of ours while a job was carried out.
type panicked struct{ value any }

func (e *panicked) Error() string { return fmt.Sprintf("panic: %v", e.value) }

// send waits for a slot, marks the begin and sends the one request of the job.
func (c *call) send(ctx context.Context) (reply aftership.Reply, err error) {
	defer func() {
		if r := recover(); r != nil {
			c.log.Error("panic while a job was carried out", "panic", r, "stack", string(debug.Stack()))
			err = &panicked{r}
		}
	}()
	client := c.h.account.Client.With(c.gate(c.begin))
	switch c.op() {
	case batch.Update:
		return client.Update(ctx, c.ref(), c.change())
	case batch.Complete:
		return client.Complete(ctx, c.ref(), c.row.Completion)
	case batch.Retrack:
		return client.Retrack(ctx, c.ref())
	case batch.Delete:
		return client.Delete(ctx, c.ref())
	}
	return client.Create(ctx, c.row.Shipment)
}

// change is what an update sends: all that the row says, or what was found to differ.
func (c *call) change() aftership.Shipment {
	if c.known.Do == toUpdate {
		return c.row.Only(c.known.Columns, c.known.Kept)
	}
	return c.row.Shipment
}

func (c *call) gate(begin func(context.Context) error) *gate {
	g := c.h.gate(c.lane(), c.b)
	g.until, g.begin, g.undo = c.until, begin, c.takeBack
	return g
}

// gate is the limiter of the calls of one job or look-up. It waits by the pacers'
// clock, which is the machine's, whatever clock the worker lives by.
func (h *Handler) gate(l lane, b *cachedBatch) *gate {
	return &gate{account: h.account, health: h.health, lane: l, priority: b.Priority, turn: b.ID, until: time.Now().Add(longestWait), now: time.Now}
}

// begin marks in the ledger that the call is about to be sent. A stop that came
// while the call waited for its slot still holds it.
func (c *call) begin(ctx context.Context) error {
	failpoint.Hit(failpoint.AfterSlot)
	if err := c.h.stopped(ctx, c.lane()); err != nil && !c.probing {
		return err
	}
	begun, err := c.h.ledger.MarkBegin(ctx, c.p.Batch, c.p.Job, c.p.Round)
	if err != nil {
		return fmt.Errorf("mark the begin of job %d of batch %s: %w", c.p.Job, c.p.Batch, err)
	}
	if !begun.OK {
		return &notBegun{begun.Why}
	}
	c.begun = begun
	if c.op() == batch.Retrack {
		if err := c.alone(ctx); err != nil {
			return err
		}
	}
	failpoint.Hit(failpoint.AfterBegin)
	return nil
}

// judge decides what the reply means.
func (c *call) judge(reply aftership.Reply, err error) Verdict {
	return Decide(Answer{
		Operation:   c.op(),
		OnExists:    c.onExists(),
		Attempt:     c.begun.Answers + 1,
		MaxAttempts: c.h.opts.MaxAttempts,
		Ambiguous:   c.begun.Begins > 1 || c.begun.Earlier,
		BatchBegan:  c.b.CreatedAt.Add(c.skew(reply, err)),
		Reply:       reply,
		Err:         err,
	})
}

// onExists is what becomes of the row if AfterShip has its shipment.
func (c *call) onExists() OnExists { return c.b.read.opts.onExists(c.wanted()) }

// interrupted says what becomes of a task whose call was not sent.
func (c *call) interrupted(err error) error {
	if left, ok := errors.AsType[*leftAlone](err); ok {
		return c.record(context.Background(), left.result())
	}
	if nb, ok := errors.AsType[*notBegun](err); ok {
		if nb.why == batch.WhyCancelled {
			return back(0, "the batch was cancelled")
		}
		return nil // done by somebody else, parked, or of an older round
	}
	switch {
	case errors.Is(err, errLookupFirst):
		return c.h.queue.put(context.Background(), lookupTask(c.b.Batch, c.p.Job, c.p.Job+1, c.p.Round))
	case errors.Is(err, ratelimit.ErrHeld):
		return back(0, "the worker is going down")
	case errors.Is(err, errNoSlot):
		return back(time.Second, "no slot within %s", longestWait)
	}
	return err
}

// takeBack undoes the begin of a call that surely had no effect.
func (c *call) takeBack(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTime)
	defer cancel()
	return c.h.ledger.TakeBack(ctx, c.p.Batch, c.p.Job, c.p.Round, c.begun)
}
