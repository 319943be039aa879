package command

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"aftership-bulk/aftership"
	"aftership-bulk/batch"
	"aftership-bulk/internal/wire"
	"aftership-bulk/jobs"
	"aftership-bulk/sheet"
)

func (c *cli) checkCommand() *cobra.Command {
	var operation string
	cmd := c.importCommand(batch.Create, "check FILE...", "Check every row of sheets and say what would be sent; send nothing",
		`Finds every problem of every row (line, column, value, reason, remedy), tells
what was repaired, and the plan: what would be sent, how many calls, how long.
--report writes it beside the rows. Nothing is sent, and no key is needed; with
one, the account's own list of couriers is used.`,
		`  enqueue check shipments.csv
  enqueue check --operation update --report checked.csv updates.xlsx`)
	f := cmd.Flags()
	f.StringVar(&operation, "operation", "create", "what would be done: "+strings.Join(operationNames(), ", "))
	offer(cmd, "operation", operationNames()...)
	for _, name := range []string{"dry-run", "force", "wait", "wait-lock", "name", "priority", "yes"} {
		_ = f.MarkHidden(name) // they are about sending
	}
	cmd.RunE = func(cmd *cobra.Command, files []string) error {
		op, ok := operations[operation]
		if !ok {
			return noOperation(operation)
		}
		c.imp.dryRun, c.imp.checkOnly = true, true
		return c.imports(cmd.Context(), op, files)
	}
	return cmd
}

// Bounds of what is told of problems.
const (
	toldInRun   = 5  // kinds, in a run that goes on
	toldInCheck = 50 // kinds, where they are what was asked for
)

// tellProblems says what is wrong with rows, each kind once, with examples.
func (c *cli) tellProblems(in *input) {
	most := toldInRun
	if c.imp.checkOnly {
		most = toldInCheck
	}
	c.tellGroups(in, "cannot be sent", " ", in.survey.Problems(), most)
	if c.imp.checkOnly {
		c.tellGroups(in, "worth a look, but no reason to refuse a row", " ", in.survey.Doubts(), most)
		c.tellGroups(in, "read otherwise than it stands there, as the report tells", ": ", in.survey.Repairs(), most)
	}
}

func (c *cli) tellGroups(in *input, title, between string, groups []jobs.Group, most int) {
	if len(groups) == 0 {
		return
	}
	c.ui.say("  %s:", title)
	for _, g := range groups[:min(len(groups), most)] {
		c.ui.say("  %6d  %s", g.Rows, in.groupText(between, g))
		c.ui.say("          %s", examplesText(g))
		if g.Remedy != "" {
			c.ui.say("          → %s", g.Remedy)
		}
	}
	if n := len(groups) - most; n > 0 {
		c.ui.say("          and %d more kinds; the report has them all", n)
	}
}

// groupText says what is wrong with the cells of a column, by the name that the
// column has in the sheet.
func (in *input) groupText(between string, g jobs.Group) string {
	if g.Column == "line" {
		return g.Wrong // which begins with the line itself
	}
	name := g.Column
	var number int
	if _, err := fmt.Sscanf(g.Column, "column %d", &number); err == nil && number > 0 && number <= len(in.sheet.Header) {
		name = oneLine(in.sheet.Header[number-1], 40) // one that means no field
	}
	if i := slices.Index(in.survey.Plan.Mapping.Fields, g.Column); i >= 0 && !sheet.Names(in.sheet.Header[i], g.Column) {
		name = fmt.Sprintf("%s (%s)", oneLine(in.sheet.Header[i], 40), g.Column)
	}
	return name + between + g.Wrong
}

func examplesText(g jobs.Group) string {
	var parts []string
	for _, e := range g.Examples {
		text := "line " + strconv.Itoa(e.Line)
		if e.Value != "" {
			text += " (" + oneLine(e.Value, 40)
			if e.Now != "" && e.Now != e.Value {
				text += " → " + oneLine(e.Now, 40)
			}
			text += ")"
		}
		parts = append(parts, text)
	}
	if g.Rows > len(g.Examples) {
		parts = append(parts, "...")
	}
	return strings.Join(parts, ", ")
}

// tellPlan says what the rows become, and what that costs.
func (c *cli) tellPlan(in *input) {
	e := in.survey.Estimate(func(class aftership.Class) float64 {
		return wire.Limit(c.cfg, c.cfg.Accounts[c.cfg.Account], class)
	})
	if e.Calls+e.Lookups == 0 {
		return
	}
	text := "plan: "
	if e.AtMost {
		text += "at most "
	}
	text += count(e.Calls, "call") + operationsText(in.survey)
	if e.Lookups > 0 {
		text += " and about " + count(e.Lookups, "look-up")
	}
	text += fmt.Sprintf(", %s at the account's limit", durationText(e.Duration))
	if e.Counted > 0 {
		text += fmt.Sprintf("; up to %s of the plan's quota", count(e.Counted, "shipment"))
	}
	c.ui.say("  %s", text)
}

// operationsText says how many calls are of which operation, where there are several.
func operationsText(s *jobs.Survey) string {
	var parts []string
	for _, op := range s.Operations() {
		if n := s.SendOf(op); n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, op))
		}
	}
	if len(parts) < 2 {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

// durationText is a duration as a person would say it.
func durationText(d time.Duration) string {
	switch {
	case d < 2*time.Second:
		return "a second or two"
	case d < 2*time.Minute:
		return fmt.Sprintf("about %d s", int(d.Seconds()+0.5))
	case d < 2*time.Hour:
		return fmt.Sprintf("about %d min", int(d.Minutes()+0.5))
	}
	return fmt.Sprintf("about %.1f h", d.Hours())
}

// usualInvalid is how many of a sheet's rows may be invalid without anybody being asked.
const usualInvalid = 0.05

// unusual lists what a person should agree to before a sheet is sent.
func (in *input) unusual() []string {
	var reasons []string
	s := in.survey
	if n := s.Invalid(); float64(n) > usualInvalid*float64(s.Rows) {
		reasons = append(reasons, fmt.Sprintf("%d of %s cannot be sent", n, count(s.Rows, "row")))
	}
	if in.guessed != "" {
		reasons = append(reasons, in.guessed)
	}
	if n := len(s.Plan.CarrierHints); n > 0 {
		reasons = append(reasons, "ambiguous or unknown: "+count(n, "carrier name"))
	}
	return reasons
}

// confirm asks a person at a terminal before something unusual is sent. Where
// nobody can be asked, a run goes on: what is doubtful is never sent anyway.
func (c *cli) confirm(ctx context.Context, inputs []*input) error {
	if deletes := deletions(inputs); deletes > 0 && !c.imp.yes {
		return c.confirmDelete(ctx, deletes)
	}
	if c.imp.yes || c.ui.json || c.ui.quiet || !c.asks() {
		return nil
	}
	asked := false
	for _, in := range inputs {
		for _, reason := range in.unusual() {
			asked = true
			c.ui.warn("%s: %s", in.name, reason)
		}
	}
	if !asked || slices.ContainsFunc(inputs, func(in *input) bool { return in.survey.Send() > 0 }) == false {
		return nil
	}
	fmt.Fprint(c.ui.stderr, "Send the other rows? [y/N] ")
	if answer, err := c.answer(ctx); err != nil {
		return err
	} else if !answer {
		return usage(errNothingSent, "`enqueue check FILE` lists every problem; --yes sends without asking")
	}
	return nil
}

// deletions counts the shipments that the inputs would remove.
func deletions(inputs []*input) int {
	n := 0
	for _, in := range inputs {
		n += in.survey.SendOf(batch.Delete)
	}
	return n
}

// confirmDelete asks before shipments are removed, for there is no way back. Where
// nobody can be asked, nothing is sent.
func (c *cli) confirmDelete(ctx context.Context, n int) error {
	what := fmt.Sprintf("%s would be deleted at AfterShip for good", count(n, "shipment"))
	if c.ui.json || c.ui.quiet || !c.asks() {
		return usage(fmt.Errorf("%s, and there is nobody to ask: %w", what, errNothingSent), "say --yes to delete without being asked; --dry-run shows what would be")
	}
	fmt.Fprintf(c.ui.stderr, "%s. Go on? [y/N] ", what)
	if answer, err := c.answer(ctx); err != nil {
		return err
	} else if !answer {
		return usage(errNothingSent, "--dry-run shows what would be deleted; --yes deletes without asking")
	}
	return nil
}

// asks reports whether a person can be asked.
func (c *cli) asks() bool {
	f, ok := c.stdin.(*os.File)
	return ok && term.IsTerminal(int(f.Fd())) && isTerminal(c.ui.stderr)
}

// answer reads yes or no; anything but yes is no.
func (c *cli) answer(ctx context.Context) (bool, error) {
	lines := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(c.stdin).ReadString('\n')
		lines <- line
	}()
	select {
	case <-ctx.Done():
		return false, context.Canceled
	case line := <-lines:
		return slices.Contains([]string{"y", "yes"}, strings.ToLower(strings.TrimSpace(line))), nil
	}
}
