package batch

import (
	"context"
	"fmt"
	"runtime"

	"golang.org/x/sync/errgroup"
)

// window is how many chunks are sent in one round trip: 3,200 rows.
const window = 32

// Append takes up jobs from number first on, which is a multiple of ChunkJobs, with the results of those that need no
// call. Any number of entries may be given; only the last of all chunks of a batch may hold fewer than ChunkJobs.
// The same entries again change nothing, other ones under the same numbers are ErrDifferent, so two processes may
// append the same sheet side by side, and one that was killed starts again where Appended says.
func (s *Store) Append(ctx context.Context, id ID, first int, entries []Entry, settled map[int]Result) error {
	if first < 0 || first%ChunkJobs != 0 {
		return wrap("append", id, fmt.Errorf("jobs must be appended from a multiple of %d on, not from %d", ChunkJobs, first))
	}
	for len(entries) > 0 {
		n := min(len(entries), window*ChunkJobs)
		calls, err := s.appendCalls(keysOf(id), first, entries[:n], settled)
		if err != nil {
			return wrap("append", id, err)
		}
		if err := s.append(ctx, calls); err != nil {
			return wrap("append", id, err)
		}
		first, entries = first+n, entries[n:]
	}
	return nil
}

func (s *Store) append(ctx context.Context, calls []call) error {
	cmds, err := s.runMany(durable(ctx), scriptAppend, calls)
	if err != nil {
		return err
	}
	for _, cmd := range cmds {
		if _, err := numbers(cmd); err != nil {
			return err
		}
	}
	return nil
}

// appendCalls encodes the chunks of a window, on all processors.
func (s *Store) appendCalls(k keys, first int, entries []Entry, settled map[int]Result) ([]call, error) {
	calls, now := make([]call, chunks(len(entries))), s.now()
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i := range calls {
		group.Go(func() (err error) {
			from := i * ChunkJobs
			calls[i], err = appendCall(k, now, first+from, entries[from:min(from+ChunkJobs, len(entries))], settled)
			return err
		})
	}
	return calls, group.Wait()
}

func appendCall(k keys, now int64, first int, entries []Entry, settled map[int]Result) (call, error) {
	chunk := first / ChunkJobs
	rows := 0
	for _, e := range entries {
		rows = max(rows, e.Row+1)
	}
	args := []any{first, len(entries), rows, encodeChunk(entries), now}
	for off := range entries {
		r, ok := settled[first+off]
		if !ok {
			continue
		}
		p, err := pack(r, 1)
		if err != nil {
			return call{}, fmt.Errorf("job %d: %w", first+off, err)
		}
		args = append(append(args, off), p.args()...)
	}
	return call{
		keys: []string{k.meta(), k.done(), k.rows(chunk), k.results(chunk), k.side(chunk), k.texts(), k.intern()},
		args: args,
	}, nil
}

// Appended says how many jobs and rows the ledger has of a batch. After a crash go on with the multiple of ChunkJobs at or
// below jobs: a last short chunk may be appended again as it was.
func (s *Store) Appended(ctx context.Context, id ID) (jobs, rows int, err error) {
	b, err := s.Get(ctx, id)
	return b.Total, b.Rows, err
}

// Seal says that the batch has all of its rows and jobs. The same again changes nothing. last says that every job has its result
// already and no report was written: finish the batch.
func (s *Store) Seal(ctx context.Context, id ID, rows, total int) (last bool, err error) {
	ns, err := s.run(durable(ctx), "seal", id, scriptSeal, []string{keysOf(id).meta()}, rows, total, s.now(), "")
	return err == nil && ns[0] == 1, err
}

// Truncate seals a batch with the rows that are there, because its source broke off for the given reason. It ends
// as Truncated instead of Finished.
func (s *Store) Truncate(ctx context.Context, id ID, reason string) (last bool, err error) {
	if reason == "" {
		reason = "the source broke off"
	}
	ns, err := s.run(durable(ctx), "truncate", id, scriptSeal, []string{keysOf(id).meta()}, "", "", s.now(), reason)
	return err == nil && ns[0] == 1, err
}
