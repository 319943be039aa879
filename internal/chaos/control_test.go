//go:build unix

package chaos

import (
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"aftership-bulk/aftership"
	"aftership-bulk/aftership/sandbox"
	"aftership-bulk/batch"
	"aftership-bulk/internal/failpoint"
)

// A batch is paused under load, goes on, is cancelled, and is run again.
func TestPauseResumeCancelRetry(t *testing.T) {
	w := open(t, setup{rate: pick(30, 10)})
	rows := pick(240, 1200)
	workers := w.fleet(2)
	id := w.order(batch.Create, "made", rows)
	w.reach(id, rows/8)
	w.enqueue(0, "pause", id)
	w.settled()
	paused, calls := w.batch(id), w.called()
	if paused.State != batch.Paused || paused.Done >= rows {
		t.Errorf("after pause the batch is %+v", paused)
	}
	w.enqueue(0, "resume", id)
	w.reach(id, rows/4)
	w.enqueue(0, "cancel", id)
	w.finish(id)
	w.settled()
	v := w.judge(id, "made", rows, batch.CancelledJob)
	if v.outcomes[batch.CancelledJob] == 0 || w.called() <= calls {
		t.Errorf("after cancel: %s", v)
	}
	w.enqueue(0, "retry", id)
	w.finish(id)
	workers.end()
	w.judge(id, "made", rows)
}

// A worker is frozen beyond its lease. Another one takes over; then it wakes up,
// in the middle of its calls.
func TestWorkerFrozenBeyondItsLease(t *testing.T) {
	w := open(t, setup{rate: pick(30, 10), latency: 100 * time.Millisecond})
	rows := pick(120, 600)
	create, retrack := w.order(batch.Create, "made", rows), w.order(batch.Retrack, "expired", rows)
	workers := w.fleet(2)
	w.reach(create, rows/5)
	frozen := workers.workers[0]
	frozen.signal(syscall.SIGSTOP)
	since := time.Now()
	w.finish(create)
	w.finish(retrack)
	taken := time.Since(since)
	time.Sleep(pick(0, 2*time.Minute) - taken) // the long form's length of the fault
	frozen.signal(syscall.SIGCONT)
	w.settled()
	workers.end()
	w.judge(create, "made", rows)
	w.judge(retrack, "expired", rows)
	t.Logf("all was done %s after the freeze", taken.Round(time.Second))
}

// Thousands of rows die. All of them stand in the report and in `enqueue dead`,
// and retry runs them all again.
func TestDeadRows(t *testing.T) {
	w := open(t, setup{rate: 1000, attempts: 1, latency: 2 * time.Millisecond})
	dead := pick(2000, 25_000)
	rows := dead * 5 / 2
	w.fault(sandbox.Fault{Kind: sandbox.FaultStatus, Status: 503, Share: 0.5, First: dead, Endpoints: []aftership.Endpoint{aftership.EndpointCreate}})
	id := w.order(batch.Create, "made", rows)
	workers := w.fleet(2)
	w.finish(id)
	v := w.judge(id, "made", rows, batch.GaveUp)
	if n := v.outcomes[batch.GaveUp]; n < dead*99/100 { // a failure that counts as an outage kills no row
		t.Errorf("%d rows died of %d failures", n, dead)
	}
	if n := lines(w.enqueue(0, "dead", "--json", id)); n != v.outcomes[batch.GaveUp] {
		t.Errorf("enqueue dead lists %d of %d rows", n, v.outcomes[batch.GaveUp])
	}
	w.noFaults()
	w.enqueue(0, "retry", id)
	w.finish(id)
	workers.end()
	w.judge(id, "made", rows)
}

func lines(text string) int {
	n := 0
	for _, c := range text {
		if c == '\n' {
			n++
		}
	}
	return n
}

// A worker dies in the middle of a call. The test says how long it takes until
// another one has taken the row over and has done it.
func TestTakeOver(t *testing.T) {
	w := open(t, setup{rate: 10})
	var times []time.Duration
	for i := range pick(2, 15) {
		other := w.fleet(1)
		w.until("the other worker is at work", func() bool { return strings.Contains(other.workers[0].said(), "working") })
		other.workers[0].signal(syscall.SIGSTOP) // so that it is not the one that takes the row first
		dying := w.start([]string{"FAILPOINT=" + string(failpoint.AfterBegin) + ":1"}, "worker")
		name := "lone" + itoa(i)
		id := w.order(batch.Create, name, 1)
		dying.code()
		died := time.Now()
		other.workers[0].signal(syscall.SIGCONT)
		w.finish(id)
		times = append(times, time.Since(died))
		other.end()
		if v := w.judge(id, name, 1); v.flagged != 1 {
			t.Error("the row is not flagged")
		}
	}
	slices.Sort(times)
	t.Logf("taken over and done after %.1f to %.1f s, %.1f in the middle", times[0].Seconds(), times[len(times)-1].Seconds(), times[len(times)/2].Seconds())
}

// AfterShip's clock is two minutes ahead of ours, or behind it. Creates whose
// reply was lost are still told from older trackings, and the limit holds.
func TestAfterShipsClockIsApart(t *testing.T) {
	t.Parallel() // else all others would wait for its parts
	for _, offset := range []time.Duration{2 * time.Minute, -2 * time.Minute} {
		t.Run(offset.String(), func(t *testing.T) {
			w := open(t, setup{rate: pick(30, 10), sandbox: []string{"--clock-offset", offset.String()}})
			rows := pick(150, 600)
			w.fault(sandbox.Fault{Kind: sandbox.FaultLostReply, Numbers: share("made", rows, 15, 0), PerNumber: true, First: 1})
			id := w.order(batch.Create, "made", rows)
			workers := w.fleet(2)
			w.reach(id, rows/2)
			workers.kill(0)
			w.finish(id)
			workers.end()
			w.judge(id, "made", rows)
		})
	}
}
