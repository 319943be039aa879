package sandbox

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// controlPath is where the sandbox is steered, apart from the API.
const controlPath = "/_sandbox/"

// controlHelp is what GET /_sandbox/ answers.
const controlHelp = `GET    /_sandbox/options   the settings
PATCH  /_sandbox/options   {"limit": 5, "model": "sliding", "latency": "20ms", "quota": 100, ...}
GET    /_sandbox/faults    the faults in force, with their hits
POST   /_sandbox/faults    one fault or an array: {"kind": "status", "status": 503, "numbers": ["..."], "first": 1}
DELETE /_sandbox/faults    all, or those of ?id=
GET    /_sandbox/state     every tracking; ?number= or ?slug= for some
DELETE /_sandbox/state     forgets trackings, faults, calls and counts
POST   /_sandbox/seed      one tracking or an array, in the form of state
GET    /_sandbox/calls     the log; ?since=SEQ &endpoint= &class= &number= &id= &code= &fault= &changed=true &limit=
DELETE /_sandbox/calls     empties it
GET    /_sandbox/stats     counts of all calls
GET    /_sandbox/keys      names of the keys
POST   /_sandbox/keys      {"name": "default", "revoked": true}
`

// control answers requests under /_sandbox/.
func (s *Sandbox) control(w http.ResponseWriter, r *http.Request) {
	handle := map[string]func(*http.Request) (any, error){
		"GET options": s.getOptions, "PATCH options": s.patchOptions,
		"GET faults": s.getFaults, "POST faults": s.postFaults, "DELETE faults": s.deleteFaults,
		"GET state": s.getState, "DELETE state": s.deleteState, "POST seed": s.postSeed,
		"GET calls": s.getCalls, "DELETE calls": s.deleteCalls, "GET stats": s.getStats,
		"GET keys": s.getKeys, "POST keys": s.postKeys,
	}[r.Method+" "+strings.TrimPrefix(r.URL.Path, controlPath)]
	if handle == nil {
		w.WriteHeader(helpStatus(r))
		io.WriteString(w, controlHelp) //nolint:errcheck // the reader went away
		return
	}
	reply, err := handle(r)
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		reply = map[string]string{"error": err.Error()}
	}
	json.NewEncoder(w).Encode(reply) //nolint:errcheck // the reader went away
}

func helpStatus(r *http.Request) int {
	if r.Method == http.MethodGet && r.URL.Path == controlPath {
		return http.StatusOK
	}
	return http.StatusNotFound
}

func (s *Sandbox) getOptions(*http.Request) (any, error) { return s.Options(), nil }

func (s *Sandbox) patchOptions(r *http.Request) (any, error) {
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	var bad error
	err = s.Change(func(o *Options) {
		changed := *o
		if bad = json.Unmarshal(text, &changed); bad == nil {
			*o = changed
		}
	})
	if bad != nil {
		err = bad
	}
	return s.Options(), err
}

func (s *Sandbox) getFaults(*http.Request) (any, error) {
	return map[string]any{"faults": s.Faults()}, nil
}

func (s *Sandbox) postFaults(r *http.Request) (any, error) {
	faults, err := readMany[Fault](r)
	if err != nil {
		return nil, err
	}
	ids, err := s.Fault(faults...)
	return map[string]any{"ids": ids}, err
}

func (s *Sandbox) deleteFaults(r *http.Request) (any, error) {
	s.ClearFaults(r.URL.Query()["id"]...)
	return s.getFaults(r)
}

func (s *Sandbox) getState(r *http.Request) (any, error) {
	number, slug := r.URL.Query().Get("number"), r.URL.Query().Get("slug")
	found := []Seed{}
	for _, t := range s.Trackings() {
		if (number == "" || strings.EqualFold(t.Number, number)) && (slug == "" || t.Slug == slug) {
			found = append(found, t)
		}
	}
	return map[string]any{"trackings": found, "now": s.opt.Load().now().UTC().Format(time.RFC3339Nano)}, nil
}

func (s *Sandbox) deleteState(*http.Request) (any, error) {
	s.Reset()
	return map[string]any{}, nil
}

func (s *Sandbox) postSeed(r *http.Request) (any, error) {
	seeds, err := readMany[Seed](r)
	if err != nil {
		return nil, err
	}
	return map[string]any{"seeded": len(seeds)}, s.Seed(seeds...)
}

// getCalls also says with which number to ask again, and how many lines the log has lost.
func (s *Sandbox) getCalls(r *http.Request) (any, error) {
	q := r.URL.Query()
	since, _ := strconv.ParseInt(q.Get("since"), 10, 64)
	limit, err := strconv.Atoi(or(q.Get("limit"), "0"))
	if err != nil {
		return nil, err
	}
	calls, next := []Call{}, since
	for _, c := range s.Calls() {
		if c.Seq <= since || limit > 0 && len(calls) == limit {
			continue
		}
		next = c.Seq
		if c.asked(q.Get) {
			calls = append(calls, c)
		}
	}
	return map[string]any{"calls": calls, "next": next, "dropped": s.Stats().Dropped}, nil
}

// asked reports whether a call fits the parameters.
func (c *Call) asked(get func(string) string) bool {
	for name, value := range map[string]string{"endpoint": string(c.Endpoint), "class": string(c.Class), "number": c.Number,
		"id": c.ID, "code": itoa(c.Code), "http": itoa(c.HTTP), "fault": c.Fault, "kind": string(c.Kind), "key": c.Key,
		"changed": strconv.FormatBool(c.Changed), "lost": strconv.FormatBool(c.Lost)} {
		if wanted := get(name); wanted != "" && wanted != value {
			return false
		}
	}
	return true
}

func (s *Sandbox) deleteCalls(*http.Request) (any, error) {
	s.ClearCalls()
	return map[string]any{}, nil
}

func (s *Sandbox) getStats(*http.Request) (any, error) { return s.Stats(), nil }

// keyJSON is a key without its value.
type keyJSON struct {
	Name    string  `json:"name"`
	Account string  `json:"account,omitzero"`
	Signing Signing `json:"signing,omitzero"`
	Revoked bool    `json:"revoked"`
}

func (s *Sandbox) getKeys(*http.Request) (any, error) {
	keys := []keyJSON{}
	for _, k := range *s.keys.Load() {
		keys = append(keys, keyJSON{k.Name, k.Account, k.Signing, k.Revoked})
	}
	return map[string]any{"keys": keys}, nil
}

func (s *Sandbox) postKeys(r *http.Request) (any, error) {
	keys, err := readMany[keyJSON](r)
	if err != nil {
		return nil, err
	}
	for _, k := range keys {
		if !s.Revoke(k.Name, k.Revoked) {
			return nil, errNoKey(k.Name)
		}
	}
	return s.getKeys(r)
}

type errNoKey string

func (e errNoKey) Error() string { return "there is no key with the name " + strconv.Quote(string(e)) }

// readMany reads one value or an array of them, and no unknown names.
func readMany[T any](r *http.Request) ([]T, error) {
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	if trimmed := strings.TrimSpace(string(text)); !strings.HasPrefix(trimmed, "[") {
		text = []byte("[" + trimmed + "]")
	}
	var values []T
	return values, strict(text, &values)
}
