package batch

import (
	"context"
	"errors"
	"fmt"
)

// openKey is the set of an account's batches that may have work left: those that workers look at again and again.
func openKey(account string) string { return "aftership:{open:" + account + "}" }

// MarkOpen puts a batch among those that may have work left. Begin and Reopen do so by themselves.
func (s *Store) MarkOpen(ctx context.Context, account string, id ID) error {
	return wrap("mark open", id, s.rdb.SAdd(ctx, openKey(account), id).Err())
}

// Open returns the batches of an account that have work left, and takes those that have ended or were purged from the set.
func (s *Store) Open(ctx context.Context, account string) ([]Batch, error) {
	ids, err := s.rdb.SMembers(ctx, openKey(account)).Result()
	if err != nil {
		return nil, fmt.Errorf("list the open batches of %s: %w", account, err)
	}
	var open []Batch
	for _, id := range ids {
		b, err := s.Get(ctx, id)
		switch {
		case errors.Is(err, ErrUnknown), err == nil && b.Ended():
			if err := s.rdb.SRem(ctx, openKey(account), id).Err(); err != nil {
				return nil, wrap("close", id, err)
			}
		case errors.Is(err, ErrNewer): // of no concern to this program, and no reason to leave the others alone
		case err != nil:
			return nil, err
		default:
			open = append(open, b)
		}
	}
	return open, nil
}
