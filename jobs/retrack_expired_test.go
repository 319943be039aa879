package jobs

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"aftership-bulk/aftership"
	"aftership-bulk/aftership/sandbox"
	"aftership-bulk/batch"
)

// tell lets a webhook say that a shipment of the sandbox has expired at a time.
func (r *rig) tell(w *Worker, n int, at time.Time) {
	r.t.Helper()
	seen, found := r.api.Tracking("ups", fmt.Sprintf("1Z999AA1%010d", n))
	if !found {
		r.t.Fatalf("no tracking %d", n)
	}
	u := Update{V: 1, Account: "acc", Event: fmt.Sprint("e", n, at.UnixNano()), ID: seen.ID, TrackingNumber: seen.Number, Slug: "ups", Tag: aftership.TagExpired, At: at}
	if _, err := keepState(r.t.Context(), r.rdb, u); err != nil {
		r.t.Fatal(err)
	}
	if err := w.await(r.t.Context(), u); err != nil {
		r.t.Fatal(err)
	}
}

// gather lets a worker make its batches, and carries them out.
func (r *rig) gather(w *Worker) {
	r.t.Helper()
	for more := true; more; {
		var err error
		if more, err = w.retrackPortion(r.t.Context(), w.accounts[0]); err != nil {
			r.t.Fatal(err)
		}
	}
	r.endAll()
}

// endAll feeds and awaits every batch.
func (r *rig) endAll() (all []batch.Batch) {
	r.t.Helper()
	for b, err := range r.ledger.List(r.t.Context()) {
		if err != nil {
			r.t.Fatal(err)
		}
		if !b.Ended() {
			if err := r.intake().Feed(r.t.Context(), b.ID); err != nil {
				r.t.Fatal(err)
			}
		}
		all = append(all, r.ended(b.ID))
	}
	return all
}

// retracks counts the retracks that AfterShip took, by number.
func (r *rig) retracks() map[string]int {
	done := map[string]int{}
	for _, c := range r.api.Calls() {
		if c.Endpoint == aftership.EndpointRetrack && c.Code == 200 {
			done[c.Number]++
		}
	}
	return done
}

func TestWebhooksThatTellOfExpiredShipments(t *testing.T) {
	eachStore(t, aftership.V202507, sandbox.Options{}, func(t *testing.T, r *rig) {
		var clock movedClock
		r.opts.Now, r.opts.RetrackExpired, r.opts.Updates = clock.now, time.Minute, &UpdateOptions{Redis: r.rdb}
		r.opts.Retrack = RetrackPolicy{Limit: 2, Backoff: 40 * 24 * time.Hour, PerDay: 3}
		r.ledger = batch.New(r.rdb, batch.Options{Now: clock.now})
		for n := range 6 {
			r.seed(expired(n, 0, clock.ago(40)))
		}
		w := r.work()
		calls := func(want int) {
			t.Helper()
			r.gather(w)
			if n := r.calls(aftership.EndpointRetrack); n != want {
				t.Fatalf("%d calls, want %d", n, want)
			}
		}
		calls(0)
		for n := range 5 {
			r.tell(w, n, clock.ago(1))
			r.tell(w, n, clock.ago(1).Add(time.Second)) // expected delivery revised, for example
		}
		calls(3) // the share of a day
		calls(3)
		clock.days(1)
		calls(5)
		// An old event that comes again, and one that is over by now.
		r.tell(w, 0, clock.ago(2))
		r.tell(w, 5, clock.ago(1))
		if _, err := keepState(t.Context(), r.rdb, Update{V: 1, Account: "acc", Event: "later", ID: r.id(5), Tag: aftership.TagInTransit, At: clock.now()}); err != nil {
			t.Fatal(err)
		}
		calls(5)
		// Expired again within the back-off: it waits.
		clock.days(30)
		r.expireAgain("1Z999AA10000000001")
		r.tell(w, 1, clock.now())
		calls(0) // expireAgain empties the log
		clock.days(8)
		calls(0)
		clock.days(3)
		calls(1)
		// Two are the limit.
		clock.days(60)
		r.expireAgain("1Z999AA10000000001")
		r.tell(w, 1, clock.now())
		calls(0)
		clock.days(60)
		calls(0)
		if left, err := r.ledger.Awaiting(t.Context(), "acc"); err != nil || len(left) > 0 {
			t.Error(left, err)
		}
		for b, err := range r.ledger.List(t.Context()) {
			if err != nil || b.Who != "webhooks" || b.Priority != batch.Background || !strings.HasPrefix(b.Source, "expired-") {
				t.Errorf("%+v %v", b.Spec, err)
			}
		}
	})
}

func (r *rig) id(n int) string {
	seen, _ := r.api.Tracking("ups", fmt.Sprintf("1Z999AA1%010d", n))
	return seen.ID
}

// Workers that die between any two steps, several at once, while events come: every
// shipment is retracked once and stands in one batch.
func TestPortionsSurviveCrashes(t *testing.T) {
	eachStore(t, aftership.V202507, sandbox.Options{}, func(t *testing.T, r *rig) {
		const shipments = 60
		r.opts.RetrackExpired, r.opts.Updates = time.Minute, &UpdateOptions{Redis: r.rdb}
		for n := range shipments {
			r.seed(expired(n, 0, created))
		}
		workers := []*Worker{r.work()} // the others only gather: three that poll are too much for a busy machine
		for range 2 {
			a := r.account()
			t.Cleanup(a.Close)
			workers = append(workers, NewWorker(r.rdb, r.ledger, r.queue, []*Account{a}, r.opts))
		}
		var all sync.WaitGroup
		told := make(chan struct{})
		all.Go(func() {
			defer close(told)
			for n := range shipments {
				r.tell(workers[0], n, time.Now().Add(-time.Hour))
			}
		})
		for _, w := range workers {
			all.Go(func() {
				for last := false; !last; {
					select {
					case <-told:
						last = true
					default:
					}
					r.step(w, rand.N(3))
				}
			})
		}
		all.Wait()
		r.gather(workers[0])
		rows := 0
		for _, b := range r.endAll() {
			rows += b.Counts[batch.Retracked]
			if len(b.Counts) != 1 {
				t.Errorf("%s: %v", b.ID, b.Counts)
			}
		}
		done := r.retracks()
		for number, n := range done {
			if n != 1 {
				t.Errorf("%s was retracked %d times", number, n)
			}
		}
		if len(done) != shipments || rows != shipments {
			t.Errorf("%d shipments and %d rows, want %d", len(done), rows, shipments)
		}
	})
}

// step goes as far as a worker comes before it dies: it has a portion, or a batch
// of it too, or all.
func (r *rig) step(w *Worker, far int) {
	ctx, a := context.WithoutCancel(r.t.Context()), w.accounts[0]
	var err error
	switch far {
	case 0:
		_, err = w.portion(ctx, a)
	case 1:
		var p batch.Portion
		if p, err = r.ledger.Portion(ctx, a.Name); err == nil && len(p.Trackings) > 0 {
			_, err = w.acceptPortion(ctx, a, p)
		}
	default:
		_, err = w.retrackPortion(ctx, a)
	}
	if err != nil {
		r.t.Error(err)
	}
}
