package batch

import (
	"fmt"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var identities atomic.Int64

// clock is a time that tests move.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func newClock() *clock { return &clock{time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)} }

func testSpec() Spec {
	return Spec{
		Identity: "id" + strconv.FormatInt(identities.Add(1), 10), Operation: Create, Account: "acme", Source: "shipments.csv",
		Who: "ops", Priority: Upload, Header: []string{"tracking_number", "note"}, Delimiter: ",", Fields: []string{"tracking_number", ""},
		Options: []byte(`{"a":1}`), SHA256: "abc",
	}
}

func testEntry(job int) Entry {
	return Entry{Row: job, Line: job + 2, Cells: []string{fmt.Sprintf("TN%08d", job), "Grüße, \"" + strconv.Itoa(job*7) + "\"\nzwei"}}
}

func testEntries(first, n int) []Entry {
	entries := make([]Entry, n)
	for i := range entries {
		entries[i] = testEntry(first + i)
	}
	return entries
}

// testBatch opens a batch of n jobs, sealed.
func testBatch(t testing.TB, s *Store, n int, settled map[int]Result) ID {
	t.Helper()
	b, _, err := s.Begin(t.Context(), testSpec(), false)
	ok(t, err)
	ok(t, s.Append(t.Context(), b.ID, 0, testEntries(0, n), settled))
	_, err = s.Seal(t.Context(), b.ID, n, n)
	ok(t, err)
	return b.ID
}

func testStore(rdb redis.UniversalClient) (*Store, *clock) {
	c := newClock()
	return New(rdb, Options{Now: c.now}), c
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func equal[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Fatalf("%s: got %v, want %v", what, got, want)
	}
}

// outcomes reads all outcomes of a batch, and checks that every job comes once, in order, with its row.
func outcomes(t testing.TB, s *Store, id ID) []Outcome {
	t.Helper()
	var all []Outcome
	for item, err := range s.Results(t.Context(), id) {
		ok(t, err)
		equal(t, "job", item.Job, len(all))
		equal(t, "row", item.Entry.Row, item.Job)
		equal(t, "cell", item.Entry.Cells[0], testEntry(item.Job).Cells[0])
		all = append(all, item.Result.Outcome)
	}
	return all
}
