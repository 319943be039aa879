//go:build unix

package chaos

import (
	"syscall"
	"testing"
	"time"

	"aftership-bulk/aftership"
	"aftership-bulk/aftership/sandbox"
	"aftership-bulk/batch"
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
