package jobs

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"aftership-bulk/aftership"
	"aftership-bulk/aftership/sandbox"
	"aftership-bulk/batch"
	"aftership-bulk/internal/redistest"
)

// A dead worker's task is enqueued once more, once, and that is logged once: by
// whichever worker did it, and not again while asynq's own copy stands there.
func TestOrphanIsAdoptedOnce(t *testing.T) {
	r := newRig(t, redistest.Client(t), aftership.V202507, sandbox.Options{})
	id := r.acceptOnly(batch.Create, numbered(1))
	b, err := r.ledger.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.queue.put(t.Context(), jobTask(b, laneOf(batch.Create), 0, 1)); err != nil {
		t.Fatal(err)
	}
	// A worker takes the task, and is killed: its copy stays among the active ones.
	queue := "asynq:{" + queueName(b.Account, laneOf(batch.Create), b.Priority) + "}:"
	taken, err := r.rdb.LMove(t.Context(), queue+"pending", queue+"active", "RIGHT", "LEFT").Result()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.rdb.HSet(t.Context(), queue+"t:"+taken, "state", "active").Err(); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	r.opts.Log = slog.New(slog.NewTextHandler(&log, nil))
	workers := [2]*Worker{}
	looks := [2]*orphanage{}
	for i := range workers {
		workers[i] = NewWorker(r.rdb, r.ledger, r.queue, []*Account{r.account()}, r.opts) // it looks when it is told to, and carries out nothing
		t.Cleanup(workers[i].Shutdown)
		looks[i] = &orphanage{}
	}
	look := func() {
		t.Helper()
		for i, w := range workers {
			if err := w.adopt(t.Context(), looks[i]); err != nil {
				t.Fatal(err)
			}
		}
	}
	pending := func() []string {
		t.Helper()
		ids, err := r.rdb.LRange(t.Context(), queue+"pending", 0, -1).Result()
		if err != nil {
			t.Fatal(err)
		}
		return ids
	}
	look()
	if got := pending(); len(got) != 0 || log.Len() > 0 {
		t.Errorf("after one look: %v, and it was logged %q", got, &log)
	}
	look()
	if got := pending(); len(got) != 1 || got[0] != taken+again {
		t.Fatalf("after two looks %v are pending, want %s", got, taken+again)
	}
	// The copy is carried out, and gone; the dead worker's stays.
	if err := r.rdb.Del(t.Context(), queue+"pending", queue+"t:"+taken+again).Err(); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		look()
	}
	if got := pending(); len(got) != 0 {
		t.Errorf("it was enqueued again: %v", got)
	}
	if n := strings.Count(log.String(), fmt.Sprintf("task=%s ", taken)); n != 1 {
		t.Errorf("it was logged %d times, want once: %s", n, &log)
	}
}
