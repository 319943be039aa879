package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"aftership-bulk/aftership"
)

// steer sends a request under /_sandbox/, without a key.
func steer(t *testing.T, s *Sandbox, method, path, text string, into any) int {
	t.Helper()
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest(method, "/_sandbox/"+path, strings.NewReader(text)))
	if into != nil {
		if err := json.Unmarshal(w.Body.Bytes(), into); err != nil {
			t.Fatalf("%s %s: %v: %s", method, path, err, w.Body)
		}
	}
	return w.Code
}

func TestControlOfOptions(t *testing.T) {
	s, _ := unlimited()
	var got map[string]any
	if code := steer(t, s, "PATCH", "options", `{"limit":5,"limits":{"create":7},"model":"bucket","latency":"20ms","shape_4003":"none","inactive":[]}`, &got); code != 200 {
		t.Fatal(got)
	}
	if text := fmt.Sprintf("%v %v %v %v %v %v", got["limit"], got["limits"], got["model"], got["latency"], got["retrack_limit"], got["window"]); text != "5 map[create:7] bucket 20ms 3 1s" {
		t.Error(text)
	}
	o := s.Options()
	if o.Limit != 5 || o.Model != ModelBucket || o.Latency != 20*time.Millisecond || o.Shape4003 != Shape4003None || o.limit(aftership.V202507, "create") != 7 {
		t.Errorf("%+v", o)
	}
	steer(t, s, "PATCH", "options", `{"limits":{"update":3}}`, nil)
	if o := s.Options(); o.Limits["create"] != 7 || o.Limits["update"] != 3 || o.Limit != 5 {
		t.Errorf("%+v", o)
	}
	for _, bad := range []string{`{`, `{"limitt":5}`, `{"model":"odd"}`, `{"latency":"long"}`, `{"latency":"-1s"}`, `{"case":"UPPER"}`, `{"shape_4003":"x"}`, `{"window":"-1s"}`} {
		if code := steer(t, s, "PATCH", "options", bad, &got); code != 400 || got["error"] == nil {
			t.Errorf("%s: %d %v", bad, code, got)
		}
	}
	if o := s.Options(); o.Limit != 5 || o.Model != ModelBucket {
		t.Errorf("a wrong change was half made: %+v", o)
	}
}

// TestOptionsRoundTrip: what GET shows can be sent back.
func TestOptionsRoundTrip(t *testing.T) {
	before := Options{Limit: 3, Limits: map[aftership.Class]int{"create": 1}, Jitter: time.Second, Window: 2 * time.Second, ExpireAfter: time.Hour, ClockOffset: -time.Minute, Quota: 5}.filled()
	text, err := json.Marshal(before)
	if err != nil {
		t.Fatal(err)
	}
	var after Options
	if err := json.Unmarshal(text, &after); err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(after)
	if err != nil || !bytes.Equal(text, again) {
		t.Errorf("%v\n%s\n%s", err, text, again)
	}
}

func TestControlOfFaults(t *testing.T) {
	s, _ := unlimited()
	var posted struct{ IDs []string }
	if code := steer(t, s, "POST", "faults", `[{"kind":"status","status":500,"numbers":["1"],"first":1},{"id":"late","kind":"slow","delay":"2s","from":"2026-11-22T10:00:00Z"}]`, &posted); code != 200 {
		t.Fatal(posted)
	}
	if fmt.Sprint(posted.IDs) != "[fault-1 late]" || s.Faults()[1].Delay != 2*time.Second {
		t.Errorf("%v %+v", posted, s.Faults())
	}
	var got struct{ Faults []Fault }
	steer(t, s, "DELETE", "faults?id=fault-1", "", &got)
	if len(got.Faults) != 1 || got.Faults[0].Delay != 2*time.Second {
		t.Errorf("%+v", got)
	}
	for _, bad := range []string{`{"kind":"odd"}`, `{"kind":"status","statuss":1}`, `[`, `{"kind":"slow","delay":2}`} {
		if code := steer(t, s, "POST", "faults", bad, nil); code != 400 {
			t.Errorf("%s: %d", bad, code)
		}
	}
}

func TestControlOfState(t *testing.T) {
	s, _ := unlimited()
	if code := steer(t, s, "POST", "seed", `[{"tracking_number":"A1111","slug":"ups","tag":"Expired","inactive":true,"retracks":2,"fields":{"note":"n","tracking_postal_code":"1"}},{"tracking_number":"B2222","slug":"j-net"}]`, nil); code != 200 {
		t.Fatal(code)
	}
	var got struct{ Trackings []Seed }
	steer(t, s, "GET", "state?number=a1111", "", &got)
	if len(got.Trackings) != 1 || got.Trackings[0].Retracks != 2 || !got.Trackings[0].Inactive || got.Trackings[0].Fields["note"] != "n" {
		t.Fatalf("%+v", got)
	}
	// State is good seed.
	text, err := json.Marshal(got.Trackings)
	if err != nil {
		t.Fatal(err)
	}
	steer(t, s, "DELETE", "state", "", nil)
	if len(s.Trackings()) != 0 {
		t.Error(s.Trackings())
	}
	if code := steer(t, s, "POST", "seed", string(text), nil); code != 200 {
		t.Error(code)
	}
	if again, _ := json.Marshal(s.Trackings()); !bytes.Equal(again, text) {
		t.Errorf("%s\n%s", again, text)
	}
	for _, bad := range []string{string(text), `{"tracking_number":"1","fields":{"nothing":1}}`, `{"number":"1"}`, `{"tracking_number":"1","fields":{"order_date":"x"}}`} {
		if code := steer(t, s, "POST", "seed", bad, nil); code != 400 {
			t.Errorf("%s: %d", bad, code)
		}
	}
}

func TestControlOfKeys(t *testing.T) {
	s, _ := unlimited()
	var got struct{ Keys []map[string]any }
	if code := steer(t, s, "POST", "keys", `{"name":"default","revoked":true}`, &got); code != 200 || got.Keys[0]["revoked"] != true {
		t.Error(code, got)
	}
	if got := ask(t, s, "GET", "/v4/trackings", ""); got.Code != 401 {
		t.Error(got.Raw)
	}
	if code := steer(t, s, "POST", "keys", `{"name":"nobody","revoked":true}`, nil); code != 400 {
		t.Error(code)
	}
	if code := steer(t, s, "GET", "nothing", "", nil); code != 404 {
		t.Error(code)
	}
	if code := steer(t, s, "GET", "", "", nil); code != 200 {
		t.Error(code)
	}
}

func TestNothingShowsAKey(t *testing.T) {
	var log bytes.Buffer
	s, _ := unlimited(func(o *Options) { o.LogTo, o.LogBodies = &log, true })
	ask(t, s, "POST", "/v4/trackings", `{"tracking":{"tracking_number":"12345","slug":"ups"}}`)
	for _, path := range []string{"options", "keys", "state", "calls", "stats", "faults", ""} {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest("GET", "/_sandbox/"+path, nil))
		log.Write(w.Body.Bytes())
	}
	if strings.Contains(log.String(), DefaultKey) {
		t.Error(log.String())
	}
}

func TestLogIsBounded(t *testing.T) {
	s, _ := unlimited(func(o *Options) { o.LogSize = 3 })
	for i := range 5 {
		ask(t, s, "GET", fmt.Sprintf("/v4/trackings/id%d", i), "")
	}
	paths := func() (text string) {
		for _, c := range s.Calls() {
			text += fmt.Sprint(c.Seq, c.ID, " ")
		}
		return text
	}
	if got := paths(); got != "3id2 4id3 5id4 " {
		t.Error(got)
	}
	if got := s.Stats(); got.Calls != 5 || got.Dropped != 2 || got.Codes[4004] != 5 || got.Classes["all"].Calls != 5 {
		t.Errorf("%+v", got)
	}
	for _, size := range []int{2, -1} {
		if err := s.Change(func(o *Options) { o.LogSize = size }); err != nil {
			t.Fatal(err)
		}
		if got := paths(); size > 0 && got != "4id3 5id4 " {
			t.Errorf("size %d: %s", size, got)
		}
	}
	s.ClearCalls()
	if got := s.Stats(); got.Calls != 0 || len(s.Calls()) != 0 {
		t.Errorf("%+v", got)
	}
}

func TestQuestionsToTheLog(t *testing.T) {
	s, _ := unlimited(func(o *Options) { o.LogBodies = true })
	for _, number := range []string{"11111", "22222", "11111"} {
		ask(t, s, "POST", "/tracking/2025-07/trackings", `{"tracking_number":"`+number+`","slug":"ups"}`)
	}
	for query, want := range map[string]int{"": 3, "?since=1": 2, "?number=11111": 2, "?changed=true": 2, "?code=4003": 1, "?endpoint=create&limit=1": 1, "?class=update": 0, "?lost=true": 0} {
		var got struct {
			Calls []Call
			Next  int
		}
		steer(t, s, "GET", "calls"+query, "", &got)
		if len(got.Calls) != want {
			t.Errorf("%s: %+v", query, got.Calls)
		}
		if want > 0 && string(got.Calls[0].Body) == "" {
			t.Errorf("no body: %+v", got.Calls[0])
		}
	}
	steer(t, s, "DELETE", "calls", "", nil)
	if len(s.Calls()) != 0 {
		t.Error(s.Calls())
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestLogLines(t *testing.T) {
	var log bytes.Buffer
	s, _ := unlimited(func(o *Options) { o.LogTo, o.LogSize = &log, -1 })
	fault(t, s, Fault{Kind: FaultStatus})
	ask(t, s, "POST", "/tracking/2025-07/trackings", `{"tracking_number":"11111","slug":"ups"}`)
	var got Call
	if err := json.Unmarshal(log.Bytes(), &got); err != nil || got.Kind != FaultStatus || got.HTTP != 503 || !got.At.Equal(testTime) || got.Class != "create" || got.Key != "default" {
		t.Errorf("%v %+v", err, got)
	}
	s, _ = unlimited(func(o *Options) { o.LogTo = fullDisk{} })
	ask(t, s, "GET", "/v4/trackings", "")
	if err := s.LogError(); err == nil || err.Error() != "disk full" {
		t.Error(err)
	}
}

// TestManyAtOnce is for the race detector, and no create may succeed twice.
func TestManyAtOnce(t *testing.T) {
	s := New(Options{Limit: -1})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 50 {
				ask(t, s, "POST", "/tracking/2025-07/trackings", fmt.Sprintf(`{"tracking_number":"N%05d","slug":"ups"}`, i))
				ask(t, s, "GET", "/tracking/2025-07/trackings?limit=5", "")
				if i%10 == 0 {
					steer(t, s, "PATCH", "options", `{"limits":{"get":-1},"inactive":["dhl"]}`, nil)
					steer(t, s, "GET", "state", "", nil)
					steer(t, s, "POST", "faults", `{"kind":"status","first":1,"endpoints":["list"]}`, nil)
				}
			}
		})
	}
	wg.Wait()
	if got := s.Stats(); got.Changed != int64(len(s.Trackings())) || len(s.Trackings()) != 50 {
		t.Errorf("%d changes made %d trackings", got.Changed, len(s.Trackings()))
	}
}

// FuzzRequests: no request makes the handler panic, and what says it is JSON is.
func FuzzRequests(f *testing.F) {
	for _, v := range []aftership.Version{aftership.V4, aftership.V202404, aftership.V202507, aftership.V202607} {
		for _, e := range aftership.Endpoints() {
			method, path := samplePath(e)
			f.Add(method, v.BasePath()+path+"?limit=10&cursor=WzEsMiwzXQ==", sampleBody(v, e))
		}
	}
	f.Add("POST", "/v4/trackings", `{"tracking":{"tracking_number":"12345","slug":"ups","emails":"a@b.c","custom_fields":{"a":1},"next_couriers":[{}]}}`)
	f.Add("POST", "/tracking/2026-07/trackings", `{"tracking_number":"12345","customers":[{"email":"x"}],"last_mile":{"slug":""},"order_promised_delivery_date":{}}`)
	f.Add("PATCH", "/_sandbox/options", `{"limit":1}`)
	f.Add("POST", "/_sandbox/faults", `{"kind":"refuse","code":4012}`)
	f.Fuzz(func(t *testing.T, method, path, text string) {
		if !strings.HasPrefix(path, "/") || strings.ContainsAny(path, " \t\r\n") || strings.ContainsAny(method, " \t\r\n") || method == "" {
			return
		}
		r := newRequest(method, path, text)
		if r == nil {
			return
		}
		s, _ := unlimited(func(o *Options) { o.LogBodies = true })
		seed(t, s, Seed{ID: "x", Slug: "ups", Number: "12345", Tag: "Expired", Inactive: true})
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if strings.Contains(w.Header().Get("Content-Type"), "json") && !json.Valid(w.Body.Bytes()) {
			t.Errorf("%s %s: %s", method, path, w.Body)
		}
		for _, c := range s.Calls() {
			if _, err := json.Marshal(c); err != nil {
				t.Errorf("%+v: %v", c, err)
			}
		}
	})
}
