// Command intake measures how fast a sheet becomes a sealed batch that workers
// carry out, parsing and checking included: what `enqueue` does. Beside it stands
// a plain loop of asynq.Client.Enqueue over as many tasks, on one private Redis
// and in turns; and what it would take to put every task on the queue at once,
// which the workers do in portions instead.
package main

import (
	"context"
	"flag"
	"fmt"
	"strings"
	"time"

	"github.com/hibiken/asynq"

	"aftership-bulk/batch"
	"aftership-bulk/bench/rig"
	"aftership-bulk/jobs"
)

var (
	rows      = flag.Int("rows", 100_000, "rows of the sheet")
	runs      = flag.Int("runs", 3, "how often to measure; medians are printed")
	plainRows = flag.Int("plain-rows", 0, "tasks of the plain loop (default as many as rows)")
	appending = flag.Bool("aof", false, "let Redis write its append-only file, each second")
)

func main() { rig.Main(5*time.Minute, run) }

// goal is how many times as fast as the plain loop the intake should be.
const goal = 3

func run(ctx context.Context) error {
	if *plainRows == 0 {
		*plainRows = *rows
	}
	path, clean, err := rig.TempSheet(*rows)
	if err != nil {
		return err
	}
	defer clean()
	r, err := rig.Start(ctx, configuration()...)
	if err != nil {
		return err
	}
	defer r.Stop()
	return measure(ctx, r, path)
}

func configuration() []string {
	lines := []string{rig.Listpack}
	if *appending {
		lines = append(lines, "appendonly yes", "appendfsync everysec")
	}
	return lines
}

// times are the rates of one run, and where the time of the intake went.
type times struct{ plain, sealed, check, accept, every, ratio, everyRatio []float64 }

func measure(ctx context.Context, r *rig.Redis, path string) error {
	var t times
	for range *runs {
		if err := t.once(ctx, r, path); err != nil {
			return err
		}
	}
	ratio := rig.Median(t.ratio)
	rig.Figure("intake: plain asynq.Client.Enqueue loop", rig.Median(t.plain), "tasks/s", "payload of 200 bytes and a TaskID")
	rig.Figure("intake: sheet to sealed batch, first tasks queued", rig.Median(t.sealed), "rows/s", fmt.Sprintf("%d rows of %d bytes, median of %d runs", *rows, rig.RowBytes, *runs))
	rig.Figure("intake: beside the plain loop of the same run", ratio, "times", rig.Spread(t.ratio), rig.Goal(fmt.Sprintf("%d", goal), ratio >= goal))
	rig.Figure("intake: of it, open, hash and check alone", rig.Median(t.check), "rows/s")
	rig.Figure("intake: of it, rows into the ledger alone", rig.Median(t.accept), "rows/s")
	rig.Figure("intake: sheet to sealed batch, every task queued at once", rig.Median(t.every), "rows/s")
	rig.Figure("intake: that beside the plain loop", rig.Median(t.everyRatio), "times", rig.Spread(t.everyRatio))
	return nil
}

func (t *times) once(ctx context.Context, r *rig.Redis, path string) error {
	if err := r.Empty(ctx); err != nil {
		return err
	}
	if err := t.plainLoop(ctx, r); err != nil {
		return err
	}
	if err := r.Empty(ctx); err != nil {
		return err
	}
	if err := t.intake(ctx, r, path); err != nil {
		return err
	}
	last := len(t.sealed) - 1
	t.ratio = append(t.ratio, t.sealed[last]/t.plain[last])
	t.everyRatio = append(t.everyRatio, t.every[last]/t.plain[last])
	return nil
}

// plainLoop does what asynq's documentation shows: one task after the other.
func (t *times) plainLoop(ctx context.Context, r *rig.Redis) error {
	client := asynq.NewClientFromRedisClient(r.Client)
	payload := []byte(strings.Repeat("x", rig.RowBytes))
	start := time.Now()
	for i := range *plainRows {
		_, err := client.EnqueueContext(ctx, asynq.NewTask("plain", payload), asynq.TaskID(fmt.Sprintf("plain:%d", i)), asynq.Queue("plain"))
		if err != nil {
			return err
		}
	}
	t.plain = append(t.plain, rig.Rate(*plainRows, start))
	return nil
}

func (t *times) intake(ctx context.Context, r *rig.Redis, path string) error {
	start := time.Now()
	sh, survey, err := rig.Open(ctx, path)
	if sh != nil {
		defer func() { _ = sh.Close() }()
	}
	if err != nil {
		return err
	}
	checked := time.Now()
	b, _, err := r.Intake.Accept(ctx, sh, survey, jobs.Order{Account: "default", Who: "bench", Priority: batch.Upload})
	if err != nil {
		return err
	}
	accepted := time.Now()
	first := *r.Intake
	first.Ahead = jobs.FeedAhead(0)
	if err := first.Feed(ctx, b.ID); err != nil {
		return err
	}
	t.sealed = append(t.sealed, rig.Rate(*rows, start))
	if err := r.Intake.Feed(ctx, b.ID); err != nil {
		return err
	}
	if b.Rows != *rows || b.Done != 0 || !b.Sealed {
		return fmt.Errorf("the batch has %d rows, %d of them settled: expected %d to send", b.Rows, b.Done, *rows)
	}
	n := float64(*rows)
	t.every = append(t.every, rig.Rate(*rows, start))
	t.check = append(t.check, n/checked.Sub(start).Seconds())
	t.accept = append(t.accept, n/accepted.Sub(checked).Seconds())
	return nil
}
