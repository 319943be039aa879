package jobs

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"aftership-bulk/aftership"
	"aftership-bulk/batch"
	"aftership-bulk/sheet"
	"aftership-bulk/sheet/preset"
	"aftership-bulk/value"
)

// ConflictLast is the value of --on-conflict that lets the last of several rows
// of one shipment win.
const ConflictLast = "last"

// Plan is what is to be done with a sheet: everything that decides which calls
// its rows become.
type Plan struct {
	Operation batch.Operation
	Version   aftership.Version
	Mapping   sheet.Mapping
	Defaults  Defaults
	// Rules say how the rows of an export are read beyond its columns.
	Rules preset.Rules
	// Carriers holds the slugs of the carriers that the sheet names otherwise, by
	// [CarrierKey]. An empty slug leaves the courier to AfterShip.
	Carriers map[string]string
	// CarrierHints say, for names that settle no courier, what is wrong and what to
	// do, by [CarrierKey]. Rows with such a name are invalid.
	CarrierHints map[string]CarrierHint
	// Required holds the columns that a courier needs beside the number, by its
	// slug. Rows to create that lack them are invalid.
	Required map[string][]string
	// Usual holds the columns that a courier is known to need, though the account's
	// own list does not say so. Rows to create that lack them are sent with a doubt.
	Usual map[string][]string
}

// CarrierHint is what is wrong with a carrier's name, and what to do about it.
type CarrierHint struct {
	Wrong  string // the end of a sentence that begins with the name
	Remedy string // an imperative
}

// options are the part of a plan that workers need to read rows as pass one did.
// They stand in the ledger, and are part of the batch's identity. What is not
// used is left out, so that what was enqueued before it existed stays the same.
type options struct {
	Defaults
	Rules    preset.Rules      `json:"rules,omitzero"`
	Carriers map[string]string `json:"carriers,omitempty"`
}

func (p Plan) options() options {
	o := options{Defaults: p.Defaults.plain(), Carriers: p.Carriers}
	if ruled(p.Rules) {
		o.Rules = p.Rules
		o.Rules.Preset = "" // its name changes nothing
	}
	return o
}

// dates is how dates are written, as far as a person or the preset says it.
func (o options) dates() string { return cmp.Or(o.Dates, o.Rules.Dates) }

// optionsOf reads the options of a batch.
func optionsOf(b batch.Batch) (options, error) {
	var o options
	if err := json.Unmarshal(b.Options, &o); err != nil {
		return o, fmt.Errorf("the options of batch %s cannot be read: %w", b.ID, err)
	}
	return o, nil
}

// ruled reports whether the rules say anything about rows.
func ruled(r preset.Rules) bool {
	return r.Dates != "" || r.Carry != nil || len(r.Skip) > 0 || len(r.FirstOf) > 0 || len(r.Values) > 0
}

// Defaults fill in what a row does not say. They are part of a batch's identity,
// because they change the calls.
type Defaults struct {
	Slug       string           `json:"slug,omitzero"`   // the courier of rows that name none
	Reason     aftership.Reason `json:"reason,omitzero"` // why shipments are marked as completed
	OnConflict string           `json:"on_conflict,omitzero"`
	OnExists   OnExists         `json:"on_exists,omitzero"` // what becomes of rows to create that AfterShip has; empty is skip
	Lookup     Lookup           `json:"lookup,omitzero"`    // whether rows to create are looked up first; empty is off
	Limit      int              `json:"limit,omitzero"`
	Skip       int              `json:"skip,omitzero"`
	Sample     int              `json:"sample,omitzero"`
	Dates      string           `json:"dates,omitzero"`     // how dates are written, as DD-MM-YYYY; empty takes only those that can mean one day
	Country    string           `json:"country,omitzero"`   // of phone numbers without a country's code, in rows that name none
	Zone       string           `json:"time_zone,omitzero"` // of times that do not say their offset from UTC, as Europe/Berlin; empty leaves those out
	// Force retracks also what the history of retracks would leave alone.
	Force bool `json:"force,omitzero"`
	// Marked says that the reasons are the user-marked status of AfterShip's own
	// sheets: a row that has one and names no operation is marked as completed.
	Marked bool `json:"marked,omitzero"`
	// NumberSeparators are further characters that stand between several tracking
	// numbers in a cell.
	NumberSeparators string `json:"number_separators,omitzero"`
}

// Validate reports what is wrong with the defaults.
func (d Defaults) Validate() error {
	switch {
	case d.Slug != "" && !isSlug(d.Slug):
		return fmt.Errorf("--slug %q is not a courier's slug: write it as AfterShip does (dhl, j-net)", d.Slug)
	case d.Reason != "" && !slices.Contains(aftership.Reasons(), d.Reason):
		return fmt.Errorf("--reason %q is unknown: use DELIVERED, LOST or RETURNED_TO_SENDER", d.Reason)
	case d.OnConflict != "" && d.OnConflict != ConflictLast:
		return fmt.Errorf("--on-conflict %q is unknown: use last", d.OnConflict)
	case d.OnExists != "" && !slices.Contains(AllOnExists(), d.OnExists):
		return fmt.Errorf("--on-exists %q is unknown: use skip, update or fail", d.OnExists)
	case d.Lookup != "" && !slices.Contains(AllLookups(), d.Lookup):
		return fmt.Errorf("--lookup %q is unknown: use auto, on or off", d.Lookup)
	case d.Country != "" && !isCountry(d.Country):
		return fmt.Errorf("--country %q is unknown: use its two or three letters, as DE or USA", d.Country)
	case d.Zone != "" && zoneOf(d.Zone) == nil:
		return fmt.Errorf("--time-zone %q is unknown: use a name of the time zone database, as Europe/Berlin or UTC", d.Zone)
	case d.Limit < 0 || d.Skip < 0 || d.Sample < 0:
		return errors.New("--limit, --skip and --sample count rows: use a number of 0 or more")
	}
	if _, err := value.ParseForm(d.Dates); err != nil {
		return fmt.Errorf("--date-format: %w", err)
	}
	return nil
}

func isCountry(s string) bool {
	code, err := value.Country(s)
	return err == nil && code != ""
}
