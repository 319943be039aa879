package batch

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"aftership-bulk/internal/redistest"
)

func TestNotice(t *testing.T) {
	redistest.Both(t, func(t *testing.T, rdb redis.UniversalClient) {
		s, _ := testStore(rdb)
		ctx := t.Context()
		got, err := s.Notice(ctx, "acme", "e1", "slack")
		ok(t, err)
		equal(t, "at first", got, Notice{})
		ok(t, s.NoticeFailed(ctx, "acme", "e1", "slack"))
		ok(t, s.NoticeFailed(ctx, "acme", "e1", "slack"))
		ok(t, s.NoticeDone(ctx, "acme", "e1", "mail"))
		for channel, want := range map[string]Notice{"slack": {Tries: 2}, "mail": {Done: true}, "webhook": {}} {
			got, err := s.Notice(ctx, "acme", "e1", channel)
			ok(t, err)
			equal(t, channel, got, want)
		}
		other, err := s.Notice(ctx, "acme", "e2", "mail")
		ok(t, err)
		equal(t, "another event", other, Notice{})
		left, err := rdb.TTL(ctx, noticeKey("acme", "e1")).Result()
		ok(t, err)
		if left < noticeKept-time.Hour || left > noticeKept {
			t.Errorf("it is kept for %s", left)
		}
	})
}

// Each end of a batch has a mark of its own, and what was told is remembered.
func TestEndMark(t *testing.T) {
	redistest.Both(t, func(t *testing.T, rdb redis.UniversalClient) {
		s, c := testStore(rdb)
		id := budgeted(t, s, "0", 3, 0)
		mark := func() string {
			t.Helper()
			b, err := s.Get(t.Context(), id)
			ok(t, err)
			return b.EndMark()
		}
		equal(t, "at first", mark(), "")
		recordAll(t, s, id, 0, 1, each(1, Rejected))
		stopped := mark()
		equal(t, "stopped", stopped, "stopped.1795341600000")
		ok(t, s.MarkTold(t.Context(), id, stopped))
		b, err := s.Get(t.Context(), id)
		ok(t, err)
		equal(t, "told", b.Told, stopped)
		ok(t, s.Resume(t.Context(), id))
		equal(t, "going on", mark(), "")
		c.at = c.at.Add(time.Minute)
		recordAll(t, s, id, 1, 3, each(1, Created))
		first := mark()
		equal(t, "finished", first, "finished.1795341660000")
		_, err = s.Reopen(t.Context(), id, Rejected)
		ok(t, err)
		equal(t, "opened again", mark(), "")
		c.at = c.at.Add(time.Minute)
		_, err = s.Record(t.Context(), id, 0, 2, Result{Outcome: Created})
		ok(t, err)
		if again := mark(); again == first || again == "" {
			t.Errorf("the second end is %q, the first was %q", again, first)
		}
	})
}
