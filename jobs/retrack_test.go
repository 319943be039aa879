package jobs

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"aftership-bulk/aftership"
	"aftership-bulk/aftership/sandbox"
	"aftership-bulk/batch"
)

// movedClock is the real time and some days.
type movedClock struct{ ahead atomic.Int64 }

func (c *movedClock) now() time.Time      { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *movedClock) days(n float64)      { c.ahead.Add(int64(n * 24 * float64(time.Hour))) }
func (c *movedClock) ago(n int) time.Time { return c.now().AddDate(0, 0, -n) }

const oneExpired = "tracking_number,slug\n1Z999AA10000000001,ups\n"

func expired(n int, retracks int, at time.Time) sandbox.Seed {
	return sandbox.Seed{Number: fmt.Sprintf("1Z999AA1%010d", n), Slug: "ups", Tag: "Expired", Inactive: true, Retracks: retracks, Created: at, Updated: at}
}

// expireAgain makes a tracking expire that was retracked.
func (r *rig) expireAgain(number string) {
	r.t.Helper()
	t, found := r.api.Tracking("ups", number)
	if !found {
		r.t.Fatalf("no tracking %s", number)
	}
	seeds := r.api.Trackings()
	r.api.Reset()
	for i := range seeds {
		if seeds[i].Number == t.Number {
			seeds[i].Tag, seeds[i].Subtag, seeds[i].Inactive = "Expired", "", true
		}
	}
	r.seed(seeds...)
}

// one carries out a file with one tracking, and returns its result.
func (r *rig) retrackOne(def Defaults) batch.Result {
	r.t.Helper()
	def.Country = []string{"DE", "AT", "CH", "FR", "IT", "ES", "PT", "NL", "BE"}[r.runs] // another batch, as by another day's file
	r.runs++
	id := r.accept(batch.Retrack, def, oneExpired)
	r.ended(id)
	return r.results(id)[0].Result
}

// A file, too, is retracked within limit and back-off only; what AfterShip has
// refused for good is not tried again, unless a person says so.
func TestRetracksAreLimited(t *testing.T) {
	for _, v := range []aftership.Version{aftership.V202404, aftership.V202507} {
		eachStore(t, v, sandbox.Options{RetrackLimit: 4}, func(t *testing.T, r *rig) {
			var clock movedClock
			r.opts.Now = clock.now
			r.seed(expired(1, 0, clock.ago(40)))
			r.work()
			for n := range 3 {
				if res := r.retrackOne(Defaults{}); res.Outcome != batch.Retracked {
					t.Fatalf("retrack %d: %+v", n+1, res)
				}
				r.expireAgain("1Z999AA10000000001")
				clock.days(6.9)
				if res := r.retrackOne(Defaults{}); res.Outcome != batch.Skipped || n < 2 && !strings.Contains(res.Message, "not again before") {
					t.Fatalf("after %d: %+v", n+1, res)
				}
				clock.days(0.2)
			}
			clock.days(100)
			if res := r.retrackOne(Defaults{}); res.Outcome != batch.Skipped || !strings.Contains(res.Message, "retracked 3 times already") {
				t.Fatalf("beyond the limit: %+v", res)
			}
			if res := r.retrackOne(Defaults{Force: true}); res.Outcome != batch.Retracked {
				t.Fatalf("by force: %+v", res)
			}
		})
	}
}

func TestExhaustedTrackingsAreRemembered(t *testing.T) {
	eachStore(t, aftership.V202507, sandbox.Options{}, func(t *testing.T, r *rig) {
		r.seed(expired(1, 3, created))
		r.work()
		if res := r.retrackOne(Defaults{}); res.Outcome != batch.Rejected || res.Code != 4016 {
			t.Fatalf("%+v", res)
		}
		if res := r.retrackOne(Defaults{}); res.Outcome != batch.Skipped || !strings.Contains(res.Message, "4016") {
			t.Fatalf("%+v", res)
		}
		if n := r.calls(aftership.EndpointRetrack); n != 1 {
			t.Errorf("%d calls", n)
		}
		if res := r.retrackOne(Defaults{Force: true}); res.Outcome != batch.Rejected || res.Code != 4016 {
			t.Fatalf("by force: %+v", res)
		}
	})
}

// A worker that died after it had noted a retrack, and before it recorded it.
func TestARetrackThatTheHistoryKnowsIsNotSentAgain(t *testing.T) {
	eachStore(t, aftership.V202507, sandbox.Options{}, func(t *testing.T, r *rig) {
		r.seed(expired(1, 0, created))
		id := r.take(batch.Retrack, Defaults{}, oneExpired)
		seen, _ := r.api.Tracking("ups", "1Z999AA10000000001")
		if err := r.ledger.NoteRetrack(t.Context(), "acc", []string{seen.ID}, batch.Mark(id, 0, 1), time.Now()); err != nil {
			t.Fatal(err)
		}
		r.work()
		if err := r.intake().Feed(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		r.ended(id)
		if got := r.outcomes(id); got != "retracked" {
			t.Error(got)
		}
		if n := r.calls(aftership.EndpointRetrack); n != 0 {
			t.Errorf("%d calls", n)
		}
	})
}

// Several batches that name the same trackings at once retrack each of them once.
func TestBatchesThatOverlapRetrackOnce(t *testing.T) {
	eachStore(t, aftership.V202507, sandbox.Options{}, func(t *testing.T, r *rig) {
		const rows, batches = 30, 4
		for i := range rows {
			r.seed(expired(i, 0, created))
		}
		r.work()
		r.work()
		var ids []batch.ID
		for n := range batches {
			ids = append(ids, r.accept(batch.Retrack, Defaults{Skip: n}, numbered(rows)))
		}
		counts := map[batch.Outcome]int{}
		for _, id := range ids {
			for o, n := range r.ended(id).Counts {
				counts[o] += n
			}
		}
		if counts[batch.Retracked] != rows || counts[batch.Skipped] != (batches-1)*rows {
			t.Errorf("%v", counts)
		}
		if n := r.calls(aftership.EndpointRetrack); n != rows {
			t.Errorf("%d calls for %d trackings", n, rows)
		}
	})
}

func TestRetrackPolicy(t *testing.T) {
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	p := RetrackPolicy{}.withDefaults()
	at := func(days ...int) batch.Retracks {
		h := batch.Retracks{At: map[string]time.Time{}}
		for i, d := range days {
			h.At[fmt.Sprint(i)] = now.AddDate(0, 0, -d)
		}
		return h
	}
	for _, test := range []struct {
		h    batch.Retracks
		want Why
		says string
	}{
		{batch.Retracks{}, WhyTaken, ""},
		{at(7), WhyTaken, ""},
		{at(90, 8), WhyTaken, ""},
		{at(90, 6), WhyBackoff, "retracked on 2026-11-16; not again before 2026-11-23 10:00 UTC"},
		{at(90, 60, 30), WhyLimit, "retracked 3 times already (2026-08-24, 2026-09-23, 2026-10-23), and the limit is 3"},
		{batch.Retracks{Exhausted: now}, WhyExhausted, "AfterShip said on 2026-11-22 that no retrack is left (4016)"},
	} {
		if why, text := p.Judge(test.h, now); why != test.want || text != test.says {
			t.Errorf("%v: %s %q", test.h, why, text)
		}
	}
	if got := times(1); got != "once" {
		t.Error(got)
	}
}
