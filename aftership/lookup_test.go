package aftership

import (
	"fmt"
	"net/http"
	"testing"
)

func TestLookup(t *testing.T) {
	eachVersion(t, EndpointList, func(t *testing.T, v Version) {
		c, mux := setup(t, v)
		calls := 0
		mux.HandleFunc("GET /trackings", func(w http.ResponseWriter, r *http.Request) {
			calls++
			want(t, "numbers", r.URL.Query().Get("tracking_numbers"), "A1,b2,C3,D4,E5")
			want(t, "since", r.URL.Query().Get("created_at_min") != "", true)
			reply(w, 200, `{"meta":{"code":200},"data":{"trackings":[
				{"id":"1","tracking_number":"A1","slug":"ups"},
				{"id":"2","tracking_number":"B2","slug":"ups"},{"id":"3","tracking_number":"B2","slug":"dhl"},
				{"id":"4","tracking_number":"C3","slug":"ups"},{"id":"4","tracking_number":"C3","slug":"ups"},
				{"id":"5","tracking_number":"E5","slug":"ups"},{"id":"6","tracking_number":"E5","slug":"ups"}]}}`)
		})
		tests := []struct {
			slug, number string
			match        Match
			id           string
			candidates   int
		}{
			{"", "A1", MatchFound, "1", 1},
			{"ups", "A1", MatchFound, "1", 1},
			{"", "b2", MatchAmbiguous, "", 2},
			{"dhl", "b2", MatchFound, "3", 2},
			{"fedex", "b2", MatchMissing, "", 2},
			{"", "C3", MatchFound, "4", 2},
			{"ups", "D4", MatchMissing, "", 0},
			{"ups", "E5", MatchAmbiguous, "", 2},
		}
		var refs []Ref
		for _, tt := range tests {
			refs = append(refs, Ref{Slug: tt.slug, TrackingNumber: tt.number})
		}
		found, err := c.Lookup(t.Context(), refs)
		if err != nil || len(found) != len(refs) {
			t.Fatal(found, err)
		}
		for i, tt := range tests {
			f := found[i]
			if f.Match != tt.match || f.Tracking.ID != tt.id || len(f.Candidates) != tt.candidates || f.Ref.TrackingNumber != tt.number {
				t.Errorf("%+v: %+v", tt, f)
			}
		}
		want(t, "calls", calls, 1)
	})
}

func TestLookupLimits(t *testing.T) {
	c, mux := setup(t, V202507)
	mux.HandleFunc("/", replies(200, `{"meta":{"code":200},"data":{"trackings":[]}}`))
	if found, err := c.Lookup(t.Context(), nil); found != nil || err != nil {
		t.Error(found, err)
	}
	for _, bad := range []string{"", "1,2"} {
		if _, err := c.Lookup(t.Context(), []Ref{{TrackingNumber: bad}}); err == nil {
			t.Errorf("%q was looked up", bad)
		}
	}
	var refs []Ref
	for i := range MaxLookup {
		refs = append(refs, Ref{TrackingNumber: fmt.Sprint("N", i)}, Ref{Slug: "ups", TrackingNumber: fmt.Sprint("N", i)})
	}
	if found, err := c.Lookup(t.Context(), refs); err != nil || len(found) != 2*MaxLookup {
		t.Error(len(found), err)
	}
	if _, err := c.Lookup(t.Context(), append(refs, Ref{TrackingNumber: "one more"})); err == nil {
		t.Error("more numbers than a call takes")
	}
	want(t, "matches", len(Matches()), 3)
}

func TestLookupError(t *testing.T) {
	c, mux := setup(t, V202507)
	mux.HandleFunc("/", replies(403, errorBody(403, "Forbidden", "no", `{}`)))
	_, err := c.Lookup(t.Context(), []Ref{{TrackingNumber: "1"}})
	want(t, "code", refusalOf(t, err).Code, 403)
}
