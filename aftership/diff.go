package aftership

import (
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
)

// Difference is what an update must send so that a tracking becomes as a row says.
type Difference struct {
	// Columns are those of the row to send: what differs, and what AfterShip replaces together with it.
	Columns []string
	// Changed are those of the columns that differ.
	Changed []string
	// Kept holds, by column, what the tracking has and the row does not say, of what AfterShip replaces as a whole: sent
	// with the rest, so that it stays.
	Kept map[string]string
	// Fixed are columns of the row that differ, and that no update can change.
	Fixed []string
	// Unseen are columns of the row that the reply does not show, so that nobody can tell whether they differ. They are
	// sent if anything is.
	Unseen []string
}

// None reports whether there is nothing to send.
func (d Difference) None() bool { return len(d.Columns) == 0 }

// Differ compares what a row says with a tracking as it was read. What the row does not say is left as it is.
func (v Version) Differ(s Shipment, t Tracking) Difference {
	var d Difference
	shown := parseObject(t.Raw)
	for _, column := range append(s.Columns(), s.Clear...) {
		if f, _ := LookupField(column); !f.Key || column == "slug" {
			v.differ(&d, &s, &t, shown, column)
		}
	}
	if d.None() {
		return d
	}
	d.Changed = slices.Clone(d.Columns)
	d.Columns = append(d.Columns, d.Unseen...)
	for _, group := range v.groups(&s, &t) {
		d.complete(group, &s, &t)
	}
	return d
}

// differ looks at one column.
func (v Version) differ(d *Difference, s *Shipment, t *Tracking, shown object, column string) {
	f, _ := LookupField(column)
	there := column
	if into, merged := v.Merged(column); merged {
		if there = into; s.Value(into) != "" {
			return // the address column is sent
		}
	}
	changeable := v.sends(f, EndpointUpdate)
	if !changeable && !(slices.Contains(fixedColumns, column) && v.Accepts(column, EndpointCreate)) {
		return
	}
	switch seen := shown == nil || v.shows(shown, there); {
	case changeable && !seen:
		d.Unseen = append(d.Unseen, column)
	case !seen || v.same(f, s.Value(column), t.Value(there)):
	case changeable:
		d.Columns = append(d.Columns, column)
	default:
		d.Fixed = append(d.Fixed, column)
	}
}

// fixedColumns are set when a tracking is created, and shown ever after.
var fixedColumns = []string{"shipment_tags", "courier_connection_id"}

// shows reports whether a tracking that was read says anything about the column; null and "" do.
func (v Version) shows(o object, column string) bool {
	names := []string{column}
	switch f, _ := LookupField(column); {
	case f.Kind == KindMap:
		names = []string{"custom_fields"}
	case v.customers() && slices.Contains(customerColumns, column):
		names = []string{"customers"}
	case strings.HasPrefix(column, "order_promised_"):
		names = []string{"order_promised_delivery_date"}
	case strings.HasPrefix(column, "last_mile_"):
		names = []string{"last_mile", "next_couriers"}
	default:
		names = wireNames[fieldIndex[column]]
	}
	return slices.ContainsFunc(names, func(name string) bool { _, ok := o[name]; return ok })
}

// same reports whether two values of a field mean the same, however they are written. The row's is empty where it is to be cleared.
func (v Version) same(f Field, want, have string) bool {
	if f.List {
		a, b := ParseList(want), ParseList(have)
		return slices.EqualFunc(a, b, func(x, y string) bool { return sameValue(f.Kind, x, y) })
	}
	return sameValue(f.Kind, want, have)
}

func sameValue(k Kind, want, have string) bool {
	want, have = strings.TrimSpace(want), strings.TrimSpace(have)
	if want == have {
		return true
	}
	switch k {
	case KindSlug, KindCountry, KindLanguage, KindEnum, KindEmail, KindNumber:
		return strings.EqualFold(want, have)
	case KindPhone:
		return digits(want) != "" && digits(want) == digits(have)
	case KindDate:
		a, b := compactDate(want), compactDate(have)
		return a == b && len(a) == len("20060102") || sameMoment(want, have)
	case KindDatetime:
		return sameMoment(want, have)
	}
	return false
}

func sameMoment(a, b string) bool {
	x, y := moment(a), moment(b)
	return !x.IsZero() && x.Equal(y)
}

// moment reads a date-time that says its offset, also one of a whole minute.
func moment(s string) time.Time {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04Z07:00"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t
		}
	}
	return time.Time{}
}

func digits(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsDigit(r) {
			return r
		}
		return -1
	}, s)
}

var customerColumns = []string{"emails", "smses", "customer_name", "customer_role", "customer_language", "customer_id"}

// groups lists the columns that the version writes as one value, so that a change of one sends them all.
func (v Version) groups(s *Shipment, t *Tracking) [][]string {
	groups := [][]string{{"last_mile_slug", "last_mile_tracking_number"}, customNames(s, t)}
	if v.customers() {
		groups = append(groups, customerColumns)
	}
	if v.promisedObject() {
		groups = append(groups, []string{"order_promised_delivery_date", "order_promised_delivery_date_min", "order_promised_delivery_date_max"})
	}
	for _, t := range twins {
		if _, merged := v.Merged(t.courier); !merged {
			groups = append(groups, []string{t.address, t.courier}) // an empty courier column would be filled from the address
		}
	}
	return groups
}

func customNames(s *Shipment, t *Tracking) []string {
	var names []string
	for _, fields := range []map[string]string{s.CustomFields, t.CustomFields} {
		for name := range fields {
			names = append(names, CustomFieldPrefix+name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// complete adds to what is sent the other columns of a group of which one is.
func (d *Difference) complete(group []string, s *Shipment, t *Tracking) {
	if !slices.ContainsFunc(group, func(column string) bool { return slices.Contains(d.Columns, column) }) {
		return
	}
	for _, column := range group {
		switch {
		case slices.Contains(d.Columns, column):
		case s.Value(column) != "" || slices.Contains(s.Clear, column):
			d.Columns = append(d.Columns, column)
		case t.Value(column) != "":
			if d.Kept == nil {
				d.Kept = map[string]string{}
			}
			d.Kept[column] = t.Value(column)
		}
	}
}

// Only is a shipment that says no more than the named columns of s, and what is kept.
func (s Shipment) Only(columns []string, kept map[string]string) Shipment {
	var out Shipment
	for _, column := range columns {
		if slices.Contains(s.Clear, column) {
			out.Clear = append(out.Clear, column)
			continue
		}
		out.Set(column, s.Value(column))
	}
	for _, column := range slices.Sorted(maps.Keys(kept)) {
		out.Set(column, kept[column])
	}
	return out
}
