package sandbox

import (
	"net"
	"net/http"
	"strconv"
	"time"

	"aftership-bulk/aftership"
)

// send writes the answer, as whole as it is meant to arrive.
func (s *Sandbox) send(w http.ResponseWriter, c *call, a answer) {
	if a.cut == cutAll {
		sever(w)
		return
	}
	body, mime := a.whole, a.mime
	if body == nil {
		body, mime = a.envelope(c), "application/json; charset=utf-8"
	}
	h := w.Header()
	s.headers(h, c, a)
	h["Content-Type"] = []string{mime}
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.WriteHeader(a.http)
	if a.cut == cutHalf {
		w.Write(body[:len(body)/2]) //nolint:errcheck // the connection is cut next
		http.NewResponseController(w).Flush()
		sever(w)
		return
	}
	w.Write(body) //nolint:errcheck // a client that went away is none of the server's business
}

// sever cuts the connection at once. Where there is none, as with a recorder, the server's own way out is taken.
func sever(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		tcp.SetLinger(0) //nolint:errcheck // then it closes politely
	}
	conn.Close()
}

// envelope writes {"meta": ..., "data": ...}.
func (a answer) envelope(c *call) []byte {
	meta := newObject()
	meta.num("code", a.code)
	if a.code >= 300 {
		meta.str("message", a.message)
		meta.str("type", a.kind)
	}
	o := newSized(len(a.data) + 256)
	o.raw("meta", meta.end())
	if a.data == nil {
		a.data = []byte("{}")
	}
	o.raw("data", a.data)
	if !c.opt.ExtraValueWrap || a.http >= 300 || !extraWrapped(c.endpoint) {
		return o.end()
	}
	wrapped := newObject()
	wrapped.raw("value", o.end())
	return wrapped.end()
}

// extraWrapped lists the endpoints whose pages show an extra {"value": ...}.
func extraWrapped(e aftership.Endpoint) bool {
	return e == aftership.EndpointUpdate || e == aftership.EndpointDelete || e == aftership.EndpointLastCheckpoint
}

// headers writes the vendor's headers. Canonical names are set directly, for speed.
func (s *Sandbox) headers(h http.Header, c *call, a answer) {
	h["Date"] = []string{c.opt.now().UTC().Format(http.TimeFormat)}
	h["As-Trace-Id"] = []string{c.trace}
	h["As-Req-Source"] = []string{"gateway"}
	if c.version != aftership.V4 && c.version.Known() {
		h["As-Api-Version"] = []string{string(c.version)}
	}
	if a.retryAfter > 0 {
		h["Retry-After"] = []string{strconv.Itoa(int((a.retryAfter + time.Second - 1) / time.Second))}
	}
	if a.rate == nil || a.http == http.StatusUnauthorized || a.http == http.StatusForbidden {
		return // the recorded 403 has none
	}
	reset := a.rate.seconds()
	if early := c.opt.ResetEarly; early > 0 && s.chance() < early {
		reset--
	}
	h["X-Ratelimit-Limit"] = []string{strconv.Itoa(a.rate.limit)}
	h["X-Ratelimit-Remaining"] = []string{strconv.Itoa(a.rate.remaining)}
	h["X-Ratelimit-Reset"] = []string{strconv.FormatInt(reset, 10)}
}
