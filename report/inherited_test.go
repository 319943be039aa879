package report

import (
	"bytes"
	"strings"
	"testing"

	"aftership-bulk/batch"
)

// The report gives cells back as they were; among the failed rows alone, a row
// keeps what it inherited from one that is not there.
func TestFailedRowsKeepWhatTheyInherit(t *testing.T) {
	info := Info{Header: []string{"Name", "tracking_number", "country"}}
	second := item(1, batch.Result{Outcome: batch.Invalid}, "", "1Z2", "Other")
	second.Entry.Filled = []batch.Fill{{Column: 0, Value: "#1001"}, {Column: 2, Value: "DE"}}
	items := []batch.Item{item(0, batch.Result{Outcome: batch.Created}, "#1001", "1Z1", "DE"), second}
	for failed, want := range map[bool]string{false: "\n,1Z2,Other,", true: "\n#1001,1Z2,Other,"} {
		var out bytes.Buffer
		if _, err := Write(t.Context(), &out, info, sequence(items), Options{OnlyFailed: failed}); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.String(), want) {
			t.Errorf("failed rows only: %v: %q has no %q", failed, out.String(), want)
		}
	}
}
