package jobs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"aftership-bulk/aftership"
)

// UpdateOptions are the settings of a worker that takes in webhooks.
type UpdateOptions struct {
	// Redis holds marks and states. It must be a client whose cancelled contexts
	// stay cancelled.
	Redis redis.UniversalClient
	// Dir is the directory of the daily files. Empty writes none.
	Dir string
	// Expired is called for each event that says that a shipment has expired,
	// unless a later one is known. It may be called again for the same event,
	// after a crash; while it returns an error, the event comes back. Defaults to
	// nothing.
	Expired func(ctx context.Context, u Update) error

	lease time.Duration
}

const (
	// updatePlaces is how many events are taken in at once. They share writes and
	// fsyncs, so that more places make a slow disk carry more.
	updatePlaces = 16
	// updateLease is how long an event belongs to the process that is about to
	// write its line. Whoever finds it without a line after that writes it.
	updateLease = 15 * time.Second
	// updateBack is how soon an event comes back that another process has begun.
	updateBack = 3 * time.Second
)

// updater carries out the tasks of webhooks' events.
//
// An event's line is written before the event is marked as done, so that no crash
// loses it. For the crash in between, Redis knows before the write which file the
// line goes to: whoever gets the event next looks whether it stands there, and
// writes it only where it does not. That needs the file: for the workers of one
// machine, or with one shared directory, every event is written once. A worker
// that cannot see the dead one's file writes the line again, with the same
// event_id.
type updater struct {
	opts   UpdateOptions
	log    *updateLog // nil where no files are written
	notify Observer
	slog   *slog.Logger
}

func newUpdater(o Options) *updater {
	u := &updater{opts: *o.Updates, notify: o.Observer, slog: o.Log}
	u.opts.lease = cmp.Or(u.opts.lease, updateLease)
	if u.opts.Dir != "" {
		u.log = newUpdateLog(u.opts.Dir, o.Now)
	}
	return u
}

// newUpdateServers makes the servers of the queues of events, one for each account.
func (w *Worker) newUpdateServers(rdb redis.UniversalClient) {
	if w.opts.Updates == nil {
		return
	}
	if w.opts.RetrackExpired > 0 && w.opts.Updates.Expired == nil {
		w.opts.Updates.Expired = w.await
	}
	w.updater = newUpdater(w.opts)
	for _, a := range w.accounts {
		cfg := w.config(a, laneFinish)
		cfg.Concurrency = updatePlaces
		cfg.Queues = map[string]int{updateQueue(a.Name): 1}
		w.updates = append(w.updates, asynq.NewServerFromRedisClient(rdb, cfg))
	}
}

func (w *Worker) startUpdates() error {
	for i, s := range w.updates {
		if err := s.Start(w.updater); err != nil {
			return fmt.Errorf("start to take in the updates of account %s: %w", w.accounts[i].Name, err)
		}
	}
	return nil
}

// endUpdates is called when no event is under way any more.
func (w *Worker) endUpdates() {
	if w.updater == nil || w.updater.log == nil {
		return
	}
	if err := w.updater.log.shut(); err != nil {
		w.opts.Log.Warn("the file of updates could not be closed", "error", err)
	}
}

// ProcessTask takes in one event.
func (u *updater) ProcessTask(ctx context.Context, t *asynq.Task) error {
	up, err := decodeUpdate(t.Payload())
	if errors.Is(err, errNewerPayload) {
		return back(time.Minute, "%v", err)
	}
	if err != nil {
		u.slog.Error("dropped an event that is not ours", "type", t.Type(), "error", err)
		return nil
	}
	result, err := u.take(ctx, up)
	if err != nil {
		if _, waits := errors.AsType[*backError](err); !waits {
			u.slog.Error("an update was not taken in; it comes back", "event", up.Event, "tracking_number", up.TrackingNumber, "error", err)
		}
		return err
	}
	u.notify.Updated(up.Account, result)
	return nil
}

// UpdateResult is what an event meant for what is known of its tracking.
type UpdateResult string

// What an event can mean.
const (
	UpdateNewest UpdateResult = "newest" // it is the tracking's last known state now
	UpdateLate   UpdateResult = "late"   // a later state was known already; the event stands in the day's file only
	UpdateRepeat UpdateResult = "repeat" // it was taken in before
)

// AllUpdateResults lists everything that an event can mean.
func AllUpdateResults() []UpdateResult {
	return []UpdateResult{UpdateNewest, UpdateLate, UpdateRepeat}
}

// take does what an event asks for: state, line, hook, mark. Every step may be
// repeated, and the mark is the last one.
func (u *updater) take(ctx context.Context, up Update) (UpdateResult, error) {
	c, err := u.claim(ctx, up)
	if err != nil {
		return "", err
	}
	if c.done {
		return UpdateRepeat, nil
	}
	newest, err := keepState(ctx, u.opts.Redis, up)
	if err != nil {
		return "", err
	}
	if err := u.record(up, c); err != nil {
		return "", err
	}
	if newest && up.Tag == aftership.TagExpired && u.opts.Expired != nil {
		if err := u.opts.Expired(ctx, up); err != nil {
			return "", fmt.Errorf("the shipment has expired: %w", err)
		}
	}
	if err := u.opts.Redis.Set(ctx, eventKey(up.Account, up.Event), eventDone, eventsKept).Err(); err != nil {
		return "", fmt.Errorf("mark event %s as done: %w", up.Event, err)
	}
	if newest {
		return UpdateNewest, nil
	}
	return UpdateLate, nil
}

// claim is the right to write an event's line.
type claim struct {
	done  bool
	file  string    // where the line goes
	files []string  // where earlier holders of the claim may have written it
	until time.Time // the end of the right
}

// scriptClaim gives an event to one process, on Redis' clock, and keeps the names
// of the files of all that had it.
// KEYS: event. ARGV: file, lease, kept for.
// Returns {0, earlier files} or {1} if the event is done, {2} if it belongs to another.
var scriptClaim = redis.NewScript(`
local old = redis.call('GET', KEYS[1])
if old == 'done' then return {1} end
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local files, all = '', ARGV[1]
if old then
  local since, named = string.match(old, '^(%d+)|(.*)$')
  if now - tonumber(since) < tonumber(ARGV[2]) then return {2} end
  files, all = named, named
  if not string.find('|' .. named .. '|', '|' .. ARGV[1] .. '|', 1, true) then all = named .. '|' .. ARGV[1] end
end
redis.call('SET', KEYS[1], string.format('%.0f', now) .. '|' .. all, 'PX', ARGV[3])
return {0, files}`)

func (u *updater) claim(ctx context.Context, up Update) (claim, error) {
	c := claim{until: time.Now().Add(u.opts.lease * 2 / 3)}
	if u.log != nil {
		c.file = u.log.today()
	}
	answer, err := scriptClaim.Run(ctx, u.opts.Redis, []string{eventKey(up.Account, up.Event)},
		c.file, u.opts.lease.Milliseconds(), eventsKept.Milliseconds()).Slice()
	if err != nil {
		return c, fmt.Errorf("claim event %s: %w", up.Event, err)
	}
	switch answer[0].(int64) {
	case 1:
		c.done = true
	case 2:
		return c, back(updateBack, "event %s is under way in another process, or was when that died", up.Event)
	default:
		files, _ := answer[1].(string)
		c.files = slices.DeleteFunc(strings.Split(files, "|"), func(s string) bool { return s == "" })
	}
	return c, nil
}

// record writes the event's line unless an earlier holder of the claim has.
func (u *updater) record(up Update, c claim) error {
	if u.log == nil {
		return nil
	}
	for _, file := range c.files {
		there, err := u.log.has(file, up.Event)
		if err != nil || there {
			return err
		}
	}
	return u.log.add(c.file, csvLine(up.cells()), c.until)
}
