package sheet

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// openText opens a sheet with the given content.
func openText(tb testing.TB, text string, o Options) *Sheet {
	tb.Helper()
	s, err := Open(tb.Context(), writeText(tb, text), nil, o)
	if err != nil {
		tb.Fatalf("Open: %v", err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Errorf("Close: %v", err)
		}
	})
	return s
}

func writeText(tb testing.TB, text string) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "test.csv")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

// render writes what Rows yields, one line per row: the line number, the cells, and the problem.
func render(s *Sheet) string {
	var out strings.Builder
	for row, err := range s.Rows() {
		if fatal(err) {
			return out.String() + "fatal: " + err.Error() + "\n"
		}
		out.WriteString(itoa(row.Line) + ":" + strings.Join(row.Cells, "|"))
		if err != nil {
			out.WriteString(" !" + err.(*LineError).Problem)
		}
		for _, f := range row.Flaws {
			out.WriteString(" ?" + itoa(f.Column) + " " + f.Problem)
		}
		if row.Skip != "" {
			out.WriteString(" (" + row.Skip + ")")
		}
		out.WriteByte('\n')
	}
	return out.String()
}

func itoa(n int) string { return strconv.Itoa(n) }

func TestRows(t *testing.T) {
	unclosed, tail := problems[problemUnclosed].text, problems[problemTail].text
	tooFew, rest := problems[problemTooFew].text, problems[problemRest].text
	tooMany := problems[problemTooMany].text + ", which has 3"
	for _, tt := range []struct{ name, text, want string }{
		{"plain", "a,b,c\n1,2,3\n4,5,6\n", "2:1|2|3\n3:4|5|6\n"},
		{"no final newline", "a,b,c\n1,2,3", "2:1|2|3\n"},
		{"mark", utf8BOM + "\"a\",b,c\n1,2,3\n", "2:1|2|3\n"},
		{"CR LF", "a,b,c\r\n1,2,3\r\n", "2:1|2|3\n"},
		{"CR", "a,b,c\r1,2,3\r4,5,6", "2:1|2|3\n3:4|5|6\n"},
		{"mixed line ends", "a,b,c\r\n1,2,3\r4,5,6\n7,8,9\r\n", "2:1|2|3\n3:4|5|6\n4:7|8|9\n"},
		{"semicolons", "a;b;c\n1,0;2;3\n", "2:1,0|2|3\n"},
		{"tabs", "a\tb\tc\n1\t2\t3\n", "2:1|2|3\n"},
		{"pipes", "a|b|c\n1|2|3\n", "2:1|2|3\n"},
		{"one column", "a\n1\n2\n", "2:1\n3:2\n"},
		{"sep line", "sep=;\r\na;b;c\r\n1;2;3\r\n", "3:1|2|3\n"},
		{"lines in a cell", "a,b,c\n1,\"x\ny\r\nz\rw\",3\n4,5,6\n", "2:1|x\ny\r\nz\rw|3\n6:4|5|6\n"},
		{"doubled quotes", "a,b,c\n1,\"5\"\" box\",\"\"\"\"\n", "2:1|5\" box|\"\n"},
		{"blank lines", "\n\na,b,c\n\n1,2,3\n,,\n \n\"\",,\n4,5,6\n\n", "5:1|2|3\n9:4|5|6\n"},
		{"short row", "a,b,c\n1\n4,5,6\n", "2:1||\n3:4|5|6\n"},
		{"empty cells beyond the header", "a,b,c\n1,2,3,,,\n", "2:1|2|3\n"},
		{"long row", "a,b,c\n1,x,y,3\n4,5,6\n", "2:|||1,x,y,3 !" + tooMany + "\n3:4|5|6\n"},
		{"quote within a cell", "a,b,c\n1,5\" box,3\n", "2:1|5\" box|3\n"},
		{"quote within a cell of a short row", "a,b,c\n1, \"x\n4,5,6\n", "2:|||1, \"x !" + tooFew + "\n3:4|5|6\n"},
		{"space before quotes", "a,b,c\n1, \"x,y\",3\n4,5,6\n", "2:|||1, \"x,y\",3 !" + tooMany + "\n3:4|5|6\n"},
		{"text after a quote", "a,b,c\n1,\"5\" box\",3\n4,5,6\n", "2:|||1,\"5\" box\",3 !" + tail + "\n3:4|5|6\n"},
		{"short row after text after a quote", "a,b,c\n1,\"5\" box\",3\n4,5\n", "2:|||1,\"5\" box\",3 !" + tail + "\n3:4|5|\n"},
		{"unclosed quote at the end", "a,b,c\n1,2,3\n4,\"5,6\n7,8,9\n", "2:1|2|3\n3:|||4,\"5,6 !" + unclosed + "\n4:7|8|9\n"},
		{"unclosed quote before quoted cells", "a,b,c\n4,\"5,6\n7,\"8\",9\n", "2:|||4,\"5,6 !" + tail + "\n3:7|8|9\n"},
		{"unclosed quote and a stray one", "a,b,c\n\"4,5,6\n7,8,9\n1,2\",3\n", "2:|||\"4,5,6 !" + tooFew + "\n3:7|8|9\n4:1|2\"|3\n"},
		{"rest of an unclosed cell", "a,b,c\n4,5,\"6\nmore\n7,8,9\n1\n", "2:|||4,5,\"6 !" + unclosed + "\n3:|||more !" + rest + "\n4:7|8|9\n5:|||1 !" + rest + "\n"},
		{"not UTF-8", "a,b,c\n1,M\xff\x81n,3\n4,5,6\n", "2:1|M\uFFFD\uFFFDn|3 ?2 " + flawEncoding.Problem + "\n3:4|5|6\n"},
		{"NUL", "a,b,c\n1,x\x00y,3\n4,5,6\n", "2:1|x\x00y|3 !" + problems[problemNUL].text + "\n3:4|5|6\n"},
		{"header only", "a,b,c\n", ""},
		{"header of two lines", "a,\"b\nb\",c\n1,2,3\n", "3:1|2|3\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := openText(t, tt.text, Options{})
			for pass := range 2 {
				if got := render(s); got != tt.want {
					t.Errorf("pass %d:\n%s\nwant\n%s", pass, got, tt.want)
				}
			}
		})
	}
}
