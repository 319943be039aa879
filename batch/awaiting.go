package batch

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

var (
	scriptAwait     = script("await")
	scriptAwaited   = script("awaited")
	scriptUnportion = script("unportion")
)

const (
	// awaitingKept is how long trackings wait for a retrack while nothing comes and nobody takes them.
	awaitingKept = 60 * 24 * time.Hour
	// MostAwaited is how many waiting trackings are read, and taken, at once.
	MostAwaited = 500
)

// Awaiting is a tracking that waits for its retrack.
type Awaiting struct {
	ID string
	// Known is what is known of it, in the caller's form.
	Known string
}

// Act is what becomes of a tracking that waits for its retrack.
type Act string

const (
	// ActTake puts it into the portion.
	ActTake Act = "take"
	// ActDrop forgets it.
	ActDrop Act = "drop"
	// ActWait lets it wait until it is due.
	ActWait Act = "wait"
)

// AllActs lists everything that can become of a waiting tracking.
func AllActs() []Act { return []Act{ActTake, ActDrop, ActWait} }

// Decision says what becomes of a waiting tracking, as long as nothing else is known of it by then.
type Decision struct {
	Awaiting
	Act Act
	Due time.Time // of ActWait
}

// Portion is some trackings on their way into a batch. It stays until that batch has them.
type Portion struct {
	Name      string
	Trackings []Awaiting // by id
}

type awaitKeys struct{ due, what, portion string }

func awaitKeysOf(account string) awaitKeys {
	tag := "aftership:{expired:" + account + "}:"
	return awaitKeys{tag + "due", tag + "what", tag + "portion"}
}

// Await notes that a tracking waits for its retrack. One that waits already keeps its place.
func (s *Store) Await(ctx context.Context, account string, a Awaiting) error {
	k := awaitKeysOf(account)
	if err := scriptAwait.Run(durable(ctx), s.rdb, []string{k.due, k.what}, a.ID, s.now(), a.Known, awaitingKept.Milliseconds()).Err(); err != nil {
		return fmt.Errorf("let a tracking of account %s wait for its retrack: %w", account, err)
	}
	return nil
}

// Awaiting returns trackings that are due, those that have waited longest, MostAwaited at most.
func (s *Store) Awaiting(ctx context.Context, account string) ([]Awaiting, error) {
	k := awaitKeysOf(account)
	ids, err := s.rdb.ZRangeArgs(ctx, redis.ZRangeArgs{Key: k.due, ByScore: true, Start: "-inf", Stop: s.now(), Count: MostAwaited}).Result()
	if err != nil || len(ids) == 0 {
		return nil, wrapAwaiting(account, err)
	}
	known, err := s.rdb.HMGet(ctx, k.what, ids...).Result()
	if err != nil {
		return nil, wrapAwaiting(account, err)
	}
	all := make([]Awaiting, len(ids))
	for i, text := range texts(known) {
		all[i] = Awaiting{ids[i], text}
	}
	return all, nil
}

// Decide carries out decisions. What is taken becomes the portion of that name, in one step: a crash leaves a tracking among
// those that wait or in the portion. While there is a portion nothing is done.
func (s *Store) Decide(ctx context.Context, account, name string, decisions []Decision) (taken int, err error) {
	if len(decisions) == 0 {
		return 0, nil
	}
	k := awaitKeysOf(account)
	args := []any{name, awaitingKept.Milliseconds()}
	for _, d := range decisions {
		args = append(args, string(d.Act), d.ID, d.Known, d.Due.UnixMilli())
	}
	ns, err := scriptAwaited.Run(durable(ctx), s.rdb, []string{k.due, k.what, k.portion}, args...).Int64Slice()
	if err != nil {
		return 0, wrapAwaiting(account, err)
	}
	return max(0, int(ns[0])), nil
}

// Portion returns the portion that stands, with no trackings if there is none.
func (s *Store) Portion(ctx context.Context, account string) (Portion, error) {
	fields, err := s.rdb.HGetAll(ctx, awaitKeysOf(account).portion).Result()
	p := Portion{Name: fields["name"]}
	for field, text := range fields {
		if id, ok := strings.CutPrefix(field, "id:"); ok {
			p.Trackings = append(p.Trackings, Awaiting{id, text})
		}
	}
	slices.SortFunc(p.Trackings, func(a, b Awaiting) int { return strings.Compare(a.ID, b.ID) })
	return p, wrapAwaiting(account, err)
}

// EndPortion removes the portion of that name: a batch has its trackings.
func (s *Store) EndPortion(ctx context.Context, account, name string) error {
	return wrapAwaiting(account, scriptUnportion.Run(durable(ctx), s.rdb, []string{awaitKeysOf(account).portion}, name).Err())
}

func wrapAwaiting(account string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("take the trackings of account %s that wait for their retrack: %w", account, err)
}
