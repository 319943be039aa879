package ratelimit

import "math"

// learn takes in what the answers said. Like model.go it is in step with
// bucket.lua.
func (b *bucket) learn(now, ceiling float64, l *Learned) {
	lowered := b.learnLimit(now, ceiling, l)
	b.spread, b.usual = math.Max(b.spread, l.spread), math.Max(b.usual, l.usual)
	b.lateAt = math.Max(b.lateAt, math.Min(l.late, now))
	if l.phased {
		b.learnPhase(now, l.low, l.high)
	}
	for _, w := range l.windows {
		b.learnWindow(now, ceiling, w)
	}
	if l.longEnd > now {
		b.learnLong(now, l)
	}
	if l.until > 0 {
		b.refuse(now, ceiling, l, lowered)
	}
}

// learnLimit believes the answer to the latest request. A lower limit voids
// slots that were given under the old one.
func (b *bucket) learnLimit(now, ceiling float64, l *Learned) bool {
	if l.limit <= 0 || l.limitAt < b.limitAt {
		return false
	}
	before := b.force(ceiling)
	b.limit, b.limitAt = l.limit, l.limitAt
	after := b.force(ceiling)
	if after >= before {
		return false
	}
	b.epoch++
	b.next = math.Max(b.next, now+math.Ceil(second*(before-after)/before))
	return true
}

// learnPhase narrows the bounds of the phase and moves it only as far as they
// force it, clear of both. Bounds that contradict the old ones replace them.
func (b *bucket) learnPhase(now, low, high float64) {
	if b.phased == 1 {
		low, high = math.Max(low, b.low), math.Min(high, b.high)
	}
	if low > high {
		mid := math.Floor((low + high) / 2)
		low, high = mid, mid
	}
	b.low, b.high = low, high
	m := math.Floor(math.Min(b.guard()/4, (high-low)/2))
	phase := math.Min(math.Max(b.phase, low+m), high-m)
	moved := math.Abs(phase - b.phase)
	b.phase, b.phased = phase, 1
	if b.mode == 1 && moved > shiftMin {
		b.epoch++
		b.win, b.given = 0, [6]float64{}
		b.fromEdge(now)
	} else if moved > second/2 {
		b.win, b.given = 0, [6]float64{}
		b.firm = math.Floor((now+phase)/second) + 3
	}
}

// fromEdge leaves the rest of this second alone, since what was sent in it
// cannot be counted any more by its edges.
func (b *bucket) fromEdge(now float64) {
	edge := math.Floor((now+b.phase)/second) + 1
	b.next = math.Max(b.next, float64(edge*second)-b.phase)
	b.firm = edge + 1
}

func (b *bucket) learnWindow(now, ceiling float64, w seen) {
	if b.mode == 1 && w.stray > 0 {
		b.add(w.reset, w.stray) // they have taken up room that is not theirs
	}
	switch {
	case w.reset == b.cur.reset:
		b.cur = b.cur.with(w)
		b.fc = math.Max(b.fc, b.foreign(ceiling, b.cur))
	case w.reset == b.prev.reset:
		b.prev = b.prev.with(w)
		b.fp = math.Max(b.fp, b.foreign(ceiling, b.prev))
	case w.reset > b.cur.reset:
		if b.prev.reset > 0 {
			b.judge(now, ceiling, b.prev)
		}
		b.fp = 0
		if w.reset == b.cur.reset+1 {
			b.fp = b.fc
		}
		b.prev, b.cur = b.cur, w
		b.fc = b.foreign(ceiling, w)
	}
	// Only what two seconds in a row show: one may hold a late request of ours.
	b.fa = math.Max(b.fa, math.Min(b.fc, b.fp))
}

// with joins two views of one window.
func (s seen) with(w seen) seen {
	s.least, s.most = math.Min(s.least, w.least), math.Max(s.most, w.most)
	s.answers += w.answers
	s.refused += w.refused
	s.stray += w.stray
	return s
}

// whole says that each answer of the window left less than the one before, as
// it must be where a count begins anew with each second.
func (s seen) whole() bool {
	n := s.answers - s.refused
	return n >= 3 && (s.most-s.least)*10 >= (n-1)*7
}

// foreign is what of the limit somebody else took in a window. It may find too
// little, never too much, unless a request of ours strayed into the window: our
// own part counts slots that were not used.
func (b *bucket) foreign(ceiling float64, w seen) float64 {
	own, before := b.count(w.reset), b.count(w.reset-1)
	if own < 0 || before < 0 || b.limit <= 0 || w.reset < b.firm {
		return 0
	}
	per := math.Floor(b.limit / 1000)
	if b.mode == 0 {
		own = math.Min(own+before, math.Floor((second+b.spread)*1000/b.pacedGap(b.allowed(ceiling)))+1)
	} else if !w.whole() {
		return 0
	}
	f := per - w.least - own
	if b.mode == 1 && w.refused > 0 && w.least == 0 {
		f = per - own + w.refused
	}
	return math.Min(f, math.Floor(per*0.9))
}

// judge asks of a window that has passed whether it was a whole second: under
// load, what remains falls from nearly all by as many as we sent, and is back
// at the next second. Nothing else does that three times in a row.
func (b *bucket) judge(now, ceiling float64, w seen) {
	own, before, per := b.count(w.reset), b.count(w.reset-1), b.allowed(ceiling)/1000
	busy := own >= 3 && own*2 >= per && before*2 >= per
	heard := w.answers*10 >= own*6
	lost := w.answers*10 < own*3 // some replies are lost on their way; so many are counted elsewhere
	whole := heard && (w.most-w.least)*10 >= own*6
	b.room2, b.room1 = b.room1, w.least
	switch {
	case busy && whole:
		b.good, b.bad = b.good+1, math.Max(0, b.bad-1)
	case busy && (heard || lost && b.mode == 1), b.mode == 1 && w.refused > 0:
		b.good, b.bad = 0, b.bad+1
	}
	if w.refused > 0 {
		b.good = 0
	}
	switch ample := b.limit > 0 && w.least*10000 >= 3*b.limit && w.refused == 0; {
	case busy && heard && ample:
		b.roomy++
	case !ample:
		b.roomy = 0
	}
	if busy && heard && b.limit > 0 && w.least*10000 >= 3*b.limit && b.taken*100 >= b.limit {
		b.margin = math.Min(b.margin, marginMin)
	}
	b.choose(now)
}

// choose switches the mode by what was judged.
func (b *bucket) choose(now float64) {
	switch {
	case b.mode == 0 && b.good >= 3 && b.phased == 1 && now >= b.hold:
		b.mode, b.bad = 1, 0
		b.fromEdge(now)
	case b.mode == 1 && b.bad >= 3:
		b.mode, b.good, b.bad, b.hold = 0, 0, 0, now+holdOff
		b.margin = math.Max(b.margin, marginInit)
		b.next = math.Max(b.next, now+second)
		b.epoch++
	}
}

// learnLong keeps to a window longer than a second.
func (b *bucket) learnLong(now float64, l *Learned) {
	if b.longEnd <= now || math.Abs(l.longEnd-b.longEnd) > 2*second {
		b.longEnd, b.longLeft = l.longEnd, l.longLeft
		return
	}
	b.longLeft = math.Min(b.longLeft, l.longLeft)
}

// refuse pauses every process after a 429, and in paced mode widens the margin,
// unless so little was sent lately that the sending cannot have been the cause,
// or a request was held up, which no margin mends.
func (b *bucket) refuse(now, ceiling float64, l *Learned, lowered bool) {
	until := l.until
	if b.mode == 1 && l.untilReset > 0 {
		until = float64(l.untilReset*second) - b.phase
	}
	until = math.Min(until, now+pauseMax)
	margin := b.pacedMargin(b.allowed(ceiling))
	b.roomy = 0
	switch {
	case b.lone(now, l) && !lowered:
		b.pause = math.Max(b.pause, now+math.Ceil(b.pacedGap(b.allowed(ceiling))/1000))
	case until > b.pause+shiftMin:
		b.pause = until
		b.epoch++
	}
	b.refusedAt = now
	reset := math.Floor((now+b.phase)/second) + 1
	lately := b.count(reset) + b.count(reset-1) + b.count(reset-2)
	full := b.force(ceiling) / 1000
	excused := lowered || l.longEnd != 0 || now-b.lateAt < lateFor
	if b.mode == 0 && !excused && b.taken*2 >= full && lately >= full {
		b.margin = math.Min(math.Max(margin+marginRise, math.Floor(margin*1.5)), marginMax)
		b.taken = 0
	}
}

// lone says that a refusal is by itself, and that the server does not count whole
// seconds: then it came of two requests that drew closer on their way, the next
// slot is in order again, and a short pause is enough.
func (b *bucket) lone(now float64, l *Learned) bool {
	n := 0.0
	for _, w := range l.windows {
		n += w.refused
	}
	return b.mode == 0 && !b.wary() && n == 1 && l.untilReset > 0 && l.longEnd == 0 && now-b.refusedAt >= loneFor
}
