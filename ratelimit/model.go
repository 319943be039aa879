package ratelimit

import "math"

// This file is the arithmetic of a bucket. It must stay in step with
// bucket.lua, statement by statement: Redis runs that one, the local source and
// the proofs run this one, and a property test compares them. Every number is a
// float64 that holds a whole number, as in Lua, and products that are added to
// something are converted, so that no platform fuses the two operations.

// Units: times in microseconds, spacings in nanoseconds, limits in thousandths
// of a request a second, margins in millionths.
const (
	second     = 1e6
	marginMin  = 3000   // the least margin of paced mode
	marginInit = 10000  // the margin before anything is known
	marginRise = 3000   // the least step after a refusal
	marginMax  = 500000 // no margin grows beyond
	marginFade = 625    // a slot takes this part of the margin away: one refusal in 250 calls keeps it level
	jitterMax  = 100000 // the most that the jitter's part of the margin may be
	clearMin   = 20000  // around the edge of a second that may be whole, no slot in paced mode
	clearMax   = 40000
	loneFor    = 2000000 // a refusal so long after the last one is a lone one
	lateFor    = 1500000 // for so long a request that was held up explains a refusal
	guardMin   = 300000  // the part of a second left free around its edge, at least
	guardMax   = 600000
	foreignFor = 10000000 // how long another client's use is remembered, once or twice
	holdOff    = 30000000 // after leaving locked mode, stay paced for this long
	farAhead   = 25000    // no slot is reserved further ahead, apart from the lead
	leadMax    = 5000000
	slackMin   = 20000
	slackMax   = 150000
	pauseMax   = 86400000000
	stepQuiet  = 5000000
	shiftMin   = 50000 // a phase that moves by more starts a new window
)

// bucket is the state that Redis keeps in the hash.
type bucket struct {
	seq, epoch        float64    // exchanges so far; slots of another epoch are void
	next              float64    // when the next slot may be
	limit, limitAt    float64    // the limit that headers gave last (0 for none), and when that request was sent
	mode              float64    // 0 paced, 1 locked
	phase             float64    // the server's clock at arrival less ours at sending
	low, high         float64    // bounds of the phase
	phased            float64    // 1 when the bounds were ever seen
	margin, taken     float64    // the margin, and slots given since it rose last
	spread, usual     float64    // jitter of the round trip to the server: nearly all of it, and what is usual of one way
	room1, room2      float64    // least remaining in the last two windows
	pause             float64    // no slot before
	win               float64    // the latest window with slots, named by its reset second
	given             [6]float64 // slots in it and in those before
	cur, prev         seen       // what answers said of the newest window and of the one before
	fa, fb, fat       float64    // another client's use: this period, the last one, when this one began
	fc, fp            float64    // the same in the newest window and the one before
	longEnd, longLeft float64    // a window longer than a second
	roomy             float64    // windows in a row that left room although we used the limit
	good, bad         float64    // windows in a row that did or did not behave like whole seconds
	hold              float64    // no locked mode before
	firm              float64    // the first window in which all slots were placed by its own edges
	agedAt, safeAt    float64    // when memories last faded; the last safe start
	refusedAt, lateAt float64    // when the last refusal was learned, and when a request was last held up on its way
}

// seen is what answers said of one window: its reset second, the least and most
// remaining, how many answers there were, how many of them refusals, and how
// many of requests that were late and had their slots in the window before.
type seen struct{ reset, least, most, answers, refused, stray float64 }

// ask is one call of the script.
type ask struct {
	n, ceiling, lead float64
	seenSeq          float64 // what this process saw last
	drift            float64 // by how much the clock was set since, if it noticed
	learned          *Learned
}

// answer is what the script returns.
type answer struct {
	slots, wait, spacing, slack, end, retry float64
	limit                                   float64
}

// exchange is the whole script: check, age, learn, reserve.
func (b *bucket) exchange(now float64, a ask) answer {
	b.check(now, a)
	b.age(now)
	if a.learned != nil {
		b.learn(now, a.ceiling, a.learned)
	}
	r := b.reserve(now, a)
	b.seq++
	return r
}

// check starts safe when the hash was lost, when writes that this process saw
// are missing (a failover), or when Redis' clock was set.
func (b *bucket) check(now float64, a ask) {
	if b.seq == 0 {
		*b = bucket{epoch: now, margin: marginInit}
		b.safe(now, a.ceiling)
	}
	if a.seenSeq > b.seq {
		b.seq = a.seenSeq
		b.safe(now, a.ceiling)
	}
	if b.next > now+farAhead+leadMax+math.Ceil(20e9/b.force(a.ceiling)) && b.next > b.longEnd {
		b.safe(now, a.ceiling)
	}
	if a.drift != 0 {
		b.step(now, a.drift, a)
	}
}

// step starts safe after a clock was set by drift; several processes notice,
// the first counts. Times that a clock set back would lengthen move with it.
func (b *bucket) step(now, drift float64, a ask) {
	if now >= b.safeAt && now-b.safeAt <= stepQuiet {
		return
	}
	if drift < 0 {
		b.pause = math.Max(0, b.pause+drift)
		b.longEnd = math.Max(0, b.longEnd+drift)
	}
	b.safe(now, a.ceiling)
}

// safe forgets where we stand in the window: no slot for a whole one.
func (b *bucket) safe(now, ceiling float64) {
	b.epoch = math.Max(b.epoch+1, now)
	b.next = now + math.Max(second, math.Ceil(1e9/b.force(ceiling)))
	b.mode, b.good, b.bad, b.hold, b.roomy = 0, 0, 0, 0, 0
	b.phase, b.low, b.high, b.phased, b.firm = 0, 0, 0, 0, 0
	b.win, b.given = 0, [6]float64{}
	b.cur, b.prev, b.fc, b.fp = seen{}, seen{}, 0, 0
	b.limitAt, b.agedAt, b.fat, b.safeAt = 0, now, now, now
}

// age lets margins, bounds and memories fade, in steps of a second or more so
// that it does not depend on how often it is called.
func (b *bucket) age(now float64) {
	if now-b.fat >= 2*foreignFor {
		b.fa, b.fb, b.fat = 0, 0, now
	} else if now-b.fat >= foreignFor {
		b.fb, b.fa, b.fat = b.fa, 0, now
	}
	if now-b.agedAt < second {
		return
	}
	dt := math.Min((now-b.agedAt)/second, 3600)
	b.margin = math.Floor(b.margin / (1 + float64(b.margin*dt)/1e7))
	b.spread = math.Floor(b.spread / (1 + float64(dt*0.02)))
	b.usual = math.Floor(b.usual / (1 + float64(dt*0.02)))
	b.low = math.Floor(b.low - float64(10000*dt))
	b.high = math.Ceil(b.high + float64(10000*dt))
	b.agedAt = now
}

// force is the limit in force.
func (b *bucket) force(ceiling float64) float64 {
	if b.limit > 0 && b.limit < ceiling {
		return b.limit
	}
	return ceiling
}

// allowed is the limit less what another client leaves of it, but never nothing.
func (b *bucket) allowed(ceiling float64) float64 {
	l := b.force(ceiling)
	if b.limit > 0 {
		l = math.Min(l, b.limit-1000*math.Max(b.fa, b.fb))
	}
	least := b.force(ceiling)
	return math.Max(l, math.Max(math.Min(least, 1000), math.Floor(least/10)))
}

// guard is the part of each second that locked mode leaves free around the edge.
func (b *bucket) guard() float64 {
	return math.Min(math.Max(200000+2*b.spread, guardMin), guardMax)
}

// pacedMargin is the margin in force: the one that refusals taught, or the jitter
// as far as the room that the server shows does not take it up.
func (b *bucket) pacedMargin(allowed float64) float64 {
	jitter := b.usual - math.Floor(math.Min(b.room1, b.room2)*1e9/allowed)
	return math.Max(b.margin, math.Max(marginMin, math.Min(jitter, jitterMax)))
}

// pacedGap is the spacing of paced mode.
func (b *bucket) pacedGap(allowed float64) float64 {
	return math.Ceil((1e6 + b.pacedMargin(allowed)) * 1e6 / allowed)
}

// wary says that the server may count whole seconds, as far as is known: then a
// request near their edge may be counted on either side.
func (b *bucket) wary() bool { return b.mode == 0 && b.phased == 1 && b.bad == 0 }

// count is the number of slots in the window named by its reset; -1 if unknown.
func (b *bucket) count(reset float64) float64 {
	back := b.win - reset
	switch {
	case back < 0:
		return 0
	case back > 5:
		return -1
	}
	return b.given[int(back)]
}

func (b *bucket) add(reset, n float64) {
	if reset > b.win+5 {
		b.win, b.given = reset, [6]float64{}
	}
	for b.win < reset {
		b.win++
		copy(b.given[1:], b.given[:5])
		b.given[0] = 0
	}
	if back := b.win - reset; back <= 5 {
		b.given[int(back)] += n
	}
}

// place is where the next slots would be.
type place struct {
	at, gap, room float64 // first slot, spacing in ns, how many fit
	line          float64 // where the first slot would be had none come late
	reset, end    float64 // the window, and when its slots end (0 in paced mode)
}

func (b *bucket) reserve(now float64, a ask) answer {
	allowed := b.allowed(a.ceiling)
	start := math.Max(math.Max(now, b.next), b.pause)
	long := b.longEnd > now
	if long && b.longLeft < 1 {
		start = math.Max(start, b.longEnd)
		long = false
	}
	var p place
	if b.mode == 1 && allowed >= 2000 {
		p = b.placeLocked(start, math.Floor(allowed/1000))
	} else {
		p = b.placePaced(start, allowed, b.credit(a.ceiling))
	}
	if long {
		p.gap = math.Max(p.gap, math.Ceil((b.longEnd-now)*1000/b.longLeft))
		p.room = math.Min(p.room, b.longLeft)
	}
	return b.take(now, a, allowed, p)
}

// way is how slots are placed: 0 paced, 1 locked, 2 made up.
func (b *bucket) way() float64 {
	if b.mode == 0 && b.roomy >= 3 {
		return 2
	}
	return b.mode
}

// credit is how many slots that came late may be made up for: some, where the
// server was seen to keep room for them.
func (b *bucket) credit(ceiling float64) float64 {
	if b.way() == 2 {
		return math.Floor(b.force(ceiling) / 5000)
	}
	return 0
}

func (b *bucket) placePaced(start, allowed, credit float64) place {
	reset := math.Floor((start+b.phase)/second) + 1
	edge, clear := float64(reset*second)-b.phase, 0.0
	if b.wary() {
		clear = math.Min(math.Max(b.spread, clearMin), clearMax)
		if start > edge-clear {
			reset, edge = reset+1, edge+second
		}
		start = math.Max(start, edge-second+math.Floor(clear/2))
	}
	left := edge - clear - start
	gap := b.pacedGap(allowed)
	line := math.Min(start, math.Max(b.next, start-math.Floor(credit*gap/1000)))
	return place{at: start, line: line, gap: gap, room: math.Ceil(left * 1000 / gap), reset: reset}
}

// placeLocked finds the first window with a free slot at or after start.
func (b *bucket) placeLocked(start, per float64) place {
	g := b.guard()
	half := math.Floor(g / 2)
	reset := math.Floor((start+b.phase)/second) + 1
	nominal := math.Ceil((second - g) * 1000 / per)
	for {
		edge := float64(reset*second) - b.phase
		last := edge - half
		at := math.Max(start, edge-second+half)
		left := per - math.Max(b.count(reset), 0)
		if left >= 1 && at <= last {
			need := math.Floor((last - at) * 1000 / math.Max(left-1, 1))
			gap := math.Min(nominal, math.Max(need, math.Ceil(nominal/3)))
			fit := math.Floor((last-at)*1000/gap) + 1
			return place{at: at, line: at, gap: gap, room: math.Min(left, fit), reset: reset, end: edge - math.Floor(g/4)}
		}
		reset++
	}
}

// take reserves what lies near enough.
func (b *bucket) take(now float64, a ask, allowed float64, p place) answer {
	far := math.Min(math.Floor(p.gap*1.5/1000), farAhead) + math.Min(a.lead, leadMax)
	r := answer{spacing: p.gap, limit: b.force(a.ceiling)}
	r.slack = math.Min(math.Max(math.Floor(p.gap/2000), slackMin), slackMax)
	if p.at-now > far {
		r.retry = p.at - now - far
		return r
	}
	n := math.Min(math.Min(a.n, p.room), math.Floor((now+far-p.at)*1000/p.gap)+1)
	if n < 1 {
		return r
	}
	b.add(p.reset, n)
	b.taken += n
	b.margin -= math.Floor(b.margin * math.Min(n, 100) / marginFade)
	b.next = p.line + math.Ceil(n*p.gap/1000)
	if b.longEnd > now {
		b.longLeft = math.Max(0, b.longLeft-n)
		b.next = math.Min(b.next, math.Max(b.longEnd, p.at+math.Ceil(n*b.pacedGap(allowed)/1000)))
	}
	r.slots, r.wait = n, p.at-now
	if p.end > 0 {
		r.end = p.end - now
	}
	return r
}
