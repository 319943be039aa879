package jobs

import (
	"context"
	"errors"
	"time"

	"aftership-bulk/batch"
	"aftership-bulk/sheet"
)

// SentBefore is the finished batch that Accept would return instead of sending the
// sheet; false if it would send it, or go on with it.
func (in *Intake) SentBefore(ctx context.Context, sh *sheet.Sheet, s *Survey, o Order) (batch.Batch, bool, error) {
	spec, err := in.spec(sh, s, o)
	if err != nil {
		return batch.Batch{}, false, err
	}
	b, found, err := in.holder(ctx, spec.Identity)
	if err != nil || !found || !b.Ended() && b.State != batch.Cancelled {
		return batch.Batch{}, false, err
	}
	again, err := in.again(ctx, spec, o)
	return b, !again, err
}

// holder is the batch of the identity.
func (in *Intake) holder(ctx context.Context, identity string) (batch.Batch, bool, error) {
	id, err := in.Ledger.Holder(ctx, identity)
	if err != nil || id == "" {
		return batch.Batch{}, false, err
	}
	b, err := in.Ledger.Get(ctx, id)
	if errors.Is(err, batch.ErrUnknown) { // purged, or not there yet
		return b, false, nil
	}
	return b, err == nil, err
}

// again says that the batch of the same sheet, once it has ended, is to be begun
// anew: by force; since AfterShip may have changed, which a sync looks at; or since
// another batch may have overwritten what an update has written, so that being
// asked for it again is no repetition. Creating and deleting again what others have
// deleted and created costs quota or data, and is left to force.
func (in *Intake) again(ctx context.Context, spec batch.Spec, o Order) (bool, error) {
	if !o.Force && spec.Operation != batch.Sync && spec.Operation != batch.Update {
		return false, nil
	}
	b, found, err := in.holder(ctx, spec.Identity)
	switch {
	case err != nil || !found:
		return false, err
	case !o.Asked.IsZero() && !b.CreatedAt.Before(o.Asked):
		return false, nil
	case o.Force || spec.Operation == batch.Sync:
		return true, nil
	}
	return in.overwritten(ctx, b)
}

// overwritten says whether another batch of the account may have changed what a
// finished one has written. Which shipments it names is not looked at: updates may
// be repeated, and must not be left out.
func (in *Intake) overwritten(ctx context.Context, b batch.Batch) (bool, error) {
	if !b.Ended() {
		return false, nil
	}
	for other, err := range in.Ledger.List(ctx) {
		switch {
		case errors.Is(err, batch.ErrNewer):
			return true, nil // who knows what it does
		case err != nil:
			return false, err
		case other.ID != b.ID && other.Account == b.Account && overwrites(other) && !endedBefore(other, b.CreatedAt):
			return true, nil
		}
	}
	return false, nil
}

// overwrites says whether a batch may change what is at AfterShip already.
func overwrites(b batch.Batch) bool {
	return b.Operation == batch.Update || b.Version >= operationVersion
}

// endedBefore says that nothing of a batch was sent after a time.
func endedBefore(b batch.Batch, t time.Time) bool {
	return b.Ended() && (b.StartedAt.IsZero() || b.FinishedAt.Before(t))
}
