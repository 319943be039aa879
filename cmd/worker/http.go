package main

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"aftership-bulk/aftership"
	"aftership-bulk/config"
	"aftership-bulk/jobs"
	"aftership-bulk/web"
)

// lastAnswers is how long answers under way may take once the worker goes down.
const lastAnswers = 5 * time.Second

// face is what of the worker the network sees. The zero face is hidden.
type face struct {
	metrics *web.Metrics
	server  *web.Server
	started atomic.Bool
}

// newFace opens the port if the settings ask for one, and makes the worker tell
// what it does. Until the worker has started, /readyz says so.
func newFace(cfg config.Config, rdb redis.UniversalClient, queue *jobs.Queue, opts *jobs.Options, log *slog.Logger) (*face, error) {
	f := &face{}
	if cfg.HTTPAddr == "" {
		return f, nil
	}
	accounts, err := webhookAccounts(cfg)
	if err != nil {
		return nil, err
	}
	f.metrics = web.NewMetrics()
	opts.Observer = f.metrics
	if len(accounts) > 0 {
		opts.Updates = &jobs.UpdateOptions{Redis: rdb, Dir: cfg.UpdatesDir}
	}
	f.server, err = web.Listen(cfg.HTTPAddr, web.Options{
		Accounts: accounts, Updates: jobs.NewUpdates(rdb, queue), Metrics: f.metrics, Log: log,
		Ready: func(ctx context.Context) error { return f.ready(ctx, rdb) },
	})
	if err != nil {
		return nil, &failure{exitUsage, err, "give HTTP_ADDR a port that is free"}
	}
	log.Info("listening", "addr", f.server.Addr(), "webhooks_of", len(accounts), "updates_dir", cfg.UpdatesDir)
	return f, nil
}

// webhookAccounts are the accounts that have a webhook secret. A worker serves
// only those that have a key, too.
func webhookAccounts(cfg config.Config) ([]web.WebhookAccount, error) {
	var all []web.WebhookAccount
	for _, name := range cfg.WithKeys() {
		var texts []string
		for _, s := range cfg.Accounts[name].WebhookSecrets {
			texts = append(texts, s.Value())
		}
		if len(texts) == 0 {
			continue
		}
		secrets, err := aftership.NewWebhookSecrets(texts...)
		if err != nil {
			return nil, &failure{exitUsage, err, "set AFTERSHIP_WEBHOOK_SECRET"}
		}
		all = append(all, web.WebhookAccount{Name: name, Secrets: secrets})
	}
	return all, nil
}

var errStarting = errors.New("starting")

func (f *face) ready(ctx context.Context, rdb redis.UniversalClient) error {
	if !f.started.Load() {
		return errStarting
	}
	if err := rdb.Ping(ctx).Err(); err != nil {
		return errors.New("Redis does not answer") // not its address, which anybody may ask for here
	}
	return nil
}

// start says that the worker works.
func (f *face) start(w *jobs.Worker, s *jobs.Scheduler) {
	if f.metrics != nil {
		f.metrics.Watch(w)
		f.metrics.WatchSchedules(s)
	}
	f.started.Store(true)
}

// goDown closes the port. Webhooks that were answered stand on the queue.
func (f *face) goDown(log *slog.Logger) {
	if f.server == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), lastAnswers)
	defer cancel()
	if err := f.server.Shutdown(ctx); err != nil {
		log.Warn("answers under way were cut off; AfterShip sends those webhooks again", "error", err)
	}
}
