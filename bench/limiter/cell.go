package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"aftership-bulk/aftership"
	"aftership-bulk/aftership/sandbox"
)

// limit is the number of requests a second in every cell.
const limit = 10

const (
	ourKey   = "asat_benchours0000000000000000000"
	otherKey = "asat_benchother000000000000000000"
)

// cell is one set of circumstances.
type cell struct {
	model           sandbox.Model
	procs           int
	latency, jitter time.Duration
	slowRedis       bool
	kills           bool
	change          bool // the limit falls to 5 for the middle third
	foreign         int  // another client's requests a second
}

// cells lists what is measured.
func cells(long bool) []cell {
	ms := time.Millisecond
	var all []cell
	for _, model := range sandbox.Models() {
		base := cell{model: model, procs: 4, latency: 5 * ms, jitter: 3 * ms}
		with := func(set func(*cell)) { c := base; set(&c); all = append(all, c) }
		with(func(c *cell) {})
		with(func(c *cell) { c.kills = true })
		with(func(c *cell) { c.change = true })
		with(func(c *cell) { c.foreign = 3 })
		if !long {
			continue
		}
		with(func(c *cell) { c.procs = 1 })
		with(func(c *cell) { c.procs = 8 })
		with(func(c *cell) { c.slowRedis = true })
		with(func(c *cell) { c.latency, c.jitter = 30*ms, 10*ms })
		with(func(c *cell) { c.latency, c.jitter = 100*ms, 10*ms })
		with(func(c *cell) { c.latency, c.jitter = 300*ms, 30*ms })
	}
	return all
}

func (c cell) name() string {
	var s strings.Builder
	s.WriteString(fmt.Sprintf("%s, %d procs, %v±%v", c.model, c.procs, c.latency, c.jitter))
	for _, extra := range []struct {
		on   bool
		text string
	}{{c.slowRedis, "slow redis"}, {c.kills, "kills"}, {c.change, "10-5-10"}, {c.foreign > 0, "another client"}} {
		if extra.on {
			s.WriteString(", " + extra.text)
		}
	}
	return s.String()
}

// goal is what the cell is held to; the jitter of some leaves no room for one.
func (c cell) goal() string {
	switch {
	case c.change:
		return "at most 3 refused"
	case c.foreign > 0:
		return ""
	case c.model == sandbox.ModelFixed:
		return "99.5 %, none refused"
	case c.model == sandbox.ModelBucket:
		return "99 %, none refused"
	case c.jitter <= 3*time.Millisecond:
		return "97 %, 1 in 100 refused"
	}
	return ""
}

type result struct {
	utilisation    float64
	calls, refused int
}

func (c cell) run(ctx context.Context, s settings, kind, redis string) (result, error) {
	box := sandbox.New(sandbox.Options{Limit: limit, Model: c.model, Latency: c.latency, Jitter: c.jitter, LogSize: 1 << 20,
		Keys: []sandbox.Key{{Name: "ours", Value: ourKey}, {Name: "other", Value: otherKey}}})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return result{}, err
	}
	srv := &http.Server{Handler: box}
	go srv.Serve(l) //nolint:errcheck // ends with Close
	defer srv.Close()
	url := "http://" + l.Addr().String()
	// What counts are whole seconds, and the workers go on beyond them: else a
	// call at either end falls under the table.
	begin := time.Now().Truncate(time.Second).Add(time.Second)
	ctx, cancel := context.WithDeadline(ctx, begin.Add(s.warm+s.length+time.Second))
	defer cancel()
	var wg sync.WaitGroup
	if c.foreign > 0 {
		wg.Go(func() { stranger(ctx, url, c.foreign) })
	}
	if c.change {
		wg.Go(func() { changeLimit(ctx, box, s) })
	}
	err = c.workers(ctx, s, kind, redis, url, fmt.Sprintf("%s-%d", kind, l.Addr().(*net.TCPAddr).Port))
	wg.Wait()
	if s.calls != "" {
		err = errors.Join(err, writeCalls(filepath.Join(s.calls, c.name()+", "+kind+".csv"), box.Calls()))
	}
	return c.judge(box.Calls(), begin.Add(s.warm), s), err
}

// writeCalls keeps what the sandbox has seen, for those who ask where a percent went.
func writeCalls(path string, calls []sandbox.Call) error {
	var text strings.Builder
	text.WriteString("at_us,http,key\n")
	for _, call := range calls {
		fmt.Fprintf(&text, "%d,%d,%s\n", call.At.UnixMicro(), call.HTTP, call.Key)
	}
	return os.WriteFile(path, []byte(text.String()), 0o600)
}

// changeLimit halves the limit for the middle third of the time that counts.
func changeLimit(ctx context.Context, box *sandbox.Sandbox, s settings) {
	for _, step := range []struct {
		wait time.Duration
		to   int
	}{{s.warm + s.length/3, limit / 2}, {s.length / 3, limit}} {
		select {
		case <-ctx.Done():
			return
		case <-time.After(step.wait):
		}
		_ = box.Change(func(o *sandbox.Options) { o.Limit = step.to }) // cannot be refused: the limit is above none
	}
}

// stranger is another client of the account that sends n a second.
func stranger(ctx context.Context, url string, n int) {
	c, err := aftership.New(aftership.Options{BaseURL: url, APIKey: otherKey})
	if err != nil {
		panic(err)
	}
	tick := time.NewTicker(time.Second / time.Duration(n))
	defer tick.Stop()
	var wg sync.WaitGroup
	for {
		select {
		case <-ctx.Done():
			wg.Wait()
			return
		case <-tick.C:
			wg.Go(func() { _, _ = c.Get(ctx, aftership.Ref{ID: anyID}, aftership.GetOptions{}) }) // only its being sent matters
		}
	}
}

// judge reads the sandbox's log: our calls after the warm-up against what the
// server allowed less what the other client was given.
func (c cell) judge(calls []sandbox.Call, from time.Time, s settings) (r result) {
	to := from.Add(s.length)
	allowed, ok := limit*s.length.Seconds(), 0
	if c.change {
		allowed -= limit / 2 * s.length.Seconds() / 3
	}
	for _, call := range calls {
		switch {
		case call.At.Before(from) || !call.At.Before(to):
		case call.Key == "other" && call.HTTP != http.StatusTooManyRequests:
			allowed--
		case call.Key == "other":
		case call.HTTP == http.StatusTooManyRequests:
			r.refused++
			r.calls++
		default:
			ok++
			r.calls++
		}
	}
	r.utilisation = float64(ok) / allowed
	return r
}
