package batch

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"aftership-bulk/internal/redistest"
	"aftership-bulk/redisconn"
)

// everywhere runs fn on miniredis, on a real server and on the embedded ledger.
func everywhere(t *testing.T, fn func(t *testing.T, rdb redis.UniversalClient)) {
	redistest.Both(t, fn)
	t.Run("embedded", func(t *testing.T) {
		e, err := redisconn.OpenEmbedded(t.Context(), redisconn.EmbeddedOptions{StateDir: t.TempDir()})
		ok(t, err)
		t.Cleanup(func() { ok(t, e.Close()) })
		fn(t, e.LedgerClient())
	})
}

func nightly(who string) LockRequest {
	return LockRequest{Account: "acme", Operation: Create, Name: "nightly", Who: who}
}

func mustLock(t *testing.T, s *Store, r LockRequest) *Lock {
	t.Helper()
	l, err := s.Lock(t.Context(), r)
	ok(t, err)
	return l
}

// refused checks that the lock is held by who, for the batch.
func refused(t *testing.T, s *Store, r LockRequest, who string, id ID) *LockedError {
	t.Helper()
	l, err := s.Lock(t.Context(), r)
	held, is := errors.AsType[*LockedError](err)
	if l != nil || !is || !errors.Is(err, ErrLocked) || held.Who != who || held.Batch != id {
		t.Fatalf("got %v, %v, want it to be held by %s for %q", l, err, who, id)
	}
	if age := time.Since(held.Since); age < -time.Minute || age > time.Minute {
		t.Fatalf("held since %s", held.Since)
	}
	return held
}

// lockedOnceFree tries until the lease of the holder is over.
func lockedOnceFree(t *testing.T, s *Store, r LockRequest) *Lock {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		l, err := s.Lock(t.Context(), r)
		if err == nil {
			return l
		}
		if !errors.Is(err, ErrLocked) || time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

func TestLockOfOneAtATime(t *testing.T) {
	everywhere(t, func(t *testing.T, rdb redis.UniversalClient) {
		s, _ := testStore(rdb)
		l := mustLock(t, s, nightly("one"))
		held := refused(t, s, nightly("two"), "one", "")
		if text := held.Error(); !strings.Contains(text, "create of account acme by the name nightly is held by one since 20") {
			t.Fatal(text)
		}
		for _, other := range []LockRequest{
			{Account: "acme", Operation: Create, Name: "weekly"}, {Account: "acme", Operation: Update, Name: "nightly"},
			{Account: "acme", Operation: Create}, {Account: "other", Operation: Create, Name: "nightly"},
		} {
			ok(t, mustLock(t, s, other).Leave(t.Context()))
		}
		ok(t, l.Leave(t.Context()))
		left, err := rdb.Exists(t.Context(), locksKey).Result()
		ok(t, err)
		equal(t, "keys left", left, 0)
		mustLock(t, s, nightly("two"))
	})
}

func TestLockNames(t *testing.T) {
	s, _ := testStore(redistest.Mini(t))
	for _, bad := range []LockRequest{
		{Account: "acme", Operation: Create, Name: "a/b"}, {Account: "acme", Operation: Create, Name: "{b:x}"},
		{Account: "acme", Operation: "eat"}, {Operation: Create}, {Account: "acme", Operation: Create, Name: strings.Repeat("x", 65)},
	} {
		if _, err := s.Lock(t.Context(), bad); err == nil {
			t.Errorf("%+v passed", bad)
		}
	}
}

// The lock belongs to its batch once the enqueuer has gone, until the batch has ended in whatever way.
func TestLockBelongsToItsBatch(t *testing.T) {
	ends := map[string]func(t *testing.T, s *Store, id ID){
		"finished": func(t *testing.T, s *Store, id ID) {
			for job := range 3 {
				record(t, s, id, job, 1, Created)
			}
		},
		"cancelled": func(t *testing.T, s *Store, id ID) {
			begin(t, s, id, 0, 1) // stays pending
			_, err := s.Cancel(t.Context(), id)
			ok(t, err)
		},
		"purged": func(t *testing.T, s *Store, id ID) { ok(t, s.Purge(t.Context(), id)) },
	}
	everywhere(t, func(t *testing.T, rdb redis.UniversalClient) {
		for name, end := range ends {
			s, _ := testStore(rdb)
			l := mustLock(t, s, nightly("one"))
			id := testBatch(t, s, 3, nil)
			ok(t, l.Attach(t.Context(), id))
			refused(t, s, nightly("two"), "one", id)
			ok(t, l.Leave(t.Context()))
			if held := refused(t, s, nightly("two"), "one", id); held.Short || strings.Contains(held.Error(), "killed") {
				t.Error(held)
			}
			ok(t, s.Pause(t.Context(), id, "later"))
			held, err := s.Locks(t.Context())
			ok(t, err)
			if len(held) != 1 || held[0].Batch != id || held[0].Lock.Name != "nightly" || held[0].Left != 0 {
				t.Fatalf("%+v", held)
			}
			ok(t, s.Resume(t.Context(), id))
			end(t, s, id)
			two := mustLock(t, s, nightly("two"))
			t.Log(name)
			ok(t, two.Leave(t.Context()))
		}
	})
}

// A process that was killed while it put its batch together holds the lock for the rest of its lease, and no longer.
func TestLockOfAKilledEnqueuer(t *testing.T) {
	everywhere(t, func(t *testing.T, rdb redis.UniversalClient) {
		s, _ := testStore(rdb)
		short := nightly("one")
		short.Lease = 300 * time.Millisecond
		dead := mustLock(t, s, short)
		b, _, err := s.Begin(t.Context(), testSpec(), false)
		ok(t, err)
		ok(t, dead.Attach(t.Context(), b.ID)) // and no more is heard of it
		if _, err := s.Lock(t.Context(), nightly("two")); err != nil && !strings.Contains(err.Error(), "for batch "+b.ID+" (if that run was killed, it is free in 1s)") {
			t.Error(err)
		}
		two := lockedOnceFree(t, s, nightly("two"))

		// It comes back from the dead, and finds out.
		if err := dead.Renew(t.Context()); !errors.Is(err, ErrLockLost) {
			t.Fatal(err)
		}
		if err := dead.Attach(t.Context(), "260101-aaaaaa"); !errors.Is(err, ErrLockLost) {
			t.Fatal(err)
		}
		ok(t, dead.Leave(t.Context()))
		refused(t, s, nightly("three"), "two", "")
		ok(t, two.Renew(t.Context()))
	})
}

// A lease that is renewed does not end, and one that ended unnoticed goes on if nobody else came.
func TestLockIsRenewed(t *testing.T) {
	everywhere(t, func(t *testing.T, rdb redis.UniversalClient) {
		s, _ := testStore(rdb)
		short := nightly("one")
		short.Lease = 5 * time.Millisecond
		l := mustLock(t, s, short)
		for free := false; !free; { // until the lease is over
			held, err := s.Locks(t.Context())
			ok(t, err)
			free = len(held) == 0
		}
		l.req.Lease = time.Minute
		ok(t, l.Renew(t.Context()))
		if held := refused(t, s, nightly("two"), "one", ""); held.Left < 30*time.Second {
			t.Fatal(held.Left)
		}
	})
}

// The same command, run again, goes on with its own batch, but not while its enqueuer is at work.
func TestLockOfTheSameBatch(t *testing.T) {
	everywhere(t, func(t *testing.T, rdb redis.UniversalClient) {
		s, _ := testStore(rdb)
		l := mustLock(t, s, nightly("one"))
		spec := testSpec()
		b, _, err := s.Begin(t.Context(), spec, false)
		ok(t, err)
		ok(t, s.Append(t.Context(), b.ID, 0, testEntries(0, 3), nil))
		_, err = s.Seal(t.Context(), b.ID, 3, 3)
		ok(t, err)
		ok(t, l.Attach(t.Context(), b.ID))
		again := nightly("two")
		id, err := s.Holder(t.Context(), spec.Identity)
		ok(t, err)
		equal(t, "the identity's batch", id, b.ID)
		again.Mine = []ID{id}
		refused(t, s, again, "one", b.ID)
		ok(t, l.Leave(t.Context()))
		ok(t, mustLock(t, s, again).Leave(t.Context()))
		refused(t, s, nightly("three"), "two", b.ID)

		alone := nightly("three")
		alone.Alone = true
		ok(t, mustLock(t, s, alone).Leave(t.Context()))
		mustLock(t, s, nightly("four"))
	})
}

// However many come at the same moment, one gets the lock.
func TestLockRace(t *testing.T) {
	everywhere(t, func(t *testing.T, rdb redis.UniversalClient) {
		s, _ := testStore(rdb)
		for range 20 {
			const runners = 8
			got := make([]*Lock, runners)
			start := make(chan struct{})
			var wg sync.WaitGroup
			for i := range runners {
				wg.Go(func() {
					<-start
					l, err := s.Lock(t.Context(), nightly(string(rune('a'+i))))
					if err != nil && !errors.Is(err, ErrLocked) {
						t.Error(err)
					}
					got[i] = l
				})
			}
			close(start)
			wg.Wait()
			winners := 0
			for _, l := range got {
				if l != nil {
					winners++
					ok(t, l.Leave(t.Context()))
				}
			}
			equal(t, "winners", winners, 1)
		}
	})
}

// A lost reply makes the client repeat the script, which must not look as if another had been faster.
func TestLockSwapMayBeRepeated(t *testing.T) {
	redistest.Both(t, func(t *testing.T, rdb redis.UniversalClient) {
		s, _ := testStore(rdb)
		l := mustLock(t, s, nightly("one"))
		before := l.stands
		ok(t, l.Renew(t.Context()))
		l.stands = before
		ok(t, l.swap(t.Context()))
	})
}

func TestTrimRemovesFreeLocks(t *testing.T) {
	everywhere(t, func(t *testing.T, rdb redis.UniversalClient) {
		s, _ := testStore(rdb)
		l := mustLock(t, s, nightly("one"))
		id := testBatch(t, s, 1, nil)
		ok(t, l.Attach(t.Context(), id))
		ok(t, l.Leave(t.Context()))
		count := func() int64 {
			_, _, err := s.Trim(t.Context())
			ok(t, err)
			n, err := rdb.HLen(t.Context(), locksKey).Result()
			ok(t, err)
			return n
		}
		equal(t, "held", count(), 1)
		record(t, s, id, 0, 1, Created)
		equal(t, "free", count(), 0)
	})
}

func TestLockOfANewerVersion(t *testing.T) {
	rdb := redistest.Mini(t)
	s, _ := testStore(rdb)
	ok(t, rdb.HSet(t.Context(), locksKey, nightly("").field(), `{"v":2}`).Err())
	if _, err := s.Lock(t.Context(), nightly("one")); err == nil || !strings.Contains(err.Error(), "newer version") {
		t.Fatal(err)
	}
}

func TestLockOnACluster(t *testing.T) {
	rdb := redistest.Cluster(t).Client()
	t.Cleanup(func() { ok(t, rdb.Close()) })
	s, _ := testStore(rdb)
	l := mustLock(t, s, nightly("one"))
	id := testBatch(t, s, 1, nil)
	ok(t, l.Attach(t.Context(), id))
	ok(t, l.Leave(t.Context()))
	refused(t, s, nightly("two"), "one", id)
	record(t, s, id, 0, 1, Created)
	mustLock(t, s, nightly("two"))
}
