package jobs

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"aftership-bulk/aftership"
	"aftership-bulk/aftership/sandbox"
	"aftership-bulk/batch"
	"aftership-bulk/internal/redistest"
	"aftership-bulk/ratelimit"
	"aftership-bulk/sheet"
)

func TestMain(m *testing.M) {
	flag.Parse()
	if f := flag.Lookup("test.parallel"); f.Value.String() == f.DefValue {
		_ = f.Value.Set("8") // the tests wait for back-offs and polls more than they compute
	}
	goleak.VerifyTestMain(m)
}

// patience is how long a test waits for something to become so.
const patience = 60 * time.Second

// rig is a sandbox, a ledger, a queue and workers.
type rig struct {
	t       *testing.T
	rdb     redis.UniversalClient
	api     *sandbox.Sandbox
	url     string
	ledger  *batch.Store
	queue   *Queue
	version aftership.Version
	opts    Options
	rate    float64
	runs    int // of retrackOne
}

// newRig sets up everything but the workers. Its limits are high, so that only
// what a test orders slows it down.
func newRig(t *testing.T, rdb redis.UniversalClient, v aftership.Version, o sandbox.Options) *rig {
	t.Helper()
	t.Parallel() // the tests mostly wait
	if o.Limit == 0 {
		o.Limit = -1
	}
	api := sandbox.New(o)
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	return &rig{
		t: t, rdb: rdb, api: api, url: server.URL, version: v, ledger: batch.New(rdb, batch.Options{}), queue: NewQueue(rdb), rate: 5000,
		opts: Options{
			MaxAttempts: 3, Backoff: func(int) time.Duration { return 10 * time.Millisecond }, Poll: pollOf(t),
			ShutdownTime: 5 * time.Second, SweepEvery: -1, Log: slog.New(slog.DiscardHandler), ReportDir: t.TempDir(),
		},
	}
}

// pollOf is how often idle queues are looked at: rarely where each look costs
// miniredis a new Lua machine, which under the race detector is most of a test's work.
func pollOf(t *testing.T) time.Duration {
	if strings.HasSuffix(t.Name(), "/miniredis") {
		return 400 * time.Millisecond
	}
	return 100 * time.Millisecond
}

// account makes an account with pacers of its own.
func (r *rig) account() *Account {
	r.t.Helper()
	client, err := aftership.New(aftership.Options{BaseURL: r.url, APIKey: sandbox.DefaultKey, Version: r.version, Timeout: 2 * time.Second})
	if err != nil {
		r.t.Fatal(err)
	}
	pacers := map[aftership.Class]*ratelimit.Pacer{}
	for _, c := range r.version.Classes() {
		pacers[c] = ratelimit.NewPacer(ratelimit.NewLocalSource(r.rate))
	}
	return &Account{Name: "acc", Client: client, Pacers: pacers}
}

// work starts a worker that ends with the test.
func (r *rig) work() *Worker {
	r.t.Helper()
	w := NewWorker(r.rdb, r.ledger, r.queue, []*Account{r.account()}, r.opts)
	if err := w.Start(context.WithoutCancel(r.t.Context())); err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(w.Shutdown)
	return w
}

func (r *rig) intake() *Intake {
	return &Intake{Ledger: r.ledger, Queue: r.queue, Version: r.version, Now: time.Now}
}

// accept takes a sheet in and feeds it.
func (r *rig) accept(op batch.Operation, def Defaults, text string) batch.ID {
	r.t.Helper()
	id := r.take(op, def, text)
	if err := r.intake().Feed(r.t.Context(), id); err != nil {
		r.t.Fatal(err)
	}
	return id
}

// acceptOnly takes a sheet in and leaves its feeding to the workers.
func (r *rig) acceptOnly(op batch.Operation, text string) batch.ID {
	r.t.Helper()
	return r.take(op, Defaults{}, text)
}

func (r *rig) take(op batch.Operation, def Defaults, text string) batch.ID {
	r.t.Helper()
	sh, s := r.survey(op, def, text)
	b, _, err := r.intake().Accept(r.t.Context(), sh, s, Order{Account: "acc", Who: "test", Priority: batch.Upload})
	if err != nil {
		r.t.Fatal(err)
	}
	return b.ID
}

// survey takes a sheet through pass one.
func (r *rig) survey(op batch.Operation, def Defaults, text string) (*sheet.Sheet, *Survey) {
	r.t.Helper()
	path := filepath.Join(r.t.TempDir(), "sheet.csv")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		r.t.Fatal(err)
	}
	sh, err := sheet.Open(r.t.Context(), path, nil, sheet.Options{})
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = sh.Close() })
	m, _, err := sheet.Map(sh.Header, Columns())
	if err != nil {
		r.t.Fatal(err)
	}
	s, err := Take(r.t.Context(), sh, Plan{Operation: op, Version: r.version, Mapping: m, Defaults: def})
	if err != nil {
		r.t.Fatal(err)
	}
	return sh, s
}

// until waits for a condition on a batch.
func (r *rig) until(id batch.ID, what string, ok func(batch.Batch) bool) batch.Batch {
	r.t.Helper()
	var b batch.Batch
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		var err error
		if b, err = r.ledger.Get(r.t.Context(), id); err != nil {
			r.t.Fatal(err)
		}
		if ok(b) {
			return b
		}
	}
	r.t.Fatalf("batch %s: not %s within %s: %s %v, %d pending", id, what, patience, b.State, b.Counts, b.Pending())
	return b
}

func (r *rig) ended(id batch.ID) batch.Batch {
	r.t.Helper()
	b := r.until(id, "ended", batch.Batch.Ended)
	if err := r.ledger.Audit(r.t.Context(), id); err != nil {
		r.t.Error(err)
	}
	return b
}

// results lists the outcomes of a batch in order.
func (r *rig) results(id batch.ID) []batch.Item {
	r.t.Helper()
	var items []batch.Item
	for item, err := range r.ledger.Results(r.t.Context(), id) {
		if err != nil {
			r.t.Fatal(err)
		}
		items = append(items, item)
	}
	return items
}

func (r *rig) outcomes(id batch.ID) string {
	r.t.Helper()
	var names []string
	for _, item := range r.results(id) {
		names = append(names, string(item.Result.Outcome))
	}
	return strings.Join(names, " ")
}

// numbered is a sheet of so many shipments.
func numbered(n int) string {
	var b strings.Builder
	b.WriteString("tracking_number,slug\n")
	for i := range n {
		fmt.Fprintf(&b, "1Z999AA1%010d,ups\n", i)
	}
	return b.String()
}

func (r *rig) fault(f sandbox.Fault) {
	r.t.Helper()
	if _, err := r.api.Fault(f); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) seed(seeds ...sandbox.Seed) {
	r.t.Helper()
	if err := r.api.Seed(seeds...); err != nil {
		r.t.Fatal(err)
	}
}

// calls counts what the sandbox has seen of an endpoint.
func (r *rig) calls(e aftership.Endpoint) int {
	n := 0
	for _, c := range r.api.Calls() {
		if c.Endpoint == e {
			n++
		}
	}
	return n
}

// eachStore runs a test on miniredis and on a real Redis.
func eachStore(t *testing.T, v aftership.Version, o sandbox.Options, test func(t *testing.T, r *rig)) {
	t.Helper()
	redistest.Both(t, func(t *testing.T, rdb redis.UniversalClient) { test(t, newRig(t, rdb, v, o)) })
}

var created = time.Now().AddDate(0, 0, -40)

func TestFourOperationsInEveryVersion(t *testing.T) {
	for i, v := range aftership.Versions() {
		t.Run(string(v), func(t *testing.T) {
			rdb := redistest.Client(t)
			if i == 0 { // once is enough: polled queues cost miniredis much
				rdb = redistest.Mini(t)
			}
			r := newRig(t, rdb, v, sandbox.Options{})
			r.work()
			id := r.accept(batch.Create, Defaults{}, "tracking_number,slug,emails\n1Z999AA10000000001,ups,a@shop.example\n1Z999AA10000000002,ups,\n")
			r.ended(id)
			if got := r.outcomes(id); got != "created created" {
				t.Errorf("create: %s", got)
			}
			id = r.accept(batch.Update, Defaults{}, "tracking_number,slug,title\n1Z999AA10000000001,ups,New\n1Z999AA10000000002,,Newer\n")
			r.ended(id)
			if got := r.outcomes(id); got != "updated updated" {
				t.Errorf("update: %s", got)
			}
			id = r.accept(batch.Complete, Defaults{Reason: aftership.ReasonDelivered}, "tracking_number,slug\n1Z999AA10000000001,ups\n")
			r.ended(id)
			if got := r.outcomes(id); got != "completed" {
				t.Errorf("complete: %s", got)
			}
			id = r.accept(batch.Retrack, Defaults{}, "tracking_number,slug\n1Z999AA10000000001,ups\n1Z999AA10000000002,ups\n")
			r.ended(id)
			if got := r.outcomes(id); got != "retracked already" {
				t.Errorf("retrack: %s", got)
			}
		})
	}
}

func TestLookups(t *testing.T) {
	eachStore(t, aftership.V202507, sandbox.Options{}, func(t *testing.T, r *rig) {
		var text strings.Builder
		text.WriteString("tracking_number,slug,title\n")
		for i := range 120 {
			r.seed(sandbox.Seed{Slug: "ups", Number: fmt.Sprintf("1Z999AA1%010d", i), Tag: "InTransit", Created: created, Updated: created})
			fmt.Fprintf(&text, "1Z999AA1%010d,ups,Title %d\n", i, i)
		}
		r.seed(
			sandbox.Seed{Slug: "dhl", Number: "TWOCOURIERS1", Tag: "InTransit", Created: created, Updated: created},
			sandbox.Seed{Slug: "gls", Number: "TWOCOURIERS1", Tag: "InTransit", Created: created, Updated: created},
			sandbox.Seed{Slug: "dhl", Number: "OLDONE1", Tag: "InTransit", Created: time.Now().AddDate(0, 0, -130), Updated: created},
		)
		text.WriteString("TWOCOURIERS1,,Which\nTWOCOURIERS1,gls,This\nTWOCOURIERS1,ups,Other\nOLDONE1,dhl,Old\nNEVERSEEN1,ups,Never\n")
		r.work()
		id := r.accept(batch.Update, Defaults{}, text.String())
		r.ended(id)
		items := r.results(id)
		for i, item := range items[:120] {
			if item.Result.Outcome != batch.Updated || item.Result.TrackingID == "" {
				t.Errorf("row %d: %+v", i, item.Result)
			}
		}
		want := []struct {
			outcome batch.Outcome
			say     string
		}{
			{batch.Rejected, "several trackings have this number: dhl, gls"},
			{batch.Updated, ""},
			{batch.Rejected, "under another courier"},
			{batch.Rejected, "last 120 days"},
			{batch.Rejected, "last 120 days"},
		}
		for i, w := range want {
			got := items[120+i].Result
			if got.Outcome != w.outcome || !strings.Contains(got.Message, w.say) {
				t.Errorf("row %d: %s %q, want %s %q", 120+i, got.Outcome, got.Message, w.outcome, w.say)
			}
		}
		if n := r.calls(aftership.EndpointList); n != 3 {
			t.Errorf("%d calls of the list for 125 rows, want 3", n)
		}
		if n := r.calls(aftership.EndpointGet); n != 0 {
			t.Errorf("%d calls for single trackings", n)
		}
	})
}

// A listing that is refused is asked for again in halves, so that one bad number
// does not spoil its neighbours.
func TestRefusedLookupIsSplit(t *testing.T) {
	r := newRig(t, redistest.Client(t), aftership.V202507, sandbox.Options{})
	var text strings.Builder
	text.WriteString("tracking_number,slug,title\n")
	for i := range 8 {
		number := fmt.Sprintf("1Z999AA1%010d", i)
		r.seed(sandbox.Seed{Slug: "ups", Number: number, Tag: "InTransit", Created: created, Updated: created})
		text.WriteString(number + ",ups,x\n")
	}
	r.fault(sandbox.Fault{Kind: sandbox.FaultRefuse, Status: 400, Code: 400, Endpoints: []aftership.Endpoint{aftership.EndpointList}, First: 3})
	r.work()
	id := r.accept(batch.Update, Defaults{}, text.String())
	r.ended(id)
	if got := r.outcomes(id); strings.Count(got, "updated") != 8 {
		t.Errorf("got %s", got)
	}
	if n := r.calls(aftership.EndpointList); n != 7 { // of 8, 4 and 2, refused; then of 1, 1, 2 and 4
		t.Errorf("%d calls of the list", n)
	}
}

func TestTransientFailuresAreTriedAgain(t *testing.T) {
	kinds := []sandbox.Fault{
		{Kind: sandbox.FaultStatus, Status: 500}, {Kind: sandbox.FaultHTML502}, {Kind: sandbox.FaultReset},
		{Kind: sandbox.FaultLostReply}, {Kind: sandbox.FaultTruncated}, {Kind: sandbox.FaultBurst429},
	}
	for _, f := range kinds {
		t.Run(string(f.Kind), func(t *testing.T) {
			r := newRig(t, redistest.Client(t), aftership.V202404, sandbox.Options{})
			f.First = 2
			r.fault(f)
			r.work()
			id := r.accept(batch.Create, Defaults{}, "tracking_number,slug\n1Z999AA10000000001,ups\n")
			r.ended(id)
			res := r.results(id)[0].Result
			if res.Outcome != batch.Created {
				t.Errorf("got %+v", res)
			}
			if lost := f.Kind == sandbox.FaultLostReply || f.Kind == sandbox.FaultTruncated; lost != (res.Message != "") {
				t.Errorf("settled by evidence: %q", res.Message)
			}
			if got := len(r.api.Trackings()); got != 1 {
				t.Errorf("%d trackings", got)
			}
		})
	}
}

// A 429 is no attempt: a storm longer than all attempts together kills no row.
func TestWaitingIsNoAttempt(t *testing.T) {
	r := newRig(t, redistest.Client(t), aftership.V202404, sandbox.Options{})
	r.opts.MaxAttempts = 1
	r.fault(sandbox.Fault{Kind: sandbox.FaultBurst429, First: 5})
	r.work()
	id := r.accept(batch.Create, Defaults{}, "tracking_number,slug\n1Z999AA10000000001,ups\n1Z999AA10000000002,ups\n")
	r.ended(id)
	for _, item := range r.results(id) {
		if item.Result.Outcome != batch.Created || item.Result.Attempts != 1 || item.Result.Ambiguous {
			t.Errorf("got %+v", item.Result)
		}
	}
}

func TestDeadLettersRunAgain(t *testing.T) {
	eachStore(t, aftership.V202404, sandbox.Options{}, func(t *testing.T, r *rig) {
		r.fault(sandbox.Fault{Kind: sandbox.FaultStatus, Status: 503, First: 3})
		r.work()
		id := r.accept(batch.Create, Defaults{}, "tracking_number,slug\n1Z999AA10000000001,ups\n")
		r.ended(id)
		res := r.results(id)[0].Result
		if res.Outcome != batch.GaveUp || res.Attempts != 3 || res.Code != 503 || !res.Ambiguous {
			t.Fatalf("got %+v", res)
		}
		if n, err := r.ledger.Reopen(t.Context(), id, batch.GaveUp); err != nil || n != 1 {
			t.Fatalf("reopen: %d %v", n, err)
		}
		if err := r.intake().Feed(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		r.ended(id)
		item := r.results(id)[0]
		if item.Result.Outcome != batch.Created || item.Round != 2 {
			t.Errorf("got %+v", item)
		}
	})
}

// A retrack whose reply was lost is not sent again: each one is counted.
func TestLostRetrackIsSettledByEvidence(t *testing.T) {
	eachStore(t, aftership.V202404, sandbox.Options{}, func(t *testing.T, r *rig) {
		r.seed(sandbox.Seed{Slug: "ups", Number: "1Z999AA10000000001", Tag: "Expired", Inactive: true, Created: created, Updated: created})
		r.fault(sandbox.Fault{Kind: sandbox.FaultLostReply, Endpoints: []aftership.Endpoint{aftership.EndpointRetrack}, First: 1})
		r.work()
		id := r.accept(batch.Retrack, Defaults{}, "tracking_number,slug\n1Z999AA10000000001,ups\n")
		r.ended(id)
		if res := r.results(id)[0].Result; res.Outcome != batch.Retracked || !res.Ambiguous {
			t.Errorf("got %+v", res)
		}
		if n := r.calls(aftership.EndpointRetrack); n != 1 {
			t.Errorf("%d retracks were sent", n)
		}
	})
}

// Where the evidence cannot be had, the attempts are used up like any others.
func TestEvidenceThatFailsIsCharged(t *testing.T) {
	eachStore(t, aftership.V202404, sandbox.Options{}, func(t *testing.T, r *rig) {
		r.seed(sandbox.Seed{Slug: "ups", Number: "1Z999AA10000000001", Tag: "Expired", Inactive: true, Created: created, Updated: created})
		r.fault(sandbox.Fault{Kind: sandbox.FaultReset, Endpoints: []aftership.Endpoint{aftership.EndpointRetrack}, First: 1})
		r.fault(sandbox.Fault{Kind: sandbox.FaultStatus, Status: 500, Endpoints: []aftership.Endpoint{aftership.EndpointGet}})
		r.work()
		id := r.accept(batch.Retrack, Defaults{}, "tracking_number,slug\n1Z999AA10000000001,ups\n")
		r.ended(id)
		if res := r.results(id)[0].Result; res.Outcome != batch.GaveUp || !res.Ambiguous || res.Attempts != r.opts.MaxAttempts {
			t.Errorf("got %+v", res)
		}
		if n := r.calls(aftership.EndpointRetrack); n != 1 {
			t.Errorf("%d retracks were sent", n)
		}
	})
}

// Evidence that nothing happened leaves no mark: the retrack is sent as if it were the first.
func TestEvidenceOfNothingIsForgotten(t *testing.T) {
	r := newRig(t, redistest.Client(t), aftership.V202404, sandbox.Options{})
	r.seed(sandbox.Seed{Slug: "ups", Number: "1Z999AA10000000001", Tag: "Expired", Inactive: true, Created: created, Updated: created})
	r.fault(sandbox.Fault{Kind: sandbox.FaultStatus, Status: 500, Endpoints: []aftership.Endpoint{aftership.EndpointRetrack}, First: 2})
	r.work()
	id := r.accept(batch.Retrack, Defaults{}, "tracking_number,slug\n1Z999AA10000000001,ups\n")
	r.ended(id)
	if res := r.results(id)[0].Result; res.Outcome != batch.Retracked || res.Attempts != 3 {
		t.Errorf("got %+v", res)
	}
	if n := r.calls(aftership.EndpointRetrack); n != 3 {
		t.Errorf("%d retracks were sent", n)
	}
}

// Where the reply to a duplicate has no date, the tracking itself is read.
func TestDuplicateWithoutDateIsRead(t *testing.T) {
	for _, shape := range sandbox.Shapes4003() {
		t.Run(string(shape), func(t *testing.T) {
			r := newRig(t, redistest.Client(t), aftership.V202507, sandbox.Options{NoDate4003: true, Shape4003: shape})
			r.fault(sandbox.Fault{Kind: sandbox.FaultLostReply, First: 1})
			r.work()
			id := r.accept(batch.Create, Defaults{}, "tracking_number,slug\n1Z999AA10000000001,ups\n")
			r.ended(id)
			if res := r.results(id)[0].Result; res.Outcome != batch.Created || !res.Ambiguous || res.TrackingID == "" {
				t.Errorf("got %+v", res)
			}
		})
	}
}

func TestStops(t *testing.T) {
	tests := []struct {
		name  string
		fault sandbox.Fault
		class string
	}{
		{"key revoked", sandbox.Fault{Kind: sandbox.FaultUnauthorized}, ""},
		{"quota used up", sandbox.Fault{Kind: sandbox.FaultQuota}, ""},
		{"endpoint forbidden", sandbox.Fault{Kind: sandbox.FaultForbidden}, "create"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			eachStore(t, aftership.V202404, sandbox.Options{}, func(t *testing.T, r *rig) {
				fault := tt.fault
				fault.After = 5
				r.fault(fault)
				r.work()
				text := numbered(40)
				id := r.accept(batch.Create, Defaults{}, text)
				stops := r.stopped()
				if stops[0].Class != tt.class || stops[0].Reason == "" {
					t.Errorf("got %+v", stops)
				}
				r.api.ClearFaults()
				b := r.until(id, "ended", func(b batch.Batch) bool {
					// Again and again, because answers that are still under way stop it again.
					if err := r.intake().Lift(t.Context(), "acc"); err != nil {
						t.Fatal(err)
					}
					return b.Ended()
				})
				if b.Counts[batch.Created] != 40 {
					t.Errorf("got %v", b.Counts)
				}
				for _, item := range r.results(id) {
					if item.Result.Ambiguous {
						t.Errorf("a refused key made job %d ambiguous", item.Job)
					}
				}
			})
		})
	}
}

// stopped waits until the account has a stop.
func (r *rig) stopped() []batch.Stop {
	r.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		stops, err := r.ledger.Stops(r.t.Context(), "acc")
		if err != nil {
			r.t.Fatal(err)
		}
		if len(stops) > 0 {
			return stops
		}
	}
	r.t.Fatal("nothing was stopped")
	return nil
}

// A stop whose cause is gone is found by a probe, and lifted.
func TestStopIsProbed(t *testing.T) {
	r := newRig(t, redistest.Client(t), aftership.V202404, sandbox.Options{})
	now := time.Now()
	r.fault(sandbox.Fault{Kind: sandbox.FaultUnauthorized})
	w := r.work()
	id := r.accept(batch.Create, Defaults{}, "tracking_number,slug\n1Z999AA10000000001,ups\n1Z999AA10000000002,ups\n")
	r.stopped()
	before := r.calls(aftership.EndpointCreate)
	w.opts.Now = func() time.Time { return now.Add(2 * stopProbe) }
	if err := w.probeStops(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := r.calls(aftership.EndpointCreate); n != before+1 {
		t.Errorf("the probe sent %d calls", n-before)
	}
	if stops, _ := r.ledger.Stops(t.Context(), "acc"); len(stops) != 1 {
		t.Fatalf("the stop was lifted although the key is refused: %v", stops)
	}
	r.api.ClearFaults()
	if err := r.ledger.Recover(t.Context(), "acc", "stop:"); err != nil { // as if a minute had passed
		t.Fatal(err)
	}
	if err := w.probeStops(t.Context()); err != nil {
		t.Fatal(err)
	}
	b := r.ended(id)
	if b.Counts[batch.Created] != 2 {
		t.Errorf("got %v", b.Counts)
	}
}

// The wrong version or address stops the batch, not the account.
func TestWrongAddressHaltsTheBatch(t *testing.T) {
	r := newRig(t, redistest.Client(t), aftership.V202404, sandbox.Options{})
	r.fault(sandbox.Fault{Kind: sandbox.FaultRefuse, Status: 404, Code: 404, First: 1})
	r.work()
	id := r.accept(batch.Create, Defaults{}, "tracking_number,slug\n1Z999AA10000000001,ups\n")
	b := r.until(id, "stopped", func(b batch.Batch) bool { return b.State == batch.Stopped })
	if !strings.Contains(b.Reason, "AFTERSHIP_API_VERSION") {
		t.Errorf("reason: %q", b.Reason)
	}
	if err := r.ledger.Resume(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	r.feedUntilEnded(id)
}

// feedUntilEnded feeds a batch again and again, as the sweep does: a task that
// is just being parked keeps its place in the queue for a moment.
func (r *rig) feedUntilEnded(id batch.ID) {
	r.t.Helper()
	r.until(id, "ended", func(b batch.Batch) bool {
		if err := r.intake().Feed(r.t.Context(), id); err != nil {
			r.t.Fatal(err)
		}
		return b.Ended()
	})
}

// In an outage no attempt is charged, and no row dies.
func TestOutageCostsNoAttempts(t *testing.T) {
	r := newRig(t, redistest.Client(t), aftership.V202404, sandbox.Options{})
	r.opts.MaxAttempts = 2
	for range outageAfter { // other processes have seen it coming
		if _, err := r.ledger.Fail(t.Context(), "acc", "create"); err != nil {
			t.Fatal(err)
		}
	}
	r.fault(sandbox.Fault{Kind: sandbox.FaultStatus, Status: 502, First: 1})
	r.work()
	id := r.accept(batch.Create, Defaults{}, "tracking_number,slug\n1Z999AA10000000001,ups\n1Z999AA10000000002,ups\n1Z999AA10000000003,ups\n")
	r.untilCalls(1)
	if _, ok, err := Outages(t.Context(), r.ledger, "acc", batch.Create); err != nil || !ok {
		t.Fatalf("no outage is shown: %v", err)
	}
	// Ten seconds later the next probe passes, and all goes on.
	if err := r.rdb.HDel(t.Context(), "aftership:{health:acc}:create", "probe").Err(); err != nil {
		t.Fatal(err)
	}
	r.ended(id)
	for _, item := range r.results(id) {
		if item.Result.Outcome != batch.Created || item.Result.Attempts != 1 {
			t.Errorf("got %+v", item.Result)
		}
	}
	if _, ok, _ := Outages(t.Context(), r.ledger, "acc", batch.Create); ok {
		t.Error("the outage is still shown")
	}
}

func (r *rig) untilCalls(n int) {
	r.t.Helper()
	for end := time.Now().Add(patience); len(r.api.Calls()) < n; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			r.t.Fatalf("only %d calls", len(r.api.Calls()))
		}
	}
}

// Slow creates do not hold updates back, nor the other way round: each lane has
// its own places and its class its own limit.
func TestASlowLaneHoldsNoOther(t *testing.T) {
	for _, slow := range []batch.Operation{batch.Create, batch.Update} {
		t.Run("slow "+string(slow), func(t *testing.T) {
			r := newRig(t, redistest.Client(t), aftership.V202407, sandbox.Options{})
			r.opts.Concurrency = 4
			var text strings.Builder
			text.WriteString("tracking_number,slug,title\n")
			for i := range 30 {
				number := fmt.Sprintf("1Z999AA1%010d", i)
				r.seed(sandbox.Seed{Slug: "ups", Number: number, Tag: "InTransit", Created: created, Updated: created})
				text.WriteString(number + ",ups,x\n")
			}
			r.fault(sandbox.Fault{Kind: sandbox.FaultSlow, Delay: 1500 * time.Millisecond, Endpoints: []aftership.Endpoint{endpointOf(slow)}})
			r.work()
			fast := batch.Update
			if slow == batch.Update {
				fast = batch.Create
			}
			slowID := r.accept(slow, Defaults{}, text.String())
			fastID := r.accept(fast, Defaults{}, text.String())
			r.ended(fastID)
			if b, err := r.ledger.Get(t.Context(), slowID); err != nil || b.Done >= 30 {
				t.Errorf("the slow lane was not behind: %d done, %v", b.Done, err)
			}
			r.ended(slowID)
		})
	}
}

func TestAJobThatKillsItsWorkersIsADeadLetter(t *testing.T) {
	r := newRig(t, redistest.Client(t), aftership.V202404, sandbox.Options{})
	id := r.accept(batch.Create, Defaults{}, "tracking_number,slug\n1Z999AA10000000001,ups\n")
	for range crashLimit {
		if _, err := r.ledger.MarkBegin(t.Context(), id, 0, 1); err != nil {
			t.Fatal(err)
		}
	}
	r.work()
	r.ended(id)
	if res := r.results(id)[0].Result; res.Outcome != batch.GaveUp || !strings.HasPrefix(res.Message, "crashed") {
		t.Errorf("got %+v", res)
	}
	if n := r.calls(aftership.EndpointCreate); n != 0 {
		t.Errorf("%d calls were sent", n)
	}
}

// A task of a newer program is handed back, not dropped and not carried out.
func TestNewerPayloadGoesBack(t *testing.T) {
	p := Payload{V: PayloadVersion + 1, Account: "acc", Batch: "b"}
	if _, err := decodePayload(p.encode()); err == nil {
		t.Error("it was taken")
	}
	if p, err := decodePayload([]byte(`{"v":1,"a":"acc","b":"x","j":3,"r":1,"z":"later field"}`)); err != nil || p.Job != 3 {
		t.Errorf("a field that a later version added: %+v %v", p, err)
	}
}

// Shutting down loses nothing and counts nothing, and another worker goes on.
func TestShutdownGivesEverythingBack(t *testing.T) {
	eachStore(t, aftership.V202404, sandbox.Options{Latency: 30 * time.Millisecond}, func(t *testing.T, r *rig) {
		text := numbered(200)
		w := r.work()
		id := r.accept(batch.Create, Defaults{}, text)
		r.untilCalls(20)
		w.Shutdown()
		sent := r.calls(aftership.EndpointCreate)
		b, err := r.ledger.Get(t.Context(), id)
		if err != nil || b.Done != sent {
			t.Errorf("%d calls were sent and %d recorded, %v", sent, b.Done, err)
		}
		r.work()
		r.ended(id)
		if n := r.calls(aftership.EndpointCreate); n != 200 {
			t.Errorf("%d calls for 200 rows", n)
		}
		for _, item := range r.results(id) {
			if item.Result.Attempts != 1 || item.Result.Ambiguous {
				t.Errorf("job %d: %+v", item.Job, item.Result)
			}
		}
	})
}

// Two workers, and every task twice: each row has one call and one result.
func TestTwoWorkersAndRepeatedFeeds(t *testing.T) {
	eachStore(t, aftership.V202404, sandbox.Options{}, func(t *testing.T, r *rig) {
		text := numbered(300)
		r.work()
		r.work()
		id := r.accept(batch.Create, Defaults{}, text)
		for range 5 {
			if err := r.intake().Feed(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		}
		b := r.ended(id)
		if b.Counts[batch.Created] != 300 {
			t.Errorf("got %v", b.Counts)
		}
		if n := r.calls(aftership.EndpointCreate); n != 300 {
			t.Errorf("%d calls for 300 rows", n)
		}
	})
}

func TestCancelAndPause(t *testing.T) {
	eachStore(t, aftership.V202404, sandbox.Options{Latency: 20 * time.Millisecond}, func(t *testing.T, r *rig) {
		text := numbered(400)
		r.opts.Concurrency = 4
		r.work()
		id := r.accept(batch.Create, Defaults{}, text)
		r.untilCalls(10)
		if err := r.ledger.Pause(t.Context(), id, "test"); err != nil {
			t.Fatal(err)
		}
		r.until(id, "at rest", func(b batch.Batch) bool { return b.Done == r.calls(aftership.EndpointCreate) })
		if err := r.ledger.Resume(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		if err := r.intake().Feed(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		r.untilCalls(r.calls(aftership.EndpointCreate) + 10)
		if err := r.intake().Cancel(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		r.feedUntilEnded(id)
		b := r.ended(id)
		n := r.calls(aftership.EndpointCreate)
		if b.Counts[batch.Created] != n || b.Counts[batch.CancelledJob] != 400-n || b.State != batch.Cancelled {
			t.Errorf("%d calls, %s, %v", n, b.State, b.Counts)
		}
	})
}

func TestReportIsWrittenByTheWorker(t *testing.T) {
	r := newRig(t, redistest.Client(t), aftership.V202404, sandbox.Options{})
	r.work()
	id := r.accept(batch.Create, Defaults{}, "tracking_number,slug\n1Z999AA10000000001,ups\nX,ups\n")
	r.until(id, "reported", func(b batch.Batch) bool { return !b.ReportedAt.IsZero() })
	names := []string{}
	entries, err := os.ReadDir(r.opts.ReportDir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if want := []string{"sheet-" + id + ".csv", "sheet-" + id + ".failed.csv"}; !slices.Equal(names, want) {
		t.Errorf("got %v, want %v", names, want)
	}
}

// A directory that cannot be written keeps no batch unfinished.
func TestUnwritableReportDirectory(t *testing.T) {
	r := newRig(t, redistest.Client(t), aftership.V202404, sandbox.Options{})
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	r.opts.ReportDir = filepath.Join(file, "reports")
	r.work()
	id := r.accept(batch.Create, Defaults{}, "tracking_number,slug\n1Z999AA10000000001,ups\n")
	if b := r.ended(id); b.State != batch.Finished {
		t.Errorf("state %s", b.State)
	}
}

// An upload of 20 rows that comes behind 3,000 of the same priority is not made
// to wait for them: the queue is short, and batches take turns.
func TestASmallBatchPassesALargeOne(t *testing.T) {
	r := newRig(t, redistest.Client(t), aftership.V202404, sandbox.Options{Limit: 40})
	r.rate = 40
	r.opts.SweepEvery = time.Hour // the feeding goes on
	r.work()
	large := r.acceptOnly(batch.Create, numbered(3000))
	r.untilCalls(5)
	small := r.acceptOnly(batch.Create, "tracking_number,slug\n"+strings.ReplaceAll(numbered(20)[len("tracking_number,slug\n"):], "1Z999AA1", "1Z999AA2"))
	b := r.ended(small)
	if b.Counts[batch.Created] != 20 {
		t.Errorf("got %v", b.Counts)
	}
	left, err := r.ledger.Get(t.Context(), large)
	if err != nil || left.Done > 1000 {
		t.Errorf("%d rows of the large batch came before, %v", left.Done, err)
	}
}

// A batch whose tasks were lost is fed again, from its beginning, and each row
// is carried out once.
func TestLostTasksAreFedAgain(t *testing.T) {
	r := newRig(t, redistest.Client(t), aftership.V202404, sandbox.Options{}) // without Redis no task can be lost
	id := r.acceptOnly(batch.Create, numbered(700))
	w := NewWorker(r.rdb, r.ledger, r.queue, []*Account{r.account()}, r.opts)
	t.Cleanup(func() { w.accounts[0].Close() })
	f := &feeding{courses: map[batch.ID]*course{}}
	w.opts.Now = time.Now
	for range 10 { // the queue is emptied behind the feeding's back, again and again
		if err := w.feedAccount(t.Context(), f, w.accounts[0]); err != nil {
			t.Fatal(err)
		}
		if _, err := r.queue.inspector.DeleteAllPendingTasks(queueName("acc", laneOf(batch.Create), batch.Upload)); err != nil && !errors.Is(err, asynq.ErrQueueNotFound) {
			t.Fatal(err)
		}
	}
	if f.courses[id].ended.IsZero() {
		t.Fatalf("the end was not reached: %+v", f.courses[id])
	}
	w.opts.Now = func() time.Time { return time.Now().Add(2 * feedAgain) }
	r.opts.SweepEvery = time.Hour
	r.work()
	if b := r.ended(id); b.Counts[batch.Created] != 700 {
		t.Errorf("got %v", b.Counts)
	}
	if n := r.calls(aftership.EndpointCreate); n != 700 {
		t.Errorf("%d calls for 700 rows", n)
	}
}

// A retrack waits while another batch retracks the same tracking, and then finds
// it active: of the two, one is sent with an effect.
// A worker that is taken for dead and is not runs a job at the same time as another.
func TestARetrackThatRunsTwiceIsSentOnce(t *testing.T) {
	eachStore(t, aftership.V202404, sandbox.Options{Latency: 400 * time.Millisecond}, func(t *testing.T, r *rig) {
		r.seed(sandbox.Seed{Slug: "ups", Number: "1Z999AA10000000001", Tag: "Expired", Inactive: true, Created: created, Updated: created})
		id := r.accept(batch.Retrack, Defaults{}, "tracking_number,slug\n1Z999AA10000000001,ups\n")
		tasks, err := r.queue.inspector.ListPendingTasks(queueName("acc", laneOf(batch.Retrack), batch.Upload))
		if err != nil || len(tasks) != 1 {
			t.Fatalf("%d tasks: %v", len(tasks), err)
		}
		if _, err := r.queue.putAgain(t.Context(), tasks[0]); err != nil {
			t.Fatal(err)
		}
		r.work()
		r.work()
		r.ended(id)
		if n := r.calls(aftership.EndpointRetrack); n != 1 {
			t.Errorf("%d retracks were sent", n)
		}
	})
}

func TestRetracksOfOneTrackingTakeTurns(t *testing.T) {
	r := newRig(t, redistest.Client(t), aftership.V202404, sandbox.Options{})
	r.seed(sandbox.Seed{Slug: "ups", Number: "1Z999AA10000000001", Tag: "Expired", Inactive: true, Created: created, Updated: created})
	held, err := r.ledger.Hold(t.Context(), "acc", "ups/1Z999AA10000000001", "another:0", time.Minute)
	if err != nil || !held {
		t.Fatal(err)
	}
	r.work()
	id := r.accept(batch.Retrack, Defaults{}, "tracking_number,slug\n1Z999AA10000000001,ups\n")
	queue := queueName("acc", laneOf(batch.Retrack), batch.Upload)
	for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) { // until it was sent back to wait
		info, err := r.queue.inspector.GetQueueInfo(queue)
		if err == nil && info.Retry == 1 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("it did not wait: %+v %v", info, err)
		}
	}
	if n := r.calls(aftership.EndpointRetrack); n != 0 {
		t.Errorf("%d retracks were sent meanwhile", n)
	}
	if err := r.ledger.Unhold(t.Context(), "acc", "ups/1Z999AA10000000001", "another:0"); err != nil {
		t.Fatal(err)
	}
	r.ended(id)
	if got := r.outcomes(id); got != "retracked" {
		t.Errorf("got %s", got)
	}
}
