package ratelimit

import (
	"cmp"
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// server is a simulated AfterShip: it counts by one of three models.
type server struct {
	mu    sync.Mutex
	model string
	limit int
	taken []time.Time // accepted, of the last two seconds
	full  float64     // tokens
	last  time.Time
	skew  time.Duration // its clock is ahead by this
	early float64       // share of answers with a reset a second early
	serve time.Duration // from the count to the date of the answer
	storm bool          // everything is refused, and the reset is a second ahead, rounded up
	rnd   *rand.Rand
	calls []served
}

type served struct {
	at      time.Time
	ok      bool
	foreign bool
}

func (s *server) setLimit(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limit = n
}

// take counts one request and answers with the headers.
func (s *server) take(foreign bool) Headers {
	s.mu.Lock()
	defer s.mu.Unlock()
	real := time.Now()
	now := real.Add(s.skew)
	if s.storm {
		return Headers{Limit: s.limit, TooMany: true, Date: now.Add(s.serve).Truncate(time.Second), Reset: now.Add(2*time.Second - 1).Truncate(time.Second)}
	}
	ok, left, reset := s.counted(now)
	if ok {
		s.taken = append(s.taken, now)
	}
	s.calls = append(s.calls, served{real, ok, foreign})
	h := Headers{Limit: s.limit, Remaining: max(0, left), TooMany: !ok, Date: now.Add(s.serve).Truncate(time.Second)}
	h.Reset = reset.Add(time.Second - 1).Truncate(time.Second)
	if s.early > 0 && s.rnd.Float64() < s.early {
		h.Reset = h.Reset.Add(-time.Second)
	}
	return h
}

func (s *server) counted(now time.Time) (bool, int, time.Time) {
	for len(s.taken) > 0 && now.Sub(s.taken[0]) >= 2*time.Second {
		s.taken = s.taken[1:]
	}
	switch s.model {
	case "fixed":
		start := now.Truncate(time.Second)
		n := s.since(start)
		return n < s.limit, s.limit - n - 1, start.Add(time.Second)
	case "sliding":
		n := s.since(now.Add(-time.Second + 1))
		reset := now.Add(time.Second)
		if n > 0 {
			reset = s.taken[len(s.taken)-n].Add(time.Second)
		}
		return n < s.limit, s.limit - n - 1, reset
	}
	if s.last.IsZero() {
		s.full = float64(s.limit)
	}
	s.full = min(float64(s.limit), s.full+now.Sub(s.last).Seconds()*float64(s.limit))
	s.last = now
	ok := s.full >= 1
	if ok {
		s.full--
	}
	return ok, int(s.full), now.Add(time.Duration(max(0, 1-s.full) / float64(s.limit) * 1e9))
}

func (s *server) since(t time.Time) int {
	n := 0
	for i := len(s.taken) - 1; i >= 0 && !s.taken[i].Before(t); i-- {
		n++
	}
	return n
}

// far is a source some round trip away, with its own clock.
type far struct {
	Source
	trip  time.Duration
	stall func() time.Duration
}

func (f far) Reserve(ctx context.Context, r Request) (Grant, error) {
	time.Sleep(f.trip / 2)
	g, err := f.Source.Reserve(ctx, r)
	time.Sleep(f.trip/2 + f.stall())
	return g, err
}

// world is a simulated installation: processes, handlers, a server.
type world struct {
	model                  string
	limit, procs, handlers int
	latency, jitter, redis time.Duration
	skew                   time.Duration
	foreign                int
	killEvery              time.Duration
	warm, length           time.Duration
	during                 func(*server)
	setting                float64
	early                  float64 // the share of answers whose reset is a second early
	serve                  time.Duration
	stalls                 float64 // the share of requests and exchanges that the machine holds up for up to 800 ms
}

type outcome struct {
	utilisation float64 // of what the server allowed
	refused     int
	calls       int
	view        View
	server      *server
}

func (w world) run(t *testing.T) (o outcome) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(370 * time.Millisecond)
		s := &server{model: w.model, limit: w.limit, skew: w.skew, early: w.early, serve: w.serve, rnd: rand.New(rand.NewPCG(1, 2))}
		src := far{NewLocalSource(w.setting), w.redis, w.stall(s.rnd, &s.mu)}
		ctx, cancel := context.WithTimeout(t.Context(), w.warm+w.length)
		var wg sync.WaitGroup
		begin := time.Now()
		for i := range w.procs {
			wg.Go(func() { v := w.process(ctx, src, s, uint64(i)); s.mu.Lock(); defer s.mu.Unlock(); o.view = v })
		}
		if w.foreign > 0 {
			wg.Go(func() { stranger(ctx, s, w.foreign) })
		}
		if w.during != nil {
			wg.Go(func() { w.during(s) })
		}
		wg.Wait()
		cancel()
		o.server = s
		from, to := begin.Add(w.warm), begin.Add(w.warm+w.length)
		ok := 0
		for _, c := range s.calls {
			if c.at.Before(from) || !c.at.Before(to) || c.foreign {
				continue
			}
			o.calls++
			if c.ok {
				ok++
			} else {
				o.refused++
			}
		}
		o.utilisation = float64(ok) / (float64(w.limit-w.foreign) * w.length.Seconds())
	})
	return o
}

// stranger is another client that sends n a second, whatever comes.
func stranger(ctx context.Context, s *server, n int) {
	tick := time.NewTicker(time.Second / time.Duration(n))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			s.take(true)
		}
	}
}

// process is one worker process, killed and started anew now and then.
func (w world) process(ctx context.Context, src Source, s *server, id uint64) (v View) {
	rnd := rand.New(rand.NewPCG(7, id))
	for ctx.Err() == nil {
		p := NewPacer(src)
		life, end := ctx, context.CancelFunc(func() {})
		if w.killEvery > 0 && id == 0 {
			life, end = context.WithTimeout(ctx, w.killEvery)
		}
		var wg sync.WaitGroup
		var mu sync.Mutex
		for range w.handlers {
			wg.Go(func() { w.handle(life, p, s, rnd, &mu) })
		}
		wg.Wait()
		end()
		v = p.Status().View
		p.Close()
		if w.killEvery > 0 && id == 0 {
			time.Sleep(w.killEvery / 4)
		}
	}
	return v
}

func (w world) handle(ctx context.Context, p *Pacer, s *server, rnd *rand.Rand, mu *sync.Mutex) {
	stall := w.stall(rnd, mu)
	way := func() time.Duration {
		mu.Lock()
		defer mu.Unlock()
		return w.latency/2 + time.Duration(rnd.ExpFloat64()*float64(w.jitter))
	}
	for p.Wait(ctx, Upload, "b") == nil {
		sent := time.Now()
		time.Sleep(way() + stall())
		h := s.take(false)
		time.Sleep(way())
		h.Sent, h.Received = sent, time.Now()
		p.Observe(ctx, h)
	}
}

// stall is how long something is held up: mostly not at all.
func (w world) stall(rnd *rand.Rand, mu *sync.Mutex) func() time.Duration {
	return func() time.Duration {
		mu.Lock()
		defer mu.Unlock()
		if rnd.Float64() >= w.stalls {
			return 0
		}
		return time.Duration(rnd.Float64() * float64(800*time.Millisecond))
	}
}

// TestSimulatedServers runs whole pacers against every model of server, on a
// clock that no machine's load can disturb. The bounds are the goals where they
// can be had, else what is left of the limit by the jitter.
func TestSimulatedServers(t *testing.T) {
	ms := time.Millisecond
	tests := []struct {
		name    string
		w       world
		least   float64 // utilisation
		refused int
	}{
		{"fixed", world{model: "fixed"}, 0.995, 0},
		{"fixed, one process", world{model: "fixed", procs: 1}, 0.995, 0},
		{"fixed, eight processes", world{model: "fixed", procs: 8}, 0.995, 0},
		{"fixed, jitter 10 ms", world{model: "fixed", jitter: 10 * ms}, 0.995, 0},
		{"fixed, far away", world{model: "fixed", latency: 300 * ms, jitter: 30 * ms}, 0.995, 0},
		{"fixed, slow Redis", world{model: "fixed", redis: 20 * ms}, 0.995, 0},
		{"fixed, kills", world{model: "fixed", killEvery: 15 * time.Second}, 0.995, 0},
		{"fixed, clocks apart", world{model: "fixed", skew: 300400 * ms}, 0.995, 0},
		{"fixed, three a second", world{model: "fixed", limit: 3}, 0.995, 0},
		{"fixed, five hundred a second", world{model: "fixed", limit: 500}, 0.995, 0},
		{"fixed, stalls", world{model: "fixed", stalls: 0.002, length: 15 * time.Minute}, 0.995, 0},
		{"fixed, rare stalls", world{model: "fixed", stalls: 0.0005, length: 20 * time.Minute}, 0.995, 0},
		{"fixed, many stalls", world{model: "fixed", stalls: 0.01, length: 10 * time.Minute}, 0.985, 2},
		{"fixed, another client", world{model: "fixed", foreign: 3}, 0.98, 25},
		{"fixed, resets a second early", world{model: "fixed", early: 0.3}, 0.995, 0},
		{"fixed, answers take a while", world{model: "fixed", serve: 15 * ms}, 0.995, 0},
		{"fixed, answers take a while, stalls", world{model: "fixed", serve: 15 * ms, stalls: 0.002, length: 15 * time.Minute}, 0.995, 0},
		{"fixed, after storms", world{model: "fixed", serve: 15 * ms, length: 20 * time.Minute, during: storms}, 0.6, 0},
		{"bucket", world{model: "bucket"}, 0.99, 0},
		{"bucket, jitter 30 ms", world{model: "bucket", jitter: 30 * ms}, 0.99, 0},
		{"bucket, far away", world{model: "bucket", latency: 300 * ms, jitter: 30 * ms}, 0.99, 0},
		{"bucket, another client", world{model: "bucket", foreign: 3}, 0.9, 40},
		{"sliding", world{model: "sliding"}, 0.97, 10},
		{"sliding, eight processes", world{model: "sliding", procs: 8}, 0.97, 10},
		{"sliding, stalls", world{model: "sliding", stalls: 0.01}, 0.9, 30},
		{"bucket, stalls", world{model: "bucket", stalls: 0.01}, 0.99, 0},
		{"sliding, slow Redis", world{model: "sliding", redis: 20 * ms}, 0.97, 10},
		{"sliding, five hundred a second", world{model: "sliding", limit: 500}, 0.98, 20},
		{"sliding, jitter 10 ms", world{model: "sliding", jitter: 10 * ms}, 0.93, 11},
		{"sliding, jitter 30 ms", world{model: "sliding", jitter: 30 * ms}, 0.84, 20},
		{"sliding, another client", world{model: "sliding", foreign: 3}, 0.86, 14},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			o := test.w.filled().run(t)
			t.Logf("%.2f %%, %d refused of %d, %+v", o.utilisation*100, o.refused, o.calls, o.view)
			if o.utilisation < test.least || o.refused > test.refused {
				t.Errorf("%.2f %% and %d refused of %d, want %.2f %% and %d; the bucket: %+v",
					o.utilisation*100, o.refused, o.calls, test.least*100, test.refused, o.view)
			}
		})
	}
}

// storms has everything refused for a quarter of a minute in each, and for two
// minutes once.
func storms(s *server) {
	for i := range 20 {
		time.Sleep(40*time.Second + time.Duration(i)*53*time.Millisecond)
		s.setStorm(true)
		time.Sleep(15 * time.Second)
		if i == 10 {
			time.Sleep(105 * time.Second)
		}
		s.setStorm(false)
	}
}

func (s *server) setStorm(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.storm = on
}

// filled is the world with what a test did not say.
func (w world) filled() world {
	w.limit, w.procs, w.handlers = cmp.Or(w.limit, 10), cmp.Or(w.procs, 4), cmp.Or(w.handlers, 10)
	w.latency, w.jitter = cmp.Or(w.latency, 5*time.Millisecond), cmp.Or(w.jitter, 3*time.Millisecond)
	w.redis = cmp.Or(w.redis, time.Millisecond)
	w.warm, w.length = cmp.Or(w.warm, 10*time.Second), cmp.Or(w.length, 2*time.Minute)
	w.setting = cmp.Or(w.setting, float64(w.limit))
	return w
}

// TestChangedLimitIsObeyed lowers the server's limit under load and raises it again.
func TestChangedLimitIsObeyed(t *testing.T) {
	for _, model := range []string{"fixed", "sliding", "bucket"} {
		t.Run(model, func(t *testing.T) {
			var lowered, raised time.Time
			w := world{model: model, length: 80 * time.Second}.filled()
			w.during = func(s *server) {
				time.Sleep(30*time.Second + 437*time.Millisecond)
				lowered = time.Now()
				s.setLimit(5)
				time.Sleep(30 * time.Second)
				raised = time.Now()
				s.setLimit(10)
			}
			o := w.run(t)
			refused, slow, fast := 0, 0, 0
			for _, c := range o.server.calls {
				switch {
				case c.at.After(lowered) && c.at.Before(lowered.Add(3*time.Second)) && !c.ok:
					refused++
				case c.at.After(lowered.Add(5*time.Second)) && c.at.Before(raised) && c.ok:
					slow++
				case c.at.After(raised.Add(5*time.Second)) && c.at.Before(raised.Add(25*time.Second)) && c.ok:
					fast++
				}
			}
			if refused > 3 {
				t.Errorf("%d refusals until the lower limit was obeyed", refused)
			}
			if slow < 115 || slow > 125 || fast < 180 || fast > 205 {
				t.Errorf("%d calls in 25 s at 5 a second, then %d in 20 s at 10", slow, fast)
			}
		})
	}
}

// TestHeadersNeverRaiseTheLimit: the setting is below what the server allows.
func TestHeadersNeverRaiseTheLimit(t *testing.T) {
	o := world{model: "fixed", limit: 20, setting: 7, length: 30 * time.Second}.filled().run(t)
	if o.calls > 7*31 {
		t.Errorf("%d calls in 30 s with a setting of 7", o.calls)
	}
}
