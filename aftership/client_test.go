package aftership

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const created = `{"id":"id-1","tracking_number":"12345","slug":"ups"}`

func TestNew(t *testing.T) {
	tests := map[string]struct {
		o    Options
		part string // of the error; empty is none
	}{
		"defaults":         {Options{APIKey: testKey}, ""},
		"key with newline": {Options{APIKey: testKey + "\n"}, ""},
		"http and a path":  {Options{APIKey: testKey, BaseURL: "http://127.0.0.1:8321/mock/"}, ""},
		"no key":           {Options{}, "API key is empty"},
		"key with a space": {Options{APIKey: "asat_ab cd"}, "copy it again"},
		"key with a dash":  {Options{APIKey: "asat_ab–cd"}, "copy it again"},
		"version":          {Options{APIKey: testKey, Version: "2022-07"}, "2024-04"},
		"no scheme":        {Options{APIKey: testKey, BaseURL: "api.aftership.com"}, DefaultBaseURL},
		"bad scheme":       {Options{APIKey: testKey, BaseURL: "ftp://api.aftership.com"}, DefaultBaseURL},
		"password":         {Options{APIKey: testKey, BaseURL: "https://me:hush@api.aftership.com"}, "password"},
		"unreadable":       {Options{APIKey: testKey, BaseURL: "https://me:hush@api aftership"}, "cannot be read"},
		"query":            {Options{APIKey: testKey, BaseURL: DefaultBaseURL + "?x=1"}, DefaultBaseURL},
	}
	for name, tt := range tests {
		_, err := New(tt.o)
		if (err == nil) != (tt.part == "") {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err != nil {
			mustContain(t, err.Error(), tt.part)
			if strings.Contains(err.Error(), "hush") || strings.Contains(err.Error(), "asat_ab") {
				t.Errorf("%s: a secret stands in %q", name, err)
			}
		}
	}
	c, err := New(Options{APIKey: testKey})
	if err != nil {
		t.Fatal(err)
	}
	want(t, "version", c.Version(), V202404)
	want(t, "timeout", c.timeout, DefaultTimeout)
}

func TestHeaders(t *testing.T) {
	eachVersion(t, EndpointCreate, func(t *testing.T, v Version) {
		c, mux := setup(t, v, func(o *Options) { o.UserAgent = "test/1" })
		mux.HandleFunc("POST /trackings", func(w http.ResponseWriter, r *http.Request) {
			header, other := "as-api-key", "aftership-api-key"
			if v == V4 {
				header, other = other, header
			}
			want(t, header, r.Header.Get(header), testKey)
			want(t, other, r.Header.Get(other), "")
			want(t, "agent", r.Header.Get("User-Agent"), "test/1")
			want(t, "type", r.Header.Get("Content-Type"), "application/json")
			reply(w, 201, trackingReply(v, "201", created))
		})
		if _, err := c.Create(t.Context(), Shipment{TrackingNumber: "12345"}); err != nil {
			t.Error(err)
		}
	})
}

// recorder is a limiter that writes down what it is asked and told.
type recorder struct {
	mu     sync.Mutex
	events []string
	seen   []RateHeaders
	err    error
}

func (r *recorder) Wait(_ context.Context, class Class) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, "wait "+string(class))
	return r.err
}

func (r *recorder) Observe(class Class, h RateHeaders) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, "observe "+string(class))
	r.seen = append(r.seen, h)
}

func TestLimiter(t *testing.T) {
	now := time.Date(2026, 7, 9, 12, 0, 0, 0, time.UTC)
	eachVersion(t, EndpointUpdate, func(t *testing.T, v Version) {
		l := &recorder{}
		base, mux := setup(t, v, func(o *Options) { o.Now = fixedClock(now) })
		c := base.With(l)
		mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-RateLimit-Limit", "20")
			w.Header().Set("X-RateLimit-Remaining", "19")
			w.Header().Set("X-RateLimit-Reset", "1783598401")
			reply(w, 404, errorBody(4004, "NotFound", "Tracking does not exist.", `{}`))
		})
		if _, err := c.Update(t.Context(), Ref{ID: "x"}, Shipment{Title: "t"}); err == nil {
			t.Error("no error")
		}
		class := string(v.Class(EndpointUpdate))
		want(t, "events", l.events, []string{"wait " + class, "observe " + class})
		h := l.seen[0]
		if h.Limit != 20 || h.Remaining != 19 || h.Reset.Unix() != 1783598401 || h.Date.IsZero() || h.TooMany ||
			!h.Sent.Equal(now) || !h.Received.Equal(now) {
			t.Errorf("%+v", h)
		}
		if _, err := base.Delete(t.Context(), Ref{ID: "x"}); err == nil || len(l.events) != 2 {
			t.Error("the client that With copied uses the limiter, too")
		}
	})
}

func TestLimiterSaysNo(t *testing.T) {
	held := errors.New("held")
	l := &recorder{err: held}
	c, mux := setup(t, V202507, func(o *Options) { o.Limiter = l })
	mux.HandleFunc("/", func(http.ResponseWriter, *http.Request) { t.Error("a request was sent without leave") })
	_, err := c.Create(t.Context(), Shipment{TrackingNumber: "12345"})
	if !errors.Is(err, held) {
		t.Errorf("%v", err)
	}
	if _, ok := errors.AsType[*NoAnswerError](err); ok {
		t.Error("nothing was sent, so there was nothing to answer")
	}
	mustContain(t, err.Error(), "create")
}

// A call that cannot be sent must not cost a slot.
func TestWrongCallsTakeNoSlot(t *testing.T) {
	l := &recorder{}
	c, err := New(Options{APIKey: testKey, Version: V202507, Limiter: l})
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		err  error
		want error
	}{
		"no id":         {second(c.Retrack(t.Context(), Ref{Slug: "ups", TrackingNumber: "12345"})), ErrNeedsID},
		"nothing":       {second(c.Get(t.Context(), Ref{}, GetOptions{})), ErrIncompleteRef},
		"no change":     {second(c.Update(t.Context(), Ref{ID: "x"}, Shipment{TrackingNumber: "12345"})), ErrNothingToChange},
		"not clearable": {second(c.Update(t.Context(), Ref{ID: "x"}, Shipment{Clear: []string{"title"}})), ErrNotClearable},
		"unsupported":   {second(c.LastCheckpoint(t.Context(), Ref{ID: "x"}, GetOptions{})), ErrUnsupported},
		"dots":          {second(c.Delete(t.Context(), Ref{ID: ".."})), nil},
	}
	for name, tt := range tests {
		if tt.err == nil || tt.want != nil && !errors.Is(tt.err, tt.want) {
			t.Errorf("%s: %v", name, tt.err)
		}
	}
	want(t, "slots", len(l.events), 0)
}

func second[T any](_ T, err error) error { return err }

func TestDeadline(t *testing.T) {
	for name, write := range map[string]func(http.ResponseWriter){
		"before the headers": func(http.ResponseWriter) {},
		"within the body": func(w http.ResponseWriter) {
			reply(w, 201, `{"meta":{"code":201},"data":{"id":"x"`)
			w.(http.Flusher).Flush()
		},
	} {
		c, mux := setup(t, V202507, func(o *Options) { o.Timeout = 50 * time.Millisecond })
		mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body) // only then does the server see the connection end
			write(w)
			<-r.Context().Done()
		})
		_, err := c.Create(t.Context(), Shipment{TrackingNumber: "12345"})
		e := noAnswerOf(t, err)
		if e.Kind != NoAnswerTimeout || !e.Sent || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCancelledByTheCaller(t *testing.T) {
	c, mux := setup(t, V202507)
	ctx, cancel := context.WithCancel(t.Context())
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		cancel()
		<-r.Context().Done()
	})
	_, err := c.Create(ctx, Shipment{TrackingNumber: "12345"})
	if e := noAnswerOf(t, err); e.Kind != NoAnswerCancelled || !e.Sent || !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	_, err = c.Create(ctx, Shipment{TrackingNumber: "12345"})
	if e := noAnswerOf(t, err); e.Kind != NoAnswerCancelled || e.Sent {
		t.Errorf("cancelled before: %v", err)
	}
}

// Waiting for leave takes as long as it takes; only then does the deadline start.
func TestWaitingDoesNotCount(t *testing.T) {
	const timeout = 200 * time.Millisecond
	c, mux := setup(t, V202507, func(o *Options) { o.Timeout = timeout })
	mux.HandleFunc("/", replies(201, trackingReply(V202507, "201", created)))
	if _, err := c.With(slowLeave(2*timeout)).Create(t.Context(), Shipment{TrackingNumber: "12345"}); err != nil {
		t.Error(err)
	}
}

type slowLeave time.Duration

func (d slowLeave) Wait(ctx context.Context, _ Class) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Duration(d)):
		return nil
	}
}

func (slowLeave) Observe(Class, RateHeaders) {}

func TestBodyLimit(t *testing.T) {
	long := trackingReply(V202507, "201", `{"id":"x","title":"`+strings.Repeat("x", 5000)+`"}`)
	for _, limit := range []int{len(long) - 1, len(long)} {
		c, mux := setup(t, V202507, func(o *Options) { o.MaxBody = int64(limit) })
		mux.HandleFunc("/", replies(201, long))
		_, err := c.Create(t.Context(), Shipment{TrackingNumber: "12345"})
		if limit == len(long) {
			if err != nil {
				t.Error(err)
			}
			continue
		}
		want(t, "kind", noAnswerOf(t, err).Kind, NoAnswerTooLarge)
	}
}

func TestConnectionsAreReused(t *testing.T) {
	c, mux := setup(t, V202404)
	status := 0
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		if status++; status%2 == 0 {
			reply(w, 502, "<html>"+strings.Repeat("x", 20_000)+"</html>")
			return
		}
		reply(w, 201, trackingReply(V202404, "201", created))
	})
	dialled := 0
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) {
		if !i.Reused {
			dialled++
		}
	}})
	for range 20 {
		c.Create(ctx, Shipment{TrackingNumber: "12345"})
	}
	want(t, "connections", dialled, 1)
}

func TestNoRetries(t *testing.T) {
	for _, status := range []int{429, 500, 502, 503, 504, 401} {
		c, mux := setup(t, V202404)
		var calls atomic.Int32
		mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
			calls.Add(1)
			w.Header().Set("Retry-After", "0")
			reply(w, status, "")
		})
		ref := Ref{ID: "x"}
		c.Create(t.Context(), Shipment{TrackingNumber: "12345"})
		c.Update(t.Context(), ref, Shipment{Title: "t"})
		c.Retrack(t.Context(), ref)
		c.Complete(t.Context(), ref, Completion{Reason: ReasonLost})
		c.Delete(t.Context(), ref)
		c.Get(t.Context(), ref, GetOptions{})
		want(t, fmt.Sprint("calls at ", status), calls.Load(), int32(6))
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the key went elsewhere") }))
	defer elsewhere.Close()
	c, mux := setup(t, V202404)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.URL, http.StatusFound) })
	_, err := c.Get(t.Context(), Ref{ID: "x"}, GetOptions{})
	want(t, "code", refusalOf(t, err).Code, http.StatusFound)
}

func TestTheKeyIsNeverShown(t *testing.T) {
	signer, _ := AES(testSecret)
	o := Options{BaseURL: "http://127.0.0.1:1", APIKey: testKey, Version: V202507, Signer: signer}
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	logger := slog.New(slog.NewJSONHandler(&log, nil))
	logger.Info("x", "options", o, "client", c)
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "options", o, "client", c)
	_, refused := c.Create(t.Context(), Shipment{TrackingNumber: "12345"})
	echo := createError(t, V202507, replies(401, errorBody(401, testKey, "The API key "+testKey+" is invalid.", `{}`)))
	texts := []string{log.String(), refused.Error(), echo.Error(), fmt.Sprintf("%+v %#v", echo, refusalOf(t, echo))}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		texts = append(texts, fmt.Sprintf(verb, o), fmt.Sprintf(verb, c), fmt.Sprintf(verb, refused))
	}
	for _, text := range texts {
		if strings.Contains(text, testKey) || strings.Contains(text, testSecret) {
			t.Errorf("a secret stands in %s", text)
		}
	}
	mustContain(t, echo.Error(), "[API key]")
}

func TestPathsAreEscaped(t *testing.T) {
	c, mux := setup(t, V202404, func(o *Options) { o.BaseURL += "/mock" })
	_ = mux
	target, err := c.target(request{endpoint: EndpointGet, path: []string{"trackings", "a b", "1/2?3#é%"}})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(target, "/mock/tracking/2024-04/trackings/a%20b/1%2F2%3F3%23%C3%A9%25") {
		t.Error(target)
	}
}

func BenchmarkCreate(b *testing.B) {
	server := httptest.NewServer(replies(201, trackingReply(V202507, "201", created)))
	defer server.Close()
	c, err := New(Options{BaseURL: server.URL, APIKey: testKey, Version: V202507})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Create(b.Context(), Shipment{TrackingNumber: "12345", Slug: "ups"}); err != nil {
			b.Fatal(err)
		}
	}
}
