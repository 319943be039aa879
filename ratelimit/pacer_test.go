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
