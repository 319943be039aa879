package sandbox

import (
	"encoding/binary"
	"encoding/hex"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"aftership-bulk/aftership"
)

// Sandbox is a running stand-in for the API. Make one with New; it is an http.Handler and safe for use by many goroutines.
type Sandbox struct {
	mu      sync.Mutex // guards what follows
	given   Options    // as they were set, without defaults
	orgs    map[string]*org
	random  *rand.Rand
	lastSeq int64

	opt     atomic.Pointer[Options] // given, with defaults
	keys    atomic.Pointer[[]Key]
	limits  limiter
	faults  faultList
	log     callLog
	couList sync.Map // courierListKey -> []byte
}

// New returns a sandbox without trackings. It panics if the options make no sense, as they come from the program.
func New(o Options) *Sandbox {
	s := &Sandbox{orgs: map[string]*org{}, random: rand.New(rand.NewPCG(o.RandomSeed, 0x5a))}
	keys := o.Keys
	if len(keys) == 0 {
		keys = []Key{{Value: DefaultKey}}
	}
	s.SetKeys(keys...)
	s.log.to = o.LogTo
	if err := s.set(o); err != nil {
		panic("sandbox: " + err.Error())
	}
	return s
}

// Options returns the settings in force, defaults included.
func (s *Sandbox) Options() Options { return *s.opt.Load() }

// Change changes settings while the sandbox runs; requests under way end with the old ones. Keys have SetKeys and Revoke.
func (s *Sandbox) Change(edit func(*Options)) error {
	s.mu.Lock()
	next := s.given
	s.mu.Unlock()
	next.Limits, next.Inactive = maps.Clone(next.Limits), slices.Clone(next.Inactive) // requests still read the old ones
	edit(&next)
	return s.set(next)
}

func (s *Sandbox) set(o Options) error {
	if err := o.Check(); err != nil {
		return err
	}
	filled := o.filled()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.given = o
	s.opt.Store(&filled)
	s.log.resize(filled.LogSize)
	return nil
}

// SetKeys replaces the keys that are accepted.
func (s *Sandbox) SetKeys(keys ...Key) {
	named := make([]Key, len(keys))
	for i, k := range keys {
		k.Account = or(k.Account, "default")
		k.Name = or(k.Name, k.Account)
		named[i] = k
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys.Store(&named)
}

// Revoke makes the key of that name unknown, or known again; false if there is no such key.
func (s *Sandbox) Revoke(name string, revoked bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	keys := slices.Clone(*s.keys.Load())
	found := false
	for i := range keys {
		if keys[i].Name == name {
			keys[i].Revoked, found = revoked, true
		}
	}
	s.keys.Store(&keys)
	return found
}

// org is the organisation of an account.
func (s *Sandbox) org(account string) *org {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.orgs[account] == nil {
		s.orgs[account] = newOrg()
	}
	return s.orgs[account]
}

// call is a request on its way through the sandbox.
type call struct {
	route
	http  *http.Request
	opt   *Options
	at    time.Time // of arrival, on the sandbox' clock
	class aftership.Class
	key   Key
	org   *org
	body  []byte
	trace string
	fault *hit // the fault that this call meets, if any
}

// answer is what the sandbox says to a call.
type answer struct {
	http    int
	code    int    // meta.code
	kind    string // meta.type
	message string
	data    []byte // JSON; nil is {}

	rate       *rate
	retryAfter time.Duration
	changed    bool
	number, id string // of the tracking that the call was about, for the log
	slug       string
	whole      []byte // a body that is not an envelope, with its content type
	mime       string
	cut        cut
}

// cut says how a reply is broken on its way.
type cut int

const (
	cutNot  cut = iota
	cutAll      // the connection is closed before the reply
	cutHalf     // and in the middle of it
)

// ok is an answer without an error.
func ok(data []byte) answer { return answer{http: http.StatusOK, code: http.StatusOK, data: data} }

// of names the tracking that an answer is about.
func (a answer) of(t *tracking) answer {
	a.number, a.id, a.slug = t.number, t.id, t.slug
	return a
}

// ServeHTTP answers a request of the API, or one under /_sandbox/.
func (s *Sandbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, controlPath) {
		s.control(w, r)
		return
	}
	c := &call{http: r, opt: s.opt.Load(), trace: s.trace()}
	bad := c.read()
	s.travel(c)
	c.at = c.opt.now()
	a := s.answer(c, bad)
	s.record(c, a)
	s.delay(c)
	s.travel(c)
	s.send(w, c, a)
}

// read takes the body and finds out what is asked.
func (c *call) read() *answer {
	body, err := io.ReadAll(io.LimitReader(c.http.Body, c.opt.MaxBody+1))
	if err != nil {
		return new(fail(4001))
	}
	c.body = body
	known := false
	c.route, known = parseRoute(c.http.Method, c.http.URL.EscapedPath())
	switch {
	case !known:
		return new(fail(404))
	case int64(len(body)) > c.opt.MaxBody:
		return new(fail(413))
	}
	c.class = c.version.Class(c.endpoint)
	return nil
}

// answer decides what a call gets: first who asks, then how often, then what is asked.
func (s *Sandbox) answer(c *call, bad *answer) answer {
	if a := s.authenticate(c); a != nil {
		return *a
	}
	if bad != nil {
		return *bad
	}
	c.org = s.org(c.key.Account)
	c.fault = s.faults.pick(c, s.chance)
	if a := c.fault.before(c); a != nil {
		return *a
	}
	r, allowed := s.allow(c)
	if !allowed {
		return s.tooMany(c, r)
	}
	a := c.fault.instead(c)
	if a == nil {
		a = new(s.operate(c))
	}
	a.rate = r
	return c.fault.after(c, *a)
}

// allow counts the call against its limits.
func (s *Sandbox) allow(c *call) (*rate, bool) {
	if r, ok := s.limits.takeDay(c.opt, c); !ok {
		return r, false
	}
	return s.limits.take(c.opt, c)
}

// tooMany is the answer to a call beyond the limit.
func (s *Sandbox) tooMany(c *call, r *rate) answer {
	a := fail(429)
	a.rate = r
	wait := r.reset.Sub(c.at)
	if wait > time.Minute {
		a.message += " The limit will be reset at " + r.reset.UTC().Format(time.RFC1123) + "."
	}
	if c.opt.RetryAfter {
		a.retryAfter = max(time.Second, wait)
	}
	return a
}

// operate carries out what is asked.
func (s *Sandbox) operate(c *call) answer {
	if c.opt.NeedContentType && !strings.HasPrefix(c.http.Header.Get("Content-Type"), "application/json") {
		return fail(400)
	}
	switch c.endpoint {
	case aftership.EndpointCreate:
		return s.create(c)
	case aftership.EndpointList:
		return s.list(c)
	case aftership.EndpointCouriers, aftership.EndpointCouriersAll:
		return s.couriers(c)
	case aftership.EndpointDetect:
		return s.detect(c)
	case aftership.EndpointPredict, aftership.EndpointPredictBatch:
		return s.predict(c)
	}
	return s.onTracking(c)
}

// onTracking carries out what concerns one tracking.
func (s *Sandbox) onTracking(c *call) answer {
	c.org.mu.Lock()
	defer c.org.mu.Unlock()
	t, bad := c.find()
	if bad != nil {
		return *bad
	}
	var a answer
	switch c.endpoint {
	case aftership.EndpointGet:
		a = s.get(c, t)
	case aftership.EndpointUpdate:
		a = s.update(c, t)
	case aftership.EndpointDelete:
		a = s.delete(c, t)
	case aftership.EndpointRetrack:
		a = s.retrack(c, t)
	case aftership.EndpointComplete:
		a = s.complete(c, t)
	case aftership.EndpointLastCheckpoint:
		a = s.lastCheckpoint(c, t)
	}
	return a.of(t)
}

// travel is the way between client and server, one direction.
func (s *Sandbox) travel(c *call) {
	d := c.opt.Latency / 2
	if c.opt.Jitter > 0 {
		s.mu.Lock()
		d += time.Duration(s.random.ExpFloat64() * float64(c.opt.Jitter))
		s.mu.Unlock()
	}
	if d > 0 {
		c.opt.Sleep(c.http.Context(), d)
	}
}

// delay makes a slow reply slow.
func (s *Sandbox) delay(c *call) {
	if d := c.fault.delay(); d > 0 {
		c.opt.Sleep(c.http.Context(), d)
	}
}

// chance is a random number below 1.
func (s *Sandbox) chance() float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.random.Float64()
}

// trace is a new trace id.
func (s *Sandbox) trace() string {
	var raw [16]byte
	s.mu.Lock()
	binary.LittleEndian.PutUint64(raw[:8], s.random.Uint64())
	binary.LittleEndian.PutUint64(raw[8:], s.random.Uint64())
	s.mu.Unlock()
	return hex.EncodeToString(raw[:])
}

// newIDs makes the ids of a tracking: 32 characters, and the 24 of the versions up to 2024-04.
func (s *Sandbox) newIDs() (id, legacy string, seq int64) {
	const letters = "0123456789abcdefghijklmnopqrstuvwxyz"
	var raw [32]byte
	s.mu.Lock()
	s.lastSeq++
	seq = s.lastSeq
	for i := range raw {
		raw[i] = letters[s.random.IntN(len(letters))]
	}
	s.mu.Unlock()
	return string(raw[:]), string(raw[:24]), seq
}
