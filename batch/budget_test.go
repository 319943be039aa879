package batch

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9"

	"aftership-bulk/internal/redistest"
)

func TestParseBudget(t *testing.T) {
	for text, want := range map[string]Budget{"": "", "0": "0", " 100 ": "100", "007": "7", "5%": "5%", "2.50 %": "2.5%", "99.9%": "99.9%"} {
		got, err := ParseBudget(text)
		ok(t, err)
		equal(t, text, got, want)
	}
	for _, text := range []string{"-1", "5.5", "0%", "100%", "%", "NaN%", "Inf%", "five", "1e2", "5%%"} {
		if got, err := ParseBudget(text); err == nil {
			t.Errorf("%q was read as %q", text, got)
		}
	}
}

// budgeted opens a sealed batch of n jobs with a budget; the first of them are invalid.
func budgeted(t *testing.T, s *Store, budget Budget, n, invalid int) ID {
	t.Helper()
	spec := testSpec()
	spec.Budget = budget
	b, _, err := s.Begin(t.Context(), spec, false)
	ok(t, err)
	settled := map[int]Result{}
	for job := range invalid {
		settled[job] = Result{Outcome: Invalid}
	}
	ok(t, s.Append(t.Context(), b.ID, 0, testEntries(0, n), settled))
	_, err = s.Seal(t.Context(), b.ID, n, n)
	ok(t, err)
	return b.ID
}

// record ends jobs one after the other, as long as the ledger lets them begin, and returns the next one.
func recordAll(t *testing.T, s *Store, id ID, from, to int, how func(job int) Outcome) int {
	t.Helper()
	for job := from; job < to; job++ {
		begun, err := s.MarkBegin(t.Context(), id, job, 1)
		ok(t, err)
		if !begun.OK {
			equal(t, "why", begun.Why, WhyStopped)
			return job
		}
		_, err = s.Record(t.Context(), id, job, 1, Result{Outcome: how(job)})
		ok(t, err)
	}
	return to
}

func each(n int, o Outcome) func(int) Outcome {
	return func(job int) Outcome {
		if job%n == n-1 {
			return o
		}
		return Created
	}
}

func TestBudget(t *testing.T) {
	tests := []struct {
		budget     Budget
		n, invalid int
		how        func(int) Outcome
		ended      int    // jobs that have their result when it stops, or all of them
		reason     string // that it was stopped for, or at its end
	}{
		{"", 300, 10, each(1, Rejected), 300, ""},
		{"5", 300, 0, each(2, Rejected), 12, "6 rows failed, and --max-errors allows 5"},
		{"0", 300, 0, each(10, GaveUp), 10, "1 row failed"},
		{"5", 300, 5, each(2, Rejected), 6, "6 rows failed"},                          // invalid rows count
		{"5", 300, 6, each(1, Created), 6, "6 rows failed"},                           // and may be too many by themselves
		{"5", 300, 5, each(2, CancelledJob), 300, ""},                                 // a person's deed does not
		{"5", 6, 0, each(1, Rejected), 6, "6 rows failed, and --max-errors allows 5"}, // nothing was left to stop
		{"5", 6, 6, nil, 6, "6 rows failed, and --max-errors allows 5"},               // nor here
		{"5", 5, 5, nil, 5, ""},
		{"10%", 300, 300, nil, 300, "300 of 300 rows failed"},
		{"", 6, 6, nil, 6, ""},
		{"10%", 300, 31, each(1, Created), 31, "31 of 300 rows failed, and --max-errors allows 10%"},
		{"10%", 300, 30, each(1, Created), 300, ""}, // that is not more than 10%
		{"10%", 300, 20, each(5, Rejected), 75, "31 of 300 rows failed"},
		{"10%", 2000, 0, each(5, Rejected), 100, "20 of the 100 rows that were sent failed"},
		{"10%", 2000, 100, each(5, GaveUp), 200, "20 of the 100 rows that were sent failed"},
		{"25%", 2000, 0, each(5, Rejected), 2000, ""},
		{"0.5%", 1000, 0, each(400, Rejected), 1000, ""},
		{"0.5%", 1000, 0, each(150, Rejected), 150, "1 of the 150 rows that were sent failed"},
	}
	redistest.Both(t, func(t *testing.T, rdb redis.UniversalClient) {
		for i, test := range tests {
			t.Run(fmt.Sprintf("%d_%s", i, test.budget), func(t *testing.T) {
				s, _ := testStore(rdb)
				id := budgeted(t, s, test.budget, test.n, test.invalid)
				recordAll(t, s, id, test.invalid, test.n, test.how)
				b, err := s.Get(t.Context(), id)
				ok(t, err)
				equal(t, "done", b.Done, test.ended)
				equal(t, "spent", b.Spent(), test.reason != "" && !b.Ended())
				equal(t, "over", b.Over != "", test.reason != "" && b.Ended())
				equal(t, "budget", b.Budget, test.budget)
				if !strings.Contains(b.Reason+b.Over, test.reason) {
					t.Errorf("the reason is %q, want %q", b.Reason+b.Over, test.reason)
				}
				ok(t, s.Audit(t.Context(), id))
			})
		}
	})
}

// What a dry run says of invalid rows is what the ledger says once it has them all.
func TestOverspentIsTheLedgersJudgement(t *testing.T) {
	redistest.Both(t, func(t *testing.T, rdb redis.UniversalClient) {
		s, _ := testStore(rdb)
		for _, budget := range []Budget{"", "0", "1", "3", "5", "0.5%", "20%", "33.3%", "50%", "60%", "99.9%"} {
			for _, n := range []int{1, 3, 5, 300} {
				for _, invalid := range []int{0, 1, 2, 3, 5, 60, 61, 300} {
					if invalid > n {
						continue
					}
					id := budgeted(t, s, budget, n, invalid)
					b, err := s.Get(t.Context(), id)
					ok(t, err)
					equal(t, fmt.Sprintf("%d of %d by %q", invalid, n, budget), budget.Overspent(invalid, n), b.Reason+b.Over)
					ok(t, s.Purge(t.Context(), id)) // the next may be the same sheet
				}
			}
		}
	})
}

// Many workers record at once: what stops the batch is told once, and no job begins after it.
func TestBudgetAcrossWorkers(t *testing.T) {
	redistest.Both(t, func(t *testing.T, rdb redis.UniversalClient) {
		s, _ := testStore(rdb)
		const workers = 8
		id := budgeted(t, s, "50", 1000, 0)
		var next, told, failed atomic.Int64
		var all sync.WaitGroup
		for range workers {
			all.Go(func() {
				for job := int(next.Add(1)) - 1; job < 1000; job = int(next.Add(1)) - 1 {
					begun, err := s.MarkBegin(t.Context(), id, job, 1)
					if err != nil || !begun.OK {
						return
					}
					rec, err := s.Record(t.Context(), id, job, 1, Result{Outcome: Rejected})
					if err != nil {
						t.Error(err)
					}
					failed.Add(1)
					if rec.Spent {
						told.Add(1)
					}
				}
			})
		}
		all.Wait()
		equal(t, "told", told.Load(), 1)
		if n := failed.Load(); n < 51 || n > 50+workers {
			t.Errorf("%d rows failed: a budget of 50 may be overdrawn by what %d workers have under way", n, workers)
		}
	})
}

func TestBudgetAfterAPersonLooked(t *testing.T) {
	redistest.Both(t, func(t *testing.T, rdb redis.UniversalClient) {
		s, c := testStore(rdb)
		id := budgeted(t, s, "3", 100, 2)
		at := recordAll(t, s, id, 2, 100, each(1, Rejected))
		equal(t, "stopped at", at, 4)
		b, err := s.Get(t.Context(), id)
		ok(t, err)
		equal(t, "spent at", b.SpentAt, c.now())

		// Resumed, it has its budget anew.
		ok(t, s.Resume(t.Context(), id))
		b, err = s.Get(t.Context(), id)
		ok(t, err)
		equal(t, "state", b.State, Running)
		equal(t, "spent at", b.SpentAt.IsZero(), true)
		at = recordAll(t, s, id, at, 100, each(1, Rejected))
		equal(t, "stopped at", at, 8)

		// A larger budget lets it go on, a smaller one does not; neither is given twice.
		spent, err := s.SetBudget(t.Context(), id, "2")
		ok(t, err)
		equal(t, "spent", spent, true)
		spent, err = s.SetBudget(t.Context(), id, "6")
		ok(t, err)
		equal(t, "spent", spent, false)
		at = recordAll(t, s, id, at, 100, each(1, Rejected))
		equal(t, "stopped at", at, 11)

		// Opened again, too: what it was over at its end counts no longer.
		ok(t, s.Resume(t.Context(), id))
		at = recordAll(t, s, id, at, 93, each(1, Created))
		at = recordAll(t, s, id, at, 100, each(1, Rejected))
		equal(t, "at the end", at, 100)
		b, err = s.Get(t.Context(), id)
		ok(t, err)
		equal(t, "over", b.Over, "too many errors: 7 rows failed, and --max-errors allows 6")
		n, err := s.Reopen(t.Context(), id, Rejected)
		ok(t, err)
		equal(t, "opened", n, 16)
		b, err = s.Get(t.Context(), id)
		ok(t, err)
		equal(t, "over", b.Over, "")
		for job := 2; job < 8; job++ {
			_, err := s.Record(t.Context(), id, job, 2, Result{Outcome: Rejected})
			ok(t, err)
		}
		b, err = s.Get(t.Context(), id)
		ok(t, err)
		equal(t, "spent", b.Spent(), false)
		_, err = s.Record(t.Context(), id, 8, 2, Result{Outcome: Rejected})
		ok(t, err)
		b, err = s.Get(t.Context(), id)
		ok(t, err)
		equal(t, "spent", b.Spent(), true)

		// What a person does to it takes the mark off.
		ok(t, s.Pause(t.Context(), id, "paused by ops"))
		b, err = s.Get(t.Context(), id)
		ok(t, err)
		equal(t, "state", b.State, Paused)
		equal(t, "spent at", b.SpentAt.IsZero(), true)
		_, err = s.Cancel(t.Context(), id)
		ok(t, err)
	})
}

// A batch that ended has no budget to set, and one that is unknown none either.
func TestSetBudgetOfAnEndedBatch(t *testing.T) {
	redistest.Both(t, func(t *testing.T, rdb redis.UniversalClient) {
		s, _ := testStore(rdb)
		id := budgeted(t, s, "5", 2, 0)
		recordAll(t, s, id, 0, 2, each(1, Rejected))
		spent, err := s.SetBudget(t.Context(), id, "0")
		ok(t, err)
		equal(t, "spent", spent, false)
		if _, err := s.SetBudget(t.Context(), "000000-nosuch", "0"); err == nil {
			t.Error("an unknown batch has got a budget")
		}
		if _, err := s.SetBudget(t.Context(), id, ""); err == nil {
			t.Error("no budget was set")
		}
	})
}
