package jobs

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"aftership-bulk/aftership"
	"aftership-bulk/aftership/sandbox"
	"aftership-bulk/batch"
	"aftership-bulk/internal/redistest"
)

const mixedRows = `tracking_number,slug,title,reason,operation
1Z999AA10000000001,ups,New,,create
1Z999AA10000000002,ups,New,,Update
1Z999AA10000000003,ups,Same,DELIVERED,complete
1Z999AA10000000004,ups,Same,,retrack-expired
1Z999AA10000000005,ups,,,DELETE
1Z999AA10000000006,ups,Same,,sync
1Z999AA10000000007,ups,New,,sync
1Z999AA10000000008,ups,New,,skip
1Z999AA10000000009,ups,New,,explode
1Z999AA10000000010,ups,New,,mark_complete
`

// Rows with operations of their own are carried out each by its own, whatever the
// command.
func TestRowsNameTheirOperation(t *testing.T) {
	for _, v := range []aftership.Version{aftership.V202404, aftership.V202507} {
		t.Run(string(v), func(t *testing.T) {
			r := newRig(t, redistest.Client(t), v, sandbox.Options{})
			r.work()
			for n, op := range batch.AllOperations() {
				numbers := fmt.Sprintf("1Z999AA2%d", n)
				for i := 2; i <= 6; i++ {
					r.seed(sandbox.Seed{Slug: "ups", Number: fmt.Sprintf("%s%09d", numbers, i), Inactive: i == 4, Created: created, Fields: map[string]any{"title": "Same"}})
				}
				r.mixed(t, op, strings.ReplaceAll(mixedRows, "1Z999AA10", numbers))
			}
		})
	}
}

// mixed carries the rows out with the command for an operation.
func (r *rig) mixed(t *testing.T, op batch.Operation, rows string) {
	id := r.accept(op, Defaults{}, rows)
	b := r.ended(id)
	if got := r.outcomes(id); got != "created updated completed retracked deleted already created skipped invalid invalid" {
		t.Fatalf("%s: %s: %+v", op, got, r.results(id))
	}
	if b.Version != operationVersion {
		t.Errorf("%s: the batch has version %d", op, b.Version)
	}
	items := r.results(id)
	if m := items[8].Result; !strings.Contains(m.Message, `operation "explode" is no operation`) || !strings.Contains(m.Hint, "write create, update") {
		t.Errorf("unknown operation: %+v", m)
	}
	if m := items[9].Result; !strings.Contains(m.Message, "reason is missing") {
		t.Errorf("the row's own rules: %+v", m)
	}
}

// A column that says what the command says makes no other batch than it would be without.
func TestOneOperationIsNoMixture(t *testing.T) {
	r := newRig(t, redistest.Client(t), aftership.V202404, sandbox.Options{})
	id := r.take(batch.Create, Defaults{}, "tracking_number,slug,operation\n1Z999AA10000000001,ups,create\n1Z999AA10000000002,ups,\n1Z999AA10000000003,ups,skip\n")
	if b, err := r.ledger.Get(t.Context(), id); err != nil || b.Version >= operationVersion {
		t.Errorf("version %d: %v", b.Version, err)
	}
}

func TestMixedSurvey(t *testing.T) {
	_, s := planned(t, Plan{Operation: batch.Update}, mixedRows)
	want := map[batch.Operation]int{batch.Create: 1, batch.Update: 1, batch.Complete: 1, batch.Retrack: 1, batch.Delete: 1, batch.Sync: 2}
	for _, op := range batch.AllOperations() {
		if got := s.SendOf(op); got != want[op] {
			t.Errorf("%d rows to %s, want %d", got, op, want[op])
		}
	}
	e := s.Estimate(func(aftership.Class) float64 { return 10 })
	if e.Calls != 7 || e.Counted != 3 || e.Lookups != 1 || !e.AtMost {
		t.Errorf("estimate: %+v", e)
	}
	if ops := s.Operations(); len(ops) != 6 || ops[0] != batch.Update {
		t.Errorf("operations: %v", ops)
	}
}

// Rows are carried out side by side, so that two operations on one shipment would end
// as chance has it.
func TestOperationsThatContradict(t *testing.T) {
	rows := "tracking_number,slug,title,operation\n1Z999AA10000000001,ups,x,delete\n1Z999AA10000000001,ups,x,create\n1Z999AA10000000002,ups,x,create\n1Z999AA10000000002,ups,x,create\n"
	sh, s := planned(t, Plan{Operation: batch.Update}, rows)
	outcomes, messages := fatesOf(t, sh, s)
	if got := strings.Join(outcomes, " "); got != "invalid invalid send duplicate" {
		t.Errorf("%s: %q", got, messages)
	}
	sh, s = planned(t, Plan{Operation: batch.Update, Defaults: Defaults{OnConflict: ConflictLast}}, rows)
	outcomes, messages = fatesOf(t, sh, s)
	if got := strings.Join(outcomes, " "); got != "invalid invalid send duplicate" || !strings.Contains(messages[0], "want different operations (also line 3)") {
		t.Errorf("no operation is the last: %s: %q", got, messages)
	}
	if s.SendOf(batch.Delete) != 0 || s.SendOf(batch.Create) != 1 {
		t.Errorf("%v", s.sends)
	}
	g := s.Problems()
	if len(g) != 1 || !strings.Contains(g[0].Wrong, "another operation") || strings.Contains(g[0].Remedy, "--on-conflict") || len(g[0].Examples) != 2 || g[0].Examples[0].Line != 2 {
		t.Errorf("%+v", g)
	}
}

// AfterShip's own sheets mark rows as completed by a status.
func TestUserMarkedRowsAreCompleted(t *testing.T) {
	_, s := planned(t, Plan{Operation: batch.Update, Defaults: Defaults{Marked: true}}, "id,slug,title,reason\nx1,ups,New,DELIVERED\nx2,ups,New,\n")
	if s.SendOf(batch.Complete) != 1 || s.SendOf(batch.Update) != 1 {
		t.Errorf("%v", s.sends)
	}
	if doubts := s.Doubts(); len(doubts) != 1 || !strings.Contains(doubts[0].Wrong, "does not send title") {
		t.Errorf("doubts: %+v", doubts)
	}
}

// Whatever operations rows name, and however they repeat: every job has one fate, and
// the counts by operation are those of the jobs that are sent.
func TestCountsOfMixedSheets(t *testing.T) {
	words := []string{"", "create", "update", "complete", "retrack", "delete", "sync", "skip", "nonsense"}
	rapid.Check(t, func(rt *rapid.T) {
		var rows strings.Builder
		rows.WriteString("tracking_number,slug,title,reason,operation\n")
		n := rapid.IntRange(1, 12).Draw(rt, "rows")
		for range n {
			fmt.Fprintf(&rows, "1Z999AA1%010d,%s,%s,%s,%s\n", rapid.IntRange(1, 4).Draw(rt, "number"), rapid.SampledFrom([]string{"ups", ""}).Draw(rt, "slug"),
				rapid.SampledFrom([]string{"", "x", "y"}).Draw(rt, "title"), rapid.SampledFrom([]string{"", "LOST"}).Draw(rt, "reason"), rapid.SampledFrom(words).Draw(rt, "operation"))
		}
		d := Defaults{OnConflict: rapid.SampledFrom([]string{"", ConflictLast}).Draw(rt, "conflict"), Marked: rapid.Bool().Draw(rt, "marked")}
		sh, s := planned(t, Plan{Operation: rapid.SampledFrom(batch.AllOperations()).Draw(rt, "command"), Defaults: d}, rows.String())
		outcomes, _ := fatesOf(t, sh, s)
		sent, lookups := 0, 0
		for _, op := range batch.AllOperations() {
			sent += s.SendOf(op)
		}
		for _, seen := range s.shipments {
			if s.fates[seen.job] == send && seen.content.lookup() {
				lookups++
			}
		}
		if len(outcomes) != n || sent != s.Send() || sent != count(outcomes, "send") || lookups != s.lookups {
			rt.Errorf("%d fates of %d rows, %d sent by operation, %d in all, %d look-ups counted, %d made: %v", len(outcomes), n, sent, s.Send(), s.lookups, lookups, outcomes)
		}
	})
}

func count(all []string, what string) int {
	return len(all) - len(slices.DeleteFunc(slices.Clone(all), func(s string) bool { return s == what }))
}
