package ratelimit

import (
	"context"
	_ "embed"
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

//go:embed bucket.lua
var bucketScript string

var script = redis.NewScript(bucketScript)

// Key is the name of the hash of an account's class. All classes of an account
// share a cluster slot.
func Key(account, class string) string {
	return "aftership:{rl:" + strings.NewReplacer("{", "%7B", "}", "%7D").Replace(account) + "}:" + class
}

// redisSource is a bucket in Redis, shared by every process of the account.
type redisSource struct {
	rdb     redis.Scripter
	key     string
	ceiling float64        // thousandths of a request a second
	fixed   func() float64 // replaces Redis' clock in proofs
	now     func() time.Time
	mu      sync.Mutex
	last    sight   // the last exchange
	drift   float64 // a step of Redis' clock that the bucket has yet to hear of
}

// sight is what one exchange showed of the bucket: its count of writes, Redis'
// clock, and between which moments of ours the script ran.
type sight struct {
	seq, at    float64
	begin, end time.Time
}

// stepMin is how far Redis' clock must be off to have been set.
const stepMin = 150 * time.Millisecond

// drift is by how much Redis' clock went further than ours since the sight
// before, beyond what the round trips explain.
func (s sight) drift(before sight) float64 {
	if before.seq == 0 {
		return 0
	}
	passed := time.Duration(s.at-before.at) * time.Microsecond
	least, most := s.begin.Sub(before.end), s.end.Sub(before.begin)
	switch {
	case passed < least-stepMin:
		return float64((passed - least).Microseconds())
	case passed > most+stepMin:
		return float64((passed - most).Microseconds())
	}
	return 0
}

// NewRedisSource returns the bucket of the account's class, which every process
// with the same Redis shares. limit is the configured limit in requests a
// second: headers lower it, nothing but this argument raises it. Processes with
// different limits each keep to their own.
func NewRedisSource(rdb redis.Scripter, account, class string, limit float64) Source {
	return &redisSource{rdb: rdb, key: Key(account, class), ceiling: milli(limit), now: time.Now}
}

func milli(limit float64) float64 { return math.Floor(limit * 1000) }

func checkCeiling(ceiling float64) error {
	if ceiling < 1 || math.IsNaN(ceiling) || ceiling > 1e9 {
		return fmt.Errorf("ratelimit: a limit of %v requests a second cannot be kept; set one between 0.001 and 1000000", ceiling/1000)
	}
	return nil
}

// Reserve implements Source.
func (s *redisSource) Reserve(ctx context.Context, r Request) (Grant, error) {
	if err := checkCeiling(s.ceiling); err != nil {
		return Grant{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	begin := s.now()
	reply, err := script.Run(ctx, s.rdb, []string{s.key}, s.args(r)...).Int64Slice()
	if err != nil {
		return Grant{}, fmt.Errorf("ratelimit: no slot from Redis for %s: %w", s.key, err)
	}
	if len(reply) != replies {
		return Grant{}, fmt.Errorf("ratelimit: %s: the script returned %d numbers, want %d", s.key, len(reply), replies)
	}
	seen := sight{float64(reply[1]), float64(reply[0]), begin, s.now()}
	s.drift = seen.drift(s.last)
	s.last = seen
	g := grantOf(reply)
	if s.drift != 0 {
		g.Slots, g.Retry = 0, 0 // reserved on a clock that was set: tell the bucket first
	}
	return g, nil
}

func (s *redisSource) args(r Request) []any {
	fixed := 0.0
	if s.fixed != nil {
		fixed = s.fixed()
	}
	args := numbers(float64(r.N), s.ceiling, float64(r.Lead.Microseconds()), s.last.seq, s.drift, fixed, 0)
	if r.Learned != nil {
		args[6] = "1"
		args = append(args, r.Learned.args()...)
	}
	return args
}

func (l *Learned) args() []any {
	phased := 0.0
	if l.phased {
		phased = 1
	}
	a := numbers(l.limit, l.limitAt, l.until, l.untilReset, l.longEnd, l.longLeft,
		l.spread, l.usual, l.late, phased, l.low, l.high, float64(len(l.windows)))
	for _, w := range l.windows {
		a = append(a, numbers(w.reset, w.least, w.most, w.answers, w.refused, w.stray)...)
	}
	return a
}

func numbers(vs ...float64) []any {
	args := make([]any, len(vs))
	for i, v := range vs {
		args[i] = strconv.FormatFloat(v, 'f', -1, 64)
	}
	return args
}

const replies = 17

// grantOf reads the script's reply; its header names the numbers.
func grantOf(v []int64) Grant {
	us := func(n int64) time.Duration { return time.Duration(n) * time.Microsecond }
	until := func(at int64) time.Duration { return max(0, us(at-v[0])) }
	g := Grant{Now: v[0], Epoch: v[2], Slots: int(v[4]), Wait: us(v[5]), Spacing: time.Duration(v[6]),
		Slack: us(v[7]), End: us(v[8]), Retry: us(v[9])}
	g.View = View{Limit: float64(v[10]) / 1000, Mode: Modes()[v[3]], Margin: float64(v[11]) / 1e6,
		Foreign: int(v[12]), Pause: until(v[13]), Long: until(v[14]), Phase: us(v[16]), Gap: g.Spacing}
	if g.View.Long > 0 {
		g.View.LongLeft = int(v[15])
	}
	return g
}
