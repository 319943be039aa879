package command

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"aftership-bulk/config"
	"aftership-bulk/inbox"
	"aftership-bulk/internal/wire"
)

func (c *cli) watchCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "watch DIR", Short: "Carry out every file that is put into a folder",
		Long: `Takes each file that is put into DIR/incoming/OPERATION, carries it out by the
command of that name, and moves it to DIR/done/DAY with its report beside it. A
file that is refused goes to DIR/failed/DAY, and NAME.error.txt says why. While
one cannot be carried out, NAME.waiting.txt where it was put says why. The
directories are made at the start: incoming/create, incoming/update and so on.

A file is taken once it has not changed for INBOX_STILL. Names that begin with a
dot or ~, or end in .part, .tmp or .crdownload are left alone: write under such a
name and rename. A folder may be called OPERATION.PRESET; a file in incoming
itself says both at the beginning of its name (update-monday.csv,
create.ebay-orders-de.monday.csv). incoming/OPERATION/options.yaml may hold flags
of the command, one on each line (slug: ups).

With Redis the rows are handed over to the workers, several files at a time, and
any number of these may watch one shared folder; workers watch it by --inbox
themselves. Without Redis one file is carried out after the other.`,
		Example: `  enqueue watch --sandbox /srv/shipments      try it: no key, no server
  enqueue watch /srv/shipments`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.watch(cmd.Context(), args[0], config.Typed(cmd.Flags()))
		},
	}
	cmd.Flags().BoolVar(&c.flags.sandbox, "sandbox", false, "run against the built-in stand-in for AfterShip, with a ledger that is thrown away")
	return cmd
}

func (c *cli) watch(ctx context.Context, dir string, args []string) error {
	least := slog.LevelInfo
	if c.ui.quiet {
		least = slog.LevelWarn
	}
	log := wire.Logger(c.cfg, c.ui.stderr, least)
	if c.flags.sandbox {
		args = append(args, "--sandbox")
	} else if err := c.carryable(nil); err != nil {
		return err
	}
	box, err := OpenInbox(Inbox{Dir: dir, Config: c.cfg, Args: args, Env: c.env, Log: log})
	if err != nil {
		return err
	}
	log.Info("watching", "dir", dir)
	box.Watch(ctx)
	return nil
}

// Inbox says which hot folder is watched, and by which settings its files are carried out.
type Inbox struct {
	Dir    string
	Config config.Config
	Args   []string // flags of settings, as they were typed
	Env    []string
	Log    *slog.Logger
}

// OpenInbox opens a hot folder whose files are carried out by the commands of enqueue.
func OpenInbox(in Inbox) (*inbox.Box, error) {
	files := in.Config.InboxFiles
	if !in.shared() {
		files = 1 // the ledger belongs to one run at a time
	}
	box, err := inbox.Open(inbox.Options{
		Dir: in.Dir, Operations: sheetCommands(), Run: in.run, ReportEnd: "." + in.Config.ReportFormat,
		Files: files, Still: in.Config.InboxStill, Log: in.Log,
	})
	if err != nil {
		return nil, usage(err, "give a directory in which files can be made and moved")
	}
	return box, nil
}

// bareCommand is the command line to look at, not to run.
func bareCommand() *cobra.Command { return (&cli{ui: new(ui)}).rootCommand() }

// shared says that the rows are handed over to workers.
func (in Inbox) shared() bool {
	return in.Config.RedisURL.Value() != "" && !slices.Contains(in.Args, "--sandbox")
}

// account is whose the file's rows are.
func (in Inbox) account(job inbox.Job) string {
	account := in.Config.Account
	for _, o := range job.Options {
		if o.Name == "account" {
			account = o.Value
		}
	}
	return account
}

// sheetCommands are the commands that carry out sheets.
func sheetCommands() []string {
	var names []string
	for _, cmd := range bareCommand().Commands() {
		if force := cmd.Flags().Lookup("force"); force != nil && !force.Hidden && cmd.Flags().Lookup("min-rows") != nil {
			names = append(names, cmd.Name())
		}
	}
	return names
}

// run carries out a file by its command.
func (in Inbox) run(ctx context.Context, job inbox.Job) inbox.Result {
	flags, err := optionFlags(job)
	account := in.account(job)
	if _, known := in.Config.Accounts[account]; err == nil && !known {
		err = fmt.Errorf("options.yaml names the account %s, which the settings do not know, so nothing was sent.\nTry: name one of %s, or add it under accounts in the config file",
			account, strings.Join(slices.Sorted(maps.Keys(in.Config.Accounts)), ", "))
	}
	if err != nil {
		return inbox.Result{Code: exitUsage, Output: "error: " + err.Error()}
	}
	if job.Preset != "" {
		flags = append(flags, "--preset="+job.Preset)
	}
	events := lastEvent{accepted: job.Accepted}
	if in.shared() {
		events.accepted = func() { job.Accepted(); job.Waits() }
	}
	var said beginning
	args := slices.Concat([]string{job.Operation}, in.Args, flags, []string{"--json", "--wait", "--report=" + job.Report, "--", job.Path})
	c := Inside{Args: args, Env: in.Config.EnvFor(account, in.Env), Stdout: &events, Stderr: &said, Asked: job.Taken}.cli()
	code := c.run(ctx, args)
	return in.result(job, code, said.String(), c.failed, &events)
}

// ownFlags are flags that belong to the hot folder, or to no folder at all: the end
// is waited for and reported beside the file, and a file that a dead worker leaves
// behind is carried out again, which with --force would send it twice.
var ownFlags = []string{"wait", "report", "force", "sandbox", "help"}

// fileFlags are flags that name files.
var fileFlags = []string{"preset", "carriers"}

// optionFlags makes flags of a folder's options. What a folder may say is how its
// sheets are read and carried out, and for which account; not where AfterShip,
// Redis or anything else is, since others may write there than those who run us.
func optionFlags(job inbox.Job) ([]string, error) {
	cmd, _, err := bareCommand().Find([]string{job.Operation})
	if err != nil {
		return nil, err
	}
	known := cmd.LocalNonPersistentFlags()
	var flags []string
	for _, o := range job.Options {
		if o.Name != "account" && (known.Lookup(o.Name) == nil || slices.Contains(ownFlags, o.Name)) {
			return nil, fmt.Errorf("options.yaml sets %s, which a folder cannot, so nothing was sent.\nTry: use flags of `enqueue %s` without their dashes: account, %s",
				o.Name, job.Operation, strings.Join(offered(known), ", "))
		}
		if slices.Contains(fileFlags, o.Name) && isFile(o.Value) && !filepath.IsAbs(o.Value) {
			o.Value = filepath.Join(job.Folder, o.Value)
		}
		flags = append(flags, "--"+o.Name+"="+o.Value)
	}
	return flags, nil
}

// isFile tells the name of a file from that of a preset.
func isFile(value string) bool { return strings.ContainsAny(value, `./\`) }

func offered(known *pflag.FlagSet) []string {
	var names []string
	known.VisitAll(func(f *pflag.Flag) {
		if !f.Hidden && !slices.Contains(ownFlags, f.Name) {
			names = append(names, f.Name)
		}
	})
	return names
}

// lastEvent keeps the result of a run out of its events, which come one in each write.
type lastEvent struct {
	result   event
	existed  time.Time // when the batch was made, if it was there already
	accepted func()    // is called when the batch is accepted
}

// Write takes an event.
func (l *lastEvent) Write(line []byte) (int, error) {
	var e event
	_ = json.Unmarshal(line, &e) // it is ours
	switch e.Event {
	case "accepted":
		if e.Existed && e.Batch != nil {
			l.existed = e.Batch.CreatedAt
		}
		l.accepted()
	case "result":
		l.result = e
	}
	return len(line), nil
}

// told is what the log says of the run of a file that was taken at a time. A batch that is older than that was sent for another file.
func (l *lastEvent) told(taken time.Time) []any {
	if len(l.result.Batches) == 0 {
		return nil
	}
	b := l.result.Batches[0]
	var counts []string
	for _, outcome := range slices.Sorted(maps.Keys(b.Outcomes)) {
		counts = append(counts, fmt.Sprintf("%d %s", b.Outcomes[outcome], outcome))
	}
	told := []any{"batch", b.Batch, "rows", b.Rows, "outcomes", cmp.Or(strings.Join(counts, ", "), "none")}
	if !l.existed.IsZero() && l.existed.Before(taken) {
		told = append(told, "sent_before", true)
	}
	return told
}

// mostSaid is how much of what a command says is kept.
const mostSaid = 64 << 10

// beginning keeps the beginning of what is written.
type beginning struct{ strings.Builder }

// Write keeps what there is room for.
func (b *beginning) Write(p []byte) (int, error) {
	b.Builder.Write(p[:min(len(p), mostSaid-b.Len())])
	return len(p), nil
}
