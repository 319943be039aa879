package aftership

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"time"
)

// WebhookKind is what a webhook tells.
type WebhookKind string

// The events (AfterShip docs, webhook overview page).
const (
	WebhookUpdate      WebhookKind = "tracking_update"       // the tracking has a new status or checkpoint
	WebhookEDDRevise   WebhookKind = "edd_revise"            // its estimated delivery date has changed
	WebhookPendingTime WebhookKind = "tracking_pending_time" // it has been pending for as long as the admin was told to warn of
)

// WebhookKinds lists the documented kinds. One that is added later is passed on all the same.
func WebhookKinds() []WebhookKind {
	return []WebhookKind{WebhookUpdate, WebhookEDDRevise, WebhookPendingTime}
}

// WebhookEvent is what one webhook says, in the words of [Tracking] whatever its version.
type WebhookEvent struct {
	ID       string // of the event: equal when AfterShip sends it again
	Kind     WebhookKind
	Version  Version   // of the tracking's shape; "" where the header is absent or names one that is not known here
	At       time.Time // when AfterShip made the event; zero where it does not say
	FirstTag bool      // the tracking has this tag for the first time
	Tracking Tracking
}

// Moment is the age of what the event tells, by which an older one is known: when the tracking was updated, else when the
// event was made.
func (e WebhookEvent) Moment() time.Time {
	if e.Tracking.UpdatedAt.IsZero() {
		return e.At
	}
	return e.Tracking.UpdatedAt
}

var (
	errWebhookJSON  = errors.New("the webhook's body is not a JSON object")
	errWebhookShape = errors.New("the webhook's body has neither an event nor a tracking: is it of another AfterShip product?")
)

// DecodeWebhook reads a webhook of any version, leniently as all of this package: a field that is missing or odd is empty.
// It does not check the signature.
func DecodeWebhook(header http.Header, body []byte) (WebhookEvent, error) {
	if !json.Valid(body) || !startsWith(body, '{') {
		return WebhookEvent{}, errWebhookJSON
	}
	o := parseObject(body)
	if o.text("event") == "" && o.object("msg") == nil {
		return WebhookEvent{}, errWebhookShape
	}
	msg, raw := unwrapRaw(o["msg"])
	e := WebhookEvent{
		ID: eventID(o.text("event_id"), body), Kind: WebhookKind(o.text("event")), Version: webhookVersion(header),
		At: webhookTime(o.text("ts")), FirstTag: o.bool("is_tracking_first_tag"), Tracking: decodeTracking(msg),
	}
	e.Tracking.Raw = slices.Clone(raw)
	return e, nil
}

func webhookVersion(header http.Header) Version {
	v, err := ParseVersion(header.Get(WebhookVersion))
	if err != nil {
		return ""
	}
	return v
}

// plainID is an event id that can stand in names of keys and tasks.
var plainID = regexp.MustCompile(`^[0-9A-Za-z_.-]{1,128}$`)

// eventID is the event's own id or, where it has none that can be used, a hash of the body: AfterShip sends the same body
// again.
func eventID(id string, body []byte) string {
	if plainID.MatchString(id) {
		return id
	}
	sum := sha256.Sum256(body)
	return "body-" + hex.EncodeToString(sum[:16])
}

// webhookTime reads Unix seconds, as documented, and what else a time may look like.
func webhookTime(ts string) time.Time {
	n, err := strconv.ParseFloat(ts, 64)
	switch {
	case err != nil:
		return parseTime(ts)
	case n > 0 && n < 1e11:
		return time.UnixMilli(int64(n * 1000)).UTC()
	case n >= 1e11 && n < 1e15:
		return time.UnixMilli(int64(n)).UTC()
	}
	return time.Time{}
}
