package aftership

import (
	"testing"
)

// fullRow fills in what differs between versions.
func fullRow() Shipment {
	return Shipment{
		TrackingNumber: "12345", Slug: "ups", Emails: List{"a@x.example", "b@x.example"}, SMSes: List{"+491"},
		CustomerName: "Ann", CustomerRole: "buyer", CustomerLanguage: "de", CustomerID: "C1",
		OriginCountry: "DEU", DestinationCountry: "USA", DestinationState: "NY", DestinationPostalCode: "10001",
		TrackingShipDate: "2024-06-01", PromisedDate: "2024-06-05", PromisedDateMin: "2024-06-04", PromisedDateMax: "2024-06-07",
		LastMileSlug: "usps", LastMileTrackingNumber: "9400", CustomFields: map[string]string{"n": "1"},
	}
}

const (
	listsOfPeople = `"emails":["a@x.example","b@x.example"],"smses":["+491"],"customer_name":"Ann",`
	customersOf25 = `"customers":[{"name":"Ann","role":"buyer","language":"de","email":"a@x.example","phone_number":"+491"},{"email":"b@x.example"}],`
	customersOf26 = `"customers":[{"id":"C1","name":"Ann","role":"buyer","language":"de","email":"a@x.example","phone_number":"+491"},{"email":"b@x.example"}],`
	always        = `"tracking_number":"12345","slug":"ups","custom_fields":{"n":"1"},"destination_state":"NY","destination_postal_code":"10001",`
	iso3          = `"origin_country_iso3":"DEU","destination_country_iso3":"USA",`
	region        = `"origin_country_region":"DEU","destination_country_region":"USA",`
	courierOf24   = `"tracking_origin_country":"DEU","tracking_destination_country":"USA","tracking_postal_code":"10001","tracking_state":"NY","tracking_ship_date":"20240601",`
	courierOf25   = `"tracking_origin_country_region":"DEU","tracking_destination_country_region":"USA","tracking_postal_code":"10001","tracking_state":"NY","tracking_ship_date":"2024-06-01",`
	isoShipDate   = `"tracking_ship_date":"2024-06-01",`
	nextCouriers  = `"next_couriers":[{"slug":"usps","tracking_number":"9400"}],`
	lastMile      = `"last_mile":{"slug":"usps","tracking_number":"9400"},`
	promisedText  = `"order_promised_delivery_date":"2024-06-05"`
	promisedDates = `"order_promised_delivery_date":{"promised_delivery_date":"2024-06-05","promised_delivery_date_min":"2024-06-04","promised_delivery_date_max":"2024-06-07"}`

	bodyUpTo2024 = "{" + always + listsOfPeople + iso3 + courierOf24 + nextCouriers + promisedText + "}"
	bodyOf202501 = "{" + always + customersOf25 + region + courierOf25 + lastMile + promisedText + "}"
	bodyOf2025   = "{" + always + customersOf25 + region + isoShipDate + lastMile + promisedText + "}"
	bodyOf202601 = "{" + always + customersOf25 + region + isoShipDate + lastMile + promisedDates + "}"
	bodyOf202607 = "{" + always + customersOf26 + region + isoShipDate + lastMile + promisedDates + "}"
)

// createBodies are the bodies of fullRow, written from the migration guides.
var createBodies = map[Version]string{
	V4: `{"tracking":` + bodyUpTo2024 + `}`, V202310: `{"tracking":` + bodyUpTo2024 + `}`,
	V202401: `{"tracking":` + bodyUpTo2024 + `}`, V202404: `{"tracking":` + bodyUpTo2024 + `}`,
	V202407: bodyUpTo2024, V202410: bodyUpTo2024, V202501: bodyOf202501, V202504: bodyOf2025, V202507: bodyOf2025,
	V202601: bodyOf202601, V202607: bodyOf202607,
}

func TestCreateBodies(t *testing.T) {
	for _, v := range Versions() {
		body := asJSON(t, v.wrap(v.encode(fullRow(), EndpointCreate)))
		if !sameJSON(body, []byte(createBodies[v])) {
			t.Errorf("%s:\n got %s\nwant %s", v, body, createBodies[v])
		}
	}
}

// What a version writes, it must read back: a reply uses the names of the request.
func TestWhatIsWrittenIsReadBack(t *testing.T) {
	for _, v := range Versions() {
		row := fullRow()
		got := decodeShipment(unwrap(asJSON(t, v.wrap(v.encode(row, EndpointCreate)))))
		for _, f := range v.FieldsOf(EndpointCreate) {
			if _, merged := v.Merged(f.Name); merged || f.Name == "tracking_ship_date" || row.Value(f.Name) == "" {
				continue
			}
			want(t, string(v)+" "+f.Name, got.Value(f.Name), row.Value(f.Name))
		}
		want(t, "custom fields", got.CustomFields, row.CustomFields)
	}
}

func TestEmptyCellsAreNotSent(t *testing.T) {
	for _, v := range Versions() {
		body := v.encode(Shipment{TrackingNumber: "12345"}, EndpointCreate)
		want(t, string(v), len(body), 1)
	}
}

func TestCourierColumns(t *testing.T) {
	both := Shipment{DestinationPostalCode: "10001", TrackingPostalCode: "SW1A 1AA", TrackingState: "NY", TrackingDestinationCountry: "USA"}
	for _, v := range Versions() {
		body := v.encode(both, EndpointCreate)
		_, merged := v.Merged("tracking_postal_code")
		want(t, string(v)+" merged", merged, v.AtLeast(V202504))
		if merged {
			want(t, "postal code", body["destination_postal_code"], any("10001"))
			want(t, "state", body["destination_state"], any("NY"))
			want(t, "country", body["destination_country_region"], any("USA"))
			want(t, "columns", len(body), 3)
			continue
		}
		want(t, "postal code", body["tracking_postal_code"], any("SW1A 1AA"))
		want(t, "address", body["destination_postal_code"], any("10001"))
		if _, ok := body["destination_state"]; ok {
			t.Errorf("%s: the address was filled from a courier column", v)
		}
	}
	if _, merged := V202607.Merged("title"); merged {
		t.Error("title has no twin")
	}
}

// A postal code that the courier column would refuse must not make a good row bad.
func TestLongPostalCodeStaysAnAddress(t *testing.T) {
	body := V202404.encode(Shipment{DestinationPostalCode: "ab_12345678901"}, EndpointCreate)
	want(t, "fields", len(body), 1)
}

func TestShipDate(t *testing.T) {
	tests := []struct{ in, old, young string }{
		{"", "", ""},
		{"20240601", "20240601", "2024-06-01"},
		{"2024-06-01", "20240601", "2024-06-01"},
		{"2024-06-01T10:00:00", "20240601", "2024-06-01T10:00:00"},
		{"2024-06-01T10:00:00Z", "20240601", "2024-06-01T10:00:00Z"},
		{"1.6.2024", "1.6.2024", "1.6.2024"},
		{"45321", "45321", "45321"},
		{"2024-13-01", "2024-13-01", "2024-13-01"},
	}
	for _, tt := range tests {
		for _, v := range Versions() {
			expected := tt.old
			if v.AtLeast(V202501) {
				expected = tt.young
			}
			want(t, string(v)+" "+tt.in, v.shipDate(tt.in), expected)
		}
	}
}

func TestUpdateBodies(t *testing.T) {
	tests := []struct {
		name     string
		ref      Ref
		row      Shipment
		old, new string // up to 2024-10 and from 2025-01 on
	}{
		{"slug by id", Ref{ID: "x"}, Shipment{Slug: "dhl"}, `{"slug":"dhl"}`, `{"slug":"dhl"}`},
		{"keys are not sent", Ref{Slug: "ups", TrackingNumber: "12345"}, Shipment{Slug: "ups", TrackingNumber: "12345", ID: "y", Title: "t"}, `{"title":"t"}`, `{"title":"t"}`},
		{"create only", Ref{ID: "x"}, Shipment{Title: "t", SlugGroup: "g", ShipmentTags: List{"a"}, CourierConnectionID: "c"}, `{"title":"t"}`, `{"title":"t"}`},
		{"clear note", Ref{ID: "x"}, Shipment{Clear: []string{"note"}}, `{"note":""}`, `{"note":""}`},
		{"clear e-mails", Ref{ID: "x"}, Shipment{Clear: []string{"emails"}}, `{"emails":[]}`, `{"customers":[]}`},
		{"clear both", Ref{ID: "x"}, Shipment{Clear: []string{"emails", "smses"}}, `{"emails":[],"smses":[]}`, `{"customers":[]}`},
		{"clear e-mails, set a number", Ref{ID: "x"}, Shipment{SMSes: List{"+491"}, Clear: []string{"emails"}}, `{"emails":[],"smses":["+491"]}`, `{"customers":[{"phone_number":"+491"}]}`},
		{"clear last mile", Ref{ID: "x"}, Shipment{Clear: []string{"last_mile_slug", "last_mile_tracking_number"}}, ``, `{"last_mile":null}`},
		{"last mile", Ref{ID: "x"}, Shipment{LastMileSlug: "usps", LastMileTrackingNumber: "94"}, ``, `{"last_mile":{"slug":"usps","tracking_number":"94"}}`},
	}
	for _, tt := range tests {
		for _, v := range Versions() {
			expected := tt.old
			if v.AtLeast(V202501) {
				expected = tt.new
			}
			body, err := v.encodeUpdate(tt.ref, tt.row)
			if (err != nil) != (expected == "") || err == nil && !sameJSON(asJSON(t, body), []byte(expected)) {
				t.Errorf("%s in %s: %s, %v", tt.name, v, asJSON(t, body), err)
			}
		}
	}
}

func TestCompletionBodies(t *testing.T) {
	for _, v := range Versions() {
		body := asJSON(t, v.encodeCompletion(Completion{ReasonLost, "2024-06-05T10:00:00+00:00"}))
		expected := `{"reason":"LOST"}`
		if v.AtLeast(V202507) {
			expected = `{"reason":"LOST","event_datetime":"2024-06-05T10:00:00+00:00"}`
		}
		if !sameJSON(body, []byte(expected)) {
			t.Errorf("%s: %s", v, body)
		}
	}
}

func TestDetectBodies(t *testing.T) {
	row := fullRow()
	row.Slug, row.TrackingKey = "ups, usps", "k"
	old := `{"tracking_number":"12345","slug":["ups","usps"],"tracking_key":"k","tracking_postal_code":"10001","tracking_state":"NY","tracking_ship_date":"20240601","tracking_origin_country":"DEU","tracking_destination_country":"USA"}`
	new := `{"tracking_number":"12345","slug":["ups","usps"],"tracking_key":"k","destination_postal_code":"10001","destination_state":"NY","tracking_ship_date":"20240601","origin_country_region":"DEU","destination_country_region":"USA"}`
	for v, expected := range map[Version]string{V4: `{"tracking":` + old + `}`, V202410: old, V202504: new, V202607: new} {
		if body := asJSON(t, v.encodeDetect(row)); !sameJSON(body, []byte(expected)) {
			t.Errorf("%s: %s", v, body)
		}
	}
}

func TestDecodeTracking(t *testing.T) {
	const old = `{"id":"x","legacy_id":"y","tracking_number":"12345","slug":"ups","tag":"Delivered","subtag":"Delivered_001","subtag_message":"Delivered",
		"active":false,"source":"api","return_to_sender":true,"tracked_count":4,"signed_by":"Bob","created_at":"2024-06-01T10:00:00+00:00","updated_at":"2024-06-02T10:00:00",
		"shipment_pickup_date":"2024-06-01","shipment_delivery_date":"2024-06-05T10:00:00","expected_delivery":"2024-06-05","courier_tracking_link":"https://ups.example/12345",
		"emails":["a@x.example"],"customer_name":"Ann","custom_fields":{"n":1,"t":"x","b":true,"z":null},"destination_country_iso3":"USA","order_date":null,
		"next_couriers":[{"slug":"usps","tracking_number":"94"}],"shipment_weight":{"unit":"kg","value":1},"note":{"odd":1},
		"checkpoints":[null,7,{"slug":"ups","tag":"InTransit","subtag":"InTransit_007","message":"Departed","zip":"10001","country_iso3":"USA","country_name":"USA","checkpoint_time":"2024-06-01T10:00:00","created_at":"2024-06-01T11:00:00Z"}]}`
	const new = `{"id":"x","legacy_id":"y","tracking_number":"12345","slug":"ups","tag":"Delivered","subtag":"Delivered_001","subtag_message":"Delivered",
		"active":false,"source":"api","return_to_sender":true,"tracked_count":4,"signed_by":"Bob","created_at":"2024-06-01T10:00:00+00:00","updated_at":"2024-06-02T10:00:00Z",
		"shipment_pickup_date":"2024-06-01","shipment_delivery_date":"2024-06-05T10:00:00","courier_estimated_delivery_date":{"estimated_delivery_date":"2024-06-05"},"courier_tracking_link":"https://ups.example/12345",
		"customers":[{"name":"Ann","email":"a@x.example","phone_number":null}],"custom_fields":{"n":"1","t":"x","b":"true","z":""},"destination_country_region":"USA",
		"last_mile":{"slug":"usps","tracking_number":"94"},
		"checkpoints":[{"slug":"ups","tag":"InTransit","subtag":"InTransit_007","message":"Departed","postal_code":"10001","country_region":"USA","country_region_name":"USA","checkpoint_time":"2024-06-01T10:00:00","created_at":"2024-06-01T11:00:00Z"}]}`
	a, b := decodeTracking(parseObject([]byte(old))), decodeTracking(parseObject([]byte(new)))
	want(t, "old and new", string(asJSON(t, a)), string(asJSON(t, b)))
	if a.Tag != TagDelivered || a.Active || !a.ReturnToSender || a.TrackedCount != 4 || a.ExpectedDelivery != "2024-06-05" ||
		a.CreatedAt.IsZero() || a.UpdatedAt.IsZero() || len(a.Checkpoints) != 1 || a.Checkpoints[0].PostalCode != "10001" ||
		a.DestinationCountry != "USA" || a.LastMileSlug != "usps" || a.Note != "" || a.CustomFields["n"] != "1" {
		t.Errorf("%+v", a)
	}
	want(t, "tags", len(Tags()), 9)
}
