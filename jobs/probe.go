package jobs

import (
	"context"
	"errors"
	"slices"
	"time"

	"aftership-bulk/aftership"
	"aftership-bulk/batch"
)

// stopProbe is how often one real call tries whether a stop's cause is gone.
const stopProbe = time.Minute

// probeStops tries, for each stop of the accounts, one of the calls that it holds
// back. If that is not stopped again, the stop is lifted.
func (w *Worker) probeStops(ctx context.Context) error {
	for _, a := range w.accounts {
		stops, err := w.ledger.Stops(ctx, a.Name)
		if err != nil {
			return err
		}
		// A stop that was lifted while another process was still pausing for it
		// leaves queues paused for nothing.
		if err := w.queue.setPaused(a.Name, false, unstopped(stops)...); err != nil {
			return err
		}
		for _, s := range stops {
			if err := w.probeStop(ctx, a, s); err != nil {
				return err
			}
		}
	}
	return nil
}

// unstopped lists the lanes that no stop holds back.
func unstopped(stops []batch.Stop) []lane {
	return slices.DeleteFunc(callLanes(), func(l lane) bool {
		return slices.ContainsFunc(stops, func(s batch.Stop) bool { return slices.Contains(stoppedLanes(s), l) })
	})
}

func (w *Worker) probeStop(ctx context.Context, a *Account, s batch.Stop) error {
	if w.opts.Now().Sub(s.At) < stopProbe {
		return nil
	}
	mine, err := w.ledger.MayProbe(ctx, a.Name, "stop:"+s.Class, stopProbe)
	if err != nil || !mine {
		return err
	}
	passed, err := w.tryOne(ctx, a, s)
	if err != nil || !passed {
		return err
	}
	w.opts.Log.Info("a call passed: the stop is lifted", "account", a.Name, "class", s.Class)
	if _, err := w.ledger.Lift(ctx, a.Name, s.Class); err != nil {
		return err
	}
	w.handlers[a.Name].stops.forget()
	return w.queue.setPaused(a.Name, false, stoppedLanes(s)...)
}

// tryOne sends one call that the stop holds back, and says whether it passed.
func (w *Worker) tryOne(ctx context.Context, a *Account, s batch.Stop) (passed bool, err error) {
	if s.Class == string(laneLookup) {
		return listOne(ctx, a), nil
	}
	for b, err := range w.ledger.List(ctx) {
		tried := 0
		if err != nil {
			return false, err
		}
		if b.Account != a.Name || b.State != batch.Running || !Concerns(s, b) {
			continue
		}
		for todo, err := range w.ledger.Work(ctx, b.ID, 0) {
			if err != nil {
				return false, err
			}
			t := jobTask(b, "", todo.Job, todo.Round)
			passed, fits, err := w.handlers[a.Name].probe(ctx, t.payload, lane(s.Class))
			if _, left := errors.AsType[*leftAlone](err); left {
				continue // it has its result without a call, which tells nothing
			}
			if fits || err != nil {
				return passed, err
			}
			if tried++; tried == probedJobs {
				break
			}
		}
	}
	return listOne(ctx, a), nil // nothing waits: any call tells whether the key is good
}

// probedJobs is among how many jobs of a batch one of the stopped lane is sought:
// those of a sync and of a sheet of several operations call different endpoints.
const probedJobs = 200

// listOne asks for a page of the list.
func listOne(ctx context.Context, a *Account) bool {
	for _, err := range a.Client.With(a.Limiter(batch.Background, "probe")).List(ctx, aftership.Filter{PageSize: 1}) {
		return err == nil
	}
	return true
}

// probe carries out one job if it is of the stopped lane, and says whether it passed. Its
// own task stands in a paused queue; should it run at the same time, because
// somebody lifts the stop, then the later call is flagged as ambiguous.
func (h *Handler) probe(ctx context.Context, p Payload, stopped lane) (passed, fits bool, err error) {
	c, err := h.openUnchecked(ctx, p)
	switch {
	case err != nil || c == nil || stopped != "" && c.lane() != stopped:
		return false, false, err
	case c.mustLookUp(): // its call comes after a look-up, and which that is cannot be known
		return stopped == "" && listOne(ctx, h.account), stopped == "", nil
	}
	passed, err = c.probe(ctx)
	return passed, true, err
}

func (c *call) probe(ctx context.Context) (passed bool, err error) {
	c.probing = true
	v, err := c.attempt(ctx)
	if left, ok := errors.AsType[*leftAlone](err); ok {
		return false, errors.Join(left, c.interrupted(err))
	}
	if err != nil {
		return false, nil // no slot, or no begin: the next probe tells
	}
	switch v.Kind {
	case Wait, Stop:
		return false, c.takeBack(ctx)
	case Known:
		return true, c.exists(ctx, v) // its own task goes on
	}
	return v.Kind != Retry, c.conclude(ctx, v)
}
