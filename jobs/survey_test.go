package jobs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aftership-bulk/aftership"
	"aftership-bulk/batch"
	"aftership-bulk/sheet"
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

// What a dry run counts is what its items show.
func TestRehearsalAddsUp(t *testing.T) {
	sh, s := survey(t, batch.Create, Defaults{Limit: 5}, "tracking_number,emails\nAAAA1,\nAAAA1,\nAAAA2,bad\nx\"y,\nAAAA3,\nAAAA4,\n")
	b := s.Rehearsal(sh, "default")
	counts := map[batch.Outcome]int{}
	for item, err := range s.Items(sh) {
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
