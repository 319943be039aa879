package jobs

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"aftership-bulk/aftership"
	"aftership-bulk/aftership/sandbox"
	"aftership-bulk/batch"
	"aftership-bulk/internal/redistest"
)

// dry is the dry run of a sheet against the rig's sandbox.
func (r *rig) dry(op batch.Operation, def Defaults, text string) (*Foresight, []batch.Item) {
	r.t.Helper()
	account := r.account()
	defer account.Close()
	client := account.Client.With(account.Limiter(batch.Upload, "dry run"))
	sh, s := r.survey(op, def, text)
	f := &Foresight{Survey: s, LookUp: func(ctx context.Context, refs []aftership.Ref) ([]aftership.Found, *Verdict, error) {
		found, err := client.Lookup(ctx, refs)
		return found, nil, err
	}}
	var items []batch.Item
	for item, err := range f.Items(r.t.Context(), sh) {
		if err != nil {
			r.t.Fatal(err)
		}
		items = append(items, item)
	}
	return f, items
}

// foretold is the outcome that a dry run says a job would have.
func foretold(res batch.Result) batch.Outcome {
	switch {
	case strings.Contains(res.Message, "dry run: would be created"):
		return batch.Created
	case strings.Contains(res.Message, "dry run: would be updated"):
		return batch.Updated
	}
	return res.Outcome
}

// What a dry run says is what the run then does, whatever AfterShip has, in every way
// to look rows up; and it says so without a call that changes anything.
func TestDryRunComesTrue(t *testing.T) {
	for _, v := range []aftership.Version{aftership.V202404, aftership.V202607} {
		t.Run(string(v), func(t *testing.T) {
			r := newRig(t, redistest.Client(t), v, sandbox.Options{})
			r.work()
			run := 0
			for _, way := range []struct {
				op  batch.Operation
				def Defaults
			}{
				{batch.Sync, Defaults{}}, {batch.Create, Defaults{Lookup: LookupOn}}, {batch.Create, Defaults{OnExists: ExistsUpdate}}, {batch.Create, Defaults{OnExists: ExistsFail}}, {batch.Create, Defaults{Lookup: LookupAuto, OnExists: ExistsUpdate}},
			} {
				run++
				number := func(i int) string { return fmt.Sprintf("1Z999AA1%05d%05d", run, i) }
				r.seed(
					sandbox.Seed{Slug: "ups", Number: number(1), Created: created, Fields: map[string]any{"title": "Same"}},
					sandbox.Seed{Slug: "ups", Number: number(2), Created: created, Fields: map[string]any{"title": "Old", "note": "Old"}},
					sandbox.Seed{Slug: "dhl", Number: number(4), Created: created},
					sandbox.Seed{Slug: "ups", Number: number(5), Created: created, Fields: map[string]any{"title": "Same"}},
					sandbox.Seed{Slug: "dhl", Number: number(5), Created: created},
				)
				var rows strings.Builder
				rows.WriteString("tracking_number,slug,title,note\n")
				for _, row := range []string{
					number(1) + ",ups,Same,", number(2) + ",ups,New,New", number(3) + ",ups,New,", number(4) + ",ups,New,",
					number(5) + ",ups,Same,", "!,ups,,", number(3) + ",ups,New,", number(6) + "|" + number(7) + ",ups,New,",
				} {
					rows.WriteString(row + "\n")
				}
				before := r.calls(aftership.EndpointList)
				f, items := r.dry(way.op, way.def, rows.String())
				if got := r.calls(aftership.EndpointList) - before; got != 1 {
					t.Errorf("%s %+v: %d look-ups", way.op, way.def, got)
				}
				id := r.accept(way.op, way.def, rows.String())
				b := r.ended(id)
				for i, item := range r.results(id) {
					said := items[i].Result
					if foretold(said) != item.Result.Outcome || said.Outcome != batch.Pending && said.TrackingID != item.Result.TrackingID {
						t.Errorf("%s %+v, job %d: said %+v, became %+v", way.op, way.def, i, said, item.Result)
					}
				}
				if f.Would[batch.Created] != b.Counts[batch.Created] || f.Would[batch.Updated] != b.Counts[batch.Updated] {
					t.Errorf("%s %+v: counted %v, became %v", way.op, way.def, f.Would, b.Counts)
				}
				if f.Would[batch.Updated] == 1 && !maps.Equal(f.Differ, map[string]int{"title": 1, "note": 1}) {
					t.Errorf("%s %+v: differ: %v", way.op, way.def, f.Differ)
				}
			}
		})
	}
}

// A dry run calls nothing but the list.
func TestDryRunChangesNothing(t *testing.T) {
	r := newRig(t, redistest.Client(t), aftership.V202507, sandbox.Options{})
	f, items := r.dry(batch.Update, Defaults{}, mixedRows)
	if f.Would[batch.Created] != 2 || len(items) != 10 {
		t.Errorf("%v of %d", f.Would, len(items))
	}
	for i, item := range items[:5] {
		if !strings.HasPrefix(item.Result.Message, "dry run: would be sent") {
			t.Errorf("job %d was looked up: %+v", i, item.Result)
		}
	}
	for _, c := range r.api.Calls() {
		if c.Endpoint != aftership.EndpointList {
			t.Errorf("called %s", c.Endpoint)
		}
	}
	if n := r.calls(aftership.EndpointList); n != 1 {
		t.Errorf("%d look-ups", n)
	}
}

// A row whose number no update names, because AfterShip's list does not reach it, is said to be sent uncompared.
func TestDryRunOfWhatTheListDoesNotReach(t *testing.T) {
	r := newRig(t, redistest.Client(t), aftership.V202404, sandbox.Options{})
	_, items := r.dry(batch.Sync, Defaults{}, "id,tracking_number,slug,title\n5b7658cec7c33c0e007de3c5,1Z999AA10000000001,ups,New\n")
	if m := items[0].Result; !strings.Contains(m.Message, "would be updated; AfterShip's list does not show it") || m.TrackingID != "5b7658cec7c33c0e007de3c5" {
		t.Errorf("%+v", m)
	}
}

// asked answers look-ups as if AfterShip had nothing.
type asked struct {
	calls, most, under atomic.Int32
	refuses            string // a number that it will not look for
	fails              int32  // the call that fails, from 1
}

func (a *asked) lookUp(ctx context.Context, refs []aftership.Ref) ([]aftership.Found, *Verdict, error) {
	under := a.under.Add(1)
	defer a.under.Add(-1)
	for most := a.most.Load(); under > most && !a.most.CompareAndSwap(most, under); most = a.most.Load() {
	}
	n := a.calls.Add(1)
	switch {
	case len(refs) == 0 || len(refs) > aftership.MaxLookup:
		return nil, nil, fmt.Errorf("%d numbers in a look-up", len(refs))
	case ctx.Err() != nil:
		return nil, nil, ctx.Err()
	case n == a.fails:
		return nil, nil, errors.New("away")
	case slices.ContainsFunc(refs, func(ref aftership.Ref) bool { return ref.TrackingNumber == a.refuses }):
		return nil, &Verdict{Kind: Refused, Outcome: batch.Rejected, Code: 4005, Message: "bad number"}, nil
	}
	found := make([]aftership.Found, len(refs))
	for i, ref := range refs {
		found[i] = aftership.Found{Ref: ref, Match: aftership.MatchMissing}
	}
	return found, nil, nil
}

// A portion is looked up in several calls at once, and no more of the sheet is held.
func TestDryRunGoesByPortions(t *testing.T) {
	const rows = 3*foreseenTogether + 70
	sh, s := planned(t, Plan{Operation: batch.Sync}, numbered(rows))
	a, f := &asked{}, &Foresight{Survey: s}
	f.LookUp = a.lookUp
	n, ahead := 0, 0
	for item, err := range f.Items(t.Context(), sh) {
		if err != nil || item.Job != n {
			t.Fatalf("job %d as the %d.: %v", item.Job, n, err)
		}
		n++
		ahead = max(ahead, int(a.calls.Load())*lookupRows-n)
	}
	if n != rows || a.calls.Load() != 3*8+2 || a.most.Load() > 8 || ahead > foreseenTogether || f.Would[batch.Created] != rows {
		t.Errorf("%d rows, %d look-ups, %d at once, %d rows ahead, %v", n, a.calls.Load(), a.most.Load(), ahead, f.Would)
	}
	var few strings.Builder
	few.WriteString("tracking_number,slug,operation\n")
	for i := range 5 * foreseenAtMost {
		fmt.Fprintf(&few, "1Z999AA1%010d,ups,%s\n", i, map[bool]string{true: "sync", false: "delete"}[i%foreseenAtMost == 0])
	}
	sh, s = planned(t, Plan{Operation: batch.Sync}, few.String())
	a, f = &asked{}, &Foresight{Survey: s}
	f.LookUp = a.lookUp
	for range f.Items(t.Context(), sh) {
		break
	}
	if a.calls.Load() != 1 {
		t.Errorf("%d look-ups before the first row", a.calls.Load())
	}
}

// One number that AfterShip will not look for spoils no other row.
func TestDryRunOfARefusedLookUp(t *testing.T) {
	const bad = 33
	sh, s := planned(t, Plan{Operation: batch.Sync}, numbered(60))
	f := &Foresight{Survey: s, LookUp: (&asked{refuses: fmt.Sprintf("1Z999AA1%010d", bad)}).lookUp}
	for item, err := range f.Items(t.Context(), sh) {
		want := batch.Pending
		if item.Job == bad {
			want = batch.Rejected
		}
		if err != nil || item.Result.Outcome != want {
			t.Errorf("job %d: %+v %v", item.Job, item.Result, err)
		}
	}
	b := s.Rehearsal(sh, "acc")
	f.Count(&b)
	if f.Would[batch.Created] != 59 || b.Counts[batch.Rejected] != 1 || b.Pending() != 59 {
		t.Errorf("%v, %v, %d pending", f.Would, b.Counts, b.Pending())
	}
}

// Once nothing can be asked any more, nobody is asked again, and every row says whether
// it was looked up.
func TestDryRunOfAnAfterShipThatIsAway(t *testing.T) {
	const rows = 3 * foreseenTogether
	sh, s := planned(t, Plan{Operation: batch.Sync}, numbered(rows))
	a := &asked{fails: 9}
	f := &Foresight{Survey: s, LookUp: a.lookUp}
	created, unknown := 0, 0
	for item, err := range f.Items(t.Context(), sh) {
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case foretold(item.Result) == batch.Created:
			created++
		case strings.HasPrefix(item.Result.Message, notForeseen):
			unknown++
		}
	}
	if f.Err == nil || f.Err.Error() != "away" || a.calls.Load() > 16 {
		t.Errorf("%v after %d look-ups", f.Err, a.calls.Load())
	}
	if created < foreseenTogether || created != f.Would[batch.Created] || created+unknown != rows || unknown < foreseenTogether+lookupRows {
		t.Errorf("%d would be created, %d are unknown, counted %v", created, unknown, f.Would)
	}
}

// A dry run that is interrupted ends.
func TestDryRunEndsWithItsContext(t *testing.T) {
	sh, s := planned(t, Plan{Operation: batch.Sync}, numbered(100))
	ctx, cancel := context.WithCancel(t.Context())
	f := &Foresight{Survey: s, LookUp: func(ctx context.Context, _ []aftership.Ref) ([]aftership.Found, *Verdict, error) {
		cancel()
		return nil, nil, ctx.Err()
	}}
	var last error
	for _, last = range f.Items(ctx, sh) {
	}
	if !errors.Is(last, context.Canceled) {
		t.Errorf("ended with %v", last)
	}
}

// Whatever is in a sheet: every job is there once and in order, and the counts are those of the items.
func TestDryRunAddsUp(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var rows strings.Builder
		rows.WriteString("tracking_number,slug,title,reason,operation\n")
		for range rapid.IntRange(0, 30).Draw(rt, "rows") {
			fmt.Fprintf(&rows, "1Z999AA1%010d,ups,%s,LOST,%s\n", rapid.IntRange(1, 20).Draw(rt, "number"), rapid.SampledFrom([]string{"x", "y"}).Draw(rt, "title"),
				rapid.SampledFrom([]string{"", "create", "sync", "update", "skip", "nonsense"}).Draw(rt, "operation"))
		}
		d := Defaults{OnExists: rapid.SampledFrom(AllOnExists()).Draw(rt, "exists"), Lookup: rapid.SampledFrom(AllLookups()).Draw(rt, "lookup")}
		sh, s := planned(t, Plan{Operation: rapid.SampledFrom([]batch.Operation{batch.Create, batch.Sync, batch.Update}).Draw(rt, "command"), Defaults: d}, rows.String())
		f := &Foresight{Survey: s, LookUp: (&asked{}).lookUp}
		b, counts, would, n := s.Rehearsal(sh, "acc"), map[batch.Outcome]int{}, 0, 0
		for item, err := range f.Items(t.Context(), sh) {
			if err != nil || item.Job != n {
				rt.Fatalf("job %d as the %d.: %v", item.Job, n, err)
			}
			n++
			counts[item.Result.Outcome]++
			if foretold(item.Result) == batch.Created {
				would++
			}
		}
		f.Count(&b)
		if n != s.Jobs() || counts[batch.Pending] != b.Pending() || would != f.Would[batch.Created] || would != s.Foreseeable() {
			rt.Errorf("%d of %d jobs, %v shown, %v counted, %d would be created, %v counted of %d", n, s.Jobs(), counts, b.Counts, would, f.Would, s.Foreseeable())
		}
	})
}
