package ratelimit

import (
	"container/list"
	"time"
)

// ageStep is how long a waiter waits before it counts as the next priority up.
const ageStep = 30 * time.Second

// waiter is one call of Take in line.
type waiter struct {
	lane  int
	turn  string
	since time.Time
	slot  chan Slot
	elem  *list.Element // in its turn's line; nil when out of line
}

// line orders the waiters of one bucket: priorities share slots by weight, the
// turns (batches) of a priority alternate, within a turn the first is first.
type line struct {
	lanes [3]lane
	now   float64 // how far the shares have advanced
}

// lane is one priority's waiters. share grows with each slot by one over the
// weight; the lane with the least goes next.
type lane struct {
	weight float64
	share  float64
	waits  int
	turns  map[string]*list.Element // of *turn in ring
	ring   list.List
}

type turn struct {
	name    string
	waiters list.List
}

func newLine() *line {
	l := &line{}
	for i, p := range Priorities() {
		l.lanes[i].weight = float64(p.Weight())
		l.lanes[i].turns = map[string]*list.Element{}
	}
	return l
}

func laneOf(p Priority) int {
	for i, q := range Priorities() {
		if p == q {
			return i
		}
	}
	return len(Priorities()) - 1
}

func (l *line) len() int { return l.lanes[0].waits + l.lanes[1].waits + l.lanes[2].waits }

// push puts a waiter at the end of its turn's line.
func (l *line) push(w *waiter) {
	a := &l.lanes[w.lane]
	if a.waits == 0 {
		a.share = max(a.share, l.now) // an idle priority saves nothing up
	}
	a.waits++
	e, ok := a.turns[w.turn]
	if !ok {
		e = a.ring.PushBack(&turn{name: w.turn})
		a.turns[w.turn] = e
	}
	w.elem = e.Value.(*turn).waiters.PushBack(w)
}

// remove takes a waiter out of line; false if it was out already.
func (l *line) remove(w *waiter) bool {
	if w.elem == nil {
		return false
	}
	a := &l.lanes[w.lane]
	e := a.turns[w.turn]
	t := e.Value.(*turn)
	t.waiters.Remove(w.elem)
	w.elem = nil
	a.waits--
	if t.waiters.Len() == 0 {
		a.ring.Remove(e)
		delete(a.turns, w.turn)
	}
	return true
}

// pop takes the best waiter out of line; nil if there is none.
func (l *line) pop(now time.Time) *waiter {
	best := -1
	for i := range l.lanes {
		if l.lanes[i].waits > 0 && (best < 0 || l.lanes[i].share < l.lanes[best].share) {
			best = i
		}
	}
	if best < 0 {
		return nil
	}
	a := &l.lanes[best]
	e := a.ring.Front()
	w := e.Value.(*turn).waiters.Front().Value.(*waiter)
	a.ring.MoveToBack(e)
	l.remove(w)
	l.now = max(l.now, a.share)
	a.share += 1 / l.lanes[aged(best, now.Sub(w.since))].weight
	return w
}

// aged is the lane as which a waiter counts after waiting for so long.
func aged(lane int, waited time.Duration) int {
	return max(0, lane-int(waited/ageStep))
}

// drain empties the line.
func (l *line) drain() []*waiter {
	var all []*waiter
	for i := range l.lanes {
		for e := l.lanes[i].ring.Front(); e != nil; e = e.Next() {
			ws := &e.Value.(*turn).waiters
			for we := ws.Front(); we != nil; we = we.Next() {
				all = append(all, we.Value.(*waiter))
			}
		}
	}
	for _, w := range all {
		l.remove(w)
	}
	return all
}
