package book

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
)

// write writes a table and returns the workbook.
func write(t testing.TB, header []string, rows [][]string, o Options) []byte {
	t.Helper()
	header = slices.Clone(header)
	table, err := NewTable(header, o)
	if err != nil {
		t.Fatal(err)
	}
	clear(header)
	defer func() {
		if err := table.Close(); err != nil {
			t.Error(err)
		}
	}()
	var cells []string // one for all rows, as a caller may have it
	for i, row := range rows {
		cells = append(cells[:0], row...)
		if err := table.Write(cells, Tints()[i%len(Tints())]); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	if n, err := table.WriteTo(&out); err != nil || n != int64(out.Len()) {
		t.Fatalf("%d of %d bytes: %v", n, out.Len(), err)
	}
	return out.Bytes()
}

func open(t testing.TB, workbook []byte) *excelize.File {
	t.Helper()
	f, err := excelize.OpenReader(bytes.NewReader(workbook))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func read(t testing.TB, f *excelize.File, width int) (rows [][]string) {
	t.Helper()
	all, err := f.GetRows(f.GetSheetName(0))
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range all {
		rows = append(rows, append(row, make([]string, width-len(row))...))
	}
	return rows
}

var nasty = []string{
	"940011120621364217", "00123", "=1+1", "+49 30 1", "-", "@x", "3-4", "1/2", "MAR1", "12E45678", "true", "", " x ", "\ttab\t", "two\nlines", "a\r\nb", "\r",
	"<&>\"'", "_x0041_", "_x005F_", "_xZZZZ_", "注文 é 😀", "'00123", "#N/A", strings.Repeat("x", 32_767), strings.Repeat("😀", 16_383),
}

func TestTableRoundTrip(t *testing.T) {
	for _, n := range []int{0, 1, measured - 1, measured, measured + 1, 3 * measured} {
		header := []string{"a", "a", "=long name of a column"}
		want := [][]string{header}
		for i := range n {
			want = append(want, []string{nasty[i%len(nasty)], fmt.Sprint(i), nasty[(i*7+1)%len(nasty)]})
		}
		f := open(t, write(t, header, want[1:], Options{Sheet: "Report", TintFrom: 2}))
		if name := f.GetSheetName(0); name != "Report" || f.SheetCount != 1 {
			t.Errorf("the sheets: %q of %d", name, f.SheetCount)
		}
		got := read(t, f, 3)
		if !slices.EqualFunc(got, want, slices.Equal) {
			t.Errorf("%d rows: read %.300q", n, got)
		}
	}
}

// Every cell is text, also those that nobody has filled in yet; the header is bold and stays in sight; the result has its colour.
func TestTableLooks(t *testing.T) {
	rows := make([][]string, 300)
	for i := range rows {
		rows[i] = []string{"940011120621364217", "", "done"}
	}
	f := open(t, write(t, []string{"number", "note", "result"}, rows, Options{TintFrom: 2}))
	style := func(cell string) *excelize.Style {
		id, err := f.GetCellStyle("Sheet1", cell)
		if err != nil {
			t.Fatal(err)
		}
		s, err := f.GetStyle(id)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	for _, cell := range []string{"A1", "A2", "B2", "C3", "A301", "C301", "A999", "B999"} {
		if got := style(cell).NumFmt; got != 49 {
			t.Errorf("%s has the format %d, want 49 (text)", cell, got)
		}
	}
	if !style("A1").Font.Bold {
		t.Error("the header is not bold")
	}
	for cell, want := range map[string]string{"C2": "", "C3": "C6EFCE", "C4": "FFEB9C", "C5": "FFC7CE", "A5": "", "C201": "FFC7CE"} {
		got := ""
		if s := style(cell); len(s.Fill.Color) > 0 {
			got = s.Fill.Color[0]
		}
		if got != want {
			t.Errorf("%s has the colour %q, want %q", cell, got, want)
		}
	}
	panes, err := f.GetPanes("Sheet1")
	if err != nil || !panes.Freeze || panes.YSplit != 1 {
		t.Errorf("panes %+v, %v", panes, err)
	}
	for _, name := range f.GetDefinedName() {
		if strings.HasSuffix(name.RefersTo, "$A$1:$C$301") {
			return
		}
	}
	t.Errorf("no filter over the table: %+v", f.GetDefinedName())
}

func TestWhatAWorkbookCannotHold(t *testing.T) {
	for cell, want := range map[string]string{
		strings.Repeat("x", 32_768): "more than 32767 characters", strings.Repeat("😀", 16_384): "more than 32767 characters",
		"a\x0bb": "U+000B", "\x00": "U+0000", "\uFFFF": "U+FFFF", "x\xff": "not UTF-8", "_xD800_": "_xD800_", "_x0041_x0041_": "_x0041_x0041_",
	} {
		table, err := NewTable([]string{"a", "b"}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		err = errors.Join(table.Write([]string{"ok", "ok"}, Plain), table.Write([]string{"ok", cell}, Plain))
		if at, ok := errors.AsType[*CellError](err); !ok || at.Row != 3 || at.Column != 2 || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: %v", cell, err)
		}
		if err := table.Close(); err != nil {
			t.Error(err)
		}
		if _, err := NewTable([]string{cell}, Options{}); err == nil {
			t.Errorf("%.20q: a header with it", cell)
		}
	}
	if _, err := NewTable(make([]string, 16_385), Options{}); err == nil {
		t.Error("more columns than a workbook can hold")
	}
	for _, cell := range append(nasty, "\uFFFD") {
		if problem := Holds(cell); problem != "" {
			t.Errorf("%.20q: %s", cell, problem)
		}
	}
}

func TestTableHasAnEnd(t *testing.T) {
	table, err := NewTable([]string{"a"}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer table.Close()
	if err := table.begin(); err != nil {
		t.Fatal(err)
	}
	table.rows = excelize.TotalRows - 1
	if err := table.Write([]string{"last"}, Plain); err != nil {
		t.Errorf("the last row: %v", err)
	}
	if err := table.Write([]string{"one more"}, Plain); err == nil || !strings.Contains(err.Error(), "1048575 rows") {
		t.Errorf("one more: %v", err)
	}
}

// Nothing is left behind, and a writer that fails is told of.
func TestTableLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	table, err := NewTable([]string{"a"}, Options{TempDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("x", 30_000)
	for range 700 { // more than stays in memory
		if err := table.Write([]string{long}, Good); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := table.WriteTo(failing{}); !errors.Is(err, errFull) {
		t.Errorf("the disk is full: %v", err)
	}
	if err := table.Close(); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v (%v)", left, err)
	}
	if _, err := NewTable(nil, Options{TempDir: dir + "/missing"}); err == nil {
		t.Error("no error for a directory that is not there")
	}
}

var errFull = errors.New("the disk is full")

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errFull }

// TestTableKeepsMemory writes tables of two sizes: the heap must not grow with the rows.
func TestTableKeepsMemory(t *testing.T) {
	peak := func(rows int) uint64 {
		table, err := NewTable([]string{"a", "b"}, Options{TempDir: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		defer table.Close()
		cells, most := []string{strings.Repeat("x", 4000), "y"}, uint64(0)
		for i := range rows {
			cells[1] = fmt.Sprint(i)
			if err := table.Write(cells, Plain); err != nil {
				t.Fatal(err)
			}
			if i%1500 == 0 {
				most = max(most, heap())
			}
		}
		if _, err := table.WriteTo(io.Discard); err != nil {
			t.Fatal(err)
		}
		return max(most, heap())
	}
	small, large := peak(3_000), peak(12_000)
	if large > small+16<<20 {
		t.Errorf("%d MB for 3,000 rows, %d MB for 12,000", small>>20, large>>20)
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func TestForm(t *testing.T) {
	fields := []Field{
		{Name: "tracking_number", Note: "The number.\nRequired.", Required: true, Example: "00123"},
		{Name: "reason", Note: "Why.", Choices: []string{"DELIVERED", "LOST"}, Example: "LOST"},
		{Name: "note"},
	}
	var out bytes.Buffer
	if err := (Form{Sheet: "create", Fields: fields, Example: "Delete me."}).Write(&out); err != nil {
		t.Fatal(err)
	}
	f := open(t, out.Bytes())
	rows := read(t, f, 3)
	if want := [][]string{{"tracking_number", "reason", "note"}, {"00123", "LOST", ""}}; !slices.EqualFunc(rows, want, slices.Equal) {
		t.Errorf("rows %q", rows)
	}
	lists, err := f.GetDataValidations("create")
	if err != nil || len(lists) != 1 || lists[0].Sqref != "B2:B1048576" || lists[0].Formula1 != `"DELIVERED,LOST"` {
		t.Errorf("lists %+v, %v", lists, err)
	}
	notes, err := f.GetComments("create")
	if err != nil || len(notes) != 3 || notes[0].Cell != "A1" || !strings.Contains(notes[0].Text, "Required.") {
		t.Errorf("notes %+v, %v", notes, err)
	}
	for _, cell := range []string{"A1", "A2", "A3", "C5000"} {
		id, _ := f.GetCellStyle("create", cell)
		if style, err := f.GetStyle(id); err != nil || style.NumFmt != 49 {
			t.Errorf("%s is not text (%v)", cell, err)
		}
	}
}

func TestFormThatCannotBe(t *testing.T) {
	form := func(f Field) Form { return Form{Sheet: "x", Fields: []Field{f}} }
	if err := form(Field{Name: "a", Choices: []string{strings.Repeat("x", 300)}}).Write(io.Discard); err == nil {
		t.Error("no error for a list that is too long")
	}
	if err := form(Field{Name: "\x00"}).Write(io.Discard); err == nil {
		t.Error("no error for a name that a workbook can't hold")
	}
	if err := form(Field{Name: "a"}).Write(failing{}); !errors.Is(err, errFull) {
		t.Errorf("the disk is full: %v", err)
	}
}

// FuzzTable is the law of tables: what they take they give back.
func FuzzTable(f *testing.F) {
	for _, cell := range nasty[:len(nasty)-2] {
		f.Add(cell)
	}
	f.Add("_x005F_x005F_")
	f.Add("_x0041__x0041_")
	f.Add("__x0041__")
	f.Add("_x005F__x005F_")
	f.Add("_x_x0041_x0041_")
	f.Add("_xd8aF__xDC00_")
	f.Fuzz(func(t *testing.T, cell string) {
		if Holds(cell) != "" {
			return
		}
		rows := read(t, open(t, write(t, []string{cell, "b"}, [][]string{{cell, "end"}}, Options{})), 2)
		if want := [][]string{{cell, "b"}, {cell, "end"}}; !slices.EqualFunc(rows, want, slices.Equal) {
			t.Errorf("%q comes back as %q", cell, rows)
		}
	})
}

func BenchmarkTable(b *testing.B) {
	cells := []string{"1Z999AA10000000001", "ups", "Blue shirt, size M", "ORDER-00000001", "anna.example@example.com", "Anna Example",
		"DEU", "10115", "Leave at the door", "en", "2", "created", "", "", "", "65f0a1b2c3d4e5f6a7b8c9d0", "ups", "1", "2026-11-22T12:00:00Z"}
	table, err := NewTable(cells, Options{TintFrom: 11, TempDir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer table.Close()
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		if n++; n == excelize.TotalRows {
			b.Fatal("too many rows for a workbook")
		}
		if err := table.Write(cells, Good); err != nil {
			b.Fatal(err)
		}
	}
	if _, err := table.WriteTo(io.Discard); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "rows/s")
}
