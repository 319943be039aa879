package batch

import (
	"context"
	"errors"
	"iter"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// readWindow is how many chunks one round trip of Results reads.
const readWindow = 20

// Results yields every job of a batch in order, with its row and its result so far, at any time and in constant memory. Jobs
// that are appended meanwhile are not seen. An error ends it.
func (s *Store) Results(ctx context.Context, id ID) iter.Seq2[Item, error] {
	return s.items(ctx, id, true)
}

// Dead yields the dead letters of a batch in order: the jobs that gave up.
func (s *Store) Dead(ctx context.Context, id ID) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		for item, err := range s.items(ctx, id, false) {
			if err == nil && item.Result.Outcome != GaveUp {
				continue
			}
			if err == nil {
				item.Entry, err = s.Entry(ctx, id, item.Job)
			}
			if !yield(item, err) || err != nil {
				return
			}
		}
	}
}

// items yields all jobs, without their rows if those aren't asked for.
func (s *Store) items(ctx context.Context, id ID, rows bool) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		b, err := s.Get(ctx, id)
		if err == nil && !b.TrimmedAt.IsZero() {
			err = wrap("read results", id, ErrTrimmed)
		}
		if err != nil {
			yield(Item{}, err)
			return
		}
		r := &resultReader{s: s, id: id, k: keysOf(id), batch: b, rows: rows}
		all := chunks(b.Total)
		for first := 0; first < all; first += readWindow {
			if !r.window(ctx, first, min(readWindow, all-first), yield) {
				return
			}
		}
	}
}

// resultReader reads the chunks of one batch, a window at a time.
type resultReader struct {
	s     *Store
	id    ID
	k     keys
	batch Batch
	rows  bool
	texts []string // the shared texts known so far; number n is texts[n-1]
}

// rawChunk is a chunk as Redis has it.
type rawChunk struct {
	rows    *redis.StringCmd
	results *redis.MapStringStringCmd
	work    *redis.MapStringStringCmd
}

func (r *resultReader) window(ctx context.Context, first, n int, yield func(Item, error) bool) bool {
	raws, err := r.fetch(ctx, first, n)
	if err != nil {
		yield(Item{}, wrap("read results", r.id, err))
		return false
	}
	for i, raw := range raws {
		items, err := r.decode(ctx, first+i, raw)
		if err != nil {
			yield(Item{}, wrap("read results from job "+strconv.Itoa((first+i)*ChunkJobs)+" on", r.id, err))
			return false
		}
		for _, item := range items {
			if !yield(item, nil) {
				return false
			}
		}
	}
	return true
}

func (r *resultReader) fetch(ctx context.Context, first, n int) ([]rawChunk, error) {
	raws := make([]rawChunk, n)
	_, err := r.s.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i := range raws {
			raws[i].work = p.HGetAll(ctx, r.k.work(first+i)) // before the results: a round never lags behind its result
			raws[i].results = p.HGetAll(ctx, r.k.results(first+i))
			if r.rows {
				raws[i].rows = p.Get(ctx, r.k.rows(first+i))
			}
		}
		return nil
	})
	if errors.Is(err, redis.Nil) {
		err = r.s.missing(ctx, r.id)
	}
	return raws, err
}

// missing says why rows that should be there aren't.
func (s *Store) missing(ctx context.Context, id ID) error {
	b, err := s.Get(ctx, id)
	switch {
	case err != nil:
		return err
	case !b.TrimmedAt.IsZero():
		return ErrTrimmed
	}
	return errChunk
}

func (r *resultReader) decode(ctx context.Context, chunk int, raw rawChunk) ([]Item, error) {
	first := chunk * ChunkJobs
	items := make([]Item, min(ChunkJobs, r.batch.Total-first))
	if r.rows {
		entries, err := decodeChunk(raw.rows.Val())
		if err != nil {
			return nil, err
		}
		if len(entries) < len(items) {
			return nil, errChunk
		}
		for i := range items {
			items[i].Entry = entries[i]
		}
	}
	for i := range items {
		items[i].Job, items[i].Round, items[i].Result.Outcome = first+i, 1, Pending
	}
	r.setRounds(items, raw.work)
	return items, r.setResults(ctx, chunk, items, raw.results.Val())
}

func (r *resultReader) setRounds(items []Item, work *redis.MapStringStringCmd) {
	for field, value := range work.Val() {
		if off, ok := strings.CutPrefix(field, "n"); ok && number(off) < len(items) {
			items[number(off)].Round = number(value)
		}
	}
}

func (r *resultReader) setResults(ctx context.Context, chunk int, items []Item, results map[string]string) error {
	var side map[string]string
	for field, value := range results {
		off := number(field)
		if off >= len(items) {
			continue
		}
		u, err := unpack(value)
		if err != nil {
			return err
		}
		if u.sided() && side == nil {
			if side, err = r.s.rdb.HGetAll(ctx, r.k.side(chunk)).Result(); err != nil {
				return err
			}
		}
		if err := r.learn(ctx, u.highest()); err != nil {
			return err
		}
		items[off].Round = max(items[off].Round, u.round)
		items[off].Result = u.resolve(r.texts, side, off, items[off].Round)
	}
	return nil
}

// learn makes sure that the shared texts up to number n are known.
func (r *resultReader) learn(ctx context.Context, n int) error {
	const page = 500
	for n > len(r.texts) {
		from := int64(len(r.texts))
		more, err := r.s.rdb.LRange(ctx, r.k.texts(), from, from+page-1).Result()
		if err != nil {
			return err
		}
		if len(more) == 0 {
			return errPacked
		}
		r.texts = append(r.texts, more...)
	}
	return nil
}

// resolve puts the texts in the place of their numbers.
func (u unpacked) resolve(texts []string, side map[string]string, off, round int) Result {
	at := strconv.Itoa(off) + "." + strconv.Itoa(round)
	text := func(kind string, n uint16) string {
		switch n {
		case 0:
			return ""
		case sideRef:
			return side[kind+at]
		}
		return texts[n-1]
	}
	res := u.Result
	res.Slug, res.Message, res.Hint = text("s", u.slug), text("m", u.message), text("h", u.hint)
	if u.sideID {
		res.TrackingID = side["i"+at]
	}
	return res
}

// Job returns one job of a batch as it stands.
func (s *Store) Job(ctx context.Context, id ID, job int) (Item, error) {
	what := "read job " + strconv.Itoa(job)
	b, err := s.Get(ctx, id)
	switch {
	case err != nil:
		return Item{}, err
	case job < 0 || job >= b.Total:
		return Item{}, wrap(what, id, ErrNoJob)
	case !b.TrimmedAt.IsZero():
		return Item{}, wrap(what, id, ErrTrimmed)
	}
	r := &resultReader{s: s, id: id, k: keysOf(id), batch: b, rows: true}
	raws, err := r.fetch(ctx, job/ChunkJobs, 1)
	if err != nil {
		return Item{}, wrap(what, id, err)
	}
	items, err := r.decode(ctx, job/ChunkJobs, raws[0])
	if err != nil {
		return Item{}, wrap(what, id, err)
	}
	return items[job%ChunkJobs], nil
}

// History returns the results of a job's earlier rounds by round.
func (s *Store) History(ctx context.Context, id ID, job int) (map[int]Result, error) {
	r := &resultReader{s: s, id: id, k: keysOf(id)}
	chunk, off := job/ChunkJobs, job%ChunkJobs
	all, err := s.rdb.HGetAll(ctx, r.k.history(chunk)).Result()
	if err != nil {
		return nil, wrap("read history", id, err)
	}
	rounds := map[int]Result{}
	for field, value := range all {
		round, ok := strings.CutPrefix(field, strconv.Itoa(off)+".")
		if !ok {
			continue
		}
		items := make([]Item, off+1)
		items[off].Round = number(round)
		if err := r.setResults(ctx, chunk, items, map[string]string{strconv.Itoa(off): value}); err != nil {
			return nil, wrap("read history", id, err)
		}
		rounds[number(round)] = items[off].Result
	}
	return rounds, nil
}

// Pending yields the numbers of the jobs that have no result, from a number on, in order.
func (s *Store) Pending(ctx context.Context, id ID, from int) iter.Seq2[int, error] {
	return func(yield func(int, error) bool) {
		b, err := s.Get(ctx, id)
		if err != nil {
			yield(0, err)
			return
		}
		const piece = 1 << 10 // bytes of the bitmap in one read
		for at := from / 8; at*8 < b.Total; at += piece {
			bits, err := s.rdb.GetRange(ctx, keysOf(id).done(), int64(at), int64(at+piece-1)).Result()
			if err != nil {
				yield(0, wrap("read pending jobs", id, err))
				return
			}
			if !unset(bits, at*8, from, min(b.Total, (at+piece)*8), yield) {
				return
			}
		}
	}
}

// unset yields the numbers in [from, to) whose bit is 0; bits starts at number start and is 0 beyond its end.
func unset(bits string, start, from, to int, yield func(int, error) bool) bool {
	for job := max(start, from); job < to; job++ {
		at := (job - start) / 8
		if at < len(bits) && bits[at] == 0xff {
			job |= 7
			continue
		}
		if at < len(bits) && bits[at]&(0x80>>(job%8)) != 0 {
			continue
		}
		if !yield(job, nil) {
			return false
		}
	}
	return true
}

// Work yields the pending jobs from a number on, in order, with what their tasks need.
func (s *Store) Work(ctx context.Context, id ID, from int) iter.Seq2[Todo, error] {
	return func(yield func(Todo, error) bool) {
		b, err := s.Get(ctx, id)
		if err != nil {
			yield(Todo{}, err)
			return
		}
		w := workReader{s: s, k: keysOf(id), rounds: b.Rounds > 1, chunk: -1}
		for job, err := range s.Pending(ctx, id, from) {
			todo := Todo{Job: job, Round: 1}
			if err == nil {
				todo, err = w.todo(ctx, job)
			}
			if !yield(todo, wrapOnce("read pending jobs", id, err)) || err != nil {
				return
			}
		}
	}
}

// wrapOnce leaves an error alone that says already which batch it is about.
func wrapOnce(what string, id ID, err error) error {
	if err != nil && strings.HasPrefix(err.Error(), "batch "+id) {
		return err
	}
	return wrap(what, id, err)
}

// workReader reads rounds and begins by the chunk.
type workReader struct {
	s      *Store
	k      keys
	rounds bool
	chunk  int
	work   map[string]string
	begun  string
}

func (w *workReader) todo(ctx context.Context, job int) (Todo, error) {
	if chunk := job / ChunkJobs; chunk != w.chunk {
		if err := w.load(ctx, chunk); err != nil {
			return Todo{}, err
		}
	}
	off := strconv.Itoa(job % ChunkJobs)
	at := job/8 - w.chunk*ChunkJobs/8
	bit := at < len(w.begun) && w.begun[at]&(0x80>>(job%8)) != 0
	return Todo{Job: job, Round: max(1, number(w.work["n"+off])), Begun: bit || w.work["b"+off] != ""}, nil
}

// load reads a chunk of the work in hand. Rounds beyond the first are rare, so that mostly the bits are enough.
func (w *workReader) load(ctx context.Context, chunk int) error {
	first := chunk * ChunkJobs
	var work *redis.MapStringStringCmd
	var begun *redis.StringCmd
	_, err := w.s.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		begun = p.GetRange(ctx, w.k.begun(), int64(first/8), int64((first+ChunkJobs)/8))
		if w.rounds {
			work = p.HGetAll(ctx, w.k.work(chunk))
		}
		return nil
	})
	if err != nil {
		return err
	}
	w.chunk, w.begun, w.work = chunk, begun.Val(), nil
	if work != nil {
		w.work = work.Val()
	}
	return nil
}
