package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"aftership-bulk/aftership"
	"aftership-bulk/batch"
	"aftership-bulk/internal/wire"
	"aftership-bulk/jobs"
	"aftership-bulk/redisconn"
)

// examination looks at everything that stands in the store.
type examination struct {
	*doctor
	s        *session
	accounts map[string]bool // every account that is heard of
	batches  []batch.Batch
	queues   []jobs.QueueState
	stops    map[string][]batch.Stop
}

const (
	// quiet is how long a batch must have been left alone before it counts as left behind.
	quiet = 2 * time.Minute
	// reportDue is how long after its end a batch may be without a report.
	reportDue = 5 * time.Minute
	// skewWarn and skewFail are how far clocks may be apart. asynq's workers tell by their clocks whose lease has run out, which
	// takes a minute: beyond half of that they take tasks from each other.
	skewWarn = 2 * time.Second
	skewFail = 30 * time.Second
	// keyTime bounds the wait for a slot and an answer.
	keyTime = 20 * time.Second
)

func (x *examination) all(ctx context.Context) error {
	x.accounts = map[string]bool{x.cli.cfg.Account: true}
	for _, name := range x.cli.cfg.WithKeys() {
		x.accounts[name] = true
	}
	checks := []func(context.Context) error{x.ledger, x.held, x.outages, x.keys}
	if x.s.embedded == nil {
		checks = []func(context.Context) error{x.redis, x.ledger, x.queued, x.held, x.outages, x.paused, x.tasks, x.workers, x.locks, x.keys}
	}
	for _, check := range checks {
		if err := check(ctx); err != nil {
			return err
		}
	}
	return nil
}

// redis judges what the servers say about themselves.
func (x *examination) redis(ctx context.Context) error {
	all, err := redisconn.FactsOf(ctx, x.s.rdb)
	if err != nil {
		return err
	}
	for _, f := range all {
		where := ""
		if f.Addr != "" {
			where = " of " + f.Addr
		}
		x.version(f, where)
		x.eviction(f, where)
		x.persistence(f, where)
		x.memory(f, where)
		x.listpack(f, where)
		x.clock(f, where)
	}
	return nil
}

const askProvider = "look it up at the provider of this Redis"

func (x *examination) version(f redisconn.Facts, where string) {
	check := "Redis version" + where
	switch enough, known := f.AtLeast(6, 2); {
	case !known:
		x.unknown(check, "Redis does not tell its version; 6.2 is needed", askProvider)
	case !enough:
		x.fail(check, f.Version, "commands that are needed came with 6.2", "update Redis")
	default:
		x.ok(check, "%s", f.Version)
	}
}

func (x *examination) eviction(f redisconn.Facts, where string) {
	check, do := "eviction policy"+where, "CONFIG SET maxmemory-policy noeviction, and in redis.conf"
	switch {
	case f.Policy == "":
		x.unknown(check, "Redis does not tell it; another than noeviction drops rows when memory runs short", askProvider)
	case f.Policy == "noeviction":
		x.ok(check, "noeviction")
	case f.Max == 0:
		x.warn(check, f.Policy+", without a bound of memory", "nothing is dropped as long as maxmemory is not set", do)
	default:
		x.fail(check, f.Policy, "Redis may drop rows and results when memory runs short", do)
	}
}

func (x *examination) persistence(f redisconn.Facts, where string) {
	check, do := "persistence"+where, "CONFIG SET appendonly yes, and in redis.conf"
	switch {
	case f.AppendOnly < 0:
		x.unknown(check, "Redis does not tell whether it keeps an append-only file", askProvider)
	case f.AppendOnly == 1 && f.WriteStatus != "" && f.WriteStatus != "ok":
		x.fail(check, "the last write to the append-only file failed", "what is done now is lost when Redis restarts", "look at Redis' log and at the room on its disk")
	case f.AppendOnly == 1:
		x.ok(check, "append-only file")
	case f.Snapshots != "":
		x.warn(check, "snapshots only (save "+f.Snapshots+")", "when Redis crashes, what was done since the last snapshot is forgotten, and those rows are sent again", do)
	default:
		x.warn(check, "no append-only file", "when Redis restarts, batches and results may be gone", do)
	}
}

func (x *examination) memory(f redisconn.Facts, where string) {
	check := "memory" + where
	need := int64(x.rows) * jobs.BytesPerQueuedRow
	switch {
	case f.Max < 0 || f.Used < 0:
		x.unknown(check, "Redis does not tell how much memory it may use", askProvider)
	case f.Max == 0:
		x.ok(check, "no bound is set; %d rows need about %d MB beside the %d MB in use", x.rows, need>>20, f.Used>>20)
	case need > f.Max-f.Used:
		x.fail(check, fmt.Sprintf("room for %d MB; %d rows need about %d MB", max(0, f.Max-f.Used)>>20, x.rows, need>>20),
			"a sheet of that size is refused", "raise maxmemory, send it in parts with --limit, or remove old batches with `enqueue purge`")
	default:
		x.ok(check, "room for %d MB; %d rows need about %d MB", (f.Max-f.Used)>>20, x.rows, need>>20)
	}
}

// wantedListpack holds a task in a small hash: its message has 257 to 340 bytes.
const wantedListpack = 512

func (x *examination) listpack(f redisconn.Facts, where string) {
	check := "small hashes" + where
	switch {
	case f.ListpackValue < 0:
		x.unknown(check, "Redis does not tell hash-max-listpack-value; 512 saves about a third of the memory of queued rows", askProvider)
	case f.ListpackValue < wantedListpack:
		x.warn(check, fmt.Sprintf("hash-max-listpack-value is %d", f.ListpackValue), "queued rows take about a third more memory than they need",
			"CONFIG SET hash-max-listpack-value 512, and in redis.conf")
	default:
		x.ok(check, "hash-max-listpack-value is %d", f.ListpackValue)
	}
}

func (x *examination) clock(f redisconn.Facts, where string) {
	x.skew("clock here", f.Skew, f.Trip/2, "this machine's clock", "that of Redis"+where)
}

// skew judges how far one clock is ahead of another, known to within a bound.
func (x *examination) skew(check string, ahead, bound time.Duration, whose, other string) {
	apart := max(0, ahead.Abs()-bound)
	found := fmt.Sprintf("%s is within %s of %s", whose, (apart + 2*bound + time.Millisecond).Round(time.Millisecond), other)
	if apart > skewWarn {
		word := "ahead of"
		if ahead < 0 {
			word = "behind"
		}
		found = fmt.Sprintf("%s is %s %s %s", whose, ahead.Abs().Round(100*time.Millisecond), word, other)
	}
	switch {
	case apart > skewFail:
		x.fail(check, found, "workers take each other's tasks for abandoned, and calls are begun twice", "set the clocks by NTP")
	case apart > skewWarn:
		x.warn(check, found, "the times in reports are wrong by that much", "set the clocks by NTP")
	default:
		x.ok(check, "%s", found)
	}
}

// ledger looks at every batch for what was left behind.
func (x *examination) ledger(ctx context.Context) error {
	var half, reportless, unreadable []string
	for b, err := range x.s.ledger.List(ctx) {
		if err != nil && b.ID == "" {
			return err
		}
		if err != nil {
			unreadable = append(unreadable, b.ID)
			continue
		}
		x.batches = append(x.batches, b)
		x.accounts[b.Account] = true
		last := b.CreatedAt
		if b.AppendedAt.After(last) {
			last = b.AppendedAt
		}
		switch {
		case !b.Sealed && b.State != batch.Cancelled && x.now.Sub(last) > quiet:
			half = append(half, b.ID)
		case b.Ended() && b.ReportedAt.IsZero() && b.TrimmedAt.IsZero() && x.now.Sub(b.FinishedAt) > reportDue:
			reportless = append(reportless, b.ID)
		}
	}
	x.leftBehind(half, reportless, unreadable)
	return nil
}

func (x *examination) leftBehind(half, reportless, unreadable []string) {
	if len(half)+len(reportless)+len(unreadable) == 0 {
		x.ok("batches", "%d, none of them left behind", len(x.batches))
	}
	if len(half) > 0 {
		x.warn("batches", "left half received: "+some(half), "their enqueuer ended in the middle, and nothing of them is sent",
			"run the command again that began them, with the same file, or remove them: enqueue purge "+half[0])
	}
	if len(reportless) > 0 {
		x.warn("batches", "finished without a report: "+some(reportless), "no worker could write them, or none has a REPORT_DIR",
			"enqueue report "+reportless[0]+" -o FILE")
	}
	if len(unreadable) > 0 {
		x.warn("batches", "cannot be read: "+some(unreadable), "a newer version of the program wrote them", "update this program")
	}
}

// some names the first of many.
func some(names []string) string {
	const most = 3
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

func (x *examination) queued(ctx context.Context) (err error) {
	if x.queues, err = jobs.NewDoctor(x.s.rdb, x.s.ledger).Queues(ctx); err != nil {
		return err
	}
	for _, q := range x.queues {
		x.accounts[q.Account] = true
	}
	return nil
}

// held tells what keeps rows from being sent: stops, and batches that are held.
func (x *examination) held(ctx context.Context) error {
	x.stops = map[string][]batch.Stop{}
	none := true
	for _, account := range slices.Sorted(maps.Keys(x.accounts)) {
		stops, err := x.s.ledger.Stops(ctx, account)
		if err != nil {
			return err
		}
		x.stops[account] = stops
		for _, s := range stops {
			none = false
			what := "account " + account
			if s.Class != "" {
				what = "the calls " + s.Class + " of " + what
			}
			x.fail("stops", fmt.Sprintf("%s stand still since %s: %s", what, stamp(s.At), s.Reason), "nothing of them is sent, and nothing is lost",
				"mend the cause, then: enqueue resume --account "+account)
		}
	}
	for _, b := range x.batches {
		if b.State.Held() {
			none = false
			x.warn("stops", fmt.Sprintf("batch %s is %s: %s", b.ID, b.State, b.Reason), fmt.Sprintf("its %d pending rows wait", b.Pending()), "enqueue resume "+b.ID)
		}
	}
	if none {
		x.ok("stops", "no account and no batch is held back")
	}
	return nil
}

// outages tells for which operations AfterShip fails every call.
func (x *examination) outages(ctx context.Context) error {
	none := true
	for _, account := range slices.Sorted(maps.Keys(x.accounts)) {
		for _, op := range batch.AllOperations() {
			since, outage, err := jobs.Outages(ctx, x.s.ledger, account, op)
			if err != nil {
				return err
			}
			if outage {
				none = false
				x.warn("outages", fmt.Sprintf("AfterShip has failed every %s call of account %s since %s", op, account, stamp(since)),
					"one call is tried every ten seconds, and no attempt is charged", "wait: it goes on by itself when AfterShip answers again")
			}
		}
	}
	if none {
		x.ok("outages", "AfterShip answers, as far as calls were made")
	}
	return nil
}

// paused finds queues that are paused although no stop says why.
func (x *examination) paused(context.Context) error {
	for _, q := range x.queues {
		if q.Paused && q.Holding(x.stops[q.Account]) == nil {
			x.warn("queues", "queue "+q.Name+" is paused, and no stop says why", fmt.Sprintf("its %d tasks wait for ever", q.Tasks),
				"enqueue resume --account "+q.Account)
		}
	}
	return nil
}

// tasks finds tasks that nobody will carry out as they are.
func (x *examination) tasks(ctx context.Context) error {
	total, clean := 0, true
	for _, q := range x.queues {
		total += q.Tasks
		if q.Unleased > 0 {
			clean = false
			x.warn("tasks", fmt.Sprintf("%d tasks of queue %s are active, and no worker holds them", q.Unleased, q.Name),
				"their worker died; the others take them up", "see that a worker of account "+q.Account+" runs, and look again in two minutes")
		}
		if q.Archived > 0 {
			clean = false
			x.warn("tasks", fmt.Sprintf("%d tasks of queue %s are archived", q.Archived, q.Name),
				"this program never archives: somebody did with asynq's tools, and their rows stay pending",
				"asynq task runall --queue="+q.Name+" --state=archived")
		}
	}
	o, err := jobs.NewDoctor(x.s.rdb, x.s.ledger).Orphans(ctx, x.queues)
	if err != nil {
		return err
	}
	if o.Found > 0 {
		clean = false
		x.warn("tasks", fmt.Sprintf("%d of %d tasks that were looked at are of batches that are gone: %s", o.Found, o.Sampled, some(o.Batches)),
			"their batches were purged, or Redis has lost them; workers drop such tasks", "nothing, if the batches were purged; else import their sheets again")
	}
	if o.Foreign > 0 {
		clean = false
		x.warn("tasks", fmt.Sprintf("%d of %d tasks that were looked at cannot be read", o.Foreign, o.Sampled),
			"a newer version of the program wrote them, or another program uses the queues", "update the workers; let nobody else use this Redis database")
	}
	if clean {
		x.ok("tasks", "%d in %d queues, none of them stuck", total, len(x.queues))
	}
	return nil
}

// workers tells whether every account with pending work is served, and by whom.
func (x *examination) workers(ctx context.Context) error {
	all, err := jobs.NewDoctor(x.s.rdb, x.s.ledger).Workers(ctx)
	if err != nil {
		return err
	}
	served := map[string]int{}
	for _, w := range all {
		for _, account := range w.Accounts {
			served[account]++
		}
		if w.Skew != 0 {
			x.skew("clock of a worker", w.Skew, 0, fmt.Sprintf("the clock of worker %s:%d", w.Host, w.PID), "that of Redis")
		}
	}
	pending := x.pending()
	for _, account := range slices.Sorted(maps.Keys(x.accounts)) {
		switch n := served[account]; {
		case n > 0:
			x.ok("workers", "%s account %s (%s pending)", verbed(n, "serves", "serve"), account, count(pending[account], "row"))
		case pending[account] > 0:
			x.fail("workers", fmt.Sprintf("none serves account %s, which has %s pending", account, count(pending[account], "row")), "they are not sent",
				"start `worker` with this REDIS_URL and the key of account "+account)
		case account == x.cli.cfg.Account && len(all) == 0:
			x.warn("workers", "none runs", "what is enqueued will wait", "start `worker` with this REDIS_URL and the key")
		}
	}
	return nil
}

// pending counts the rows of each account that only wait for workers.
func (x *examination) pending() map[string]int {
	n := map[string]int{}
	for _, b := range x.batches {
		if b.Sealed && !b.State.Held() {
			n[b.Account] += b.Pending()
		}
	}
	return n
}

// locks tells the locks that are held.
func (x *examination) locks(ctx context.Context) error {
	held, err := x.s.ledger.Locks(ctx)
	if err != nil {
		return err
	}
	for _, l := range held {
		x.ok("locks", "%s", l.Error())
	}
	return nil
}

// keys tries every key that is here with one small call.
func (x *examination) keys(ctx context.Context) error {
	names := x.cli.cfg.WithKeys()
	for _, name := range names {
		if err := x.key(ctx, name); err != nil {
			return err
		}
	}
	switch {
	case len(names) > 0:
	case x.s.embedded == nil:
		x.ok("key", "none is set here: the workers have it")
	default:
		x.warn("key", "none is set", "nothing can be sent but to the sandbox", "set AFTERSHIP_API_KEY or AFTERSHIP_API_KEY_FILE")
	}
	return nil
}

func (x *examination) key(ctx context.Context, name string) error {
	check := "key of " + name
	account, err := wire.Account(x.s.cfg, name, x.s.limiterRedis())
	if err != nil {
		x.fail(check, err.Error(), "no call of this account can be made", "enqueue config show")
		return nil
	}
	defer account.Close()
	limited, cancel := context.WithTimeout(ctx, keyTime)
	defer cancel()
	got, err := account.CheckKey(limited)
	switch {
	case err == nil:
		x.limit(check, name, got)
	case ctx.Err() != nil:
		return ctx.Err()
	case limited.Err() != nil:
		x.warn(check, fmt.Sprintf("no answer within %s", keyTime), "the account's limit is used up, or AfterShip is slow", "look again later")
	default:
		x.keyTrouble(check, name, err)
	}
	return nil
}

func (x *examination) keyTrouble(check, account string, err error) {
	e, answered := errors.AsType[*aftership.Error](err)
	switch {
	case !answered:
		x.fail(check, err.Error(), "AfterShip cannot be reached from here", "check the network, proxies and AFTERSHIP_BASE_URL")
	case e.HTTP == 401:
		x.fail(check, err.Error(), "AfterShip does not take this key", "set a valid key, also for the workers, then: enqueue resume --account "+account)
	case e.HTTP == 403:
		x.fail(check, err.Error(), "the key or the plan does not allow to list trackings", "mend it in AfterShip's admin")
	case e.HTTP == 404:
		x.fail(check, err.Error(), "there is no such version of the API at this address", "check AFTERSHIP_API_VERSION and AFTERSHIP_BASE_URL")
	case e.TooMany():
		x.warn(check, err.Error(), "the limit is used up at this moment, by another program perhaps", "look again later")
	default:
		x.warn(check, err.Error(), "AfterShip has troubles, or does not understand this call", "look again later")
	}
}

// limit compares what AfterShip's headers allow with what we take.
func (x *examination) limit(check, name string, got jobs.KeyCheck) {
	h := got.Headers
	ours := wire.Limit(x.s.cfg, x.s.cfg.Accounts[name], got.Class)
	if h.Limit == 0 {
		x.ok(check, "valid; AfterShip tells no limits, and %g requests a second are made at most (%s)", ours, got.Class)
		return
	}
	window := "second"
	if until, ok := h.Until(); ok && until.Sub(cmp.Or(h.Received, x.now)) > 2*time.Second {
		window = "window that ends at " + stamp(until)
	}
	found := fmt.Sprintf("valid; AfterShip allows %d requests a %s (%s), %d were left, and %g a second are made at most", h.Limit, window, got.Class, h.Remaining, ours)
	if window == "second" && ours > float64(h.Limit) {
		x.warn(check, found, "the settings say more than the account has; workers find that out from the first answers", fmt.Sprintf("set RATE_LIMIT to %d", h.Limit))
		return
	}
	x.ok(check, "%s", found)
}
