package jobs

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"aftership-bulk/aftership"
)

// What the updates keep in Redis, each under a hash tag of its own, because
// events of one account may come faster than one node of a cluster serves:
//
//	aftership:{ev:<account>:<event>}       an event: "done", or who is about to write its line, since when
//	aftership:{state:<account>:<subject>}  a tracking's newest update: m, s, e (its order), d (the update), and x (since when it is expired)
//	aftership:{name:<account>:<name>}      the subjects that a tracking number or an older id means
//
// A subject is a tracking's id or, for an event without one, slug and number.
const (
	// eventsKept is how long an event is known again. AfterShip sends for 68 hours.
	eventsKept = 72 * time.Hour
	// StatesKept is how long a tracking's last state is kept after its last
	// event: as long as AfterShip's own list shows a tracking.
	StatesKept = aftership.MaxListAge
	// eventDone marks an event whose line is written and whose state is known.
	eventDone = "done"
)

func eventKey(account, event string) string { return "aftership:{ev:" + account + ":" + event + "}" }

func stateKey(account, subject string) string {
	return "aftership:{state:" + account + ":" + subject + "}"
}

func nameKey(account, name string) string {
	return "aftership:{name:" + account + ":" + strings.ToUpper(name) + "}"
}

// subject is what the state of the update's tracking is kept under.
func (u Update) subject() string {
	if u.ID != "" {
		return u.ID
	}
	return u.Slug + "/" + strings.ToUpper(u.TrackingNumber)
}

// names are what else the tracking can be asked for by.
func (u Update) names() []string {
	var all []string
	for _, name := range []string{u.TrackingNumber, u.LegacyID} {
		if name != "" && name != u.ID {
			all = append(all, name)
		}
	}
	return all
}

// scriptState stores an update unless that of a later event is there. Running it
// again with the same event changes nothing and answers the same.
// KEYS: state. ARGV: at, sent, event, update, kept for, when it expired or ”.
// Returns 1 if the update is the newest that is known.
var scriptState = redis.NewScript(`
local old = redis.call('HMGET', KEYS[1], 'm', 's', 'e')
if old[1] then
  local m, s = tonumber(ARGV[1]) - tonumber(old[1]), tonumber(ARGV[2]) - tonumber(old[2])
  if m < 0 or m == 0 and (s < 0 or s == 0 and ARGV[3] < old[3]) then return 0 end
end
redis.call('HSET', KEYS[1], 'm', ARGV[1], 's', ARGV[2], 'e', ARGV[3], 'd', ARGV[4])
if ARGV[6] == '' then redis.call('HDEL', KEYS[1], 'x') else redis.call('HSETNX', KEYS[1], 'x', ARGV[6]) end
redis.call('PEXPIRE', KEYS[1], ARGV[5])
return 1`)

// keepState stores the update as its tracking's last known state unless a later
// one is known, and says whether it is the newest.
func keepState(ctx context.Context, rdb redis.UniversalClient, u Update) (newest bool, err error) {
	text, err := json.Marshal(u)
	if err != nil {
		return false, fmt.Errorf("write the state of %s: %w", u.subject(), err)
	}
	if _, err := rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, name := range u.names() {
			p.SAdd(ctx, nameKey(u.Account, name), u.subject())
			p.PExpire(ctx, nameKey(u.Account, name), StatesKept)
		}
		return nil
	}); err != nil {
		return false, fmt.Errorf("note the names of %s: %w", u.subject(), err)
	}
	n, err := scriptState.Run(ctx, rdb, []string{stateKey(u.Account, u.subject())},
		milli(u.At), milli(u.Sent), u.Event, text, StatesKept.Milliseconds(), u.expired()).Int()
	if err != nil {
		return false, fmt.Errorf("keep the state of %s: %w", u.subject(), err)
	}
	return n == 1, nil
}

// expired is when the event says that the shipment has expired; empty if it does not.
func (u Update) expired() string {
	if u.Tag != aftership.TagExpired {
		return ""
	}
	return strconv.FormatInt(cmp.Or(milli(u.At), milli(u.Sent)), 10)
}

// milli is a time as scripts compare it; 0 where there is none.
func milli(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// knownPage is how many trackings are asked for in one round trip.
const knownPage = 500

// LastKnown says what webhooks told last about some trackings of an account: one
// update for each reference, in order, which is not [Update.Known] where nothing
// came. A tracking is found by its id, by the older form of its id, or by number
// and slug; of several with one number, and no slug to choose by, the one that
// changed last is told.
func LastKnown(ctx context.Context, rdb redis.UniversalClient, account string, refs []aftership.Ref) ([]Update, error) {
	all := make([]Update, 0, len(refs))
	for page := range slices.Chunk(refs, knownPage) {
		k := knowledge{rdb: rdb, account: account, refs: page, found: make([]Update, len(page))}
		if err := errors.Join(k.byID(ctx), k.byName(ctx)); err != nil {
			return nil, fmt.Errorf("read the last known states of account %s: %w", account, err)
		}
		all = append(all, k.found...)
	}
	return all, nil
}

// knowledge is a page of references on its way to what is known of them.
type knowledge struct {
	rdb     redis.UniversalClient
	account string
	refs    []aftership.Ref
	found   []Update
}

// byID reads the states of those that have an id.
func (k *knowledge) byID(ctx context.Context) error {
	subjects := make([][]string, len(k.refs))
	for i, r := range k.refs {
		if r.ID != "" {
			subjects[i] = []string{r.ID}
		}
	}
	return k.read(ctx, subjects)
}

// byName looks for the others under the names that they have.
func (k *knowledge) byName(ctx context.Context) error {
	cmds := make([][]*redis.StringSliceCmd, len(k.refs))
	_, err := k.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, r := range k.refs {
			for _, name := range []string{r.ID, r.TrackingNumber} {
				if !k.found[i].Known() && name != "" {
					cmds[i] = append(cmds[i], p.SMembers(ctx, nameKey(k.account, name)))
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	subjects := make([][]string, len(k.refs))
	for i, answers := range cmds {
		for _, a := range answers {
			subjects[i] = append(subjects[i], a.Val()...)
		}
	}
	return k.read(ctx, subjects)
}

// read reads the states of subjects and keeps for each reference the best one.
func (k *knowledge) read(ctx context.Context, subjects [][]string) error {
	cmds := make([][]*redis.SliceCmd, len(subjects))
	_, err := k.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, list := range subjects {
			for _, s := range list {
				cmds[i] = append(cmds[i], p.HMGet(ctx, stateKey(k.account, s), "d", "x"))
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for i, answers := range cmds {
		for _, a := range answers {
			u, err := decodeState(a.Val())
			if err == nil && fits(k.refs[i], u) && (!k.found[i].Known() || u.newer(k.found[i])) {
				k.found[i] = u
			}
		}
	}
	return nil
}

// decodeState reads an update as it stands in the state of its tracking.
func decodeState(fields []any) (Update, error) {
	text, _ := fields[0].(string)
	u, err := decodeUpdate([]byte(text))
	if since, _ := fields[1].(string); since != "" {
		ms, _ := strconv.ParseInt(since, 10, 64)
		u.ExpiredSince = time.UnixMilli(ms).UTC()
	}
	return u, err
}

// fits says that an update is about the tracking that a reference means. An id
// says it all: AfterShip may correct a slug after the import.
func fits(r aftership.Ref, u Update) bool {
	if r.ID != "" && (r.ID == u.ID || r.ID == u.LegacyID) {
		return true
	}
	return strings.EqualFold(r.TrackingNumber, u.TrackingNumber) && r.TrackingNumber != "" &&
		(r.Slug == "" || strings.EqualFold(r.Slug, u.Slug))
}
