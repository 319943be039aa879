package aftership

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

const testKey = "asat_test0000000000000000000000000000"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// setup starts a server of the test's own and returns a client of the version together with the server's mux, whose paths
// start after the version's base path.
func setup(t *testing.T, v Version, more ...func(*Options)) (*Client, *http.ServeMux) {
	t.Helper()
	mux := http.NewServeMux()
	server := httptest.NewServer(http.StripPrefix(v.BasePath(), mux))
	transport := newTransport().(*http.Transport)
	o := Options{BaseURL: server.URL, APIKey: testKey, Version: v, HTTP: &http.Client{Transport: transport}}
	for _, change := range more {
		change(&o)
	}
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		server.Close()
	})
	return c, mux
}

// eachVersion runs a test for every version that has the endpoint.
func eachVersion(t *testing.T, ep Endpoint, test func(t *testing.T, v Version)) {
	for _, v := range Versions() {
		if v.Has(ep) {
			t.Run(string(v), func(t *testing.T) { test(t, v) })
		}
	}
}

// reply answers with a status and a body.
func reply(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("as-trace-id", "trace-1")
	w.WriteHeader(status)
	io.WriteString(w, body)
}

// replies is a handler that always answers the same.
func replies(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { reply(w, status, body) }
}

// tracking is a success about one tracking in the version's form.
func trackingReply(v Version, code, tracking string) string {
	if v.Wrapped() {
		tracking = `{"tracking":` + tracking + `}`
	}
	return `{"meta":{"code":` + code + `},"data":` + tracking + `}`
}

func testMethod(t *testing.T, r *http.Request, want string) {
	t.Helper()
	if r.Method != want {
		t.Errorf("method %s, want %s", r.Method, want)
	}
}

// testBody checks a request's body; an empty want means that there must be none.
func testBody(t *testing.T, r *http.Request, want string) {
	t.Helper()
	got, err := io.ReadAll(r.Body)
	if err != nil {
		t.Errorf("body: %v", err)
	}
	if want == "" && len(got) > 0 || want != "" && !sameJSON(got, []byte(want)) {
		t.Errorf("body %s\nwant %s", got, want)
	}
}

func sameJSON(a, b []byte) bool {
	var x, y any
	if json.Unmarshal(a, &x) != nil || json.Unmarshal(b, &y) != nil {
		return bytes.Equal(a, b)
	}
	return reflect.DeepEqual(x, y)
}

func asJSON(t *testing.T, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func want[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: got %#v, want %#v", what, got, want)
	}
}

// fixedClock is a clock that stands still.
func fixedClock(at time.Time) func() time.Time { return func() time.Time { return at } }

func mustContain(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q lacks %q", text, part)
		}
	}
}
