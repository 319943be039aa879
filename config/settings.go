package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// Setting is one line of the table of settings, which flags, environment, file,
// defaults and documentation are all made from.
type Setting struct {
	// Name is what errors and [Config.Show] call it.
	Name string
	// Env is the environment variable. Defaults to "", none.
	Env string
	// Flag is the flag without its dashes. Defaults to "", none.
	Flag string
	// Key is the key in the YAML file, with NAME for an account's name. Defaults to "", none.
	Key string
	// Default is the value when nothing is set, or words for how it is found. Defaults to "", not set.
	Default string
	// Doc is what the setting does, for people. Its end says the default.
	Doc string
	// Secret says that the value is masked wherever it would be printed. Defaults to false.
	Secret bool

	arg    string // what flags --help calls the value
	number bool   // the file may give a plain number
	worker bool   // only the worker has the flag
}

// The names of the settings that the code speaks of.
const (
	setConfig        = "config"
	setAccount       = "account"
	setKey           = "api_key"
	setKeyFile       = "api_key_file"
	setSecret        = "api_secret"
	setSecretFile    = "api_secret_file"
	setSigning       = "signing"
	setHook          = "webhook_secret"
	setHookFile      = "webhook_secret_file"
	setAccountRate   = "account_rate_limit"
	setVersion       = "api_version"
	setBaseURL       = "base_url"
	setRate          = "rate_limit"
	setRedis         = "redis_url"
	setReportDir     = "report_dir"
	setReportFormat  = "report_format"
	setReportGuard   = "report_guard"
	setUpdatesDir    = "updates_dir"
	setStateDir      = "state_dir"
	setHTTP          = "http_addr"
	setRetracks      = "retrack_limit"
	setRetrackWait   = "retrack_backoff"
	setRetrackDay    = "retrack_per_day"
	setRetrackHook   = "retrack_on_expired"
	setConcurrency   = "concurrency"
	setMaxAttempts   = "max_attempts"
	setRetention     = "retention"
	setMetaRetention = "meta_retention"
	setInboxDir      = "inbox_dir"
	setInboxStill    = "inbox_still"
	setInboxFiles    = "inbox_files"
	setLogLevel      = "log_level"

	setNotifyURL          = "notify_webhook_url"
	setNotifyURLFile      = "notify_webhook_url_file"
	setNotifySecret       = "notify_webhook_secret"
	setNotifySecretFile   = "notify_webhook_secret_file"
	setNotifyWebhook      = "notify_webhook"
	setNotifySlackURL     = "notify_slack_url"
	setNotifySlackURLFile = "notify_slack_url_file"
	setNotifySlack        = "notify_slack"
	setNotifyServer       = "notify_mail_server"
	setNotifyPassword     = "notify_mail_password"
	setNotifyPasswordFile = "notify_mail_password_file"
	setNotifyFrom         = "notify_mail_from"
	setNotifyTo           = "notify_mail_to"
	setNotifyMail         = "notify_mail"
	setNotifyPlain        = "notify_plain_text"
	setLogFormat          = "log_format"
)

var settings = []Setting{
	{Name: setConfig, Env: "AFTERSHIP_BULK_CONFIG", Flag: "config", arg: "FILE",
		Doc: "The YAML file with settings. A file that is named must exist. Defaults to no file."},
	{Name: setAccount, Env: "AFTERSHIP_ACCOUNT", Flag: "account", Key: "account", Default: "default", arg: "NAME",
		Doc: "The AfterShip account that commands work for, by a name of your own: letters, digits, _ and -. The AFTERSHIP_API_ variables belong to it; more accounts stand in the file under `accounts`. Defaults to `default`."},
	{Name: setKey, Env: "AFTERSHIP_API_KEY", Key: "accounts.NAME.api_key", Secret: true,
		Doc: "The account's API key, from AfterShip's admin. Defaults to none; nothing can be sent without one, save to the sandbox."},
	{Name: setKeyFile, Env: "AFTERSHIP_API_KEY_FILE", Key: "accounts.NAME.api_key_file",
		Doc: "A file that holds the API key, instead of the key itself. Defaults to none."},
	{Name: setSecret, Env: "AFTERSHIP_API_SECRET", Key: "accounts.NAME.api_secret", Secret: true,
		Doc: "What requests are signed with: the API secret for `aes`, the private key (PEM) for `rsa`. Defaults to none."},
	{Name: setSecretFile, Env: "AFTERSHIP_API_SECRET_FILE", Key: "accounts.NAME.api_secret_file",
		Doc: "A file that holds the API secret or the private key. Defaults to none."},
	{Name: setSigning, Env: "AFTERSHIP_API_SIGNING", Key: "accounts.NAME.signing", Default: "none",
		Doc: "How requests are signed, as chosen when the key was made: `none`, `aes` or `rsa`. Defaults to `none`."},
	{Name: setHook, Env: "AFTERSHIP_WEBHOOK_SECRET", Key: "accounts.NAME.webhook_secret", Secret: true,
		Doc: "What AfterShip signs its webhooks to `worker --http` with, from AfterShip's admin under Settings > Webhooks. Several, with commas or line breaks between them, while it is changed. Defaults to none: webhooks are not taken."},
	{Name: setHookFile, Env: "AFTERSHIP_WEBHOOK_SECRET_FILE", Key: "accounts.NAME.webhook_secret_file",
		Doc: "A file that holds the webhook secret, or several, each on a line of its own. Defaults to none."},
	{Name: setAccountRate, Key: "accounts.NAME.rate_limit", number: true,
		Doc: "The rate limit of this account, in the form of `rate_limit`; it goes before the file's general one. Defaults to `rate_limit`."},
	{Name: setVersion, Env: "AFTERSHIP_API_VERSION", Flag: "api-version", Key: "api_version", Default: "2024-04", arg: "VERSION",
		Doc: "The version of AfterShip's tracking API that the key is for: " + backquoted(Versions()) + ". Defaults to `2024-04`."},
	{Name: setBaseURL, Env: "AFTERSHIP_BASE_URL", Flag: "base-url", Key: "base_url", Default: "https://api.aftership.com", arg: "URL",
		Doc: "Where the API is; `/tracking/VERSION` or `/v4` is added. Defaults to `https://api.aftership.com`."},
	{Name: setRate, Env: "RATE_LIMIT", Flag: "rate-limit", Key: "rate_limit", arg: "LIMIT", number: true,
		Doc: "Requests a second: one number for every class of endpoints (`10`), or some by name (`create=20,update=5`). Below AfterShip's limit to leave room for others, above it for an account that has more. Defaults to AfterShip's limit for the API version."},
	{Name: setRedis, Env: "REDIS_URL", Flag: "redis-url", Key: "redis_url", Secret: true, arg: "URL",
		Doc: "The Redis that holds queue and ledger: `redis://`, `rediss://` (TLS), `redis-sentinel://HOST,HOST/MASTER`, `redis-cluster://HOST,HOST`, `unix://`. Give a password by the environment or the file, since other users can see flags. Defaults to none: `enqueue` does the work itself and keeps its state in the state directory."},
	{Name: setReportDir, Env: "REPORT_DIR", Flag: "report-dir", Key: "report_dir", Default: "reports", arg: "DIR",
		Doc: "The directory for the reports of finished batches. Defaults to `reports`."},
	{Name: setReportFormat, Env: "REPORT_FORMAT", Flag: "report-format", Key: "report_format", Default: "csv", arg: "FORMAT",
		Doc: "The kind of file of the reports there: `csv` or `xlsx`, a workbook of text cells. A report that is written to a named file is what that name ends in. Defaults to `csv`."},
	{Name: setReportGuard, Env: "REPORT_GUARD", Flag: "report-guard", Key: "report_guard", Default: "auto", arg: "HOW",
		Doc: "Which cells of CSV reports get an apostrophe in front: `auto`, those that a spreadsheet program would run as formulas, round or write anew when it saves the file; `off`, formulas alone. Reading a report takes it off again. Defaults to `auto`."},
	{Name: setUpdatesDir, Env: "UPDATES_DIR", Flag: "updates-dir", Key: "updates_dir", Default: "updates", arg: "DIR", worker: true,
		Doc: "The directory for the daily files of what webhooks told. Defaults to `updates`."},
	{Name: setStateDir, Env: "STATE_DIR", Flag: "state-dir", Key: "state_dir", arg: "DIR",
		Default: "$XDG_STATE_HOME/aftership-bulk or $HOME/.local/state/aftership-bulk",
		Doc:     "The directory of the ledger when there is no Redis. Defaults to `$XDG_STATE_HOME/aftership-bulk`, else `$HOME/.local/state/aftership-bulk`; on macOS `~/Library/Application Support/aftership-bulk`, on Windows `%LocalAppData%\\aftership-bulk`; without a home `state`."},
	{Name: setConcurrency, Env: "CONCURRENCY", Flag: "concurrency", Key: "concurrency", Default: "0", arg: "N", number: true,
		Doc: "Calls under way at once for each account and class; 0 takes it from the rate limit: enough for answers that take four seconds. Defaults to `0`."},
	{Name: setMaxAttempts, Env: "MAX_ATTEMPTS", Flag: "max-attempts", Key: "max_attempts", Default: "8", arg: "N", number: true,
		Doc: "How often a job is tried when AfterShip fails for a while, before it is given up. Defaults to `8`, over about an hour."},
	{Name: setRetention, Env: "RETENTION", Key: "retention", Default: "336h",
		Doc: "How long rows and results of a finished batch are kept: `14d`, `336h`. Defaults to `336h`, 14 days."},
	{Name: setMetaRetention, Env: "META_RETENTION", Key: "meta_retention", Default: "2160h",
		Doc: "How long a finished batch's summary is kept, by which a file that was sent before is recognised. Defaults to `2160h`, 90 days, or `retention` when that is longer."},
	{Name: setRetracks, Env: "RETRACK_LIMIT", Key: "retrack_limit", Default: "3", number: true,
		Doc: "How often a shipment is retracked. AfterShip allows three times by one of its pages and once by another; what it refuses for that is not tried again anyway. Defaults to `3`."},
	{Name: setRetrackWait, Env: "RETRACK_BACKOFF", Key: "retrack_backoff", Default: "168h",
		Doc: "The time between two retracks of a shipment: `7d`, `168h`. Defaults to `168h`, 7 days."},
	{Name: setRetrackDay, Env: "RETRACK_PER_DAY", Key: "retrack_per_day", Default: "0", number: true,
		Doc: "How many shipments of an account are taken for a retrack in a day (UTC), unless a file names them; 0 is any number. Defaults to `0`."},
	{Name: setRetrackHook, Env: "RETRACK_ON_EXPIRED", Key: "retrack_on_expired", Default: "off",
		Doc: "Whether the worker retracks what webhooks tell to have expired: `off`, `on`, or for how long such shipments are gathered into one batch, as `10m`; `on` is `2m`. Defaults to `off`."},
	{Name: setHTTP, Env: "HTTP_ADDR", Flag: "http", Key: "http_addr", arg: "ADDR", number: true, worker: true,
		Doc: "Where the worker listens for webhooks, probes and Prometheus: `8080` is `127.0.0.1:8080`, `0.0.0.0:8080` is every address of the machine. Defaults to none: nothing listens."},
	{Name: setInboxDir, Env: "INBOX_DIR", Flag: "inbox", Key: "inbox_dir", arg: "DIR", worker: true,
		Doc: "The hot folder of the worker: what is put into its directory `incoming` is carried out. Defaults to none."},
	{Name: setInboxStill, Env: "INBOX_STILL", Key: "inbox_still", Default: "10s",
		Doc: "How long size and time of a file in a hot folder must not change before it is taken: `10s`, `2m`. Defaults to `10s`."},
	{Name: setInboxFiles, Env: "INBOX_FILES", Key: "inbox_files", Default: "8", number: true,
		Doc: "How many files of a hot folder one worker reads and puts on the queue at once; without Redis it is one. Defaults to `8`."},
	{Name: setNotifyURL, Env: "NOTIFY_WEBHOOK_URL", Key: "notify_webhook_url", Secret: true,
		Doc: "Where a signed webhook is posted to when a batch has ended. Defaults to none."},
	{Name: setNotifyURLFile, Env: "NOTIFY_WEBHOOK_URL_FILE", Key: "notify_webhook_url_file",
		Doc: "A file that holds that address. Defaults to none."},
	{Name: setNotifySecret, Env: "NOTIFY_WEBHOOK_SECRET", Key: "notify_webhook_secret", Secret: true,
		Doc: "What that webhook is signed with. Defaults to none; there is no webhook without one."},
	{Name: setNotifySecretFile, Env: "NOTIFY_WEBHOOK_SECRET_FILE", Key: "notify_webhook_secret_file",
		Doc: "A file that holds that secret. Defaults to none."},
	{Name: setNotifyWebhook, Env: "NOTIFY_WEBHOOK", Key: "notify_webhook", Default: "failure",
		Doc: "When: `always`, `failure` (rows need a person, or the batch was stopped) or `off`. Defaults to `failure`."},
	{Name: setNotifySlackURL, Env: "NOTIFY_SLACK_URL", Key: "notify_slack_url", Secret: true,
		Doc: "An incoming webhook of Slack that is told of the end of batches. Defaults to none."},
	{Name: setNotifySlackURLFile, Env: "NOTIFY_SLACK_URL_FILE", Key: "notify_slack_url_file",
		Doc: "A file that holds that address. Defaults to none."},
	{Name: setNotifySlack, Env: "NOTIFY_SLACK", Key: "notify_slack", Default: "failure",
		Doc: "When Slack is told: `always`, `failure` or `off`. Defaults to `failure`."},
	{Name: setNotifyServer, Env: "NOTIFY_MAIL_SERVER", Key: "notify_mail_server",
		Doc: "The mail server by which e-mails about the end of batches are sent: `smtp://USER@HOST:587` (STARTTLS) or `smtps://USER@HOST:465` (TLS). Defaults to none."},
	{Name: setNotifyPassword, Env: "NOTIFY_MAIL_PASSWORD", Key: "notify_mail_password", Secret: true,
		Doc: "The password of its user. Defaults to none."},
	{Name: setNotifyPasswordFile, Env: "NOTIFY_MAIL_PASSWORD_FILE", Key: "notify_mail_password_file",
		Doc: "A file that holds that password. Defaults to none."},
	{Name: setNotifyFrom, Env: "NOTIFY_MAIL_FROM", Key: "notify_mail_from",
		Doc: "Who those e-mails are from. Defaults to none."},
	{Name: setNotifyTo, Env: "NOTIFY_MAIL_TO", Key: "notify_mail_to",
		Doc: "Who they go to, with commas between several. Defaults to none."},
	{Name: setNotifyMail, Env: "NOTIFY_MAIL", Key: "notify_mail", Default: "failure",
		Doc: "When they are sent: `always`, `failure` or `off`. Defaults to `failure`."},
	{Name: setNotifyPlain, Env: "NOTIFY_PLAIN_TEXT", Key: "notify_plain_text", Default: "off",
		Doc: "`on` allows `http://` addresses, and mail servers without TLS, also on other machines. Defaults to `off`."},
	{Name: setLogLevel, Env: "LOG_LEVEL", Flag: "log-level", Key: "log_level", Default: "info", arg: "LEVEL",
		Doc: "What is logged: `debug`, `info`, `warn` or `error` and worse. Defaults to `info`."},
	{Name: setLogFormat, Env: "LOG_FORMAT", Flag: "log-format", Key: "log_format", Default: "text", arg: "FORMAT",
		Doc: "The form of the log: `text` or `json`. Defaults to `text`."},
}

// Settings lists every setting there is, in the order of the documentation.
func Settings() []Setting { return slices.Clone(settings) }

// named finds a setting. The name is one of the constants above.
func named(name string) Setting {
	i := slices.IndexFunc(settings, func(s Setting) bool { return s.Name == name })
	return settings[i]
}

// flagValue is the text of a flag, which help calls by the kind of value.
type flagValue struct{ text, kind string }

func (v *flagValue) String() string     { return v.text }
func (v *flagValue) Set(s string) error { v.text = s; return nil }
func (v *flagValue) Type() string       { return v.kind }

// AddFlags adds the flags of the settings that every program has. They have no
// defaults of their own, so that what was not typed leaves environment and file
// alone.
func AddFlags(flags *pflag.FlagSet) { addFlags(flags, false) }

// AddWorkerFlags adds the flags of the settings that only the worker has.
func AddWorkerFlags(flags *pflag.FlagSet) { addFlags(flags, true) }

func addFlags(flags *pflag.FlagSet, worker bool) {
	for _, s := range settings {
		if s.Flag != "" && s.worker == worker {
			flags.Var(&flagValue{kind: s.arg}, s.Flag, s.usage())
		}
	}
}

// usage is the setting in a line of help: its first sentence, its default, and
// its variable.
func (s Setting) usage() string {
	first, _, _ := strings.Cut(s.Doc, ". ")
	byDefault := s.Doc[strings.LastIndex(s.Doc, "Defaults to"):]
	return strings.ReplaceAll(first+". "+strings.TrimSuffix(byDefault, "."), "`", "") + " [" + s.Env + "]"
}

// Markdown is the table of the settings for the README.
func Markdown() string {
	var b strings.Builder
	b.WriteString("| environment | flag | file | what it does |\n|---|---|---|---|\n")
	for _, s := range settings {
		flag := s.Flag
		if flag != "" {
			flag = "--" + flag
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", cell(s.Env), cell(flag), cell(s.Key), strings.ReplaceAll(s.Doc, "|", `\|`))
	}
	return b.String()
}

func cell(name string) string {
	if name == "" {
		return ""
	}
	return "`" + name + "`"
}

func backquoted(names []string) string { return "`" + strings.Join(names, "`, `") + "`" }

// nearest is the candidate that a mistyped name most likely meant.
func nearest(name string, candidates []string) string {
	return slices.MinFunc(candidates, func(a, b string) int { return cmp.Compare(distance(name, a), distance(name, b)) })
}

// distance is the number of letters to change, add or drop between two names.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// Typed lists the flags of [AddFlags] that were typed, as arguments for a command
// that is run inside the program.
func Typed(flags *pflag.FlagSet) []string {
	var args []string
	for _, s := range settings {
		if s.Flag == "" || s.worker {
			continue
		}
		if f := flags.Lookup(s.Flag); f != nil && f.Changed {
			args = append(args, "--"+s.Flag+"="+f.Value.String())
		}
	}
	return args
}
