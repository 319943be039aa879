package jobs

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"aftership-bulk/aftership"
	"aftership-bulk/batch"
	"aftership-bulk/sheet"
)

// templateText is a template with further rows.
func templateText(op batch.Operation, v aftership.Version, columns int, rows ...[]string) string {
	header, example := Template(op, v)
	if columns == 0 {
		columns = len(header)
	}
	var text strings.Builder
	w, _ := sheet.NewWriter(&text, sheet.WriterOptions{})
	for _, row := range slices.Concat([][]string{header, example}, rows) {
		_ = w.Write(row[:min(columns, len(row))])
	}
	_ = w.Flush()
	return text.String()
}

func TestTheTemplatesExampleIsSkipped(t *testing.T) {
	for _, op := range []batch.Operation{batch.Create, batch.Update, batch.Complete, batch.Retrack} {
		for _, v := range aftership.Versions() {
			sh, s := survey(t, op, Defaults{}, templateText(op, v, 0))
			outcomes, messages := fatesOf(t, sh, s)
			if !slices.Equal(outcomes, []string{"skipped"}) || !strings.Contains(messages[0], exampleRow) {
				t.Errorf("%s %s: %v %v", op, v, outcomes, messages)
			}
		}
	}
}

func TestTheTemplatesExampleIsSkippedInAReportGivenBack(t *testing.T) {
	header, example := Template(batch.Create, aftership.V202404)
	p := Plan{Operation: batch.Create}
	p.Mapping.Fields = append(slices.Clone(header), "aftership_result", "aftership_code")
	if cells := append(slices.Clone(example), "skipped", ""); !isExample(p.example(), cells) {
		t.Error("the example is sent")
	}
	if cells := append(slices.Clone(example[1:]), "x", "skipped", ""); isExample(p.example(), cells) {
		t.Error("another row is not sent")
	}
}

func TestOnlyTheTemplatesExampleIsSkipped(t *testing.T) {
	_, example := Template(batch.Create, aftership.V202404)
	other := slices.Clone(example)
	other[0] = "1Z5R89390357567127"
	sh, s := survey(t, batch.Create, Defaults{}, templateText(batch.Create, aftership.V202404, 0, other))
	if outcomes, _ := fatesOf(t, sh, s); !slices.Equal(outcomes, []string{"skipped", "send"}) {
		t.Errorf("a row filled in by the example: %v", outcomes)
	}
	sh, s = survey(t, batch.Create, Defaults{}, templateText(batch.Create, aftership.V202404, 20))
	if outcomes, _ := fatesOf(t, sh, s); !slices.Equal(outcomes, []string{"skipped"}) {
		t.Errorf("a template with fewer columns: %v", outcomes)
	}
	sh, s = survey(t, batch.Create, Defaults{}, "tracking_number,slug,order_number\n1Z999AA10123456784,ups,#1001\n")
	if outcomes, _ := fatesOf(t, sh, s); !slices.Equal(outcomes, []string{"send"}) {
		t.Errorf("the values of the example in a sheet of one's own: %v", outcomes)
	}
}

func TestSamplesAreNoTemplates(t *testing.T) {
	paths, err := filepath.Glob("../samples/*.csv")
	if err != nil || len(paths) == 0 {
		t.Fatal(paths, err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		sh, err := sheet.Open(t.Context(), path, nil, sheet.Options{})
		if err != nil {
			t.Fatal(err)
		}
		m, _, err := sheet.Map(sh.Header, Columns())
		_ = sh.Close()
		if err != nil || (Plan{Operation: batch.Create, Mapping: m}).example() != nil && strings.Contains(string(text), "1Z999AA10123456784") {
			t.Errorf("%s is taken for a template: %v", path, err)
		}
	}
}
