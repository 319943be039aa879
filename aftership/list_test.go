package aftership

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"
)

// pagedServer serves total trackings in the version's way of paging, and writes the queries down.
type pagedServer struct {
	v       Version
	total   int
	noCount bool // a list without its count
	size    int  // the server's own page size, where it is smaller than what is asked
	queries []url.Values
}

func (s *pagedServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	s.queries = append(s.queries, q)
	size, _ := strconv.Atoi(q.Get("limit"))
	if s.size > 0 {
		size = min(size, s.size)
	}
	page, _ := strconv.Atoi(q.Get("page"))
	if s.v.Cursor() {
		page, _ = strconv.Atoi(strings.TrimPrefix(firstOf(q.Get("cursor"), "c1"), "c"))
	}
	from, to := min((page-1)*size, s.total), min(page*size, s.total)
	var items []string
	for i := from; i < to; i++ {
		items = append(items, fmt.Sprintf(`{"id":"id-%d"}`, i))
	}
	reply(w, 200, `{"meta":{"code":200},"data":{`+s.paging(page, size, to)+`"trackings":[`+strings.Join(items, ",")+`]}}`)
}

func (s *pagedServer) paging(page, size, to int) string {
	switch {
	case s.v.Cursor() && to < s.total:
		return fmt.Sprintf(`"pagination":{"total":%d,"next_cursor":"c%d","has_next_page":true},`, s.total, page+1)
	case s.v.Cursor():
		return fmt.Sprintf(`"pagination":{"total":%d,"next_cursor":"","has_next_page":false},`, s.total)
	case s.noCount:
		return fmt.Sprintf(`"page":%d,"limit":%d,`, page, size)
	}
	return fmt.Sprintf(`"page":%d,"limit":%d,"count":%d,"keyword":"","origin":[],`, page, size, s.total)
}

func collect(t *testing.T, c *Client, f Filter) []string {
	t.Helper()
	var ids []string
	for tr, err := range c.List(t.Context(), f) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, tr.ID)
	}
	return ids
}

func TestListPages(t *testing.T) {
	eachVersion(t, EndpointList, func(t *testing.T, v Version) {
		tests := []struct{ total, size, calls int }{{0, 0, 1}, {1, 0, 1}, {10, 0, 1}, {11, 0, 2}, {25, 0, 3}, {25, 7, 4}}
		for _, tt := range tests {
			c, mux := setup(t, v)
			s := &pagedServer{v: v, total: tt.total, size: tt.size}
			mux.Handle("GET /trackings", s)
			ids := collect(t, c, Filter{PageSize: 10})
			want(t, "trackings", len(ids), tt.total)
			want(t, "calls", len(s.queries), tt.calls)
			for i, id := range ids {
				want(t, "order", id, fmt.Sprint("id-", i))
			}
		}
	})
}

func TestListWithoutCount(t *testing.T) {
	for total, calls := range map[int]int{9: 1, 10: 2, 15: 2} {
		c, mux := setup(t, V202404)
		s := &pagedServer{v: V202404, total: total, noCount: true}
		mux.Handle("GET /trackings", s)
		want(t, "trackings", len(collect(t, c, Filter{PageSize: 10})), total)
		want(t, "calls", len(s.queries), calls)
	}
}

func TestListStopsWhenTheCallerDoes(t *testing.T) {
	c, mux := setup(t, V202507)
	s := &pagedServer{v: V202507, total: 100}
	mux.Handle("GET /trackings", s)
	n := 0
	for range c.List(t.Context(), Filter{PageSize: 10}) {
		if n++; n == 15 {
			break
		}
	}
	want(t, "calls", len(s.queries), 2)
}

// Some defaults changed over the years and some filters fail in silence, so that the query is checked letter by letter.
func TestListQuery(t *testing.T) {
	now := time.Date(2026, 7, 9, 12, 0, 0, 0, time.FixedZone("CEST", 7200))
	eachVersion(t, EndpointList, func(t *testing.T, v Version) {
		c, mux := setup(t, v, func(o *Options) { o.Now = fixedClock(now) })
		var raw string
		mux.HandleFunc("GET /trackings", func(w http.ResponseWriter, r *http.Request) {
			raw = r.URL.RawQuery
			reply(w, 200, `{"meta":{"code":200},"data":{"trackings":[]}}`)
		})
		page := ""
		if !v.Cursor() {
			page = "&page=1"
		}
		collect(t, c, Filter{})
		want(t, "default", raw, "created_at_min=2026-03-11T10%3A00%3A00%2B00%3A00&limit=200"+page)
		collect(t, c, Filter{Tag: TagExpired, CreatedMin: now.Add(-time.Hour), UpdatedMax: now, ReturnToSender: new(true),
			Slugs: []string{"ups", "dhl"}, CourierDestinations: []string{"USA"}, TransitTime: 3, PageSize: 50})
		country := "courier_destination_country_iso3"
		if v.AtLeast(V202501) {
			country = "courier_destination_country_region"
		}
		want(t, "filters", raw, country+"=USA&created_at_min=2026-07-09T09%3A00%3A00%2B00%3A00&limit=50"+page+
			"&return_to_sender=true&slug=ups%2Cdhl&tag=Expired&transit_time=3&updated_at_max=2026-07-09T10%3A00%3A00%2B00%3A00")
	})
}

func TestListRefusesSilentFilters(t *testing.T) {
	for _, v := range Versions() {
		c, _ := setup(t, v)
		_, err := c.listQuery(Filter{OrderIDs: []string{"1"}})
		if errors.Is(err, ErrUnsupported) != v.Before(V202404) {
			t.Errorf("%s: %v", v, err)
		}
		if _, err := c.listQuery(Filter{TrackingNumbers: make([]string, MaxLookup+1)}); err == nil {
			t.Errorf("%s: too many numbers were taken", v)
		}
	}
	c, _ := setup(t, V4)
	for _, err := range c.List(t.Context(), Filter{OrderIDs: []string{"1"}}) {
		if !errors.Is(err, ErrUnsupported) {
			t.Errorf("%v", err)
		}
	}
}

func TestListThatStandsStill(t *testing.T) {
	for v, body := range map[Version]string{
		V202404: `{"count":1000,"limit":1,"trackings":[{"id":"x"}]}`,
		V202507: `{"pagination":{"has_next_page":true,"next_cursor":"c"},"trackings":[{"id":"x"}]}`,
	} {
		c, mux := setup(t, v)
		mux.HandleFunc("/", replies(200, `{"meta":{"code":200},"data":`+body+`}`))
		var last error
		n := 0
		for _, err := range c.List(t.Context(), Filter{PageSize: 1}) {
			last = err
			n++
		}
		if !errors.Is(last, errRepeats) || n != 2 {
			t.Errorf("%s: %d, %v", v, n, last)
		}
	}
}

func TestListErrors(t *testing.T) {
	c, mux := setup(t, V202507)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("cursor") != "" {
			reply(w, 500, errorBody(500, "InternalError", "", `{}`))
			return
		}
		reply(w, 200, `{"meta":{"code":200},"data":{"pagination":{"has_next_page":true,"next_cursor":"c"},"trackings":[{"id":"x"},null,3]}}`)
	})
	var got []string
	for tr, err := range c.List(t.Context(), Filter{}) {
		if err != nil {
			got = append(got, strconv.Itoa(refusalOf(t, err).Code))
			continue
		}
		got = append(got, tr.ID)
	}
	want(t, "list", got, []string{"x", "500"})
	for _, data := range []string{`{}`, `null`, `[]`, `{"trackings":{}}`} {
		c, mux := setup(t, V202507)
		mux.HandleFunc("/", replies(200, `{"meta":{"code":200},"data":`+data+`}`))
		for _, err := range c.List(t.Context(), Filter{}) {
			want(t, data, noAnswerOf(t, err).Kind, NoAnswerMalformed)
		}
	}
}

func TestListTrackingsKeepTheirJSON(t *testing.T) {
	c, mux := setup(t, V202507)
	mux.HandleFunc("/", replies(200, `{"meta":{"code":200},"data":{"trackings":[{"id":"x","odd":1}]}}`))
	for tr, err := range c.List(t.Context(), Filter{}) {
		if err != nil || string(tr.Raw) != `{"id":"x","odd":1}` {
			t.Error(string(tr.Raw), err)
		}
	}
}
