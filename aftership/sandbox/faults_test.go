package sandbox

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"aftership-bulk/aftership"
)

// seen is what a client sees of a call over a real connection.
type seen struct {
	status  int // 0 when there was no reply
	body    string
	partial bool // the body ended early
	header  http.Header
}

// send makes a call over a connection of its own.
func send(t *testing.T, server *httptest.Server, method, path, text string) seen {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("as-api-key", DefaultKey)
	req.Close = true
	res, err := server.Client().Do(req)
	if err != nil {
		return seen{}
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	return seen{status: res.StatusCode, body: string(raw), partial: err != nil, header: res.Header}
}

func fault(t *testing.T, s *Sandbox, faults ...Fault) {
	t.Helper()
	if _, err := s.Fault(faults...); err != nil {
		t.Fatal(err)
	}
}

// TestEveryFault creates a tracking behind each kind of fault, over a real connection.
func TestEveryFault(t *testing.T) {
	const html, cut = "cloudflare", "-"
	expected := map[FaultKind]struct {
		status  int
		body    string
		stored  bool
		headers bool // X-RateLimit-*
	}{
		FaultReset:        {0, "", false, false},
		FaultUnauthorized: {401, `"code":401`, false, false},
		FaultForbidden:    {403, `"code":403`, false, false},
		FaultHTML403:      {403, html, false, false},
		FaultBurst429:     {429, `"code":429`, false, true},
		FaultDaily429:     {429, "100 request per day", false, true},
		FaultStatus:       {503, `"code":503`, false, true},
		FaultHTML502:      {502, html, false, true},
		FaultQuota:        {402, "quota", false, true},
		FaultRefuse:       {400, `"code":4017`, false, true},
		FaultLostReply:    {0, "", true, false},
		FaultSlow:         {201, `"code":201`, true, true},
		FaultTruncated:    {201, cut, true, true},
		FaultMalformed:    {201, `{"meta":{"code":201},"data":{"id":"`, true, true},
		FaultEmpty:        {201, "", true, true},
	}
	for _, kind := range FaultKinds() {
		t.Run(string(kind), func(t *testing.T) {
			want, listed := expected[kind]
			if !listed {
				t.Fatal("no expectation for this kind")
			}
			var slept time.Duration
			s, _ := unlimited(func(o *Options) {
				o.Limit, o.Sleep = 10, func(_ context.Context, d time.Duration) { slept += d }
			})
			server := httptest.NewServer(s)
			defer server.Close()
			fault(t, s, Fault{ID: "mine", Kind: kind, First: 1, Code: map[FaultKind]int{FaultRefuse: 4017}[kind]})
			got := send(t, server, "POST", "/tracking/2025-07/trackings", `{"tracking_number":"12345","slug":"ups"}`)
			if got.status != want.status || got.partial != (want.body == cut) || want.body != cut && !strings.Contains(got.body, want.body) || want.body == "" && got.body != "" {
				t.Errorf("got %+v, want %+v", got, want)
			}
			if (got.header.Get("X-RateLimit-Limit") != "") != want.headers {
				t.Errorf("headers %v", got.header)
			}
			if (slept > 0) != (kind == FaultSlow) {
				t.Errorf("it took %v", slept)
			}
			checkFaultLog(t, s, kind, want.stored)
			if again := send(t, server, "POST", "/tracking/2025-07/trackings", `{"tracking_number":"12345","slug":"ups"}`); strings.Contains(again.body, "4003") != want.stored {
				t.Errorf("then: %+v", again)
			}
		})
	}
}

func checkFaultLog(t *testing.T, s *Sandbox, kind FaultKind, stored bool) {
	t.Helper()
	calls := s.Calls()
	lost := kind == FaultReset || kind == FaultLostReply || kind == FaultTruncated
	if len(calls) != 1 || calls[0].Fault != "mine" || calls[0].Kind != kind || calls[0].Changed != stored || calls[0].Lost != lost {
		t.Errorf("log: %+v", calls)
	}
	if (len(s.Trackings()) == 1) != stored {
		t.Errorf("stored: %v", s.Trackings())
	}
	if hits := s.Faults()[0].Hits; hits != 1 {
		t.Errorf("%d hits", hits)
	}
}

func TestStoredErrors(t *testing.T) {
	for kind, status := range map[FaultKind]int{FaultStatus: 504, FaultHTML502: 502} {
		s, _ := unlimited()
		fault(t, s, Fault{Kind: kind, Status: status, Stored: true})
		got := ask(t, s, "POST", "/tracking/2025-07/trackings", `{"tracking_number":"12345","slug":"ups"}`)
		if got.HTTP != status || len(s.Trackings()) != 1 || !s.Calls()[0].Changed || s.Calls()[0].Number != "12345" {
			t.Errorf("%s: %d %+v", kind, got.HTTP, s.Calls())
		}
	}
}

func TestEveryCodeCanBeAnswered(t *testing.T) {
	for code, f := range failures {
		s, _ := unlimited()
		fault(t, s, Fault{Kind: FaultRefuse, Code: code})
		if got := ask(t, s, "GET", "/v4/trackings", ""); got.Code != code || got.HTTP != f.http || got.Type != f.kind {
			t.Errorf("%d: %s", code, got.Raw)
		}
	}
	s, _ := unlimited()
	fault(t, s, Fault{Kind: FaultRefuse, Code: 4099, Status: 422, Message: "Something new."})
	if got := ask(t, s, "GET", "/v4/trackings", ""); got.Code != 4099 || got.HTTP != 422 || got.Message != "Something new." {
		t.Error(got.Raw)
	}
}

func TestWhichCallsMeetAFault(t *testing.T) {
	at := testTime
	create, get := []aftership.Endpoint{aftership.EndpointCreate}, []aftership.Endpoint{aftership.EndpointGet}
	for _, c := range []struct {
		name  string
		fault Fault
		want  string // of GET x, POST 11111, POST 22222, and the same again: F for a fault
	}{
		{"all", Fault{}, "FFFFFF"},
		{"an endpoint", Fault{Endpoints: create}, ".FF.FF"},
		{"another", Fault{Endpoints: get}, "F..F.."},
		{"a class", Fault{Classes: []aftership.Class{"create"}}, ".FF.FF"},
		{"a number", Fault{Numbers: []string{"22222"}}, "..F..F"},
		{"a number by its id", Fault{Numbers: []string{"00000"}}, "F..F.."},
		{"an id", Fault{Numbers: []string{"x"}}, "F..F.."},
		{"a key", Fault{Keys: []string{"default"}}, "FFFFFF"},
		{"another key", Fault{Keys: []string{"other"}}, "......"},
		{"the first two", Fault{First: 2}, "FF...."},
		{"after two", Fault{After: 2}, "..FFFF"},
		{"two after one", Fault{After: 1, First: 2}, ".FF..."},
		{"the first of each number", Fault{First: 1, PerNumber: true}, "FFF..."},
		{"the second of each number", Fault{After: 1, PerNumber: true}, "...FFF"},
		{"past", Fault{Until: at}, "......"},
		{"present", Fault{From: at, Until: at.Add(1)}, "FFFFFF"},
		{"future", Fault{From: at.Add(1)}, "......"},
	} {
		s, _ := unlimited()
		seed(t, s, Seed{ID: "x", Slug: "ups", Number: "00000"})
		c.fault.Kind = FaultStatus
		fault(t, s, c.fault)
		var got strings.Builder
		for range 2 {
			for _, r := range []reply{
				ask(t, s, "GET", "/tracking/2025-07/trackings/x", ""),
				ask(t, s, "POST", "/tracking/2025-07/trackings", `{"tracking_number":"11111","slug":"ups"}`),
				ask(t, s, "POST", "/tracking/2025-07/trackings", `{"tracking_number":"22222","slug":"ups"}`),
			} {
				got.WriteString(map[bool]string{true: "F", false: "."}[r.HTTP == 503])
			}
		}
		if got.String() != c.want {
			t.Errorf("%s: %s, not %s", c.name, got.String(), c.want)
		}
	}
}

func TestShareOfFaults(t *testing.T) {
	count := func(seed uint64) (hits int) {
		s, _ := unlimited(func(o *Options) { o.RandomSeed = seed })
		fault(t, s, Fault{Kind: FaultStatus, Share: 0.2})
		for range 1000 {
			if ask(t, s, "GET", "/v4/trackings/x", "").HTTP == 503 {
				hits++
			}
		}
		return hits
	}
	first := count(1)
	if first < 150 || first > 250 {
		t.Errorf("%d of 1000 for a share of 0.2", first)
	}
	if again := count(1); again != first {
		t.Errorf("the same seed gave %d, then %d", first, again)
	}
}

func TestTheFirstFaultThatFits(t *testing.T) {
	s, _ := unlimited()
	fault(t, s, Fault{ID: "a", Kind: FaultStatus, First: 1}, Fault{ID: "b", Kind: FaultForbidden})
	var codes []int
	for range 2 {
		codes = append(codes, ask(t, s, "GET", "/v4/trackings/x", "").Code)
	}
	s.ClearFaults("b")
	codes = append(codes, ask(t, s, "GET", "/v4/trackings/x", "").Code)
	if !slices.Equal(codes, []int{503, 403, 4004}) || len(s.Faults()) != 1 {
		t.Error(codes, s.Faults())
	}
	s.ClearFaults()
	if len(s.Faults()) != 0 {
		t.Error(s.Faults())
	}
}

func TestWrongFaults(t *testing.T) {
	s, _ := unlimited()
	for _, f := range []Fault{{}, {Kind: "odd"}, {Kind: FaultStatus, Share: 2}, {Kind: FaultRefuse}, {Kind: FaultStatus, Status: 1000},
		{Kind: FaultStatus, Endpoints: []aftership.Endpoint{"nothing"}}} {
		if _, err := s.Fault(f); err == nil {
			t.Errorf("%+v was taken", f)
		}
	}
}

// TestWhatIsCounted: what fails at the edge takes nothing from the limit.
func TestWhatIsCounted(t *testing.T) {
	s, _ := unlimited(func(o *Options) { o.Limit = 1 })
	fault(t, s, Fault{Kind: FaultReset, First: 1}, Fault{Kind: FaultUnauthorized, First: 1}, Fault{Kind: FaultBurst429, First: 1})
	server := httptest.NewServer(s)
	defer server.Close()
	for _, status := range []int{0, 401, 429, 200, 429} { // the first three took nothing from the limit of one
		if got := send(t, server, "GET", "/v4/trackings", ""); got.status != status {
			t.Errorf("got %d, not %d", got.status, status)
		}
	}
}

// signal is a log that tells when its first line comes.
type signal struct {
	once sync.Once
	came chan struct{}
}

func (s *signal) Write(p []byte) (int, error) {
	s.once.Do(func() { close(s.came) })
	return len(p), nil
}

func TestSlowRepliesEndWithTheClient(t *testing.T) {
	logged := &signal{came: make(chan struct{})}
	s := New(Options{Limit: -1, LogTo: logged})
	fault(t, s, Fault{Kind: FaultSlow, Delay: time.Hour})
	server := httptest.NewServer(s)
	defer server.Close() // waits for the handler
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, "POST", server.URL+"/v4/trackings/x/retrack", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("as-api-key", DefaultKey)
	var wg sync.WaitGroup
	wg.Go(func() {
		<-logged.came
		cancel()
	})
	if _, err := server.Client().Do(req); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	wg.Wait()
}

func TestLatencyAndJitter(t *testing.T) {
	var waits []time.Duration
	s, _ := unlimited(func(o *Options) {
		o.Latency, o.Sleep = 40*time.Millisecond, func(_ context.Context, d time.Duration) { waits = append(waits, d) }
	})
	ask(t, s, "GET", "/v4/trackings", "")
	if !slices.Equal(waits, []time.Duration{20 * time.Millisecond, 20 * time.Millisecond}) {
		t.Error(waits)
	}
	if err := s.Change(func(o *Options) { o.Latency, o.Jitter = 0, 3*time.Millisecond }); err != nil {
		t.Fatal(err)
	}
	waits = nil
	var sum time.Duration
	for range 2000 {
		ask(t, s, "GET", "/v4/trackings", "")
	}
	for _, w := range waits {
		sum += w
	}
	if mean := sum / time.Duration(len(waits)); mean < 2500*time.Microsecond || mean > 3500*time.Microsecond {
		t.Errorf("mean jitter %v", mean)
	}
}
