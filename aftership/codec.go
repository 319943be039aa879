package aftership

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"time"
)

// This file alone knows how the versions write a tracking. Beside it, versions.go has their limits and paths as data, and
// fields.go says which version knows which field. Differences come from AfterShip's migration guides and from the types
// of its SDKs for each version.

// rename is a column that a span of versions writes under another name.
type rename struct {
	column, wire string
	from, to     Version
}

var renames = []rename{
	{"origin_country", "origin_country_iso3", "", V202410},
	{"origin_country", "origin_country_region", V202501, ""},
	{"destination_country", "destination_country_iso3", "", V202410},
	{"destination_country", "destination_country_region", V202501, ""},
	{"tracking_origin_country", "tracking_origin_country_region", V202501, ""},
	{"tracking_destination_country", "tracking_destination_country_region", V202501, ""},
}

// twin is a pair of columns: what couriers ask for, and the address. From 2025-04 on there is only the address.
type twin struct{ courier, address string }

var twins = []twin{
	{"tracking_postal_code", "destination_postal_code"},
	{"tracking_state", "destination_state"},
	{"tracking_origin_country", "origin_country"},
	{"tracking_destination_country", "destination_country"},
}

// shaped are the columns that are not written as a text or list under one name in every version.
var shaped = []string{"custom_fields", "emails", "smses", "customer_name", "customer_role", "customer_language",
	"customer_id", "order_promised_delivery_date", "order_promised_delivery_date_min", "order_promised_delivery_date_max",
	"last_mile_slug", "last_mile_tracking_number"}

func (v Version) customers() bool { return v.AtLeast(V202501) }

func (v Version) promisedObject() bool { return v.AtLeast(V202601) }

// Merged is the column that a version sends in place of a courier column (tracking_postal_code, tracking_state and the
// two countries), because it knows only one of the two. Where a row fills in both, the address column is sent.
func (v Version) Merged(column string) (into string, ok bool) {
	i := slices.IndexFunc(twins, func(t twin) bool { return t.courier == column })
	if i < 0 || v.Before(V202504) {
		return "", false
	}
	return twins[i].address, true
}

// wireName is what the version calls a column.
func (v Version) wireName(column string) string {
	for _, r := range renames {
		if r.column == column && v.within(r.from, r.to) {
			return r.wire
		}
	}
	return column
}

// wireNames lists, for each of the fields, what any version calls it, for reading.
var wireNames = collectNames()

func collectNames() [][]string {
	names := make([][]string, len(fields))
	for i, f := range fields {
		names[i] = []string{f.Name}
		for _, r := range renames {
			if r.column == f.Name {
				names[i] = append(names[i], r.wire)
			}
		}
	}
	return names
}

var (
	customerPart = regexp.MustCompile(`^customers(?:\[\d*\]|\.\d+)?\.(\w+)$`)
	lastMilePart = regexp.MustCompile(`^(?:last_mile|next_couriers)(?:\[\d*\]|\.\d+)?\.(\w+)$`)
	customerKeys = map[string]string{"email": "emails", "phone_number": "smses", "name": "customer_name",
		"role": "customer_role", "language": "customer_language", "id": "customer_id"}
)

// columnOf is the column behind a name that AfterShip uses in its messages and lists of required fields.
func columnOf(wire string) string {
	name := strings.TrimPrefix(wire, "tracking.")
	if part := customerPart.FindStringSubmatch(name); part != nil {
		return firstOf(customerKeys[part[1]], name)
	}
	if part := lastMilePart.FindStringSubmatch(name); part != nil {
		return "last_mile_" + part[1]
	}
	if inner, ok := strings.CutPrefix(name, "order_promised_delivery_date.promised_"); ok {
		return "order_promised_" + inner
	}
	for _, r := range renames {
		if r.wire == name {
			return r.column
		}
	}
	return name
}

// wrap puts a body into the form that the version asks for.
func (v Version) wrap(body map[string]any) map[string]any {
	if v.Wrapped() {
		return map[string]any{"tracking": body}
	}
	return body
}

// encode writes a shipment as the version wants it in a create or an update. Empty columns, and those that the version
// or the endpoint does not know, are left out.
func (v Version) encode(s Shipment, ep Endpoint) map[string]any {
	s = v.fold(s)
	body := map[string]any{}
	for _, f := range fields {
		if v.sends(f, ep) && !slices.Contains(shaped, f.Name) {
			putField(body, v.wireName(f.Name), f, &s)
		}
	}
	if len(s.CustomFields) > 0 {
		body["custom_fields"] = s.CustomFields
	}
	v.encodeCustomers(body, s)
	v.encodePromised(body, s)
	v.encodeLastMile(body, s, ep)
	return body
}

func putField(body map[string]any, name string, f Field, s *Shipment) {
	switch {
	case f.items != nil && len(*f.items(s)) > 0:
		body[name] = *f.items(s)
	case f.text != nil:
		put(body, name, *f.text(s))
	}
}

// put leaves an empty text out: an empty cell never clears a field.
func put(body map[string]any, name, text string) {
	if text != "" {
		body[name] = text
	}
}

// fold makes the courier columns and the address columns fit the version. While a version has both, an empty courier
// column is filled from the address, so that a row that satisfies a courier in one version does so in all.
func (v Version) fold(s Shipment) Shipment {
	for _, t := range twins {
		courier, address := textOf(&s, t.courier), textOf(&s, t.address)
		if _, merged := v.Merged(t.courier); merged {
			*address, *courier = firstOf(*address, *courier), ""
		} else if *courier == "" && matches(t.courier, *address) {
			*courier = *address
		}
	}
	s.TrackingShipDate = v.shipDate(s.TrackingShipDate)
	return s
}

func textOf(s *Shipment, column string) *string { return fields[fieldIndex[column]].text(s) }

var courierPostal = regexp.MustCompile(`^` + patternPostal + `$`)

// matches keeps a postal code that the courier column would refuse out of it.
func matches(column, value string) bool {
	return column != "tracking_postal_code" || len(value) <= 10 && courierPostal.MatchString(value)
}

// shipDate turns either form of the date into the version's: 20240531 up to 2024-10, 2024-05-31 from 2025-01 on. What is
// no date stays as it is, for AfterShip to refuse.
func (v Version) shipDate(s string) string {
	if v.Before(V202501) {
		return compactDate(s)
	}
	if t, err := time.Parse("20060102", s); err == nil {
		return t.Format(time.DateOnly)
	}
	return s
}

func compactDate(s string) string {
	if len(s) >= len(time.DateOnly) {
		if t, err := time.Parse(time.DateOnly, s[:len(time.DateOnly)]); err == nil {
			return t.Format("20060102")
		}
	}
	return s
}

func (v Version) encodeCustomers(body map[string]any, s Shipment) {
	if v.customers() {
		if list := v.customerList(s); len(list) > 0 {
			body["customers"] = list
		}
		return
	}
	if len(s.Emails) > 0 {
		body["emails"] = s.Emails
	}
	if len(s.SMSes) > 0 {
		body["smses"] = s.SMSes
	}
	put(body, "customer_name", s.CustomerName)
}

// customerList puts the i-th address and the i-th number into the i-th customer; the rest describes the first.
func (v Version) customerList(s Shipment) []map[string]any {
	first := map[string]any{}
	put(first, "name", s.CustomerName)
	put(first, "role", s.CustomerRole)
	put(first, "language", s.CustomerLanguage)
	if v.Accepts("customer_id", EndpointCreate) {
		put(first, "id", s.CustomerID)
	}
	list := make([]map[string]any, max(len(s.Emails), len(s.SMSes), min(1, len(first))))
	for i := range list {
		list[i] = map[string]any{}
		if i == 0 {
			list[i] = first
		}
		put(list[i], "email", itemAt(s.Emails, i))
		put(list[i], "phone_number", itemAt(s.SMSes, i))
	}
	return list
}

func itemAt(l List, i int) string {
	if i < len(l) {
		return l[i]
	}
	return ""
}

func (v Version) encodePromised(body map[string]any, s Shipment) {
	if !v.promisedObject() {
		put(body, "order_promised_delivery_date", s.PromisedDate)
		return
	}
	dates := map[string]any{}
	put(dates, "promised_delivery_date", s.PromisedDate)
	put(dates, "promised_delivery_date_min", s.PromisedDateMin)
	put(dates, "promised_delivery_date_max", s.PromisedDateMax)
	if len(dates) > 0 {
		body["order_promised_delivery_date"] = dates
	}
}

func (v Version) encodeLastMile(body map[string]any, s Shipment, ep Endpoint) {
	f, _ := LookupField("last_mile_slug")
	if s.LastMileSlug == "" && s.LastMileTrackingNumber == "" || !v.sends(f, ep) {
		return
	}
	mile := map[string]any{}
	put(mile, "slug", s.LastMileSlug)
	put(mile, "tracking_number", s.LastMileTrackingNumber)
	if v.customers() { // both came with 2025-01
		body["last_mile"] = mile
	} else {
		body["next_couriers"] = []any{mile}
	}
}

// clear adds what empties a column to the body of an update (AfterShip docs, update a tracking: [] for e-mails and
// numbers, "" for the note, null for the last mile). With customers there is one list for both, so clearing either
// replaces it by what else the row says.
func (v Version) clear(body map[string]any, column string) {
	switch {
	case column == "note":
		body["note"] = ""
	case column == "emails" || column == "smses":
		name := column
		if v.customers() {
			name = "customers"
		}
		if _, given := body[name]; !given {
			body[name] = []string{}
		}
	case strings.HasPrefix(column, "last_mile_"):
		body["last_mile"] = nil
	}
}

// encodeCompletion is bare in every version.
func (v Version) encodeCompletion(done Completion) map[string]any {
	body := map[string]any{"reason": done.Reason}
	if v.Accepts("event_datetime", EndpointComplete) {
		put(body, "event_datetime", done.EventDatetime)
	}
	return body
}

// detectFields are what a detection may look at, beside the slugs (AfterShip docs, detect courier).
var detectFields = []string{"tracking_number", "slug_group", "tracking_account_number", "tracking_key",
	"tracking_ship_date", "tracking_postal_code", "tracking_state", "tracking_origin_country",
	"tracking_destination_country"}

// encodeDetect takes the ship date in its compact form in every version, as the page of the newest still says.
func (v Version) encodeDetect(s Shipment) map[string]any {
	s = v.fold(s)
	s.TrackingShipDate = compactDate(s.TrackingShipDate)
	body := map[string]any{}
	for _, column := range detectFields {
		if into, merged := v.Merged(column); merged {
			column = into
		}
		put(body, v.wireName(column), s.Value(column))
	}
	if slugs := ParseList(s.Slug); len(slugs) > 0 {
		body["slug"] = slugs
	}
	return v.wrap(body)
}

// encodeExtra writes the fields that tell apart trackings of one slug and number; it is asked for only by versions with
// slug paths.
func (v Version) encodeExtra(extra map[string]string) map[string]string {
	out := map[string]string{}
	for column, value := range extra {
		if column == "tracking_ship_date" {
			value = v.shipDate(value)
		}
		if value != "" {
			out[v.wireName(column)] = value
		}
	}
	return out
}

// unwrap finds the tracking in a reply, whether the version wraps it or not.
func unwrap(data json.RawMessage) object {
	o, _ := unwrapRaw(data)
	return o
}

// unwrapRaw finds its text, too.
func unwrapRaw(data json.RawMessage) (object, json.RawMessage) {
	o := parseObject(data)
	if inner := o.object("tracking"); inner != nil {
		return inner, o["tracking"]
	}
	return o, data
}

// decodeExisting reads the tracking that a 4003 is about. Recorded on v4 as data.tracking; the newer versions' form is
// not documented, so data itself is read too.
func decodeExisting(data json.RawMessage) *Existing {
	o := unwrap(data)
	if o.text("id") == "" {
		return nil
	}
	return &Existing{ID: o.text("id"), CreatedAt: o.time("created_at")}
}

// decodeShipment reads the columns of a shipment under the names of any version.
func decodeShipment(o object) Shipment {
	var s Shipment
	for i, f := range fields {
		switch {
		case f.text != nil:
			*f.text(&s) = o.text(wireNames[i]...)
		case f.items != nil:
			*f.items(&s) = o.list(f.Name)
		}
	}
	s.CustomFields = o.strings("custom_fields")
	decodeCustomers(&s, o.objects("customers"))
	decodeLastMile(&s, o)
	if promised := o.object("order_promised_delivery_date"); promised != nil {
		s.PromisedDate = promised.text("promised_delivery_date")
		s.PromisedDateMin = promised.text("promised_delivery_date_min")
		s.PromisedDateMax = promised.text("promised_delivery_date_max")
	}
	return s
}

func decodeCustomers(s *Shipment, customers []object) {
	for i, c := range customers {
		if i == 0 {
			s.CustomerName, s.CustomerRole = c.text("name"), c.text("role")
			s.CustomerLanguage, s.CustomerID = c.text("language"), c.text("id")
		}
		if email := c.text("email"); email != "" {
			s.Emails = append(s.Emails, email)
		}
		if phone := c.text("phone_number"); phone != "" {
			s.SMSes = append(s.SMSes, phone)
		}
	}
}

func decodeLastMile(s *Shipment, o object) {
	mile := o.object("last_mile")
	if next := o.objects("next_couriers"); mile == nil && len(next) > 0 {
		mile = next[0]
	}
	s.LastMileSlug, s.LastMileTrackingNumber = mile.text("slug"), mile.text("tracking_number")
}

// decodeTracking reads a tracking under the names of any version.
func decodeTracking(o object) Tracking {
	t := Tracking{
		Shipment: decodeShipment(o), LegacyID: o.text("legacy_id"),
		Tag: Tag(o.text("tag")), Subtag: o.text("subtag"), SubtagMessage: o.text("subtag_message"),
		Active: o.bool("active"), Source: o.text("source"), ReturnToSender: o.bool("return_to_sender"),
		TrackedCount: o.int("tracked_count"), SignedBy: o.text("signed_by"),
		CreatedAt: o.time("created_at"), UpdatedAt: o.time("updated_at"),
		ShipmentPickupDate: o.text("shipment_pickup_date"), ShipmentDeliveryDate: o.text("shipment_delivery_date"),
		ExpectedDelivery: decodeExpected(o), CourierTrackingLink: o.text("courier_tracking_link"),
		CourierRedirectLink: o.text("courier_redirect_link"),
	}
	for _, c := range o.objects("checkpoints") {
		t.Checkpoints = append(t.Checkpoints, decodeCheckpoint(c))
	}
	return t
}

// decodeExpected reads the courier's estimate, a date up to 2024-07 and an object later.
func decodeExpected(o object) string {
	if date := o.object("courier_estimated_delivery_date").text("estimated_delivery_date"); date != "" {
		return date
	}
	return o.text("courier_estimated_delivery_date", "expected_delivery")
}

func decodeCheckpoint(o object) Checkpoint {
	return Checkpoint{
		Slug: o.text("slug"), Tag: Tag(o.text("tag")), Subtag: o.text("subtag"), SubtagMessage: o.text("subtag_message"),
		Message: o.text("message"), Location: o.text("location"), City: o.text("city"), State: o.text("state"),
		PostalCode: o.text("postal_code", "zip"), Country: o.text("country_region", "country_iso3"),
		CountryName: o.text("country_region_name", "country_name"), Time: o.text("checkpoint_time"),
		CreatedAt: o.time("created_at"), RawTag: o.text("raw_tag"), Source: o.text("source"), Hash: o.text("hash"),
	}
}

func decodeCourier(o object) Courier {
	c := Courier{
		Slug: o.text("slug"), Name: o.text("name"), OtherName: o.text("other_name"), Phone: o.text("phone"),
		WebURL: o.text("web_url"), DefaultLanguage: o.text("default_language"), Languages: o.list("support_languages"),
		RequiredFields: columnsOf(o.list("required_fields")), OptionalFields: columnsOf(o.list("optional_fields")),
		ServiceFrom: append(o.list("service_from_country_iso3"), o.list("service_from_country_regions")...),
	}
	for _, f := range o.object("credentials").objects("fields") {
		c.Credentials = append(c.Credentials, Credential{Name: f.text("name"), Type: f.text("type"), Required: f.bool("required")})
	}
	return c
}

func columnsOf(wire []string) []string {
	for i := range wire {
		wire[i] = columnOf(wire[i])
	}
	return wire
}

// courierDestination is what the list calls its filter for the countries that couriers tell.
func (v Version) courierDestination() string {
	if v.Before(V202501) {
		return "courier_destination_country_iso3"
	}
	return "courier_destination_country_region"
}

// activeQuery reports whether GET /couriers lists all couriers unless it is asked for the active ones.
func (v Version) activeQuery() bool { return v.AtLeast(V202504) }
