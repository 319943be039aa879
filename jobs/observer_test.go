package jobs

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"aftership-bulk/aftership"
	"aftership-bulk/aftership/sandbox"
	"aftership-bulk/batch"
	"aftership-bulk/internal/redistest"
)

var sandboxDefaults sandbox.Options

// hearer counts what it hears.
type hearer struct {
	mu     sync.Mutex
	counts map[string]int
}

func (h *hearer) add(format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.counts == nil {
		h.counts = map[string]int{}
	}
	h.counts[fmt.Sprintf(format, args...)]++
}

func (h *hearer) String() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var all []string
	for _, what := range slices.Sorted(maps.Keys(h.counts)) {
		all = append(all, fmt.Sprintf("%s %d", what, h.counts[what]))
	}
	return strings.Join(all, "; ")
}

func (h *hearer) JobEnded(account string, op batch.Operation, o batch.Outcome) {
	h.add("job %s %s %s", account, op, o)
}

func (h *hearer) Called(account string, c aftership.Called) {
	if c.Took <= 0 {
		h.add("a call that took no time")
	}
	h.add("call %s %s %s %d", account, c.Endpoint, c.Class, c.Code)
}

func (h *hearer) SlotWaited(account string, class aftership.Class, waited time.Duration) {
	if waited < 0 {
		h.add("a wait of less than nothing")
	}
	h.add("slot %s %s", account, class)
}

func (h *hearer) Updated(account string, result UpdateResult) { h.add("update %s %s", account, result) }

// An observer hears of every call, slot and result, once.
func TestObserver(t *testing.T) {
	r := newRig(t, redistest.Client(t), aftership.V202507, sandboxDefaults)
	heard := &hearer{}
	r.opts.Observer = heard
	r.opts.MaxAttempts = 2
	r.seed(sandbox.Seed{Number: "1Z999AA10000000001", Slug: "ups", Created: created})
	r.fault(sandbox.Fault{Kind: sandbox.FaultStatus, Status: 503, Numbers: []string{"1Z999AA10000000003"}})
	r.fault(sandbox.Fault{Kind: sandbox.FaultBurst429, First: 1})
	r.work()
	r.ended(r.accept(batch.Create, Defaults{}, "tracking_number,slug\n1Z999AA10000000001,ups\n1Z999AA10000000002,ups\n1Z999AA10000000003,ups\n,ups\n"))
	want := "call acc create create 201 1; call acc create create 4003 1; call acc create create 429 1; call acc create create 503 2; " +
		"job acc create already 1; job acc create created 1; job acc create gave_up 1; slot acc create"
	got := ""
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if got = heard.String(); strings.Contains(got, "gave_up") { // the ledger knows of the last job first
			break
		}
	}
	// A slot that came too late is void, and another one is taken.
	if calls, slots, _ := strings.Cut(got, "; slot acc create "); calls+"; slot acc create" != want || len(slots) == 1 && slots < "5" {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
