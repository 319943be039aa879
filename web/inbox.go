package web

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// InboxFigures are how the hot folder stands, as this worker sees it.
type InboxFigures struct {
	// Done, Failed and Again count this worker's files by where they went, and the tries that had to be repeated.
	Done, Failed, Again int
	// Incoming are the files that no worker has taken, Processing those that this worker tries again after a while.
	Incoming, Processing InboxWaiting
}

// InboxWaiting are files that are not being carried out, and for how long the oldest one waits.
type InboxWaiting struct {
	Files  int
	Oldest time.Duration
}

// inboxes collects how the hot folder stands when somebody asks. Without one there are no such metrics.
type inboxes struct {
	from atomic.Pointer[func() InboxFigures]

	files, waiting, oldest *prometheus.Desc
}

func newInboxes() *inboxes {
	desc := func(name, help, label string) *prometheus.Desc {
		return prometheus.NewDesc(prometheus.BuildFQName(namespace, "inbox", name), help, []string{label}, nil)
	}
	return &inboxes{
		files:   desc("files_total", "Files of the hot folder by fate, and the tries that had to be repeated.", "fate"),
		waiting: desc("files_waiting", "Files of the hot folder that are not being carried out: incoming is the same from every worker, processing its own.", "directory"),
		oldest:  desc("oldest_file_age_seconds", "How long the oldest of them has waited.", "directory"),
	}
}

// WatchInbox makes the metrics show how the hot folder stands.
func (m *Metrics) WatchInbox(from func() InboxFigures) { m.inboxes.from.Store(&from) }

// Describe lists the metrics of the hot folder.
func (i *inboxes) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{i.files, i.waiting, i.oldest} {
		out <- d
	}
}

// Collect asks how the hot folder stands.
func (i *inboxes) Collect(out chan<- prometheus.Metric) {
	from := i.from.Load()
	if from == nil {
		return
	}
	f := (*from)()
	for fate, n := range map[string]int{"done": f.Done, "failed": f.Failed, "again": f.Again} {
		out <- prometheus.MustNewConstMetric(i.files, prometheus.CounterValue, float64(n), fate)
	}
	for directory, w := range map[string]InboxWaiting{"incoming": f.Incoming, "processing": f.Processing} {
		out <- prometheus.MustNewConstMetric(i.waiting, prometheus.GaugeValue, float64(w.Files), directory)
		out <- prometheus.MustNewConstMetric(i.oldest, prometheus.GaugeValue, w.Oldest.Seconds(), directory)
	}
}
