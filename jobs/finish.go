package jobs

import (
	"context"
	"errors"
	"fmt"

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
	if !b.Ended() || !b.ReportedAt.IsZero() {
		return nil
	}
	files, err := WriteReports(ctx, h.ledger, b, h.account.Client.Version(), h.opts.ReportDir, h.opts.Reports)
	if err != nil {
		h.log.Error("the report could not be written; `enqueue report` writes it from the ledger", "batch", b.ID, "dir", h.opts.ReportDir, "error", err)
		return nil
	}
	h.log.Info("report written", "batch", b.ID, "file", files.Report, "failed_rows_file", files.Failed)
	return h.ledger.MarkReported(ctx, b.ID)
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
