package inbox

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// dead makes a worker that has taken a file and died in the middle of its run.
func (f *folder) dead() *Box {
	f.Helper()
	b := f.open(1)
	b.turn(f.Context())
	f.clock.pass(10 * time.Second)
	run := f.run
	f.run = func(context.Context, Job) Result { return Result{} }
	b.turn(f.Context())
	<-b.ended // nobody settles it
	f.run = run
	if len(b.mine) != 1 {
		f.Fatalf("%d files were taken", len(b.mine))
	}
	return b
}

// The files of a dead worker are taken over when its lease has run out, not before.
func TestDeadWorkersFilesAreTakenOver(t *testing.T) {
	f := newFolder(t)
	f.put("create/x.csv", "x")
	gone := f.dead()
	taken := f.clock.now()
	b := f.open(1)
	f.look(b)
	f.clock.pass(time.Minute - 1)
	f.look(b)
	if len(f.tree(done)) > 0 {
		t.Fatal("taken over from a worker whose lease has not run out")
	}
	gone.beat(2)
	f.look(b)
	f.clock.pass(time.Minute - 1)
	f.look(b)
	if len(f.tree(done)) > 0 {
		t.Fatal("taken over from a worker that has shown a sign of life")
	}
	f.clock.pass(1)
	f.look(b)
	f.has("done/2026-11-22/x.csv", "done/2026-11-22/x.report.csv")
	if last := f.jobs[len(f.jobs)-1]; !last.Taken.Equal(taken.Truncate(time.Second)) {
		t.Errorf("the dead worker took the file at %s, and the run of the other is told %s", taken, last.Taken)
	}
	f.look(b)
	if _, err := os.Stat(gone.own); err == nil {
		t.Error("the directory of the dead worker is left")
	}

	// It was only frozen: it finds its file gone, and goes on with others.
	gone.settle(ending{c: gone.mine[0], result: Result{Code: 2, Output: "error: there is no such file"}})
	f.has("done/2026-11-22/x.csv", "done/2026-11-22/x.report.csv")
	f.put("create/y.csv", "y")
	f.still(gone)
	f.has("done/2026-11-22/x.csv", "done/2026-11-22/x.report.csv", "done/2026-11-22/y.csv", "done/2026-11-22/y.report.csv")
}

// Who ends on a signal leaves its files at once.
func TestFilesAreLeftAtOnce(t *testing.T) {
	f := newFolder(t)
	b := f.open(1)
	ctx, end := context.WithCancel(t.Context())
	f.run = func(ctx context.Context, _ Job) Result {
		end()
		<-ctx.Done()
		return Result{Code: 130}
	}
	b.o.Poll, b.o.Still = time.Millisecond, time.Nanosecond
	b.o.Now = time.Now
	f.put("create/x.csv", "x")
	b.Watch(ctx)
	if got := f.tree(processing); len(got) != 1 {
		t.Fatalf("%v", got)
	}
	f.run = func(_ context.Context, j Job) Result { return reported(j) }
	f.look(f.open(1))
	if got := f.tree(done); len(got) != 2 {
		t.Errorf("%v", got)
	}
}

// A worker may die between any two steps. Who takes over finds the same name for
// the file, and leaves nothing twice.
func TestDeathWhileAFileIsPlaced(t *testing.T) {
	const dir = "done/2026-11-22/"
	for name, half := range map[string]func(f *folder, c *claim){
		"before the run": func(*folder, *claim) {},
		"name reserved":  func(f *folder, c *claim) { write(f, f.dir+"/"+dir+".x.claim", filepath.Base(c.dir)) },
		"report is there": func(f *folder, c *claim) {
			write(f, f.dir+"/"+dir+".x.claim", filepath.Base(c.dir))
			write(f, f.dir+"/"+dir+"x.report.csv", "report of x")
		},
		"an earlier run": func(f *folder, c *claim) {
			write(f, c.dir+"/.out/report.csv", "half")
			write(f, c.dir+"/.out/error.txt", "half")
			write(f, c.dir+"/.runs", "x")
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFolder(t)
			f.put("create/x.csv", "x")
			half(f, f.dead().mine[0])
			b := f.open(1)
			f.look(b)
			f.clock.pass(time.Minute)
			f.look(b)
			f.has(dir+"x.csv", dir+"x.report.csv")
			if got := f.read(dir + "x.report.csv"); got != "report of x" {
				t.Errorf("the report is %q", got)
			}
		})
	}
}

// Directories that hold no claim, or no file, harm nothing.
func TestRubbishInProcessing(t *testing.T) {
	f := newFolder(t)
	for _, dir := range []string{"gone/20261122-120000-abc", "gone/20261122-120000-def/create", "gone/20261122-120000-ghi/.out", "gone/x", "empty"} {
		if err := os.MkdirAll(filepath.Join(f.dir, processing, dir), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(f.dir, processing, "stray.csv"), "x")
	b := f.open(1)
	f.look(b)
	for range 10 {
		f.clock.pass(time.Minute)
		f.look(b)
	}
	f.has("processing/stray.csv", "processing/stray.csv.error.txt")
	if _, err := os.Stat(filepath.Join(f.dir, processing, "empty")); err == nil {
		t.Error("an empty directory is left")
	}
}

// A file that workers die of is given up in the end.
func TestPoison(t *testing.T) {
	f := newFolder(t)
	f.put("create/x.csv", "x")
	f.still(f.open(1)) // makes the day's directory
	f.put("create/poison.csv", "x")
	for range mostTries {
		f.diesOf()
		f.clock.pass(time.Minute)
	}
	b := f.open(1)
	f.look(b)
	f.clock.pass(time.Minute)
	f.look(b)
	if got := f.read("failed/2026-11-22/poison.error.txt"); !strings.Contains(got, "10 workers have died") {
		t.Error(got)
	}
}

// A file is not to blame for workers that die while it waits for its batch.
func TestWaitingIsNoPoison(t *testing.T) {
	f := newFolder(t)
	f.put("create/x.csv", "x")
	f.run = func(_ context.Context, j Job) Result {
		j.Waits()
		return Result{}
	}
	for range mostTries + 2 {
		b := f.open(1)
		for len(b.mine) == 0 {
			b.turn(t.Context())
			f.clock.pass(30 * time.Second)
		}
		b.settle(<-b.ended) // it waits
		<-b.ended           // nobody settles its end
		f.clock.pass(time.Minute)
	}
	f.run = func(_ context.Context, j Job) Result { return reported(j) }
	b := f.open(1)
	f.look(b)
	f.clock.pass(time.Minute)
	f.look(b)
	f.has("done/2026-11-22/x.csv", "done/2026-11-22/x.report.csv")
}

// diesOf makes a worker that dies of a file which is ready, or which a dead one has left.
func (f *folder) diesOf() {
	b := f.open(1)
	for len(b.mine) == 0 {
		b.turn(f.Context())
		f.clock.pass(30 * time.Second)
	}
	<-b.ended // nobody settles it
}

// Several workers on one folder carry out every file once, and put each where it belongs.
func TestManyWorkers(t *testing.T) {
	const files, workers = 300, 6
	f := newFolder(t)
	f.clock = nil
	ctx, end := context.WithCancel(t.Context())
	var watching sync.WaitGroup
	var mu sync.Mutex
	ran := map[string]int{}
	for range workers {
		b, err := Open(Options{Dir: f.dir, Operations: operations, Files: 3, Still: time.Millisecond, Poll: time.Millisecond, Lease: time.Hour,
			Run: func(_ context.Context, j Job) Result {
				mu.Lock()
				ran[j.Name]++
				mu.Unlock()
				return reported(j)
			}})
		if err != nil {
			t.Fatal(err)
		}
		watching.Go(func() { b.Watch(ctx) })
	}
	for n := range files { // written elsewhere on the file system, and moved
		path := filepath.Join(f.dir, incoming, ".new")
		write(t, path, fmt.Sprint(n))
		if err := os.Rename(path, filepath.Join(f.dir, incoming, "create", fmt.Sprintf("%d.csv", n))); err != nil {
			t.Fatal(err)
		}
	}
	for stop := time.Now().Add(patience); len(f.tree(incoming, processing)) > 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(stop) {
			t.Fatalf("left: %v", f.tree(incoming, processing))
		}
	}
	end()
	watching.Wait()
	got := f.tree(done)
	if len(got) != 2*files || len(ran) != files || len(f.tree(failed)) > 0 {
		t.Errorf("%d files in done, %d were carried out; failed: %v", len(got), len(ran), f.tree(failed))
	}
	for name, n := range ran {
		if n != 1 {
			t.Errorf("%s was carried out %d times", name, n)
		}
	}
	entries, err := os.ReadDir(filepath.Join(f.dir, processing))
	if err != nil || len(entries) > 0 {
		t.Errorf("%v %v", entries, err)
	}
	day := filepath.ToSlash(filepath.Dir(got[0]))
	if text := f.read(day + "/7.report.csv"); text != "report of 7" {
		t.Error(text)
	}
}

// placed lists the files that came out, without what lies beside them.
func (f *folder) placed() []string {
	return slices.DeleteFunc(f.tree(done, failed), func(name string) bool {
		return strings.Contains(name, ".report.") || strings.Contains(name, ".error.") || strings.HasSuffix(name, ".claim")
	})
}

// Workers that believe each other dead all the time still put every file into one
// place, once: what decides is the rename.
func TestWorkersThatBelieveEachOtherDead(t *testing.T) {
	const files, workers = 100, 4
	f := newFolder(t)
	ctx, end := context.WithCancel(t.Context())
	var watching sync.WaitGroup
	for range workers {
		b, err := Open(Options{Dir: f.dir, Operations: operations, Files: 2, Still: time.Millisecond, Poll: time.Millisecond, Retry: time.Millisecond,
			Lease: 5 * time.Second, Run: func(_ context.Context, j Job) Result { return reported(j) }})
		if err != nil {
			t.Fatal(err)
		}
		b.o.Lease = time.Nanosecond // for others; its own signs come every second or so
		watching.Go(func() {
			for ctx.Err() == nil {
				b.turn(ctx)
				for b.count(func(c *claim) bool { return c.running }) > 0 {
					b.settle(<-b.ended)
				}
			}
			b.leave()
		})
	}
	for n := range files {
		f.put(fmt.Sprintf("create/%d.csv", n), fmt.Sprint(n))
	}
	whole := func() bool { return len(f.placed()) >= files }
	for stop := time.Now().Add(patience); !whole(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(stop) {
			t.Fatalf("left: %v", f.tree(incoming, processing))
		}
	}
	end()
	watching.Wait()
	seen := map[string]int{}
	for _, name := range f.placed() {
		seen[f.read(name)]++
	}
	for n := range files {
		if seen[fmt.Sprint(n)] != 1 {
			t.Errorf("file %d is there %d times", n, seen[fmt.Sprint(n)])
		}
	}
}
