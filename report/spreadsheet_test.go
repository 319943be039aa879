package report

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"aftership-bulk/batch"
	"aftership-bulk/sheet"
	"aftership-bulk/sheet/book"
)

func TestGuardsOfNumbers(t *testing.T) {
	info := Info{Header: []string{"00123", "number"}}
	rows := []batch.Item{
		item(0, batch.Result{Outcome: batch.Created, TrackingID: "65012345678901234567890123456789", Slug: "ups"}, "940011120621364217", "42"),
		item(1, batch.Result{Outcome: batch.Created, TrackingID: "65e01234", Slug: "7-11"}, "'0012", "+49"),
	}
	for guard, want := range map[Guard]string{
		"":        "'00123,number\n'940011120621364217,42,2,created,,,,'65012345678901234567890123456789,ups,0,,\n''0012,'+49,3,created,,,,'65e01234,'7-11,0,,\n",
		GuardAuto: "'00123,number\n'940011120621364217,42,2,created,,,,'65012345678901234567890123456789,ups,0,,\n''0012,'+49,3,created,,,,'65e01234,'7-11,0,,\n",
		GuardOff:  "00123,number\n940011120621364217,42,2,created,,,,65012345678901234567890123456789,ups,0,,\n''0012,'+49,3,created,,,,65e01234,7-11,0,,\n",
	} {
		var out strings.Builder
		if _, err := Write(t.Context(), &out, info, sequence(rows), Options{Guard: guard}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, strings.Replace(out.String(), ","+strings.Join(Columns, ","), "", 1)); diff != "" {
			t.Errorf("%q: %s", guard, diff)
		}
	}
}

// Lines end as those of the input did; a line end within a cell is the user's.
func TestLineEndComesBack(t *testing.T) {
	for spec, want := range map[string]string{"": "\n", "lf": "\n", "crlf": "\r\n", "cr": "\n", "mixed": "\n"} {
		b := batch.Batch{Spec: batch.Spec{Header: []string{"a"}, LineEnd: spec}}
		var out strings.Builder
		if _, err := Write(t.Context(), &out, InfoOf(b), sequence([]batch.Item{item(0, batch.Result{Outcome: batch.Created}, "x\ny")}), Options{}); err != nil {
			t.Fatal(err)
		}
		lines := "a," + strings.Join(Columns, ",") + want + "\"x\ny\",2,created,,,,,,0,," + want
		if out.String() != lines {
			t.Errorf("%q: %q, want %q", spec, out.String(), lines)
		}
	}
}

// A line that could not be split stands behind the row's empty cells, so that nothing of it can be sent by guess, and stays there in
// the report of the report until the row is mended.
func TestBrokenLine(t *testing.T) {
	res := batch.Result{Outcome: batch.Invalid, Message: "the line has more cells than the header, which has 2"}
	var out bytes.Buffer
	info := Info{Header: []string{"tracking_number", "note"}}
	if _, err := Write(t.Context(), &out, info, sequence([]batch.Item{item(0, res, "", "", "=AAAA2,x,y,z")}), Options{}); err != nil {
		t.Fatal(err)
	}
	s, rows := read(t, out.Bytes(), sheet.Options{})
	if rows[0][0] != "" || s.Cell(sheet.Row{Cells: rows[0]}, sheet.ColumnBroken) != "=AAAA2,x,y,z" {
		t.Errorf("row %q", rows[0])
	}
	for outcome, want := range map[batch.Outcome]string{batch.Invalid: "=AAAA2,x,y,z", batch.Created: ""} {
		var again bytes.Buffer
		next := item(0, batch.Result{Outcome: outcome, Message: "tracking_number is missing"}, rows[0]...)
		if _, err := Write(t.Context(), &again, Info{Header: s.Header}, sequence([]batch.Item{next}), Options{}); err != nil {
			t.Fatal(err)
		}
		s2, rows2 := read(t, again.Bytes(), sheet.Options{})
		if got := s2.Cell(sheet.Row{Cells: rows2[0]}, sheet.ColumnBroken); got != want || len(s2.Header) != len(s.Header) {
			t.Errorf("%s: the next report says %q, want %q", outcome, got, want)
		}
	}
}

// A sheet whose cells stand apart by spaces gets a report that Excel can open.
func TestSpacesBecomeCommas(t *testing.T) {
	var out strings.Builder
	if _, err := Write(t.Context(), &out, Info{Header: []string{"a", "b"}, Delimiter: ' '}, sequence(nil), Options{}); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(out.String(), "a,b,aftership_line,") {
		t.Errorf("wrote %q", out.String())
	}
}

// readWorkbook reads a workbook with the reader of sheets.
func readWorkbook(t *testing.T, path string) (rows [][]string) {
	t.Helper()
	s, err := sheet.Open(t.Context(), path, nil, sheet.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if !s.Report || s.Format != "xlsx" {
		t.Errorf("a report %v of format %q", s.Report, s.Format)
	}
	rows = append(rows, s.Header)
	for row, err := range s.Rows() {
		if err != nil || len(row.Flaws) > 0 || row.Skip != "" {
			t.Fatalf("row %+v: %v", row, err)
		}
		rows = append(rows, row.Cells)
	}
	return rows
}

func TestWorkbook(t *testing.T) {
	info, items := everyOutcome()
	for i, cell := range []string{"940011120621364217", "00123", "12E45678", "3-4", "'00123", "=1+1", "_x0041_"} {
		items[i].Entry.Cells[0] = cell
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "out.XLSX")
	counts, err := ToFile(t.Context(), path, info, sequence(items), Options{TempDir: dir})
	if err != nil || counts.Rows != len(items) {
		t.Fatalf("%+v, %v", counts, err)
	}
	rows := readWorkbook(t, path)
	if want := append(slices.Clone(info.Header), Columns...); !slices.Equal(rows[0], want) {
		t.Errorf("header %q, want %q", rows[0], want)
	}
	for i, it := range items {
		if got := rows[i+1]; !slices.Equal(got[:3], it.Entry.Cells) || got[3] != fmt.Sprint(it.Entry.Line) || got[4] != string(it.Result.Outcome) {
			t.Errorf("row %d: %q, want %q", i, got, it.Entry.Cells)
		}
	}
	if names := list(t, dir); !slices.Equal(names, []string{"out.XLSX"}) {
		t.Errorf("files left: %v", names)
	}
}

func TestWorkbooksOfABatch(t *testing.T) {
	info, items := everyOutcome()
	dir := t.TempDir()
	b := batch.Batch{ID: "261122-k7f3qz", Spec: batch.Spec{Source: "orders.xlsx", Header: info.Header}}
	paths, err := FilesWith(t.Context(), dir, b, sequence(items), Options{Format: XLSX})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"orders-261122-k7f3qz.failed.xlsx", "orders-261122-k7f3qz.xlsx"}, list(t, dir)); diff != "" {
		t.Error(diff)
	}
	if n := len(readWorkbook(t, paths.Report)); n != 1+len(items) {
		t.Errorf("the report has %d rows", n)
	}
	if n := len(readWorkbook(t, paths.Failed)); n != 1+4 {
		t.Errorf("the failed rows are %d", n)
	}
}

// What a workbook can't hold is said, with the line and the column, and no file is left.
func TestWorkbookThatCannotBe(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "out.xlsx")
	items := []batch.Item{item(0, batch.Result{Outcome: batch.Created}, "fine"), item(1, batch.Result{Outcome: batch.Created}, strings.Repeat("x", 40_000))}
	_, err := ToFile(t.Context(), path, Info{Header: []string{"note"}}, sequence(items), Options{})
	if err == nil {
		t.Fatal("no error")
	}
	for _, part := range []string{path, "line 3", "column note", "32767", ".csv"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error does not say %q: %v", part, err)
		}
	}
	if _, err := ToFile(t.Context(), path, Info{Header: []string{"a\x0b"}}, sequence(nil), Options{}); err == nil || !strings.Contains(err.Error(), ".csv") {
		t.Errorf("the header: %v", err)
	}
	if names := list(t, dir); len(names) > 0 {
		t.Errorf("files left: %v", names)
	}
}

func TestCheckRows(t *testing.T) {
	if err := errors.Join(CheckRows(XLSX, 1_048_575), CheckRows(CSV, 2_000_000)); err != nil {
		t.Error(err)
	}
	if err := CheckRows(XLSX, 1_048_576); err == nil || !strings.Contains(err.Error(), ".csv") {
		t.Errorf("one row too many: %v", err)
	}
}

func TestFormatOf(t *testing.T) {
	for path, want := range map[string]Format{"a.xlsx": XLSX, "A.XLSX": XLSX, "a.csv": CSV, "-": CSV, "/dev/stdout": CSV, "xlsx": CSV} {
		if got := FormatOf(path); got != want || !slices.Contains(Formats(), got) {
			t.Errorf("FormatOf(%q) = %q, want %q", path, got, want)
		}
	}
}

// FuzzWorkbookRoundTrip is law 5 for workbooks: whatever the cells are, a report read back has every row unchanged.
func FuzzWorkbookRoundTrip(f *testing.F) {
	f.Add("a", "=1", "x\r\ny", "'0012")
	f.Add("940011120621364217", "00123", "_x0041_", " \t")
	f.Add("'", "\u00a0", "\r", "true")
	f.Fuzz(func(t *testing.T, name, x, y, message string) {
		for _, text := range []string{name, x, y} {
			if !readable(text) || book.Holds(text) != "" {
				return
			}
		}
		if sheet.IsReportColumn(name) {
			return
		}
		res := batch.Result{Outcome: batch.Rejected, Message: message, At: noon}
		path := filepath.Join(t.TempDir(), "report.xlsx")
		items := []batch.Item{item(0, res, x, y), item(1, res, y, x)}
		if _, err := ToFile(t.Context(), path, Info{Header: []string{name, "b"}}, sequence(items), Options{}); err != nil {
			t.Fatal(err)
		}
		rows := readWorkbook(t, path)
		want := [][]string{{name, "b"}, {x, y}, {y, x}}
		if len(rows) != len(want) {
			t.Fatalf("%d rows: %q", len(rows), rows)
		}
		for i, cells := range want {
			if !slices.Equal(rows[i][:2], cells) {
				t.Errorf("row %d: %q, want %q", i, rows[i][:2], cells)
			}
		}
	})
}

// workbookOf is an Excel file of text cells.
func workbookOf(t *testing.T, header []string, rows ...[]string) string {
	t.Helper()
	table, err := book.NewTable(header, book.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer table.Close()
	for _, row := range rows {
		if err := table.Write(row, book.Plain); err != nil {
			t.Fatal(err)
		}
	}
	var out strings.Builder
	if _, err := table.WriteTo(&out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// utf16le is a text as Excel's "Unicode text" has it.
func utf16le(text string) string {
	out := []byte("\xff\xfe")
	for _, unit := range utf16.Encode([]rune(text)) {
		out = append(out, byte(unit), byte(unit>>8))
	}
	return string(out)
}

// Whatever the input was, its report is UTF-8 with the same header and cells, and its failed rows can be imported again.
func TestReportOfAnyInput(t *testing.T) {
	header, want := []string{"tracking_number", "customer_name"}, []string{"00123", "Jörg Müller"}
	text := "tracking_number;customer_name\r\n00123;Jörg Müller\r\n"
	latin := strings.NewReplacer("ö", "\xf6", "ü", "\xfc")
	for _, tt := range []struct {
		name, content, encoding string
		begins, ends            string // of the report
	}{
		{"UTF-8", text, "", "tracking_number;", "\r\n"},
		{"UTF-8 with LF", strings.ReplaceAll(text, "\r\n", "\n"), "", "tracking_number;", "\n"},
		{"UTF-8 with a mark", "\uFEFF" + text, "", "\uFEFFtracking_number;", "\r\n"},
		{"Windows-1252", latin.Replace(text), "windows-1252", "\uFEFFtracking_number;", "\r\n"},
		{"UTF-16", utf16le(strings.ReplaceAll(text, ";", "\t")), "", "\uFEFFtracking_number\t", "\r\n"},
		{"workbook", workbookOf(t, header, want), "", "\uFEFFtracking_number,", "\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "input")
			if err := os.WriteFile(path, []byte(tt.content), 0o600); err != nil {
				t.Fatal(err)
			}
			s, err := sheet.Open(t.Context(), path, nil, sheet.Options{Encoding: tt.encoding})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			var items []batch.Item
			for row, err := range s.Rows() {
				if err != nil {
					t.Fatal(err)
				}
				items = append(items, item(row.Index, batch.Result{Outcome: batch.Rejected}, row.Cells...))
			}
			var b batch.Batch
			Describe(&b.Spec, s)
			var out bytes.Buffer
			if _, err := Write(t.Context(), &out, InfoOf(b), sequence(items), Options{OnlyFailed: true}); err != nil {
				t.Fatal(err)
			}
			if got := out.String(); !strings.HasPrefix(got, tt.begins) || strings.Count(got, "\r\n") != strings.Count(tt.ends, "\r")*2 {
				t.Errorf("the report is %q", got)
			}
			again, rows := read(t, out.Bytes(), sheet.Options{})
			if !slices.Equal(again.Header[:2], header) || len(rows) != 1 || !slices.Equal(rows[0][:2], want) {
				t.Errorf("header %q, rows %q", again.Header, rows)
			}
		})
	}
}
