package command

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/pflag"

	"aftership-bulk/batch"
)

// guardFlags are the flags that keep a run that nobody watches from doing harm.
type guardFlags struct {
	maxErrors string
	budget    batch.Budget // maxErrors, once it was read
	expect    []string
	accept    bool
}

func (g *guardFlags) add(f *pflag.FlagSet) {
	f.StringVar(&g.maxErrors, "max-errors", "", "stop the batch when more rows than this `N`, or this share of them (5%), have failed; exit code 3, and enqueue resume goes on")
	f.StringSliceVar(&g.expect, "expect-columns", nil, "refuse a sheet without these `COLUMNS` (names with commas between), or of which others would be sent, too")
	f.BoolVar(&g.accept, "accept-columns", false, "with --name: take the columns as they are, where they are not those of the last run")
}

// check reads the flags.
func (g *guardFlags) check() (err error) {
	if g.budget, err = batch.ParseBudget(g.maxErrors); err != nil {
		return usage(fmt.Errorf("--max-errors: %w", err), "give a number of rows (100), or a share of them (5%)")
	}
	return nil
}

// settleLooks bounds the wait for the calls that workers had under way when the
// batch was stopped; their deadline is thirty seconds.
const settleLooks = 40

// settle waits, after a batch was stopped for its errors, until the workers have
// written down the calls that were under way, so that the report has them.
func (c *cli) settle(ctx context.Context, s *session, in *input, e *ending) error {
	if !e.batch.Spent() || in.b.StartedAt.IsZero() {
		return nil
	}
	for range settleLooks {
		select {
		case <-ctx.Done():
			return nil // the report says what is known
		case <-time.After(followRedis):
		}
		before := in.b.Done
		b, err := s.ledger.Get(ctx, in.b.ID)
		if err != nil {
			return unreachable(err, "the batch is stopped; write its report with `enqueue report "+in.b.ID+"`")
		}
		in.b, e.batch, e.failedRows = b, b, failedRows(b)
		if b.Done == before {
			break
		}
	}
	return nil
}
