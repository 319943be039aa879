package sandbox

import (
	"sync"
	"time"

	"aftership-bulk/aftership"
)

// rate is what the three X-RateLimit headers say.
type rate struct {
	limit, remaining int
	reset            time.Time
}

// counter counts requests against a limit; there is one type for each Model.
type counter interface {
	// take counts a request if the limit allows it, and says how many are left and when that gets better.
	take(now time.Time, limit int) (remaining int, reset time.Time, ok bool)
}

// fixedCounter counts within windows that begin at whole multiples of the window.
type fixedCounter struct {
	window time.Duration
	start  time.Time
	used   int
}

func (c *fixedCounter) take(now time.Time, limit int) (int, time.Time, bool) {
	// Not Truncate: it counts from year 1, and the windows of the API are those of Unix time.
	start := time.Unix(0, now.UnixNano()-now.UnixNano()%int64(c.window))
	if !start.Equal(c.start) {
		c.start, c.used = start, 0
	}
	ok := c.used < limit
	if ok {
		c.used++
	}
	return max(0, limit-c.used), start.Add(c.window), ok
}

// slidingCounter remembers the requests of the last window.
type slidingCounter struct {
	window time.Duration
	taken  []time.Time
}

func (c *slidingCounter) take(now time.Time, limit int) (int, time.Time, bool) {
	old := 0
	for old < len(c.taken) && !c.taken[old].After(now.Add(-c.window)) {
		old++
	}
	c.taken = c.taken[old:]
	ok := len(c.taken) < limit
	if ok {
		c.taken = append(c.taken, now)
	}
	reset := now.Add(c.window)
	if len(c.taken) > 0 {
		reset = c.taken[0].Add(c.window)
	}
	return max(0, limit-len(c.taken)), reset, ok
}

// bucketCounter is a token bucket: full at first, it fills with the limit's number of tokens a window.
type bucketCounter struct {
	window time.Duration
	burst  int // zero is the limit
	tokens float64
	last   time.Time
}

func (c *bucketCounter) take(now time.Time, limit int) (int, time.Time, bool) {
	size := float64(or(c.burst, limit))
	perToken := float64(c.window) / float64(max(1, limit))
	if c.last.IsZero() {
		c.tokens = size
	} else if elapsed := now.Sub(c.last); elapsed > 0 {
		c.tokens = min(size, c.tokens+float64(elapsed)/perToken)
	}
	c.last = now
	ok := c.tokens >= 1 && limit > 0
	if ok {
		c.tokens--
	}
	next := time.Duration(max(0, 1-c.tokens) * perToken)
	return int(c.tokens), now.Add(next), ok
}

// limiter holds the counters of all accounts and classes.
type limiter struct {
	mu       sync.Mutex
	counters map[counterKey]counter
	days     map[string]*fixedCounter
}

type counterKey struct {
	account string // or the key's name
	version aftership.Version
	class   aftership.Class
	model   Model
	window  time.Duration
	burst   int
}

// take counts a call. Without a limit, the rate is nil and the call is always let through.
func (l *limiter) take(o *Options, c *call) (r *rate, ok bool) {
	limit := o.limit(c.version, c.class)
	if limit < 0 {
		return nil, true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	remaining, reset, ok := l.counter(o, c).take(c.at, limit)
	return &rate{limit: limit, remaining: remaining, reset: reset}, ok
}

// takeDay counts a call against the daily limit.
func (l *limiter) takeDay(o *Options, c *call) (r *rate, ok bool) {
	if o.DailyLimit <= 0 {
		return nil, true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.days == nil {
		l.days = map[string]*fixedCounter{}
	}
	day := l.days[c.key.Account]
	if day == nil {
		day = &fixedCounter{window: 24 * time.Hour}
		l.days[c.key.Account] = day
	}
	remaining, reset, ok := day.take(c.at, o.DailyLimit)
	return &rate{limit: o.DailyLimit, remaining: remaining, reset: reset}, ok
}

func (l *limiter) counter(o *Options, c *call) counter {
	key := counterKey{account: c.key.Account, class: c.class, model: o.Model, window: o.Window, burst: o.Burst}
	if o.LimitPerKey {
		key.account = "key " + c.key.Name
	}
	if o.LimitPerVersion {
		key.version = c.version
	}
	if found := l.counters[key]; found != nil {
		return found
	}
	if l.counters == nil {
		l.counters = map[counterKey]counter{}
	}
	made := newCounter(o.Model, o.Window, o.Burst)
	l.counters[key] = made
	return made
}

func newCounter(m Model, window time.Duration, burst int) counter {
	switch m {
	case ModelSliding:
		return &slidingCounter{window: window}
	case ModelBucket:
		return &bucketCounter{window: window, burst: burst}
	}
	return &fixedCounter{window: window}
}

// seconds is the moment as the header shows it: the first whole second that is not before it.
func (r *rate) seconds() int64 {
	return r.reset.Add(time.Second - 1).Unix()
}

// clear forgets all counts.
func (l *limiter) clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.counters, l.days = nil, nil
}
