package jobs

import (
	"context"
	"sync"

	"aftership-bulk/aftership"
	"aftership-bulk/batch"
)

// cachedBatches is how many batches a handler remembers.
const cachedBatches = 64

// batchCache remembers what never changes about the batches that a worker is
// busy with: their description and the reader of their rows.
type batchCache struct {
	ledger  *batch.Store
	version aftership.Version

	mu      sync.Mutex
	batches map[batch.ID]*cachedBatch
}

type cachedBatch struct {
	batch.Batch

	mu   sync.Mutex // a reader serves one row at a time
	read *reader
}

// row rebuilds the row of a job, as pass one has read it.
func (c *cachedBatch) row(e batch.Entry) (Row, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	row, err := c.read.read(e.Cells, e.Filled)
	if err == nil && e.Part >= row.jobs() {
		row.Problems = append(row.Problems, Problem{"tracking_number", row.TrackingNumber, "held more numbers for the program that accepted it", "import the row again"})
	}
	return row.part(e.Part), err
}

// lookedUp reports whether a look-up concerns the row: its tracking must be found
// before the call, or that may spare one.
func (c *cachedBatch) lookedUp(row *Row, v aftership.Version) bool {
	return row.needsLookup(v, row.Op) || c.read.opts.looksUp(row.Op)
}

func newBatchCache(ledger *batch.Store, v aftership.Version) *batchCache {
	return &batchCache{ledger: ledger, version: v, batches: map[batch.ID]*cachedBatch{}}
}

// get returns the batch as it was when it was first asked for: its counts and
// its state are out of date.
func (c *batchCache) get(ctx context.Context, id batch.ID) (*cachedBatch, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if got, ok := c.batches[id]; ok {
		return got, nil
	}
	b, err := c.ledger.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	read, err := readerOf(b, c.version)
	if err != nil {
		return nil, err
	}
	if len(c.batches) >= cachedBatches {
		clear(c.batches) // rare, and cheaper to fill again than to keep in order
	}
	c.batches[id] = &cachedBatch{Batch: b, read: read}
	return c.batches[id], nil
}
