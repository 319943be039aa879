package jobs

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"aftership-bulk/aftership/sandbox"
	"aftership-bulk/batch"
	"aftership-bulk/internal/redistest"
	"aftership-bulk/notify"
)

// listener takes messages, after it has refused some.
type listener struct {
	mu      sync.Mutex
	refuse  []int // statuses, in turn
	got     []notify.Message
	tries   int
	ids     map[string]bool
	options notify.Options
}

func newListener(t *testing.T, refuse ...int) *listener {
	t.Helper()
	l := &listener{refuse: refuse, ids: map[string]bool{}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.tries++
		l.ids[r.Header.Get(notify.HeaderID)] = true
		if l.tries <= len(l.refuse) {
			w.WriteHeader(l.refuse[l.tries-1])
			return
		}
		var m notify.Message
		if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
			t.Error(err)
		}
		l.got = append(l.got, m)
	}))
	t.Cleanup(server.Close)
	l.options = notify.Options{WebhookURL: server.URL, WebhookSecret: "s", WebhookWhen: notify.Always}
	return l
}

func (l *listener) messages() []notify.Message {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]notify.Message(nil), l.got...)
}

// unknown is a sheet of shipments that AfterShip does not have.
func unknown(n int) string {
	var text strings.Builder
	text.WriteString("tracking_number,slug,title\n")
	for i := range n {
		fmt.Fprintf(&text, "1Z999AA1%010d,ups,Order %d\n", i, i)
	}
	return text.String()
}

func (r *rig) telling(l *listener) {
	r.t.Helper()
	n, err := notify.New(l.options)
	if err != nil {
		r.t.Fatal(err)
	}
	r.opts.Notify = n
}

func (r *rig) heard(l *listener, n int) []notify.Message {
	r.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if got := l.messages(); len(got) >= n {
			return got
		}
	}
	r.t.Fatalf("%d messages came within %s, want %d", len(l.messages()), patience, n)
	return nil
}

func TestTheEndIsTold(t *testing.T) {
	r := newRig(t, redistest.Client(t), "2024-04", sandbox.Options{})
	l := newListener(t, 503, 429)
	r.telling(l)
	w := r.work()
	id := r.accept(batch.Update, Defaults{}, unknown(3)+",ups,no number\n")
	b := r.ended(id)
	m := r.heard(l, 1)[0]
	if m.ID != EventID(b) || m.Kind != notify.Finished || m.Batch != id || m.Rows != 4 || m.Failed != 4 || m.Outcomes["rejected"] != 3 || m.Outcomes["invalid"] != 1 {
		t.Errorf("got %+v", m)
	}
	if len(m.Worst) != 2 || m.Worst[0].Rows != 3 || m.Worst[0].Line != 2 || m.Worst[1].Line != 5 {
		t.Errorf("the worst reasons are %+v", m.Worst)
	}
	if !strings.Contains(m.Report, id) || !strings.Contains(m.FailedRows, ".failed.") || m.Host == "" || len(m.Next) == 0 {
		t.Errorf("report %q, %q on %q; next %v", m.Report, m.FailedRows, m.Host, m.Next)
	}
	l.mu.Lock()
	if len(l.ids) != 1 || l.tries != 3 {
		t.Errorf("%d tries of %d events", l.tries, len(l.ids))
	}
	l.mu.Unlock()

	// Once more finished, by a crash, or by somebody else's report: nobody is told again.
	n := notice{V: noticeVersion, Account: b.Account, Batch: id, Mark: b.EndMark(), Channel: notify.Webhook}
	told := &noticer{ledger: r.ledger, notify: r.opts.Notify, backoff: r.opts.Backoff, log: r.opts.Log}
	r.until(id, "told", func(b batch.Batch) bool {
		known, err := r.ledger.Notice(t.Context(), b.Account, EventID(b), "webhook")
		return err == nil && known.Done && b.Told == b.EndMark()
	})
	if err := told.tell(t.Context(), b, n); err != nil {
		t.Error(err)
	}
	if err := w.handlers["acc"].finish(t.Context(), finishTask(b).payload); err != nil {
		t.Error(err)
	}
	// Run again it ends again, which is news.
	if _, err := r.ledger.Reopen(t.Context(), id, batch.Rejected); err != nil {
		t.Fatal(err)
	}
	if err := r.intake().Feed(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	all := r.heard(l, 2)
	if len(all) != 2 || all[1].ID == all[0].ID {
		t.Errorf("%d messages, %s and %s", len(all), all[0].ID, all[len(all)-1].ID)
	}
}

// What a crash kept from being told, the sweep finds.
func TestTheUntoldIsFound(t *testing.T) {
	r := newRig(t, redistest.Client(t), "2024-04", sandbox.Options{})
	l := newListener(t)
	w := r.work()
	id := r.accept(batch.Update, Defaults{}, unknown(1))
	b := r.until(id, "reported", func(b batch.Batch) bool { return b.Ended() && !b.ReportedAt.IsZero() })
	w.Shutdown()
	r.telling(l)
	r.opts.Now = func() time.Time { return time.Now().Add(2 * quietTime) }
	w = r.work()
	if err := w.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if m := r.heard(l, 1)[0]; m.ID != EventID(b) || m.Report != "" {
		t.Errorf("got %+v", m)
	}
}

// A batch that --max-errors stops is reported and told of, with the rows that are pending.
func TestAStopForErrorsIsTold(t *testing.T) {
	r := newRig(t, redistest.Client(t), "2024-04", sandbox.Options{})
	l := newListener(t)
	r.telling(l)
	r.opts.Concurrency = 2
	id := r.take(batch.Update, Defaults{}, unknown(60))
	if _, err := r.ledger.SetBudget(t.Context(), id, "5"); err != nil {
		t.Fatal(err)
	}
	r.work()
	if err := r.intake().Feed(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	b := r.until(id, "stopped", batch.Batch.Spent)
	m := r.heard(l, 1)[0]
	if m.Kind != notify.Stopped || m.ID != EventID(b) || m.Failed < 6 || m.Pending != 60-m.Failed || !strings.Contains(m.Reason, "too many errors") || m.Report == "" {
		t.Errorf("got %+v", m)
	}
	if m.Failed > 7 {
		t.Errorf("%d rows failed, with two calls at a time and a budget of 5", m.Failed)
	}
}

// A setting that is wrong is no reason to try for hours.
func TestWhatWillNeverWorkIsGivenUp(t *testing.T) {
	r := newRig(t, redistest.Client(t), "2024-04", sandbox.Options{})
	l := newListener(t, 404)
	r.telling(l)
	id := r.take(batch.Update, Defaults{}, "tracking_number,slug,title\n,ups,no number\n")
	told := &noticer{ledger: r.ledger, notify: r.opts.Notify, backoff: r.opts.Backoff, log: r.opts.Log}
	b, err := r.ledger.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	n := notice{V: noticeVersion, Account: b.Account, Batch: id, Mark: b.EndMark(), Channel: notify.Webhook}
	for range 2 {
		if err := told.tell(t.Context(), b, n); err != nil {
			t.Errorf("it comes back: %v", err)
		}
	}
	if l.tries != 1 {
		t.Errorf("%d tries", l.tries)
	}
	l.mu.Lock()
	l.refuse = []int{404, 500}
	l.mu.Unlock()
	n.Channel = notify.Slack // which is not there
	if err := told.tell(t.Context(), b, n); err != nil {
		t.Error(err)
	}
	// One that passes is counted, and comes back.
	n.Channel = notify.Webhook
	b.FinishedAt = b.FinishedAt.Add(time.Second) // another event
	err = told.tell(t.Context(), b, n)
	if _, ok := errors.AsType[*backError](err); !ok {
		t.Errorf("got %v", err)
	}
	if known, err := r.ledger.Notice(t.Context(), b.Account, EventID(b), "webhook"); err != nil || known.Done || known.Tries != 1 {
		t.Errorf("%+v, %v", known, err)
	}
}

func TestHintNamesItsBatch(t *testing.T) {
	for hint, want := range map[string]string{
		"activate the carrier, then `enqueue retry --rejected`": "activate the carrier, then `enqueue retry 261122-x --rejected`",
		transientHint: "AfterShip or the way to it failed; run `enqueue retry 261122-x` later",
		"mend slug":   "mend slug",
	} {
		if got := withBatch(hint, "261122-x"); got != want {
			t.Errorf("%q became %q", hint, got)
		}
	}
}
