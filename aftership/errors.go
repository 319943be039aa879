package aftership

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"
)

// maxMessage bounds the message of an [Error]: a page of HTML is of no use in a report.
const maxMessage = 1000

// Error is a refusal: AfterShip, or the network edge before it, answered and did not do what was asked.
type Error struct {
	HTTP     int
	Code     int       // meta.code; the HTTP status where the reply has none
	Type     string    // meta.type
	Message  string    // meta.message, or a sentence about the reply where it is not JSON; never holds the API key
	Fields   []string  // the columns that codes 4008, 4009 and 4011 name
	Existing *Existing // the tracking that code 4003 is about, where the reply names it
	TraceID  string    // what AfterShip's support asks for
	Date     time.Time // AfterShip's clock
	Rate     RateHeaders
	JSON     bool // false: HTML, an empty body or plain text, so probably not from the API itself
	Endpoint Endpoint
	Class    Class
}

// Existing is the tracking that stands in the way of a create. The reply of code 4003 repeats the request's fields, so
// its slug is not told here: it need not be the stored one.
type Existing struct {
	ID        string
	CreatedAt time.Time // zero where the reply does not say
}

// Error says what was refused, why, and under which trace id AfterShip's support finds it.
func (e *Error) Error() string {
	text := fmt.Sprintf("aftership: %s: %d", e.Endpoint, e.Code)
	if e.Type != "" {
		text += " " + e.Type
	}
	text += ": " + e.Message
	if e.TraceID != "" {
		text += " (trace " + e.TraceID + ")"
	}
	return text
}

// Known reports whether the code stands in AfterShip's table.
func (e *Error) Known() bool {
	_, ok := LookupCode(e.Code)
	return ok
}

// Exists reports that the tracking is there already. The status 409 is documented nowhere for trackings, but it could
// mean nothing else.
func (e *Error) Exists() bool { return e.Code == CodeExists || e.Code == http.StatusConflict }

// Quota reports that the account's quota or plan seems to stand in the way: a client error with a code that AfterShip's
// table does not know and a text that speaks of it. A known code never does, whatever its text.
func (e *Error) Quota() bool {
	return e.JSON && e.HTTP >= 400 && e.HTTP < 500 && !e.Known() && !e.Exists() && quotaText.MatchString(e.Message)
}

// Detail is which cause code 4012 has; it is empty for other codes and for a text that is not documented.
func (e *Error) Detail() Detail {
	if e.Code != CodeCourierUnresolved {
		return ""
	}
	message := strings.ToLower(e.Message)
	for _, t := range detailTexts {
		if strings.Contains(message, t.part) {
			return t.detail
		}
	}
	return ""
}

// TooMany reports that a limit was exceeded.
func (e *Error) TooMany() bool { return e.Code == CodeTooMany || e.HTTP == http.StatusTooManyRequests }

// Reset is when, by our clock, a 429 says that requests are taken again.
func (e *Error) Reset() (time.Time, bool) {
	if !e.TooMany() {
		return time.Time{}, false
	}
	return e.Rate.Until()
}

// NoAnswer is why no usable answer came.
type NoAnswer string

// The reasons. All but the first leave open whether the request had its effect.
const (
	NoAnswerUnreachable NoAnswer = "unreachable" // no connection: name not found, refused, TLS failed
	NoAnswerTimeout     NoAnswer = "timeout"     // the deadline of the request or of the caller passed
	NoAnswerCancelled   NoAnswer = "cancelled"   // the caller gave up
	NoAnswerReset       NoAnswer = "reset"       // the connection broke
	NoAnswerClosed      NoAnswer = "closed"      // the connection was closed without a reply
	NoAnswerTruncated   NoAnswer = "truncated"   // the reply ends too early
	NoAnswerMalformed   NoAnswer = "malformed"   // a success that is not JSON, or without what it should hold
	NoAnswerTooLarge    NoAnswer = "too_large"   // the reply is longer than Options.MaxBody
)

// NoAnswers lists the reasons.
func NoAnswers() []NoAnswer {
	return []NoAnswer{NoAnswerUnreachable, NoAnswerTimeout, NoAnswerCancelled, NoAnswerReset, NoAnswerClosed,
		NoAnswerTruncated, NoAnswerMalformed, NoAnswerTooLarge}
}

// NoAnswerError is a request without a usable answer.
type NoAnswerError struct {
	Sent     bool // false: there never was a connection, so nothing reached AfterShip. True: it may have
	Kind     NoAnswer
	Err      error // the cause; a cancelled or expired context is found in it with errors.Is
	HTTP     int   // the status, where one came
	TraceID  string
	Endpoint Endpoint
}

// Error says what is missing, and whether the request can have had its effect.
func (e *NoAnswerError) Error() string {
	effect := "nothing was sent"
	if e.Sent {
		effect = "it may have had its effect"
	}
	text := fmt.Sprintf("aftership: %s: no usable answer (%s), %s: %v", e.Endpoint, e.Kind, effect, e.Err)
	if e.TraceID != "" {
		text += " (trace " + e.TraceID + ")"
	}
	return text
}

// Unwrap is the cause.
func (e *NoAnswerError) Unwrap() error { return e.Err }

// unanswered makes the error of a request that got no status.
func unanswered(ep Endpoint, err error, connected bool) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err // the address adds nothing
	}
	return &NoAnswerError{Endpoint: ep, Sent: connected, Kind: kindOf(err, connected), Err: err}
}

func kindOf(err error, connected bool) NoAnswer {
	timeout, ok := errors.AsType[net.Error](err)
	switch {
	case errors.Is(err, context.Canceled):
		return NoAnswerCancelled
	case errors.Is(err, context.DeadlineExceeded), ok && timeout.Timeout():
		return NoAnswerTimeout
	case !connected:
		return NoAnswerUnreachable
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return NoAnswerClosed
	}
	return NoAnswerReset
}

// answer is a reply whose status and headers have come.
type answer struct {
	endpoint    Endpoint
	class       Class
	status      int
	contentType string
	trace       string
	rate        RateHeaders
	data        json.RawMessage // of a success
}

// judge is the one function from a reply to an error. It keeps data where the reply is a success.
func (a *answer) judge(text []byte, readErr error, key string) error {
	env, parseErr := parseEnvelope(text)
	switch {
	case readErr != nil && !a.telling():
		return a.unreadable(bodyKind(readErr), readErr)
	case a.success() && parseErr != nil:
		return a.unreadable(parseKind(text, parseErr), parseErr)
	case a.success() && env.Meta.good():
		a.data = env.Data
		return nil
	case len(text) > 0 && parseErr != nil && !a.telling() && parseKind(text, parseErr) == NoAnswerTruncated:
		return a.unreadable(NoAnswerTruncated, parseErr)
	case parseErr != nil || readErr != nil:
		return a.foreign(len(text))
	}
	return a.refusal(env, key)
}

func (a *answer) success() bool { return a.status >= 200 && a.status < 300 }

// telling reports that the status says all there is to know, so that a cut-off body does no harm. A cut-off 400 is
// different: it may be a 4003.
func (a *answer) telling() bool {
	return a.status == CodeUnauthorized || a.status == CodeForbidden || a.status == CodeTooMany || a.status >= 500
}

func (a *answer) unreadable(kind NoAnswer, err error) error {
	return &NoAnswerError{Endpoint: a.endpoint, Sent: true, Kind: kind, Err: err, HTTP: a.status, TraceID: a.trace}
}

// foreign is a refusal that is not in the API's form: an edge's HTML page, an empty body, a redirect.
func (a *answer) foreign(size int) *Error {
	what := "an empty body"
	if size > 0 {
		what = fmt.Sprintf("%d bytes of %s", size, firstOf(a.contentType, "unknown type"))
	}
	e := a.newError()
	e.Code = a.status
	e.Message = strings.TrimSpace(fmt.Sprintf("HTTP %d %s", a.status, http.StatusText(a.status))) + " with " + what + " instead of JSON"
	return e
}

func (a *answer) refusal(env envelope, key string) *Error {
	e := a.newError()
	e.JSON = true
	e.Code = env.Meta.Code
	if env.Meta.good() { // a success's code, or none, under the status of a refusal
		e.Code = a.status
	}
	e.Type = cleanText(env.Meta.Type, key)
	e.Message = cleanText(firstOf(env.Meta.Message, http.StatusText(a.status)), key)
	e.Fields = namedFields(e.Code, e.Message)
	if e.Exists() {
		e.Existing = decodeExisting(env.Data)
	}
	return e
}

func (a *answer) newError() *Error {
	return &Error{HTTP: a.status, TraceID: a.trace, Date: a.rate.Date, Rate: a.rate, Endpoint: a.endpoint, Class: a.class}
}

// cleanText makes a text from outside fit for errors and reports: short, valid, and without the key, should it be quoted.
func cleanText(s, key string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if key != "" {
		s = strings.ReplaceAll(s, key, "[API key]")
	}
	for i := range s {
		if utf8.RuneCountInString(s[:i]) == maxMessage {
			return s[:i] + "…"
		}
	}
	return s
}

// envelope is the form of every reply: {"meta": {...}, "data": ...}.
type envelope struct {
	Meta meta
	Data json.RawMessage
}

type meta struct {
	Code          int
	Type, Message string
}

// good reports a success's code; a reply without a code is judged by its status.
func (m meta) good() bool { return m.Code == 0 || m.Code >= 200 && m.Code < 300 }

var errNotReply = errors.New("the body is JSON but not a reply of the API: it has neither meta nor data")

// parseEnvelope reads a body. Two pages of AfterShip's docs show replies inside an extra {"value": ...}; both are read.
func parseEnvelope(text []byte) (envelope, error) {
	if err := checkJSON(text); err != nil {
		return envelope{}, err
	}
	o := parseObject(text)
	if value := o.object("value"); o["meta"] == nil && o["data"] == nil && value != nil {
		o = value
	}
	if o["meta"] == nil && o["data"] == nil {
		return envelope{}, errNotReply
	}
	m := o.object("meta")
	return envelope{meta{Code: m.int("code"), Type: m.text("type"), Message: m.text("message")}, o["data"]}, nil
}

// checkJSON says where a body stops being JSON. To find that it is JSON takes half as long as to look for the error.
func checkJSON(text []byte) error {
	if json.Valid(text) {
		return nil
	}
	var all json.RawMessage
	return json.Unmarshal(text, &all)
}

func bodyKind(err error) NoAnswer {
	switch kind := kindOf(err, true); {
	case errors.Is(err, errTooLarge):
		return NoAnswerTooLarge
	case kind == NoAnswerClosed:
		return NoAnswerTruncated
	default:
		return kind
	}
}

// parseKind tells a body that ends too early from one that is something else.
func parseKind(text []byte, err error) NoAnswer {
	syntax, ok := errors.AsType[*json.SyntaxError](err)
	started := bytes.HasPrefix(bytes.TrimSpace(text), []byte("{"))
	if len(bytes.TrimSpace(text)) == 0 || ok && started && syntax.Offset >= int64(len(text)) {
		return NoAnswerTruncated
	}
	return NoAnswerMalformed
}
