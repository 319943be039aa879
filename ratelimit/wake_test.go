package ratelimit

import (
	"testing"
	"time"
)

// A waiter that comes while the source is left alone for a moment wakes the
// pacer's talk with it, which had gone to sleep for good because nobody waited.
func TestAWaiterWakesASleepingPacer(t *testing.T) {
	now := time.Now()
	p := &Pacer{now: func() time.Time { return now }, line: newLine(), asks: make(chan struct{}, 1), gives: make(chan struct{}, 1)}
	p.askAt = now.Add(300 * time.Millisecond) // the source had no slot, and said when to ask again
	if x, wait := p.plan(); x != nil || wait < time.Minute {
		t.Fatalf("with nobody waiting it asks again in %v", wait)
	}
	if w, _, err := p.enter(Upload, "batch"); w == nil || err != nil {
		t.Fatalf("not in line: %v", err)
	}
	select {
	case <-p.asks:
	default:
		t.Fatal("nothing wakes it")
	}
	if x, wait := p.plan(); x != nil || wait != 300*time.Millisecond {
		t.Errorf("then it asks in %v", wait)
	}
}
