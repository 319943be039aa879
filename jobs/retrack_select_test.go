package jobs

import (
	"context"
	"encoding/csv"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"aftership-bulk/aftership"
	"aftership-bulk/aftership/sandbox"
	"aftership-bulk/batch"
	"aftership-bulk/internal/redistest"
	"aftership-bulk/sheet"
)

// listed is an expired tracking as the list shows it.
func listed(n int, at time.Time) aftership.Tracking {
	t := aftership.Tracking{Tag: aftership.TagExpired, CreatedAt: at, UpdatedAt: at.AddDate(0, 0, 1)}
	t.ID, t.TrackingNumber, t.Slug = fmt.Sprint("id", n), fmt.Sprintf("1Z999AA1%010d", n), "ups"
	return t
}

// choose runs a selection over pages, and returns it settled.
func choose(t *testing.T, s *Selection, pages ...[]aftership.Tracking) *Selection {
	t.Helper()
	if err := s.Begin(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, page := range pages {
		if err := s.Add(t.Context(), page); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// whys are the reasons by id, and ids those that are taken, in order.
func whys(t *testing.T, s *Selection) (reasons map[string]Why, ids []string) {
	t.Helper()
	reasons = map[string]Why{}
	n := 0
	for c, err := range s.All() {
		if err != nil {
			t.Fatal(err)
		}
		n++
		if _, before := reasons[c.ID]; !before || c.Why != WhyRepeat {
			reasons[c.ID] = c.Why
		}
		if c.Why == WhyTaken {
			ids = append(ids, c.ID)
		}
		if c.Text == "" {
			t.Errorf("%s is %s without a word", c.ID, c.Why)
		}
	}
	sum := 0
	for _, n := range s.Counts() {
		sum += n
	}
	if n != s.Listed() || sum != n || s.Counts()[WhyTaken] != len(ids) {
		t.Errorf("%d shown, %d listed, counts %v", n, s.Listed(), s.Counts())
	}
	return reasons, ids
}

func TestEveryReason(t *testing.T) {
	redistest.Both(t, func(t *testing.T, rdb redis.UniversalClient) {
		t.Parallel()
		ctx, now := t.Context(), time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
		ledger := batch.New(rdb, batch.Options{})
		var page []aftership.Tracking
		for n := range 9 {
			page = append(page, listed(n, now.AddDate(0, 0, -60+n)))
		}
		page[3].Active = true
		page[5].UpdatedAt = now.AddDate(0, 0, -1)
		page = append(page, page[0])
		note := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		note(ledger.NoteExhausted(ctx, "acc", []string{"id0"}, now))
		for i := range 3 {
			note(ledger.NoteRetrack(ctx, "acc", []string{"ups/1Z999AA10000000001"}, fmt.Sprint(i), now.AddDate(0, 0, -50)))
		}
		note(ledger.NoteRetrack(ctx, "acc", []string{"id2"}, "m", now.AddDate(0, 0, -6)))
		excluded := &Exclusion{names: map[uint64]struct{}{numberHash("1z999aa10000000004"): {}}}
		s := Selection{Ledger: ledger, Redis: rdb, Account: "acc", MinDays: 2, Policy: RetrackPolicy{PerDay: 2}, Limit: 1, Excluded: excluded, Now: now}
		dry := s
		dry.Dry = true
		want := map[string]Why{"id0": WhyExhausted, "id1": WhyLimit, "id2": WhyBackoff, "id3": WhyActive, "id4": WhyExcluded, "id5": WhyYoung,
			"id6": WhyTaken, "id7": WhyRows, "id8": WhyRows}
		for range 2 { // a dry run changes nothing, so that the next one says the same
			if got, _ := whys(t, choose(t, &dry, page[:4], page[4:])); !maps.Equal(got, want) {
				t.Errorf("dry: %v", got)
			}
			dry = s
			dry.Dry = true
		}
		s.Limit = 0
		want["id7"], want["id8"] = WhyTaken, WhyShare
		again := s
		got, _ := whys(t, choose(t, &s, page))
		if !maps.Equal(got, want) || s.Counts()[WhyRepeat] != 1 {
			t.Errorf("%v %v", got, s.Counts())
		}
		again.Force, again.Policy.PerDay = true, 0
		got, _ = whys(t, choose(t, &again, page))
		if got["id0"] != WhyTaken || got["id1"] != WhyTaken || got["id2"] != WhyTaken || got["id3"] != WhyActive {
			t.Errorf("by force: %v", got)
		}
	})
}

// Since when a shipment is expired: webhooks before our own first sight before
// what the list says; and nothing that is older than the last retrack.
func TestExpiredSince(t *testing.T) {
	redistest.Both(t, func(t *testing.T, rdb redis.UniversalClient) {
		t.Parallel()
		ctx, now := t.Context(), time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
		ledger := batch.New(rdb, batch.Options{})
		tell := func(id string, n int, tag aftership.Tag, days int) {
			t.Helper()
			e := event(id, n, tag)
			e.Tracking.ID, e.Tracking.TrackingNumber, e.Tracking.LegacyID = fmt.Sprint("id", n), "", ""
			u := newUpdate("acc", e)
			u.At = now.AddDate(0, 0, -days)
			if _, err := keepState(ctx, rdb, u); err != nil {
				t.Fatal(err)
			}
		}
		check := func(n int, updated int, want int) {
			t.Helper()
			tr := listed(n, now.AddDate(0, 0, -100))
			tr.UpdatedAt = now.AddDate(0, 0, -updated)
			s := choose(t, &Selection{Ledger: ledger, Redis: rdb, Account: "acc", Now: now}, []aftership.Tracking{tr})
			for c := range s.All() {
				if got := Days(now.Sub(c.Since)); got != want {
					t.Errorf("id%d is expired for %d days, want %d", n, got, want)
				}
			}
		}
		check(1, 20, 20)
		check(1, 3, 20) // its title was changed since
		if err := ledger.NoteRetrack(ctx, "acc", []string{"id1"}, "m", now.AddDate(0, 0, -15)); err != nil {
			t.Fatal(err)
		}
		check(1, 2, 2)
		tell("e1", 2, aftership.TagInTransit, 40)
		tell("e2", 2, aftership.TagExpired, 30)
		tell("e3", 2, aftership.TagExpired, 10) // still expired: another event of it
		check(2, 5, 30)
		tell("e4", 2, aftership.TagInTransit, 4)
		tell("e5", 2, aftership.TagExpired, 3)
		check(2, 3, 3)
		if err := ledger.NoteRetrack(ctx, "acc", []string{"id2"}, "m", now.AddDate(0, 0, -2)); err != nil {
			t.Fatal(err)
		}
		check(2, 1, 1)
	})
}

// For whatever was listed, in whatever pages: the order is that of creation, limit
// and share are kept, nothing is taken that the history forbids, and nothing is
// left that could be taken.
func TestSelections(t *testing.T) {
	redistest.Both(t, func(t *testing.T, rdb redis.UniversalClient) {
		t.Parallel()
		runs := 20
		if strings.HasSuffix(t.Name(), "/miniredis") { // whose scripts are slow under the race detector
			runs = 6
		}
		for run := range runs {
			now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC).AddDate(0, 0, run)
			account := fmt.Sprint("acc", run)
			ledger := batch.New(rdb, batch.Options{})
			free, created := map[string]bool{}, map[string]time.Time{}
			var pages [][]aftership.Tracking
			var exhausted []string
			for n := range rand.N(500) {
				tr := listed(n, now.Add(-time.Duration(rand.N(100*24))*time.Hour))
				created[tr.ID], free[tr.ID] = tr.CreatedAt, rand.N(4) > 0
				if !free[tr.ID] {
					exhausted = append(exhausted, tr.ID)
				}
				if n%150 == 0 {
					pages = append(pages, nil)
				}
				pages[len(pages)-1] = append(pages[len(pages)-1], tr)
			}
			if err := ledger.NoteExhausted(t.Context(), account, exhausted, now); err != nil {
				t.Fatal(err)
			}
			s := &Selection{Ledger: ledger, Account: account, Now: now, Limit: rand.N(3) * rand.N(300), Policy: RetrackPolicy{PerDay: rand.N(3) * rand.N(300)}, Newest: run%2 == 0, Dry: run%3 == 0}
			most := len(created)
			for _, bound := range []int{s.Limit, s.Policy.PerDay} {
				if bound > 0 {
					most = min(most, bound)
				}
			}
			_, ids := whys(t, choose(t, s, pages...))
			can := 0
			for _, ok := range free {
				if ok {
					can++
				}
			}
			if len(ids) != min(most, can) {
				t.Errorf("%d taken of %d, limit %d, share %d", len(ids), can, s.Limit, s.Policy.PerDay)
			}
			for i, id := range ids {
				if !free[id] {
					t.Errorf("%s has no retrack left, and was taken", id)
				}
				if i > 0 && created[ids[i-1]].Compare(created[id]) == map[bool]int{true: -1, false: 1}[s.Newest] {
					t.Errorf("%s comes before %s", ids[i-1], id)
				}
			}
		}
	})
}

func TestExclude(t *testing.T) {
	exclude := func(text string) (*Exclusion, error) {
		t.Helper()
		path := filepath.Join(t.TempDir(), "sheet.csv")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		sh, err := sheet.Open(t.Context(), path, nil, sheet.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer sh.Close()
		m, _, err := sheet.Map(sh.Header, Columns())
		if err != nil {
			t.Fatal(err)
		}
		return Plan{Operation: batch.Retrack, Version: aftership.V202507, Mapping: m}.Exclude(t.Context(), sh)
	}
	e, err := exclude("tracking_number,id\n1z999aa10000000001,\n,id2\n1Z999AA10000000003,id33\n")
	if err != nil || e.Rows != 3 {
		t.Fatal(e, err)
	}
	at := time.Now()
	for n, want := range []bool{false, true, true, true, false} {
		if tr := listed(n, at); e.Has(&tr) != want {
			t.Errorf("id%d: %t", n, !want)
		}
	}
	legacy := listed(9, at)
	legacy.LegacyID = "id2"
	if !e.Has(&legacy) {
		t.Error("by its older id")
	}
	if _, err := exclude("tracking_number\n1Z999AA10000000001\n9.40551E+21\n"); err == nil || !strings.Contains(err.Error(), "line 3") {
		t.Error(err)
	}
}

// nights is a run of many days with their nightly retracks.
type nights struct {
	*rig
	clock  movedClock
	policy RetrackPolicy
	perDay int
	taken  map[string][]string // trackings by day
}

// A crowd of expired shipments, some of them exhausted, is retracked over days:
// never more in a day than its share, nobody twice within the back-off or beyond
// the limit, and nobody left out. Some nights are broken off and run again.
func TestExpiredShipmentsOverDays(t *testing.T) {
	for _, perDay := range []int{12, 0} { // the store's part is tried on miniredis by TestSelections
		t.Run(fmt.Sprint(perDay), func(t *testing.T) {
			newRig(t, redistest.Client(t), aftership.V202507, sandbox.Options{RetrackLimit: 5, ExpireAfter: 5 * 24 * time.Hour}).nights(perDay)
		})
	}
}

func (r *rig) nights(perDay int) {
	const shipments, exhausted, days = 40, 7, 26
	n := &nights{rig: r, policy: RetrackPolicy{Limit: 3, Backoff: 6 * 24 * time.Hour, PerDay: perDay}, perDay: perDay, taken: map[string][]string{}}
	for i := range shipments {
		used := 0
		if i < exhausted {
			used = 5
		}
		r.seed(expired(i, used, n.clock.ago(40)))
	}
	r.opts.Now, r.opts.Retrack = n.clock.now, n.policy
	r.ledger = batch.New(r.rdb, batch.Options{Now: n.clock.now})
	r.work()
	for d := range days {
		n.night(d)
		n.clock.days(1)
		if err := r.api.Change(func(o *sandbox.Options) { o.ClockOffset = time.Duration(n.clock.ahead.Load()) }); err != nil {
			r.t.Fatal(err)
		}
	}
	n.judge(shipments, exhausted)
}

// night is one night's retracks, by what enqueue does.
func (n *nights) night(d int) {
	n.t.Helper()
	s := n.selection()
	if d%5 == 4 {
		s = n.selection() // the one before died when it had chosen
	}
	ids := n.sheet(s, d)
	if len(ids) == 0 {
		return
	}
	id := n.accept(batch.Retrack, Defaults{}, n.text(ids, d))
	n.ended(id)
	n.taken[onDay(n.clock.now())] = ids
}

func (n *nights) selection() *Selection {
	n.t.Helper()
	s := &Selection{Ledger: n.ledger, Redis: n.rdb, Account: "acc", Policy: n.policy, Now: n.clock.now()}
	var all []aftership.Tracking
	account := n.account()
	defer account.Close()
	f := aftership.Filter{Tag: aftership.TagExpired, CreatedMin: s.Now.Add(-aftership.MaxListAge), CreatedMax: s.Now}
	for t, err := range account.Client.With(account.Limiter(batch.Nightly, "list")).List(context.Background(), f) {
		if err != nil {
			n.t.Fatal(err)
		}
		all = append(all, t)
	}
	return choose(n.t, s, all)
}

func (n *nights) sheet(s *Selection, d int) (ids []string) {
	_, ids = whys(n.t, s)
	return ids
}

func (n *nights) text(ids []string, d int) string {
	var text strings.Builder
	w := csv.NewWriter(&text)
	_ = w.Write([]string{"id", "night"})
	for _, id := range ids {
		_ = w.Write([]string{id, strconv.Itoa(d)})
	}
	w.Flush()
	return text.String()
}

// judge reads the sandbox' log.
func (n *nights) judge(shipments, exhausted int) {
	n.t.Helper()
	done, refused := map[string][]time.Time{}, map[string]int{}
	for _, c := range n.api.Calls() {
		switch {
		case c.Endpoint != aftership.EndpointRetrack:
		case c.Code == 200:
			done[c.ID] = append(done[c.ID], c.At)
		default:
			refused[c.ID]++
			if c.Code != 4016 {
				n.t.Errorf("%s was refused with %d", c.ID, c.Code)
			}
		}
	}
	for id, at := range done {
		if len(at) != n.policy.Limit {
			n.t.Errorf("%s was retracked %d times", id, len(at))
		}
		for i := 1; i < len(at); i++ {
			if at[i].Sub(at[i-1]) < n.policy.Backoff {
				n.t.Errorf("%s was retracked twice within %s", id, at[i].Sub(at[i-1]))
			}
		}
	}
	for id, times := range refused {
		if times != 1 {
			n.t.Errorf("%s was refused %d times", id, times)
		}
	}
	if len(done) != shipments-exhausted || len(refused) != exhausted {
		n.t.Errorf("%d of %d retracked, %d refused for good", len(done), shipments-exhausted, len(refused))
	}
	for d, ids := range n.taken {
		if n.perDay > 0 && len(ids) > n.perDay || len(slices.Compact(slices.Sorted(slices.Values(ids)))) != len(ids) {
			n.t.Errorf("%s: %d", d, len(ids))
		}
	}
}
