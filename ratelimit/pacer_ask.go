package ratelimit

import (
	"context"
	"math"
	"math/rand/v2"
	"time"
)

// ask is the pacer's talk with its source: one exchange at a time, when slots
// are wanted or something was learned.
func (p *Pacer) ask(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for ctx.Err() == nil {
		x, wait := p.plan()
		if x != nil {
			p.exchange(ctx, x)
			continue
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
		case <-p.asks:
		case <-timer.C:
		}
	}
}

// exchanging is one exchange under way.
type exchanging struct {
	req  Request
	raw  *Learned // on this process's clock, to be kept if the exchange fails
	void int
}

// plan decides on the next exchange, or how long there is none to make.
func (p *Pacer) plan() (*exchanging, time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	n := p.want()
	at := p.wakeAt(n)
	if at.IsZero() {
		at = now.Add(time.Hour)
	}
	if at.After(now) {
		p.asleep = at
		return nil, at.Sub(now)
	}
	if now.Before(p.askAt) {
		n = 0
	}
	x := &exchanging{req: Request{N: n, Lead: p.lead()}, void: p.void}
	if p.pending != nil && p.clock.known {
		x.raw, p.pending = p.pending, nil
		x.raw.spread, x.raw.usual = p.trips.spread(), p.trips.usual
		x.req.Learned = x.raw.on(p.clock)
	}
	p.demandSince(now)
	return x, 0
}

// wakeAt is when the next exchange is due; zero for never. A failing source is
// left alone for a while by both reasons.
func (p *Pacer) wakeAt(n int) time.Time {
	switch {
	case n > 0 && p.pending != nil && p.tellAt.Before(p.askAt) && p.backoff == 0:
		return p.tellAt
	case n > 0:
		return p.askAt
	case p.pending != nil && p.backoff > 0:
		return p.askAt
	case p.pending != nil:
		return p.tellAt
	}
	return time.Time{}
}

// wakeAsk wakes ask if an exchange is due before ask would wake by itself: also
// one that is due later, for ask may have gone to sleep when nobody waited.
func (p *Pacer) wakeAsk() {
	if at := p.wakeAt(p.want()); !at.IsZero() && at.Before(p.asleep) {
		wake(p.asks)
	}
}

// lead is how long before its time a slot must be known.
func (p *Pacer) lead() time.Duration { return 2*p.clock.trip + slop }

// ahead is how many slots to hold: what passes during a round trip, at least one.
func (p *Pacer) ahead() int {
	gap := p.last.view.Gap
	if gap <= 0 {
		return 1
	}
	return max(1, int(math.Ceil(float64(p.clock.trip+slop)/float64(gap))))
}

// want is how many slots to reserve now: enough for those who wait and, where a
// round trip spans several slots, for those who will by then.
func (p *Pacer) want() int {
	if p.err != nil {
		return 0
	}
	ahead, need := p.ahead(), p.line.len()
	if ahead > 1 {
		need = max(need, int(math.Ceil(2*p.demand*(p.clock.trip+slop).Seconds())))
	}
	return max(0, min(ahead, need)-p.inHand())
}

// demandSince follows how many slots a second are taken.
func (p *Pacer) demandSince(now time.Time) {
	dt := max(now.Sub(p.usedAt), time.Microsecond).Seconds()
	p.demand += (float64(p.used)/dt - p.demand) * min(1, dt/0.01)
	p.used, p.usedAt = 0, now
}

// exchange talks to the source and takes its answer in.
func (p *Pacer) exchange(ctx context.Context, x *exchanging) {
	begin := p.now()
	g, err := p.src.Reserve(ctx, x.req)
	end := p.now()
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil {
		p.failed(x, end, err)
		return
	}
	p.last.err, p.backoff = nil, 0
	p.last.view, p.last.at = g.View, end
	p.sync(g, begin, end)
	p.receive(x, g, begin, end)
}

func (p *Pacer) failed(x *exchanging, end time.Time, err error) {
	p.last.err = err
	p.backoff = min(max(2*p.backoff, backMin), backMax)
	p.askAt = end.Add(p.backoff + rand.N(p.backoff))
	if x.raw == nil {
		return
	}
	if p.pending != nil {
		x.raw.absorb(p.pending)
	}
	p.pending, p.tellAt = x.raw, p.askAt
}

// sync learns the source's clock: the exchange's middle is when it was read. The
// slower an exchange, the less it tells, and the less it moves the mapping; one
// that was held up moves the usual trip by little.
func (p *Pacer) sync(g Grant, begin, end time.Time) {
	trip := end.Sub(begin)
	offset := float64(g.Now) - p.here(begin.Add(trip/2))
	off := math.Abs(offset - p.clock.offset)
	if !p.clock.known {
		p.clock = clock{offset: offset, trip: trip, least: trip, known: true}
		return
	}
	p.clock.least = min(trip, p.clock.least+p.clock.least/64+tripSlack/64)
	if off > float64(trip.Microseconds()) {
		p.clock.offset = offset
	} else {
		share := min(1, 2*float64(p.clock.least+tripSlack)/float64(trip+1))
		p.clock.offset += (offset - p.clock.offset) * share * share / 8
	}
	p.clock.trip += (min(trip, 4*p.clock.trip+tripSlack) - p.clock.trip) / 8
}

// tripSlack is by how much the trips of exchanges differ where all is well.
const tripSlack = time.Millisecond

// receive puts the slots in hand. Their times count from the answer's arrival,
// never early; their end from the asking, never late.
func (p *Pacer) receive(x *exchanging, g Grant, begin, end time.Time) {
	if g.Epoch != p.epoch {
		p.discardHand()
		p.epoch = g.Epoch
	}
	p.askAt = end
	if g.Slots == 0 {
		if x.req.N > 0 {
			p.askAt = end.Add(g.Retry + rand.N(time.Millisecond))
		}
		return
	}
	if x.void != p.void {
		p.last.voided += int64(g.Slots)
		return
	}
	b := block{at: end.Add(g.Wait), spacing: g.Spacing, n: g.Slots, slack: g.Slack}
	if g.End > 0 {
		b.until = begin.Add(g.End)
	}
	p.hand = append(p.hand, b)
	wake(p.gives)
}
