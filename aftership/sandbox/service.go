package sandbox

import (
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"aftership-bulk/aftership"
)

// courierListKey names a rendered list of couriers.
type courierListKey struct {
	version aftership.Version
	all     bool
}

// couriers answers GET /couriers and GET /couriers/all.
func (s *Sandbox) couriers(c *call) answer {
	query := c.http.URL.Query()
	all := c.endpoint == aftership.EndpointCouriersAll
	if c.version.AtLeast(aftership.V202504) {
		all = query.Get("active") != "true"
		if slug := query.Get("slug"); slug != "" {
			return ok(renderCouriers(slices.DeleteFunc([]string{slug}, func(s string) bool { return couriers[s] == nil }), c.version))
		}
	}
	if !all {
		return ok(renderCouriers(activeCouriers(c.opt), c.version))
	}
	key := courierListKey{c.version, all}
	if data, found := s.couList.Load(key); found {
		return ok(data.([]byte))
	}
	data := renderCouriers(courierSlugs, c.version)
	s.couList.Store(key, data)
	return ok(data)
}

// activeCouriers lists the couriers that the account has activated.
func activeCouriers(o *Options) []string {
	return slices.DeleteFunc(slices.Clone(courierSlugs), func(slug string) bool {
		return couriers[slug].retired || slices.Contains(o.Inactive, slug)
	})
}

// detect answers POST /couriers/detect.
func (s *Sandbox) detect(c *call) answer {
	m, bad := c.tracking()
	if bad != nil {
		return *bad
	}
	number, isText := m.str("tracking_number")
	switch {
	case number == "":
		return fail(4007)
	case !isText || !numberPattern.MatchString(number):
		return fail(c.opt.CharsetCode)
	}
	var asked []string
	if raw := m["slug"]; raw != nil && json.Unmarshal(raw, &asked) != nil {
		return fail(4008, "slug")
	}
	group, _ := m.str("slug_group")
	if group != "" && len(asked) > 0 {
		return fail(4008, "slug_group")
	}
	slugs := slices.DeleteFunc(lookLike(number), func(slug string) bool {
		return !among(asked, slug) || group != "" && !inGroup(slug, group) || slices.Contains(c.opt.Inactive, slug)
	})
	a := ok(renderCouriers(slugs, c.version))
	a.number = number
	return a
}

// predict answers both delivery date predictions: every item gets three to five days.
func (s *Sandbox) predict(c *call) answer {
	m, bad := c.object()
	if bad != nil {
		return *bad
	}
	if c.opt.PredictForbidden {
		a := fail(403).because("You don't have permission to access AfterShip Estimated Delivery Date Predict API.")
		a.data = c.body
		return a
	}
	if c.endpoint == aftership.EndpointPredict {
		return predictOne(c, m)
	}
	return predictBatch(c, m)
}

// predictBatch answers one to five items; one bad item fails the whole call.
func predictBatch(c *call, m members) answer {
	var items []members
	if json.Unmarshal(m["estimated_delivery_dates"], &items) != nil || len(items) < 1 || len(items) > 5 {
		return fail(4008, "estimated_delivery_dates")
	}
	rendered := make([][]byte, len(items))
	for i, item := range items {
		one := predictOne(c, item)
		if one.code != 200 {
			return one
		}
		rendered[i] = one.data
	}
	o := newObject()
	o.raw("estimated_delivery_dates", arrayOf(rendered))
	return ok(o.end())
}

// predictOne answers one item: what was sent, and the dates.
func predictOne(c *call, item members) answer {
	if bad := checkPrediction(item); bad != nil {
		return *bad
	}
	day := func(n int) json.RawMessage {
		return json.RawMessage(strconv.Quote(c.at.AddDate(0, 0, n).Format(time.DateOnly)))
	}
	item["estimated_delivery_date"], item["estimated_delivery_date_min"], item["estimated_delivery_date_max"] = day(4), day(3), day(5)
	item["confidence_code"] = json.RawMessage("1003")
	data, err := json.Marshal(item)
	if err != nil {
		return fail(4001)
	}
	return ok(data)
}

// checkPrediction checks an item.
func checkPrediction(item members) *answer {
	for _, name := range []string{"slug", "origin_address", "destination_address"} {
		if item[name] == nil {
			return new(fail(4009, name))
		}
	}
	if slug, _ := item.str("slug"); couriers[slug] == nil {
		return new(fail(4010))
	}
	for _, name := range []string{"origin_address", "destination_address"} {
		if !addressOK(item[name]) {
			return new(fail(4008, name))
		}
	}
	if item["pickup_time"] == nil && item["estimated_pickup"] == nil {
		return new(fail(4009, "pickup_time"))
	}
	return nil
}

// addressOK asks for a country, and for a state or postal code.
func addressOK(raw json.RawMessage) bool {
	var a struct {
		Country string `json:"country"`
		State   string `json:"state"`
		Postal  string `json:"postal_code"`
	}
	return json.Unmarshal(raw, &a) == nil && countryPattern.MatchString(a.Country) && (a.State != "" || a.Postal != "")
}
