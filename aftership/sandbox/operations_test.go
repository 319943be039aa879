package sandbox

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"aftership-bulk/aftership"
)

func TestLifeInEveryVersion(t *testing.T) {
	for _, v := range aftership.Versions() {
		t.Run(string(v), func(t *testing.T) {
			s, _ := unlimited()
			base := v.BasePath() + "/trackings"
			made := ask(t, s, "POST", base, body(v, `{"tracking_number":"1Z999AA10123456784","title":"Shoes"}`))
			if made.HTTP != 201 || made.Code != 201 || made.one()["slug"] != "ups" || made.one()["active"] != true {
				t.Fatalf("create: %+v", made)
			}
			id := made.one()["id"].(string)
			wantLen := 32
			if v.Wrapped() {
				wantLen = 24
			}
			if len(id) != wantLen {
				t.Errorf("id %q has %d characters, not %d", id, len(id), wantLen)
			}
			for _, step := range []struct {
				method, path, body string
				code               int
			}{
				{"GET", base + "/" + id, "", 200},
				{"GET", base, "", 200},
				{"PUT", base + "/" + id, body(v, `{"title":"Boots"}`), 200},
				{"POST", base + "/" + id + "/retrack", "", 4013},
				{"POST", base + "/" + id + "/mark-as-completed", `{"reason":"DELIVERED"}`, 200},
				{"POST", base + "/" + id + "/retrack", "", 200},
				{"POST", base, body(v, `{"tracking_number":"1z999aa10123456784","slug":"ups"}`), 4003},
				{"DELETE", base + "/" + id, "", 200},
				{"GET", base + "/" + id, "", 4004},
				{"DELETE", base + "/" + id, "", 4004},
			} {
				got := ask(t, s, step.method, step.path, step.body)
				if got.Code != step.code {
					t.Errorf("%s %s: code %d, not %d: %s", step.method, step.path, got.Code, step.code, got.Raw)
				}
				if want := string(v); v != aftership.V4 && got.Header.Get("as-api-version") != want {
					t.Errorf("as-api-version is %q, not %q", got.Header.Get("as-api-version"), want)
				}
			}
		})
	}
}

// TestPathsOfEveryVersion asks for every endpoint in every version, by id and by slug and number.
func TestPathsOfEveryVersion(t *testing.T) {
	for _, v := range aftership.Versions() {
		s, _ := unlimited()
		seed(t, s, Seed{ID: "x", Slug: "ups", Number: "1Z/9"})
		for _, e := range aftership.Endpoints() {
			method, path := samplePath(e)
			got := ask(t, s, method, v.BasePath()+path, sampleBody(v, e))
			if found := got.Code != 404; found != v.Has(e) {
				t.Errorf("%s %s: %d, and the version has it: %v", v, e, got.Code, v.Has(e))
			}
			if v.Has(e) && got.Code >= 300 && e != aftership.EndpointRetrack {
				t.Errorf("%s %s: %s", v, e, got.Raw)
			}
			if e == aftership.EndpointDelete { // the next ones need it
				seed(t, s, Seed{ID: "x", Slug: "ups", Number: "1Z/9"})
			}
			if !strings.Contains(path, "/x") || !v.Has(e) {
				continue
			}
			byName := strings.Replace(path, "/x", "/ups/1Z%2F9", 1)
			got = ask(t, s, method, v.BasePath()+byName, sampleBody(v, e))
			if found := got.Code != 404; found != v.SlugPaths() {
				t.Errorf("%s %s by slug and number: %d, and the version has such paths: %v", v, e, got.Code, v.SlugPaths())
			}
			if e == aftership.EndpointDelete && v.SlugPaths() {
				seed(t, s, Seed{ID: "x", Slug: "ups", Number: "1Z/9"})
			}
		}
	}
}

func sampleBody(v aftership.Version, e aftership.Endpoint) string {
	const address = `{"country":"USA","postal_code":"10001"}`
	const prediction = `{"slug":"ups","origin_address":` + address + `,"destination_address":` + address + `,"pickup_time":"2026-11-22 10:00:00"}`
	switch e {
	case aftership.EndpointCreate, aftership.EndpointDetect:
		return body(v, `{"tracking_number":"1Z999AA10123456784"}`)
	case aftership.EndpointUpdate:
		return body(v, `{"title":"New"}`)
	case aftership.EndpointComplete:
		return `{"reason":"LOST"}`
	case aftership.EndpointPredict:
		return prediction
	case aftership.EndpointPredictBatch:
		return `{"estimated_delivery_dates":[` + prediction + `]}`
	}
	return ""
}

func seed(t *testing.T, s *Sandbox, seeds ...Seed) {
	t.Helper()
	if err := s.Seed(seeds...); err != nil {
		t.Fatal(err)
	}
}

func TestWrongPathsAndMethods(t *testing.T) {
	s, _ := unlimited()
	for _, path := range []string{"GET /", "GET /v4", "GET /v4/", "GET /tracking/2022-07/trackings", "GET /tracking/v4/trackings", "GET /v5/trackings",
		"PATCH /v4/trackings/x", "POST /v4/trackings/x", "GET /v4/trackings/a/b/c", "GET /v4/trackings/", "POST /v4/trackings/retrack", "GET /v4/trackings/a//", "POST /v4/trackings/a/b/c/retrack"} {
		method, rest, _ := strings.Cut(path, " ")
		if got := ask(t, s, method, rest, ""); got.HTTP != 404 || got.Code != 404 || got.Type != "NotFound" {
			t.Errorf("%s: %s", path, got.Raw)
		}
	}
}

// createCase is a create and the code that it gets.
type createCase struct {
	name string
	body string // the tracking, or the whole body if it is not an object
	code int
	text string // in the message
}

func TestRefusedCreates(t *testing.T) {
	long := strings.Repeat("9", 101)
	cases := []createCase{
		{"no JSON", `{`, 4001, "JSON"},
		{"no number", `{"slug":"ups"}`, 4007, "tracking_number is required"},
		{"an empty number", `{"tracking_number":""}`, 4007, ""},
		{"a null number", `{"tracking_number":null}`, 4007, ""},
		{"too short", `{"tracking_number":"123"}`, 4005, ""},
		{"too long", `{"tracking_number":"` + long + `"}`, 4005, ""},
		{"a plus", `{"tracking_number":"9.4E+21"}`, 4005, ""},
		{"a space", `{"tracking_number":"1Z 999","slug":"ups"}`, 4005, ""},
		{"an unknown slug", `{"tracking_number":"12345","slug":"acme"}`, 4010, "slug"},
		{"slug and group", `{"tracking_number":"12345","slug":"ups","slug_group":"fedex-group"}`, 4008, "slug_group"},
		{"an unknown group", `{"tracking_number":"12345","slug_group":"acme-group"}`, 4008, "slug_group"},
		{"not in the group", `{"tracking_number":"1Z999AA10123456784","slug_group":"fedex-group"}`, 4012, "in that group"},
		{"no courier", `{"tracking_number":"WAREHOUSE-PARCEL-77"}`, 4012, "recognize the carrier"},
		{"no form", `{"tracking_number":"ABCD"}`, 4012, "invalid format"},
		{"not activated", `{"tracking_number":"C11123456789012"}`, 4012, "approved list"},
		{"retired", `{"tracking_number":"12345","slug":"newgistics"}`, 4012, "no longer supported"},
		{"an account number is missing", `{"tracking_number":"12345","slug":"tuffnells"}`, 4011, "tracking_account_number, "},
		{"an empty title", `{"tracking_number":"12345","slug":"ups","title":""}`, 4008, "title"},
		{"a strange type", `{"tracking_number":"12345","slug":"ups","delivery_type":"drone"}`, 4008, "delivery_type"},
		{"location and origin", `{"tracking_number":"12345","slug":"ups","location_id":"L1","origin_city":"Bonn"}`, 4008, "location_id"},
		{"a bad language", `{"tracking_number":"12345","slug":"ups","language":"german"}`, 4008, "language"},
		{"a bad order date", `{"tracking_number":"12345","slug":"ups","order_date":"yesterday"}`, 4008, "order_date"},
		{"a long tag", `{"tracking_number":"12345","slug":"ups","shipment_tags":["` + strings.Repeat("x", 33) + `"]}`, 4008, "shipment_tags"},
		{"a long custom field", `{"tracking_number":"12345","slug":"ups","custom_fields":{"` + strings.Repeat("x", 31) + `":"y"}}`, 4008, "custom_fields"},
	}
	for _, v := range aftership.Versions() {
		for _, c := range cases {
			if strings.Contains(c.name, "location") && v.Before(aftership.V202404) {
				continue
			}
			s, _ := unlimited()
			text := c.body
			if strings.HasSuffix(text, "}") {
				text = body(v, text)
			}
			got := ask(t, s, "POST", v.BasePath()+"/trackings", text)
			if got.Code != c.code || got.HTTP != 400 || !strings.Contains(got.Message, c.text) {
				t.Errorf("%s, %s: %s", v, c.name, got.Raw)
			}
			if len(s.Trackings()) != 0 || s.Calls()[0].Changed {
				t.Errorf("%s, %s: refused, and yet stored", v, c.name)
			}
		}
	}
}

func TestWrongWrapping(t *testing.T) {
	for _, v := range aftership.Versions() {
		s, _ := unlimited()
		bare := `{"tracking_number":"1Z999AA10123456784"}`
		text, code, array := `{"tracking":`+bare+`}`, 4007, 4001
		if v.Wrapped() {
			text, code, array = bare, 4006, 4006
		}
		if got := ask(t, s, "POST", v.BasePath()+"/trackings", `[]`); got.Code != array {
			t.Errorf("%s: %s", v, got.Raw)
		}
		if got := ask(t, s, "POST", v.BasePath()+"/trackings", text); got.Code != code {
			t.Errorf("%s: %s", v, got.Raw)
		}
	}
}

// TestVocabularies creates in each version with its own names, and reads the result in every other.
func TestVocabularies(t *testing.T) {
	lists := `"emails":["ann@example.com"],"smses":["+4915112345678"],"customer_name":"Ann"`
	customers := `"customers":[{"name":"Ann","email":"ann@example.com","phone_number":"+4915112345678"}]`
	for _, v := range aftership.Versions() {
		t.Run(string(v), func(t *testing.T) {
			people, country, last := lists, "iso3", `"next_couriers":[{"slug":"usps","tracking_number":"94001"}]`
			if v.AtLeast(aftership.V202501) {
				people, country, last = customers, "region", `"last_mile":{"slug":"usps","tracking_number":"94001"}`
			}
			promise := `"2026-12-01"`
			if v.AtLeast(aftership.V202601) {
				promise = `{"promised_delivery_date":"2026-12-01"}`
			}
			s, _ := unlimited(func(o *Options) { o.UnknownFields400 = true })
			got := ask(t, s, "POST", v.BasePath()+"/trackings", body(v, `{"tracking_number":"12345","slug":"ups",`+people+`,`+last+
				`,"destination_country_`+country+`":"DEU","order_promised_delivery_date":`+promise+`,"custom_fields":{"a":"b"}}`))
			if got.Code != 201 {
				t.Fatal(got.Raw)
			}
			stored, _ := s.Tracking("ups", "12345")
			for _, reader := range aftership.Versions() {
				checkVocabulary(t, reader, ask(t, s, "GET", reader.BasePath()+"/trackings/"+stored.ID, "").one())
			}
		})
	}
}

func checkVocabulary(t *testing.T, v aftership.Version, got map[string]any) {
	t.Helper()
	want := map[string]string{"emails": "[ann@example.com]", "smses": "[+4915112345678]", "customer_name": "Ann", "destination_country_iso3": "DEU",
		"next_couriers": "[map[slug:usps tracking_number:94001]]", "custom_fields": "map[a:b]", "order_promised_delivery_date": "2026-12-01"}
	if v.AtLeast(aftership.V202501) {
		want = map[string]string{"customers": "[map[email:ann@example.com name:Ann phone_number:+4915112345678]]", "destination_country_region": "DEU",
			"last_mile": "map[slug:usps tracking_number:94001]", "custom_fields": "map[a:b]", "order_promised_delivery_date": "2026-12-01"}
	}
	if v.AtLeast(aftership.V202601) {
		want["order_promised_delivery_date"] = "map[promised_delivery_date:2026-12-01]"
	}
	for name, value := range want {
		if text := fmt.Sprint(got[name]); text != value {
			t.Errorf("read in %s, %s is %s, not %s", v, name, text, value)
		}
	}
}

func TestNamesOfOtherVersionsAreUnknown(t *testing.T) {
	for _, c := range []struct {
		v    aftership.Version
		name string
	}{
		{aftership.V202404, `"customers":[]`}, {aftership.V202501, `"emails":[]`}, {aftership.V202410, `"last_mile":null`},
		{aftership.V202504, `"tracking_postal_code":"1"`}, {aftership.V202601, `"shipment_direction":"forward"`}, {aftership.V202407, `"id":"mine"`},
		{aftership.V202310, `"location_id":"1"`}, {aftership.V202607, `"wrong":1`}, {aftership.V202404, `"checkpoints":[]`},
	} {
		for _, strict := range []bool{false, true} {
			s, _ := unlimited(func(o *Options) { o.UnknownFields400 = strict })
			got := ask(t, s, "POST", c.v.BasePath()+"/trackings", body(c.v, `{"tracking_number":"12345","slug":"ups",`+c.name+`}`))
			if want := map[bool]int{false: 201, true: 4008}[strict]; got.Code != want {
				t.Errorf("%s %s, strict %v: %s", c.v, c.name, strict, got.Raw)
			}
		}
	}
}

func TestWrongTypes(t *testing.T) {
	for _, v := range aftership.Versions() {
		for _, typeCode := range []int{400, 4008} {
			s, _ := unlimited(func(o *Options) { o.TypeErrorCode = typeCode })
			got := ask(t, s, "POST", v.BasePath()+"/trackings", body(v, `{"tracking_number":"12345","slug":"ups","custom_fields":{"a":1},"title":7}`))
			want := 201
			if v.AtLeast(aftership.V202410) {
				want = typeCode
			}
			if got.Code != want {
				t.Errorf("%s: %d, not %d", v, got.Code, want)
			}
		}
	}
}

func TestEmailsInOneText(t *testing.T) {
	for _, v := range []aftership.Version{aftership.V4, aftership.V202404, aftership.V202407, aftership.V202410} {
		s, _ := unlimited()
		got := ask(t, s, "POST", v.BasePath()+"/trackings", body(v, `{"tracking_number":"12345","slug":"ups","emails":"a@example.com, b@example.com"}`))
		want := map[aftership.Version]string{aftership.V202407: "[]", aftership.V202410: "<nil>"}[v]
		if want == "" {
			want = "[a@example.com b@example.com]"
		}
		if text := fmt.Sprint(got.one()["emails"]); text != want {
			t.Errorf("%s: %s", v, got.Raw)
		}
	}
}

// TestValues sends values of single fields, each good or bad in the versions around a change.
func TestValues(t *testing.T) {
	const v2404, v2407, v2410, v2501, v2507, v2601, v2607 = aftership.V202404, aftership.V202407, aftership.V202410, aftership.V202501, aftership.V202507, aftership.V202601, aftership.V202607
	for _, c := range []struct {
		v     aftership.Version
		value string
		code  int
	}{
		{v2410, `"tracking_ship_date":"20261120"`, 201}, {v2410, `"tracking_ship_date":"2026-11-20"`, 4008}, {v2501, `"tracking_ship_date":"2026-11-20"`, 201},
		{v2501, `"tracking_ship_date":"2026-11-20T10:00:00"`, 201}, {v2607, `"tracking_ship_date":"20261120"`, 201}, {v2607, `"tracking_ship_date":"20.11.2026"`, 4008},
		{v2507, `"order_promised_delivery_date":"2026-11-20"`, 201}, {v2507, `"order_promised_delivery_date":"soon"`, 4008}, {v2507, `"order_promised_delivery_date":{}`, 400},
		{v2601, `"order_promised_delivery_date":{"promised_delivery_date_min":"2026-11-20"}`, 201}, {v2601, `"order_promised_delivery_date":{"promised_delivery_date_max":"soon"}`, 4008},
		{v2601, `"order_promised_delivery_date":"2026-11-20"`, 400}, {v2601, `"order_promised_delivery_date":null`, 201},
		{v2410, `"emails":["a@example.com","b@example.com","c@example.com"]`, 201}, {v2410, `"emails":["a@example.com","b@example.com","c@example.com","d@example.com"]`, 4008},
		{v2404, `"emails":["nobody"]`, 4008}, {v2404, `"smses":["5550100"]`, 4008}, {v2404, `"smses":["+4915112345678"]`, 201},
		{v2501, `"customers":[{},{},{},{}]`, 4008}, {v2501, `"customers":[{"email":"nobody"}]`, 4008}, {v2501, `"customers":[{"phone_number":"1"}]`, 4008},
		{v2501, `"customers":{"email":"a@example.com"}`, 400}, {v2607, `"customers":[{"id":"c1","role":"buyer"}]`, 201},
		{v2404, `"destination_country_iso3":"DE"`, 4008}, {v2404, `"destination_country_iso3":"DEU"`, 201}, {v2607, `"destination_country_region":"Germany"`, 4008},
		{v2607, `"last_mile":{"slug":"usps"}`, 4008}, {v2607, `"last_mile":null`, 201}, {v2607, `"last_mile":[]`, 400}, {v2410, `"next_couriers":[{"slug":"usps"}]`, 4008}, {v2410, `"next_couriers":{}`, 400},
		{v2407, `"next_couriers":[]`, 201}, {aftership.V4, `"ios":["device"],"android":["device"]`, 201}, {aftership.V4, `"ios":[1]`, 201},
		{v2607, `"shipment_direction":"back"`, 4008}, {v2607, `"shipment_direction":"return"`, 201}, {v2404, `"tracking_postal_code":"12345678901"`, 4008},
		{v2404, `"tracking_key":"a b"`, 4008}, {v2404, `"tracking_account_number":"12-3"`, 4008}, {v2607, `"language":"pt-BR"`, 201}, {v2607, `"note":null`, 201}, {v2607, `"title":null`, 201},
		{v2607, `"title":"caf\u00e9 \"x\" ü"`, 201}, {v2607, `"order_date":"2026-11-20T10:00:00+01:00"`, 201}, {v2607, `"custom_fields":[]`, 400},
	} {
		s, _ := unlimited()
		got := ask(t, s, "POST", c.v.BasePath()+"/trackings", body(c.v, `{"tracking_number":"12345","slug":"ups",`+c.value+`}`))
		if got.Code != c.code {
			t.Errorf("%s %s: %s", c.v, c.value, got.Raw)
		}
	}
}

// TestTextsSurvive: what is no plain ASCII comes back as it went in.
func TestTextsSurvive(t *testing.T) {
	for _, title := range []string{"Café", "日本", "a \"quoted\" back\\slash", "tab\tline\nend", "<b>&amp;</b>", "\u2028", "emoji 🚚"} {
		s, _ := unlimited()
		text, err := json.Marshal(map[string]string{"tracking_number": "12345", "slug": "ups", "title": title})
		if err != nil {
			t.Fatal(err)
		}
		if got := ask(t, s, "POST", "/tracking/2025-07/trackings", string(text)); got.one()["title"] != title {
			t.Errorf("%q came back as %q", title, got.one()["title"])
		}
	}
}

func TestManyDeletions(t *testing.T) {
	s, _ := unlimited()
	many(t, s, 300)
	for _, tr := range s.Trackings()[:250] {
		if got := ask(t, s, "DELETE", "/tracking/2025-07/trackings/"+tr.ID, ""); got.Code != 200 {
			t.Fatal(got.Raw)
		}
	}
	if p := listed(t, s, aftership.V202507, "limit=200"); p.Pagination.Total != 50 || len(s.Trackings()) != 50 || p.Trackings[49].Number != "N0250" {
		t.Errorf("%+v", p.Pagination)
	}
}

func TestRequiredFieldsInEachVocabulary(t *testing.T) {
	for v, names := range map[aftership.Version][]string{
		aftership.V202404: {"tracking_destination_country", "tracking_postal_code"},
		aftership.V202501: {"tracking_destination_country_region", "tracking_postal_code"},
		aftership.V202504: {"destination_country_region", "destination_postal_code"},
	} {
		s, _ := unlimited()
		got := ask(t, s, "POST", v.BasePath()+"/trackings", body(v, `{"tracking_number":"3SABC123456789"}`))
		for _, name := range names {
			if got.Code != 4011 || !strings.Contains(got.Message, name) {
				t.Errorf("%s: %s, without %s", v, got.Raw, name)
			}
		}
		got = ask(t, s, "POST", v.BasePath()+"/trackings", body(v, `{"tracking_number":"3SABC123456789","`+names[0]+`":"NLD","`+names[1]+`":"1012AB"}`))
		if got.Code != 201 {
			t.Errorf("%s: %s", v, got.Raw)
		}
	}
}

func TestShapesOf4003(t *testing.T) {
	for _, v := range aftership.Versions() {
		for _, shape := range Shapes4003() {
			for _, noDate := range []bool{false, true} {
				s, _ := unlimited(func(o *Options) { o.Shape4003, o.NoDate4003 = shape, noDate })
				path, text := v.BasePath()+"/trackings", body(v, `{"tracking_number":"1Z999AA10123456784"}`)
				first := ask(t, s, "POST", path, text).one()
				got := ask(t, s, "POST", path, text)
				if got.HTTP != 400 || got.Code != 4003 {
					t.Fatalf("%s: %s", v, got.Raw)
				}
				at := got.one()
				switch _, wrapped := got.Data["tracking"]; {
				case shape == Shape4003None && !v.Wrapped():
					if len(got.Data) != 0 {
						t.Errorf("%s %s: %s", v, shape, got.Raw)
					}
					continue
				case wrapped != (v.Wrapped() || shape == Shape4003Tracking):
					t.Errorf("%s %s: %s", v, shape, got.Raw)
				}
				if at["id"] != first["id"] || (at["created_at"] == nil) != noDate {
					t.Errorf("%s %s: %s", v, shape, got.Raw)
				}
			}
		}
	}
}

func TestUniqueness(t *testing.T) {
	post := func(s *Sandbox, tracking string) int {
		return ask(t, s, "POST", "/tracking/2025-01/trackings", tracking).Code
	}
	s, _ := unlimited()
	const number = `"tracking_number":"1Z999AA10123456784"`
	for _, c := range []struct {
		tracking string
		code     int
	}{
		{`{` + number + `}`, 201}, {`{` + number + `,"slug":"ups"}`, 4003}, {`{` + number + `,"slug":"dhl"}`, 201},
		{`{` + number + `,"slug":"ups","tracking_postal_code":"1"}`, 4003},
	} {
		if got := post(s, c.tracking); got != c.code {
			t.Errorf("%s: %d, not %d", c.tracking, got, c.code)
		}
	}
	s, _ = unlimited(func(o *Options) { o.ExtraInKey = true })
	if a, b := post(s, `{`+number+`}`), post(s, `{`+number+`,"tracking_postal_code":"1"}`); a != 201 || b != 201 {
		t.Errorf("extra in key: %d %d", a, b)
	}
	s, _ = unlimited(func(o *Options) { o.AnySlugCollides = true })
	if a, b := post(s, `{`+number+`,"slug":"dhl"}`), post(s, `{`+number+`}`); a != 201 || b != 4003 {
		t.Errorf("any slug collides: %d %d", a, b)
	}
}

func TestCaseOfNumbers(t *testing.T) {
	for rule, want := range map[Case][3]any{CaseFold: {201, 4003, "ABC12345"}, CaseKeep: {201, 201, "abc12345"}, CaseReject: {4005, 201, nil}} {
		s, _ := unlimited(func(o *Options) { o.Case = rule })
		low := ask(t, s, "POST", "/tracking/2025-07/trackings", `{"tracking_number":"abc12345","slug":"ups"}`)
		up := ask(t, s, "POST", "/tracking/2025-07/trackings", `{"tracking_number":"ABC12345","slug":"ups"}`)
		if low.Code != want[0] || up.Code != want[1] || low.one()["tracking_number"] != want[2] {
			t.Errorf("%s: %d %d %v", rule, low.Code, up.Code, low.one()["tracking_number"])
		}
	}
}

func TestOwnIDs(t *testing.T) {
	s, _ := unlimited()
	post := func(tracking string) reply { return ask(t, s, "POST", "/tracking/2025-07/trackings", tracking) }
	if got := post(`{"tracking_number":"12345","slug":"ups","id":"order-1_A"}`); got.one()["id"] != "order-1_A" {
		t.Error(got.Raw)
	}
	if got := post(`{"tracking_number":"99999","slug":"ups","id":"order-1_A"}`); got.Code != 4015 {
		t.Error(got.Raw)
	}
	if got := post(`{"tracking_number":"99999","slug":"ups","id":"order 1"}`); got.Code != 4015 {
		t.Error(got.Raw)
	}
	if got := ask(t, s, "GET", "/tracking/2025-07/trackings/order-1_A", ""); got.Code != 200 {
		t.Error(got.Raw)
	}
}

func TestSwitchesOfCreate(t *testing.T) {
	for _, c := range []struct {
		name     string
		edit     func(*Options)
		tracking string
		off, on  int
	}{
		{"unrecognized", func(o *Options) { o.Unrecognized = true }, `{"tracking_number":"WAREHOUSE-77"}`, 4012, 201},
		{"strict formats", func(o *Options) { o.StrictFormats = true }, `{"tracking_number":"12345","slug":"ups"}`, 201, 4017},
		{"charset", func(o *Options) { o.CharsetCode = 4017 }, `{"tracking_number":"1 2345","slug":"ups"}`, 4005, 4017},
		{"long text", func(o *Options) { o.MaxText = 5 }, `{"tracking_number":"12345","slug":"ups","note":"123456"}`, 201, 4008},
		{"quota", func(o *Options) { o.Quota = -1 }, `{"tracking_number":"12345","slug":"ups"}`, 201, 402},
		{"quota with a code", func(o *Options) { o.Quota, o.QuotaStatus, o.QuotaCode = -1, 403, 40310 }, `{"tracking_number":"12345","slug":"ups"}`, 201, 40310},
		{"inactive", func(o *Options) { o.Inactive = []string{"ups"} }, `{"tracking_number":"1Z999AA10123456784"}`, 201, 4012},
	} {
		off, _ := unlimited()
		on, _ := unlimited(c.edit)
		if a, b := ask(t, off, "POST", "/tracking/2025-07/trackings", c.tracking), ask(t, on, "POST", "/tracking/2025-07/trackings", c.tracking); a.Code != c.off || b.Code != c.on {
			t.Errorf("%s: %d and %d, not %d and %d", c.name, a.Code, b.Code, c.off, c.on)
		}
	}
	s, _ := unlimited(func(o *Options) { o.Unrecognized = true })
	if got := ask(t, s, "POST", "/tracking/2025-07/trackings", `{"tracking_number":"WAREHOUSE-77"}`); got.one()["slug"] != "unrecognized" {
		t.Error(got.Raw)
	}
}

func TestUpdateChangesOnlyWhatIsSent(t *testing.T) {
	s, clock := unlimited()
	seed(t, s, Seed{ID: "x", Slug: "ups", Number: "12345", Fields: map[string]any{"note": "call first", "order_id": "7",
		"customers": []map[string]string{{"email": "ann@example.com", "phone_number": "+4915112345678"}}, "last_mile": map[string]string{"slug": "usps", "tracking_number": "94"}}})
	clock.at = clock.at.Add(time.Minute)
	put := func(v aftership.Version, text string) map[string]any {
		got := ask(t, s, "PUT", v.BasePath()+"/trackings/x", body(v, text))
		if got.Code != 200 {
			t.Fatal(got.Raw)
		}
		return got.one()
	}
	got := put(aftership.V202404, `{"title":"New","tracking_number":"99999","shipment_tags":["x"]}`)
	if got["title"] != "New" || got["note"] != "call first" || got["tracking_number"] != "12345" || fmt.Sprint(got["shipment_tags"]) != "[]" {
		t.Error(got)
	}
	if got := put(aftership.V202404, `{"emails":[],"note":""}`); fmt.Sprint(got["emails"], got["note"], got["smses"]) != "[] <nil> [+4915112345678]" {
		t.Error(got)
	}
	if got := put(aftership.V202507, `{"customers":[],"last_mile":null}`); fmt.Sprint(got["customers"], got["last_mile"]) != "[] <nil>" {
		t.Error(got)
	}
	calls := len(s.Calls())
	put(aftership.V202507, `{"title":"New","customers":[]}`)
	if last := s.Calls()[calls]; last.Changed {
		t.Error("the same update again counts as a change")
	}
}

func TestUpdateOfTheSlug(t *testing.T) {
	s, _ := unlimited(func(o *Options) { o.NoSlugChangeExpired = true })
	seed(t, s, Seed{ID: "x", Slug: "ups", Number: "12345", Tag: "Delivered", Inactive: true}, Seed{ID: "y", Slug: "dhl", Number: "12345"},
		Seed{ID: "z", Slug: "ups", Number: "99999", Tag: "Expired", Inactive: true})
	for _, c := range []struct {
		id, slug string
		code     int
	}{{"x", "acme", 4010}, {"x", "dhl", 4003}, {"z", "fedex", 4008}, {"x", "fedex", 200}} {
		if got := ask(t, s, "PUT", "/tracking/2025-07/trackings/"+c.id, `{"slug":"`+c.slug+`"}`); got.Code != c.code {
			t.Errorf("%s to %s: %s", c.id, c.slug, got.Raw)
		}
	}
	if got, _ := s.Tracking("fedex", "12345"); got.Tag != "Pending" || got.Inactive {
		t.Errorf("%+v", got)
	}
}

func TestUnknownTrackings(t *testing.T) {
	for _, v := range aftership.Versions() {
		s, _ := unlimited()
		for _, e := range aftership.Endpoints() {
			method, path := samplePath(e)
			if !strings.Contains(path, "/x") || !v.Has(e) {
				continue
			}
			got := ask(t, s, method, v.BasePath()+path, sampleBody(v, e))
			if got.HTTP != 404 || got.Code != 4004 || got.Type != "NotFound" {
				t.Errorf("%s %s: %s", v, e, got.Raw)
			}
			if echoed := len(got.Data) > 0; echoed != (e == aftership.EndpointUpdate) {
				t.Errorf("%s %s: data %v", v, e, got.Data)
			}
		}
	}
}

func TestRetrackLimit(t *testing.T) {
	for limit, takes := range map[int]int{0: 3, 1: 1, -1: 0} {
		s, _ := unlimited(func(o *Options) { o.RetrackLimit = limit })
		seed(t, s, Seed{ID: "x", Slug: "ups", Number: "12345", Tag: "Expired", Inactive: true})
		for i := range takes {
			if got := ask(t, s, "POST", "/v4/trackings/x/retrack", ""); got.Code != 200 {
				t.Fatalf("limit %d, retrack %d: %s", limit, i, got.Raw)
			}
			if got := ask(t, s, "POST", "/v4/trackings/x/retrack", ""); got.Code != 4013 {
				t.Fatalf("limit %d: %s", limit, got.Raw)
			}
			ask(t, s, "POST", "/v4/trackings/x/mark-as-completed", `{"reason":"LOST"}`)
		}
		if got := ask(t, s, "POST", "/v4/trackings/x/retrack", ""); got.Code != 4016 {
			t.Errorf("limit %d: %s", limit, got.Raw)
		}
	}
}

func TestRetrackOfDelivered(t *testing.T) {
	for only, code := range map[bool]int{false: 200, true: 4013} {
		s, _ := unlimited(func(o *Options) { o.RetrackExpiredOnly = only })
		seed(t, s, Seed{ID: "x", Slug: "ups", Number: "12345", Tag: "Delivered", Inactive: true})
		if got := ask(t, s, "POST", "/v4/trackings/x/retrack", ""); got.Code != code {
			t.Errorf("expired only %v: %s", only, got.Raw)
		}
	}
}

func TestTagAfterRetrack(t *testing.T) {
	for keeps, tag := range map[bool]string{false: "Pending", true: "Expired"} {
		s, _ := unlimited(func(o *Options) { o.RetrackKeepsTag = keeps })
		seed(t, s, Seed{ID: "x", Slug: "ups", Number: "12345", Tag: "Expired", Inactive: true})
		if got := ask(t, s, "POST", "/tracking/2025-07/trackings/x/retrack", "").one(); got["tag"] != tag || got["active"] != true {
			t.Errorf("keeps %v: %v", keeps, got)
		}
	}
}

func TestCompletions(t *testing.T) {
	for reason, want := range map[string]string{"DELIVERED": "Delivered_001", "LOST": "Exception_013", "RETURNED_TO_SENDER": "Exception_011"} {
		for _, v := range aftership.Versions() {
			s, _ := unlimited()
			seed(t, s, Seed{ID: "x", Slug: "ups", Number: "12345", Tag: "InTransit"})
			got := ask(t, s, "POST", v.BasePath()+"/trackings/x/mark-as-completed", `{"reason":"`+reason+`"}`)
			if got.one()["subtag"] != want || got.one()["active"] != false {
				t.Errorf("%s %s: %s", v, reason, got.Raw)
			}
			if byUser := strings.Contains(got.Raw, `"source":"user"`); byUser != v.AtLeast(aftership.V202501) {
				t.Errorf("%s: a checkpoint of the user: %v", v, byUser)
			}
		}
	}
	s, _ := unlimited()
	seed(t, s, Seed{ID: "x", Slug: "ups", Number: "12345"})
	for text, code := range map[string]int{`{`: 4001, `{}`: 4009, `{"reason":""}`: 4009, `{"reason":"STOLEN"}`: 4008, `{"reason":3}`: 4008,
		`{"reason":"LOST","event_datetime":"soon"}`: 4008} {
		if got := ask(t, s, "POST", "/tracking/2025-07/trackings/x/mark-as-completed", text); got.Code != code {
			t.Errorf("%s: %s", text, got.Raw)
		}
	}
	got := ask(t, s, "POST", "/tracking/2025-07/trackings/x/mark-as-completed", `{"reason":"LOST","event_datetime":"2026-11-20T08:00:00+01:00"}`)
	if !strings.Contains(got.Raw, `"checkpoint_time":"2026-11-20T07:00:00+00:00"`) {
		t.Error(got.Raw)
	}
}

func TestMarkingTwice(t *testing.T) {
	for refuses, code := range map[bool]int{false: 200, true: 400} {
		s, _ := unlimited(func(o *Options) { o.MarkTwice400 = refuses })
		seed(t, s, Seed{ID: "x", Slug: "ups", Number: "12345"})
		ask(t, s, "POST", "/v4/trackings/x/mark-as-completed", `{"reason":"LOST"}`)
		got := ask(t, s, "POST", "/v4/trackings/x/mark-as-completed", `{"reason":"LOST"}`)
		if got.Code != code || s.Calls()[1].Changed {
			t.Errorf("refuses %v: %s, changed %v", refuses, got.Raw, s.Calls()[1].Changed)
		}
	}
}

func TestPartialAndWholeReplies(t *testing.T) {
	for _, v := range aftership.Versions() {
		for _, e := range []aftership.Endpoint{aftership.EndpointRetrack, aftership.EndpointDelete} {
			s, _ := unlimited()
			seed(t, s, Seed{ID: "x", Slug: "ups", Number: "12345", Tag: "Expired", Inactive: true})
			method, path := samplePath(e)
			got := ask(t, s, method, v.BasePath()+path, "")
			if _, whole := got.one()["checkpoints"]; whole != v.AtLeast(aftership.V202407) {
				t.Errorf("%s %s: %s", v, e, got.Raw)
			}
		}
	}
}

func TestExtraValueWrap(t *testing.T) {
	s, _ := unlimited(func(o *Options) { o.ExtraValueWrap = true })
	seed(t, s, Seed{ID: "x", Slug: "ups", Number: "12345"})
	for _, e := range aftership.Endpoints() {
		method, path := samplePath(e)
		if e == aftership.EndpointPredict || e == aftership.EndpointDelete {
			continue
		}
		got := ask(t, s, method, "/v4"+path, sampleBody(aftership.V4, e))
		want := e == aftership.EndpointUpdate || e == aftership.EndpointLastCheckpoint
		if wrapped := strings.HasPrefix(got.Raw, `{"value":{"meta"`); wrapped != want {
			t.Errorf("%s: %s", e, got.Raw)
		}
	}
}

func TestGetFieldsAndLanguage(t *testing.T) {
	s, _ := unlimited()
	seed(t, s, Seed{ID: "x", Slug: "ups", Number: "12345", Tag: "InTransit"})
	got := ask(t, s, "GET", "/tracking/2025-07/trackings/x?fields=title,tag&lang=fr", "").one()
	if got["title"] != "12345" || got["tag"] != "InTransit" || got["note"] != nil || got["checkpoints"] != nil {
		t.Error(got)
	}
	if got := ask(t, s, "GET", "/tracking/2025-07/trackings/x?fields=checkpoints&lang=fr", ""); !strings.Contains(got.Raw, `"message":"[fr] In Transit"`) {
		t.Error(got.Raw)
	}
}

func TestSlugPathsTellTwinsApart(t *testing.T) {
	s, _ := unlimited(func(o *Options) { o.ExtraInKey = true })
	for _, zip := range []string{"1", "2"} {
		ask(t, s, "POST", "/v4/trackings", `{"tracking":{"tracking_number":"12345","slug":"ups","tracking_postal_code":"`+zip+`"}}`)
	}
	for _, zip := range []string{"1", "2"} {
		if got := ask(t, s, "GET", "/v4/trackings/ups/12345?tracking_postal_code="+zip, "").one(); got["tracking_postal_code"] != zip {
			t.Errorf("%s: %v", zip, got)
		}
	}
	if got := ask(t, s, "GET", "/v4/trackings/ups/12345?tracking_postal_code=3", ""); got.Code != 4004 {
		t.Error(got.Raw)
	}
	s, _ = unlimited(func(o *Options) { o.SlugPathNeedsFields = true })
	seed(t, s, Seed{ID: "x", Slug: "postnl-3s", Number: "3S1234567890"})
	if got := ask(t, s, "GET", "/v4/trackings/postnl-3s/3S1234567890", ""); got.Code != 4009 {
		t.Error(got.Raw)
	}
	if got := ask(t, s, "GET", "/v4/trackings/x", ""); got.Code != 200 {
		t.Error(got.Raw)
	}
}

func TestQuotaIsUsedByCreatesOnly(t *testing.T) {
	s, _ := unlimited(func(o *Options) { o.Quota = 2 })
	seed(t, s, Seed{ID: "x", Slug: "ups", Number: "99999"})
	post := func(number string) reply {
		return ask(t, s, "POST", "/v4/trackings", `{"tracking":{"tracking_number":"`+number+`","slug":"ups"}}`)
	}
	var codes []int
	for _, number := range []string{"11111", "99999", "11111", "22222", "33333"} {
		codes = append(codes, post(number).Code)
	}
	if !slices.Equal(codes, []int{201, 4003, 4003, 201, 402}) {
		t.Error(codes)
	}
	if got := post("33333"); !strings.Contains(got.Message, "quota") || got.HTTP != 402 {
		t.Error(got.Raw)
	}
	if err := s.Change(func(o *Options) { o.Quota = 0 }); err != nil {
		t.Fatal(err)
	}
	if got := post("33333"); got.Code != 201 {
		t.Error(got.Raw)
	}
}

func TestTrackingsExpire(t *testing.T) {
	s, clock := unlimited(func(o *Options) { o.ExpireAfter = 30 * 24 * time.Hour })
	seed(t, s, Seed{ID: "x", Slug: "ups", Number: "12345"})
	clock.at = clock.at.Add(31 * 24 * time.Hour)
	if got := ask(t, s, "GET", "/tracking/2025-07/trackings?tag=Expired", ""); !strings.Contains(got.Raw, `"active":false`) {
		t.Error(got.Raw)
	}
}

func TestOldTrackings(t *testing.T) {
	for gone, code := range map[bool]int{false: 200, true: 4004} {
		s, _ := unlimited(func(o *Options) { o.OldGone = gone })
		seed(t, s, Seed{ID: "x", Slug: "ups", Number: "12345", Created: testTime.AddDate(0, 0, -121)})
		if got := ask(t, s, "GET", "/v4/trackings/x", ""); got.Code != code {
			t.Errorf("gone %v: %s", gone, got.Raw)
		}
	}
}
