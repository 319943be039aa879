// Package fetch gets a file from an https address.
//
// An address is given by whoever may start an import, and the request goes out from inside somebody's network. So nothing
// but https is spoken, and no address that is private, of the machine itself or of its link is connected to, however it was
// come by: the resolved address of every connection is looked at when it is dialled, after any redirect and whatever a name
// server says the second time. For the same reason no proxy is used, as it would do the resolving. [Options.AllowPrivate]
// lifts this for files in one's own network, and allows plain http too, which is all that such servers often speak.
//
// Keys in an address (https://user:secret@host/, ?token=secret) stay out of errors.
package fetch

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"path"
	"strings"
	"syscall"
	"time"
	"unicode"
)

// Options bounds a download. The zero value is for files of people.
type Options struct {
	MaxBytes     int64           // of the file; defaults to 2 GiB
	Timeout      time.Duration   // for everything up to the file's last byte; defaults to ten minutes
	AllowPrivate bool            // allows http and addresses of private networks
	UserAgent    string          // defaults to "aftership-bulk"
	Transport    *http.Transport // what connections are made with, but for dialling and proxies, which are ours; for tests
}

const mostRedirects = 5

// IsAddress says that a name given in place of a file is an address: that it has a scheme of the web.
func IsAddress(name string) bool {
	scheme, _, ok := strings.Cut(name, "://")
	return ok && (strings.EqualFold(scheme, "https") || strings.EqualFold(scheme, "http"))
}

// Open asks for a file and returns it with its name, for a person to read. The body ends with an error if the file is larger
// or slower than is allowed, or was cut off. Close it.
func Open(ctx context.Context, address string, o Options) (body io.ReadCloser, name string, err error) {
	o.MaxBytes = cmp.Or(o.MaxBytes, 2<<30)
	o.Timeout = cmp.Or(o.Timeout, 10*time.Minute)
	o.UserAgent = cmp.Or(o.UserAgent, "aftership-bulk")
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil || u.Host == "" { // the error of url.Parse shows the address with what is secret in it
		return nil, "", errors.New("the address can't be read; it should look like https://example.com/orders.csv")
	}
	if err := o.check(u); err != nil {
		return nil, "", err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, o.Timeout, &slowError{o.Timeout})
	f := &file{cancel: cancel, ctx: ctx, shown: Shown(u), left: o.MaxBytes, most: o.MaxBytes}
	if err := f.get(u, o); err != nil {
		return nil, "", errors.Join(err, f.Close())
	}
	return f, f.name, nil
}

// Shown is an address without what may be secret in it: user, password, query and fragment.
func Shown(u *url.URL) string {
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

// check refuses addresses by their scheme.
func (o Options) check(u *url.URL) error {
	switch {
	case u.Scheme == "https", u.Scheme == "http" && o.AllowPrivate:
		return nil
	case u.Scheme == "http":
		return fmt.Errorf("%s: only https addresses are fetched, because anybody on the way could change what comes over http; use https, or say --allow-private-address if the server is your own", Shown(u))
	}
	return fmt.Errorf("%s: only https addresses are fetched", Shown(u))
}

// slowError is the cause of a context that ended for the time-out.
type slowError struct{ timeout time.Duration }

func (e *slowError) Error() string {
	return fmt.Sprintf("it took longer than %s; try again, or allow more time", e.timeout)
}

// file is a body that keeps to the limits.
type file struct {
	io.Reader
	ctx        context.Context
	cancel     context.CancelFunc
	body       io.Closer
	shown      string
	name       string
	left, most int64
}

func (f *file) get(u *url.URL, o Options) error {
	req, err := http.NewRequestWithContext(f.ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return errors.New("the address can't be read; it should look like https://example.com/orders.csv")
	}
	req.Header.Set("User-Agent", o.UserAgent)
	req.Header.Set("Accept", "text/csv, application/vnd.openxmlformats-officedocument.spreadsheetml.sheet, text/plain, */*;q=0.5")
	resp, err := o.client().Do(req)
	if err != nil {
		return f.describe(err)
	}
	f.body = resp.Body
	return f.accept(resp)
}

// accept looks at what was answered before its body is handed out.
func (f *file) accept(resp *http.Response) error {
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s; %s", f.shown, status(resp), remedy(resp.StatusCode))
	}
	if resp.ContentLength > f.most {
		return f.tooLarge()
	}
	in := bufio.NewReader(resp.Body)
	head, err := in.Peek(512)
	if err = f.unlessCutOff(err); err != nil && !errors.Is(err, io.EOF) {
		return f.describe(err)
	}
	if isPage(resp.Header.Get("Content-Type"), head) {
		return fmt.Errorf("%s answered with a web page instead of a file; %s", f.shown, pageRemedy(resp.Request.URL))
	}
	f.Reader, f.name = in, fileName(resp)
	return nil
}

// Read reads the file up to its limits.
func (f *file) Read(p []byte) (int, error) {
	n, err := f.Reader.Read(p)
	if f.left -= int64(n); f.left < 0 {
		return 0, f.tooLarge()
	}
	if err = f.unlessCutOff(err); err != nil && !errors.Is(err, io.EOF) {
		return n, f.describe(err)
	}
	return n, err
}

// unlessCutOff takes the end of a body for what it is: one that comes as we give up waiting may be the server's answer to that.
func (f *file) unlessCutOff(err error) error {
	if err != nil && f.ctx.Err() != nil {
		return context.Cause(f.ctx)
	}
	return err
}

// Close ends the download.
func (f *file) Close() error {
	defer f.cancel()
	if f.body == nil {
		return nil
	}
	return f.body.Close()
}

func (f *file) tooLarge() error {
	return fmt.Errorf("%s: the file is larger than %d bytes, which is the limit; split it, or allow more", f.shown, f.most)
}

// describe says what went wrong, without the address as it was given.
func (f *file) describe(err error) error {
	if outer, ok := errors.AsType[*url.Error](err); ok {
		err = outer.Err
	}
	if slow, ok := errors.AsType[*slowError](context.Cause(f.ctx)); ok {
		err = slow
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%s: the download ended before the file did; try again", f.shown)
	}
	return fmt.Errorf("can't get %s: %w", f.shown, err)
}

// status is the answer's status as it should read, for servers may write anything.
func status(resp *http.Response) string {
	return strings.TrimSpace(fmt.Sprintf("%d %s", resp.StatusCode, http.StatusText(resp.StatusCode)))
}

// remedy says what to do about a status.
func remedy(status int) string {
	switch {
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return "the file needs a login; use an address that works without one (test it in a private window of a browser), or download the file"
	case status == http.StatusNotFound, status == http.StatusGone:
		return "check the address; links to exports often end after some days"
	case status == http.StatusTooManyRequests, status >= 500:
		return "try again later"
	}
	return "test the address in a private window of a browser"
}

// isPage tells a web page from a file: by its type, unless it surely is none, or by how it begins.
func isPage(contentType string, head []byte) bool {
	media, _, err := mime.ParseMediaType(contentType)
	text := bytes.ToLower(bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\uFEFF")), " \t\r\n"))
	for _, begin := range []string{"<!doctype html", "<html", "<head", "<script"} {
		if bytes.HasPrefix(text, []byte(begin)) {
			return true
		}
	}
	return err == nil && (media == "text/html" || media == "application/xhtml+xml") && bytes.HasPrefix(text, []byte("<"))
}

func pageRemedy(u *url.URL) string {
	if u.Hostname() == "docs.google.com" || u.Hostname() == "accounts.google.com" {
		return "share the Google sheet with everybody who has the link, and end the address in /export?format=csv instead of /edit"
	}
	return "it may be a login page: use the address of the export itself, which works without a login (test it in a private window of a browser)"
}

// fileName is the name that the server gives the file, or the end of the address.
func fileName(resp *http.Response) string {
	name := ""
	if _, params, err := mime.ParseMediaType(resp.Header.Get("Content-Disposition")); err == nil {
		name = params["filename"]
	}
	for _, name := range []string{name, resp.Request.URL.Path} {
		name = path.Base(strings.ReplaceAll(name, "\\", "/"))
		name = strings.TrimSpace(strings.Map(func(r rune) rune {
			if unicode.IsControl(r) {
				return -1
			}
			return r
		}, name))
		if runes := []rune(name); len(runes) > 100 {
			name = string(runes[:100])
		}
		if name != "" && name != "." && name != "/" {
			return name
		}
	}
	return resp.Request.URL.Hostname()
}

// client makes a client that keeps to the rules at every step.
func (o Options) client() *http.Client {
	t := &http.Transport{}
	if o.Transport != nil {
		t = o.Transport.Clone()
	}
	dialer := &net.Dialer{Timeout: 30 * time.Second}
	if !o.AllowPrivate {
		dialer.ControlContext = func(_ context.Context, _, address string, _ syscall.RawConn) error { return checkDial(address) }
	}
	t.DialContext, t.DialTLSContext, t.Proxy = dialer.DialContext, nil, nil
	t.ForceAttemptHTTP2, t.DisableKeepAlives = true, true
	t.TLSHandshakeTimeout, t.ResponseHeaderTimeout = 30*time.Second, 2*time.Minute
	return &http.Client{Transport: t, CheckRedirect: func(req *http.Request, via []*http.Request) error {
		if len(via) > mostRedirects {
			return fmt.Errorf("it redirects more than %d times", mostRedirects)
		}
		return o.check(req.URL)
	}}
}
