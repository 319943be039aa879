package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"

	"aftership-bulk/aftership"
	"aftership-bulk/batch"
	"aftership-bulk/internal/redistest"
	"aftership-bulk/jobs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const secret = "whsec_test"

// taker notes what it is given.
type taker struct {
	mu     sync.Mutex
	events []string
	taken  jobs.Taken
	err    error
	wait   chan struct{} // nil for no waiting
}

func (t *taker) Take(ctx context.Context, account string, e aftership.WebhookEvent) (jobs.Taken, error) {
	if t.wait != nil {
		select {
		case <-t.wait:
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.events = append(t.events, account+" "+e.ID+" "+string(e.Version))
	return t.taken, t.err
}

func secretsOf(t testing.TB, texts ...string) aftership.WebhookSecrets {
	t.Helper()
	s, err := aftership.NewWebhookSecrets(texts...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// face is a handler with its parts.
type face struct {
	http.Handler
	taker   *taker
	metrics *Metrics
	going   *atomic.Bool
	log     *bytes.Buffer
}

func newFace(t *testing.T, ready func(context.Context) error) *face {
	t.Helper()
	f := &face{taker: &taker{taken: jobs.TakenNew}, metrics: NewMetrics(), going: &atomic.Bool{}, log: &bytes.Buffer{}}
	f.Handler = handler(Options{
		Accounts: []WebhookAccount{{"eu", secretsOf(t, "whsec_old", secret)}, {"us", secretsOf(t, "whsec_us")}},
		Updates:  f.taker, Ready: ready, Metrics: f.metrics, Log: slog.New(slog.NewTextHandler(f.log, nil)),
	}, f.going)
	return f
}

func (f *face) ask(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	return w
}

// webhook is a request as AfterShip sends it.
func webhook(secret, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, PathWebhooks, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set(aftership.WebhookSignature, aftership.SignWebhook(secret, []byte(body)))
	r.Header.Set(aftership.WebhookVersion, "2025-07")
	return r
}

const goodBody = `{"ts":1700000000,"event":"tracking_update","event_id":"e1","msg":{"id":"t1"}}`

func TestWebhooks(t *testing.T) {
	large := `{"event":"x","event_id":"e1","msg":{"title":"` + strings.Repeat("a", largestBody) + `"}}`
	bare := func(r *http.Request, names ...string) *http.Request {
		for _, name := range names {
			r.Header.Del(name)
		}
		return r
	}
	odd := webhook(secret, goodBody)
	odd.Header.Set("Content-Type", "text/plain; charset=latin1")
	broken := webhook(secret, goodBody)
	broken.Body = io.NopCloser(io.MultiReader(strings.NewReader(goodBody[:20]), iotestErr{}))
	cases := []struct {
		name   string
		r      *http.Request
		taken  jobs.Taken
		err    error
		status int
		result WebhookResult
		event  string
	}{
		{"good", webhook(secret, goodBody), jobs.TakenNew, nil, 200, "accepted", "eu e1 2025-07"},
		{"of the old secret", webhook("whsec_old", goodBody), jobs.TakenNew, nil, 200, "accepted", "eu e1 2025-07"},
		{"of another account", webhook("whsec_us", goodBody), jobs.TakenNew, nil, 200, "accepted", "us e1 2025-07"},
		{"another content type", odd, jobs.TakenNew, nil, 200, "accepted", "eu e1 2025-07"},
		{"no version and type", bare(webhook(secret, goodBody), "Content-Type", aftership.WebhookVersion), jobs.TakenNew, nil, 200, "accepted", "eu e1 "},
		{"repeat", webhook(secret, goodBody), jobs.TakenRepeat, nil, 200, "repeat", "eu e1 2025-07"},
		{"no tracking", webhook(secret, goodBody), jobs.TakenEmpty, nil, 200, "ignored", "eu e1 2025-07"},
		{"forged", webhook("whsec_forged", goodBody), "", nil, 401, "forged", ""},
		{"not signed", bare(webhook(secret, goodBody), aftership.WebhookSignature), "", nil, 401, "forged", ""},
		{"signed, then changed", func() *http.Request {
			r := webhook(secret, goodBody)
			r.Body = io.NopCloser(strings.NewReader(strings.Replace(goodBody, "t1", "t2", 1)))
			return r
		}(), "", nil, 401, "forged", ""},
		{"too large", webhook(secret, large), "", nil, 413, "too_large", ""},
		{"broken off", broken, "", nil, 400, "broken_off", ""},
		{"no JSON", webhook(secret, "hello"), "", nil, 400, "unreadable", ""},
		{"Redis is away", webhook(secret, goodBody), "", errors.New("connection refused"), 503, "unavailable", "eu e1 2025-07"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f := newFace(t, nil)
			f.taker.taken, f.taker.err = c.taken, c.err
			w := f.ask(c.r)
			if w.Code != c.status || w.Body.Len() != 0 {
				t.Errorf("%d %q, want %d", w.Code, w.Body, c.status)
			}
			if got := strings.Join(f.taker.events, "; "); got != c.event {
				t.Errorf("taken: %q, want %q", got, c.event)
			}
			if n := testutil.ToFloat64(f.metrics.webhooks.WithLabelValues(string(c.result))); n != 1 {
				t.Errorf("%s was counted %v times", c.result, n)
			}
			if strings.Contains(f.log.String(), "whsec") {
				t.Errorf("a secret is in the log: %s", f.log)
			}
		})
	}
}

type iotestErr struct{}

func (iotestErr) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestOtherMethodsAndPaths(t *testing.T) {
	f := newFace(t, nil)
	for request, want := range map[string]int{
		"GET " + PathWebhooks: 405, "PUT " + PathWebhooks: 405, "POST /": 404, "GET /": 404, "POST " + PathWebhooks + "/x": 404,
		"GET " + PathHealth: 200, "HEAD " + PathHealth: 200, "GET " + PathReady: 200, "GET " + PathMetrics: 200, "POST " + PathMetrics: 405,
	} {
		method, path, _ := strings.Cut(request, " ")
		if w := f.ask(httptest.NewRequest(method, path, nil)); w.Code != want {
			t.Errorf("%s: %d, want %d", request, w.Code, want)
		}
	}
	without := handler(Options{Metrics: NewMetrics()}, &atomic.Bool{})
	w := httptest.NewRecorder()
	without.ServeHTTP(w, webhook(secret, goodBody))
	if w.Code != 404 {
		t.Errorf("without a secret: %d", w.Code)
	}
}

func TestForgersDoNotFillTheLog(t *testing.T) {
	f := newFace(t, nil)
	for range 100 {
		f.ask(webhook("whsec_forged", goodBody))
	}
	if n := strings.Count(f.log.String(), "\n"); n != 1 {
		t.Errorf("%d lines in the log", n)
	}
}

// More senders than there is room for are sent away, to come again.
func TestTooManyAtOnce(t *testing.T) {
	f := newFace(t, nil)
	f.taker.wait = make(chan struct{})
	var all sync.WaitGroup
	codes := make(chan int, mostAtOnce+1)
	for range mostAtOnce + 1 {
		all.Go(func() { codes <- f.ask(webhook(secret, goodBody)).Code })
	}
	if code := <-codes; code != 503 { // the others wait for Redis
		t.Errorf("%d", code)
	}
	close(f.taker.wait)
	all.Wait()
	for range mostAtOnce {
		if code := <-codes; code != 200 {
			t.Errorf("%d", code)
		}
	}
}

func TestReady(t *testing.T) {
	var err error
	f := newFace(t, func(context.Context) error { return err })
	ask := func() string {
		w := f.ask(httptest.NewRequest(http.MethodGet, PathReady, nil))
		return fmt.Sprint(w.Code, " ", strings.TrimSpace(w.Body.String()))
	}
	if got := ask(); got != "200 ready" {
		t.Error(got)
	}
	err = errors.New("Redis does not answer")
	if got := ask(); got != "503 Redis does not answer" {
		t.Error(got)
	}
	err = nil
	f.going.Store(true)
	if got := ask(); got != "503 going down" {
		t.Error(got)
	}
	if w := f.ask(httptest.NewRequest(http.MethodGet, PathHealth, nil)); w.Code != 200 {
		t.Errorf("a process that goes down lives: %d", w.Code)
	}
}

// A server answers on its port, and goes down when the answers under way have ended.
func TestServer(t *testing.T) {
	slow := &taker{taken: jobs.TakenNew, wait: make(chan struct{})}
	s, err := Listen("127.0.0.1:0", Options{Accounts: []WebhookAccount{{"eu", secretsOf(t, secret)}}, Updates: slow, Metrics: NewMetrics()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(s.Addr(), Options{Metrics: NewMetrics()}); err == nil {
		t.Error("two servers on one port")
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer := make(chan int)
	go func() {
		r := webhook(secret, goodBody)
		r.RequestURI, r.URL.Scheme, r.URL.Host = "", "http", s.Addr()
		resp, err := client.Do(r)
		if err != nil {
			t.Error(err)
			close(answer)
			return
		}
		resp.Body.Close()
		answer <- resp.StatusCode
	}()
	slow.wait <- struct{}{} // the webhook is under way
	down := make(chan error)
	go func() { down <- s.Shutdown(t.Context()) }()
	if code := <-answer; code != 200 {
		t.Errorf("%d", code)
	}
	if err := <-down; err != nil {
		t.Error(err)
	}
	if _, err := client.Get("http://" + s.Addr() + PathHealth); err == nil {
		t.Error("the port is still open")
	}
}

// While Redis is away AfterShip is asked to come again, and soon; an event that came
// then is taken later.
func TestRedisAway(t *testing.T) {
	server := redistest.Server(t, redistest.AppendOnly("always"))
	rdb := server.Client()
	defer rdb.Close()
	f := newFace(t, nil)
	f.Handler = handler(Options{Accounts: []WebhookAccount{{"eu", secretsOf(t, secret)}}, Updates: jobs.NewUpdates(rdb, jobs.NewQueue(rdb)),
		Metrics: f.metrics, Log: slog.New(slog.DiscardHandler)}, f.going)
	body := func(id string) string {
		return `{"ts":1700000000,"event":"tracking_update","event_id":"` + id + `","msg":{"id":"t1"}}`
	}
	count := func(r WebhookResult) float64 {
		return testutil.ToFloat64(f.metrics.webhooks.WithLabelValues(string(r)))
	}
	if code := f.ask(webhook(secret, body("e1"))).Code; code != 200 {
		t.Fatal(code)
	}
	server.Kill()
	if code := f.ask(webhook(secret, body("e2"))).Code; code != 503 || count(WebhookUnavailable) != 1 {
		t.Errorf("%d", code)
	}
	if err := server.Restart(); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"e1", "e2"} {
		if code := f.ask(webhook(secret, body(id))).Code; code != 200 {
			t.Errorf("%s: %d", id, code)
		}
	}
	if count("accepted") != 2 || count("repeat") != 1 {
		t.Errorf("%v were accepted and %v were repeats", count("accepted"), count("repeat"))
	}
}

// fed are metrics that have seen everything once.
func fed(t *testing.T) *Metrics {
	t.Helper()
	m := NewMetrics()
	m.JobEnded("eu", batch.Create, batch.Created)
	m.Called("eu", aftership.Called{Endpoint: aftership.EndpointCreate, Class: "create", Code: 429, Took: time.Second})
	m.Called("eu", aftership.Called{Endpoint: aftership.EndpointCreate, Class: "create"})
	m.Called("eu", aftership.Called{Endpoint: aftership.EndpointCreate, Class: "create", Code: 987654})
	m.SlotWaited("eu", "create", time.Second)
	m.Updated("eu", jobs.UpdateLate)
	m.webhook(WebhookForged, time.Millisecond)
	m.Watch(standing{})
	m.WatchSchedules(scheduled{})
	m.WatchInbox(watchedInbox)
	return m
}

// standing are figures with everything in them.
type standing struct{ err error }

func (s standing) Figures(context.Context) (jobs.Figures, error) {
	return jobs.Figures{
		Queues:      []jobs.QueueFigures{{Account: "eu", Lane: "create", Priority: batch.Upload, Pending: 3, Active: 2, Delayed: 1, Age: 90 * time.Second}},
		Limits:      []jobs.LimitFigures{{Account: "eu", Class: "create", PerSecond: 20, Waiting: 4, Paused: true}},
		Batches:     map[jobs.BatchGroup]int{{Account: "eu", State: batch.Running}: 1},
		DeadLetters: map[string]int{"eu": 7},
		Stops:       map[jobs.StopPlace]bool{{Account: "eu"}: true},
	}, s.err
}

func TestMetricsAreWellFormed(t *testing.T) {
	problems, err := testutil.GatherAndLint(fed(t).registry)
	if err != nil || len(problems) != 0 {
		t.Errorf("%v: %v", err, problems)
	}
}

func TestMetrics(t *testing.T) {
	m := fed(t)
	want := `
# HELP aftership_bulk_account_stopped 1 for each lane that is stopped, or for all of them at once; the same from every worker.
# TYPE aftership_bulk_account_stopped gauge
aftership_bulk_account_stopped{account="eu",lane="all"} 1
# HELP aftership_bulk_api_calls_total Requests to AfterShip, by endpoint and code; none is no answer.
# TYPE aftership_bulk_api_calls_total counter
aftership_bulk_api_calls_total{account="eu",code="429",endpoint="create"} 1
aftership_bulk_api_calls_total{account="eu",code="none",endpoint="create"} 1
aftership_bulk_api_calls_total{account="eu",code="other",endpoint="create"} 1
# HELP aftership_bulk_dead_letters Jobs that gave up, in the batches whose results are kept; the same from every worker.
# TYPE aftership_bulk_dead_letters gauge
aftership_bulk_dead_letters{account="eu"} 7
# HELP aftership_bulk_jobs_total Jobs that ended, by operation and outcome.
# TYPE aftership_bulk_jobs_total counter
aftership_bulk_jobs_total{account="eu",operation="create",outcome="created"} 1
# HELP aftership_bulk_ledger_up 1 if queues and batches could be read from Redis for this scrape.
# TYPE aftership_bulk_ledger_up gauge
aftership_bulk_ledger_up 1
# HELP aftership_bulk_queue_oldest_task_age_seconds How long the oldest task that could be carried out has waited; the same from every worker.
# TYPE aftership_bulk_queue_oldest_task_age_seconds gauge
aftership_bulk_queue_oldest_task_age_seconds{account="eu",lane="create",priority="upload"} 90
# HELP aftership_bulk_queue_tasks Tasks on the queues, by state; the same from every worker.
# TYPE aftership_bulk_queue_tasks gauge
aftership_bulk_queue_tasks{account="eu",lane="create",priority="upload",state="active"} 2
aftership_bulk_queue_tasks{account="eu",lane="create",priority="upload",state="delayed"} 1
aftership_bulk_queue_tasks{account="eu",lane="create",priority="upload",state="pending"} 3
# HELP aftership_bulk_rate_limited_total Requests that AfterShip answered with 429.
# TYPE aftership_bulk_rate_limited_total counter
aftership_bulk_rate_limited_total{account="eu",class="create"} 1
`
	var names []string
	for line := range strings.Lines(want) {
		if name, ok := strings.CutPrefix(line, "# TYPE "); ok {
			names = append(names, strings.Fields(name)[0])
		}
	}
	if err := testutil.GatherAndCompare(m.registry, strings.NewReader(want), names...); err != nil {
		t.Error(err)
	}
	down := NewMetrics()
	down.Watch(standing{errors.New("Redis is away")})
	if err := testutil.GatherAndCompare(down.registry, strings.NewReader(`
# HELP aftership_bulk_ledger_up 1 if queues and batches could be read from Redis for this scrape.
# TYPE aftership_bulk_ledger_up gauge
aftership_bulk_ledger_up 0
`), "aftership_bulk_ledger_up", "aftership_bulk_batches"); err != nil {
		t.Error(err)
	}
}

// BenchmarkWebhook is a webhook from its first byte to the answer, over loopback and
// with a real Redis: from one sender, and from sixteen that wait for nothing but
// answers. The answer is to come within 50 ms.
func BenchmarkWebhook(b *testing.B) {
	for _, senders := range []int{1, 16} {
		b.Run(fmt.Sprintf("senders=%d", senders), func(b *testing.B) { benchWebhook(b, senders) })
	}
}

func benchWebhook(b *testing.B, senders int) {
	rdb := redistest.Client(b)
	s, err := Listen("127.0.0.1:0", Options{Accounts: []WebhookAccount{{"eu", secretsOf(b, secret)}}, Updates: jobs.NewUpdates(rdb, jobs.NewQueue(rdb)), Metrics: NewMetrics()})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Shutdown(context.Background())
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: senders}}
	defer client.CloseIdleConnections()
	times := make([]time.Duration, b.N)
	var n atomic.Int64
	var all sync.WaitGroup
	b.ResetTimer()
	for range senders {
		all.Go(func() {
			for i := n.Add(1) - 1; i < int64(b.N); i = n.Add(1) - 1 {
				began := time.Now()
				benchSend(b, client, s.Addr(), i)
				times[i] = time.Since(began)
			}
		})
	}
	all.Wait()
	slices.Sort(times)
	late, _ := slices.BinarySearch(times, 50*time.Millisecond)
	b.ReportMetric(float64(times[len(times)/2].Microseconds())/1000, "median-ms")
	b.ReportMetric(float64(times[len(times)*99/100].Microseconds())/1000, "p99-ms")
	b.ReportMetric(float64(len(times)-late)/float64(len(times))*100, "%over50ms")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "webhooks/s")
}

// benchSend sends a webhook of a tracking with thirty checkpoints.
func benchSend(b *testing.B, client *http.Client, addr string, i int64) {
	checkpoints := strings.Repeat(`{"message":"Departed from facility","city":"Memphis","checkpoint_time":"2026-08-16T03:50:45"},`, 30)
	r := webhook(secret, fmt.Sprintf(`{"ts":1700000000,"event":"tracking_update","event_id":"e%d","msg":{"id":"t%d","tracking_number":"1Z%d","slug":"ups","tag":"InTransit","updated_at":"2026-08-16T03:50:45Z","checkpoints":[%s{}]}}`,
		i, i, i, checkpoints))
	r.RequestURI, r.URL.Scheme, r.URL.Host = "", "http", addr
	resp, err := client.Do(r)
	if err != nil {
		b.Error(err)
		return
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	if resp.StatusCode != 200 {
		b.Errorf("status %d", resp.StatusCode)
	}
}
