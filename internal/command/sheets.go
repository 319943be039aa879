package command

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"aftership-bulk/aftership"
	"aftership-bulk/batch"
	"aftership-bulk/internal/wire"
	"aftership-bulk/jobs"
	"aftership-bulk/sheet"
)

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
	// otherBudget says that the batch had ended before, and with another --max-errors
	// than this run asks for, which so says nothing of it.
	otherBudget bool
	failed      string
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
	if f.minRows < 0 {
		return d, usage(errors.New("--min-rows counts rows"), "use a number of 0 or more")
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
	if len(unsent) > 0 && !c.imp.listed {
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
	c.ui.say("%s: %s, %d to send, %d invalid%s%s", u.file, count(rows, "row"), calls, invalid, othersText(in.survey), c.doubtsText(in))
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

// othersText counts the rows that are neither sent nor invalid, where there are some.
func othersText(s *jobs.Survey) (text string) {
	if n := s.Duplicates(); n > 0 {
		text += ", " + count(n, "duplicate")
	}
	if n := s.Skipped(); n > 0 {
		text += fmt.Sprintf(", %d skipped", n)
	}
	return text
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
