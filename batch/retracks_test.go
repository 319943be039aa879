package batch

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"aftership-bulk/redisconn"
)

func history(t testing.TB, s *Store, names ...string) Retracks {
	t.Helper()
	all, err := s.Retracks(t.Context(), "acme", [][]string{names})
	ok(t, err)
	return all[0]
}

func TestRetracksAreRememberedOnce(t *testing.T) {
	both(t, func(t *testing.T, s *Store, c *clock) {
		ctx := t.Context()
		id, number := "abc", "ups/1Z{1}"
		equal(t, "nothing yet", history(t, s, id, number).Last(), time.Time{})
		first := c.at.Add(-time.Hour)
		ok(t, s.NoteExpired(ctx, "acme", []Sight{{id, first}}))
		ok(t, s.NoteExpired(ctx, "acme", []Sight{{id, c.at}})) // a later sight is no first one
		equal(t, "expired", history(t, s, number, id).Expired, first)
		for range 3 { // a crash repeats it
			ok(t, s.NoteRetrack(ctx, "acme", []string{id, number}, Mark("b1", 7, 1), c.at))
		}
		equal(t, "retracks", len(history(t, s, id, number).At), 1)
		equal(t, "by its number", history(t, s, number).At["b1:7:1"], c.at)
		equal(t, "expired is over", history(t, s, id).Expired, time.Time{})
		ok(t, s.NoteExpired(ctx, "acme", []Sight{{id, c.at.AddDate(0, 0, 30)}}))
		ok(t, s.NoteRetrack(ctx, "acme", []string{id, number}, Mark("b1", 7, 1), c.at)) // late: it must not end the new expiry
		equal(t, "expired again", history(t, s, id).Expired, c.at.AddDate(0, 0, 30))
		ok(t, s.NoteRetrack(ctx, "acme", []string{number}, Mark("b2", 7, 1), c.at.Add(time.Hour)))
		got := history(t, s, id, number)
		equal(t, "both", slices.Equal(got.Times(), []time.Time{c.at, c.at.Add(time.Hour)}), true)
		equal(t, "last", got.Last(), c.at.Add(time.Hour))
		ok(t, s.NoteExhausted(ctx, "acme", []string{id}, c.at))
		ok(t, s.NoteExhausted(ctx, "acme", []string{id}, c.at.Add(time.Hour)))
		equal(t, "exhausted", history(t, s, id).Exhausted, c.at)
		others, err := s.Retracks(ctx, "another", [][]string{{id}})
		ok(t, err)
		equal(t, "of another account", len(others[0].At), 0)
	})
}

// A first sight has the shorter retention, and never shortens that of a retrack.
func TestHistoriesAreKeptForAWhile(t *testing.T) {
	both(t, func(t *testing.T, s *Store, c *clock) {
		ctx, key := t.Context(), historyKey("acme", "abc")
		left := func(want time.Duration) {
			t.Helper()
			d, err := s.rdb.PTTL(ctx, key).Result()
			ok(t, err)
			if d > want || d < want-time.Minute {
				t.Errorf("kept for %s, want %s", d, want)
			}
		}
		ok(t, s.NoteExpired(ctx, "acme", []Sight{{"abc", c.at}}))
		left(SightsKept)
		ok(t, s.NoteRetrack(ctx, "acme", []string{"abc"}, "m", c.at))
		left(RetracksKept)
		ok(t, s.NoteExpired(ctx, "acme", []Sight{{"abc", c.at}}))
		left(RetracksKept)
		_, err := s.TakeForDay(ctx, "acme", c.at, 5, []string{"abc"})
		ok(t, err)
		key = shareKey("acme", c.at)
		left(shareKept)
	})
}

func TestHistoriesOfManyTrackings(t *testing.T) {
	both(t, func(t *testing.T, s *Store, c *clock) {
		const n = 2*historyPage + 7
		var names [][]string
		var seen []Sight
		for i := range n {
			names = append(names, []string{fmt.Sprint("id", i)})
			seen = append(seen, Sight{fmt.Sprint("id", i), c.at.Add(time.Duration(i) * time.Second)})
		}
		ok(t, s.NoteExpired(t.Context(), "acme", seen))
		all, err := s.Retracks(t.Context(), "acme", names)
		ok(t, err)
		for i, h := range all {
			equal(t, names[i][0], h.Expired, seen[i].Since)
		}
	})
}

// Whoever asks for whatever, how often and in which order: a day's share is never larger than it may be, never smaller than
// what was asked for, and who is in it stays in it.
func TestADaysShare(t *testing.T) {
	both(t, func(t *testing.T, s *Store, c *clock) {
		ctx := t.Context()
		for range 5 {
			c.at = c.at.AddDate(0, 0, 1)
			most, in, asked := 1+rand.N(300), map[string]bool{}, map[string]bool{}
			for range 6 {
				var some []string
				for range rand.N(300) {
					some = append(some, fmt.Sprint("id", rand.N(500)))
				}
				slices.Sort(some)
				some = slices.Compact(some)
				before, has, err := s.TakenOnDay(ctx, "acme", c.at, some)
				ok(t, err)
				taken, err := s.TakeForDay(ctx, "acme", c.at, most, some)
				ok(t, err)
				equal(t, "in the share", before, len(in))
				for i, id := range some {
					asked[id] = true
					equal(t, "in it before", has[i], in[id])
					if in[id] && !taken[i] {
						t.Errorf("%s was in the share, and is not", id)
					}
					if taken[i] {
						in[id] = true
					}
				}
			}
			equal(t, "share", len(in), min(most, len(asked)))
		}
	})
}

// Without Redis the histories are there after the next start.
func TestEmbeddedHistoriesAreReadBack(t *testing.T) {
	dir := t.TempDir()
	open := func() (*Store, *clock, func()) {
		e, err := redisconn.OpenEmbedded(t.Context(), redisconn.EmbeddedOptions{StateDir: dir})
		ok(t, err)
		s, c := testStore(e.LedgerClient())
		return s, c, func() { ok(t, e.Close()) }
	}
	s, c, done := open()
	ok(t, s.NoteRetrack(t.Context(), "acme", []string{"abc"}, "m", c.at))
	ok(t, s.NoteExhausted(t.Context(), "acme", []string{"abc"}, c.at))
	_, err := s.TakeForDay(t.Context(), "acme", c.at, 1, []string{"abc"})
	ok(t, err)
	done()
	s, c, done = open()
	defer done()
	h := history(t, s, "abc")
	equal(t, "retracked", h.At["m"], c.at)
	equal(t, "exhausted", h.Exhausted, c.at)
	taken, err := s.TakeForDay(t.Context(), "acme", c.at, 1, []string{"abc", "def"})
	ok(t, err)
	equal(t, "share", fmt.Sprint(taken), "[true false]")
}
