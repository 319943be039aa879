//go:build unix

package chaos

import (
	"slices"
	"strings"
	"testing"
	"time"

	"aftership-bulk/aftership"
	"aftership-bulk/aftership/sandbox"
	"aftership-bulk/batch"
)

// share lists the numbers of every n-th row of a sheet, from a row on.
func share(sheet string, rows, n, from int) []string {
	var numbers []string
	for i := from; i < rows; i += n {
		numbers = append(numbers, number(sheet, i))
	}
	return numbers
}

// Of all rows 5 % each meet a 500, a page of HTML, a lost reply, a reset and a
// cut-off reply, and one a reply beyond the time-out. Each operation copes.
func TestAfterShipFails(t *testing.T) {
	w := open(t, setup{rate: pick(30, 10), attempts: 5})
	rows := pick(80, 400)
	kinds := []sandbox.Fault{{Kind: sandbox.FaultStatus, Status: 500}, {Kind: sandbox.FaultHTML502}, {Kind: sandbox.FaultLostReply}, {Kind: sandbox.FaultReset}, {Kind: sandbox.FaultTruncated}}
	ids := map[batch.Operation]batch.ID{}
	var faults []sandbox.Fault
	for _, op := range operations {
		for i, f := range kinds {
			if f.Share = 0.05; !long { // the short form has each row fail once, so that it waits for one back-off
				f.Share, f.Numbers, f.PerNumber, f.First = 0, share(string(op), rows, 20, i), true, 1
			}
			f.Endpoints = []aftership.Endpoint{endpoints[op]}
			faults = append(faults, f)
		}
		faults = append(faults, sandbox.Fault{Kind: sandbox.FaultSlow, Numbers: share(string(op), rows, rows, 7), PerNumber: true, First: 1, Endpoints: []aftership.Endpoint{endpoints[op]}})
	}
	w.fault(faults...)
	workers := w.fleet(2)
	for _, op := range operations {
		ids[op] = w.order(op, string(op), rows)
	}
	for _, op := range operations {
		w.finish(ids[op])
	}
	for _, op := range operations { // by chance a row of the long form fails five times
		if v := w.judge(ids[op], string(op), rows, batch.GaveUp); v.outcomes[batch.GaveUp] > 0 {
			w.noFaults()
			w.enqueue(0, "retry", ids[op])
			w.finish(ids[op])
		}
	}
	workers.end()
	for _, op := range operations {
		w.judge(ids[op], string(op), rows)
	}
}

// AfterShip refuses everything with 429 for a while: nothing fails, no attempt is charged.
func TestStormOf429(t *testing.T) {
	w := open(t, setup{rate: pick(30, 10), attempts: 1})
	rows := pick(150, 600)
	id := w.order(batch.Create, "made", rows)
	workers := w.fleet(2)
	w.reach(id, rows/4)
	storm := pick(15*time.Second, 2*time.Minute)
	w.fault(sandbox.Fault{Kind: sandbox.FaultBurst429, Until: time.Now().Add(storm)})
	w.finish(id)
	workers.end()
	w.judge(id, "made", rows)
	n := 0
	for _, c := range w.calls() {
		if c.Kind == sandbox.FaultBurst429 {
			n++
		}
	}
	t.Logf("%d calls met the storm of %s", n, storm)
}

// stopped has the account stopped in mid-run by a fault, and then goes on when
// the fault is gone, by resume or by the probe alone.
func stopped(t *testing.T, fault, mend func(*world), resume bool) {
	w := open(t, setup{rate: pick(30, 10)})
	rows := 150
	id := w.order(batch.Create, "made", rows)
	workers := w.fleet(2)
	w.reach(id, rows/4)
	fault(w)
	w.until("the account is stopped", func() bool { return len(w.stops()) > 0 })
	w.settled()
	calls, before := w.called(), w.batch(id)
	if before.Ended() || w.stops()[0].Reason == "" {
		t.Errorf("the batch is %+v, stopped by %+v", before, w.stops())
	}
	if status := w.enqueue(0, "status", id); !strings.Contains(status, w.stops()[0].Reason) {
		t.Errorf("the status does not say why:\n%s", status)
	}
	mend(w)
	if resume {
		w.enqueue(0, "resume", "--account", "default")
	}
	t.Logf("%d calls were sent until all stood still", calls)
	w.finish(id)
	workers.end()
	w.judge(id, "made", rows)
}

func (w *world) stops() []batch.Stop {
	stops, err := w.ledger.Stops(w.t.Context(), "default")
	w.check(err)
	return stops
}

// settled waits until no call comes in any more.
func (w *world) settled() {
	last, since := -1, time.Now()
	w.until("calls end", func() bool {
		if n := w.called(); n != last {
			last, since = n, time.Now()
		}
		return time.Since(since) > 2*time.Second
	})
}

// The key is revoked in mid-run. Nothing fails; resume goes on.
func TestKeyRevokedAndResumed(t *testing.T) {
	stopped(t, func(w *world) { w.revoke(true) }, func(w *world) { w.revoke(false) }, true)
}

// The key is revoked and restored, and nobody does anything: the probe finds out.
func TestKeyRevokedAndProbed(t *testing.T) {
	stopped(t, func(w *world) { w.revoke(true) }, func(w *world) { w.revoke(false) }, false)
}

// The quota is used up in mid-run, and raised.
func TestQuotaUsedUp(t *testing.T) {
	stopped(t, func(w *world) { w.fault(sandbox.Fault{Kind: sandbox.FaultQuota}) }, (*world).noFaults, true)
}

// One endpoint is refused: its batch waits, the others go on to their end.
func TestOneEndpointForbidden(t *testing.T) {
	w := open(t, setup{rate: pick(30, 10)})
	rows := 80
	w.fault(sandbox.Fault{Kind: sandbox.FaultForbidden, Endpoints: []aftership.Endpoint{aftership.EndpointUpdate}})
	update, create := w.order(batch.Update, "changed", rows), w.order(batch.Create, "made", rows)
	workers := w.fleet(2)
	w.finish(create)
	w.until("the class is stopped", func() bool { return len(w.stops()) == 1 })
	if s := w.stops()[0]; s.Class != "update" {
		t.Errorf("stopped is %+v", s)
	}
	if b := w.batch(update); b.Done != 0 {
		t.Errorf("%d updates have a result", b.Done)
	}
	w.noFaults()
	w.enqueue(0, "resume", "--account", "default")
	w.finish(update)
	workers.end()
	w.judge(create, "made", rows)
	w.judge(update, "changed", rows)
}

// AfterShip answers every call with 502 for longer than the attempts last: no row dies.
func TestOutageKillsNoRow(t *testing.T) {
	w := open(t, setup{rate: pick(30, 10), attempts: 3})
	rows := 120
	id := w.order(batch.Create, "made", rows)
	workers := w.fleet(2)
	w.reach(id, rows/4)
	outage := pick(30*time.Second, 5*time.Minute)
	end := time.Now().Add(outage)
	w.fault(sandbox.Fault{Kind: sandbox.FaultHTML502, Until: end})
	time.Sleep(time.Until(end)) // the length of the fault
	w.finish(id)
	workers.end()
	w.judge(id, "made", rows)
	n := len(slices.DeleteFunc(w.calls(), func(c sandbox.Call) bool { return c.Kind != sandbox.FaultHTML502 }))
	t.Logf("%d calls met the outage of %s", n, outage)
}
