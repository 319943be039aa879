// Command worker measures how many rows one worker process carries out in a
// second against a sandbox without limits, beside a bare asynq handler that
// sends the same bodies with net/http, in turns and in the same process.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"time"

	"aftership-bulk/aftership"
	"aftership-bulk/aftership/sandbox"
	"aftership-bulk/bench/rig"
	"aftership-bulk/jobs"
	"aftership-bulk/ratelimit"
)

var (
	rows        = flag.Int("rows", 20_000, "rows of the batch")
	runs        = flag.Int("runs", 3, "how often to measure; medians are printed")
	concurrency = flag.Int("concurrency", 64, "calls under way at once, in both")
	local       = flag.Bool("local", false, "pace inside the process, not through Redis: shows the pacer's share")
)

func main() { rig.Main(2*time.Minute, run) }

// goal is the share of the bare handler's rate that the worker should reach.
const goal = 0.5

// rate is a limit that is never reached, so that the pacer's own cost counts.
const rate = 100_000

func run(ctx context.Context) error {
	path, clean, err := rig.TempSheet(*rows)
	if err != nil {
		return err
	}
	defer clean()
	r, err := rig.Start(ctx, rig.Listpack)
	if err != nil {
		return err
	}
	defer r.Stop()
	return measure(ctx, r, path)
}

func measure(ctx context.Context, r *rig.Redis, path string) error {
	var bare, ours, ratio []float64
	for range *runs {
		b, err := bareRate(ctx, r, path)
		if err != nil {
			return err
		}
		w, err := workerRate(ctx, r, path)
		if err != nil {
			return err
		}
		bare, ours, ratio = append(bare, b), append(ours, w), append(ratio, w/b)
	}
	share := rig.Median(ratio)
	rig.Figure("worker: bare asynq handler with a bare POST", rig.Median(bare), "rows/s", fmt.Sprintf("%d rows, %d at once", *rows, *concurrency))
	rig.Figure("worker: one worker, pacer and ledger included", rig.Median(ours), "rows/s", fmt.Sprintf("median of %d runs", *runs))
	rig.Figure("worker: share of the bare handler of the same run", share, "", rig.Spread(ratio), rig.Goal(fmt.Sprint(goal), share >= goal))
	return nil
}

// serve starts a sandbox without limits, which remembers no calls.
func serve() *httptest.Server {
	return httptest.NewServer(sandbox.New(sandbox.Options{Limit: -1, LogSize: -1}))
}

// workerRate carries a batch out with a worker as cmd/worker makes it.
func workerRate(ctx context.Context, r *rig.Redis, path string) (float64, error) {
	server := serve()
	defer server.Close()
	if err := r.Empty(ctx); err != nil {
		return 0, err
	}
	b, err := r.Accept(ctx, path)
	if err != nil {
		return 0, err
	}
	if err := r.Intake.Feed(ctx, b.ID); err != nil {
		return 0, err
	}
	account, err := account(r, server.URL)
	if err != nil {
		return 0, err
	}
	log := slog.New(slog.NewTextHandler(io.Discard, &slog.HandlerOptions{Level: slog.LevelInfo}))
	w := jobs.NewWorker(r.Client, r.Ledger, r.Queue, []*jobs.Account{account}, jobs.Options{Concurrency: *concurrency, Log: log})
	if err := w.Start(ctx); err != nil {
		return 0, err
	}
	defer w.Shutdown()
	start, early, err := r.Begun(ctx, b.ID)
	if err != nil {
		return 0, err
	}
	if err := r.Await(ctx, b.ID); err != nil {
		return 0, err
	}
	return rig.Rate(*rows-early, start), nil
}

// account is one whose calls are paced through Redis, as several workers need it.
func account(r *rig.Redis, url string) (*jobs.Account, error) {
	client, err := aftership.New(aftership.Options{BaseURL: url, APIKey: sandbox.DefaultKey, Version: version})
	if err != nil {
		return nil, err
	}
	pacers := map[aftership.Class]*ratelimit.Pacer{}
	for _, class := range version.Classes() {
		source := ratelimit.NewRedisSource(r.Client, "default", string(class), rate)
		if *local {
			source = ratelimit.NewLocalSource(rate)
		}
		pacers[class] = ratelimit.NewPacer(source)
	}
	return &jobs.Account{Name: "default", Client: client, Pacers: pacers}, nil
}

const version = aftership.V202404

// bodies has the client make the bodies of all rows, so that both sides send the same.
func bodies(ctx context.Context, path string) ([][]byte, error) {
	var all [][]byte
	caught := roundTrip(func(req *http.Request) (*http.Response, error) {
		body, err := io.ReadAll(req.Body)
		all = append(all, body)
		return &http.Response{StatusCode: http.StatusCreated, Header: http.Header{}, Body: http.NoBody, Request: req}, err
	})
	client, err := aftership.New(aftership.Options{APIKey: sandbox.DefaultKey, Version: version, HTTP: &http.Client{Transport: caught}})
	if err != nil {
		return nil, err
	}
	err = rig.Shipments(ctx, path, func(s aftership.Shipment) error {
		_, _ = client.Create(ctx, s) // the reply is empty, which is an error that means nothing here
		return nil
	})
	if err == nil && len(all) != *rows {
		err = fmt.Errorf("%d bodies for %d rows", len(all), *rows)
	}
	return all, err
}

type roundTrip func(*http.Request) (*http.Response, error)

// RoundTrip makes a function an http.RoundTripper.
func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }
