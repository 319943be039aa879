package ratelimit

import (
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// audit checks each grant against the limit in force, on the bucket's clock.
type audit struct {
	paced   []granted
	windows map[[2]float64]float64 // by reset and generation: slots in locked mode
	gen     float64
}

type granted struct{ at, limit float64 }

// add returns what the grant broke, or nothing.
func (a *audit) add(b *bucket, now float64, r answer) string {
	limit := r.limit / 1000
	if r.end > 0 {
		// A slot may be used up to its end, which lies in the same second.
		key := [2]float64{math.Floor((now+r.wait+b.phase)/second) + 1, a.gen}
		if used := math.Floor((now+r.end+b.phase)/second) + 1; used != key[0] {
			return "a slot's end lies in another second"
		}
		a.windows[key] += r.slots
		if a.windows[key] > math.Floor(limit) {
			return "more slots in a whole second than the limit"
		}
		return ""
	}
	limit += b.credit(r.limit)
	for i := range int(r.slots) {
		a.paced = append(a.paced, granted{now + r.wait + math.Ceil(float64(i)*r.spacing/1000), limit})
	}
	return a.sliding()
}

// void forgets slots that a safe start took back before their time.
func (a *audit) void(now float64) {
	a.paced = slices.DeleteFunc(a.paced, func(g granted) bool { return g.at > now })
}

func (a *audit) sliding() string {
	last := a.paced[len(a.paced)-1]
	n, limit := 0.0, 0.0
	for i := len(a.paced) - 1; i >= 0 && a.paced[i].at > last.at-second; i-- {
		n, limit = n+1, max(limit, a.paced[i].limit)
	}
	if n > math.Ceil(limit) {
		return "more slots in a second than the limit"
	}
	return ""
}

// TestNeverMoreThanTheLimit feeds a bucket with whatever answers might say and
// checks every slot it gives.
func TestNeverMoreThanTheLimit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now, b, a := 1.9e15, bucket{}, audit{windows: map[[2]float64]float64{}}
		locked := rapid.Bool().Draw(t, "locked")
		for range rapid.IntRange(1, 100).Draw(t, "calls") {
			k := genCall(t, now)
			now += max(k.gap, 0)
			if locked && b.seq > 0 {
				b.mode = 1
			} else if rapid.IntRange(0, 4).Draw(t, "roomy") == 0 {
				b.roomy = 3
			}
			phase, safe := b.phase, b.safeAt
			r := b.exchange(now, k.ask)
			if b.safeAt != safe {
				a.void(now)
			}
			if b.safeAt != safe || math.Abs(b.phase-phase) > shiftMin {
				a.gen++
			}
			if r.slots == 0 {
				continue
			}
			if broken := a.add(&b, now, r); broken != "" {
				t.Fatalf("%s: %+v of %+v at %.0f", broken, r, b, now)
			}
		}
	})
}

// probe is a bucket with a clock, for the tables below.
type probe struct {
	b   bucket
	now float64
	ask ask
}

func newProbe(limit float64) *probe {
	p := &probe{now: 1.9e15, ask: ask{n: 1, ceiling: limit * 1000, lead: 2000}}
	p.slot()
	return p
}

// slot waits for the next slot and returns how long that took.
func (p *probe) slot() time.Duration {
	begin := p.now
	for {
		r := p.b.exchange(p.now, p.ask)
		p.ask.learned, p.ask.drift = nil, 0
		if r.slots > 0 {
			p.now += r.wait
			return time.Duration(p.now-begin) * time.Microsecond
		}
		p.now += max(r.retry, 1)
	}
}

func (p *probe) learn(l Learned) { p.ask.learned = &l }

func TestWaitsForTheNextSlot(t *testing.T) {
	sec := time.Second
	tests := []struct {
		name     string
		do       func(*probe)
		min, max time.Duration
	}{
		{"nothing happened", func(p *probe) {}, 100 * time.Millisecond, 102 * time.Millisecond},
		{"the hash was lost", func(p *probe) { p.b = bucket{} }, sec, sec},
		{"a failover lost writes", func(p *probe) { p.ask.seenSeq = p.b.seq + 3 }, sec, sec},
		{"the clock was set back by an hour", func(p *probe) { p.now -= 3600 * second }, sec, sec},
		{"the clock was set back by a second, as one process noticed", func(p *probe) {
			p.b.safeAt = 0
			p.ask.drift = -second
			p.now -= second
		}, sec, sec},
		{"the clock was set ahead, as one process noticed", func(p *probe) {
			p.b.safeAt = 0
			p.ask.drift = 90 * second
			p.now += 90 * second
		}, sec, sec},
		{"a refusal until later", func(p *probe) { p.learn(Learned{until: p.now + 7*second}) }, 7 * sec, 7 * sec},
		{"a refusal until tomorrow", func(p *probe) { p.learn(Learned{until: p.now + 40*3600*second}) }, 24 * time.Hour, 24 * time.Hour},
		{"a lower limit", func(p *probe) {
			p.slot()
			p.learn(Learned{limit: 5000, limitAt: p.now})
			p.slot()
		}, 201 * time.Millisecond, 203 * time.Millisecond},
		{"a lower limit in a late answer", func(p *probe) {
			p.learn(Learned{limit: 10000, limitAt: p.now})
			p.slot()
			p.learn(Learned{limit: 5000, limitAt: p.now - second})
			p.slot()
		}, 100 * time.Millisecond, 102 * time.Millisecond},
		{"a limit above the setting", func(p *probe) {
			p.learn(Learned{limit: 10000000, limitAt: p.now})
			p.slot()
		}, 100 * time.Millisecond, 102 * time.Millisecond},
		{"twelve left for the next minute", func(p *probe) {
			p.learn(Learned{longEnd: p.now + 60*second, longLeft: 12})
			p.slot()
		}, 4900 * time.Millisecond, 6 * sec},
		{"none left for the next hour", func(p *probe) {
			p.learn(Learned{longEnd: p.now + 3600*second, longLeft: 0})
		}, time.Hour, time.Hour},
		{"plenty left for the next hour", func(p *probe) {
			p.learn(Learned{longEnd: p.now + 3600*second, longLeft: 1e9})
		}, 100 * time.Millisecond, 102 * time.Millisecond},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := newProbe(10)
			test.do(p)
			if got := p.slot(); got < test.min || got > test.max {
				t.Errorf("the next slot came after %v, want %v to %v", got, test.min, test.max)
			}
		})
	}
}

func TestLongWindowIsSharedOut(t *testing.T) {
	p := newProbe(10)
	end := p.now + 60*second
	p.learn(Learned{longEnd: end, longLeft: 12})
	n := 0
	for p.slot(); p.now < end; p.slot() {
		n++
	}
	if n > 12 || n < 11 {
		t.Errorf("%d slots in a minute with 12 left", n)
	}
	if wait := p.slot(); wait > 110*time.Millisecond {
		t.Errorf("after the minute a slot takes %v", wait)
	}
}

func TestRaisedMarginComesBack(t *testing.T) {
	p := newProbe(10)
	for range 10 {
		for range 20 {
			p.slot()
		}
		p.learn(Learned{until: p.now + 100000})
		p.slot()
	}
	if m := p.b.margin; m < 100000 {
		t.Fatalf("margin %v after ten refusals", m)
	}
	for range 3000 {
		p.slot()
	}
	if m := p.b.margin; m > 40000 {
		t.Errorf("margin %v after five quiet minutes", m)
	}
}

func TestStormDoesNotRaiseTheMargin(t *testing.T) {
	p := newProbe(10)
	p.b.taken = 0
	for range 120 {
		p.learn(Learned{until: p.now + second})
		p.slot()
		p.slot()
	}
	if m := p.b.margin; m > 10*marginInit {
		t.Errorf("margin %v although hardly anything was sent", m)
	}
}

// refusal is a 429 as the headers of a second tell it.
func (p *probe) refusal(refused float64) {
	reset := math.Floor(p.now/second) + 1
	p.learn(Learned{limit: 10000, limitAt: p.now, until: reset * second, untilReset: reset, windows: []seen{{reset, 0, 0, refused, refused, 0}}})
}

// Where seconds are not whole, a refusal by itself came of the jitter, and costs
// a slot. A second one soon after it is taken seriously.
func TestALoneRefusalCostsOneSlot(t *testing.T) {
	tests := []struct {
		name     string
		refused  float64
		before   time.Duration // since the refusal before
		bad      float64
		min, max time.Duration
	}{
		{"by itself", 1, time.Hour, 1, 100 * time.Millisecond, 150 * time.Millisecond},
		{"two at once", 2, time.Hour, 1, 600 * time.Millisecond, time.Second},
		{"soon after another", 1, time.Second, 1, 600 * time.Millisecond, time.Second},
		{"where seconds may be whole", 1, time.Hour, 0, 600 * time.Millisecond, 1100 * time.Millisecond},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := newProbe(10)
			for math.Mod(p.now, second) > 300000 {
				p.slot()
			}
			p.b.phased, p.b.bad, p.b.refusedAt = 1, test.bad, p.now-float64(test.before.Microseconds())
			p.refusal(test.refused)
			if got := p.slot(); got < test.min || got > test.max {
				t.Errorf("the next slot came after %v, want %v to %v", got, test.min, test.max)
			}
		})
	}
}

// What a request that was held up does to its neighbours is no reason to send less.
func TestHeldUpRequestsExcuseRefusals(t *testing.T) {
	for _, late := range []bool{false, true} {
		p := newProbe(10)
		for range 30 {
			p.slot()
		}
		before := p.b.margin
		p.refusal(1)
		if late {
			p.ask.learned.late = p.now - 100000
		}
		p.slot()
		if raised := p.b.margin > before; raised == late {
			t.Errorf("held up %v: the margin went from %v to %v", late, before, p.b.margin)
		}
	}
}

func TestSlotsKeepClearOfTheEdgesOfWholeSeconds(t *testing.T) {
	p := newProbe(10)
	p.b.phased, p.b.phase, p.b.spread = 1, 123000, 0
	near, begin := 0, p.now
	for range 200 {
		p.slot()
		if into := math.Mod(p.now+p.b.phase, second); into < clearMin/2 || into > second-clearMin {
			near++
		}
	}
	if near > 0 {
		t.Errorf("%d of 200 slots lie near an edge", near)
	}
	if took := (p.now - begin) / second; took > 21 {
		t.Errorf("200 slots took %.1f s", took)
	}
}

// Requests that came late take the room of a slot in the second in which they came.
func TestStraysTakeRoom(t *testing.T) {
	p := newProbe(10)
	p.b.mode, p.b.phased, p.b.next = 1, 1, p.now
	p.slot()
	reset := math.Floor(p.now/second) + 2
	p.learn(Learned{windows: []seen{{reset, 7, 9, 3, 0, 2}}})
	n := 0
	for math.Floor(p.now/second)+1 <= reset {
		if math.Floor(p.now/second)+1 == reset {
			n++
		}
		p.slot()
	}
	if n != 8 {
		t.Errorf("%d slots in a second with two strays", n)
	}
}
