package aftership

import (
	"context"
	"net/http"
	"strconv"
	"time"
)

// Limiter gives leave for requests and hears what AfterShip says about its limits. The client asks it before every
// request and tells it after every reply, so that a limit that many processes share can live outside this package.
type Limiter interface {
	// Wait returns nil when a request of the class may be sent now. Its error is returned to the caller, wrapped.
	Wait(ctx context.Context, class Class) error
	// Observe is called once for each reply that came, as soon as its headers are there.
	Observe(class Class, h RateHeaders)
}

// RateHeaders is what a reply says about the limit of its class. Limit, Remaining and Reset come from the headers
// X-RateLimit-Limit, -Remaining and -Reset (AfterShip docs, rate limits page): requests in the window, requests left in
// it, and its end in whole seconds of AfterShip's clock. A header that was absent leaves its field zero; AfterShip leaves
// out all three on some refusals, recorded for 403.
type RateHeaders struct {
	Limit      int
	Remaining  int           // meaningful only where Limit is set
	Reset      time.Time     // AfterShip's clock
	Date       time.Time     // AfterShip's clock, when it answered
	RetryAfter time.Duration // not documented for tracking, used where it comes
	TooMany    bool          // the reply is a 429

	Sent     time.Time // our clock, just before the request
	Received time.Time // our clock, when the headers had come
}

// Until is the moment, by our clock, at which the window ends: Retry-After where it came, else the reset as far ahead of
// the reply's Date as AfterShip says, so that a wrong clock on our side does no harm.
func (h RateHeaders) Until() (time.Time, bool) {
	switch {
	case h.RetryAfter > 0:
		return h.Received.Add(h.RetryAfter), true
	case h.Reset.IsZero():
		return time.Time{}, false
	case h.Date.IsZero():
		return h.Reset, true
	}
	return h.Received.Add(max(0, h.Reset.Sub(h.Date))), true
}

func rateHeaders(resp *http.Response, sent, received time.Time) RateHeaders {
	h := RateHeaders{
		Limit:     headerInt(resp.Header, "X-RateLimit-Limit"),
		Remaining: headerInt(resp.Header, "X-RateLimit-Remaining"),
		TooMany:   resp.StatusCode == http.StatusTooManyRequests,
		Sent:      sent,
		Received:  received,
	}
	if reset := headerInt(resp.Header, "X-RateLimit-Reset"); reset > 0 {
		h.Reset = time.Unix(int64(reset), 0).UTC()
	}
	h.Date, _ = http.ParseTime(resp.Header.Get("Date"))
	h.RetryAfter = retryAfter(resp.Header.Get("Retry-After"), h)
	return h
}

// retryAfter reads both forms of the header: seconds, and a date, which is taken against the server's own Date.
func retryAfter(value string, h RateHeaders) time.Duration {
	const most = 7 * 24 * time.Hour
	if value == "" {
		return 0
	}
	if seconds, err := strconv.Atoi(value); err == nil {
		return min(max(0, time.Duration(min(seconds, int(most/time.Second)))*time.Second), most)
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	from := h.Date
	if from.IsZero() {
		from = h.Received
	}
	return min(max(0, at.Sub(from)), most)
}

// headerInt reads a number that must not be negative; anything else counts as absent.
func headerInt(header http.Header, name string) int {
	value := header.Get(name)
	if value == "" {
		return 0 // without the cost of an error, as these headers may be absent from every reply
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < 0 {
		return 0
	}
	return n
}
