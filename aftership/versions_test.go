package aftership

import (
	"slices"
	"testing"
)

func TestParseVersion(t *testing.T) {
	for _, v := range Versions() {
		got, err := ParseVersion(" " + string(v) + " ")
		if err != nil || got != v {
			t.Errorf("%s: %s, %v", v, got, err)
		}
	}
	if v, err := ParseVersion("Legacy"); v != V4 || err != nil {
		t.Errorf("legacy: %s, %v", v, err)
	}
	for _, bad := range []string{"", "2022-07", "2025-10", "2026-04", "latest"} {
		_, err := ParseVersion(bad)
		if err == nil {
			t.Fatalf("%q was taken", bad)
		}
		mustContain(t, err.Error(), "v4, 2023-10", "2026-07")
	}
}

func TestVersionOrder(t *testing.T) {
	all := Versions()
	for i, v := range all {
		for j, w := range all {
			if v.AtLeast(w) != (i >= j) || v.Before(w) != (i < j) {
				t.Errorf("%s and %s are in the wrong order", v, w)
			}
		}
	}
	all[0] = "changed"
	if Versions()[0] != V4 {
		t.Error("the list can be changed from outside")
	}
}

// The rows are the tables of AfterShip's rate limits page and migration guides, kept apart from the code on purpose.
func TestVersionFacts(t *testing.T) {
	tests := []struct {
		v                              Version
		base                           string
		wrapped, slugs, cursor, ownIDs bool
		classes                        int
	}{
		{V4, "/v4", true, true, false, false, 1},
		{V202310, "/tracking/2023-10", true, true, false, false, 1},
		{V202401, "/tracking/2024-01", true, true, false, false, 1},
		{V202404, "/tracking/2024-04", true, true, false, false, 1},
		{V202407, "/tracking/2024-07", false, true, false, false, 11},
		{V202410, "/tracking/2024-10", false, false, true, false, 11},
		{V202501, "/tracking/2025-01", false, false, true, false, 12},
		{V202504, "/tracking/2025-04", false, false, true, true, 11},
		{V202507, "/tracking/2025-07", false, false, true, true, 11},
		{V202601, "/tracking/2026-01", false, false, true, true, 11},
		{V202607, "/tracking/2026-07", false, false, true, true, 11},
	}
	if len(tests) != len(Versions()) {
		t.Fatalf("%d versions, %d rows", len(Versions()), len(tests))
	}
	for _, tt := range tests {
		want(t, string(tt.v)+" base path", tt.v.BasePath(), tt.base)
		want(t, string(tt.v)+" wrapped", tt.v.Wrapped(), tt.wrapped)
		want(t, string(tt.v)+" slug paths", tt.v.SlugPaths(), tt.slugs)
		want(t, string(tt.v)+" cursor", tt.v.Cursor(), tt.cursor)
		want(t, string(tt.v)+" own ids", tt.v.OwnIDs(), tt.ownIDs)
		want(t, string(tt.v)+" classes", len(tt.v.Classes()), tt.classes)
	}
}

func TestLimits(t *testing.T) {
	special := map[Endpoint]int{EndpointCreate: 20, EndpointList: 6, EndpointDetect: 3, EndpointPredictBatch: 20}
	for _, v := range Versions() {
		for _, ep := range Endpoints() {
			limit := firstOf(special[ep], 5)
			if v.Before(V202407) {
				limit = 10
			}
			want(t, string(v)+" "+string(ep), v.Limit(v.Class(ep)), limit)
			if v.Has(ep) && !slices.Contains(v.Classes(), v.Class(ep)) {
				t.Errorf("%s: the class of %s is not listed", v, ep)
			}
		}
	}
}

func TestHas(t *testing.T) {
	for _, v := range Versions() {
		want(t, string(v)+" last_checkpoint", v.Has(EndpointLastCheckpoint), v.Before(V202407))
		want(t, string(v)+" couriers_all", v.Has(EndpointCouriersAll), v.Before(V202504))
		want(t, string(v)+" predict", v.Has(EndpointPredict), v.AtLeast(V202501))
		want(t, string(v)+" create", v.Has(EndpointCreate), true)
		want(t, string(v)+" nonsense", v.Has("nonsense"), false)
	}
}
