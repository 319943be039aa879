package web

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"aftership-bulk/jobs"
)

const (
	// figuresFresh is how old figures may be: several scrapers cost Redis as much as one.
	figuresFresh = 5 * time.Second
	// figuresTime is how long reading them may take.
	figuresTime = 5 * time.Second
)

var errNotStarted = errors.New("the worker has not started")

// Figured reads how queues and batches stand; [jobs.Worker] does.
type Figured interface {
	Figures(ctx context.Context) (jobs.Figures, error)
}

// figures collects the figures when somebody asks. Those of queues and batches are
// the same from every worker, so that sums of them over workers mean nothing.
type figures struct {
	mu   sync.Mutex
	from Figured // nil before the worker has started
	last jobs.Figures
	err  error
	at   time.Time

	up, tasks, age, batches, dead, stopped, limit, waiting, paused *prometheus.Desc
}

func newFigures() *figures {
	gauge := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, labels, nil)
	}
	return &figures{
		up:      gauge("ledger_up", "1 if queues and batches could be read from Redis for this scrape."),
		tasks:   gauge("queue_tasks", "Tasks on the queues, by state; the same from every worker.", "account", "lane", "priority", "state"),
		age:     gauge("queue_oldest_task_age_seconds", "How long the oldest task that could be carried out has waited; the same from every worker.", "account", "lane", "priority"),
		batches: gauge("batches", "Batches in the ledger, by state; the same from every worker.", "account", "state"),
		dead:    gauge("dead_letters", "Jobs that gave up, in the batches whose results are kept; the same from every worker.", "account"),
		stopped: gauge("account_stopped", "1 for each lane that is stopped, or for all of them at once; the same from every worker.", "account", "lane"),
		limit:   gauge("limit_requests_per_second", "The rate limit in force, by class.", "account", "class"),
		waiting: gauge("slot_waiters", "Calls of this worker that wait for a slot.", "account", "class"),
		paused:  gauge("limit_paused", "1 while AfterShip has asked for a pause.", "account", "class"),
	}
}

// Watch makes the metrics show the figures of a worker.
func (m *Metrics) Watch(from Figured) {
	m.figures.mu.Lock()
	defer m.figures.mu.Unlock()
	m.figures.from = from
}

// Describe lists the figures.
func (f *figures) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{f.up, f.tasks, f.age, f.batches, f.dead, f.stopped, f.limit, f.waiting, f.paused} {
		out <- d
	}
}

// Collect reads the figures.
func (f *figures) Collect(out chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	now, err := f.read()
	gauge(f.up, truth(err == nil))
	for _, l := range now.Limits {
		gauge(f.limit, l.PerSecond, l.Account, string(l.Class))
		gauge(f.waiting, float64(l.Waiting), l.Account, string(l.Class))
		gauge(f.paused, truth(l.Paused), l.Account, string(l.Class))
	}
	if err != nil {
		return // half of the figures would look like a fall
	}
	for _, q := range now.Queues {
		gauge(f.age, q.Age.Seconds(), q.Account, q.Lane, string(q.Priority))
		for state, n := range map[string]int{"pending": q.Pending, "active": q.Active, "delayed": q.Delayed} {
			gauge(f.tasks, float64(n), q.Account, q.Lane, string(q.Priority), state)
		}
	}
	for g, n := range now.Batches {
		gauge(f.batches, float64(n), g.Account, string(g.State))
	}
	for account, n := range now.DeadLetters {
		gauge(f.dead, float64(n), account)
	}
	for s := range now.Stops {
		gauge(f.stopped, 1, s.Account, laneName(s.Lane))
	}
}

// laneName is a stop's lane as a label.
func laneName(lane string) string {
	if lane == "" {
		return "all"
	}
	return lane
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// read reads the figures, unless they are fresh.
func (f *figures) read() (jobs.Figures, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.from == nil {
		return jobs.Figures{}, errNotStarted
	}
	if time.Since(f.at) < figuresFresh {
		return f.last, f.err
	}
	ctx, cancel := context.WithTimeout(context.Background(), figuresTime)
	defer cancel()
	f.last, f.err = f.from.Figures(ctx)
	f.at = time.Now()
	return f.last, f.err
}
