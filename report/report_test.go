package report

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"aftership-bulk/batch"
	"aftership-bulk/sheet"
)

var update = flag.Bool("update", false, "write the golden files anew")

// sequence yields items as a ledger does.
func sequence(items []batch.Item) iter.Seq2[batch.Item, error] {
	return func(yield func(batch.Item, error) bool) {
		for _, item := range items {
			if !yield(item, nil) {
				return
			}
		}
	}
}

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// item makes the only job of a row.
func item(row int, res batch.Result, cells ...string) batch.Item {
	return batch.Item{Job: row, Round: 1, Entry: batch.Entry{Row: row, Line: row + 2, Cells: cells}, Result: res}
}

// everyOutcome is a batch in which each outcome occurs, and cells of every kind.
func everyOutcome() (Info, []batch.Item) {
	info := Info{Header: []string{"Tracking #", "courier", "=note"}}
	results := []batch.Result{
		{Outcome: batch.Created, TrackingID: "65f0a1", Slug: "ups", Attempts: 1, At: noon},
		{Outcome: batch.Already, TrackingID: "65f0a2", Slug: "ups", Code: 4003, Message: "Tracking already exists.", Attempts: 2, At: noon.Add(time.Second)},
		{Outcome: batch.Invalid, Message: "tracking_number: empty", Hint: "write the number into the column tracking_number", At: noon},
		{Outcome: batch.Duplicate, DuplicateOf: 1, Message: "the same as line 2", At: noon},
		{Outcome: batch.Rejected, Code: 4012, Message: "Cannot detect courier.\nTwo lines.", Hint: "=name the courier", Attempts: 1, At: noon},
		{Outcome: batch.GaveUp, Code: 503, Message: "AfterShip did not answer", Hint: "run: enqueue retry", Attempts: 8, At: noon.Add(time.Hour)},
		{Outcome: batch.CancelledJob, At: noon},
		{Outcome: batch.Skipped, Message: "done in an earlier run", At: noon},
		{Outcome: batch.Updated, TrackingID: "-1", Slug: "@x", Attempts: 1, At: noon},
		{Outcome: batch.Completed, Attempts: 1, At: noon},
		{Outcome: batch.Retracked, Attempts: 1, At: noon},
		{Outcome: batch.Deleted, Attempts: 1, At: noon},
		{Outcome: batch.Pending},
	}
	notes := []string{"", "two\r\nlines", "5\" box", "a,b;c", "=1+1", "+49 30 1234", "'0012", "''x", "'t Hooft", " space ", "＝full", "@cmd", "-"}
	var items []batch.Item
	for i, res := range results {
		items = append(items, item(i, res, fmt.Sprintf("1Z%04d", i), "ups", notes[i]))
	}
	return info, items
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s differs (-want +got):\n%s", path, diff)
	}
}

func TestWriteGolden(t *testing.T) {
	info, items := everyOutcome()
	for _, tt := range []struct {
		name string
		o    Options
	}{{"all.csv", Options{}}, {"failed.csv", Options{OnlyFailed: true}}} {
		var out bytes.Buffer
		counts, err := Write(t.Context(), &out, info, sequence(items), tt.o)
		if err != nil {
			t.Fatal(err)
		}
		golden(t, tt.name, out.Bytes())
		if counts.Rows != len(items) || counts.Jobs != len(items) || counts.Failed != 4 {
			t.Errorf("%s: counts %+v", tt.name, counts)
		}
		sum := 0
		for _, n := range counts.Outcomes {
			sum += n
		}
		if sum != counts.Rows {
			t.Errorf("%s: the outcomes add up to %d of %d rows", tt.name, sum, counts.Rows)
		}
	}
}

// A number that was left alone does not hide what became of the others.
func TestOutcomeOfARowWithANumberLeftAlone(t *testing.T) {
	for _, tt := range []struct {
		parts []batch.Outcome
		want  batch.Outcome
	}{
		{[]batch.Outcome{batch.Created, batch.Duplicate}, batch.Created},
		{[]batch.Outcome{batch.Duplicate, batch.Created}, batch.Created},
		{[]batch.Outcome{batch.Skipped, batch.Duplicate, batch.Already}, batch.Already},
		{[]batch.Outcome{batch.Duplicate, batch.Pending, batch.Created}, batch.Pending},
		{[]batch.Outcome{batch.Created, batch.Duplicate, batch.Rejected}, batch.Rejected},
		{[]batch.Outcome{batch.Duplicate, batch.Duplicate}, batch.Duplicate},
		{[]batch.Outcome{batch.Duplicate, batch.Skipped}, batch.Skipped},
		{[]batch.Outcome{batch.Duplicate}, batch.Duplicate},
	} {
		var r row
		for i, o := range tt.parts {
			it := item(0, batch.Result{Outcome: o}, "A; B")
			it.Job, it.Entry.Part = i, i
			r = append(r, it)
		}
		if got := r.outcome(); got != tt.want {
			t.Errorf("%v make %s, want %s", tt.parts, got, tt.want)
		}
	}
}

func TestEveryOutcomeHasASeverity(t *testing.T) {
	for _, o := range batch.AllOutcomes() {
		if rank(o) < 0 {
			t.Errorf("%s has none", o)
		}
	}
	lastFailed, firstOther := -1, len(severity)
	for i, o := range severity {
		if o.Failed() {
			lastFailed = i
		} else {
			firstOther = min(firstOther, i)
		}
	}
	if lastFailed > firstOther {
		t.Error("a row with a failed job must count as failed, so failed outcomes come first")
	}
}

// read opens a report and returns the sheet and its rows.
func read(t testing.TB, text []byte, o sheet.Options) (*sheet.Sheet, [][]string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "report.csv")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := sheet.Open(t.Context(), path, nil, o)
	if err != nil {
		t.Fatalf("the report can't be opened: %v\n%q", err, text)
	}
	t.Cleanup(func() { s.Close() })
	var rows [][]string
	for row, err := range s.Rows() {
		if err != nil {
			t.Fatalf("the report can't be read: %v\n%q", err, text)
		}
		rows = append(rows, row.Cells)
	}
	return s, rows
}

func TestReportFedBack(t *testing.T) {
	info, items := everyOutcome()
	var first bytes.Buffer
	if _, err := Write(t.Context(), &first, info, sequence(items), Options{BOM: true}); err != nil {
		t.Fatal(err)
	}
	s, rows := read(t, first.Bytes(), sheet.Options{})
	if !s.Report {
		t.Error("the report is not recognised")
	}
	if diff := cmp.Diff(append(slices.Clone(info.Header), Columns...), s.Header); diff != "" {
		t.Errorf("header:\n%s", diff)
	}
	again := make([]batch.Item, len(rows))
	for i, cells := range rows {
		if diff := cmp.Diff(items[i].Entry.Cells, cells[:3]); diff != "" {
			t.Errorf("row %d:\n%s", i, diff)
		}
		if got := s.Result(sheet.Row{Cells: cells}); got != string(items[i].Result.Outcome) {
			t.Errorf("row %d: result %q, want %s", i, got, items[i].Result.Outcome)
		}
		again[i] = items[i]
		again[i].Entry.Cells = cells
	}
	var second bytes.Buffer
	if _, err := Write(t.Context(), &second, Info{Header: s.Header}, sequence(again), Options{BOM: true}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first.String(), second.String()); diff != "" {
		t.Errorf("a report of the report differs:\n%s", diff)
	}
}

func TestRowWithSeveralJobs(t *testing.T) {
	part := func(job, part int, res batch.Result) batch.Item {
		it := item(0, res, "A; B; C")
		it.Job, it.Entry.Part = job, part
		return it
	}
	items := []batch.Item{
		part(0, 0, batch.Result{Outcome: batch.Created, TrackingID: "id-a", Slug: "ups", Attempts: 1, At: noon}),
		part(1, 1, batch.Result{Outcome: batch.Rejected, Code: 4012, Message: "no courier", Hint: "name it", Attempts: 2, At: noon.Add(time.Minute)}),
		part(2, 2, batch.Result{Outcome: batch.Created, TrackingID: "id-c", Slug: "ups", Attempts: 1, At: noon}),
		item(1, batch.Result{Outcome: batch.Already, TrackingID: "id-d"}, "D"),
	}
	items[3].Job = 3
	var out bytes.Buffer
	counts, err := Write(t.Context(), &out, Info{Header: []string{"n"}}, sequence(items), Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := "n," + strings.Join(Columns, ",") + "\n" +
		"A; B; C,2,rejected,4012,no courier,name it,id-a; id-c,ups,4,2026-11-22T12:01:00Z,\n" +
		"D,3,already,,,,id-d,,0,,\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
	if counts.Rows != 2 || counts.Jobs != 4 || counts.Failed != 1 {
		t.Errorf("counts %+v", counts)
	}
}

func TestAReportIsWholeOrAnError(t *testing.T) {
	ok := batch.Result{Outcome: batch.Created}
	gone := errors.New("redis is away")
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, tt := range []struct {
		name  string
		ctx   context.Context
		items iter.Seq2[batch.Item, error]
	}{
		{"a row is missing", t.Context(), sequence([]batch.Item{item(0, ok), item(2, ok)})},
		{"the first row is missing", t.Context(), sequence([]batch.Item{item(1, ok)})},
		{"a row comes twice", t.Context(), sequence([]batch.Item{item(0, ok), item(1, ok), item(1, ok)})},
		{"out of order", t.Context(), sequence([]batch.Item{item(0, ok), item(1, ok), item(0, ok)})},
		{"the ledger fails", t.Context(), func(yield func(batch.Item, error) bool) {
			_ = yield(item(0, ok), nil) && yield(batch.Item{}, gone)
		}},
		{"cancelled", cancelled, sequence([]batch.Item{item(0, ok)})},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			_, err := Files(tt.ctx, dir, batch.Batch{ID: "x", Spec: batch.Spec{Source: "s.csv", Header: []string{"a"}}}, tt.items)
			if err == nil {
				t.Error("no error")
			}
			if _, err := ToFile(tt.ctx, filepath.Join(dir, "one.csv"), Info{Header: []string{"a"}}, tt.items, Options{}); err == nil {
				t.Error("no error of ToFile")
			}
			if names := list(t, dir); len(names) > 0 {
				t.Errorf("files left: %v", names)
			}
		})
	}
}

func list(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestFiles(t *testing.T) {
	info, items := everyOutcome()
	dir := filepath.Join(t.TempDir(), "new", "reports")
	b := batch.Batch{ID: "261122-k7f3qz", Spec: batch.Spec{Source: "orders.csv", Header: info.Header, Delimiter: ";"}}
	paths, err := Files(t.Context(), dir, b, sequence(items))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"orders-261122-k7f3qz.csv", "orders-261122-k7f3qz.failed.csv"}, list(t, dir)); diff != "" {
		t.Error(diff)
	}
	if paths.Counts.Rows != len(items) || paths.Counts.Failed != 4 {
		t.Errorf("counts %+v", paths.Counts)
	}
	for path, want := range map[string]int{paths.Report: len(items), paths.Failed: 4} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, rows := read(t, text, sheet.Options{}); len(rows) != want {
			t.Errorf("%s has %d rows, want %d", path, len(rows), want)
		}
		stat, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if runtime.GOOS != "windows" && stat.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", path, stat.Mode())
		}
	}
	// The next round mends everything: the failed rows go.
	for i := range items {
		items[i].Result.Outcome = batch.Created
	}
	if paths, err = Files(t.Context(), dir, b, sequence(items)); err != nil {
		t.Fatal(err)
	}
	if names := list(t, dir); paths.Failed != "" || len(names) != 1 {
		t.Errorf("Failed %q, files %v", paths.Failed, names)
	}
}

func TestFilesInADirectoryThatCannotBeWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Files(t.Context(), path, batch.Batch{}, sequence(nil)); err == nil {
		t.Error("no error")
	}
	if _, err := ToFile(t.Context(), filepath.Join(path, "x.csv"), Info{Header: []string{"a"}}, sequence(nil), Options{}); err == nil {
		t.Error("no error of ToFile")
	}
	if _, err := ToFile(t.Context(), filepath.Dir(path), Info{Header: []string{"a"}}, sequence(nil), Options{}); err == nil {
		t.Error("no error of ToFile for a directory")
	}
}

// The items are gone through once, because to find them out can cost calls.
func TestToFilesGoesOnceOverTheItems(t *testing.T) {
	dir := t.TempDir()
	info, all := everyOutcome()
	var passes int
	items := func(yield func(batch.Item, error) bool) {
		passes++
		sequence(all)(yield)
	}
	p := Paths{Report: filepath.Join(dir, "real.csv"), Failed: filepath.Join(dir, "real.failed.csv")}
	got, err := ToFiles(t.Context(), p, info, items, Options{})
	if err != nil || passes != 1 || got.Report != p.Report || got.Failed != p.Failed || got.Counts.Failed != 4 {
		t.Errorf("%+v after %d passes: %v", got, passes, err)
	}
	if text, err := os.ReadFile(p.Failed); err != nil || bytes.Count(text, []byte("aftership_result")) != 1 {
		t.Errorf("the failed rows: %q %v", text, err)
	}
	if got, err = ToFiles(t.Context(), p, info, sequence(all[:1]), Options{}); err != nil || got.Failed != "" {
		t.Errorf("%+v: %v", got, err)
	}
	if diff := cmp.Diff([]string{"real.csv"}, list(t, dir)); diff != "" {
		t.Error("the failed rows of an earlier run are still there: ", diff)
	}
	if got, err = ToFiles(t.Context(), Paths{Report: os.DevNull, Failed: filepath.Join(dir, "x")}, info, sequence(all), Options{}); err != nil || got.Failed != "" {
		t.Errorf("beside a device: %+v: %v", got, err)
	}
}

func TestToFileFollowsLinksAndWritesToDevices(t *testing.T) {
	dir := t.TempDir()
	real, link := filepath.Join(dir, "real.csv"), filepath.Join(dir, "link.csv")
	if err := os.WriteFile(real, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(real, link); err != nil {
		t.Fatal(err)
	}
	info, items := everyOutcome()
	if _, err := ToFile(t.Context(), link, info, sequence(items), Options{}); err != nil {
		t.Fatal(err)
	}
	if stat, err := os.Lstat(link); err != nil || stat.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link was replaced (%v)", err)
	}
	if stat, err := os.Stat(real); err != nil || stat.Size() == 0 {
		t.Errorf("the file was not written (%v)", err)
	}
	counts, err := ToFile(t.Context(), os.DevNull, info, sequence(items), Options{})
	if err != nil || counts.Rows != len(items) {
		t.Errorf("device: %+v, %v", counts, err)
	}
}

func TestFileName(t *testing.T) {
	for source, want := range map[string]string{
		"orders.csv":            "orders-ID",
		"/tmp/x/orders.v2.csv":  "orders.v2-ID",
		`C:\data\orders.csv`:    "orders-ID",
		"stdin":                 "stdin-ID",
		"":                      "sheet-ID",
		"..":                    "sheet-ID",
		".csv":                  "sheet-ID",
		"a:b?\n.csv":            "a_b__-ID",
		"注文.csv":                "注文-ID",
		strings.Repeat("é", 80): strings.Repeat("é", 50) + "-ID",
		"../../etc/passwd":      "passwd-ID",
	} {
		if got := FileName(source, "ID"); got != want {
			t.Errorf("FileName(%q) = %q, want %q", source, got, want)
		}
	}
}

// TestRoundTrip is law 5: whatever the cells are, a report read back has every row once, in order, unchanged.
func TestRoundTrip(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		header, items := randomSheet(rng)
		checkRoundTrip(t, Info{Header: header, Delimiter: sheet.Delimiters()[rng.IntN(4)], LineEnd: lineEnds[rng.IntN(2)]}, items)
	}
}

// TestRoundTripAtTheLimits uses cells that just pass the reader and grow in the report, where quotes are written twice.
func TestRoundTripAtTheLimits(t *testing.T) {
	cells := []string{"=" + strings.Repeat("\"", 128<<10-1), "=" + strings.Repeat("x", 128<<10-1), strings.Repeat("\"", 128<<10)}
	checkRoundTrip(t, Info{Header: []string{"a", "b", "c"}}, []batch.Item{item(0, batch.Result{Outcome: batch.Created}, cells...)})
}

var lineEnds = []string{"\n", "\r\n"}

const alphabet = "ab0E. ,;|\t\r\n\"'=+-@＝é"

func randomCell(rng *rand.Rand) string {
	runes := []rune(alphabet)
	cell := make([]rune, rng.IntN(6))
	for i := range cell {
		cell[i] = runes[rng.IntN(len(runes))]
	}
	return string(cell)
}

func randomSheet(rng *rand.Rand) (header []string, items []batch.Item) {
	for range 1 + rng.IntN(4) {
		header = append(header, randomCell(rng))
	}
	for i := range rng.IntN(6) {
		var cells []string
		for range header {
			cells = append(cells, randomCell(rng))
		}
		res := batch.Result{Outcome: severity[rng.IntN(len(severity))], Message: randomCell(rng), Hint: randomCell(rng), At: noon}
		items = append(items, item(i, res, cells...))
	}
	return header, items
}

func checkRoundTrip(t *testing.T, info Info, items []batch.Item) {
	t.Helper()
	for _, guard := range Guards() {
		checkRoundTripWith(t, info, items, Options{Guard: guard})
	}
}

func checkRoundTripWith(t *testing.T, info Info, items []batch.Item, o Options) {
	t.Helper()
	var out bytes.Buffer
	if _, err := Write(t.Context(), &out, info, sequence(items), o); err != nil {
		t.Fatal(err)
	}
	s, rows := read(t, out.Bytes(), sheet.Options{})
	n := len(s.Header) - len(Columns)
	if !slices.Equal(s.Header[:n], info.Header) {
		t.Fatalf("header %q, want %q, in\n%s", s.Header[:n], info.Header, out.Bytes())
	}
	if len(rows) != len(items) {
		t.Fatalf("%d rows, want %d, in\n%s", len(rows), len(items), out.Bytes())
	}
	for i, cells := range rows {
		if !slices.Equal(cells[:n], items[i].Entry.Cells) {
			t.Errorf("row %d: %q, want %q", i, cells[:n], items[i].Entry.Cells)
		}
	}
}

func FuzzRoundTrip(f *testing.F) {
	f.Add("a", "=1", "x\r\ny", "'0012", byte(0))
	f.Add(";", "'", "\"", "\t", byte(1))
	f.Add("00123", "940011120621364217", "'00123", "12E45678", byte(5))
	f.Fuzz(func(t *testing.T, name, x, y, message string, delimiter byte) {
		for _, text := range []string{name, x, y} {
			if !readable(text) {
				return
			}
		}
		if sheet.IsReportColumn(name) {
			return
		}
		res := batch.Result{Outcome: batch.Rejected, Message: message, At: noon}
		info := Info{Header: []string{name, "b"}, Delimiter: sheet.Delimiters()[int(delimiter)%4], LineEnd: lineEnds[int(delimiter)/4%2]}
		checkRoundTrip(t, info, []batch.Item{item(0, res, x, y), item(1, res, y, x)})
	})
}

// readable says that the reader takes the text without complaint: what it refuses can't come from it.
func readable(text string) bool {
	return strings.ToValidUTF8(text, "") == text && !strings.ContainsRune(text, 0) && len(text) < 100_000
}

func BenchmarkWrite(b *testing.B) {
	header := []string{"tracking_number", "slug", "title", "order_id", "emails", "customer_name", "destination_country", "destination_postal_code", "note", "language"}
	cells := []string{"1Z999AA10000000001", "ups", "Blue shirt, size M", "ORDER-00000001", "anna.example@example.com", "Anna Example",
		"DEU", "10115", "Leave at the door of the neighbour, ring twice, then call and wait a little, thank you, goodbye", "en"}
	res := batch.Result{Outcome: batch.Created, TrackingID: "65f0a1b2c3d4e5f6a7b8c9d0", Slug: "ups", Attempts: 1, At: noon}
	items := func(yield func(batch.Item, error) bool) {
		for i := range b.N {
			it := item(i, res)
			it.Entry.Cells = cells
			if !yield(it, nil) {
				return
			}
		}
	}
	b.ReportAllocs()
	if _, err := Write(b.Context(), io.Discard, Info{Header: header}, items, Options{}); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

// A sheet that began with a byte order mark gets one back: the program that wrote it needs it.
func TestByteOrderMarkComesBack(t *testing.T) {
	for _, with := range []bool{false, true} {
		b := batch.Batch{Spec: batch.Spec{Header: []string{"a"}, Delimiter: ";", BOM: with}}
		var out strings.Builder
		if _, err := Write(t.Context(), &out, InfoOf(b), sequence(nil), Options{}); err != nil {
			t.Fatal(err)
		}
		if got := strings.HasPrefix(out.String(), "\uFEFF"); got != with {
			t.Errorf("sheet with a mark %v: report with one %v", with, got)
		}
	}
}
