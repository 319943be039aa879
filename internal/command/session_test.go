package command

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"aftership-bulk/batch"
	"aftership-bulk/redisconn"
)

// testSession is a session over a state directory, at a time that tests move.
type testSession struct {
	*session
	t   *testing.T
	dir string
	at  time.Time
}

func newTestSession(t *testing.T) *testSession {
	t.Helper()
	s := &testSession{t: t, dir: t.TempDir(), at: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)}
	s.open()
	t.Cleanup(func() { s.close() })
	return s
}

func (s *testSession) open() {
	s.t.Helper()
	e, err := redisconn.OpenEmbedded(s.t.Context(), redisconn.EmbeddedOptions{StateDir: s.dir})
	s.no(err)
	s.session = &session{
		embedded: e, ledger: batch.New(e.LedgerClient(), batch.Options{Now: func() time.Time { return s.at }}),
		log: slog.New(slog.NewTextHandler(failing{s.t}, nil)), closers: []func(){func() { _ = e.Close() }},
	}
}

// failing is a log that must stay empty.
type failing struct{ t *testing.T }

func (f failing) Write(p []byte) (int, error) {
	f.t.Errorf("logged: %s", p)
	return len(p), nil
}

func (s *testSession) no(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// batch makes a batch of n rows, the first done of them with their result.
func (s *testSession) batch(name string, n, done int) batch.Batch {
	s.t.Helper()
	b, _, err := s.ledger.Begin(s.t.Context(), batch.Spec{
		Identity: name, Operation: batch.Create, Account: "acme", Source: name, Priority: batch.Upload,
		Header: []string{"tracking_number"}, Fields: []string{"tracking_number"},
	}, false)
	s.no(err)
	entries := make([]batch.Entry, n)
	for i := range entries {
		entries[i] = batch.Entry{Row: i, Line: i + 2, Cells: []string{name + strconv.Itoa(i)}}
	}
	s.no(s.ledger.Append(s.t.Context(), b.ID, 0, entries, nil))
	_, err = s.ledger.Seal(s.t.Context(), b.ID, n, n)
	s.no(err)
	for job := range done {
		_, err := s.ledger.MarkBegin(s.t.Context(), b.ID, job, 1)
		s.no(err)
		_, err = s.ledger.Record(s.t.Context(), b.ID, job, 1, batch.Result{Outcome: batch.Created, At: s.at, TrackingID: strconv.Itoa(job)})
		s.no(err)
	}
	b, err = s.ledger.Get(s.t.Context(), b.ID)
	s.no(err)
	return b
}

// size is that of a batch's log, -1 if there is none.
func (s *testSession) size(id batch.ID) int64 {
	info, err := os.Stat(filepath.Join(s.dir, "ledger", id+".log"))
	if errors.Is(err, os.ErrNotExist) {
		return -1
	}
	s.no(err)
	return info.Size()
}

func (s *testSession) rows(id batch.ID) (n int, err error) {
	for _, err := range s.ledger.Results(s.t.Context(), id) {
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

func TestFinishedLogsAreCompacted(t *testing.T) {
	s := newTestSession(t)
	b := s.batch("done", 500, 500)
	open := s.batch("open", 500, 499)
	before, openBefore := s.size(b.ID), s.size(open.ID)
	s.compact(t.Context(), b)
	s.compact(t.Context(), open)
	if after := s.size(b.ID); after <= 0 || after*2 > before {
		t.Errorf("%d bytes of %d", after, before)
	}
	if after := s.size(open.ID); after != openBefore {
		t.Errorf("an unfinished batch: %d bytes of %d", after, openBefore)
	}
	s.close()
	s.open()
	if n, err := s.rows(b.ID); n != 500 || err != nil {
		t.Errorf("%d rows, %v", n, err)
	}
	s.no(s.ledger.Audit(t.Context(), b.ID))
}

// What has outlived its retention leaves the state directory, and what an interrupted removal left behind.
func TestTidy(t *testing.T) {
	s := newTestSession(t)
	old, half := s.batch("old", 300, 300), s.batch("half", 300, 300)
	open := s.batch("open", 300, 10)
	s.compact(t.Context(), old)
	s.no(s.ledger.Purge(t.Context(), half.ID)) // and the process was killed before its log went
	strange := filepath.Join(s.dir, "ledger", "damaged.log")
	s.no(os.WriteFile(strange, []byte("this is no log of ours, and not ours to delete"), 0o600))
	s.tidy(t.Context())
	if s.size(half.ID) != -1 {
		t.Error("the log of a purged batch is still there")
	}
	if n, err := s.rows(old.ID); n != 300 || err != nil {
		t.Fatalf("%d rows, %v", n, err)
	}
	before := s.size(old.ID)
	s.at = s.at.Add(15 * 24 * time.Hour)
	s.tidy(t.Context())
	if after := s.size(old.ID); after <= 0 || after*2 > before {
		t.Errorf("without its rows the log has %d bytes of %d", after, before)
	}
	if _, err := s.rows(old.ID); !errors.Is(err, batch.ErrTrimmed) {
		t.Error(err)
	}
	s.at = s.at.Add(90 * 24 * time.Hour)
	s.tidy(t.Context())
	if s.size(old.ID) != -1 {
		t.Error("the log of a batch beyond its retention is still there")
	}
	if n, err := s.rows(open.ID); n != 300 || err != nil {
		t.Errorf("an unfinished batch: %d rows, %v", n, err)
	}
	if _, err := os.Stat(strange); err != nil {
		t.Error(err)
	}
}

// A run that stood still and lost its lock sends nothing more, and what it has put together waits for a person.
func TestLostLock(t *testing.T) {
	s := newTestSession(t)
	c := &cli{ui: newUI(io.Discard, io.Discard, nil)}
	c.imp.name = "nightly"
	r := batch.LockRequest{Account: "acme", Operation: batch.Create, Name: "nightly", Who: "one"}
	var b batch.Batch
	err := c.underLock(t.Context(), s.session, []batch.LockRequest{r}, func(ctx context.Context) error {
		b = s.batch("mine", 3, 0)
		s.no(s.attach(ctx, b.ID))
		s.no(s.keeps(ctx, b))
		_, err := s.ledger.Lock(ctx, batch.LockRequest{Account: "acme", Operation: batch.Create, Name: "nightly", Who: "two", Alone: true})
		s.no(err)
		return s.keeps(ctx, b)
	})
	if exitCode(err) != exitLocked || !errors.Is(err, batch.ErrLockLost) {
		t.Fatal(err)
	}
	b, err = s.ledger.Get(t.Context(), b.ID)
	s.no(err)
	if b.State != batch.Paused {
		t.Error(b.State)
	}
	r.Who = "three"
	err = c.underLock(t.Context(), s.session, []batch.LockRequest{r}, func(context.Context) error {
		t.Error("ran beside the other")
		return nil
	})
	held, ok := errors.AsType[*batch.LockedError](err)
	if !ok || held.Who != "two" || exitCode(err) != exitLocked {
		t.Error(err)
	}
}

// What is done under a lock ends when the lock is lost in the middle.
func TestLostLockEndsTheWork(t *testing.T) {
	h := &held{}
	err := h.during(t.Context(), func(ctx context.Context) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	s := newTestSession(t)
	l, err := s.ledger.Lock(t.Context(), batch.LockRequest{Account: "acme", Operation: batch.Create})
	s.no(err)
	_, err = s.ledger.Lock(t.Context(), batch.LockRequest{Account: "acme", Operation: batch.Create, Alone: true})
	s.no(err)
	h = &held{locks: []*batch.Lock{l}, every: time.Millisecond}
	err = h.during(t.Context(), func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	})
	if exitCode(err) != exitLocked {
		t.Error(err)
	}
}
