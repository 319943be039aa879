package notify

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// postOffice is a mail server that keeps what it gets.
type postOffice struct {
	mu       sync.Mutex
	password string
	refuse   error // of the recipients
	mails    []string
	to       []string
	plain    bool // a mail came without TLS
	config   *tls.Config
	addr     string
}

// officeFor starts one, with a certificate that the returned options take.
func officeFor(t *testing.T, fromTheStart, noTLS bool) (*postOffice, Options) {
	t.Helper()
	web := httptest.NewTLSServer(nil) // for its certificate
	t.Cleanup(web.Close)
	p := &postOffice{password: "s3cret pass", config: &tls.Config{Certificates: web.TLS.Certificates, MinVersion: tls.VersionTLS12}}
	server := smtp.NewServer(p)
	server.Domain, server.AllowInsecureAuth = "localhost", noTLS
	if !noTLS {
		server.TLSConfig = p.config
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p.addr = ln.Addr().String()
	if fromTheStart {
		ln = tls.NewListener(ln, p.config)
	}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(ln) })
	t.Cleanup(func() {
		_, _ = server.Close(), ln.Close() // it may not have begun to serve
		serving.Wait()
	})
	o := Options{MailServer: "smtp://ops@" + p.addr, MailPassword: p.password, MailFrom: "Shipments <bulk@example.com>", MailTo: []string{"a@example.com, b@example.com"}}
	if fromTheStart {
		o.MailServer = "smtps://ops@" + p.addr
	}
	o.roots = x509.NewCertPool()
	o.roots.AddCert(web.Certificate())
	return p, o
}

// NewSession is a connection.
func (p *postOffice) NewSession(c *smtp.Conn) (smtp.Session, error) {
	_, encrypted := c.TLSConnectionState()
	return &delivery{office: p, encrypted: encrypted}, nil
}

// delivery is one connection to a postOffice.
type delivery struct {
	office    *postOffice
	encrypted bool
	known     bool
}

func (d *delivery) AuthMechanisms() []string { return []string{sasl.Plain} }

func (d *delivery) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != "ops" || password != d.office.password {
			return smtp.ErrAuthFailed
		}
		d.known = true
		return nil
	}), nil
}

func (d *delivery) Mail(string, *smtp.MailOptions) error {
	if !d.known {
		return smtp.ErrAuthRequired
	}
	return nil
}

func (d *delivery) Rcpt(to string, _ *smtp.RcptOptions) error {
	d.office.mu.Lock()
	defer d.office.mu.Unlock()
	d.office.to = append(d.office.to, to)
	return d.office.refuse
}

func (d *delivery) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	d.office.mu.Lock()
	defer d.office.mu.Unlock()
	d.office.mails = append(d.office.mails, string(text))
	d.office.plain = d.office.plain || !d.encrypted
	return err
}

func (d *delivery) Reset()        {}
func (d *delivery) Logout() error { return nil }

func TestMail(t *testing.T) {
	for name, fromTheStart := range map[string]bool{"STARTTLS": false, "TLS": true} {
		t.Run(name, func(t *testing.T) {
			p, o := officeFor(t, fromTheStart, false)
			n := open(t, o)
			if err := n.Send(t.Context(), Mail, sample()); err != nil {
				t.Fatal(err)
			}
			if len(p.mails) != 1 || p.plain || strings.Join(p.to, " ") != "a@example.com b@example.com" {
				t.Fatalf("%d mails to %v, without TLS: %t", len(p.mails), p.to, p.plain)
			}
			for _, want := range []string{
				"Subject: aftership-bulk: create of export <1>.csv: 3 of 50 rows need a person", "From: \"Shipments\" <bulk@example.com>",
				"Message-ID: <261122-k7f3qz.finished.1@example.com>", "Auto-Submitted: auto-generated", "Date: Sun, 22 Nov 2026 12:00:00 +0000",
				"50 rows: 40 created, 7 already, 3 rejected.", "enqueue retry 261122-k7f3qz --rejected",
			} {
				if !strings.Contains(strings.ReplaceAll(p.mails[0], "\r\n ", " "), want) {
					t.Errorf("the mail has no %q:\n%s", want, p.mails[0])
				}
			}
			if strings.Contains(p.mails[0], p.password) {
				t.Error("the password is in the mail")
			}
		})
	}
}

func TestMailThatFails(t *testing.T) {
	tests := map[string]struct {
		set       func(*postOffice, *Options)
		permanent bool
	}{
		"unknown recipient": {func(p *postOffice, _ *Options) { p.refuse = &smtp.SMTPError{Code: 550, Message: "no such user"} }, true},
		"full mailbox":      {func(p *postOffice, _ *Options) { p.refuse = &smtp.SMTPError{Code: 452, Message: "come back later"} }, false},
		"wrong password":    {func(_ *postOffice, o *Options) { o.MailPassword = "wr0ng word" }, false},
		"strange signature": {func(_ *postOffice, o *Options) { o.roots = nil }, false},
		"nobody listens":    {func(_ *postOffice, o *Options) { o.MailServer = "smtp://ops@127.0.0.1:1" }, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p, o := officeFor(t, false, false)
			test.set(p, &o)
			err := open(t, o).Send(t.Context(), Mail, sample())
			e, ok := errors.AsType[*Error](err)
			if !ok || e.Permanent != test.permanent {
				t.Fatalf("got %v", err)
			}
			if strings.Contains(err.Error(), o.MailPassword) || len(p.mails) > 0 {
				t.Errorf("%d mails, %v", len(p.mails), err)
			}
		})
	}
}

// A server that offers no TLS gets nothing, unless it is on this machine or plain text is allowed.
func TestMailNeedsTLS(t *testing.T) {
	_, o := officeFor(t, false, true)
	n := open(t, o)
	s, err := readServer(o.MailServer)
	if err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]bool{"127.0.0.1": true, "localhost": true, "mail.example.com": false} {
		s.host = host
		if got := n.plainMail(s); got != want {
			t.Errorf("%s: plain text is %t", host, got)
		}
	}
	if n.opts.PlainText = true; !n.plainMail(s) {
		t.Error("plain text was allowed")
	}
}
