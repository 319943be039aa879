package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

func TestHTTPAddr(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "8080": "127.0.0.1:8080", ":8080": "127.0.0.1:8080", "0": "127.0.0.1:0", "0.0.0.0:80": "0.0.0.0:80",
		"localhost:9": "localhost:9", "[::]:80": "[::]:80", "[::1]:80": "[::1]:80",
		"x": "?", "8080/": "?", "http://host:80": "?", "host": "?", "::1": "?", "-1": "?", "65536": "?", "a b:1": "?", "u@h:1": "?",
	} {
		got, err := httpAddr(text)
		if err != nil {
			got = "?"
		}
		if got != want {
			t.Errorf("%q is %q, %v; want %q", text, got, err, want)
		}
	}
	if c := mustLoad(t, "http_addr: 8080", nil); c.HTTPAddr != "127.0.0.1:8080" {
		t.Errorf("a number in the file is %q", c.HTTPAddr)
	}
}

func TestWorkerFlags(t *testing.T) {
	flags := pflag.NewFlagSet("worker", pflag.ContinueOnError)
	AddWorkerFlags(flags)
	if err := flags.Parse([]string{"--http", "0.0.0.0:1", "--updates-dir", "/srv/updates"}); err != nil {
		t.Fatal(err)
	}
	c, err := Load(Input{Flags: flags, Env: []string{"HTTP_ADDR=2"}})
	if err != nil || c.HTTPAddr != "0.0.0.0:1" || c.UpdatesDir != "/srv/updates" {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestWebhookSecrets(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secrets")
	if err := os.WriteFile(file, []byte("whsec_old\r\n\nwhsec_new \n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for env, want := range map[string][]string{
		"": nil, "AFTERSHIP_WEBHOOK_SECRET=whsec_one": {"whsec_one"}, "AFTERSHIP_WEBHOOK_SECRET= whsec_one , whsec_two,": {"whsec_one", "whsec_two"},
		"AFTERSHIP_WEBHOOK_SECRET=a\nb": {"a", "b"}, "AFTERSHIP_WEBHOOK_SECRET_FILE=" + file: {"whsec_old", "whsec_new"},
	} {
		c := mustLoad(t, "", []string{env})
		var got []string
		for _, s := range c.Accounts["default"].WebhookSecrets {
			got = append(got, s.Value())
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: %q", env, got)
		}
		if text := fmt.Sprintf("%v %+v %#v %v", c, c, c, c.Show()); strings.Contains(text, "whsec") {
			t.Errorf("a secret shows: %s", text)
		}
	}
	c := mustLoad(t, "accounts: {eu: {webhook_secret: whsec_eu}, us: {webhook_secret: 'whsec_us,whsec_older'}}", nil)
	if len(c.Accounts["eu"].WebhookSecrets) != 1 || len(c.Accounts["us"].WebhookSecrets) != 2 {
		t.Errorf("%+v", c.Accounts)
	}
}

func TestBadWebhookSecrets(t *testing.T) {
	for file, want := range map[string]string{
		"accounts: {eu: {webhook_secret: 'whsec_a whsec_b'}}":                                "commas or line breaks",
		"accounts: {eu: {webhook_secret: ','}}":                                              "commas or line breaks",
		"accounts: {eu: {webhook_secret: 'whsec_a,whsec_b'}, us: {webhook_secret: whsec_b}}": "accounts eu and us have the same webhook secret",
		"webhook_secret: whsec_a":                                                            "did you mean accounts.NAME.webhook_secret",
	} {
		path := filepath.Join(t.TempDir(), "config.yaml")
		if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Load(Input{Env: []string{"AFTERSHIP_BULK_CONFIG=" + path}})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "whsec") {
			t.Errorf("%s: %v", file, err)
		}
	}
}
