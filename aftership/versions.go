package aftership

import (
	"fmt"
	"slices"
	"strings"
)

// Version is a version of the Tracking API, as it stands in the path of a request.
type Version string

// The versions of the Tracking API, oldest first (AfterShip docs, versioning page and migration guides; there is no
// 2025-10 and no 2026-04, the rhythm became half-yearly with 2025-07).
const (
	V4      Version = "v4"      // the legacy API, under /v4; the last one that takes the header aftership-api-key
	V202310 Version = "2023-10" // the first one under /tracking/<version>
	V202401 Version = "2024-01"
	V202404 Version = "2024-04" // the last one with wrapped bodies and one shared limit
	V202407 Version = "2024-07" // bare bodies, a limit per endpoint; the last one with slug paths and page numbers
	V202410 Version = "2024-10" // ids and cursors only, wrong JSON types are refused
	V202501 Version = "2025-01" // customers, last_mile, ..._country_region; supported until 2028-01-13
	V202504 Version = "2025-04" // ids chosen by the caller; supported until 2028-04-13
	V202507 Version = "2025-07" // supported until 2028-07-13
	V202601 Version = "2026-01" // the promised delivery date is an object; supported until 2029-01-11
	V202607 Version = "2026-07" // shipment_direction; supported until 2029-07-12
)

// DefaultVersion is the version of a client that was not told one.
const DefaultVersion = V202404

var versions = []Version{V4, V202310, V202401, V202404, V202407, V202410, V202501, V202504, V202507, V202601, V202607}

// Versions lists every version of the API that this package speaks, oldest first.
func Versions() []Version { return slices.Clone(versions) }

// ParseVersion reads a version as a person writes it ("2024-04", "V4", "legacy").
func ParseVersion(s string) (Version, error) {
	v := Version(strings.ToLower(strings.TrimSpace(s)))
	if v == "legacy" {
		v = V4
	}
	if !v.Known() {
		return "", fmt.Errorf("AfterShip API version %q is not known: use one of %s", s, versionNames())
	}
	return v, nil
}

func versionNames() string {
	names := make([]string, len(versions))
	for i, v := range versions {
		names[i] = string(v)
	}
	return strings.Join(names, ", ")
}

// Known reports whether this package speaks the version.
func (v Version) Known() bool { return slices.Contains(versions, v) }

// AtLeast reports whether v is w or newer. Versions do not sort as text, because of v4.
func (v Version) AtLeast(w Version) bool {
	return slices.Index(versions, v) >= slices.Index(versions, w)
}

// Before reports whether v is older than w.
func (v Version) Before(w Version) bool { return !v.AtLeast(w) }

// BasePath is the start of every path of the version: "/v4" or "/tracking/2024-04".
func (v Version) BasePath() string {
	if v == V4 {
		return "/v4"
	}
	return "/tracking/" + string(v)
}

// KeyHeader is the name of the header that carries the API key when requests are not signed. Only v4 takes the old name
// (AfterShip docs, migration from the legacy API).
func (v Version) KeyHeader() string {
	if v == V4 {
		return "aftership-api-key"
	}
	return "as-api-key"
}

// Wrapped reports whether bodies hold the tracking inside {"tracking": ...}, in both directions.
func (v Version) Wrapped() bool { return v.Before(V202407) }

// SlugPaths reports whether a tracking can be named by /:slug/:tracking_number. Without it only ids work.
func (v Version) SlugPaths() bool { return v.Before(V202410) }

// Cursor reports whether lists are paged by cursor; older versions count pages.
func (v Version) Cursor() bool { return v.AtLeast(V202410) }

// OwnIDs reports whether a caller may choose the id of a tracking that it creates. The changelog announces it for
// 2025-04; the field itself was read in schemas from 2025-07 on.
func (v Version) OwnIDs() bool { return v.AtLeast(V202504) }

// Endpoint is a kind of call, whatever its path is in a version.
type Endpoint string

// The endpoints that this package speaks.
const (
	EndpointCreate         Endpoint = "create"          // POST /trackings
	EndpointList           Endpoint = "list"            // GET /trackings
	EndpointGet            Endpoint = "get"             // GET /trackings/:id
	EndpointUpdate         Endpoint = "update"          // PUT /trackings/:id
	EndpointDelete         Endpoint = "delete"          // DELETE /trackings/:id
	EndpointRetrack        Endpoint = "retrack"         // POST /trackings/:id/retrack
	EndpointComplete       Endpoint = "complete"        // POST /trackings/:id/mark-as-completed
	EndpointCouriers       Endpoint = "couriers"        // GET /couriers: those that the account has activated
	EndpointCouriersAll    Endpoint = "couriers_all"    // GET /couriers/all, up to 2025-01
	EndpointDetect         Endpoint = "detect"          // POST /couriers/detect
	EndpointPredictBatch   Endpoint = "predict_batch"   // POST /estimated-delivery-date/predict-batch
	EndpointPredict        Endpoint = "predict"         // POST /estimated-delivery-date/predict, from 2025-01
	EndpointLastCheckpoint Endpoint = "last_checkpoint" // GET /last_checkpoint/:id, up to 2024-04
)

var endpoints = []Endpoint{EndpointCreate, EndpointList, EndpointGet, EndpointUpdate, EndpointDelete, EndpointRetrack,
	EndpointComplete, EndpointCouriers, EndpointCouriersAll, EndpointDetect, EndpointPredictBatch, EndpointPredict,
	EndpointLastCheckpoint}

// Endpoints lists every endpoint that this package speaks in some version.
func Endpoints() []Endpoint { return slices.Clone(endpoints) }

// Has reports whether the version offers the endpoint.
func (v Version) Has(e Endpoint) bool {
	switch e {
	case EndpointLastCheckpoint:
		return v.Before(V202407)
	case EndpointCouriersAll:
		return v.Before(V202504)
	case EndpointPredict:
		return v.AtLeast(V202501)
	}
	return slices.Contains(endpoints, e)
}

// Class is a set of endpoints that share one limit: [ClassAll] up to 2024-04, from 2024-07 on one class per endpoint,
// named as the endpoint (AfterShip docs, rate limits page).
type Class string

// ClassAll is the one class of the versions up to 2024-04.
const ClassAll Class = "all"

// Class says which limit a call to the endpoint counts against.
func (v Version) Class(e Endpoint) Class {
	if v.Before(V202407) {
		return ClassAll
	}
	return Class(e)
}

// Classes lists the classes of the version.
func (v Version) Classes() []Class {
	var classes []Class
	for _, e := range endpoints {
		if c := v.Class(e); v.Has(e) && !slices.Contains(classes, c) {
			classes = append(classes, c)
		}
	}
	return classes
}

// Limit is the documented number of requests per second of a class of the version (AfterShip docs, rate limits page; the
// table was read for 2024-07 to 2025-07, and no other one was found for later versions). An account can have more: the
// header X-RateLimit-Limit says so.
func (v Version) Limit(c Class) int {
	switch {
	case c == ClassAll:
		return 10
	case c == Class(EndpointCreate), c == Class(EndpointPredictBatch):
		return 20
	case c == Class(EndpointList):
		return 6
	case c == Class(EndpointDetect):
		return 3
	}
	return 5
}
