package ratelimit

import (
	"context"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"aftership-bulk/internal/redistest"
)

// sources are n processes' views of one bucket on a clock that the test moves.
func sources(rdb redis.Scripter, limit float64, now *float64, n int) []*redisSource {
	all := make([]*redisSource, n)
	for i := range all {
		all[i] = NewRedisSource(rdb, "acme", "create", limit).(*redisSource)
		all[i].fixed = func() float64 { return *now }
		all[i].now = func() time.Time { return time.UnixMicro(int64(*now)) }
	}
	return all
}

func reserve(t *testing.T, s Source, n int, l *Learned) Grant {
	t.Helper()
	g, err := s.Reserve(t.Context(), Request{N: n, Lead: 2 * time.Millisecond, Learned: l})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestProcessesShareOneBucket(t *testing.T) {
	redistest.Both(t, func(t *testing.T, rdb redis.UniversalClient) {
		now := 1.9e15
		all := sources(rdb, 10, &now, 3)
		var at []float64
		for len(at) < 30 {
			for _, s := range all {
				if g := reserve(t, s, 2, nil); g.Slots > 0 {
					for i := range g.Slots {
						at = append(at, now+float64((g.Wait+time.Duration(i)*g.Spacing).Microseconds()))
					}
				}
			}
			now += 5000
		}
		for i := range at[1:] {
			if gap := at[i+1] - at[i]; gap < 100000 {
				t.Errorf("slots %d and %d are %v us apart", i, i+1, gap)
			}
		}
	})
}

func TestLostHashVoidsSlotsAndStartsSafe(t *testing.T) {
	redistest.Both(t, func(t *testing.T, rdb redis.UniversalClient) {
		now := 1.9e15
		s := sources(rdb, 10, &now, 1)[0]
		reserve(t, s, 1, nil)
		now += 5e6
		before := reserve(t, s, 1, nil)
		ttl := rdb.PTTL(t.Context(), s.key).Val()
		if before.Slots != 1 || ttl < 59*time.Minute || ttl > time.Hour {
			t.Fatalf("got %+v, and the hash lives for %v", before, ttl)
		}
		if err := rdb.Del(t.Context(), s.key).Err(); err != nil {
			t.Fatal(err)
		}
		if err := rdb.ScriptFlush(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		after := reserve(t, s, 1, nil)
		if after.Slots != 0 || after.Retry < 800*time.Millisecond || after.Epoch == before.Epoch {
			t.Errorf("after the loss: %+v, before: %+v", after, before)
		}
	})
}

func TestPauseOutlivesTheUsualLife(t *testing.T) {
	redistest.Both(t, func(t *testing.T, rdb redis.UniversalClient) {
		now := 1.9e15
		s := sources(rdb, 10, &now, 1)[0]
		g := reserve(t, s, 0, &Learned{until: now + 7200e6})
		if g.View.Pause != 2*time.Hour {
			t.Errorf("paused for %v, want two hours", g.View.Pause)
		}
		if ttl := rdb.PTTL(t.Context(), s.key).Val(); ttl < 2*time.Hour {
			t.Errorf("the hash lives for %v, shorter than the pause", ttl)
		}
	})
}

func TestOnRedisOwnClock(t *testing.T) {
	redistest.Both(t, func(t *testing.T, rdb redis.UniversalClient) {
		g := reserve(t, NewRedisSource(rdb, "acme", "create", 10), 1, nil)
		here := float64(time.Now().UnixMicro())
		if math.Abs(float64(g.Now)-here) > 60e6 {
			t.Errorf("clock %d, want about %.0f", g.Now, here)
		}
		p := NewPacer(NewRedisSource(rdb, "acme", "update", 1000))
		defer p.Close()
		for range 50 {
			if err := p.Wait(t.Context(), Upload, ""); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestRedisAwayIsAnErrorThatNamesTheBucket(t *testing.T) {
	rdb := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", Password: "hunter2", MaxRetries: -1})
	defer rdb.Close()
	_, err := NewRedisSource(rdb, "acme", "create", 10).Reserve(context.Background(), Request{N: 1})
	if err == nil || !strings.Contains(err.Error(), "aftership:{rl:acme}:create") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v", err)
	}
}

func TestKeyKeepsItsTag(t *testing.T) {
	if got := Key("a}b{c", "all"); got != "aftership:{rl:a%7Db%7Bc}:all" {
		t.Errorf("got %s", got)
	}
}

func TestSetClockIsToldFromASlowRoundTrip(t *testing.T) {
	zero := time.Unix(1000, 0)
	at := func(ms int) time.Time { return zero.Add(time.Duration(ms) * time.Millisecond) }
	before := sight{seq: 1, at: 5e6, begin: at(0), end: at(20)}
	tests := []struct {
		name string
		now  sight
		want float64 // microseconds
	}{
		{"as expected", sight{2, 6e6, at(1000), at(1020)}, 0},
		{"slow on the way there", sight{3, 9e6, at(1000), at(4020)}, 0},
		{"slow on the way back", sight{3, 6e6, at(1000), at(4020)}, 0},
		{"set ahead", sight{2, 16e6, at(1000), at(1020)}, 9.98e6},
		{"set back", sight{2, 5e6, at(1000), at(1020)}, -0.98e6},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := test.now.drift(before); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func TestSetClockStartsSafe(t *testing.T) {
	redistest.Both(t, func(t *testing.T, rdb redis.UniversalClient) {
		now, skew := 1.9e15, 0.0
		s := sources(rdb, 10, &now, 1)[0]
		s.fixed = func() float64 { return now + skew }
		reserve(t, s, 1, nil)
		now += 20e6
		if g := reserve(t, s, 1, nil); g.Slots != 1 {
			t.Fatalf("got %+v, want a slot", g)
		}
		skew, now = -3e6, now+1e6
		if g := reserve(t, s, 1, nil); g.Slots != 0 {
			t.Errorf("a slot on a clock that was set: %+v", g)
		}
		if g := reserve(t, s, 1, nil); g.Slots != 0 || g.Retry < 900*time.Millisecond {
			t.Errorf("no safe start: %+v", g)
		}
	})
}
