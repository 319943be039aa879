package jobs

import (
	"errors"
	"sync"
	"time"

	"aftership-bulk/aftership"
)

// AfterShip counts as unreachable after this many calls in a row that found no
// connection, over at least this time.
const (
	unreachedCalls = 3
	unreachedTime  = 5 * time.Second
)

// health watches whether calls reach AfterShip at all.
type health struct {
	mu    sync.Mutex
	calls int // in a row that found no connection
	since time.Time
	err   error
}

// note takes up how a call went.
func (h *health) note(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	none, ok := errors.AsType[*aftership.NoAnswerError](err)
	if !ok || none.Sent {
		h.calls = 0
		return
	}
	if h.calls == 0 {
		h.since = time.Now()
	}
	h.calls++
	h.err = err
}

func (h *health) unreachable(now time.Time) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.calls < unreachedCalls || now.Sub(h.since) < unreachedTime {
		return ""
	}
	return "AfterShip cannot be reached: " + h.err.Error()
}
