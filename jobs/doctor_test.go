package jobs

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"aftership-bulk/aftership"
	"aftership-bulk/aftership/sandbox"
	"aftership-bulk/batch"
)

// numbersSheet is a sheet of n shipments.
func numbersSheet(n int) string {
	var b strings.Builder
	b.WriteString("tracking_number,slug\n")
	for i := range n {
		fmt.Fprintf(&b, "1Z999AA1%010d,ups\n", i)
	}
	return b.String()
}

func (r *rig) queues() []QueueState {
	r.t.Helper()
	qs, err := NewDoctor(r.rdb, r.ledger).Queues(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	return qs
}

func (r *rig) no(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

func TestDoctorLooksAtQueues(t *testing.T) {
	eachStore(t, aftership.V202404, sandbox.Options{}, func(t *testing.T, r *rig) {
		r.accept(batch.Create, Defaults{}, numbersSheet(5))
		_, err := asynq.NewClientFromRedisClient(r.rdb).Enqueue(asynq.NewTask("other", nil), asynq.Queue("somebody-elses"))
		r.no(err)
		const name = "acc-create-upload"
		inspector := asynq.NewInspectorFromRedisClient(r.rdb)
		tasks, err := inspector.ListPendingTasks(name)
		r.no(err)
		r.no(inspector.ArchiveTask(name, tasks[0].ID))
		r.no(inspector.PauseQueue(name))

		// A worker took a task and died, and its lease went with Redis' memory.
		id := tasks[1].ID
		r.no(r.rdb.LRem(t.Context(), "asynq:{"+name+"}:pending", 1, id).Err())
		r.no(r.rdb.LPush(t.Context(), "asynq:{"+name+"}:active", id).Err())
		for lease, unleased := range map[time.Duration]int{0: 1, -time.Hour: 1, -time.Minute: 0, time.Minute: 0} {
			if lease != 0 {
				r.no(r.rdb.ZAdd(t.Context(), "asynq:{"+name+"}:lease", redis.Z{Score: float64(time.Now().Add(lease).Unix()), Member: id}).Err())
			}
			qs := r.queues()
			if len(qs) != 1 {
				t.Fatalf("%+v", qs)
			}
			q := qs[0]
			if q.Name != name || q.Account != "acc" || !q.Paused || q.Archived != 1 || q.Tasks != 4 || q.Waiting != 3 || q.Active != 1 || q.Unleased != unleased {
				t.Errorf("a lease of %s: %+v", lease, q)
			}
			r.no(r.rdb.Del(t.Context(), "asynq:{"+name+"}:lease").Err())
		}
		if r.queues()[0].Holding([]batch.Stop{{Class: "update"}}) != nil || r.queues()[0].Holding([]batch.Stop{{Class: "create"}}) == nil || r.queues()[0].Holding([]batch.Stop{{}}) == nil {
			t.Error("the stop of another class explains a pause, or its own does not")
		}
	})
}

func TestDoctorFindsOrphans(t *testing.T) {
	eachStore(t, aftership.V202404, sandbox.Options{}, func(t *testing.T, r *rig) {
		kept := r.accept(batch.Create, Defaults{}, numbersSheet(7))
		gone := r.accept(batch.Create, Defaults{}, numbersSheet(150))
		r.no(r.ledger.Purge(t.Context(), gone))
		_, err := asynq.NewClientFromRedisClient(r.rdb).Enqueue(asynq.NewTask("other", []byte("what")), asynq.Queue("acc-update-nightly"))
		r.no(err)
		o, err := NewDoctor(r.rdb, r.ledger).Orphans(t.Context(), r.queues())
		r.no(err)
		if o.Sampled != 101 || o.Found != 93 || o.Foreign != 1 || !slices.Equal(o.Batches, []batch.ID{gone}) {
			t.Fatalf("%+v, want a page of 100 with the 7 tasks of %s, and one that is not ours", o, kept)
		}
	})
}

func TestDoctorSeesWorkers(t *testing.T) {
	eachStore(t, aftership.V202404, sandbox.Options{}, func(t *testing.T, r *rig) {
		d := NewDoctor(r.rdb, r.ledger)
		none, err := d.Workers(t.Context())
		r.no(err)
		if len(none) != 0 {
			t.Fatalf("%+v", none)
		}
		r.work()
		var ws []WorkerState
		for end := time.Now().Add(patience); len(ws) == 0 && time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
			ws, err = d.Workers(t.Context())
			r.no(err)
		}
		if len(ws) != 1 || !slices.Equal(ws[0].Accounts, []string{"acc"}) || ws[0].Skew != 0 {
			t.Fatalf("%+v", ws)
		}
		for host, ahead := range map[string]time.Duration{"fast": time.Minute, "slow": -time.Minute, "right": 0} {
			r.no(r.rdb.ZAdd(t.Context(), "asynq:servers", redis.Z{Score: float64(time.Now().Add(beatLife + ahead).Unix()), Member: "asynq:servers:{" + host + ":7:uuid}"}).Err())
		}
		skews, err := d.skews(t.Context())
		r.no(err)
		if s := skews["fast:7"]; s < 55*time.Second || s > 65*time.Second {
			t.Errorf("a fast clock is %s ahead", s)
		}
		if s := skews["slow:7"]; s < -65*time.Second || s > -50*time.Second {
			t.Errorf("a slow clock is %s ahead", s)
		}
		if _, ok := skews["right:7"]; ok || len(skews) != 2 {
			t.Errorf("%v", skews)
		}
	})
}

func TestSplitQueue(t *testing.T) {
	for _, account := range []string{"acc", "acc-create", "a-b-upload", "create-upload"} {
		for _, l := range lanes() {
			for _, p := range batch.AllPriorities() {
				if got, lane, ok := splitQueue(queueName(account, l, p)); !ok || got != account || lane != l {
					t.Errorf("%s: %q %q %v", queueName(account, l, p), got, lane, ok)
				}
			}
		}
	}
	for _, name := range []string{"", "default", "-create-upload", "acc-create", "acc-eat-upload", "acc-create-urgent"} {
		if account, _, ok := splitQueue(name); ok {
			t.Errorf("%q is of account %q", name, account)
		}
	}
}

func TestCheckKey(t *testing.T) {
	for _, v := range []aftership.Version{aftership.V4, aftership.V202404, aftership.V202607} {
		t.Run(string(v), func(t *testing.T) { checkKey(newRig(t, nil, v, sandbox.Options{Limit: 10})) })
	}
}

func checkKey(r *rig) {
	a := r.account()
	defer a.Close()
	got, err := a.CheckKey(r.t.Context())
	if err != nil || got.Class != r.version.Class(aftership.EndpointList) || got.Headers.Limit != 10 {
		r.t.Errorf("%+v, %v", got, err)
	}
	r.fault(sandbox.Fault{Kind: sandbox.FaultUnauthorized})
	_, err = a.CheckKey(r.t.Context())
	if e, ok := errors.AsType[*aftership.Error](err); !ok || e.HTTP != 401 {
		r.t.Errorf("%v", err)
	}
	if n := r.calls(aftership.EndpointList); n != 2 {
		r.t.Errorf("%d calls", n)
	}
}

// A batch may be purged at any moment of its run: workers drop its tasks, finish tasks too.
func TestPurgedBatchesDoNoHarm(t *testing.T) {
	eachStore(t, aftership.V202404, sandbox.Options{}, func(t *testing.T, r *rig) {
		id := r.accept(batch.Create, Defaults{}, numbersSheet(300))
		b, err := r.ledger.Get(t.Context(), id)
		r.no(err)
		r.work()
		r.until(id, "begun", func(b batch.Batch) bool { return b.Done > 20 })
		r.no(r.ledger.Purge(t.Context(), id))
		r.no(r.queue.put(t.Context(), finishTask(b)))
		for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
			left := 0
			for _, q := range r.queues() {
				left += q.Tasks
			}
			if left == 0 {
				break
			}
			if time.Now().After(end) {
				t.Fatalf("%+v", r.queues())
			}
		}
		if _, err := r.ledger.Get(t.Context(), id); !errors.Is(err, batch.ErrUnknown) {
			t.Error(err)
		}
		keys, err := r.rdb.Keys(t.Context(), "aftership:{b:*").Result()
		r.no(err)
		if len(keys) != 0 {
			t.Errorf("left behind: %v", keys)
		}
	})
}
