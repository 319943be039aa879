package jobs

import (
	"context"

	"aftership-bulk/batch"
)

// Cancel ends every job of the batch that was not sent. Those that are under
// way are still settled by their workers.
func (in *Intake) Cancel(ctx context.Context, id batch.ID) error {
	last, err := in.Ledger.Cancel(ctx, id)
	if err != nil || last {
		return err
	}
	// What was begun once and waits for its next try is settled by its handler.
	return in.Feed(ctx, id)
}
