package jobs

import (
	"context"
	"time"

	"aftership-bulk/batch"
)

// quietTime is how long a batch must have been left alone before the sweep
// touches its queue: its enqueuer may still be at work.
const quietTime = 2 * time.Minute

// Sweep repairs what crashes leave behind: jobs with neither a result nor a
// task, and finished batches without a report. Running it twice, or on two
// workers at once, is harmless.
func (w *Worker) Sweep(ctx context.Context) error {
	for _, a := range w.accounts {
		if err := w.sweepAccount(ctx, a); err != nil {
			return err
		}
	}
	_, _, err := w.ledger.Trim(ctx) // what its retention has run out for
	return err
}

func (w *Worker) sweepAccount(ctx context.Context, a *Account) error {
	var running []batch.Batch
	pending := 0
	for b, err := range w.ledger.List(ctx) {
		if err != nil {
			return err
		}
		if b.Account != a.Name || !b.Sealed || w.opts.Now().Sub(b.CreatedAt) < quietTime {
			continue
		}
		if b.Ended() {
			if err := w.unreported(ctx, b); err != nil {
				return err
			}
			continue
		}
		if !b.State.Held() {
			running, pending = append(running, b), pending+b.Pending()
		}
	}
	return w.refill(ctx, a, running, pending)
}

// unreported enqueues the report of a batch that ended without one.
func (w *Worker) unreported(ctx context.Context, b batch.Batch) error {
	if w.opts.ReportDir == "" || !b.ReportedAt.IsZero() {
		return nil
	}
	return w.queue.put(ctx, finishTask(b))
}

// refill enqueues the pending jobs of the batches where the queues hold fewer
// tasks than jobs are pending: some were lost. A task that is there is left alone.
func (w *Worker) refill(ctx context.Context, a *Account, running []batch.Batch, pending int) error {
	if pending == 0 {
		return nil
	}
	queued, err := w.queued(a)
	if err != nil || queued >= pending {
		return err
	}
	in := &Intake{Ledger: w.ledger, Queue: w.queue, Version: a.Client.Version(), Now: w.opts.Now}
	for _, b := range running {
		if err := in.Feed(ctx, b.ID); err != nil {
			return err
		}
	}
	return nil
}

// queued counts the jobs that the account's tasks stand for.
func (w *Worker) queued(a *Account) (int, error) {
	total := 0
	for _, l := range callLanes() {
		n, err := w.queue.size(a.Name, l)
		if err != nil {
			return 0, err
		}
		if l == laneLookup {
			n *= lookupRows
		}
		total += n
	}
	return total, nil
}
