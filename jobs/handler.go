package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/hibiken/asynq"

	"aftership-bulk/batch"
	"aftership-bulk/internal/failpoint"
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
	if errors.Is(err, batch.ErrNewer) {
		return back(time.Minute, "%v", err)
	}
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
	case taskStopped:
		return h.reportStopped(ctx, p)
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
		switch v.Kind {
		case Wait:
			err = c.takeBack(ctx)
		case Known:
			err = c.exists(ctx, v)
		default:
			return c.conclude(ctx, v)
		}
		if err != nil {
			return err
		}
	}
}
