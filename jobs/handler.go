package jobs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/hibiken/asynq"

	"aftership-bulk/aftership"
	"aftership-bulk/batch"
	"aftership-bulk/internal/failpoint"
	"aftership-bulk/ratelimit"
)

// Limits of a job's life, beside the settings.
const (
	// longestWait is how long a handler waits out 429s before the task goes back.
	longestWait = time.Minute
	// crashLimit is how many begins without an answer make a job a dead letter: it
	// seems to kill its workers.
	crashLimit = 10
	// recordTime bounds the writing down of what is known, also while the process ends.
	recordTime = 20 * time.Second
)

// Handler carries out the tasks of one account.
type Handler struct {
	ledger  *batch.Store
	queue   *Queue
	account *Account
	opts    Options
	stops   *stopWatch
	batches *batchCache
	health  *health
	reach   *reach
	log     *slog.Logger
}

// backError sends a task back to the queue without counting anything. It is the
// only error that handlers return: asynq's own counting is out of the game.
type backError struct {
	after time.Duration
	why   string
}

func (e *backError) Error() string { return e.why }

func back(after time.Duration, format string, args ...any) error {
	return &backError{after, fmt.Sprintf(format, args...)}
}

// ledgerBack is how soon a task comes back when the ledger could not be asked.
const ledgerBack = 5 * time.Second

// retryDelay is asynq's RetryDelayFunc.
func retryDelay(_ int, err error, _ *asynq.Task) time.Duration {
	if b, ok := errors.AsType[*backError](err); ok {
		return b.after
	}
	return ledgerBack
}

// ProcessTask carries out one task. It returns nil when nothing is left to do
// for the task, and an error when the task must come back.
func (h *Handler) ProcessTask(ctx context.Context, t *asynq.Task) error {
	p, err := decodePayload(t.Payload())
	if errors.Is(err, errNewerPayload) {
		return back(time.Minute, "%v", err)
	}
	if err != nil {
		h.log.Error("dropped a task that is not ours", "type", t.Type(), "error", err)
		return nil
	}
	err = h.carryOut(ctx, t.Type(), p)
	h.reach.noteLedger(err)
	return err
}

func (h *Handler) carryOut(ctx context.Context, kind string, p Payload) error {
	switch kind {
	case taskJob:
		return h.job(ctx, p)
	case taskLookup:
		return h.lookup(ctx, p)
	case taskFinish:
		return h.finish(ctx, p)
	}
	return back(time.Minute, "task type %s is unknown to this version; upgrade the worker", kind)
}

// job carries out one job: is it still wanted, then the call, then the verdict.
func (h *Handler) job(ctx context.Context, p Payload) error {
	failpoint.Hit(failpoint.AfterDequeue)
	c, err := h.open(ctx, p)
	if err != nil || c == nil {
		return err
	}
	for {
		v, err := c.attempt(ctx)
		if err != nil {
			return c.interrupted(err)
		}
		if v.Kind != Wait {
			return c.conclude(ctx, v)
		}
		if err := c.takeBack(ctx); err != nil {
			return err
		}
	}
}

// call is a job on its way: what is known of it before, and how to send it.
type call struct {
	h     *Handler
	p     Payload
	b     *cachedBatch
	row   Row
	look  batch.Look
	begun batch.Begun
	until time.Time // the end of the handler's patience with slots
	// probing lets the call pass a stop, to try whether its cause is gone.
	probing bool
	log     *slog.Logger
}

// open asks the ledger whether the job is still wanted, and not stopped. It
// returns nil when nothing is left to do for the task.
func (h *Handler) open(ctx context.Context, p Payload) (*call, error) {
	c, err := h.openUnchecked(ctx, p)
	if err != nil || c == nil {
		return nil, err
	}
	return c, h.stopped(ctx, laneOf(c.b.Operation))
}

func (h *Handler) openUnchecked(ctx context.Context, p Payload) (*call, error) {
	look, err := h.ledger.Look(ctx, p.Batch, p.Job, p.Round)
	if err != nil {
		return nil, fmt.Errorf("ask the ledger about job %d of batch %s: %w", p.Job, p.Batch, err)
	}
	if !look.Known || look.Done || look.State.Held() {
		return nil, nil // settled, purged, or parked: resume enqueues parked jobs again
	}
	c := &call{h: h, p: p, look: look, until: h.opts.Now().Add(longestWait), log: h.log.With("batch", p.Batch, "job", p.Job)}
	if c.b, err = h.batches.get(ctx, p.Batch); err != nil {
		return nil, err
	}
	if done, err := c.endedElsewhere(ctx); done || err != nil {
		return nil, err
	}
	return c, c.load(ctx)
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

// load reads the job's row out of the ledger.
func (c *call) load(ctx context.Context) error {
	e, err := c.h.ledger.Entry(ctx, c.p.Batch, c.p.Job)
	if err != nil {
		return fmt.Errorf("read job %d of batch %s: %w", c.p.Job, c.p.Batch, err)
	}
	c.row, err = c.b.row(e.Cells)
	return err
}

// errLookupFirst says that the row's tracking has no id yet.
var errLookupFirst = errors.New("the row's tracking must be looked up first")

// notBegun says why the ledger did not let a call be sent.
type notBegun struct{ why batch.Why }

func (e *notBegun) Error() string { return "the call was not sent: " + string(e.why) }

// attempt sends the job's call once and judges what comes back. An error means
// that nothing was sent.
func (c *call) attempt(ctx context.Context) (v Verdict, err error) {
	if c.look.TrackingID == "" && c.row.needsLookup(c.h.account.Client.Version(), c.b.Operation) {
		return v, errLookupFirst
	}
	if c.b.Operation == batch.Retrack {
		if err := c.hold(ctx); err != nil {
			return v, err
		}
		defer c.unhold(ctx)
	}
	if c.b.Operation == batch.Retrack && c.ambiguous() {
		if v, settled, err := c.evidence(ctx); settled || err != nil {
			return v, err
		}
	}
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

// holdTime is how long a retrack keeps others of the same tracking away, should
// its worker die: longer than a call and the wait for its slot take.
const holdTime = longestWait + time.Minute

// tracking names the tracking of the call, for holding it.
func (c *call) tracking() string {
	ref := c.row.ref(c.b.Operation, c.look.TrackingID)
	return cmp.Or(ref.ID, ref.Slug+"/"+strings.ToUpper(ref.TrackingNumber))
}

// owner names the job across batches.
func (c *call) owner() string { return c.p.Batch + ":" + strconv.Itoa(c.p.Job) }

// hold keeps other retracks of the tracking away, those of other batches too: a
// retrack is counted, and must not be sent while another one is under way.
func (c *call) hold(ctx context.Context) error {
	ok, err := c.h.ledger.Hold(ctx, c.h.account.Name, c.tracking(), c.owner(), holdTime)
	if err != nil {
		return err
	}
	if !ok {
		return back(5*time.Second, "another retrack of this tracking is under way")
	}
	return nil
}

func (c *call) unhold(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTime)
	defer cancel()
	if err := c.h.ledger.Unhold(ctx, c.h.account.Name, c.tracking(), c.owner()); err != nil {
		c.log.Warn("a tracking stays held for a while", "error", err) // it runs out by itself
	}
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
	ref := c.row.ref(c.b.Operation, c.look.TrackingID)
	switch c.b.Operation {
	case batch.Update:
		return client.Update(ctx, ref, c.row.Shipment)
	case batch.Complete:
		return client.Complete(ctx, ref, c.row.Completion)
	case batch.Retrack:
		return client.Retrack(ctx, ref)
	}
	return client.Create(ctx, c.row.Shipment)
}

func (c *call) gate(begin func(context.Context) error) *gate {
	g := c.h.gate(laneOf(c.b.Operation), c.b)
	g.until, g.begin, g.undo = c.until, begin, c.takeBack
	return g
}

// gate is the limiter of the calls of one job or look-up.
func (h *Handler) gate(l lane, b *cachedBatch) *gate {
	return &gate{account: h.account, health: h.health, lane: l, priority: b.Priority, turn: b.ID, until: h.opts.Now().Add(longestWait), now: h.opts.Now}
}

// begin marks in the ledger that the call is about to be sent. A stop that came
// while the call waited for its slot still holds it.
func (c *call) begin(ctx context.Context) error {
	failpoint.Hit(failpoint.AfterSlot)
	if err := c.h.stopped(ctx, laneOf(c.b.Operation)); err != nil && !c.probing {
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
	failpoint.Hit(failpoint.AfterBegin)
	return nil
}

// judge decides what the reply means.
func (c *call) judge(reply aftership.Reply, err error) Verdict {
	return Decide(Answer{
		Operation:   c.b.Operation,
		Attempt:     c.begun.Answers + 1,
		MaxAttempts: c.h.opts.MaxAttempts,
		Ambiguous:   c.begun.Begins > 1 || c.begun.Earlier,
		BatchBegan:  c.b.CreatedAt.Add(c.skew(reply, err)),
		Reply:       reply,
		Err:         err,
	})
}

// undated reports whether "already exists" must be settled by the tracking's age
// and the reply does not tell it.
func (c *call) undated(e *aftership.Error) bool {
	return c.b.Operation == batch.Create && e.Exists() && (c.begun.Begins > 1 || c.begun.Earlier) &&
		(e.Existing == nil || e.Existing.CreatedAt.IsZero())
}

// date reads the existing tracking to learn its age. Where it cannot be read, the
// verdict does without: then it is not ours.
func (c *call) date(ctx context.Context, e *aftership.Error) {
	client := c.h.account.Client.With(c.gate(nil))
	if e.Existing != nil && e.Existing.ID != "" {
		if reply, err := client.Get(ctx, aftership.Ref{ID: e.Existing.ID}, aftership.GetOptions{}); err == nil {
			e.Existing.CreatedAt = reply.Tracking.CreatedAt
		}
		return
	}
	found, err := client.Lookup(ctx, []aftership.Ref{{Slug: c.row.Slug, TrackingNumber: c.row.TrackingNumber}})
	if err == nil && len(found) == 1 && found[0].Match == aftership.MatchFound {
		t := found[0].Tracking
		e.Existing = &aftership.Existing{ID: t.ID, CreatedAt: t.CreatedAt}
	}
}

// skew is how far AfterShip's clock is ahead of ours, by the reply's own date.
func (c *call) skew(reply aftership.Reply, err error) time.Duration {
	date := reply.Date
	if e, ok := errors.AsType[*aftership.Error](err); ok {
		date = e.Date
	}
	if date.IsZero() {
		return 0
	}
	return date.Sub(c.h.opts.Now()).Truncate(time.Second)
}

// evidence reads a tracking whose retrack may have been sent before: a retrack
// is never sent twice blindly, because each one is counted.
func (c *call) evidence(ctx context.Context) (v Verdict, settled bool, err error) {
	client := c.h.account.Client.With(c.gate(nil))
	reply, err := client.Get(ctx, c.row.ref(c.b.Operation, c.look.TrackingID), aftership.GetOptions{})
	if err != nil {
		if !sentOrRefused(err) {
			return v, false, err
		}
		return c.judge(reply, err), true, nil
	}
	if !reply.Tracking.Active {
		return v, false, nil
	}
	v = c.judge(reply, nil)
	v.Ambiguous = true
	v.Message = "active when looked at: an earlier call of this run, whose reply was lost, did it"
	return v, true, nil
}

// interrupted says what becomes of a task whose call was not sent.
func (c *call) interrupted(err error) error {
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

// conclude writes the verdict down and says what becomes of the task.
func (c *call) conclude(ctx context.Context, v Verdict) error {
	c.log.Debug("answered", "verdict", v.Kind, "outcome", v.Outcome, "code", v.Code, "trace_id", v.TraceID)
	switch v.Kind {
	case Retry, GiveUp:
		if done, err := c.transient(ctx, v); done || err != nil {
			return err
		}
	case Stop:
		return c.stop(ctx, v)
	default:
		c.h.health.answered(ctx, laneOf(c.b.Operation))
	}
	return c.record(ctx, batch.Result{
		Outcome: v.Outcome, TrackingID: v.ID, Slug: v.Slug, Code: v.Code, Message: v.Message, Hint: v.Hint,
		Attempts: c.begun.Answers + 1, Ambiguous: v.Ambiguous,
	})
}

// transient counts a failure that passes, and sends the task back unless its
// attempts are used up. In an outage it costs no attempt.
func (c *call) transient(ctx context.Context, v Verdict) (done bool, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTime)
	defer cancel()
	if c.h.health.failed(ctx, laneOf(c.b.Operation)) {
		if err := c.h.ledger.NoteAnswer(ctx, c.p.Batch, c.p.Job, c.p.Round); err != nil {
			return true, err
		}
		return true, back(outageLook, "AfterShip is failing for every call; this costs no attempt: %s", v.Message)
	}
	if v.Kind == GiveUp {
		return false, nil
	}
	n, err := c.h.ledger.CountAnswer(ctx, c.p.Batch, c.p.Job, c.p.Round)
	if err != nil {
		return true, err
	}
	after := c.h.opts.Backoff(n)
	c.log.Info("will be tried again", "attempt", n, "after", after, "code", v.Code, "message", v.Message)
	return true, back(after, "attempt %d failed: %s", n, v.Message)
}

// stop halts what no further call makes sense for, and keeps the row pending.
func (c *call) stop(ctx context.Context, v Verdict) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTime)
	defer cancel()
	if err := c.h.ledger.TakeBack(ctx, c.p.Batch, c.p.Job, c.p.Round, c.begun); err != nil {
		return err
	}
	reason := fmt.Sprintf("%d %s: %s", v.Code, v.Message, v.Hint)
	c.log.Error("stopped", "scope", v.Scope, "reason", reason)
	return c.h.halt(ctx, c.b.ID, laneOf(c.b.Operation), v, reason)
}

// record writes the job's result. It outlives a shutdown, because the call has
// been answered.
func (c *call) record(ctx context.Context, res batch.Result) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTime)
	defer cancel()
	res.At = c.h.opts.Now()
	rec, err := c.h.ledger.Record(ctx, c.p.Batch, c.p.Job, c.p.Round, res)
	if err != nil {
		return fmt.Errorf("record job %d of batch %s: %w", c.p.Job, c.p.Batch, err)
	}
	failpoint.Hit(failpoint.AfterRecord)
	if !rec.Last {
		return nil
	}
	return c.h.ended(ctx, c.b.ID)
}

// jitter spreads a delay over its second half, so that retries do not march in step.
func jitter(d time.Duration) time.Duration { return d/2 + rand.N(d/2+1) }
