//go:build unix

package chaos

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"aftership-bulk/batch"
	"aftership-bulk/internal/redistest"
)

// halted starts a create and a retrack on two workers, has a fault of Redis come
// and go when a part is done, and judges.
func halted(t *testing.T, s setup, fault func(w *world, workers *fleet)) *world {
	s.rate = pick(30, 10)
	w := open(t, s)
	rows := pick(150, 600)
	create, retrack := w.order(batch.Create, "made", rows), w.order(batch.Retrack, "expired", rows)
	workers := w.fleet(2)
	w.reach(create, rows/5)
	fault(w, workers)
	w.finish(create)
	w.finish(retrack)
	workers.end()
	w.judge(create, "made", rows)
	w.judge(retrack, "expired", rows)
	return w
}

// outage is how long Redis is away.
var outage = pick(12*time.Second, 30*time.Second)

// Redis hangs: connections stay open, nothing is answered.
func TestRedisFrozen(t *testing.T) {
	halted(t, setup{}, func(w *world, _ *fleet) {
		p := process(w.redis.PID())
		_ = p.Signal(syscall.SIGSTOP)
		time.Sleep(outage) // the length of the fault
		_ = p.Signal(syscall.SIGCONT)
	})
}

// Redis is cut off from the workers: connections break and none is had.
func TestRedisCutOff(t *testing.T) {
	var between *proxy
	s := setup{proxied: func(w *world) string {
		between = w.proxy()
		return between.url()
	}}
	halted(t, s, func(w *world, _ *fleet) {
		between.cutOff(true)
		time.Sleep(outage) // the length of the fault
		between.cutOff(false)
	})
}

// Redis is killed and started again with its append-only file.
func TestRedisKilledWithAOF(t *testing.T) {
	t.Parallel() // else all others would wait for its parts
	for _, fsync := range []string{"always", "everysec"} {
		t.Run(fsync, func(t *testing.T) {
			halted(t, setup{redis: []redistest.Option{redistest.AppendOnly(fsync)}}, func(w *world, _ *fleet) {
				for range pick(2, 6) {
					before := w.called()
					w.redis.Kill()
					w.check(w.redis.Restart())
					w.until("calls are sent again", func() bool { return w.called() > before+10 })
				}
			})
		})
	}
}

// Redis is full: it refuses every write, and later takes them again.
func TestRedisFull(t *testing.T) {
	halted(t, setup{redis: []redistest.Option{redistest.Config("maxmemory-policy noeviction")}}, func(w *world, workers *fleet) {
		w.check(w.rdb.ConfigSet(t.Context(), "maxmemory", "1").Err())
		w.until("a worker is refused", func() bool {
			return strings.Contains(workers.workers[0].said()+workers.workers[1].said(), "OOM")
		})
		time.Sleep(outage / 3) // the length of the fault
		w.check(w.rdb.ConfigSet(t.Context(), "maxmemory", "0").Err())
	})
}

// The limiter's keys are flushed again and again. The limit holds all the same.
func TestLimiterFlushed(t *testing.T) {
	halted(t, setup{}, func(w *world, _ *fleet) {
		for range pick(4, 20) {
			before := w.called()
			keys, err := w.rdb.Keys(t.Context(), "aftership:{rl:*").Result()
			w.check(err)
			if len(keys) == 0 {
				t.Error("there is no key to flush")
			}
			w.check(w.rdb.Del(t.Context(), keys...).Err())
			w.until("calls are sent again", func() bool { return w.called() > before+10 })
		}
	})
}

// Of each kind of command one reply is lost, between enqueue and Redis as well as
// between the workers and Redis.
func TestEachKindOfReplyLostOnce(t *testing.T) {
	var between *proxy
	w := halted(t, setup{proxied: func(w *world) string {
		between = w.proxy()
		between.loseEachKindOnce(true)
		return between.url()
	}}, func(*world, *fleet) {})
	t.Logf("%d kinds of replies were lost", between.kindsLost())
	if between.kindsLost() < 15 {
		t.Error("too few for the proxy to have worked")
	}
	_ = w
}

// A cluster of three nodes carries the queue, while workers are killed.
func TestClusterOfThree(t *testing.T) {
	w := open(t, setup{rate: pick(30, 10), cluster: true})
	rows, kills := pick(150, 600), pick(2, 10)
	create, retrack := w.order(batch.Create, "made", rows), w.order(batch.Retrack, "expired", rows)
	workers := w.fleet(2)
	for k := range kills {
		w.reach(create, rows*(k+1)/(kills+2))
		workers.kill(k % 2)
	}
	w.finish(create)
	w.finish(retrack)
	workers.end()
	w.judge(create, "made", rows)
	w.judge(retrack, "expired", rows)
}
