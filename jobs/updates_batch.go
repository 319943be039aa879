package jobs

import (
	"cmp"
	"context"
	"iter"

	"github.com/redis/go-redis/v9"

	"aftership-bulk/aftership"
	"aftership-bulk/batch"
)

// Tracked is a job of a batch with what webhooks told last about its tracking.
type Tracked struct {
	batch.Item
	// Ref is the tracking: the id that AfterShip gave, and number and slug of the row.
	Ref aftership.Ref
	// Last is the last known state; not [Update.Known] where nothing came.
	Last Update
}

// Trackings yields every job of a batch in order, with its tracking's last known
// state, in constant memory. A row that cannot be read has no number. v is the
// account's version of the API.
func Trackings(ctx context.Context, rdb redis.UniversalClient, ledger *batch.Store, b batch.Batch, v aftership.Version) iter.Seq2[Tracked, error] {
	return func(yield func(Tracked, error) bool) {
		read, err := readerOf(b, v)
		if err != nil {
			yield(Tracked{}, err)
			return
		}
		var page []Tracked
		flush := func() bool {
			ok := yieldTracked(ctx, rdb, b.Account, page, yield)
			page = page[:0]
			return ok
		}
		for item, err := range ledger.Results(ctx, b.ID) {
			if err != nil {
				yield(Tracked{}, err)
				return
			}
			page = append(page, Tracked{Item: item, Ref: read.tracking(item)})
			if len(page) == knownPage && !flush() {
				return
			}
		}
		flush()
	}
}

// yieldTracked fills in what is known of a page, and yields it.
func yieldTracked(ctx context.Context, rdb redis.UniversalClient, account string, page []Tracked, yield func(Tracked, error) bool) bool {
	refs := make([]aftership.Ref, len(page))
	for i, t := range page {
		refs[i] = t.Ref
	}
	known, err := LastKnown(ctx, rdb, account, refs)
	if err != nil {
		yield(Tracked{}, err)
		return false
	}
	for i, t := range page {
		t.Last = known[i]
		if !yield(t, nil) {
			return false
		}
	}
	return true
}

// tracking is the tracking that a job is about. What AfterShip answered goes before
// what the row says: it may have found the courier.
func (r *reader) tracking(item batch.Item) aftership.Ref {
	ref := aftership.Ref{ID: item.Result.TrackingID, Slug: item.Result.Slug}
	row, err := r.read(item.Entry.Cells, item.Entry.Filled)
	if err != nil {
		return ref
	}
	if item.Entry.Part < row.jobs() {
		row = row.part(item.Entry.Part)
	}
	ref.ID, ref.Slug, ref.TrackingNumber = cmp.Or(ref.ID, row.ID), cmp.Or(ref.Slug, row.Slug), row.TrackingNumber
	return ref
}
