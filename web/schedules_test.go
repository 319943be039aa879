package web

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"aftership-bulk/config"
	"aftership-bulk/jobs"
)

// scheduled are schedules of which one has run, and one is new and switched off.
type scheduled struct{ err error }

func (s scheduled) ScheduleStates(context.Context) ([]jobs.ScheduleState, error) {
	began := time.Date(2026, 3, 4, 1, 30, 0, 500_000_000, time.UTC)
	return []jobs.ScheduleState{
		{
			Schedule: config.Schedule{Name: "nightly", Account: "eu"}, Next: began.Truncate(time.Minute).Add(24 * time.Hour),
			Last: &jobs.ScheduleRun{Started: began, Exit: 5, Outcome: jobs.RunUnreachable}, Running: &jobs.ScheduleRun{},
			Runs: map[jobs.RunOutcome]int{jobs.RunDone: 7, jobs.RunUnreachable: 1},
		},
		{Schedule: config.Schedule{Name: "off", Account: "eu"}},
	}, s.err
}

func TestScheduleMetrics(t *testing.T) {
	want := `
# HELP aftership_bulk_schedule_last_exit_code The exit code of that run, -1 if its workers died; the same from every worker.
# TYPE aftership_bulk_schedule_last_exit_code gauge
aftership_bulk_schedule_last_exit_code{account="eu",schedule="nightly"} 5
# HELP aftership_bulk_schedule_last_run_timestamp_seconds When the last run that ended began; the same from every worker.
# TYPE aftership_bulk_schedule_last_run_timestamp_seconds gauge
aftership_bulk_schedule_last_run_timestamp_seconds{account="eu",schedule="nightly"} 1.7725878005e+09
# HELP aftership_bulk_schedule_next_run_timestamp_seconds The first slot that was not begun, in the past while it waits; the same from every worker.
# TYPE aftership_bulk_schedule_next_run_timestamp_seconds gauge
aftership_bulk_schedule_next_run_timestamp_seconds{account="eu",schedule="nightly"} 1.7726742e+09
# HELP aftership_bulk_schedule_running 1 while a run is under way; the same from every worker.
# TYPE aftership_bulk_schedule_running gauge
aftership_bulk_schedule_running{account="eu",schedule="nightly"} 1
aftership_bulk_schedule_running{account="eu",schedule="off"} 0
# HELP aftership_bulk_schedule_runs_total Runs that ended, by outcome; the same from every worker.
# TYPE aftership_bulk_schedule_runs_total counter
aftership_bulk_schedule_runs_total{account="eu",outcome="done",schedule="nightly"} 7
aftership_bulk_schedule_runs_total{account="eu",outcome="unreachable",schedule="nightly"} 1
`
	names := []string{"aftership_bulk_schedule_last_exit_code", "aftership_bulk_schedule_last_run_timestamp_seconds", "aftership_bulk_schedule_next_run_timestamp_seconds", "aftership_bulk_schedule_running", "aftership_bulk_schedule_runs_total"}
	if err := testutil.GatherAndCompare(fed(t).registry, strings.NewReader(want), names...); err != nil {
		t.Error(err)
	}
	for name, m := range map[string]*Metrics{"not started": NewMetrics(), "Redis is away": fed(t)} {
		if name != "not started" {
			m.WatchSchedules(scheduled{errors.New(name)})
		}
		if n, err := testutil.GatherAndCount(m.registry, names...); err != nil || n != 0 {
			t.Errorf("%s: %d, %v", name, n, err)
		}
	}
}
