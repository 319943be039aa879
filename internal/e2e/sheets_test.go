package e2e

import (
	"archive/zip"
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/text/encoding/htmlindex"
)

// cmdText writes a file with the escapes of Go's strings, for what a script cannot hold: text cr.csv 'a,b\r1,2\r'.
func cmdText(ts *testscript.TestScript, _ bool, args []string) {
	var out []byte
	for rest := args[1]; rest != ""; {
		r, multi, tail, err := strconv.UnquoteChar(rest, 0)
		ts.Check(err)
		if rest = tail; multi {
			out = append(out, string(r)...)
		} else {
			out = append(out, byte(r))
		}
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), out, 0o600))
}

// cmdRecode writes a UTF-8 file in another encoding: recode shift_jis in.csv out.csv.
func cmdRecode(ts *testscript.TestScript, _ bool, args []string) {
	enc, err := htmlindex.Get(args[0])
	ts.Check(err)
	out, err := enc.NewEncoder().Bytes([]byte(ts.ReadFile(args[1])))
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), out, 0o600))
}

// cmdPack packs files, or what is in a directory: pack out.gz in.csv, pack out.zip a.csv b.csv, pack book.xlsx parts.
func cmdPack(ts *testscript.TestScript, _ bool, args []string) {
	out, err := os.Create(ts.MkAbs(args[0]))
	ts.Check(err)
	defer out.Close()
	if strings.HasSuffix(args[0], ".gz") {
		z := gzip.NewWriter(out)
		_, err := io.WriteString(z, ts.ReadFile(args[1]))
		ts.Check(errors.Join(err, z.Close()))
		return
	}
	z := zip.NewWriter(out)
	for _, name := range args[1:] {
		if info, err := os.Stat(ts.MkAbs(name)); err == nil && info.IsDir() {
			ts.Check(z.AddFS(os.DirFS(ts.MkAbs(name))))
			continue
		}
		w, err := z.Create(name)
		ts.Check(err)
		_, err = io.WriteString(w, ts.ReadFile(name))
		ts.Check(err)
	}
	ts.Check(z.Close())
}

// cmdServe serves the script's directory at $SERVER.
func cmdServe(ts *testscript.TestScript, _ bool, _ []string) {
	server := httptest.NewServer(http.FileServer(http.Dir(ts.MkAbs("."))))
	ts.Defer(server.Close)
	ts.Setenv("SERVER", server.URL)
}

// seen is what inspect --json says of a sheet, as far as it comes from the sheet.
type seen struct {
	Format      string         `json:"format"`
	Packed      string         `json:"packed"`
	Encoding    string         `json:"encoding"`
	Delimiter   string         `json:"delimiter"`
	Quote       string         `json:"quote"`
	LineEnd     string         `json:"line_end"`
	Sheet       string         `json:"sheet"`
	HeaderLine  int            `json:"header_line"`
	HeaderLines int            `json:"header_lines"`
	NoHeader    bool           `json:"no_header"`
	Preset      string         `json:"preset"`
	Columns     []seenColumn   `json:"columns"`
	Rows        int            `json:"rows"`
	Broken      int            `json:"broken_rows"`
	Skipped     map[string]int `json:"skipped_rows"`
	Unmapped    string         `json:"not_importable"`
	NoTracking  string         `json:"no_tracking"`
	Warnings    []string       `json:"warnings"`
	Flags       []string       `json:"flags"`
}

type seenColumn struct {
	Header string   `json:"header"`
	Field  string   `json:"field"`
	First  []string `json:"first"`
}

// facts are what a script can ask for.
func (s seen) facts() map[string]string {
	skipped, fields := 0, []string{}
	for _, n := range s.Skipped {
		skipped += n
	}
	header := []string{}
	for _, c := range s.Columns {
		fields, header = append(fields, c.Field), append(header, c.Header)
	}
	return map[string]string{
		"format": s.Format, "packed": s.Packed, "encoding": s.Encoding, "delimiter": s.Delimiter, "quote": s.Quote, "ends": s.LineEnd, "sheet": s.Sheet,
		"line": fmt.Sprint(s.HeaderLine), "lines": fmt.Sprint(s.HeaderLines), "noheader": fmt.Sprint(s.NoHeader), "preset": s.Preset,
		"rows": fmt.Sprint(s.Rows), "broken": fmt.Sprint(s.Broken), "skipped": fmt.Sprint(skipped), "warnings": fmt.Sprint(len(s.Warnings)),
		"fields": strings.Join(fields, ","), "header": strings.Join(header, ","), "usable": fmt.Sprint(s.Unmapped == "" && s.NoTracking == "" && !s.NoHeader),
	}
}

func inspectJSON(ts *testscript.TestScript, args ...string) (s seen) {
	if err := ts.Exec("enqueue", append([]string{"inspect", "--json"}, args...)...); err != nil {
		ts.Fatalf("inspect %s: %v", strings.Join(args, " "), err)
	}
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &s))
	return s
}

// cmdInspected checks what inspect says of a sheet; what stands after -- are flags: inspected a.csv rows=3 line=2 -- --encoding gbk.
func cmdInspected(ts *testscript.TestScript, _ bool, args []string) {
	wants, flags := split(args[1:])
	compare(ts, args[0], inspectJSON(ts, append(flags, args[0])...).facts(), wants)
}

// split takes the flags after -- from what is wanted.
func split(args []string) (wants, flags []string) {
	if i := slices.Index(args, "--"); i >= 0 {
		return args[:i], args[i+1:]
	}
	return args, nil
}

func compare(ts *testscript.TestScript, what string, facts map[string]string, wants []string) {
	for _, want := range wants {
		name, value, _ := strings.Cut(want, "=")
		if got, ok := facts[name]; !ok || got != value {
			ts.Fatalf("%s: %s is %q, want %q (all: %v)", what, name, got, value, facts)
		}
	}
}

// cmdChecked runs check and compares its exit code and numbers: checked 1 a.csv rows=3 send=2 invalid=1 -- --map 'A=slug'. What else
// is named are outcomes in the report, which is then at $REPORT.
func cmdChecked(ts *testscript.TestScript, _ bool, args []string) {
	code, file := args[0], args[1]
	wants, flags := split(args[2:])
	report := ts.MkAbs(filepath.Base(file) + ".report.csv")
	ts.Setenv("REPORT", report)
	_ = os.Remove(report)
	cmdExitCode(ts, false, slices.Concat([]string{code, "enqueue", "check", "--json", "--report", report}, flags, []string{file}))
	facts := map[string]string{"skipped": "0", "duplicate": "0", "pending": "0"}
	for line := range strings.Lines(ts.ReadFile("stdout")) {
		var e struct {
			Event                string
			Rows, Calls, Invalid *int
			Warnings             []string
			Batch                *struct{ Outcomes map[string]int }
		}
		ts.Check(json.Unmarshal([]byte(line), &e))
		switch e.Event {
		case "checked":
			facts["rows"], facts["send"], facts["invalid"] = strconv.Itoa(*e.Rows), strconv.Itoa(*e.Calls), strconv.Itoa(*e.Invalid)
			facts["warnings"] = strconv.Itoa(len(e.Warnings))
		case "finished":
			for outcome, n := range e.Batch.Outcomes {
				if outcome != "invalid" {
					facts[outcome] = strconv.Itoa(n)
				}
			}
		}
	}
	compare(ts, file, facts, wants)
}

// cmdAgain makes sure that a sheet is read alike in every way that inspect offers for it: by the flags that it prints, by the preset
// that it saves, and in the clean CSV that it writes, which must be readable by anybody: again FILE [flags].
func cmdAgain(ts *testscript.TestScript, _ bool, args []string) {
	file, flags := args[0], args[1:]
	name := filepath.Base(file)
	clean, saved := ts.MkAbs(name+".clean.csv"), ts.MkAbs(name+".yaml")
	first := inspectJSON(ts, slices.Concat([]string{"--save", saved}, flags, []string{file})...)
	ts.Check(ts.Exec("enqueue", slices.Concat([]string{"inspect", "--quiet", "--to-csv", clean}, flags, []string{file})...))
	second := inspectJSON(ts, append(slices.Clone(first.Flags), file)...)
	alike := func(s seen) string {
		f := s.facts()
		for _, name := range []string{"warnings", "noheader", "usable"} { // these tell what was found out, and what was said is not
			delete(f, name)
		}
		return fmt.Sprint(f, s.Columns, s.Skipped)
	}
	if alike(first) != alike(second) {
		ts.Fatalf("%s is read otherwise with %q:\n%s\n%s", name, first.Flags, alike(first), alike(second))
	}
	wholeAgain(ts, name, clean, first)
	if first.facts()["usable"] != "true" {
		return
	}
	want := reportOfCheck(ts, file, flags)
	if got := reportOfCheck(ts, file, first.Flags); got != want {
		ts.Fatalf("%s: check with %q reports\n%s\nwant\n%s", name, first.Flags, got, want)
	}
	if got := reportOfCheck(ts, file, append(ofFile(flags), "--preset", saved)); got != want {
		ts.Fatalf("%s: check with the saved preset reports\n%s\nwant\n%s\nthe preset is\n%s", name, got, want, ts.ReadFile(saved))
	}
}

// ofFile are the flags that say what of a file is read, which no preset holds.
func ofFile(flags []string) (kept []string) {
	for i, flag := range flags {
		switch flag {
		case "--member":
			kept = append(kept, flag, flags[i+1])
		case "--hidden-rows":
			kept = append(kept, flag)
		}
	}
	return kept
}

// reportOfCheck is the report that check writes.
func reportOfCheck(ts *testscript.TestScript, file string, flags []string) string {
	report := ts.MkAbs("again.csv")
	_ = os.Remove(report)
	err := ts.Exec("enqueue", slices.Concat([]string{"check", "--report", report}, flags, []string{file})...)
	text, readErr := os.ReadFile(report)
	if readErr != nil {
		ts.Fatalf("check %q %s: %v, %v", flags, file, err, readErr)
	}
	return string(text)
}

// wholeAgain reads a clean CSV strictly, and has it cleaned once more, which must not change it.
func wholeAgain(ts *testscript.TestScript, name, clean string, s seen) {
	text, err := os.ReadFile(clean)
	ts.Check(err)
	strict := csv.NewReader(bytes.NewReader(text))
	strict.FieldsPerRecord = -1
	records, err := strict.ReadAll()
	ts.Check(err)
	rows := s.Rows
	if !s.NoHeader {
		rows++
	}
	if len(records) != rows {
		ts.Fatalf("%s: the clean CSV has %d records, want %d", name, len(records), rows)
	}
	args := []string{"inspect", "--to-csv", "-", "--preset", "none"}
	if s.NoHeader {
		args = append(args, "--columns", strings.Join(s.Flags[slices.Index(s.Flags, "--columns")+1:][:1], ""))
	}
	ts.Check(ts.Exec("enqueue", append(args, clean)...))
	if again := ts.ReadFile("stdout"); again != string(text) && !s.NoHeader {
		ts.Fatalf("%s: cleaned twice it is\n%s\nwant\n%s", name, again, text)
	}
}

// floods write what no program may be harmed by.
var floods = map[string]func(w *bufio.Writer, n int){
	"line": func(w *bufio.Writer, n int) {
		w.WriteString("tracking_number,slug\n1Z999AA10123456784,ups\n")
		fill(w, 'A', n<<20)
	},
	"quoted": func(w *bufio.Writer, n int) {
		w.WriteString("tracking_number,slug\n1Z999AA10123456784,ups\n\"")
		fill(w, 'A', n<<20)
	},
	"header":  func(w *bufio.Writer, n int) { fill(w, 'A', n<<20) },
	"columns": func(w *bufio.Writer, n int) { fill(w, ',', n<<20); w.WriteString("\n1Z999AA10123456784\n") },
	"zeros":   func(w *bufio.Writer, n int) { fill(w, 0, n<<20) },
	"blank":   func(w *bufio.Writer, n int) { fill(w, '\n', n<<20) },
	"quotes":  func(w *bufio.Writer, n int) { w.WriteString("tracking_number,slug\n"); fill(w, '"', n<<20) },
	"spaces":  func(w *bufio.Writer, n int) { fill(w, ' ', n<<20) },
}

func fill(w *bufio.Writer, b byte, n int) {
	block := bytes.Repeat([]byte{b}, 64<<10)
	for ; n > 0; n -= len(block) {
		w.Write(block)
	}
}

// cmdBomb writes a file that unpacks to so many MiB: bomb csv.gz 100 out.gz, bomb zip, bomb xlsx.
func cmdBomb(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	out, err := os.Create(ts.MkAbs(args[2]))
	ts.Check(err)
	defer out.Close()
	write := func(w io.Writer) error {
		b := bufio.NewWriterSize(w, 64<<10)
		floods[args[0]](b, n)
		return b.Flush()
	}
	switch filepath.Ext(args[2]) {
	case ".gz":
		z := gzip.NewWriter(out)
		ts.Check(errors.Join(write(z), z.Close()))
	case ".zip":
		z := zip.NewWriter(out)
		w, err := z.Create("orders.csv")
		ts.Check(err)
		ts.Check(errors.Join(write(w), z.Close()))
	default:
		ts.Check(write(out))
	}
}

// cmdBounded runs a program that must end by itself with an exit code, within so many seconds and MiB of memory; a flood on its
// standard input is made as it reads: bounded 2 10 200 line:64 enqueue check -.
func cmdBounded(ts *testscript.TestScript, _ bool, args []string) {
	var n [3]int
	for i := range n {
		var err error
		n[i], err = strconv.Atoi(args[i])
		ts.Check(err)
	}
	cmd := program(ts, args[4:]...)
	if kind, size, ok := strings.Cut(args[3], ":"); ok {
		mib, err := strconv.Atoi(size)
		ts.Check(err)
		r, w := io.Pipe()
		go func() {
			b := bufio.NewWriterSize(w, 64<<10)
			floods[kind](b, mib)
			_ = w.CloseWithError(b.Flush())
		}()
		defer r.Close()
		cmd.Stdin = r
	}
	stdout, err := os.Create(ts.MkAbs("bounded.out"))
	ts.Check(err)
	defer stdout.Close()
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = stdout, stdout, time.Second
	ts.Check(cmd.Start())
	end := time.AfterFunc(time.Duration(n[1]*slower)*time.Second, func() { _ = cmd.Process.Kill() })
	defer end.Stop()
	err = cmd.Wait()
	if _, ended := errors.AsType[*exec.ExitError](err); err != nil && !ended && !errors.Is(err, syscall.EPIPE) {
		ts.Fatalf("%v", err)
	}
	said, err := os.ReadFile(ts.MkAbs("bounded.out"))
	ts.Check(err)
	used := cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss >> 10
	if runtime.GOOS == "darwin" { // which counts bytes
		used >>= 10
	}
	if got := cmd.ProcessState.ExitCode(); got != n[0] || used > int64(n[2]*slower) || len(said) > 10_000 {
		ts.Fatalf("%s ended with %d, used %d MiB and said %d bytes; want %d, at most %d MiB and 10000 bytes:\n%.3000s", strings.Join(args[4:], " "), got, used, len(said), n[0], n[2]*slower, said)
	}
	ts.Check(ts.Exec("cat", "bounded.out"))
}

func init() {
	maps.Copy(commands, map[string]func(ts *testscript.TestScript, neg bool, args []string){
		"text": cmdText, "recode": cmdRecode, "pack": cmdPack, "serve": cmdServe, "inspected": cmdInspected, "checked": cmdChecked,
		"again": cmdAgain, "bomb": cmdBomb, "bounded": cmdBounded,
	})
}
