package sandbox

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"time"

	"aftership-bulk/aftership"
)

// create answers POST /trackings.
func (s *Sandbox) create(c *call) answer {
	m, bad := c.tracking()
	if bad != nil {
		return *bad
	}
	t := &tracking{source: "api", active: true, created: c.at, updated: c.at}
	t.number, _ = m.str("tracking_number")
	guessed, bad := c.readNew(t, m)
	if bad != nil {
		return bad.of(t)
	}
	ownID := ""
	if c.version.OwnIDs() {
		ownID, _ = m.str("id")
	}
	c.org.mu.Lock()
	defer c.org.mu.Unlock()
	if bad := c.taken(t, ownID, guessed); bad != nil {
		return *bad
	}
	s.store(c.org, t, ownID)
	return answer{http: 201, code: 201, changed: true, data: c.single(t)}.of(t)
}

// taken is the answer to a tracking that cannot be added to what is there.
func (c *call) taken(t *tracking, ownID string, guessed bool) *answer {
	if twin := c.org.twin(c.opt, &t.content, guessed && c.opt.AnySlugCollides); twin != nil {
		return new(c.exists(t, twin).of(twin))
	}
	if ownID != "" && c.org.byID[ownID] != nil {
		return new(fail(c.opt.DuplicateIDCode).of(t))
	}
	if c.opt.Quota != 0 && c.org.created >= c.opt.Quota {
		return new(quotaUsed(c).of(t))
	}
	return nil
}

// store gives a tracking its ids and files it.
func (s *Sandbox) store(g *org, t *tracking, ownID string) {
	t.setTag("Pending", "Pending_001")
	t.id, t.legacyID, t.seq = s.newIDs()
	t.id = or(ownID, t.id)
	g.add(t)
	g.created++
}

// readNew checks the body of a create and fills the tracking; guessed is whether its courier was.
func (c *call) readNew(t *tracking, m members) (guessed bool, bad *answer) {
	if bad := c.readNumber(t, m); bad != nil {
		return false, bad
	}
	if id, isText := m.str("id"); c.version.OwnIDs() && m["id"] != nil && (!isText || !idPattern.MatchString(id)) {
		return false, new(fail(4015))
	}
	if bad := c.fill(&t.content, m); bad != nil {
		return false, bad
	}
	if t.slug != "" && t.slugGroup != "" {
		return false, new(fail(4008, "slug_group"))
	}
	if t.texts.get("location_id") != "" && hasOrigin(&t.content) {
		return false, new(fail(4008, "location_id"))
	}
	guessed = t.slug == ""
	if bad := c.resolve(t); bad != nil {
		return guessed, bad
	}
	if t.texts.get("title") == "" {
		t.texts.set("title", t.number)
	}
	return guessed, nil
}

func hasOrigin(c *content) bool {
	return slices.ContainsFunc(c.texts, func(t text) bool { return t.value != "" && strings.HasPrefix(t.name, "origin_") })
}

// readNumber checks the tracking number.
func (c *call) readNumber(t *tracking, m members) *answer {
	number, isText := m.str("tracking_number")
	switch {
	case !isText && c.version.AtLeast(aftership.V202410):
		return c.problem("tracking_number", errType)
	case number == "":
		return new(fail(4007))
	case !numberPattern.MatchString(number), c.opt.Case == CaseReject && number != strings.ToUpper(number):
		return new(fail(c.opt.CharsetCode))
	}
	t.number = number
	if c.opt.Case == CaseFold {
		t.number = strings.ToUpper(number)
	}
	return nil
}

// resolve finds the courier, and asks for what it requires.
func (c *call) resolve(t *tracking) *answer {
	if t.slug == "" {
		if bad := c.detectSlug(t); bad != nil || t.slug == unrecognized {
			return bad
		}
	}
	known := couriers[t.slug]
	switch {
	case known == nil:
		return new(fail(4010))
	case known.retired:
		return new(fail(4012).because(text4012Retired))
	case c.opt.StrictFormats && hasForm(t.slug) && !slices.Contains(lookLike(t.number), t.slug):
		return new(fail(4017))
	}
	if names := known.missing(&t.content, c.version); len(names) > 0 {
		return new(fail(4011, names...))
	}
	return nil
}

// unrecognized is the slug of a tracking whose courier was not found.
const unrecognized = "unrecognized"

// detectSlug chooses the first courier of the account that the number looks like.
func (c *call) detectSlug(t *tracking) *answer {
	like := lookLike(t.number)
	if t.slugGroup != "" {
		if !isGroup(t.slugGroup) {
			return new(fail(4008, "slug_group"))
		}
		like = slices.DeleteFunc(like, func(slug string) bool { return !inGroup(slug, t.slugGroup) })
	}
	for _, slug := range like {
		if !slices.Contains(c.opt.Inactive, slug) {
			t.slug = slug
			return nil
		}
	}
	if c.opt.Unrecognized && len(like) == 0 && t.slugGroup == "" {
		t.slug = unrecognized
		return nil
	}
	return new(fail(4012).because(whyNotDetected(t, like)))
}

func whyNotDetected(t *tracking, like []string) string {
	switch {
	case t.slugGroup != "":
		return text4012Group
	case len(like) > 0:
		return text4012NotActivated
	case len(t.number) < 6 || !strings.ContainsAny(t.number, "0123456789"):
		return text4012Format
	}
	return text4012NotRecognized
}

// exists is the answer to a create of what is there already.
func (c *call) exists(sent, twin *tracking) answer {
	a := fail(4003)
	o := newObject()
	if sent.slug != "" {
		o.str("slug", sent.slug)
	}
	o.str("tracking_number", sent.number)
	for _, name := range extraFields {
		if value := sent.texts.get(name); value != "" {
			o.str(extraName(name, c.version), value)
		}
	}
	o.str("id", c.idOf(twin))
	if !c.opt.NoDate4003 {
		o.time("created_at", twin.created)
	}
	a.data = c.shape4003(o.end())
	return a
}

func (c *call) shape4003(data []byte) []byte {
	shape := c.opt.Shape4003
	if c.version.Wrapped() {
		shape = Shape4003Tracking
	}
	switch shape {
	case Shape4003None:
		return nil
	case Shape4003Tracking:
		return wrapTracking(data)
	}
	return data
}

// find looks up the tracking that the path names. The organisation is locked.
func (c *call) find() (*tracking, *answer) {
	var t *tracking
	if c.id != "" {
		t = c.org.byID[c.id]
	} else {
		t = c.findNumber()
	}
	if t == nil || c.opt.OldGone && c.at.Sub(t.created) > dataKept {
		return nil, new(c.notFound())
	}
	t.expire(c.at, c.opt.ExpireAfter)
	if known := couriers[c.slug]; c.opt.SlugPathNeedsFields && known != nil {
		query := c.http.URL.Query()
		for _, name := range known.Required {
			if name = extraName(name, c.version); !query.Has(name) {
				return nil, new(fail(4009, name))
			}
		}
	}
	return t, nil
}

// findNumber finds a tracking by slug and number, and by the courier's extra fields if the query has some.
func (c *call) findNumber() *tracking {
	query := c.http.URL.Query()
	for _, t := range c.org.numbered(c.number, c.opt.Case) {
		if t.slug == c.slug && !slices.ContainsFunc(extraFields, func(name string) bool {
			sent := query.Get(extraName(name, c.version))
			return sent != "" && sent != t.texts.get(name)
		}) {
			return t
		}
	}
	return nil
}

// notFound is 4004; a PUT gets its body back with it.
func (c *call) notFound() answer {
	a := fail(4004)
	if c.endpoint == aftership.EndpointUpdate && json.Valid(c.body) {
		a.data = c.body
	}
	return a
}

func (s *Sandbox) get(c *call, t *tracking) answer {
	query := c.http.URL.Query()
	view := view{version: c.version, fields: splitList(query.Get("fields")), lang: query.Get("lang")}
	return ok(c.wrap(view.render(t)))
}

func (s *Sandbox) update(c *call, t *tracking) answer {
	m, bad := c.tracking()
	if bad != nil {
		return *bad
	}
	next := t.content.clone()
	if bad := c.fill(&next, m); bad != nil {
		return *bad
	}
	if next.slug != t.slug {
		if bad := c.changeSlug(t, &next); bad != nil {
			return *bad
		}
	}
	changed := !reflect.DeepEqual(next, t.content)
	if changed {
		t.content, t.updated = next, c.at
	}
	return answer{http: 200, code: 200, changed: changed, data: c.single(t)}
}

// changeSlug moves a tracking to another courier, who starts anew.
func (c *call) changeSlug(t *tracking, next *content) *answer {
	switch {
	case couriers[next.slug] == nil:
		return new(fail(4010))
	case c.opt.NoSlugChangeExpired && t.tag == "Expired":
		return new(fail(4008, "slug"))
	case c.org.twin(c.opt, next, false) != nil:
		return new(fail(4003))
	}
	t.setTag("Pending", "Pending_001")
	t.active, t.checkpoints = true, nil
	return nil
}

func (s *Sandbox) delete(c *call, t *tracking) answer {
	c.org.remove(t)
	a := ok(c.partial(t))
	a.changed = true
	return a
}

func (s *Sandbox) retrack(c *call, t *tracking) answer {
	switch {
	case t.active, c.opt.RetrackExpiredOnly && t.tag != "Expired":
		return fail(4013)
	case t.retracks >= c.opt.RetrackLimit:
		return fail(4016)
	}
	t.retracks++
	t.active, t.updated, t.completed = true, c.at, ""
	if !c.opt.RetrackKeepsTag {
		t.setTag("Pending", "Pending_001")
	}
	a := ok(c.partial(t))
	a.changed = true
	return a
}

// completions are the effects of the reasons.
var completions = map[string][2]string{
	"DELIVERED":          {"Delivered", "Delivered_001"},
	"LOST":               {"Exception", "Exception_013"},
	"RETURNED_TO_SENDER": {"Exception", "Exception_011"},
}

func (s *Sandbox) complete(c *call, t *tracking) answer {
	m, bad := c.object()
	if bad != nil {
		return *bad
	}
	reason, at, bad := c.readCompletion(m)
	if bad != nil {
		return *bad
	}
	if t.completed != "" && c.opt.MarkTwice400 {
		return fail(400)
	}
	if t.completed == reason {
		return ok(c.single(t))
	}
	effect := completions[reason]
	t.setTag(effect[0], effect[1])
	t.completed, t.active, t.updated = reason, false, c.at
	t.checkpoints = append(t.checkpoints, checkpoint{at: at, created: c.at, message: subtagMessages[effect[1]],
		tag: effect[0], subtag: effect[1], source: "user"})
	a := ok(c.single(t))
	a.changed = true
	return a
}

// readCompletion reads the body of mark-as-completed, which no version wraps.
func (c *call) readCompletion(m members) (reason string, at time.Time, bad *answer) {
	reason, isText := m.str("reason")
	switch {
	case !isText:
		return "", at, new(fail(4008, "reason"))
	case reason == "":
		return "", at, new(fail(4009, "reason"))
	case completions[reason] == [2]string{}:
		return "", at, new(fail(4008, "reason"))
	}
	at = c.at
	moment, isText := m.str("event_datetime")
	if moment == "" && isText {
		return reason, at, nil
	}
	if c.version.Before(aftership.V202504) { // the versions before do not have the field
		if c.opt.UnknownFields400 {
			return "", at, new(fail(4008, "event_datetime"))
		}
		return reason, at, nil
	}
	if !isText || !isDate(moment) {
		return "", at, new(fail(4008, "event_datetime"))
	}
	return reason, parseMoment(moment), nil
}

func parseMoment(s string) time.Time {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", time.DateOnly} {
		if at, err := time.Parse(layout, s); err == nil {
			return at
		}
	}
	return time.Time{}
}

func (s *Sandbox) lastCheckpoint(c *call, t *tracking) answer {
	o := newObject()
	o.str("id", c.idOf(t))
	o.str("tracking_number", t.number)
	o.str("slug", t.slug)
	o.str("tag", t.tag)
	o.str("subtag", t.subtag)
	o.str("subtag_message", subtagMessages[t.subtag])
	last := []byte("{}")
	if cp := t.lastCheckpoint(); cp != nil {
		last = view{version: c.version, lang: c.http.URL.Query().Get("lang")}.checkpoint(t, cp)
	}
	o.raw("checkpoint", last)
	return ok(o.end())
}
