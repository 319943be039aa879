package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime/debug"

	"github.com/redis/go-redis/v9"
	"github.com/spf13/cobra"

	"aftership-bulk/batch"
	"aftership-bulk/config"
	enqueue "aftership-bulk/internal/command"
	"aftership-bulk/internal/wire"
	"aftership-bulk/jobs"
	"aftership-bulk/redisconn"
)

// Exit codes.
const (
	exitDone        = 0
	exitUsage       = 2
	exitUnreachable = 5
)

const exitHelp = `Exit codes:
  0  ended by a signal, everything under way was recorded or given back
  2  usage or configuration
  5  Redis cannot be reached`

// failure is an error with the exit code that belongs to it.
type failure struct {
	code int
	err  error
	try  string
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// run is the whole program: it returns the exit code.
func run(ctx context.Context, args, env []string, stdout, stderr io.Writer) int {
	cmd := command(env, stderr)
	cmd.SetArgs(args)
	cmd.SetOut(stdout)
	cmd.SetErr(stderr)
	err := cmd.ExecuteContext(ctx)
	if err == nil {
		return exitDone
	}
	fmt.Fprintln(stderr, "error:", err)
	f, ok := errors.AsType[*failure](err)
	if !ok {
		return exitUsage
	}
	if f.try != "" {
		fmt.Fprintln(stderr, "Try:", f.try)
	}
	return f.code
}

func command(env []string, stderr io.Writer) *cobra.Command {
	var verbose bool
	cmd := &cobra.Command{
		Use:   "worker",
		Short: "Carry out the jobs on the queue",
		Long: `worker takes jobs from the queue in Redis and carries them out, at the pace that
the AfterShip account allows: all workers of an account share one limit, so any
number of them can run on any number of machines. It serves every account that
it has a key for, and writes the report of each batch that it finishes to
REPORT_DIR. A SIGTERM ends it without losing or doubling a call. It runs the
` + "`schedules`" + ` of the config file when they are due, each once however many workers
there are.

With --http it listens: for AfterShip's webhooks at /webhooks/aftership, which go
into daily files in UPDATES_DIR and need AFTERSHIP_WEBHOOK_SECRET, for probes at
/healthz and /readyz, and for Prometheus at /metrics. A bare port can be reached
from this machine only.

With --inbox it also takes every file that is put into a folder, as
` + "`enqueue watch --help`" + ` describes it.

` + exitHelp,
		Example: `  REDIS_URL=redis://localhost:6379 AFTERSHIP_API_KEY=... worker
  worker --concurrency 20 --report-dir /var/lib/reports
  AFTERSHIP_WEBHOOK_SECRET=... worker --http 8080 --updates-dir /var/lib/updates
  worker --inbox /srv/shipments`,
		Args: cobra.NoArgs, Version: version(), SilenceUsage: true, SilenceErrors: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := config.Load(config.Input{Flags: cmd.Flags(), Env: env, Command: enqueue.CheckArgs})
			if err != nil {
				return err
			}
			return work(cmd.Context(), cfg, stderr, verbose, config.Typed(cmd.Flags()), env)
		},
	}
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "log every call")
	config.AddFlags(cmd.Flags())
	config.AddWorkerFlags(cmd.Flags())
	return cmd
}

func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

// work runs the worker until the context ends.
func work(ctx context.Context, cfg config.Config, stderr io.Writer, verbose bool, args, env []string) error {
	if cfg.RedisURL.Value() == "" {
		return &failure{exitUsage, errors.New("there is no REDIS_URL, so there is no queue to work on"),
			"set REDIS_URL=redis://HOST:6379; without Redis, `enqueue` carries out its jobs itself"}
	}
	if verbose {
		cfg.LogLevel = "debug"
	}
	log := wire.Logger(cfg, stderr, slog.LevelDebug)
	redisconn.LogTo(log)
	rdb, carrier, err := dial(ctx, cfg)
	if err != nil {
		return &failure{exitUnreachable, err, "check REDIS_URL"}
	}
	defer func() { _, _ = rdb.Close(), carrier.Close() }()
	accounts, err := accounts(cfg, rdb)
	if err != nil {
		return err
	}
	queue, opts := jobs.NewQueue(rdb), wire.WorkerOptions(cfg, log)
	if opts.Notify, err = wire.Notifier(cfg); err != nil {
		return &failure{exitUsage, err, "mend the settings NOTIFY_...; `enqueue config show` lists them"}
	}
	face, err := newFace(cfg, rdb, queue, &opts, log)
	if err != nil {
		return err
	}
	defer face.goDown(log)
	w := jobs.NewWorker(carrier, batch.New(rdb, wire.LedgerOptions(cfg)), queue, accounts, opts)
	if err := w.Start(ctx); err != nil {
		return &failure{exitUnreachable, err, "check REDIS_URL"}
	}
	defer w.Shutdown()
	scheduler := newScheduler(&commander{cfg: cfg, args: args, env: env, log: log}, carrier, rdb, queue)
	if err := scheduler.Start(context.WithoutCancel(ctx)); err != nil {
		return &failure{exitUnreachable, err, "check REDIS_URL"}
	}
	defer scheduler.Shutdown()
	watched, err := watchInbox(ctx, cfg, args, env, face, log)
	if err != nil {
		return err
	}
	face.start(w, scheduler)
	log.Info("working", "redis", redisconn.Redacted(cfg.RedisURL.Value()), "accounts", cfg.WithKeys(), "api_version", cfg.APIVersion, "report_dir", cfg.ReportDir)
	if opts.Updates != nil {
		if err := wire.Writable(cfg.UpdatesDir); err != nil {
			log.Error("UPDATES_DIR cannot be written: webhooks are kept on the queue until it can", "error", err)
		}
	}
	if err := wire.Writable(cfg.ReportDir); err != nil {
		log.Error("REPORT_DIR cannot be written: batches are carried out all the same, and `enqueue report` writes their reports", "error", err)
	}
	<-ctx.Done()
	log.Info("going down: no new call is started, those under way are recorded")
	face.goDown(log)
	scheduler.Shutdown()
	w.Shutdown()
	watched()
	return nil
}

// dial connects twice: the second client carries asynq's writes, whose cancelled
// contexts are repaired; ours must stay cancelled.
func dial(ctx context.Context, cfg config.Config) (rdb, carrier redis.UniversalClient, err error) {
	if rdb, err = redisconn.Dial(ctx, redisconn.Options{URL: cfg.RedisURL.Value()}); err != nil {
		return nil, nil, err
	}
	carrier, err = redisconn.Dial(ctx, redisconn.Options{URL: cfg.RedisURL.Value(), RepairSyncer: true})
	if err != nil {
		_ = rdb.Close()
	}
	return rdb, carrier, err
}

// accounts builds every account that there is a key for.
func accounts(cfg config.Config, rdb redis.UniversalClient) ([]*jobs.Account, error) {
	names := cfg.WithKeys()
	if len(names) == 0 {
		return nil, &failure{exitUsage, errors.New("there is no API key, so there is no account to serve"), "set AFTERSHIP_API_KEY or AFTERSHIP_API_KEY_FILE"}
	}
	var all []*jobs.Account
	for _, name := range names {
		a, err := wire.Account(cfg, name, rdb)
		if err != nil {
			return nil, &failure{exitUsage, err, "enqueue config show"}
		}
		all = append(all, a)
	}
	return all, nil
}
