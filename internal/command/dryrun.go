package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"aftership-bulk/aftership"
	"aftership-bulk/batch"
	"aftership-bulk/export"
	"aftership-bulk/internal/wire"
	"aftership-bulk/jobs"
)

// dryRunHelp is what --dry-run does more for some operations.
func dryRunHelp(op batch.Operation) string {
	switch op {
	case batch.Sync:
		return "; rows are looked up, to say what would be created and updated"
	case batch.Create:
		return "; with --lookup, or --on-exists update or fail, rows are looked up, to say what would become of them"
	}
	return ""
}

// rehearsal is a dry run: nothing is sent, and AfterShip and the ledger are asked what a
// run would find.
type rehearsal struct {
	*cli
	ledger  *batch.Store // nil if there is none to ask
	lookUp  jobs.LookUp  // nil if rows are not looked up
	unasked string       // why not, where they could be
	looked  looked
	close   func()
}

// dryRun writes the reports of what would happen.
func (c *cli) dryRun(ctx context.Context, s *session, inputs []*input) error {
	if err := c.writable(len(inputs)); err != nil {
		return usage(fmt.Errorf("the report cannot be written: %w", err), "choose another place with --report")
	}
	r, err := c.rehearse(ctx, s, inputs)
	if err != nil {
		return ctxOr(ctx, err)
	}
	defer r.close()
	if err := r.refusal(ctx, inputs); err != nil {
		return err
	}
	var codes []int
	for _, in := range inputs {
		code, err := r.one(ctx, in, len(inputs))
		if err != nil {
			return ctxOr(ctx, err)
		}
		codes = append(codes, code)
	}
	return c.finishRun(inputs, worst(codes...))
}

// rehearse opens what is asked. A check of sheets asks nobody.
func (c *cli) rehearse(ctx context.Context, s *session, inputs []*input) (*rehearsal, error) {
	r := &rehearsal{cli: c, ledger: s.ledger, close: func() {}}
	if c.imp.checkOnly {
		return r, nil
	}
	asks := slices.ContainsFunc(inputs, func(in *input) bool { return in.survey.Foreseeable() > 0 })
	if _, key := s.cfg.Key(s.cfg.Account); asks && !key {
		asks = false
		r.unasked = "Rows were not looked up, because there is no API key here: set AFTERSHIP_API_KEY (or AFTERSHIP_API_KEY_FILE) to see which would be created and updated."
	}
	if err := r.openLedger(ctx, s, asks); err != nil || !asks {
		return r, err
	}
	if r.ledger == nil { // the pace is kept there
		r.lookUp = never(unreachable(errors.New("Redis cannot be reached, which keeps the pace of the account's calls"), "check REDIS_URL"))
		return r, nil
	}
	account, err := s.account()
	if err != nil {
		return r, err
	}
	r.lookUp = r.lookUpBy(account)
	return r, nil
}

// refusal is why a run would refuse the sheets for their columns.
func (r *rehearsal) refusal(ctx context.Context, inputs []*input) error {
	if r.imp.checkOnly || r.imp.name == "" || r.ledger == nil {
		return nil
	}
	return r.unchanged(ctx, r.ledger, inputs, "a run refuses them")
}

// never asks nobody, where that is a failure.
func never(err error) jobs.LookUp {
	return func(context.Context, []aftership.Ref) ([]aftership.Found, *jobs.Verdict, error) { return nil, nil, err }
}

// openLedger opens the ledger in the state directory, if that is where it is. It is locked
// while AfterShip is asked, as for every command that does: nothing else keeps the pace.
func (r *rehearsal) openLedger(ctx context.Context, s *session, asks bool) error {
	if s.embedded != nil || s.cfg.RedisURL.Value() != "" {
		return nil
	}
	var own *session
	var err error
	if asks {
		own, err = r.openToWork(ctx)
	} else {
		own, err = r.open(ctx, readOnly)
	}
	switch {
	case err == nil:
		r.ledger, r.close = own.ledger, own.close
	case asks:
		return err
	default:
		r.log.Info("the check goes on without the ledger", "error", err)
	}
	return nil
}

// lookUpBy asks an account's list, under its pace, and tries again what fails for a while.
func (r *rehearsal) lookUpBy(account *jobs.Account) jobs.LookUp {
	client := account.Client.With(account.Limiter(batch.Priority(r.imp.priority), "dry run"))
	caller := r.caller()
	return func(ctx context.Context, refs []aftership.Ref) (found []aftership.Found, refused *jobs.Verdict, err error) {
		err = caller.Call(ctx, func(ctx context.Context) (err error) {
			found, err = client.Lookup(ctx, refs)
			return err
		})
		if f, ok := errors.AsType[*export.Failure](err); ok && f.Kind == jobs.Refused {
			return nil, new(f.Verdict), nil
		}
		r.progress(len(refs))
		return found, nil, err
	}
}

// looked is how many rows were looked up, and when that was told.
type looked struct {
	sync.Mutex
	rows int
	told time.Time
}

// progress tells how far the look-ups are, now and then.
func (r *rehearsal) progress(rows int) {
	r.looked.Lock()
	defer r.looked.Unlock()
	r.looked.rows += rows
	now := time.Now()
	if r.looked.told.IsZero() {
		r.looked.told = now
	}
	if now.Sub(r.looked.told) < lineEvery {
		return
	}
	r.looked.told = now
	if r.ui.json {
		r.ui.emit(event{Event: "progress", Rows: new(r.looked.rows)})
	} else if !r.ui.quiet {
		fmt.Fprintf(r.ui.stderr, "%d rows looked up\n", r.looked.rows)
	}
}

// one is the dry run of one sheet.
func (r *rehearsal) one(ctx context.Context, in *input, files int) (code int, err error) {
	in.b = in.survey.Rehearsal(in.sheet, r.cfg.Account)
	f := &jobs.Foresight{Survey: in.survey, LookUp: r.lookUp}
	before, sent := r.sentBefore(ctx, in)
	if sent {
		f.LookUp, f.Unasked = nil, fmt.Sprintf("nothing would be sent again; it was %s before as batch %s", goneThrough(before), before.ID)
	}
	if err := r.writeReport(ctx, in, f.Items(ctx, in.sheet), files); err != nil {
		return 0, usage(err, "choose another place with --report")
	}
	f.Count(&in.b)
	trouble := r.trouble(f)
	over := r.imp.guards.budget.Overspent(rowsThat(in.b, batch.Outcome.Spends), in.b.Total)
	r.tell(in, f, trouble, over)
	if sent {
		r.tellBefore(in, before)
	}
	return r.code(in, trouble, over), nil
}

// sentBefore is the batch as which the sheet was sent before, if a run would leave it at that.
func (r *rehearsal) sentBefore(ctx context.Context, in *input) (batch.Batch, bool) {
	if r.ledger == nil || r.imp.checkOnly {
		return batch.Batch{}, false
	}
	intake := &jobs.Intake{Ledger: r.ledger, Version: wire.Version(r.cfg), Now: time.Now}
	b, sent, err := intake.SentBefore(ctx, in.sheet, in.survey, jobs.Order{Account: r.cfg.Account, Force: r.imp.force, Asked: r.asked})
	if err != nil {
		r.log.Info("the ledger does not say whether the sheet was sent before", "error", err)
	}
	return b, sent && err == nil
}

// tell says what would become of the rows of a sheet, of which more may fail than --max-errors allows.
func (r *rehearsal) tell(in *input, f *jobs.Foresight, trouble error, over string) {
	e := event{Event: "finished", Batch: viewOf(in.b), Report: in.report, Failed: in.failed, Message: "dry run: nothing was sent", Would: map[string]int{}, Differ: f.Differ}
	e.Error = over
	for outcome, n := range f.Would {
		e.Would[string(outcome)] = n
	}
	if trouble != nil {
		e.Error, e.Try = trouble.Error(), hintOf(trouble)
	}
	if r.unasked != "" && in.survey.Foreseeable() > 0 {
		e.Warnings = []string{r.unasked}
	}
	r.ui.emit(e)
	r.ui.say("Dry run: nothing was sent. %s: %s.", count(in.b.Rows, "row"), foreseenText(in, f))
	for _, text := range e.Warnings {
		r.ui.say("%s", text)
	}
	r.ui.say("Report: %s", in.report)
}

// foreseenText is what would become of the rows: "3 would be created, 44 already so".
func foreseenText(in *input, f *jobs.Foresight) string {
	if f.LookUp == nil || in.survey.Foreseeable() == 0 {
		return countsText(in.b)
	}
	var parts []string
	add := func(n int, text string) {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, text))
		}
	}
	add(f.Would[batch.Created], "would be created")
	add(f.Would[batch.Updated], "would be updated"+differText(f.Differ))
	unknown := "would be sent"
	if f.Err != nil {
		unknown = "could not be looked up"
	}
	add(in.b.Pending()-f.Would[batch.Created]-f.Would[batch.Updated], unknown)
	for _, o := range batch.AllOutcomes() {
		word := outcomeWord(o)
		if o == batch.Rejected {
			word = "would be refused"
		}
		add(in.b.Counts[o], word)
	}
	if len(parts) == 0 {
		return "no rows"
	}
	return strings.Join(parts, ", ")
}

// differText names the columns that differ, those of most rows first.
func differText(differ map[string]int) string {
	if len(differ) == 0 {
		return ""
	}
	names := slices.SortedFunc(maps.Keys(differ), func(a, b string) int { return cmp.Or(differ[b]-differ[a], strings.Compare(a, b)) })
	return " (" + listedColumns(names) + ")"
}

// tellBefore says that the sheet was sent before.
func (r *rehearsal) tellBefore(in *input, b batch.Batch) {
	r.ui.emit(event{Event: "sent_before", File: in.sheet.Name, Batch: viewOf(b), Existed: true})
	if b.State == batch.Cancelled {
		r.ui.say("%s was cancelled before as batch %s (nothing would be sent; `enqueue retry %s` runs the cancelled rows, --force would send the whole file again).", in.sheet.Name, b.ID, b.ID)
		return
	}
	r.ui.say("%s was %s before as batch %s (nothing would be sent again; --force would send it again).", in.sheet.Name, goneThrough(b), b.ID)
}

// trouble is why rows of a sheet could not be looked up, nil if they could. It is not tried
// again for the sheets after it.
func (r *rehearsal) trouble(f *jobs.Foresight) error {
	if f.Err == nil {
		return nil
	}
	r.lookUp = never(f.Err)
	why := (&readback{cli: r.cli}).readError(context.Background(), f.Err)
	return unreachable(fmt.Errorf("rows were not looked up: %w", why), cmp.Or(hintOf(why), "run the same command again later"))
}

// code is the exit code of the dry run of a sheet.
func (r *rehearsal) code(in *input, trouble error, over string) int {
	code := exitDone
	if failedRows(in.b) > 0 {
		code = exitRowsFailed
	}
	if over != "" {
		r.ui.alarm("%s", over)
		code = exitErrorBudget
	}
	if trouble == nil {
		return code
	}
	r.ui.alarm("%s: %s", in.name, trouble)
	fmt.Fprintln(r.ui.stderr, "Try: "+printable(hintOf(trouble)))
	return worst(code, exitCode(trouble))
}
