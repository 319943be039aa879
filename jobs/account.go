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
	return &gate{account: a, priority: p, turn: turn}
}

// gate is the limiter of one job's calls: it waits for a slot, then marks the
// begin, so that nothing stands between the mark and the request.
type gate struct {
	account  *Account
	priority batch.Priority
	turn     string                      // batches of one priority take turns
	until    time.Time                   // when the wait for a slot is given up; zero is never
	begin    func(context.Context) error // nil for a call that changes nothing
}

// Wait blocks until the call may be sent.
func (g *gate) Wait(ctx context.Context, class aftership.Class) error {
	if err := g.slot(ctx, class); err != nil {
		return err
	}
	if g.begin == nil {
		return nil
	}
	return g.begin(ctx)
}

// errNoSlot says that the wait for a slot was given up.
var errNoSlot = errors.New("no slot came free in time")

func (g *gate) slot(ctx context.Context, class aftership.Class) error {
	wait := ctx
	if !g.until.IsZero() {
		var cancel context.CancelFunc
		wait, cancel = context.WithDeadlineCause(ctx, g.until, errNoSlot)
		defer cancel()
	}
	err := g.account.pacer(class).Wait(wait, ratelimit.Priority(g.priority), g.turn)
	if err != nil && ctx.Err() == nil && wait.Err() != nil {
		return errNoSlot
	}
	return err
}

// Observe passes the headers of a reply on to the pacer of its class.
func (g *gate) Observe(class aftership.Class, h aftership.RateHeaders) {
	g.account.pacer(class).Observe(context.Background(), ratelimit.Headers(h))
}
