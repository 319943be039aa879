// Command report measures how fast a report is written: from a ledger of
// finished rows on a private Redis, as a worker does it, and from rows that are
// in memory already, which leaves the ledger's share out.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"iter"
	"path/filepath"
	"time"

	"aftership-bulk/batch"
	"aftership-bulk/bench/rig"
	"aftership-bulk/jobs"
	"aftership-bulk/report"
)

var (
	rows = flag.Int("rows", 100_000, "rows of the batch")
	runs = flag.Int("runs", 3, "how often to measure; medians are printed")
)

func main() { rig.Main(2*time.Minute, run) }

// goal is how many rows of a ledger should be written in a second.
const goal = 200_000

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
	b, err := r.Accept(ctx, path)
	if err != nil {
		return err
	}
	if err := r.Finish(ctx, b); err != nil {
		return err
	}
	return measure(ctx, r, b, filepath.Dir(path))
}

func measure(ctx context.Context, r *rig.Redis, b batch.Batch, dir string) error {
	files, err := toFiles(ctx, r, b, dir)
	if err != nil {
		return err
	}
	remarked := b
	remarked.Plain = false // as if a row had been repaired
	again, err := toFiles(ctx, r, remarked, dir)
	if err != nil {
		return err
	}
	ledger, err := median(func() error { return drain(r.Ledger.Results(ctx, b.ID)) })
	if err != nil {
		return err
	}
	items, err := gather(r.Ledger.Results(ctx, b.ID))
	if err != nil {
		return err
	}
	canned, err := median(func() error {
		_, err := report.Write(ctx, io.Discard, report.InfoOf(b), each(items), report.Options{})
		return err
	})
	if err != nil {
		return err
	}
	rig.Figure("report: from the ledger to the files", files, "rows/s", fmt.Sprintf("%d rows of %d bytes, median of %d runs", *rows, rig.RowBytes, *runs), rig.Goal(rig.Number(goal), files >= goal))
	rig.Figure("report: of a sheet with repairs", again, "rows/s", "every row is read again for what was repaired in it")
	rig.Figure("report: of it, reading the ledger alone", ledger, "rows/s")
	rig.Figure("report: from rows in memory to nowhere", canned, "rows/s")
	return nil
}

// toFiles writes the report as a worker does.
func toFiles(ctx context.Context, r *rig.Redis, b batch.Batch, dir string) (float64, error) {
	return median(func() error {
		paths, err := jobs.WriteReports(ctx, r.Ledger, b, r.Intake.Version, dir, report.Options{})
		if err == nil && paths.Counts.Rows != *rows {
			err = fmt.Errorf("the report has %d of %d rows", paths.Counts.Rows, *rows)
		}
		return err
	})
}

// median is the rate of the middle one of some runs.
func median(run func() error) (float64, error) {
	var rates []float64
	for range *runs {
		start := time.Now()
		if err := run(); err != nil {
			return 0, err
		}
		rates = append(rates, rig.Rate(*rows, start))
	}
	return rig.Median(rates), nil
}

func gather(items iter.Seq2[batch.Item, error]) (all []batch.Item, err error) {
	for item, err := range items {
		if err != nil {
			return nil, err
		}
		all = append(all, item)
	}
	return all, nil
}

func drain(items iter.Seq2[batch.Item, error]) error {
	for _, err := range items {
		if err != nil {
			return err
		}
	}
	return nil
}

func each(items []batch.Item) iter.Seq2[batch.Item, error] {
	return func(yield func(batch.Item, error) bool) {
		for _, item := range items {
			if !yield(item, nil) {
				return
			}
		}
	}
}
