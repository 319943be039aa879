package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"aftership-bulk/aftership"
	"aftership-bulk/batch"
	"aftership-bulk/jobs"
	"aftership-bulk/sheet"
)

// retrackListed lists the expired trackings through the API, writes them to a
// sheet, and carries that out like any other: so the list is seen, can be run
// again, and has a report.
func (c *cli) retrackListed(ctx context.Context, def jobs.Defaults) error {
	if _, ok := c.cfg.Key(c.cfg.Account); !ok && !c.flags.sandbox {
		return usage(errors.New("without a file the expired trackings are listed through the API, and there is no API key"),
			"set AFTERSHIP_API_KEY, name a file, or try it out with --sandbox")
	}
	s, err := c.openToWork(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	if c.imp.dryRun {
		return c.listAndRetrack(ctx, s, def)
	}
	requests := c.lockRequests(s, batch.Retrack, true, nil)
	return c.underLock(ctx, s, requests, func(ctx context.Context) error { return c.listAndRetrack(ctx, s, def) })
}

func (c *cli) listAndRetrack(ctx context.Context, s *session, def jobs.Defaults) error {
	dir, err := os.MkdirTemp("", "aftership-bulk-")
	if err != nil {
		return usage(err, "")
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "expired-"+time.Now().UTC().Format("20060102T150405Z")+".csv")
	n, err := c.listExpired(ctx, s, path, def)
	if err != nil {
		return ctxOr(ctx, listError(err))
	}
	c.ui.say("%d trackings are expired (AfterShip lists those of the last %d days; name older ones in a file).", n, int(aftership.MaxListAge.Hours()/24))
	if n == 0 {
		return c.finishRun(nil, exitDone)
	}
	def.Slug = "" // it chose what was listed, and every row has an id
	inputs, err := c.check(ctx, s, batch.Retrack, []string{path}, def)
	defer closeAll(inputs)
	if err != nil {
		return err
	}
	if c.imp.dryRun {
		return c.dryRun(ctx, inputs)
	}
	return c.carryOutIn(ctx, s, inputs)
}

// listError tells a refused key from an AfterShip that is away; both are exit code 5.
func listError(err error) error {
	if e, ok := errors.AsType[*aftership.Error](err); ok && e.HTTP == 401 {
		return unreachable(err, "set AFTERSHIP_API_KEY to a valid key")
	}
	return unreachable(err, "run the same command again later")
}

// listExpired writes the expired trackings to a sheet and counts them.
func (c *cli) listExpired(ctx context.Context, s *session, path string, def jobs.Defaults) (n int, err error) {
	account, err := s.account()
	if err != nil {
		return 0, err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	w, err := sheet.NewWriter(f, sheet.WriterOptions{})
	if err != nil {
		return 0, err
	}
	if err := w.Write([]string{"id", "tracking_number", "slug", "title", "tag", "updated_at"}); err != nil {
		return 0, err
	}
	filter := aftership.Filter{Tag: "Expired"}
	if def.Slug != "" {
		filter.Slugs = []string{def.Slug}
	}
	client := account.Client.With(account.Limiter(batch.Priority(c.imp.priority), "list"))
	for t, err := range client.List(ctx, filter) {
		if err != nil {
			return n, err
		}
		if err := w.Write([]string{t.ID, t.TrackingNumber, t.Slug, t.Title, string(t.Tag), t.UpdatedAt.UTC().Format(time.RFC3339)}); err != nil {
			return n, fmt.Errorf("write %s: %w", path, err)
		}
		n++
	}
	return n, w.Flush()
}
