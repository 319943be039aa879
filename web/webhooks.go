package web

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"aftership-bulk/aftership"
	"aftership-bulk/jobs"
)

const (
	// largestBody is the longest webhook that is read. AfterShip says nothing about
	// a limit; a tracking with hundreds of checkpoints is some 100 KB.
	largestBody = 1 << 20
	// mostAtOnce bounds the webhooks that are read at a time, and so the memory
	// that senders can fill.
	mostAtOnce = 64
	// queueTime is how long Redis may take before the answer is 503.
	queueTime = 2 * time.Second
	// warnEvery is how often forged webhooks are spoken of in the log.
	warnEvery = time.Minute
)

// WebhookAccount is an account whose webhooks are taken: those that one of its
// secrets has signed.
type WebhookAccount struct {
	Name    string
	Secrets aftership.WebhookSecrets
}

// Taker puts events on the queue; [jobs.Updates] does.
type Taker interface {
	Take(ctx context.Context, account string, e aftership.WebhookEvent) (jobs.Taken, error)
}

// WebhookResult is how a webhook was answered.
type WebhookResult string

// The answers, beside those of [jobs.AllTaken], which are all 200.
const (
	WebhookForged      WebhookResult = "forged"      // 401: no secret of ours signed it. Check AFTERSHIP_WEBHOOK_SECRET if there are many
	WebhookUnreadable  WebhookResult = "unreadable"  // 400: signed, but not what a webhook is; AfterShip sends it again, perhaps to a newer version
	WebhookTooLarge    WebhookResult = "too_large"   // 413: longer than a megabyte
	WebhookBrokenOff   WebhookResult = "broken_off"  // 400: the sender ended before its body did
	WebhookBusy        WebhookResult = "busy"        // 503: too many at once; AfterShip sends it again
	WebhookUnavailable WebhookResult = "unavailable" // 503: Redis did not take it; AfterShip sends it again
)

// AllWebhookResults lists every answer.
func AllWebhookResults() []WebhookResult {
	all := []WebhookResult{WebhookForged, WebhookUnreadable, WebhookTooLarge, WebhookBrokenOff, WebhookBusy, WebhookUnavailable}
	for _, t := range jobs.AllTaken() {
		all = append(all, WebhookResult(t))
	}
	return all
}

// statuses are the codes of the answers that are not 200.
var statuses = map[WebhookResult]int{
	WebhookForged: http.StatusUnauthorized, WebhookUnreadable: http.StatusBadRequest, WebhookTooLarge: http.StatusRequestEntityTooLarge,
	WebhookBrokenOff: http.StatusBadRequest, WebhookBusy: http.StatusServiceUnavailable, WebhookUnavailable: http.StatusServiceUnavailable,
}

func (r WebhookResult) status() int {
	if status, ok := statuses[r]; ok {
		return status
	}
	return http.StatusOK
}

// webhooks answers POST /webhooks/aftership.
type webhooks struct {
	accounts []WebhookAccount
	updates  Taker
	metrics  *Metrics
	log      *slog.Logger
	room     chan struct{}
	forged   seldom
}

// ServeHTTP answers a webhook. The answer has no body: a forger learns nothing.
func (h *webhooks) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	result := h.answer(w, r)
	w.WriteHeader(result.status())
	h.metrics.webhook(result, time.Since(began))
}

func (h *webhooks) answer(w http.ResponseWriter, r *http.Request) WebhookResult {
	select {
	case h.room <- struct{}{}:
		defer func() { <-h.room }()
	default:
		return WebhookBusy
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, largestBody))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return WebhookTooLarge
	}
	if err != nil {
		return WebhookBrokenOff
	}
	account, ok := h.signer(r.Header, body)
	if !ok {
		h.forged.say(func() {
			h.log.Warn("a webhook was refused: none of our secrets signed it; if it is AfterShip's, check AFTERSHIP_WEBHOOK_SECRET", "from", r.RemoteAddr)
		})
		return WebhookForged
	}
	return h.take(r, account, body)
}

// signer is the account whose secret signed the body. All secrets are tried, so
// that the time tells nothing about which one did.
func (h *webhooks) signer(header http.Header, body []byte) (name string, ok bool) {
	for _, a := range h.accounts {
		if a.Secrets.Verify(header, body) {
			name, ok = a.Name, true
		}
	}
	return name, ok
}

// take puts a genuine webhook's event on the queue.
func (h *webhooks) take(r *http.Request, account string, body []byte) WebhookResult {
	e, err := aftership.DecodeWebhook(r.Header, body)
	if err != nil {
		h.log.Error("a signed webhook could not be read; AfterShip sends it again", "account", account, "error", err)
		return WebhookUnreadable
	}
	ctx, cancel := context.WithTimeout(r.Context(), queueTime)
	defer cancel()
	taken, err := h.updates.Take(ctx, account, e)
	if err != nil {
		h.log.Error("a webhook could not be put on the queue; AfterShip sends it again", "account", account, "event", e.ID, "error", err)
		return WebhookUnavailable
	}
	h.log.Debug("webhook", "account", account, "event", e.ID, "kind", e.Kind, "result", taken)
	return WebhookResult(taken)
}

// seldom keeps what strangers can cause from filling the log.
type seldom struct {
	mu   sync.Mutex
	last time.Time
}

func (s *seldom) say(what func()) {
	s.mu.Lock()
	due := time.Since(s.last) >= warnEvery
	if due {
		s.last = time.Now()
	}
	s.mu.Unlock()
	if due {
		what()
	}
}
