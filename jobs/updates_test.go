package jobs

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"aftership-bulk/aftership"
	"aftership-bulk/internal/redistest"
)

var noon = time.Date(2026, 8, 16, 12, 0, 0, 0, time.UTC)

// event is an event of a tracking at a minute after noon.
func event(id string, minute int, tag aftership.Tag) aftership.WebhookEvent {
	return aftership.WebhookEvent{
		ID: id, Kind: aftership.WebhookUpdate, At: noon.Add(time.Hour),
		Tracking: aftership.Tracking{
			Shipment: aftership.Shipment{ID: "t1", TrackingNumber: "1Z999", Slug: "ups"}, LegacyID: "old1", Tag: tag,
			Subtag: string(tag) + "_001", UpdatedAt: noon.Add(time.Duration(minute) * time.Minute), ExpectedDelivery: "2026-08-20",
			Checkpoints: []aftership.Checkpoint{{Message: "first"}, {Message: "=newest,\nof " + id}},
		},
	}
}

// testUpdater is an updater over a directory, whose lease is short.
func testUpdater(t *testing.T, rdb redis.UniversalClient, dir, host string) *updater {
	t.Helper()
	u := newUpdater(Options{Log: slog.New(slog.DiscardHandler), Observer: deaf{}, Now: time.Now,
		Updates: &UpdateOptions{Redis: rdb, Dir: dir, lease: 50 * time.Millisecond}})
	u.log.host = host
	t.Cleanup(func() {
		if err := u.log.shut(); err != nil {
			t.Error(err)
		}
	})
	return u
}

// insist takes an event until it is taken, as the queue does.
func insist(t *testing.T, u *updater, e aftership.WebhookEvent) UpdateResult {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if result, err := u.take(t.Context(), newUpdate("acc", e)); err == nil {
			return result
		}
	}
	t.Fatalf("event %s was not taken", e.ID)
	return ""
}

// lines reads the events in the daily files of a directory, each with how often it
// stands there.
func lines(t *testing.T, dir string) map[string]int {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "updates-*.csv"))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]int{}
	for _, file := range files {
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		records, err := csv.NewReader(f).ReadAll()
		if err != nil || len(records) == 0 || !slices.Equal(records[0], UpdateColumns()) {
			t.Fatalf("%s: %v, %v", file, err, records)
		}
		for _, r := range records[1:] {
			all[r[len(r)-1]]++
		}
	}
	return all
}

func eachRedis(t *testing.T, test func(t *testing.T, rdb redis.UniversalClient)) {
	t.Helper()
	redistest.Both(t, test)
}

// Whatever the order in which events come, and how often, the newest one is the
// state in the end.
func TestAnOlderEventNeverOverwritesANewerState(t *testing.T) {
	eachRedis(t, func(t *testing.T, rdb redis.UniversalClient) {
		events := []aftership.WebhookEvent{
			event("a", 1, aftership.TagInfoReceived), event("b", 2, aftership.TagInTransit), event("c", 2, aftership.TagOutForDelivery),
			event("d", 3, aftership.TagDelivered), {ID: "e", At: noon.Add(90 * time.Second), Tracking: event("e", 0, aftership.TagPending).Tracking},
		}
		events[4].Tracking.UpdatedAt = time.Time{} // its age is that of the event
		for round := range 30 {
			account := fmt.Sprint("acc", round)
			shuffled := append(slices.Clone(events), events...)
			rand.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
			for _, e := range shuffled {
				newest, err := keepState(t.Context(), rdb, newUpdate(account, e))
				if err != nil || e.ID == "d" && !newest {
					t.Fatal(newest, err)
				}
			}
			got, err := LastKnown(t.Context(), rdb, account, []aftership.Ref{{ID: "t1"}})
			if err != nil || got[0].Event != "d" || got[0].Tag != aftership.TagDelivered {
				t.Fatalf("%+v, %v", got, err)
			}
		}
		left, err := rdb.PTTL(t.Context(), stateKey("acc0", "t1")).Result()
		if err != nil || left < StatesKept-time.Hour || left > StatesKept {
			t.Errorf("the state is kept for %s, %v", left, err)
		}
	})
}

// Two events of one moment have one order, whichever comes first.
func TestEventsOfOneMoment(t *testing.T) {
	rdb := redistest.Mini(t)
	for _, order := range [][]string{{"a", "b"}, {"b", "a"}} {
		account := strings.Join(order, "")
		for _, id := range order {
			if _, err := keepState(t.Context(), rdb, newUpdate(account, event(id, 1, aftership.TagInTransit))); err != nil {
				t.Fatal(err)
			}
		}
		if got, _ := LastKnown(t.Context(), rdb, account, []aftership.Ref{{ID: "t1"}}); got[0].Event != "b" {
			t.Errorf("%v: %s", order, got[0].Event)
		}
	}
}

func TestLastKnown(t *testing.T) {
	eachRedis(t, func(t *testing.T, rdb redis.UniversalClient) {
		keep := func(id, legacy, number, slug string, minute int) {
			e := event("e-"+id+slug, minute, aftership.TagInTransit)
			e.Tracking.ID, e.Tracking.LegacyID, e.Tracking.TrackingNumber, e.Tracking.Slug = id, legacy, number, slug
			if _, err := keepState(t.Context(), rdb, newUpdate("acc", e)); err != nil {
				t.Fatal(err)
			}
		}
		keep("t1", "old1", "1Z999", "ups", 1)
		keep("t2", "", "1Z999", "dhl", 2)
		keep("", "", "9400", "usps", 3)
		refs := []aftership.Ref{
			{ID: "t1"}, {ID: "old1"}, {TrackingNumber: "1z999", Slug: "ups"}, {TrackingNumber: "1Z999", Slug: "DHL"}, {TrackingNumber: "1Z999"},
			{TrackingNumber: "9400", Slug: "usps"}, {TrackingNumber: "9400", Slug: "ups"}, {ID: "t9"}, {}, {ID: "t9", TrackingNumber: "1Z999", Slug: "ups"}, {Slug: "ups"},
		}
		got, err := LastKnown(t.Context(), rdb, "acc", refs)
		if err != nil {
			t.Fatal(err)
		}
		var events []string
		for _, u := range got {
			events = append(events, u.Event)
		}
		want := []string{"e-t1ups", "e-t1ups", "e-t1ups", "e-t2dhl", "e-t2dhl", "e-usps", "", "", "", "e-t1ups", ""}
		if !slices.Equal(events, want) {
			t.Errorf("got  %q\nwant %q", events, want)
		}
		many := make([]aftership.Ref, 3*knownPage+1)
		many[3*knownPage] = aftership.Ref{ID: "t2"}
		if got, err = LastKnown(t.Context(), rdb, "acc", many); err != nil || len(got) != len(many) || got[3*knownPage].Event != "e-t2dhl" || got[0].Known() {
			t.Errorf("%d, %v", len(got), err)
		}
		if none, err := LastKnown(t.Context(), rdb, "another", refs[:1]); err != nil || none[0].Known() {
			t.Errorf("another account's: %+v, %v", none, err)
		}
		if none, err := LastKnown(t.Context(), rdb, "acc", nil); err != nil || len(none) != 0 {
			t.Errorf("%v %v", none, err)
		}
	})
}

// An event is written once, however often its task comes, and its line can be read
// as a sheet.
func TestAnEventIsWrittenOnce(t *testing.T) {
	eachRedis(t, func(t *testing.T, rdb redis.UniversalClient) {
		dir := filepath.Join(t.TempDir(), "updates")
		u := testUpdater(t, rdb, dir, "host-1")
		if got := insist(t, u, event("e1", 2, aftership.TagInTransit)); got != UpdateNewest {
			t.Errorf("%s", got)
		}
		if got := insist(t, u, event("e1", 2, aftership.TagInTransit)); got != UpdateRepeat {
			t.Errorf("%s", got)
		}
		if got := insist(t, u, event("e2", 1, aftership.TagInfoReceived)); got != UpdateLate {
			t.Errorf("%s", got)
		}
		text, err := os.ReadFile(filepath.Join(dir, u.log.today()))
		want := "time,tracking_number,slug,id,tag,subtag,subtag_message,message,expected_delivery,event,account,event_id\n" +
			"2026-08-16T12:02:00Z,1Z999,ups,t1,InTransit,InTransit_001,,\"'=newest, of e1\",2026-08-20,tracking_update,acc,e1\n" +
			"2026-08-16T12:01:00Z,1Z999,ups,t1,InfoReceived,InfoReceived_001,,\"'=newest, of e2\",2026-08-20,tracking_update,acc,e2\n"
		if err != nil || string(text) != want {
			t.Errorf("%v\n%s", err, text)
		}
		if ttl := rdb.PTTL(t.Context(), eventKey("acc", "e1")).Val(); ttl < 68*time.Hour || ttl > eventsKept {
			t.Errorf("the event is known for %s", ttl)
		}
	})
}

// Many tasks of the same events at once, in two processes: each is written once.
func TestManyAtOnce(t *testing.T) {
	eachRedis(t, func(t *testing.T, rdb redis.UniversalClient) {
		dir := t.TempDir()
		one, two := testUpdater(t, rdb, dir, "host-1"), testUpdater(t, rdb, dir, "host-2")
		one.opts.lease, two.opts.lease = time.Minute, time.Minute // nobody dies here
		var all sync.WaitGroup
		for i := range 200 {
			for _, u := range []*updater{one, two} {
				all.Go(func() {
					_, err := u.take(t.Context(), newUpdate("acc", event(fmt.Sprint("e", i), i, aftership.TagInTransit)))
					if _, waits := errors.AsType[*backError](err); err != nil && !waits {
						t.Error(err)
					}
				})
			}
		}
		all.Wait()
		checkOnce(t, lines(t, dir), 200)
	})
}

func checkOnce(t *testing.T, got map[string]int, want int) {
	t.Helper()
	if len(got) != want {
		t.Errorf("%d events of %d were written", len(got), want)
	}
	for id, n := range got {
		if n != 1 {
			t.Errorf("event %s was written %d times", id, n)
		}
	}
}

// crash is the end of a process between two steps.
var errCrash = errors.New("crash")

// crashing makes a client that dies at the n-th command that its updater sends, and
// at all after it.
func crashing(t *testing.T, server *redistest.Redis, n int64) redis.UniversalClient {
	t.Helper()
	c := server.Client()
	t.Cleanup(func() { _ = c.Close() })
	c.AddHook(crashHook{left: new(atomic.Int64), at: n})
	return c
}

type crashHook struct {
	left *atomic.Int64
	at   int64
}

func (h crashHook) DialHook(next redis.DialHook) redis.DialHook { return next }
func (h crashHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if h.left.Add(1) >= h.at {
			return errCrash
		}
		return next(ctx, cmd)
	}
}

func (h crashHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if h.left.Add(1) >= h.at {
			return errCrash
		}
		return next(ctx, cmds)
	}
}

// A process dies at any step of an event. Its successor sees to it that the event
// is written once where it can read the dead one's file, and at least once where
// it cannot: then the crash between the line and the mark costs a second line of
// the same event_id, and no other crash does.
func TestCrashAtEveryStep(t *testing.T) {
	server := redistest.Server(t)
	rdb := server.Client()
	defer rdb.Close()
	for _, shared := range []bool{true, false} {
		crashes, doubled := 0, 0
		for step := int64(1); ; step++ {
			dir := t.TempDir()
			other := dir
			if !shared {
				other = t.TempDir()
			}
			e := event(fmt.Sprintf("step-%d-%v", step, shared), 1, aftership.TagExpired)
			var called atomic.Int64
			hook := func(context.Context, Update) error { called.Add(1); return nil }
			dying := testUpdater(t, crashing(t, server, step), dir, "dying")
			dying.opts.Expired = hook
			_, err := dying.take(t.Context(), newUpdate(e.ID, e))
			next := testUpdater(t, rdb, other, "next")
			next.opts.Expired = hook
			for result := UpdateResult(""); result == "" && err != nil; {
				result, _ = next.take(t.Context(), newUpdate(e.ID, e))
			}
			got := lines(t, dir)[e.ID]
			if !shared {
				got += lines(t, other)[e.ID]
			}
			if got == 2 && !shared {
				doubled++
			} else if got != 1 {
				t.Errorf("shared %v, step %d: written %d times", shared, step, got)
			}
			if called.Load() < 1 || called.Load() > 2 {
				t.Errorf("step %d: the hook was called %d times", step, called.Load())
			}
			if err == nil {
				break
			}
			crashes++
		}
		if want := map[bool]int{true: 0, false: 1}[shared]; doubled != want || crashes < 4 {
			t.Errorf("shared %v: %d of %d crashes made a second line, want %d", shared, doubled, crashes, want)
		}
	}
}

// The claims of several dead processes are all looked through.
func TestCrashAfterCrash(t *testing.T) {
	server := redistest.Server(t)
	rdb := server.Client()
	defer rdb.Close()
	dir := t.TempDir()
	e := event("e1", 1, aftership.TagInTransit)
	first := testUpdater(t, rdb, dir, "first")
	c, err := first.claim(t.Context(), newUpdate("acc", e))
	if err != nil {
		t.Fatal(err)
	}
	if err := first.record(newUpdate("acc", e), c); err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"second", "third"} { // die before they look
		u := testUpdater(t, rdb, dir, host)
		for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
			if _, err := u.claim(t.Context(), newUpdate("acc", e)); err == nil {
				break
			}
		}
	}
	insist(t, testUpdater(t, rdb, dir, "fourth"), e)
	checkOnce(t, lines(t, dir), 1)
}

// A claim that is fresh is left to its holder, and a holder that comes late does not write.
func TestClaims(t *testing.T) {
	rdb := redistest.Mini(t)
	u := testUpdater(t, rdb, t.TempDir(), "one")
	u.opts.lease = time.Hour
	up := newUpdate("acc", event("e1", 1, aftership.TagInTransit))
	c, err := u.claim(t.Context(), up)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := u.take(t.Context(), up); err == nil || retryDelay(0, err, nil) != updateBack {
		t.Errorf("a fresh claim was taken: %v", err)
	}
	c.until = time.Now().Add(-time.Second)
	if err := u.record(up, c); !errors.Is(err, errTooLate) || len(lines(t, u.opts.Dir)) != 0 {
		t.Errorf("%v", err)
	}
}

// A line that a power cut broke off does not spoil the next one, and counts as not written.
func TestTornLine(t *testing.T) {
	rdb := redistest.Mini(t)
	dir := t.TempDir()
	u := testUpdater(t, rdb, dir, "one")
	name := u.log.today()
	whole := string(csvLine(UpdateColumns())) + "2026-08-16T12:02:00Z,1,ups,,,,,,,x,acc,e0\n2026-08-16T12:02:00Z,1Z999,ups,t1,InTran"
	if err := os.WriteFile(filepath.Join(dir, name), []byte(whole), 0o600); err != nil {
		t.Fatal(err)
	}
	for event, want := range map[string]bool{"e0": true, "InTran": false, "e": false, "e1": false} {
		if got, err := u.log.has(name, event); got != want || err != nil {
			t.Errorf("%s: %v, %v", event, got, err)
		}
	}
	insist(t, u, event("e1", 1, aftership.TagInTransit))
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil || !strings.HasPrefix(string(text), whole+"\n2026-08-16T12:01:00Z,") || !strings.HasSuffix(string(text), ",e1\n") {
		t.Errorf("%v\n%s", err, text)
	}
}

// A directory that cannot be written keeps the event on the queue.
func TestDirectoryThatCannotBeWritten(t *testing.T) {
	rdb := redistest.Mini(t)
	blocker := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(blocker, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	u := testUpdater(t, rdb, filepath.Join(blocker, "updates"), "one")
	e := event("e1", 1, aftership.TagInTransit)
	if _, err := u.take(t.Context(), newUpdate("acc", e)); err == nil || !strings.Contains(err.Error(), "UPDATES_DIR") {
		t.Fatalf("%v", err)
	}
	if err := os.Remove(blocker); err != nil {
		t.Fatal(err)
	}
	insist(t, u, e)
	checkOnce(t, lines(t, filepath.Join(blocker, "updates")), 1)
}

// A new day has a new file.
func TestDays(t *testing.T) {
	rdb := redistest.Mini(t)
	dir := t.TempDir()
	u := testUpdater(t, rdb, dir, "one")
	now := noon
	u.log.now = func() time.Time { return now }
	insist(t, u, event("e1", 1, aftership.TagInTransit))
	now = now.Add(24 * time.Hour)
	insist(t, u, event("e2", 1, aftership.TagInTransit))
	for _, name := range []string{"updates-2026-08-16.one.csv", "updates-2026-08-17.one.csv"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%v %v", info, err)
		}
	}
	checkOnce(t, lines(t, dir), 2)
}

// Webhooks become tasks once, and workers carry them out; an expired shipment
// reaches the hook, unless a later state is known.
func TestUpdatesThroughTheQueue(t *testing.T) {
	redistest.Both(t, func(t *testing.T, rdb redis.UniversalClient) {
		r := newRig(t, rdb, aftership.V202507, sandboxDefaults)
		dir := t.TempDir()
		expired := make(chan Update, 10)
		heard := &hearer{}
		r.opts.Observer = heard
		r.opts.Updates = &UpdateOptions{Redis: rdb, Dir: dir, Expired: func(_ context.Context, u Update) error { expired <- u; return nil }}
		updates := NewUpdates(rdb, r.queue)
		take := func(e aftership.WebhookEvent, want Taken) {
			t.Helper()
			if got, err := updates.Take(t.Context(), "acc", e); got != want || err != nil {
				t.Errorf("event %s: %s, %v; want %s", e.ID, got, err, want)
			}
		}
		take(event("e1", 1, aftership.TagInTransit), TakenNew)
		take(event("e1", 1, aftership.TagInTransit), TakenRepeat) // it stands on the queue
		take(aftership.WebhookEvent{ID: "test", Kind: aftership.WebhookUpdate}, TakenEmpty)
		r.work()
		take(event("e2", 3, aftership.TagExpired), TakenNew)
		if u := <-expired; u.Event != "e2" || u.ID != "t1" || u.Account != "acc" {
			t.Errorf("%+v", u)
		}
		take(event("e3", 2, aftership.TagExpired), TakenNew) // late: no retrack
		for _, id := range []string{"e1", "e2", "e3"} {
			for end := time.Now().Add(patience); rdb.Get(t.Context(), eventKey("acc", id)).Val() != eventDone; time.Sleep(5 * time.Millisecond) {
				if time.Now().After(end) {
					t.Fatalf("event %s is not done", id)
				}
			}
		}
		take(event("e1", 1, aftership.TagInTransit), TakenRepeat) // it was carried out
		checkOnce(t, lines(t, dir), 3)
		if len(expired) != 0 {
			t.Errorf("a late event was retracked: %+v", <-expired)
		}
	})
}
