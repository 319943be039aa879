package redisconn_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"aftership-bulk/redisconn"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"
)

// stateDirVariable makes the test binary a writer that works until it is killed.
const stateDirVariable = "REDISCONN_TEST_STATE_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(stateDirVariable); dir != "" {
		fmt.Fprintln(os.Stderr, writeUntilKilled(dir))
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

const crashWriters = 4

// writeUntilKilled has several writers count in a batch each and in the index,
// and says on standard output what was acknowledged.
func writeUntilKilled(dir string) error {
	ctx := context.Background()
	e, err := redisconn.OpenEmbedded(ctx, redisconn.EmbeddedOptions{StateDir: dir})
	if err != nil {
		return err
	}
	var out sync.Mutex
	errs := make(chan error)
	for w := range crashWriters {
		go func() { errs <- countForEver(ctx, e, w, &out) }()
	}
	return <-errs
}

var countScript = redis.NewScript(`
local n = redis.call("HINCRBY", KEYS[1], "count", 1)
redis.call("SETBIT", KEYS[2], n, 1)
redis.call("HSET", KEYS[3], n, ARGV[1])
return n`)

func countForEver(ctx context.Context, e *redisconn.Embedded, writer int, out *sync.Mutex) error {
	c, tag := e.LedgerClient(), fmt.Sprintf("{b:w%d}", writer)
	for i := 0; ; i++ {
		call := ctx
		if i%4 == 0 {
			call = redisconn.Durable(ctx)
		}
		n, err := countScript.Run(call, c, []string{tag + "meta", tag + "bits", tag + "rows"}, "payload").Int()
		if err != nil {
			return err
		}
		total, err := c.Incr(call, fmt.Sprintf("total:%d", writer)).Result()
		if err != nil {
			return err
		}
		out.Lock()
		fmt.Println(writer, n, total)
		out.Unlock()
		if i%50 == 49 {
			if err := e.Compact(ctx, fmt.Sprintf("w%d", writer)); err != nil {
				return err
			}
		}
	}
}

// TestKillLosesNothingThatWasAnswered kills a writing process again and again.
// Everything that it was told to be done must be there afterwards, and of the
// rest no half command.
func TestKillLosesNothingThatWasAnswered(t *testing.T) {
	dir := t.TempDir()
	seen := make([]int, crashWriters)
	for round := range 12 {
		runAndKill(t, dir, 40+round*37, seen)
		e := open(t, redisconn.EmbeddedOptions{StateDir: dir})
		for w := range seen {
			seen[w] = checkWriter(t, e, w, seen[w])
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("acknowledged and found: %v", seen)
}

// runAndKill lets the writer acknowledge some lines, then kills it, and notes
// what it acknowledged.
func runAndKill(t *testing.T, dir string, lines int, seen []int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), stateDirVariable+"="+dir)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(stdout)
	for i := 0; ; i++ {
		if i == lines {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
		line, err := in.ReadString('\n')
		if err != nil {
			break // the rest of the pipe is read after the kill as well
		}
		var writer, n, total int
		if _, err := fmt.Sscan(line, &writer, &n, &total); err != nil || n != total {
			t.Fatalf("line %q: %v", line, err)
		}
		seen[writer] = n
	}
	_ = cmd.Wait() // it was killed
	if stderr.Len() > 0 {
		t.Fatalf("the writer failed: %s", &stderr)
	}
}

// checkWriter returns how far the writer's batch is.
func checkWriter(t *testing.T, e *redisconn.Embedded, writer, acknowledged int) int {
	t.Helper()
	ctx, c, tag := t.Context(), e.LedgerClient(), fmt.Sprintf("{b:w%d}", writer)
	count, err := c.HGet(ctx, tag+"meta", "count").Int()
	if err != nil && !errors.Is(err, redis.Nil) {
		t.Fatal(err)
	}
	bits, rows := c.BitCount(ctx, tag+"bits", nil).Val(), c.HLen(ctx, tag+"rows").Val()
	if count < acknowledged || count > acknowledged+1 || bits != int64(count) || rows != int64(count) {
		t.Fatalf("writer %d: acknowledged %d, found count %d, bits %d, rows %d", writer, acknowledged, count, bits, rows)
	}
	// The index may be one behind the batch: a command of its own.
	total, err := c.Get(ctx, "total:"+strconv.Itoa(writer)).Int()
	if err != nil && !errors.Is(err, redis.Nil) {
		t.Fatal(err)
	}
	if total < acknowledged || total > count {
		t.Fatalf("writer %d: acknowledged %d, total %d, count %d", writer, acknowledged, total, count)
	}
	if err := c.Set(ctx, "total:"+strconv.Itoa(writer), count, 0).Err(); err != nil {
		t.Fatal(err)
	}
	return count
}

func TestSecondProcessIsLockedOut(t *testing.T) {
	dir := t.TempDir()
	e := open(t, redisconn.EmbeddedOptions{StateDir: dir})
	_, err := redisconn.OpenEmbedded(t.Context(), redisconn.EmbeddedOptions{StateDir: dir})
	locked, ok := errors.AsType[*redisconn.LockedError](err)
	if !ok || !errors.Is(err, redisconn.ErrLocked) {
		t.Fatalf("got %v, want ErrLocked", err)
	}
	if locked.PID != os.Getpid() || time.Since(locked.Since) > time.Minute || !strings.Contains(err.Error(), dir) {
		t.Errorf("got %#v", locked)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, redisconn.EmbeddedOptions{StateDir: dir})
}

func TestReadOnlyFollowsAWriter(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	writer := open(t, redisconn.EmbeddedOptions{StateDir: dir})
	reader := open(t, redisconn.EmbeddedOptions{StateDir: dir, ReadOnly: true})
	w, r := writer.LedgerClient(), reader.LedgerClient()
	same := func(when string) {
		t.Helper()
		for _, key := range []string{"n", "{b:one}n", "{b:two}n"} {
			got, want := r.Get(ctx, key).Val(), w.Get(ctx, key).Val()
			if got != want {
				t.Errorf("%s: %s is %q for the reader, %q for the writer", when, key, got, want)
			}
		}
	}
	same("empty")
	for i := range 3 {
		for _, key := range []string{"n", "{b:one}n"} {
			if err := w.Incr(ctx, key).Err(); err != nil {
				t.Fatal(err)
			}
		}
		same(fmt.Sprint("round ", i))
	}
	if err := writer.Compact(ctx, "one"); err != nil {
		t.Fatal(err)
	}
	same("compacted")
	w.Incr(ctx, "{b:one}n")
	same("after the compaction")
	if err := writer.Forget(ctx, "one"); err != nil {
		t.Fatal(err)
	}
	same("forgotten")
	w.Incr(ctx, "{b:one}n")
	same("begun anew")
}

func TestReadOnlyWritesNothing(t *testing.T) {
	ctx, dir := t.Context(), filepath.Join(t.TempDir(), "none")
	e := open(t, redisconn.EmbeddedOptions{StateDir: dir, ReadOnly: true})
	c := e.LedgerClient()
	if err := c.Set(ctx, "k", "v", 0).Err(); err == nil || !strings.HasPrefix(err.Error(), "READONLY") {
		t.Errorf("got %v", err)
	}
	if err := c.Eval(ctx, `return redis.call("SET", KEYS[1], 1)`, []string{"k"}).Err(); err == nil {
		t.Error("a script wrote")
	}
	if got, err := c.Eval(ctx, `return redis.call("EXISTS", KEYS[1])`, []string{"k"}).Int(); got != 0 || err != nil {
		t.Errorf("a script that only reads: %d, %v", got, err)
	}
	if err := e.Compact(ctx, "one"); err == nil {
		t.Error("compacted")
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the directory was made: %v", err)
	}
}

func TestCompactMakesTheLogSmallAndKeepsIt(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	e := open(t, redisconn.EmbeddedOptions{StateDir: dir})
	for range 500 {
		if err := e.LedgerClient().HIncrBy(ctx, "{b:one}meta", "n", 1).Err(); err != nil {
			t.Fatal(err)
		}
	}
	size := func() int64 {
		info, err := os.Stat(filepath.Join(dir, "ledger", "one.log"))
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	before := size()
	if err := e.Compact(ctx, "one"); err != nil {
		t.Fatal(err)
	}
	if after := size(); after*100 > before {
		t.Errorf("the log has %d bytes, before %d", after, before)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	e = open(t, redisconn.EmbeddedOptions{StateDir: dir})
	if n := e.LedgerClient().HGet(ctx, "{b:one}meta", "n").Val(); n != "500" {
		t.Errorf("n = %s after compaction and restart", n)
	}
}

func TestForgetRemovesTheFile(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	e := open(t, redisconn.EmbeddedOptions{StateDir: dir})
	e.LedgerClient().Set(ctx, "{b:one}k", 1, 0)
	e.LedgerClient().Set(ctx, "{b:two}k", 1, 0)
	if err := e.Forget(ctx, "one"); err != nil {
		t.Fatal(err)
	}
	if n := e.LedgerClient().Exists(ctx, "{b:one}k", "{b:two}k").Val(); n != 1 {
		t.Errorf("%d keys left, want 1", n)
	}
	if _, err := os.Stat(filepath.Join(dir, "ledger", "one.log")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the log is still there: %v", err)
	}
	if err := e.Forget(ctx, "../index"); err == nil {
		t.Error("forgot what is no batch")
	}
}

func TestOtherBatchesAreNotReplayed(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	e := open(t, redisconn.EmbeddedOptions{StateDir: dir})
	e.LedgerClient().Set(ctx, "{b:bad}k", 1, 0)
	e.LedgerClient().Set(ctx, "{b:good}k", 1, 0)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "ledger", "bad.log"), []byte("this is not a log at all"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := open(t, redisconn.EmbeddedOptions{StateDir: dir}).LedgerClient()
	if err := c.Get(ctx, "{b:good}k").Err(); err != nil {
		t.Error(err)
	}
	for range 2 {
		if err := c.Get(ctx, "{b:bad}k").Err(); err == nil || !strings.Contains(err.Error(), "bad.log") {
			t.Errorf("got %v", err)
		}
	}
}

func TestLogsAreForTheirOwnerOnly(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	e := open(t, redisconn.EmbeddedOptions{StateDir: dir})
	e.LedgerClient().Set(t.Context(), "{b:one}k", 1, 0)
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return err
	})
	if err != nil && !errors.Is(err, io.EOF) {
		t.Error(err)
	}
}
