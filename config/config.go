package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Config is the settings after all checks. Printing one shows no secret.
type Config struct {
	// Account is the name of the account that commands work for. Defaults to "default".
	Account string
	// Accounts are all accounts that the settings know, Account always among
	// them, whether they have a key or not. Defaults to Account alone, without a key.
	Accounts map[string]Account
	// BaseURL is where the API is, without a slash at its end. Defaults to https://api.aftership.com.
	BaseURL string
	// APIVersion is one of [Versions]. Defaults to "2024-04".
	APIVersion string
	// RateLimit is the limit for accounts that have none of their own. Defaults to none: AfterShip's table holds.
	RateLimit RateLimit
	// RedisURL is the address of Redis. Defaults to none: everything is done in one process.
	RedisURL Secret
	// ReportDir is the directory for reports. Defaults to "reports".
	ReportDir string
	// ReportFormat is the kind of file of the reports there: csv or xlsx. Defaults to csv.
	ReportFormat string
	// ReportGuard says whether cells of CSV reports are guarded from spreadsheet programs that round and rewrite them: auto
	// or off. Defaults to auto.
	ReportGuard string
	// UpdatesDir is the directory for the daily files of webhooks. Defaults to "updates".
	UpdatesDir string
	// StateDir is the directory of the ledger without Redis. Defaults to the
	// system's place for the state of programs, else "state".
	StateDir string
	// Concurrency is the calls under way at once for each account and class. Defaults to 0: found automatically.
	Concurrency int
	// MaxAttempts is how often a job is tried. Defaults to 8.
	MaxAttempts int
	// Retention is how long a finished batch is kept. Defaults to 14 days.
	Retention time.Duration
	// MetaRetention is how long a finished batch's summary is kept, at least Retention. Defaults to 90 days.
	MetaRetention time.Duration
	// RetrackLimit is how often a shipment is retracked. Defaults to 3.
	RetrackLimit int
	// RetrackBackoff is the time between two retracks of a shipment. Defaults to 7 days.
	RetrackBackoff time.Duration
	// RetrackPerDay is how many shipments of an account are taken for a retrack in a day. Defaults to 0: any number.
	RetrackPerDay int
	// RetrackOnExpired is for how long shipments are gathered that webhooks tell to have expired. Defaults to 0: they are
	// not retracked.
	RetrackOnExpired time.Duration
	// HTTPAddr is where the worker listens, host and port. Defaults to none: nothing listens.
	HTTPAddr string
	// InboxDir is the worker's hot folder. Defaults to none.
	InboxDir string
	// InboxStill is how long a file there must not change before it is taken. Defaults to 10 seconds.
	InboxStill time.Duration
	// InboxFiles is how many files of it are carried out at once. Defaults to 8.
	InboxFiles int
	// Schedules are the commands that workers run by themselves, in the order of the file. Defaults to none.
	Schedules []Schedule
	// Notify says who is told of the end of a batch. Defaults to nobody.
	Notify Notify
	// LogLevel is debug, info, warn or error. Defaults to "info".
	LogLevel string
	// LogFormat is text or json. Defaults to "text".
	LogFormat string

	file  string  // the config file, for remedies
	shown []Shown // made when the settings were read; secrets are masked in it already
}

// Account is one AfterShip organisation, with what its calls need.
type Account struct {
	// Name is the name that the settings give it. Defaults to "default".
	Name string
	// APIKey is the key. Defaults to none.
	APIKey Secret
	// APISecret is what requests are signed with. Defaults to none.
	APISecret Secret
	// Signing is one of [Signings]. Defaults to "none".
	Signing string
	// WebhookSecrets are what AfterShip signs webhooks with, any of them. Defaults to none.
	WebhookSecrets []Secret
	// RateLimit is the account's own limit, which goes before Config.RateLimit. Defaults to none.
	RateLimit RateLimit
}

// Shown is a setting as `config show` prints it.
type Shown struct {
	// Name is the setting's name; settings of accounts other than the current one have their key in the file.
	Name string
	// Value is the value, masked when it is a secret. Defaults to "", not set.
	Value string
	// Origin is where the value came from: a flag, the environment, a file, the
	// sandbox, or "default".
	Origin string
}

// Versions lists the versions of AfterShip's API that can be set.
func Versions() []string {
	return []string{"v4", "2023-10", "2024-01", "2024-04", "2024-07", "2024-10", "2025-01", "2025-04", "2025-07", "2026-01", "2026-07"}
}

// Signings lists the ways in which requests can be signed.
func Signings() []string { return []string{"none", "aes", "rsa"} }

// Key is the API key of an account; false when it has none.
func (c Config) Key(account string) (Secret, bool) {
	key := c.Accounts[account].APIKey
	return key, key.Value() != ""
}

// AccountNamed is the account of that name, which has a key. The error of one
// that is not known, or has none, says how to give it.
func (c Config) AccountNamed(name string) (Account, error) {
	account, known := c.Accounts[name]
	if !known {
		return Account{}, fmt.Errorf("account %q is not in the settings, which know %s: add it under accounts in the config file, or set AFTERSHIP_ACCOUNT and AFTERSHIP_API_KEY",
			name, strings.Join(slices.Sorted(maps.Keys(c.Accounts)), ", "))
	}
	if account.APIKey.Value() == "" {
		return Account{}, fmt.Errorf("account %q has no API key: %s", name, c.keyRemedy(name))
	}
	return account, nil
}

func (c Config) keyRemedy(name string) string {
	remedy := "set AFTERSHIP_API_KEY or AFTERSHIP_API_KEY_FILE"
	if name != c.Account {
		remedy = fmt.Sprintf("set accounts.%s.api_key_file in %s, or AFTERSHIP_ACCOUNT=%s together with AFTERSHIP_API_KEY", name, c.file, name)
	}
	if names := c.WithKeys(); len(names) > 0 {
		remedy += "; accounts that have one: " + strings.Join(names, ", ")
	}
	return remedy
}

// WithKeys lists the names of the accounts that have a key, sorted: those that
// a worker serves.
func (c Config) WithKeys() []string {
	var names []string
	for name, account := range c.Accounts {
		if account.APIKey.Value() != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// Show lists every setting with its value and origin. Secrets are masked.
func (c Config) Show() []Shown { return slices.Clone(c.shown) }

// ForSandbox is a copy that works with a sandbox: its address and key for the
// current account alone, no Redis, no signing, no rate limit but the sandbox's.
func (c Config) ForSandbox(baseURL, key string) Config {
	c.BaseURL, c.RedisURL, c.RateLimit, c.Notify = baseURL, Secret{}, RateLimit{}, Notify{}
	c.Accounts = map[string]Account{c.Account: {Name: c.Account, APIKey: NewSecret(key), Signing: "none"}}
	replaced := map[string]string{setBaseURL: baseURL, setKey: mask, setSigning: "none", setRedis: "", setRate: "",
		setKeyFile: "", setSecret: "", setSecretFile: "", setHook: "", setHookFile: ""}
	var shown []Shown
	for _, s := range c.shown {
		if value, ok := replaced[s.Name]; ok {
			s.Value, s.Origin = value, "sandbox"
		}
		if !strings.HasPrefix(s.Name, "accounts.") {
			shown = append(shown, s)
		}
	}
	c.shown = shown
	return c
}
