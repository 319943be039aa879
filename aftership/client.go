package aftership

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

const (
	// DefaultBaseURL is where the API lives; the version's path is added to it.
	DefaultBaseURL = "https://api.aftership.com"
	// DefaultTimeout is the deadline of one request, from leave to the last byte of the reply.
	DefaultTimeout = 30 * time.Second
	// DefaultMaxBody is the longest reply that is read. A page of 200 trackings with long histories is a few megabytes.
	DefaultMaxBody = 32 << 20
)

// ErrUnsupported marks a call that the client's version of the API does not offer. Nothing was sent.
var ErrUnsupported = errors.New("not offered by this version of the API")

// Options says how a [Client] reaches AfterShip and as whom.
type Options struct {
	// BaseURL is the address without the version's path. Defaults to DefaultBaseURL.
	BaseURL string
	// APIKey names the account. It stands in a header of every request, and in no error.
	APIKey string `json:"-"`
	// Signer signs requests, for keys of the type AES or RSA. Defaults to none.
	Signer Signer `json:"-"`
	// Version is the version of the API. Defaults to DefaultVersion.
	Version Version
	// HTTP sends the requests; redirects are never followed, as they would carry the key elsewhere. Defaults to a client
	// that keeps up to 256 connections open.
	HTTP *http.Client `json:"-"`
	// Limiter gives leave for each request. Defaults to none: requests go out at once.
	Limiter Limiter `json:"-"`
	// Timeout is the deadline of one request; waiting for leave does not count. Too short makes creates ambiguous, which
	// costs a second call each; too long keeps a worker on a dead connection. Defaults to DefaultTimeout.
	Timeout time.Duration
	// UserAgent names the program to AfterShip. Defaults to "aftership-bulk".
	UserAgent string
	// Now is the clock for signatures and for what the limiter is told. Defaults to time.Now.
	Now func() time.Time `json:"-"`
	// MaxBody is the longest reply in bytes that is read. Defaults to DefaultMaxBody.
	MaxBody int64
}

// String leaves the secrets out.
func (o Options) String() string { return fmt.Sprintf("AfterShip %s at %s", o.Version, o.BaseURL) }

// GoString leaves the secrets out.
func (o Options) GoString() string { return o.String() }

// Client speaks one version of the Tracking API for one account. It may be used by several goroutines at once.
type Client struct {
	base      *url.URL
	key       string
	signer    Signer
	version   Version
	http      *http.Client
	limiter   Limiter
	timeout   time.Duration
	userAgent string
	now       func() time.Time
	maxBody   int64
	observer  func(Called) // nil for none
}

// New makes a client. It sends nothing; an error says which option is wrong.
func New(o Options) (*Client, error) {
	o = o.withDefaults()
	key := strings.TrimSpace(o.APIKey)
	if err := checkKey(key); err != nil {
		return nil, err
	}
	if !o.Version.Known() {
		_, err := ParseVersion(string(o.Version))
		return nil, err
	}
	base, err := parseBase(o.BaseURL)
	if err != nil {
		return nil, err
	}
	return &Client{base: base, key: key, signer: o.Signer, version: o.Version, http: unredirected(o.HTTP), limiter: o.Limiter,
		timeout: o.Timeout, userAgent: o.UserAgent, now: o.Now, maxBody: o.MaxBody}, nil
}

func (o Options) withDefaults() Options {
	o.BaseURL = firstOf(o.BaseURL, DefaultBaseURL)
	o.Version = firstOf(o.Version, DefaultVersion)
	o.UserAgent = firstOf(o.UserAgent, "aftership-bulk")
	o.Timeout = firstOf(o.Timeout, DefaultTimeout)
	o.MaxBody = firstOf(o.MaxBody, DefaultMaxBody)
	if o.HTTP == nil {
		o.HTTP = &http.Client{Transport: newTransport()}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// firstOf is the value, or the fallback where the value is zero.
func firstOf[T comparable](value, fallback T) T {
	var zero T
	if value == zero {
		return fallback
	}
	return value
}

// newTransport keeps more idle connections to the one host than Go's default of two, or every burst would dial anew.
func newTransport() http.RoundTripper {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConns, t.MaxIdleConnsPerHost = 256, 256
	return t
}

func unredirected(c *http.Client) *http.Client {
	copied := *c
	copied.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &copied
}

// checkKey refuses what cannot stand in a header. The key itself stays out of the error.
func checkKey(key string) error {
	if key == "" {
		return errors.New("the AfterShip API key is empty: make one in AfterShip's admin under Settings > API keys")
	}
	for _, r := range key {
		if r <= ' ' || r > '~' {
			return errors.New("the AfterShip API key holds a space or a character outside ASCII: copy it again")
		}
	}
	return nil
}

func parseBase(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return nil, errors.New("the AfterShip base URL cannot be read: it should look like " + DefaultBaseURL)
	case u.User != nil:
		return nil, errors.New("the AfterShip base URL must not hold a user or password")
	case u.Scheme != "https" && u.Scheme != "http", u.Host == "", u.RawQuery != "", u.Fragment != "":
		return nil, fmt.Errorf("the AfterShip base URL %q should look like %s", raw, DefaultBaseURL)
	}
	u.Path, u.RawPath = strings.TrimRight(u.Path, "/"), ""
	return u, nil
}

// With is the same client under another limiter; the connections are shared.
func (c *Client) With(l Limiter) *Client {
	copied := *c
	copied.limiter = l
	return &copied
}

// Version is the version of the API that the client speaks.
func (c *Client) Version() Version { return c.version }

// String leaves the secrets out.
func (c *Client) String() string { return fmt.Sprintf("AfterShip %s at %s", c.version, c.base) }

// GoString leaves the secrets out.
func (c *Client) GoString() string { return c.String() }

// request is a call before it has become HTTP.
type request struct {
	endpoint Endpoint
	method   string
	path     []string // segments after the version's base path, not escaped
	query    url.Values
	body     any // nil is none
}

// call does one request: leave, deadline, sending, judging. There is no second try in it.
func (c *Client) call(ctx context.Context, r request) (*answer, error) {
	if !c.version.Has(r.endpoint) {
		return nil, fmt.Errorf("aftership: %s: %w (%s)", r.endpoint, ErrUnsupported, c.version)
	}
	body, err := r.encode()
	if err != nil {
		return nil, err
	}
	target, err := c.target(r)
	if err != nil {
		return nil, err
	}
	if err := c.wait(ctx, r.endpoint); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	began := c.now()
	a, err := c.send(ctx, r, target, body)
	c.tell(r, a, err, began)
	return a, err
}

func (r request) encode() ([]byte, error) {
	if r.body == nil {
		return nil, nil
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(r.body); err != nil {
		return nil, fmt.Errorf("aftership: %s: cannot write the body: %w", r.endpoint, err)
	}
	return bytes.TrimRight(buf.Bytes(), "\n"), nil
}

// target is the address of the request. A tracking number may hold a slash, so each segment is escaped by itself.
func (c *Client) target(r request) (string, error) {
	u := *c.base
	u.Path += c.version.BasePath()
	for _, segment := range r.path {
		if segment == "" || segment == "." || segment == ".." {
			return "", fmt.Errorf("aftership: %s: %q cannot stand in an address", r.endpoint, segment)
		}
		u.RawPath = u.EscapedPath() + "/" + url.PathEscape(segment)
		u.Path += "/" + segment
	}
	u.RawQuery = encodeQuery(r.query)
	return u.String(), nil
}

// encodeQuery sorts by name, as the sign string asks, and writes a space as %20: which form AfterShip recomputes for a
// space is not documented, and its own Node SDK sends this one.
func encodeQuery(q url.Values) string { return strings.ReplaceAll(q.Encode(), "+", "%20") }

func (c *Client) wait(ctx context.Context, ep Endpoint) error {
	if c.limiter == nil {
		return nil
	}
	if err := c.limiter.Wait(ctx, c.version.Class(ep)); err != nil {
		return fmt.Errorf("aftership: %s: no leave to send: %w", ep, err)
	}
	return nil
}

func (c *Client) send(ctx context.Context, r request, target string, body []byte) (*answer, error) {
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }})
	req, err := c.newRequest(ctx, r, target, body)
	if err != nil {
		return nil, err
	}
	sent := c.now()
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, unanswered(r.endpoint, err, connected.Load())
	}
	defer resp.Body.Close()
	a := c.newAnswer(r.endpoint, resp, sent)
	text, err := c.read(resp)
	return a, a.judge(text, err, c.key)
}

func (c *Client) newRequest(ctx context.Context, r request, target string, body []byte) (*http.Request, error) {
	var reader io.Reader
	if len(body) > 0 {
		reader = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, target, reader)
	if err != nil {
		return nil, fmt.Errorf("aftership: %s: cannot make the request: %w", r.endpoint, err)
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Content-Type", "application/json") // AfterShip's OpenAPI document asks for it on every operation
	req.Header.Set("User-Agent", c.userAgent)
	if c.signer == nil {
		req.Header.Set(c.version.KeyHeader(), c.key)
		return req, nil
	}
	req.Header.Set("as-api-key", c.key) // v4 takes it too, and only as- headers are signed
	return req, sign(req, body, c.signer, c.now())
}

func (c *Client) newAnswer(ep Endpoint, resp *http.Response, sent time.Time) *answer {
	a := &answer{endpoint: ep, class: c.version.Class(ep), status: resp.StatusCode,
		contentType: resp.Header.Get("Content-Type"), trace: resp.Header.Get("as-trace-id")}
	a.rate = rateHeaders(resp, sent, c.now())
	if c.limiter != nil {
		c.limiter.Observe(a.class, a.rate)
	}
	return a
}

var errTooLarge = errors.New("the reply is longer than the client reads")

// read takes the whole body, so that the connection can be used again.
func (c *Client) read(resp *http.Response) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(resp.Body, c.maxBody+1))
	if err == nil && int64(len(text)) > c.maxBody {
		return nil, errTooLarge
	}
	return text, err
}
