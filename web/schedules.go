package web

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"aftership-bulk/jobs"
)

// Scheduled reads how schedules stand; [jobs.Scheduler] does.
type Scheduled interface {
	ScheduleStates(ctx context.Context) ([]jobs.ScheduleState, error)
}

// schedules collects how the schedules stand when somebody asks. They are the same
// from every worker that has them in its settings.
type schedules struct {
	mu   sync.Mutex
	from Scheduled // nil before the worker has started
	last []jobs.ScheduleState
	err  error
	at   time.Time

	lastRun, exit, runs, next, running *prometheus.Desc
}

func newSchedules() *schedules {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(prometheus.BuildFQName(namespace, "schedule", name), help, append([]string{"account", "schedule"}, labels...), nil)
	}
	return &schedules{
		lastRun: desc("last_run_timestamp_seconds", "When the last run that ended began; the same from every worker."),
		exit:    desc("last_exit_code", "The exit code of that run, -1 if its workers died; the same from every worker."),
		runs:    desc("runs_total", "Runs that ended, by outcome; the same from every worker.", "outcome"),
		next:    desc("next_run_timestamp_seconds", "The first slot that was not begun, in the past while it waits; the same from every worker."),
		running: desc("running", "1 while a run is under way; the same from every worker."),
	}
}

// WatchSchedules makes the metrics show how schedules stand.
func (m *Metrics) WatchSchedules(from Scheduled) {
	m.schedules.mu.Lock()
	defer m.schedules.mu.Unlock()
	m.schedules.from = from
}

// Describe lists the metrics of schedules.
func (s *schedules) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{s.lastRun, s.exit, s.runs, s.next, s.running} {
		out <- d
	}
}

// Collect reads how the schedules stand.
func (s *schedules) Collect(out chan<- prometheus.Metric) {
	states, err := s.read()
	if err != nil {
		return // as with the figures, of which ledger_up tells
	}
	for _, state := range states {
		s.collect(out, state)
	}
}

func (s *schedules) collect(out chan<- prometheus.Metric, state jobs.ScheduleState) {
	show := func(d *prometheus.Desc, kind prometheus.ValueType, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, kind, v, append([]string{state.Schedule.Account, state.Schedule.Name}, labels...)...)
	}
	show(s.running, prometheus.GaugeValue, truth(state.Running != nil))
	if state.Last != nil {
		show(s.lastRun, prometheus.GaugeValue, seconds(state.Last.Started))
		show(s.exit, prometheus.GaugeValue, float64(state.Last.Exit))
	}
	if !state.Next.IsZero() {
		show(s.next, prometheus.GaugeValue, seconds(state.Next))
	}
	for outcome, n := range state.Runs {
		show(s.runs, prometheus.CounterValue, float64(n), string(outcome))
	}
}

// seconds is a moment as Prometheus counts.
func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

// read reads how the schedules stand, unless that is fresh.
func (s *schedules) read() ([]jobs.ScheduleState, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.from == nil {
		return nil, errNotStarted
	}
	if time.Since(s.at) < figuresFresh {
		return s.last, s.err
	}
	ctx, cancel := context.WithTimeout(context.Background(), figuresTime)
	defer cancel()
	s.last, s.err = s.from.ScheduleStates(ctx)
	s.at = time.Now()
	return s.last, s.err
}
