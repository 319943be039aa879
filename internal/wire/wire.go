// Package wire builds what the commands share out of the settings: accounts with
// their clients and pacers, options, loggers.
package wire

import (
	"errors"
	"io"
	"log/slog"
	"os"

	"github.com/redis/go-redis/v9"

	"aftership-bulk/aftership"
	"aftership-bulk/batch"
	"aftership-bulk/config"
	"aftership-bulk/jobs"
	"aftership-bulk/notify"
	"aftership-bulk/ratelimit"
	"aftership-bulk/report"
)

// Version is the version of the API in the settings.
func Version(cfg config.Config) aftership.Version { return aftership.Version(cfg.APIVersion) }

// Account builds the client and the pacers of an account. rdb holds the buckets
// that all processes share; nil where this process is alone with the account.
func Account(cfg config.Config, name string, rdb redis.UniversalClient) (*jobs.Account, error) {
	acc, err := cfg.AccountNamed(name)
	if err != nil {
		return nil, err
	}
	signer, err := aftership.NewSigner(aftership.Signing(acc.Signing), acc.APISecret.Value())
	if err != nil {
		return nil, err
	}
	client, err := aftership.New(aftership.Options{
		BaseURL: cfg.BaseURL, APIKey: acc.APIKey.Value(), Signer: signer, Version: Version(cfg),
	})
	if err != nil {
		return nil, err
	}
	return &jobs.Account{Name: name, Client: client, Pacers: pacers(cfg, acc, rdb)}, nil
}

// pacers builds a pacer for each class of the version, at the limit of the
// settings or else of AfterShip's table.
func pacers(cfg config.Config, acc config.Account, rdb redis.UniversalClient) map[aftership.Class]*ratelimit.Pacer {
	all := map[aftership.Class]*ratelimit.Pacer{}
	for _, class := range Version(cfg).Classes() {
		limit := Limit(cfg, acc, class)
		source := ratelimit.NewLocalSource(limit)
		if rdb != nil {
			source = ratelimit.NewRedisSource(rdb, acc.Name, string(class), limit)
		}
		all[class] = ratelimit.NewPacer(source)
	}
	return all
}

// Limit is the number of requests per second that the settings allow a class.
func Limit(cfg config.Config, acc config.Account, class aftership.Class) float64 {
	for _, set := range []config.RateLimit{acc.RateLimit, cfg.RateLimit} {
		if limit, ok := set.Of(string(class)); ok {
			return limit
		}
	}
	return float64(Version(cfg).Limit(class))
}

// LedgerOptions are the ledger's settings.
func LedgerOptions(cfg config.Config) batch.Options {
	return batch.Options{Retention: cfg.Retention, MetaRetention: cfg.MetaRetention}
}

// WorkerOptions are a worker's settings.
func WorkerOptions(cfg config.Config, log *slog.Logger) jobs.Options {
	return jobs.Options{MaxAttempts: cfg.MaxAttempts, Concurrency: cfg.Concurrency, ReportDir: cfg.ReportDir, Reports: ReportOptions(cfg), Retrack: RetrackPolicy(cfg), RetrackExpired: cfg.RetrackOnExpired, Log: log}
}

// RetrackPolicy is which shipments the settings let be retracked again.
func RetrackPolicy(cfg config.Config) jobs.RetrackPolicy {
	return jobs.RetrackPolicy{Limit: cfg.RetrackLimit, Backoff: cfg.RetrackBackoff, PerDay: cfg.RetrackPerDay}
}

// ReportOptions are the settings of reports.
func ReportOptions(cfg config.Config) report.Options {
	return report.Options{Format: report.Format(cfg.ReportFormat), Guard: report.Guard(cfg.ReportGuard)}
}

// Notifier builds what tells people how batches ended; nil where nobody is to be
// told.
func Notifier(cfg config.Config) (*notify.Notifier, error) {
	s := cfg.Notify
	o := notify.Options{
		WebhookURL: s.WebhookURL.Value(), WebhookSecret: s.WebhookSecret.Value(), WebhookWhen: notify.When(s.WebhookWhen),
		SlackURL: s.SlackURL.Value(), SlackWhen: notify.When(s.SlackWhen),
		MailServer: s.MailServer, MailPassword: s.MailPassword.Value(), MailFrom: s.MailFrom, MailWhen: notify.When(s.MailWhen),
		PlainText: s.PlainText,
	}
	if s.MailTo != "" {
		o.MailTo = []string{s.MailTo}
	}
	return notify.New(o)
}

// Logger builds the logger of the settings.
func Logger(cfg config.Config, w io.Writer, least slog.Level) *slog.Logger {
	level := slog.LevelInfo
	_ = level.UnmarshalText([]byte(cfg.LogLevel)) // checked when the settings were read
	opts := &slog.HandlerOptions{Level: max(level, least)}
	if cfg.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, opts))
	}
	return slog.New(slog.NewTextHandler(w, opts))
}

// Writable tries whether files can be made in a directory, and makes it if it is
// not there.
func Writable(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".writable-*.tmp")
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}
