package jobs

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"aftership-bulk/aftership/sandbox"
	"aftership-bulk/internal/redistest"
)

// A worker keeps the list that an import without a key then uses, and does not
// ask again and again for one that it cannot have.
func TestRenewalKeepsTheListForProcessesWithoutAKey(t *testing.T) {
	redistest.Both(t, func(t *testing.T, rdb redis.UniversalClient) {
		rig := newCourierRig(t, sandbox.Options{})
		now := time.Now()
		account := rig.couriers("2024-04", rdb).Account
		r := newRenewal(rdb, []*Account{account}, func() time.Time { return now })

		rig.fault(sandbox.Fault{Kind: sandbox.FaultUnauthorized})
		for range 3 {
			if err := r.renew(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if n := rig.calls(); n != 1 {
			t.Errorf("a refused key was tried %d times, want once", n)
		}
		rig.api.ClearFaults()
		now = now.Add(couriersRetry)
		if err := r.renew(t.Context()); err != nil {
			t.Fatal(err)
		}
		keyless := &Couriers{Redis: rdb, Name: account.Name, Version: account.Client.Version(), Now: func() time.Time { return now }}
		_, source, err := keyless.Table(t.Context())
		if err != nil || source.Origin != FromCache || source.Warning != "" || source.Couriers == 0 {
			t.Errorf("without a key: %+v, %v", source, err)
		}
		now = now.Add(2 * couriersFresh)
		if _, source, err = keyless.Table(t.Context()); err != nil || source.Origin != FromCache || source.Warning == "" {
			t.Errorf("with an old list: %+v, %v", source, err)
		}
		stranger := &Couriers{Redis: rdb, Name: "other", Version: "2024-04"}
		if _, source, err = stranger.Table(t.Context()); err != nil || source.Origin != FromBuiltin {
			t.Errorf("of another account: %+v, %v", source, err)
		}
	})
}
