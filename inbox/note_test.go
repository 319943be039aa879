package inbox

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// heard is the log of the workers that are opened from now on.
func (f *folder) heard() *bytes.Buffer {
	log := new(bytes.Buffer)
	f.log = slog.New(slog.NewTextHandler(log, nil))
	return log
}

// What lies where it cannot be used is pointed out beside it, once by however many
// workers, for as long as it is there; it is left alone itself.
func TestMisplacedIsPointedOut(t *testing.T) {
	f := newFolder(t)
	a, b := f.open(1), f.open(1)
	f.put("create/sub/deep/x.csv", "x")
	f.put("create/options.yml", "slug: ups")
	f.put("week 47/more/x.csv", "x")
	if err := os.Symlink(t.TempDir(), filepath.Join(f.dir, incoming, "linked")); err != nil {
		t.Fatal(err)
	}
	left := []string{"incoming/create/sub/deep/x.csv", "incoming/create/options.yml", "incoming/week 47/more/x.csv", "incoming/linked"}
	notes := map[string]string{
		"incoming/create/sub.error.txt":         "a folder in a folder is left alone, with all that is in it\nTry: put the files themselves into the folder above",
		"incoming/create/options.yml.error.txt": "options are read from options.yaml alone, so that these count for nothing\nTry: rename it to options.yaml",
		"incoming/week 47/more.error.txt":       "a folder in a folder is left alone",
		"incoming/linked.error.txt":             "a link to a folder is left alone\nTry: make the folder itself",
	}
	all := left
	for range 3 {
		f.still(a)
		f.still(b)
	}
	for name, want := range notes {
		all = append(all, name)
		if got := f.read(name); !strings.HasPrefix(got, noteHead+"error: ") || !strings.Contains(got, want) {
			t.Errorf("%s: %q does not say %q", name, got, want)
		}
	}
	f.has(all...)
	for _, name := range left {
		if err := os.RemoveAll(filepath.Join(f.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range []string{"create/sub", "week 47/more"} {
		if err := os.RemoveAll(filepath.Join(f.dir, incoming, dir)); err != nil {
			t.Fatal(err)
		}
	}
	f.still(a)
	f.still(b)
	f.has()
}

// A note takes the place of nothing, and follows no link.
func TestNoteHarmsNothing(t *testing.T) {
	f := newFolder(t)
	b := f.open(1)
	outside := filepath.Join(t.TempDir(), "outside")
	write(t, outside, "precious")
	for _, name := range []string{"create/sub", "create/other"} {
		if err := os.Mkdir(filepath.Join(f.dir, incoming, name), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(outside, filepath.Join(f.dir, incoming, "create/sub.error.txt")); err != nil {
		t.Fatal(err)
	}
	f.put("create/other.error.txt", "somebody's own")
	f.put("create/gone.error.txt", "somebody's own")
	if err := os.Symlink(outside, filepath.Join(f.dir, incoming, "create/x.csv"+waitingEnd)); err != nil {
		t.Fatal(err)
	}
	f.run = func(_ context.Context, j Job) Result {
		if len(f.jobs) == 1 {
			return Result{Code: codeLocked, Output: "held"}
		}
		j.Accepted()
		return reported(j)
	}
	f.put("create/x.csv", "x")
	f.still(b)
	f.still(b)
	f.still(b)
	f.has("incoming/create/sub.error.txt", "incoming/create/other.error.txt", "incoming/create/gone.error.txt", "incoming/create/x.csv.waiting.txt",
		"done/2026-11-22/x.csv", "done/2026-11-22/x.report.csv")
	if text, err := os.ReadFile(outside); err != nil || string(text) != "precious" {
		t.Errorf("%q %v", text, err)
	}
	if got := f.read("incoming/create/gone.error.txt"); got != "somebody's own" {
		t.Errorf("%q", got)
	}
}

// A folder that cannot be read is pointed out until it can.
func TestClosedFolder(t *testing.T) {
	f := newFolder(t)
	b := f.open(1)
	dir := filepath.Join(f.dir, incoming, "create")
	b.closed(dir, os.ErrPermission)
	if got := f.read("incoming/create.error.txt"); !strings.Contains(got, "a folder cannot be read: permission denied\nTry: let the user") {
		t.Errorf("%q", got)
	}
	f.look(b)
	f.has()
}

// A lock is asked for at a steady pace; what a file waits for stands in the log once,
// and where the file was put until it goes on.
func TestWaitsForLock(t *testing.T) {
	f := newFolder(t)
	log := f.heard()
	b := f.open(1)
	holder := "batch 1"
	f.run = func(_ context.Context, j Job) Result {
		if holder == "" {
			j.Accepted()
			f.has("processing/"+b.id+"/"+filepath.Base(filepath.Dir(filepath.Dir(j.Path)))+"/create/x.csv", "processing/"+b.id+"/"+filepath.Base(filepath.Dir(filepath.Dir(j.Path)))+"/.runs")
			return reported(j)
		}
		return Result{Code: codeLocked, Output: holder + " is stopped\nTry: enqueue resume", Told: []any{"batch", holder}}
	}
	f.put("create/x.csv", "x")
	f.still(b)
	note := "incoming/create/x.csv.waiting.txt"
	if got := f.read(note); got != noteHead+"batch 1 is stopped\nTry: enqueue resume\nThe file is kept in processing meanwhile, and tried again by itself.\n" {
		t.Errorf("%q", got)
	}
	steady := func(tries int) {
		t.Helper()
		for range tries {
			before := len(f.jobs)
			f.clock.pass(15*time.Second - 1)
			f.look(b)
			if len(f.jobs) != before {
				t.Fatal("asked too soon")
			}
			f.clock.pass(1)
			f.look(b)
			if len(f.jobs) != before+1 {
				t.Fatalf("%d runs, want %d", len(f.jobs), before+1)
			}
		}
	}
	steady(20)
	if got := strings.Count(log.String(), `msg="file waits"`); got != 1 || !strings.Contains(log.String(), `because="batch 1 is stopped" try="enqueue resume" batch="batch 1"`) {
		t.Errorf("said %d times: %s", got, log)
	}
	if got := strings.Count(log.String(), `msg="file taken"`); got != 1 {
		t.Errorf("taken %d times: %s", got, log)
	}
	if err := os.Remove(filepath.Join(f.dir, note)); err != nil { // by somebody who tidies up
		t.Fatal(err)
	}
	holder = "batch 2"
	steady(2)
	if got := f.read(note); !strings.Contains(got, "batch 2 is stopped") || strings.Count(log.String(), `msg="file waits"`) != 2 {
		t.Errorf("%q, %s", got, log)
	}

	// Another worker takes the file over, and removes the note in the end.
	b.farewell()
	b = f.open(1)
	f.look(b)
	if len(b.mine) != 1 {
		t.Fatalf("%d claims", len(b.mine))
	}
	holder = ""
	steady(1)
	f.has("done/2026-11-22/x.csv", "done/2026-11-22/x.report.csv")
}

// Asking for the lock costs a look at the whole file, so that one for which it takes long is asked for less often.
func TestLongTriesAreRarer(t *testing.T) {
	f := newFolder(t)
	b := f.open(1)
	f.run = func(context.Context, Job) Result {
		f.clock.pass(time.Minute)
		return Result{Code: codeLocked, Output: "held"}
	}
	f.put("create/x.csv", "x")
	f.still(b)
	f.clock.pass(4*time.Minute - 1)
	f.look(b)
	if len(f.jobs) != 1 {
		t.Error("asked too soon")
	}
	f.clock.pass(1)
	f.look(b)
	if len(f.jobs) != 2 {
		t.Errorf("%d runs", len(f.jobs))
	}
}
