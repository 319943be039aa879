package redisconn

import (
	"context"
	"errors"
	"testing"
	"time"

	"aftership-bulk/internal/redistest"

	"github.com/redis/go-redis/v9"
)

// TestRepairCarriesOutCancelledCommands does what asynq's syncer does: it
// writes with a context that was cancelled before.
func TestRepairCarriesOutCancelledCommands(t *testing.T) {
	server := redistest.Server(t)
	for _, repaired := range []bool{false, true} {
		c, err := Dial(t.Context(), Options{URL: server.URL(), RepairSyncer: repaired})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		cancel()
		_, pipeErr := c.Pipelined(ctx, func(p redis.Pipeliner) error { return p.Set(ctx, "p", 1, 0).Err() })
		for name, err := range map[string]error{
			"command":  c.Set(ctx, "k", 1, 0).Err(),
			"script":   c.Eval(ctx, `return 1`, nil).Err(),
			"pipeline": pipeErr,
		} {
			if repaired && err != nil {
				t.Errorf("repaired %s: %v", name, err)
			}
			if !repaired && !errors.Is(err, context.Canceled) {
				t.Errorf("plain %s: got %v, want it to be cancelled", name, err)
			}
		}
	}
}

func TestRepairKeepsTheDeadline(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	want, _ := ctx.Deadline()
	cancel()
	alive, done := revive(ctx)
	defer done()
	if got, ok := alive.Deadline(); !ok || !got.Equal(want) || alive.Err() != nil {
		t.Errorf("deadline %v (%v), error %v; want %v", got, ok, alive.Err(), want)
	}
}

func TestRepairLeavesOtherContextsAlone(t *testing.T) {
	passed, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	for name, ctx := range map[string]context.Context{"live": t.Context(), "deadline passed": passed} {
		got, done := revive(ctx)
		defer done()
		if got != ctx {
			t.Errorf("%s: replaced", name)
		}
	}
	// Cancelled first, its deadline passed later: the lease is gone.
	late, cancelLate := context.WithDeadline(t.Context(), time.Now().Add(time.Millisecond))
	cancelLate()
	deadline, _ := late.Deadline()
	<-time.After(time.Until(deadline))
	got, done := revive(late)
	defer done()
	if !errors.Is(got.Err(), context.DeadlineExceeded) {
		t.Errorf("an old deadline was given new life: %v", got.Err())
	}
}

func TestEmbeddedQueueClientIsRepairedAndTheLedgersIsNot(t *testing.T) {
	e := mustOpen(t, EmbeddedOptions{})
	defer mustClose(t, e)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := e.Client().Set(ctx, "k", 1, 0).Err(); err != nil {
		t.Errorf("queue: %v", err)
	}
	if err := e.LedgerClient().Set(ctx, "k", 1, 0).Err(); !errors.Is(err, context.Canceled) {
		t.Errorf("ledger: %v", err)
	}
}
