package config

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
)

// place is a file in a directory of the test's own.
func place(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// typed are flags as a person typed them.
func typed(t *testing.T, args ...string) *pflag.FlagSet {
	t.Helper()
	flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
	AddFlags(flags)
	if err := flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	return flags
}

// mustLoad loads settings that have to be right. A file text of "" is no file.
func mustLoad(t *testing.T, file string, env []string, args ...string) Config {
	t.Helper()
	if file != "" {
		env = append(env, "AFTERSHIP_BULK_CONFIG="+place(t, "set.yml", file))
	}
	c, err := load(Input{Flags: typed(t, args...), Env: env}, "linux")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// shown is a setting as it is printed.
func shown(t *testing.T, c Config, name string) Shown {
	t.Helper()
	for _, s := range c.Show() {
		if s.Name == name {
			return s
		}
	}
	t.Fatalf("%s is not shown", name)
	return Shown{}
}

func TestRetracksOnExpired(t *testing.T) {
	for text, want := range map[string]time.Duration{"on": 2 * time.Minute, "OFF": 0, "10m": 10 * time.Minute, "1s": time.Second} {
		if c := mustLoad(t, "", []string{"RETRACK_ON_EXPIRED=" + text}); c.RetrackOnExpired != want {
			t.Errorf("%s is %s", text, c.RetrackOnExpired)
		}
	}
	if c := mustLoad(t, "", nil); shown(t, c, setRetrackHook).Value != "off" {
		t.Error("off is shown as", shown(t, c, setRetrackHook).Value)
	}
	if c := mustLoad(t, "retrack_on_expired: on\nretrack_limit: 2\nretrack_backoff: 3d\n", nil); c.RetrackOnExpired == 0 || c.RetrackLimit != 2 || c.RetrackBackoff != 72*time.Hour {
		t.Errorf("of the file: %+v", c)
	}
}

func TestDefaults(t *testing.T) {
	c, err := load(Input{Env: []string{"HOME=/home/ann"}}, "linux")
	if err != nil {
		t.Fatal(err)
	}
	want := Config{
		Account: "default", Accounts: map[string]Account{"default": {Name: "default", Signing: "none"}},
		BaseURL: "https://api.aftership.com", APIVersion: "2024-04", ReportDir: "reports", ReportFormat: "csv", ReportGuard: "auto", UpdatesDir: "updates",
		StateDir: "/home/ann/.local/state/aftership-bulk", MaxAttempts: 8, Retention: 14 * 24 * time.Hour,
		MetaRetention: 90 * 24 * time.Hour, RetrackLimit: 3, RetrackBackoff: 7 * 24 * time.Hour, InboxStill: 10 * time.Second, InboxFiles: 8, Notify: Notify{WebhookWhen: "failure", SlackWhen: "failure", MailWhen: "failure"}, LogLevel: "info", LogFormat: "text", file: c.file, shown: c.shown,
	}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("got  %+v\nwant %+v", c, want)
	}
	for _, s := range c.Show() {
		if s.Origin != "default" {
			t.Errorf("%s comes from %q", s.Name, s.Origin)
		}
	}
}

// Each setting, given in each place that it has, arrives, and says from where.
func TestEverySettingFromEveryPlace(t *testing.T) {
	values := map[string]string{
		setAccount: "eu", setVersion: "2025-07", setBaseURL: "http://localhost:8321", setRate: "7.5",
		setRedis: "redis://:pw@one:6379", setReportDir: "out", setReportFormat: "xlsx", setReportGuard: "off", setStateDir: "/var/state", setConcurrency: "12",
		setMaxAttempts: "3", setRetention: "48h", setMetaRetention: "9600h", setLogLevel: "warn", setLogFormat: "json",
	}
	for name, value := range values {
		s := named(name)
		display := value
		if s.Secret {
			display = mask
		}
		check := func(t *testing.T, c Config, origin string) {
			t.Helper()
			if got := shown(t, c, name); got != (Shown{name, display, origin}) {
				t.Errorf("got %+v, want %q from %q", got, display, origin)
			}
		}
		t.Run(name, func(t *testing.T) {
			file := place(t, "x.yml", s.Key+": "+`"`+value+`"`+"\n")
			env := []string{"AFTERSHIP_BULK_CONFIG=" + file}
			check(t, mustLoad(t, "", env), "file "+file)
			env = append(env, s.Env+"="+value)
			check(t, mustLoad(t, "", env), "environment "+s.Env)
			if s.Flag != "" {
				env = append(env, s.Env+"=overridden")
				check(t, mustLoad(t, "", env, "--"+s.Flag, value), "flag --"+s.Flag)
			}
		})
	}
}

func TestValuesArrive(t *testing.T) {
	c := mustLoad(t, "concurrency: 3\nmax_attempts: 5\nretention: 2d12h\nrate_limit: {create: 20, update: 2.5}\napi_version: 2025-01\nlog_level: DEBUG\n", []string{
		"REDIS_URL= redis://:pw@h:1 ", "LOG_LEVEL=", "HOME=/home/ann", "MAX_ATTEMPTS=4", "MAX_ATTEMPTS=6",
	}, "--report-dir=~/out", "--api-version", "Legacy", "--rate-limit", "9")
	for what, pair := range map[string][2]any{
		"concurrency":  {c.Concurrency, 3},
		"attempts":     {c.MaxAttempts, 6},
		"retention":    {c.Retention, 60 * time.Hour},
		"redis":        {c.RedisURL.Value(), "redis://:pw@h:1"},
		"report dir":   {c.ReportDir, "/home/ann/out"},
		"version":      {c.APIVersion, "v4"},
		"log level":    {c.LogLevel, "debug"},
		"general rate": {c.RateLimit.String(), "9"},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s: got %v, want %v", what, pair[0], pair[1])
		}
	}
	if c = mustLoad(t, "", []string{"RETENTION=200d"}); c.MetaRetention != c.Retention || shown(t, c, setMetaRetention).Value != "4800h" {
		t.Errorf("a summary is kept for %s, the rest for %s", c.MetaRetention, c.Retention)
	}
	c = mustLoad(t, "rate_limit: {create: 20, update: 2.5}\napi_version: 2025-01\n", nil)
	if got := c.RateLimit.String(); got != "create=20,update=2.5" {
		t.Errorf("a rate limit by class in the file became %q", got)
	}
}

// A flag that is empty takes away what the environment says.
func TestEmptyFlagMeansNone(t *testing.T) {
	c := mustLoad(t, "redis_url: redis://file", []string{"REDIS_URL=redis://env"}, "--redis-url", "")
	if c.RedisURL.Value() != "" || shown(t, c, setRedis) != (Shown{setRedis, "", "flag --redis-url"}) {
		t.Errorf("got %q, %+v", c.RedisURL.Value(), shown(t, c, setRedis))
	}
	c = mustLoad(t, "", []string{"AFTERSHIP_BULK_CONFIG=/nowhere/at/all.yml"}, "--config", "")
	if got := shown(t, c, setConfig).Value; got != "" {
		t.Errorf("the file is %q", got)
	}
}

func TestWrongSettings(t *testing.T) {
	tests := map[string]struct {
		file string
		env  string
		flag string
		want []string
	}{
		"version":               {env: "AFTERSHIP_API_VERSION=2024-4", want: []string{`api_version is "2024-4" (environment AFTERSHIP_API_VERSION)`, "2024-04"}},
		"account":               {flag: "--account=a.b", want: []string{`account is "a.b" (flag --account)`, "letters"}},
		"no account":            {flag: "--account=", want: []string{"account (flag --account)", "letters"}},
		"number":                {flag: "--concurrency=many", want: []string{`concurrency is "many" (flag --concurrency)`, "0 to 10000"}},
		"negative":              {env: "CONCURRENCY=-1", want: []string{"0 to 10000"}},
		"no attempt":            {env: "MAX_ATTEMPTS=0", want: []string{"1 to 100"}},
		"number with fraction":  {file: "max_attempts: 2.5", want: []string{`max_attempts is "2.5" (file `, "whole number"}},
		"retention":             {env: "RETENTION=14", want: []string{`retention is "14"`, "14d"}},
		"retention of nothing":  {env: "RETENTION=0d", want: []string{"minute or more"}},
		"retention backwards":   {env: "RETENTION=-5h", want: []string{"minute or more"}},
		"retention half back":   {env: "RETENTION=3d-5h", want: []string{"minute or more"}},
		"retracks of nothing":   {env: "RETRACK_LIMIT=0", want: []string{"from 1 to 100"}},
		"retracks at some time": {env: "RETRACK_ON_EXPIRED=maybe", want: []string{"off, on, or a time"}},
		"retracks too often":    {env: "RETRACK_ON_EXPIRED=1ms", want: []string{"from 1s to 24h"}},
		"retention for ever":    {env: "RETENTION=99999d", want: []string{"minute or more"}},
		"retention in file":     {file: "retention: 14", want: []string{"retention (file ", "quotes"}},
		"meta too short":        {env: "META_RETENTION=1h", want: []string{`meta_retention is "1h" (environment META_RETENTION)`, "336h", "at least as long"}},
		"level":                 {env: "LOG_LEVEL=loud", want: []string{"debug, info, warn, error"}},
		"format":                {env: "LOG_FORMAT=xml", want: []string{"text, json"}},
		"redis without scheme":  {env: "REDIS_URL=localhost:6379", want: []string{"redis_url (environment REDIS_URL)", "redis://HOST:6379"}},
		"redis without host":    {env: "REDIS_URL=redis://", want: []string{"redis://HOST:6379"}},
		"redis other scheme":    {env: "REDIS_URL=http://localhost", want: []string{"rediss-cluster"}},
		"base without scheme":   {env: "AFTERSHIP_BASE_URL=api.aftership.com", want: []string{`base_url is "api.aftership.com"`, "https://api.aftership.com"}},
		"base with version":     {env: "AFTERSHIP_BASE_URL=https://api.aftership.com/v4/", want: []string{"leave out /v4"}},
		"base with tracking":    {env: "AFTERSHIP_BASE_URL=https://api.aftership.com/tracking/2024-04", want: []string{"leave out /v4"}},
		"base with query":       {env: "AFTERSHIP_BASE_URL=https://api.aftership.com?a=b", want: []string{"? or #"}},
		"rate":                  {env: "RATE_LIMIT=fast", want: []string{`rate_limit is "fast" (environment RATE_LIMIT)`, "write 10"}},
		"rate class":            {env: "RATE_LIMIT=creat=4", want: []string{`"creat" is no class`}},
		"class of old version":  {env: "RATE_LIMIT=create=4", want: []string{"2024-04 has one limit"}},
		"account's class":       {file: "accounts: {eu: {rate_limit: 'create=4'}}", want: []string{`accounts.eu.rate_limit is "create=4"`, "one limit"}},
		"account's rate":        {file: "accounts: {eu: {rate_limit: 0}}", want: []string{`accounts.eu.rate_limit is "0" (file `, "above 0"}},
		"rate of odd form":      {file: "rate_limit: {create: [1]}", want: []string{"{create: 20, update: 5}"}},
		"rate of another form":  {file: "rate_limit: [1]", want: []string{"rate_limit (file ", "quotes"}},
		"state dir":             {flag: "--state-dir=", want: []string{"state_dir (flag --state-dir)", "directory"}},
		"signing":               {env: "AFTERSHIP_API_SIGNING=md5", want: []string{`signing is "md5"`, "none, aes, rsa"}},
		"signing, no secret":    {env: "AFTERSHIP_API_SIGNING=aes", want: []string{`signing is "aes" (environment AFTERSHIP_API_SIGNING)`, "AFTERSHIP_API_SECRET"}},
		"no key in key file":    {env: "AFTERSHIP_API_KEY_FILE=/no/such/key", want: []string{`api_key_file is "/no/such/key" (environment AFTERSHIP_API_KEY_FILE)`, "cannot be read"}},
		"unknown key":           {file: "concurency: 3", want: []string{"concurency (file ", "did you mean concurrency?"}},
		"key of environment":    {file: "AFTERSHIP_API_VERSION: v4", want: []string{"did you mean api_version?"}},
		"key with dash":         {file: "redis-url: redis://h", want: []string{"did you mean redis_url?"}},
		"key of an account":     {file: "api-key-file: /k", want: []string{"did you mean accounts.NAME.api_key_file?"}},
		"account's unknown key": {file: "accounts: {eu: {key: abc}}", want: []string{"accounts.eu.key (file ", "did you mean accounts.eu.api_key?"}},
		"account's bad name":    {file: "accounts: {'e.u': {signing: none}}", want: []string{"accounts.e.u (file ", "letters"}},
		"account of no form":    {file: "accounts: {eu: abc}", want: []string{"accounts.eu (file ", "api_key_file"}},
		"accounts of no form":   {file: "accounts: [eu]", want: []string{"accounts (file ", "{NAME: {api_key_file: PATH}}"}},
		"text that is a number": {file: "account: 2024", want: []string{"account (file ", "quotes"}},
		"key that is a number":  {file: "accounts: {eu: {api_key: 12345}}", want: []string{"accounts.eu.api_key (file ", "quotes"}},
		"not YAML":              {file: "account: eu\n  x: [", want: []string{"set.yml", "line 2"}},
		"a list":                {file: "- a\n- b\n", want: []string{"set.yml", "key: value"}},
		"twice":                 {file: "account: eu\naccount: us\n", want: []string{"set.yml", "line "}},
		"two documents":         {file: "account: eu\n---\naccount: us\n", want: []string{"several YAML documents"}},
		"no such file":          {flag: "--config=/no/such/file.yml", want: []string{`"/no/such/file.yml" (flag --config)`, "cannot be read"}},
		"no such file, by env":  {env: "AFTERSHIP_BULK_CONFIG=/no/file.yml", want: []string{`"/no/file.yml" (environment AFTERSHIP_BULK_CONFIG)`}},
		"one key, two accounts": {file: "accounts: {eu: {api_key: k1}, us: {api_key: k1}}", want: []string{"accounts eu and us have the same API key"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			env := []string{tt.env}
			if tt.file != "" {
				env = append(env, "AFTERSHIP_BULK_CONFIG="+place(t, "set.yml", tt.file))
			}
			flags := typed(t)
			if tt.flag != "" {
				flags = typed(t, tt.flag)
			}
			_, err := load(Input{Flags: flags, Env: env}, "linux")
			if err == nil {
				t.Fatal("was accepted")
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not say %q", err, want)
				}
			}
		})
	}
}

// Everything that is wrong is said at once, in the same order each time.
func TestAllProblemsAtOnce(t *testing.T) {
	in := Input{Env: []string{"LOG_LEVEL=loud", "MAX_ATTEMPTS=0", "RATE_LIMIT=-1",
		"AFTERSHIP_BULK_CONFIG=" + place(t, "x.yml", "b: 1\na: 2\nc: 3\naccounts: {'z.z': {}, 'y.y': {}}\n")}}
	_, first := Load(in)
	if lines := strings.Count(first.Error(), "\n") + 1; lines != 8 {
		t.Errorf("%d problems in:\n%v", lines, first)
	}
	for range 20 {
		if _, again := Load(in); again.Error() != first.Error() {
			t.Fatalf("now\n%v\nbefore\n%v", again, first)
		}
	}
}

func TestFileMayBeEmpty(t *testing.T) {
	for _, text := range []string{"\n", "# nothing\n", "---\n", "accounts:\n", "accounts: {eu: }\nredis_url:\n", "---\naccount: default\n"} {
		if c := mustLoad(t, text, nil); c.Account != "default" || c.RedisURL.Value() != "" {
			t.Errorf("%q: %+v", text, c)
		}
	}
}

func TestFileIsLimited(t *testing.T) {
	_, err := Load(Input{Env: []string{"AFTERSHIP_BULK_CONFIG=" + place(t, "big.yml", strings.Repeat("# long\n", 200_000))}})
	if err == nil || !strings.Contains(err.Error(), "1024 KB") {
		t.Errorf("got %v", err)
	}
}

func TestStateDir(t *testing.T) {
	for _, tt := range []struct {
		goos string
		env  []string
		want string
	}{
		{"linux", []string{"HOME=/home/ann"}, "/home/ann/.local/state/aftership-bulk"},
		{"linux", []string{"HOME=/home/ann", "XDG_STATE_HOME=/state"}, "/state/aftership-bulk"},
		{"linux", []string{"HOME=/home/ann", "XDG_STATE_HOME=relative"}, "/home/ann/.local/state/aftership-bulk"},
		{"linux", nil, "state"},
		{"darwin", []string{"HOME=/Users/ann"}, "/Users/ann/Library/Application Support/aftership-bulk"},
		{"darwin", nil, "state"},
		{"windows", []string{`LOCALAPPDATA=C:\Local`, `USERPROFILE=C:\Ann`}, filepath.Join(`C:\Local`, "aftership-bulk")},
		{"windows", []string{`USERPROFILE=C:\Ann`}, filepath.Join(`C:\Ann`, "AppData", "Local", "aftership-bulk")},
		{"windows", nil, "state"},
	} {
		c, err := load(Input{Env: tt.env}, tt.goos)
		if err != nil {
			t.Fatal(err)
		}
		if c.StateDir != filepath.FromSlash(tt.want) {
			t.Errorf("%s %v: got %s, want %s", tt.goos, tt.env, c.StateDir, tt.want)
		}
	}
}

// Variables of Windows have no case.
func TestEnvironmentOfWindows(t *testing.T) {
	c, err := load(Input{Env: []string{"max_attempts=3"}}, "windows")
	if err != nil || c.MaxAttempts != 3 {
		t.Errorf("%d, %v", c.MaxAttempts, err)
	}
}

func TestHome(t *testing.T) {
	e := environment{vars: []string{"HOME=/home/ann"}}
	for path, want := range map[string]string{"~": "/home/ann", "~/x": "/home/ann/x", "~bob/x": "~bob/x", "/~/x": "/~/x", "x": "x"} {
		if got := e.home(path); got != filepath.FromSlash(want) {
			t.Errorf("%s: %s", path, got)
		}
	}
	if got := (environment{}).home("~/x"); got != "~/x" {
		t.Errorf("without a home: %s", got)
	}
}

func FuzzDuration(f *testing.F) {
	for _, s := range []string{"14d", "336h", "1d12h", "0d", "d", "99999d", "1d-1h", "9223372036854775807ns", "36500d24h"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if d, err := duration(text); err == nil && (d < time.Minute || d > maxDays*24*time.Hour) {
			t.Errorf("%q became %v", text, d)
		}
	})
}

// Whatever stands in the file, there is an answer and no crash.
func FuzzFile(f *testing.F) {
	for _, s := range []string{"account: eu", "accounts: {eu: {api_key: k}}", "rate_limit: {create: 1}", "- a", "&a [*a]", "1: 2", "accounts: {1: {2: 3}}", "<<: {a: b}", "a.b: c", "accounts: {'': {}}"} {
		f.Add(s)
	}
	path := filepath.Join(f.TempDir(), "x.yml")
	f.Fuzz(func(t *testing.T, text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if c, err := Load(Input{Env: []string{"AFTERSHIP_BULK_CONFIG=" + path}}); err == nil && c.Accounts[c.Account].Name != c.Account {
			t.Errorf("%q: the account is missing", text)
		}
	})
}
