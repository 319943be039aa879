// Command memory measures memory: how much the programs hold for small and
// large sheets, and how much a row takes up in Redis while it is queued and once
// it has its result.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"aftership-bulk/bench/rig"
)

var (
	small   = flag.Int("small", 10_000, "rows of the small sheet")
	large   = flag.Int("large", 1_000_000, "rows of the large sheet")
	stored  = flag.Int("stored", 100_000, "rows of the batch whose bytes in Redis are counted")
	working = flag.Duration("working", 8*time.Second, "how long the worker works on each batch")
)

func main() { rig.Main(5*time.Minute, run) }

func run(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "bench-memory-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	// The programs come first, while this one is small: on Linux a child's peak
	// begins with what its parent held when it was started.
	p, err := build(ctx, dir)
	if err != nil {
		return err
	}
	for _, rows := range []int{*small, *large} {
		if err := p.measure(ctx, rows); err != nil {
			return err
		}
	}
	return bytesPerRow(ctx, dir)
}

// Goals in bytes for each row.
const (
	goalQueued   = 700
	goalFinished = 120
)

// bytesPerRow measures what rows take up in Redis, with the setting of
// docker-compose.yml and without.
func bytesPerRow(ctx context.Context, dir string) error {
	path, err := rig.Sheet(dir, *stored)
	if err != nil {
		return err
	}
	for _, setting := range []string{rig.Listpack, ""} {
		if err := stores(ctx, path, setting); err != nil {
			return err
		}
	}
	return os.Remove(path)
}

func stores(ctx context.Context, path, setting string) error {
	name, r, err := "default settings", (*rig.Redis)(nil), error(nil)
	if setting == "" {
		r, err = rig.Start(ctx)
	} else {
		name = setting
		r, err = rig.Start(ctx, setting)
	}
	if err != nil {
		return err
	}
	defer r.Stop()
	queued, ledger, err := whileQueued(ctx, r, path)
	if err != nil {
		return err
	}
	finished, rows, err := onceFinished(ctx, r, path)
	if err != nil {
		return err
	}
	note := fmt.Sprintf("%d rows, Redis with %s", *stored, name)
	goals := []string{note}
	if setting != "" {
		goals = append(goals, rig.Goal(rig.Number(goalQueued), queued < goalQueued))
	}
	rig.Figure("memory: a queued row in Redis, task and ledger", queued, "bytes", goals...)
	rig.Figure("memory: of it, the ledger", ledger, "bytes")
	rig.Figure("memory: a finished row besides its cells", finished, "bytes", note, rig.Goal(rig.Number(goalFinished), finished < goalFinished))
	rig.Figure("memory: its cells, compressed", rows, "bytes", fmt.Sprintf("of rows of %d bytes", rig.RowBytes))
	return nil
}

// whileQueued counts the bytes of a row whose task waits on the queue.
func whileQueued(ctx context.Context, r *rig.Redis, path string) (whole, ledger float64, err error) {
	before, err := r.Used(ctx)
	if err != nil {
		return 0, 0, err
	}
	b, err := r.Accept(ctx, path)
	if err != nil {
		return 0, 0, err
	}
	accepted, err := r.Used(ctx)
	if err != nil {
		return 0, 0, err
	}
	if err := r.Intake.Feed(ctx, b.ID); err != nil {
		return 0, 0, err
	}
	fed, err := r.Used(ctx)
	n := float64(*stored)
	return (fed - before) / n, (accepted - before) / n, err
}

// onceFinished counts the bytes of a row with its result, and those of its cells apart.
func onceFinished(ctx context.Context, r *rig.Redis, path string) (besides, cells float64, err error) {
	if err := r.Empty(ctx); err != nil {
		return 0, 0, err
	}
	before, err := r.Used(ctx)
	if err != nil {
		return 0, 0, err
	}
	b, err := r.Accept(ctx, path)
	if err != nil {
		return 0, 0, err
	}
	if err := r.Finish(ctx, b); err != nil {
		return 0, 0, err
	}
	after, err := r.Used(ctx)
	if err != nil {
		return 0, 0, err
	}
	chunks, err := r.Bytes(ctx, "aftership:{b:"+b.ID+"}:c:*")
	n := float64(*stored)
	return (after - before - chunks) / n, chunks / n, err
}

// programs are the built programs, as they are deployed.
type programs struct{ dir string }

func (p programs) path(name string) string { return filepath.Join(p.dir, name) }
