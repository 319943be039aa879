package export

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"aftership-bulk/aftership"
	"aftership-bulk/aftership/sandbox"
	"aftership-bulk/jobs"
)

// Rows are answered in their order in every version, fifty in a call of the list.
func TestFind(t *testing.T) {
	eachEra(t, func(t *testing.T, v aftership.Version) {
		w := newWorld(t, v, sandbox.Options{})
		old := time.Now().AddDate(0, 0, -200)
		w.seed(sandbox.Seed{Slug: "ups", Number: number(1), Tag: "Delivered"}, sandbox.Seed{Slug: "ups", Number: number(2), LegacyID: "legacy000000000000000024"},
			sandbox.Seed{Slug: "ups", Number: "SAME1234"}, sandbox.Seed{Slug: "usps", Number: "SAME1234"}, sandbox.Seed{Slug: "fedex", Number: number(3)},
			sandbox.Seed{Slug: "ups", Number: number(4), Created: old, ID: "old-one", LegacyID: "old-one-legacy"})
		rows := asked(
			aftership.Ref{Slug: "ups", TrackingNumber: number(1)}, aftership.Ref{TrackingNumber: strings.ToLower(number(1))},
			aftership.Ref{ID: "legacy000000000000000024"}, aftership.Ref{ID: "legacy000000000000000024", TrackingNumber: number(2)},
			aftership.Ref{TrackingNumber: "SAME1234"}, aftership.Ref{Slug: "usps", TrackingNumber: "SAME1234"},
			aftership.Ref{Slug: "ups", TrackingNumber: number(3)}, aftership.Ref{ID: "old-one-legacy", TrackingNumber: number(4)},
			aftership.Ref{TrackingNumber: number(9)}, aftership.Ref{}, aftership.Ref{Slug: "ups", TrackingNumber: number(4)})
		rows[9].Problems = []jobs.Problem{{Column: "tracking_number", Wrong: "was damaged", Remedy: "mend it"}}
		answers := w.find(&Finder{Client: w.client, Caller: w.caller}, rows)
		want := []Result{Found, Found, Found, Found, Ambiguous, Found, NotFound, Found, NotFound, Invalid, NotFound}
		if v.SlugPaths() {
			want[10] = Found // the list does not show it, and its path does
		}
		if got := results(answers); !slices.Equal(got, want) {
			t.Errorf("got  %v\nwant %v", got, want)
		}
		if a := answers[0]; a.Tracking.Tag != "Delivered" || a.Tracking.TrackingNumber != number(1) {
			t.Errorf("%+v", a.Tracking)
		}
		if a := answers[6]; !strings.Contains(a.Message, "fedex") {
			t.Errorf("nothing says which courier has the number: %q", a.Message)
		}
		if n := w.calls(aftership.EndpointList); n != 1 {
			t.Errorf("%d calls of the list", n)
		}
	})
}

// Newest events cost a call for each row only where the version has that call.
func TestFindLastCheckpoint(t *testing.T) {
	eachEra(t, func(t *testing.T, v aftership.Version) {
		w := newWorld(t, v, sandbox.Options{})
		w.seed(sandbox.Seed{Slug: "ups", Number: number(1), Tag: "Delivered"}, sandbox.Seed{Slug: "ups", Number: number(2), Tag: "InTransit"}, sandbox.Seed{Slug: "ups", Number: number(3)})
		answers := w.find(&Finder{Client: w.client, Caller: w.caller, LastCheckpoint: true}, asked(
			aftership.Ref{Slug: "ups", TrackingNumber: number(1)}, aftership.Ref{TrackingNumber: number(2)},
			aftership.Ref{Slug: "ups", TrackingNumber: number(3)}, aftership.Ref{Slug: "ups", TrackingNumber: number(4)}))
		if got := results(answers); !slices.Equal(got, []Result{Found, Found, Found, NotFound}) {
			t.Fatal(got, answers[3].Message)
		}
		columns := LastCheckpointColumns(v)
		at := func(i int, name string) string { return answers[i].Record(columns).Cells[slices.Index(columns, name)] }
		if at(0, "last_checkpoint_tag") != "Delivered" || at(1, "last_checkpoint_tag") != "InTransit" || at(2, "last_checkpoint_tag") != "" || at(0, "tracking_number") != number(1) {
			t.Errorf("%q %q %q", at(0, "last_checkpoint_tag"), at(1, "last_checkpoint_tag"), at(2, "last_checkpoint_tag"))
		}
		want := 0
		if v.Has(aftership.EndpointLastCheckpoint) {
			want = 3
		}
		if n := w.calls(aftership.EndpointLastCheckpoint); n != want {
			t.Errorf("%d calls, want %d", n, want)
		}
	})
}

// Only single trackings are translated, so that each is asked about by itself.
func TestFindTranslated(t *testing.T) {
	eachEra(t, func(t *testing.T, v aftership.Version) {
		w := newWorld(t, v, sandbox.Options{})
		w.seed(sandbox.Seed{Slug: "ups", Number: number(1), Tag: "Delivered"}, sandbox.Seed{Slug: "ups", Number: number(2), Tag: "Delivered"})
		answers := w.find(&Finder{Client: w.client, Caller: w.caller, Lang: "de"}, asked(aftership.Ref{Slug: "ups", TrackingNumber: number(1)}, aftership.Ref{TrackingNumber: number(2)}))
		for i := range answers {
			if text := answers[i].Record([]string{"last_checkpoint_message"}).Cells[0]; !strings.HasPrefix(text, "[de] ") {
				t.Errorf("row %d: %q", i, text)
			}
		}
	})
}

// What fails for a while is tried again.
func TestFindThroughFaults(t *testing.T) {
	for _, fault := range []sandbox.Fault{
		{Kind: sandbox.FaultStatus, Status: 500}, {Kind: sandbox.FaultHTML502}, {Kind: sandbox.FaultReset}, {Kind: sandbox.FaultLostReply},
		{Kind: sandbox.FaultTruncated}, {Kind: sandbox.FaultMalformed}, {Kind: sandbox.FaultBurst429, Delay: 10 * time.Millisecond},
	} {
		t.Run(string(fault.Kind), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, aftership.V202507, sandbox.Options{})
			w.seed(sandbox.Seed{Slug: "ups", Number: number(1), ID: "by-id"})
			fault.First = 2
			w.fault(fault)
			if got := results(w.find(&Finder{Client: w.client, Caller: w.caller}, asked(aftership.Ref{TrackingNumber: number(1)}, aftership.Ref{ID: "by-id"}))); !slices.Equal(got, []Result{Found, Found}) {
				t.Error(got)
			}
		})
	}
}

// A row whose call fails every time does not hold the others up.
func TestFindPoison(t *testing.T) {
	w := newWorld(t, aftership.V202507, sandbox.Options{})
	w.seed(sandbox.Seed{Slug: "ups", Number: number(1), ID: "good"}, sandbox.Seed{Slug: "ups", Number: number(2), ID: "poison"})
	w.fault(sandbox.Fault{Kind: sandbox.FaultStatus, Status: 500, Numbers: []string{"poison"}})
	w.fault(sandbox.Fault{Kind: sandbox.FaultRefuse, Code: 4015, Numbers: []string{"refused"}})
	answers := w.find(&Finder{Client: w.client, Caller: w.caller}, asked(aftership.Ref{ID: "poison"}, aftership.Ref{ID: "good"}, aftership.Ref{ID: "refused"}))
	if got := results(answers); !slices.Equal(got, []Result{Failed, Found, Rejected}) || !strings.Contains(answers[0].Message, "500") || !strings.Contains(answers[2].Message, "4015") {
		t.Error(got, answers[0].Message, answers[2].Message)
	}
}

// A look-up that AfterShip refuses is halved until only the row that spoils it is left.
func TestFindHalves(t *testing.T) {
	w := newWorld(t, aftership.V202507, sandbox.Options{})
	w.seed(sandbox.Seed{Slug: "ups", Number: number(1)}, sandbox.Seed{Slug: "ups", Number: number(3)})
	w.fault(sandbox.Fault{Kind: sandbox.FaultRefuse, Code: 400, Endpoints: []aftership.Endpoint{aftership.EndpointList}, First: 2})
	answers := w.find(&Finder{Client: w.client, Caller: w.caller}, asked(aftership.Ref{TrackingNumber: number(1)}, aftership.Ref{TrackingNumber: number(3)}))
	if got := results(answers); !slices.Equal(got, []Result{Rejected, Found}) {
		t.Error(got)
	}
	// A row with an id has another way.
	w.seed(sandbox.Seed{Slug: "ups", Number: number(5), ID: "by-id"})
	w.fault(sandbox.Fault{Kind: sandbox.FaultRefuse, Code: 400, Endpoints: []aftership.Endpoint{aftership.EndpointList}, First: 1})
	if got := results(w.find(&Finder{Client: w.client, Caller: w.caller}, asked(aftership.Ref{ID: "by-id", TrackingNumber: number(5)}))); !slices.Equal(got, []Result{Found}) {
		t.Error(got)
	}
}

// What concerns every row ends the export: a refused key, a limit of a day, an AfterShip that is away.
func TestFindStops(t *testing.T) {
	tests := []struct {
		fault sandbox.Fault
		kind  jobs.Kind
	}{
		{sandbox.Fault{Kind: sandbox.FaultUnauthorized}, jobs.Stop},
		{sandbox.Fault{Kind: sandbox.FaultForbidden}, jobs.Stop},
		{sandbox.Fault{Kind: sandbox.FaultBurst429, Delay: time.Hour}, jobs.Wait},
		{sandbox.Fault{Kind: sandbox.FaultStatus, Status: 503}, jobs.GiveUp},
		{sandbox.Fault{Kind: sandbox.FaultReset}, jobs.GiveUp},
	}
	for _, test := range tests {
		for name, ref := range map[string]aftership.Ref{"list": {TrackingNumber: number(1)}, "get": {ID: "one"}} {
			t.Run(name+" "+string(test.fault.Kind), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, aftership.V202507, sandbox.Options{})
				w.fault(test.fault)
				_, err := (&Finder{Client: w.client, Caller: w.caller}).Find(t.Context(), asked(ref, ref, ref, ref, ref))
				failed, ok := errors.AsType[*Failure](err)
				if !ok || failed.Kind != test.kind {
					t.Errorf("%v", err)
				}
			})
		}
	}
}

func TestResults(t *testing.T) {
	if len(Results()) != 7 || slices.ContainsFunc(Results(), func(r Result) bool { return r.Bad() == (r == Found || r == Skipped) }) {
		t.Error(Results())
	}
}
