//go:build unix

package chaos

import (
	"math/rand/v2"
	"testing"
	"time"

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
