// Command limiter measures how much of a limit several worker processes use,
// and how often they are refused, while latency, kills, a slow Redis, a changed
// limit and another client disturb them.
//
// Every worker is a process of its own (this program again) that sends real
// requests over loopback HTTP to the sandbox in this process; the shared bucket
// lives in a private redis-server. Each line is one cell: the sandbox's log,
// not a worker, says what was sent and refused after the warm-up. Beside it
// stands what a simulation says is the most that can be had. In the same cells
// as the bucket stand a static split of golang.org/x/time/rate and a plain GCRA
// in Redis.
//
//	go run ./bench/limiter            # a dozen cells of the bucket, 20 s each
//	go run ./bench/limiter -long      # every cell and limiter, 60 s each
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"sync"
	"time"

	"aftership-bulk/internal/redistest"
)

// settings are the flags of a run.
type settings struct {
	long         bool
	warm, length time.Duration
	parallel     int
	only         string
	verbose      bool
	limiters     string
	calls        string
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == workerArg {
		os.Exit(worker(os.Args[2:]))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, parse())
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "limiter:", err)
		os.Exit(1)
	}
}

func parse() settings {
	var s settings
	flag.BoolVar(&s.long, "long", false, "every cell and every limiter, a minute each")
	flag.DurationVar(&s.warm, "warm", 10*time.Second, "warm-up that does not count")
	flag.DurationVar(&s.length, "length", 0, "time that counts (default 20s, with -long 60s)")
	flag.IntVar(&s.parallel, "parallel", 3, "cells at a time")
	flag.StringVar(&s.only, "only", "", "cells whose name contains this")
	flag.BoolVar(&s.verbose, "v", false, "the first worker says every five seconds what its bucket knows")
	flag.StringVar(&s.calls, "calls", "", "write each cell's log of calls into this `DIR`, a line a call")
	flag.StringVar(&s.limiters, "limiters", "", "bucket, static, gcra (default bucket, with -long all)")
	flag.Parse()
	if s.length == 0 {
		s.length = 20 * time.Second
		if s.long {
			s.length = time.Minute
		}
	}
	if s.limiters == "" {
		s.limiters = "bucket"
		if s.long {
			s.limiters = "bucket,static,gcra"
		}
	}
	return s
}

func run(ctx context.Context, s settings) error {
	server, err := redistest.Start()
	if err != nil {
		return err
	}
	defer server.Stop()
	slow, err := slowly(server.Addr(), 20*time.Millisecond)
	if err != nil {
		return err
	}
	defer slow.close()
	fmt.Printf("%-44s %-7s %11s %8s %9s %8s  %s\n", "cell", "limiter", "utilisation", "refused", "of calls", "bound", "goal")
	return each(ctx, s, func(c cell, kind string) (result, error) {
		redis := server.Addr()
		if c.slowRedis {
			redis = slow.addr()
		}
		return c.run(ctx, s, kind, redis)
	})
}

// each runs the chosen cells, some at a time, and prints a line for each.
func each(ctx context.Context, s settings, do func(cell, string) (result, error)) error {
	var wg sync.WaitGroup
	var mu sync.Mutex
	var failed error
	free := make(chan struct{}, max(1, s.parallel))
	for _, c := range cells(s.long) {
		for kind := range strings.SplitSeq(s.limiters, ",") {
			if !strings.Contains(c.name(), s.only) || ctx.Err() != nil {
				continue
			}
			free <- struct{}{}
			wg.Go(func() {
				defer func() { <-free }()
				r, err := do(c, kind)
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					failed = fmt.Errorf("%s, %s: %w", c.name(), kind, err)
					return
				}
				bound := ""
				if b := c.bound(); b > 0 {
					bound = fmt.Sprintf("%.1f %%", 100*b)
				}
				fmt.Printf("%-44s %-7s %9.2f %% %8d %9d %8s  %s\n", c.name(), kind, 100*r.utilisation, r.refused, r.calls, bound, c.goal())
			})
		}
	}
	wg.Wait()
	return failed
}
