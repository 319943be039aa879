package sandbox

import (
	"net/http"
	"net/url"
	"strings"

	"aftership-bulk/aftership"
)

// route is what a method and a path ask for. A tracking is named by id, or by slug and number.
type route struct {
	version          aftership.Version
	endpoint         aftership.Endpoint
	id, slug, number string
}

// parseRoute reads a method and an escaped path; false is a path that the version does not have.
func parseRoute(method, path string) (route, bool) {
	version, rest, ok := splitVersion(path)
	if !ok {
		return route{version: version}, false
	}
	r := route{version: version}
	r.endpoint = fixedEndpoint(method, rest)
	if r.endpoint == "" && !r.parseTracking(method, strings.Split(rest, "/")) {
		return r, false
	}
	return r, version.Has(r.endpoint) && (r.slug == "" || version.SlugPaths())
}

// splitVersion takes /v4/ or /tracking/<version>/ off a path.
func splitVersion(path string) (v aftership.Version, rest string, ok bool) {
	path, dated := strings.CutPrefix(path, "/tracking/")
	if !dated {
		rest, ok = strings.CutPrefix(path, "/v4/")
		return aftership.V4, rest, ok
	}
	name, rest, ok := strings.Cut(path, "/")
	v = aftership.Version(name)
	return v, rest, ok && v != aftership.V4 && v.Known()
}

// fixedEndpoint knows the paths that name no tracking.
func fixedEndpoint(method, path string) aftership.Endpoint {
	switch method + " " + path {
	case "POST trackings":
		return aftership.EndpointCreate
	case "GET trackings":
		return aftership.EndpointList
	case "GET couriers":
		return aftership.EndpointCouriers
	case "GET couriers/all":
		return aftership.EndpointCouriersAll
	case "POST couriers/detect":
		return aftership.EndpointDetect
	case "POST estimated-delivery-date/predict-batch":
		return aftership.EndpointPredictBatch
	case "POST estimated-delivery-date/predict":
		return aftership.EndpointPredict
	}
	return ""
}

// parseTracking knows the paths that name one.
func (r *route) parseTracking(method string, parts []string) bool {
	switch {
	case parts[0] == "last_checkpoint" && method == http.MethodGet:
		r.endpoint, parts = aftership.EndpointLastCheckpoint, parts[1:]
	case parts[0] == "trackings" && method == http.MethodPost:
		last := len(parts) - 1
		r.endpoint, parts = actions[parts[last]], parts[1:last]
	case parts[0] == "trackings":
		r.endpoint, parts = methods[method], parts[1:]
	}
	return r.endpoint != "" && r.name(parts)
}

var methods = map[string]aftership.Endpoint{
	http.MethodGet: aftership.EndpointGet, http.MethodPut: aftership.EndpointUpdate, http.MethodDelete: aftership.EndpointDelete,
}

var actions = map[string]aftership.Endpoint{
	"retrack": aftership.EndpointRetrack, "mark-as-completed": aftership.EndpointComplete,
}

// name reads /:id or /:slug/:number.
func (r *route) name(parts []string) bool {
	for i, p := range parts {
		var err error
		if parts[i], err = url.PathUnescape(p); err != nil || p == "" {
			return false
		}
	}
	switch len(parts) {
	case 1:
		r.id = parts[0]
	case 2:
		r.slug, r.number = parts[0], parts[1]
	}
	return len(parts) == 1 || len(parts) == 2
}
