package rig

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"aftership-bulk/batch"
)

// Finish gives every job of a batch a result, in random order and with the calls
// to the ledger that a worker makes.
func (r *Redis) Finish(ctx context.Context, b batch.Batch) error {
	order := rand.New(rand.NewPCG(3, 4)).Perm(b.Total)
	var next atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	for range 16 * runtime.GOMAXPROCS(0) {
		group.Go(func() error {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(order) {
					return nil
				}
				if err := r.finish(ctx, b.ID, order[i]); err != nil {
					return err
				}
			}
		})
	}
	return group.Wait()
}

func (r *Redis) finish(ctx context.Context, id batch.ID, job int) error {
	if _, err := r.Ledger.MarkBegin(ctx, id, job, 1); err != nil {
		return err
	}
	_, err := r.Ledger.Record(ctx, id, job, 1, result(job))
	return err
}

// result is what AfterShip answers: mostly the id of a new tracking, and one row
// in twenty is refused.
func result(job int) batch.Result {
	if job%20 == 0 {
		return batch.Result{
			Outcome: batch.Rejected, Code: 4012, Message: "Cannot detect courier. Activate courier at https://admin.aftership.com/settings/couriers",
			Hint: "activate the carrier, then `enqueue retry --rejected`", Attempts: 1, At: time.Now(),
		}
	}
	slug := [...]string{"ups", "fedex", "dhl", "japan-post", "jd-worldwide"}[job%5]
	return batch.Result{Outcome: batch.Created, TrackingID: fmt.Sprintf("%024x", uint64(job)*0x9E3779B97F4A7C15), Slug: slug, Code: 201, Attempts: 1, At: time.Now()}
}

// Await waits until every job of a batch has its result.
func (r *Redis) Await(ctx context.Context, id batch.ID) error {
	_, err := r.until(ctx, id, batch.Batch.Ended)
	return err
}

// Begun waits for the first results of a batch. It returns when it saw them, and how
// many they were: a worker's start is no part of its rate.
func (r *Redis) Begun(ctx context.Context, id batch.ID) (time.Time, int, error) {
	b, err := r.until(ctx, id, func(b batch.Batch) bool { return b.Done > 0 })
	return time.Now(), b.Done, err
}

func (r *Redis) until(ctx context.Context, id batch.ID, so func(batch.Batch) bool) (batch.Batch, error) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		b, err := r.Ledger.Get(ctx, id)
		if err != nil || so(b) {
			return b, err
		}
		select {
		case <-ctx.Done():
			return b, context.Cause(ctx)
		case <-tick.C:
		}
	}
}
