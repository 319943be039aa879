package batch

import (
	"context"
	"strconv"
)

var scriptTakeBack = script("takeback")

// TakeBack undoes the begin that MarkBegin answered with begun, because the call surely had no effect: it was told to come back
// later, or no connection was had. A later call of the job is then not ambiguous on its account.
func (s *Store) TakeBack(ctx context.Context, id ID, job, round int, begun Begun) error {
	if job < 0 {
		return wrap("take back the begin of job "+strconv.Itoa(job), id, ErrNoJob)
	}
	k := keysOf(id)
	_, err := s.run(ctx, "take back the begin of job "+strconv.Itoa(job), id, scriptTakeBack,
		[]string{k.meta(), k.done(), k.begun(), k.work(job / ChunkJobs)}, job, job%ChunkJobs, round, begun.Begins)
	return err
}
