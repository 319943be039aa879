package ratelimit

import (
	"context"
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// localSource is a bucket in memory, for one process without Redis. What the
// Redis source's script does, the same arithmetic does here; x/time/rate stands
// behind it as the bucket that cannot be overdrawn.
type localSource struct {
	ceiling float64
	now     func() time.Time
	start   time.Time
	mu      sync.Mutex
	bucket  bucket
	tokens  *rate.Limiter
}

// NewLocalSource returns a bucket for a single process. limit is the configured
// limit in requests a second: headers lower it, nothing but this argument
// raises it.
func NewLocalSource(limit float64) Source { return newLocalSource(limit, time.Now) }

func newLocalSource(limit float64, now func() time.Time) *localSource {
	return &localSource{ceiling: milli(limit), now: now, start: now(),
		tokens: rate.NewLimiter(rate.Limit(limit), burst(limit))}
}

// burst lets a second's worth through at once: how it is spread is the
// bucket's business.
func burst(limit float64) int { return max(1, int(math.Ceil(limit))) }

// Reserve implements Source.
func (s *localSource) Reserve(_ context.Context, r Request) (Grant, error) {
	if err := checkCeiling(s.ceiling); err != nil {
		return Grant{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := float64(s.start.UnixMicro() + s.now().Sub(s.start).Microseconds())
	a := s.bucket.exchange(now, ask{n: float64(r.N), ceiling: s.ceiling, lead: float64(r.Lead.Microseconds()), learned: r.Learned})
	g := grantOf(s.bucket.reply(now, a))
	if g.Slots > 0 {
		g.Wait += s.draw(now, g)
	}
	return g, nil
}

// draw takes the slots from the token bucket and says by how much it must be
// later: never, unless the arithmetic was wrong.
func (s *localSource) draw(now float64, g Grant) time.Duration {
	at := time.UnixMicro(int64(now)).Add(g.Wait)
	if limit := rate.Limit(g.View.Limit); limit != s.tokens.Limit() {
		s.tokens.SetLimitAt(at, limit)
		s.tokens.SetBurstAt(at, burst(g.View.Limit))
	}
	return s.tokens.ReserveN(at, min(g.Slots, s.tokens.Burst())).DelayFrom(at)
}

// reply is what the script returns for an answer.
func (b *bucket) reply(now float64, a answer) []int64 {
	vs := []float64{now, b.seq, b.epoch, b.way(), a.slots, a.wait, a.spacing, a.slack, a.end, a.retry,
		a.limit, math.Max(b.margin, marginMin), math.Max(b.fa, b.fb), b.pause, b.longEnd, b.longLeft, b.phase}
	reply := make([]int64, len(vs))
	for i, v := range vs {
		reply[i] = int64(v)
	}
	return reply
}
