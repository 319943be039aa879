package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// notifyEnv is an environment in which everybody is told.
func notifyEnv(more ...string) []string {
	return append([]string{
		"NOTIFY_WEBHOOK_URL=https://ops.example.com/T0KEN", "NOTIFY_WEBHOOK_SECRET=T0KEN2", "NOTIFY_WEBHOOK=ALWAYS",
		"NOTIFY_SLACK_URL=https://hooks.example.com/T0KEN3", "NOTIFY_MAIL_SERVER=smtp://ops@mail.example.com:587", "NOTIFY_MAIL_PASSWORD=T0KEN4",
		"NOTIFY_MAIL_FROM=bulk@example.com", "NOTIFY_MAIL_TO=a@example.com, b@example.com", "NOTIFY_PLAIN_TEXT=on",
	}, more...)
}

func TestNotifySettings(t *testing.T) {
	c, err := Load(Input{Env: notifyEnv()})
	if err != nil {
		t.Fatal(err)
	}
	n := c.Notify
	if n.WebhookURL.Value() != "https://ops.example.com/T0KEN" || n.WebhookSecret.Value() != "T0KEN2" || n.WebhookWhen != "always" || n.SlackURL.Value() != "https://hooks.example.com/T0KEN3" ||
		n.SlackWhen != "failure" || n.MailServer != "smtp://ops@mail.example.com:587" || n.MailPassword.Value() != "T0KEN4" || n.MailFrom != "bulk@example.com" || n.MailTo != "a@example.com, b@example.com" || !n.PlainText {
		t.Errorf("got %+v", n)
	}
	if text := fmt.Sprintf("%+v %v", c, c.Show()); strings.Contains(text, "T0KEN") {
		t.Errorf("a secret is shown: %s", text)
	}
	if s := c.ForSandbox("http://127.0.0.1:1", "k"); s.Notify != (Notify{}) {
		t.Errorf("of the sandbox people are told: %+v", s.Notify)
	}
}

func TestNotifySecretsInFiles(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	c, err := Load(Input{Env: []string{
		"NOTIFY_WEBHOOK_URL_FILE=" + file("url", "https://ops.example.com/T0KEN"), "NOTIFY_WEBHOOK_SECRET_FILE=" + file("secret", "T0KEN2"),
		"NOTIFY_SLACK_URL_FILE=" + file("slack", "https://hooks.example.com/T0KEN3"), "NOTIFY_MAIL_PASSWORD_FILE=" + file("mail", "T0KEN4"),
	}})
	if err != nil || c.Notify.WebhookURL.Value() != "https://ops.example.com/T0KEN" || c.Notify.WebhookSecret.Value() != "T0KEN2" ||
		c.Notify.SlackURL.Value() != "https://hooks.example.com/T0KEN3" || c.Notify.MailPassword.Value() != "T0KEN4" {
		t.Errorf("%+v, %v", c.Notify, err)
	}
}

func TestNotifySettingsThatAreWrong(t *testing.T) {
	for setting, want := range map[string]string{
		"NOTIFY_WEBHOOK_SECRET=":                               "set NOTIFY_WEBHOOK_SECRET",
		"NOTIFY_WEBHOOK_URL=T0KEN":                             "give an address such as https://",
		"NOTIFY_SLACK_URL=ftp://T0KEN/":                        "give an address such as https://",
		"NOTIFY_SLACK=sometimes":                               "choose one of always, failure, off",
		"NOTIFY_MAIL_SERVER=smtp://ops:T0KEN@mail.example.com": "leave the password out of the address",
		"NOTIFY_MAIL_SERVER=mail.example.com":                  "give an address such as smtp://",
		"NOTIFY_MAIL_FROM=":                                    "set NOTIFY_MAIL_FROM",
		"NOTIFY_MAIL_TO=":                                      "set NOTIFY_MAIL_TO",
		"NOTIFY_MAIL_TO=nobody":                                "give an address such as ops@example.com",
		"NOTIFY_PLAIN_TEXT=maybe":                              "choose one of off, on",
	} {
		c, err := Load(Input{Env: notifyEnv(setting)})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", setting, err, want)
			continue
		}
		if strings.Contains(err.Error()+fmt.Sprint(c.Show()), "T0KEN") {
			t.Errorf("%s: a secret is in %v %v", setting, err, c.Show())
		}
	}
}
