package main

import (
	"context"
	"log/slog"
	"sync"

	"aftership-bulk/config"
	"aftership-bulk/inbox"
	enqueue "aftership-bulk/internal/command"
	"aftership-bulk/web"
)

// watchInbox begins to watch the hot folder, if the settings name one, and shows how
// it stands. What it returns waits until its runs have ended, which the end of the
// context asks for.
func watchInbox(ctx context.Context, cfg config.Config, args, env []string, f *face, log *slog.Logger) (wait func(), err error) {
	if cfg.InboxDir == "" {
		return func() {}, nil
	}
	box, err := enqueue.OpenInbox(enqueue.Inbox{Dir: cfg.InboxDir, Config: cfg, Args: args, Env: env, Log: log})
	if err != nil {
		return nil, &failure{exitUsage, err, "give INBOX_DIR a directory in which files can be made and moved"}
	}
	log.Info("watching", "inbox_dir", cfg.InboxDir)
	f.showInbox(box)
	var watching sync.WaitGroup
	watching.Go(func() { box.Watch(ctx) })
	return watching.Wait, nil
}

// showInbox makes the metrics show how the hot folder stands.
func (f *face) showInbox(box *inbox.Box) {
	if f.metrics == nil {
		return
	}
	f.metrics.WatchInbox(func() web.InboxFigures {
		now := box.Figures()
		return web.InboxFigures{
			Done: now.Done, Failed: now.Failed, Again: now.Again,
			Incoming: web.InboxWaiting(now.Incoming), Processing: web.InboxWaiting(now.Processing),
		}
	})
}
