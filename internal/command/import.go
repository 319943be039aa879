package command

import (
	"errors"
	"time"

	"github.com/spf13/cobra"

	"aftership-bulk/batch"
	"aftership-bulk/jobs"
)

// importFlags are the flags of the commands that carry out sheets.
type importFlags struct {
	wait       waitFlag
	report     string
	dryRun     bool
	force      bool
	priority   string
	slug       string
	reason     string
	onConflict string
	onExists   string
	lookup     string
	limit      int
	skip       int
	sample     int
	name       string
	waitLock   waitFlag
	yes        bool
	minRows    int
	// minRowsSaid says that --min-rows was given, 0 or not.
	minRowsSaid bool
	// listed says that the sheet is one that the program wrote itself.
	listed bool
	guards guardFlags
	// checkOnly says that the problems are what was asked for: the command check.
	checkOnly bool
}

func (c *cli) createCommand() *cobra.Command {
	cmd := c.importCommand(batch.Create, "create FILE...", "Import shipments: one POST /trackings for each row",
		`Imports every row of the sheets as a shipment (POST /trackings).

Rows that AfterShip has already are reported as "already so" and left as they
are; --on-exists says otherwise. Only tracking_number is required; `+"`enqueue template create`"+` prints a sheet
with every column.`,
		`  enqueue create --sandbox samples/shipments.csv
  enqueue create shipments.csv
  enqueue create --dry-run --report checked.csv shipments.csv
  enqueue create --slug ups --wait=10m monday.csv tuesday.csv`)
	f := cmd.Flags()
	f.StringVar(&c.imp.slug, "slug", "", "courier of rows that name none, as AfterShip's slug (ups, j-net)")
	f.StringVar(&c.imp.onExists, "on-exists", string(jobs.ExistsSkip), "rows that AfterShip has already: skip leaves them, update sends what differs, fail refuses them")
	f.StringVar(&c.imp.lookup, "lookup", string(jobs.LookupOff), "look rows up first, 50 to a call: on, off, or auto (the first rows, and on only while it spares calls)")
	offer(cmd, "on-exists", string(jobs.ExistsSkip), string(jobs.ExistsUpdate), string(jobs.ExistsFail))
	offer(cmd, "lookup", string(jobs.LookupAuto), string(jobs.LookupOn), string(jobs.LookupOff))
	return cmd
}

func (c *cli) updateCommand() *cobra.Command {
	cmd := c.importCommand(batch.Update, "update FILE...", "Change shipments: one PUT /trackings/... for each row",
		`Changes the tracking that each row names by id, or by tracking_number and slug.

Only filled-in cells are sent: an empty cell leaves the field as it is, and
"(clear)" empties a field that can be emptied (emails, smses, note).`,
		`  enqueue update updates.csv
  enqueue update --on-conflict last --wait updates.csv`)
	cmd.Flags().StringVar(&c.imp.slug, "slug", "", "courier of rows that name neither a courier nor an id")
	cmd.Flags().StringVar(&c.imp.onConflict, "on-conflict", "", "`last`: of rows of one shipment that differ, the last one wins; without it they are invalid")
	return cmd
}

func (c *cli) completeCommand() *cobra.Command {
	cmd := c.importCommand(batch.Complete, "mark-complete FILE...", "Mark shipments as completed: one POST .../mark-as-completed for each row",
		`Marks the tracking that each row names as delivered, lost or returned.

The reason column wins over --reason.`,
		`  enqueue mark-complete --reason DELIVERED delivered.csv
  enqueue mark-complete --wait completions.csv`)
	cmd.Flags().StringVar(&c.imp.slug, "slug", "", "courier of rows that name neither a courier nor an id")
	cmd.Flags().StringVar(&c.imp.reason, "reason", "", "why, where a row does not say: DELIVERED, LOST or RETURNED_TO_SENDER")
	return cmd
}

func (c *cli) retrackCommand() *cobra.Command {
	cmd := c.importCommand(batch.Retrack, "retrack-expired [FILE...]", "Track expired shipments again: one POST .../retrack for each row",
		`Tracks each shipment again that AfterShip has given up on.

Without a file the trackings with the tag Expired are listed through the API
(those of the last 120 days, which is as far as the list reaches; name older
ones in a FILE) and become a batch. --dry-run writes the list instead, to
--report or stdout, with the reason for each shipment that is taken or left.

Every retrack is remembered. A shipment is retracked RETRACK_LIMIT times, with
RETRACK_BACKOFF between two of them, and never again once AfterShip has refused
it for good (4016); a row of a file that this forbids ends as skipped. --force
retracks all the same: AfterShip's own limit holds then.`,
		`  enqueue retrack-expired
  enqueue retrack-expired --dry-run --report expired.csv
  enqueue retrack-expired --min-days-expired 3 --per-day 500 --exclude returned.csv
  enqueue retrack-expired --limit 100 --wait
  enqueue retrack-expired expired.csv`)
	cmd.Args = cobra.ArbitraryArgs
	cmd.Flags().StringVar(&c.imp.slug, "slug", "", "courier of rows that name neither a courier nor an id; without a file, list this courier's only")
	c.exp.add(cmd)
	return cmd
}

func (c *cli) syncCommand() *cobra.Command {
	cmd := c.importCommand(batch.Sync, "sync FILE...", "Bring shipments into step: create what is not there, update what differs, leave the rest",
		`Looks up the shipments of each sheet through AfterShip's list, 50 numbers to a
call, and spends a call of their own only on rows that need one: those that are
not there are created, and of those that differ only the differing fields are
sent. Rows that are as they should be end as "already so".

Only filled-in cells are compared. A number that AfterShip knows under another
courier is refused rather than created a second time: carriers are corrected by
AfterShip, and each creation uses quota.

--dry-run makes the look-ups alone, which change nothing and use no quota, and
says what would be created, what would be updated and in which fields it
differs; the report says it of each row. It needs the API key.`,
		`  enqueue sync export.csv
  enqueue sync --dry-run --report would.csv export.csv
  enqueue sync --priority nightly --wait export.csv`)
	cmd.Flags().StringVar(&c.imp.slug, "slug", "", "courier of rows that name none, as AfterShip's slug (ups, j-net)")
	cmd.Flags().StringVar(&c.imp.onConflict, "on-conflict", "", "`last`: of rows of one shipment that differ, the last one wins; without it they are invalid")
	return cmd
}

func (c *cli) deleteCommand() *cobra.Command {
	cmd := c.importCommand(batch.Delete, "delete FILE...", "Delete shipments: one DELETE /trackings/... for each row",
		`Deletes the tracking that each row names by id, or by tracking_number and slug.

There is no way back, so that it asks first; --yes deletes without asking, and
without a terminal nothing is deleted unless it is said. What AfterShip has not
is reported as "already so". A tracking that is created again uses quota again.`,
		`  enqueue delete --dry-run cancelled.csv
  enqueue delete --yes cancelled.csv`)
	cmd.Flags().StringVar(&c.imp.slug, "slug", "", "courier of rows that name neither a courier nor an id")
	return cmd
}

func (c *cli) importCommand(op batch.Operation, use, short, long, examples string) *cobra.Command {
	cmd := &cobra.Command{
		Use: use, Short: short, Long: long + "\n\n" + exitHelp, Example: examples,
		Args: cobra.MinimumNArgs(1),
		PreRun: func(cmd *cobra.Command, _ []string) {
			c.imp.minRowsSaid, c.exp.perDaySaid = cmd.Flags().Changed("min-rows"), cmd.Flags().Changed("per-day")
		},
		RunE: func(cmd *cobra.Command, files []string) error { return c.imports(cmd.Context(), op, files) },
	}
	f := cmd.Flags()
	f.BoolVar(&c.flags.sandbox, "sandbox", false, "run against the built-in stand-in for AfterShip, with a ledger that is thrown away")
	f.Var(&c.imp.wait, "wait", "with Redis: wait until every row has an outcome, or for this long (--wait=10m)")
	f.Lookup("wait").NoOptDefVal = waitForever
	f.StringVar(&c.imp.name, "name", "", "run only while no other run of this `NAME`, operation and account has unfinished rows; else exit code 6")
	c.addWaitLock(cmd)
	f.StringVar(&c.imp.report, "report", "", "write the report to this `FILE`; with several sheets, to this directory")
	f.BoolVar(&c.imp.dryRun, "dry-run", false, "check every row and write the report, but send nothing"+dryRunHelp(op))
	f.BoolVar(&c.imp.force, "force", false, "send a file again that was finished before")
	f.StringVar(&c.imp.priority, "priority", string(batch.Upload), "upload, nightly or background: who gets the next slot")
	offer(cmd, "priority", string(batch.Upload), string(batch.Nightly), string(batch.Background))
	f.IntVar(&c.imp.limit, "limit", 0, "send this many rows at most; the others are skipped")
	f.IntVar(&c.imp.skip, "skip", 0, "leave out this many rows at the start")
	f.IntVar(&c.imp.sample, "sample", 0, "send this many rows only, taken evenly from the file")
	f.IntVar(&c.imp.minRows, "min-rows", 0, "refuse a sheet with fewer rows than this, which may be an export that was cut off")
	f.BoolVarP(&c.imp.yes, "yes", "y", false, "send without asking, whatever is unusual about a sheet")
	c.imp.guards.add(f)
	c.read.add(f)
	c.rows.add(f)
	return cmd
}

// waitForever is what --wait means without a duration.
const waitForever = "forever"

// waitFlag is --wait, with or without a duration.
type waitFlag struct {
	set bool
	max time.Duration // zero is for ever
}

func (w *waitFlag) String() string { return "" }
func (w *waitFlag) Type() string   { return "duration" }
func (w *waitFlag) Set(s string) error {
	if s == waitForever {
		w.set, w.max = true, 0
		return nil
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		return errors.New("use a duration such as 10m or 1h30m")
	}
	w.set, w.max = true, d
	return nil
}
