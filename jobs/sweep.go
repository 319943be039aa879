package jobs

import (
	"context"
	"errors"
	"time"

	"aftership-bulk/batch"
)

// quietTime is how long a batch must have been finished before the sweep misses
// its report: the finish task may be at work.
const quietTime = time.Minute

// Sweep repairs what crashes leave behind: batches that no worker knows to be
// open, and finished ones without a report; and it applies the retention.
// Running it twice, or on two workers at once, is harmless.
func (w *Worker) Sweep(ctx context.Context) error {
	for _, a := range w.accounts {
		if err := w.sweepAccount(ctx, a); err != nil {
			return err
		}
	}
	_, _, err := w.ledger.Trim(ctx) // what its retention has run out for
	return err
}

// sweepAccount looks at every batch of an account, not only at those that are
// known to be open: what a crash kept out of that set is put into it.
func (w *Worker) sweepAccount(ctx context.Context, a *Account) error {
	for b, err := range w.ledger.List(ctx) {
		if errors.Is(err, batch.ErrNewer) {
			continue // newer workers sweep it
		}
		if err != nil {
			return err
		}
		if b.Account != a.Name || !b.Sealed {
			continue
		}
		if !b.Ended() {
			err = w.ledger.MarkOpen(ctx, a.Name, b.ID)
		} else if w.opts.Now().Sub(b.FinishedAt) > quietTime {
			err = w.unreported(ctx, b)
		}
		if err == nil {
			err = w.untold(ctx, b)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// unreported enqueues the report of a batch that ended without one.
func (w *Worker) unreported(ctx context.Context, b batch.Batch) error {
	if w.opts.ReportDir == "" || !b.ReportedAt.IsZero() || !b.TrimmedAt.IsZero() {
		return nil
	}
	return w.queue.put(ctx, finishTask(b))
}
