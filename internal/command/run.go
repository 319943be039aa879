package command

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"aftership-bulk/batch"
	"aftership-bulk/config"
	"aftership-bulk/internal/wire"
	"aftership-bulk/redisconn"
)

// cli is the command line with everything that it may touch.
type cli struct {
	env   environment
	stdin io.Reader
	ui    *ui
	cfg   config.Config
	log   *slog.Logger
	flags struct {
		sandbox bool
		verbose bool
	}
	read readingFlags
	rows rowFlags
	imp  importFlags
	exp  expiredFlags
	// lockEnd is when --wait-lock runs out.
	lockEnd time.Time
	// inside says that the command runs within a program that lives on.
	inside bool
	// asked is when such a command was asked for; zero is now.
	asked time.Time
	// onBatch hears of every batch that is made or gone on with; nil hears nothing.
	onBatch func(batch.ID)
	// failed is the error that the run ended with.
	failed error
}

// Run is the whole program: it returns the exit code.
func Run(ctx context.Context, args, env []string, stdin io.Reader, stdout, stderr io.Writer) int {
	c := &cli{env: env, stdin: stdin, ui: newUI(stdout, stderr, env)}
	return c.run(ctx, args)
}

// Inside is a run within a program that lives on, such as a worker.
type Inside struct {
	Args, Env      []string
	Stdout, Stderr io.Writer
	// Asked is when the run was asked for, which another worker may have begun: the
	// batches that were begun since are its own, and are gone on with. Defaults to
	// now.
	Asked time.Time
	// OnBatch hears of every batch that the command makes or goes on with. Defaults
	// to nobody.
	OnBatch func(batch.ID)
}

// Run is like the function [Run], but nobody can be asked, and what holds for the
// whole process is left as it is. Several may run at once.
func (in Inside) Run(ctx context.Context) int {
	return in.cli().run(ctx, in.Args)
}

func (in Inside) cli() *cli {
	return &cli{
		env: in.Env, stdin: strings.NewReader(""), ui: newUI(in.Stdout, in.Stderr, in.Env),
		inside: true, asked: in.Asked, onBatch: in.OnBatch,
	}
}

func (c *cli) run(ctx context.Context, args []string) int {
	root := c.rootCommand()
	root.SetArgs(args)
	root.SetIn(c.stdin)
	root.SetOut(c.ui.stdout)
	root.SetErr(c.ui.stderr)
	err := root.ExecuteContext(ctx)
	c.failed = err
	if e, ok := errors.AsType[*exitWith](err); ok {
		return e.code
	}
	if err == nil {
		return exitDone
	}
	return c.ui.fail(err)
}

func (c *cli) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "enqueue",
		Short: "Get shipments into AfterShip in bulk, and keep them in step",
		Long: `enqueue turns spreadsheets into calls of the AfterShip Tracking API, one row at a
time, and writes a report that says what became of every row.

Without REDIS_URL it carries the calls out itself and waits for the last one.
With REDIS_URL it puts them on a queue, where any number of workers on any
number of machines take them, and returns at once.

` + exitHelp,
		Example: `  enqueue create --sandbox samples/shipments.csv   try it: no key, no server
  enqueue inspect export.xlsx                      what is understood of a sheet
  enqueue check export.xlsx                        every problem of every row; sends nothing
  enqueue create shipments.csv                     import, with AFTERSHIP_API_KEY set
  enqueue status BATCH --follow                    watch a batch
  enqueue report BATCH -o report.csv               what became of every row`,
		Version:           version(),
		SilenceUsage:      true,
		SilenceErrors:     true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return c.configure(cmd.Flags()) },
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return usage(err, cmd.CommandPath()+" --help") })
	f := root.PersistentFlags()
	f.BoolVar(&c.ui.json, "json", false, "write events (or the answer) as JSON lines to stdout; the last event of a run is \"result\"")
	f.BoolVar(&c.ui.quiet, "quiet", false, "say nothing but errors")
	f.BoolVarP(&c.flags.verbose, "verbose", "v", false, "log what is done, to stderr")
	config.AddFlags(f)
	root.AddCommand(c.createCommand(), c.updateCommand(), c.completeCommand(), c.retrackCommand(), c.deleteCommand(), c.syncCommand(), c.inspectCommand(), c.checkCommand(),
		c.completes(c.statusCommand()), c.batchesCommand(), c.completes(c.reportCommand()), c.completes(c.retryCommand()), c.completes(c.deadCommand()),
		c.completes(c.pauseCommand()), c.completes(c.resumeCommand()), c.completes(c.cancelCommand()), c.completes(c.purgeCommand()),
		c.exportCommand(), c.lastCheckpointCommand(), c.predictCommand(), c.couriersCommand(),
		c.schedulesCommand(), c.watchCommand(), c.completes(c.notifyCommand()), c.doctorCommand(), c.templateCommand(), c.configCommand())
	offerSettings(root)
	return root
}

// version is the version of the module that this binary was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(devel)"
	}
	return info.Main.Version
}

// configure reads the settings, which every command needs.
func (c *cli) configure(flags *pflag.FlagSet) error {
	cfg, err := config.Load(config.Input{Flags: flags, Env: c.env, Command: CheckArgs})
	if err != nil {
		return usage(err, "enqueue config show")
	}
	c.cfg = cfg
	c.log = c.logger()
	if !c.inside {
		redisconn.LogTo(c.log)
	}
	return nil
}

// logger logs what goes wrong; with -v it logs everything, and with --quiet
// only errors, which the person must see.
func (c *cli) logger() *slog.Logger {
	cfg, least := c.cfg, slog.LevelWarn
	switch {
	case c.ui.quiet:
		least = slog.LevelError
	case c.flags.verbose:
		cfg.LogLevel, least = "debug", slog.LevelDebug
	}
	return wire.Logger(cfg, c.ui.stderr, least)
}

// withSession makes a command's function out of one that works with a session.
func (c *cli) withSession(m mode, do func(context.Context, *session, []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		s, err := c.open(cmd.Context(), m)
		if err != nil {
			return err
		}
		defer s.close()
		return do(cmd.Context(), s, args)
	}
}
