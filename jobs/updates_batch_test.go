package jobs

import (
	"context"
	"encoding/csv"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"aftership-bulk/aftership"
	"aftership-bulk/aftership/sandbox"
	"aftership-bulk/batch"
	"aftership-bulk/internal/redistest"
	"aftership-bulk/sheet"
)

// The rows of a batch are shown with what webhooks told: by the id that AfterShip
// gave, else by number and slug.
func TestTrackings(t *testing.T) {
	r := newRig(t, redistest.Client(t), aftership.V202507, sandbox.Options{}) // there are no webhooks without Redis
	r.work()
	const rows = knownPage + 20
	id := r.accept(batch.Create, Defaults{}, numbered(rows)+",ups\n")
	b := r.ended(id)
	for i, item := range r.results(id) {
		e := event(fmt.Sprint("e", i), i, aftership.TagDelivered)
		e.Tracking.ID, e.Tracking.TrackingNumber, e.Tracking.LegacyID = item.Result.TrackingID, fmt.Sprintf("1Z999AA1%010d", i), ""
		if i%3 == 1 { // a webhook of another version, with another id
			e.Tracking.ID = "other" + item.Result.TrackingID
		}
		if i%3 == 2 || i == rows {
			continue // nothing came
		}
		if _, err := keepState(t.Context(), r.rdb, newUpdate("acc", e)); err != nil {
			t.Fatal(err)
		}
	}
	n := 0
	for tr, err := range Trackings(t.Context(), r.rdb, r.ledger, b, r.version) {
		if err != nil {
			t.Fatal(err)
		}
		if want := n%3 != 2 && n < rows; tr.Job != n || tr.Last.Known() != want || want && tr.Last.Event != fmt.Sprint("e", n) {
			t.Errorf("job %d is %d: %+v", n, tr.Job, tr.Last)
		}
		n++
	}
	if n != rows+1 {
		t.Errorf("%d of %d jobs", n, rows+1)
	}
	for _, err := range Trackings(t.Context(), r.rdb, r.ledger, batch.Batch{ID: "261122-nobody"}, r.version) {
		if err == nil {
			t.Error("a batch that is not there has trackings")
		}
	}
}

// The figures say how queues, batches and limits stand.
func TestFigures(t *testing.T) {
	eachStore(t, aftership.V202507, sandbox.Options{}, func(t *testing.T, r *rig) {
		r.opts.MaxAttempts = 1
		r.fault(sandbox.Fault{Kind: sandbox.FaultStatus, Status: 503, Numbers: []string{"1Z999AA10000000001"}})
		worker := r.work()
		r.ended(r.accept(batch.Create, Defaults{}, numbered(3)))
		if _, err := r.ledger.Stop(t.Context(), "acc", "update", "no plan", 403); err != nil {
			t.Fatal(err)
		}
		if _, err := NewUpdates(r.rdb, r.queue).Take(t.Context(), "acc", event("e1", 1, aftership.TagInTransit)); err != nil {
			t.Fatal(err)
		}
		f, err := worker.Figures(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if n := f.Batches[BatchGroup{"acc", batch.Finished}]; n != 1 || len(f.Batches) != len(batch.AllStates()) {
			t.Errorf("batches %v", f.Batches)
		}
		if f.DeadLetters["acc"] != 1 || !f.Stops[StopPlace{"acc", "update"}] || len(f.Limits) != len(r.version.Classes()) {
			t.Errorf("%+v", f)
		}
		found := false
		for _, q := range f.Queues {
			found = found || q.Lane == "updates" && q.Priority == batch.Upload && q.Pending == 1 && q.Account == "acc"
		}
		if !found { // nobody takes the event in here
			t.Errorf("queues %+v", f.Queues)
		}
	})
}

func TestPartsOfAQueuesName(t *testing.T) {
	for _, account := range []string{"acc", "my-shop", "a-create-upload"} {
		for _, l := range append(lanes(), laneUpdates) {
			for _, p := range batch.AllPriorities() {
				if lane, prio := partsOf(account, queueName(account, l, p)); lane != string(l) || prio != p {
					t.Errorf("%s is of lane %q and priority %q", queueName(account, l, p), lane, prio)
				}
			}
		}
	}
	if l, p := partsOf("acc", "strange"); l != "" || p != "strange" {
		t.Errorf("%q %q", l, p)
	}
}

// What an event costs in Redis and how many a worker takes in, for docs/automation.md.
func BenchmarkUpdates(b *testing.B) {
	server := redistest.Server(b, redistest.Config("hash-max-listpack-value 512"))
	rdb := server.Client()
	defer rdb.Close()
	u := newUpdater(Options{Log: slog.New(slog.DiscardHandler), Observer: deaf{}, Now: time.Now, Updates: &UpdateOptions{Redis: rdb, Dir: b.TempDir()}})
	defer u.log.shut()
	before := usedMemory(b, rdb)
	places := make(chan struct{}, updatePlaces)
	b.ResetTimer()
	for i := range b.N {
		places <- struct{}{}
		go func() {
			e := event(fmt.Sprintf("3f645f5e-530b-4062-8695-%012d", i), 1, aftership.TagInTransit)
			e.Tracking.ID, e.Tracking.TrackingNumber = fmt.Sprintf("%032d", i), fmt.Sprintf("1Z999AA1%010d", i)
			e.Tracking.LegacyID = fmt.Sprintf("%024d", i)
			if _, err := u.take(context.Background(), newUpdate("acc", e)); err != nil {
				b.Error(err)
			}
			<-places
		}()
	}
	for range updatePlaces {
		places <- struct{}{}
	}
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(usedMemory(b, rdb)-before)/float64(b.N), "bytes/event-of-a-tracking")
	for i := range b.N {
		rdb.Del(context.Background(), eventKey("acc", fmt.Sprintf("3f645f5e-530b-4062-8695-%012d", i)))
	}
	b.ReportMetric(float64(usedMemory(b, rdb)-before)/float64(b.N), "bytes/tracking")
}

func usedMemory(b *testing.B, rdb *redis.Client) (n int64) {
	b.Helper()
	info, err := rdb.Info(context.Background(), "memory").Result()
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := strings.Cut(info, "used_memory:")
	if _, err := fmt.Sscan(rest, &n); err != nil {
		b.Fatal(err)
	}
	return n
}

// Whatever an event says, its line is one line that reads back, and is found again.
func FuzzUpdateLine(f *testing.F) {
	f.Add("e1", "1Z999", "line one\nline two", "=1+1", "\"quoted\", with\r\n,e1\n")
	f.Add("body-00", "\x00\xff", "'", "-", " ")
	f.Fuzz(func(t *testing.T, id, number, message, subtag, expected string) {
		e := event("fixed-id", 1, aftership.TagInTransit)
		e.Tracking.TrackingNumber, e.Tracking.SubtagMessage, e.Tracking.Subtag, e.Tracking.ExpectedDelivery = number, message, subtag, expected
		e.Tracking.ID = id
		u := newUpdate("acc", e)
		line := string(csvLine(u.cells()))
		if strings.Count(line, "\n") != 1 || !strings.HasSuffix(line, ",fixed-id\n") {
			t.Fatalf("%q", line)
		}
		checkReadsBack(t, u, line)
	})
}

func checkReadsBack(t *testing.T, u Update, line string) {
	t.Helper()
	cells, err := csv.NewReader(strings.NewReader(line)).Read()
	if err != nil || len(cells) != len(UpdateColumns()) {
		t.Fatalf("%v: %q", err, line)
	}
	for i, want := range map[int]string{1: u.TrackingNumber, 3: u.ID, 5: u.Subtag, 6: u.SubtagMessage, 8: u.ExpectedDelivery} {
		if got := sheet.Unguard(cells[i]); got != want {
			t.Errorf("%s is %q, want %q", UpdateColumns()[i], got, want)
		}
	}
}
