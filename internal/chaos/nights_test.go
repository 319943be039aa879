//go:build unix

package chaos

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"aftership-bulk/batch"
	"aftership-bulk/notify"
)

// nights is what cron does to a world.
type nights struct {
	*world
	env []string // of the worker

	mu   sync.Mutex
	told map[string]int // events of the webhook, by batch
}

const nightsSecret = "whsec_bmlnaHRzIG9mIGNyb24="

// listen takes the webhooks of the worker.
func (n *nights) listen() {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		seconds, _ := strconv.ParseInt(r.Header.Get(notify.HeaderTimestamp), 10, 64)
		signed := notify.Sign(nightsSecret, r.Header.Get(notify.HeaderID), time.Unix(seconds, 0), body)
		var m notify.Message
		if err = json.Unmarshal(body, &m); err != nil || r.Header.Get(notify.HeaderSignature) != signed || m.ID != r.Header.Get(notify.HeaderID) {
			n.t.Errorf("a webhook that is not ours: %v %s", err, body)
		}
		n.mu.Lock()
		defer n.mu.Unlock()
		n.told[m.Batch]++
	}))
	n.t.Cleanup(server.Close)
	n.env = []string{"NOTIFY_WEBHOOK_URL=" + server.URL, "NOTIFY_WEBHOOK_SECRET=" + nightsSecret, "NOTIFY_WEBHOOK=always"}
}

// export writes the export of a night: the shipments from one number to another.
func (n *nights) export(name, header string, from, to int) string {
	var text strings.Builder
	text.WriteString(header + "\n")
	for i := from; i < to; i++ {
		fmt.Fprintf(&text, "%s,ups,Order %d\n", number("night", i), i)
	}
	path := filepath.Join(n.dir, name+".csv")
	n.check(os.WriteFile(path, []byte(text.String()), 0o600))
	return path
}

// cron starts the command that stands in the crontab.
func (n *nights) cron(path string, more ...string) *proc {
	args := []string{"create", "--quiet", "--name", "nightly", "--wait", "--wait-lock", "--max-errors", "5%", "--min-rows", "10", "--priority", "nightly"}
	return n.start(nil, "enqueue", append(append(args, more...), path)...)
}

// silent checks that a night went well, and that cron has nothing to mail.
func (n *nights) silent(p *proc) {
	n.t.Helper()
	if code := p.code(); code != 0 || p.said() != "" {
		n.t.Fatalf("the night ended with %d and said %q", code, p.said())
	}
}

// Three nights of cron, with a crash of everything in the second: in the third all
// is in step, every row accounted for, nothing created twice, everybody told once.
// An export whose columns have changed is not sent.
func TestThreeNightsOfCron(t *testing.T) {
	n := &nights{world: open(t, setup{rate: 20}), told: map[string]int{}}
	n.listen()
	const header = "tracking_number,slug,title"
	worker := n.start(n.env, "worker")

	n.silent(n.cron(n.export("first", header, 0, 40)))

	// A third of the second export was there in the first.
	before := n.called()
	second := n.cron(n.export("second", header, 30, 100))
	n.until("the second night is at work", func() bool { return n.called() >= before+30 })
	second.kill()
	worker.kill()
	halfway := n.batch(n.batchOf("second"))
	if halfway.Ended() {
		t.Fatal("the second night had ended before everything was killed")
	}

	worker = n.start(n.env, "worker")
	n.silent(n.cron(n.export("third", header, 60, 130)))

	// The fourth export has other columns: nothing is sent, and cron is told what changed.
	before = n.called()
	renamed := n.cron(n.export("fourth", "tracking_number,Courier,title", 100, 140))
	if code := renamed.code(); code != 2 || !strings.Contains(renamed.said(), `"slug", which meant slug, is gone, and "Courier" means that now`) {
		t.Errorf("changed columns: %d, %q", code, renamed.said())
	}
	if after := n.called(); after != before {
		t.Errorf("%d calls were sent for an export with changed columns", after-before)
	}
	n.until("everybody was told of three nights", func() bool {
		n.mu.Lock()
		defer n.mu.Unlock()
		return len(n.told) == 3
	})
	if code := worker.end(); code != 0 {
		t.Errorf("the worker ended with %d: %s", code, worker.tail())
	}
	if strings.Contains(worker.said(), nightsSecret) {
		t.Error("a secret is in the worker's log")
	}
	n.judgeNights(map[string][2]int{"first": {0, 40}, "second": {30, 100}, "third": {60, 130}})
}

// judgeNights compares the exports with ledger, reports, the sandbox's log and its state.
func (n *nights) judgeNights(exports map[string][2]int) {
	wanted, flagged := map[string]int{}, map[string]int{} // number: nights in which it was sent, and perhaps sent again
	outcomes := map[batch.Outcome]int{}
	for name, rows := range exports {
		id := n.batchOf(name)
		n.check(n.ledger.Audit(n.t.Context(), id))
		b := n.batch(id)
		if !b.Ended() || b.Rows != rows[1]-rows[0] {
			n.t.Errorf("%s: %s with %d rows, %d done", name, b.State, b.Rows, b.Done)
		}
		var items []batch.Item
		for item, err := range n.ledger.Results(n.t.Context(), id) {
			n.check(err)
			items = append(items, item)
			if o := item.Result.Outcome; o != batch.Created && o != batch.Already {
				n.t.Errorf("%s, row %d: %s %s", name, item.Job, o, item.Result.Message)
			}
			outcomes[item.Result.Outcome]++
			wanted[item.Entry.Cells[0]]++
			if item.Result.Ambiguous {
				flagged[item.Entry.Cells[0]]++
			}
		}
		n.judgeReport(b, items)
		if n.told[id] != 1 {
			n.t.Errorf("%s was told %d times", name, n.told[id])
		}
	}
	calls, changed := map[string]int{}, map[string]int{}
	for _, c := range n.calls() {
		if c.Number == "" {
			continue
		}
		if effective(c) {
			calls[c.Number]++
		}
		if c.Changed {
			changed[c.Number]++
		}
	}
	for tracking, want := range wanted {
		if changed[tracking] != 1 {
			n.t.Errorf("%s was created %d times", tracking, changed[tracking])
		}
		if more := calls[tracking] - want; more > flagged[tracking] {
			n.t.Errorf("%s was sent %d times for %d nights, and is flagged %d times", tracking, calls[tracking], want, flagged[tracking])
		}
	}
	if state := n.state(); len(state) != len(wanted) {
		n.t.Errorf("AfterShip has %d shipments of %d", len(state), len(wanted))
	}
	n.t.Logf("%d shipments in %d rows: %v, %d sent twice and flagged", len(wanted), 180, outcomes, len(flagged))
}
