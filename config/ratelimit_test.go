package config

import (
	"encoding/json"
	"testing"
)

func TestParseRateLimit(t *testing.T) {
	for text, want := range map[string]string{
		"": "", " ": "", "10": "10", "0.5": "0.5", "all=10": "10", "create=20,update=5": "create=20,update=5",
		" update = 5 , CREATE=20 ": "create=20,update=5", "10,create=20": "10,create=20", "create=20,10": "10,create=20",
		"1000000": "1000000", "007": "7", "10.500": "10.5",
	} {
		r, err := ParseRateLimit(text)
		if err != nil || r.String() != want {
			t.Errorf("%q: %s, %v", text, r, err)
		}
	}
	for _, text := range []string{"0", "0.0", "-1", "+1", "1e3", "NaN", "Inf", "0x10", "10,", ",", "=", "create", "create=", "=5",
		"create=5,create=6", "all=1,2", "1,2", "made_up=3", "1000001", "10/s", "10 20", "create=5;update=6", "1_000"} {
		if r, err := ParseRateLimit(text); err == nil || r.String() != "" {
			t.Errorf("%q was accepted as %s", text, r)
		}
	}
}

func TestRateLimitOf(t *testing.T) {
	for text, want := range map[string][2]float64{ // create, update; 0 = left to the table
		"": {0, 0}, "10": {10, 10}, "create=20": {20, 0}, "10,create=20": {20, 10}, "all=3": {3, 3},
	} {
		r, err := ParseRateLimit(text)
		if err != nil {
			t.Fatal(err)
		}
		for i, class := range []string{"create", "update"} {
			if got, ok := r.Of(class); got != want[i] || ok != (want[i] > 0) {
				t.Errorf("%q of %s: %v %v", text, class, got, ok)
			}
		}
	}
	r, _ := ParseRateLimit("create=5")
	if raw, err := json.Marshal(r); err != nil || string(raw) != `"create=5"` {
		t.Errorf("%s %v", raw, err)
	}
}

// A limit that was read is written so that it reads the same again, and never
// lets nothing or endlessly much through.
func FuzzParseRateLimit(f *testing.F) {
	for _, s := range []string{"10", "create=20,update=5", "10,create=0.5", "0", "all=1", "a=b=c", "999999999.999999", ",,", "\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ParseRateLimit(text)
		if err != nil {
			return
		}
		again, err := ParseRateLimit(r.String())
		if err != nil || again.String() != r.String() {
			t.Errorf("%q became %q, which became %q, %v", text, r, again, err)
		}
		for _, class := range Classes() {
			if perSecond, ok := r.Of(class); ok && (perSecond <= 0 || perSecond > maxRate) {
				t.Errorf("%q lets %v of %s through", text, perSecond, class)
			}
		}
	})
}
