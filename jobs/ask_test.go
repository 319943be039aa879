package jobs

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"aftership-bulk/aftership"
	"aftership-bulk/batch"
	"aftership-bulk/sheet"
)

// ask reads what the rows of a sheet ask about, each in a few words.
func ask(t *testing.T, op batch.Operation, text string) (said []string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "rows.csv")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	sh, err := sheet.Open(t.Context(), path, nil, sheet.Options{HeaderLine: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer sh.Close()
	m, _, err := sheet.Map(sh.Header, Columns())
	if err != nil {
		t.Fatal(err)
	}
	plan := Plan{Operation: op, Version: aftership.V202507, Mapping: m, Defaults: Defaults{Slug: "ups"}}
	for a, err := range plan.Ask(sh) {
		if err != nil {
			t.Fatal(err)
		}
		ref := a.Ref()
		var text strings.Builder
		text.WriteString(fmt.Sprintf("%d %s/%s/%s", a.Line, ref.ID, ref.Slug, ref.TrackingNumber))
		for _, p := range a.Problems {
			text.WriteString(" !" + p.Column)
		}
		said = append(said, text.String())
	}
	return said
}

// Every number of every row is asked about, and what cannot be comes with the reason.
func TestAsk(t *testing.T) {
	tests := []struct {
		name, text string
		want       []string
	}{
		{"numbers", "tracking_number,slug\n1Z999AA10123456784,\n1Z999AA10123456785,usps\n", []string{"2 /ups/1Z999AA10123456784", "3 /usps/1Z999AA10123456785"}},
		{"several in a cell", "tracking_number\n1Z999AA10123456784; 1Z999AA10123456785\n", []string{"2 /ups/1Z999AA10123456784", "2 /ups/1Z999AA10123456785"}},
		{"guarded", "id,tracking_number\nabc,'00123456789\n", []string{"2 abc//00123456789"}},
		{"an id is enough", "id,tracking_number\nabc,9.40551E+21\n", []string{"2 abc//9.40551E+21"}},
		{"damaged", "tracking_number,slug\n9.40551E+21,ups\n", []string{"2 /ups/9.40551E+21 !tracking_number"}},
		{"broken line", "tracking_number,slug\n1Z999AA10123456784,ups,too,many\n", []string{"2 // !line"}},
		{"a report", "tracking_number,aftership_line,aftership_result,aftership_tracking_id\n1Z999AA10123456784,2,created,xyz\n1Z999AA10123456785,3,rejected,\n1Z999AA10123456786,4,created,a; b\n",
			[]string{"2 xyz/ups/1Z999AA10123456784", "3 /ups/1Z999AA10123456785", "4 /ups/1Z999AA10123456786"}},
	}
	for _, test := range tests {
		if got := ask(t, batch.Retrack, test.text); !slices.Equal(got, test.want) {
			t.Errorf("%s:\ngot  %q\nwant %q", test.name, got, test.want)
		}
	}
	if got := ask(t, batch.Create, "id,origin_country\nabc,Atlantis\n"); len(got) != 1 || !strings.HasSuffix(got[0], "!origin_country") {
		t.Errorf("%q", got)
	}
}
