package aftership

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestFieldsAreTheColumnsOfShipment(t *testing.T) {
	var tags []string
	for f := range reflect.TypeFor[Shipment]().Fields() {
		if tag := f.Tag.Get("csv"); tag != "-" {
			tags = append(tags, tag)
		}
	}
	var names []string
	for _, f := range Fields() {
		if f.Kind != KindMap {
			names = append(names, f.Name)
		}
	}
	want(t, "columns", names, tags)
}

func TestCompletionFieldsAreItsColumns(t *testing.T) {
	for f := range reflect.TypeFor[Completion]().Fields() {
		if _, ok := LookupField(f.Tag.Get("csv")); !ok {
			t.Errorf("%s is not described", f.Name)
		}
	}
	reason, _ := LookupField("reason")
	for i, r := range Reasons() {
		want(t, "reason", reason.Enum[i], string(r))
		if tag, subtag := r.Status(); tag == "" || subtag == "" {
			t.Errorf("%s sets no status", r)
		}
	}
}

func TestFieldsAreDescribed(t *testing.T) {
	for _, f := range slices.Concat(Fields(), CompletionFields()) {
		if f.Doc == "" || f.Example == "" || !slices.Contains(Kinds(), f.Kind) {
			t.Errorf("%s: doc %q, example %q, kind %q", f.Name, f.Doc, f.Example, f.Kind)
		}
		if (f.Kind == KindEnum) != (len(f.Enum) > 0) || f.Kind == KindEnum && !slices.Contains(f.Enum, f.Example) {
			t.Errorf("%s: enum %v, example %q", f.Name, f.Enum, f.Example)
		}
		checkExample(t, f)
	}
}

// checkExample holds an example to the field's own limits.
func checkExample(t *testing.T, f Field) {
	t.Helper()
	items := []string{f.Example}
	if f.List {
		items = ParseList(f.Example)
	}
	for _, item := range items {
		n := utf8.RuneCountInString(item)
		if n < f.MinLen || f.MaxLen > 0 && n > f.MaxLen || f.MaxItems > 0 && len(items) > f.MaxItems {
			t.Errorf("%s: the example breaks the limits", f.Name)
		}
		if f.Pattern != "" && !regexp.MustCompile(`^(?:`+f.Pattern+`)$`).MatchString(item) {
			t.Errorf("%s: the example %q does not match %s", f.Name, item, f.Pattern)
		}
	}
}

func TestShipmentValues(t *testing.T) {
	var s Shipment
	for _, f := range Fields() {
		column := f.Name
		if f.Kind == KindMap {
			column = "custom_fields.colour"
		}
		if !s.Set(column, f.Example) || s.Value(column) != f.Example {
			t.Errorf("%s: set %q, got %q", column, f.Example, s.Value(column))
		}
	}
	want(t, "columns", len(s.Columns()), len(Fields()))
	if s.Set("reason", "LOST") || s.Set("nonsense", "x") || s.Set("custom_fields.", "x") || s.Value("nonsense") != "" {
		t.Error("an unknown column was taken")
	}
	c := s.Clone()
	want(t, "clone", c, s)
	c.CustomFields["colour"], c.Emails[0] = "blue", "other"
	if s.CustomFields["colour"] == "blue" || s.Emails[0] == "other" {
		t.Error("the clone shares its values")
	}
}

func TestList(t *testing.T) {
	tests := map[string]List{
		"":                         nil,
		" ; , ":                    nil,
		"a@x.example":              {"a@x.example"},
		"a@x.example, b@x.example": {"a@x.example", "b@x.example"},
		" +49 1 ;+49 2;":           {"+49 1", "+49 2"},
		"\u00a0a\u00a0;\nb\n":      {"a", "b"},
	}
	for cell, items := range tests {
		var l List
		if err := l.UnmarshalCSV(cell); err != nil {
			t.Error(err)
		}
		want(t, cell, l, items)
		back, _ := l.MarshalCSV()
		want(t, cell+" again", ParseList(back), items)
	}
}

func TestAccepts(t *testing.T) {
	tests := []struct {
		column string
		ep     Endpoint
		from   Version // "" never
		to     Version
	}{
		{"tracking_number", EndpointCreate, V4, V202607},
		{"tracking_number", EndpointUpdate, V4, V202607},
		{"title", EndpointUpdate, V4, V202607},
		{"title", EndpointRetrack, "", ""},
		{"id", EndpointCreate, V202504, V202607},
		{"id", EndpointRetrack, V4, V202607},
		{"custom_fields.colour", EndpointCreate, V4, V202607},
		{"shipment_tags", EndpointUpdate, "", ""},
		{"slug_group", EndpointUpdate, "", ""},
		{"emails", EndpointUpdate, V4, V202607},
		{"customer_role", EndpointCreate, V202501, V202607},
		{"customer_id", EndpointCreate, V202607, V202607},
		{"location_id", EndpointCreate, V202404, V202607},
		{"last_mile_slug", EndpointCreate, V4, V202607},
		{"last_mile_slug", EndpointUpdate, V202501, V202607},
		{"order_promised_delivery_date_min", EndpointCreate, V202601, V202607},
		{"shipment_direction", EndpointCreate, V202607, V202607},
		{"ios", EndpointCreate, V4, V4},
		{"reason", EndpointComplete, V4, V202607},
		{"event_datetime", EndpointComplete, V202507, V202607},
		{"reason", EndpointCreate, "", ""},
		{"shipment_weight", EndpointCreate, "", ""},
		{"title", EndpointList, "", ""},
	}
	for _, tt := range tests {
		for _, v := range Versions() {
			accepted := tt.from != "" && v.AtLeast(tt.from) && tt.to.AtLeast(v)
			want(t, tt.column+" in "+string(tt.ep)+" of "+string(v), v.Accepts(tt.column, tt.ep), accepted)
		}
	}
}

// Every field that a version says it takes must change a request's body or name the tracking, and no other may.
func TestRegistryAndCodecAgree(t *testing.T) {
	for _, v := range Versions() {
		for _, ep := range []Endpoint{EndpointCreate, EndpointUpdate} {
			for _, f := range Fields() {
				var s Shipment
				s.Set(strings.Replace(f.Name, "custom_fields", "custom_fields.colour", 1), f.Example)
				sent := len(v.encode(s, ep)) > 0
				want(t, f.Name+" in "+string(ep)+" of "+string(v), sent, v.sends(f, ep))
			}
		}
		for _, f := range v.FieldsOf(EndpointCreate) {
			if !v.Accepts(f.Name, EndpointCreate) {
				t.Errorf("%s: %s is listed but not accepted", v, f.Name)
			}
		}
	}
}

func TestClearableFieldsCanBeCleared(t *testing.T) {
	for _, v := range Versions() {
		for _, f := range Fields() {
			body, err := v.encodeUpdate(Ref{ID: "x"}, Shipment{Clear: []string{f.Name}})
			clearable := f.Clearable && v.Accepts(f.Name, EndpointUpdate)
			if (err == nil) != clearable || clearable && len(body) != 1 {
				t.Errorf("%s in %s: body %v, error %v", f.Name, v, body, err)
			}
		}
	}
}
