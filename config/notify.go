package config

import (
	"errors"
	"net/url"
	"strings"
)

// Notify says who is told of the end of a batch. A channel without an address is off.
type Notify struct {
	// WebhookURL is where our own webhooks go. Defaults to none.
	WebhookURL Secret
	// WebhookSecret is what they are signed with. Defaults to none.
	WebhookSecret Secret
	// WebhookWhen is one of [NotifyWhens]. Defaults to "failure".
	WebhookWhen string
	// SlackURL is an incoming webhook of Slack. Defaults to none.
	SlackURL Secret
	// SlackWhen is one of [NotifyWhens]. Defaults to "failure".
	SlackWhen string
	// MailServer is smtp://USER@HOST:PORT, or smtps://. Defaults to none.
	MailServer string
	// MailPassword is that of its user. Defaults to none.
	MailPassword Secret
	// MailFrom is the sender. Defaults to none.
	MailFrom string
	// MailTo are the recipients, with commas between them. Defaults to none.
	MailTo string
	// MailWhen is one of [NotifyWhens]. Defaults to "failure".
	MailWhen string
	// PlainText allows addresses that are not encrypted. Defaults to false.
	PlainText bool
}

// NotifyWhens lists when people can be told.
func NotifyWhens() []string { return []string{"always", "failure", "off"} }

// notify reads who is told.
func (l *loader) notify() Notify {
	var n Notify
	when := oneOf(NotifyWhens()...)
	n.WebhookURL = l.secret("", setNotifyURL, setNotifyURLFile, setNames, webAddress)
	n.WebhookSecret = l.secret("", setNotifySecret, setNotifySecretFile, setNames, anyText)
	n.WebhookWhen = setting(l, setNotifyWebhook, when)
	n.SlackURL = l.secret("", setNotifySlackURL, setNotifySlackURLFile, setNames, webAddress)
	n.SlackWhen = setting(l, setNotifySlack, when)
	n.MailServer = setting(l, setNotifyServer, mailServer)
	n.MailPassword = l.secret("", setNotifyPassword, setNotifyPasswordFile, setNames, anyText)
	n.MailFrom = setting(l, setNotifyFrom, mailAddresses)
	n.MailTo = setting(l, setNotifyTo, mailAddresses)
	n.MailWhen = setting(l, setNotifyMail, when)
	n.PlainText = setting(l, setNotifyPlain, oneOf("off", "on")) == "on"
	l.wholeNotify(n)
	return n
}

// wholeNotify refuses a channel of which a part is missing: it would be off in silence.
func (l *loader) wholeNotify(n Notify) {
	if n.WebhookURL.Value() != "" && n.WebhookSecret.Value() == "" {
		l.problem("there is a notify_webhook_url, but no secret to sign with: set NOTIFY_WEBHOOK_SECRET or NOTIFY_WEBHOOK_SECRET_FILE")
	}
	if n.MailServer == "" {
		return
	}
	if n.MailFrom == "" {
		l.problem("there is a notify_mail_server, but no sender: set NOTIFY_MAIL_FROM")
	}
	if n.MailTo == "" {
		l.problem("there is a notify_mail_server, but nobody to write to: set NOTIFY_MAIL_TO")
	}
}

// webAddress refuses what cannot be posted to, without showing it, as it may hold a token.
func webAddress(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return errors.New("give an address such as https://example.com/hooks/shipments; its value is not shown")
	}
	return nil
}

// mailServer refuses what is no mail server. A password has a setting of its own, which can be a file.
func mailServer(text string) (string, error) {
	if text == "" {
		return "", nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "smtp" && u.Scheme != "smtps" || u.Hostname() == "" {
		return "", errors.New("give an address such as smtp://USER@HOST:587, or smtps://USER@HOST:465")
	}
	if _, has := u.User.Password(); has {
		return "", errors.New("leave the password out of the address, and set NOTIFY_MAIL_PASSWORD or NOTIFY_MAIL_PASSWORD_FILE")
	}
	return text, nil
}

func mailAddresses(text string) (string, error) {
	if text != "" && !strings.Contains(text, "@") || strings.ContainsAny(text, "\r\n") {
		return "", errors.New("give an address such as ops@example.com")
	}
	return text, nil
}
