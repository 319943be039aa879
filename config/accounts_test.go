package config

import (
	"slices"
	"strings"
	"testing"
)

func TestAccounts(t *testing.T) {
	keyFile := place(t, "key", "\ufeff file-key \r\n")
	file := "account: eu\naccounts:\n  eu: {api_key: eu-key, rate_limit: 4}\n  us: {api_key_file: " + keyFile + ", api_secret: s3, signing: AES, rate_limit: '2'}\n  new: {rate_limit: 1}\n"
	c := mustLoad(t, file, nil)
	if c.Account != "eu" || !slices.Equal(c.WithKeys(), []string{"eu", "us"}) || len(c.Accounts) != 3 {
		t.Fatalf("%+v", c)
	}
	us, err := c.AccountNamed("us")
	if err != nil || us.APIKey.Value() != "file-key" || us.APISecret.Value() != "s3" || us.Signing != "aes" || us.RateLimit.String() != "2" || us.Name != "us" {
		t.Errorf("%+v %v", us, err)
	}
	for name, want := range map[string]bool{"eu": true, "us": true, "new": false, "nobody": false, "": false} {
		if _, ok := c.Key(name); ok != want {
			t.Errorf("a key for %q: %v", name, ok)
		}
	}
}

// The environment's key belongs to the current account, and goes before the file's.
func TestEnvironmentBelongsToTheCurrentAccount(t *testing.T) {
	file := "accounts:\n  eu: {api_key_file: /nowhere, signing: rsa, api_secret: old}\n  us: {api_key: us-key}\n"
	c := mustLoad(t, file, []string{"AFTERSHIP_ACCOUNT=eu", "AFTERSHIP_API_KEY=env-key", "AFTERSHIP_API_SIGNING=none"})
	eu, us := c.Accounts["eu"], c.Accounts["us"]
	if eu.APIKey.Value() != "env-key" || eu.Signing != "none" || us.APIKey.Value() != "us-key" {
		t.Errorf("%+v %+v", eu, us)
	}
	if got := shown(t, c, setKey); got.Origin != "environment AFTERSHIP_API_KEY" || got.Value != mask {
		t.Errorf("%+v", got)
	}
	if got := shown(t, c, "accounts.us.api_key"); !strings.HasPrefix(got.Origin, "file ") || got.Value != mask {
		t.Errorf("%+v", got)
	}
	c = mustLoad(t, "", []string{"AFTERSHIP_API_KEY=env-key"}, "--account=flagged")
	if got, _ := c.Key("flagged"); got.Value() != "env-key" || len(c.Accounts) != 1 {
		t.Errorf("%+v", c)
	}
}

func TestKeyByFile(t *testing.T) {
	path := place(t, "key", "from-file\n")
	c := mustLoad(t, "", []string{"AFTERSHIP_API_KEY_FILE=" + path})
	if got, _ := c.Key("default"); got.Value() != "from-file" {
		t.Errorf("%q", got.Value())
	}
	for name, want := range map[string]Shown{
		setKey:     {setKey, mask, "environment AFTERSHIP_API_KEY_FILE"},
		setKeyFile: {setKeyFile, path, "environment AFTERSHIP_API_KEY_FILE"},
	} {
		if got := shown(t, c, name); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
	c, err := load(Input{Env: []string{"AFTERSHIP_API_SECRET_FILE=" + t.TempDir()}}, "linux")
	if err == nil || !strings.Contains(err.Error(), "cannot be read") {
		t.Errorf("a directory as a file: %v, %v", c, err)
	}
}

func TestKeyAndFileTogether(t *testing.T) {
	for _, in := range []struct {
		file string
		env  []string
	}{
		{env: []string{"AFTERSHIP_API_KEY=a", "AFTERSHIP_API_KEY_FILE=/b"}},
		{env: []string{"AFTERSHIP_API_SECRET=a", "AFTERSHIP_API_SECRET_FILE=/b"}},
		{file: "accounts: {eu: {api_key: a, api_key_file: /b}}"},
	} {
		env := in.env
		if in.file != "" {
			env = append(env, "AFTERSHIP_BULK_CONFIG="+place(t, "x.yml", in.file))
		}
		if _, err := Load(Input{Env: env}); err == nil || !strings.Contains(err.Error(), "both set") {
			t.Errorf("%v: %v", in, err)
		}
	}
}

func TestAccountNamed(t *testing.T) {
	c := mustLoad(t, "accounts: {eu: {api_key: k}, us: {}}", nil)
	for name, want := range map[string][]string{
		"nobody":  {`"nobody"`, "default, eu, us", "AFTERSHIP_ACCOUNT"},
		"default": {`"default"`, "set AFTERSHIP_API_KEY or AFTERSHIP_API_KEY_FILE", "one: eu"},
		"us":      {`"us"`, "accounts.us.api_key_file", "AFTERSHIP_ACCOUNT=us", "AFTERSHIP_API_KEY"},
	} {
		a, err := c.AccountNamed(name)
		if err == nil || a.Name != "" {
			t.Fatalf("%s: %+v", name, a)
		}
		for _, part := range want {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%q does not say %q", err, part)
			}
		}
	}
}

// Flags go before the environment, the environment before the file, also where
// the file gives an account a limit of its own.
func TestGeneralLimitFromOutsideGoesFirst(t *testing.T) {
	file := "api_version: 2025-01\nrate_limit: 9\naccounts: {eu: {rate_limit: '3,create=4'}, us: {}}"
	for _, tt := range []struct {
		env  []string
		args []string
		want string
	}{
		{nil, nil, "3,create=4"},
		{[]string{"RATE_LIMIT=7"}, nil, "7"},
		{[]string{"RATE_LIMIT=create=7"}, nil, "3,create=7"},
		{[]string{"RATE_LIMIT=create=7"}, []string{"--rate-limit=update=1"}, "3,create=4,update=1"},
	} {
		c := mustLoad(t, file, tt.env, tt.args...)
		if got := c.Accounts["eu"].RateLimit.String(); got != tt.want || shown(t, c, "accounts.eu.rate_limit").Value != tt.want {
			t.Errorf("%v %v: %s, want %s", tt.env, tt.args, got, tt.want)
		}
		if got := c.Accounts["us"].RateLimit.String(); got != "" {
			t.Errorf("an account without a limit got %s", got)
		}
	}
}

func TestForSandbox(t *testing.T) {
	real := mustLoad(t, "accounts: {eu: {api_key: eu-key}}", []string{"AFTERSHIP_API_KEY=real", "AFTERSHIP_API_SECRET=s",
		"AFTERSHIP_API_SIGNING=aes", "REDIS_URL=redis://h", "RATE_LIMIT=2", "AFTERSHIP_API_VERSION=2026-01"})
	c := real.ForSandbox("http://127.0.0.1:1", "demo")
	a, err := c.AccountNamed(c.Account)
	if err != nil || a.APIKey.Value() != "demo" || a.Signing != "none" || a.APISecret.Value() != "" || a.RateLimit.String() != "" {
		t.Errorf("%+v %v", a, err)
	}
	if c.BaseURL != "http://127.0.0.1:1" || c.RedisURL.Value() != "" || c.RateLimit.String() != "" || len(c.Accounts) != 1 || c.APIVersion != "2026-01" {
		t.Errorf("%+v", c)
	}
	for _, s := range c.Show() {
		if strings.HasPrefix(s.Name, "accounts.") {
			t.Errorf("%s is shown", s.Name)
		}
	}
	if got := shown(t, c, setBaseURL); got != (Shown{setBaseURL, "http://127.0.0.1:1", "sandbox"}) {
		t.Errorf("%+v", got)
	}
	if key, _ := real.Key("default"); key.Value() != "real" || len(real.Accounts) != 2 || shown(t, real, setKey).Origin == "sandbox" {
		t.Error("the original changed")
	}
}
