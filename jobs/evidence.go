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
	ref := c.row.ref(c.b.Operation, c.look.TrackingID)
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
	return c.b.Operation == batch.Create && e.Exists() && (c.begun.Begins > 1 || c.begun.Earlier) &&
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
	reply, err := client.Get(ctx, c.row.ref(c.b.Operation, c.look.TrackingID), aftership.GetOptions{})
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
