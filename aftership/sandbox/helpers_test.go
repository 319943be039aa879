package sandbox

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"aftership-bulk/aftership"
)

// reply is what a test sees of an answer.
type reply struct {
	HTTP    int
	Code    int
	Type    string
	Message string
	Data    map[string]any
	Header  http.Header
	Raw     string
}

// ask sends a request to the handler, without a network.
func ask(t *testing.T, s *Sandbox, method, path, body string) reply {
	t.Helper()
	return askWith(t, s, DefaultKey, method, path, body)
}

// askWith is ask with a key of one's own.
func askWith(t *testing.T, s *Sandbox, key, method, path, body string) reply {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	r.Header.Set("as-api-key", key)
	r.Header.Set("Content-Type", "application/json")
	return do(t, s, r)
}

func do(t *testing.T, s *Sandbox, r *http.Request) reply {
	t.Helper()
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	res := w.Result()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	got := reply{HTTP: res.StatusCode, Header: res.Header, Raw: string(raw)}
	var e struct {
		Meta struct {
			Code    int
			Type    string
			Message string
		}
		Data map[string]any
	}
	if strings.Contains(res.Header.Get("Content-Type"), "json") && json.Unmarshal(raw, &e) == nil {
		got.Code, got.Type, got.Message, got.Data = e.Meta.Code, e.Meta.Type, e.Meta.Message, e.Data
	}
	return got
}

// one is the tracking in a reply, wrapped or bare.
func (r reply) one() map[string]any {
	if inner, ok := r.Data["tracking"].(map[string]any); ok {
		return inner
	}
	return r.Data
}

// frozen is a clock that stands until it is moved.
type frozen struct{ at time.Time }

func (f *frozen) now() time.Time { return f.at }

var testTime = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

// unlimited is a sandbox without limits whose clock stands.
func unlimited(edit ...func(*Options)) (*Sandbox, *frozen) {
	clock := &frozen{testTime}
	o := Options{Limit: -1, Now: clock.now}
	for _, e := range edit {
		e(&o)
	}
	return New(o), clock
}

// body wraps a tracking's JSON as the version has it.
func body(v aftership.Version, tracking string) string {
	if v.Wrapped() {
		return `{"tracking":` + tracking + `}`
	}
	return tracking
}

// newRequest is a request with the key, or nil if there can be no such request.
func newRequest(method, path, body string) *http.Request {
	r, err := http.NewRequest(method, path, strings.NewReader(body))
	if err != nil {
		return nil
	}
	r.Header.Set("as-api-key", DefaultKey)
	return r
}
