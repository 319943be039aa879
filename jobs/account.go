package jobs

import (
	"context"
	"errors"
	"time"

	"aftership-bulk/aftership"
	"aftership-bulk/batch"
	"aftership-bulk/ratelimit"
)

// Account is an AfterShip organisation as a worker serves it: its client, and a
// pacer for each class of its API version. Every call of the account passes one
// of the pacers.
type Account struct {
	Name   string
	Client *aftership.Client
	Pacers map[aftership.Class]*ratelimit.Pacer

	observer Observer // nil until a worker serves the account
}

// pacer is the pacer of the class; a class that nobody made a pacer for has the
// first one of the version, so that no call is ever sent without a slot.
func (a *Account) pacer(c aftership.Class) *ratelimit.Pacer {
	if p, ok := a.Pacers[c]; ok {
		return p
	}
	return a.Pacers[a.Client.Version().Classes()[0]]
}

// hold stops handing out slots: what waits comes back with [ratelimit.ErrHeld].
func (a *Account) hold() {
	for _, p := range a.Pacers {
		p.Hold()
	}
}

// Close ends the account's pacers.
func (a *Account) Close() {
	for _, p := range a.Pacers {
		p.Close()
	}
}

// Limiter is a limiter for calls that belong to no job: listings, courier lists.
func (a *Account) Limiter(p batch.Priority, turn string) aftership.Limiter {
	return &gate{account: a, priority: p, turn: turn, now: time.Now}
}

// gate is the limiter of one job's calls: it waits for a slot, then marks the
// begin, so that nothing stands between the mark and the request.
type gate struct {
	account  *Account
	health   *health // nil for calls that belong to no job
	lane     lane
	priority batch.Priority
	turn     string                      // batches of one priority take turns
	until    time.Time                   // when the wait for a slot is given up; zero is never
	begin    func(context.Context) error // nil for a call that changes nothing
	undo     func(context.Context) error // takes the begin back
	now      func() time.Time
}

// noLeave is why a call was not sent: no slot, no begin, a ledger that is away. It
// says nothing about the row.
type noLeave struct{ err error }

func (e *noLeave) Error() string { return e.err.Error() }
func (e *noLeave) Unwrap() error { return e.err }

// Wait blocks until the call may be sent.
func (g *gate) Wait(ctx context.Context, class aftership.Class) error {
	if err := g.wait(ctx, class); err != nil {
		return &noLeave{err}
	}
	return nil
}

func (g *gate) wait(ctx context.Context, class aftership.Class) error {
	wait := ctx
	if !g.until.IsZero() {
		var cancel context.CancelFunc
		wait, cancel = context.WithDeadline(ctx, g.until)
		defer cancel()
	}
	for {
		sent, err := g.try(ctx, wait, class)
		if err != nil && ctx.Err() == nil && wait.Err() != nil {
			return errNoSlot
		}
		if sent || err != nil {
			return err
		}
	}
}

// errNoSlot says that the wait for a slot was given up.
var errNoSlot = errors.New("no slot came free in time")

// try takes one slot and marks the begin. Where marking took so long that the
// slot is void, or the process was held up, it takes the begin back.
func (g *gate) try(ctx, wait context.Context, class aftership.Class) (sent bool, err error) {
	if g.health != nil {
		if err := g.health.pass(wait, g.lane); err != nil {
			return false, err
		}
	}
	began := g.now()
	slot, err := g.account.pacer(class).Take(wait, ratelimit.Priority(g.priority), g.turn)
	if err == nil {
		g.account.slotWaited(class, g.now().Sub(began))
	}
	if err != nil || g.begin == nil {
		return err == nil, err
	}
	if err := g.begin(ctx); err != nil {
		return false, err
	}
	if slot.Until.IsZero() || g.now().Before(slot.Until) {
		return true, nil
	}
	return false, g.undo(ctx)
}

// Observe passes the headers of a reply on to the pacer of its class.
func (g *gate) Observe(class aftership.Class, h aftership.RateHeaders) {
	g.account.pacer(class).Observe(context.Background(), ratelimit.Headers(h))
}
