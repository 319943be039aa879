package ratelimit

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
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
	ok, left, reset := s.counted(now)
	if ok {
		s.taken = append(s.taken, now)
	}
	s.calls = append(s.calls, served{real, ok, foreign})
	h := Headers{Limit: s.limit, Remaining: max(0, left), TooMany: !ok, Date: now.Truncate(time.Second)}
	h.Reset = reset.Add(time.Second - 1).Truncate(time.Second)
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
	trip time.Duration
}

func (f far) Reserve(ctx context.Context, r Request) (Grant, error) {
	time.Sleep(f.trip / 2)
	g, err := f.Source.Reserve(ctx, r)
	time.Sleep(f.trip / 2)
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
	seed                   uint64
}

type outcome struct {
	utilisation float64 // of what the server allowed
	refused     int
	calls       int
	views       []View
	server      *server
}

func (w world) run(t *testing.T) (o outcome) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(370 * time.Millisecond)
		s := &server{model: w.model, limit: w.limit, skew: w.skew}
		if w.setting == 0 {
			w.setting = float64(w.limit)
		}
		src := far{NewLocalSource(w.setting), w.redis}
		ctx, cancel := context.WithTimeout(t.Context(), w.warm+w.length)
		var wg sync.WaitGroup
		begin := time.Now()
		for i := range w.procs {
			wg.Go(func() { o.views = append(o.views, w.process(ctx, src, s, uint64(i))) })
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
	rnd := rand.New(rand.NewPCG(w.seed, id))
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
	way := func() time.Duration {
		mu.Lock()
		defer mu.Unlock()
		return w.latency/2 + time.Duration(rnd.ExpFloat64()*float64(w.jitter))
	}
	for p.Wait(ctx, Upload, "b") == nil {
		sent := time.Now()
		time.Sleep(way())
		h := s.take(false)
		time.Sleep(way())
		h.Sent, h.Received = sent, time.Now()
		p.Observe(ctx, h)
	}
}

func TestTable(t *testing.T) {
	if os.Getenv("SIM") == "" {
		return
	}
	base := world{limit: 10, procs: 4, handlers: 10, latency: 5 * time.Millisecond, redis: time.Millisecond, warm: 10 * time.Second, length: 600 * time.Second}
	for _, model := range []string{"fixed", "sliding", "bucket"} {
		for _, v := range []struct {
			name string
			set  func(*world)
		}{
			{"5ms", func(w *world) {}},
			{"jitter 3ms", func(w *world) { w.jitter = 3 * time.Millisecond }},
			{"jitter 10ms", func(w *world) { w.jitter = 10 * time.Millisecond }},
			{"jitter 30ms", func(w *world) { w.jitter = 30 * time.Millisecond; w.latency = 50 * time.Millisecond }},
			{"300ms jitter 30", func(w *world) { w.jitter = 30 * time.Millisecond; w.latency = 300 * time.Millisecond }},
			{"redis 20ms", func(w *world) { w.jitter = 3 * time.Millisecond; w.redis = 20 * time.Millisecond }},
			{"8 procs", func(w *world) { w.jitter = 3 * time.Millisecond; w.procs = 8 }},
			{"1 proc", func(w *world) { w.jitter = 3 * time.Millisecond; w.procs = 1 }},
			{"kills", func(w *world) { w.jitter = 3 * time.Millisecond; w.killEvery = 10 * time.Second }},
			{"foreign", func(w *world) { w.jitter = 3 * time.Millisecond; w.foreign = 3 }},
			{"skew", func(w *world) { w.jitter = 3 * time.Millisecond; w.skew = 300400 * time.Millisecond }},
			{"limit 20", func(w *world) { w.jitter = 3 * time.Millisecond; w.limit = 20 }},
			{"limit 3", func(w *world) { w.jitter = 3 * time.Millisecond; w.limit = 3 }},
			{"limit 500", func(w *world) {
				w.jitter = 3 * time.Millisecond
				w.limit = 500
				w.handlers = 50
				w.length = 60 * time.Second
			}},
		} {
			w := base
			w.model = model
			v.set(&w)
			o := w.run(t)
			fmt.Printf("%-8s %-16s %6.2f%% %4d refused of %5d  %+v\n", model, v.name, o.utilisation*100, o.refused, o.calls, o.views[0])
		}
	}
}
