package redisconn

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"pgregory.net/rapid"
)

func init() { miniredis.DumpMaxLineLen = 1 << 20 }

func mustOpen(t testing.TB, o EmbeddedOptions) *Embedded {
	t.Helper()
	e, err := OpenEmbedded(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func mustClose(t testing.TB, e *Embedded) {
	t.Helper()
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}

// dump loads the batches and shows everything that the ledger's store has.
func (l *ledger) dump(t testing.TB, batches ...string) string {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, b := range batches {
		if l.logs == nil {
			break
		}
		if err := l.load(b); err != nil {
			t.Fatal(err)
		}
	}
	return l.m.Dump()
}

// TestReplayGivesTheSameStore runs random commands, with restarts and
// compactions between them, against a ledger with a log and one without.
func TestReplayGivesTheSameStore(t *testing.T) {
	keys := []string{"{b:a}x", "{b:a}y", "{b:b}x", "plain", "other"}
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(t.TempDir(), "")
		if err != nil {
			rt.Fatal(err)
		}
		kept, thrown := mustOpen(t, EmbeddedOptions{StateDir: dir}), mustOpen(t, EmbeddedOptions{})
		defer func() { mustClose(t, kept); mustClose(t, thrown) }()
		for range rapid.IntRange(1, 40).Draw(rt, "n") {
			key := rapid.SampledFrom(keys).Draw(rt, "key")
			switch rapid.IntRange(0, 12).Draw(rt, "kind") {
			case 0:
				mustClose(t, kept)
				kept = mustOpen(t, EmbeddedOptions{StateDir: dir})
			case 1:
				if err := kept.Compact(t.Context(), rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "batch")); err != nil {
					rt.Fatal(err)
				}
			default:
				args := randomCommand(rt, key)
				one, err1 := kept.LedgerClient().Do(t.Context(), args...).Result()
				two, err2 := thrown.LedgerClient().Do(t.Context(), args...).Result()
				if fmt.Sprint(one, err1) != fmt.Sprint(two, err2) {
					rt.Fatalf("%v: with a log %v %v, without %v %v", args, one, err1, two, err2)
				}
			}
		}
		if got, want := kept.ledger.dump(t, "a", "b"), thrown.ledger.dump(t); got != want {
			rt.Fatalf("with a log:\n%s\nwithout:\n%s", got, want)
		}
	})
}

func randomCommand(t *rapid.T, key string) []any {
	value := rapid.SampledFrom([]string{"", "1", "2", "x\r\ny", "\x00\xff", "{b:c}"}).Draw(t, "value")
	n := rapid.IntRange(0, 20).Draw(t, "number")
	script := `redis.call("SET", KEYS[1], ARGV[1]); redis.call("APPEND", KEYS[1], ARGV[2]); return redis.call("TYPE", KEYS[1]).ok`
	return rapid.SampledFrom([][]any{
		{"SET", key, value}, {"SET", key, value, "EX", 1000 + n}, {"SETEX", key, 1000, value}, {"SET", key, value, "NX", "PX", 1000000},
		{"EXPIRE", key, 1000 + n}, {"PERSIST", key}, {"DEL", key}, {"APPEND", key, value}, {"SETBIT", key, n, 1}, {"SETBIT", key, n * 9, n % 3}, {"SETBIT", key, fmt.Sprintf("+%d", n), 1},
		{"INCR", key},
		{"HSET", key, n, value}, {"HINCRBY", key, n, n}, {"HDEL", key, n}, {"RPUSH", key, value}, {"LPOP", key},
		{"SADD", key, value, n}, {"SREM", key, value}, {"ZADD", key, n, value}, {"ZINCRBY", key, 0.1, value}, {"GETDEL", key},
		{"EVAL", script, 1, key, value, n}, {"GETEX", key, "EX", 500}, {"GET", key}, {"SPOP", key}, {"BITOP", "NOT", key, key},
	}).Draw(t, "command")
}

// writeLog makes a log of n records, each of which counts and notes its number.
func writeLog(t testing.TB, dir string, n int) string {
	t.Helper()
	e := mustOpen(t, EmbeddedOptions{StateDir: dir})
	defer mustClose(t, e)
	for i := range n {
		cmds, err := e.LedgerClient().TxPipelined(t.Context(), func(p redis.Pipeliner) error {
			p.HIncrBy(t.Context(), "{b:one}meta", "count", 1)
			p.HSet(t.Context(), "{b:one}rows", i, "value of a row")
			return nil
		})
		if err != nil {
			t.Fatal(cmds, err)
		}
	}
	return filepath.Join(dir, "ledger", "one.log")
}

// rows opens the ledger and checks that the batch is whole: as many rows as
// it counts.
func rows(t testing.TB, dir string) (int, error) {
	t.Helper()
	e := mustOpen(t, EmbeddedOptions{StateDir: dir})
	defer mustClose(t, e)
	count, err := e.LedgerClient().HGet(t.Context(), "{b:one}meta", "count").Int()
	if err != nil && !errors.Is(err, redis.Nil) {
		return 0, err
	}
	if n := int(e.LedgerClient().HLen(t.Context(), "{b:one}rows").Val()); n != count {
		t.Fatalf("half a command was replayed: count %d, rows %d", count, n)
	}
	return count, nil
}

func TestEveryTornTailIsDropped(t *testing.T) {
	whole, err := os.ReadFile(writeLog(t, t.TempDir(), 4))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	path := writeLog(t, dir, 1)
	last := 0
	for cut := range len(whole) + 1 {
		for _, tail := range []string{"", strings.Repeat("\x00", 100)} {
			if err := os.WriteFile(path, append(whole[:cut:cut], tail...), 0o600); err != nil {
				t.Fatal(err)
			}
			if cut < logHeader && tail != "" {
				continue // a header with zeros in it is somebody else's file
			}
			n, err := rows(t, dir)
			if err != nil {
				t.Fatalf("cut at %d of %d: %v", cut, len(whole), err)
			}
			if n < last {
				t.Fatalf("cut at %d: %d rows, fewer than before", cut, n)
			}
			last = n
		}
	}
	if last != 4 {
		t.Errorf("the whole log has %d rows, want 4", last)
	}
}

func TestAfterATornTailTheLogGoesOn(t *testing.T) {
	dir := t.TempDir()
	path := writeLog(t, dir, 3)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, info.Size()-1); err != nil {
		t.Fatal(err)
	}
	writeLog(t, dir, 3)
	if n, err := rowsCount(t, dir); n != 5 || err != nil {
		t.Errorf("got %d, %v; want 2 + 3", n, err)
	}
}

func rowsCount(t testing.TB, dir string) (int, error) {
	e := mustOpen(t, EmbeddedOptions{StateDir: dir})
	defer mustClose(t, e)
	return e.LedgerClient().HGet(t.Context(), "{b:one}meta", "count").Int()
}

// TestDamageIsNeverSilent flips every bit-carrying byte of a log. Only damage
// to the last record may pass for a torn one.
func TestDamageIsNeverSilent(t *testing.T) {
	dir := t.TempDir()
	path := writeLog(t, dir, 4)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range whole {
		bad := append([]byte{}, whole...)
		bad[i] ^= 0x41
		if i >= len(logMagic) && i < logHeader {
			continue // the file's own number
		}
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		n, err := rows(t, dir)
		if err == nil && n != 3 {
			t.Fatalf("byte %d changed: %d rows and no error", i, n)
		}
		if err != nil && !strings.Contains(err.Error(), path) {
			t.Fatalf("byte %d: the error does not name the file: %v", i, err)
		}
	}
}

func TestDamagedIndexIsATypedError(t *testing.T) {
	dir := t.TempDir()
	e := mustOpen(t, EmbeddedOptions{StateDir: dir})
	for range 3 {
		if err := e.LedgerClient().Incr(t.Context(), "n").Err(); err != nil {
			t.Fatal(err)
		}
	}
	mustClose(t, e)
	path := filepath.Join(dir, "ledger", "index.log")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[logHeader+recordHeader+2] ^= 1
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = OpenEmbedded(t.Context(), EmbeddedOptions{StateDir: dir})
	damaged, ok := errors.AsType[*DamagedError](err)
	if !ok || damaged.Path != path || damaged.Offset != int64(logHeader) {
		t.Errorf("got %v", err)
	}
	// The directory is free again: the failing open took its lock back.
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	mustClose(t, mustOpen(t, EmbeddedOptions{StateDir: dir}))
}

func TestNewerFormatIsRefused(t *testing.T) {
	dir := t.TempDir()
	path := writeLog(t, dir, 1)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[len(logMagic)-1]++
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := rows(t, dir); err == nil || !strings.Contains(err.Error(), "newer version") {
		t.Errorf("got %v", err)
	}
}

func TestDurableMeansFsynced(t *testing.T) {
	e := mustOpen(t, EmbeddedOptions{StateDir: t.TempDir()})
	defer mustClose(t, e)
	c, key := e.LedgerClient(), "{b:one}k"
	if err := c.Set(t.Context(), key, 1, 0).Err(); err != nil {
		t.Fatal(err)
	}
	f := e.ledger.logs.files["one"]
	for name, do := range map[string]func() error{
		"command": func() error { return c.Incr(Durable(t.Context()), key).Err() },
		"pipeline": func() error {
			p := c.Pipeline()
			p.Incr(Durable(t.Context()), key)
			_, err := p.Exec(Durable(t.Context()))
			return err
		},
		"script": func() error {
			return c.Eval(Durable(t.Context()), `return redis.call("INCR", KEYS[1])`, []string{key}).Err()
		},
	} {
		if err := do(); err != nil {
			t.Fatal(err)
		}
		f.mu.Lock()
		if f.synced != f.written.Load() {
			t.Errorf("%s: written %d, fsynced %d", name, f.written.Load(), f.synced)
		}
		f.mu.Unlock()
	}
}

// TestFailedAppendStopsAllWrites takes the log's file away from under it.
func TestFailedAppendStopsAllWrites(t *testing.T) {
	dir := t.TempDir()
	e := mustOpen(t, EmbeddedOptions{StateDir: dir})
	c := e.LedgerClient()
	if err := c.Set(t.Context(), "{b:one}k", "kept", 0).Err(); err != nil {
		t.Fatal(err)
	}
	f := e.ledger.logs.files["one"]
	if err := f.file.Close(); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"{b:one}k", "{b:two}k", "plain"} {
		if err := c.Set(t.Context(), key, "lost", 0).Err(); err == nil || !strings.HasPrefix(err.Error(), "LEDGER ") {
			t.Errorf("%s: got %v", key, err)
		}
	}
	if err := e.Close(); err == nil {
		t.Error("Close hides the failure")
	}
	e = mustOpen(t, EmbeddedOptions{StateDir: dir})
	defer mustClose(t, e)
	if got := e.LedgerClient().Get(t.Context(), "{b:one}k").Val(); got != "kept" {
		t.Errorf("after the restart %q, want kept", got)
	}
}

// TestEndsOfLifeSurviveARestart moves the clock between two openings.
func TestEndsOfLifeSurviveARestart(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	opts := EmbeddedOptions{StateDir: dir, Now: func() time.Time { return now }}
	e := mustOpen(t, opts)
	c := e.LedgerClient()
	for key, life := range map[string]time.Duration{"short": time.Minute, "long": time.Hour, "{b:one}short": time.Minute, "{b:one}long": time.Hour} {
		if err := c.Set(t.Context(), key, "v", life).Err(); err != nil {
			t.Fatal(err)
		}
	}
	// The failing NX has a later end than the key that it found: a replay at a
	// time when that key is gone must not let it win.
	if ok := c.SetNX(t.Context(), "short", "w", 3*time.Hour).Val(); ok {
		t.Fatal("SET NX on a key that exists")
	}
	if err := e.Compact(t.Context(), "one"); err != nil {
		t.Fatal(err)
	}
	mustClose(t, e)
	now = now.Add(30 * time.Minute)
	for range 2 { // the second time the deletions are in the log
		e = mustOpen(t, opts)
		c = e.LedgerClient()
		if n := c.Exists(t.Context(), "short").Val() + c.Exists(t.Context(), "{b:one}short").Val(); n != 0 {
			t.Errorf("%d keys outlived their end", n)
		}
		for _, key := range []string{"long", "{b:one}long"} {
			if left := c.PTTL(t.Context(), key).Val(); left < 29*time.Minute || left > 31*time.Minute {
				t.Errorf("%s lives for %v more, want 30 minutes", key, left)
			}
		}
		mustClose(t, e)
	}
}

// TestLargeLogsAreCompactedWhenTheyAreLoaded has a batch that is taken up again.
func TestLargeLogsAreCompactedWhenTheyAreLoaded(t *testing.T) {
	dir, path := t.TempDir(), ""
	for _, batch := range []string{"{b:one}", ""} {
		e := mustOpen(t, EmbeddedOptions{StateDir: dir})
		value := strings.Repeat("v", compactAt/4)
		for range 5 {
			if err := e.LedgerClient().Set(t.Context(), batch+"k", value, 0).Err(); err != nil {
				t.Fatal(err)
			}
		}
		path = e.ledger.logs.path(batchOf(batch))
		mustClose(t, e)
		for range 2 {
			e = mustOpen(t, EmbeddedOptions{StateDir: dir})
			if got := e.LedgerClient().Get(t.Context(), batch+"k").Val(); got != value {
				t.Errorf("%q: the value was lost", batch)
			}
			mustClose(t, e)
		}
		if info, err := os.Stat(path); err != nil || info.Size() > compactAt/2 {
			t.Errorf("%s: %d bytes, %v", path, info.Size(), err)
		}
	}
}

func TestExpiryInARunIsReplayed(t *testing.T) {
	dir := t.TempDir()
	e := mustOpen(t, EmbeddedOptions{StateDir: dir})
	c := e.LedgerClient()
	for i := range 2 {
		if ok, err := c.SetNX(t.Context(), "lock", i, time.Hour).Result(); !ok || err != nil {
			t.Fatalf("lock %d: %v, %v", i, ok, err)
		}
		if i == 0 {
			e.ledger.tick(2 * time.Hour)
		}
	}
	mustClose(t, e)
	e = mustOpen(t, EmbeddedOptions{StateDir: dir})
	defer mustClose(t, e)
	if got := e.LedgerClient().Get(t.Context(), "lock").Val(); got != "1" {
		t.Errorf("the lock is held by %q, want 1", got)
	}
}

func TestBatchOf(t *testing.T) {
	for key, want := range map[string]string{
		"{b:261122-k7f3qz}:meta": "261122-k7f3qz", "b:x": "", "{b:}": "", "{b:../x}": "", "{b:UPPER}": "", "{b:index}": "",
		"x{b:a}y": "a", "{b:../x}{b:ok}": "ok", "{b:open": "", "{b:" + strings.Repeat("a", 65) + "}": "",
	} {
		if got := batchOf(key); got != want {
			t.Errorf("batchOf(%q) = %q, want %q", key, got, want)
		}
	}
}

// FuzzRecordReader: whatever a log has in it, reading ends, and what comes out
// of a whole record is what went in.
func FuzzRecordReader(f *testing.F) {
	f.Add(appendRecord(appendRecord(nil, [][]string{{"SET", "k", "v"}}), [][]string{{"DEL", "k"}, {"INCR", "n"}}))
	f.Add([]byte{})
	f.Add(make([]byte, 40))
	f.Fuzz(func(t *testing.T, log []byte) {
		r := newRecordReader(strings.NewReader(string(log)), "fuzz", 0, int64(len(log)))
		for {
			start := r.pos
			payload, err := r.next()
			if err != nil {
				return
			}
			var commands [][]string
			if eachCommand(payload, func(words []string) { commands = append(commands, words) }) != nil {
				continue
			}
			if got, want := len(appendRecord(nil, commands)), int(r.pos-start); got > want {
				t.Errorf("a record of %d bytes was read as one of %d", want, got)
			}
		}
	})
}

// FuzzEachCommand feeds payloads that passed their checksum.
func FuzzEachCommand(f *testing.F) {
	f.Add([]byte("\x01\x03DEL"))
	f.Add([]byte("\x02\x03GET\xff\xff\xff\xff\xff\xff\xff\xff\x7f"))
	f.Fuzz(func(t *testing.T, payload []byte) {
		_ = eachCommand(payload, func(words []string) {
			if len(words) == 0 {
				t.Error("a command without words")
			}
		})
	})
}
