package batch

import (
	"container/list"
	"context"
	"errors"
	"strconv"
	"sync"

	"github.com/redis/go-redis/v9"
)

// rowCache keeps the chunks of rows that were used last. Rows never change, so that nothing in it grows old.
type rowCache struct {
	mu    sync.Mutex
	size  int
	order *list.List // of *cached, the last used first
	byKey map[string]*list.Element
}

type cached struct {
	key     string
	entries []Entry
}

func newRowCache(size int) *rowCache {
	return &rowCache{size: size, order: list.New(), byKey: map[string]*list.Element{}}
}

func (c *rowCache) get(key string) ([]Entry, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.byKey[key]
	if !ok {
		return nil, false
	}
	c.order.MoveToFront(e)
	return e.Value.(*cached).entries, true
}

func (c *rowCache) put(key string, entries []Entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.byKey[key]; ok {
		return
	}
	c.byKey[key] = c.order.PushFront(&cached{key, entries})
	if c.order.Len() > c.size {
		last := c.order.Remove(c.order.Back()).(*cached)
		delete(c.byKey, last.key)
	}
}

// Entry returns the row of a job. Neighbours come from a cache; the cells must not be changed.
func (s *Store) Entry(ctx context.Context, id ID, job int) (Entry, error) {
	what := "read the row of job " + strconv.Itoa(job)
	if job < 0 {
		return Entry{}, wrap(what, id, ErrNoJob)
	}
	entries, err := s.chunkRows(ctx, id, job/ChunkJobs)
	if err != nil {
		return Entry{}, wrap(what, id, err)
	}
	if job%ChunkJobs >= len(entries) {
		return Entry{}, wrap(what, id, ErrNoJob)
	}
	return entries[job%ChunkJobs], nil
}

func (s *Store) chunkRows(ctx context.Context, id ID, chunk int) ([]Entry, error) {
	key := keysOf(id).rows(chunk)
	if entries, ok := s.rows.get(key); ok {
		return entries, nil
	}
	text, err := s.rdb.Get(ctx, key).Result()
	if errors.Is(err, redis.Nil) {
		return nil, s.noRows(ctx, id, chunk)
	}
	if err != nil {
		return nil, err
	}
	entries, err := decodeChunk(text)
	if err == nil {
		s.rows.put(key, entries)
	}
	return entries, err
}

func (s *Store) noRows(ctx context.Context, id ID, chunk int) error {
	b, err := s.Get(ctx, id)
	if err == nil && b.Total <= chunk*ChunkJobs {
		return ErrNoJob
	}
	return s.missing(ctx, id)
}
