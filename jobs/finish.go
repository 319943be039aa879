package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"aftership-bulk/aftership"
	"aftership-bulk/batch"
	"aftership-bulk/report"
)

// ended is called when the last job of a batch has its result.
func (h *Handler) ended(ctx context.Context, id batch.ID) error {
	b, err := h.ledger.Get(ctx, id)
	if err != nil {
		return err
	}
	h.log.Info("batch finished", "batch", id, "rows", b.Rows)
	if h.opts.ReportDir == "" {
		return nil
	}
	return h.queue.put(ctx, finishTask(b))
}

// finish writes the report of a finished batch. A directory that cannot be
// written does not keep the batch unfinished: `enqueue report` writes it again.
func (h *Handler) finish(ctx context.Context, p Payload) error {
	b, err := h.ledger.Get(ctx, p.Batch)
	if errors.Is(err, batch.ErrUnknown) {
		return nil // purged
	}
	if err != nil {
		return err
	}
	if !b.Ended() {
		return nil
	}
	var files report.Paths
	if b.ReportedAt.IsZero() {
		if files, err = h.writeReports(ctx, b); err != nil {
			return nil // it is tried again by the sweep, and told of then
		}
	}
	if err := h.announce(ctx, b, files); err != nil {
		return err
	}
	if !b.ReportedAt.IsZero() {
		return nil
	}
	return h.ledger.MarkReported(ctx, b.ID)
}

func (h *Handler) writeReports(ctx context.Context, b batch.Batch) (report.Paths, error) {
	files, err := WriteReports(ctx, h.ledger, b, h.account.Client.Version(), h.opts.ReportDir, h.opts.Reports)
	if err != nil {
		h.log.Error("the report could not be written; `enqueue report` writes it from the ledger", "batch", b.ID, "dir", h.opts.ReportDir, "error", err)
		return files, err
	}
	h.log.Info("report written", "batch", b.ID, "file", files.Report, "failed_rows_file", files.Failed)
	return files, nil
}

// settleTime is how long the calls under way have to be written down before the
// report of a batch that was stopped for its errors is.
const settleTime = 5 * time.Second

// overspent is called when more of a batch has failed than its budget allows: it
// is stopped already, for every worker.
func (h *Handler) overspent(ctx context.Context, id batch.ID) error {
	b, err := h.ledger.Get(ctx, id)
	if err != nil {
		return err
	}
	h.log.Error("batch stopped", "batch", id, "reason", b.Reason)
	if h.opts.ReportDir == "" || !b.Spent() {
		return nil
	}
	t := stoppedTask(b)
	t.delay = settleTime
	return h.queue.put(ctx, t)
}

// reportStopped writes the report of a batch that was stopped for its errors, with the
// rows that are pending, and tells of it.
func (h *Handler) reportStopped(ctx context.Context, p Payload) error {
	b, err := h.ledger.Get(ctx, p.Batch)
	if errors.Is(err, batch.ErrUnknown) || err == nil && !b.Spent() {
		return nil // purged, or it has gone on
	}
	if err != nil {
		return err
	}
	files, _ := h.writeReports(ctx, b) // the ledger has it, and the message says so
	return h.announce(ctx, b, files)
}

// WriteReports writes the report of a batch and the file of its failed rows into
// a directory, with what was repaired for the version of the API.
func WriteReports(ctx context.Context, ledger *batch.Store, b batch.Batch, v aftership.Version, dir string, o report.Options) (report.Paths, error) {
	paths, err := report.FilesWith(ctx, dir, b, Results(ctx, ledger, b, v), o)
	if err != nil {
		return paths, fmt.Errorf("write the report of batch %s to %s: %w", b.ID, dir, err)
	}
	return paths, nil
}
