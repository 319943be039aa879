package ratelimit

import (
	"context"
	"errors"
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestWaitPaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPacer(NewLocalSource(10))
		defer p.Close()
		start := time.Now()
		var gaps []time.Duration
		last := start
		for range 30 {
			if err := p.Wait(t.Context(), Upload, "b1"); err != nil {
				t.Fatal(err)
			}
			gaps = append(gaps, time.Since(last))
			last = time.Now()
		}
		if gaps[0] < time.Second {
			t.Errorf("first slot after %v: a bucket nothing is known of starts with a second of rest", gaps[0])
		}
		for _, g := range gaps[1:] {
			if g < 100*time.Millisecond || g > 103*time.Millisecond {
				t.Errorf("gap %v, want 101 ms", g)
			}
		}
	})
}

func TestWaitEndsWithContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPacer(NewLocalSource(0.01))
		defer p.Close()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := p.Wait(ctx, Upload, ""); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("got %v", err)
		}
		if n := p.Status().Waiting; n != 0 {
			t.Errorf("%d still wait", n)
		}
	})
}

func TestHoldAndClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPacer(NewLocalSource(10))
		var wg sync.WaitGroup
		var held atomic.Int64
		for range 5 {
			wg.Go(func() {
				if errors.Is(p.Wait(context.Background(), Nightly, "x"), ErrHeld) {
					held.Add(1)
				}
			})
		}
		synctest.Wait()
		p.Hold()
		wg.Wait()
		if held.Load() != 5 {
			t.Errorf("%d of 5 waiters were told", held.Load())
		}
		p.Close()
		if err := p.Wait(t.Context(), Upload, ""); !errors.Is(err, ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
	})
}

func TestLimitMustBeKeepable(t *testing.T) {
	for _, limit := range []float64{0, -1, math.NaN(), math.Inf(1)} {
		if _, err := NewLocalSource(limit).Reserve(t.Context(), Request{N: 1}); err == nil {
			t.Errorf("limit %v was taken", limit)
		}
	}
}

// broken is a source that fails until it is mended.
type broken struct {
	Source
	mended atomic.Bool
	asked  atomic.Int64
}

func (b *broken) Reserve(ctx context.Context, r Request) (Grant, error) {
	b.asked.Add(1)
	if !b.mended.Load() {
		return Grant{}, errors.New("away")
	}
	return b.Source.Reserve(ctx, r)
}

func TestNoSlotWhileTheSourceIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &broken{Source: NewLocalSource(10)}
		p := NewPacer(src)
		defer p.Close()
		done := make(chan error, 1)
		go func() { done <- p.Wait(t.Context(), Upload, "") }()
		time.Sleep(time.Minute)
		select {
		case err := <-done:
			t.Fatalf("Wait returned %v without Redis", err)
		default:
		}
		if p.Status().Err == nil {
			t.Error("the status does not say why")
		}
		if n := src.asked.Load(); n < 20 || n > 120 {
			t.Errorf("asked %d times in a minute", n)
		}
		src.mended.Store(true)
		if err := <-done; err != nil || p.Status().Err != nil {
			t.Errorf("after the source came back: %v, %v", err, p.Status().Err)
		}
	})
}

func TestWhatWasLearnedOutlivesAFailedExchange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &broken{Source: NewLocalSource(10)}
		src.mended.Store(true)
		p := NewPacer(src)
		defer p.Close()
		if err := p.Wait(t.Context(), Upload, ""); err != nil {
			t.Fatal(err)
		}
		src.mended.Store(false)
		p.Observe(t.Context(), Headers{TooMany: true, RetryAfter: 20 * time.Second})
		time.Sleep(5 * time.Second)
		src.mended.Store(true)
		begin := time.Now()
		if err := p.Wait(t.Context(), Upload, ""); err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(begin); waited < 14*time.Second {
			t.Errorf("waited %v of the 15 s that the refusal had left", waited)
		}
	})
}

func TestRefusalPausesOtherProcesses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := NewLocalSource(10)
		a, b := NewPacer(src), NewPacer(src)
		defer a.Close()
		defer b.Close()
		for _, p := range []*Pacer{a, b} {
			if err := p.Wait(t.Context(), Upload, ""); err != nil {
				t.Fatal(err)
			}
		}
		a.Observe(t.Context(), Headers{TooMany: true, RetryAfter: 9 * time.Second})
		synctest.Wait()
		begin := time.Now()
		if err := b.Wait(t.Context(), Upload, ""); err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(begin); waited < 9*time.Second-time.Millisecond {
			t.Errorf("the other process waited %v, want 9 s", waited)
		}
		if s := b.Status(); s.Pause != 0 || !s.Paused.IsZero() {
			t.Errorf("status after the pause: %+v", s)
		}
	})
}

func TestLateSlotIsVoid(t *testing.T) {
	p := NewPacer(NewLocalSource(10))
	defer p.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	p.hand = []block{
		{at: now.Add(-time.Second), n: 2, spacing: 100 * time.Millisecond, slack: 50 * time.Millisecond},
		{at: now.Add(-time.Second), n: 1, until: now.Add(time.Second)},
	}
	s, ok := p.due(now)
	if !ok || !s.Until.Equal(now.Add(time.Second)) || p.last.voided != 2 {
		t.Errorf("got %+v, %v with %d void, want the slot that is still good", s, ok, p.last.voided)
	}
	if _, ok := p.due(now); ok {
		t.Error("a slot out of nothing")
	}
}

func TestSlotOfALeavingWaiterIsNotLost(t *testing.T) {
	p := NewPacer(NewLocalSource(10))
	defer p.Close()
	p.mu.Lock()
	w := &waiter{lane: 0, slot: make(chan Slot, 1), since: time.Now()}
	w.slot <- Slot{At: time.Now(), Until: time.Now().Add(time.Minute)}
	p.mu.Unlock()
	p.leave(w)
	if _, err := p.Take(t.Context(), Upload, ""); err != nil {
		t.Fatal(err)
	}
	if got := p.Status().Given; got != 0 {
		t.Errorf("%d slots counted as given, want the one to be counted once (it was not before)", got)
	}
}

func TestOldEpochIsVoid(t *testing.T) {
	p := NewPacer(NewLocalSource(10))
	defer p.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	p.epoch, p.hand = 7, []block{{at: now.Add(time.Hour), n: 1}}
	p.receive(&exchanging{req: Request{N: 1}, void: p.void}, Grant{Epoch: 8, Retry: time.Minute}, now, now)
	if len(p.hand) != 0 {
		t.Error("a slot of an old epoch is still in hand")
	}
	p.receive(&exchanging{req: Request{N: 1}, void: p.void - 1}, Grant{Epoch: 8, Slots: 1}, now, now)
	if len(p.hand) != 0 {
		t.Error("a slot that became void on its way is in hand")
	}
}

// stale is a source whose first slots are over before they arrive.
type stale struct {
	Source
	left atomic.Int64
}

func (s *stale) Reserve(ctx context.Context, r Request) (Grant, error) {
	if r.N > 0 && s.left.Add(-1) >= 0 {
		return Grant{Slots: r.N, End: time.Nanosecond, Wait: time.Millisecond, Spacing: time.Millisecond}, nil
	}
	return s.Source.Reserve(ctx, r)
}

func TestVoidSlotsAreReservedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &stale{Source: NewLocalSource(10)}
		src.left.Store(5)
		p := NewPacer(src)
		defer p.Close()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := p.Wait(ctx, Upload, ""); err != nil {
			t.Errorf("no slot after some that came too late: %v", err)
		}
	})
}

// TestWaiterAfterOneThatLeft comes when the pacer has gone to sleep because
// nobody waited, and a pause is on.
func TestWaiterAfterOneThatLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPacer(NewLocalSource(10))
		defer p.Close()
		short, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		if err := p.Wait(short, Upload, ""); err == nil {
			t.Fatal("a slot before the first second was over")
		}
		time.Sleep(time.Second)
		p.Observe(t.Context(), Headers{TooMany: true, RetryAfter: 5 * time.Second})
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := p.Wait(ctx, Upload, ""); err != nil {
			t.Errorf("no slot for who came next: %v", err)
		}
	})
}

// TestObservationIsToldWithoutWaiters: other processes learn from this one.
func TestObservationIsToldWithoutWaiters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := NewLocalSource(10).(*localSource)
		p := NewPacer(src)
		defer p.Close()
		if err := p.Wait(t.Context(), Upload, ""); err != nil {
			t.Fatal(err)
		}
		p.Observe(t.Context(), Headers{Limit: 10, Remaining: 9})
		time.Sleep(time.Second)
		src.mu.Lock()
		defer src.mu.Unlock()
		if src.bucket.limit != 10000 {
			t.Errorf("a second later the bucket knows the limit %v", src.bucket.limit)
		}
	})
}

// An exchange that was held up tells little of the source's clock.
func TestSlowExchangesMoveTheClockLittle(t *testing.T) {
	now := time.Now()
	p := &Pacer{now: func() time.Time { return now }, start: now, line: newLine()}
	grant := func(trip time.Duration, at float64) {
		begin := now
		now = now.Add(trip)
		p.sync(Grant{Now: int64(at)}, begin, now)
	}
	const ahead = 1e12
	for range 20 {
		grant(time.Millisecond, ahead+p.here(now)+500)
		now = now.Add(time.Second)
	}
	known := p.clock
	grant(2*time.Second, ahead+p.here(now)+100) // the answer was held up, not the asking
	if moved := math.Abs(p.clock.offset - known.offset); moved > 1000 {
		t.Errorf("the clock moved by %.0f us", moved)
	}
	if p.clock.trip > 4*known.trip {
		t.Errorf("the usual trip went from %v to %v", known.trip, p.clock.trip)
	}
	grant(time.Millisecond, 2*ahead) // but a clock that was set is followed
	if off := math.Abs(p.clock.offset + p.here(now.Add(-time.Millisecond/2)) - 2*ahead); off > 1 {
		t.Errorf("%.0f us behind a clock that was set", off)
	}
}
