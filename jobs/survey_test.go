package jobs

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aftership-bulk/aftership"
	"aftership-bulk/batch"
	"aftership-bulk/sheet"
	"aftership-bulk/sheet/preset"
)

// survey takes pass one over a sheet with this text.
func survey(t *testing.T, op batch.Operation, def Defaults, text string) (*sheet.Sheet, *Survey) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sheet.csv")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	sh, err := sheet.Open(t.Context(), path, nil, sheet.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sh.Close() })
	m, _, err := sheet.Map(sh.Header, Columns())
	if err != nil {
		t.Fatal(err)
	}
	s, err := Take(t.Context(), sh, Plan{Operation: op, Version: aftership.V202404, Mapping: m, Defaults: def})
	if err != nil {
		t.Fatal(err)
	}
	return sh, s
}

// fatesOf settles every row and returns its outcome ("send" for a call) and message.
func fatesOf(t *testing.T, sh *sheet.Sheet, s *Survey) (outcomes []string, messages []string) {
	t.Helper()
	for row, err := range s.Settle(sh) {
		if err != nil {
			t.Fatal(err)
		}
		if row.Result == nil {
			outcomes, messages = append(outcomes, "send"), append(messages, "")
			continue
		}
		outcomes, messages = append(outcomes, string(row.Result.Outcome)), append(messages, row.Result.Message)
	}
	return outcomes, messages
}

func TestSurvey(t *testing.T) {
	tests := []struct {
		name string
		op   batch.Operation
		def  Defaults
		text string
		want string // outcomes, in order
		say  string // in some message
	}{
		{"same row twice", batch.Create, Defaults{}, "tracking_number,slug\nAAAA1,ups\naaaa1,ups\n", "send duplicate", "the same as an earlier row"},
		{"other courier is another shipment", batch.Create, Defaults{}, "tracking_number,slug\nAAAA1,ups\nAAAA1,dhl\n", "send send", ""},
		{"default courier counts", batch.Create, Defaults{Slug: "ups"}, "tracking_number,slug\nAAAA1,ups\nAAAA1,\n", "send duplicate", ""},
		{"differing rows on create", batch.Create, Defaults{}, "tracking_number,title\nAAAA1,x\nAAAA1,y\n", "send duplicate", "line 2, with another title"},
		{"columns that are not sent do not differ", batch.Create, Defaults{}, "tracking_number,sku\nAAAA1,x\nAAAA1,y\n", "send duplicate", "the same as an earlier row"},
		{"differing rows on update", batch.Update, Defaults{}, "id,title\nX,x\nX,y\nX,x\n", "invalid invalid invalid", "also line 2, 4"},
		{"the last one wins", batch.Update, Defaults{OnConflict: ConflictLast}, "id,title\nX,x\nX,y\nX,x\n", "duplicate duplicate send", "a later row"},
		{"invalid rows are no first rows", batch.Create, Defaults{}, "tracking_number,emails\nAAAA1,nonsense\nAAAA1,a@b.example\n", "invalid send", "is not an e-mail address"},
		{"limit and skip", batch.Create, Defaults{Skip: 1, Limit: 1}, "tracking_number\nAAAA1\nAAAA2\nAAAA3\n", "skipped send skipped", "--limit"},
		{"sample", batch.Create, Defaults{Sample: 2}, "tracking_number\nAAAA1\nAAAA2\nAAAA3\nAAAA4\n", "send skipped send skipped", "--sample"},
		{"report given back", batch.Create, Defaults{}, "tracking_number,aftership_result,aftership_code\nAAAA1,created,201\nAAAA2,gave_up,500\nAAAA3,invalid,\nAAAA4,already,4003\nAAAA5,pending,\nAAAA6,,\nAAAA7,skipped,201\nAAAA8,skipped,\nAAAA9,duplicate,\n",
			"skipped send send skipped send send skipped send duplicate", "done in an earlier run"},
		{"several numbers", batch.Create, Defaults{}, "tracking_number,title\nAAAA1111; BBBB2222,x\nBBBB2222,x\n", "send send duplicate", "the same as an earlier row"},
		{"several numbers, one again", batch.Create, Defaults{}, "tracking_number,title\nAAAA1111,x\n\"BBBB2222, AAAA1111, BBBB2222\",x\n", "send send duplicate duplicate", "an earlier number of this row"},
		{"several numbers, one damaged", batch.Create, Defaults{}, "tracking_number\nAAAA1111|9.4055E+21\n", "send invalid", "damaged by a spreadsheet"},
		{"several numbers, another column wrong", batch.Create, Defaults{}, "tracking_number,emails\nAAAA1111|BBBB2222,nonsense\n", "invalid invalid", "is not an e-mail address"},
		{"several numbers and one id", batch.Create, Defaults{}, "tracking_number,id\nAAAA1111|BBBB2222,x\n", "invalid", "can be the id of one only"},
		{"several numbers where the id says which", batch.Retrack, Defaults{}, "tracking_number,id\nAAAA1111|BBBB2222,x\n", "send", ""},
		{"several numbers, the last of them wins", batch.Update, Defaults{OnConflict: ConflictLast}, "tracking_number,slug,title\nAAAA1111|BBBB2222,ups,x\nBBBB2222,ups,y\n", "send duplicate send", "a later row"},
		{"a separator of one's own", batch.Create, Defaults{NumberSeparators: "~"}, "tracking_number\nAAAA1111~BBBB2222\n", "send send", ""},
		{"the same number in other writing", batch.Create, Defaults{}, "tracking_number\n1Z 999 AA1 01 2345 6784\n1Z999AA10123456784\n", "send duplicate", "the same as an earlier row"},
		{"report of several numbers given back", batch.Create, Defaults{}, "tracking_number,aftership_result,aftership_code\nAAAA1111|BBBB2222,created,201\nCCCC1111|DDDD2222,gave_up,500; 201\n", "skipped send send", "done in an earlier run"},
		{"broken line", batch.Create, Defaults{}, "tracking_number,title\nAAAA1,x\nAAAA2,x,y,z\nAAAA3,x\n", "send invalid send", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			sh, s := survey(t, tt.op, tt.def, tt.text)
			outcomes, messages := fatesOf(t, sh, s)
			if got := strings.Join(outcomes, " "); got != tt.want {
				t.Errorf("got %q, want %q (%q)", got, tt.want, messages)
			}
			if !strings.Contains(strings.Join(messages, "\n"), tt.say) {
				t.Errorf("no message says %q: %q", tt.say, messages)
			}
			if got := strings.Count(tt.want, "send"); s.Send() != got {
				t.Errorf("Send is %d, want %d", s.Send(), got)
			}
		})
	}
}

// planned takes pass one over a sheet with this text and plan.
func planned(t *testing.T, p Plan, text string) (*sheet.Sheet, *Survey) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sheet.csv")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	sh, err := sheet.Open(t.Context(), path, nil, sheet.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sh.Close() })
	if p.Mapping, _, err = sheet.Map(sh.Header, Columns()); err != nil {
		t.Fatal(err)
	}
	p.Version = aftership.V202404
	s, err := Take(t.Context(), sh, p)
	if err != nil {
		t.Fatal(err)
	}
	return sh, s
}

// Rows inherit, are left out and are translated as the rules of their export say.
func TestRulesOfAnExport(t *testing.T) {
	sh, s := planned(t, Plan{Operation: batch.Create, Rules: preset.Rules{
		Carry:  &preset.Carry{Key: "Order", Columns: []string{"Order", "Title"}},
		Skip:   []preset.SkipRule{{Column: "Voided", Values: []string{"Y"}, Why: "the label was voided"}},
		Values: map[string]map[string]string{"slug": {"Brown": "ups"}},
	}}, "order_number,title,tracking_number,slug,voided,Order\n1,Shoes,AAAA1111,brown,,1\n,,BBBB2222,ups,,1\n,,CCCC3333,ups,Y,1\n")
	outcomes, messages := fatesOf(t, sh, s)
	if got := strings.Join(outcomes, " "); got != "send send skipped" || !strings.Contains(messages[2], "the label was voided") {
		t.Errorf("%s %q", got, messages)
	}
	for settled, err := range s.Settle(sh) {
		if err != nil {
			t.Fatal(err)
		}
		row, err := s.newReader().read(settled.Row.Cells, settled.Filled)
		if err != nil || row.Title != "Shoes" || row.Slug != "ups" {
			t.Errorf("row %d is %q of %q (%v)", settled.Row.Index, row.Title, row.Slug, err)
		}
	}
	if s.needs() != repairVersion {
		t.Error("a program that knows no rules would carry the batch out")
	}
}

// What a courier needs is asked for before anything is sent.
func TestCouriersNeeds(t *testing.T) {
	needs := map[string][]string{"postnl": {"tracking_postal_code"}}
	text := "tracking_number,slug,destination_postal_code\nAAAA1111,postnl,\nAAAA2222,postnl,1011 AB\nAAAA3333,ups,\n"
	sh, s := planned(t, Plan{Operation: batch.Create, Required: needs}, text)
	outcomes, messages := fatesOf(t, sh, s)
	if got := strings.Join(outcomes, " "); got != "invalid send send" || !strings.Contains(messages[0], "courier postnl needs it") {
		t.Errorf("%s %q", got, messages)
	}
	sh, s = planned(t, Plan{Operation: batch.Create, Usual: needs}, text)
	if outcomes, _ = fatesOf(t, sh, s); strings.Join(outcomes, " ") != "send send send" || len(s.Doubts()) != 1 || s.Doubts()[0].Rows != 1 {
		t.Errorf("%s, doubts %v", outcomes, s.Doubts())
	}
}

// What was found is grouped, with how many rows have it and where it is seen first.
func TestFindingsAreGrouped(t *testing.T) {
	var text strings.Builder
	text.WriteString("tracking_number,emails,destination_country\n")
	for i := range 10 {
		fmt.Fprintf(&text, "AAAA%04d,nonsense%d,Germany\n", i, i)
	}
	text.WriteString("9.4055E+21,,Atlantis\n\"=\"\"00123456\"\"\",,\n")
	_, s := planned(t, Plan{Operation: batch.Create}, text.String())
	problems := s.Problems()
	if len(problems) != 3 || problems[0].Column != "emails" || problems[0].Rows != 10 || len(problems[0].Examples) != mostExamples || problems[0].Examples[0] != (Example{Line: 2, Value: "nonsense0"}) {
		t.Errorf("problems %+v", problems)
	}
	repairs := s.Repairs()
	if len(repairs) != 2 || repairs[0].Column != "destination_country" || repairs[0].Rows != 10 || repairs[1].Examples[0].Now != "00123456" {
		t.Errorf("repairs %+v", repairs)
	}
}

// Doubts are told of rows that are sent, and of no others.
func TestDoubtsOfWhatIsNotSentAreNotTold(t *testing.T) {
	const doubtful = "1Z5R89390357567128" // whose check digit fails
	_, s := planned(t, Plan{Operation: batch.Create}, "tracking_number,emails\n"+doubtful+",nonsense\n1Z5R89390357567127,\n"+doubtful+",a@b.example\n"+doubtful+",a@b.example\n")
	if doubts := s.Doubts(); len(doubts) != 1 || doubts[0].Rows != 1 || doubts[0].Examples[0].Line != 4 {
		t.Errorf("doubts %+v", doubts)
	}
}

// However many kinds of problems there are, memory is bounded and no row is lost.
func TestGroupsAreBounded(t *testing.T) {
	var tally tally
	for i := range 3 * mostGroups {
		tally.add(i, groupKey{column: "x", wrong: fmt.Sprint(i)}, Example{})
	}
	rows := 0
	for _, g := range tally.sorted() {
		rows += g.Rows
	}
	if len(tally.groups) != mostGroups || rows != 3*mostGroups {
		t.Errorf("%d groups of %d rows", len(tally.groups), rows)
	}
}

func TestContradictionsAreGrouped(t *testing.T) {
	_, s := planned(t, Plan{Operation: batch.Update}, "id,title\nX,x\nX,y\n")
	if g := s.Problems(); len(g) != 1 || g[0].Rows != 2 || len(g[0].Examples) != 2 || g[0].Examples[0].Line != 2 || !strings.Contains(g[0].Remedy, "--on-conflict") {
		t.Errorf("%+v", g)
	}
	_, s = planned(t, Plan{Operation: batch.Complete}, "id,reason\nY,LOST\nX,LOST\nX,DELIVERED\nY,LOST\n") // has no such flag
	if g := s.Problems(); len(g) != 1 || g[0].Rows != 2 || g[0].Examples[0].Line != 3 || g[0].Remedy != "keep one of the rows" {
		t.Errorf("%+v", g)
	}
}

func TestEstimate(t *testing.T) {
	_, s := planned(t, Plan{Operation: batch.Create}, "tracking_number\nAAAA1111|BBBB2222\nCCCC3333\n12\n")
	two := func(aftership.Class) float64 { return 2 }
	if got, want := s.Estimate(two), (Estimate{Calls: 3, Duration: 1500 * time.Millisecond, Counted: 3}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	var text strings.Builder
	text.WriteString("tracking_number,title\n")
	for i := range 60 {
		fmt.Fprintf(&text, "AAAA%04d,x\n", i)
	}
	text.WriteString("AAAA0000,y\n")
	_, s = planned(t, Plan{Operation: batch.Update, Defaults: Defaults{OnConflict: ConflictLast}}, text.String())
	if got, want := s.Estimate(two), (Estimate{Calls: 60, Lookups: 2, Duration: 31 * time.Second}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// A batch keeps the identity that it had before there were repairs, unless they change what is sent.
func TestIdentityStays(t *testing.T) {
	in := &Intake{Now: time.Now}
	for _, tt := range []struct {
		name, text string
		rules      preset.Rules
		needs      int
		options    string
	}{
		{"plain", "tracking_number,destination_country\nAAAA1111,deu\n", preset.Rules{Preset: "x"}, 0, `{}`},
		{"repaired", "tracking_number,destination_country\nAAAA1111,Germany\n", preset.Rules{}, repairVersion, `{}`},
		{"several numbers", "tracking_number\nAAAA1111|BBBB2222\n", preset.Rules{}, repairVersion, `{}`},
		{"repaired but not sent", "tracking_number,destination_country,emails\nAAAA1111,Germany,nonsense\n", preset.Rules{}, 0, `{}`},
		{"rules", "tracking_number\nAAAA1111\n", preset.Rules{Dates: "DD.MM.YYYY"}, 0, `{"rules":{"dates":"DD.MM.YYYY"}}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			sh, s := planned(t, Plan{Operation: batch.Create, Rules: tt.rules, Carriers: map[string]string{}}, tt.text)
			spec, err := in.spec(sh, s, Order{Account: "acc"})
			if err != nil {
				t.Fatal(err)
			}
			if spec.Needs != tt.needs || string(spec.Options) != tt.options {
				t.Errorf("needs %d with options %s", spec.Needs, spec.Options)
			}
			plain := identity(sh.SHA256, "acc", s.Plan, []byte(`{}`), 0)
			if same := spec.Identity == plain; same != (tt.needs == 0 && tt.options == `{}`) {
				t.Errorf("identity as before: %v", same)
			}
		})
	}
}

// What a dry run counts is what its items show.
func TestRehearsalAddsUp(t *testing.T) {
	sh, s := survey(t, batch.Create, Defaults{Limit: 5}, "tracking_number,emails\nAAAA1,\nAAAA1,\nAAAA2,bad\nx\"y,\nAAAA3,\nAAAA4,\n")
	b := s.Rehearsal(sh, "default")
	counts := map[batch.Outcome]int{}
	for item, err := range (&Foresight{Survey: s}).Items(t.Context(), sh) {
		if err != nil {
			t.Fatal(err)
		}
		counts[item.Result.Outcome]++
	}
	for o, n := range b.Counts {
		if counts[o] != n {
			t.Errorf("%s: counted %d, shown %d", o, n, counts[o])
		}
	}
	if counts[batch.Pending] != b.Pending() || b.Rows != 6 {
		t.Errorf("%d pending of %d rows, shown %d", b.Pending(), b.Rows, counts[batch.Pending])
	}
}

func TestUnsentColumnsAreNamed(t *testing.T) {
	sh, s := survey(t, batch.Create, Defaults{}, "Tracking Number,SKU,reason,aftership_result,aftership_code\nAAAA1,1,LOST,,\n")
	if got := strings.Join(s.Unsent(sh.Header), " "); got != "SKU reason" {
		t.Errorf("unsent: %q", got)
	}
}

// A file that changes between the passes stops the run before its rows are mixed up.
func TestChangedFileIsNoticed(t *testing.T) {
	sh, s := survey(t, batch.Create, Defaults{}, "tracking_number\nAAAA1\nAAAA2\n")
	s.fates = s.fates[:1]
	for _, err := range s.Settle(sh) {
		if err != nil {
			return
		}
	}
	t.Error("nobody noticed")
}
