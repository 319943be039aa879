package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"aftership-bulk/batch"
	"aftership-bulk/jobs"
	"aftership-bulk/redisconn"
	"aftership-bulk/report"
)

func (c *cli) statusCommand() *cobra.Command {
	var follow, trackings bool
	cmd := &cobra.Command{
		Use: "status BATCH", Short: "Show the state of a batch: counts, rate, time left, and why it stands still",
		Example: "  enqueue status 261122-k7f3qz\n  enqueue status 261122-k7f3qz --follow\n  enqueue status 261122-k7f3qz --trackings > now.csv\n  enqueue status 261122-k7f3qz --json",
		Args:    cobra.ExactArgs(1),
		RunE: c.withSession(readOnly, func(ctx context.Context, s *session, args []string) error {
			switch {
			case trackings:
				return c.trackings(ctx, s, args[0])
			case follow:
				return c.followStatus(ctx, s, args[0])
			}
			return c.status(ctx, s, args[0])
		}),
	}
	cmd.Flags().BoolVar(&follow, "follow", false, "go on showing it until the batch has ended")
	cmd.Flags().BoolVar(&trackings, "trackings", false, "print the batch's rows with what webhooks told last about their trackings, as CSV (see docs/automation.md)")
	return cmd
}

// statusSpan is how long `status` watches a running batch to tell its rate.
const statusSpan = time.Second

func (c *cli) status(ctx context.Context, s *session, id string) error {
	b, err := s.ledger.Get(ctx, id)
	if err != nil {
		return batchError(err)
	}
	var m meter
	var rate float64
	var left time.Duration
	if b.State == batch.Running && s.embedded == nil {
		m.measure(b)
		select {
		case <-ctx.Done():
			return context.Canceled
		case <-time.After(statusSpan):
		}
		if b, err = s.ledger.Get(ctx, id); err != nil {
			return batchError(err)
		}
		rate, left = m.measure(b)
	}
	still, err := s.standstill(ctx, b)
	if err != nil {
		return err
	}
	if b, err = s.troubled(ctx, b); err != nil {
		return err
	}
	return c.showStatus(b, still, rate, left)
}

// troubled says of a running batch why it stands still: AfterShip fails for all
// of its calls, or nobody carries it out.
func (s *session) troubled(ctx context.Context, b batch.Batch) (batch.Batch, error) {
	if b.State != batch.Running {
		return b, nil
	}
	since, outage, err := jobs.Outages(ctx, s.ledger, b.Account, b.Operation)
	if err != nil {
		return b, unreachable(err, "")
	}
	switch {
	case outage:
		b.Reason = "AfterShip has failed every call since " + stamp(since) + "; one is tried every ten seconds, and no attempt is charged"
	case s.embedded != nil && !redisconn.Held(s.cfg.StateDir):
		b.Reason = "interrupted: no process works on it; go on with `enqueue resume " + b.ID + "`"
	case s.embedded == nil:
		b.Reason, err = s.unserved(ctx, b.Account)
	}
	return b, err
}

// unserved says that no worker serves an account, if that is so.
func (s *session) unserved(ctx context.Context, account string) (string, error) {
	workers, err := jobs.NewDoctor(s.rdb, s.ledger).Workers(ctx)
	if err != nil {
		return "", unreachable(err, "")
	}
	for _, w := range workers {
		if slices.Contains(w.Accounts, account) {
			return "", nil
		}
	}
	return "no worker serves account " + account + ": start `worker` with its key", nil
}

// shown is a batch as a person should see it: one whose account is stopped is stopped.
func shown(b batch.Batch, still string) batch.Batch {
	if still != "" && !b.Ended() && !b.State.Held() {
		b.State, b.Reason = batch.Stopped, still
	}
	return b
}

func (c *cli) showStatus(b batch.Batch, still string, rate float64, left time.Duration) error {
	b = shown(b, still)
	if c.ui.json {
		v := viewOf(b)
		v.Rate, v.Left = rate, left.Seconds()
		return json.NewEncoder(c.ui.stdout).Encode(v)
	}
	rows := [][]string{
		{"batch", b.ID}, {"operation", commandOf(b.Operation)}, {"account", b.Account}, {"source", b.Source}, {"started by", b.Who},
		{"priority", string(b.Priority)}, {"created", stamp(b.CreatedAt)}, {"state", string(b.State)},
	}
	if b.Reason != "" {
		rows = append(rows, []string{"reason", b.Reason})
	}
	rows = append(rows, []string{"rows", strconv.Itoa(b.Rows)}, []string{"outcomes", countsText(b)})
	if b.Ended() {
		rows = append(rows, []string{"finished", stamp(b.FinishedAt)})
	} else {
		rows = append(rows, []string{"rate", rateText(rate, left)})
	}
	if b.Rounds > 1 {
		rows = append(rows, []string{"rounds", strconv.Itoa(b.Rounds)})
	}
	c.ui.table(rows)
	return nil
}

func stamp(t time.Time) string { return t.Local().Format("2006-01-02 15:04:05") }

// followStatus shows a batch until it has ended or stands still. The exit code
// is that of a run that waited.
func (c *cli) followStatus(ctx context.Context, s *session, id string) error {
	b, err := s.ledger.Get(ctx, id)
	if err != nil {
		return batchError(err)
	}
	if b, err = s.troubled(ctx, b); err != nil {
		return err
	}
	if b.Reason != "" && !b.Ended() {
		c.ui.warn("%s", b.Reason)
	}
	if s.embedded != nil && !b.Ended() && !redisconn.Held(s.cfg.StateDir) {
		return &exitWith{exitUnfinished} // nobody works on it, so there is nothing to follow
	}
	in := &input{name: b.Source, b: b}
	e, err := c.follow(ctx, s, in, 0)
	if err != nil {
		return err
	}
	if e.interrupted {
		return &exitWith{exitInterrupted}
	}
	c.tellEnding(e, in)
	return c.finishRun([]*input{in}, e.code())
}

func (c *cli) batchesCommand() *cobra.Command {
	return &cobra.Command{
		Use: "batches", Short: "List the batches, newest first", Example: "  enqueue batches\n  enqueue batches --json", Args: cobra.NoArgs,
		RunE: c.withSession(readOnly, func(ctx context.Context, s *session, _ []string) error { return c.batches(ctx, s) }),
	}
}

func (c *cli) batches(ctx context.Context, s *session) error {
	views := []*batchView{}
	rows := [][]string{{"BATCH", "OPERATION", "ACCOUNT", "STATE", "ROWS", "PENDING", "CREATED", "SOURCE", "OUTCOMES"}}
	for b, err := range s.ledger.List(ctx) {
		if err != nil {
			return unreachable(err, "")
		}
		still, err := s.standstill(ctx, b)
		if err != nil {
			return err
		}
		b = shown(b, still)
		if b, err = s.troubled(ctx, b); err != nil {
			return err
		}
		views = append(views, viewOf(b))
		rows = append(rows, []string{b.ID, commandOf(b.Operation), b.Account, string(b.State), strconv.Itoa(b.Rows), strconv.Itoa(b.Pending()), stamp(b.CreatedAt), b.Source, countsText(b)})
	}
	if c.ui.json {
		return json.NewEncoder(c.ui.stdout).Encode(map[string]any{"batches": views})
	}
	if len(views) == 0 {
		c.ui.say("There are no batches yet.")
		return nil
	}
	c.ui.table(rows)
	return nil
}

func (c *cli) reportCommand() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use: "report BATCH", Short: "Write the report of a batch, also of an unfinished one",
		Example: "  enqueue report 261122-k7f3qz > report.csv\n  enqueue report 261122-k7f3qz -o report.csv", Args: cobra.ExactArgs(1),
		RunE: c.withSession(readOnly, func(ctx context.Context, s *session, args []string) error {
			return c.report(ctx, s, args[0], out)
		}),
	}
	cmd.Flags().StringVarP(&out, "output", "o", "-", "write it to this `FILE`, and the failed rows beside it; - is stdout")
	return cmd
}

func (c *cli) report(ctx context.Context, s *session, id, out string) error {
	b, err := s.ledger.Get(ctx, id)
	if err != nil {
		return batchError(err)
	}
	if out == "-" {
		return c.printReport(ctx, s, b)
	}
	c.imp.report = out
	in := &input{name: b.Source, b: b}
	if err := c.writeReport(ctx, in, s.results(ctx, b), 1); err != nil {
		return usage(err, "choose another place with -o")
	}
	c.ui.say("Report: %s", in.report)
	return nil
}

func (c *cli) printReport(ctx context.Context, s *session, b batch.Batch) error {
	_, err := report.Write(ctx, c.ui.stdout, report.InfoOf(b), s.results(ctx, b), report.Options{Guard: report.Guard(c.cfg.ReportGuard)})
	return err
}

func (c *cli) deadCommand() *cobra.Command {
	return &cobra.Command{
		Use: "dead BATCH", Short: "List the dead letters of a batch: the rows whose attempts are used up",
		Example: "  enqueue dead 261122-k7f3qz", Args: cobra.ExactArgs(1),
		RunE: c.withSession(readOnly, func(ctx context.Context, s *session, args []string) error { return c.dead(ctx, s, args[0]) }),
	}
}

// deadView is a dead letter as programs see it.
type deadView struct {
	Job      int       `json:"job"`
	Line     int       `json:"line"`
	Number   string    `json:"tracking_number"`
	Code     int       `json:"code,omitzero"`
	Message  string    `json:"message"`
	Hint     string    `json:"hint"`
	Attempts int       `json:"attempts"`
	At       time.Time `json:"finished_at"`
	Cells    []string  `json:"cells"`
}

func (c *cli) dead(ctx context.Context, s *session, id string) error {
	b, err := s.ledger.Get(ctx, id)
	if err != nil {
		return batchError(err)
	}
	n := 0
	for item, err := range s.ledger.Dead(ctx, id) {
		if err != nil {
			return err
		}
		n++
		if err := c.showDead(c.ui.stdout, item, numberOf(b, item)); err != nil {
			return err
		}
	}
	if n == 0 {
		c.ui.say("Batch %s has no dead letters.", id)
		return nil
	}
	c.ui.say("%d dead letters. Run them again with: enqueue retry %s", n, id)
	return nil
}

// numberOf is what a row calls its shipment: the tracking number, else the id.
func numberOf(b batch.Batch, item batch.Item) string {
	for _, field := range []string{"tracking_number", "id"} {
		if i := slices.Index(b.Fields, field); i >= 0 && i < len(item.Entry.Cells) && item.Entry.Cells[i] != "" {
			return strings.Join(strings.Fields(item.Entry.Cells[i]), " ")
		}
	}
	return "(no number)"
}

func (c *cli) showDead(w io.Writer, item batch.Item, number string) error {
	r := item.Result
	if c.ui.json {
		return json.NewEncoder(w).Encode(deadView{item.Job, item.Entry.Line, number, r.Code, r.Message, r.Hint, r.Attempts, r.At, item.Entry.Cells})
	}
	_, err := fmt.Fprintf(w, "line %d  %s  %s  (attempts: %d, %s)\n", item.Entry.Line, number, r.Message, r.Attempts, stamp(r.At))
	return err
}

// batchError says what to do about a batch that cannot be had.
func batchError(err error) error {
	if errors.Is(err, batch.ErrUnknown) || errors.Is(err, batch.ErrNewer) || errors.Is(err, batch.ErrTrimmed) {
		return usage(err, "")
	}
	return unreachable(err, "check REDIS_URL")
}
