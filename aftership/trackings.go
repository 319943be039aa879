package aftership

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

var (
	// ErrNeedsID marks a [Ref] without an id in a version that has no slug paths: look the id up with [Client.Lookup].
	ErrNeedsID = errors.New("this version of the API names a tracking only by its id")
	// ErrIncompleteRef marks a [Ref] that has neither an id nor both slug and tracking number.
	ErrIncompleteRef = errors.New("a tracking is named by its id, or by slug and tracking_number together")
	// ErrNothingToChange marks an update whose row says nothing that the version can change. Nothing was sent.
	ErrNothingToChange = errors.New("the row says nothing that an update can change")
	// ErrNotClearable marks a column that an update cannot empty. Nothing was sent.
	ErrNotClearable = errors.New("AfterShip documents no way to clear this column")
)

// Ref names a tracking: by its id, or by slug and number where [Version.SlugPaths]. An id wins when both are given.
type Ref struct {
	ID, Slug, TrackingNumber string
	// Extra tells apart trackings of one slug and number, by tracking_... columns. It is sent with slug and number only.
	Extra map[string]string
}

// extraColumns are the columns that can stand in Ref.Extra (AfterShip docs, get a tracking by slug and number).
var extraColumns = []string{"tracking_account_number", "tracking_key", "tracking_ship_date", "tracking_origin_country",
	"tracking_destination_country", "tracking_postal_code", "tracking_state"}

// Ref is the tracking that a row means. For an update the tracking_... columns are new values, so they do not help to
// name it; for the other endpoints they do.
func (s Shipment) Ref(ep Endpoint) Ref {
	ref := Ref{ID: s.ID, Slug: s.Slug, TrackingNumber: s.TrackingNumber}
	if ep == EndpointUpdate || ep == EndpointCreate {
		return ref
	}
	for _, column := range extraColumns {
		if value := s.Value(column); value != "" {
			if ref.Extra == nil {
				ref.Extra = map[string]string{}
			}
			ref.Extra[column] = value
		}
	}
	return ref
}

// Check reports whether the version can send a call about the tracking: nil, or an error that wraps ErrNeedsID or
// ErrIncompleteRef.
func (r Ref) Check(v Version) error {
	switch {
	case r.ID != "":
		return nil
	case r.TrackingNumber == "" || r.Slug == "" && v.SlugPaths():
		return ErrIncompleteRef
	case !v.SlugPaths():
		return fmt.Errorf("%w (%s)", ErrNeedsID, v)
	}
	return nil
}

// about starts a call about a tracking.
func (c *Client) about(ep Endpoint, method string, ref Ref, root string, more ...string) (request, error) {
	if err := ref.Check(c.version); err != nil {
		return request{}, fmt.Errorf("aftership: %s: %w", ep, err)
	}
	r := request{endpoint: ep, method: method, query: url.Values{}}
	if ref.ID != "" {
		r.path = append([]string{root, ref.ID}, more...)
		return r, nil
	}
	r.path = append([]string{root, ref.Slug, ref.TrackingNumber}, more...)
	for name, value := range c.version.encodeExtra(ref.Extra) {
		r.query.Set(name, value)
	}
	return r, nil
}

// Reply is a success about one tracking.
type Reply struct {
	// Tracking is what came back. Up to 2024-04, retrack and delete return only a part of it.
	Tracking Tracking
	TraceID  string    // what AfterShip's support asks for
	Date     time.Time // AfterShip's clock
	HTTP     int
	Rate     RateHeaders
}

// Create adds a tracking. Code 4003 ([Error.Exists]) says that it is there already.
func (c *Client) Create(ctx context.Context, s Shipment) (Reply, error) {
	body := c.version.wrap(c.version.encode(s, EndpointCreate))
	a, err := c.call(ctx, request{endpoint: EndpointCreate, method: http.MethodPost, path: []string{"trackings"}, body: body})
	if err != nil {
		return Reply{}, err
	}
	return a.reply(Ref{})
}

// Update changes the fields that the shipment fills in, and empties those in its Clear; all others stay. The tracking
// number cannot be changed; the slug can, where the tracking is named by its id.
func (c *Client) Update(ctx context.Context, ref Ref, s Shipment) (Reply, error) {
	body, err := c.version.encodeUpdate(ref, s)
	if err != nil {
		return Reply{}, fmt.Errorf("aftership: %s: %w", EndpointUpdate, err)
	}
	r, err := c.about(EndpointUpdate, http.MethodPut, ref, "trackings")
	if err != nil {
		return Reply{}, err
	}
	r.body = c.version.wrap(body)
	return c.replyTo(ctx, r, ref)
}

func (v Version) encodeUpdate(ref Ref, s Shipment) (map[string]any, error) {
	if ref.ID == "" {
		s.Slug = "" // it names the tracking
	}
	body := v.encode(s, EndpointUpdate)
	for _, column := range s.Clear {
		f, ok := LookupField(column)
		if !ok || !f.Clearable || !v.Accepts(column, EndpointUpdate) {
			return nil, fmt.Errorf("%s: %w (%s)", column, ErrNotClearable, v)
		}
		v.clear(body, column)
	}
	if len(body) == 0 {
		return nil, ErrNothingToChange
	}
	return body, nil
}

// Complete marks a tracking as completed. AfterShip stops to look until a retrack.
func (c *Client) Complete(ctx context.Context, ref Ref, done Completion) (Reply, error) {
	r, err := c.about(EndpointComplete, http.MethodPost, ref, "trackings", "mark-as-completed")
	if err != nil {
		return Reply{}, err
	}
	r.body = c.version.encodeCompletion(done)
	return c.replyTo(ctx, r, ref)
}

// Retrack makes AfterShip look again after an inactive tracking. Code 4013 says that it is active, 4016 that it was
// retracked too often (three times, or once: AfterShip's own pages disagree). Mind that a retrack whose reply is lost
// may have used up one of the times.
func (c *Client) Retrack(ctx context.Context, ref Ref) (Reply, error) {
	r, err := c.about(EndpointRetrack, http.MethodPost, ref, "trackings", "retrack")
	if err != nil {
		return Reply{}, err
	}
	return c.replyTo(ctx, r, ref)
}

// Delete removes a tracking.
func (c *Client) Delete(ctx context.Context, ref Ref) (Reply, error) {
	r, err := c.about(EndpointDelete, http.MethodDelete, ref, "trackings")
	if err != nil {
		return Reply{}, err
	}
	return c.replyTo(ctx, r, ref)
}

// GetOptions shapes what a read returns.
type GetOptions struct {
	Fields []string // only these fields, by AfterShip's names; empty is all
	Lang   string   // the language to translate checkpoints into, as "en" or "zh-Hans"; empty is none
}

func (o GetOptions) apply(q url.Values) {
	setList(q, "fields", o.Fields)
	if o.Lang != "" {
		q.Set("lang", o.Lang)
	}
}

// Get reads one tracking.
func (c *Client) Get(ctx context.Context, ref Ref, o GetOptions) (Reply, error) {
	r, err := c.about(EndpointGet, http.MethodGet, ref, "trackings")
	if err != nil {
		return Reply{}, err
	}
	o.apply(r.query)
	return c.replyTo(ctx, r, ref)
}

// replyTo sends a call about a tracking that exists.
func (c *Client) replyTo(ctx context.Context, r request, ref Ref) (Reply, error) {
	a, err := c.call(ctx, r)
	if err != nil {
		return Reply{}, err
	}
	return a.reply(ref)
}

var errNoTracking = errors.New("the reply holds no tracking")

// reply reads a success about one tracking. A reply to a call about a known tracking may be partial, so that what names
// it is filled in; a create without an id is no answer, as its caller could not go on with it.
func (a *answer) reply(ref Ref) (Reply, error) {
	o, raw := unwrapRaw(a.data)
	if o == nil {
		return Reply{}, a.unreadable(NoAnswerMalformed, errNoTracking)
	}
	t := decodeTracking(o)
	t.Raw = raw
	t.ID = firstOf(t.ID, ref.ID)
	t.Slug = firstOf(t.Slug, ref.Slug)
	t.TrackingNumber = firstOf(t.TrackingNumber, ref.TrackingNumber)
	if a.endpoint == EndpointCreate && t.ID == "" {
		return Reply{}, a.unreadable(NoAnswerMalformed, errNoTracking)
	}
	return Reply{Tracking: t, TraceID: a.trace, Date: a.rate.Date, HTTP: a.status, Rate: a.rate}, nil
}

// LastCheckpointReply is the newest event of a tracking.
type LastCheckpointReply struct {
	ID, TrackingNumber, Slug string
	Tag                      Tag
	Subtag, SubtagMessage    string
	Checkpoint               Checkpoint
}

// LastCheckpoint reads the newest event of a tracking, in versions up to 2024-04.
func (c *Client) LastCheckpoint(ctx context.Context, ref Ref, o GetOptions) (LastCheckpointReply, error) {
	r, err := c.about(EndpointLastCheckpoint, http.MethodGet, ref, "last_checkpoint")
	if err != nil {
		return LastCheckpointReply{}, err
	}
	o.apply(r.query)
	a, err := c.call(ctx, r)
	if err != nil {
		return LastCheckpointReply{}, err
	}
	t := parseObject(a.data)
	if t == nil {
		return LastCheckpointReply{}, a.unreadable(NoAnswerMalformed, errNoTracking)
	}
	return LastCheckpointReply{ID: t.text("id"), TrackingNumber: t.text("tracking_number"), Slug: t.text("slug"),
		Tag: Tag(t.text("tag")), Subtag: t.text("subtag"), SubtagMessage: t.text("subtag_message"),
		Checkpoint: decodeCheckpoint(t.object("checkpoint"))}, nil
}

// setList writes a list parameter as AfterShip takes it, with commas.
func setList(q url.Values, name string, values []string) {
	if len(values) > 0 {
		q.Set(name, strings.Join(values, ","))
	}
}
