package batch_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"aftership-bulk/batch"
	"aftership-bulk/internal/redistest"
)

func TestFailuresInARow(t *testing.T) {
	redistest.Both(t, func(t *testing.T, rdb redis.UniversalClient) {
		now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
		one := batch.New(rdb, batch.Options{Now: func() time.Time { return now }})
		two := batch.New(rdb, batch.Options{Now: func() time.Time { return now.Add(time.Minute) }})
		for i, s := range []*batch.Store{one, two, one} {
			if n, err := s.Fail(t.Context(), "acc", "create"); err != nil || n != i+1 {
				t.Fatalf("failure %d counted as %d, %v", i+1, n, err)
			}
		}
		f, err := two.Failures(t.Context(), "acc", "create")
		if err != nil || f.InRow != 3 || !f.Since.Equal(now) {
			t.Errorf("got %+v, %v", f, err)
		}
		if f, _ := one.Failures(t.Context(), "acc", "update"); f.InRow != 0 || !f.Since.IsZero() {
			t.Errorf("another class: %+v", f)
		}
		if err := two.Recover(t.Context(), "acc", "create"); err != nil {
			t.Fatal(err)
		}
		if f, _ := one.Failures(t.Context(), "acc", "create"); f.InRow != 0 {
			t.Errorf("after an answer: %+v", f)
		}
	})
}

func TestOneProbeInAWhile(t *testing.T) {
	redistest.Both(t, func(t *testing.T, rdb redis.UniversalClient) {
		s := batch.New(rdb, batch.Options{})
		for _, step := range []struct {
			last time.Duration // before now; zero leaves what the step before it left
			want bool
		}{{0, true}, {0, false}, {9 * time.Second, false}, {11 * time.Second, true}, {0, false}, {-time.Hour, true}} {
			if step.last != 0 {
				last := time.Now().Add(-step.last).UnixMilli()
				if err := rdb.HSet(t.Context(), "aftership:{health:acc}:create", "probe", last).Err(); err != nil {
					t.Fatal(err)
				}
			}
			if got, err := s.MayProbe(t.Context(), "acc", "create", 10*time.Second); err != nil || got != step.want {
				t.Errorf("last try %v ago: got %v %v, want %v", step.last, got, err, step.want)
			}
		}
	})
}

// The clocks of processes differ, and what is asked first need not arrive first.
func TestOneOfManyMayProbe(t *testing.T) {
	redistest.Both(t, func(t *testing.T, rdb redis.UniversalClient) {
		var granted atomic.Int32
		var wg sync.WaitGroup
		for i := range 64 {
			clock := func() time.Time { return time.Now().Add(time.Duration(i-32) * 4 * time.Second) }
			s := batch.New(rdb, batch.Options{Now: clock})
			wg.Go(func() {
				ok, err := s.MayProbe(t.Context(), "acc", "create", time.Minute)
				if err != nil {
					t.Error(err)
				}
				if ok {
					granted.Add(1)
				}
			})
		}
		wg.Wait()
		if n := granted.Load(); n != 1 {
			t.Errorf("%d of 64 were let through, want 1", n)
		}
	})
}

// A begin that is taken back leaves no doubt; one that another begin followed,
// or that was answered, is not taken back by a command that comes late or twice.
func TestTakeBack(t *testing.T) {
	redistest.Both(t, func(t *testing.T, rdb redis.UniversalClient) {
		s := batch.New(rdb, batch.Options{})
		b, _, err := s.Begin(t.Context(), batch.Spec{Identity: "x", Operation: batch.Create, Account: "a", Source: "s.csv", Priority: batch.Upload, Header: []string{"n"}}, false)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Append(t.Context(), b.ID, 0, []batch.Entry{{Line: 2, Cells: []string{"1"}}}, nil); err != nil {
			t.Fatal(err)
		}
		begin := func(want int) batch.Begun {
			t.Helper()
			begun, err := s.MarkBegin(t.Context(), b.ID, 0, 1)
			if err != nil || !begun.OK || begun.Begins != want {
				t.Fatalf("begin: %+v %v, want %d", begun, err, want)
			}
			return begun
		}
		takeBack := func(begun batch.Begun) {
			t.Helper()
			if err := s.TakeBack(t.Context(), b.ID, 0, 1, begun); err != nil {
				t.Fatal(err)
			}
		}
		first := begin(1)
		takeBack(first)
		takeBack(first)
		first = begin(1) // as if there had been none
		second := begin(2)
		takeBack(first) // late: another begin followed
		takeBack(second)
		takeBack(second) // twice
		if look, _ := s.Look(t.Context(), b.ID, 0, 1); look.Begins != 1 {
			t.Errorf("begins: %+v", look)
		}
		if err := s.NoteAnswer(t.Context(), b.ID, 0, 1); err != nil {
			t.Fatal(err)
		}
		takeBack(first) // answered
		look, err := s.Look(t.Context(), b.ID, 0, 1)
		if err != nil || look.Begins != 1 || look.Answers != 0 || look.Uncharged != 1 {
			t.Errorf("after an answer that costs nothing: %+v %v", look, err)
		}
	})
}

func TestOneHolderAtATime(t *testing.T) {
	redistest.Both(t, func(t *testing.T, rdb redis.UniversalClient) {
		s := batch.New(rdb, batch.Options{})
		hold := func(owner string, most time.Duration, want bool) {
			t.Helper()
			if got, err := s.Hold(t.Context(), "acc", "id{1}", owner, most); err != nil || got != want {
				t.Errorf("%s: got %v %v, want %v", owner, got, err, want)
			}
		}
		hold("one", time.Minute, true)
		hold("two", time.Minute, false)
		hold("one", time.Minute, true) // again, after a crash
		if err := s.Unhold(t.Context(), "acc", "id{1}", "two"); err != nil {
			t.Fatal(err)
		}
		hold("two", time.Minute, false) // it was not two's to give back
		if err := s.Unhold(t.Context(), "acc", "id{1}", "one"); err != nil {
			t.Fatal(err)
		}
		hold("two", 20*time.Millisecond, true)
		for end := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) { // it runs out
			if ok, err := s.Hold(t.Context(), "acc", "id{1}", "three", time.Minute); err != nil || ok {
				break
			}
			if time.Now().After(end) {
				t.Fatal("it never ran out")
			}
		}
	})
}
