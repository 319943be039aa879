package jobs

import (
	"context"
	"slices"
	"sync"
	"time"

	"aftership-bulk/batch"
)

// stopPoll is how soon the task of a stopped account may come back; its queue is
// paused, so that it comes back when the stop is lifted. stopFresh is how long a
// process may not know of another's stop.
const (
	stopPoll  = 5 * time.Second
	stopFresh = time.Second
)

// stopWatch tells handlers which accounts and classes are stopped, asking the
// ledger once a second at most.
type stopWatch struct {
	ledger *batch.Store
	now    func() time.Time

	mu    sync.Mutex
	asked time.Time
	stops []batch.Stop
}

// find returns the stop that holds for the lane of the account, if there is one.
// Where the ledger cannot be asked, the last answer holds.
func (w *stopWatch) find(ctx context.Context, account, class string) *batch.Stop {
	w.mu.Lock()
	defer w.mu.Unlock()
	if now := w.now(); now.Sub(w.asked) > stopFresh {
		if stops, err := w.ledger.Stops(ctx, account); err == nil {
			w.asked, w.stops = now, stops
		}
	}
	for i, s := range w.stops {
		if s.Class == "" || s.Class == class {
			return &w.stops[i]
		}
	}
	return nil
}

func (w *stopWatch) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked = time.Time{}
}

// stopped sends a task back while its lane is stopped.
func (h *Handler) stopped(ctx context.Context, l lane) error {
	if stop := h.stops.find(ctx, h.account.Name, string(l)); stop != nil {
		return back(stopPoll, "stopped: %s", stop.Reason)
	}
	return nil
}

// halt carries out a Stop verdict.
func (h *Handler) halt(ctx context.Context, id batch.ID, l lane, v Verdict, reason string) error {
	if v.Scope == StopRun {
		return h.ledger.Halt(ctx, id, reason) // the job is parked with its batch
	}
	class := ""
	if v.Scope == StopClass {
		class = string(l)
	}
	if _, err := h.ledger.Stop(ctx, h.account.Name, class, reason, v.Code); err != nil {
		return err
	}
	h.stops.forget()
	if err := h.queue.setPaused(h.account.Name, true, stoppedLanes(batch.Stop{Class: class})...); err != nil {
		h.log.Warn("the queues of a stopped account could not be paused; its tasks come back every minute", "error", err)
	}
	return back(stopPoll, "stopped: %s", reason)
}

// stoppedLanes lists the lanes that a stop holds back. Reports are written while an account is stopped.
func stoppedLanes(s batch.Stop) []lane {
	if s.Class != "" {
		return []lane{lane(s.Class)}
	}
	return callLanes()
}

// callLanes lists the lanes whose tasks call AfterShip.
func callLanes() []lane {
	return slices.DeleteFunc(lanes(), func(l lane) bool { return l == laneFinish })
}

// Lift ends every stop of the account and lets its queues run again.
func (in *Intake) Lift(ctx context.Context, account string) error {
	if _, err := in.Ledger.Lift(ctx, account); err != nil {
		return err
	}
	return in.Queue.setPaused(account, false, lanes()...)
}

// Concerns reports whether a stop holds back jobs of the batch.
func Concerns(s batch.Stop, b batch.Batch) bool {
	o, _ := optionsOf(b)
	return s.Class == "" || slices.Contains(o.lanes(b), lane(s.Class))
}
