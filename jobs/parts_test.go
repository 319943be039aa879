package jobs

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"aftership-bulk/aftership"
	"aftership-bulk/aftership/sandbox"
	"aftership-bulk/batch"
	"aftership-bulk/internal/redistest"
	"aftership-bulk/report"
	"aftership-bulk/sheet"
	"aftership-bulk/sheet/preset"
)

// takePlan takes a sheet in by a plan and feeds it.
func (r *rig) takePlan(p Plan, text string) batch.ID {
	r.t.Helper()
	sh, s := planned(r.t, p, text)
	b, _, err := r.intake().Accept(r.t.Context(), sh, s, Order{Account: "acc", Who: "test", Priority: batch.Upload})
	if err != nil {
		r.t.Fatal(err)
	}
	if err := r.intake().Feed(r.t.Context(), b.ID); err != nil {
		r.t.Fatal(err)
	}
	return b.ID
}

// report writes the report of a batch.
func (r *rig) report(id batch.ID, o report.Options) string {
	r.t.Helper()
	b, err := r.ledger.Get(r.t.Context(), id)
	if err != nil {
		r.t.Fatal(err)
	}
	var out bytes.Buffer
	if _, err := report.Write(r.t.Context(), &out, report.InfoOf(b), Results(r.t.Context(), r.ledger, b, r.version), o); err != nil {
		r.t.Fatal(err)
	}
	return out.String()
}

// created lists the numbers that were created at the sandbox, in order.
func (r *rig) created() []string {
	var numbers []string
	for _, c := range r.api.Calls() {
		if c.Endpoint == aftership.EndpointCreate && c.Number != "" { // a fault may come before the number is known
			numbers = append(numbers, c.Number)
		}
	}
	slices.Sort(numbers)
	return numbers
}

// Each number of a cell fares by itself; a retry runs only what failed, and the
// report fed back does no harm to what was done.
func TestNumbersOfACellAreJobs(t *testing.T) {
	eachStore(t, aftership.V202404, sandbox.Options{}, func(t *testing.T, r *rig) {
		r.fault(sandbox.Fault{Kind: sandbox.FaultStatus, Status: 500, Endpoints: []aftership.Endpoint{aftership.EndpointCreate}, Numbers: []string{"BBBB2222"}, First: 3})
		r.work()
		id := r.takePlan(Plan{Operation: batch.Create}, "tracking_number,slug\n\"AAAA1111, BBBB2222\",ups\nBBBB2222,ups\n\"=\"\"00123456\"\"\",ups\n")
		b := r.ended(id)
		if got := r.outcomes(id); got != "created gave_up duplicate created" || b.Rows != 3 || b.Total != 4 || b.Version != 2 {
			t.Fatalf("%s; %d rows, %d jobs, version %d", got, b.Rows, b.Total, b.Version)
		}
		text := r.report(id, report.Options{})
		for _, say := range []string{"AAAA1111: created", "BBBB2222: gave_up: gave up", `repaired: tracking_number =""00123456"" read as 00123456`} {
			if !strings.Contains(text, say) {
				t.Errorf("the report does not say %q:\n%s", say, text)
			}
		}
		failed := r.report(id, report.Options{OnlyFailed: true})
		if strings.Count(failed, "\n") != 2 || !strings.Contains(failed, "AAAA1111, BBBB2222") {
			t.Errorf("failed rows:\n%s", failed)
		}
		again := r.takePlan(Plan{Operation: batch.Create}, failed)
		r.ended(again)
		if got := r.outcomes(again); got != "already created" {
			t.Errorf("fed back: %s", got)
		}
		if got := strings.Join(slices.Compact(r.created()), " "); got != "00123456 AAAA1111 BBBB2222" {
			t.Errorf("sent %s", got)
		}
	})
}

// What a row inherits reaches the call and the look-up, and never the report.
func TestInheritedValuesAreSent(t *testing.T) {
	eachStore(t, aftership.V202507, sandbox.Options{}, func(t *testing.T, r *rig) {
		for _, number := range []string{"AAAA1111", "BBBB2222", "CCCC3333"} {
			r.seed(sandbox.Seed{Slug: "ups", Number: number, Tag: "InTransit", Created: time.Now().AddDate(0, 0, -9), Updated: time.Now()})
			r.seed(sandbox.Seed{Slug: "dhl", Number: number, Tag: "InTransit", Created: time.Now().AddDate(0, 0, -9), Updated: time.Now()})
		}
		r.work()
		p := Plan{
			Operation: batch.Update, Rules: preset.Rules{Carry: &preset.Carry{Key: "Order", Columns: []string{"title", "carrier"}}},
			Carriers: map[string]string{CarrierKey("The brown one"): "ups"},
		}
		id := r.takePlan(p, "Order,tracking_number,title,carrier\n1,AAAA1111,Shoes,The brown one\n1,BBBB2222|CCCC3333,,\n")
		r.ended(id)
		if got := r.outcomes(id); got != "updated updated updated" {
			t.Fatalf("%s: %+v", got, r.results(id))
		}
		for _, item := range r.results(id) {
			if item.Result.Slug != "ups" {
				t.Errorf("job %d changed the tracking of %q", item.Job, item.Result.Slug)
			}
		}
		if text := r.report(id, report.Options{}); strings.Count(text, "Shoes") != 1 {
			t.Errorf("the report shows what stands in no cell:\n%s", text)
		}
	})
}

// A program that reads a row otherwise than the one that accepted it sends nothing
// that was never checked.
func TestRowsThatReadOtherwiseAreNotSent(t *testing.T) {
	r := newRig(t, redistest.Client(t), aftership.V202404, sandbox.Options{})
	spec := batch.Spec{Identity: "other", Operation: batch.Create, Account: "acc", Source: "s.csv", Priority: batch.Upload,
		Header: []string{"tracking_number"}, Fields: []string{"tracking_number"}, Options: []byte(`{"slug":"ups"}`), Needs: 2}
	b, _, err := r.ledger.Begin(t.Context(), spec, false)
	if err != nil {
		t.Fatal(err)
	}
	entries := []batch.Entry{
		{Row: 0, Line: 2, Cells: []string{"AAAA1111"}}, {Row: 0, Line: 2, Part: 1, Cells: []string{"AAAA1111"}},
		{Row: 1, Line: 3, Cells: []string{"9.4055E+21"}},
	}
	if err := r.ledger.Append(t.Context(), b.ID, 0, entries, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := r.ledger.Seal(t.Context(), b.ID, 2, 3); err != nil {
		t.Fatal(err)
	}
	r.work()
	if err := r.intake().Feed(r.t.Context(), b.ID); err != nil {
		t.Fatal(err)
	}
	r.ended(b.ID)
	if got := r.outcomes(b.ID); got != "created invalid invalid" {
		t.Errorf("%s: %+v", got, r.results(b.ID))
	}
}

// A batch that older programs would misread has tasks that they hand back.
func TestOlderProgramsLeaveRepairedBatchesAlone(t *testing.T) {
	for version, want := range map[int]int{1: 1, 2: 2, 3: 3} {
		if got := jobTask(batch.Batch{Version: version}, laneLookup, 0, 1).payload.V; got != want {
			t.Errorf("a batch of version %d has tasks of version %d", version, got)
		}
	}
}

// Rows in = rows out, whatever stands in them: every row is in the ledger once and
// in order, each of its jobs has one fate, and all counts agree.
func TestConservationOfParts(t *testing.T) {
	r := newRig(t, redistest.Client(t), aftership.V202404, sandbox.Options{})
	number := rapid.SampledFrom([]string{"AAAA1111", "BBBB2222", "CCCC3333", "9.4055E+21", "1Z 999 AA1 01 2345 6784", "12", "", "DDDD 4444", `="00123456"`})
	run := 0
	rapid.Check(t, func(rt *rapid.T) {
		run++
		op := rapid.SampledFrom(batch.AllOperations()).Draw(rt, "operation")
		def := Defaults{
			Slug: "ups", Reason: aftership.ReasonLost, OnConflict: rapid.SampledFrom([]string{"", ConflictLast}).Draw(rt, "conflict"),
			Limit: rapid.IntRange(0, 300).Draw(rt, "limit"), Skip: rapid.IntRange(0, 3).Draw(rt, "skip"),
		}
		n := rapid.IntRange(0, 250).Draw(rt, "rows")
		var text strings.Builder
		text.WriteString("tracking_number,title,voided,order,run\n")
		for range n {
			cell := strings.Join(rapid.SliceOfN(number, 1, 4).Draw(rt, "numbers"), "; ")
			fmt.Fprintf(&text, "\"%s\",%s,%s,1,%d\n", strings.ReplaceAll(cell, `"`, `""`), rapid.SampledFrom([]string{"", "x", "y"}).Draw(rt, "title"), rapid.SampledFrom([]string{"", "", "Y"}).Draw(rt, "voided"), run)
		}
		rules := preset.Rules{Carry: &preset.Carry{Key: "order", Columns: []string{"title"}}, Skip: []preset.SkipRule{{Column: "voided", Values: []string{"Y"}, Why: "voided"}}}
		conserved(rt, r, Plan{Operation: op, Version: aftership.V202404, Defaults: def, Rules: rules}, text.String(), n)
	})
}

// conserved takes a sheet in and checks that nothing is lost or counted twice.
func conserved(rt *rapid.T, r *rig, p Plan, text string, rows int) {
	path := filepath.Join(r.t.TempDir(), "sheet.csv")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		rt.Fatal(err)
	}
	sh, err := sheet.Open(r.t.Context(), path, nil, sheet.Options{})
	if err != nil {
		rt.Fatal(err)
	}
	defer sh.Close()
	if p.Mapping, _, err = sheet.Map(sh.Header, Columns()); err != nil {
		rt.Fatal(err)
	}
	s, err := Take(r.t.Context(), sh, p)
	if err != nil {
		rt.Fatal(err)
	}
	b, _, err := r.intake().Accept(r.t.Context(), sh, s, Order{Account: "acc", Priority: batch.Upload})
	if err != nil {
		rt.Fatal(err)
	}
	rehearsal := s.Rehearsal(sh, "acc")
	if s.Rows != rows || b.Rows != rows || b.Total != s.Jobs() || b.Done != s.Jobs()-s.Send() || rehearsal.Done != b.Done || !b.Sealed && rows > 0 {
		rt.Fatalf("%d rows: survey %d rows %d jobs %d to send, ledger %d rows %d jobs %d done", rows, s.Rows, s.Jobs(), s.Send(), b.Rows, b.Total, b.Done)
	}
	for o, n := range rehearsal.Counts {
		if b.Counts[o] != n {
			rt.Fatalf("%s: %d rehearsed, %d in the ledger", o, n, b.Counts[o])
		}
	}
	counts, err := report.Write(r.t.Context(), &bytes.Buffer{}, report.InfoOf(b), Results(r.t.Context(), r.ledger, b, r.version), report.Options{})
	if err != nil || counts.Rows != rows || counts.Jobs != b.Total {
		rt.Fatalf("the report holds %d rows and %d jobs: %v", counts.Rows, counts.Jobs, err)
	}
	seen := map[string]bool{}
	for item, err := range r.ledger.Results(r.t.Context(), b.ID) {
		if err != nil {
			rt.Fatal(err)
		}
		row, err := s.newReader().read(item.Entry.Cells, item.Entry.Filled)
		if err != nil || item.Result.Outcome != batch.Pending {
			continue
		}
		row = row.part(item.Entry.Part)
		if seen[row.shipmentKey(p.Operation)] || scientific.MatchString(row.TrackingNumber) {
			rt.Fatalf("job %d would send %q again, or damaged", item.Job, row.TrackingNumber)
		}
		seen[row.shipmentKey(p.Operation)] = true
	}
}
