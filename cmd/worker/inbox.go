package main

import (
	"context"
	"log/slog"
	"sync"

	"aftership-bulk/config"
	enqueue "aftership-bulk/internal/command"
)

// watchInbox begins to watch the hot folder, if the settings name one. What it
// returns waits until its runs have ended, which the end of the context asks for.
func watchInbox(ctx context.Context, cfg config.Config, args, env []string, log *slog.Logger) (wait func(), err error) {
	if cfg.InboxDir == "" {
		return func() {}, nil
	}
	box, err := enqueue.OpenInbox(enqueue.Inbox{Dir: cfg.InboxDir, Config: cfg, Args: args, Env: env, Log: log})
	if err != nil {
		return nil, &failure{exitUsage, err, "give INBOX_DIR a directory in which files can be made and moved"}
	}
	log.Info("watching", "inbox_dir", cfg.InboxDir)
	var watching sync.WaitGroup
	watching.Go(func() { box.Watch(ctx) })
	return watching.Wait, nil
}
