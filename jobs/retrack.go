package jobs

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"aftership-bulk/aftership"
	"aftership-bulk/batch"
)

// RetrackPolicy says which shipments are retracked again.
type RetrackPolicy struct {
	// Limit is how often we retrack a tracking. AfterShip says three times in one
	// place and once in another. Defaults to 3.
	Limit int
	// Backoff is the time between two retracks of a tracking. Defaults to 7 days.
	Backoff time.Duration
	// PerDay bounds how many shipments are taken in a day (UTC), of those that are
	// found rather than named. Defaults to 0: any number.
	PerDay int
}

func (p RetrackPolicy) withDefaults() RetrackPolicy {
	return RetrackPolicy{Limit: cmp.Or(p.Limit, 3), Backoff: cmp.Or(p.Backoff, 7*24*time.Hour), PerDay: p.PerDay}
}

// most is how many shipments are in a day's share.
func (p RetrackPolicy) most() int { return cmp.Or(p.PerDay, math.MaxInt32) }

// Why says why a shipment is retracked, or left alone.
type Why string

// The reasons. Those of the history hold for every retrack, the others for
// shipments that are found rather than named.
const (
	WhyTaken     Why = "taken"        // it is retracked now
	WhyExhausted Why = "exhausted"    // AfterShip has said that it has no retrack left
	WhyLimit     Why = "limit"        // we have retracked it as often as we may
	WhyBackoff   Why = "backoff"      // the last retrack is too short ago
	WhyActive    Why = "active"       // AfterShip still tracks it
	WhyExcluded  Why = "excluded"     // --exclude names it
	WhyYoung     Why = "too_young"    // it has not been expired for --min-days-expired
	WhyShare     Why = "day_share"    // as many as may be were taken today
	WhyRows      Why = "over_limit"   // --limit leaves it for later
	WhyRepeat    Why = "listed_twice" // the list showed it before
)

// AllWhys lists every reason.
func AllWhys() []Why {
	return []Why{WhyTaken, WhyExhausted, WhyLimit, WhyBackoff, WhyActive, WhyExcluded, WhyYoung, WhyShare, WhyRows, WhyRepeat}
}

// Judge says by its history whether a tracking may be retracked now, and in words why not.
func (p RetrackPolicy) Judge(h batch.Retracks, now time.Time) (Why, string) {
	switch {
	case !h.Exhausted.IsZero():
		return WhyExhausted, "AfterShip said on " + onDay(h.Exhausted) + " that no retrack is left (4016)"
	case len(h.At) >= p.Limit:
		return WhyLimit, fmt.Sprintf("retracked %s already (%s), and the limit is %d", times(len(h.At)), onDays(h.Times()), p.Limit)
	case now.Before(h.Last().Add(p.Backoff)) && len(h.At) > 0:
		return WhyBackoff, fmt.Sprintf("retracked on %s; not again before %s", onDay(h.Last()), h.Last().Add(p.Backoff).UTC().Format("2006-01-02 15:04 UTC"))
	}
	return WhyTaken, ""
}

func onDay(t time.Time) string { return t.UTC().Format(time.DateOnly) }

func onDays(ts []time.Time) string {
	var all []string
	for _, t := range ts {
		all = append(all, onDay(t))
	}
	return strings.Join(all, ", ")
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// historyNames are the names under which the history of a tracking stands: its
// ids, and its number with its slug.
func historyNames(slug, number string, ids ...string) []string {
	var names []string
	for _, id := range ids {
		if id != "" && !slices.Contains(names, id) {
			names = append(names, id)
		}
	}
	if slug != "" && number != "" {
		names = append(names, strings.ToLower(slug)+"/"+strings.ToUpper(number))
	}
	return names
}

// leftAlone says that the policy does not allow the job's retrack.
type leftAlone struct {
	why      string
	attempts int
}

func (e *leftAlone) Error() string { return "left alone: " + e.why }

func (e *leftAlone) result() batch.Result {
	return batch.Result{Outcome: batch.Skipped, Message: e.why, Attempts: e.attempts, Hint: "to retrack it all the same, give the row to `enqueue retrack-expired --force`"}
}

// retrack sends a retrack if history and policy allow it, and notes in the
// history what AfterShip says. The tracking is held meanwhile, so that no other
// job reads the history before this one has written it.
func (c *call) retrack(ctx context.Context) (Verdict, error) {
	if err := c.hold(ctx); err != nil {
		return Verdict{}, err
	}
	defer c.unhold(ctx)
	all, err := c.h.ledger.Retracks(ctx, c.h.account.Name, [][]string{c.names(Verdict{})})
	if err != nil {
		return Verdict{}, err
	}
	v, err := c.retrackAfter(ctx, all[0])
	if err != nil {
		return v, err
	}
	return v, c.remember(ctx, v)
}

// retrackAfter decides between history, evidence and the call.
func (c *call) retrackAfter(ctx context.Context, h batch.Retracks) (Verdict, error) {
	if _, done := h.At[c.mark()]; done {
		return c.retracked(), nil
	}
	if c.ambiguous() {
		if v, settled, err := c.evidence(ctx); settled || err != nil {
			return v, err
		}
	}
	if !c.b.read.opts.Force {
		if why, text := c.h.opts.Retrack.Judge(h, c.h.opts.Now()); why != WhyTaken {
			return Verdict{}, &leftAlone{text, c.look.Answers}
		}
	}
	return c.once(ctx)
}

// retracked is the verdict of a job that the history knows: it was answered, and
// its worker died before that was recorded.
func (c *call) retracked() Verdict {
	ref := c.ref()
	return Verdict{Kind: Done, Outcome: batch.Retracked, Code: 200, ID: ref.ID, Slug: c.row.Slug, Message: "retracked by an earlier call of this run"}
}

func (c *call) mark() string { return batch.Mark(c.p.Batch, c.p.Job, c.p.Round) }

// names are the names of the call's tracking, with what the answer tells.
func (c *call) names(v Verdict) []string {
	ref := c.ref()
	return historyNames(cmp.Or(v.Slug, c.row.Slug), c.row.TrackingNumber, ref.ID, v.ID)
}

// remember notes an answer in the history. It comes before the job's record, and
// may be repeated: the job's mark makes it count once.
func (c *call) remember(ctx context.Context, v Verdict) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTime)
	defer cancel()
	switch {
	case v.Outcome == batch.Retracked:
		return c.h.ledger.NoteRetrack(ctx, c.h.account.Name, c.names(v), c.mark(), c.h.opts.Now())
	case v.Code == codeExhausted:
		return c.h.ledger.NoteExhausted(ctx, c.h.account.Name, c.names(v), c.h.opts.Now())
	}
	return nil
}

// codeExhausted is AfterShip's code for a tracking that has no retrack left.
const codeExhausted = 4016

// namesOf are the names of a tracking as AfterShip lists it.
func namesOf(t *aftership.Tracking) []string {
	return historyNames(t.Slug, t.TrackingNumber, t.ID, t.LegacyID)
}
