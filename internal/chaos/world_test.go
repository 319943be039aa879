//go:build unix

package chaos

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"aftership-bulk/aftership/sandbox"
	"aftership-bulk/batch"
	"aftership-bulk/internal/redistest"
)

func itoa(n int) string { return strconv.Itoa(n) }

// world is one scenario's own Redis, AfterShip and programs.
type world struct {
	t      *testing.T
	dir    string
	redis  *redistest.Redis // nil in a cluster and in embedded mode
	rdb    redis.UniversalClient
	ledger *batch.Store
	box    string   // the sandbox's address
	env    []string // of the programs
	// unflagged says that Redis may lose writes that it acknowledged, so that a
	// doubled call may go without its flag.
	unflagged bool
	bin       string    // where the programs are
	clock     []string  // what moves the programs' clocks
	base      time.Time // since when they run faster
}

// setup says what a scenario's world is like.
type setup struct {
	rate     int // requests a second; 10 unless it says otherwise
	latency  time.Duration
	attempts int                // MAX_ATTEMPTS; 8 unless it says otherwise
	redis    []redistest.Option // of the server
	cluster  bool
	embedded bool
	moved    bool     // the programs are those whose clock can be moved
	fast     bool     // and runs faster, from the start on
	sandbox  []string // further flags
	// proxied puts something between the programs and Redis, and says where it is.
	proxied func(*world) string
}

// open builds a world.
func open(t *testing.T, s setup) *world {
	t.Helper()
	t.Parallel()
	w := &world{t: t, dir: t.TempDir(), bin: bin}
	if s.moved {
		moved, err := movedPrograms()
		w.check(err)
		w.bin = moved
	}
	if s.rate == 0 {
		s.rate = 10
	}
	if s.latency == 0 {
		s.latency = 20 * time.Millisecond
	}
	w.env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + w.dir, "USER=ops", "RATE_LIMIT=" + itoa(s.rate),
		"REPORT_DIR=" + filepath.Join(w.dir, "reports"), "STATE_DIR=" + filepath.Join(w.dir, "state"), "LOG_LEVEL=debug"}
	if s.attempts > 0 {
		w.env = append(w.env, "MAX_ATTEMPTS="+itoa(s.attempts))
	}
	if s.fast {
		w.hasten()
		preload, err := redisPreload()
		w.check(err)
		s.redis = append(s.redis, redistest.Env(append(w.clock, "LD_PRELOAD="+preload)...))
	}
	w.openRedis(s)
	w.openSandbox(s)
	t.Cleanup(w.tellLogs)
	return w
}

func (w *world) openRedis(s setup) {
	switch {
	case s.embedded:
		return
	case s.cluster:
		nodes := redistest.Cluster(w.t, s.redis...)
		w.rdb = nodes.Client()
		w.env = append(w.env, "REDIS_URL="+nodes.URL())
	default:
		w.redis = redistest.Server(w.t, s.redis...)
		w.rdb = w.redis.Client()
		url := w.redis.URL()
		if s.proxied != nil {
			url = s.proxied(w)
		}
		w.env = append(w.env, "REDIS_URL="+url)
	}
	w.t.Cleanup(func() { _ = w.rdb.Close() })
	w.ledger = batch.New(w.rdb, batch.Options{})
}

// openSandbox starts the stand-in for AfterShip.
func (w *world) openSandbox(s setup) {
	args := append([]string{"--addr", "127.0.0.1:0", "--log-size", "1000000", "--rate", itoa(s.rate), "--latency", s.latency.String(), "--jitter", min(s.latency/10, 3*time.Millisecond).String()}, s.sandbox...)
	cmd := exec.Command(filepath.Join(w.bin, "sandbox"), args...)
	cmd.Env = append(os.Environ(), w.clock...)
	dieWithParent(cmd)
	stdout, err := cmd.StdoutPipe()
	w.check(err)
	w.check(cmd.Start())
	w.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	w.check(err)
	w.box = strings.TrimSpace(line)
	w.env = append(w.env, "AFTERSHIP_BASE_URL="+w.box, "AFTERSHIP_API_KEY="+sandbox.DefaultKey)
}

// tellLogs shows what the workers said, when the scenario failed.
func (w *world) tellLogs() {
	if !w.t.Failed() {
		return
	}
	if keep := os.Getenv("CHAOS_KEEP"); keep != "" {
		_ = os.CopyFS(filepath.Join(keep, w.t.Name()), os.DirFS(w.dir))
	}
	logs, _ := filepath.Glob(filepath.Join(w.dir, "*.log"))
	for _, path := range logs[max(0, len(logs)-4):] {
		text, _ := os.ReadFile(path)
		w.t.Logf("%s:\n%s", filepath.Base(path), text[max(0, len(text)-1000):])
	}
}

func (w *world) check(err error) {
	if err != nil {
		w.t.Helper()
		w.t.Fatal(err)
	}
}

// control asks something of the sandbox.
func (w *world) control(method, path string, body, reply any) {
	w.t.Helper()
	var text bytes.Buffer
	if body != nil {
		w.check(json.NewEncoder(&text).Encode(body))
	}
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.box+"/_sandbox/"+path, &text)
	w.check(err)
	resp, err := http.DefaultClient.Do(req)
	w.check(err)
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	w.check(err)
	if resp.StatusCode >= 300 {
		w.t.Fatalf("%s %s: %d %s", method, path, resp.StatusCode, answer)
	}
	if reply != nil {
		w.check(json.Unmarshal(answer, reply))
	}
}

func (w *world) fault(faults ...sandbox.Fault) { w.control(http.MethodPost, "faults", faults, nil) }
func (w *world) noFaults()                     { w.control(http.MethodDelete, "faults", nil, nil) }

func (w *world) revoke(yes bool) {
	w.control(http.MethodPost, "keys", map[string]any{"name": "default", "revoked": yes}, nil)
}

// calls is the sandbox's log.
func (w *world) calls() []sandbox.Call {
	var log struct {
		Calls   []sandbox.Call `json:"calls"`
		Dropped int            `json:"dropped"`
	}
	w.control(http.MethodGet, "calls", nil, &log)
	if log.Dropped > 0 {
		w.t.Fatalf("the sandbox's log has dropped %d calls", log.Dropped)
	}
	return log.Calls
}

// called is how many calls the sandbox has seen.
func (w *world) called() int {
	var stats sandbox.Stats
	w.control(http.MethodGet, "stats", nil, &stats)
	return int(stats.Calls)
}

// state is every tracking that the sandbox has.
func (w *world) state() []sandbox.Seed {
	var state struct {
		Trackings []sandbox.Seed `json:"trackings"`
	}
	w.control(http.MethodGet, "state", nil, &state)
	return state.Trackings
}

// number is the tracking number of row i of a sheet.
func number(sheet string, i int) string { return fmt.Sprintf("1Z%s%010d", strings.ToUpper(sheet), i) }

// sheet writes a sheet of so many rows that the operation can use, and makes the
// trackings that it needs.
func (w *world) sheet(op batch.Operation, name string, rows int) string {
	var text strings.Builder
	text.WriteString("tracking_number,slug,title,reason\n")
	var seeds []sandbox.Seed
	for i := range rows {
		n := number(name, i)
		fmt.Fprintf(&text, "%s,ups,Order %s %d,DELIVERED\n", n, name, i)
		seeds = append(seeds, sandbox.Seed{Number: n, Slug: "ups", Tag: "Expired", Inactive: op == batch.Retrack})
	}
	path := filepath.Join(w.dir, name+".csv")
	w.check(os.WriteFile(path, []byte(text.String()), 0o600))
	if op != batch.Create {
		w.control(http.MethodPost, "seed", seeds, nil)
	}
	return path
}

// commands are the names of the operations on the command line.
var commands = map[batch.Operation][]string{
	batch.Create: {"create"}, batch.Update: {"update"}, batch.Complete: {"mark-complete"}, batch.Retrack: {"retrack-expired"}, batch.Delete: {"delete", "--yes"},
}

// enqueue runs enqueue to its end and returns what it said on stdout.
func (w *world) enqueue(want int, args ...string) string {
	w.t.Helper()
	cmd := exec.CommandContext(w.t.Context(), filepath.Join(w.bin, "enqueue"), args...)
	cmd.Dir, cmd.Env = w.dir, w.env
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if code := cmd.ProcessState.ExitCode(); code != want {
		w.t.Fatalf("enqueue %s ended with %d, want %d: %v\n%s%s", strings.Join(args, " "), code, want, err, out, stderr.Bytes())
	}
	return string(out)
}

// order hands a sheet over to the workers and returns the batch.
func (w *world) order(op batch.Operation, name string, rows int) batch.ID {
	w.t.Helper()
	w.enqueue(0, append(slices.Clone(commands[op]), w.sheet(op, name, rows))...)
	return w.batchOf(name)
}

// batchOf finds the one batch of a sheet.
func (w *world) batchOf(name string) batch.ID {
	w.t.Helper()
	var ids []batch.ID
	for b, err := range w.ledger.List(w.t.Context()) {
		w.check(err)
		if b.Source == name+".csv" {
			ids = append(ids, b.ID)
		}
	}
	if len(ids) != 1 {
		w.t.Fatalf("%s has %d batches: %v", name, len(ids), ids)
	}
	return ids[0]
}

// until waits for a condition.
func (w *world) until(what string, cond func() bool) {
	w.t.Helper()
	for end := time.Now().Add(patience); !cond(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			w.t.Fatalf("%s: not so after %s", what, patience)
		}
	}
}

// batch reads a batch; the zero value while Redis is away.
func (w *world) batch(id batch.ID) batch.Batch {
	b, _ := w.ledger.Get(w.t.Context(), id)
	return b
}

// reach waits until so many jobs have their result.
func (w *world) reach(id batch.ID, done int) {
	w.t.Helper()
	w.until(fmt.Sprintf("%d jobs of %s are done", done, id), func() bool { return w.batch(id).Done >= done })
}

// finish waits until the batch has ended, for as long as something moves.
func (w *world) finish(id batch.ID) batch.Batch {
	w.t.Helper()
	moved, last := time.Now(), -1
	for {
		b := w.batch(id)
		switch {
		case b.Ended():
			return b
		case b.Done != last:
			moved, last = time.Now(), b.Done
		case time.Since(moved) > patience:
			w.t.Fatalf("batch %s stands still at %d of %d jobs, %s %s", id, b.Done, b.Total, b.State, b.Reason)
		}
		time.Sleep(50 * time.Millisecond)
	}
}
