package aftership

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

const testSecret = "asaes_secret_0000"

// The signatures were made by AfterShip's own Node SDK 17 for these requests.
func TestAESVectors(t *testing.T) {
	signer, err := AES(testSecret)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct{ method, target, body, signature string }{
		{"POST", "/tracking/2026-07/trackings", `{"tracking_number":"1Z999AA10123456784","slug":"ups"}`,
			"QkxxYuKkwLrdN+8k6aAEbN8Jqy3YVq6XnBOortyDnDU="},
		{"GET", "/tracking/2026-07/trackings?created_at_min=2026-01-01T00%3A00%3A00%2B00%3A00&limit=200&tag=Expired", "",
			"nSGm/R2vjXnw7x2oxsBAxdHmg6Ylf0m278exDuM+Cyo="},
		{"POST", "/tracking/2026-07/trackings/abc/retrack", "", "X0Tz1Sx+yXIADEIRWkO5ChZSJ1aTGXs97fRUwCcTCPY="},
	}
	for _, tt := range tests {
		req, err := http.NewRequestWithContext(t.Context(), tt.method, DefaultBaseURL+tt.target, strings.NewReader(tt.body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("as-api-key", testKey)
		req.Header.Set("aftership-client", "not signed")
		if err := sign(req, []byte(tt.body), signer, time.Date(1994, 11, 6, 8, 49, 37, 0, time.UTC)); err != nil {
			t.Fatal(err)
		}
		want(t, tt.target, req.Header.Get("as-signature-hmac-sha256"), tt.signature)
		want(t, "date", req.Header.Get("Date"), "Sun, 06 Nov 1994 08:49:37 GMT")
	}
}

// What is signed must be what goes over the wire: the server side of this test reckons from the request that came.
func TestSignedRequests(t *testing.T) {
	signer, _ := AES(testSecret)
	now := time.Date(2026, 7, 9, 12, 0, 0, 0, time.UTC)
	for _, v := range Versions() {
		c, mux := setup(t, v, func(o *Options) { o.Signer, o.Now = signer, fixedClock(now) })
		seen := 0
		mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
			seen++
			checkSignature(t, r, v)
			reply(w, 200, `{"meta":{"code":200},"data":{"id":"x","trackings":[]}}`)
		})
		if _, err := c.Create(t.Context(), Shipment{TrackingNumber: "A B/1", Title: "<é>"}); err != nil {
			t.Error(err)
		}
		for _, err := range c.List(t.Context(), Filter{Keyword: "two words+more&so on", Slugs: []string{"a", "b"}}) {
			t.Error(err)
		}
		if _, err := c.Retrack(t.Context(), Ref{ID: "a/b"}); err != nil {
			t.Error(err)
		}
		want(t, "requests", seen, 3)
	}
}

func checkSignature(t *testing.T, r *http.Request, v Version) {
	t.Helper()
	if r.Header.Get("as-api-key") != testKey || r.Header.Get("aftership-api-key") != "" {
		t.Errorf("%s: a signed request needs the key in as-api-key alone", v)
	}
	body, _ := io.ReadAll(r.Body)
	copied := r.Clone(r.Context())
	copied.Header.Del("as-signature-hmac-sha256")
	copied.URL.Path, copied.URL.RawPath = "", ""
	path, query, _ := strings.Cut(r.RequestURI, "?")
	text := signString(copied, body)
	resource := path
	if query != "" {
		resource += "?" + query
	}
	text = text[:strings.LastIndexByte(text, '\n')+1] + resource
	_, signature, _ := aesSigner{[]byte(testSecret)}.Sign(text)
	want(t, "signature of "+r.RequestURI, r.Header.Get("as-signature-hmac-sha256"), signature)
}

func TestRSA(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for kind, der := range map[string][]byte{"RSA PRIVATE KEY": x509.MarshalPKCS1PrivateKey(key), "PRIVATE KEY": pkcs8} {
		signer, err := NewSigner(SigningRSA, string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})))
		if err != nil {
			t.Fatal(err)
		}
		header, value, err := signer.Sign("some text")
		if err != nil || header != "as-signature-rsa-sha256" {
			t.Fatal(header, err)
		}
		sig, _ := base64.StdEncoding.DecodeString(value)
		sum := sha256.Sum256([]byte("some text"))
		if err := rsa.VerifyPSS(&key.PublicKey, crypto.SHA256, sum[:], sig, &rsa.PSSOptions{SaltLength: 32}); err != nil {
			t.Error(err)
		}
	}
}

func TestNewSigner(t *testing.T) {
	if s, err := NewSigner(SigningNone, "x"); s != nil || err != nil {
		t.Error(s, err)
	}
	garbage := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: []byte(testSecret)}))
	for how, secret := range map[Signing]string{SigningAES: " ", SigningRSA: testSecret, "md5": testSecret, "": ""} {
		_, err := NewSigner(how, secret)
		if (err == nil) != (how == "") {
			t.Errorf("%s: %v", how, err)
		}
		if err != nil && strings.Contains(err.Error(), testSecret) {
			t.Errorf("the secret stands in %q", err)
		}
	}
	if _, err := NewSigner(SigningRSA, garbage); err == nil {
		t.Error("garbage was taken for a key")
	}
	want(t, "signings", len(Signings()), 3)
}

func TestSignersHideTheirSecret(t *testing.T) {
	aes, _ := AES(testSecret)
	key, _ := rsa.GenerateKey(rand.Reader, 2048)
	for _, s := range []Signer{aes, rsaSigner{key}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
			if text := fmt.Sprintf(verb, s); !strings.HasSuffix(text, "signer") {
				t.Errorf("%s shows %s", verb, text)
			}
		}
	}
}
