package jobs

import (
	"cmp"
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"aftership-bulk/aftership"
	"aftership-bulk/batch"
)

// holdTime is how long a retrack keeps others of the same tracking away, should
// its worker die: longer than a call and the wait for its slot take.
const holdTime = longestWait + time.Minute

// tracking names the tracking of the call, for holding it.
func (c *call) tracking() string {
	ref := c.row.ref(c.b.Operation, c.look.TrackingID)
	return cmp.Or(ref.ID, ref.Slug+"/"+strings.ToUpper(ref.TrackingNumber))
}

// owner names the job across batches.
func (c *call) owner() string { return c.p.Batch + ":" + strconv.Itoa(c.p.Job) }

// hold keeps other retracks of the tracking away, those of other batches too: a
// retrack is counted, and must not be sent while another one is under way.
func (c *call) hold(ctx context.Context) error {
	ok, err := c.h.ledger.Hold(ctx, c.h.account.Name, c.tracking(), c.owner(), holdTime)
	if err != nil {
		return err
	}
	if !ok {
		return back(5*time.Second, "another retrack of this tracking is under way")
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
		v = c.judge(reply, err)
		v.Ambiguous = v.Ambiguous || v.Kind == GiveUp // nobody knows what became of the earlier call
		return v, true, nil
	}
	if !reply.Tracking.Active {
		return v, false, c.takeBack(ctx)
	}
	v = c.judge(reply, nil)
	v.Ambiguous = true
	v.Message = "active when looked at: an earlier call of this run, whose reply was lost, did it"
	return v, true, nil
}
