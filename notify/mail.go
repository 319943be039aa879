package notify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	netmail "net/mail"
	"net/url"
	"strconv"
	"strings"

	"github.com/wneessen/go-mail"
)

// mailServer is the address of a mail server, read.
type mailServer struct {
	host, user string
	port       int
	tls        bool // from the start
}

func readServer(text string) (s mailServer, err error) {
	wrong := errors.New("the server can't be read (it is not shown); it should look like smtp://USER@HOST:587 or smtps://USER@HOST:465")
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil || u.Hostname() == "" || u.Scheme != "smtp" && u.Scheme != "smtps" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" {
		return s, wrong
	}
	s = mailServer{host: u.Hostname(), user: u.User.Username(), tls: u.Scheme == "smtps", port: 587}
	if s.tls {
		s.port = 465
	}
	if _, ok := u.User.Password(); ok {
		return s, errors.New("the server has a password in it: give it by the setting for the password")
	}
	if p := u.Port(); p != "" {
		if s.port, err = strconv.Atoi(p); err != nil {
			return s, wrong
		}
	}
	return s, nil
}

func (n *Notifier) addMail() error {
	if n.opts.MailServer == "" {
		return nil
	}
	s, err := readServer(n.opts.MailServer)
	if err != nil {
		return fmt.Errorf("mail: %w", err)
	}
	from, err := netmail.ParseAddress(n.opts.MailFrom)
	if err != nil {
		return errors.New("mail: the sender is no address: it should look like shipments@example.com")
	}
	var to []*netmail.Address
	for _, text := range n.opts.MailTo {
		list, err := netmail.ParseAddressList(text)
		if err != nil {
			return errors.New("mail: the recipients are no addresses: they should look like ops@example.com, with commas between several")
		}
		to = append(to, list...)
	}
	if len(to) == 0 {
		return errors.New("mail: there is no recipient")
	}
	n.add(Mail, channel{when: n.opts.MailWhen, to: fmt.Sprintf("%d of %s", len(to), s.host), send: func(ctx context.Context, m Message) error {
		return n.mail(ctx, s, from, to, m)
	}})
	return nil
}

// mail sends a message as an e-mail. Its Message-ID is that of the event, by which most mail programs know a mail that came twice.
func (n *Notifier) mail(ctx context.Context, s mailServer, from *netmail.Address, to []*netmail.Address, m Message) error {
	msg := mail.NewMsg(mail.WithNoDefaultUserAgent())
	msg.FromMailAddress(from)
	msg.ToMailAddress(to...)
	msg.Subject(subject(m))
	msg.SetDateWithValue(n.opts.Now())
	msg.SetMessageIDWithValue(messageID(m.ID, from.Address))
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // so that nobody's absence is answered
	msg.SetGenHeader("X-Mailer", userAgent)
	msg.SetBodyString(mail.TypeTextPlain, body(m)+"\n")
	client, err := mail.NewClient(s.host, n.mailOptions(s)...)
	if err != nil {
		return &Error{Permanent: true, Err: err}
	}
	return mailError(client.DialAndSendWithContext(ctx, msg))
}

// plainMail says that a server may be spoken to without TLS, if it has none.
func (n *Notifier) plainMail(s mailServer) bool { return n.opts.PlainText || loopback(s.host) }

func (n *Notifier) mailOptions(s mailServer) []mail.Option {
	o := []mail.Option{mail.WithPort(s.port), mail.WithTimeout(n.opts.Timeout), mail.WithTLSConfig(n.opts.tls(s.host))}
	switch {
	case s.tls:
		o = append(o, mail.WithSSL())
	case n.plainMail(s):
		o = append(o, mail.WithTLSPolicy(mail.TLSOpportunistic))
	default:
		o = append(o, mail.WithTLSPolicy(mail.TLSMandatory))
	}
	if s.user != "" {
		o = append(o, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(s.user), mail.WithPassword(n.opts.MailPassword))
	}
	return o
}

// mailError tells an answer that will be the same next time from one that may not.
func mailError(err error) error {
	if err == nil {
		return nil
	}
	e, ok := errors.AsType[*mail.SendError](err)
	return &Error{Err: err, Permanent: ok && !e.IsTemp() && e.ErrorCode() >= 500}
}

// messageID is the event's id in the form of a mail's.
func messageID(id, from string) string {
	_, host, _ := strings.Cut(from, "@")
	plain := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_.", r) {
			return r
		}
		return '.'
	}, id)
	return plain + "@" + cmp.Or(host, "localhost")
}
