//go:build unix

package chaos

import (
	"encoding/json"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"aftership-bulk/batch"
	"aftership-bulk/redisconn"
)

// enqueue is killed at random and run again, until one run gets to its end: one
// batch, no gap, no double.
func TestEnqueueKilledAtRandom(t *testing.T) {
	w := open(t, setup{rate: pick(200, 1000)})
	rows := pick(3000, 25_000)
	slow := w.proxy()
	slow.delay.Store(int64(15 * time.Millisecond)) // so that there is time to kill it in
	path := w.sheet(batch.Create, "made", rows)
	whole := w.timeOf(func() {
		w.enqueue(0, "create", w.sheet(batch.Create, "measure", rows), "--dry-run", "--report", filepath.Join(w.dir, "dry.csv"))
	})
	env := []string{"REDIS_URL=" + slow.url()}
	killed := 0
	for most := whole / 8; ; most += whole / 16 {
		p := w.start(env, "enqueue", "create", path)
		select {
		case <-p.done:
		case <-time.After(rand.N(most)): // the moment is random on purpose
			p.kill()
		}
		if p.code() == 0 {
			break
		}
		killed++
	}
	id := w.batchOf("made")
	workers := w.fleet(2)
	w.finish(id)
	workers.end()
	v := w.judge(id, "made", rows)
	if v.calls != rows {
		t.Errorf("%d calls for %d rows", v.calls, rows)
	}
	t.Logf("enqueue was killed %d times", killed)
}

func (w *world) timeOf(do func()) time.Duration {
	began := time.Now()
	do()
	return time.Since(began)
}

// Two processes enqueue the same file at the same moment, again and again: each
// time it is one batch, and each row is sent once.
func TestSameFileEnqueuedTwiceAtOnce(t *testing.T) {
	w := open(t, setup{rate: pick(200, 1000)})
	workers := w.fleet(2)
	rows := pick(250, 5000)
	for i := range pick(4, 10) {
		name := "twin" + itoa(i)
		path := w.sheet(batch.Create, name, rows)
		twins := []*proc{w.start(nil, "enqueue", "create", path), w.start(nil, "enqueue", "create", path)}
		for _, p := range twins {
			if code := p.code(); code != 0 {
				t.Fatalf("enqueue ended with %d: %s", code, p.tail())
			}
		}
		id := w.batchOf(name)
		w.finish(id)
		if v := w.judge(id, name, rows); v.calls != rows {
			t.Errorf("%d calls for %d rows", v.calls, rows)
		}
	}
	workers.end()
}

// Without Redis, enqueue is killed at random and run again: nothing is lost, and
// no retrack is repeated.
func TestEmbeddedKilledAtRandom(t *testing.T) {
	t.Parallel() // else all others would wait for its parts
	for _, op := range []batch.Operation{batch.Create, batch.Retrack} {
		t.Run(string(op), func(t *testing.T) { embeddedKilled(t, op) })
	}
}

func embeddedKilled(t *testing.T, op batch.Operation) {
	w := open(t, setup{rate: pick(40, 100), embedded: true})
	rows := pick(200, 5000)
	path := w.sheet(op, "made", rows)
	kills, killed := pick(5, 40), 0
	for {
		before := w.called()
		p := w.start(nil, "enqueue", append(slices.Clone(commands[op]), path)...)
		if killed < kills {
			goal := before + rand.IntN(2*rows/kills)
			w.until("so many calls were sent, or it has ended", func() bool { return p.ended() || w.called() >= goal })
			time.Sleep(rand.N(50 * time.Millisecond)) // the moment is random on purpose
			p.kill()
		}
		if code := p.code(); code == 0 {
			break
		} else if killed >= kills {
			t.Fatalf("enqueue ended with %d: %s", code, p.tail())
		}
		killed++
	}
	w.openState()
	var list struct {
		Batches []struct{ Batch string }
	}
	w.check(json.Unmarshal([]byte(w.enqueue(0, "batches", "--json")), &list))
	if len(list.Batches) != 1 {
		t.Fatalf("there are %d batches", len(list.Batches))
	}
	w.judge(list.Batches[0].Batch, "made", rows)
	t.Logf("enqueue was killed %d times", killed)
}

// openState opens the ledger of embedded runs, to look at it.
func (w *world) openState() {
	e, err := redisconn.OpenEmbedded(w.t.Context(), redisconn.EmbeddedOptions{StateDir: filepath.Join(w.dir, "state"), ReadOnly: true})
	w.check(err)
	w.t.Cleanup(func() { _ = e.Close() })
	w.rdb, w.ledger = e.Client(), batch.New(e.LedgerClient(), batch.Options{})
}
