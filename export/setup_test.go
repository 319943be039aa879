package export

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"go.uber.org/goleak"

	"aftership-bulk/aftership"
	"aftership-bulk/aftership/sandbox"
	"aftership-bulk/jobs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// eras are one version of each kind: shared limit and wrapped bodies, wrapped with last checkpoints, slug paths without,
// and ids with cursors.
var eras = []aftership.Version{aftership.V4, aftership.V202404, aftership.V202407, aftership.V202507, aftership.V202607}

func eachEra(t *testing.T, test func(*testing.T, aftership.Version)) {
	for _, v := range eras {
		t.Run(string(v), func(t *testing.T) { test(t, v) })
	}
}

// world is a sandbox with a client for it.
type world struct {
	*testing.T
	sandbox *sandbox.Sandbox
	client  *aftership.Client
	caller  *Caller
}

func newWorld(t *testing.T, v aftership.Version, o sandbox.Options) *world {
	t.Helper()
	o.Limit = -1
	w := &world{T: t, sandbox: sandbox.New(o), caller: &Caller{Attempts: 3, Backoff: func(int) time.Duration { return time.Millisecond }}}
	server := httptest.NewServer(w.sandbox)
	transport := http.DefaultTransport.(*http.Transport).Clone()
	var err error
	w.client, err = aftership.New(aftership.Options{BaseURL: server.URL, APIKey: sandbox.DefaultKey, Version: v, HTTP: &http.Client{Transport: transport}})
	w.no(err)
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		server.Close()
	})
	return w
}

func (w *world) no(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) seed(seeds ...sandbox.Seed) { w.Helper(); w.no(w.sandbox.Seed(seeds...)) }

func (w *world) fault(f sandbox.Fault) {
	w.Helper()
	_, err := w.sandbox.Fault(f)
	w.no(err)
}

// calls counts the calls of an endpoint.
func (w *world) calls(e aftership.Endpoint) (n int) {
	for _, c := range w.sandbox.Calls() {
		if c.Endpoint == e {
			n++
		}
	}
	return n
}

// asked makes rows that ask about shipments.
func asked(refs ...aftership.Ref) []jobs.Asked {
	all := make([]jobs.Asked, len(refs))
	for i, r := range refs {
		all[i].Line = i + 2
		all[i].Row.ID, all[i].Row.Slug, all[i].Row.TrackingNumber = r.ID, r.Slug, r.TrackingNumber
	}
	return all
}

func (w *world) find(f *Finder, rows []jobs.Asked) []Answer {
	w.Helper()
	answers, err := f.Find(w.Context(), rows)
	w.no(err)
	if len(answers) != len(rows) {
		w.Fatalf("%d answers to %d rows", len(answers), len(rows))
	}
	for i := range answers {
		if answers[i].Asked.Line != rows[i].Line {
			w.Errorf("answer %d is about line %d", i, answers[i].Asked.Line)
		}
	}
	return answers
}

func results(answers []Answer) (all []Result) {
	for _, a := range answers {
		all = append(all, a.Result)
	}
	return all
}

func number(i int) string { return fmt.Sprintf("1Z999AA1%010d", i) }
