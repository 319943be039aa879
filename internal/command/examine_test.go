package command

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aftership-bulk/aftership"
	"aftership-bulk/config"
	"aftership-bulk/jobs"
	"aftership-bulk/redisconn"
)

// examined is what an examination says in the end.
func examined(do func(x *examination)) finding {
	c := &cli{ui: newUI(io.Discard, io.Discard, nil)}
	c.cfg.APIVersion = "2024-04"
	x := &examination{doctor: &doctor{cli: c, rows: 1000, now: time.Now()}, s: &session{cfg: c.cfg}}
	do(x)
	if len(x.findings) != 1 {
		return finding{Found: "not one finding"}
	}
	return x.findings[0]
}

func TestFindingsAboutRedis(t *testing.T) {
	type facts = redisconn.Facts
	for _, tt := range []struct {
		name  string
		judge func(x *examination, f facts, where string)
		facts facts
		level level
		found string
	}{
		{"old", (*examination).version, facts{Version: "6.0.16"}, levelFail, "6.0.16"},
		{"just enough", (*examination).version, facts{Version: "6.2.0"}, levelOK, "6.2.0"},
		{"no version", (*examination).version, facts{}, levelWarn, "unknown"},
		{"evicts", (*examination).eviction, facts{Policy: "allkeys-lru", Max: 1}, levelFail, "allkeys-lru"},
		{"would evict", (*examination).eviction, facts{Policy: "allkeys-lru"}, levelWarn, "without a bound"},
		{"no policy", (*examination).eviction, facts{}, levelWarn, "unknown"},
		{"full disk", (*examination).persistence, facts{AppendOnly: 1, WriteStatus: "err"}, levelFail, "failed"},
		{"append-only", (*examination).persistence, facts{AppendOnly: 1, WriteStatus: "ok"}, levelOK, "append-only"},
		{"snapshots", (*examination).persistence, facts{Snapshots: "3600 1"}, levelWarn, "3600 1"},
		{"nothing kept", (*examination).persistence, facts{}, levelWarn, "no append-only file"},
		{"may not ask", (*examination).persistence, facts{AppendOnly: -1}, levelWarn, "unknown"},
		{"room", (*examination).memory, facts{Used: 1 << 20, Max: 1 << 30}, levelOK, "room for 1023 MB"},
		{"no room", (*examination).memory, facts{Used: 1<<30 - 1000, Max: 1 << 30}, levelFail, "room for 0 MB"},
		{"fuller than full", (*examination).memory, facts{Used: 2 << 30, Max: 1 << 30}, levelFail, "room for 0 MB"},
		{"memory unknown", (*examination).memory, facts{Used: -1, Max: -1}, levelWarn, "unknown"},
		{"default listpack", (*examination).listpack, facts{ListpackValue: 64}, levelWarn, "64"},
		{"wide listpack", (*examination).listpack, facts{ListpackValue: 512}, levelOK, "512"},
		{"in step", (*examination).clock, facts{Skew: -time.Millisecond, Trip: 4 * time.Millisecond}, levelOK, "within"},
		{"far away, in step", (*examination).clock, facts{Skew: 3 * time.Second, Trip: 8 * time.Second}, levelOK, "within"},
		{"behind", (*examination).clock, facts{Skew: -5 * time.Second}, levelWarn, "5s behind that of Redis of n1"},
		{"ahead", (*examination).clock, facts{Skew: 2 * time.Minute}, levelFail, "2m0s ahead of"},
	} {
		f := examined(func(x *examination) { tt.judge(x, tt.facts, " of n1") })
		if f.Level != tt.level || !strings.Contains(f.Found, tt.found) || (f.Level != levelOK && (f.Means == "" || f.Do == "")) {
			t.Errorf("%s: %+v", tt.name, f)
		}
	}
}

func TestFindingsAboutKeys(t *testing.T) {
	now := time.Now()
	second := aftership.RateHeaders{Limit: 5, Remaining: 4, Date: now, Reset: now.Add(time.Second), Sent: now, Received: now}
	day := second
	day.Limit, day.Reset = 5000, now.Add(6*time.Hour)
	for name, tt := range map[string]struct {
		headers aftership.RateHeaders
		level   level
		found   string
	}{
		"lower than ours": {second, levelWarn, "allows 5 requests a second (all), 4 were left, and 10 a second"},
		"a daily limit":   {day, levelOK, "allows 5000 requests a window that ends at"},
		"no headers":      {aftership.RateHeaders{}, levelOK, "tells no limits"},
	} {
		f := examined(func(x *examination) { x.limit("key", "default", jobs.KeyCheck{Class: "all", Headers: tt.headers}) })
		if f.Level != tt.level || !strings.Contains(f.Found, tt.found) {
			t.Errorf("%s: %+v", name, f)
		}
	}
	for name, tt := range map[string]struct {
		err   error
		level level
	}{
		"refused":     {&aftership.Error{HTTP: 401, Code: 401}, levelFail},
		"forbidden":   {&aftership.Error{HTTP: 403, Code: 403}, levelFail},
		"no version":  {&aftership.Error{HTTP: 404, Code: 404}, levelFail},
		"unreachable": {&aftership.NoAnswerError{Kind: "dns", Err: io.EOF}, levelFail},
		"busy":        {&aftership.Error{HTTP: 429, Code: 429}, levelWarn},
		"trouble":     {&aftership.Error{HTTP: 503, Code: 503}, levelWarn},
	} {
		f := examined(func(x *examination) { x.keyTrouble("key", "default", tt.err) })
		if f.Level != tt.level || f.Means == "" || f.Do == "" {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

func TestFindingsAboutPlaces(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]finding{
		dir:                                 {Level: levelOK, Found: "can be written"},
		filepath.Join(dir, "new", "deeper"): {Level: levelOK, Found: "can be made"},
		file:                                {Level: levelFail, Found: "cannot be written"},
		filepath.Join(file, "below"):        {Level: levelFail, Found: "cannot be written"},
	} {
		f := examined(func(x *examination) { x.writable("place", path, "REPORT_DIR") })
		if f.Level != want.Level || !strings.Contains(f.Found, want.Found) {
			t.Errorf("%s: %+v", path, f)
		}
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestSecretsInConfigFile(t *testing.T) {
	dir := t.TempDir()
	key := filepath.Join(dir, "key")
	if err := os.WriteFile(key, []byte("k"), 0o600); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"account: eu\n":                                                              "",
		"accounts: {eu: {api_key: k}}\n":                                             "accounts.eu.api_key",
		"accounts: {eu: {api_key_file: " + key + "}}\n":                              "",
		"account: eu\naccounts: {eu: {api_key: k}}\n":                                "api_key",
		"account: eu\naccounts: {eu: {api_key_file: " + key + "}}\n":                 "",
		"accounts: {eu: {api_key_file: " + key + ", api_secret: s, signing: aes}}\n": "accounts.eu.api_secret",
		"redis_url: redis://:password@localhost\n":                                   "redis_url",
	} {
		path := filepath.Join(dir, "config.yml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		cfg, err := config.Load(config.Input{Env: []string{"AFTERSHIP_BULK_CONFIG=" + path}})
		if err != nil {
			t.Fatal(err)
		}
		if got, secret := secretsIn(cfg); got != path || secret != want {
			t.Errorf("%s: %q %q", text, got, secret)
		}
	}
}
