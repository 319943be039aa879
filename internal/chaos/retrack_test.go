//go:build unix

package chaos

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"aftership-bulk/aftership"
	"aftership-bulk/aftership/sandbox"
	"aftership-bulk/batch"
)

// expiredNights is a crowd of expired shipments, and the nights in which they are
// retracked. The short form is a test of package jobs.
type expiredNights struct {
	*world
	rows, used, perDay int
	env                []string
	took               []int
}

// Ten thousand shipments have expired, a tenth of them have no retrack left, and
// three thousand are retracked in a night, while a worker is killed. Then all of
// them expire again, and we have retracked each as often as we may.
func expiredOverDays(t *testing.T) {
	n := &expiredNights{world: open(t, setup{rate: 1000, moved: true, latency: time.Millisecond, sandbox: []string{"--rate", "-1"}}), rows: 10_000, used: 1000, perDay: 3000}
	n.env = append(n.world.env, "RETRACK_LIMIT=1")
	n.control(http.MethodPost, "seed", n.seeds(), nil)
	for day := range 5 {
		n.night(day)
	}
	n.judgeNights()
	n.control(http.MethodPatch, "options", map[string]string{"expire_after": "240h"}, nil)
	before := n.called()
	left := n.night(45)
	if left["exhausted"] != n.used || left["limit"] != n.rows-n.used || n.took[5] != 0 || n.called()-before > n.rows/aftership.MaxPage+1 {
		t.Errorf("when all have expired again: %v, %d taken, %d calls", left, n.took[5], n.called()-before)
	}
	n.judgeNights()
	t.Logf("%d shipments, %d without a retrack left: %v taken in the nights; after 45 days left alone: %v", n.rows, n.used, n.took, left)
}

func (n *expiredNights) seeds() (all []sandbox.Seed) {
	for i := range n.rows {
		at := time.Now().AddDate(0, 0, -31-i%35)
		seed := sandbox.Seed{Number: number("gone", i), Slug: "ups", Tag: "Expired", Inactive: true, Created: at, Updated: at}
		if i%(n.rows/n.used) == 0 {
			seed.Retracks = 3
		}
		all = append(all, seed)
	}
	return all
}

// night lets everybody live by a clock so many days ahead, and retracks. It says
// how many were left alone for which reason.
func (n *expiredNights) night(day int) (left map[string]int) {
	n.t.Helper()
	ahead := time.Duration(day) * 24 * time.Hour
	n.world.env = append(n.env[:len(n.env):len(n.env)], "CLOCK_AHEAD="+itoa(int(ahead.Seconds())))
	n.control(http.MethodPatch, "options", map[string]string{"clock_offset": ahead.String()}, nil)
	workers := n.fleet(2)
	out := n.enqueue(0, "retrack-expired", "--per-day", itoa(n.perDay), "--json")
	var id batch.ID
	for line := range strings.Lines(out) {
		var e struct {
			Event string         `json:"event"`
			Calls int            `json:"calls"`
			Left  map[string]int `json:"left_alone"`
			Batch struct {
				ID batch.ID `json:"batch"`
			} `json:"batch"`
		}
		n.check(json.Unmarshal([]byte(line), &e))
		switch e.Event {
		case "listed":
			n.took, left = append(n.took, e.Calls), e.Left
		case "accepted":
			id = e.Batch.ID
		}
	}
	if id != "" {
		n.reach(id, n.took[len(n.took)-1]/2)
		workers.kill(0)
		n.finish(id)
	}
	workers.end()
	return left
}

// judgeNights reads the sandbox' log.
func (n *expiredNights) judgeNights() {
	n.t.Helper()
	took, refused, night := map[string]int{}, map[string]int{}, map[string]int{}
	for _, c := range n.calls() {
		if c.Endpoint != aftership.EndpointRetrack {
			continue
		}
		night[c.At.UTC().Format(time.DateOnly)]++
		switch c.Code {
		case 200:
			took[c.ID]++
		case 4016:
			refused[c.ID]++
		default:
			n.t.Errorf("%s: %d", c.ID, c.Code)
		}
	}
	for id, times := range took {
		if times != 1 || refused[id] > 0 {
			n.t.Errorf("%s was retracked %d times and refused %d times", id, times, refused[id])
		}
	}
	for id, times := range refused {
		if times != 1 {
			n.t.Errorf("%s was refused %d times", id, times)
		}
	}
	if len(took) != n.rows-n.used || len(refused) != n.used {
		n.t.Errorf("%d were retracked, %d refused", len(took), len(refused))
	}
	for at, calls := range night {
		if calls > 2*n.perDay { // the real midnight may fall into a night
			n.t.Errorf("%d calls on %s", calls, at)
		}
	}
}
