package aftership

import (
	"bytes"
	"encoding/json"
	"net/http/httptest"
	"testing"
)

// createdReply is the answer to a create of fullRow, as long as AfterShip's are: most of its fields are null.
func createdReply(b *testing.B, v Version) []byte {
	nulls := `"tracked_count":0,"last_updated_at":null,"legacy_id":"ony1lcaofyn82laapzmq000j","created_at":"2024-06-01T10:00:00+00:00","updated_at":"2024-06-01T10:00:00+00:00",
"tag":"Pending","subtag":"Pending_001","subtag_message":"Pending","active":true,"source":"api","courier_tracking_link":"https://www.ups.com/track?loc=en_US&tracknum=1Z999AA10123456784",
"courier_redirect_link":"https://www.ups.com/track?loc=en_US&tracknum=1Z999AA10123456784&requester=WT/trackdetails","checkpoints":[],"expected_delivery":null,"delivery_time":null,
"shipment_package_count":null,"shipment_pickup_date":null,"shipment_delivery_date":null,"shipment_weight":null,"signed_by":null,"transit_time":null,"unique_token":"deprecated",
"on_time_status":"","on_time_difference":null,"return_to_sender":false,"order_tags":[],"aftership_estimated_delivery_date":null,"custom_estimated_delivery_date":null,
"courier_estimated_delivery_date":null,"first_estimated_delivery":null,"latest_estimated_delivery":null,"first_attempted_at":null,"order_number":null,"pickup_note":null,"pickup_location":null,`
	body, err := json.Marshal(v.encode(fullRow(), EndpointCreate))
	if err != nil {
		b.Fatal(err)
	}
	tracking := `{"id":"vebix4hfu3sr3kac0epve01n",` + nulls + string(bytes.TrimPrefix(body, []byte("{")))
	return []byte(trackingReply(v, "201", tracking))
}

func BenchmarkDecode(b *testing.B) {
	for _, v := range []Version{V202404, V202607} {
		b.Run(string(v), func(b *testing.B) {
			text := createdReply(b, v)
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				a := &answer{endpoint: EndpointCreate, status: 201}
				if err := a.judge(text, nil, testKey); err != nil {
					b.Fatal(err)
				}
				if _, err := a.reply(Ref{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkDecodeExisting(b *testing.B) {
	text := []byte(errorBody(CodeExists, "BadRequest", "Tracking already exists.",
		`{"tracking":{"id":"x","slug":"ups","tracking_number":"12345","created_at":"2022-11-10T06:59:43+00:00"}}`))
	b.ReportAllocs()
	for b.Loop() {
		a := &answer{endpoint: EndpointCreate, status: 400}
		if err := a.judge(text, nil, testKey); err == nil {
			b.Fatal("no error")
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	for _, v := range []Version{V202404, V202607} {
		b.Run(string(v), func(b *testing.B) {
			row := fullRow()
			b.ReportAllocs()
			for b.Loop() {
				r := request{endpoint: EndpointCreate, body: v.wrap(v.encode(row, EndpointCreate))}
				if _, err := r.encode(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkCreateFull is a create of a full row with a reply as long as AfterShip's.
func BenchmarkCreateFull(b *testing.B) {
	for _, v := range []Version{V202404, V202607} {
		b.Run(string(v), func(b *testing.B) {
			server := httptest.NewServer(replies(201, string(createdReply(b, v))))
			defer server.Close()
			c, err := New(Options{BaseURL: server.URL, APIKey: testKey, Version: v})
			if err != nil {
				b.Fatal(err)
			}
			row := fullRow()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Create(b.Context(), row); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
