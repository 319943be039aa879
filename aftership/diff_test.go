package aftership

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// read is a tracking of which AfterShip shows what the shipment says, as a reply in the version would.
func read(t interface{ Fatal(...any) }, v Version, s Shipment) Tracking {
	body := v.encode(s, EndpointCreate)
	for _, f := range fields {
		if _, there := body[v.wireName(f.Name)]; !there && v.sends(f, EndpointUpdate) && f.Name != "location_id" {
			body[v.wireName(f.Name)] = nil
		}
	}
	for _, name := range []string{"customers", "last_mile", "next_couriers", "custom_fields", "order_promised_delivery_date"} {
		if _, there := body[name]; !there {
			body[name] = nil
		}
	}
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	tracking := decodeTracking(parseObject(raw))
	tracking.Raw = raw
	return tracking
}

func TestDiffer(t *testing.T) {
	have := Shipment{TrackingNumber: "1Z1", Slug: "ups", Title: "Shoes", Note: "x", Emails: List{"a@b.example"}, SMSes: List{"+49 151 1"}, CustomerName: "Ann",
		CustomFields: map[string]string{"size": "L", "color": "red"}, OrderDate: "2024-05-31T14:00:00+02:00", TrackingShipDate: "20240531",
		DestinationCountry: "DEU", DestinationPostalCode: "10115", TrackingPostalCode: "10117", ShipmentTags: List{"spring"}}
	tests := []struct {
		name    string
		v       Version
		row     Shipment
		columns []string
		kept    map[string]string
		fixed   []string
		unseen  []string
	}{
		{"nothing said", V202404, Shipment{TrackingNumber: "1z1", Slug: "UPS"}, nil, nil, nil, nil},
		{"the same, written otherwise", V202404, Shipment{Title: "Shoes ", Emails: List{"A@b.example"}, SMSes: List{"+491511"}, OrderDate: "2024-05-31T12:00:00Z", TrackingShipDate: "2024-05-31", DestinationCountry: "deu"}, nil, nil, nil, nil},
		{"one field", V202404, Shipment{Title: "Boots", Note: "x"}, []string{"title"}, nil, nil, nil},
		{"cleared", V202404, Shipment{Clear: []string{"note", "emails"}}, []string{"note", "emails"}, nil, nil, nil},
		{"cleared before", V202404, Shipment{Clear: []string{"last_mile_slug"}}, nil, nil, nil, nil},
		{"a custom field keeps the others", V202404, Shipment{CustomFields: map[string]string{"color": "blue"}}, []string{"custom_fields.color"}, map[string]string{"custom_fields.size": "L"}, nil, nil},
		{"an address keeps the courier's", V202404, Shipment{DestinationPostalCode: "10119", TrackingPostalCode: "10117"}, []string{"destination_postal_code", "tracking_postal_code"}, nil, nil, nil},
		{"one address where there is only one", V202507, Shipment{TrackingPostalCode: "10119"}, []string{"tracking_postal_code"}, nil, nil, nil},
		{"the same address where there is only one", V202507, Shipment{TrackingPostalCode: "10115"}, nil, nil, nil, nil},
		{"a customer keeps the rest", V202507, Shipment{Emails: List{"c@d.example"}}, []string{"emails"}, map[string]string{"smses": "+49 151 1", "customer_name": "Ann"}, nil, nil},
		{"customers apart", V202404, Shipment{Emails: List{"c@d.example"}}, []string{"emails"}, nil, nil, nil},
		{"what no update changes", V202404, Shipment{ShipmentTags: List{"autumn"}}, nil, nil, []string{"shipment_tags"}, nil},
		{"what is not shown", V202404, Shipment{LocationID: "L1"}, nil, nil, nil, []string{"location_id"}},
		{"what is not shown goes with the rest", V202404, Shipment{LocationID: "L1", Title: "Boots"}, []string{"title", "location_id"}, nil, nil, []string{"location_id"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := tt.v.Differ(tt.row, read(t, tt.v, have))
			if !slices.Equal(d.Columns, tt.columns) || !maps.Equal(d.Kept, tt.kept) || !slices.Equal(d.Fixed, tt.fixed) || !slices.Equal(d.Unseen, tt.unseen) {
				t.Errorf("got %+v", d)
			}
		})
	}
}

// Whatever a row and a tracking say: once the difference is sent, there is none, and what the row does not say is as before.
func TestDifferenceSettles(t *testing.T) {
	values := map[string][]string{
		"title": {"", "Shoes", "Boots"}, "note": {"", "x"}, "emails": {"", "a@b.example", "a@b.example; c@d.example"}, "smses": {"", "+491511"}, "customer_name": {"", "Ann", "Bob"},
		"custom_fields.a": {"", "1", "2"}, "custom_fields.b": {"", "1"}, "destination_postal_code": {"", "10115", "10117"}, "tracking_postal_code": {"", "10115", "10119"},
		"order_promised_delivery_date": {"", "2024-06-05"}, "order_promised_delivery_date_min": {"", "2024-06-04"}, "tracking_ship_date": {"", "2024-05-31", "20240531"},
		"origin_country": {"", "DEU", "USA"}, "order_date": {"", "2024-05-31T14:00:00+02:00", "2024-05-31T12:00:00Z"},
	}
	names := slices.Sorted(maps.Keys(values))
	draw := func(t *rapid.T, who string) Shipment {
		var s Shipment
		for _, name := range names {
			if value := rapid.SampledFrom(values[name]).Draw(t, who+" "+name); value != "" {
				s.Set(name, value)
			}
		}
		return s
	}
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.SampledFrom(Versions()).Draw(t, "version")
		row, was := draw(t, "row"), read(t, v, draw(t, "tracking"))
		d := v.Differ(row, was)
		if d.None() {
			return
		}
		now := was.Shipment.Clone()
		sent := row.Only(d.Columns, d.Kept)
		for _, column := range sent.Columns() {
			into, merged := v.Merged(column)
			if !merged {
				into = column
			}
			now.Set(into, sent.Value(column))
		}
		if again := v.Differ(row, read(t, v, now)); !again.None() {
			t.Errorf("%s: after %+v there is still %+v", v, d, again)
		}
		if _, err := v.encodeUpdate(Ref{ID: "x"}, sent); err != nil {
			t.Error(err)
		}
	})
}
