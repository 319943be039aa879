package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/redis/go-redis/v9"

	"aftership-bulk/aftership"
	"aftership-bulk/ratelimit"
	"aftership-bulk/redisconn"
)

// workerArg makes this program a worker.
const workerArg = "worker"

// anyID names a tracking that does not exist: reading it is a call like any other.
const anyID = "5b7658cec7c33c0e007de3c5"

const (
	handlers  = 10
	killEvery = 15 * time.Second
	deadFor   = 2 * time.Second
)

// workers runs the cell's processes until the context ends; with kills, the
// first is killed and started anew every now and then.
func (c cell) workers(ctx context.Context, s settings, kind, redis, url, account string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	errs := make(chan error, c.procs)
	for i := range c.procs {
		go func() {
			errs <- keep(ctx, c.kills && i == 0, self, workerArg, "-kind", kind, "-redis", redis, "-url", url,
				"-account", account, "-procs", strconv.Itoa(c.procs), fmt.Sprintf("-v=%t", s.verbose && i == 0))
		}()
	}
	for range c.procs {
		err = errors.Join(err, <-errs)
	}
	return err
}

// keep runs a worker process until the context ends.
func keep(ctx context.Context, kill bool, self string, args ...string) error {
	for ctx.Err() == nil {
		life, end := ctx, context.CancelFunc(func() {})
		if kill {
			life, end = context.WithTimeout(ctx, killEvery)
		}
		cmd := exec.CommandContext(life, self, args...) // killed outright when its life ends
		cmd.Stderr = os.Stderr
		in, err := cmd.StdinPipe() // closes when this process dies, which ends the worker
		if err == nil {
			err = cmd.Run()
			in.Close()
		}
		early := life.Err() == nil
		end()
		if early {
			return fmt.Errorf("a worker ended by itself: %w", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(deadFor):
		}
	}
	return nil
}

// worker is the program of a worker process.
func worker(args []string) int {
	flags := flag.NewFlagSet(workerArg, flag.ExitOnError)
	kind := flags.String("kind", "", "limiter")
	addr := flags.String("redis", "", "address of Redis")
	url := flags.String("url", "", "address of the sandbox")
	account := flags.String("account", "", "name of the bucket")
	procs := flags.Int("procs", 1, "processes that share the limit")
	verbose := flags.Bool("v", false, "say what the bucket knows")
	_ = flags.Parse(args) // ExitOnError
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	if err := work(ctx, *kind, *addr, *url, *account, *procs, *verbose); err != nil {
		fmt.Fprintln(os.Stderr, "limiter worker:", err)
		return 1
	}
	return 0
}

func work(ctx context.Context, kind, addr, url, account string, procs int, verbose bool) error {
	rdb, err := redisconn.Dial(ctx, redisconn.Options{URL: "redis://" + addr})
	if err != nil {
		return err
	}
	defer rdb.Close()
	l, err := limiterOf(kind, rdb, account, procs)
	if err != nil {
		return err
	}
	if b, ok := l.(bucket); ok && verbose {
		go b.tell(ctx)
	}
	client, err := aftership.New(aftership.Options{BaseURL: url, APIKey: ourKey, Limiter: l})
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	for range handlers {
		wg.Go(func() {
			for ctx.Err() == nil {
				_, _ = client.Get(ctx, aftership.Ref{ID: anyID}, aftership.GetOptions{}) // the sandbox's log is the record
			}
		})
	}
	wg.Wait()
	return nil
}

func limiterOf(kind string, rdb redis.UniversalClient, account string, procs int) (aftership.Limiter, error) {
	switch kind {
	case "bucket":
		return bucket{ratelimit.NewPacer(ratelimit.NewRedisSource(rdb, account, "all", limit))}, nil
	case "static":
		return &static{tokens: rate.NewLimiter(rate.Limit(limit)/rate.Limit(procs), 1)}, nil
	case "gcra":
		return &gcra{rdb: rdb, key: "gcra:" + account}, nil
	}
	return nil, fmt.Errorf("limiter %q is not known: use bucket, static or gcra", kind)
}
