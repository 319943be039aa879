package aftership

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// The headers of a webhook (AfterShip docs, webhook signature and webhook overview pages).
const (
	// WebhookSignature is the header with the base64 of HMAC-SHA256 over the raw body. Other products of AfterShip use
	// other names; tracking has had this one since v4.
	WebhookSignature = "aftership-hmac-sha256"
	// WebhookVersion is the header with the version of the API whose shape the tracking inside has. It is chosen for each
	// address in AfterShip's admin, and is absent from the oldest webhooks.
	WebhookVersion = "as-webhook-version"
)

// WebhookSecrets checks the signatures of webhooks. It holds one secret or, while a secret is changed, the old one and
// the new one. No printing shows them.
type WebhookSecrets struct {
	// Behind a pointer, because fmt prints the fields of a struct inside another by reflection, past every method.
	keys *[][]byte
}

// NewWebhookSecrets takes the secrets of one account, from AfterShip's admin under Settings > Webhooks.
func NewWebhookSecrets(secrets ...string) (WebhookSecrets, error) {
	var keys [][]byte
	for _, s := range secrets {
		if s = strings.TrimSpace(s); s != "" {
			keys = append(keys, []byte(s))
		}
	}
	if len(keys) == 0 {
		return WebhookSecrets{}, errors.New("there is no webhook secret: copy it from AfterShip's admin under Settings > Webhooks")
	}
	return WebhookSecrets{&keys}, nil
}

// String leaves the secrets out.
func (w WebhookSecrets) String() string { return "webhook secrets" }

// Format writes what String says, whatever the verb.
func (w WebhookSecrets) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, w.String()) }

// MarshalText leaves the secrets out of JSON and logs.
func (w WebhookSecrets) MarshalText() ([]byte, error) { return []byte(w.String()), nil }

// Verify reports whether the body was signed with one of the secrets. Every secret is tried and every comparison takes the
// same time, so that an answer's delay tells nothing.
func (w WebhookSecrets) Verify(header http.Header, body []byte) bool {
	got, err := base64.StdEncoding.DecodeString(strings.TrimSpace(header.Get(WebhookSignature)))
	if err != nil || w.keys == nil {
		return false
	}
	good := 0
	for _, key := range *w.keys {
		good |= subtle.ConstantTimeCompare(got, webhookMAC(key, body))
	}
	return good == 1
}

func webhookMAC(key, body []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(body)
	return mac.Sum(nil)
}

// SignWebhook is the signature of a body, as AfterShip sends it. Tests and the sandbox use it.
func SignWebhook(secret string, body []byte) string {
	return base64.StdEncoding.EncodeToString(webhookMAC([]byte(secret), body))
}
