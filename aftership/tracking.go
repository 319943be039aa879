package aftership

import (
	"encoding/json"
	"time"
)

// Tag is the status of a tracking or a checkpoint.
type Tag string

// The tags (AfterShip docs, delivery status page).
const (
	TagPending            Tag = "Pending"            // added, nothing heard from the courier yet
	TagInfoReceived       Tag = "InfoReceived"       // the courier knows of the parcel
	TagInTransit          Tag = "InTransit"          // the courier has the parcel
	TagOutForDelivery     Tag = "OutForDelivery"     // the parcel is on its last way
	TagAttemptFail        Tag = "AttemptFail"        // the courier tried in vain
	TagDelivered          Tag = "Delivered"          // the parcel arrived
	TagAvailableForPickup Tag = "AvailableForPickup" // the parcel can be picked up
	TagException          Tag = "Exception"          // held, returned, damaged, lost
	TagExpired            Tag = "Expired"            // no news for 30 days: AfterShip has stopped to look; a retrack starts it again
)

// Tags lists every tag.
func Tags() []Tag {
	return []Tag{TagPending, TagInfoReceived, TagInTransit, TagOutForDelivery, TagAttemptFail, TagDelivered,
		TagAvailableForPickup, TagException, TagExpired}
}

// SlugUnrecognized is the slug of a tracking that was created although no courier was found. It needs a person's attention.
const SlugUnrecognized = "unrecognized"

// Tracking is a shipment as AfterShip knows it, in the words of [Shipment] whatever the version. What a reply leaves out
// is empty; Raw has the rest.
type Tracking struct {
	Shipment

	LegacyID             string // the id of 24 characters that a tracking also has from 2024-07 on
	Tag                  Tag
	Subtag               string // as Delivered_001
	SubtagMessage        string
	Active               bool // AfterShip still looks; only an inactive tracking can be retracked
	Source               string
	ReturnToSender       bool
	TrackedCount         int
	SignedBy             string
	ShipmentPickupDate   string // as the courier says, often without an offset
	ShipmentDeliveryDate string
	ExpectedDelivery     string // the courier's estimate
	CourierTrackingLink  string
	CourierRedirectLink  string
	CreatedAt, UpdatedAt time.Time
	Checkpoints          []Checkpoint

	Raw json.RawMessage // the tracking as it came
}

// Unrecognized reports that AfterShip stored the tracking without knowing its courier.
func (t Tracking) Unrecognized() bool { return t.Slug == SlugUnrecognized }

// Checkpoint is one event of a shipment.
type Checkpoint struct {
	Slug          string
	Tag           Tag
	Subtag        string
	SubtagMessage string
	Message       string
	Location      string
	City          string
	State         string
	PostalCode    string
	Country       string // ISO 3166-1 alpha-3
	CountryName   string
	Time          string    // as the courier says, often local and without an offset
	CreatedAt     time.Time // when AfterShip heard of it
	RawTag        string
	Source        string // from 2025-01 on: "carrier", or "user" where a person marked the tracking as completed
	Hash          string // from 2026-07 on
}
