package web

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"aftership-bulk/aftership"
	"aftership-bulk/batch"
	"aftership-bulk/jobs"
)

// namespace is the start of every name of ours.
const namespace = "aftership_bulk"

// Metrics are what a worker counts for Prometheus. It is the worker's
// [jobs.Observer]. Every label has a bounded set of values: names of the settings,
// closed sets of the code, and the codes that AfterShip documents.
type Metrics struct {
	registry  *prometheus.Registry
	figures   *figures
	schedules *schedules
	inboxes   *inboxes

	jobs        *prometheus.CounterVec
	calls       *prometheus.CounterVec
	callTime    *prometheus.HistogramVec
	slotWait    *prometheus.HistogramVec
	tooMany     *prometheus.CounterVec
	updates     *prometheus.CounterVec
	webhooks    *prometheus.CounterVec
	webhookTime prometheus.Histogram
}

// Buckets of the histograms, in seconds.
var (
	callBuckets    = []float64{.05, .1, .2, .3, .5, .75, 1, 2, 4, 8, 15, 30}
	slotBuckets    = []float64{.001, .01, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}
	webhookBuckets = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5}
)

// NewMetrics makes the metrics, with those of the Go runtime and the process.
func NewMetrics() *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		figures:  newFigures(), schedules: newSchedules(), inboxes: newInboxes(),
		jobs:     counters("jobs_total", "Jobs that ended, by operation and outcome.", "account", "operation", "outcome"),
		calls:    counters("api_calls_total", "Requests to AfterShip, by endpoint and code; none is no answer.", "account", "endpoint", "code"),
		callTime: histograms("api_call_duration_seconds", "Time from sending a request to AfterShip to the end of its answer.", callBuckets, "account", "endpoint"),
		slotWait: histograms("slot_wait_seconds", "Time that calls waited for their slot of the rate limit.", slotBuckets, "account", "class"),
		tooMany:  counters("rate_limited_total", "Requests that AfterShip answered with 429.", "account", "class"),
		updates:  counters("updates_total", "Events of webhooks that were taken in, by what they meant.", "account", "result"),
		webhooks: counters("webhooks_total", "Webhooks that came, by how they were answered.", "result"),
		webhookTime: prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: namespace, Name: "webhook_duration_seconds",
			Help: "Time from a webhook's headers to its answer.", Buckets: webhookBuckets}),
	}
	for _, r := range AllWebhookResults() {
		m.webhooks.WithLabelValues(string(r)) // so that a rate of the first one is seen
	}
	m.registry.MustRegister(m.figures, m.schedules, m.inboxes, m.jobs, m.calls, m.callTime, m.slotWait, m.tooMany, m.updates, m.webhooks, m.webhookTime,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func counters(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
}

func histograms(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: namespace, Name: name, Help: help, Buckets: buckets}, labels)
}

// handler serves the metrics.
func (m *Metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: 4, Timeout: 15 * time.Second})
}

// JobEnded counts a job's result.
func (m *Metrics) JobEnded(account string, op batch.Operation, o batch.Outcome) {
	m.jobs.WithLabelValues(account, string(op), string(o)).Inc()
}

// Called counts a request and its time.
func (m *Metrics) Called(account string, c aftership.Called) {
	m.calls.WithLabelValues(account, string(c.Endpoint), code(c.Code)).Inc()
	m.callTime.WithLabelValues(account, string(c.Endpoint)).Observe(c.Took.Seconds())
	if c.Code == aftership.CodeTooMany {
		m.tooMany.WithLabelValues(account, string(c.Class)).Inc()
	}
}

// code is a code as a label: what nobody documents is "other".
func code(n int) string {
	_, documented := aftership.LookupCode(n)
	switch {
	case n == 0:
		return "none"
	case documented || http.StatusText(n) != "":
		return strconv.Itoa(n)
	}
	return "other"
}

// SlotWaited counts the wait for a slot.
func (m *Metrics) SlotWaited(account string, class aftership.Class, waited time.Duration) {
	m.slotWait.WithLabelValues(account, string(class)).Observe(waited.Seconds())
}

// Updated counts an event that was taken in.
func (m *Metrics) Updated(account string, result jobs.UpdateResult) {
	m.updates.WithLabelValues(account, string(result)).Inc()
}

func (m *Metrics) webhook(result WebhookResult, took time.Duration) {
	m.webhooks.WithLabelValues(string(result)).Inc()
	m.webhookTime.Observe(took.Seconds())
}
