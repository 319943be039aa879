package jobs

import (
	"log/slog"
	"time"

	"aftership-bulk/notify"
	"aftership-bulk/report"
)

// Options are the settings of a worker.
type Options struct {
	// MaxAttempts is how many answered failures make a job a dead letter. A 429, a
	// crash and a stop are no attempts. Defaults to 8.
	MaxAttempts int
	// Backoff is the wait after the n-th failure, from 1. Defaults to [DefaultBackoff]:
	// too short a back-off uses up the attempts during an outage.
	Backoff func(n int) time.Duration
	// Concurrency is how many calls of one lane may be under way at once. Zero takes
	// it from the limit of the lane's class: enough for answers that take four seconds.
	Concurrency int
	// ReportDir is where the worker writes the reports of batches that it finishes.
	// Empty writes none.
	ReportDir string
	// Reports says how they are written.
	Reports report.Options
	// Poll is how often idle queues are looked at. Defaults to one second.
	Poll time.Duration
	// ShutdownTime is how long calls under way may take to end after a SIGTERM.
	// Defaults to 45 seconds, which is more than a call's deadline.
	ShutdownTime time.Duration
	// SweepEvery is how often lost work is looked for; negative is never, for a
	// process that is alone with its queue. Defaults to one minute.
	SweepEvery time.Duration
	// Retrack says which shipments are retracked again.
	Retrack RetrackPolicy
	// RetrackExpired is for how long shipments are gathered into a batch that
	// webhooks tell to have expired. Defaults to 0: they are not retracked.
	RetrackExpired time.Duration
	// Updates makes the worker take in the events of webhooks. Defaults to none.
	Updates *UpdateOptions
	// Notify tells people how batches ended. Defaults to nobody.
	Notify *notify.Notifier
	// Observer hears what the worker does. Defaults to none.
	Observer Observer
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
	// Log takes the worker's log. Defaults to [slog.Default].
	Log *slog.Logger
}

func (o Options) withDefaults() Options {
	if o.MaxAttempts == 0 {
		o.MaxAttempts = 8
	}
	if o.Backoff == nil {
		o.Backoff = DefaultBackoff
	}
	if o.Poll == 0 {
		o.Poll = time.Second
	}
	if o.ShutdownTime == 0 {
		o.ShutdownTime = 45 * time.Second
	}
	if o.SweepEvery == 0 {
		o.SweepEvery = time.Minute
	}
	o.Retrack = o.Retrack.withDefaults()
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Observer == nil {
		o.Observer = deaf{}
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return o
}

// DefaultBackoff waits 10 s, 30 s, 90 s, 4.5 min, 13.5 min and then 20 min, each
// with up to half of it taken off at random: eight attempts span about an hour,
// which outlasts most outages.
func DefaultBackoff(n int) time.Duration {
	d := 10 * time.Second
	for range n - 1 {
		d = min(3*d, 20*time.Minute)
	}
	return jitter(d)
}
