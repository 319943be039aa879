package ratelimit

import (
	"math"
	"slices"
	"time"
)

// Learned is what a pacer gathered from answers between two exchanges, so that
// a thousand answers cost Redis no more than one.
type Learned struct {
	limit, limitAt    float64
	until, untilReset float64
	longEnd, longLeft float64
	spread, usual     float64
	late              float64 // when the answer came of a request that was held up on its way
	phased            bool
	low, high         float64
	windows           []seen
}

// urgent says that the bucket must hear of it before the next slot is used: a
// refusal, a limit lower than the one in force, a long window that is news.
func (l *Learned) urgent(v View) bool {
	lower := l.limit > 0 && l.limit < math.Floor(v.Limit*1000)
	return l.until > 0 || lower || (l.longEnd > 0 && v.Long == 0)
}

// stray says that a request came in a second that was not its own: the bucket
// should hear of it before it has given that second's last slot.
func (l *Learned) stray() bool { return len(l.windows) == 1 && l.windows[0].stray > 0 }

// clock maps this machine's monotonic clock, in microseconds since the pacer
// began, to the source's clock, by the shortest exchanges seen lately.
type clock struct {
	offset float64
	trip   time.Duration // of an exchange, usually
	least  time.Duration // of the shortest lately
	known  bool
}

// way is what is known of the way to AfterShip and back.
type way struct {
	clock clock
	least float64 // the shortest round trip lately; 0 while none is known
	usual float64 // jitter
	phase float64 // of the bucket, where it is locked to whole seconds
	whole bool    // it is
}

// read turns one answer into what can be learned from it. Times are on this
// process's own monotonic clock, in microseconds.
func read(h Headers, sent, received float64, y way) *Learned {
	l := &Learned{}
	source := received + y.clock.offset
	ahead, hasReset := aheadOf(h, source)
	long := hasReset && ahead > 2*second
	switch {
	case h.Limit > 0 && long:
		l.longEnd, l.longLeft = received+ahead, float64(h.Remaining)
	case h.Limit > 0:
		l.limit, l.limitAt = float64(h.Limit)*1000, sent
		if hasReset && (h.Date.IsZero() || h.Reset.After(h.Date)) {
			l.window(h, sent, received, y)
		}
	}
	if y.least > 0 && received-sent-y.least > 2*y.usual+heldUp {
		l.late = received
	}
	if h.TooMany {
		l.refused(h, received, ahead, long)
	}
	return l
}

// aheadOf is how far the reset lies ahead, by AfterShip's own clock where the
// answer shows it. That clock shows whole seconds, so if it agrees with the
// source's, the finer one is taken.
func aheadOf(h Headers, source float64) (float64, bool) {
	if h.Reset.IsZero() {
		return 0, false
	}
	reset := float64(h.Reset.Unix()) * second
	date := float64(h.Date.Unix()) * second
	if h.Date.IsZero() || math.Abs(source-date) < 2*second {
		return reset - source, true
	}
	return reset - date, true
}

// window reads the answer as one of a whole second. One whose reset is not
// ahead of its date was counted at the very edge, or names the reset a second
// early as has been recorded, and is not asked.
//
// The phase is that of a request whose way is short. One with a long round trip
// may have been held up before it was counted: the excess says nothing. And no
// whole second ends more than a second after the answer's date: a reset beyond, as
// refusals of another kind name it, says nothing of where seconds begin.
func (l *Learned) window(h Headers, sent, received float64, y way) {
	excess := max(0, received-sent-y.least)
	reset := float64(h.Reset.Unix())
	w := seen{reset: reset, least: float64(h.Remaining), most: float64(h.Remaining), answers: 1}
	if h.TooMany {
		w.refused = 1
	}
	if due := math.Floor((sent+y.clock.offset+y.phase)/second) + 1; y.whole && reset == due+1 && excess > strayLate {
		w.stray = 1
	}
	l.windows = []seen{w}
	if !h.Date.IsZero() && h.Reset.Sub(h.Date) > time.Second {
		return
	}
	l.phased, l.low, l.high = true, math.Floor((reset-1)*second-sent-excess), math.Ceil(reset*second-sent)
}

// heldUp is by how much, beside twice the usual jitter, a round trip must be longer
// than the shortest for its request to count as held up.
const heldUp = 20000

// strayLate is how much longer than the shortest a round trip must be for its
// request to have come in the second after its own.
const strayLate = 50000

func (l *Learned) refused(h Headers, received, ahead float64, long bool) {
	wait := max(ahead, float64(h.RetryAfter.Microseconds()))
	if wait <= 0 && h.Reset.IsZero() {
		wait = second
	}
	l.until = received + max(wait, 250000)
	if !long && h.RetryAfter == 0 && !h.Reset.IsZero() {
		l.untilReset = float64(h.Reset.Unix())
	}
}

// absorb adds what another answer said.
func (l *Learned) absorb(o *Learned) {
	if o.limit > 0 && o.limitAt >= l.limitAt {
		l.limit, l.limitAt = o.limit, o.limitAt
	}
	if o.until > l.until {
		l.until, l.untilReset = o.until, o.untilReset
	}
	l.late = max(l.late, o.late)
	l.absorbLong(o)
	l.absorbPhase(o)
	for _, w := range o.windows {
		l.absorbWindow(w)
	}
}

func (l *Learned) absorbLong(o *Learned) {
	switch {
	case o.longEnd == 0:
	case l.longEnd == 0 || math.Abs(l.longEnd-o.longEnd) > 2*second:
		l.longEnd, l.longLeft = o.longEnd, o.longLeft
	default:
		l.longLeft = min(l.longLeft, o.longLeft)
	}
}

func (l *Learned) absorbPhase(o *Learned) {
	if o.phased && l.phased {
		l.low, l.high = max(l.low, o.low), min(l.high, o.high)
	} else if o.phased {
		l.phased, l.low, l.high = true, o.low, o.high
	}
}

func (l *Learned) absorbWindow(w seen) {
	i, found := slices.BinarySearchFunc(l.windows, w, func(a, b seen) int { return int(a.reset - b.reset) })
	if found {
		l.windows[i] = l.windows[i].with(w)
		return
	}
	l.windows = slices.Insert(l.windows, i, w)
	if len(l.windows) > 6 {
		l.windows = l.windows[1:]
	}
}

// on moves what was learned from this process's clock to the source's.
func (l *Learned) on(c clock) *Learned {
	m := *l
	m.limitAt = shift(l.limitAt, c.offset)
	m.until = shift(l.until, c.offset)
	m.late = shift(l.late, c.offset)
	m.longEnd = shift(l.longEnd, c.offset)
	m.low, m.high = math.Floor(l.low-c.offset), math.Ceil(l.high-c.offset)
	return &m
}

func shift(at, offset float64) float64 {
	if at == 0 {
		return 0
	}
	return math.Floor(at + offset)
}

// trips remembers the latest round trips to AfterShip for their spread.
type trips struct {
	ring  [256]float64
	n     int
	at    int     // n when the figures below were worked out
	known float64 // the spread then
	usual float64 // and the usual jitter
	least float64 // and the shortest trip
}

func (t *trips) add(d float64) {
	t.ring[t.n%len(t.ring)] = d
	t.n++
}

// usualPerMiddle makes the jitter that two requests may differ by on their way, but
// for one pair in two hundred, of the middle round trip's: where each way is
// late by an exponential delay of mean m, the middle of both is 1.68 m, and two
// first ways differ by more than 4.6 m in one pair of two hundred.
const usualPerMiddle = 2.74

// spread is the distance from the shortest to the second longest trip: about
// what 99 of 100 stay within, deaf to a single odd one. While there are few to
// judge by, it is no less than what the middle one lets expect of an exponential
// delay.
func (t *trips) spread() float64 {
	n := min(t.n, len(t.ring))
	if n < 8 || (t.n-t.at < 16 && t.n > 128) {
		return t.known
	}
	sorted := slices.Clone(t.ring[:n])
	slices.Sort(sorted)
	t.at, t.known = t.n, sorted[n-2]-sorted[0]
	t.least = sorted[0]
	t.usual = math.Floor(usualPerMiddle * (sorted[n/2] - sorted[0]))
	if n < 100 {
		t.known = max(t.known, 4*(sorted[n/2]-sorted[0]))
	}
	t.known = math.Floor(t.known)
	return t.known
}
