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
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	r.Header.Set("as-api-key", DefaultKey)
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

func TestLifeInEveryVersion(t *testing.T) {
	for _, v := range aftership.Versions() {
		t.Run(string(v), func(t *testing.T) {
			s, _ := unlimited()
			base := v.BasePath() + "/trackings"
			made := ask(t, s, "POST", base, body(v, `{"tracking_number":"1Z999AA10123456784","title":"Shoes"}`))
			if made.HTTP != 201 || made.Code != 201 || made.one()["slug"] != "ups" || made.one()["active"] != true {
				t.Fatalf("create: %+v", made)
			}
			id := made.one()["id"].(string)
			wantLen := 32
			if v.Wrapped() {
				wantLen = 24
			}
			if len(id) != wantLen {
				t.Errorf("id %q has %d characters, not %d", id, len(id), wantLen)
			}
			for _, step := range []struct {
				method, path, body string
				code               int
			}{
				{"GET", base + "/" + id, "", 200},
				{"PUT", base + "/" + id, body(v, `{"title":"Boots"}`), 200},
				{"POST", base + "/" + id + "/retrack", "", 4013},
				{"POST", base + "/" + id + "/mark-as-completed", `{"reason":"DELIVERED"}`, 200},
				{"POST", base + "/" + id + "/retrack", "", 200},
				{"POST", base, body(v, `{"tracking_number":"1z999aa10123456784","slug":"ups"}`), 4003},
				{"DELETE", base + "/" + id, "", 200},
				{"GET", base + "/" + id, "", 4004},
			} {
				if got := ask(t, s, step.method, step.path, step.body); got.Code != step.code {
					t.Errorf("%s %s: code %d, not %d: %s", step.method, step.path, got.Code, step.code, got.Raw)
				}
			}
		})
	}
}
