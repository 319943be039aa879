package batch

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

var (
	scriptRemember = script("remember")
	scriptTakeDay  = script("takeday")
)

const (
	// RetracksKept is how long the history of a tracking is kept after the last retrack, or refusal, in it.
	RetracksKept = 400 * 24 * time.Hour
	// SightsKept is how long a tracking's history is kept that only says since when it is expired. AfterShip lists no tracking for longer.
	SightsKept = 120 * 24 * time.Hour
	// shareKept is how long it is remembered which trackings were taken on a day: longer than any two clocks are apart.
	shareKept = 72 * time.Hour
	// historyPage is how many trackings are asked about in one round trip.
	historyPage = 200
)

// The fields of a history: one for each retrack, under its mark, and these.
const (
	fieldRetrack   = "r:"
	fieldExhausted = "x"
	fieldExpired   = "e"
)

// Retracks is the history of one tracking's retracks.
type Retracks struct {
	// At is when each of ours was taken by AfterShip, by the mark of its job.
	At map[string]time.Time
	// Exhausted is when AfterShip said that the tracking has no retrack left; zero if it never did.
	Exhausted time.Time
	// Expired is since when the tracking has been expired, as it was first seen since its last retrack; zero if nobody saw it.
	Expired time.Time
}

// Mark names a job's run as a history has it, so that noting it again changes nothing.
func Mark(id ID, job, round int) string { return fmt.Sprintf("%s:%d:%d", id, job, round) }

// Times lists when the tracking was retracked, the oldest first.
func (r Retracks) Times() []time.Time { return slices.SortedFunc(maps.Values(r.At), time.Time.Compare) }

// Last is the newest retrack; zero if there is none.
func (r Retracks) Last() time.Time {
	if len(r.At) == 0 {
		return time.Time{}
	}
	return slices.MaxFunc(slices.Collect(maps.Values(r.At)), time.Time.Compare)
}

// add puts in what stands under another name of the tracking.
func (r *Retracks) add(fields map[string]string) {
	for field, value := range fields {
		mark, isRetrack := strings.CutPrefix(field, fieldRetrack)
		switch at := moment(value); {
		case isRetrack && r.At == nil:
			r.At = map[string]time.Time{mark: at}
		case isRetrack:
			r.At[mark] = at
		case field == fieldExhausted:
			r.Exhausted = at
		case field == fieldExpired && (r.Expired.IsZero() || at.Before(r.Expired)):
			r.Expired = at
		}
	}
}

// taggable replaces what would end a hash tag in a key.
var taggable = strings.NewReplacer("{", "%7B", "}", "%7D")

// historyKey is where the history of a tracking stands under one of its names.
func historyKey(account, name string) string {
	return "aftership:{retracks:" + account + ":" + taggable.Replace(name) + "}"
}

// shareKey holds the trackings that were taken on a day (UTC).
func shareKey(account string, day time.Time) string {
	return "aftership:{share:" + account + ":" + day.UTC().Format(time.DateOnly) + "}"
}

// Retracks reads the histories of trackings of an account, in order. Each is given by all of its names: its ids, its slug and number.
func (s *Store) Retracks(ctx context.Context, account string, trackings [][]string) ([]Retracks, error) {
	all := make([]Retracks, len(trackings))
	for first := 0; first < len(trackings); first += historyPage {
		page := trackings[first:min(first+historyPage, len(trackings))]
		cmds := make([][]*redis.MapStringStringCmd, len(page))
		_, err := s.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
			for i, names := range page {
				for _, name := range names {
					cmds[i] = append(cmds[i], p.HGetAll(ctx, historyKey(account, name)))
				}
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("read what was retracked for account %s: %w", account, err)
		}
		for i := range page {
			for _, cmd := range cmds[i] {
				all[first+i].add(cmd.Val())
			}
		}
	}
	return all, nil
}

// NoteRetrack notes that AfterShip has taken a retrack, under each name of the tracking. What was known of its expiry is over by that.
func (s *Store) NoteRetrack(ctx context.Context, account string, names []string, mark string, at time.Time) error {
	return s.remember(ctx, account, names, fieldRetrack+mark, at, RetracksKept, fieldExpired)
}

// NoteExhausted notes that AfterShip has refused a retrack because the tracking has none left.
func (s *Store) NoteExhausted(ctx context.Context, account string, names []string, at time.Time) error {
	return s.remember(ctx, account, names, fieldExhausted, at, RetracksKept, "")
}

func (s *Store) remember(ctx context.Context, account string, names []string, field string, at time.Time, kept time.Duration, over string) error {
	calls := make([]call, len(names))
	for i, name := range names {
		calls[i] = call{[]string{historyKey(account, name)}, []any{field, at.UnixMilli(), kept.Milliseconds(), over}}
	}
	return s.rememberAll(ctx, account, calls)
}

func (s *Store) rememberAll(ctx context.Context, account string, calls []call) error {
	for page := range slices.Chunk(calls, historyPage) {
		if _, err := s.runMany(ctx, scriptRemember, page); err != nil {
			return fmt.Errorf("note what was retracked for account %s: %w", account, err)
		}
	}
	return nil
}

// Sight is a tracking that was seen to be expired, by one of its names.
type Sight struct {
	Name  string
	Since time.Time
}

// NoteExpired notes since when trackings have been expired, unless that is known.
func (s *Store) NoteExpired(ctx context.Context, account string, seen []Sight) error {
	calls := make([]call, len(seen))
	for i, one := range seen {
		calls[i] = call{[]string{historyKey(account, one.Name)}, []any{fieldExpired, one.Since.UnixMilli(), SightsKept.Milliseconds(), ""}}
	}
	return s.rememberAll(ctx, account, calls)
}

// TakeForDay takes trackings into an account's share of a day (UTC) of most trackings, in order, and says which of them are in it. Who
// asks for one again is told the same: it counts once.
func (s *Store) TakeForDay(ctx context.Context, account string, day time.Time, most int, trackings []string) ([]bool, error) {
	taken := make([]bool, 0, len(trackings))
	for page := range slices.Chunk(trackings, historyPage) {
		args := []any{strconv.Itoa(most), shareKept.Milliseconds()}
		for _, t := range page {
			args = append(args, t)
		}
		answer, err := scriptTakeDay.Run(durable(ctx), s.rdb, []string{shareKey(account, day)}, args...).Int64Slice()
		if err != nil {
			return nil, fmt.Errorf("take the share of %s of account %s: %w", day.UTC().Format(time.DateOnly), account, err)
		}
		for _, n := range answer {
			taken = append(taken, n == 1)
		}
	}
	return taken, nil
}

// TakenOnDay says how many trackings are in an account's share of a day (UTC), and which of these.
func (s *Store) TakenOnDay(ctx context.Context, account string, day time.Time, trackings []string) (n int, has []bool, err error) {
	key := shareKey(account, day)
	total, err := s.rdb.SCard(ctx, key).Result()
	for page := range slices.Chunk(trackings, historyPage) {
		var answer []bool
		if err == nil {
			answer, err = s.rdb.SMIsMember(ctx, key, anys(page)...).Result()
		}
		has = append(has, answer...)
	}
	if err != nil {
		return 0, nil, fmt.Errorf("read the share of %s of account %s: %w", day.UTC().Format(time.DateOnly), account, err)
	}
	return int(total), has, nil
}

func anys(texts []string) []any {
	all := make([]any, len(texts))
	for i, text := range texts {
		all[i] = text
	}
	return all
}
