package batch

import (
	"testing"

	"aftership-bulk/redisconn"
)

// The ledger in a file is the same ledger: after a reopening everything is as it was.
func TestEmbeddedLedgerIsReadBack(t *testing.T) {
	dir := t.TempDir()
	open := func() (*Store, func()) {
		e, err := redisconn.OpenEmbedded(t.Context(), redisconn.EmbeddedOptions{StateDir: dir})
		ok(t, err)
		s, _ := testStore(e.LedgerClient())
		return s, func() { ok(t, e.Close()) }
	}
	s, done := open()
	id := testBatch(t, s, 250, map[int]Result{3: {Outcome: Invalid, Message: "no number"}})
	begin(t, s, id, 5, 1)
	record(t, s, id, 6, 1, GaveUp)
	begin(t, s, id, 7, 1)
	record(t, s, id, 7, 1, Created)
	_, err := s.Reopen(t.Context(), id, GaveUp)
	ok(t, err)
	_, err = s.Stop(t.Context(), "acme", "", "key refused", 401)
	ok(t, err)
	before, err := s.Get(t.Context(), id)
	ok(t, err)
	done()

	s, done = open()
	defer done()
	after, err := s.Get(t.Context(), id)
	ok(t, err)
	equal(t, "total", after.Total, before.Total)
	equal(t, "done", after.Done, before.Done)
	ok(t, s.Audit(t.Context(), id))
	equal(t, "begins", look(t, s, id, 5, 1).Begins, 1)
	equal(t, "round", look(t, s, id, 6, 2).Round, 2)
	all := outcomes(t, s, id)
	equal(t, "7", all[7], Created)
	equal(t, "3", all[3], Invalid)
	stops, err := s.Stops(t.Context(), "acme")
	ok(t, err)
	equal(t, "stops", len(stops), 1)
	_, err = s.Cancel(t.Context(), id)
	ok(t, err)
	equal(t, "5 has begun", outcomes(t, s, id)[5], Pending)
	ok(t, s.Purge(t.Context(), id))
}
