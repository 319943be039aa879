package sandbox

import (
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"aftership-bulk/aftership"
)

// arrivals draws the moments of many requests: bursts, pauses, and everything between.
func arrivals(t *rapid.T) []time.Time {
	at := testTime.Add(time.Duration(rapid.IntRange(0, 999_999_999).Draw(t, "start")))
	gaps := rapid.SliceOfN(rapid.OneOf(
		rapid.Just(0), rapid.IntRange(0, 50_000), rapid.IntRange(0, 200_000), rapid.IntRange(0, 3_000_000),
	), 1, 300).Draw(t, "gaps in µs")
	times := make([]time.Time, len(gaps))
	for i, gap := range gaps {
		at = at.Add(time.Duration(gap) * time.Microsecond)
		times[i] = at
	}
	return times
}

// admitted runs the arrivals through a counter and returns those that it let through.
func admitted(t *rapid.T, c counter, limit int, times []time.Time) []time.Time {
	var passed []time.Time
	for _, at := range times {
		remaining, reset, ok := c.take(at, limit)
		if remaining < 0 || remaining > limit || reset.Before(at) || reset.Sub(at) > time.Second {
			t.Fatalf("at %v: remaining %d of %d, reset in %v", at, remaining, limit, reset.Sub(at))
		}
		if ok {
			passed = append(passed, at)
		}
	}
	return passed
}

func TestFixedSecondsNeverHoldMoreThanTheLimit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit, times := rapid.IntRange(1, 20).Draw(t, "limit"), arrivals(t)
		counts, offered := map[int64]int{}, map[int64]int{}
		for _, at := range times {
			offered[at.Unix()]++
		}
		for _, at := range admitted(t, newCounter(ModelFixed, time.Second, 0), limit, times) {
			counts[at.Unix()]++
		}
		for second, n := range offered {
			if counts[second] != min(n, limit) {
				t.Fatalf("second %d: %d of %d let through with a limit of %d", second, counts[second], n, limit)
			}
		}
	})
}

func TestNoSlidingSecondHoldsMoreThanTheLimit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit, times := rapid.IntRange(1, 20).Draw(t, "limit"), arrivals(t)
		passed := admitted(t, newCounter(ModelSliding, time.Second, 0), limit, times)
		for i := limit; i < len(passed); i++ {
			if passed[i].Sub(passed[i-limit]) < time.Second {
				t.Fatalf("%d requests within %v", limit+1, passed[i].Sub(passed[i-limit]))
			}
		}
		// And no request is refused that the last second had room for.
		next := 0
		for _, at := range times {
			if next < len(passed) && passed[next].Equal(at) {
				next++
				continue
			}
			if next < limit || at.Sub(passed[next-limit]) >= time.Second {
				t.Fatalf("%v was refused though there was room", at)
			}
		}
	})
}

func TestNoTimeDrainsMoreThanTheBucketHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit, times := rapid.IntRange(1, 20).Draw(t, "limit"), arrivals(t)
		burst := rapid.IntRange(1, limit).Draw(t, "burst")
		passed := admitted(t, newCounter(ModelBucket, time.Second, burst), limit, times)
		const rounding = 1e-6
		for i := range passed {
			for j := i; j < len(passed); j++ {
				most := float64(burst) + float64(limit)*passed[j].Sub(passed[i]).Seconds()
				if float64(j-i+1) > most+rounding {
					t.Fatalf("%d requests within %v: the bucket of %d filling with %d a second allows %v", j-i+1, passed[j].Sub(passed[i]), burst, limit, most)
				}
			}
		}
	})
}

func TestBucketFillsAgain(t *testing.T) {
	c := newCounter(ModelBucket, time.Second, 0)
	for i := range 5 {
		if _, _, ok := c.take(testTime, 5); !ok {
			t.Fatalf("request %d was refused by a full bucket", i)
		}
	}
	if _, reset, ok := c.take(testTime, 5); ok || reset.Sub(testTime) != 200*time.Millisecond {
		t.Fatalf("an empty bucket let through %v, reset in %v", ok, reset.Sub(testTime))
	}
	if _, _, ok := c.take(testTime.Add(201*time.Millisecond), 5); !ok {
		t.Fatal("a token came back, and was refused")
	}
}

func TestClockGoingBackHarmsNoCounter(t *testing.T) {
	for _, m := range Models() {
		c := newCounter(m, time.Second, 0)
		c.take(testTime, 2)
		c.take(testTime.Add(-time.Hour), 2)
		if _, _, ok := c.take(testTime.Add(2*time.Second), 2); !ok {
			t.Errorf("%s: refused after the clock went back and on", m)
		}
	}
}

// TestLimitsOfEveryVersion spends the whole limit of each class within a second, on the simulated clock.
func TestLimitsOfEveryVersion(t *testing.T) {
	for _, v := range aftership.Versions() {
		for _, m := range Models() {
			t.Run(string(v)+"/"+string(m), func(t *testing.T) {
				clock := &frozen{testTime.Add(300 * time.Millisecond)}
				s := New(Options{Now: clock.now, Model: m})
				for _, class := range v.Classes() {
					spend(t, s, v, class)
				}
				clock.at = clock.at.Add(time.Second)
				if got := ask(t, s, "GET", v.BasePath()+"/trackings", ""); got.Code != 200 {
					t.Errorf("a second later: %d", got.Code)
				}
			})
		}
	}
}

// spend asks until the first 429 and checks the headers on the way.
func spend(t *testing.T, s *Sandbox, v aftership.Version, class aftership.Class) {
	t.Helper()
	limit := v.Limit(class)
	method, path := sampleRequest(v, class)
	for i := range limit {
		got := ask(t, s, method, path, "")
		if left := strconv.Itoa(limit - i - 1); got.Code == 429 || got.Header.Get("X-RateLimit-Remaining") != left {
			t.Fatalf("%s call %d: code %d, remaining %q, not %s", class, i, got.Code, got.Header.Get("X-RateLimit-Remaining"), left)
		}
	}
	got := ask(t, s, method, path, "")
	reset, err := strconv.ParseInt(got.Header.Get("X-RateLimit-Reset"), 10, 64)
	if got.HTTP != 429 || got.Code != 429 || got.Type != "TooManyRequests" || got.Header.Get("X-RateLimit-Limit") != strconv.Itoa(limit) ||
		err != nil || reset-testTime.Unix() < 1 || reset-testTime.Unix() > 2 {
		t.Fatalf("%s call %d: %d %v %s", class, limit, got.HTTP, got.Header, got.Raw)
	}
}

// sampleRequest is a request of a class.
func sampleRequest(v aftership.Version, class aftership.Class) (method, path string) {
	e := aftership.Endpoint(class)
	if class == aftership.ClassAll {
		e = aftership.EndpointGet
	}
	method, path = samplePath(e)
	return method, v.BasePath() + path
}

// samplePath is the method and path of an endpoint, for the tracking with the id "x".
func samplePath(e aftership.Endpoint) (method, path string) {
	p := map[aftership.Endpoint][2]string{
		aftership.EndpointCreate: {"POST", "/trackings"}, aftership.EndpointList: {"GET", "/trackings"},
		aftership.EndpointGet: {"GET", "/trackings/x"}, aftership.EndpointUpdate: {"PUT", "/trackings/x"},
		aftership.EndpointDelete: {"DELETE", "/trackings/x"}, aftership.EndpointRetrack: {"POST", "/trackings/x/retrack"},
		aftership.EndpointComplete: {"POST", "/trackings/x/mark-as-completed"}, aftership.EndpointCouriers: {"GET", "/couriers"},
		aftership.EndpointCouriersAll: {"GET", "/couriers/all"}, aftership.EndpointDetect: {"POST", "/couriers/detect"},
		aftership.EndpointPredict:        {"POST", "/estimated-delivery-date/predict"},
		aftership.EndpointPredictBatch:   {"POST", "/estimated-delivery-date/predict-batch"},
		aftership.EndpointLastCheckpoint: {"GET", "/last_checkpoint/x"},
	}[e]
	return p[0], p[1]
}

func TestOneCountForTheOrganisationUnlessTold(t *testing.T) {
	for _, perKey := range []bool{false, true} {
		clock := &frozen{testTime}
		s := New(Options{Now: clock.now, Limit: 1, LimitPerKey: perKey, Keys: []Key{
			{Name: "a", Value: "key-a"}, {Name: "b", Value: "key-b"}, {Name: "c", Value: "key-c", Account: "other"},
		}})
		want := map[string]int{"key-a": 200, "key-b": 429, "key-c": 200}
		if perKey {
			want["key-b"] = 200
		}
		for _, key := range []string{"key-a", "key-b", "key-c"} {
			if got := askWith(t, s, key, "GET", "/v4/trackings", ""); got.Code != want[key] {
				t.Errorf("per key %v, %s: %d, not %d", perKey, key, got.Code, want[key])
			}
		}
	}
}

func TestOneCountForAllVersionsUnlessTold(t *testing.T) {
	for _, perVersion := range []bool{false, true} {
		s, _ := unlimited(func(o *Options) { o.Limit, o.LimitPerVersion = 1, perVersion })
		ask(t, s, "GET", "/tracking/2025-07/trackings", "")
		if got := ask(t, s, "GET", "/tracking/2026-01/trackings", ""); (got.Code == 200) != perVersion {
			t.Errorf("per version %v: %d", perVersion, got.Code)
		}
	}
}

func TestLimitsChangeWhileRunning(t *testing.T) {
	s, _ := unlimited()
	if got := ask(t, s, "GET", "/v4/trackings", ""); got.Header.Get("X-RateLimit-Limit") != "" {
		t.Errorf("no limit, and a header says %s", got.Header.Get("X-RateLimit-Limit"))
	}
	for _, limit := range []int{10, 5, 7} {
		if err := s.Change(func(o *Options) { o.Limits = map[aftership.Class]int{aftership.ClassAll: limit} }); err != nil {
			t.Fatal(err)
		}
		if got := ask(t, s, "GET", "/v4/trackings", ""); got.Header.Get("X-RateLimit-Limit") != strconv.Itoa(limit) {
			t.Errorf("limit %d: the header says %s", limit, got.Header.Get("X-RateLimit-Limit"))
		}
	}
}

func TestDailyLimit(t *testing.T) {
	s, clock := unlimited(func(o *Options) { o.DailyLimit, o.RetryAfter = 2, true })
	for range 2 {
		if got := ask(t, s, "GET", "/v4/trackings", ""); got.Code != 200 {
			t.Fatal(got.Raw)
		}
	}
	got := ask(t, s, "GET", "/v4/trackings", "")
	if got.Code != 429 || got.Header.Get("X-RateLimit-Reset") != strconv.FormatInt(testTime.Truncate(24*time.Hour).Add(24*time.Hour).Unix(), 10) ||
		got.Header.Get("Retry-After") != "50400" {
		t.Errorf("%d %v", got.Code, got.Header)
	}
	clock.at = clock.at.Add(14 * time.Hour)
	if got := ask(t, s, "GET", "/v4/trackings", ""); got.Code != 200 {
		t.Errorf("the next day: %s", got.Raw)
	}
}

func TestResetCanBeEarly(t *testing.T) {
	s, _ := unlimited(func(o *Options) { o.Limit, o.ResetEarly = 10, 1 })
	if got := ask(t, s, "GET", "/v4/trackings", ""); got.Header.Get("X-RateLimit-Reset") != strconv.FormatInt(testTime.Unix(), 10) {
		t.Error(got.Header)
	}
}

func TestRetryAfterIsASwitch(t *testing.T) {
	for _, on := range []bool{false, true} {
		s, _ := unlimited(func(o *Options) { o.Limit, o.RetryAfter = 1, on })
		ask(t, s, "GET", "/v4/trackings", "")
		if got := ask(t, s, "GET", "/v4/trackings", ""); (got.Header.Get("Retry-After") == "1") != on {
			t.Errorf("switched %v: %v", on, got.Header)
		}
	}
}
