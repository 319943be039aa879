package sandbox

import (
	"crypto"
	"crypto/md5"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"aftership-bulk/aftership"
)

func TestKeyHeaders(t *testing.T) {
	for _, v := range aftership.Versions() {
		for _, c := range []struct {
			header, value string
			ok            bool
		}{
			{"as-api-key", DefaultKey, true}, {"as-api-key", "asat_wrong", false}, {"as-api-key", "", false},
			{"aftership-api-key", DefaultKey, v == aftership.V4}, {"Authorization", DefaultKey, false},
		} {
			s, _ := unlimited(func(o *Options) { o.Limit = 5 })
			r := httptest.NewRequest("GET", v.BasePath()+"/trackings", nil)
			r.Header.Set(c.header, c.value)
			got := do(t, s, r)
			if (got.Code == 200) != c.ok {
				t.Errorf("%s %s=%s: %s", v, c.header, c.value, got.Raw)
			}
			if got.HTTP == 401 && (got.Type != "Unauthorized" || got.Header.Get("X-RateLimit-Limit") != "") {
				t.Errorf("%s: %s %v", v, got.Raw, got.Header)
			}
		}
	}
}

func TestLegacyOnlyKeys(t *testing.T) {
	s, _ := unlimited(func(o *Options) { o.Keys = []Key{{Value: "old", LegacyOnly: true}} })
	for path, code := range map[string]int{"/v4/trackings": 200, "/tracking/2024-04/trackings": 401} {
		if got := askWith(t, s, "old", "GET", path, ""); got.Code != code {
			t.Errorf("%s: %d", path, got.Code)
		}
	}
}

func TestRevokedKeyInMidRun(t *testing.T) {
	s, _ := unlimited()
	for _, step := range []struct {
		revoked bool
		code    int
	}{{false, 200}, {true, 401}, {false, 200}} {
		if !s.Revoke("default", step.revoked) {
			t.Fatal("no key named default")
		}
		if got := ask(t, s, "GET", "/v4/trackings", ""); got.Code != step.code {
			t.Errorf("revoked %v: %d", step.revoked, got.Code)
		}
	}
	if s.Revoke("nobody", true) {
		t.Error("revoked a key that is not there")
	}
}

// TestSignatures proves the check by signatures that AfterShip's own Node SDK made.
func TestSignatures(t *testing.T) {
	const date = "Sun, 06 Nov 1994 08:49:37 GMT"
	signed, err := time.Parse(time.RFC1123, date)
	if err != nil {
		t.Fatal(err)
	}
	const key = "asat_test0000000000000000000000000000"
	for _, c := range []struct{ method, path, body, signature string }{
		{"POST", "/tracking/2026-07/trackings", `{"tracking_number":"1Z999AA10123456784","slug":"ups"}`, "QkxxYuKkwLrdN+8k6aAEbN8Jqy3YVq6XnBOortyDnDU="},
		{"GET", "/tracking/2026-07/trackings?created_at_min=2026-01-01T00%3A00%3A00%2B00%3A00&limit=200&tag=Expired", "", "nSGm/R2vjXnw7x2oxsBAxdHmg6Ylf0m278exDuM+Cyo="},
		{"GET", "/tracking/2026-07/trackings?tag=Expired&limit=200&created_at_min=2026-01-01T00%3A00%3A00%2B00%3A00", "", "nSGm/R2vjXnw7x2oxsBAxdHmg6Ylf0m278exDuM+Cyo="},
		{"POST", "/tracking/2026-07/trackings/abc/retrack", "", "X0Tz1Sx+yXIADEIRWkO5ChZSJ1aTGXs97fRUwCcTCPY="},
	} {
		for skew, ok := range map[time.Duration]bool{0: true, 2 * time.Minute: true, -2 * time.Minute: true, 4 * time.Minute: false, -4 * time.Minute: false} {
			for _, signature := range []string{c.signature, "", "AAAA", strings.ToLower(c.signature)} {
				clock := &frozen{signed.Add(skew)}
				s := New(Options{Limit: -1, Now: clock.now, Keys: []Key{{Value: key, Signing: SigningAES, Secret: "asaes_secret_0000"}}})
				r := httptest.NewRequest(c.method, c.path, strings.NewReader(c.body))
				r.Header.Set("as-api-key", key)
				r.Header.Set("date", date)
				r.Header.Set("content-type", "application/json")
				r.Header.Set("as-signature-hmac-sha256", signature)
				got := do(t, s, r)
				if want := ok && signature == c.signature; (got.HTTP != 401) != want {
					t.Errorf("%s %s, skew %v, signature %q: %s", c.method, c.path, skew, signature, got.Raw)
				}
			}
		}
	}
}

func TestRSASignatures(t *testing.T) {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	clock := &frozen{testTime}
	s := New(Options{Limit: -1, Now: clock.now, Keys: []Key{{Value: "rsa", Signing: SigningRSA, Public: &private.PublicKey}}})
	text := `{"tracking_number":"12345","slug":"ups"}`
	sum, date := md5.Sum([]byte(text)), testTime.Format("Mon, 02 Jan 2006 15:04:05 GMT")
	digest := sha256.Sum256([]byte("POST\n" + strings.ToUpper(hex.EncodeToString(sum[:])) + "\napplication/json\n" + date + "\nas-api-key:rsa\n/tracking/2025-07/trackings"))
	signature, err := rsa.SignPSS(rand.Reader, private, crypto.SHA256, digest[:], &rsa.PSSOptions{SaltLength: 32})
	if err != nil {
		t.Fatal(err)
	}
	for sent, code := range map[string]int{base64.StdEncoding.EncodeToString(signature): 201, "": 401, "AAAA": 401} {
		r := httptest.NewRequest("POST", "/tracking/2025-07/trackings", strings.NewReader(text))
		r.Header.Set("as-api-key", "rsa")
		r.Header.Set("date", date)
		r.Header.Set("content-type", "application/json")
		r.Header.Set("as-signature-rsa-sha256", sent)
		if got := do(t, s, r); got.Code != code {
			t.Errorf("%q: %s", sent, got.Raw)
		}
	}
}

func TestContentTypeAndSize(t *testing.T) {
	s, _ := unlimited(func(o *Options) { o.NeedContentType, o.MaxBody = true, 100 })
	r := httptest.NewRequest("GET", "/v4/trackings", nil)
	r.Header.Set("as-api-key", DefaultKey)
	if got := do(t, s, r); got.Code != 400 {
		t.Error(got.Raw)
	}
	if got := ask(t, s, "POST", "/v4/trackings", strings.Repeat(" ", 101)); got.HTTP != 413 {
		t.Error(got.Raw)
	}
}

func TestAccountsAreApart(t *testing.T) {
	s, _ := unlimited(func(o *Options) {
		o.Keys = []Key{{Value: "key-a", Account: "a"}, {Value: "key-b", Account: "b"}}
	})
	for _, key := range []string{"key-a", "key-b"} {
		if got := askWith(t, s, key, "POST", "/tracking/2025-07/trackings", `{"tracking_number":"12345","slug":"ups"}`); got.Code != 201 {
			t.Errorf("%s: %s", key, got.Raw)
		}
	}
	all := s.Trackings()
	if len(all) != 2 || all[0].Account != "a" || all[1].Account != "b" {
		t.Error(all)
	}
	if got := askWith(t, s, "key-a", "GET", "/tracking/2025-07/trackings/"+all[1].ID, ""); got.Code != 4004 {
		t.Errorf("a sees a tracking of b: %s", got.Raw)
	}
}
