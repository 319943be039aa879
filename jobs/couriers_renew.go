package jobs

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"
)

// couriersRetry is how long a worker waits after a list of couriers could not be
// had: whoever imports meanwhile uses the older one.
const couriersRetry = time.Hour

// renewal keeps the courier lists of a worker's accounts in Redis, for imports
// by processes that have no key.
type renewal struct {
	rdb  redis.Cmdable
	now  func() time.Time
	of   map[string]*Couriers // by account
	next map[string]time.Time
}

func newRenewal(rdb redis.Cmdable, accounts []*Account, now func() time.Time) *renewal {
	r := &renewal{rdb: rdb, now: now, of: map[string]*Couriers{}, next: map[string]time.Time{}}
	for _, a := range accounts {
		r.of[a.Name] = &Couriers{Account: a, Redis: rdb, Now: now}
	}
	return r
}

// renew renews the lists that are a day old. One that fails is tried again in an
// hour, so that a refused key is not tried over and over.
func (r *renewal) renew(ctx context.Context) error {
	for name, couriers := range r.of {
		if r.now().Before(r.next[name]) {
			continue
		}
		_, source, err := couriers.Table(ctx)
		if err != nil {
			return err
		}
		if source.Warning != "" {
			r.next[name] = r.now().Add(couriersRetry)
		}
	}
	return nil
}
