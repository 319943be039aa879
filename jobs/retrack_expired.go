package jobs

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"aftership-bulk/aftership"
	"aftership-bulk/batch"
	"aftership-bulk/sheet"
)

// Shipments that webhooks tell to have expired wait in Redis until one worker
// takes some of them into a batch. On the way a shipment stands among those that
// wait, in the portion that is about to become a batch, or in the batch: it is
// moved in one step from the first to the second, and leaves the second when the
// third has it. A crash in between leaves the portion, and the next worker makes
// the same batch of it, for it has the same content.

// awaited is what is kept of a shipment that waits for its retrack.
type awaited struct {
	LegacyID       string    `json:"lid,omitempty"`
	TrackingNumber string    `json:"n,omitempty"`
	Slug           string    `json:"s,omitempty"`
	Expired        time.Time `json:"at"` // when the event says that it had
}

// await is the hook of webhooks that tell of an expired shipment.
func (w *Worker) await(ctx context.Context, u Update) error {
	if u.ID == "" {
		w.opts.Log.Info("an expired shipment has no id in its webhook, so the next list must show it", "tracking_number", u.TrackingNumber)
		return nil
	}
	at := u.At
	if at.IsZero() {
		at = u.Sent
	}
	text, err := json.Marshal(awaited{u.LegacyID, u.TrackingNumber, u.Slug, at.UTC()})
	if err != nil {
		return err
	}
	return w.ledger.Await(ctx, u.Account, batch.Awaiting{ID: u.ID, Known: string(text)})
}

// retrackExpired makes batches of the shipments that wait, for each account in
// one worker at a time.
func (w *Worker) retrackExpired(ctx context.Context) error {
	for _, a := range w.accounts {
		mine, err := w.ledger.MayProbe(ctx, a.Name, "expired", w.opts.RetrackExpired)
		if err != nil {
			return err
		}
		for more := mine; more; {
			if more, err = w.retrackPortion(ctx, a); err != nil {
				return fmt.Errorf("account %s: %w", a.Name, err)
			}
		}
	}
	return nil
}

// retrackPortion makes a batch of the portion that was left, or of a new one. It
// says whether there may be more.
func (w *Worker) retrackPortion(ctx context.Context, a *Account) (more bool, err error) {
	p, err := w.ledger.Portion(ctx, a.Name)
	if err != nil {
		return false, err
	}
	if len(p.Trackings) == 0 {
		if more, err = w.portion(ctx, a); err != nil {
			return false, err
		}
		if p, err = w.ledger.Portion(ctx, a.Name); err != nil || len(p.Trackings) == 0 {
			return more && err == nil, err
		}
	}
	b, err := w.acceptPortion(ctx, a, p)
	if err != nil {
		return false, err
	}
	w.opts.Log.Info("shipments that have expired are retracked", "account", a.Name, "batch", b.ID, "rows", b.Rows)
	return more, w.ledger.EndPortion(ctx, a.Name, p.Name)
}

// portion decides about those that are due, and takes some of them. It says
// whether there may be more.
func (w *Worker) portion(ctx context.Context, a *Account) (more bool, err error) {
	due, err := w.ledger.Awaiting(ctx, a.Name)
	if err != nil || len(due) == 0 {
		return false, err
	}
	all, names, refs := make([]awaited, len(due)), make([][]string, len(due)), make([]aftership.Ref, len(due))
	for i, d := range due {
		_ = json.Unmarshal([]byte(d.Known), &all[i]) // a text that is none leaves the id, which is enough
		names[i] = historyNames(all[i].Slug, all[i].TrackingNumber, d.ID, all[i].LegacyID)
		refs[i] = aftership.Ref{ID: d.ID}
	}
	histories, err := w.ledger.Retracks(ctx, a.Name, names)
	if err != nil {
		return false, err
	}
	known, err := LastKnown(ctx, w.rdb, a.Name, refs)
	if err != nil {
		return false, err
	}
	decisions := make([]batch.Decision, len(due))
	for i, d := range due {
		decisions[i] = w.decide(a, d, all[i], histories[i], known[i])
	}
	if err := w.shared(ctx, a, decisions); err != nil {
		return false, err
	}
	name := "expired-" + w.opts.Now().UTC().Format("20060102T150405.000Z")
	_, err = w.ledger.Decide(ctx, a.Name, name, decisions)
	return len(due) == batch.MostAwaited, err
}

// decide holds one shipment that waits against what is known by now.
func (w *Worker) decide(a *Account, d batch.Awaiting, e awaited, h batch.Retracks, u Update) batch.Decision {
	now := w.opts.Now()
	drop := func(why string) batch.Decision {
		w.opts.Log.Info("an expired shipment is not retracked", "account", a.Name, "id", d.ID, "tracking_number", e.TrackingNumber, "reason", why)
		return batch.Decision{Awaiting: d, Act: batch.ActDrop}
	}
	switch {
	case u.Known() && u.Tag != aftership.TagExpired:
		return drop("AfterShip tracks it again: " + string(u.Tag))
	case !h.Last().IsZero() && !e.Expired.After(h.Last()):
		return drop("it was retracked after it had expired")
	}
	switch why, text := w.opts.Retrack.Judge(h, now); why {
	case WhyTaken:
		return batch.Decision{Awaiting: d, Act: batch.ActTake}
	case WhyBackoff:
		return batch.Decision{Awaiting: d, Act: batch.ActWait, Due: h.Last().Add(w.opts.Retrack.Backoff)}
	default:
		return drop(text)
	}
}

// shared lets those wait until tomorrow that have no place in the day's share.
func (w *Worker) shared(ctx context.Context, a *Account, decisions []batch.Decision) error {
	var ids []string
	var which []int
	for i, d := range decisions {
		if d.Act == batch.ActTake {
			ids, which = append(ids, d.ID), append(which, i)
		}
	}
	now := w.opts.Now().UTC()
	got, err := w.ledger.TakeForDay(ctx, a.Name, now, w.opts.Retrack.most(), ids)
	if err != nil {
		return err
	}
	for n, i := range which {
		if !got[n] {
			decisions[i].Act, decisions[i].Due = batch.ActWait, now.Truncate(24*time.Hour).AddDate(0, 0, 1)
		}
	}
	return nil
}

// acceptPortion makes a batch of a portion, by the way that every sheet goes. The
// portion's name stands in its rows, so that the same portion is the same batch,
// and another one is another.
func (w *Worker) acceptPortion(ctx context.Context, a *Account, p batch.Portion) (batch.Batch, error) {
	var text bytes.Buffer
	rows := csv.NewWriter(&text)
	_ = rows.Write([]string{"id", "tracking_number", "slug", "expired_since", "gathered"}) // a buffer takes everything
	for _, t := range p.Trackings {
		var e awaited
		_ = json.Unmarshal([]byte(t.Known), &e)
		_ = rows.Write([]string{t.ID, e.TrackingNumber, e.Slug, e.Expired.Format(time.RFC3339), p.Name})
	}
	rows.Flush()
	sh, err := sheet.Open(ctx, "-", strings.NewReader(text.String()), sheet.Options{})
	if err != nil {
		return batch.Batch{}, err
	}
	defer sh.Close()
	sh.Name = p.Name + ".csv"
	m, _, err := sheet.Map(sh.Header, Columns())
	if err != nil {
		return batch.Batch{}, err
	}
	survey, err := Take(ctx, sh, Plan{Operation: batch.Retrack, Version: a.Client.Version(), Mapping: m})
	if err != nil {
		return batch.Batch{}, err
	}
	in := &Intake{Ledger: w.ledger, Queue: w.queue, Version: a.Client.Version(), Now: w.opts.Now}
	b, _, err := in.Accept(ctx, sh, survey, Order{Account: a.Name, Who: "webhooks", Priority: batch.Background})
	return b, err
}
