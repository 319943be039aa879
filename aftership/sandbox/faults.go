package sandbox

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"aftership-bulk/aftership"
)

// FaultKind is a way in which a call can fail.
type FaultKind string

// The kinds of faults.
const (
	FaultReset        FaultKind = "reset"        // the connection is cut before anything happened; not even counted
	FaultUnauthorized FaultKind = "unauthorized" // 401, as for a revoked key
	FaultForbidden    FaultKind = "forbidden"    // 403, as for a plan without the endpoint
	FaultHTML403      FaultKind = "html403"      // 403 with a page of HTML, as from a firewall at the edge
	FaultBurst429     FaultKind = "burst429"     // 429 though the limit was kept; the reset is a window ahead, or Fault.Delay
	FaultDaily429     FaultKind = "daily429"     // 429 of a daily limit: the reset is the next midnight UTC
	FaultStatus       FaultKind = "status"       // a JSON error of Fault.Status, 503 by default
	FaultHTML502      FaultKind = "html502"      // a page of HTML from the edge, with Fault.Status, 502 by default
	FaultQuota        FaultKind = "quota"        // the answer to a used-up quota
	FaultRefuse       FaultKind = "refuse"       // any meta.code: Fault.Code, with Fault.Message or the table's text
	FaultLostReply    FaultKind = "lost_reply"   // the change is stored, then the connection is cut
	FaultSlow         FaultKind = "slow"         // the change is stored, the reply comes after Fault.Delay, 35s by default
	FaultTruncated    FaultKind = "truncated"    // the change is stored, half of the reply arrives
	FaultMalformed    FaultKind = "malformed"    // the change is stored, the reply is whole but not JSON
	FaultEmpty        FaultKind = "empty"        // the change is stored, the reply has no body
)

// FaultKinds lists every kind.
func FaultKinds() []FaultKind {
	return []FaultKind{FaultReset, FaultUnauthorized, FaultForbidden, FaultHTML403, FaultBurst429, FaultDaily429, FaultStatus,
		FaultHTML502, FaultQuota, FaultRefuse, FaultLostReply, FaultSlow, FaultTruncated, FaultMalformed, FaultEmpty}
}

// Fault makes calls fail. What is left empty restricts nothing; without any restriction every call meets it. A call
// meets the first fault that fits, in the order in which they were added.
type Fault struct {
	ID   string    `json:"id,omitzero"` // stands in the log. Defaults to "fault-1" and so on
	Kind FaultKind `json:"kind"`

	Endpoints []aftership.Endpoint `json:"endpoints,omitzero"`
	Classes   []aftership.Class    `json:"classes,omitzero"`
	Numbers   []string             `json:"numbers,omitzero"` // tracking numbers or ids
	Keys      []string             `json:"keys,omitzero"`    // names of keys

	Share     float64   `json:"share,omitzero"` // of the calls that fit, drawn at random. Defaults to all
	After     int       `json:"after,omitzero"` // lets so many calls that fit pass first
	First     int       `json:"first,omitzero"` // is over after so many hits. Defaults to never
	PerNumber bool      `json:"per_number,omitzero"`
	From      time.Time `json:"from,omitzero"`
	Until     time.Time `json:"until,omitzero"`

	Status  int           `json:"status,omitzero"`
	Code    int           `json:"code,omitzero"` // Defaults to Status
	Message string        `json:"message,omitzero"`
	Delay   time.Duration `json:"-"`
	Stored  bool          `json:"stored,omitzero"` // the change is made before the error is answered, as by a gateway that gave up waiting

	Hits int `json:"hits"` // how many calls met it; counted here, not set
}

// check names what is wrong with a fault.
func (f *Fault) check() error {
	switch {
	case !slices.Contains(FaultKinds(), f.Kind):
		return fmt.Errorf("fault kind %q is not known: use one of %v", f.Kind, FaultKinds())
	case f.Share < 0 || f.Share > 1:
		return fmt.Errorf("fault share %v must be between 0 and 1", f.Share)
	case f.Kind == FaultRefuse && f.Code == 0:
		return fmt.Errorf("fault kind %q needs a code, such as 4012", f.Kind)
	case f.Status != 0 && (f.Status < 200 || f.Status > 599):
		return fmt.Errorf("fault status %d is no HTTP status", f.Status)
	}
	for _, e := range f.Endpoints {
		if !slices.Contains(aftership.Endpoints(), e) {
			return fmt.Errorf("fault endpoint %q is not known: use one of %v", e, aftership.Endpoints())
		}
	}
	return nil
}

// armed is a fault with its counts.
type armed struct {
	Fault
	fits int            // calls that fitted
	each map[string]int // the same by number, for PerNumber
}

// hit is the fault that a call meets. Its methods work on nil, which is none.
type hit Fault

// faultList holds the faults in force.
type faultList struct {
	mu    sync.Mutex
	list  []*armed
	named int
}

// Fault puts faults in force and returns their IDs.
func (s *Sandbox) Fault(faults ...Fault) ([]string, error) {
	for i := range faults {
		if err := faults[i].check(); err != nil {
			return nil, err
		}
	}
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	var ids []string
	for _, f := range faults {
		s.faults.named++
		f.ID = or(f.ID, "fault-"+itoa(s.faults.named))
		f.Hits = 0
		s.faults.list = append(s.faults.list, &armed{Fault: f, each: map[string]int{}})
		ids = append(ids, f.ID)
	}
	return ids, nil
}

// Faults returns the faults in force, with their hits.
func (s *Sandbox) Faults() []Fault {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	faults := make([]Fault, len(s.faults.list))
	for i, a := range s.faults.list {
		faults[i] = a.Fault
	}
	return faults
}

// ClearFaults ends the faults with these IDs, or all if there is none.
func (s *Sandbox) ClearFaults(ids ...string) {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.list = slices.DeleteFunc(s.faults.list, func(a *armed) bool {
		return len(ids) == 0 || slices.Contains(ids, a.ID)
	})
}

// pick finds the fault that a call meets and counts it.
func (l *faultList) pick(c *call, chance func() float64) *hit {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.list) == 0 {
		return nil
	}
	var names []string
	if slices.ContainsFunc(l.list, func(a *armed) bool { return a.PerNumber || len(a.Numbers) > 0 }) {
		names = c.names() // reads the body, so not for nothing
	}
	for _, a := range l.list {
		if a.fitsCall(c, names) && a.strikes(names, chance) {
			a.Hits++
			return new(hit(a.Fault))
		}
	}
	return nil
}

// names are the number and the ids of the tracking that a call is about.
func (c *call) names() []string {
	switch {
	case c.endpoint == aftership.EndpointCreate:
		return c.createNames()
	case c.id == "" && c.number == "":
		return nil
	}
	c.org.mu.Lock()
	defer c.org.mu.Unlock()
	t, bad := c.find()
	if bad != nil {
		return named(c.number, c.id)
	}
	return named(t.number, t.id, t.legacyID)
}

// createNames reads the names out of a body that may well be broken.
func (c *call) createNames() []string {
	m, bad := c.tracking()
	if bad != nil {
		return nil
	}
	number, _ := m.str("tracking_number")
	id, _ := m.str("id")
	return named(number, id)
}

func named(names ...string) []string {
	return slices.DeleteFunc(names, func(s string) bool { return s == "" })
}

func (a *armed) fitsCall(c *call, names []string) bool {
	return among(a.Endpoints, c.endpoint) && among(a.Classes, c.class) && among(a.Keys, c.key.Name) &&
		(len(a.Numbers) == 0 || slices.ContainsFunc(names, a.hasNumber)) &&
		!c.at.Before(a.From) && (a.Until.IsZero() || c.at.Before(a.Until))
}

func (a *armed) hasNumber(name string) bool {
	return slices.ContainsFunc(a.Numbers, func(n string) bool { return strings.EqualFold(n, name) })
}

func among[T comparable](list []T, v T) bool { return len(list) == 0 || slices.Contains(list, v) }

// strikes counts a call that fits and decides whether it is hit.
func (a *armed) strikes(names []string, chance func() float64) bool {
	if a.Share > 0 && chance() >= a.Share {
		return false
	}
	count := a.fits
	if a.PerNumber && len(names) > 0 {
		count = a.each[names[0]]
		a.each[names[0]]++
	} else {
		a.fits++
	}
	return count >= a.After && (a.First == 0 || count < a.After+a.First)
}

// before is the answer of a fault that strikes at the edge, before the call is counted.
func (h *hit) before(c *call) *answer {
	if h == nil {
		return nil
	}
	switch h.Kind {
	case FaultReset:
		return &answer{cut: cutAll}
	case FaultUnauthorized:
		return h.reply(401)
	case FaultForbidden:
		return h.reply(403)
	case FaultHTML403:
		return h.page(http.StatusForbidden)
	case FaultBurst429, FaultDaily429:
		return h.tooMany(c)
	}
	return nil
}

// tooMany is a 429 that the limits did not ask for.
func (h *hit) tooMany(c *call) *answer {
	a := h.reply(429)
	reset := c.at.Add(or(h.Delay, c.opt.Window))
	if h.Kind == FaultDaily429 {
		reset = c.at.UTC().Truncate(24*time.Hour).AddDate(0, 0, 1)
		a.message = or(h.Message, a.message+" Default limit is 100 request per day for free user. The limit will be reset at "+reset.Format(time.RFC1123)+".")
	}
	a.rate = &rate{limit: max(1, c.opt.limit(c.version, c.class)), reset: reset}
	if c.opt.RetryAfter {
		a.retryAfter = reset.Sub(c.at)
	}
	return a
}

// instead is the answer of a fault that keeps the call from being carried out.
func (h *hit) instead(c *call) *answer {
	if h == nil || h.Stored {
		return nil
	}
	return h.failure(c)
}

// failure is the answer of a fault that is an error of the server.
func (h *hit) failure(c *call) *answer {
	switch h.Kind {
	case FaultStatus:
		return h.reply(or(h.Status, http.StatusServiceUnavailable))
	case FaultHTML502:
		return h.page(http.StatusBadGateway)
	case FaultQuota:
		return new(quotaUsed(c))
	case FaultRefuse:
		return h.reply(h.Code)
	}
	return nil
}

// after changes the answer to a call that was carried out.
func (h *hit) after(c *call, a answer) answer {
	if h == nil {
		return a
	}
	switch h.Kind {
	case FaultLostReply:
		a.cut = cutAll
	case FaultTruncated:
		a.cut = cutHalf
	case FaultMalformed:
		a.whole, a.mime = []byte(`{"meta":{"code":`+itoa(a.code)+`},"data":{"id":"`), "application/json; charset=utf-8"
	case FaultEmpty:
		a.whole, a.mime = []byte{}, "application/json; charset=utf-8"
	}
	if instead := h.failure(c); h.Stored && instead != nil {
		instead.changed, instead.number, instead.id, instead.slug, instead.rate = a.changed, a.number, a.id, a.slug, a.rate
		return *instead
	}
	return a
}

// delay is how long the reply is held back.
func (h *hit) delay() time.Duration {
	if h == nil || h.Kind != FaultSlow {
		return 0
	}
	return or(h.Delay, 35*time.Second)
}

// reply is a JSON error with the fault's own texts, if it has any.
func (h *hit) reply(code int) *answer {
	a := fail(or(h.Code, code))
	a.http = or(h.Status, a.http)
	a.message = or(h.Message, a.message)
	return &a
}

// page is an error that did not come from the API at all.
func (h *hit) page(status int) *answer {
	status = or(h.Status, status)
	title := itoa(status) + " " + http.StatusText(status)
	return &answer{http: status, code: status, mime: "text/html", whole: []byte("<html>\r\n<head><title>" + title +
		"</title></head>\r\n<body>\r\n<center><h1>" + title + "</h1></center>\r\n<hr><center>cloudflare</center>\r\n</body>\r\n</html>\r\n")}
}

// quotaUsed is the answer when no more trackings can be added.
func quotaUsed(c *call) answer {
	a := fail(c.opt.QuotaCode)
	a.http, a.message = c.opt.QuotaStatus, c.opt.QuotaMessage
	a.kind = or(failures[c.opt.QuotaStatus].kind, "PaymentRequired")
	return a
}
