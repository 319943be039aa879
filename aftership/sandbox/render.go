package sandbox

import (
	"slices"
	"strings"

	"aftership-bulk/aftership"
)

// view is how a reader wants to see trackings.
type view struct {
	version aftership.Version
	fields  []string // only these, and what names a tracking
	lang    string
}

// wrapTracking puts a tracking inside {"tracking": ...}.
func wrapTracking(data []byte) []byte {
	o := newSized(len(data) + 16)
	o.raw("tracking", data)
	return o.end()
}

// wrap makes the data of a reply out of a tracking.
func (c *call) wrap(tracking []byte) []byte {
	if c.version.Wrapped() {
		return wrapTracking(tracking)
	}
	return tracking
}

// single is the data of a reply about one tracking.
func (c *call) single(t *tracking) []byte { return c.wrap(view{version: c.version}.render(t)) }

// partial is the data of the replies to retrack and delete, which up to 2024-04 hold only a part.
func (c *call) partial(t *tracking) []byte {
	if !c.version.Wrapped() {
		return c.single(t)
	}
	o := newObject()
	o.str("id", c.idOf(t))
	o.str("tracking_number", t.number)
	o.str("slug", t.slug)
	o.flag("active", t.active)
	for _, name := range extraFields {
		o.opt(name, t.texts.get(name))
	}
	return c.wrap(o.end())
}

// idOf is the id that the version shows.
func (c *call) idOf(t *tracking) string { return view{version: c.version}.idOf(t) }

func (v view) idOf(t *tracking) string {
	if v.version.Wrapped() {
		return t.legacyID
	}
	return t.id
}

// render writes a tracking.
func (v view) render(t *tracking) []byte {
	o := newSized(2048)
	o.str("id", v.idOf(t))
	if v.version.AtLeast(aftership.V202407) {
		o.str("legacy_id", t.legacyID)
	}
	o.str("tracking_number", t.number)
	o.str("slug", t.slug)
	if len(v.fields) > 0 {
		v.chosen(o, t)
		return o.end()
	}
	v.state(o, t)
	v.order(o, t)
	v.people(o, t)
	v.places(o, t)
	v.extras(o, t)
	o.raw("checkpoints", v.checkpoints(t))
	return o.end()
}

// chosen writes the members that the parameter fields names.
func (v view) chosen(o *object, t *tracking) {
	for _, name := range v.fields {
		switch {
		case name == "tag":
			o.str("tag", t.tag)
		case name == "checkpoints":
			o.raw("checkpoints", v.checkpoints(t))
		case name == "title" || name == "order_id" || slices.Contains(extraFields, name) || strings.HasPrefix(name, "destination_"):
			o.opt(name, t.texts.get(name))
		}
	}
}

// state writes what became of the shipment.
func (v view) state(o *object, t *tracking) {
	o.time("created_at", t.created)
	o.time("updated_at", t.updated)
	if v.version.Before(aftership.V202501) {
		o.time("last_updated_at", t.updated)
	}
	o.flag("active", t.active)
	o.str("tag", t.tag)
	o.str("subtag", t.subtag)
	o.str("subtag_message", subtagMessages[t.subtag])
	o.str("source", t.source)
	o.num("tracked_count", len(t.checkpoints))
	o.flag("return_to_sender", t.returned())
	o.str("unique_token", "deprecated")
	o.null("delivery_time", "signed_by", "shipment_pickup_date", "shipment_delivery_date", "first_attempted_at")
	if v.version.Before(aftership.V202410) {
		o.null("expected_delivery")
	} else {
		o.null("courier_estimated_delivery_date")
	}
	o.null("shipment_weight")
	o.num("shipment_package_count", 0)
	o.null("courier_tracking_link", "courier_redirect_link")
	o.opt("shipment_type", t.texts.get("shipment_type"))
	o.list("shipment_tags", t.tags)
}

// order writes what the shop knows.
func (v view) order(o *object, t *tracking) {
	for _, name := range []string{"title", "order_id", "order_number", "order_id_path", "order_date", "note", "language",
		"delivery_type", "pickup_location", "pickup_note", "courier_connection_id", "location_id", "shipping_method"} {
		o.opt(name, t.texts.get(name))
	}
	if v.version.AtLeast(aftership.V202601) {
		o.any("order_promised_delivery_date", t.promised)
	} else {
		o.opt("order_promised_delivery_date", t.promised.Date)
	}
	if t.custom == nil {
		o.null("custom_fields")
	} else {
		o.any("custom_fields", t.custom)
	}
	if v.version.AtLeast(aftership.V202607) {
		o.opt("shipment_direction", t.texts.get("shipment_direction"))
	}
}

// people writes the customers, and the devices of v4.
func (v view) people(o *object, t *tracking) {
	if v.version.AtLeast(aftership.V202501) {
		o.any("customers", append([]customer{}, t.customers...))
		return
	}
	var emails, phones []string
	var name string
	for i, c := range t.customers {
		emails = append(emails, named(c.Email)...)
		phones = append(phones, named(c.Phone)...)
		if i == 0 {
			name = c.Name
		}
	}
	o.list("emails", emails)
	o.list("smses", phones)
	o.opt("customer_name", name)
	o.list("subscribed_emails", nil)
	o.list("subscribed_smses", nil)
	if v.version == aftership.V4 {
		o.list("ios", t.ios)
		o.list("android", t.android)
	}
}

// places writes where the shipment comes from and goes to.
func (v view) places(o *object, t *tracking) {
	suffix := "_country_region"
	if v.version.Before(aftership.V202501) {
		suffix = "_country_iso3"
	}
	for _, side := range []string{"origin", "destination"} {
		o.opt(side+suffix, t.texts.get(side+"_country_region"))
		for _, part := range []string{"_state", "_city", "_postal_code", "_raw_location"} {
			o.opt(side+part, t.texts.get(side+part))
		}
	}
	o.null("courier_destination" + suffix)
}

// extras writes the courier's own fields and the courier of the last mile.
func (v view) extras(o *object, t *tracking) {
	for _, name := range extraFields {
		if shown := extraName(name, v.version); shown == name || v.version == aftership.V202501 {
			o.opt(shown, t.texts.get(name))
		}
	}
	switch {
	case v.version.Before(aftership.V202501) && t.lastMile == nil:
		o.list("next_couriers", nil)
	case v.version.Before(aftership.V202501):
		o.any("next_couriers", []lastMile{*t.lastMile})
	default:
		o.any("last_mile", t.lastMile)
	}
}

// checkpoints writes the array of checkpoints.
func (v view) checkpoints(t *tracking) []byte {
	items := make([][]byte, len(t.checkpoints))
	for i := range t.checkpoints {
		items[i] = v.checkpoint(t, &t.checkpoints[i])
	}
	return arrayOf(items)
}

func (v view) checkpoint(t *tracking, cp *checkpoint) []byte {
	o := newObject()
	o.time("created_at", cp.created)
	o.str("slug", t.slug)
	o.time("checkpoint_time", cp.at)
	message := cp.message
	if v.lang != "" {
		message = "[" + v.lang + "] " + message // stands for the translation
	}
	o.str("message", message)
	o.str("tag", cp.tag)
	o.str("subtag", cp.subtag)
	o.str("subtag_message", subtagMessages[cp.subtag])
	o.opt("city", cp.city)
	o.null("state", "location", "country_name", "raw_tag")
	v.checkpointPlace(o, cp)
	return o.end()
}

// checkpointPlace writes the members that were renamed or came later.
func (v view) checkpointPlace(o *object, cp *checkpoint) {
	if v.version.Before(aftership.V202501) {
		o.opt("country_iso3", cp.region)
	} else {
		o.opt("country_region", cp.region)
		o.str("source", or(cp.source, "carrier"))
	}
	if v.version.Before(aftership.V202601) {
		o.null("zip")
	} else {
		o.null("postal_code")
	}
	if v.version.Before(aftership.V202404) {
		o.list("coordinates", nil)
	} else {
		o.null("coordinate")
	}
	if v.version.AtLeast(aftership.V202607) {
		o.str("hash", cp.at.UTC().Format("20060102150405")+cp.subtag)
	}
}
