package sheet

import (
	"errors"
	"strings"
	"testing"
)

// Line ends of rows are chosen; those within cells are the user's.
func TestWriterLineEnds(t *testing.T) {
	for crlf, want := range map[bool]string{
		false: "a;b\n\"x\ny\";\"x\r\ny\"\n\"\r\";\n",
		true:  "a;b\r\n\"x\ny\";\"x\r\ny\"\r\n\"\r\";\r\n",
	} {
		var out strings.Builder
		w, err := NewWriter(&out, WriterOptions{Delimiter: ';', CRLF: crlf})
		if err != nil {
			t.Fatal(err)
		}
		err = errors.Join(w.Write([]string{"a", "b"}), w.Write([]string{"x\ny", "x\r\ny"}), w.Write([]string{"\r", ""}), w.Flush())
		if err != nil || out.String() != want {
			t.Errorf("CRLF %v: wrote %q, want %q (%v)", crlf, out.String(), want, err)
		}
	}
}
