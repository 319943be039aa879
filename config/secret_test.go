package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
)

// canary is in every secret of these tests, and must be nowhere else.
const canary = "c4n4ry"

func noCanary(t *testing.T, what, text string) {
	t.Helper()
	if strings.Contains(text, canary) {
		t.Errorf("%s shows the secret: %s", what, text)
	}
}

// printed is a value in every form that Go prints things in.
func printed(t *testing.T, value any) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T", "%30v", "%-5s"} {
		all[verb] = fmt.Sprintf(verb, value)
	}
	all["Sprint"] = fmt.Sprint(value)
	raw, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	all["JSON"] = string(raw)
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "value", value)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "value", value, slog.Group("g", "value", value))
	all["slog"] = log.String()
	all["error"] = fmt.Errorf("with %v", value).Error()
	return all
}

func TestSecretIsNeverPrinted(t *testing.T) {
	secret := NewSecret(canary)
	type holder struct {
		Public  Secret
		private Secret
		pointer *Secret
		list    []Secret
		byName  map[string]Secret
		any     any
	}
	cfg := mustLoad(t, "accounts: {eu: {api_key: "+canary+"1, api_secret: "+canary+", signing: aes}}", []string{
		"AFTERSHIP_API_KEY=" + canary, "AFTERSHIP_API_SECRET=" + canary, "AFTERSHIP_API_SIGNING=aes", "REDIS_URL=redis://:" + canary + "@h"})
	values := map[string]any{
		"secret": secret, "pointer": &secret, "list": []Secret{secret}, "map": map[string]Secret{"k": secret},
		"holder":  holder{secret, secret, &secret, []Secret{secret}, map[string]Secret{"k": secret}, secret},
		"config":  cfg,
		"hidden":  struct{ cfg Config }{cfg},
		"account": cfg.Accounts["eu"], "accounts": cfg.Accounts, "show": cfg.Show(), "sandbox": cfg.ForSandbox("http://x", canary),
	}
	for name, value := range values {
		for form, text := range printed(t, value) {
			noCanary(t, name+" as "+form, text)
		}
	}
	if cfg.RedisURL.Value() != "redis://:"+canary+"@h" || cfg.Accounts["eu"].APIKey.Value() != canary+"1" {
		t.Error("the secret did not arrive")
	}
}

func TestSecretForms(t *testing.T) {
	set, unset := NewSecret("x"), NewSecret("")
	for got, want := range map[string]string{
		fmt.Sprint(set): mask, fmt.Sprintf("%q", set): `"` + mask + `"`, fmt.Sprintf("%#v", set): `config.Secret("` + mask + `")`,
		fmt.Sprintf("[%v]", unset): "[]", unset.GoString(): `config.Secret("")`, unset.Value() + "!": "!",
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	raw, _ := json.Marshal([]Secret{set, unset})
	if string(raw) != `["`+mask+`",""]` {
		t.Errorf("JSON %s", raw)
	}
	if unset != (Secret{}) {
		t.Error("an empty secret is not the zero one")
	}
}

// No wrong setting, in whatever way it is wrong, shows a secret in its error.
func TestNoErrorShowsASecret(t *testing.T) {
	keyFile := place(t, "key", "  \n"+canary+" two words\n")
	empty := place(t, "empty", " \n")
	tests := map[string]struct {
		env  []string
		file string
		args []string
	}{
		"redis by env":             {env: []string{"REDIS_URL=" + canary}},
		"redis by flag":            {args: []string{"--redis-url=ftp://:" + canary + "@h"}},
		"redis by file":            {file: "redis_url: '" + canary + "'"},
		"redis of odd form":        {file: "redis_url: [" + canary + "]"},
		"base with password":       {env: []string{"AFTERSHIP_BASE_URL=https://u:" + canary + "@h"}},
		"base, broken":             {env: []string{"AFTERSHIP_BASE_URL=https://u:" + canary + "%zz@h:x"}},
		"key of two words":         {env: []string{"AFTERSHIP_API_KEY=" + canary + " x"}},
		"key with a line break":    {env: []string{"AFTERSHIP_API_KEY=" + canary + "\nx"}},
		"key of two words by file": {env: []string{"AFTERSHIP_API_KEY_FILE=" + keyFile}},
		"empty key file":           {env: []string{"AFTERSHIP_API_KEY_FILE=" + empty}},
		"key as file":              {env: []string{"AFTERSHIP_API_KEY_FILE=asat_" + canary}},
		"PEM as file":              {env: []string{"AFTERSHIP_API_SECRET_FILE=-----BEGIN PRIVATE KEY-----\n" + canary + "/\n-----END"}},
		"key and file":             {env: []string{"AFTERSHIP_API_KEY=" + canary, "AFTERSHIP_API_KEY_FILE=" + keyFile}},
		"secret, no signing":       {env: []string{"AFTERSHIP_API_SECRET=" + canary}},
		"key twice":                {env: []string{"AFTERSHIP_API_KEY=" + canary}, file: "accounts: {eu: {api_key: " + canary + "}}"},
		"key without space":        {file: "accounts:\n  eu:\n    api_key:" + canary + "\n"},
		"key without space, flow":  {file: "accounts: {eu: {api_key:" + canary + "}}"},
		"top level, flow":          {file: "{api_key:" + canary + "}"},
		"a key alone":              {file: canary},
		"an alias":                 {file: "accounts: {eu: {api_key: *" + canary + "}}"},
		"a tag":                    {file: "accounts: {eu: {api_key: !!int " + canary + "}}"},
		"not closed":               {file: "accounts: {eu: {api_key: '" + canary + "}}"},
		"key for an account":       {file: "accounts: {eu: " + canary + "}"},
		"key for all":              {file: "accounts: " + canary},
		"list of keys":             {file: "accounts: {eu: {api_key: [" + canary + "]}}"},
		"map of keys":              {file: "accounts: {eu: {api_key: {a: " + canary + "}}}"},
		"top level":                {file: "api_key: " + canary},
		"mistyped":                 {file: "accounts: {eu: {apikey: " + canary + "}}"},
		"key twice in file":        {file: "accounts: {eu: {api_key: " + canary + ", api_key: " + canary + "}}"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			env := tt.env
			if tt.file != "" {
				env = append(env, "AFTERSHIP_BULK_CONFIG="+place(t, "set.yml", tt.file))
			}
			_, err := load(Input{Flags: typed(t, tt.args...), Env: env}, "linux")
			if err == nil {
				t.Fatal("was accepted")
			}
			for form, text := range map[string]string{"error": err.Error(), "%+v": fmt.Sprintf("%+v", err), "%#v": fmt.Sprintf("%#v", err)} {
				noCanary(t, form, text)
			}
		})
	}
}

// What the accounts' own errors say is no secret either.
func TestNoRemedyShowsASecret(t *testing.T) {
	cfg := mustLoad(t, "accounts: {eu: {}}", []string{"AFTERSHIP_API_KEY=" + canary})
	for _, name := range []string{"eu", "nobody"} {
		_, err := cfg.AccountNamed(name)
		noCanary(t, name, fmt.Sprint(err))
	}
	for _, name := range slices.Sorted(maps.Keys(cfg.Accounts)) {
		noCanary(t, name, name)
	}
}
