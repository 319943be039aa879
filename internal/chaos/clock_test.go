//go:build unix

package chaos

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"aftership-bulk/aftership/sandbox"
	"aftership-bulk/batch"
	"aftership-bulk/internal/redistest"
)

// A process cannot have a clock of its own without help from the kernel. The long
// form therefore builds the programs once more with a Go runtime whose clock can
// be ahead (CLOCK_AHEAD, in seconds) or run faster (CLOCK_SPEED, from CLOCK_BASE
// on, in nanoseconds of Unix time): all of the process, timers included, lives by
// it. The programs themselves are the same. Since the whole library is built
// anew, the short form goes without.

// movedClock is what is added to package runtime.
const movedClock = `package runtime

var clockSpeed, clockBase, clockAhead, clockZero int64

func init() {
	clockAhead = clockEnv("CLOCK_AHEAD") * 1e9
	if speed := clockEnv("CLOCK_SPEED"); speed > 1 {
		sec, nsec, mono := time_now()
		clockBase = clockEnv("CLOCK_BASE")
		clockZero = mono - (sec*1e9 + int64(nsec) - clockBase)
		clockSpeed = speed
	}
}

func clockEnv(name string) (n int64) {
	for _, c := range []byte(gogetenv(name)) {
		n = n*10 + int64(c-'0')
	}
	return n
}

//go:nosplit
func movedNano(mono int64) int64 {
	if clockSpeed > 1 {
		return clockZero + (mono-clockZero)*clockSpeed
	}
	return mono
}

func movedNow() (sec int64, nsec int32, mono int64) {
	sec, nsec, mono = time_now()
	moved := movedNano(mono)
	wall := sec*1e9 + int64(nsec) + moved - mono + clockAhead
	return wall / 1e9, int32(wall % 1e9), moved
}

func realDelay(delay int64) int64 {
	if delay > 0 && clockSpeed > 1 {
		return delay/clockSpeed + 1
	}
	return delay
}
`

// clockPatches are the lines of package runtime that read the clock or wait.
var clockPatches = []struct{ file, old, new string }{
	{"time.go", "\treturn time_now()\n", "\treturn movedNow()\n"},
	{"time_nofake.go", "\treturn nanotime1()\n", "\treturn movedNano(nanotime1())\n"},
	{"netpoll_epoll.go", "\tvar waitms int32\n\tif delay < 0 {", "\tdelay = realDelay(delay)\n\tvar waitms int32\n\tif delay < 0 {"},
}

// redisPreload builds the library that does the same to redis-server, and says where it is.
var redisPreload = sync.OnceValues(func() (string, error) {
	path := filepath.Join(bin, "redisclock.so")
	return path, redistest.Hastened.Build(path)
})

// movedPrograms builds the programs with a clock that can be moved, and says where they are.
var movedPrograms = sync.OnceValues(func() (string, error) {
	dir := filepath.Join(bin, "moved")
	overlay, err := clockOverlay(filepath.Join(bin, "runtime"))
	if err != nil {
		return "", err
	}
	build := exec.Command("go", "build", "-overlay", overlay, "-tags", "failpoints", "-o", dir+string(filepath.Separator), "./cmd/enqueue", "./cmd/worker", "./cmd/sandbox")
	build.Dir = filepath.Join("..", "..")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return dir, nil
})

// clockOverlay writes the changed files of package runtime and the list of them.
func clockOverlay(dir string) (string, error) {
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return "", err
	}
	from := filepath.Join(string(bytes.TrimSpace(out)), "src", "runtime")
	files := map[string]string{filepath.Join(from, "moved_clock.go"): movedClock}
	for _, p := range clockPatches {
		text, err := os.ReadFile(filepath.Join(from, p.file))
		if err != nil {
			return "", err
		}
		if bytes.Count(text, []byte(p.old)) != 1 {
			return "", fmt.Errorf("this Go's runtime/%s is not what clockPatches knows: mend them", p.file)
		}
		files[filepath.Join(from, p.file)] = string(bytes.Replace(text, []byte(p.old), []byte(p.new), 1))
	}
	replace := map[string]string{}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	for path, text := range files {
		replace[path] = filepath.Join(dir, filepath.Base(path))
		if err := os.WriteFile(replace[path], []byte(text), 0o600); err != nil {
			return "", err
		}
	}
	list, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "overlay.json")
	return path, os.WriteFile(path, list, 0o600)
}

// TestMovedClocks are the scenarios that need a clock of their own. The short
// form looks only whether what they change in the runtime is still there to change.
func TestMovedClocks(t *testing.T) {
	t.Parallel()
	if !long {
		if _, err := clockOverlay(t.TempDir()); err != nil {
			t.Fatal(err)
		}
		return
	}
	for name, scenario := range map[string]func(*testing.T){
		"workers apart":                   workersApart,
		"an hour's outage":                hourLongOutage,
		"an hour's outage, without Redis": hourLongOutageEmbedded,
		"expired shipments over days":     expiredOverDays,
	} {
		t.Run(name, scenario)
	}
}

// Two workers' clocks are two minutes apart. By the one that is ahead, the
// other's leases have always run out: it takes over what is being carried out.
func workersApart(t *testing.T) {
	w := open(t, setup{rate: 10, latency: 100 * time.Millisecond, moved: true})
	rows, kills := 900, 4
	create, retrack := w.order(batch.Create, "made", rows), w.order(batch.Retrack, "expired", rows)
	workers := &fleet{w: w, workers: []*proc{w.start(nil, "worker"), w.start([]string{"CLOCK_AHEAD=120"}, "worker")}}
	for k := range kills {
		w.reach(create, rows*(k+1)/(kills+1))
		time.Sleep(rand.N(200 * time.Millisecond)) // the moment is random on purpose
		workers.kill(0)                            // the one whose clock is right
	}
	w.finish(create)
	w.finish(retrack)
	workers.end()
	w.judge(create, "made", rows)
	w.judge(retrack, "expired", rows)
}

// hourSpeed is how fast the clock runs in the hour-long outage: a millisecond in
// which this machine does something else is not yet much then.
const hourSpeed = 20

// AfterShip answers every call with 502 for an hour, by the clock of every
// process: workers, AfterShip and Redis. No row dies, although a row has three
// attempts only. AfterShip's limit is twice the setting here: the scenario asks
// nothing of the limiter, whose milliseconds last 50 microseconds.
func hourLongOutage(t *testing.T) {
	w := open(t, setup{attempts: 3, moved: true, fast: true, sandbox: []string{"--rate", "20"}})
	rows := 600
	id := w.order(batch.Create, "made", rows)
	workers := w.fleet(2)
	w.reach(id, rows/4)
	w.failFor(time.Hour)
	w.finish(id)
	workers.end()
	w.judgeHour(rows)
}

// The same without Redis.
func hourLongOutageEmbedded(t *testing.T) {
	w := open(t, setup{attempts: 3, embedded: true, moved: true, fast: true, sandbox: []string{"--rate", "20"}})
	rows := 600
	run := w.start(nil, "enqueue", "create", w.sheet(batch.Create, "made", rows))
	w.until("calls are sent", func() bool { return w.called() > rows/4 })
	w.failFor(time.Hour)
	if code := run.code(); code != 0 {
		t.Fatalf("enqueue ended with %d: %s", code, run.tail())
	}
	w.openState()
	w.judgeHour(rows)
}

func (w *world) judgeHour(rows int) {
	w.judge(w.batchOf("made"), "made", rows)
	n := 0
	for _, c := range w.calls() {
		if c.Kind == sandbox.FaultHTML502 {
			n++
		}
	}
	w.t.Logf("%d calls met the outage of an hour", n)
}

// failFor has AfterShip fail for so long by the moved clock, and waits for its end.
func (w *world) failFor(d time.Duration) {
	now := w.base.Add(time.Since(w.base) * hourSpeed)
	w.fault(sandbox.Fault{Kind: sandbox.FaultHTML502, Until: now.Add(d)})
	time.Sleep(d / hourSpeed) // the length of the fault
}

// hasten makes the clock of all programs run faster from now on.
func (w *world) hasten() {
	w.base = time.Now()
	w.clock = []string{"CLOCK_SPEED=" + itoa(hourSpeed), "CLOCK_BASE=" + strconv.FormatInt(w.base.UnixNano(), 10)}
	w.env = append(w.env, w.clock...)
}
