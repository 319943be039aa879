package jobs

import (
	"context"
	"fmt"
	"time"

	"aftership-bulk/aftership"
	"aftership-bulk/batch"
)

// Tasks are fed in portions. asynq's queues are first in, first out: were a batch
// of 50,000 rows put into its queue at once, an upload of 20 rows of the same
// priority would come after all of them. So the workers keep the queues short
// and refill them from every batch in turn; and what is lost on the way is fed
// again once a batch's end was reached.

const (
	// feedEvery is how often the queues are looked at.
	feedEvery = 250 * time.Millisecond
	// feedTurn is how long one process is the one that feeds.
	feedTurn = time.Second
	// feedAgain is how long after its last job was fed a batch is fed from its
	// beginning again: jobs with neither a result nor a task are found so.
	feedAgain = time.Minute
)

// FeedAhead is how many tasks of a batch stand in its queue at most, by the rate
// at which they are carried out: some seconds' worth.
func FeedAhead(rate float64) int {
	const fewest, most, seconds = 200, 20_000, 10
	return min(most, max(fewest, int(rate*seconds)))
}

// course is how far a batch was fed.
type course struct {
	fed   bool      // a first portion was fed: it is, at once, however long the queue
	next  int       // the job number to go on with
	wide  int       // the last portion, of a batch whose rows are looked up
	ended time.Time // when the end was reached; zero before
}

// feeding remembers the courses of one process. That another process feeds the
// same jobs does no harm: a task stands in its queue once.
type feeding struct {
	courses map[batch.ID]*course
}

// feed refills the queues of every account.
func (w *Worker) feed(ctx context.Context, f *feeding) error {
	for _, a := range w.accounts {
		mine, err := w.ledger.MayProbe(ctx, a.Name, "feed", feedTurn)
		if err != nil {
			return err
		}
		if !mine {
			continue
		}
		if err := w.feedAccount(ctx, f, a); err != nil {
			return fmt.Errorf("account %s: %w", a.Name, err)
		}
	}
	return nil
}

func (w *Worker) feedAccount(ctx context.Context, f *feeding, a *Account) error {
	open, err := w.ledger.Open(ctx, a.Name)
	if err != nil {
		return err
	}
	lengths := map[string]int{} // of queues, as this round sees them
	for _, b := range open {
		if !b.Sealed || b.State.Held() {
			delete(f.courses, b.ID) // what is parked meanwhile is fed from the beginning
			continue
		}
		if err := w.feedBatch(ctx, f, a, b, lengths); err != nil {
			return err
		}
	}
	f.forget(open)
	return nil
}

// feedBatch feeds the next portion of a batch if its queues run low.
func (w *Worker) feedBatch(ctx context.Context, f *feeding, a *Account, b batch.Batch, lengths map[string]int) error {
	c := f.course(b.ID)
	if !c.due(w.opts.Now()) {
		return nil
	}
	need, err := w.nextPortion(a, b, c, lengths)
	if err != nil || need == 0 {
		return err
	}
	in := &Intake{Ledger: w.ledger, Queue: w.queue, Version: a.Client.Version(), Now: w.opts.Now, Ahead: need}
	next, err := in.feedFrom(ctx, b, c.next)
	if err != nil {
		return err
	}
	c.moved(next, w.opts.Now())
	return nil
}

// nextPortion is how many jobs of a batch are fed now; none while its queues are long,
// but for the first time.
func (w *Worker) nextPortion(a *Account, b batch.Batch, c *course, lengths map[string]int) (int, error) {
	o, err := optionsOf(b)
	if err != nil {
		return 0, err
	}
	ls := o.jobLanes(b)
	ahead := FeedAhead(w.rate(a, ls[0]))
	waiting, err := w.waiting(a, b, lengths, ls...)
	if err != nil || c.fed && waiting > ahead/2 {
		return 0, err
	}
	if !o.looksUp(b.Operation) {
		return ahead / 2, nil
	}
	lookups, err := w.waiting(a, b, lengths, laneLookup)
	rate := w.rate(a, laneLookup)
	if err != nil || c.fed && float64(lookups) > rate*lookupsAhead {
		return 0, err
	}
	return c.widen(waiting, ahead/2, int(rate*lookupsAhead)*lookupRows), nil
}

// lookupsAhead is how many seconds' worth of look-ups stand in their queue.
const lookupsAhead = 3

// widen doubles the portion of a batch whose look-ups leave next to nothing to do,
// up to a most, so that they are what sets the pace; else it is the least again.
func (c *course) widen(waiting, least, most int) int {
	if waiting > least/2 {
		c.wide = 0
	}
	c.wide = min(max(least, 2*c.wide), max(least, most))
	return c.wide
}

// waiting is how many tasks of the batch's priority wait in lanes, as this round sees
// them.
func (w *Worker) waiting(a *Account, b batch.Batch, lengths map[string]int, ls ...lane) (int, error) {
	total := 0
	for _, l := range ls {
		queue := queueName(a.Name, l, b.Priority)
		if _, asked := lengths[queue]; !asked {
			n, err := w.queue.waiting(queue)
			if err != nil {
				return 0, err
			}
			lengths[queue] = n
		}
		total += lengths[queue]
	}
	return total, nil
}

func (f *feeding) course(id batch.ID) *course {
	if f.courses[id] == nil {
		f.courses[id] = &course{}
	}
	return f.courses[id]
}

// forget drops the courses of batches that are no longer open.
func (f *feeding) forget(open []batch.Batch) {
	left := make(map[batch.ID]*course, len(open))
	for _, b := range open {
		if c := f.courses[b.ID]; c != nil {
			left[b.ID] = c
		}
	}
	f.courses = left
}

// due reports whether there is something to feed: always before the end, and
// again from the beginning a while after it.
func (c *course) due(now time.Time) bool {
	if c.ended.IsZero() {
		return true
	}
	if now.Sub(c.ended) < feedAgain {
		return false
	}
	*c = course{fed: true, wide: c.wide}
	return true
}

// moved notes the job number after the last one that was fed; negative at the end.
func (c *course) moved(next int, now time.Time) {
	c.fed, c.next = true, next
	if next < 0 {
		c.next, c.ended = 0, now
	}
}

// rate is the limit in force of the lane's class.
func (w *Worker) rate(a *Account, l lane) float64 {
	return a.pacer(a.Client.Version().Class(aftership.Endpoint(l))).Status().Limit
}
