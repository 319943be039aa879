package batch

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9"

	"aftership-bulk/internal/redistest"
)

func begin(t testing.TB, s *Store, id ID, job, round int) Begun {
	t.Helper()
	b, err := s.MarkBegin(t.Context(), id, job, round)
	ok(t, err)
	return b
}

func record(t testing.TB, s *Store, id ID, job, round int, o Outcome) Recorded {
	t.Helper()
	rec, err := s.Record(t.Context(), id, job, round, Result{Outcome: o})
	ok(t, err)
	return rec
}

func look(t testing.TB, s *Store, id ID, job, round int) Look {
	t.Helper()
	l, err := s.Look(t.Context(), id, job, round)
	ok(t, err)
	return l
}

func TestBeginsAndAnswersAreCountedApart(t *testing.T) {
	both(t, func(t *testing.T, s *Store, c *clock) {
		ctx := t.Context()
		id := testBatch(t, s, 10, nil)
		answer := func(job, round, want int) {
			t.Helper()
			n, err := s.CountAnswer(ctx, id, job, round)
			ok(t, err)
			equal(t, "answers", n, want)
		}
		equal(t, "look", look(t, s, id, 4, 1), Look{Known: true, State: Running, Round: 1})
		answer(4, 1, 0) // nothing began
		equal(t, "first", begin(t, s, id, 4, 1), Begun{OK: true, Begins: 1})
		equal(t, "after a crash", begin(t, s, id, 4, 1), Begun{OK: true, Begins: 2})
		answer(4, 1, 1)
		answer(4, 1, 2)
		answer(4, 1, 2) // a repeated command
		answer(4, 2, 2) // another round
		ok(t, s.SetIDs(ctx, id, map[int]string{4: "abc", 5: "def"}))
		equal(t, "look", look(t, s, id, 4, 1), Look{Known: true, State: Running, Round: 1, Begins: 2, Answers: 2, TrackingID: "abc"})
		record(t, s, id, 4, 1, GaveUp)
		answer(4, 1, 0) // done: nothing is charged
		equal(t, "done", begin(t, s, id, 4, 1), Begun{Why: WhyDone, Begins: 1})
		equal(t, "look", look(t, s, id, 4, 1).Done, true)
		equal(t, "id of 5", look(t, s, id, 5, 1).TrackingID, "def")
		ok(t, s.SetIDs(ctx, id, map[int]string{4: "late"}))
		work, err := s.rdb.HGetAll(ctx, keysOf(id).work(0)).Result()
		ok(t, err)
		if want := map[string]string{"i5": "def"}; !reflect.DeepEqual(work, want) {
			t.Fatalf("work in hand: %v", work)
		}
	})
}

func TestRounds(t *testing.T) {
	both(t, func(t *testing.T, s *Store, c *clock) {
		ctx := t.Context()
		id := testBatch(t, s, 130, map[int]Result{0: {Outcome: Invalid}, 1: {Outcome: Skipped}})
		for job := 2; job < 130; job++ {
			if job != 5 {
				begin(t, s, id, job, 1)
			}
			record(t, s, id, job, 1, []Outcome{Created, GaveUp, Rejected}[job%3])
		}
		ok(t, s.MarkReported(ctx, id))
		n, err := s.Reopen(ctx, id, GaveUp, CancelledJob)
		ok(t, err)
		equal(t, "opened", n, 42)
		b, err := s.Get(ctx, id)
		ok(t, err)
		equal(t, "state", b.State, Running)
		equal(t, "rounds", b.Rounds, 2)
		equal(t, "pending", b.Pending(), 42)
		equal(t, "dead", b.Counts[GaveUp], 0)
		equal(t, "reported", b.ReportedAt.IsZero() && b.FinishedAt.IsZero(), true)
		ok(t, s.Audit(ctx, id))

		equal(t, "older round", begin(t, s, id, 4, 1), Begun{Why: WhyRound, Earlier: true})
		equal(t, "older record", record(t, s, id, 4, 1, Created), Recorded{Round: 2})
		equal(t, "later record", record(t, s, id, 4, 3, Created), Recorded{Round: 2})
		equal(t, "look of the older", look(t, s, id, 4, 1).Done, true)
		equal(t, "look of this", look(t, s, id, 4, 2), Look{Known: true, State: Running, Round: 2, Earlier: true})
		equal(t, "begin", begin(t, s, id, 4, 2), Begun{OK: true, Begins: 1, Earlier: true})
		equal(t, "begin", begin(t, s, id, 4, 2), Begun{OK: true, Begins: 2, Earlier: true})
		item, err := s.Job(ctx, id, 4)
		ok(t, err)
		equal(t, "item", item.Round == 2 && item.Result.Outcome == Pending, true)

		todo := 0
		for work, err := range s.Work(ctx, id, 0) {
			ok(t, err)
			equal(t, "todo", work.Round == 2 && work.Job%3 == 1, true)
			todo++
		}
		equal(t, "todo", todo, 42)
		for job := 4; job < 130; job += 3 {
			rec := record(t, s, id, job, 2, GaveUp)
			equal(t, "recorded", rec, Recorded{First: true, Last: job == 127, Round: 2})
		}
		past, err := s.History(ctx, id, 4)
		ok(t, err)
		equal(t, "history", len(past) == 1 && past[1].Outcome == GaveUp, true)
		n, err = s.Reopen(ctx, id, GaveUp)
		ok(t, err)
		equal(t, "opened again", n, 42)
		equal(t, "look", look(t, s, id, 4, 3).Round, 3)
		ok(t, s.Audit(ctx, id))
	})
}

func TestABeginInALaterRoundIsNotForgotten(t *testing.T) {
	both(t, func(t *testing.T, s *Store, c *clock) {
		ctx := t.Context()
		id := testBatch(t, s, 3, nil)
		_, err := s.Cancel(ctx, id)
		ok(t, err)
		_, err = s.Reopen(ctx, id, CancelledJob)
		ok(t, err)
		equal(t, "never sent", begin(t, s, id, 1, 2), Begun{OK: true, Begins: 1})
		equal(t, "begins of round 2", begin(t, s, id, 1, 2), Begun{OK: true, Begins: 2})
		record(t, s, id, 1, 2, GaveUp)
		_, err = s.Reopen(ctx, id, GaveUp)
		ok(t, err)
		equal(t, "round 3", begin(t, s, id, 1, 3), Begun{OK: true, Begins: 1, Earlier: true})
	})
}

func TestPauseHaltResume(t *testing.T) {
	both(t, func(t *testing.T, s *Store, c *clock) {
		ctx := t.Context()
		id := testBatch(t, s, 3, nil)
		state := func(want State, reason string) {
			t.Helper()
			b, err := s.Get(ctx, id)
			ok(t, err)
			equal(t, "state", b.State, want)
			equal(t, "reason", b.Reason, reason)
		}
		ok(t, s.Halt(ctx, id, "wrong version"))
		state(Stopped, "wrong version")
		equal(t, "begin", begin(t, s, id, 0, 1), Begun{Why: WhyStopped})
		ok(t, s.Pause(ctx, id, "lunch"))
		ok(t, s.Halt(ctx, id, "wrong version"))
		state(Paused, "lunch")
		equal(t, "begin", begin(t, s, id, 0, 1), Begun{Why: WhyPaused})
		ok(t, s.Resume(ctx, id))
		state(Running, "")
		equal(t, "begin", begin(t, s, id, 0, 1), Begun{OK: true, Begins: 1})
		ok(t, s.Pause(ctx, id, "again"))
		for job := range 3 {
			record(t, s, id, job, 1, Created)
		}
		state(Finished, "")
		for _, err := range []error{s.Pause(ctx, id, ""), s.Resume(ctx, id), s.Halt(ctx, id, "")} {
			if !errors.Is(err, ErrFinished) {
				t.Errorf("after the end: %v", err)
			}
		}
		if _, err := s.Cancel(ctx, id); !errors.Is(err, ErrFinished) {
			t.Errorf("cancel after the end: %v", err)
		}
	})
}

func TestPauseWhileReceiving(t *testing.T) {
	both(t, func(t *testing.T, s *Store, c *clock) {
		ctx := t.Context()
		b, _, err := s.Begin(ctx, testSpec(), false)
		ok(t, err)
		ok(t, s.Pause(ctx, b.ID, "wait"))
		ok(t, s.Append(ctx, b.ID, 0, testEntries(0, 5), nil))
		_, err = s.Seal(ctx, b.ID, 5, 5)
		ok(t, err)
		b, err = s.Get(ctx, b.ID)
		ok(t, err)
		equal(t, "state", b.State, Paused)
	})
}

func TestCancelLeavesWhatHasBegun(t *testing.T) {
	both(t, func(t *testing.T, s *Store, c *clock) {
		ctx := t.Context()
		id := testBatch(t, s, 1234, map[int]Result{1: {Outcome: Invalid}})
		begin(t, s, id, 7, 1)
		begin(t, s, id, 1200, 1)
		record(t, s, id, 900, 1, Created)
		for range 2 {
			last, err := s.Cancel(ctx, id)
			ok(t, err)
			equal(t, "last", last, false)
		}
		b, err := s.Get(ctx, id)
		ok(t, err)
		equal(t, "state", b.State, Cancelled)
		equal(t, "pending", b.Pending(), 2)
		equal(t, "cancelled", b.Counts[CancelledJob], 1230)
		equal(t, "begun", begin(t, s, id, 7, 1), Begun{Why: WhyCancelled, Begins: 1})
		if !errors.Is(s.Resume(ctx, id), ErrCancelled) {
			t.Error("resumed a cancelled batch")
		}
		record(t, s, id, 7, 1, Created)
		equal(t, "last", record(t, s, id, 1200, 1, GaveUp), Recorded{First: true, Last: true, Round: 1})
		all := outcomes(t, s, id)
		equal(t, "7", all[7], Created)
		equal(t, "8", all[8], CancelledJob)
		item, err := s.Job(ctx, id, 8)
		ok(t, err)
		equal(t, "message", item.Result.Message, CancelMessage)
		ok(t, s.Audit(ctx, id))
		n, err := s.Reopen(ctx, id, CancelledJob, GaveUp)
		ok(t, err)
		equal(t, "opened", n, 1231)
		equal(t, "begin", begin(t, s, id, 8, 2), Begun{OK: true, Begins: 1})
		begin(t, s, id, 9, 2)
		record(t, s, id, 9, 2, GaveUp)
		_, err = s.Cancel(ctx, id) // in the second round
		ok(t, err)
		equal(t, "8 again", outcomes(t, s, id)[8], Pending)
		ok(t, s.Audit(ctx, id))
	})
}

func TestCancelWhileReceiving(t *testing.T) {
	both(t, func(t *testing.T, s *Store, c *clock) {
		ctx := t.Context()
		b, _, err := s.Begin(ctx, testSpec(), false)
		ok(t, err)
		ok(t, s.Append(ctx, b.ID, 0, testEntries(0, 200), nil))
		last, err := s.Cancel(ctx, b.ID)
		ok(t, err)
		equal(t, "last", last, true)
		if err := s.Append(ctx, b.ID, 200, testEntries(200, 100), nil); !errors.Is(err, ErrCancelled) {
			t.Errorf("append: %v", err)
		}
		if _, err := s.Seal(ctx, b.ID, 200, 200); !errors.Is(err, ErrCancelled) {
			t.Errorf("seal: %v", err)
		}
		b, err = s.Get(ctx, b.ID)
		ok(t, err)
		equal(t, "ended", b.Ended(), true)
	})
}

func TestCancelStopsWhereTheBatchWasOpenedAgain(t *testing.T) {
	both(t, func(t *testing.T, s *Store, c *clock) {
		id := testBatch(t, s, 700, nil)
		_, err := s.control(t.Context(), id, "cancel", "")
		ok(t, err)
		record(t, s, id, 0, 1, CancelledJob)
		_, err = s.Reopen(t.Context(), id, CancelledJob)
		ok(t, err)
		_, err = s.cancelUnsent(t.Context(), id)
		ok(t, err)
		b, err := s.Get(t.Context(), id)
		ok(t, err)
		equal(t, "pending", b.Pending(), 700)
	})
}

func TestTruncate(t *testing.T) {
	both(t, func(t *testing.T, s *Store, c *clock) {
		ctx := t.Context()
		b, _, err := s.Begin(ctx, testSpec(), false)
		ok(t, err)
		ok(t, s.Append(ctx, b.ID, 0, testEntries(0, 2), nil))
		_, err = s.Truncate(ctx, b.ID, "the listing broke off")
		ok(t, err)
		record(t, s, b.ID, 0, 1, Retracked)
		equal(t, "last", record(t, s, b.ID, 1, 1, Retracked).Last, true)
		b, err = s.Get(ctx, b.ID)
		ok(t, err)
		equal(t, "state", b.State, Truncated)
		equal(t, "reason", b.Reason, "the listing broke off")
	})
}

func TestDeadLettersInOrder(t *testing.T) {
	both(t, func(t *testing.T, s *Store, c *clock) {
		id := testBatch(t, s, 3000, nil)
		want := []int{0, 99, 100, 2048, 2999}
		for _, job := range want {
			record(t, s, id, job, 1, GaveUp)
		}
		var got []int
		for item, err := range s.Dead(t.Context(), id) {
			ok(t, err)
			equal(t, "row", item.Entry.Row, item.Job)
			got = append(got, item.Job)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("dead: %v", got)
		}
	})
}

func TestPendingFromAnywhere(t *testing.T) {
	both(t, func(t *testing.T, s *Store, c *clock) {
		const n = 20_011
		settled := map[int]Result{}
		for job := range n {
			if job%3 != 0 && job < 19_000 || job/64 == 7 {
				settled[job] = Result{Outcome: Skipped}
			}
		}
		id := testBatch(t, s, n, settled)
		for _, from := range []int{0, 1, 447, 448, 449, 512, 8191, 8192, 16_385, n - 1, n, n + 10} {
			want := from
			for job, err := range s.Pending(t.Context(), id, from) {
				ok(t, err)
				for ; want < job; want++ {
					if _, done := settled[want]; !done {
						t.Fatalf("from %d: job %d is missing", from, want)
					}
				}
				equal(t, "job", job, want)
				want++
			}
			for ; want < n; want++ {
				if _, done := settled[want]; !done {
					t.Fatalf("from %d: job %d is missing at the end", from, want)
				}
			}
		}
	})
}

// Two stores append the same sheet, carry it out, cancel, open again and pause, all at once.
func TestConcurrentWorkConserves(t *testing.T) {
	redistest.Both(t, func(t *testing.T, rdb redis.UniversalClient) {
		const n = 600
		stores := []*Store{New(rdb, Options{}), New(rdb, Options{})}
		spec, ctx := testSpec(), t.Context()
		var firsts, lasts atomic.Int64
		var wg sync.WaitGroup
		for _, s := range stores {
			wg.Go(func() {
				b, _, err := s.Begin(ctx, spec, false)
				if err != nil {
					t.Error(err)
					return
				}
				for first := 0; first < n; first += 300 {
					if err := s.Append(ctx, b.ID, first, testEntries(first, 300), map[int]Result{first + 3: {Outcome: Invalid}}); err != nil {
						t.Error(err)
						return
					}
				}
				if _, err := s.Seal(ctx, b.ID, n, n); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		b, _, err := stores[0].Begin(ctx, spec, false)
		ok(t, err)
		equal(t, "total", b.Total, n)
		equal(t, "invalid", b.Done, 2)
		for w := range 8 {
			wg.Go(func() {
				s := stores[w%2]
				for i := range n {
					job := (i*7 + w*61) % n
					rec, err := s.Record(ctx, b.ID, job, 1, Result{Outcome: []Outcome{Created, GaveUp}[w%2], Message: strings.Repeat("m", w)})
					if err != nil {
						t.Error(err)
						return
					}
					if rec.First {
						firsts.Add(1)
					}
					if rec.First && rec.Last {
						lasts.Add(1)
					}
				}
			})
		}
		wg.Go(func() {
			for range 20 {
				if err := errors.Join(stores[0].Pause(ctx, b.ID, ""), stores[1].Resume(ctx, b.ID)); err != nil && !errors.Is(err, ErrFinished) {
					t.Error(err)
				}
				if err := stores[1].Audit(ctx, b.ID); err != nil {
					t.Error(err)
				}
			}
		})
		wg.Wait()
		equal(t, "first", firsts.Load(), n-2)
		equal(t, "last", lasts.Load(), 1)
		ok(t, stores[0].Audit(ctx, b.ID))

		dead, err := stores[0].Get(ctx, b.ID)
		ok(t, err)
		var opened atomic.Int64
		for w := range 4 { // Reopen, Cancel and Record of the old and the new round, all at once
			wg.Go(func() {
				s := stores[w%2]
				if w < 2 {
					jobs, err := s.Reopen(ctx, b.ID, GaveUp)
					if err != nil {
						t.Error(err)
					}
					opened.Add(int64(jobs))
				}
				for job := range n {
					for round := 1; round <= 2; round++ {
						if _, err := s.Record(ctx, b.ID, job, round, Result{Outcome: Already}); err != nil {
							t.Error(err)
							return
						}
					}
				}
			})
		}
		wg.Go(func() {
			if _, err := stores[1].Cancel(ctx, b.ID); err != nil && !errors.Is(err, ErrFinished) {
				t.Error(err)
			}
		})
		wg.Wait()
		equal(t, "opened", opened.Load(), int64(dead.Counts[GaveUp]))
		ok(t, stores[0].Audit(ctx, b.ID))
		equal(t, "rows", len(outcomes(t, stores[0], b.ID)), n)
	})
}
