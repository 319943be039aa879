package batch

import (
	"errors"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"aftership-bulk/internal/redistest"
)

// both runs a test with a store on miniredis and one on a real server.
func both(t *testing.T, fn func(t *testing.T, s *Store, c *clock)) {
	redistest.Both(t, func(t *testing.T, rdb redis.UniversalClient) {
		s, c := testStore(rdb)
		fn(t, s, c)
	})
}

func TestBatchFromBeginToReport(t *testing.T) {
	both(t, func(t *testing.T, s *Store, c *clock) {
		ctx, spec := t.Context(), testSpec()
		b, existed, err := s.Begin(ctx, spec, false)
		ok(t, err)
		equal(t, "existed", existed, false)
		equal(t, "state", b.State, Receiving)
		equal(t, "created", b.CreatedAt, c.at)
		spec.CreatedAt = c.at
		if !reflect.DeepEqual(b.Spec, spec) {
			t.Fatalf("spec: got %+v, want %+v", b.Spec, spec)
		}
		ok(t, s.Append(ctx, b.ID, 0, testEntries(0, 250), map[int]Result{
			3:   {Outcome: Invalid, Message: "no number", Hint: "fill it in", At: c.at},
			201: {Outcome: Duplicate, DuplicateOf: 4, At: c.at},
		}))
		last, err := s.Seal(ctx, b.ID, 250, 250)
		ok(t, err)
		equal(t, "last", last, false)
		for job := range 250 {
			if job == 3 || job == 201 {
				continue
			}
			begun, err := s.MarkBegin(ctx, b.ID, job, 1)
			ok(t, err)
			equal(t, "begun", begun, Begun{OK: true, Begins: 1})
			rec, err := s.Record(ctx, b.ID, job, 1, Result{Outcome: Created, TrackingID: "65f2a1b3c4d5e6f708192a3b", Slug: "ups", Attempts: 1, Code: 201})
			ok(t, err)
			equal(t, "recorded", rec, Recorded{First: true, Last: job == 249, Round: 1})
		}
		b, err = s.Get(ctx, b.ID)
		ok(t, err)
		equal(t, "state", b.State, Finished)
		equal(t, "finished", b.FinishedAt, c.at)
		equal(t, "started", b.StartedAt, c.at)
		equal(t, "appended", b.AppendedAt, c.at)
		equal(t, "pending", b.Pending(), 0)
		if want := map[Outcome]int{Created: 248, Invalid: 1, Duplicate: 1}; !reflect.DeepEqual(b.Counts, want) {
			t.Fatalf("counts: got %v, want %v", b.Counts, want)
		}
		ok(t, s.Audit(ctx, b.ID))
		equal(t, "results", len(outcomes(t, s, b.ID)), 250)
		ok(t, s.MarkReported(ctx, b.ID))
		rec, err := s.Record(ctx, b.ID, 7, 1, Result{Outcome: GaveUp})
		ok(t, err)
		equal(t, "late record", rec, Recorded{Round: 1})
	})
}

func TestResultsComeBackAsTheyWere(t *testing.T) {
	long := strings.Repeat("a very long message ", 80)
	results := []Result{
		{Outcome: Created, TrackingID: "65f2a1b3c4d5e6f708192a3b", Slug: "jd-worldwide", Code: 201, Attempts: 3},
		{Outcome: Created, TrackingID: "k5lh7dy7vvqeck71p5loe011", Slug: "j-net", Ambiguous: true},
		{Outcome: Already, TrackingID: "ABCDEF", Code: 4003},
		{Outcome: Rejected, Code: 4012, Message: "slug: invalid", Hint: "ask the courier", Attempts: 1},
		{Outcome: Rejected, Message: long, Hint: strings.Repeat("ü", 900), Slug: long},
		{Outcome: Updated, TrackingID: strings.Repeat("x", 200)},
		{Outcome: Updated, TrackingID: strings.Repeat("ab", 60)},
		{Outcome: Duplicate, DuplicateOf: 1_000_000, Message: "repeats line 4"},
		{Outcome: Skipped},
		{Outcome: Invalid, Message: "bytes \x00\x01\xff", Attempts: 200, Code: 70_000},
	}
	both(t, func(t *testing.T, s *Store, c *clock) {
		settled := map[int]Result{}
		for i, r := range results {
			results[i].At, r.At = c.at, c.at
			settled[i] = r
		}
		id := testBatch(t, s, 120, settled)
		for i, r := range results { // the same ones by Record
			_, err := s.Record(t.Context(), id, 100+i, 1, r)
			ok(t, err)
		}
		for i, want := range results {
			for _, job := range []int{i, 100 + i} {
				item, err := s.Job(t.Context(), id, job)
				ok(t, err)
				equal(t, "result", item.Result, want)
				equal(t, "line", item.Entry.Line, job+2)
			}
		}
		item, err := s.Job(t.Context(), id, 50)
		ok(t, err)
		equal(t, "result", item.Result, Result{Outcome: Pending})
	})
}

func TestMoreTextsThanAreShared(t *testing.T) {
	both(t, func(t *testing.T, s *Store, c *clock) {
		const n = 4200
		settled := map[int]Result{}
		for job := range n {
			settled[job] = Result{Outcome: Invalid, Message: "row " + testEntry(job).Cells[0], At: c.at}
		}
		id := testBatch(t, s, n, settled)
		for item, err := range s.Results(t.Context(), id) {
			ok(t, err)
			equal(t, "message", item.Result.Message, settled[item.Job].Message)
		}
	})
}

func TestSameSheetTwice(t *testing.T) {
	both(t, func(t *testing.T, s *Store, c *clock) {
		ctx, spec := t.Context(), testSpec()
		first, _, err := s.Begin(ctx, spec, false)
		ok(t, err)
		again, existed, err := s.Begin(ctx, spec, true)
		ok(t, err)
		equal(t, "an unfinished one is gone on with", again.ID, first.ID)
		equal(t, "existed", existed, true)
		_, err = s.Seal(ctx, first.ID, 0, 0)
		ok(t, err)
		again, existed, err = s.Begin(ctx, spec, false)
		ok(t, err)
		equal(t, "a finished one is shown", again.ID, first.ID)
		equal(t, "existed", existed, true)
		equal(t, "state", again.State, Finished)
		forced, existed, err := s.Begin(ctx, spec, true)
		ok(t, err)
		equal(t, "existed", existed, false)
		if forced.ID == first.ID {
			t.Fatal("force opened no new batch")
		}
		var ids []ID
		for b, err := range s.List(ctx) {
			ok(t, err)
			ids = append(ids, b.ID)
		}
		equal(t, "batches", len(ids), 2)
		ok(t, s.Purge(ctx, first.ID))
		again, existed, err = s.Begin(ctx, spec, false)
		ok(t, err)
		equal(t, "the purge of the old one leaves the new one", again.ID, forced.ID)
		equal(t, "existed", existed, true)
	})
}

func TestManyBeginAtOnce(t *testing.T) {
	both(t, func(t *testing.T, s *Store, c *clock) {
		spec := testSpec()
		ids := make([]ID, 16)
		news := make([]bool, len(ids))
		var wg sync.WaitGroup
		for i := range ids {
			wg.Go(func() {
				b, existed, err := s.Begin(t.Context(), spec, i%2 == 0)
				if err != nil {
					t.Error(err)
				}
				ids[i], news[i] = b.ID, !existed
			})
		}
		wg.Wait()
		created := 0
		for i, id := range ids {
			equal(t, "id", id, ids[0])
			if news[i] {
				created++
			}
		}
		equal(t, "created", created, 1)
	})
}

func TestAppendRefusesWhatDoesNotFit(t *testing.T) {
	both(t, func(t *testing.T, s *Store, c *clock) {
		ctx := t.Context()
		b, _, err := s.Begin(ctx, testSpec(), false)
		ok(t, err)
		other := testEntries(0, 100)
		other[99].Cells = []string{"other"}
		steps := []struct {
			name    string
			first   int
			entries []Entry
			want    error
		}{
			{"gap", 100, testEntries(100, 100), ErrGap},
			{"first chunk", 0, testEntries(0, 100), nil},
			{"again", 0, testEntries(0, 100), nil},
			{"different", 0, other, ErrDifferent},
			{"shorter", 0, testEntries(0, 99), ErrDifferent},
			{"overlapping", 0, testEntries(0, 230), nil},
			{"after a short chunk", 300, testEntries(300, 100), ErrGap},
			{"short chunk filled up", 200, testEntries(200, 100), ErrDifferent},
		}
		for _, step := range steps {
			if err := s.Append(ctx, b.ID, step.first, step.entries, nil); !errors.Is(err, step.want) {
				t.Errorf("%s: got %v, want %v", step.name, err, step.want)
			}
		}
		if err := s.Append(ctx, b.ID, 50, testEntries(50, 10), nil); err == nil {
			t.Error("appended from the middle of a chunk")
		}
		jobs, rows, err := s.Appended(ctx, b.ID)
		ok(t, err)
		equal(t, "jobs", jobs, 230)
		equal(t, "rows", rows, 230)
		for _, bad := range []int{229, 231} {
			if _, err := s.Seal(ctx, b.ID, 230, bad); err == nil {
				t.Errorf("sealed with %d jobs", bad)
			}
		}
		for range 2 {
			_, err = s.Seal(ctx, b.ID, 231, 230)
			ok(t, err)
		}
		if _, err := s.Seal(ctx, b.ID, 230, 230); !errors.Is(err, ErrSealed) {
			t.Errorf("sealed anew: %v", err)
		}
		ok(t, s.Append(ctx, b.ID, 200, testEntries(200, 30), nil))
		ok(t, s.Audit(ctx, b.ID))
	})
}

func TestUnknownAndNewerBatches(t *testing.T) {
	both(t, func(t *testing.T, s *Store, c *clock) {
		ctx := t.Context()
		id := testBatch(t, s, 10, nil)
		ok(t, s.rdb.HSet(ctx, keysOf(id).meta(), "v", Version+1).Err())
		for _, tt := range []struct {
			id   ID
			want error
		}{{"261122-nobody", ErrUnknown}, {id, ErrNewer}} {
			for name, err := range everyCall(t, s, tt.id) {
				if !errors.Is(err, tt.want) {
					t.Errorf("%s of %s: got %v, want %v", name, tt.id, err, tt.want)
				}
			}
		}
		look, err := s.Look(ctx, "261122-nobody", 0, 1)
		ok(t, err)
		equal(t, "look", look, Look{})
		if _, err = s.Look(ctx, id, 0, 1); !errors.Is(err, ErrNewer) {
			t.Errorf("look: %v", err)
		}
	})
}

// A batch that an older program would misread is marked as such, and one that it understands is left as it was.
func TestBatchesNeedTheOldestVersionThatFits(t *testing.T) {
	both(t, func(t *testing.T, s *Store, c *clock) {
		ctx := t.Context()
		for _, tt := range []struct{ needs, want int }{{0, 1}, {1, 1}, {2, 2}} {
			spec := testSpec()
			spec.Needs = tt.needs
			b, _, err := s.Begin(ctx, spec, false)
			ok(t, err)
			equal(t, "version", b.Version, tt.want)
			entry := testEntry(0)
			entry.Filled = []Fill{{Column: 1, Value: "from above"}}
			ok(t, s.Append(ctx, b.ID, 0, []Entry{entry, testEntry(1)}, nil))
			ok(t, s.Append(ctx, b.ID, 0, []Entry{entry, testEntry(1)}, nil))
			_, err = s.Seal(ctx, b.ID, 2, 2)
			ok(t, err)
			got, err := s.Entry(ctx, b.ID, 0)
			ok(t, err)
			if !reflect.DeepEqual(got, entry) {
				t.Errorf("got %+v, want %+v", got, entry)
			}
			other := entry
			other.Filled = []Fill{{Column: 1, Value: "from elsewhere"}}
			if err := s.Append(ctx, b.ID, 0, []Entry{other, testEntry(1)}, nil); !errors.Is(err, ErrDifferent) {
				t.Errorf("other values were taken for the same: %v", err)
			}
		}
		spec := testSpec()
		spec.Needs = Version + 1
		if _, _, err := s.Begin(ctx, spec, false); err == nil {
			t.Error("a batch of an unknown version was begun")
		}
	})
}

// A batch of a newer program does not keep an older one from its own.
func TestNewerBatchesAreLeftAlone(t *testing.T) {
	both(t, func(t *testing.T, s *Store, c *clock) {
		ctx := t.Context()
		newer, mine := testBatch(t, s, 10, nil), testBatch(t, s, 10, nil)
		ok(t, s.rdb.HSet(ctx, keysOf(newer).meta(), "v", Version+1).Err())
		open, err := s.Open(ctx, "acme")
		ok(t, err)
		if len(open) != 1 || open[0].ID != mine {
			t.Errorf("open are %v, want only %s", open, mine)
		}
		ok(t, s.rdb.HSet(ctx, keysOf(newer).meta(), "v", Version).Err())
		open, err = s.Open(ctx, "acme")
		ok(t, err)
		equal(t, "open once the program is new enough", len(open), 2)
	})
}

// everyCall makes each call that must refuse a batch that it can't work on.
func everyCall(t *testing.T, s *Store, id ID) map[string]error {
	ctx, errs := t.Context(), map[string]error{}
	_, errs["get"] = s.Get(ctx, id)
	errs["append"] = s.Append(ctx, id, 0, testEntries(0, 10), nil)
	_, _, errs["appended"] = s.Appended(ctx, id)
	_, errs["seal"] = s.Seal(ctx, id, 10, 10)
	_, errs["truncate"] = s.Truncate(ctx, id, "")
	_, errs["begin"] = s.MarkBegin(ctx, id, 0, 1)
	_, errs["answer"] = s.CountAnswer(ctx, id, 0, 1)
	_, errs["record"] = s.Record(ctx, id, 0, 1, Result{Outcome: Created})
	errs["ids"] = s.SetIDs(ctx, id, map[int]string{0: "x"})
	errs["pause"], errs["halt"] = s.Pause(ctx, id, ""), s.Halt(ctx, id, "")
	errs["resume"] = s.Resume(ctx, id)
	_, errs["cancel"] = s.Cancel(ctx, id)
	_, errs["reopen"] = s.Reopen(ctx, id, GaveUp)
	_, errs["job"] = s.Job(ctx, id, 0)
	errs["audit"] = s.Audit(ctx, id)
	errs["reported"] = s.MarkReported(ctx, id)
	errs["purge"] = s.Purge(ctx, id)
	for _, err := range s.Results(ctx, id) {
		errs["results"] = err
	}
	for _, err := range s.Work(ctx, id, 0) {
		errs["work"] = err
	}
	return errs
}

func TestJobsThatAreNotThere(t *testing.T) {
	both(t, func(t *testing.T, s *Store, c *clock) {
		ctx := t.Context()
		id := testBatch(t, s, 110, nil)
		for _, job := range []int{-1, 110, 199, 5000} {
			_, begin := s.MarkBegin(ctx, id, job, 1)
			_, answer := s.CountAnswer(ctx, id, job, 1)
			_, record := s.Record(ctx, id, job, 1, Result{Outcome: Created})
			_, read := s.Job(ctx, id, job)
			_, row := s.Entry(ctx, id, job)
			for i, err := range []error{begin, answer, record, read, row, s.SetIDs(ctx, id, map[int]string{job: "x"})} {
				if !errors.Is(err, ErrNoJob) {
					t.Errorf("job %d, call %d: %v", job, i, err)
				}
			}
			look, err := s.Look(ctx, id, job, 1)
			ok(t, err)
			equal(t, "look", look.Known, false)
		}
		for _, bad := range []Outcome{Pending, "lost"} {
			if _, err := s.Record(ctx, id, 1, 1, Result{Outcome: bad}); err == nil {
				t.Errorf("recorded %q", bad)
			}
		}
		e, err := s.Entry(ctx, id, 109)
		ok(t, err)
		equal(t, "line", e.Line, 111)
	})
}

func TestStopsOfAnAccount(t *testing.T) {
	both(t, func(t *testing.T, s *Store, c *clock) {
		ctx := t.Context()
		for _, want := range []bool{true, false} {
			first, err := s.Stop(ctx, "acme", "create", "quota used up", 402)
			ok(t, err)
			equal(t, "first", first, want)
			c.at = c.at.Add(time.Minute)
		}
		_, err := s.Stop(ctx, "acme", "", "the key is refused", 401)
		ok(t, err)
		stops, err := s.Stops(ctx, "acme")
		ok(t, err)
		equal(t, "stops", len(stops), 2)
		equal(t, "whole account", stops[0].Reason, "the key is refused")
		equal(t, "time", stops[1].At, newClock().at)
		for _, want := range []int{1, 0} {
			n, err := s.Lift(ctx, "acme", "create")
			ok(t, err)
			equal(t, "lifted", n, want)
		}
		for _, want := range []int{1, 0} {
			n, err := s.Lift(ctx, "acme")
			ok(t, err)
			equal(t, "lifted", n, want)
		}
	})
}

func TestPurgeLeavesNothing(t *testing.T) {
	both(t, func(t *testing.T, s *Store, c *clock) {
		ctx, spec := t.Context(), testSpec()
		b, _, err := s.Begin(ctx, spec, false)
		ok(t, err)
		ok(t, s.Append(ctx, b.ID, 0, testEntries(0, 12_345), map[int]Result{5: {Outcome: Invalid, Message: strings.Repeat("x", 2000)}}))
		_, err = s.MarkBegin(ctx, b.ID, 9, 1)
		ok(t, err)
		ok(t, s.Purge(ctx, b.ID))
		keys, err := s.rdb.Keys(ctx, "*").Result()
		ok(t, err)
		equal(t, "keys left", len(keys), 0)
		if _, err := s.MarkBegin(ctx, b.ID, 9, 1); !errors.Is(err, ErrUnknown) {
			t.Fatalf("begin after purge: %v", err)
		}
	})
}

func TestPurgeThatCrashedIsFinished(t *testing.T) {
	for _, by := range []string{"begin", "trim", "purge"} {
		both(t, func(t *testing.T, s *Store, c *clock) {
			ctx, spec := t.Context(), testSpec()
			b, _, err := s.Begin(ctx, spec, false)
			ok(t, err)
			ok(t, s.Append(ctx, b.ID, 0, testEntries(0, 500), nil))
			ok(t, s.rdb.HSet(ctx, keysOf(b.ID).meta(), "purging", 1).Err())
			ok(t, s.rdb.Unlink(ctx, keysOf(b.ID).rows(4)).Err())
			for range s.List(ctx) {
				t.Fatal("a batch that is being purged is listed")
			}
			switch by {
			case "begin":
				again, existed, err := s.Begin(ctx, spec, false)
				ok(t, err)
				equal(t, "existed", existed, false)
				equal(t, "jobs", again.Total, 0)
				ok(t, s.Purge(ctx, again.ID))
			case "trim":
				_, purged, err := s.Trim(ctx)
				ok(t, err)
				equal(t, "purged", len(purged), 1)
			case "purge":
				ok(t, s.Purge(ctx, b.ID))
			}
			keys, err := s.rdb.Keys(ctx, "*").Result()
			ok(t, err)
			equal(t, "keys left", len(keys), 0)
		})
	}
}

func TestTrimByAge(t *testing.T) {
	both(t, func(t *testing.T, s *Store, c *clock) {
		ctx := t.Context()
		old := testBatch(t, s, 150, nil)
		running := testBatch(t, s, 150, nil)
		_, err := s.Cancel(ctx, old)
		ok(t, err)
		trim := func(rows, all int) {
			t.Helper()
			trimmed, purged, err := s.Trim(ctx)
			ok(t, err)
			equal(t, "trimmed", len(trimmed), rows)
			equal(t, "purged", len(purged), all)
		}
		trim(0, 0)
		c.at = c.at.Add(15 * 24 * time.Hour)
		trim(1, 0)
		trim(0, 0)
		b, err := s.Get(ctx, old)
		ok(t, err)
		equal(t, "counts stay", b.Counts[CancelledJob], 150)
		_, err = s.Reopen(ctx, old, CancelledJob)
		for _, e := range s.Results(ctx, old) {
			err = errors.Join(err, e)
		}
		if !errors.Is(err, ErrTrimmed) || len(strings.Split(err.Error(), "\n")) != 2 {
			t.Fatalf("after the trim: %v", err)
		}
		c.at = c.at.Add(80 * 24 * time.Hour)
		trim(0, 1)
		if _, err := s.Get(ctx, old); !errors.Is(err, ErrUnknown) {
			t.Fatal(err)
		}
		equal(t, "running one", len(outcomes(t, s, running)), 150)
	})
}

// On a cluster every script and pipeline must stay in one slot.
func TestOnACluster(t *testing.T) {
	server := redistest.Server(t, redistest.Config("cluster-enabled yes"))
	node := server.Client()
	defer node.Close()
	ok(t, node.Do(t.Context(), "CLUSTER", "ADDSLOTSRANGE", 0, 16383).Err())
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		info, err := node.ClusterInfo(t.Context()).Result()
		ok(t, err)
		if strings.Contains(info, "cluster_state:ok") {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("the cluster does not come up: %s", info)
		}
	}
	cluster := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{server.Addr()}, DisableIdentity: true})
	defer cluster.Close()
	s, c := testStore(cluster)
	ctx, id := t.Context(), ""
	for range 3 {
		id = testBatch(t, s, 1100, map[int]Result{3: {Outcome: Invalid, Message: strings.Repeat("long", 999)}})
	}
	begin(t, s, id, 5, 1)
	_, err := s.CountAnswer(ctx, id, 5, 1)
	ok(t, err)
	ok(t, s.SetIDs(ctx, id, map[int]string{5: "a", 250: "b"}))
	equal(t, "begins", look(t, s, id, 5, 1).Begins, 1)
	record(t, s, id, 5, 1, GaveUp)
	_, err = s.Cancel(ctx, id)
	ok(t, err)
	n, err := s.Reopen(ctx, id, GaveUp, CancelledJob)
	ok(t, err)
	equal(t, "opened", n, 1099)
	equal(t, "rows", len(outcomes(t, s, id)), 1100)
	ok(t, s.Audit(ctx, id))
	_, err = s.Cancel(ctx, id)
	ok(t, err)
	c.at = c.at.Add(100 * 24 * time.Hour)
	_, purged, err := s.Trim(ctx)
	ok(t, err)
	equal(t, "purged", len(purged), 1)
	batches := 0
	for _, err := range s.List(ctx) {
		ok(t, err)
		batches++
	}
	equal(t, "left", batches, 2)
}
