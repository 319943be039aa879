package export

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"aftership-bulk/aftership"
)

// Columns that stand behind those of the tracking where a sheet's rows were asked about.
const (
	ColumnLine    = "export_line"    // the row's line in the sheet
	ColumnResult  = "export_result"  // a [Result]
	ColumnMessage = "export_message" // what is wrong, and what to do about it
)

// AnswerColumns lists the columns of an answer to a row.
func AnswerColumns() []string { return []string{ColumnLine, ColumnResult, ColumnMessage} }

// customFields stands for a column of each custom field that occurs.
const customFields = "custom_fields"

// rawPrefix begins the names of columns that hold whatever AfterShip's reply has there.
const rawPrefix = "raw."

// column is a column of a tracking beside those of a shipment.
type column struct {
	name string
	from aftership.Version
	text func(*aftership.Tracking) string
}

// states are what became of a shipment. Names that a sheet to update has too are avoided, so that an export is good input.
var states = []column{
	{"legacy_id", aftership.V202407, func(t *aftership.Tracking) string { return t.LegacyID }},
	{"tag", "", func(t *aftership.Tracking) string { return string(t.Tag) }},
	{"subtag", "", func(t *aftership.Tracking) string { return t.Subtag }},
	{"subtag_message", "", func(t *aftership.Tracking) string { return t.SubtagMessage }},
	{"active", "", func(t *aftership.Tracking) string { return strconv.FormatBool(t.Active) }},
	{"created_at", "", func(t *aftership.Tracking) string { return moment(t.CreatedAt) }},
	{"updated_at", "", func(t *aftership.Tracking) string { return moment(t.UpdatedAt) }},
	{"expected_delivery", "", func(t *aftership.Tracking) string { return t.ExpectedDelivery }},
	{"shipment_pickup_date", "", func(t *aftership.Tracking) string { return t.ShipmentPickupDate }},
	{"shipment_delivery_date", "", func(t *aftership.Tracking) string { return t.ShipmentDeliveryDate }},
	{"signed_by", "", func(t *aftership.Tracking) string { return t.SignedBy }},
	{"return_to_sender", "", func(t *aftership.Tracking) string { return strconv.FormatBool(t.ReturnToSender) }},
	{"source", "", func(t *aftership.Tracking) string { return t.Source }},
	{"tracked_count", "", func(t *aftership.Tracking) string { return strconv.Itoa(t.TrackedCount) }},
	{"courier_tracking_link", "", func(t *aftership.Tracking) string { return t.CourierTrackingLink }},
	{"courier_redirect_link", "", func(t *aftership.Tracking) string { return t.CourierRedirectLink }},
}

// checkpoints are the newest event of a shipment.
var checkpoints = []column{
	lastly("time", "", func(c *aftership.Checkpoint) string { return c.Time }),
	lastly("message", "", func(c *aftership.Checkpoint) string { return c.Message }),
	lastly("location", "", func(c *aftership.Checkpoint) string { return c.Location }),
	lastly("city", "", func(c *aftership.Checkpoint) string { return c.City }),
	lastly("state", "", func(c *aftership.Checkpoint) string { return c.State }),
	lastly("postal_code", "", func(c *aftership.Checkpoint) string { return c.PostalCode }),
	lastly("country", "", func(c *aftership.Checkpoint) string { return c.Country }),
	lastly("slug", "", func(c *aftership.Checkpoint) string { return c.Slug }),
	lastly("tag", "", func(c *aftership.Checkpoint) string { return string(c.Tag) }),
	lastly("subtag", "", func(c *aftership.Checkpoint) string { return c.Subtag }),
	lastly("subtag_message", "", func(c *aftership.Checkpoint) string { return c.SubtagMessage }),
	lastly("created_at", "", func(c *aftership.Checkpoint) string { return moment(c.CreatedAt) }),
	lastly("source", aftership.V202501, func(c *aftership.Checkpoint) string { return c.Source }),
}

func lastly(name string, from aftership.Version, text func(*aftership.Checkpoint) string) column {
	return column{"last_checkpoint_" + name, from, func(t *aftership.Tracking) string {
		if c := newest(t.Checkpoints); c != nil {
			return text(c)
		}
		return ""
	}}
}

// newest is the checkpoint of which AfterShip heard last; of several that it heard at once, the one that it lists last.
func newest(all []aftership.Checkpoint) *aftership.Checkpoint {
	var last *aftership.Checkpoint
	for i := range all {
		if last == nil || !all[i].CreatedAt.Before(last.CreatedAt) {
			last = &all[i]
		}
	}
	return last
}

// others are fields that package aftership has no name for, by where the versions keep them.
var others = []struct {
	name  string
	from  aftership.Version
	paths []string
}{
	{"first_attempted_at", "", []string{"first_attempted_at"}},
	{"delivery_time", "", []string{"delivery_time"}},
	{"shipment_package_count", "", []string{"shipment_package_count"}},
	{"shipment_weight", "", []string{"shipment_weight.value", "shipment_weight"}},
	{"shipment_weight_unit", "", []string{"shipment_weight.unit", "shipment_weight_unit"}},
	{"courier_destination_country", "", []string{"courier_destination_country_region", "courier_destination_country_iso3"}},
	{"failed_delivery_attempts", aftership.V202404, []string{"failed_delivery_attempts"}},
	{"signature_requirement", aftership.V202404, []string{"signature_requirement"}},
}

func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// Columns lists what can be read back of a tracking in a version, in the order of an export. The column custom_fields
// stands for one column of each custom field that occurs.
func Columns(v aftership.Version) []string {
	names := []string{"id", "tracking_number", "slug"}
	for _, c := range slices.Concat(states, checkpoints) {
		if c.from == "" || v.AtLeast(c.from) {
			names = append(names, c.name)
		}
	}
	for _, f := range aftership.Fields() {
		if shown(f, v) && !slices.Contains(names, f.Name) {
			names = append(names, f.Name)
		}
	}
	for _, o := range others {
		if o.from == "" || v.AtLeast(o.from) {
			names = append(names, o.name)
		}
	}
	return names
}

// shown says that replies of the version have the field of a shipment.
func shown(f aftership.Field, v aftership.Version) bool {
	return f.Name != "slug_group" && (f.From == "" || v.AtLeast(f.From)) && (f.To == "" || f.To.AtLeast(v))
}

// LastCheckpointColumns lists the columns of a shipment's newest event.
func LastCheckpointColumns(v aftership.Version) []string {
	names := []string{"id", "tracking_number", "slug", "tag", "subtag", "subtag_message"}
	for _, c := range checkpoints {
		if c.from == "" || v.AtLeast(c.from) {
			names = append(names, c.name)
		}
	}
	return names
}

// CheckColumns refuses a column that the version cannot show.
func CheckColumns(v aftership.Version, names []string) error {
	known := Columns(v)
	for i, name := range names {
		_, own := aftership.CustomField(name)
		switch {
		case slices.Contains(names[:i], name):
			return fmt.Errorf("the column %q is named twice", name)
		case own, slices.Contains(known, name), strings.HasPrefix(name, rawPrefix) && len(name) > len(rawPrefix):
		default:
			return fmt.Errorf("trackings of version %s have no column %q", v, name)
		}
	}
	return nil
}

// Record is a row of an export.
type Record struct {
	Cells  []string          `json:"c"`
	Custom map[string]string `json:"x,omitempty"` // custom fields, where a column of each is wanted
}

// RecordOf reads the columns of a tracking. The cell of custom_fields stays empty: the record holds them apart, since it is
// not known yet which of them occur.
func RecordOf(t *aftership.Tracking, columns []string) Record {
	r := Record{Cells: make([]string, len(columns), len(columns)+len(AnswerColumns()))}
	raw := sync.OnceValue(func() members { return membersOf(t.Raw) }) // once for all columns: it is what a record costs
	for i, name := range columns {
		if name == customFields {
			r.Custom = t.CustomFields
			continue
		}
		r.Cells[i] = printable(cellOf(t, raw, name))
	}
	return r
}

// texts are the columns beside those of a shipment, by name, and paths those that only the reply itself has.
var texts, paths = index()

func index() (texts map[string]func(*aftership.Tracking) string, paths map[string][]string) {
	texts, paths = map[string]func(*aftership.Tracking) string{}, map[string][]string{}
	for _, c := range slices.Concat(states, checkpoints) {
		texts[c.name] = c.text
	}
	for _, o := range others {
		paths[o.name] = o.paths
	}
	return texts, paths
}

func cellOf(t *aftership.Tracking, raw func() members, name string) string {
	if text, ok := texts[name]; ok {
		return text(t)
	}
	if among, ok := paths[name]; ok {
		return raw().text(among...)
	}
	if path, ok := strings.CutPrefix(name, rawPrefix); ok {
		return raw().text(path)
	}
	return t.Value(name)
}

// members is a JSON object; nil where there is none.
type members map[string]json.RawMessage

func membersOf(raw json.RawMessage) (o members) {
	if json.Unmarshal(raw, &o) != nil {
		return nil
	}
	return o
}

// text is the first of the paths under which the object holds something: a text as it is, anything else as JSON.
func (o members) text(paths ...string) string {
	for _, path := range paths {
		at := o.at(path)
		var text string
		switch {
		case len(at) == 0 || string(at) == "null" || string(at) == "{}" || string(at) == "[]":
		case json.Unmarshal(at, &text) == nil:
			return text
		case at[0] == '{' && len(paths) > 1: // another path means its parts
		default:
			return string(at)
		}
	}
	return ""
}

// at is what stands under a path of names with points between them.
func (o members) at(path string) json.RawMessage {
	name, rest, deeper := strings.Cut(path, ".")
	if !deeper {
		return o[name]
	}
	return membersOf(o[name]).at(rest)
}

// printable leaves line breaks in, and takes out what no sheet can hold.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' && r != '\r' || r == 0xFFFE || r == 0xFFFF {
			return ' '
		}
		return r
	}, text)
}
