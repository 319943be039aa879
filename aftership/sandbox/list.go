package sandbox

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"aftership-bulk/aftership"
)

// filter is what a list is asked for.
type filter struct {
	query        url.Values
	page, limit  int
	from         *cursor
	keyword      string
	numbers      []string
	slugs        []string
	origins      []string
	destinations []string
	tags         []string
	orders       []string
	returned     []string
	tag          string
	created      period
	updated      period
}

// period is a span of time with both ends; a zero end is open.
type period struct{ min, max time.Time }

func (p period) holds(t time.Time) bool {
	return !t.Before(p.min) && (p.max.IsZero() || !t.After(p.max))
}

// cursor is the place of the last tracking of a page, and the total, which is counted once.
type cursor struct {
	at    int64
	seq   int64
	total int
}

func (c cursor) String() string {
	text, _ := json.Marshal([]int64{c.at, c.seq, int64(c.total)}) // numbers always have a text
	return base64.StdEncoding.EncodeToString(text)
}

func parseCursor(s string) (*cursor, bool) {
	var parts []int64
	text, err := base64.StdEncoding.DecodeString(s)
	if err != nil || json.Unmarshal(text, &parts) != nil || len(parts) != 3 {
		return nil, false
	}
	return &cursor{at: parts[0], seq: parts[1], total: int(parts[2])}, true
}

// list answers GET /trackings.
func (s *Sandbox) list(c *call) answer {
	f, bad := c.readFilter()
	if bad != nil {
		return *bad
	}
	c.org.mu.Lock()
	defer c.org.mu.Unlock()
	found, total, more := f.search(c)
	view := view{version: c.version, fields: splitList(f.query.Get("fields"))}
	items := make([][]byte, len(found))
	for i, t := range found {
		items[i] = view.render(t)
	}
	a := ok(c.listData(f, found, items, total, more))
	a.number = f.query.Get("tracking_numbers")
	return a
}

// listData writes the data of a list in the version's shape.
func (c *call) listData(f *filter, found []*tracking, items [][]byte, total int, more bool) []byte {
	o := newSized(2048 * (len(items) + 1))
	if c.version.Cursor() {
		o.raw("pagination", c.pagination(found, total, more))
	} else {
		o.num("page", f.page)
		o.num("limit", f.limit)
		o.num("count", total)
		f.echo(o)
	}
	o.raw("trackings", arrayOf(items))
	return o.end()
}

func (c *call) pagination(found []*tracking, total int, more bool) []byte {
	o := newObject()
	o.num("total", total)
	next := ""
	if more {
		last := found[len(found)-1]
		next = cursor{at: last.created.UnixNano(), seq: last.seq, total: total}.String()
	}
	if more || !c.opt.CursorAbsent {
		o.str("next_cursor", next)
	}
	o.flag("has_next_page", more)
	return o.end()
}

// echo repeats the filters, as versions up to 2024-07 do.
func (f *filter) echo(o *object) {
	for _, name := range []string{"keyword", "slug", "tag", "fields", "last_updated_at"} {
		o.str(name, f.query.Get(name))
	}
	for _, name := range []string{"origin", "destination", "return_to_sender", "courier_destination_country_iso3"} {
		o.list(name, splitList(f.query.Get(name)))
	}
	o.time("created_at_min", f.created.min)
	o.time("created_at_max", f.created.max)
}

// search collects a page, newest first, and counts all that fit.
func (f *filter) search(c *call) (found []*tracking, total int, more bool) {
	pool := f.pool(c)
	if f.from != nil {
		return f.goOn(c, pool[:f.from.place(pool)])
	}
	skip := (f.page - 1) * f.limit
	for _, t := range slices.Backward(pool) {
		if !f.fits(c, t) {
			continue
		}
		total++
		if total > skip && len(found) < f.limit {
			found = append(found, t)
		}
	}
	return found, total, total > skip+len(found)
}

// goOn collects the page behind a cursor. It need not see all: the total was counted for the first page.
func (f *filter) goOn(c *call, pool []*tracking) (found []*tracking, total int, more bool) {
	for _, t := range slices.Backward(pool) {
		if !f.fits(c, t) {
			continue
		}
		if len(found) == f.limit {
			return found, f.from.total, true
		}
		found = append(found, t)
	}
	return found, f.from.total, false
}

// pool holds all trackings, or those of the numbers that were asked for, oldest first.
func (f *filter) pool(c *call) []*tracking {
	if len(f.numbers) == 0 {
		return c.org.ordered
	}
	var pool []*tracking
	for _, n := range f.numbers {
		pool = append(pool, c.org.numbered(n, c.opt.Case)...)
	}
	slices.SortFunc(pool, inOrder)
	return slices.Compact(pool)
}

// place is where the cursor's tracking stands, or stood.
func (c *cursor) place(pool []*tracking) int {
	mark := &tracking{created: time.Unix(0, c.at), seq: c.seq}
	i, _ := slices.BinarySearchFunc(pool, mark, inOrder)
	return i
}

func (f *filter) fits(c *call, t *tracking) bool {
	t.expire(c.at, c.opt.ExpireAfter)
	return !t.gone && f.created.holds(t.created) && f.updated.holds(t.updated) &&
		(f.tag == "" || t.tag == f.tag) && among(f.slugs, t.slug) &&
		(f.keyword == "" || t.mentions(f.keyword)) &&
		among(f.origins, t.texts.get("origin_country_region")) &&
		among(f.destinations, t.texts.get("destination_country_region")) &&
		among(f.orders, t.texts.get("order_id")) &&
		(len(f.tags) == 0 || slices.ContainsFunc(f.tags, func(tag string) bool { return slices.Contains(t.tags, tag) })) &&
		among(f.returned, strconv.FormatBool(t.returned()))
}

// readFilter reads the query of a list.
func (c *call) readFilter() (*filter, *answer) {
	q := c.http.URL.Query()
	f := &filter{query: q, page: 1, limit: 100, keyword: strings.ToLower(q.Get("keyword")), numbers: splitList(q.Get("tracking_numbers")),
		slugs: splitList(q.Get("slug")), origins: splitList(q.Get("origin")), destinations: splitList(q.Get("destination")),
		tags: splitList(q.Get("shipment_tags")), returned: splitList(q.Get("return_to_sender")), tag: q.Get("tag")}
	if c.version.AtLeast(aftership.V202404) {
		f.orders = splitList(q.Get("order_id"))
	}
	if len(f.numbers) > 50 || f.tag != "" && !slices.Contains(tagNames, f.tag) {
		return nil, new(fail(400))
	}
	if bad := f.readPaging(c); bad != nil {
		return nil, bad
	}
	return f, f.readPeriods(c)
}

func (f *filter) readPaging(c *call) *answer {
	limitOK := readInt(f.query.Get("limit"), &f.limit, 200)
	pageOK := true
	if !c.version.Cursor() {
		pageOK = readInt(f.query.Get("page"), &f.page, 160_000/max(1, f.limit))
	} else if text := f.query.Get("cursor"); text != "" {
		f.from, pageOK = parseCursor(text)
	}
	if !limitOK || !pageOK {
		return new(fail(400))
	}
	return nil
}

// readInt reads a number from 1 to most; an empty text leaves the number as it is.
func readInt(text string, into *int, most int) bool {
	if text == "" {
		return true
	}
	n, err := strconv.Atoi(text)
	*into = n
	return err == nil && n >= 1 && n <= most
}

// filterTime is the only form in which the API takes a moment: an offset with a plus.
var filterTime = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+\d\d:\d\d$`)

// readPeriods reads the filters by time. The list never shows what is older than 120 days. A moment that cannot be
// read is an error from 2025-01 on; before, it was silently left out.
func (f *filter) readPeriods(c *call) *answer {
	oldest := c.at.Add(-dataKept)
	f.created = period{c.at.AddDate(0, 0, -c.opt.ListDays), c.at}
	for name, end := range map[string]*time.Time{"created_at_min": &f.created.min, "created_at_max": &f.created.max,
		"updated_at_min": &f.updated.min, "updated_at_max": &f.updated.max} {
		text := f.query.Get(name)
		if text == "" {
			continue
		}
		at, err := time.Parse(time.RFC3339, text)
		if err != nil || !filterTime.MatchString(text) {
			if c.version.AtLeast(aftership.V202501) {
				return new(fail(400))
			}
			continue
		}
		*end = at
	}
	if f.created.min.Before(oldest) {
		f.created.min = oldest
	}
	return nil
}
