package batch

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// Purge removes a batch at once, with everything that is known of it. Whoever works on it is refused from now on. Called again after
// a crash it removes the rest.
func (s *Store) Purge(ctx context.Context, id ID) error {
	k := keysOf(id)
	spec, err := s.specOf(ctx, id)
	if err != nil {
		return err
	}
	ns, err := s.run(durable(ctx), "purge", id, scriptMark, []string{k.meta()}, "purging", s.now())
	if errors.Is(err, ErrUnknown) {
		return errors.Join(err, s.rdb.ZRem(ctx, indexKey, id).Err())
	}
	if err != nil {
		return err
	}
	if err := s.unlinkChunks(ctx, id, int(ns[0])); err != nil {
		return err
	}
	if err := scriptRelease.Run(ctx, s.rdb, []string{identityKey(spec.Identity)}, id).Err(); err != nil {
		return wrap("purge", id, err)
	}
	if err := s.rdb.SRem(ctx, openKey(spec.Account), id).Err(); err != nil {
		return wrap("purge", id, err)
	}
	if err := s.rdb.Unlink(durable(ctx), k.meta()).Err(); err != nil {
		return wrap("purge", id, err)
	}
	return wrap("purge", id, s.rdb.ZRem(ctx, indexKey, id).Err())
}

// specOf reads the description of a batch, even of one that is being purged; it is empty if there is no such batch.
func (s *Store) specOf(ctx context.Context, id ID) (Spec, error) {
	meta, err := s.rdb.HGetAll(ctx, keysOf(id).meta()).Result()
	if err != nil {
		return Spec{}, wrap("purge", id, err)
	}
	delete(meta, "purging")
	b, err := readMeta(id, meta)
	if errors.Is(err, ErrUnknown) {
		return Spec{}, nil
	}
	return b.Spec, wrap("purge", id, err)
}

// unlinkChunks removes rows, results, bitmaps and texts, some chunks at a time. The first chunk goes last: as long as it is
// there, something may be left.
func (s *Store) unlinkChunks(ctx context.Context, id ID, jobs int) error {
	k := keysOf(id)
	if err := s.rdb.Unlink(ctx, k.shared()...).Err(); err != nil {
		return wrap("remove rows", id, err)
	}
	const step = 100
	for last := chunks(jobs); last > 0; last -= step {
		_, err := s.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
			for chunk := last - 1; chunk >= max(0, last-step); chunk-- {
				p.Unlink(ctx, k.ofChunk(chunk)...)
			}
			return nil
		})
		if err != nil {
			return wrap("remove rows", id, err)
		}
	}
	return nil
}

// Trim removes what has outlived its retention: rows and results of batches that ended long ago, and, later, the
// batches; and what a crash left of either. Several at once do no harm. It returns the batches whose rows went, and those
// that went altogether.
func (s *Store) Trim(ctx context.Context) (trimmed, purged []ID, err error) {
	ids, err := s.rdb.ZRange(ctx, indexKey, 0, -1).Result()
	if err != nil {
		return nil, nil, fmt.Errorf("trim batches: %w", err)
	}
	for page := range pages(ids, 50) {
		metas, err := s.metas(ctx, page)
		if err != nil {
			return trimmed, purged, err
		}
		for i, id := range page {
			rows, all, err := s.trimOne(ctx, id, metas[i])
			if err != nil {
				return trimmed, purged, err
			}
			if rows {
				trimmed = append(trimmed, id)
			}
			if all {
				purged = append(purged, id)
			}
		}
	}
	return trimmed, purged, s.trimLocks(ctx)
}

// trimOne says whether the rows of a batch went, or all of it.
func (s *Store) trimOne(ctx context.Context, id ID, meta map[string]string) (rows, all bool, err error) {
	now := s.opts.Now()
	b, err := readMeta(id, meta)
	switch {
	case errors.Is(err, ErrUnknown), err == nil && over(b.FinishedAt, s.opts.MetaRetention, now):
		if err = s.Purge(ctx, id); errors.Is(err, ErrUnknown) {
			err = nil
		}
		return false, err == nil, err
	case err == nil && over(b.FinishedAt, s.opts.Retention, now):
		rows, err = s.trimRows(ctx, b)
		return rows, false, err
	}
	return false, false, nil // what can't be read is not ours to remove
}

func over(finished time.Time, kept time.Duration, now time.Time) bool {
	return !finished.IsZero() && now.Sub(finished) > kept
}

func (s *Store) trimRows(ctx context.Context, b Batch) (bool, error) {
	k := keysOf(b.ID)
	if !b.TrimmedAt.IsZero() {
		left, err := s.rdb.Exists(ctx, k.rows(0)).Result()
		if err != nil || left == 0 {
			return false, wrap("trim", b.ID, err)
		}
		return true, s.unlinkChunks(ctx, b.ID, b.Total)
	}
	_, err := s.run(durable(ctx), "trim", b.ID, scriptMark, []string{k.meta()}, "trimmed", s.now())
	if errors.Is(err, errUnfinished) || errors.Is(err, ErrUnknown) {
		return false, nil // opened again, or gone, since we looked
	}
	if err != nil {
		return false, err
	}
	return true, s.unlinkChunks(ctx, b.ID, b.Total)
}
