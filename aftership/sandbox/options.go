package sandbox

import (
	"context"
	"crypto/rsa"
	"fmt"
	"io"
	"slices"
	"time"

	"aftership-bulk/aftership"
)

// DefaultKey is the API key that a sandbox accepts when no other is configured. It opens nothing else.
const DefaultKey = "asat_sandbox0000000000000000000000"

// Options says how a sandbox behaves. The zero value is the API as it is documented or was recorded; everything that
// no source settles is a switch here. All but the fields without a JSON name can be changed while the sandbox runs.
type Options struct {
	// Keys are the API keys that are accepted. Defaults to one key, DefaultKey.
	Keys []Key `json:"-"`

	// Limit is the number of requests a window for every class; negative for no limit and no headers. Defaults to the vendor's table.
	Limit int `json:"limit"`
	// Limits overrides the limit of single classes; negative for none. Defaults to Limit.
	Limits map[aftership.Class]int `json:"limits"`
	// Model is the way requests are counted. Defaults to ModelFixed.
	Model Model `json:"model"`
	// Window is the time that a limit is for. Defaults to one second.
	Window time.Duration `json:"-"`
	// Burst is how many requests a full token bucket holds. Defaults to the limit.
	Burst int `json:"burst"`
	// DailyLimit refuses every request after so many in a day (UTC), as free plans do. Defaults to none.
	DailyLimit int `json:"daily_limit"`
	// LimitPerKey counts each key apart. Defaults to one count for an organisation.
	LimitPerKey bool `json:"limit_per_key"`
	// LimitPerVersion counts each version of the API apart. Defaults to one count for all.
	LimitPerVersion bool `json:"limit_per_version"`
	// RetryAfter adds a Retry-After header to 429. Defaults to none.
	RetryAfter bool `json:"retry_after"`
	// ResetEarly is the share of replies whose X-RateLimit-Reset is a second early, as was recorded. Defaults to 0.
	ResetEarly float64 `json:"reset_early"`

	// Latency is the time a request and its reply are under way, half each. Defaults to 0.
	Latency time.Duration `json:"-"`
	// Jitter is the mean of an exponentially distributed delay, drawn anew for the way in and the way out. Defaults to 0.
	Jitter time.Duration `json:"-"`
	// ClockOffset is how far the sandbox' clock is ahead of Now. Defaults to 0.
	ClockOffset time.Duration `json:"-"`

	// RetrackLimit is how often a tracking can be retracked; AfterShip says 3 in one place and 1 in another; negative
	// for never. Defaults to 3.
	RetrackLimit int `json:"retrack_limit"`
	// RetrackKeepsTag leaves the tag as it was after a retrack. Defaults to Pending.
	RetrackKeepsTag bool `json:"retrack_keeps_tag"`
	// RetrackExpiredOnly answers 4013 to the retrack of a tracking that is inactive for another reason, such as delivered. Defaults to false.
	RetrackExpiredOnly bool `json:"retrack_expired_only"`
	// ExpireAfter makes a Pending tracking Expired and inactive when nothing happened for so long (30 days at AfterShip). Defaults to never.
	ExpireAfter time.Duration `json:"-"`
	// MarkTwice400 refuses to complete a tracking that was completed before. Defaults to a 200 that changes nothing.
	MarkTwice400 bool `json:"mark_twice_400"`

	// Shape4003 is where the reply to a duplicate names the existing tracking, from 2024-07 on. Defaults to Shape4003Data.
	Shape4003 Shape4003 `json:"shape_4003"`
	// NoDate4003 leaves created_at out of the reply to a duplicate. Defaults to false.
	NoDate4003 bool `json:"no_date_4003"`
	// ExtraInKey makes the courier's extra fields part of what makes a tracking unique. Defaults to number and slug alone.
	ExtraInKey bool `json:"extra_in_key"`
	// AnySlugCollides makes a create without a slug a duplicate of any tracking of its number. Defaults to false: of the detected courier's.
	AnySlugCollides bool `json:"any_slug_collides"`
	// DuplicateIDCode is the code for a caller-chosen id that another tracking has. Defaults to 4015.
	DuplicateIDCode int `json:"duplicate_id_code"`
	// Case is what happens to lower-case letters in tracking numbers. Defaults to CaseFold.
	Case Case `json:"case"`
	// Unrecognized answers 201 with the slug "unrecognized" when no courier is found. Defaults to 4012.
	Unrecognized bool `json:"unrecognized"`
	// StrictFormats answers 4017 to a number that does not look like its courier's. Defaults to false.
	StrictFormats bool `json:"strict_formats"`
	// CharsetCode is the code for a tracking number of wrong length or letters: 4005 or 4017. Defaults to 4005.
	CharsetCode int `json:"charset_code"`
	// TypeErrorCode is the code for a field of the wrong JSON type, from 2024-10 on: 400 or 4008. Defaults to 400.
	TypeErrorCode int `json:"type_error_code"`
	// UnknownFields400 refuses fields that the version or endpoint does not have. Defaults to ignoring them.
	UnknownFields400 bool `json:"unknown_fields_400"`
	// MaxText is the longest plain text field, in characters; no limit of title, note and the like is known. Defaults to any length.
	MaxText int `json:"max_text"`
	// NoSlugChangeExpired refuses a new slug for an expired tracking. Defaults to false.
	NoSlugChangeExpired bool `json:"no_slug_change_expired"`
	// SlugPathNeedsFields asks for the courier's required fields in the query of a slug path. Defaults to false.
	SlugPathNeedsFields bool `json:"slug_path_needs_fields"`
	// OldGone makes trackings older than 120 days answer 4004 by id too. Defaults to false: only lists leave them out.
	OldGone bool `json:"old_gone"`
	// ListDays is how many days a list without created_at_min goes back: 90 were recorded once, 30 are in one text. Defaults to 120.
	ListDays int `json:"list_days"`
	// CursorAbsent leaves next_cursor out of a last page. Defaults to "".
	CursorAbsent bool `json:"cursor_absent"`
	// ExtraValueWrap puts the replies to update, delete and last checkpoint inside {"value": ...}, as two pages of the
	// vendor's show. Defaults to false.
	ExtraValueWrap bool `json:"extra_value_wrap"`
	// NeedContentType refuses requests without Content-Type: application/json. Defaults to false.
	NeedContentType bool `json:"need_content_type"`
	// PredictForbidden answers 403 to delivery date predictions, as a plan without them does. Defaults to false.
	PredictForbidden bool `json:"predict_forbidden"`
	// Inactive are couriers that the account has not activated. Defaults to a few, see couriers.txt; an empty list is none.
	Inactive []string `json:"inactive"`

	// Quota is how many trackings can be created. Defaults to any number; negative is none at all.
	Quota int `json:"quota"`
	// QuotaStatus is the HTTP status when the quota is used up. Defaults to 402.
	QuotaStatus int `json:"quota_status"`
	// QuotaCode is the meta.code then. Defaults to QuotaStatus.
	QuotaCode int `json:"quota_code"`
	// QuotaMessage is the text then. Defaults to one that names quota and plan.
	QuotaMessage string `json:"quota_message"`

	// MaxBody is the largest request body. Defaults to 1 MiB.
	MaxBody int64 `json:"max_body"`
	// LogSize is how many calls the log keeps, the newest; negative for none. Defaults to 100,000.
	LogSize int `json:"log_size"`
	// LogBodies keeps the body of each request in the log. Defaults to false.
	LogBodies bool `json:"log_bodies"`
	// LogTo gets every call as a line of JSON. Defaults to nowhere.
	LogTo io.Writer `json:"-"`

	// RandomSeed makes ids, jitter and shares repeatable. Defaults to 0, which is as good as any.
	RandomSeed uint64 `json:"-"`
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time `json:"-"`
	// Sleep waits, for latency and slow replies. Defaults to a timer that the context ends.
	Sleep func(context.Context, time.Duration) `json:"-"`
}

// Key is an API key that the sandbox accepts.
type Key struct {
	Name    string // names the key in logs, which never show its value
	Value   string
	Account string // the organisation; trackings, quota and limits belong to it. Defaults to "default"
	Signing Signing
	Secret  string         // of an AES key
	Public  *rsa.PublicKey // of an RSA key

	LegacyOnly bool // good for /v4 only
	Revoked    bool // answered as unknown
}

// Signing is how requests with a key must be signed.
type Signing string

// The ways of signing.
const (
	SigningNone Signing = ""    // the key alone; the default
	SigningAES  Signing = "aes" // an HMAC with the key's secret
	SigningRSA  Signing = "rsa" // an RSA-PSS signature
)

// Model is a way in which a server counts requests against a limit.
type Model string

// The models of counting.
const (
	ModelFixed   Model = "fixed"   // whole seconds of the clock, each with its own count; what the headers of the real API look like
	ModelSliding Model = "sliding" // the last second, whenever it is looked at
	ModelBucket  Model = "bucket"  // a token bucket that fills steadily
)

// Models lists every model.
func Models() []Model { return []Model{ModelFixed, ModelSliding, ModelBucket} }

// Shape4003 is where the reply to a duplicate holds the existing tracking. Versions up to 2024-04 always use
// Shape4003Tracking, which was recorded.
type Shape4003 string

// The shapes of a 4003.
const (
	Shape4003Data     Shape4003 = "data"     // {"data": {"id": ...}}
	Shape4003Tracking Shape4003 = "tracking" // {"data": {"tracking": {"id": ...}}}
	Shape4003None     Shape4003 = "none"     // {"data": {}}
)

// Shapes4003 lists every shape.
func Shapes4003() []Shape4003 { return []Shape4003{Shape4003Data, Shape4003Tracking, Shape4003None} }

// Case is what the server does with lower-case letters in a tracking number.
type Case string

// The rules for letters.
const (
	CaseFold   Case = "fold"   // stored and compared in upper case
	CaseKeep   Case = "keep"   // stored and compared as they are
	CaseReject Case = "reject" // refused as wrong letters
)

// Cases lists every rule.
func Cases() []Case { return []Case{CaseFold, CaseKeep, CaseReject} }

const (
	defaultQuotaMessage = "You have used up the tracking quota of your plan. Please upgrade your plan to add more shipments."
	dataKept            = 120 * 24 * time.Hour // "AfterShip only stores data of 120 days"
	signatureValid      = 3 * time.Minute
)

// filled returns the options with every default in place.
func (o Options) filled() Options {
	o.Model = or(o.Model, ModelFixed)
	o.Window = or(o.Window, time.Second)
	o.RetrackLimit = or(o.RetrackLimit, 3)
	o.Shape4003 = or(o.Shape4003, Shape4003Data)
	o.DuplicateIDCode = or(o.DuplicateIDCode, 4015)
	o.Case = or(o.Case, CaseFold)
	o.CharsetCode = or(o.CharsetCode, 4005)
	o.TypeErrorCode = or(o.TypeErrorCode, 400)
	o.QuotaStatus = or(o.QuotaStatus, 402)
	o.QuotaCode = or(o.QuotaCode, o.QuotaStatus)
	o.QuotaMessage = or(o.QuotaMessage, defaultQuotaMessage)
	o.ListDays = or(o.ListDays, 120)
	o.MaxBody = or(o.MaxBody, 1<<20)
	o.LogSize = or(o.LogSize, 100_000)
	if o.Inactive == nil {
		o.Inactive = defaultInactive
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Sleep == nil {
		o.Sleep = sleep
	}
	return o
}

// Check names the first setting that makes no sense, and what would.
func (o Options) Check() error {
	o = o.filled()
	switch {
	case !slices.Contains(Models(), o.Model):
		return fmt.Errorf("model %q is not known: use one of %v", o.Model, Models())
	case !slices.Contains(Shapes4003(), o.Shape4003):
		return fmt.Errorf("shape_4003 %q is not known: use one of %v", o.Shape4003, Shapes4003())
	case !slices.Contains(Cases(), o.Case):
		return fmt.Errorf("case %q is not known: use one of %v", o.Case, Cases())
	case o.Window <= 0:
		return fmt.Errorf("window %v must be longer than zero", o.Window)
	case o.ResetEarly < 0 || o.ResetEarly > 1:
		return fmt.Errorf("reset_early %v must be between 0 and 1", o.ResetEarly)
	case o.Latency < 0 || o.Jitter < 0:
		return fmt.Errorf("latency %v and jitter %v must not be negative", o.Latency, o.Jitter)
	case o.QuotaStatus < 400 || o.QuotaStatus > 599:
		return fmt.Errorf("quota_status %d must be an HTTP error", o.QuotaStatus)
	}
	return nil
}

// limit is the number of requests in a window of a class; negative for none.
func (o *Options) limit(v aftership.Version, class aftership.Class) int {
	if n := o.Limits[class]; n != 0 {
		return n
	}
	if o.Limit != 0 {
		return o.Limit
	}
	return v.Limit(class)
}

// now is the time on the sandbox' clock.
func (o *Options) now() time.Time { return o.Now().Add(o.ClockOffset) }

func sleep(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

func or[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}
