package sheet

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestOpenSaysWhatItFound(t *testing.T) {
	text := utf8BOM + "\n\na;\"b;b\";c\n1;2;3\n"
	s := openText(t, text, Options{})
	sum := sha256.Sum256([]byte(text))
	if s.Name != "test.csv" || s.SHA256 != hex.EncodeToString(sum[:]) || s.Size != int64(len(text)) {
		t.Errorf("name %q, hash %q, size %d", s.Name, s.SHA256, s.Size)
	}
	if s.HeaderLine != 3 || s.Delimiter != ';' || !s.BOM || s.Report || strings.Join(s.Header, "|") != "a|b;b|c" {
		t.Errorf("header line %d, delimiter %q, BOM %v, report %v, header %q", s.HeaderLine, s.Delimiter, s.BOM, s.Report, s.Header)
	}
}

func TestOpenRefuses(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		o          Options
		want       string
	}{
		{"nothing", "", Options{}, "the file is empty"},
		{"white space only", utf8BOM + " \r\n\n", Options{}, "the file is empty"},
		{"delimiters only", ",,\n,,\n", Options{}, "no header"},
		{"a damaged workbook", "PK\x03\x04....", Options{}, "ZIP archive or a workbook, and damaged"},
		{"an old workbook", "\xd0\xcf\x11\xe0....", Options{}, "old Excel workbook"},
		{"damaged gzip", "\x1f\x8b\x08...", Options{}, "compressed with gzip and damaged"},
		{"UTF-16 of nothing", "\xff\xfe \x00\n\x00", Options{}, "the file is empty"},
		{"an encoding that nobody knows", "a,b\n", Options{Encoding: "klingon"}, "usual ones are utf-8"},
		{"a PDF", "%PDF-1.7", Options{}, "PDF"},
		{"a header that isn't UTF-8", "n\xfcmber,slug\n1,2\n", Options{Encoding: "utf-8"}, "the header (line 1) holds bytes that are not UTF-8"},
		{"a header of no known encoding", "n\xfe\xff\x81mber,slug\n1,2\n", Options{}, "say which is right with --encoding"},
		{"a header with a NUL byte", "a,b\x00c,d\n1,2,3\n", Options{}, "the header (line 1) can't be read: the line holds a NUL byte"},
		{"a header with an open quote", "\na,\"b\n1,2\n", Options{}, "the header (line 2) can't be read: a quote"},
		{"a header with too many columns", "a,b,c\n1,2,3\n", Options{Delimiter: ',', MaxColumns: 2}, "more than 2 columns"},
		{"a header that is too long", strings.Repeat("a,", 200) + "\n", Options{MaxLine: 100, MaxCell: 50}, "longer than the limit"},
		{"a letter as delimiter", "a,b\n", Options{Delimiter: 'x'}, "'x' can't be a delimiter"},
		{"a delimiter beyond ASCII", "a,b\n", Options{Delimiter: '§'}, "can't be a delimiter"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, err := Open(t.Context(), writeText(t, tt.text), nil, tt.o)
			if err == nil {
				s.Close()
				t.Fatal("no error")
			}
			if !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %q, want %q in it", err, tt.want)
			}
		})
	}
}

func TestOpenPathsThatAreNoFiles(t *testing.T) {
	dir := t.TempDir()
	for path, want := range map[string]string{dir: "is a directory", filepath.Join(dir, "none.csv"): "no such file", "-": "no standard input"} {
		if _, err := Open(t.Context(), path, nil, Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
}

func TestStandardInputIsKeptPrivatelyAndRemoved(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(t.Context(), "-", strings.NewReader("a,b\n1,2\n"), Options{TempDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if got := render(s); s.Name != "stdin" || got != "2:1|2\n" {
			t.Errorf("%s: %q", s.Name, got)
		}
	}
	stat, err := s.file.Stat()
	if err != nil || runtime.GOOS != "windows" && stat.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", stat.Mode(), err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 0 {
		t.Errorf("left behind: %v", entries)
	}
}

func TestStandardInputThatFails(t *testing.T) {
	dir := t.TempDir()
	gone := errors.New("gone")
	broken := io.MultiReader(strings.NewReader("a,b\n"), errReader{gone})
	if _, err := Open(t.Context(), "-", broken, Options{TempDir: dir}); !errors.Is(err, gone) {
		t.Errorf("error %v", err)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Open(cancelled, "-", strings.NewReader("a,b\n"), Options{TempDir: dir}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if _, err := Open(cancelled, writeText(t, "a,b\n"), nil, Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if _, err := Open(t.Context(), "-", strings.NewReader("a"), Options{TempDir: filepath.Join(dir, "none")}); err == nil {
		t.Error("no error for a missing directory")
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 0 {
		t.Errorf("left behind: %v", entries)
	}
}

type errReader struct{ err error }

func (r errReader) Read([]byte) (int, error) { return 0, r.err }

func TestAFileThatChangesIsNoticed(t *testing.T) {
	path := writeText(t, "a,b\n1,2\n")
	s, err := Open(t.Context(), path, nil, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := os.Chtimes(path, time.Time{}, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if got := render(s); !strings.Contains(got, "fatal: test.csv was changed while it was read") {
		t.Errorf("%q", got)
	}
}

func TestDelimiterThatIsAskedForWins(t *testing.T) {
	s := openText(t, "a,b;c,d,e\n1,2;3,4,5\n", Options{Delimiter: ';'})
	if got := render(s); got != "2:1,2|3,4,5\n" {
		t.Errorf("%q", got)
	}
}

func TestReportIsRecognisedByItsColumns(t *testing.T) {
	s := openText(t, "'=x,n;o;p,AfterShip Line,aftership_result\n'=1+1,''0012,2,created\n", Options{})
	if !s.Report || s.Header[0] != "=x" {
		t.Errorf("report %v, header %q", s.Report, s.Header)
	}
	for row, err := range s.Rows() {
		if err != nil || row.Cells[0] != "=1+1" || row.Cells[1] != "'0012" || s.Result(row) != "created" || s.Cell(row, ColumnLine) != "2" {
			t.Errorf("%q, %v", row.Cells, err)
		}
	}
	if plain := openText(t, "'=x,aftership_result\n'=1,created\n", Options{}); plain.Report || plain.Header[0] != "'=x" {
		t.Errorf("one column of ours alone makes no report: %q", plain.Header)
	}
}

func TestLimits(t *testing.T) {
	o := Options{MaxCell: 20, MaxLine: 60}
	long, text := strings.Repeat("x", 200_000), strings.Repeat("y", 21)
	s := openText(t, "a,b\n"+long+",1\n\""+long+"\",1\n1,"+text+"\n1,\""+text+"\"\n1,2\n"+long, o)
	cell, line := problems[problemLongCell].text, problems[problemLongLine].text
	want := []string{"2:" + line, "3:" + line, "4:" + cell, "5:" + problems[problemUnclosed].text, "6:", "7:" + line}
	var got []string
	for row, err := range s.Rows() {
		problem := ""
		if err != nil {
			problem = err.(*LineError).Problem
		}
		got = append(got, itoa(row.Line)+":"+problem)
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

func TestMisplacedQuotesEndInAnErrorInsteadOfForever(t *testing.T) {
	header := strings.Repeat("a,", 3000) + "a\n"
	s := openText(t, header+strings.Repeat("x\",\"y\n", 100_000), Options{})
	if got := render(s); !strings.Contains(got, "fatal: can't read test.csv: too many misplaced quotes up to line ") {
		t.Errorf("it ended with %q", got[max(0, len(got)-200):])
	}
}

func TestLineError(t *testing.T) {
	s := openText(t, "tracking_number,Title\n1,\"5\" box\"\n2,M\x00nchen\n3,x,y\n", Options{})
	want := []string{
		`test.csv, line 2, column Title: text stands between a closing quote (") and the next delimiter; write quotes inside a quoted cell twice ("")`,
		`test.csv, line 3, column Title: the line holds a NUL byte; export the file again; this one was damaged or is not text`,
		`test.csv, line 4: the line has more cells than the header, which has 2; put the cell that contains the delimiter in quotes ("), or remove what is too much`,
	}
	values := []string{`1,"5" box"`, "M\x00nchen", "3,x,y"}
	i := 0
	for _, err := range s.Rows() {
		e, ok := errors.AsType[*LineError](err)
		if !ok || e.Error() != want[i] || e.Value != values[i] {
			t.Errorf("error %d: %v (value %q)\nwant %s (%q)", i, err, e.Value, want[i], values[i])
		}
		i++
	}
}

func TestEveryProblemHasWords(t *testing.T) {
	for _, p := range []problem{problemUnclosed, problemTail, problemTooMany, problemTooFew, problemLongCell, problemLongLine, problemRest, problemNUL} {
		if problems[p].text == "" || problems[p].hint == "" {
			t.Errorf("%s has none", p)
		}
	}
}

func TestRowsSideBySide(t *testing.T) {
	s := openText(t, "a,b\n"+strings.Repeat("1,2\n", 5000), Options{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			n := 0
			for _, err := range s.Rows() {
				if err != nil {
					t.Error(err)
				}
				n++
			}
			if n != 5000 {
				t.Errorf("%d rows", n)
			}
		})
	}
	wg.Wait()
	for range s.Rows() {
		break // stopping early is allowed
	}
}

// endless is a file of n bytes that is never in memory as a whole.
type endless struct {
	head string
	unit string
	n    int64
}

func (e *endless) Read(p []byte) (int, error) {
	if e.head != "" {
		n := copy(p, e.head)
		e.head = e.head[n:]
		return n, nil
	}
	if e.n <= 0 {
		return 0, io.EOF
	}
	n := int64(len(p)) / int64(len(e.unit)) * int64(len(e.unit))
	n = min(n, e.n)
	copy(p, bytes.Repeat([]byte(e.unit), int(n)/len(e.unit)+1)[:n])
	e.n -= n
	return int(n), nil
}

func TestMemoryIsConstant(t *testing.T) {
	for unit, size := range map[string]int64{"1Z999,ups,Blue shirt\n": 8 << 20, "x": 16 << 20, "\"\"": 16 << 20, "\n": 2 << 20} {
		t.Run(unit, func(t *testing.T) {
			s, err := Open(t.Context(), "-", &endless{head: "a,b,c\n\"", unit: unit, n: size}, Options{TempDir: t.TempDir()})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			var before, now runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			most, n := uint64(0), 0
			for range s.Rows() {
				if n++; n%50_000 == 1 {
					runtime.GC()
					runtime.ReadMemStats(&now)
					most = max(most, now.HeapAlloc)
				}
			}
			if most > before.HeapAlloc+5<<20 {
				t.Errorf("%d MB more than before, with %d rows", (most-before.HeapAlloc)>>20, n)
			}
		})
	}
}
