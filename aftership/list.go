package aftership

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

const (
	// MaxPage is the largest page of a list (AfterShip's OpenAPI document).
	MaxPage = 200
	// MaxListAge is how far back lists reach: "AfterShip only stores data of 120 days" (AfterShip docs, list trackings).
	MaxListAge = 120 * 24 * time.Hour
)

// Filter chooses the trackings of a list. Empty fields do not filter, except that CreatedMin is always sent.
type Filter struct {
	Keyword             string   // searched in number, title, order id, custom fields and the customer's data
	TrackingNumbers     []string // MaxLookup at most
	Slugs               []string
	OrderIDs            []string // from 2024-04 on; an older version would ignore it and list everything
	Tag                 Tag      // AfterShip documents one at a time
	Origins             []string // ISO 3166-1 alpha-3
	Destinations        []string
	CourierDestinations []string // countries as the couriers tell them
	ShipmentTags        []string
	TransitTime         int // days
	ReturnToSender      *bool
	CreatedMin          time.Time // defaults to MaxListAge ago: AfterShip's own default has changed over the years
	CreatedMax          time.Time
	UpdatedMin          time.Time
	UpdatedMax          time.Time
	Fields              []string // of title, order_id, tag, checkpoints: only these beside the ids; empty is all
	PageSize            int      // defaults to MaxPage
}

// List ranges over all trackings that pass the filter, reading a page when it is needed: one call of the class for each.
// After an error it yields no more. Its order is not documented. Where the version counts pages, a tracking that stops to
// pass the filter while the list is read makes later ones slip by: collect before you change what you filter by.
func (c *Client) List(ctx context.Context, f Filter) iter.Seq2[Tracking, error] {
	return func(yield func(Tracking, error) bool) {
		for page, err := range c.pages(ctx, f) {
			if err != nil {
				yield(Tracking{}, err)
				return
			}
			for _, t := range page {
				if !yield(t, nil) {
					return
				}
			}
		}
	}
}

var errRepeats = errors.New("the list does not move on: a page came twice")

// pages ranges over the pages of a list, by number or by cursor as the version has it.
func (c *Client) pages(ctx context.Context, f Filter) iter.Seq2[[]Tracking, error] {
	return func(yield func([]Tracking, error) bool) {
		query, err := c.listQuery(f)
		if err != nil {
			yield(nil, err)
			return
		}
		for at := (position{page: 1}); ; {
			p, err := c.page(ctx, query, at)
			if err == nil && at.page > 1 && p.first != "" && p.first == at.first {
				err = fmt.Errorf("aftership: %s: %w", EndpointList, errRepeats)
			}
			next, more := p.next(at)
			if !yield(p.trackings, err) || err != nil || !more {
				return
			}
			at = next
		}
	}
}

// position is where a list goes on. Page counts in every version; first is the first id of the page before, to see a
// list that stands still.
type position struct {
	page   int
	cursor string
	first  string
}

// listPage is a page with what is needed to find the next one.
type listPage struct {
	trackings []Tracking
	first     string
	cursor    string // set where there is a next page, in versions with cursors
	last      bool
	total     int // of trackings that pass the filter; zero where the reply does not say
}

func (p listPage) next(at position) (position, bool) {
	return position{page: at.page + 1, cursor: p.cursor, first: p.first}, !p.last && len(p.trackings) > 0
}

func (c *Client) page(ctx context.Context, query url.Values, at position) (listPage, error) {
	if c.version.Cursor() {
		if at.cursor != "" {
			query.Set("cursor", at.cursor)
		}
	} else {
		query.Set("page", strconv.Itoa(at.page))
	}
	a, err := c.call(ctx, request{endpoint: EndpointList, method: http.MethodGet, path: []string{"trackings"}, query: query})
	if err != nil {
		return listPage{}, err
	}
	return a.page(at.page, query)
}

var errNoList = errors.New("the reply holds no list of trackings")

func (a *answer) page(number int, query url.Values) (listPage, error) {
	o := parseObject(a.data)
	raws, ok := parseArray(o["trackings"])
	if !ok {
		return listPage{}, a.unreadable(NoAnswerMalformed, errNoList)
	}
	var p listPage
	for _, raw := range raws {
		if item := parseObject(raw); item != nil {
			t := decodeTracking(item)
			t.Raw = bytes.Clone(raw) // or one tracking would keep the whole page
			p.trackings = append(p.trackings, t)
		}
	}
	if len(p.trackings) > 0 {
		p.first = p.trackings[0].ID
	}
	p.last, p.cursor = lastPage(o, number, len(raws), query)
	p.total = max(o.int("count"), o.object("pagination").int("total"))
	return p, nil
}

// lastPage reads the end of a list: has_next_page where there is a cursor; else the count, or failing that a page that is
// not full. What the cursor holds on the last page is not documented.
func lastPage(o object, number, got int, query url.Values) (last bool, cursor string) {
	if pages := o.object("pagination"); pages != nil {
		cursor = pages.text("next_cursor")
		return !pages.bool("has_next_page") || cursor == "", cursor
	}
	size := o.int("limit")
	if size <= 0 {
		size, _ = strconv.Atoi(query.Get("limit"))
	}
	if count := o.int("count"); count > 0 {
		return number*size >= count, ""
	}
	return got < size, ""
}

func (c *Client) listQuery(f Filter) (url.Values, error) {
	if len(f.OrderIDs) > 0 && c.version.Before(V202404) {
		return nil, fmt.Errorf("aftership: %s: the filter order_id: %w (%s)", EndpointList, ErrUnsupported, c.version)
	}
	if len(f.TrackingNumbers) > MaxLookup {
		return nil, fmt.Errorf("aftership: %s: %d tracking numbers in one call, but AfterShip takes %d", EndpointList, len(f.TrackingNumbers), MaxLookup)
	}
	q := url.Values{}
	q.Set("limit", strconv.Itoa(firstOf(f.PageSize, MaxPage)))
	q.Set("created_at_min", filterTime(firstOf(f.CreatedMin, c.now().Add(-MaxListAge))))
	f.lists(q, c.version)
	f.scalars(q)
	return q, nil
}

func (f Filter) lists(q url.Values, v Version) {
	setList(q, "tracking_numbers", f.TrackingNumbers)
	setList(q, "slug", f.Slugs)
	setList(q, "order_id", f.OrderIDs)
	setList(q, "origin", f.Origins)
	setList(q, "destination", f.Destinations)
	setList(q, v.courierDestination(), f.CourierDestinations)
	setList(q, "shipment_tags", f.ShipmentTags)
	setList(q, "fields", f.Fields)
}

func (f Filter) scalars(q url.Values) {
	texts := map[string]string{"keyword": f.Keyword, "tag": string(f.Tag)}
	if f.TransitTime > 0 {
		texts["transit_time"] = strconv.Itoa(f.TransitTime)
	}
	if f.ReturnToSender != nil {
		texts["return_to_sender"] = strconv.FormatBool(*f.ReturnToSender)
	}
	for name, t := range map[string]time.Time{"created_at_max": f.CreatedMax, "updated_at_min": f.UpdatedMin, "updated_at_max": f.UpdatedMax} {
		if !t.IsZero() {
			texts[name] = filterTime(t)
		}
	}
	for name, text := range texts {
		if text != "" {
			q.Set(name, text)
		}
	}
}

// filterTime writes a moment as the filters take it: with a plus and an offset, never a Z (AfterShip's OpenAPI document).
// The plus is escaped with the rest of the query; unescaped it would be read as a space, and up to 2024-10 AfterShip then
// silently takes its default (AfterShip docs, migration guide to 2025-01).
func filterTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05+00:00") }
