package sandbox

import (
	"encoding/json"
	"io"
	"maps"
	"strconv"
	"sync"
	"time"

	"aftership-bulk/aftership"
)

// Call is a line of the log: a request and what became of it.
type Call struct {
	Seq      int64              `json:"seq"` // counts from 1
	At       time.Time          `json:"at"`  // of arrival, on the sandbox' clock
	Method   string             `json:"method"`
	Path     string             `json:"path"`
	Query    string             `json:"query,omitzero"`
	Version  aftership.Version  `json:"version,omitzero"`
	Endpoint aftership.Endpoint `json:"endpoint,omitzero"` // empty for a path that is none
	Class    aftership.Class    `json:"class,omitzero"`
	Key      string             `json:"key,omitzero"` // its name; empty if the key was refused
	Account  string             `json:"account,omitzero"`
	Number   string             `json:"number,omitzero"` // of the tracking that the call was about, if it is known
	Slug     string             `json:"slug,omitzero"`
	ID       string             `json:"id,omitzero"`
	HTTP     int                `json:"http"` // as sent, or as it would have been when Lost
	Code     int                `json:"code"` // meta.code
	Changed  bool               `json:"changed,omitzero"`
	Lost     bool               `json:"lost,omitzero"`  // the client never got the whole reply: it was cut off
	Limit    int                `json:"limit,omitzero"` // the limit in force, -1 for none
	Fault    string             `json:"fault,omitzero"` // the ID of the fault that it met
	Kind     FaultKind          `json:"kind,omitzero"`  // and its kind
	Trace    string             `json:"trace"`
	Body     json.RawMessage    `json:"body,omitzero"` // with Options.LogBodies, if it is JSON
}

// Stats counts every call since the start or the last clearing of the log, kept or not.
type Stats struct {
	Calls   int64           `json:"calls"`
	Changed int64           `json:"changed"`
	Lost    int64           `json:"lost"`
	Codes   map[int]int64   `json:"codes"`   // by meta.code
	Classes map[string]Rate `json:"classes"` // by class
	Dropped int64           `json:"dropped"` // lines that the log no longer holds
}

// Rate counts the calls of a class.
type Rate struct {
	Calls   int64     `json:"calls"`
	TooMany int64     `json:"too_many"` // answered 429
	First   time.Time `json:"first"`
	Last    time.Time `json:"last"`
}

// callLog is a ring of the newest calls.
type callLog struct {
	mu    sync.Mutex
	size  int
	ring  []Call
	next  int // the place of the next call once the ring is full
	seq   int64
	stats Stats
	to    io.Writer
	err   error // the first of writing
}

// resize keeps the newest calls; a negative size keeps none.
func (l *callLog) resize(size int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	size = max(0, size)
	if size == l.size {
		return
	}
	kept := l.inOrder()
	l.ring = append([]Call(nil), kept[max(0, len(kept)-size):]...)
	l.size, l.next = size, 0
}

func (l *callLog) inOrder() []Call {
	if len(l.ring) < l.size {
		return l.ring
	}
	return append(append([]Call(nil), l.ring[l.next:]...), l.ring[:l.next]...)
}

// add writes a call down.
func (l *callLog) add(c Call) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seq++
	c.Seq = l.seq
	l.stats.count(c)
	switch {
	case l.size == 0:
	case len(l.ring) < l.size:
		l.ring = append(l.ring, c)
	default:
		l.ring[l.next] = c
		l.next = (l.next + 1) % l.size
	}
	if l.to == nil || l.err != nil {
		return
	}
	line, err := json.Marshal(c)
	if err == nil {
		_, err = l.to.Write(append(line, '\n'))
	}
	l.err = err
}

func (s *Stats) count(c Call) {
	if s.Codes == nil {
		s.Codes, s.Classes = map[int]int64{}, map[string]Rate{}
	}
	s.Calls++
	s.Codes[c.Code]++
	s.Changed += one(c.Changed)
	s.Lost += one(c.Lost)
	if c.Class == "" {
		return
	}
	r := s.Classes[string(c.Class)]
	r.Calls++
	r.TooMany += one(c.Code == 429)
	if r.First.IsZero() {
		r.First = c.At
	}
	r.Last = c.At
	s.Classes[string(c.Class)] = r
}

func one(yes bool) int64 {
	if yes {
		return 1
	}
	return 0
}

// clear forgets every call and count; numbers go on.
func (l *callLog) clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ring, l.next, l.stats = nil, 0, Stats{}
}

// Calls returns the calls that the log holds, oldest first. A call is in the log before its reply is on its way.
func (s *Sandbox) Calls() []Call {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	return append([]Call(nil), s.log.inOrder()...)
}

// ClearCalls empties the log and the counts.
func (s *Sandbox) ClearCalls() { s.log.clear() }

// Stats returns the counts.
func (s *Sandbox) Stats() Stats {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	counts := s.log.stats
	counts.Codes, counts.Classes = maps.Clone(counts.Codes), maps.Clone(counts.Classes)
	counts.Dropped = counts.Calls - int64(len(s.log.ring))
	return counts
}

// LogError is the first error of writing to Options.LogTo; nothing is written after it.
func (s *Sandbox) LogError() error {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	return s.log.err
}

// record puts a call and its answer into the log.
func (s *Sandbox) record(c *call, a answer) {
	line := Call{At: c.at, Method: c.http.Method, Path: c.http.URL.Path, Query: c.http.URL.RawQuery, Version: c.version,
		Endpoint: c.endpoint, Class: c.class, Key: c.key.Name, Account: c.key.Account, Number: or(a.number, c.number),
		Slug: or(a.slug, c.slug), ID: or(a.id, c.id), HTTP: a.http, Code: a.code, Changed: a.changed, Lost: a.cut != cutNot,
		Trace: c.trace}
	if a.rate != nil {
		line.Limit = a.rate.limit
	} else if c.class != "" {
		line.Limit = c.opt.limit(c.version, c.class)
	}
	if c.fault != nil {
		line.Fault, line.Kind = c.fault.ID, c.fault.Kind
	}
	if c.opt.LogBodies && json.Valid(c.body) {
		line.Body = c.body
	}
	s.log.add(line)
}

// itoa is short for a common need.
func itoa(n int) string { return strconv.Itoa(n) }
