package sheet

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// small are limits that fuzzing reaches.
var small = limits{cell: 24, record: 64, columns: 8}

// scan cuts a text into records and checks that they cover it: every byte belongs to one record, every physical line too.
func scan(t *testing.T, src io.Reader, text string, s splitter) []string {
	t.Helper()
	sc := newScanner(src, s, 1, 0)
	sc.buf = sc.buf[:min(len(sc.buf), 8)]
	var records []string
	var pos int64
	line := 1
	for {
		f, err := sc.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if f.pos != pos || f.line != line {
			t.Fatalf("record at %d, line %d; the one before ended at %d, line %d", f.pos, f.line, pos, line)
		}
		if !strings.HasPrefix(text[f.pos:], string(f.bytes)) {
			t.Fatalf("record %q is not what stands at %d", f.bytes, f.pos)
		}
		if n := physicalLines(text[pos:sc.pos]); n != sc.line-line {
			t.Fatalf("record %q has %d lines, not %d", text[pos:sc.pos], n, sc.line-line)
		}
		if len(sc.buf) > 4*(s.limits.record+2) {
			t.Fatalf("the buffer grew to %d bytes", len(sc.buf))
		}
		pos, line = sc.pos, sc.line
		records = append(records, string(f.problem)+":"+string(f.bytes))
	}
	if pos != int64(len(text)) {
		t.Fatalf("%d of %d bytes were read", pos, len(text))
	}
	return records
}

// physicalLines counts the lines of a text as an editor does, a last one without an end among them.
func physicalLines(text string) int {
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	n := strings.Count(text, "\n")
	if text != "" && !strings.HasSuffix(text, "\n") {
		n++
	}
	return n
}

var nasty = []string{
	"a,b\n1,2\n", "a,b\r1,2\r", "a,\"b\nc\",d\n1", "\"", "\"\"", "\"\"\"", "a,\"b\n1,2\n3,\"4\n", "\r\n\r\n", "x,\"y\"z\n1,2", "\xff\x00,\n",
	strings.Repeat("a", 100) + "\nb", strings.Repeat("\"", 99), "\"" + strings.Repeat("\n", 90), strings.Repeat("a,", 40) + "\n1,2", utf8BOM + "a,b\n1,2",
	"a,b\n\"" + strings.Repeat("x\n", 50) + "\",2\n3,4",
}

func FuzzScanner(f *testing.F) {
	for i, text := range nasty {
		f.Add(text, i*5)
	}
	f.Fuzz(func(t *testing.T, text string, width int) {
		d := []dialect{usual(','), {',', '\'', '\\', false}, {',', '"', '"', true}, {';', 0, 0, false}}[max(0, width/6)%4]
		s := splitter{dialect: d, width: max(0, width%6), wide: width > 30, limits: small}
		whole := scan(t, strings.NewReader(text), text, s)
		bytewise := scan(t, iotest.OneByteReader(strings.NewReader(text)), text, s)
		if !slices.Equal(whole, bytewise) {
			t.Fatalf("the records depend on how the bytes arrive:\n%q\n%q", whole, bytewise)
		}
	})
}

func FuzzOpen(f *testing.F) {
	for _, text := range nasty {
		f.Add([]byte(text))
	}
	for _, tt := range []string{"sep=;\na;b\n1;2", "aftership_line,aftership_result\n'=1,'2\n", "a|b\n1|2"} {
		f.Add([]byte(tt))
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text []byte) {
		path := filepath.Join(dir, "fuzz.csv")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := Open(t.Context(), path, nil, Options{MaxCell: small.cell, MaxLine: small.record, MaxColumns: small.columns})
		if err != nil {
			return
		}
		defer s.Close()
		last := Row{Index: -1, Line: s.HeaderLine}
		for row, err := range s.Rows() {
			if fatal(err) {
				t.Fatal(err)
			}
			width := len(s.Header)
			if err != nil && len(row.Cells) > width {
				width++ // the line that could not be split
			}
			if row.Index != last.Index+1 || row.Line <= last.Line || len(row.Cells) != width {
				t.Fatalf("row %+v after %+v with the header %q", row, last, s.Header)
			}
			last = row
		}
		if lines := physicalLines(string(text)); last.Line > lines {
			t.Fatalf("row in line %d of %d", last.Line, lines)
		}
	})
}

// FuzzAgainstEncodingCSV holds our splitter against the standard library's on everything that is well-formed.
func FuzzAgainstEncodingCSV(f *testing.F) {
	for _, text := range nasty {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "\r") { // turned into LF by encoding/csv
			return
		}
		r := csv.NewReader(strings.NewReader(text))
		want, lines := [][]string{}, []int{}
		for {
			cells, err := r.Read()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil && !errors.Is(err, csv.ErrFieldCount) {
				return
			}
			line, _ := r.FieldPos(0)
			if strings.Trim(strings.Join(cells, ""), " \t\r\n") == "" {
				continue
			}
			want, lines = append(want, cells), append(lines, line)
		}
		sc := newScanner(strings.NewReader(text), splitter{dialect: usual(','), limits: limits{1 << 20, 1 << 20, 1 << 20}}, 1, 0)
		for i := 0; ; i++ {
			found, err := sc.next()
			for err == nil && found.blank() {
				found, err = sc.next()
			}
			if errors.Is(err, io.EOF) {
				if i != len(want) {
					t.Fatalf("%d records, want %d", i, len(want))
				}
				return
			}
			if i >= len(want) || !slices.Equal(sc.cells(found), want[i]) || found.line != lines[i] {
				t.Fatalf("record %d: %q in line %d, want %q in %v", i, sc.cells(found), found.line, want, lines)
			}
		}
	})
}

func FuzzGuard(f *testing.F) {
	for _, cell := range []string{"", "=1", "'", "''", "'=1", "'0012", "0012", "'t Hooft", "＝", "'＝", "\xff", "'\xff", "\t", "\r\n"} {
		f.Add(cell)
	}
	f.Fuzz(func(t *testing.T, cell string) {
		if got := Unguard(Guard(cell)); got != cell {
			t.Errorf("Unguard(Guard(%q)) = %q", cell, got)
		}
		if guarded := Guard(cell); guarded != "" && risky(guarded) {
			t.Errorf("Guard(%q) = %q begins like a formula", cell, guarded)
		}
	})
}

func FuzzWriter(f *testing.F) {
	f.Add("a", "=1\r\n", "\"", byte(0))
	f.Fuzz(func(t *testing.T, a, b, c string, delimiter byte) {
		cells := []string{a, b, c}
		var out bytes.Buffer
		d := Delimiters()[int(delimiter)%4]
		w, err := NewWriter(&out, WriterOptions{Delimiter: d})
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(w.Write(cells), w.Flush()); err != nil {
			t.Fatal(err)
		}
		sc := newScanner(&out, splitter{dialect: usual(byte(d)), width: 3, limits: limits{1 << 20, 1 << 20, 1 << 20}}, 1, 0)
		found, err := sc.next()
		if err != nil || found.problem != problemNone {
			t.Fatalf("%v %s", err, found.problem)
		}
		if got := append(sc.cells(found), "", "", "")[:3]; !slices.Equal(got, cells) {
			t.Errorf("wrote %q, read %q", cells, got)
		}
	})
}

// FuzzDecoder shows that gocsv gets every cell as it is, whatever is in it.
func FuzzDecoder(f *testing.F) {
	f.Add("a", "b", "c")
	f.Add("\"", "\x1f", "\r\n")
	f.Add("", "x\ny", " =1 ")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		d := NewDecoder[wide](Mapping{Fields: []string{"slug", "", "tracking_number", "custom_fields.x"}})
		for range 2 {
			got, others, err := d.Decode([]string{a, "unmapped", b, c})
			if err != nil {
				t.Fatal(err)
			}
			if got.Slug != Unguard(clean(a)) || got.TrackingNumber != Unguard(clean(b)) || others["custom_fields.x"] != Unguard(clean(c)) {
				t.Fatalf("%q %q %q became %q %q %q", a, b, c, got.Slug, got.TrackingNumber, others)
			}
			a, b = b, a
		}
	})
}
