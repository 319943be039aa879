package charset

import (
	"strings"
	"testing"
)

func resultOf(text string) Result {
	d := NewDetector()
	_, _ = d.Write([]byte(text))
	return d.Result(nil)
}

// A text of which some cells are UTF-8 is never read as Windows-1252, which would spoil them.
func TestMixedEncodings(t *testing.T) {
	head := "tracking_number,slug,customer_name\n"
	utf8Row, oldRow := "1Z999AA10123456784,ups,Zü\n", "1Z999AA10123456795,ups,M\xf6ller\n"
	for name, tt := range map[string]struct {
		text     string
		encoding string
		damaged  bool
		doubt    bool
	}{
		"one of each":         {head + utf8Row + oldRow, UTF8, true, false},
		"most are UTF-8":      {head + strings.Repeat(utf8Row, 2) + oldRow, UTF8, true, false},
		"few are UTF-8":       {head + utf8Row + oldRow + "1,ups,J\xf6rg\n2,ups,Gr\xfc\xdfe\n", "", false, true},
		"none is UTF-8":       {head + oldRow, "windows-1252", false, false},
		"all are UTF-8":       {head + utf8Row, UTF8, false, false},
		"UTF-8 beside ASCII":  {head + utf8Row + "1,ups,Ann\n", UTF8, false, false},
		"none, and some more": {head + strings.Repeat(oldRow, 5) + "1,ups,Caf\xe9\n", "windows-1252", false, false},
	} {
		r := resultOf(tt.text)
		if r.Encoding != tt.encoding || r.Damaged != tt.damaged || (r.Doubt != nil) != tt.doubt {
			t.Errorf("%s: %+v", name, r)
		}
		if r.Doubt != nil && (r.Doubt.Candidates[0].Encoding != UTF8 || !strings.Contains(r.Doubt.Error(), "windows-1252")) {
			t.Errorf("%s: %v", name, r.Doubt)
		}
	}
}

func TestUndo(t *testing.T) {
	for text, want := range map[string]string{
		"JÃ¼rgen MÃ¼ller": "Jürgen Müller", "ZÃ¼rich": "Zürich", "Ã©": "é", "CafÃ© Ann": "Café Ann", "itâ€™s": "it’s", "10 â‚¬": "10 €",
	} {
		if got, ok := Undo(text); got != want || !ok {
			t.Errorf("%s: %s, %v", text, got, ok)
		}
	}
	for _, text := range []string{"", "Ann", "Jürgen", "Ângela", "SÃO PAULO", "João Ã", "Ärger", "CAFÉ®", "„Spaß“", "Âge", "Łódź", "山田", "Ä\x80"} {
		if got, ok := Undo(text); ok {
			t.Errorf("%s became %s", text, got)
		}
	}
}
