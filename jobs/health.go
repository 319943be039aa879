package jobs

import (
	"context"
	"errors"
	"sync"
	"time"

	"aftership-bulk/aftership"
	"aftership-bulk/batch"
)

const (
	// outageAfter is how many transient failures in a row, across processes, are
	// an outage. Then no attempts are charged, so that no row dies of it.
	outageAfter = 20
	// outageProbe is how often one call per lane tries whether an outage is over.
	outageProbe = 10 * time.Second
	// outageLook is how often a waiting handler looks whether it is over.
	outageLook = time.Second
	// healthFresh is how long a process may not know of the others' failures.
	healthFresh = time.Second
)

// health watches how the calls of an account's lanes fare, in every process.
type health struct {
	ledger  *batch.Store
	account string
	now     func() time.Time

	mu    sync.Mutex
	known map[lane]*pulse
}

// pulse is what this process knows of a lane.
type pulse struct {
	batch.Failures
	asked time.Time
}

func newHealth(ledger *batch.Store, account string, now func() time.Time) *health {
	return &health{ledger: ledger, account: account, now: now, known: map[lane]*pulse{}}
}

// failures says how many transient failures in a row the lane has, asking the
// ledger once a second at most.
func (h *health) failures(ctx context.Context, l lane) batch.Failures {
	h.mu.Lock()
	defer h.mu.Unlock()
	p, ok := h.known[l]
	if !ok {
		p = &pulse{}
		h.known[l] = p
	}
	if now := h.now(); now.Sub(p.asked) >= healthFresh {
		if f, err := h.ledger.Failures(ctx, h.account, string(l)); err == nil {
			p.Failures, p.asked = f, now
		}
	}
	return p.Failures
}

func (h *health) set(l lane, f batch.Failures) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.known[l] = &pulse{f, h.now()}
}

// failed takes up a transient failure, and says whether it is part of an outage.
func (h *health) failed(ctx context.Context, l lane) bool {
	n, err := h.ledger.Fail(ctx, h.account, string(l))
	if err != nil {
		return h.outage(ctx, l)
	}
	f := h.failures(ctx, l)
	f.InRow = n
	h.set(l, f)
	return n >= outageAfter
}

// answered takes up any other answer: what was failing works again.
func (h *health) answered(ctx context.Context, l lane) {
	if h.failures(ctx, l).InRow == 0 {
		return
	}
	if h.ledger.Recover(ctx, h.account, string(l)) == nil {
		h.set(l, batch.Failures{})
	}
}

func (h *health) outage(ctx context.Context, l lane) bool {
	return h.failures(ctx, l).InRow >= outageAfter
}

// pass lets a call through: at once while all is well; in an outage one every
// ten seconds, while the others wait for its end.
func (h *health) pass(ctx context.Context, l lane) error {
	for h.outage(ctx, l) {
		if ok, err := h.ledger.MayProbe(ctx, h.account, string(l), outageProbe); err == nil && ok {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(outageLook):
		}
	}
	return nil
}

// Outages says whether AfterShip fails for every call of an operation, and since when.
func Outages(ctx context.Context, ledger *batch.Store, account string, op batch.Operation) (since time.Time, ok bool, err error) {
	f, err := ledger.Failures(ctx, account, string(laneOf(op)))
	return f.Since, f.InRow >= outageAfter, err
}

// AfterShip counts as unreachable after this many calls in a row that found no
// connection, over at least this time.
const (
	unreachedCalls = 2
	unreachedTime  = 3 * time.Second
)

// reach watches whether the calls of this process reach AfterShip at all.
type reach struct {
	now func() time.Time

	mu    sync.Mutex
	calls int // in a row that found no connection
	since time.Time
	err   error
	// The same of the ledger: tasks in a row that could not read or write it.
	tasks       int
	ledgerSince time.Time
	ledgerErr   error
}

// noteLedger takes up how a task went: what comes back without a reason of ours
// could not ask or write the ledger.
func (r *reach) noteLedger(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ours := errors.AsType[*backError](err); err == nil || ours || errors.Is(err, context.Canceled) {
		r.tasks = 0
		return
	}
	if r.tasks == 0 {
		r.ledgerSince = r.now()
	}
	r.tasks++
	r.ledgerErr = err
}

// note takes up how a call went.
func (r *reach) note(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	none, ok := errors.AsType[*aftership.NoAnswerError](err)
	if !ok || none.Sent {
		r.calls = 0
		return
	}
	if r.calls == 0 {
		r.since = r.now()
	}
	r.calls++
	r.err = err
}

// lost says why AfterShip or the ledger cannot be reached; empty while they can.
func (r *reach) lost() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.tasks >= unreachedCalls && r.now().Sub(r.ledgerSince) >= unreachedTime {
		return "the ledger cannot be written: " + r.ledgerErr.Error()
	}
	if r.calls < unreachedCalls || r.now().Sub(r.since) < unreachedTime {
		return ""
	}
	return "AfterShip cannot be reached: " + r.err.Error()
}
