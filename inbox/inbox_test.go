package inbox

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience is how long a test waits for something to become so.
const patience = 2 * time.Minute

// clock is a clock that is moved by hand.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// folder is a hot folder under test, whose looks happen when the test says so.
type folder struct {
	*testing.T
	dir   string
	clock *clock
	mu    sync.Mutex
	jobs  []Job
	log   *slog.Logger
	// run does the work; by default it writes a report.
	run func(context.Context, Job) Result
}

func newFolder(t *testing.T) *folder {
	f := &folder{T: t, dir: t.TempDir(), clock: &clock{at: time.Date(2026, 11, 22, 22, 0, 0, 0, time.UTC)}}
	f.run = func(_ context.Context, j Job) Result { return reported(j) }
	return f
}

// reported writes a report, as enqueue does.
func reported(j Job) Result {
	text, err := os.ReadFile(j.Path)
	if err != nil {
		return Result{Code: 2, Output: "error: " + err.Error()}
	}
	if err := os.WriteFile(j.Report, append([]byte("report of "), text...), 0o600); err != nil {
		return Result{Code: 1, Output: "error: " + err.Error()}
	}
	return Result{}
}

func (f *folder) open(files int) *Box {
	f.Helper()
	b, err := Open(Options{Dir: f.dir, Operations: operations, Files: files, Still: 10 * time.Second, Lease: time.Minute, Now: f.clock.now, Log: f.log,
		Run: func(ctx context.Context, j Job) Result {
			f.mu.Lock()
			f.jobs = append(f.jobs, j)
			f.mu.Unlock()
			return f.run(ctx, j)
		}})
	if err != nil {
		f.Fatal(err)
	}
	b.beat(1)
	return b
}

func (f *folder) put(name, text string) { write(f, filepath.Join(f.dir, incoming, name), text) }

// look looks once, and waits until all that it found is carried out.
func (f *folder) look(b *Box) {
	f.Helper()
	b.turn(f.Context())
	for b.count(func(c *claim) bool { return c.running }) > 0 {
		b.settle(<-b.ended)
		b.fill(f.Context())
	}
}

// still looks twice, between which nothing changes for long enough.
func (f *folder) still(b *Box) {
	f.Helper()
	f.look(b)
	f.clock.pass(10 * time.Second)
	f.look(b)
}

// tree lists the files of some directories, processing's without its changing names.
func (f *folder) tree(dirs ...string) []string {
	f.Helper()
	var all []string
	for _, dir := range dirs {
		err := filepath.WalkDir(filepath.Join(f.dir, dir), func(path string, d fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) { // moved while we look
				return nil
			}
			if err != nil || d.IsDir() || d.Name() == alive {
				return err
			}
			rel, _ := filepath.Rel(f.dir, path)
			all = append(all, filepath.ToSlash(rel))
			return nil
		})
		if err != nil {
			f.Fatal(err)
		}
	}
	return all
}

func (f *folder) has(want ...string) {
	f.Helper()
	got := f.tree(incoming, processing, done, failed)
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		f.Errorf("the folder has\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func (f *folder) read(name string) string {
	f.Helper()
	text, err := os.ReadFile(filepath.Join(f.dir, name))
	if err != nil {
		f.Fatal(err)
	}
	return string(text)
}

func TestFileIsDone(t *testing.T) {
	f := newFolder(t)
	b := f.open(1)
	f.put("create/monday.csv", "a,b")
	f.put("create/"+optionsFile, "slug: ups")
	f.look(b)
	f.has("incoming/create/monday.csv", "incoming/create/options.yaml")
	f.clock.pass(10 * time.Second)
	f.look(b)
	f.has("incoming/create/options.yaml", "done/2026-11-22/monday.csv", "done/2026-11-22/monday.report.csv")
	if got := f.read("done/2026-11-22/monday.report.csv"); got != "report of a,b" {
		t.Errorf("the report is %q", got)
	}
	j := f.jobs[0]
	if j.Operation != "create" || j.Name != "create/monday.csv" || filepath.Base(j.Path) != "monday.csv" || !slices.Equal(j.Options, []Option{{"slug", "ups"}}) || len(f.jobs) != 1 {
		t.Errorf("%+v", f.jobs)
	}
	info, err := os.Stat(filepath.Join(f.dir, "done/2026-11-22/monday.report.csv"))
	if err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("who can read the file cannot read its report: %v %v", info.Mode(), err)
	}
}

// A file is taken when size and time have not changed for as long as the settings
// say, and one that still changes while it is read is read again.
func TestGrowingFileIsLeft(t *testing.T) {
	f := newFolder(t)
	b := f.open(1)
	path := filepath.Join(f.dir, incoming, "create", "x.csv")
	f.put("create/x.csv", "a")
	f.look(b)
	for range 5 {
		f.clock.pass(9 * time.Second)
		f.put("create/x.csv", f.read("incoming/create/x.csv")+"a")
		f.look(b)
		f.has("incoming/create/x.csv")
	}
	if err := os.Chtimes(path, time.Time{}, time.Unix(1, 0)); err != nil { // of the same size, but another time
		t.Fatal(err)
	}
	f.clock.pass(9 * time.Second)
	f.look(b)
	f.clock.pass(9 * time.Second)
	f.look(b)
	f.has("incoming/create/x.csv")

	f.run = func(_ context.Context, j Job) Result {
		if len(f.jobs) == 1 {
			write(t, j.Path, "whole")
			return Result{Code: 2, Output: "error: was changed while it was read"}
		}
		return reported(j)
	}
	f.clock.pass(time.Second)
	f.look(b)
	if len(f.jobs) != 1 || len(f.tree(done, failed)) > 0 {
		t.Fatalf("%d runs; %v", len(f.jobs), f.tree(done, failed))
	}
	f.clock.pass(time.Minute)
	f.look(b)
	f.has("done/2026-11-22/x.csv", "done/2026-11-22/x.report.csv")
	if got := f.read("done/2026-11-22/x.report.csv"); got != "report of whole" {
		t.Errorf("the report is %q", got)
	}
}

// What cannot be done goes to failed, with a text that says why.
func TestFailures(t *testing.T) {
	f := newFolder(t)
	b := f.open(1)
	f.run = func(_ context.Context, j Job) Result {
		switch j.Operation {
		case "update":
			panic("a bug")
		case "mark-complete":
			return Result{Code: 0, Output: "error: the report could not be written"}
		}
		return Result{Code: 2, Output: "error: " + j.Path + ": no column means tracking_number\nTry: name one"}
	}
	f.put("create/bad.csv", "x")
	f.put("update/panic.csv", "x")
	f.put("mark-complete/unreported.csv", "x")
	f.put("nameless.csv", "x")
	f.put("orders/x.csv", "x")
	f.put("create.none/x.csv", "x")
	f.put("create.none/"+optionsFile, "- x")
	if err := os.Symlink("/etc/hostname", filepath.Join(f.dir, incoming, "create", "link.csv")); err != nil {
		t.Fatal(err)
	}
	f.still(b)
	texts := map[string]string{
		"bad":        "error: create/bad.csv: no column means tracking_number\nTry: name one\n",
		"panic":      "the program failed on this file: a bug",
		"unreported": "error: the report could not be written",
		"nameless":   "the name nameless.csv does not say what to do",
		"link":       "is a symbolic link",
	}
	for name, want := range texts {
		if got := f.read("failed/2026-11-22/" + name + ".error.txt"); !strings.Contains(got, want) {
			t.Errorf("%s: %q does not say %q", name, got, want)
		}
		if _, err := os.Lstat(filepath.Join(f.dir, "failed/2026-11-22", name+".csv")); err != nil {
			t.Error(err)
		}
	}
	both := f.read("failed/2026-11-22/x.error.txt") + f.read("failed/2026-11-22/x-2.error.txt")
	if !strings.Contains(both, "incoming/orders names no operation") || !strings.Contains(both, "incoming/create.none/options.yaml cannot be read") {
		t.Error(both)
	}
	if len(f.tree(processing, done)) > 0 || len(f.jobs) != 3 {
		t.Errorf("%v, %d runs", f.tree(processing, done), len(f.jobs))
	}
}

// Nothing in done or failed is ever overwritten, nor mixed with what lies beside
// another file.
func TestSameNameAgain(t *testing.T) {
	f := newFolder(t)
	b := f.open(4)
	var want []string
	for n := range 5 {
		f.put("create/x.csv", fmt.Sprint("sheet ", n))
		f.put("update/x.csv", fmt.Sprint("update ", n))
		f.put("create/x.xlsx", fmt.Sprint("book ", n))
		f.still(b)
		want = append(want, fmt.Sprint("book ", n), fmt.Sprint("sheet ", n), fmt.Sprint("update ", n))
	}
	var got []string
	for _, name := range f.tree(done) {
		if strings.HasSuffix(name, ".report.csv") {
			continue
		}
		text := f.read(name)
		stem, _ := cutExt(name)
		if report := f.read(stem + ".report.csv"); report != "report of "+text {
			t.Errorf("beside %s lies %q", name, report)
		}
		got = append(got, text)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// A run that could not be ended is repeated, later and later.
func TestTriedAgain(t *testing.T) {
	f := newFolder(t)
	b := f.open(1)
	f.run = func(_ context.Context, j Job) Result {
		write(t, j.Report, "half")
		write(t, strings.TrimSuffix(j.Report, ".csv")+".failed.csv", "half")
		return Result{Code: []int{4, 5, 130}[len(f.jobs)%3], Output: "error: Redis is away\nTry: check REDIS_URL"}
	}
	f.put("create/x.csv", "x")
	f.still(b)
	for n, wait := range []time.Duration{15, 30, 60, 120, 240, 480, 900, 900, 900} {
		f.clock.pass(wait*time.Second - 1)
		f.look(b)
		if len(f.jobs) != n+1 {
			t.Fatalf("%d runs, want %d", len(f.jobs), n+1)
		}
		f.clock.pass(1)
		f.look(b)
		if len(f.jobs) != n+2 {
			t.Fatalf("%d runs, want %d", len(f.jobs), n+2)
		}
	}
	if note := f.read("incoming/create/x.csv.waiting.txt"); !strings.Contains(note, "error: Redis is away\nTry: check REDIS_URL\nThe file is kept in processing meanwhile, and tried again by itself.\n") {
		t.Errorf("where the file was put stands %q", note)
	}
	f.run = func(_ context.Context, j Job) Result { return reported(j) }
	f.clock.pass(time.Hour)
	f.look(b)
	f.has("done/2026-11-22/x.csv", "done/2026-11-22/x.report.csv") // on the day on which it came; nothing of the earlier tries
}

// While nothing can be ended, not everything is taken.
func TestClaimsAreBounded(t *testing.T) {
	f := newFolder(t)
	b := f.open(8)
	f.run = func(context.Context, Job) Result { return Result{Code: 5} }
	for n := range mostClaims + 20 {
		f.put(fmt.Sprintf("create/%03d.csv", n), "x")
	}
	f.look(b)
	f.clock.pass(10 * time.Second)
	for range mostClaims {
		f.look(b)
	}
	if got := len(slices.DeleteFunc(f.tree(incoming), leftAlone)); got != 20 {
		t.Errorf("%d files are left in incoming, want 20", got)
	}
}

// Small files go first, and a large one leaves them places.
func TestOrderAndRoom(t *testing.T) {
	f := newFolder(t)
	b := f.open(4)
	go_ := make(chan struct{})
	f.run = func(_ context.Context, j Job) Result { <-go_; return reported(j) }
	big := strings.Repeat("x", large)
	for n := range 6 {
		f.put(fmt.Sprintf("create/big-%d.csv", n), big)
	}
	b.turn(t.Context())
	f.clock.pass(10 * time.Second)
	b.turn(t.Context())
	if len(b.mine) != 2 {
		t.Fatalf("%d large files run at once, want 2 of 4", len(b.mine))
	}
	for n := range 9 {
		f.put(fmt.Sprintf("update/small-%d.csv", n), strings.Repeat("y", 10-n))
	}
	b.turn(t.Context())
	f.clock.pass(10 * time.Second)
	b.turn(t.Context())
	if len(b.mine) != 4 || b.mine[2].name != "small-8.csv" || b.mine[3].name != "small-7.csv" {
		t.Fatalf("%d files run; the third and fourth are %s and %s", len(b.mine), b.mine[2].name, b.mine[3].name)
	}
	close(go_)
	for len(f.tree(done)) < 2*15 {
		b.settle(<-b.ended)
		b.fill(t.Context())
	}
}

// A small file that only waits for the end of its batch keeps no other one waiting;
// a large one keeps its place.
func TestWaitingTakesNoPlace(t *testing.T) {
	f := newFolder(t)
	b := f.open(2)
	end := make(chan struct{})
	f.run = func(_ context.Context, j Job) Result {
		j.Waits()
		j.Waits()
		<-end
		return reported(j)
	}
	for n := range 20 {
		f.put(fmt.Sprintf("create/small-%02d.csv", n), "x")
	}
	f.put("create/big-1.csv", strings.Repeat("x", large))
	f.put("create/big-2.csv", strings.Repeat("x", large))
	b.turn(t.Context())
	f.clock.pass(10 * time.Second)
	b.turn(t.Context())
	for len(b.mine) < 21 {
		b.settle(<-b.ended)
		b.fill(t.Context())
	}
	if left := f.tree(incoming); len(left) != 1 || !strings.Contains(left[0], "big-") {
		t.Errorf("left are %v", left)
	}
	close(end)
	for len(f.tree(done)) < 2*22 {
		b.settle(<-b.ended)
		b.fill(t.Context())
	}
}

// Partial files, hidden ones and folders in folders are left where they are.
func TestLeftWhereTheyAre(t *testing.T) {
	f := newFolder(t)
	b := f.open(1)
	f.put("create/x.csv.part", "x")
	f.put("create/.hidden.csv", "x")
	f.put("create/~$book.xlsx", "x")
	f.put("create/sub/x.csv", "x")
	f.put("create/Saved.error.txt", "somebody's own")
	if err := os.Symlink(t.TempDir(), filepath.Join(f.dir, incoming, "linked")); err != nil {
		t.Fatal(err)
	}
	f.still(b)
	f.has("incoming/create/x.csv.part", "incoming/create/.hidden.csv", "incoming/create/~$book.xlsx", "incoming/create/sub/x.csv", "incoming/linked",
		"incoming/create/sub.error.txt", "incoming/linked.error.txt", "incoming/create/Saved.error.txt")
}

func TestNamesOfAllKinds(t *testing.T) {
	f := newFolder(t)
	b := f.open(1)
	for _, name := range []string{"a\nb.csv", "\xff\xfe.csv", strings.Repeat("l", 250) + ".csv", "-rf.csv", "no end", "ü (1).csv", "create/x"} {
		f.put("create/"+name, "x")
	}
	_ = os.RemoveAll(filepath.Join(f.dir, incoming, "create", "create"))
	f.still(b)
	var want []string
	for _, stem := range []string{"a_b", "_", strings.Repeat("l", 146), "-rf", "ü (1)"} {
		want = append(want, "done/2026-11-22/"+stem+".csv", "done/2026-11-22/"+stem+".report.csv")
	}
	f.has(append(want, "done/2026-11-22/no end", "done/2026-11-22/no end.report.csv")...)
}

// A folder that cannot be used is said at the start.
func TestOpenRefuses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	write(t, file, "")
	if _, err := Open(Options{Dir: file}); err == nil || !strings.Contains(err.Error(), "cannot be used") {
		t.Error(err)
	}
}

func TestMoveBelievesWhatIsThere(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "to"), "x")
	if err := move(filepath.Join(dir, "from"), filepath.Join(dir, "to")); err != nil {
		t.Errorf("the answer to the rename was lost, and the file is there: %v", err)
	}
	if err := move(filepath.Join(dir, "from"), filepath.Join(dir, "other")); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}
