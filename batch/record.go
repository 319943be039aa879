package batch

import (
	"context"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// whys are the reasons by their number in begin.lua.
var whys = []Why{"", WhyDone, WhyCancelled, WhyPaused, WhyStopped, WhyRound}

// Look tells a handler in one round trip what it must know of a job before it takes it up in the given round. It only
// reads: MarkBegin and Record decide.
func (s *Store) Look(ctx context.Context, id ID, job, round int) (Look, error) {
	k, off := keysOf(id), strconv.Itoa(job%ChunkJobs)
	var meta, work *redis.SliceCmd
	var done, begun *redis.IntCmd
	if job < 0 {
		return Look{}, nil
	}
	_, err := s.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		meta = p.HMGet(ctx, k.meta(), "v", "purging", "state", "jobs")
		work = p.HMGet(ctx, k.work(job/ChunkJobs), "n"+off, "b"+off, "w"+off, "i"+off, "u"+off)
		done = p.GetBit(ctx, k.done(), int64(job))
		begun = p.GetBit(ctx, k.begun(), int64(job))
		return nil
	})
	if err != nil {
		return Look{}, wrap("look", id, err)
	}
	m, w := texts(meta.Val()), texts(work.Val())
	if m[0] == "" || m[1] != "" || job >= number(m[3]) {
		return Look{}, nil
	}
	if !known(number(m[0])) {
		return Look{}, wrap("look", id, ErrNewer)
	}
	look := Look{Known: true, State: State(m[2]), Round: max(1, number(w[0])), Begins: number(w[1]), Answers: number(w[2]), Uncharged: number(w[4]), TrackingID: w[3]}
	if look.Round == 1 {
		look.Begins += int(begun.Val())
	} else {
		look.Earlier = begun.Val() == 1
	}
	look.Done = look.Round > round || look.Round == round && done.Val() == 1
	return look, nil
}

// texts reads what HMGET answers; what isn't there is "".
func texts(values []any) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i], _ = v.(string)
	}
	return out
}

// MarkBegin notes that a call for the job is about to be sent, and says whether it may be. The note is on disk, where the ledger
// is a file, before it returns.
func (s *Store) MarkBegin(ctx context.Context, id ID, job, round int) (Begun, error) {
	if job < 0 {
		return Begun{}, wrap("begin job "+strconv.Itoa(job), id, ErrNoJob)
	}
	k := keysOf(id)
	ns, err := s.run(durable(ctx), "begin job "+strconv.Itoa(job), id, scriptBegin,
		[]string{k.meta(), k.done(), k.begun(), k.work(job / ChunkJobs)}, job, job%ChunkJobs, round, s.now())
	if err != nil {
		return Begun{}, err
	}
	return Begun{OK: ns[0] == 0, Why: whys[ns[0]], Begins: int(ns[1]), Answers: int(ns[2]), Earlier: ns[3] == 1}, nil
}

// CountAnswer charges the job with an attempt: a transient failure came back. It returns the attempts charged in the
// round; a job that is done or runs in another round is not charged.
func (s *Store) CountAnswer(ctx context.Context, id ID, job, round int) (int, error) {
	if job < 0 {
		return 0, wrap("count an answer of job "+strconv.Itoa(job), id, ErrNoJob)
	}
	return s.countAnswer(ctx, id, job, round, "w")
}

// NoteAnswer notes that a transient failure came back without charging the job with an attempt: it was the fault of an outage.
func (s *Store) NoteAnswer(ctx context.Context, id ID, job, round int) error {
	if job < 0 {
		return wrap("note an answer of job "+strconv.Itoa(job), id, ErrNoJob)
	}
	_, err := s.countAnswer(ctx, id, job, round, "u")
	return err
}

func (s *Store) countAnswer(ctx context.Context, id ID, job, round int, field string) (int, error) {
	k := keysOf(id)
	ns, err := s.run(ctx, "count an answer of job "+strconv.Itoa(job), id, scriptAnswer,
		[]string{k.meta(), k.done(), k.begun(), k.work(job / ChunkJobs)}, job, job%ChunkJobs, round, field)
	if err != nil {
		return 0, err
	}
	return int(ns[0]), nil
}

// Record stores how a job ended in a round. The first result of a round stands; one for another round is refused.
func (s *Store) Record(ctx context.Context, id ID, job, round int, r Result) (Recorded, error) {
	if job < 0 {
		return Recorded{}, wrap("record job "+strconv.Itoa(job), id, ErrNoJob)
	}
	if r.At.IsZero() {
		r.At = s.opts.Now()
	}
	p, err := pack(r, round)
	if err != nil {
		return Recorded{}, wrap("record job "+strconv.Itoa(job), id, err)
	}
	k, chunk := keysOf(id), job/ChunkJobs
	ns, err := s.run(ctx, "record job "+strconv.Itoa(job), id, scriptRecord,
		[]string{k.meta(), k.done(), k.begun(), k.results(chunk), k.work(chunk), k.side(chunk), k.texts(), k.intern()},
		append([]any{job, job % ChunkJobs, round, s.now()}, p.args()...)...)
	if err != nil {
		return Recorded{}, err
	}
	return Recorded{First: ns[0] == 1, Last: ns[1] == 1, Round: int(ns[2]), Spent: ns[3] == 1}, nil
}

// SetIDs keeps tracking ids that a look-up found, by job number, until the jobs have their results. Package jobs keeps in the same
// place what it decided about them.
func (s *Store) SetIDs(ctx context.Context, id ID, ids map[int]string) error {
	k := keysOf(id)
	byChunk := map[int][]any{}
	for job, tracking := range ids {
		if job < 0 {
			return wrap("keep ids", id, ErrNoJob)
		}
		byChunk[job/ChunkJobs] = append(byChunk[job/ChunkJobs], job%ChunkJobs, tracking)
	}
	calls := make([]call, 0, len(byChunk))
	for chunk, pairs := range byChunk {
		calls = append(calls, call{[]string{k.meta(), k.done(), k.work(chunk)}, append([]any{chunk * ChunkJobs}, pairs...)})
	}
	cmds, err := s.runMany(ctx, scriptIDs, calls)
	for i := 0; err == nil && i < len(cmds); i++ {
		_, err = numbers(cmds[i])
	}
	return wrap("keep ids", id, err)
}

// Settled says when a time stands in the ledger: to the second, in UTC.
func Settled(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }
