package notify

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Options are the settings of a Notifier. A channel without an address is not there.
type Options struct {
	// WebhookURL is where our own webhooks go.
	WebhookURL string
	// WebhookSecret is what they are signed with; they are not sent unsigned.
	WebhookSecret string
	WebhookWhen   When
	// SlackURL is an incoming webhook of Slack, or of what speaks alike.
	SlackURL  string
	SlackWhen When
	// MailServer is smtp://[USER@]HOST[:PORT], which must offer STARTTLS, or smtps://, TLS from the start.
	MailServer   string
	MailPassword string
	MailFrom     string
	MailTo       []string
	MailWhen     When
	// PlainText allows http addresses, and servers of mail without TLS, on other machines than this one.
	PlainText bool
	// Timeout bounds one try. Defaults to 30 seconds.
	Timeout time.Duration
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time

	roots *x509.CertPool // whose certificates are taken; the system's unless a test says otherwise
}

// Notifier tells how batches ended. Its methods may be called at the same time.
type Notifier struct {
	opts     Options
	client   *http.Client
	channels map[Channel]channel
	order    []Channel
}

// channel is one way to tell.
type channel struct {
	when When
	to   string // for people, without anything secret
	send func(context.Context, Message) error
}

// Error says that a message did not get through, and what to do about that.
type Error struct {
	Channel Channel
	// To is where it should have gone, without anything secret.
	To  string
	Err error
	// Permanent says that another try would fail as well: a setting is wrong.
	Permanent bool
	// After is how long the other side asks to wait before another try; zero if it does not say.
	After time.Duration
}

// Error says which channel failed, and why.
func (e *Error) Error() string { return fmt.Sprintf("%s to %s: %v", e.Channel, e.To, e.Err) }

// Unwrap is the cause.
func (e *Error) Unwrap() error { return e.Err }

// New makes a Notifier, or says which setting is wrong. Without any address it is nil, which is fine for its methods.
func New(o Options) (*Notifier, error) {
	o.Timeout = cmp.Or(o.Timeout, 30*time.Second)
	if o.Now == nil {
		o.Now = time.Now
	}
	n := &Notifier{opts: o, channels: map[Channel]channel{}, client: newClient(o)}
	err := errors.Join(n.addWebhook(), n.addSlack(), n.addMail())
	if err != nil || len(n.channels) == 0 {
		return nil, err
	}
	return n, nil
}

func (n *Notifier) add(name Channel, c channel) {
	c.when = cmp.Or(c.when, OnFailure)
	n.channels[name], n.order = c, append(n.order, name)
}

// newClient makes a client that follows no redirect: what is signed for one address must not go to another.
func newClient(o Options) *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.TLSClientConfig = o.tls("")
	t.DisableKeepAlives = true // messages are rare
	return &http.Client{Transport: t, Timeout: o.Timeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// tls is how other sides are known; for a host where that is not known from the address.
func (o Options) tls(host string) *tls.Config {
	return &tls.Config{ServerName: host, RootCAs: o.roots, MinVersion: tls.VersionTLS12}
}

// Channels lists those on which a message goes out.
func (n *Notifier) Channels(m Message) []Channel {
	if n == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(n.order), func(c Channel) bool { return !n.channels[c].when.takes(m) })
}

// Wants says whether any message would go out, good ones or bad ones.
func (n *Notifier) Wants() bool { return len(n.Channels(Message{Kind: Stopped})) > 0 }

// To says where the messages of a channel go, without anything secret; "" if it is not there.
func (n *Notifier) To(c Channel) string {
	if n == nil {
		return ""
	}
	return n.channels[c].to
}

// Send tries once to send a message on a channel. Its error is an *[Error].
func (n *Notifier) Send(ctx context.Context, name Channel, m Message) error {
	if n == nil || n.channels[name].send == nil {
		return &Error{Channel: name, To: "nowhere", Permanent: true, Err: errors.New("there are no settings for it")}
	}
	c := n.channels[name]
	ctx, cancel := context.WithTimeout(ctx, n.opts.Timeout)
	defer cancel()
	err := c.send(ctx, m)
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*Error](err); ok {
		e.Channel, e.To = name, c.to
		return e
	}
	return &Error{Channel: name, To: c.to, Err: err}
}

// address reads an address that messages are posted to.
func (n *Notifier) address(text string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, errors.New("the address can't be read (it is not shown); it should look like https://example.com/hooks/aftership")
	}
	if u.Scheme == "http" && !n.opts.PlainText && !loopback(u.Hostname()) {
		return nil, fmt.Errorf("the address on %s is not encrypted: use https, or allow plain text if the network between is yours", u.Host)
	}
	return u, nil
}

// loopback says that a host is this machine.
func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.Unmap().IsLoopback()
}
