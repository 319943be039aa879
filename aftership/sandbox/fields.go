package sandbox

import (
	"encoding/json"
	"errors"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"aftership-bulk/aftership"
)

// field is a member that a request body can have.
type field struct {
	wire           string // its name in the body
	from, to       aftership.Version
	create, update bool
	set            setter
	rank           int // the place in the table; of several problems the first is answered
}

// setter puts a value into a tracking's content. It returns errType for a value of the wrong JSON type and errValue
// for one that is not allowed.
type setter func(c *content, value json.RawMessage, v aftership.Version) error

var (
	errType  = errors.New("wrong type")
	errValue = errors.New("value not allowed")
)

// fieldTable is what AfterShip's documents say about the bodies of create and update, from their OpenAPI document and
// migration guides.
var fieldTable = []field{
	{wire: "slug", create: true, update: true, set: func(c *content, raw json.RawMessage, _ aftership.Version) error {
		return setString(raw, func(s string) error { c.slug = s; return nil })
	}},
	{wire: "slug_group", create: true, set: func(c *content, raw json.RawMessage, _ aftership.Version) error {
		return setString(raw, func(s string) error { c.slugGroup = s; return nil })
	}},
	{wire: "title", create: true, update: true, set: filledText("title")},
	{wire: "order_id", create: true, update: true, set: filledText("order_id")},
	{wire: "order_number", create: true, update: true, set: anyText("order_number")},
	{wire: "order_id_path", create: true, update: true, set: anyText("order_id_path")},
	{wire: "order_date", create: true, update: true, set: matching("order_date", isMoment)},
	{wire: "order_promised_delivery_date", to: aftership.V202507, create: true, update: true, set: setPromisedText},
	{wire: "order_promised_delivery_date", from: aftership.V202601, create: true, update: true, set: setPromisedObject},
	{wire: "custom_fields", create: true, update: true, set: setCustom},
	{wire: "language", create: true, update: true, set: matching("language", languagePattern.MatchString)},
	{wire: "emails", to: aftership.V202410, create: true, update: true, set: setEmails},
	{wire: "smses", to: aftership.V202410, create: true, update: true, set: setPhones},
	{wire: "customer_name", to: aftership.V202410, create: true, update: true, set: setCustomerName},
	{wire: "customers", from: aftership.V202501, create: true, update: true, set: setCustomers},
	{wire: "note", create: true, update: true, set: anyText("note")},
	{wire: "delivery_type", create: true, update: true, set: matching("delivery_type", oneOf("pickup_at_store", "pickup_at_courier", "door_to_door"))},
	{wire: "pickup_location", create: true, update: true, set: filledText("pickup_location")},
	{wire: "pickup_note", create: true, update: true, set: filledText("pickup_note")},
	{wire: "origin_country_iso3", to: aftership.V202410, create: true, update: true, set: country("origin_country_region")},
	{wire: "origin_country_region", from: aftership.V202501, create: true, update: true, set: country("origin_country_region")},
	{wire: "origin_state", create: true, update: true, set: anyText("origin_state")},
	{wire: "origin_city", create: true, update: true, set: anyText("origin_city")},
	{wire: "origin_postal_code", create: true, update: true, set: anyText("origin_postal_code")},
	{wire: "origin_raw_location", create: true, update: true, set: anyText("origin_raw_location")},
	{wire: "destination_country_iso3", to: aftership.V202410, create: true, update: true, set: country("destination_country_region")},
	{wire: "destination_country_region", from: aftership.V202501, create: true, update: true, set: country("destination_country_region")},
	{wire: "destination_state", create: true, update: true, set: anyText("destination_state")},
	{wire: "destination_city", create: true, update: true, set: anyText("destination_city")},
	{wire: "destination_postal_code", create: true, update: true, set: anyText("destination_postal_code")},
	{wire: "destination_raw_location", create: true, update: true, set: anyText("destination_raw_location")},
	{wire: "tracking_account_number", create: true, update: true, set: matching("tracking_account_number", accountPattern.MatchString)},
	{wire: "tracking_key", create: true, update: true, set: matching("tracking_key", keyPattern.MatchString)},
	{wire: "tracking_ship_date", create: true, update: true, set: setShipDate},
	{wire: "tracking_origin_country", to: aftership.V202410, create: true, update: true, set: country("tracking_origin_country")},
	{wire: "tracking_destination_country", to: aftership.V202410, create: true, update: true, set: country("tracking_destination_country")},
	{wire: "tracking_origin_country_region", from: aftership.V202501, to: aftership.V202501, create: true, update: true, set: country("tracking_origin_country")},
	{wire: "tracking_destination_country_region", from: aftership.V202501, to: aftership.V202501, create: true, update: true, set: country("tracking_destination_country")},
	{wire: "tracking_postal_code", to: aftership.V202501, create: true, update: true, set: matching("tracking_postal_code", postalPattern.MatchString)},
	{wire: "tracking_state", to: aftership.V202501, create: true, update: true, set: filledText("tracking_state")},
	{wire: "shipment_type", create: true, update: true, set: anyText("shipment_type")},
	{wire: "shipment_tags", create: true, set: setTags},
	{wire: "courier_connection_id", create: true, set: anyText("courier_connection_id")},
	{wire: "location_id", from: aftership.V202401, create: true, update: true, set: anyText("location_id")},
	{wire: "shipping_method", from: aftership.V202401, create: true, update: true, set: anyText("shipping_method")},
	{wire: "next_couriers", to: aftership.V202410, create: true, set: setNextCouriers},
	{wire: "last_mile", from: aftership.V202501, create: true, update: true, set: setLastMile},
	{wire: "shipment_direction", from: aftership.V202607, create: true, update: true, set: matching("shipment_direction", oneOf("forward", "return"))},
	{wire: "ios", to: aftership.V4, create: true, set: setDevices(func(c *content) *[]string { return &c.ios })},
	{wire: "android", to: aftership.V4, create: true, set: setDevices(func(c *content) *[]string { return &c.android })},
}

// bodies holds the members of each version's create and update body.
var bodies = func() map[bodyKey]map[string]*field {
	found := map[bodyKey]map[string]*field{}
	for _, v := range aftership.Versions() {
		create, update := map[string]*field{}, map[string]*field{}
		for i := range fieldTable {
			f := &fieldTable[i]
			f.rank = i
			if !f.in(v) {
				continue
			}
			if f.create {
				create[f.wire] = f
			}
			if f.update {
				update[f.wire] = f
			}
		}
		found[bodyKey{v, aftership.EndpointCreate}] = create
		found[bodyKey{v, aftership.EndpointUpdate}] = update
	}
	return found
}()

type bodyKey struct {
	version  aftership.Version
	endpoint aftership.Endpoint
}

func (f *field) in(v aftership.Version) bool {
	return (f.from == "" || v.AtLeast(f.from)) && (f.to == "" || f.to.AtLeast(v))
}

var (
	languagePattern = regexp.MustCompile(`^[a-z]{2}(-[A-Za-z]{2,4})?$`)
	accountPattern  = regexp.MustCompile(`^[0-9A-Za-z]{1,512}$`)
	keyPattern      = regexp.MustCompile(`^[0-9A-Za-z._-]+$`)
	postalPattern   = regexp.MustCompile(`^[0-9A-Za-z+ -]{1,10}$`)
	countryPattern  = regexp.MustCompile(`^[A-Z]{3}$`)
	phonePattern    = regexp.MustCompile(`^\+[0-9]{6,15}$`)
	numberPattern   = regexp.MustCompile(`^[0-9A-Za-z._/-]{4,100}$`)
	idPattern       = regexp.MustCompile(`^[0-9A-Za-z_-]{1,128}$`)
)

// extraFields are the courier's own fields, by the names under which they are kept.
var extraFields = []string{"tracking_account_number", "tracking_key", "tracking_ship_date", "tracking_origin_country",
	"tracking_destination_country", "tracking_postal_code", "tracking_state"}

func setString(raw json.RawMessage, set func(string) error) error {
	if plain(raw) {
		return set(string(raw[1 : len(raw)-1]))
	}
	var s *string
	if json.Unmarshal(raw, &s) != nil {
		return errType
	}
	if s == nil {
		return set("")
	}
	return set(*s)
}

// plain reports whether raw is a text without escapes, as almost all are; they need no decoder.
func plain(raw []byte) bool {
	return len(raw) >= 2 && raw[0] == '"' && !slices.ContainsFunc(raw, func(b byte) bool { return b == '\\' || b > '~' })
}

// anyText takes every text; "" and null empty the field.
func anyText(name string) setter {
	return func(c *content, raw json.RawMessage, _ aftership.Version) error {
		return setString(raw, func(s string) error { c.texts.set(name, s); return nil })
	}
}

// matching takes texts that pass; null empties the field.
func matching(name string, pass func(string) bool) setter {
	return func(c *content, raw json.RawMessage, _ aftership.Version) error {
		return setString(raw, func(s string) error {
			if string(raw) != "null" && !pass(s) {
				return errValue
			}
			c.texts.set(name, s)
			return nil
		})
	}
}

func filledText(name string) setter { return matching(name, func(s string) bool { return s != "" }) }

func country(name string) setter { return matching(name, countryPattern.MatchString) }

func oneOf(values ...string) func(string) bool {
	return func(s string) bool { return slices.Contains(values, s) }
}

func isMoment(s string) bool {
	_, err := time.Parse(time.RFC3339, s)
	return err == nil
}

// isDate takes a day or a moment.
func isDate(s string) bool {
	for _, layout := range []string{time.DateOnly, "2006-01-02T15:04:05", time.RFC3339} {
		if _, err := time.Parse(layout, s); err == nil {
			return true
		}
	}
	return false
}

// setShipDate takes YYYYMMDD in every version, since the documents are at odds about the newer ones, and the longer
// forms from 2025-01 on.
func setShipDate(c *content, raw json.RawMessage, v aftership.Version) error {
	return matching("tracking_ship_date", func(s string) bool {
		_, err := time.Parse("20060102", s)
		return err == nil || v.AtLeast(aftership.V202501) && isDate(s)
	})(c, raw, v)
}

func setPromisedText(c *content, raw json.RawMessage, _ aftership.Version) error {
	return setString(raw, func(s string) error {
		if s != "" && !isDate(s) {
			return errValue
		}
		c.promised.Date = s
		return nil
	})
}

func setPromisedObject(c *content, raw json.RawMessage, _ aftership.Version) error {
	var p *promised
	if json.Unmarshal(raw, &p) != nil {
		return errType
	}
	if p == nil {
		p = &promised{}
	}
	for _, date := range []string{p.Date, p.Min, p.Max} {
		if date != "" && !isDate(date) {
			return errValue
		}
	}
	c.promised = *p
	return nil
}

func setCustom(c *content, raw json.RawMessage, _ aftership.Version) error {
	var m map[string]string
	if json.Unmarshal(raw, &m) != nil {
		return errType
	}
	if len(m) > 25 {
		return errValue
	}
	for k, v := range m {
		if utf8.RuneCountInString(k) > 30 || utf8.RuneCountInString(v) > 512 {
			return errValue
		}
	}
	c.custom = m
	if len(m) == 0 {
		c.custom = nil // as it is kept when there never were any
	}
	return nil
}

// decodeList reads an array of at most n strings that pass. Up to 2024-04 a text with commas will do as well.
func decodeList(raw json.RawMessage, v aftership.Version, n int, pass func(string) bool) ([]string, error) {
	var values []string
	if json.Unmarshal(raw, &values) != nil {
		var joined string
		if v.AtLeast(aftership.V202407) || json.Unmarshal(raw, &joined) != nil {
			return nil, errType
		}
		values = splitList(joined)
	}
	if len(values) > n {
		return nil, errValue
	}
	if len(values) == 0 {
		return nil, nil
	}
	for _, s := range values {
		if !pass(s) {
			return nil, errValue
		}
	}
	return values, nil
}

// splitList splits a list in a text or a query.
func splitList(s string) []string {
	var values []string
	for part := range strings.SplitSeq(s, ",") {
		if part = strings.TrimSpace(part); part != "" {
			values = append(values, part)
		}
	}
	return values
}

func isEmail(s string) bool {
	a, err := mail.ParseAddress(s)
	return err == nil && a.Address == s
}

func setEmails(c *content, raw json.RawMessage, v aftership.Version) error {
	values, err := decodeList(raw, v, 3, isEmail)
	if err == nil {
		c.setEmails(values)
	}
	return err
}

func setPhones(c *content, raw json.RawMessage, v aftership.Version) error {
	values, err := decodeList(raw, v, 3, phonePattern.MatchString)
	if err == nil {
		c.setPhones(values)
	}
	return err
}

func setCustomerName(c *content, raw json.RawMessage, _ aftership.Version) error {
	return setString(raw, func(s string) error { c.setCustomerName(s); return nil })
}

func setCustomers(c *content, raw json.RawMessage, v aftership.Version) error {
	var values []customer
	if json.Unmarshal(raw, &values) != nil {
		return errType
	}
	if len(values) > 3 {
		return errValue
	}
	for i := range values {
		if e := values[i].Email; e != "" && !isEmail(e) {
			return errValue
		}
		if p := values[i].Phone; p != "" && !phonePattern.MatchString(p) {
			return errValue
		}
		if v.Before(aftership.V202607) {
			values[i].ID = ""
		}
	}
	c.customers = slices.Clip(append([]customer(nil), values...))
	return nil
}

func setTags(c *content, raw json.RawMessage, _ aftership.Version) error {
	values, err := decodeList(raw, aftership.V202607, 50, func(s string) bool { return utf8.RuneCountInString(s) <= 32 })
	if err == nil {
		c.tags = values
	}
	return err
}

func setNextCouriers(c *content, raw json.RawMessage, _ aftership.Version) error {
	var values []lastMile
	if json.Unmarshal(raw, &values) != nil {
		return errType
	}
	c.lastMile = nil
	for _, value := range values[:min(1, len(values))] {
		if value.Slug == "" || value.Number == "" {
			return errValue
		}
		c.lastMile = &value
	}
	return nil
}

func setLastMile(c *content, raw json.RawMessage, _ aftership.Version) error {
	var value *lastMile
	if json.Unmarshal(raw, &value) != nil {
		return errType
	}
	if value != nil && (value.Slug == "" || value.Number == "") {
		return errValue
	}
	c.lastMile = value
	return nil
}

func setDevices(of func(*content) *[]string) setter {
	return func(c *content, raw json.RawMessage, v aftership.Version) error {
		values, err := decodeList(raw, v, 100, func(string) bool { return true })
		if err == nil {
			*of(c) = values
		}
		return err
	}
}
