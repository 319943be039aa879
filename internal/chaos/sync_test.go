//go:build unix

package chaos

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aftership-bulk/aftership"
	"aftership-bulk/aftership/sandbox"
	"aftership-bulk/batch"
)

// wanted are the outcomes of a sync's rows, in turns.
var wanted = []batch.Outcome{batch.Already, batch.Updated, batch.Created}

// halfKnown writes a sheet of which a third is as it should be, a third differs, and a
// third is not there.
func (w *world) halfKnown(name string, rows int) string {
	var text strings.Builder
	text.WriteString("tracking_number,slug,title\n")
	var seeds []sandbox.Seed
	for i := range rows {
		n, title := number(name, i), fmt.Sprintf("Order %d", i)
		fmt.Fprintf(&text, "%s,ups,%s\n", n, title)
		switch i % 3 {
		case 0:
			seeds = append(seeds, sandbox.Seed{Number: n, Slug: "ups", Fields: map[string]any{"title": title}})
		case 1:
			seeds = append(seeds, sandbox.Seed{Number: n, Slug: "ups", Fields: map[string]any{"title": "as it was"}})
		}
	}
	path := filepath.Join(w.dir, name+".csv")
	w.check(os.WriteFile(path, []byte(text.String()), 0o600))
	w.control("POST", "seed", seeds, nil)
	return path
}

// A sync is cut short by kills of its workers and by lost replies of all that it
// calls: every row ends as it should, AfterShip has each shipment once and as its row
// says, and what was tried twice is flagged.
func TestSyncWhileWorkersAreKilled(t *testing.T) {
	w := open(t, setup{rate: pick(30, 10)})
	w.env = append(w.env, "CONCURRENCY=10")
	rows, kills := pick(180, 900), pick(4, 20)
	for _, e := range []aftership.Endpoint{aftership.EndpointList, aftership.EndpointCreate, aftership.EndpointUpdate} {
		w.fault(sandbox.Fault{Kind: sandbox.FaultLostReply, Endpoints: []aftership.Endpoint{e}, First: 3})
	}
	w.enqueue(0, "sync", w.halfKnown("mixed", rows))
	id := w.batchOf("mixed")
	workers := w.fleet(2)
	for k := range kills {
		w.reach(id, rows*k/(kills+1))
		time.Sleep(rand.N(200 * time.Millisecond)) // the moment is random on purpose
		workers.kill(k % 2)
	}
	w.finish(id)
	workers.end()
	w.judgeSync(id, "mixed", rows)
}

// judgeSync holds the ledger against what the sandbox has.
func (w *world) judgeSync(id batch.ID, name string, rows int) {
	w.t.Helper()
	w.check(w.ledger.Audit(w.t.Context(), id))
	b, err := w.ledger.Get(w.t.Context(), id)
	w.check(err)
	items := w.items(b, name, wanted)
	w.judgeReport(b, items)
	v := verdict{rows: len(items), outcomes: map[batch.Outcome]int{}}
	creates, sent, effects := map[string]int{}, map[string]int{}, map[string]int{}
	for _, c := range w.calls() {
		if c.HTTP == 429 && c.Kind == "" {
			v.tooMany++
			w.t.Errorf("a 429 that nobody ordered: %+v", c)
		}
		if c.Endpoint != aftership.EndpointCreate && c.Endpoint != aftership.EndpointUpdate {
			continue
		}
		sent[c.Number]++
		if effective(c) {
			effects[string(c.Endpoint)+c.Number]++
		}
		if c.Endpoint == aftership.EndpointCreate {
			creates[c.Number]++
		}
	}
	for i, item := range items {
		res := item.Result
		v.outcomes[res.Outcome]++
		if res.Ambiguous {
			v.flagged++
		}
		v.calls += sent[number(name, i)]
		if max(effects[string(aftership.EndpointCreate)+number(name, i)], effects[string(aftership.EndpointUpdate)+number(name, i)]) > 1 {
			v.doubled++
		}
		if res.Outcome != wanted[i%3] {
			w.t.Errorf("row %d is %s, want %s: %+v", i, res.Outcome, wanted[i%3], res)
		}
		if creates[number(name, i)] > 1 && !res.Ambiguous {
			w.t.Errorf("row %d was created %d times and is not flagged: %+v", i, creates[number(name, i)], res)
		}
	}
	w.t.Logf("sync: %s", v)
	titles := map[string]string{}
	for _, s := range w.state() {
		if _, twice := titles[s.Number]; twice {
			w.t.Errorf("%s is there twice", s.Number)
		}
		titles[s.Number] = fmt.Sprint(s.Fields["title"])
	}
	for i := range rows {
		if want := fmt.Sprintf("Order %d", i); titles[number(name, i)] != want {
			w.t.Errorf("row %d has the title %q, want %q", i, titles[number(name, i)], want)
		}
	}
}
