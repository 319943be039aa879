package ratelimit

import (
	"testing"
	"time"
)

func add(l *line, p Priority, turn string, since time.Time, n int) {
	for range n {
		l.push(&waiter{lane: laneOf(p), turn: turn, since: since})
	}
}

func TestPrioritiesShareByWeight(t *testing.T) {
	now := time.Now()
	l := newLine()
	add(l, Background, "c", now, 100)
	add(l, Nightly, "b", now, 100)
	add(l, Upload, "a", now, 100)
	got := map[string]int{}
	for range 100 {
		got[l.pop(now).turn]++
	}
	if got["a"] < 59 || got["a"] > 61 || got["b"] < 29 || got["b"] > 31 || got["c"] < 9 || got["c"] > 11 {
		t.Errorf("of 100 slots: %v, want about 60, 30 and 10", got)
	}
}

func TestLateUploadGoesFirst(t *testing.T) {
	now := time.Now()
	l := newLine()
	add(l, Background, "run", now, 1000)
	for range 500 {
		l.pop(now)
	}
	add(l, Upload, "sheet", now, 20)
	place := 0
	for n := 1; n <= 30; n++ {
		if l.pop(now).turn == "sheet" {
			place++
		}
	}
	if place != 20 {
		t.Errorf("of the next 30 slots the upload got %d, want all its 20", place)
	}
}

func TestBatchesTakeTurns(t *testing.T) {
	now := time.Now()
	l := newLine()
	add(l, Upload, "big", now, 1000)
	add(l, Upload, "small", now, 20)
	small := 0
	for range 40 {
		if l.pop(now).turn == "small" {
			small++
		}
	}
	if small != 20 {
		t.Errorf("of 40 slots the small batch got %d, want 20", small)
	}
	if l.len() != 980 {
		t.Errorf("%d wait, want 980", l.len())
	}
}

func TestWaitingLongCountsAsMoreUrgent(t *testing.T) {
	now := time.Now()
	l := newLine()
	add(l, Background, "old", now.Add(-3*ageStep), 100)
	add(l, Upload, "new", now, 100)
	old := 0
	for range 100 {
		if l.pop(now).turn == "old" {
			old++
		}
	}
	if old < 49 || old > 51 {
		t.Errorf("of 100 slots the aged got %d, want half", old)
	}
}

func TestOrderWithinATurnAndRemoval(t *testing.T) {
	l := newLine()
	ws := make([]*waiter, 5)
	for i := range ws {
		ws[i] = &waiter{lane: laneOf("unknown"), turn: "x"}
		l.push(ws[i])
	}
	if !l.remove(ws[1]) || l.remove(ws[1]) {
		t.Error("a waiter can be removed once")
	}
	for _, i := range []int{0, 2, 3, 4} {
		if got := l.pop(time.Now()); got != ws[i] {
			t.Fatalf("popped out of order at %d", i)
		}
	}
	if l.pop(time.Now()) != nil || len(l.lanes[2].turns) != 0 {
		t.Error("the empty line holds something")
	}
}
