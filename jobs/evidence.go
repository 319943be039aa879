package jobs

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"aftership-bulk/aftership"
	"aftership-bulk/batch"
)

// holdTime is how long a retrack keeps others of the same tracking away, should
// its worker die: longer than a call takes. It is taken anew right before the call.
const holdTime = aftership.DefaultTimeout + 10*time.Second

// tracking names the tracking of the call, for holding it.
func (c *call) tracking() string {
	ref := c.ref()
	return cmp.Or(ref.ID, ref.Slug+"/"+strings.ToUpper(ref.TrackingNumber))
}

// owner names this run of the job: where a worker is taken for dead and is not,
// two run the same job at once.
func (c *call) owner() string {
	return c.p.Batch + ":" + strconv.Itoa(c.p.Job) + ":" + strconv.FormatUint(c.run, 36)
}

// hold keeps other retracks of the tracking away, those of other batches and
// other runs of this job too: a retrack is counted, and must not be sent while
// another one is under way.
func (c *call) hold(ctx context.Context) error {
	if c.run == 0 {
		c.run = rand.Uint64() | 1
	}
	ok, err := c.h.ledger.Hold(ctx, c.h.account.Name, c.tracking(), c.owner(), holdTime)
	if err != nil {
		return err
	}
	if !ok {
		return back(5*time.Second, "another retrack of this tracking is under way")
	}
	return nil
}

// alone makes sure, right before a retrack is sent, that the tracking is still
// held, and that no other run of the job has begun since this one looked: then
// the tracking must be looked at first.
func (c *call) alone(ctx context.Context) error {
	if err := c.hold(ctx); err != nil {
		return errors.Join(err, c.takeBack(ctx))
	}
	if c.begun.Begins > c.look.Begins+1 {
		return errors.Join(back(5*time.Second, "another worker has begun this retrack"), c.takeBack(ctx))
	}
	return nil
}

func (c *call) unhold(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTime)
	defer cancel()
	if err := c.h.ledger.Unhold(ctx, c.h.account.Name, c.tracking(), c.owner()); err != nil {
		c.log.Warn("a tracking stays held for a while", "error", err) // it runs out by itself
	}
}

// undated reports whether "already exists" must be settled by the tracking's age
// and the reply does not tell it.
func (c *call) undated(e *aftership.Error) bool {
	return c.op() == batch.Create && e.Exists() && (c.begun.Begins > 1 || c.begun.Earlier) &&
		(e.Existing == nil || e.Existing.CreatedAt.IsZero())
}

// date reads the existing tracking to learn its age. Where it cannot be read, the
// verdict does without: then it is not ours.
func (c *call) date(ctx context.Context, e *aftership.Error) {
	client := c.h.account.Client.With(c.gate(nil))
	if e.Existing != nil && e.Existing.ID != "" {
		if reply, err := client.Get(ctx, aftership.Ref{ID: e.Existing.ID}, aftership.GetOptions{}); err == nil {
			e.Existing.CreatedAt = reply.Tracking.CreatedAt
		}
		return
	}
	found, err := client.Lookup(ctx, []aftership.Ref{{Slug: c.row.Slug, TrackingNumber: c.row.TrackingNumber}})
	if err == nil && len(found) == 1 && found[0].Match == aftership.MatchFound {
		t := found[0].Tracking
		e.Existing = &aftership.Existing{ID: t.ID, CreatedAt: t.CreatedAt}
	}
}

// skew is how far AfterShip's clock is ahead of ours, by the reply's own date.
func (c *call) skew(reply aftership.Reply, err error) time.Duration {
	date := reply.Date
	if e, ok := errors.AsType[*aftership.Error](err); ok {
		date = e.Date
	}
	if date.IsZero() {
		return 0
	}
	return date.Sub(c.h.opts.Now()).Truncate(time.Second)
}

// evidence reads a tracking whose retrack may have been sent before: a retrack
// is never sent twice blindly, because each one is counted. The reading is begun
// like any call, so that its failures are attempts and come to an end; once it
// tells that the retrack must be sent, it is forgotten.
func (c *call) evidence(ctx context.Context) (v Verdict, settled bool, err error) {
	client := c.h.account.Client.With(c.gate(c.begin))
	reply, err := client.Get(ctx, c.ref(), aftership.GetOptions{})
	if err != nil {
		if !sentOrRefused(err) {
			return v, false, err
		}
		return c.judge(reply, err), true, nil
	}
	if !reply.Tracking.Active {
		return v, false, c.takeBack(ctx)
	}
	v = c.judge(reply, nil)
	v.Ambiguous = true
	v.Message = "active when looked at: an earlier call of this run, whose reply was lost, did it"
	return v, true, nil
}

// exists goes on with a create that was answered "exists", of a row that wants the
// tracking changed: the create has had no effect, and the tracking is read next.
func (c *call) exists(ctx context.Context, v Verdict) error {
	if err := c.takeBack(ctx); err != nil {
		return err
	}
	return c.resolve(ctx, decision{Do: toCompare, ID: v.ID})
}

// resolve keeps a decision about the job.
func (c *call) resolve(ctx context.Context, d decision) error {
	c.known = d
	return c.h.ledger.SetIDs(ctx, c.p.Batch, map[int]string{c.p.Job: d.text()})
}

// compare reads the tracking that a create has met, and decides what is left to do.
// The reading is begun like any call, so that its failures are attempts.
func (c *call) compare(ctx context.Context) (v Verdict, settled bool, err error) {
	t, reply, err := c.readExisting(ctx)
	if err != nil && !sentOrRefused(err) {
		return v, false, err
	}
	if err != nil {
		return c.judge(reply, err), true, nil
	}
	if t == nil {
		return Verdict{Kind: Refused, Outcome: batch.Rejected, Code: 4003,
			Message: "AfterShip says that it has this shipment, but neither names nor lists it, so that it cannot be compared",
			Hint:    "name it by its id, with `enqueue update`"}, true, nil
	}
	d, res := met(c.h.account.Client.Version(), c.onExists(), &c.row, *t)
	if res != nil {
		return Verdict{Kind: Done, Outcome: res.Outcome, ID: t.ID, Slug: t.Slug, Message: res.Message, Hint: res.Hint}, true, nil
	}
	if err := c.takeBack(ctx); err != nil {
		return v, false, err
	}
	return v, false, c.resolve(ctx, d)
}

// readExisting reads the tracking by its id where the answer told it, else through
// the list; nil if that does not show it.
func (c *call) readExisting(ctx context.Context) (*aftership.Tracking, aftership.Reply, error) {
	client := c.h.account.Client.With(c.gate(c.begin))
	if c.known.ID != "" {
		reply, err := client.Get(ctx, aftership.Ref{ID: c.known.ID}, aftership.GetOptions{})
		return &reply.Tracking, reply, err
	}
	all, err := client.Lookup(ctx, []aftership.Ref{{Slug: c.row.Slug, TrackingNumber: c.row.TrackingNumber}})
	if err != nil || len(all) != 1 || all[0].Match != aftership.MatchFound {
		return nil, aftership.Reply{}, err
	}
	return &all[0].Tracking, aftership.Reply{}, nil
}
