package main

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"golang.org/x/time/rate"

	"aftership-bulk/aftership"
	"aftership-bulk/ratelimit"
)

// bucket is the limiter of this project.
type bucket struct{ *ratelimit.Pacer }

// Wait implements aftership.Limiter.
func (b bucket) Wait(ctx context.Context, _ aftership.Class) error {
	return b.Pacer.Wait(ctx, ratelimit.Upload, "bench")
}

// Observe implements aftership.Limiter.
func (b bucket) Observe(_ aftership.Class, h aftership.RateHeaders) {
	b.Pacer.Observe(context.Background(), ratelimit.Headers(h))
}

// tell prints what the bucket knows from time to time.
func (b bucket) tell(ctx context.Context) {
	for sleep(ctx, 5*time.Second) == nil {
		fmt.Fprintf(os.Stderr, "  %+v\n", b.Status())
	}
}

// paused makes a process that was refused wait for the reset, as a careful
// program does that knows nothing of the others.
type paused struct {
	mu    sync.Mutex
	until time.Time
}

func (p *paused) Observe(_ aftership.Class, h aftership.RateHeaders) {
	if !h.TooMany {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.until = h.Received.Add(min(max(h.Reset.Sub(h.Received), 100*time.Millisecond), 2*time.Second))
}

func (p *paused) wait(ctx context.Context) error {
	p.mu.Lock()
	d := time.Until(p.until)
	p.mu.Unlock()
	return sleep(ctx, d)
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// static gives each process its fixed part of the limit.
type static struct {
	paused
	tokens *rate.Limiter
}

// Wait implements aftership.Limiter.
func (s *static) Wait(ctx context.Context, _ aftership.Class) error {
	if err := s.wait(ctx); err != nil {
		return err
	}
	return s.tokens.Wait(ctx)
}

// gcra is the usual shared limiter: one time in Redis that moves on by the
// spacing with each request.
type gcra struct {
	paused
	rdb redis.UniversalClient
	key string
}

// gcraScript moves the time on. KEYS[1] the time, ARGV[1] the spacing in us;
// returns how long to wait in us.
var gcraScript = redis.NewScript(`
local t = redis.call('TIME')
local now = tonumber(t[1]) * 1e6 + tonumber(t[2])
local at = math.max(now, tonumber(redis.call('GET', KEYS[1]) or '0'))
redis.call('SET', KEYS[1], string.format('%.0f', at + ARGV[1]), 'EX', 60)
return at - now`)

// Wait implements aftership.Limiter.
func (g *gcra) Wait(ctx context.Context, _ aftership.Class) error {
	if err := g.wait(ctx); err != nil {
		return err
	}
	us, err := gcraScript.Run(ctx, g.rdb, []string{g.key}, int(1e6/limit)).Int64()
	if err != nil {
		return err
	}
	return sleep(ctx, time.Duration(us)*time.Microsecond)
}
