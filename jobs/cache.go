package jobs

import (
	"context"
	"sync"

	"aftership-bulk/batch"
)

// cachedBatches is how many batches a handler remembers.
const cachedBatches = 64

// batchCache remembers what never changes about the batches that a worker is
// busy with: their description and the reader of their rows.
type batchCache struct {
	ledger *batch.Store

	mu      sync.Mutex
	batches map[batch.ID]*cachedBatch
}

type cachedBatch struct {
	batch.Batch

	mu   sync.Mutex // a reader serves one row at a time
	read *reader
}

// row rebuilds a row of the batch from its cells.
func (c *cachedBatch) row(cells []string) (Row, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.read.row(cells)
}

func newBatchCache(ledger *batch.Store) *batchCache {
	return &batchCache{ledger: ledger, batches: map[batch.ID]*cachedBatch{}}
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
	read, err := readerOf(b)
	if err != nil {
		return nil, err
	}
	if len(c.batches) >= cachedBatches {
		clear(c.batches) // rare, and cheaper to fill again than to keep in order
	}
	c.batches[id] = &cachedBatch{Batch: b, read: read}
	return c.batches[id], nil
}
