package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"aftership-bulk/aftership"
	"aftership-bulk/batch"
	"aftership-bulk/export"
	"aftership-bulk/internal/wire"
	"aftership-bulk/jobs"
	"aftership-bulk/report"
	"aftership-bulk/sheet"
	"aftership-bulk/sheet/book"
)

// readFlags are the flags of the commands that read trackings back.
type readFlags struct {
	out      string
	lang     string
	priority string
	restart  bool
	slug     string
}

func (f *readFlags) add(c *cli, cmd *cobra.Command, what string) {
	flags := cmd.Flags()
	flags.StringVarP(&f.out, "output", "o", "-", "write "+what+" to this `FILE`; a workbook if it ends in .xlsx; - is stdout")
	flags.BoolVar(&f.restart, "restart", false, "begin anew, whatever an interrupted run has left in FILE"+export.PartSuffix)
	flags.StringVar(&f.priority, "priority", string(batch.Upload), "upload, nightly or background: who gets the next slot")
	flags.BoolVar(&c.flags.sandbox, "sandbox", false, "ask the built-in stand-in for AfterShip, with trackings of its own")
	offer(cmd, "priority", string(batch.Upload), string(batch.Nightly), string(batch.Background))
	flags.StringArrayVar(&c.rows.carriers, "carrier", nil, "`NAME=SLUG`: the courier that a carrier's name in the sheet means (repeat it for more)")
	flags.StringVar(&c.rows.carriersFile, "carriers", "", "a `FILE` of such names: CSV of name and slug, or YAML")
	c.read.add(flags)
}

// readback is one run of a command that reads trackings back.
type readback struct {
	*cli
	f       readFlags
	s       *session
	account *jobs.Account
	client  *aftership.Client
	caller  *export.Caller
	part    *export.Part
	columns []string
	what    string // of what a sheet is made: "trackings", "rows"
	told    time.Time
}

// openReadback opens what a command needs that asks AfterShip.
func (c *cli) openReadback(ctx context.Context, f readFlags, name string) (*readback, error) {
	if !batch.Priority(f.priority).Valid() {
		return nil, usage(fmt.Errorf("--priority %q is unknown", f.priority), "use upload, nightly or background")
	}
	s, err := c.openToAsk(ctx)
	if err != nil {
		return nil, err
	}
	r := &readback{cli: c, f: f, s: s}
	if r.account, err = s.account(); err != nil {
		s.close()
		return nil, err
	}
	r.client = r.account.Client.With(r.account.Limiter(batch.Priority(f.priority), name))
	r.caller = c.caller()
	return r, nil
}

// worthTelling is how long a wait is that a person should know the reason of.
const worthTelling = 2 * time.Second

// caller repeats calls, and says so.
func (c *cli) caller() *export.Caller {
	return &export.Caller{Attempts: c.cfg.MaxAttempts, Told: func(text string, wait time.Duration) {
		level := slog.LevelInfo
		if wait >= worthTelling {
			level = slog.LevelWarn
		}
		c.log.Log(context.Background(), level, "trying again", "in", wait.Round(100*time.Millisecond), "reason", text)
	}}
}

// openToAsk opens a session that can ask AfterShip now.
func (c *cli) openToAsk(ctx context.Context) (*session, error) {
	if _, ok := c.cfg.Key(c.cfg.Account); !ok && !c.flags.sandbox {
		return nil, usage(errors.New("there is no API key, so nothing can be asked"), "set AFTERSHIP_API_KEY (or AFTERSHIP_API_KEY_FILE), or try it out with --sandbox")
	}
	return c.openToWork(ctx)
}

func (r *readback) close() {
	if r.part != nil {
		_ = r.part.Close()
	}
	r.s.close()
}

// begin goes on with the part beside the output, or begins one. What decides what is read stands in the identity.
func (r *readback) begin(columns []string, identity ...any) error {
	r.columns = columns
	path := ""
	if r.f.out != "-" && !r.flags.sandbox {
		path = r.f.out + export.PartSuffix
	}
	if path != "" && r.f.restart {
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return usage(err, "remove the file, or choose another place with -o")
		}
	}
	now := time.Now().UTC().Truncate(time.Second)
	flags := fmt.Sprintf("%+v %+v", r.read, r.cli.rows) // how the rows of a sheet are read
	id := export.Identity(slices.Concat([]any{r.cfg.Account, r.client.String(), columns, r.f.lang, r.f.slug, flags}, identity)...)
	var err error
	r.part, err = export.OpenPart(path, export.Begun{Identity: id, At: now, Until: now})
	switch {
	case errors.Is(err, export.ErrOther):
		return usage(err, "run that one again, or begin this one anew with --restart")
	case errors.Is(err, export.ErrBusy):
		return &failure{exitLocked, err, "wait until that run has ended, or choose another place with -o"}
	case err != nil:
		return usage(err, "choose another place with -o")
	case r.part.Again:
		r.note("Going on with the run of %s, which has %d %s.", stamp(r.part.At), r.part.Mark.Records, r.what)
	case r.part.Stale:
		r.note("An interrupted run has left %s, which is too old to go on with: beginning anew.", path)
	}
	return nil
}

// note says something to a person, beside what is written to stdout.
func (r *readback) note(format string, args ...any) {
	if r.f.out != "-" {
		r.ui.say(format, args...)
	} else if !r.ui.json && !r.ui.quiet {
		fmt.Fprintf(r.ui.stderr, format+"\n", args...)
	}
}

// progress tells how far it is, now and then.
func (r *readback) progress() {
	m := r.part.Mark
	switch now := time.Now(); {
	case r.told.IsZero():
		r.told = now
	case now.Sub(r.told) < lineEvery:
	case r.ui.json:
		r.told = now
		r.ui.emit(event{Event: "progress", Rows: new(m.Records)})
	case !r.ui.quiet:
		r.told = now
		of := ""
		if m.Total > 0 {
			of = fmt.Sprintf(" of %d", m.Total)
		}
		fmt.Fprintf(r.ui.stderr, "%d%s %s\n", m.Records, of, r.what)
	}
}

// rows answers the rows of a sheet that are not answered yet, so many at a time.
func (r *readback) rows(ctx context.Context, sh *sheet.Sheet, plan jobs.Plan, size int, answer func(context.Context, []jobs.Asked) ([]export.Record, int, error)) error {
	skip, seen := r.part.Mark.Rows, 0
	var chunk []jobs.Asked
	for a, err := range plan.Ask(sh) {
		if ctx.Err() != nil {
			return context.Canceled
		}
		if err != nil {
			return usage(err, "")
		}
		if seen++; seen <= skip {
			continue
		}
		if chunk = append(chunk, a); len(chunk) < size {
			continue
		}
		if err := r.chunk(ctx, chunk, answer); err != nil {
			return err
		}
		chunk = chunk[:0]
	}
	return r.chunk(ctx, chunk, answer)
}

func (r *readback) chunk(ctx context.Context, chunk []jobs.Asked, answer func(context.Context, []jobs.Asked) ([]export.Record, int, error)) error {
	if len(chunk) == 0 {
		return nil
	}
	records, bad, err := answer(ctx, chunk)
	if err != nil {
		return err
	}
	r.part.Mark.Rows += len(chunk)
	r.part.Mark.Bad += bad
	return r.save(records)
}

// save keeps records, from which a later run goes on.
func (r *readback) save(records []export.Record) error {
	for _, record := range records {
		if err := r.part.Add(record); err != nil {
			return usage(err, "make room, and run the same command again")
		}
	}
	if err := r.part.Save(); err != nil {
		return usage(err, "make room, and run the same command again")
	}
	r.progress()
	return nil
}

// interrupted says what became of a run that ended early, and how to go on.
func (r *readback) interrupted(ctx context.Context, err error) error {
	if r.part == nil || r.f.out == "-" || r.flags.sandbox {
		return r.readError(ctx, err)
	}
	if r.part.Mark.Records > 0 {
		r.ui.warn("%d %s are kept in %s%s: the same command goes on from there (within 12 hours; --restart begins anew)", r.part.Mark.Records, r.what, r.f.out, export.PartSuffix)
	}
	return r.readError(ctx, err)
}

// readError gives the errors of questions their exit codes.
func (r *readback) readError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Canceled
	}
	f, ok := errors.AsType[*export.Failure](err)
	switch {
	case !ok:
		return orUnreachable(err, "")
	case f.Kind == jobs.Refused:
		return usage(err, f.Hint)
	case f.Kind == jobs.Wait:
		return unreachable(err, "run the same command again when the limit is reset")
	case f.Code == 401:
		return unreachable(err, "set AFTERSHIP_API_KEY to a valid key")
	case f.Code == 403:
		return unreachable(err, "AfterShip refuses this kind of call: check the plan and the key's permissions")
	case f.Code == 404:
		return unreachable(err, "AfterShip does not know this address: check AFTERSHIP_API_VERSION and AFTERSHIP_BASE_URL")
	}
	return unreachable(err, "run the same command again later")
}

// finish writes the sheet, whole or not at all, and then removes the part.
func (r *readback) finish(name string) error {
	if err := r.write(name); err != nil {
		return err
	}
	if r.f.out != "-" && !r.flags.sandbox {
		if err := r.part.Remove(); err != nil {
			r.ui.warn("%v", err)
		}
	}
	m, code := r.part.Mark, exitDone
	if m.Bad > 0 {
		code = exitRowsFailed
	}
	shown := r.f.out
	if shown == "-" {
		shown = ""
	} else {
		r.ui.say("Written: %s", r.f.out)
	}
	r.ui.emit(event{Event: "result", Rows: new(m.Records), Invalid: new(m.Bad), Report: shown, Exit: &code})
	if code == exitDone {
		return nil
	}
	return &exitWith{code}
}

func (r *readback) write(name string) error {
	form := export.Form{Workbook: report.FormatOf(r.f.out) == report.XLSX, Plain: report.Guard(r.cfg.ReportGuard) == report.GuardOff, Name: name}
	switch {
	case r.f.out != "-":
		err := writeWhole(r.f.out, func(w io.Writer) error {
			err := export.Write(w, r.columns, r.part.Records(), form)
			if f, ok := w.(*os.File); ok && err == nil {
				err = f.Sync() // the part is removed next
			}
			return err
		})
		if err != nil {
			return usage(err, "choose another place with -o")
		}
		return nil
	case r.ui.json:
		return r.writeJSON()
	}
	return export.Write(r.ui.stdout, r.columns, r.part.Records(), form)
}

// rowEvent is a row of the answer as programs see it.
type rowEvent struct {
	Event  string            `json:"event"`
	Fields map[string]string `json:"fields"`
}

func (r *readback) writeJSON() error { return writeRecords(r.ui.stdout, r.columns, r.part.Records()) }

func writeRecords(w io.Writer, columns []string, records iter.Seq2[export.Record, error]) error {
	out := json.NewEncoder(w)
	for record, err := range records {
		if err != nil {
			return err
		}
		e := rowEvent{"row", map[string]string{}}
		for i, name := range columns {
			if cell := record.Cells[i]; cell != "" {
				e.Fields[name] = cell
			}
		}
		for name, cell := range record.Custom {
			e.Fields[aftership.CustomFieldPrefix+name] = cell
		}
		if err := out.Encode(e); err != nil {
			return err
		}
	}
	return nil
}

// notInput refuses an output in the place of the sheet that is read.
func (r *readback) notInput(file string) error {
	out, err := os.Stat(r.f.out)
	if err != nil {
		return nil
	}
	if in, err := os.Stat(file); err == nil && os.SameFile(in, out) {
		return usage(fmt.Errorf("-o %s would overwrite the sheet itself", r.f.out), "choose another place with -o")
	}
	return nil
}

// asks understands a sheet whose rows ask about shipments, as the operation would read it.
func (r *readback) asks(ctx context.Context, op batch.Operation, file string) (*understood, jobs.Plan, error) {
	if err := r.notInput(file); err != nil {
		return nil, jobs.Plan{}, err
	}
	u, err := r.opened(ctx, op, file)
	if err != nil {
		return nil, jobs.Plan{}, err
	}
	plan := jobs.Plan{Operation: op, Version: wire.Version(r.cfg), Mapping: jobs.Asking(u.mapping), Rules: u.rules(), Defaults: jobs.Defaults{Slug: r.f.slug}}
	err = plan.Defaults.Validate()
	if err == nil {
		_, err = r.carriers(ctx, r.s, u, &plan)
	}
	if err != nil {
		_ = u.sheet.Close()
		return nil, plan, ctxOr(ctx, usage(err, ""))
	}
	return u, plan, nil
}

// opened opens a sheet and finds out what its columns mean. One that asks about no trackings needs no numbers.
func (r *readback) opened(ctx context.Context, op batch.Operation, file string) (*understood, error) {
	if op != batch.Create {
		return r.understand(ctx, op, file)
	}
	u, err := r.openSheet(ctx, file, false)
	if err != nil {
		return nil, err
	}
	if err := r.mapColumns(u); err != nil {
		_ = u.sheet.Close()
		return nil, usage(fmt.Errorf("%s: %w", u.file, err), "say what a column means with --map 'HEADER=FIELD'; `enqueue predict --help` names the columns")
	}
	return u, nil
}

// fitsWorkbook refuses what a workbook cannot hold before it is read.
func (r *readback) fitsWorkbook(rows int) error {
	if report.FormatOf(r.f.out) == report.XLSX && rows > book.MaxRows {
		return usage(fmt.Errorf("a workbook can hold %d rows, and there are %d", book.MaxRows, rows), "name a .csv file with -o")
	}
	return nil
}
