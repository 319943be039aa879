package aftership

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"
)

// operation is a call about one tracking, with the request that it must make.
type operation struct {
	name   string
	ep     Endpoint
	call   func(context.Context, *Client, Ref) (Reply, error)
	method string
	suffix string // of the path
	body   string // {} stands for a tracking object, wrapped or not
	bare   bool   // the body is bare in every version
}

var operations = []operation{
	{"update", EndpointUpdate, func(ctx context.Context, c *Client, r Ref) (Reply, error) {
		return c.Update(ctx, r, Shipment{Title: "new title"})
	},
		"PUT", "", `{"title":"new title"}`, false},
	{"complete", EndpointComplete, func(ctx context.Context, c *Client, r Ref) (Reply, error) {
		return c.Complete(ctx, r, Completion{Reason: ReasonDelivered})
	}, "POST", "/mark-as-completed", `{"reason":"DELIVERED"}`, true},
	{"retrack", EndpointRetrack, func(ctx context.Context, c *Client, r Ref) (Reply, error) { return c.Retrack(ctx, r) }, "POST", "/retrack", "", true},
	{"delete", EndpointDelete, func(ctx context.Context, c *Client, r Ref) (Reply, error) { return c.Delete(ctx, r) }, "DELETE", "", "", true},
	{"get", EndpointGet, func(ctx context.Context, c *Client, r Ref) (Reply, error) { return c.Get(ctx, r, GetOptions{}) }, "GET", "", "", true},
}

func TestOperations(t *testing.T) {
	refs := map[string]struct {
		ref  Ref
		path string
	}{
		"id":   {Ref{ID: "id-1", Slug: "ignored", TrackingNumber: "ignored"}, "/trackings/id-1"},
		"slug": {Ref{Slug: "ups", TrackingNumber: "12/345"}, "/trackings/ups/12%2F345"},
	}
	for _, op := range operations {
		eachVersion(t, op.ep, func(t *testing.T, v Version) {
			for name, r := range refs {
				if name == "slug" && !v.SlugPaths() {
					continue
				}
				c, mux := setup(t, v)
				mux.HandleFunc("/", func(w http.ResponseWriter, req *http.Request) {
					testMethod(t, req, op.method)
					want(t, op.name, req.RequestURI, v.BasePath()+r.path+op.suffix)
					testBody(t, req, operationBody(op, v))
					reply(w, 200, trackingReply(v, "200", `{"id":"id-1","active":true}`))
				})
				got, err := op.call(t.Context(), c, r.ref)
				if err != nil {
					t.Fatalf("%s: %v", op.name, err)
				}
				if got.Tracking.ID != "id-1" || !got.Tracking.Active || got.TraceID != "trace-1" || got.HTTP != 200 || got.Date.IsZero() {
					t.Errorf("%s: %+v", op.name, got)
				}
			}
		})
	}
}

func operationBody(op operation, v Version) string {
	if v.Wrapped() && !op.bare {
		return `{"tracking":` + op.body + `}`
	}
	return op.body
}

// Replies are read whether they are wrapped or bare, whole or partial, and inside an extra value.
func TestReplyForms(t *testing.T) {
	const one = `{"id":"id-1","slug":"ups"}`
	forms := []string{
		`{"meta":{"code":200},"data":{"tracking":` + one + `}}`,
		`{"meta":{"code":200},"data":` + one + `}`,
		`{"value":{"meta":{"code":200},"data":` + one + `}}`,
		`{"value":{"meta":{"code":200},"data":{"tracking":` + one + `}}}`,
		`{"data":` + one + `}`,
		`{"meta":{"code":"200"},"data":` + one + `,"extra":[1]}`,
	}
	for _, v := range Versions() {
		for _, form := range forms {
			c, mux := setup(t, v)
			mux.HandleFunc("/", replies(200, form))
			got, err := c.Get(t.Context(), Ref{ID: "id-1"}, GetOptions{})
			if err != nil || got.Tracking.ID != "id-1" || got.Tracking.Slug != "ups" || !sameJSON(got.Tracking.Raw, []byte(one)) {
				t.Errorf("%s %s: %+v, %v", v, form, got, err)
			}
		}
	}
}

// A deletion or retrack may come back almost empty; what was asked for is known anyway.
func TestPartialReplies(t *testing.T) {
	c, mux := setup(t, V202404)
	mux.HandleFunc("/", replies(200, `{"meta":{"code":200},"data":{}}`))
	ref := Ref{Slug: "ups", TrackingNumber: "12345"}
	for _, op := range operations {
		got, err := op.call(t.Context(), c, ref)
		if err != nil || got.Tracking.Slug != "ups" || got.Tracking.TrackingNumber != "12345" {
			t.Errorf("%s: %+v, %v", op.name, got, err)
		}
	}
}

func TestCreate(t *testing.T) {
	eachVersion(t, EndpointCreate, func(t *testing.T, v Version) {
		c, mux := setup(t, v)
		mux.HandleFunc("POST /trackings", func(w http.ResponseWriter, r *http.Request) {
			testBody(t, r, createBodies[v])
			reply(w, 201, trackingReply(v, "201", `{"id":"id-1","slug":"unrecognized","tag":"Pending","active":true,"created_at":"2022-11-10T06:59:43+00:00","emails":[],"custom_fields":null,"checkpoints":[]}`))
		})
		got, err := c.Create(t.Context(), fullRow())
		if err != nil {
			t.Fatal(err)
		}
		if tr := got.Tracking; tr.ID != "id-1" || !tr.Unrecognized() || tr.Tag != TagPending || got.HTTP != 201 || tr.CreatedAt.Year() != 2022 {
			t.Errorf("%+v", got)
		}
	})
}

func TestOwnID(t *testing.T) {
	for _, v := range Versions() {
		_, sent := v.encode(Shipment{ID: "mine", TrackingNumber: "12345"}, EndpointCreate)["id"]
		want(t, string(v), sent, v.OwnIDs())
	}
}

func TestGetOptions(t *testing.T) {
	c, mux := setup(t, V202507)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		want(t, "query", r.URL.RawQuery, "fields=title%2Corder_id&lang=zh-Hans")
		reply(w, 200, trackingReply(V202507, "200", `{"title":"t"}`))
	})
	got, err := c.Get(t.Context(), Ref{ID: "x"}, GetOptions{Fields: []string{"title", "order_id"}, Lang: "zh-Hans"})
	if err != nil || got.Tracking.Title != "t" || got.Tracking.ID != "x" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestRefs(t *testing.T) {
	row := Shipment{Slug: "postnl-3s", TrackingNumber: "12345", TrackingPostalCode: "1011", TrackingShipDate: "2024-06-01", Title: "t"}
	want(t, "update", row.Ref(EndpointUpdate), Ref{Slug: "postnl-3s", TrackingNumber: "12345"})
	ref := row.Ref(EndpointRetrack)
	want(t, "retrack", ref.Extra, map[string]string{"tracking_postal_code": "1011", "tracking_ship_date": "2024-06-01"})
	c, mux := setup(t, V202404)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		want(t, "query", r.URL.RawQuery, "tracking_postal_code=1011&tracking_ship_date=20240601")
		reply(w, 200, trackingReply(V202404, "200", `{"id":"x"}`))
	})
	if _, err := c.Retrack(t.Context(), ref); err != nil {
		t.Error(err)
	}
}

func TestRefCheck(t *testing.T) {
	tests := []struct {
		ref      Ref
		old, new error
	}{
		{Ref{ID: "x"}, nil, nil},
		{Ref{Slug: "ups", TrackingNumber: "1"}, nil, ErrNeedsID},
		{Ref{TrackingNumber: "1"}, ErrIncompleteRef, ErrNeedsID},
		{Ref{Slug: "ups"}, ErrIncompleteRef, ErrIncompleteRef},
		{Ref{}, ErrIncompleteRef, ErrIncompleteRef},
	}
	for _, v := range Versions() {
		for _, tt := range tests {
			expected := tt.old
			if !v.SlugPaths() {
				expected = tt.new
			}
			if err := tt.ref.Check(v); !errors.Is(err, expected) {
				t.Errorf("%s %+v: %v", v, tt.ref, err)
			}
		}
	}
}

func TestLastCheckpoint(t *testing.T) {
	const body = `{"id":"x","tracking_number":"12345","slug":"ups","tag":"InTransit","subtag":"InTransit_001","subtag_message":"In Transit","checkpoint":{"message":"Departed","city":"Bonn","created_at":"2024-06-01T10:00:00+00:00"}}`
	eachVersion(t, EndpointLastCheckpoint, func(t *testing.T, v Version) {
		c, mux := setup(t, v)
		mux.HandleFunc("GET /last_checkpoint/ups/12345", func(w http.ResponseWriter, r *http.Request) {
			want(t, "query", r.URL.RawQuery, "lang=en")
			reply(w, 200, `{"value":{"meta":{"code":200},"data":`+body+`}}`)
		})
		mux.HandleFunc("GET /last_checkpoint/x", replies(200, `{"meta":{"code":200},"data":[]}`))
		got, err := c.LastCheckpoint(t.Context(), Ref{Slug: "ups", TrackingNumber: "12345"}, GetOptions{Lang: "en"})
		if err != nil || got.ID != "x" || got.Tag != TagInTransit || got.Checkpoint.City != "Bonn" || got.Checkpoint.CreatedAt.IsZero() {
			t.Errorf("%+v, %v", got, err)
		}
		_, err = c.LastCheckpoint(t.Context(), Ref{ID: "x"}, GetOptions{})
		want(t, "kind", noAnswerOf(t, err).Kind, NoAnswerMalformed)
	})
}

func ExampleClient_Create() {
	c, err := New(Options{APIKey: "asat_...", Version: V202507, Timeout: 10 * time.Second})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // so that the example sends nothing
	_, err = c.Create(ctx, Shipment{TrackingNumber: "1Z999AA10123456784", Slug: "ups"})
	if refused, ok := errors.AsType[*Error](err); ok && refused.Exists() {
		fmt.Println("it is there already")
	}
	if lost, ok := errors.AsType[*NoAnswerError](err); ok {
		fmt.Println("no answer:", lost.Kind, "sent:", lost.Sent)
	}
	// Output: no answer: cancelled sent: false
}
