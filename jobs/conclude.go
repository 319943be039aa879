package jobs

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"aftership-bulk/batch"
	"aftership-bulk/internal/failpoint"
)

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
		c.h.health.answered(ctx, c.lane())
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
	if c.h.health.failed(ctx, c.lane()) {
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
	reason := v.reason()
	c.log.Error("stopped", "scope", v.Scope, "reason", reason)
	return c.h.halt(ctx, c.b.ID, c.lane(), v, reason)
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
	if rec.First {
		c.h.opts.Observer.JobEnded(c.b.Account, c.wanted(), res.Outcome)
	}
	if rec.Spent {
		return c.h.overspent(ctx, c.b.ID)
	}
	if !rec.Last {
		return nil
	}
	return c.h.ended(ctx, c.b.ID)
}

// jitter spreads a delay over its second half, so that retries do not march in step.
func jitter(d time.Duration) time.Duration { return d/2 + rand.N(d/2+1) }
