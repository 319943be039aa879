package batch

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// LockLease is how long a lock outlives a process that was killed while it put its batch together.
const LockLease = 30 * time.Second

// locksKey is a hash of all locks by name. It stands outside of batches, because a lock is there before its batch.
const locksKey = "aftership:{locks}"

var scriptSwap = script("swap")

// ErrLocked is the error of a lock that another run holds; the error in full is a *[LockedError].
var ErrLocked = errors.New("another run holds the lock")

// ErrLockLost is returned by a lock's methods when its holder stood still for longer than the lease, and another run has taken it.
var ErrLockLost = errors.New("the lock was lost: this run stood still for longer than its lease, and another one has taken it")

// LockRequest says which lock is wanted, and by whom.
type LockRequest struct {
	Account   string
	Operation Operation
	// Name tells the locks of an account and operation apart; "" is one among them.
	Name string
	// Who is told to those that find the lock held.
	Who string
	// Mine are batches that the caller goes on with: they do not keep it out.
	Mine []ID
	// Alone says that no other process can be at work with this ledger, so that whoever held the lock is gone.
	Alone bool
	// Lease defaults to LockLease.
	Lease time.Duration
}

var lockName = regexp.MustCompile(`^[A-Za-z0-9._-]{0,64}$`)

// CheckLockName says what is wrong with the name of a lock.
func CheckLockName(name string) error {
	if !lockName.MatchString(name) {
		return fmt.Errorf("%q is no name for a lock: use up to 64 letters (a to z), digits, dots, _ and -", name)
	}
	return nil
}

// field is the lock's place in the hash.
func (r LockRequest) field() string {
	return strings.Join([]string{r.Account, string(r.Operation), r.Name}, "/")
}

// String names the lock for people.
func (r LockRequest) String() string {
	text := fmt.Sprintf("the lock on %s of account %s", r.Operation, r.Account)
	if r.Name != "" {
		text += " by the name " + r.Name
	}
	return text
}

// LockedError says who holds a lock, and until when.
type LockedError struct {
	Lock  LockRequest
	Who   string
	Since time.Time
	// Batch is the unfinished batch that the lock belongs to; "" while the holder puts it together.
	Batch ID
	// State is that batch's; one that is held keeps the lock until somebody resumes or cancels it.
	State State
	// Left is for how long the holder's lease still lasts, if it is not renewed; 0 where only the batch holds the lock.
	Left time.Duration
	// Short says that nothing but the lease holds the lock: it is free soon if the holder was killed.
	Short bool
}

// Error says who holds the lock since when.
func (e *LockedError) Error() string {
	text := fmt.Sprintf("%s is held by %s since %s", e.Lock, e.Who, e.Since.Local().Format(time.DateTime))
	if e.Batch != "" {
		text += ", for batch " + e.Batch
	}
	if e.State.Held() {
		text += ", which is " + string(e.State)
	}
	if e.Short {
		text += fmt.Sprintf(" (if that run was killed, it is free in %s)", max(time.Second, e.Left.Round(time.Second)))
	}
	return text
}

// Is makes errors.Is(err, ErrLocked) true.
func (e *LockedError) Is(target error) bool { return target == ErrLocked }

// lockVersion is the version of lockRecord.
const lockVersion = 1

// lockRecord is what stands under a lock's name. The token makes every holder's record another one.
type lockRecord struct {
	V       int       `json:"v"`
	Token   string    `json:"token"`
	Who     string    `json:"who"`
	Since   time.Time `json:"since"`
	Until   time.Time `json:"until,omitzero"` // end of the lease, on Redis' clock; zero without one
	Batches []ID      `json:"batches,omitempty"`
}

func readLock(text string) (r lockRecord, err error) {
	if text == "" {
		return r, nil
	}
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		return r, fmt.Errorf("damaged lock in the ledger: %w", err)
	}
	if r.V != lockVersion {
		return r, errors.New("a newer version of the program holds the lock: update this one")
	}
	return r, nil
}

// Lock is a lock that this process holds: until its lease ends, which Renew puts off, and beyond that until the attached batches
// have ended. Its methods may be called at the same time.
type Lock struct {
	store *Store
	req   LockRequest

	mu     sync.Mutex
	record lockRecord
	stands string // the record as it stands in Redis
	lost   bool
}

// Lock takes a lock, or says with a *[LockedError] who holds it. A lock is free when the lease of its holder is over and every batch
// attached to it has ended, was cancelled or purged, or was left half received.
func (s *Store) Lock(ctx context.Context, r LockRequest) (*Lock, error) {
	if r.Account == "" || !r.Operation.Valid() {
		return nil, errors.New("a lock needs an account and an operation")
	}
	if err := CheckLockName(r.Name); err != nil {
		return nil, err
	}
	r.Lease = cmp.Or(r.Lease, LockLease)
	for range 20 {
		l, err := s.tryLock(ctx, r)
		if l != nil || err != nil {
			return l, err
		}
	}
	return nil, fmt.Errorf("%s keeps changing hands: try again", r)
}

// tryLock returns nothing if the lock changed while it was looked at.
func (s *Store) tryLock(ctx context.Context, r LockRequest) (*Lock, error) {
	now, err := s.rdb.Time(ctx).Result() // before the record is read, so that a lease never looks older than it is
	if err != nil {
		return nil, fmt.Errorf("take %s: %w", r, err)
	}
	seen, err := s.rdb.HGet(ctx, locksKey, r.field()).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, fmt.Errorf("take %s: %w", r, err)
	}
	old, err := readLock(seen)
	if err != nil {
		return nil, fmt.Errorf("take %s: %w", r, err)
	}
	mine, err := s.freeFor(ctx, r, old, now)
	if err != nil {
		return nil, err
	}
	l := &Lock{store: s, req: r, stands: seen}
	l.record = lockRecord{V: lockVersion, Token: rand.Text(), Who: r.Who, Since: now.UTC().Truncate(time.Millisecond), Until: now.Add(r.Lease).UTC(), Batches: mine}
	if err := l.swap(ctx); errors.Is(err, ErrLockLost) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	return l, nil
}

// freeFor returns the batches of the old holder that the request goes on with, or the error that says who holds the lock.
func (s *Store) freeFor(ctx context.Context, r LockRequest, old lockRecord, now time.Time) (mine []ID, err error) {
	held := &LockedError{Lock: r, Who: old.Who, Since: old.Since, Left: max(0, old.Until.Sub(now)), Short: true}
	open, err := s.unfinished(ctx, old.Batches)
	if err != nil {
		return nil, err
	}
	for _, b := range open {
		switch {
		case slices.Contains(r.Mine, b.ID):
			mine = append(mine, b.ID)
			if held.Left > 0 {
				held.Batch, held.State = b.ID, b.State // its enqueuer is still at work
			}
		case b.Sealed || held.Left > 0:
			held.Batch, held.State = b.ID, b.State
			held.Short = held.Short && !b.Sealed
		}
	}
	if !r.Alone && (held.Left > 0 || held.Batch != "") {
		return nil, held
	}
	return mine, nil
}

// unfinished returns those of the batches in which something is still to be done.
func (s *Store) unfinished(ctx context.Context, ids []ID) ([]Batch, error) {
	var open []Batch
	for _, id := range ids {
		b, err := s.Get(ctx, id)
		switch {
		case errors.Is(err, ErrUnknown):
			continue // purged
		case err != nil:
			return nil, err
		case b.Ended() || b.State == Cancelled:
			continue
		}
		open = append(open, b)
	}
	return open, nil
}

// swap writes the record. The caller holds the mutex, or is the only one to know the lock.
func (l *Lock) swap(ctx context.Context) error {
	text := ""
	if l.record.Token != "" {
		b, err := json.Marshal(l.record)
		if err != nil {
			return fmt.Errorf("hold %s: %w", l.req, err)
		}
		text = string(b)
	}
	if l.lost {
		return ErrLockLost
	}
	now, err := scriptSwap.Run(durable(ctx), l.store.rdb, []string{locksKey}, l.req.field(), l.stands, text).Text()
	if err != nil {
		return fmt.Errorf("hold %s: %w", l.req, err)
	}
	if l.lost = now != text; l.lost {
		return ErrLockLost
	}
	l.stands = text
	return nil
}

// Name is the name that the lock was asked for by.
func (l *Lock) Name() string { return l.req.Name }

// Attach makes the lock belong to the batch: it is held until the batch has ended, whoever works on it.
func (l *Lock) Attach(ctx context.Context, id ID) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if slices.Contains(l.record.Batches, id) {
		return nil
	}
	l.record.Batches = append(slices.Clone(l.record.Batches), id)
	return l.extend(ctx)
}

// Renew puts off the end of the lease.
func (l *Lock) Renew(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.extend(ctx)
}

func (l *Lock) extend(ctx context.Context) error {
	now, err := l.store.rdb.Time(ctx).Result()
	if err != nil {
		return fmt.Errorf("hold %s: %w", l.req, err)
	}
	l.record.Until = now.Add(l.req.Lease).UTC()
	return l.swap(ctx)
}

// Leave ends the lease. The attached batches that have not ended go on holding the lock; without any it is gone.
func (l *Lock) Leave(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	open, err := l.store.unfinished(ctx, l.record.Batches)
	if err != nil {
		return err
	}
	l.record.Until, l.record.Batches = time.Time{}, nil
	for _, b := range open {
		l.record.Batches = append(l.record.Batches, b.ID)
	}
	if len(open) == 0 || l.req.Alone {
		l.record = lockRecord{}
	}
	if err := l.swap(ctx); !errors.Is(err, ErrLockLost) {
		return err
	}
	return nil
}

// Locks lists the locks that are held, by name.
func (s *Store) Locks(ctx context.Context) ([]LockedError, error) {
	now, err := s.rdb.Time(ctx).Result()
	if err != nil {
		return nil, fmt.Errorf("list the locks: %w", err)
	}
	var held []LockedError
	err = s.eachLock(ctx, func(r LockRequest, text string) error {
		record, err := readLock(text)
		if err != nil {
			return err
		}
		_, err = s.freeFor(ctx, r, record, now)
		if e, ok := errors.AsType[*LockedError](err); ok {
			held = append(held, *e)
			return nil
		}
		return err
	})
	return held, err
}

func (s *Store) eachLock(ctx context.Context, do func(r LockRequest, text string) error) error {
	all, err := s.rdb.HGetAll(ctx, locksKey).Result()
	if err != nil {
		return fmt.Errorf("list the locks: %w", err)
	}
	for _, field := range slices.Sorted(maps.Keys(all)) {
		parts := strings.SplitN(field, "/", 3)
		if len(parts) != 3 {
			continue
		}
		r := LockRequest{Account: parts[0], Operation: Operation(parts[1]), Name: parts[2]}
		if err := do(r, all[field]); err != nil {
			return err
		}
	}
	return nil
}

// trimLocks removes the locks that nobody holds.
func (s *Store) trimLocks(ctx context.Context) error {
	now, err := s.rdb.Time(ctx).Result()
	if err != nil {
		return fmt.Errorf("trim the locks: %w", err)
	}
	return s.eachLock(ctx, func(r LockRequest, text string) error {
		record, err := readLock(text)
		if err == nil {
			_, err = s.freeFor(ctx, r, record, now)
		}
		if err != nil {
			return nil // held, or not ours to judge
		}
		l := &Lock{store: s, req: r, stands: text}
		if err := l.swap(ctx); !errors.Is(err, ErrLockLost) {
			return err
		}
		return nil // taken meanwhile
	})
}

// Holder returns the batch that holds an identity, "" if there is none.
func (s *Store) Holder(ctx context.Context, identity string) (ID, error) {
	id, err := s.rdb.Get(ctx, identityKey(identity)).Result()
	if errors.Is(err, redis.Nil) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("look for the batch of a sheet: %w", err)
	}
	return id, nil
}
