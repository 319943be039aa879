package ratelimit

import (
	"context"
	"errors"
	"sync"
	"time"
)

const (
	slop      = 2 * time.Millisecond // what this process's own timers may be late by
	tellEvery = 250 * time.Millisecond
	backMin   = 50 * time.Millisecond
	backMax   = time.Second
)

// Slot is the right to send one request, from At on and before Until, on this
// process's clock.
type Slot struct{ At, Until time.Time }

// Pacer gives the slots of one bucket to the waiters of one process. It holds
// no more slots than the round trip to the source needs, so that a process that
// dies takes almost nothing with it.
type Pacer struct {
	src    Source
	now    func() time.Time
	start  time.Time
	cancel context.CancelFunc
	wg     sync.WaitGroup
	asks   chan struct{} // wakes ask
	gives  chan struct{} // wakes give

	mu      sync.Mutex
	line    *line
	hand    []block // reserved, not yet given, by time
	epoch   int64
	void    int // grows when slots on their way are void
	used    int // slots given since the last exchange,
	usedAt  time.Time
	demand  float64 // and a second, lately
	pending *Learned
	tellAt  time.Time
	askAt   time.Time
	asleep  time.Time // until when ask sleeps, unless woken
	backoff time.Duration
	clock   clock
	trips   trips
	err     error // why Take fails: held or closed
	last    lastView
}

type lastView struct {
	view          View
	at            time.Time
	given, voided int64
	err           error
}

// block is some slots of one grant.
type block struct {
	at      time.Time
	spacing time.Duration
	n       int
	slack   time.Duration
	until   time.Time // zero: slack counts
}

func (b block) first() Slot {
	if b.until.IsZero() {
		return Slot{At: b.at, Until: b.at.Add(b.slack)}
	}
	return Slot{At: b.at, Until: b.until}
}

// NewPacer starts a pacer over a source. Close it.
func NewPacer(src Source) *Pacer { return newPacer(src, time.Now) }

func newPacer(src Source, now func() time.Time) *Pacer {
	ctx, cancel := context.WithCancel(context.Background())
	p := &Pacer{src: src, now: now, start: now(), askAt: now(), cancel: cancel, line: newLine(),
		asks: make(chan struct{}, 1), gives: make(chan struct{}, 1)}
	p.wg.Go(func() { p.ask(ctx) })
	p.wg.Go(func() { p.give(ctx) })
	return p
}

// Wait waits for a slot and returns nil when its request should be sent now.
// It returns the context's error as soon as that ends, and ErrHeld after Hold.
// turn names the batch: batches of one priority take turns.
func (p *Pacer) Wait(ctx context.Context, prio Priority, turn string) error {
	_, err := p.Take(ctx, prio, turn)
	return err
}

// Take is Wait for callers with something to do between the slot and the
// request: a slot whose Until has passed by then is void, and another is to be
// taken.
func (p *Pacer) Take(ctx context.Context, prio Priority, turn string) (Slot, error) {
	if err := ctx.Err(); err != nil {
		return Slot{}, err
	}
	w, slot, err := p.enter(prio, turn)
	if w == nil {
		return slot, err
	}
	select {
	case s, ok := <-w.slot:
		return p.taken(s, ok)
	case <-ctx.Done():
		p.leave(w)
		return Slot{}, ctx.Err()
	}
}

func (p *Pacer) taken(s Slot, ok bool) (Slot, error) {
	if ok {
		return s, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return Slot{}, p.err
}

// enter gets in line, or takes a slot at once if one is due and nobody waits.
func (p *Pacer) enter(prio Priority, turn string) (*waiter, Slot, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err != nil {
		return nil, Slot{}, p.err
	}
	now := p.now()
	if p.line.len() == 0 {
		if s, ok := p.due(now); ok {
			p.wakeAsk()
			return nil, s, nil
		}
	}
	w := &waiter{lane: laneOf(prio), turn: turn, since: now, slot: make(chan Slot, 1)}
	p.line.push(w)
	if len(p.hand) > 0 {
		wake(p.gives)
	}
	p.wakeAsk()
	return w, Slot{}, nil
}

// leave gets out of line; a slot that was given in the meantime goes back.
func (p *Pacer) leave(w *waiter) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.line.remove(w) {
		return
	}
	if s, ok := <-w.slot; ok {
		p.last.given--
		p.hand = append([]block{{at: s.At, n: 1, until: s.Until}}, p.hand...)
		wake(p.gives)
	}
}

// Observe takes in what an answer said about the limit. It never waits; the
// context is there for the caller's values only.
func (p *Pacer) Observe(_ context.Context, h Headers) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	if h.Received.IsZero() {
		h.Received = now
	}
	if h.Sent.IsZero() {
		h.Sent = h.Received
	} else if !h.TooMany {
		p.trips.add(float64(h.Received.Sub(h.Sent).Microseconds()))
	}
	v := p.last.view
	l := read(h, p.here(h.Sent), p.here(h.Received), way{p.clock, p.trips.least, p.trips.usual, float64(v.Phase.Microseconds()), v.Mode == Locked})
	urgent := l.urgent(v)
	if p.pending == nil {
		p.pending, p.tellAt = l, now.Add(tellEvery)
	} else {
		p.pending.absorb(l)
	}
	if urgent {
		p.discard()
	}
	if urgent || l.stray() {
		p.tellAt = now
	}
	p.wakeAsk()
}

// here is a time on this process's monotonic clock in microseconds.
func (p *Pacer) here(t time.Time) float64 { return float64(t.Sub(p.start).Microseconds()) }

// Hold ends the handing out of slots for good: waiters and later calls get
// ErrHeld. What answers say is still observed.
func (p *Pacer) Hold() { p.end(ErrHeld) }

// Close stops the pacer and waits for its goroutines. Waiters get ErrClosed.
func (p *Pacer) Close() {
	p.end(ErrClosed)
	p.cancel()
	p.wg.Wait()
}

func (p *Pacer) end(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err == nil || errors.Is(err, ErrClosed) {
		p.err = err
	}
	p.discard()
	for _, w := range p.line.drain() {
		close(w.slot)
	}
}

// Status is what a pacer knows, for people.
type Status struct {
	View                    // the bucket, as the last exchange saw it
	Paused        time.Time // no slot before; zero when not paused
	RTT           time.Duration
	Waiting       int
	Given, Voided int64 // slots handed out, and thrown away because they came too late or too soon before a pause
	Err           error // why there is no slot just now: Redis is away; nil when all is well
}

// Status returns what the pacer knows now.
func (p *Pacer) Status() Status {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := Status{View: p.last.view, RTT: p.clock.trip, Waiting: p.line.len(),
		Given: p.last.given, Voided: p.last.voided, Err: p.last.err}
	until := p.last.at.Add(s.Pause)
	s.Pause = max(0, until.Sub(p.now()))
	if s.Pause > 0 {
		s.Paused = until
	}
	return s
}

// discard throws away what is in hand or on its way.
func (p *Pacer) discard() {
	p.void++
	p.discardHand()
}

func (p *Pacer) discardHand() {
	for _, b := range p.hand {
		p.last.voided += int64(b.n)
	}
	p.hand = nil
}

// due takes the first slot in hand if its time has come, and drops void ones.
func (p *Pacer) due(now time.Time) (Slot, bool) {
	for len(p.hand) > 0 {
		b := &p.hand[0]
		if b.at.After(now) {
			return Slot{}, false
		}
		s := b.first()
		b.at = b.at.Add(b.spacing)
		if b.n--; b.n == 0 {
			p.hand = p.hand[1:]
		}
		if now.Before(s.Until) {
			p.used++
			p.last.given++
			return s, true
		}
		p.last.voided++
	}
	return Slot{}, false
}

func (p *Pacer) inHand() int {
	n := 0
	for _, b := range p.hand {
		n += b.n
	}
	return n
}

func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// give hands each slot to the best waiter when its time comes.
func (p *Pacer) give(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		timer.Reset(p.handOut())
		select {
		case <-ctx.Done():
			return
		case <-p.gives:
		case <-timer.C:
		}
	}
}

// handOut gives what is due and returns the time to the next slot.
func (p *Pacer) handOut() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	for p.line.len() > 0 {
		s, ok := p.due(now)
		if !ok {
			break
		}
		p.line.pop(now).slot <- s
	}
	p.wakeAsk() // slots were given, or thrown away because they came too late
	if len(p.hand) == 0 || p.line.len() == 0 {
		return time.Hour
	}
	return p.hand[0].at.Sub(now)
}
