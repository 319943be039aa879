package aftership

import (
	"net/http"
	"testing"
)

const twoCouriers = `{"meta":{"code":200},"data":{"total":2,"couriers":[
	{"slug":"postnl-3s","name":"PostNL","phone":"+31","other_name":"TNT","web_url":"http://www.postnl.example","required_fields":["tracking_postal_code","tracking_destination_country"],
	 "optional_fields":[],"default_language":"nl","support_languages":["nl","en"],"service_from_country_iso3":["NLD"]},
	{"slug":"dhl","name":"DHL","required_fields":["destination_postal_code","destination_country_region"],"optional_fields":["origin_country_region","customers[0].phone_number"],
	 "service_from_country_regions":["DEU"],"credentials":{"fields":[{"name":"api_key","type":"text","required":true}]}}]}}`

func TestCouriers(t *testing.T) {
	eachVersion(t, EndpointCouriers, func(t *testing.T, v Version) {
		c, mux := setup(t, v)
		var seen []string
		mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
			seen = append(seen, r.URL.RequestURI())
			reply(w, 200, twoCouriers)
		})
		active, err := c.Couriers(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		want(t, "required", active[0].RequiredFields, []string{"tracking_postal_code", "tracking_destination_country"})
		want(t, "required", active[1].RequiredFields, []string{"destination_postal_code", "destination_country"})
		want(t, "optional", active[1].OptionalFields, []string{"origin_country", "smses"})
		want(t, "credentials", active[1].Credentials, []Credential{{"api_key", "text", true}})
		want(t, "countries", active[0].ServiceFrom[0]+active[1].ServiceFrom[0], "NLDDEU")
		if _, err := c.AllCouriers(t.Context()); err != nil {
			t.Error(err)
		}
		paths := []string{"/couriers", "/couriers/all"}
		if v.AtLeast(V202504) {
			paths = []string{"/couriers?active=true", "/couriers"}
		}
		want(t, "paths", seen, paths)
	})
}

func TestDetect(t *testing.T) {
	eachVersion(t, EndpointDetect, func(t *testing.T, v Version) {
		c, mux := setup(t, v)
		mux.HandleFunc("POST /couriers/detect", func(w http.ResponseWriter, r *http.Request) {
			body := `{"tracking_number":"12345"}`
			if v.Wrapped() {
				body = `{"tracking":` + body + `}`
			}
			testBody(t, r, body)
			reply(w, 200, `{"meta":{"code":200},"data":{"total":0,"couriers":[]}}`)
		})
		couriers, err := c.Detect(t.Context(), Shipment{TrackingNumber: "12345", Title: "not looked at"})
		if err != nil || len(couriers) != 0 {
			t.Error(couriers, err)
		}
	})
}

func TestNoCouriers(t *testing.T) {
	c, mux := setup(t, V202507)
	mux.HandleFunc("/", replies(200, `{"meta":{"code":200},"data":{"total":0}}`))
	_, err := c.Couriers(t.Context())
	want(t, "kind", noAnswerOf(t, err).Kind, NoAnswerMalformed)
}
