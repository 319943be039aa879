package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"aftership-bulk/aftership"
	"aftership-bulk/batch"
	"aftership-bulk/export"
	"aftership-bulk/internal/wire"
	"aftership-bulk/jobs"
	"aftership-bulk/report"
	"aftership-bulk/sheet"
)

// expiredFlags choose from the list of expired trackings, where no file names them.
type expiredFlags struct {
	createdAfter, createdBefore string
	minDays                     int
	order                       string
	perDay                      int // negative is what the settings say
	perDaySaid                  bool
	exclude                     string
}

const (
	oldestFirst = "oldest"
	newestFirst = "newest"
)

func (f *expiredFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.createdAfter, "created-after", "", "without a file: only shipments that were created at this `TIME` or later; 120 days ago at most")
	flags.StringVar(&f.createdBefore, "created-before", "", "without a file: only shipments that were created at this `TIME` or before")
	flags.IntVar(&f.minDays, "min-days-expired", 0, "without a file: only shipments that have been expired for so many days")
	flags.StringVar(&f.order, "order", oldestFirst, "without a file: oldest or newest, whichever was created first or last comes first")
	flags.IntVar(&f.perDay, "per-day", -1, "without a file: take so many at most in a day (UTC), other runs of the account included; 0 is any number (default RETRACK_PER_DAY)")
	flags.StringVar(&f.exclude, "exclude", "", "without a file: leave alone what this `SHEET` names, by id or tracking_number")
	offer(cmd, "order", oldestFirst, newestFirst)
}

// check finds what makes no sense before anything is asked. With a file none of
// the flags does.
func (f *expiredFlags) check(files []string) error {
	switch {
	case len(files) > 0 && *f != (expiredFlags{order: oldestFirst, perDay: -1}):
		return usage(errors.New("--created-after, --created-before, --min-days-expired, --order, --per-day and --exclude choose from AfterShip's list, and FILE says itself what is retracked"),
			"leave out the file, or those flags")
	case f.order != oldestFirst && f.order != newestFirst:
		return usage(fmt.Errorf("--order %q is unknown", f.order), "use oldest or newest")
	case f.minDays < 0:
		return usage(errors.New("--min-days-expired counts days"), "use a number of 0 or more")
	case f.perDay < 0 && f.perDaySaid:
		return usage(errors.New("--per-day counts shipments"), "use a number of 0 or more")
	}
	return nil
}

// window is the time in which the listed shipments were created.
func (f *expiredFlags) window(now time.Time) (aftership.Filter, error) {
	e := exportFlags{tag: string(aftership.TagExpired), createdAfter: f.createdAfter, createdBefore: f.createdBefore}
	return e.filter(now)
}

// listing is one run of retrack-expired without a file.
type listing struct {
	*cli
	s      *session
	def    jobs.Defaults
	now    time.Time
	filter aftership.Filter
	sel    jobs.Selection
}

// retrackListed lists the expired trackings through the API, chooses by the policy
// for retracks, writes those to a sheet, and carries that out like any other: so
// the list is seen, can be run again, and has a report.
func (c *cli) retrackListed(ctx context.Context, def jobs.Defaults) error {
	if _, ok := c.cfg.Key(c.cfg.Account); !ok && !c.flags.sandbox {
		return usage(errors.New("without a file the expired trackings are listed through the API, and there is no API key"),
			"set AFTERSHIP_API_KEY, name a file, or try it out with --sandbox")
	}
	l := &listing{cli: c, def: def, now: time.Now().UTC()}
	var err error
	if l.filter, err = c.exp.window(l.now); err != nil {
		return err
	}
	if def.Slug != "" {
		l.filter.Slugs = []string{def.Slug}
	}
	if l.s, err = c.openToWork(ctx); err != nil {
		return err
	}
	defer l.s.close()
	if c.imp.dryRun {
		return l.run(ctx)
	}
	err = c.underLock(ctx, l.s, c.lockRequests(l.s, batch.Retrack, true, nil), l.run)
	if b, own := l.begunBefore(ctx, err); own {
		return l.goOnWith(ctx, b)
	}
	return err
}

// begunBefore is the batch that keeps this run out and is its own: it was begun by
// a worker that died. What AfterShip lists by now is another list, so that nothing
// but the lock leads to it.
func (l *listing) begunBefore(ctx context.Context, err error) (b batch.Batch, own bool) {
	locked, ok := errors.AsType[*batch.LockedError](err)
	if !ok || locked.Batch == "" || l.asked.IsZero() {
		return b, false
	}
	if b, err = l.s.ledger.Get(ctx, locked.Batch); err != nil {
		return b, false
	}
	theirs, _, _ := strings.Cut(b.Who, "@") // their machine may be another
	ours, _, _ := strings.Cut(who(l.env), "@")
	return b, theirs == ours && !b.CreatedAt.Before(l.asked)
}

// goOnWith goes on with a batch that a run before this one has begun.
func (l *listing) goOnWith(ctx context.Context, b batch.Batch) error {
	if l.onBatch != nil {
		l.onBatch(b.ID)
	}
	l.ui.say("The run goes on as batch %s, which it had begun.", b.ID)
	in := &input{name: b.Source, b: b}
	e, err := l.handedOver(ctx, l.s, in, true, 1)
	if err != nil {
		return ctxOr(ctx, orUnreachable(err, "run the same command again: it goes on where it ended"))
	}
	return l.finishRun([]*input{in}, e.code())
}

func (l *listing) run(ctx context.Context) error {
	if err := l.choose(ctx); err != nil {
		return ctxOr(ctx, err)
	}
	defer func() { _ = l.sel.Close() }()
	if l.imp.dryRun {
		return l.show()
	}
	l.tell(l.ui.say)
	if l.sel.Counts()[jobs.WhyTaken] == 0 {
		return l.nothing(ctx)
	}
	return l.carryOut(ctx)
}

// choose lists, and decides about every tracking.
func (l *listing) choose(ctx context.Context) error {
	excluded, err := l.excluded(ctx)
	if err != nil {
		return err
	}
	l.sel = jobs.Selection{
		Ledger: l.s.ledger, Redis: l.s.limiterRedis(), Account: l.cfg.Account, Policy: l.policy(), Force: l.imp.force,
		MinDays: l.exp.minDays, Limit: l.imp.limit, Newest: l.exp.order == newestFirst, Excluded: excluded,
		Dry: l.imp.dryRun, Now: l.now,
	}
	err = l.sel.Begin()
	if err == nil {
		err = l.list(ctx)
	}
	if err == nil {
		err = l.sel.Settle(ctx)
	}
	if err != nil {
		_ = l.sel.Close()
		return orUnreachable(err, "check REDIS_URL")
	}
	return nil
}

func (l *listing) policy() jobs.RetrackPolicy {
	p := wire.RetrackPolicy(l.cfg)
	if l.exp.perDay >= 0 {
		p.PerDay = l.exp.perDay
	}
	return p
}

// excluded reads the sheet of --exclude.
func (l *listing) excluded(ctx context.Context) (*jobs.Exclusion, error) {
	if l.exp.exclude == "" {
		return nil, nil
	}
	u, err := l.understand(ctx, batch.Retrack, l.exp.exclude)
	if err != nil {
		return nil, err
	}
	defer u.sheet.Close()
	plan := jobs.Plan{Operation: batch.Retrack, Version: wire.Version(l.cfg), Mapping: u.mapping, Rules: u.rules()}
	e, err := plan.Exclude(ctx, u.sheet)
	if err != nil {
		return nil, ctxOr(ctx, usage(fmt.Errorf("--exclude %s: %w", u.file, err), "nothing was sent; mend the row, or what it excludes would be retracked"))
	}
	l.note("%s excludes %s.", u.file, count(e.Rows, "shipment"))
	return e, nil
}

// list reads every page of the list.
func (l *listing) list(ctx context.Context) error {
	account, err := l.s.account()
	if err != nil {
		return err
	}
	l.note("Listing the expired shipments that were created from %s to %s.", stampUTC(l.filter.CreatedMin), stampUTC(l.filter.CreatedMax))
	client := account.Client.With(account.Limiter(batch.Priority(l.imp.priority), "list"))
	caller, place := l.caller(), aftership.Place{}
	for more := true; more; {
		var page aftership.Page
		err := caller.Call(ctx, func(ctx context.Context) (err error) {
			page, err = client.ListPage(ctx, l.filter, place)
			return err
		})
		if err != nil {
			return listError(err)
		}
		if err := l.sel.Add(ctx, page.Trackings); err != nil {
			return orUnreachable(err, "check REDIS_URL")
		}
		place, more = page.Next, page.More
	}
	return nil
}

func stampUTC(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// listError tells a refused key from an AfterShip that is away; both are exit code 5.
func listError(err error) error {
	if f, ok := errors.AsType[*export.Failure](err); ok && f.Code == 401 {
		return unreachable(err, "set AFTERSHIP_API_KEY to a valid key")
	}
	return unreachable(err, "run the same command again later")
}

// note says something to a person, beside a list that goes to stdout.
func (l *listing) note(format string, args ...any) {
	if l.imp.dryRun && l.imp.report == "" && !l.ui.json && !l.ui.quiet {
		fmt.Fprintf(l.ui.stderr, format+"\n", args...)
		return
	}
	l.ui.say(format, args...)
}

// tell says how many are retracked, and how many are left alone and why.
func (l *listing) tell(say func(string, ...any)) {
	counts, left, words := l.sel.Counts(), map[string]int{}, []string{}
	for _, why := range jobs.AllWhys() {
		if n := counts[why]; n > 0 && why != jobs.WhyTaken {
			left[string(why)] = n
			words = append(words, fmt.Sprintf("%d %s", n, whyWords[why]))
		}
	}
	listed, taken := l.sel.Listed(), counts[jobs.WhyTaken]
	l.ui.emit(event{Event: "listed", Rows: &listed, Calls: &taken, LeftAlone: left})
	say("%s listed as expired (AfterShip lists what was created in the last %d days; name older ones in a FILE): %d to retrack.",
		count(listed, "tracking"), int(aftership.MaxListAge.Hours()/24), taken)
	if len(words) > 0 {
		how := " `enqueue retrack-expired --dry-run` lists each with its reason."
		if l.imp.dryRun {
			how = ""
		}
		say("Left alone: %s.%s", strings.Join(words, ", "), how)
	}
	if l.now.Sub(l.filter.CreatedMin) > aftership.MaxListAge+time.Hour {
		l.ui.warn("--created-after %s is further back than AfterShip's list reaches: name older shipments in a FILE", l.exp.createdAfter)
	}
}

// whyWords are the reasons where they are counted.
var whyWords = map[jobs.Why]string{
	jobs.WhyExhausted: "without a retrack left at AfterShip (4016)",
	jobs.WhyLimit:     "retracked as often as RETRACK_LIMIT allows",
	jobs.WhyBackoff:   "retracked within RETRACK_BACKOFF",
	jobs.WhyActive:    "still tracked",
	jobs.WhyExcluded:  "excluded",
	jobs.WhyYoung:     "not expired for long enough",
	jobs.WhyShare:     "left for another day",
	jobs.WhyRows:      "beyond --limit",
	jobs.WhyRepeat:    "listed twice",
}

// takenColumns are those of the sheet of what is retracked.
var takenColumns = []string{"id", "tracking_number", "slug", "title", "tag", "updated_at", "expired_since"}

// nothing ends a run without a shipment to retrack. A report in a file is written
// all the same: that of an earlier run must not be taken for it.
func (l *listing) nothing(ctx context.Context) error {
	in := &input{name: l.name(), b: batch.Batch{Spec: batch.Spec{Operation: batch.Retrack, Account: l.cfg.Account, Source: l.name() + ".csv", Header: takenColumns}}}
	if l.imp.report == "" || l.reportDir(1) != "" || !l.writesReport() {
		return l.finishRun(nil, exitDone)
	}
	if err := l.writeReport(ctx, in, func(func(batch.Item, error) bool) {}, 1); err != nil {
		return usage(fmt.Errorf("the report cannot be written: %w", err), "choose another place with --report")
	}
	l.ui.say("Report: %s", in.report)
	return l.finishRun([]*input{in}, exitDone)
}

// carryOut makes a sheet of what was chosen, and a batch of that.
func (l *listing) carryOut(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "aftership-bulk-")
	if err != nil {
		return usage(err, "")
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, l.name()+".csv")
	if err := l.writeTaken(path); err != nil {
		return usage(err, "")
	}
	// What the flags say of sheets was said of others than this one, which has an id in every row.
	l.read, l.rows = readingFlags{}, rowFlags{}
	l.imp.listed = true
	def := jobs.Defaults{Skip: l.def.Skip, Sample: l.def.Sample, Force: l.def.Force}
	inputs, err := l.check(ctx, l.s, batch.Retrack, []string{path}, def)
	defer closeAll(inputs)
	if err != nil {
		return err
	}
	l.imp.force = true // no list was sent before, whatever it is like
	return l.carryOutIn(ctx, l.s, inputs)
}

// name is that of the list's sheet.
func (l *listing) name() string { return "expired-" + l.now.Format("20060102T150405Z") }

func (l *listing) writeTaken(path string) (err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	w, err := sheet.NewWriter(f, sheet.WriterOptions{})
	if err != nil {
		return err
	}
	if err := w.Write(takenColumns); err != nil {
		return err
	}
	for c, err := range l.sel.All() {
		if err != nil {
			return err
		}
		if c.Why != jobs.WhyTaken {
			continue
		}
		if err := w.Write([]string{c.ID, c.TrackingNumber, c.Slug, c.Title, string(aftership.TagExpired), moment(c.Updated), moment(c.Since)}); err != nil {
			return err
		}
	}
	return w.Flush()
}

func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// expiredColumns are those of the list of a dry run. It is good input: what is
// not to be retracked says so in the column operation.
var expiredColumns = []string{"id", "tracking_number", "slug", "title", "created_at", "updated_at", "expired_since", "days_expired",
	"retracks", "last_retrack", "operation", "decision", "why"}

func (l *listing) record(c jobs.Candidate) export.Record {
	operation := "skip"
	if c.Why == jobs.WhyTaken {
		operation = string(batch.Retrack)
	}
	return export.Record{Cells: []string{
		c.ID, c.TrackingNumber, c.Slug, c.Title, moment(c.Created), moment(c.Updated), moment(c.Since), strconv.Itoa(max(0, jobs.Days(l.now.Sub(c.Since)))),
		strconv.Itoa(c.Retracks), moment(c.Last), operation, string(c.Why), c.Text,
	}}
}

func (l *listing) records() iter.Seq2[export.Record, error] {
	return func(yield func(export.Record, error) bool) {
		for c, err := range l.sel.All() {
			if !yield(l.record(c), err) || err != nil {
				return
			}
		}
	}
}

// show writes the list with the reason for each shipment. Nothing is sent, no
// share of the day is taken.
func (l *listing) show() error {
	l.tell(l.note)
	path := l.imp.report
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, l.name()+".csv")
	}
	if err := l.writeList(path); err != nil {
		return usage(err, "choose another place with --report")
	}
	l.ui.emit(event{Event: "finished", Report: path, Message: "dry run: nothing was sent"})
	l.note("Dry run: nothing was sent.")
	if path != "" {
		l.note("List: %s", path)
	}
	code := exitDone
	l.ui.emit(event{Event: "result", Rows: new(l.sel.Listed()), Report: path, Exit: &code})
	return nil
}

func (l *listing) writeList(path string) error {
	form := export.Form{Workbook: report.FormatOf(path) == report.XLSX, Plain: report.Guard(l.cfg.ReportGuard) == report.GuardOff, Name: "Expired"}
	switch {
	case path != "":
		return writeWhole(path, func(w io.Writer) error { return export.Write(w, expiredColumns, l.records(), form) })
	case l.ui.json:
		return writeRecords(l.ui.stdout, slices.Clone(expiredColumns), l.records())
	}
	return export.Write(l.ui.stdout, expiredColumns, l.records(), form)
}
