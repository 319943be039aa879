package command

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"aftership-bulk/batch"
	"aftership-bulk/jobs"
)

// How often a batch is looked at while it is followed.
const (
	followEmbedded = 100 * time.Millisecond
	followRedis    = time.Second
)

// ledgerPatience is how long a run that waits bears a Redis that is away, as while
// it is restarted.
const ledgerPatience = time.Minute

// follow looks at a batch until it has ended, its account is stopped, the time
// is up (0 is never), or the person interrupts.
func (c *cli) follow(ctx context.Context, s *session, in *input, most time.Duration) (e ending, err error) {
	every := followRedis
	if s.embedded != nil {
		every = followEmbedded
	}
	var late <-chan time.Time
	if most > 0 {
		late = time.After(most)
	}
	defer c.ui.endBar()
	var m meter
	var away time.Time // since when the ledger cannot be read
	for {
		e, err = c.look(ctx, s, in, &m)
		switch {
		case err == nil && e.over():
			return e, nil
		case err == nil:
			away = time.Time{}
		case s.embedded != nil || !away.IsZero() && time.Since(away) > ledgerPatience:
			return e, err
		case away.IsZero():
			away = time.Now()
			c.ui.warn("Redis cannot be reached; trying again for %s: %v", ledgerPatience, err)
		}
		select {
		case <-ctx.Done():
			e.interrupted = true
			return e, nil
		case <-late:
			e.timedOut = true
			return e, nil
		case <-time.After(every):
		}
	}
}

// over reports whether there is nothing more to follow.
func (e ending) over() bool { return e.batch.Ended() || e.stopped != "" || e.interrupted || e.paused }

// look reads the batch once, and shows how far it is.
func (c *cli) look(ctx context.Context, s *session, in *input, m *meter) (e ending, err error) {
	if in.b, err = s.ledger.Get(context.WithoutCancel(ctx), in.b.ID); err != nil {
		return e, unreachable(err, "the batch goes on; look at it with `enqueue status "+in.b.ID+"`")
	}
	e = ending{batch: in.b, otherBudget: in.otherBudget, failedRows: failedRows(in.b), paused: in.b.State == batch.Paused && s.embedded != nil}
	if e.batch.Ended() {
		return e, nil
	}
	e.stopped, err = s.standstill(ctx, in.b)
	rate, left := m.measure(in.b)
	c.ui.progress(in.b, rate, left)
	return e, err
}

// standstill says why nothing more is sent for a batch, if that is so.
func (s *session) standstill(ctx context.Context, b batch.Batch) (string, error) {
	if b.State == batch.Stopped {
		return b.Reason, nil
	}
	stops, err := s.ledger.Stops(context.WithoutCancel(ctx), b.Account)
	if err != nil {
		return "", unreachable(err, "")
	}
	for _, stop := range stops {
		if jobs.Concerns(stop, b) {
			return stop.Reason, nil
		}
	}
	if s.worker != nil {
		return s.worker.Unreachable(), nil
	}
	return "", nil
}

// meter measures the rate of a batch over its last half minute.
type meter struct {
	at   []time.Time
	done []int
}

const meterSpan = 30 * time.Second

func (m *meter) measure(b batch.Batch) (rate float64, left time.Duration) {
	now := time.Now()
	m.at, m.done = append(m.at, now), append(m.done, b.Done)
	for len(m.at) > 2 && now.Sub(m.at[0]) > meterSpan {
		m.at, m.done = m.at[1:], m.done[1:]
	}
	span := now.Sub(m.at[0]).Seconds()
	if span < 0.5 {
		return 0, 0
	}
	rate = float64(b.Done-m.done[0]) / span
	if rate > 0 {
		left = time.Duration(float64(b.Pending()) / rate * float64(time.Second))
	}
	return rate, left
}

// reportOf writes the report of a batch from the ledger. That it cannot be
// written keeps nothing unfinished: the ledger has everything.
func (c *cli) reportOf(ctx context.Context, s *session, in *input, files int) error {
	if err := c.writeReport(ctx, in, s.results(ctx, in.b), files); err != nil {
		in.unreported = true
		c.ui.alarm("the report could not be written: %v", err)
		c.ui.alarm("everything is in the ledger; write it with: enqueue report %s -o FILE", in.b.ID)
		return nil
	}
	if in.b.Ended() {
		return s.ledger.MarkReported(ctx, in.b.ID)
	}
	return nil
}

// tellEnding says how a batch ended, and what can be done next.
func (c *cli) tellEnding(e ending, in *input) {
	b := e.batch
	c.ui.emit(event{Event: "finished", Batch: viewOf(b), Report: in.report, Failed: in.failed, Message: cmp.Or(e.stopped, e.overspent())})
	c.ui.say("")
	switch {
	case e.interrupted:
		c.ui.say("Interrupted. Batch %s: %s.", b.ID, countsText(b))
	case e.stopped != "":
		c.ui.alarm("stopped: %s", e.stopped)
		c.ui.say("Batch %s: %s.", b.ID, countsText(b))
	case e.paused:
		c.ui.say("Batch %s is paused: %s.", b.ID, countsText(b))
	case e.timedOut:
		c.ui.say("Not finished in time. Batch %s: %s.", b.ID, countsText(b))
	default:
		c.ui.say("Finished. Batch %s, %s: %s.", b.ID, count(b.Rows, "row"), countsText(b))
		if over := e.overspent(); over != "" {
			c.ui.alarm("%s; every row was gone through all the same", over)
		}
	}
	if in.report != "" {
		c.ui.say("Report: %s", in.report)
	}
	if in.failed != "" && e.failedRows > 0 {
		c.ui.say("Rows to look at: %s", in.failed)
	}
	c.tellNext(e)
}

func (c *cli) tellNext(e ending) {
	switch {
	case c.flags.sandbox:
		c.ui.say("This was the sandbox: nothing was sent to AfterShip.")
	case e.stopped != "" && e.batch.State != batch.Stopped && c.cfg.RedisURL.Value() != "":
		c.ui.say("Once the cause is mended it goes on by itself within a minute, or at once with: enqueue resume --account %s", e.batch.Account)
	case e.interrupted && c.cfg.RedisURL.Value() != "":
		c.ui.say("The workers go on. Follow it with: enqueue status %s --follow", e.batch.ID)
	case e.stopped != "" && e.batch.State != batch.Stopped:
		c.ui.say("Once the cause is mended, go on with the same command, or with: enqueue resume %s", e.batch.ID)
	case e.interrupted, e.paused, e.stopped != "":
		c.ui.say("Go on with: enqueue resume %s", e.batch.ID)
	case e.timedOut:
		c.ui.say("Follow it with: enqueue status %s --follow", e.batch.ID)
	case e.batch.Counts[batch.GaveUp]+e.batch.Counts[batch.CancelledJob] > 0:
		c.ui.say("Run the dead and cancelled rows again with: enqueue retry %s", e.batch.ID)
	}
}

// rateText is how fast a batch is, in words.
func rateText(rate float64, left time.Duration) string {
	if rate <= 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f rows/s, %s left", rate, left.Round(time.Second))
}
