package command

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"aftership-bulk/config"
	"aftership-bulk/jobs"
)

// nextRuns is how many of the next runs are shown.
const nextRuns = 3

// schedulePoll is how often a run is looked at that is waited for.
const schedulePoll = 500 * time.Millisecond

func (c *cli) schedulesCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "schedules [NAME]", Short: "Show what runs by itself: when it ran, how that ended, when it runs next",
		Long: `Shows the schedules of the config file, which the workers run: the last run with
its exit code and batches, and the next runs in the zone of each schedule. With a
NAME, the last runs of that one, and what the last of them said.

Without REDIS_URL only the next runs are known.`,
		Example: "  enqueue schedules\n  enqueue schedules nightly\n  enqueue schedules --json\n  enqueue schedules run nightly --wait",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				return c.showSchedule(cmd.Context(), args[0])
			}
			return c.showSchedules(cmd.Context())
		},
	}
	cmd.AddCommand(c.runScheduleCommand())
	return cmd
}

func (c *cli) runScheduleCommand() *cobra.Command {
	var wait waitFlag
	cmd := &cobra.Command{
		Use: "run NAME", Short: "Have a worker run a schedule now, enabled or not",
		Long: `Asks the workers to run a schedule's command now. It runs once, after a run of the
same schedule that is under way.

With --wait the exit code is that of the run.`,
		Example: "  enqueue schedules run nightly\n  enqueue schedules run nightly --wait=30m", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return c.runSchedule(cmd.Context(), args[0], wait) },
	}
	cmd.Flags().Var(&wait, "wait", "wait until the run has ended, or for this long (--wait=10m)")
	cmd.Flags().Lookup("wait").NoOptDefVal = waitForever
	return cmd
}

// scheduleView is a schedule as programs see it.
type scheduleView struct {
	Name    string                  `json:"name"`
	Cron    string                  `json:"cron"`
	Zone    string                  `json:"zone"`
	Account string                  `json:"account"`
	Command []string                `json:"command"`
	Enabled bool                    `json:"enabled"`
	Due     time.Time               `json:"due,omitzero"`      // a slot that has passed and waits for a worker
	Asked   string                  `json:"asked_by,omitzero"` // who asked for a run that waits for a worker
	Next    []time.Time             `json:"next"`
	Running *jobs.ScheduleRun       `json:"running,omitzero"`
	Last    *jobs.ScheduleRun       `json:"last,omitzero"`
	Runs    map[jobs.RunOutcome]int `json:"runs"`
	History []jobs.ScheduleRun      `json:"history,omitzero"`
}

// asked notes in the views who has asked for runs that no worker has taken up yet.
func (s *session) asked(views []scheduleView, all []jobs.ScheduleState) error {
	if s == nil {
		return nil
	}
	for i, state := range all {
		var err error
		if views[i].Asked, err = jobs.NewSchedules(s.rdb, s.queue).Waiting(state.Schedule); err != nil {
			return unreachable(err, "")
		}
	}
	return nil
}

// scheduleStates reads the schedules' states, or what is known without Redis.
func (c *cli) scheduleStates(ctx context.Context, all []config.Schedule) ([]jobs.ScheduleState, *session, error) {
	if c.cfg.RedisURL.Value() == "" {
		states := make([]jobs.ScheduleState, len(all))
		for i, s := range all {
			states[i].Schedule = s
		}
		return states, nil, nil
	}
	s, err := c.open(ctx, readOnly)
	if err != nil {
		return nil, nil, err
	}
	states, err := jobs.NewSchedules(s.rdb, s.queue).States(ctx, all)
	if err != nil {
		s.close()
		return nil, nil, unreachable(err, "")
	}
	return states, s, nil
}

func viewOfSchedule(state jobs.ScheduleState, now time.Time) scheduleView {
	s := state.Schedule
	v := scheduleView{Name: s.Name, Cron: s.Spec.Expr(), Zone: s.Spec.Zone(), Account: s.Account, Command: s.Command, Enabled: s.Enabled,
		Next: []time.Time{}, Running: state.Running, Last: state.Last, Runs: state.Runs}
	if !s.Enabled {
		return v
	}
	if !state.Next.IsZero() && !state.Next.After(now) && state.Running == nil {
		v.Due = state.Next
	}
	for at := s.Spec.Next(now); len(v.Next) < nextRuns && !at.IsZero(); at = s.Spec.Next(at) {
		v.Next = append(v.Next, at)
	}
	return v
}

func (c *cli) showSchedules(ctx context.Context) error {
	states, s, err := c.scheduleStates(ctx, c.cfg.Schedules)
	if err != nil {
		return err
	}
	if s != nil {
		defer s.close()
	}
	views, now := []scheduleView{}, time.Now()
	rows := [][]string{{"NAME", "CRON", "ZONE", "LAST RUN", "EXIT", "BATCHES", "NEXT RUNS"}}
	for _, state := range states {
		views = append(views, viewOfSchedule(state, now))
	}
	if err := s.asked(views, states); err != nil {
		return err
	}
	for i, state := range states {
		v := views[i]
		at, exit, batches := lastCells(v, state)
		rows = append(rows, []string{v.Name, v.Cron, v.Zone, at, exit, batches, nextCell(v, state)})
	}
	if c.ui.json {
		return json.NewEncoder(c.ui.stdout).Encode(map[string]any{"schedules": views})
	}
	if len(views) == 0 {
		c.ui.say("There are no schedules: add them under `schedules` in the config file.")
		return nil
	}
	c.ui.table(rows)
	c.tellUnscheduled(s, states)
	return nil
}

// tellUnscheduled warns of schedules that nobody runs.
func (c *cli) tellUnscheduled(s *session, states []jobs.ScheduleState) {
	if s == nil {
		c.ui.warn("there is no REDIS_URL: schedules are run by workers, and what they ran stands in Redis")
		return
	}
	for _, state := range states {
		if served, err := jobs.NewSchedules(s.rdb, s.queue).Served(state.Schedule); err == nil && !served && state.Schedule.Enabled {
			c.ui.warn("no worker knows schedule %s: start `worker` with this config file", state.Schedule.Name)
		}
	}
}

// slotTime is a moment as the schedule's zone shows it.
func slotTime(t time.Time, s config.Schedule) string {
	return t.In(s.Spec.Location()).Format("2006-01-02 15:04 MST")
}

func lastCells(v scheduleView, state jobs.ScheduleState) (at, exit, batches string) {
	switch {
	case state.Running != nil && state.Dead:
		return slotTime(v.Running.Started, state.Schedule), "interrupted, to be taken up", ""
	case state.Running != nil:
		return slotTime(v.Running.Started, state.Schedule), "running", ""
	case v.Last == nil:
		return "-", "", ""
	}
	return slotTime(v.Last.Started, state.Schedule), exitText(*v.Last), shortList(v.Last.Batches, 3)
}

func exitText(r jobs.ScheduleRun) string {
	if r.Outcome == jobs.RunCrashed {
		return "crashed"
	}
	return fmt.Sprint(r.Exit)
}

func shortList(all []string, most int) string {
	if len(all) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(all[:most], " "), len(all)-most)
	}
	return strings.Join(all, " ")
}

func nextCell(v scheduleView, state jobs.ScheduleState) string {
	var texts []string
	if v.Asked != "" {
		texts = append(texts, "asked for by "+v.Asked+", waits for a worker")
	}
	if !v.Enabled {
		texts = append(texts, "not enabled")
	}
	if !v.Due.IsZero() {
		texts = append(texts, "due since "+slotTime(v.Due, state.Schedule))
	}
	for _, at := range v.Next {
		texts = append(texts, slotTime(at, state.Schedule))
	}
	return strings.Join(texts, ", ")
}

func (c *cli) showSchedule(ctx context.Context, name string) error {
	one, err := c.cfg.ScheduleNamed(name)
	if err != nil {
		return usage(err, "enqueue schedules")
	}
	states, s, err := c.scheduleStates(ctx, []config.Schedule{one})
	if err != nil {
		return err
	}
	v := viewOfSchedule(states[0], time.Now())
	if s != nil {
		defer s.close()
		views := []scheduleView{v}
		if err := s.asked(views, states); err != nil {
			return err
		}
		v = views[0]
		if v.History, err = jobs.NewSchedules(s.rdb, s.queue).Runs(ctx, one); err != nil {
			return unreachable(err, "")
		}
	}
	if c.ui.json {
		return json.NewEncoder(c.ui.stdout).Encode(v)
	}
	c.ui.say("%s: enqueue %s", v.Name, strings.Join(v.Command, " "))
	c.ui.say("%s in %s, account %s; next: %s", v.Cron, v.Zone, v.Account, nextCell(v, states[0]))
	c.tellUnscheduled(s, states)
	c.showRuns(v, one)
	return nil
}

// showRuns shows the runs that are remembered, and what the last one said.
func (c *cli) showRuns(v scheduleView, one config.Schedule) {
	runs := v.History
	if v.Running != nil {
		runs = append([]jobs.ScheduleRun{*v.Running}, runs...)
	}
	if len(runs) == 0 {
		return
	}
	rows := [][]string{{"DUE", "STARTED", "TOOK", "EXIT", "BATCHES", "WORKER"}}
	for _, r := range runs {
		took, exit := "", "running"
		if !r.Ended.IsZero() {
			took, exit = r.Ended.Sub(r.Started).Round(time.Second).String(), exitText(r)
		}
		due := slotTime(r.Slot, one)
		if r.Asked != "" {
			due = "asked by " + r.Asked
		}
		rows = append(rows, []string{due, slotTime(r.Started, one), took, exit, shortList(r.Batches, 3), r.Worker})
	}
	c.ui.table(rows)
	if v.Last != nil && len(v.Last.Lines) > 0 {
		c.ui.say("The last one said at its end:")
		for _, line := range v.Last.Lines {
			c.ui.say("  %s", line)
		}
	}
}

// runSchedule has a worker run a schedule now.
func (c *cli) runSchedule(ctx context.Context, name string, wait waitFlag) error {
	one, err := c.cfg.ScheduleNamed(name)
	if err != nil {
		return usage(err, "enqueue schedules")
	}
	if c.cfg.RedisURL.Value() == "" {
		return usage(errors.New("schedules are run by workers, and there is no REDIS_URL"), "enqueue "+strings.Join(one.Command, " "))
	}
	s, err := c.open(ctx, readWrite)
	if err != nil {
		return err
	}
	defer s.close()
	schedules := jobs.NewSchedules(s.rdb, s.queue)
	slot, err := schedules.Ask(ctx, one, who(c.env))
	if err != nil {
		return unreachable(err, "run the same command again")
	}
	served, err := schedules.Served(one)
	served = served || err != nil // nobody knows better
	if !served {
		c.ui.warn("no worker knows schedule %s: start `worker` with this config file, and it runs then", one.Name)
	}
	if wait.set {
		return c.followRun(ctx, schedules, one, slot, wait.max)
	}
	if c.ui.json {
		return json.NewEncoder(c.ui.stdout).Encode(map[string]any{"schedule": one.Name, "asked_for": slot})
	}
	when := "A worker runs %s now."
	if !served {
		when = "Asked for: the first worker that knows %s runs it."
	}
	c.ui.say(when+" See how it went with:\n  enqueue schedules %s", one.Name, one.Name)
	return nil
}

// followRun waits until the run that was asked for, or a later one, has ended.
func (c *cli) followRun(ctx context.Context, schedules *jobs.Schedules, one config.Schedule, slot time.Time, most time.Duration) error {
	for began := time.Now(); ; {
		states, err := schedules.States(ctx, []config.Schedule{one})
		switch {
		case ctx.Err() != nil:
			return &failure{exitInterrupted, errors.New("interrupted; the run goes on without this command"), "enqueue schedules " + one.Name}
		case err != nil:
			return unreachable(err, "enqueue schedules "+one.Name)
		case states[0].Last != nil && !states[0].Last.Slot.Before(slot):
			return c.tellRun(*states[0].Last)
		case most > 0 && time.Since(began) > most:
			return &failure{exitUnfinished, fmt.Errorf("the run of %s has not ended", one.Name), "enqueue schedules " + one.Name}
		}
		select {
		case <-ctx.Done():
		case <-time.After(schedulePoll):
		}
	}
}

// tellRun tells how a run ended, and ends with its exit code.
func (c *cli) tellRun(r jobs.ScheduleRun) error {
	if c.ui.json {
		if err := json.NewEncoder(c.ui.stdout).Encode(r); err != nil {
			return err
		}
	}
	for _, line := range r.Lines {
		c.ui.say("%s", line)
	}
	c.ui.say("The run ended with exit code %s; batches: %s", exitText(r), cmp.Or(strings.Join(r.Batches, " "), "none"))
	switch {
	case r.Exit == exitDone:
		return nil
	case r.Exit < 0:
		return &exitWith{exitRowsFailed}
	}
	return &exitWith{r.Exit}
}
