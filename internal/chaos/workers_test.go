//go:build unix

package chaos

import (
	"math/rand/v2"
	"testing"
	"time"

	"aftership-bulk/aftership"
	"aftership-bulk/aftership/sandbox"
	"aftership-bulk/batch"
	"aftership-bulk/internal/failpoint"
)

// Workers are killed at every step of the handler, one after the other, while
// they create and retrack. A last one finds nothing lost and doubles nothing
// without a flag.
func TestWorkersKilledAtEveryStep(t *testing.T) {
	w := open(t, setup{rate: pick(40, 1000)})
	rows := pick(120, 2000)
	create, retrack := w.order(batch.Create, "made", rows), w.order(batch.Retrack, "expired", rows)
	for round := range pick(1, 4) {
		for _, point := range failpoint.Points() {
			w.start([]string{"FAILPOINT=" + string(point) + ":" + itoa(5+round*7)}, "worker").code()
		}
	}
	last := w.fleet(2)
	w.finish(create)
	w.finish(retrack)
	last.end()
	w.judge(create, "made", rows)
	w.judge(retrack, "expired", rows)
}

// Workers are killed at random moments, one at each so many rows done.
func TestWorkersKilledAtRandom(t *testing.T) {
	w := open(t, setup{rate: pick(60, 1000)})
	if !long {
		w.env = append(w.env, "CONCURRENCY=20") // so that a kill holds up less of the little that there is
	}
	rows, kills := pick(400, 10_000), pick(8, 100)
	id := w.order(batch.Create, "made", rows)
	workers := w.fleet(3)
	for k := range kills {
		w.reach(id, rows*k/(kills+1))
		time.Sleep(rand.N(200 * time.Millisecond)) // the moment is random on purpose
		workers.kill(rand.IntN(len(workers.workers)))
	}
	w.finish(id)
	workers.end()
	w.judge(id, "made", rows)
}

// In a version of the API where a row's tracking must be looked up first, workers
// are killed and replies of the list and of the calls are lost.
func TestLookUpsWhileWorkersAreKilled(t *testing.T) {
	w := open(t, setup{rate: pick(30, 10)})
	w.env = append(w.env, "AFTERSHIP_API_VERSION=2025-07", "CONCURRENCY=10")
	rows, kills := pick(200, 600), pick(4, 20)
	ops := []batch.Operation{batch.Update, batch.Complete, batch.Retrack}
	ids := map[batch.Operation]batch.ID{}
	for _, op := range ops {
		ids[op] = w.order(op, string(op), rows)
		w.fault(sandbox.Fault{Kind: sandbox.FaultLostReply, Endpoints: []aftership.Endpoint{endpoints[op]}, First: rows / 50})
	}
	w.fault(sandbox.Fault{Kind: sandbox.FaultLostReply, Endpoints: []aftership.Endpoint{aftership.EndpointList}, First: 2})
	workers := w.fleet(2)
	for k := range kills {
		w.reach(ids[ops[k%len(ops)]], rows*k/(kills+1))
		time.Sleep(rand.N(200 * time.Millisecond)) // the moment is random on purpose
		workers.kill(k % 2)
	}
	for _, op := range ops {
		w.finish(ids[op])
	}
	workers.end()
	for _, op := range ops {
		w.judge(ids[op], string(op), rows)
	}
}
