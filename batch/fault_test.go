package batch

import (
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"aftership-bulk/internal/redistest"
)

// A full Redis refuses whole chunks and whole records, never halves, and the batch goes on once there is room.
func TestFullRedisLeavesNoHalves(t *testing.T) {
	rdb := redistest.Client(t, redistest.MaxMemory(2<<20))
	s, _ := testStore(rdb)
	ctx, entries := t.Context(), benchEntries(16_000)
	for i := range entries {
		entries[i].Cells = append(entries[i].Cells, testEntry(i).Cells...)
	}
	settled := settle(entries)
	for job := 0; job < len(entries); job += 2 {
		delete(settled, job)
	}
	b, _, err := s.Begin(ctx, testSpec(), false)
	ok(t, err)
	if err = s.Append(ctx, b.ID, 0, entries, settled); err == nil {
		t.Fatal("the server is not full")
	}
	ok(t, s.Audit(ctx, b.ID))
	jobs, rows, err := s.Appended(ctx, b.ID)
	ok(t, err)
	equal(t, "whole chunks", jobs%ChunkJobs, 0)
	equal(t, "rows", rows, jobs)
	refused := 0
	for job := range jobs {
		if _, err := s.Record(ctx, b.ID, job, 1, Result{Outcome: Rejected, Message: entries[job].Cells[0] + strings.Repeat("!", 2000)}); err != nil {
			refused++
		}
	}
	if refused == 0 {
		t.Fatal("no record was refused")
	}
	ok(t, s.Audit(ctx, b.ID))
	ok(t, rdb.ConfigSet(ctx, "maxmemory", "0").Err())
	ok(t, s.Append(ctx, b.ID, jobs, entries[jobs:], settled))
	_, err = s.Seal(ctx, b.ID, len(entries), len(entries))
	ok(t, err)
	for job, err := range s.Pending(ctx, b.ID, 0) {
		ok(t, err)
		record(t, s, b.ID, job, 1, Created)
	}
	ok(t, s.Audit(ctx, b.ID))
	b, err = s.Get(ctx, b.ID)
	ok(t, err)
	equal(t, "state", b.State, Finished)
	n := 0
	for item, err := range s.Results(ctx, b.ID) {
		ok(t, err)
		equal(t, "row", item.Entry.Row, n)
		n++
	}
	equal(t, "rows", n, len(entries))
}

// A Redis that is killed while many record keeps what it acknowledged, whole.
func TestKilledRedisKeepsWhatItSaid(t *testing.T) {
	const n = 4000
	server := redistest.Server(t, redistest.AppendOnly("always"))
	rdb := server.Client()
	defer rdb.Close()
	s, _ := testStore(rdb)
	ctx, id := t.Context(), testBatch(t, s, n, nil)
	var next, kept atomic.Int64
	said := make([]bool, n)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for job := int(next.Add(1)) - 1; job < n; job = int(next.Add(1)) - 1 {
				begun, err := s.MarkBegin(ctx, id, job, 1)
				if err != nil || !begun.OK {
					return
				}
				if _, err := s.Record(ctx, id, job, 1, Result{Outcome: Created}); err != nil {
					return
				}
				said[job] = true
				if kept.Add(1) == n/4 {
					server.Kill()
				}
			}
		})
	}
	wg.Wait()
	if kept.Load() >= n {
		t.Fatal("nothing was interrupted")
	}
	ok(t, server.Restart())
	again := server.Client()
	defer again.Close()
	s, _ = testStore(again)
	ok(t, s.Audit(ctx, id))
	for item, err := range s.Results(ctx, id) {
		ok(t, err)
		if said[item.Job] && item.Result.Outcome != Created {
			t.Fatalf("job %d was acknowledged and is lost", item.Job)
		}
	}
	for job, err := range s.Pending(ctx, id, 0) {
		ok(t, err)
		record(t, s, id, job, 1, Created)
	}
	ok(t, s.Audit(ctx, id))
	if err := s.Pause(ctx, id, ""); !errors.Is(err, ErrFinished) {
		t.Fatalf("not finished: %v", err)
	}
}
