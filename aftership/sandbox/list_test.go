package sandbox

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"aftership-bulk/aftership"
)

// many seeds n trackings, a minute apart, numbered from N0000.
func many(t *testing.T, s *Sandbox, n int) {
	t.Helper()
	seeds := make([]Seed, n)
	for i := range seeds {
		seeds[i] = Seed{Slug: "ups", Number: fmt.Sprintf("N%04d", i), Created: testTime.Add(-time.Duration(n-i) * time.Minute)}
	}
	seed(t, s, seeds...)
}

// page is the data of a list, in both shapes.
type page struct {
	Page, Limit, Count int
	Pagination         struct {
		Total       int
		NextCursor  *string `json:"next_cursor"`
		HasNextPage bool    `json:"has_next_page"`
	}
	Trackings []struct {
		Number string `json:"tracking_number"`
	}
}

func listed(t *testing.T, s *Sandbox, v aftership.Version, query string) page {
	t.Helper()
	got := ask(t, s, "GET", v.BasePath()+"/trackings?"+query, "")
	var e struct{ Data page }
	if err := json.Unmarshal([]byte(got.Raw), &e); err != nil || got.Code != 200 {
		t.Fatalf("%s: %v %s", query, err, got.Raw)
	}
	return e.Data
}

func (p page) numbers() []string {
	var numbers []string
	for _, t := range p.Trackings {
		numbers = append(numbers, t.Number)
	}
	return numbers
}

func TestPaging(t *testing.T) {
	for _, v := range aftership.Versions() {
		for _, absent := range []bool{false, true} {
			s, _ := unlimited(func(o *Options) { o.CursorAbsent = absent })
			many(t, s, 25)
			var all []string
			query := "limit=10"
			for n := 1; ; n++ {
				p := listed(t, s, v, query)
				all = append(all, p.numbers()...)
				if p.Count+p.Pagination.Total != 25 {
					t.Fatalf("%s: count %d, total %d", v, p.Count, p.Pagination.Total)
				}
				if len(all) >= 25 || n > 3 {
					checkLastPage(t, v, p, absent)
					break
				}
				query = fmt.Sprintf("limit=10&page=%d", n+1)
				if v.Cursor() {
					query = "limit=10&cursor=" + url.QueryEscape(*p.Pagination.NextCursor)
				}
			}
			if len(all) != 25 || all[0] != "N0024" || len(slices.Compact(slices.Sorted(slices.Values(all)))) != 25 {
				t.Errorf("%s: %v", v, all)
			}
		}
	}
}

func checkLastPage(t *testing.T, v aftership.Version, p page, absent bool) {
	t.Helper()
	if !v.Cursor() {
		if p.Page != 3 || p.Limit != 10 {
			t.Errorf("%s: page %d, limit %d", v, p.Page, p.Limit)
		}
		return
	}
	if p.Pagination.HasNextPage || (p.Pagination.NextCursor == nil) != absent {
		t.Errorf("%s: %+v, absent %v", v, p.Pagination, absent)
	}
}

func TestCursorSurvivesChanges(t *testing.T) {
	s, _ := unlimited()
	many(t, s, 20)
	first := listed(t, s, aftership.V202507, "limit=10")
	seed(t, s, Seed{Slug: "ups", Number: "NEWER", Created: testTime})
	for _, id := range []string{"N0010", "N0005"} { // the mark itself, and one that was still to come
		made, _ := s.Tracking("ups", id)
		ask(t, s, "DELETE", "/tracking/2025-07/trackings/"+made.ID, "")
	}
	second := listed(t, s, aftership.V202507, "limit=10&cursor="+url.QueryEscape(*first.Pagination.NextCursor))
	if got := second.numbers(); len(got) != 9 || got[0] != "N0009" || slices.Contains(got, "NEWER") {
		t.Error(got)
	}
}

func TestFilters(t *testing.T) {
	s, _ := unlimited()
	seed(t, s,
		Seed{Slug: "ups", Number: "A1111", Tag: "Delivered", Created: testTime.AddDate(0, 0, -3), Fields: map[string]any{"order_id": "o1", "origin_country_region": "DEU", "shipment_tags": []string{"x"}}},
		Seed{Slug: "dhl", Number: "B2222", Tag: "Exception", Subtag: "Exception_011", Created: testTime.AddDate(0, 0, -2), Fields: map[string]any{"order_id": "o2", "destination_country_region": "JPN", "title": "Blue Shoes"}},
		Seed{Slug: "j-net", Number: "C3333", Created: testTime.AddDate(0, 0, -1), Updated: testTime, Fields: map[string]any{"customers": []map[string]string{{"email": "ann@example.com"}}, "custom_fields": map[string]string{"k": "needle"}}},
		Seed{Slug: "j-net", Number: "OLD00", Created: testTime.AddDate(0, 0, -121)},
	)
	for query, want := range map[string]string{
		"":                                "C3333 B2222 A1111",
		"slug=ups,dhl":                    "B2222 A1111",
		"tag=Delivered":                   "A1111",
		"tracking_numbers=a1111,C3333,zz": "C3333 A1111",
		"tracking_numbers=OLD00":          "",
		"order_id=o1,o2":                  "B2222 A1111",
		"origin=DEU,FRA":                  "A1111",
		"destination=JPN":                 "B2222",
		"return_to_sender=true":           "B2222",
		"return_to_sender=true,false":     "C3333 B2222 A1111",
		"shipment_tags=x,y":               "A1111",
		"keyword=shoes":                   "B2222",
		"keyword=NEEDLE":                  "C3333",
		"keyword=ann%40example":           "C3333",
		"created_at_min=2026-11-20T10:00:00%2B00:00":                                            "C3333 B2222",
		"created_at_max=2026-11-20T10:00:00%2B00:00":                                            "B2222 A1111",
		"created_at_min=2020-01-01T00:00:00%2B00:00":                                            "C3333 B2222 A1111",
		"updated_at_min=2026-11-22T00:00:00%2B00:00":                                            "C3333",
		"updated_at_max=2026-11-21T00:00:00%2B01:00&tag=Delivered":                              "A1111",
		"slug=j-net&created_at_min=2026-11-01T00:00:00%2B00:00&limit=200&keyword=&fields=title": "C3333",
	} {
		for _, v := range []aftership.Version{aftership.V202404, aftership.V202407, aftership.V202607} {
			if got := strings.Join(listed(t, s, v, query).numbers(), " "); got != want {
				t.Errorf("%s %s: %q, not %q", v, query, got, want)
			}
		}
	}
}

func TestHowFarAListGoesBack(t *testing.T) {
	for days, want := range map[int]int{0: 2, 30: 1} {
		s, _ := unlimited(func(o *Options) { o.ListDays = days })
		seed(t, s, Seed{Slug: "ups", Number: "NEW00"}, Seed{Slug: "ups", Number: "OLD00", Created: testTime.AddDate(0, 0, -100)})
		if got := listed(t, s, aftership.V4, "").numbers(); len(got) != want {
			t.Errorf("%d days: %v", days, got)
		}
		if got := listed(t, s, aftership.V4, "created_at_min=2026-08-01T00:00:00%2B00:00").numbers(); len(got) != 2 {
			t.Errorf("%d days, and asked for more: %v", days, got)
		}
	}
}

func TestRefusedLists(t *testing.T) {
	fifty := strings.Repeat("A1111,", 50)
	for query, since := range map[string]aftership.Version{
		"limit=201": "v4", "limit=0": "v4", "limit=x": "v4", "tag=delivered": "v4",
		"tracking_numbers=" + fifty + "B": "v4",
		"cursor=nonsense":                 aftership.V202410,
		// An unescaped plus is a space, and Z is no offset: refused from 2025-01, ignored before.
		"created_at_min=2026-11-20T10:00:00+00:00": aftership.V202501, "updated_at_max=2026-11-20T10:00:00Z": aftership.V202501,
	} {
		for _, v := range aftership.Versions() {
			s, _ := unlimited()
			got := ask(t, s, "GET", v.BasePath()+"/trackings?"+query, "")
			if want := map[bool]int{true: 400, false: 200}[v.AtLeast(since)]; got.Code != want {
				t.Errorf("%s %.40s: %d, not %d", v, query, got.Code, want)
			}
		}
	}
	s, _ := unlimited()
	if got := ask(t, s, "GET", "/v4/trackings?tracking_numbers="+fifty, ""); got.Code != 200 {
		t.Errorf("50 numbers: %s", got.Raw)
	}
	if got := ask(t, s, "GET", "/v4/trackings?limit=200&page=801", ""); got.Code != 400 {
		t.Errorf("beyond 160,000: %s", got.Raw)
	}
}

func TestEchoOfFilters(t *testing.T) {
	s, _ := unlimited()
	got := ask(t, s, "GET", "/v4/trackings?slug=ups&origin=DEU,FRA", "").Data
	if fmt.Sprintf("%v %v %v %v", got["slug"], got["origin"], got["keyword"], got["destination"]) != "ups [DEU FRA]  []" || got["created_at_min"] != "2026-07-25T10:00:00+00:00" {
		t.Error(got)
	}
}

func TestCourierLists(t *testing.T) {
	all, active := len(courierSlugs), len(courierSlugs)-4
	for _, v := range aftership.Versions() {
		s, _ := unlimited()
		first, second := "/couriers/all", "/couriers"
		if v.AtLeast(aftership.V202504) {
			first, second = "/couriers", "/couriers?active=true"
		}
		for path, want := range map[string]int{first: all, second: active} {
			got := ask(t, s, "GET", v.BasePath()+path, "")
			if list, _ := got.Data["couriers"].([]any); len(list) != want || got.Data["total"] != float64(want) {
				t.Errorf("%s %s: %d couriers, not %d", v, path, len(list), want)
			}
		}
	}
	if all < 300 {
		t.Errorf("only %d couriers", all)
	}
	for _, slug := range []string{"j-net", "jd-worldwide", "ups", "usps", "fedex", "dhl", "dpd", "gls", "postnl-3s"} {
		if couriers[slug] == nil {
			t.Errorf("%s is missing", slug)
		}
	}
	s, _ := unlimited()
	if got := ask(t, s, "GET", "/tracking/2025-07/couriers?slug=postnl-3s", ""); !strings.Contains(got.Raw, `"required_fields":["destination_country_region","destination_postal_code"]`) &&
		!strings.Contains(got.Raw, `"required_fields":["destination_postal_code","destination_country_region"]`) {
		t.Error(got.Raw)
	}
}

func TestEveryRequiredFieldsCourierIsListed(t *testing.T) {
	recorded := map[string]struct{ Required, Optional []string }{}
	if err := json.Unmarshal(requiredText, &recorded); err != nil {
		t.Fatal(err)
	}
	for slug, want := range recorded {
		if c := couriers[slug]; c == nil || !slices.Equal(c.Required, want.Required) || !slices.Equal(c.Optional, want.Optional) {
			t.Errorf("%s: %+v, not %+v", slug, c, want)
		}
	}
}

func TestPatternsNameCouriersThatExist(t *testing.T) {
	for _, p := range patterns {
		for _, slug := range p.slugs {
			if couriers[slug] == nil {
				t.Errorf("%s: no such courier %s", p.form, slug)
			}
		}
	}
}

func TestDetect(t *testing.T) {
	s, _ := unlimited()
	for text, want := range map[string]string{
		`{"tracking_number":"1Z999AA10123456784"}`:                              "ups",
		`{"tracking_number":"JNET2611000401"}`:                                  "j-net",
		`{"tracking_number":"JDW026110000301"}`:                                 "jd-worldwide",
		`{"tracking_number":"LB512345678CN"}`:                                   "china-post china-ems",
		`{"tracking_number":"LB512345678CN","slug":["china-ems"]}`:              "china-ems",
		`{"tracking_number":"LB512345678CN","slug_group":"fedex-group"}`:        "",
		`{"tracking_number":"NOTHING-KNOWN"}`:                                   "",
		`{"tracking_number":"C11123456789012"}`:                                 "",
		`{}`:                                                                    "4007",
		`{"tracking_number":"?"}`:                                               "4005",
		`{"tracking_number":"12345","slug":"ups"}`:                              "4008",
		`{"tracking_number":"12345","slug":["ups"],"slug_group":"fedex-group"}`: "4008",
	} {
		for _, v := range []aftership.Version{aftership.V4, aftership.V202607} {
			got := ask(t, s, "POST", v.BasePath()+"/couriers/detect", body(v, text))
			slugs := []string{}
			list, _ := got.Data["couriers"].([]any)
			for _, c := range list {
				slugs = append(slugs, c.(map[string]any)["slug"].(string))
			}
			if got.Code != 200 {
				slugs = []string{itoa(got.Code)}
			}
			if strings.Join(slugs, " ") != want {
				t.Errorf("%s: %v, not %s", text, slugs, want)
			}
		}
	}
}

func TestPredictions(t *testing.T) {
	s, _ := unlimited()
	item := strings.TrimSuffix(strings.TrimPrefix(sampleBody("v4", aftership.EndpointPredictBatch), `{"estimated_delivery_dates":[`), `]}`)
	batch := func(items ...string) reply {
		return ask(t, s, "POST", "/v4/estimated-delivery-date/predict-batch", `{"estimated_delivery_dates":[`+strings.Join(items, ",")+`]}`)
	}
	if got := batch(item, item); got.Code != 200 || strings.Count(got.Raw, `"estimated_delivery_date":"2026-11-26"`) != 2 {
		t.Error(got.Raw)
	}
	if got := batch(); got.Code != 4008 {
		t.Error(got.Raw)
	}
	if got := batch(item, item, item, item, item, item); got.Code != 4008 {
		t.Error(got.Raw)
	}
	for _, c := range []struct {
		old, new string
		code     int
	}{
		{`"slug":"ups"`, `"slug":"acme"`, 4010}, {`"slug":"ups",`, ``, 4009}, {`"country":"USA"`, `"country":"US"`, 4008},
		{`"postal_code":"10001"`, `"city":"New York"`, 4008}, {`"pickup_time"`, `"pickup"`, 4009},
	} {
		if got := batch(item, strings.Replace(item, c.old, c.new, 1)); got.Code != c.code {
			t.Errorf("%s for %s: %s", c.new, c.old, got.Raw)
		}
	}
	if err := s.Change(func(o *Options) { o.PredictForbidden = true }); err != nil {
		t.Fatal(err)
	}
	if got := batch(item); got.HTTP != 403 || got.Data["estimated_delivery_dates"] == nil || got.Header.Get("X-RateLimit-Limit") != "" {
		t.Error(got.Raw)
	}
}
