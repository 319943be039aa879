package jobs

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"pgregory.net/rapid"

	"aftership-bulk/aftership"
	"aftership-bulk/aftership/sandbox"
	"aftership-bulk/batch"
	"aftership-bulk/internal/redistest"
)

// sent lists what the sandbox was sent for an endpoint, by number.
func (r *rig) sent(e aftership.Endpoint) map[string]map[string]any {
	r.t.Helper()
	bodies := map[string]map[string]any{}
	for _, c := range r.api.Calls() {
		if c.Endpoint != e {
			continue
		}
		body := map[string]any{}
		if err := json.Unmarshal(c.Body, &body); err != nil {
			r.t.Fatal(err)
		}
		if inner, ok := body["tracking"].(map[string]any); ok {
			body = inner
		}
		bodies[c.Number] = body
	}
	return bodies
}

// A sync creates what is not there, sends what differs, and leaves the rest: in
// every era of versions, with one look-up.
func TestSyncInEveryEra(t *testing.T) {
	for _, v := range []aftership.Version{aftership.V4, aftership.V202404, aftership.V202407, aftership.V202501, aftership.V202507, aftership.V202607} {
		t.Run(string(v), func(t *testing.T) {
			r := newRig(t, redistest.Client(t), v, sandbox.Options{LogBodies: true})
			r.seed(
				sandbox.Seed{Slug: "ups", Number: "1Z999AA10000000001", Created: created, Fields: map[string]any{"title": "Same", "order_id": "A1"}},
				sandbox.Seed{Slug: "ups", Number: "1Z999AA10000000002", Created: created, Fields: map[string]any{"title": "Old", "order_id": "A2"}},
				sandbox.Seed{Slug: "dhl", Number: "1Z999AA10000000004", Created: created},
				sandbox.Seed{Slug: "ups", Number: "1Z999AA10000000005", Created: created},
				sandbox.Seed{Slug: "dhl", Number: "1Z999AA10000000005", Created: created},
			)
			r.work()
			id := r.accept(batch.Sync, Defaults{}, "tracking_number,slug,title,order_id\n"+
				"1z999aa10000000001,ups,Same,A1\n"+ // nothing to do
				"1Z999AA10000000002,ups,New,A2\n"+ // one field differs
				"1Z999AA10000000003,ups,Fresh,A3\n"+ // not there
				"1Z999AA10000000004,ups,Else,A4\n"+ // another courier's
				"1Z999AA10000000005,,Two,A5\n") // of two couriers
			b := r.ended(id)
			if got := r.outcomes(id); got != "already updated created rejected rejected" {
				t.Fatalf("%s: %+v", got, r.results(id))
			}
			if b.Version != operationVersion {
				t.Errorf("the batch has version %d", b.Version)
			}
			if res := r.results(id)[0].Result; res.TrackingID == "" || res.Slug != "ups" || res.Message != "AfterShip has it as the row says" {
				t.Errorf("already: %+v", res)
			}
			if got := r.sent(aftership.EndpointUpdate); len(got) != 1 || len(got["1Z999AA10000000002"]) != 1 || got["1Z999AA10000000002"]["title"] != "New" {
				t.Errorf("updates: %v", got)
			}
			if l, c := r.calls(aftership.EndpointList), r.calls(aftership.EndpointCreate); l != 1 || c != 1 {
				t.Errorf("%d look-ups, %d creates", l, c)
			}
			// Once more: nothing is left to do but for the two that a person must look at.
			again := r.take(batch.Sync, Defaults{Limit: 10}, "tracking_number,slug,title,order_id\n1Z999AA10000000001,ups,Same,A1\n1Z999AA10000000002,ups,New,A2\n1Z999AA10000000003,ups,Fresh,A3\n")
			if err := r.intake().Feed(t.Context(), again); err != nil {
				t.Fatal(err)
			}
			r.ended(again)
			if got := r.outcomes(again); got != "already already already" {
				t.Errorf("again: %s: %+v", got, r.results(again))
			}
		})
	}
}

// What the list does not show and AfterShip has is met by the create: it is read,
// and what differs is sent.
func TestSyncOfWhatTheListDoesNotShow(t *testing.T) {
	old := created.AddDate(-1, 0, 0)
	for _, v := range []aftership.Version{aftership.V202404, aftership.V202507} {
		redistest.Both(t, func(t *testing.T, rdb redis.UniversalClient) {
			r := newRig(t, rdb, v, sandbox.Options{LogBodies: true})
			r.seed(
				sandbox.Seed{Slug: "ups", Number: "1Z999AA10000000001", Created: old, Fields: map[string]any{"title": "Same"}},
				sandbox.Seed{Slug: "ups", Number: "1Z999AA10000000002", Created: old, Fields: map[string]any{"title": "Old", "note": "x"}},
			)
			r.work()
			id := r.accept(batch.Sync, Defaults{}, "tracking_number,slug,title,note\n1Z999AA10000000001,ups,Same,\n1Z999AA10000000002,ups,New,x\n")
			r.ended(id)
			if got := r.outcomes(id); got != "already updated" {
				t.Fatalf("%s: %+v", got, r.results(id))
			}
			for _, item := range r.results(id) {
				if item.Result.Ambiguous || item.Result.Attempts != 1 {
					t.Errorf("%+v", item.Result)
				}
			}
			if got := r.sent(aftership.EndpointUpdate)["1Z999AA10000000002"]; len(got) != 1 {
				t.Errorf("sent %v", got)
			}
		})
	}
}

// Failures on the way are attempts, and none of them makes a row untrue.
func TestSyncThroughFaults(t *testing.T) {
	eachStore(t, aftership.V202507, sandbox.Options{}, func(t *testing.T, r *rig) {
		var rows strings.Builder
		rows.WriteString("tracking_number,slug,title\n")
		for i := range 30 {
			n := fmt.Sprintf("1Z999AA1%010d", i)
			fmt.Fprintf(&rows, "%s,ups,New\n", n)
			switch i % 3 {
			case 0:
				r.seed(sandbox.Seed{Slug: "ups", Number: n, Created: created, Fields: map[string]any{"title": "New"}})
			case 1:
				r.seed(sandbox.Seed{Slug: "ups", Number: n, Created: created, Fields: map[string]any{"title": "Old"}})
			}
		}
		for _, e := range []aftership.Endpoint{aftership.EndpointCreate, aftership.EndpointUpdate, aftership.EndpointList} {
			r.fault(sandbox.Fault{Kind: sandbox.FaultLostReply, Endpoints: []aftership.Endpoint{e}, First: 1})
		}
		r.work()
		id := r.accept(batch.Sync, Defaults{}, rows.String())
		r.ended(id)
		if got, want := r.outcomes(id), strings.TrimSpace(strings.Repeat("already updated created ", 10)); got != want {
			t.Errorf("got %s: %+v", got, r.results(id))
		}
		flagged := 0
		for _, item := range r.results(id) {
			if item.Result.Ambiguous {
				flagged++
			}
		}
		if flagged != 2 {
			t.Errorf("%d rows are flagged, want the create and the update whose replies were lost", flagged)
		}
	})
}

// A create whose reply was lost is told from a tracking of somebody else when its row
// is looked for again.
func TestSyncTellsItsOwnCreate(t *testing.T) {
	began := created
	b := batch.Batch{Spec: batch.Spec{CreatedAt: began}}
	row := Row{Shipment: aftership.Shipment{TrackingNumber: "1Z9", Slug: "ups"}, Op: batch.Sync}
	for _, c := range []struct {
		tried bool
		age   int
		want  batch.Outcome
	}{{false, 1, batch.Already}, {true, 1, batch.Created}, {true, -1, batch.Already}} {
		f := aftership.Found{Match: aftership.MatchFound, Tracking: aftership.Tracking{Shipment: row.Shipment, CreatedAt: began.AddDate(0, 0, c.age)}}
		_, res := decideFor(aftership.V202507, ExistsUpdate, b, found{wanted{0, row, c.tried}, f})
		if res == nil || res.Outcome != c.want || res.Ambiguous != (c.want == batch.Created) {
			t.Errorf("tried %t, %d days: %+v", c.tried, c.age, res)
		}
	}
}

// Whatever decision is kept, it is read back as it was; a bare id is one too.
func TestDecisionsAreReadBack(t *testing.T) {
	texts := rapid.StringMatching(`[a-z_."\\ü{}]{1,12}`)
	rapid.Check(t, func(t *rapid.T) {
		d := decision{
			Do: rapid.SampledFrom([]deed{toCreate, toUpdate, toCompare}).Draw(t, "deed"), ID: rapid.StringMatching(`[0-9A-Za-z_-]{0,40}`).Draw(t, "id"),
			Columns: rapid.SliceOfN(texts, 0, 4).Draw(t, "columns"), Kept: rapid.MapOfN(texts, texts, 0, 3).Draw(t, "kept"),
		}
		got, err := decisionOf(d.text())
		if err != nil || got.Do != d.Do || got.ID != d.ID || !slices.Equal(got.Columns, d.Columns) || !maps.Equal(got.Kept, d.Kept) {
			t.Errorf("%+v became %+v: %v", d, got, err)
		}
		bare, err := decisionOf(decision{ID: d.ID}.text())
		if err != nil || bare.ID != d.ID || bare.Do != undecided {
			t.Errorf("%q became %+v: %v", d.ID, bare, err)
		}
	})
	if _, err := decisionOf("{broken"); err == nil {
		t.Error("a damaged decision was read")
	}
}

// A sheet whose rows are mostly as they should be is looked up in ever larger
// portions; one that needs calls is not.
func TestPortionsWiden(t *testing.T) {
	c := &course{}
	var got []int
	for _, waiting := range []int{0, 0, 0, 0, 0, 80, 0} {
		got = append(got, c.widen(waiting, 100, 1500))
	}
	if want := []int{100, 200, 400, 800, 1500, 100, 200}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// Two that feed the same batch make the same look-ups, so that no row is looked up twice.
func TestLookupsOfASyncHaveFixedBounds(t *testing.T) {
	r := newRig(t, redistest.Client(t), aftership.V202404, sandbox.Options{})
	var rows strings.Builder
	rows.WriteString("tracking_number,slug,title\n")
	for i := range 230 {
		number := fmt.Sprintf("1Z999AA1%010d", i)
		if i%7 == 3 {
			number = "!" // invalid
		}
		fmt.Fprintf(&rows, "%s,ups,New\n", number)
	}
	id := r.acceptOnly(batch.Sync, rows.String())
	for _, ahead := range []int{100, 70, 0, 1} {
		in := r.intake()
		in.Ahead = ahead
		if err := in.Feed(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	n, err := r.queue.size("acc", laneLookup)
	if err != nil || n != 5 {
		t.Errorf("%d look-ups for 230 rows, want 5: %v", n, err)
	}
	r.work()
	r.ended(id)
	if got := r.calls(aftership.EndpointList); got != 5 {
		t.Errorf("%d calls of the list", got)
	}
}

// What becomes of rows to create that AfterShip has is what was said, whether they
// are looked up first or met by the create.
func TestOnExists(t *testing.T) {
	want := map[OnExists]string{
		"": "already already created", ExistsSkip: "already already created", ExistsUpdate: "already updated created", ExistsFail: "rejected rejected created",
	}
	r := newRig(t, redistest.Client(t), aftership.V202507, sandbox.Options{LogBodies: true})
	r.work()
	run := 0
	for _, lookup := range AllLookups() {
		for exists, want := range want {
			run++
			number := func(i int) string { return fmt.Sprintf("1Z999AA1%05d%05d", run, i) }
			for i, title := range []string{"New", "Old"} {
				r.seed(sandbox.Seed{Slug: "ups", Number: number(i), Created: created, Fields: map[string]any{"title": title, "note": "x"}})
			}
			creates, lookups := 3, 0
			if lookup != LookupOff {
				creates, lookups = 1, 1
			}
			creates, lookups = creates+r.calls(aftership.EndpointCreate), lookups+r.calls(aftership.EndpointList)
			id := r.accept(batch.Create, Defaults{OnExists: exists, Lookup: lookup}, fmt.Sprintf("tracking_number,slug,title\n%s,ups,New\n%s,ups,New\n%s,ups,New\n", number(0), number(1), number(2)))
			b := r.ended(id)
			if got := r.outcomes(id); got != want {
				t.Errorf("--lookup %s --on-exists %s: %s: %+v", lookup, exists, got, r.results(id))
			}
			updates := r.sent(aftership.EndpointUpdate)
			if sent := updates[number(1)]; len(updates[number(0)])+len(updates[number(2)]) > 0 || (len(sent) == 1) != (exists == ExistsUpdate) || len(sent) > 1 {
				t.Errorf("--lookup %s --on-exists %s: sent %v", lookup, exists, updates)
			}
			if c, l := r.calls(aftership.EndpointCreate), r.calls(aftership.EndpointList); c != creates || l != lookups {
				t.Errorf("--lookup %s --on-exists %s: %d creates, %d look-ups too many", lookup, exists, c-creates, l-lookups)
			}
			if known := lookup == LookupOff && (exists == "" || exists == ExistsSkip); known != (b.Version < operationVersion) {
				t.Errorf("--lookup %s --on-exists %s: the batch has version %d", lookup, exists, b.Version)
			}
			for _, item := range r.results(id) {
				if item.Result.Outcome == batch.Rejected && !strings.Contains(item.Result.Hint, "--on-exists") {
					t.Errorf("%+v", item.Result)
				}
			}
		}
	}
}

// Look-ups go on only while they spare calls.
func TestLookupsGoOnWhileTheyPay(t *testing.T) {
	for name, c := range map[string]struct {
		known, rows, least, most int
	}{"all are known": {400, 400, 8, 8}, "none is": {0, 400, 2, 4}, "half are": {200, 400, 8, 8}} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, redistest.Client(t), aftership.V202404, sandbox.Options{})
			var rows strings.Builder
			rows.WriteString("tracking_number,slug\n")
			for i := range c.rows {
				n := fmt.Sprintf("1Z999AA1%010d", i)
				fmt.Fprintf(&rows, "%s,ups\n", n)
				if i%c.rows*c.known/c.rows != (i+1)%c.rows*c.known/c.rows || c.known == c.rows {
					r.seed(sandbox.Seed{Slug: "ups", Number: n, Created: created})
				}
			}
			id := r.take(batch.Create, Defaults{Lookup: LookupAuto}, rows.String())
			r.work()
			in := r.intake()
			in.Ahead = 100
			for next := 0; next >= 0; {
				b, err := r.ledger.Get(t.Context(), id)
				if err != nil {
					t.Fatal(err)
				}
				from := next
				if next, err = in.feedFrom(t.Context(), b, from); err != nil {
					t.Fatal(err)
				}
				r.until(id, "as far as it was fed", func(b batch.Batch) bool { return next < 0 || b.Done >= next })
			}
			r.ended(id)
			if n := r.calls(aftership.EndpointList); n < c.least || n > c.most {
				t.Errorf("%d look-ups for %d rows of which %d are known, want %d to %d", n, c.rows, c.known, c.least, c.most)
			}
			if n := r.calls(aftership.EndpointCreate) + r.calls(aftership.EndpointList); c.known > 0 && n > c.rows-c.known+c.most {
				t.Errorf("%d calls for %d rows of which %d are known", n, c.rows, c.known)
			}
		})
	}
}

func TestPays(t *testing.T) {
	counts := func(created, already int) map[batch.Outcome]int {
		return map[batch.Outcome]int{batch.Created: created, batch.Already: already}
	}
	for _, c := range []struct {
		d      Defaults
		counts map[batch.Outcome]int
		want   bool
	}{
		{Defaults{Lookup: LookupAuto}, counts(0, 0), true},
		{Defaults{Lookup: LookupAuto}, counts(99, 0), true},
		{Defaults{Lookup: LookupAuto}, counts(100, 0), false},
		{Defaults{Lookup: LookupAuto}, counts(97, 3), false},
		{Defaults{Lookup: LookupAuto}, counts(96, 4), true},
		{Defaults{Lookup: LookupAuto, OnExists: ExistsFail}, map[batch.Outcome]int{batch.Created: 50, batch.Rejected: 50}, true},
		{Defaults{Lookup: LookupOn}, counts(1000, 0), true},
	} {
		if got := c.d.pays(c.counts); got != c.want {
			t.Errorf("%+v after %v: %t", c.d, c.counts, got)
		}
	}
}

// A stop of the account is lifted by a probe although every job must be looked up first.
func TestStopOfASyncIsProbed(t *testing.T) {
	r := newRig(t, redistest.Client(t), aftership.V202507, sandbox.Options{})
	r.fault(sandbox.Fault{Kind: sandbox.FaultUnauthorized})
	w := r.work()
	id := r.accept(batch.Sync, Defaults{}, "tracking_number,slug\n1Z999AA10000000001,ups\n1Z999AA10000000002,ups\n")
	r.stopped()
	r.api.ClearFaults()
	now := time.Now().Add(2 * stopProbe)
	w.opts.Now = func() time.Time { return now }
	r.until(id, "ended", func(b batch.Batch) bool {
		if err := r.ledger.Recover(t.Context(), "acc", "stop:"); err != nil { // as if a minute had passed
			t.Fatal(err)
		}
		if err := w.probeStops(t.Context()); err != nil {
			t.Fatal(err)
		}
		return b.Ended()
	})
	if got := r.outcomes(id); got != "created created" {
		t.Errorf("got %s", got)
	}
}
