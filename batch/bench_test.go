package batch

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"aftership-bulk/internal/redistest"
)

// benchEntries makes rows of about 200 bytes that compress as real ones do.
func benchEntries(n int) []Entry {
	r := rand.New(rand.NewPCG(1, 2))
	pick := func(s ...string) string { return s[r.IntN(len(s))] }
	entries := make([]Entry, n)
	for i := range entries {
		number := fmt.Sprintf("1Z%016d", r.Int64N(1e16))
		first, last := pick("Ana", "Jürgen", "Mei", "Omar", "Priya", "Tom"), pick("Müller", "Sato", "Okafor", "Silva", "Smith", "Novák")
		entries[i] = Entry{Row: i, Line: i + 2, Cells: []string{
			number, pick("ups", "fedex", "dhl", "japan-post", "jd-worldwide"), "Order #" + strconv.Itoa(100_000+i),
			fmt.Sprintf("%08x", r.Uint32()), first + " " + last, first + "." + last + strconv.Itoa(r.IntN(9999)) + "@example.com",
			fmt.Sprintf("+49 151 %07d", r.IntN(1e7)), pick("DEU", "USA", "JPN", "BRA"), pick("Berlin", "Austin", "Osaka", "São Paulo"),
			strconv.Itoa(10_000 + r.IntN(89_999)), "2026-11-" + strconv.Itoa(10+r.IntN(20)), pick("", "leave at the door", "ring twice", "gift"),
			fmt.Sprintf("https://shop.example.com/orders/%d/status?key=%016x", 100_000+i, r.Uint64()),
		}}
	}
	return entries
}

func benchResult(job int) Result {
	r := Result{Outcome: Created, TrackingID: fmt.Sprintf("%024x", uint64(job)*0x9E3779B97F4A7C15), Slug: "japan-post", Code: 201, Attempts: 1}
	switch {
	case job%20 == 0:
		r = Result{Outcome: Rejected, Code: 4012, Message: "slug: the courier is not activated", Hint: "activate it in AfterShip's admin, then retry --rejected", Attempts: 1}
	case job%3 == 0:
		r.TrackingID = fmt.Sprintf("k5lh7dy7%016x", job)[:24]
	}
	r.At = time.Unix(1_795_000_000, 0)
	return r
}

func benchServer(b *testing.B) (*Store, *redis.Client) {
	rdb := redistest.Client(b)
	return New(rdb, Options{}), rdb
}

func size(entries []Entry) (n int) {
	for _, e := range entries {
		for _, cell := range e.Cells {
			n += len(cell)
		}
	}
	return n
}

func perSecond(b *testing.B, rows int) {
	b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
	b.ReportMetric(0, "ns/op")
}

func BenchmarkAppend(b *testing.B) {
	s, _ := benchServer(b)
	entries := benchEntries(20_000)
	b.ReportMetric(float64(size(entries))/float64(len(entries)), "B/row")
	for b.Loop() {
		testBatchOf(b, s, entries)
	}
	perSecond(b, len(entries))
}

func testBatchOf(b *testing.B, s *Store, entries []Entry) ID {
	batch, _, err := s.Begin(b.Context(), testSpec(), false)
	ok(b, err)
	ok(b, s.Append(b.Context(), batch.ID, 0, entries, nil))
	_, err = s.Seal(b.Context(), batch.ID, len(entries), len(entries))
	ok(b, err)
	return batch.ID
}

// carryOut records all jobs from so many goroutines.
func carryOut(b *testing.B, s *Store, id ID, jobs, workers int, one func(job int) error) {
	var next atomic.Int64
	errs := make(chan error, workers)
	for range workers {
		go func() {
			for {
				job := int(next.Add(1)) - 1
				if job >= jobs {
					errs <- nil
					return
				}
				if err := one(job); err != nil {
					errs <- err
					return
				}
			}
		}()
	}
	for range workers {
		ok(b, <-errs)
	}
}

func BenchmarkRecord(b *testing.B) {
	s, _ := benchServer(b)
	entries := benchEntries(20_000)
	for b.Loop() {
		b.StopTimer()
		id := testBatchOf(b, s, entries)
		b.StartTimer()
		carryOut(b, s, id, len(entries), 64, func(job int) error {
			_, err := s.Record(b.Context(), id, job, 1, benchResult(job))
			return err
		})
	}
	perSecond(b, len(entries))
}

// BenchmarkHandler makes all three calls of a handler for each job.
func BenchmarkHandler(b *testing.B) {
	s, _ := benchServer(b)
	entries := benchEntries(20_000)
	for b.Loop() {
		b.StopTimer()
		id := testBatchOf(b, s, entries)
		b.StartTimer()
		carryOut(b, s, id, len(entries), 64, func(job int) error {
			if _, err := s.Look(b.Context(), id, job, 1); err != nil {
				return err
			}
			if _, err := s.Entry(b.Context(), id, job); err != nil {
				return err
			}
			if _, err := s.MarkBegin(b.Context(), id, job, 1); err != nil {
				return err
			}
			_, err := s.Record(b.Context(), id, job, 1, benchResult(job))
			return err
		})
	}
	perSecond(b, len(entries))
}

func settle(entries []Entry) map[int]Result {
	settled := map[int]Result{}
	for job := range entries {
		settled[job] = benchResult(job)
	}
	return settled
}

func BenchmarkResults(b *testing.B) {
	s, _ := benchServer(b)
	entries := benchEntries(50_000)
	id := testBatch(b, s, 0, nil)
	batch, _, err := s.Begin(b.Context(), testSpec(), false)
	ok(b, err)
	id = batch.ID
	ok(b, s.Append(b.Context(), id, 0, entries, settle(entries)))
	for b.Loop() {
		n := 0
		for _, err := range s.Results(b.Context(), id) {
			ok(b, err)
			n++
		}
		equal(b, "rows", n, len(entries))
	}
	perSecond(b, len(entries))
}

func used(b *testing.B, rdb *redis.Client) int64 {
	info, err := rdb.InfoMap(b.Context(), "memory").Result()
	ok(b, err)
	n, err := strconv.ParseInt(info["Memory"]["used_memory"], 10, 64)
	ok(b, err)
	return n
}

// BenchmarkMemory prints what a row costs in a Redis with default settings: its source cells, compressed, and everything besides, once
// all jobs have their results, in random order.
func BenchmarkMemory(b *testing.B) {
	s, rdb := benchServer(b)
	entries := benchEntries(100_000)
	for b.Loop() {
		before := used(b, rdb)
		id := testBatchOf(b, s, entries)
		queued := used(b, rdb)
		order := rand.New(rand.NewPCG(3, 4)).Perm(len(entries))
		carryOut(b, s, id, len(entries), 64, func(job int) error {
			if _, err := s.MarkBegin(b.Context(), id, order[job], 1); err != nil {
				return err
			}
			_, err := s.Record(b.Context(), id, order[job], 1, benchResult(order[job]))
			return err
		})
		finished := used(b, rdb)
		n := float64(len(entries))
		b.ReportMetric(float64(size(entries))/n, "cellB/row")
		b.ReportMetric(float64(queued-before)/n, "queuedB/row")
		b.ReportMetric(float64(finished-queued)/n, "resultB/row")
		ok(b, s.Purge(b.Context(), id))
	}
}

// BenchmarkMillion takes a million rows through the calls that concern a whole batch and prints the longest time that any
// command held Redis.
func BenchmarkMillion(b *testing.B) {
	s, rdb := benchServer(b)
	ok(b, rdb.ConfigSet(b.Context(), "slowlog-log-slower-than", "1000").Err())
	ok(b, rdb.ConfigSet(b.Context(), "slowlog-max-len", "100000").Err())
	const n = 1_000_000
	for b.Loop() {
		batch, _, err := s.Begin(b.Context(), testSpec(), false)
		ok(b, err)
		chunk := benchEntries(10_000)
		step := func(name string, do func() error) {
			from := time.Now()
			ok(b, do())
			slow, err := rdb.SlowLogGet(b.Context(), -1).Result()
			ok(b, err)
			longest := time.Duration(0)
			for _, entry := range slow {
				longest = max(longest, entry.Duration)
			}
			ok(b, rdb.Do(b.Context(), "SLOWLOG", "RESET").Err())
			b.Logf("%-8s %7.2fs, %4d commands beyond 1 ms, the longest %v", name, time.Since(from).Seconds(), len(slow), longest)
		}
		step("append", func() error {
			for first := 0; first < n; first += len(chunk) {
				for i := range chunk {
					chunk[i].Row, chunk[i].Line = first+i, first+i+2
				}
				if err := s.Append(b.Context(), batch.ID, first, chunk, nil); err != nil {
					return err
				}
			}
			_, err := s.Seal(b.Context(), batch.ID, n, n)
			return err
		})
		step("cancel", func() error { _, err := s.Cancel(b.Context(), batch.ID); return err })
		step("results", func() error {
			for _, err := range s.Results(b.Context(), batch.ID) {
				if err != nil {
					return err
				}
			}
			return nil
		})
		step("reopen", func() error { _, err := s.Reopen(b.Context(), batch.ID, CancelledJob); return err })
		step("work", func() error {
			for _, err := range s.Work(b.Context(), batch.ID, 0) {
				if err != nil {
					return err
				}
			}
			return nil
		})
		step("cancel 2", func() error { _, err := s.Cancel(b.Context(), batch.ID); return err })
		step("purge", func() error { return s.Purge(b.Context(), batch.ID) })
	}
}
