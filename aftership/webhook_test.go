package aftership

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// The vector is that of the contract: the documented formula over this body.
const (
	vectorSecret = "whsec_test"
	vectorBody   = `{"ts":1700000000,"event":"tracking_update","event_id":"3f645f5e-530b-4062-8695-db6a64420af8","is_tracking_first_tag":true,"msg":{}}`
	vectorMAC    = "wGqPhGddlsgfWAbwPvN5Fr6xENFY78OmfEBxQvpv2Po="
)

func secretsOf(t *testing.T, texts ...string) WebhookSecrets {
	t.Helper()
	s, err := NewWebhookSecrets(texts...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestWebhookSignature(t *testing.T) {
	if got := SignWebhook(vectorSecret, []byte(vectorBody)); got != vectorMAC {
		t.Errorf("signed as %s", got)
	}
	cases := []struct {
		name      string
		secrets   []string
		signature string
		body      string
		want      bool
	}{
		{"good", []string{vectorSecret}, vectorMAC, vectorBody, true},
		{"space around it", []string{" " + vectorSecret + "\n"}, " " + vectorMAC, vectorBody, true},
		{"the old secret of two", []string{"whsec_new", vectorSecret}, vectorMAC, vectorBody, true},
		{"the new secret of two", []string{vectorSecret, "whsec_old"}, vectorMAC, vectorBody, true},
		{"another secret", []string{"whsec_other"}, vectorMAC, vectorBody, false},
		{"another body", []string{vectorSecret}, vectorMAC, vectorBody + " ", false},
		{"none", []string{vectorSecret}, "", vectorBody, false},
		{"no base64", []string{vectorSecret}, "***", vectorBody, false},
		{"cut off", []string{vectorSecret}, vectorMAC[:40], vectorBody, false},
		{"hex", []string{vectorSecret}, fmt.Sprintf("%x", webhookMAC([]byte(vectorSecret), []byte(vectorBody))), vectorBody, false},
		{"empty body", []string{vectorSecret}, vectorMAC, "", false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			header := http.Header{}
			header.Set(WebhookSignature, c.signature)
			if got := secretsOf(t, c.secrets...).Verify(header, []byte(c.body)); got != c.want {
				t.Errorf("verified: %v", got)
			}
		})
	}
	header := http.Header{}
	header.Set(WebhookSignature, SignWebhook("", []byte(vectorBody)))
	if (WebhookSecrets{}).Verify(header, []byte(vectorBody)) {
		t.Error("no secret lets everything in")
	}
	if _, err := NewWebhookSecrets("", " "); err == nil {
		t.Error("an empty secret was taken")
	}
}

func TestWebhookSecretsNeverShow(t *testing.T) {
	s := secretsOf(t, vectorSecret)
	outer := struct{ S WebhookSecrets }{s}
	marshalled, err := json.Marshal(outer)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{s.String(), fmt.Sprint(s), fmt.Sprintf("%v %+v %#v %s %q %x %d", s, s, s, s, s, s, s),
		fmt.Sprintf("%v %+v %#v %x", outer, outer, &outer, outer), string(marshalled)} {
		if strings.Contains(text, vectorSecret) || strings.Contains(text, fmt.Sprintf("%x", vectorSecret)) || strings.Contains(text, "119 104 115") {
			t.Errorf("it shows in %s", text)
		}
	}
}

// One shipment as the versions write it.
var webhookShapes = map[Version]string{
	V4: `{"id":"5b74f4958776db0e00b6f5ed","tracking_number":"111111111111","slug":"fedex","tag":"Delivered","subtag":"Delivered_001",
		"subtag_message":"Delivered","expected_delivery":"2026-08-16","updated_at":"2026-08-16T03:50:45+00:00","emails":["a@b.example"],
		"checkpoints":[{"message":"Shipped","zip":"1"},{"message":"Left at door","checkpoint_time":"2026-08-15T10:00:00"}]}`,
	V202404: `{"id":"5b74f4958776db0e00b6f5ed","tracking_number":"111111111111","slug":"fedex","tag":"Delivered","subtag":"Delivered_001",
		"subtag_message":"Delivered","expected_delivery":"2026-08-16","updated_at":"2026-08-16T03:50:45+00:00","next_couriers":[],
		"checkpoints":[{"message":"Shipped"},{"message":"Left at door"}]}`,
	V202407: `{"id":"5b74f4958776db0e00b6f5ed5b74f495","legacy_id":"5b74f4958776db0e00b6f5ed","tracking_number":"111111111111","slug":"fedex",
		"tag":"Delivered","subtag":"Delivered_001","subtag_message":"Delivered","expected_delivery":"2026-08-16",
		"updated_at":"2026-08-16T03:50:45+00:00","shipment_weight":{"unit":"kg","value":1},
		"checkpoints":[{"message":"Shipped"},{"message":"Left at door"}]}`,
	V202501: `{"id":"5b74f4958776db0e00b6f5ed5b74f495","legacy_id":"5b74f4958776db0e00b6f5ed","tracking_number":"111111111111","slug":"fedex",
		"tag":"Delivered","subtag":"Delivered_001","subtag_message":"Delivered",
		"courier_estimated_delivery_date":{"estimated_delivery_date":"2026-08-16"},"updated_at":"2026-08-16T03:50:45Z",
		"customers":[{"email":"a@b.example"}],"custom_fields":null,
		"checkpoints":[{"message":"Shipped","source":"carrier"},{"message":"Left at door","source":"carrier"}]}`,
	V202607: `{"id":"5b74f4958776db0e00b6f5ed5b74f495","legacy_id":"5b74f4958776db0e00b6f5ed","tracking_number":"111111111111","slug":"fedex",
		"tag":"Delivered","subtag":"Delivered_001","subtag_message":"Delivered",
		"courier_estimated_delivery_date":{"estimated_delivery_date":"2026-08-16"},"updated_at":"2026-08-16T03:50:45+00:00",
		"order_promised_delivery_date":{"promised_delivery_date":"2026-08-17"},"shipment_direction":"forward",
		"checkpoints":[{"message":"Shipped","hash":"a"},{"message":"Left at door","hash":"b"}]}`,
}

// Every version's payload says the same, with the header that names the version,
// without it, and wrapped as replies are.
func TestDecodeWebhookOfEveryVersion(t *testing.T) {
	moment := time.Date(2026, 8, 16, 3, 50, 45, 0, time.UTC)
	for v, msg := range webhookShapes {
		for _, form := range []struct{ name, header, msg string }{
			{"with its header", string(v), msg}, {"without", "", msg}, {"of an unknown version", "2031-01", msg}, {"wrapped", string(v), `{"tracking":` + msg + `}`},
		} {
			t.Run(string(v)+" "+form.name, func(t *testing.T) {
				header := http.Header{}
				header.Set(WebhookVersion, form.header)
				e, err := DecodeWebhook(header, []byte(`{"ts":1786852246,"event":"tracking_update","event_id":"E-1","is_tracking_first_tag":true,"msg":`+form.msg+`}`))
				if err != nil {
					t.Fatal(err)
				}
				tr := e.Tracking
				got := []any{e.ID, e.Kind, e.FirstTag, e.At.Unix(), e.Moment().Equal(moment), tr.TrackingNumber, tr.Slug, tr.Tag, tr.Subtag, tr.ExpectedDelivery, len(tr.Checkpoints), tr.Checkpoints[1].Message}
				want := []any{"E-1", WebhookUpdate, true, int64(1786852246), true, "111111111111", "fedex", TagDelivered, "Delivered_001", "2026-08-16", 2, "Left at door"}
				if fmt.Sprint(got) != fmt.Sprint(want) {
					t.Errorf("got  %v\nwant %v", got, want)
				}
				if tr.ID != "5b74f4958776db0e00b6f5ed" && tr.LegacyID != "5b74f4958776db0e00b6f5ed" {
					t.Errorf("ids %q %q", tr.ID, tr.LegacyID)
				}
				if wantVersion := form.header; wantVersion == "2031-01" && e.Version != "" || form.name == "with its header" && e.Version != v {
					t.Errorf("version %q", e.Version)
				}
			})
		}
	}
}

func TestDecodeOddWebhooks(t *testing.T) {
	decode := func(body string) WebhookEvent {
		t.Helper()
		e, err := DecodeWebhook(http.Header{}, []byte(body))
		if err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		return e
	}
	if e := decode(vectorBody); e.ID != "3f645f5e-530b-4062-8695-db6a64420af8" || e.Tracking.TrackingNumber != "" || !e.Moment().Equal(time.Unix(1700000000, 0)) {
		t.Errorf("%+v", e)
	}
	without := decode(`{"event":"tracking_update","msg":{"id":"a"}}`)
	if !strings.HasPrefix(without.ID, "body-") || without.ID != decode(`{"event":"tracking_update","msg":{"id":"a"}}`).ID || !without.Moment().IsZero() {
		t.Errorf("%+v", without)
	}
	if odd := decode(`{"event":"x","event_id":"a b\u0000{}","msg":null}`); !strings.HasPrefix(odd.ID, "body-") {
		t.Errorf("%+v", odd)
	}
	for ts, want := range map[string]time.Time{
		"1700000000": time.Unix(1700000000, 0), `"1700000000"`: time.Unix(1700000000, 0), "1700000000123": time.UnixMilli(1700000000123),
		`"2023-11-14T22:13:20Z"`: time.Unix(1700000000, 0), "-5": {}, "1e300": {}, "null": {}, "{}": {},
	} {
		if e := decode(`{"event":"x","ts":` + ts + `}`); !e.At.Equal(want) {
			t.Errorf("ts %s is %s", ts, e.At)
		}
	}
	for _, body := range []string{"", "null", "[]", `"x"`, "{", `{"event":"x"`, `{"a":1}`, "\x00"} {
		if _, err := DecodeWebhook(http.Header{}, []byte(body)); err == nil {
			t.Errorf("%q was read", body)
		}
	}
}

func FuzzDecodeWebhook(f *testing.F) {
	f.Add("2026-07", []byte(vectorBody))
	for v, msg := range webhookShapes {
		f.Add(string(v), []byte(`{"ts":1,"event":"edd_revise","event_id":"e","msg":`+msg+`}`))
	}
	f.Fuzz(func(t *testing.T, version string, body []byte) {
		header := http.Header{WebhookVersion: {version}}
		e, err := DecodeWebhook(header, body)
		if err != nil {
			return
		}
		if !plainID.MatchString(e.ID) {
			t.Errorf("id %q", e.ID)
		}
		if again, err := DecodeWebhook(header, body); err != nil || again.ID != e.ID || !again.Moment().Equal(e.Moment()) {
			t.Errorf("another reading: %+v, %v", again, err)
		}
	})
}
