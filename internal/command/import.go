package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"aftership-bulk/aftership"
	"aftership-bulk/batch"
	"aftership-bulk/internal/wire"
	"aftership-bulk/jobs"
	"aftership-bulk/report"
	"aftership-bulk/sheet"
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
	guards      guardFlags
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
		Args:   cobra.MinimumNArgs(1),
		PreRun: func(cmd *cobra.Command, _ []string) { c.imp.minRowsSaid = cmd.Flags().Changed("min-rows") },
		RunE:   func(cmd *cobra.Command, files []string) error { return c.imports(cmd.Context(), op, files) },
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

// input is a sheet on its way through the command.
type input struct {
	name    string       // of the source
	sheet   *sheet.Sheet // nil for a batch that is only gone on with
	survey  *jobs.Survey
	b       batch.Batch
	guessed string // what was understood without certainty
	report  string // path of the report, once it is written
	// unreported says that the report could not be written.
	unreported bool
	failed     string
}

// imports carries out sheets for an operation.
func (c *cli) imports(ctx context.Context, op batch.Operation, files []string) error {
	def, err := c.defaults()
	if err != nil {
		return err
	}
	def.Force = c.imp.force && op == batch.Retrack
	if op == batch.Retrack {
		if err := c.exp.check(files); err != nil {
			return err
		}
	}
	if len(files) == 0 {
		return c.retrackListed(ctx, def)
	}
	if files, err = expand(files); err != nil {
		return err
	}
	if len(files) == 0 {
		c.ui.say("There is no sheet: nothing to do.")
		return c.finishRun(nil, exitDone)
	}
	if err := errors.Join(onceStdin(files), c.notItself(files)); err != nil {
		return err
	}
	s, err := c.openToCheck(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	inputs, err := c.check(ctx, s, op, files, def)
	defer closeAll(inputs)
	if err != nil {
		return err
	}
	if c.imp.dryRun {
		return c.dryRun(ctx, s, inputs)
	}
	if err := c.confirm(ctx, inputs); err != nil {
		return err
	}
	return c.carryOut(ctx, s, inputs)
}

// onceStdin refuses to read standard input twice: the second time it is empty.
func onceStdin(files []string) error {
	if i := slices.Index(files, "-"); i >= 0 && slices.Contains(files[i+1:], "-") {
		return usage(errors.New("standard input (-) is named twice, and can be read once"), "name it once")
	}
	return nil
}

func closeAll(inputs []*input) {
	for _, in := range inputs {
		_ = in.sheet.Close()
	}
}

// defaults checks the flags that change calls.
func (c *cli) defaults() (jobs.Defaults, error) {
	f := c.imp
	d := jobs.Defaults{
		Slug: f.slug, Reason: aftership.Reason(f.reason), OnConflict: f.onConflict, OnExists: jobs.OnExists(f.onExists), Lookup: jobs.Lookup(f.lookup), Limit: f.limit, Skip: f.skip, Sample: f.sample,
		Dates: c.rows.dates, Zone: c.rows.zone, Country: c.rows.country, NumberSeparators: c.rows.separators,
	}
	if err := d.Validate(); err != nil {
		return d, usage(err, "")
	}
	if !batch.Priority(f.priority).Valid() {
		return d, usage(fmt.Errorf("--priority %q is unknown", f.priority), "use upload, nightly or background")
	}
	if err := batch.CheckLockName(f.name); err != nil {
		return d, usage(err, "give --name another value")
	}
	return d, c.imp.guards.check()
}

// check is pass one over every file: nothing is sent before all of them were read.
func (c *cli) check(ctx context.Context, s *session, op batch.Operation, files []string, def jobs.Defaults) ([]*input, error) {
	var inputs []*input
	for _, file := range files {
		in, err := c.checkOne(ctx, s, op, file, def)
		if in != nil {
			inputs = append(inputs, in)
		}
		if err != nil {
			return inputs, err
		}
	}
	return inputs, nil
}

func (c *cli) checkOne(ctx context.Context, s *session, op batch.Operation, file string, def jobs.Defaults) (*input, error) {
	u, err := c.understand(ctx, op, file)
	if err != nil {
		return nil, err
	}
	in := &input{name: u.sheet.Name, sheet: u.sheet, guessed: u.guessed()}
	def.Marked = u.marked(op)
	plan := jobs.Plan{Operation: op, Version: wire.Version(c.cfg), Mapping: u.mapping, Defaults: def, Rules: u.rules()}
	source, err := c.carriers(ctx, s, u, &plan)
	if err == nil {
		in.survey, err = jobs.Take(ctx, u.sheet, plan)
	}
	if err != nil {
		return in, ctxOr(ctx, refused(u.file, err))
	}
	if err := errors.Join(legible(in), c.enough(u, in), c.expected(u, in)); err != nil {
		return in, err
	}
	c.tellChecked(u, in, source)
	return in, nil
}

// refused says of which sheet an error is, unless it is one of the command line.
func refused(file string, err error) error {
	if _, ok := errors.AsType[*failure](err); ok {
		return err
	}
	return usage(fmt.Errorf("%s: %w", file, err), "")
}

// enough refuses a sheet with fewer rows than --min-rows.
func (c *cli) enough(u *understood, in *input) error {
	if in.survey.Rows >= c.imp.minRows {
		return nil
	}
	return usage(fmt.Errorf("%s has %s, and --min-rows asks for %d: nothing was sent", u.file, count(in.survey.Rows, "row"), c.imp.minRows), "look whether the export was cut off")
}

// durationHint finds a duration that was taken for a file.
func durationHint(file string) string {
	if _, err := time.ParseDuration(file); err == nil {
		return "write --wait=" + file + ": with a space it is the name of a file"
	}
	return ""
}

// tellChecked says what was understood of a sheet, and what is wrong with its rows.
func (c *cli) tellChecked(u *understood, in *input, source string) {
	var texts []string
	for _, w := range u.warnings {
		texts = append(texts, w.String())
	}
	unsent := slices.DeleteFunc(in.survey.Unsent(in.sheet.Header), func(name string) bool { return name == sheet.NotSent }) // said by --columns
	if len(unsent) > 0 {
		texts = append(texts, "not sent, kept for the report: "+listedColumns(unsent))
	}
	if in.guessed != "" {
		texts = append(texts, in.guessed+"; only cells that are not sent are in doubt")
	}
	if source != "" {
		texts = append(texts, source)
	}
	rows, calls, invalid := in.survey.Rows, in.survey.Send(), in.survey.Invalid()
	c.ui.emit(event{Event: "checked", File: u.file, Rows: &rows, Calls: &calls, Invalid: &invalid, Warnings: texts})
	if text := u.summary(); text != "" {
		c.ui.say("%s: %s", u.file, text)
	}
	c.ui.say("%s: %s, %d to send, %d invalid%s", u.file, count(rows, "row"), calls, invalid, c.doubtsText(in))
	if rows == 0 && !c.imp.minRowsSaid {
		c.ui.remark("%s has no rows, so nothing is sent (--min-rows 1 refuses such a sheet, --min-rows 0 takes it in silence)", u.file)
	}
	c.tellProblems(in)
	c.tellPlan(in)
	if c.ui.json {
		return
	}
	for _, t := range texts {
		c.ui.warn("%s: %s", u.file, t)
	}
}

// doubtsText says how much is worth a look though it is sent.
func (c *cli) doubtsText(in *input) string {
	n := 0
	for _, g := range in.survey.Doubts() {
		n += g.Rows
	}
	switch {
	case n == 0:
		return ""
	case c.imp.checkOnly:
		return ", " + count(n, "doubt")
	}
	return fmt.Sprintf(", %s (enqueue check lists them)", count(n, "doubt"))
}

// listedColumns names the first of many columns.
func listedColumns(names []string) string {
	const most = 12
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

// writeReport writes the report of an input, and beside it the rows that need a
// person.
func (c *cli) writeReport(ctx context.Context, in *input, items iter.Seq2[batch.Item, error], files int) error {
	if dir := c.reportDir(files); dir != "" {
		paths, err := report.FilesWith(ctx, dir, in.b, items, wire.ReportOptions(c.cfg))
		in.report, in.failed = paths.Report, paths.Failed
		return err
	}
	o := report.Options{Guard: report.Guard(c.cfg.ReportGuard)} // the format is what the name says
	paths, err := report.ToFiles(ctx, report.Paths{Report: c.imp.report, Failed: c.failedPath()}, report.InfoOf(in.b), items, o)
	if err != nil {
		return err
	}
	in.report, in.failed = c.imp.report, paths.Failed
	return nil
}

// failedPath is where the rows that need a person go, beside --report FILE.
func (c *cli) failedPath() string {
	ext := filepath.Ext(c.imp.report)
	return strings.TrimSuffix(c.imp.report, ext) + ".failed" + ext
}

// reportable finds out, before anything is sent, whether the reports can be
// written, and that none takes the place of a sheet.
func (c *cli) reportable(inputs []*input) error {
	if c.writesReport() {
		if err := c.writable(len(inputs)); err != nil {
			return usage(fmt.Errorf("the report cannot be written, so nothing was sent: %w", err), "choose another place with --report")
		}
	}
	return nil
}

// writesReport says that this command writes the report, and no worker does.
func (c *cli) writesReport() bool {
	return c.flags.sandbox || c.cfg.RedisURL.Value() == "" || c.imp.wait.set
}

// writable tries the directory of the reports with a file of its own.
func (c *cli) writable(files int) error {
	dir := c.reportDir(files)
	if dir == "" {
		if info, err := os.Stat(c.imp.report); err == nil && !info.Mode().IsRegular() {
			return nil // a device or a pipe
		}
		if dir = filepath.Dir(c.imp.report); dir != "." {
			if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("there is no directory %s", dir)
			}
		}
	}
	return wire.Writable(dir)
}

// notItself refuses a report, or its failed rows, in the place of one of its sheets.
func (c *cli) notItself(files []string) error {
	if c.imp.report == "" {
		return nil
	}
	for _, path := range []string{c.imp.report, c.failedPath()} {
		written, err := os.Stat(path)
		if err != nil {
			continue
		}
		for _, file := range files {
			if sheet, err := os.Stat(file); err == nil && os.SameFile(written, sheet) {
				return usage(fmt.Errorf("--report %s would overwrite the sheet itself, %s", c.imp.report, file), "choose another place with --report")
			}
		}
	}
	return nil
}

// reportDir is the directory for reports; empty if --report names one file.
func (c *cli) reportDir(files int) string {
	if c.imp.report == "" {
		return c.cfg.ReportDir
	}
	if info, err := os.Stat(c.imp.report); files > 1 || err == nil && info.IsDir() {
		return c.imp.report
	}
	return ""
}

// finishRun emits the last event and turns the exit code into the command's error.
func (c *cli) finishRun(inputs []*input, code int) error {
	e := event{Event: "result", Exit: &code}
	for _, in := range inputs {
		if in.unreported {
			code = worst(code, exitRowsFailed) // somebody must look: the report is missing
		}
		if in.b.ID != "" {
			e.Batches = append(e.Batches, viewOf(in.b))
		}
		e.Report, e.Failed = in.report, in.failed
	}
	c.ui.emit(e)
	if code == exitDone {
		return nil
	}
	c.tellTrouble(inputs)
	return &exitWith{code}
}

// tellTrouble says on stderr what stands behind the exit code of a quiet run,
// such as one by cron, which mails what was said and nothing else.
func (c *cli) tellTrouble(inputs []*input) {
	if !c.ui.quiet || c.ui.json {
		return
	}
	for _, in := range inputs {
		if failedRows(in.b) == 0 && in.b.Pending() == 0 {
			continue
		}
		line := fmt.Sprintf("%s: %s", in.name, countsText(in.b))
		if path := cmp.Or(in.failed, in.report); path != "" {
			line += "; look at " + path
		}
		c.ui.alarm("%s", line)
	}
}

// exitWith ends the command with a code after everything was said.
type exitWith struct{ code int }

func (e *exitWith) Error() string { return fmt.Sprintf("exit code %d", e.code) }

// commandOf is the name of the command for an operation.
func commandOf(op batch.Operation) string {
	switch op {
	case batch.Complete:
		return "mark-complete"
	case batch.Retrack:
		return "retrack-expired"
	}
	return string(op)
}
