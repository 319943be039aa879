package sandbox

import (
	"net/http"
	"strings"
)

// failure is a line of the vendor's error table.
type failure struct {
	http    int
	kind    string // meta.type
	message string
}

// failures holds every documented meta.code that is not a success.
var failures = map[int]failure{
	400:  {400, "BadRequest", "The request was invalid or cannot be otherwise served."},
	4001: {400, "BadRequest", "Invalid JSON data."},
	4002: {400, "BadRequest", "Invalid JSON data."},
	4003: {400, "BadRequest", "Tracking already exists."},
	4004: {404, "NotFound", "Tracking does not exist."},
	4005: {400, "BadRequest", "The value of tracking_number is invalid."},
	4006: {400, "BadRequest", "tracking object is required."},
	4007: {400, "BadRequest", "tracking_number is required."},
	4008: {400, "BadRequest", "The value of [field_name] is invalid."},
	4009: {400, "BadRequest", "[field_name] is required."},
	4010: {400, "BadRequest", "The value of slug is invalid."},
	4011: {400, "BadRequest", "Missing or invalid value of the required fields for this courier. Besides tracking_number, also required: [field_name]"},
	4012: {400, "BadRequest", text4012NotRecognized},
	4013: {400, "BadRequest", "Retrack is not allowed. You can only retrack an inactive tracking."},
	4014: {400, "BadRequest", "notification object is required."},
	4015: {400, "BadRequest", "The value of id is invalid."},
	4016: {400, "BadRequest", "Retrack is not allowed. You can only retrack each shipment once."},
	4017: {400, "BadRequest", "The format of tracking_number is invalid."},
	401:  {401, "Unauthorized", "The API key is invalid."},
	403:  {403, "Forbidden", "The request is understood, but it has been refused or access is not allowed."},
	404:  {404, "NotFound", "The URI requested is invalid or the resource requested does not exist."},
	413:  {413, "BadRequest", "The request is too large."},
	429:  {429, "TooManyRequests", "You have exceeded the API call rate limit."},
	500:  {500, "InternalError", "Something went wrong on AfterShip's end."},
	502:  {502, "InternalError", "Something went wrong on AfterShip's end."},
	503:  {503, "InternalError", "Something went wrong on AfterShip's end."},
	504:  {504, "InternalError", "Something went wrong on AfterShip's end."},
}

// The five texts of 4012.
const (
	text4012NotActivated  = "Unable to import shipment as the carrier is not on your approved list for carrier auto-detection. Add the carrier here: https://admin.aftership.com/settings/couriers"
	text4012NotRecognized = "Unable to import shipment as we don’t recognize the carrier from this tracking number."
	text4012Format        = "Unable to import shipment as the tracking number has an invalid format."
	text4012Retired       = "Unable to import shipment as this carrier is no longer supported."
	text4012Group         = "Unable to import shipment as the tracking number does not belong to a carrier in that group."
)

// fail is the answer for a code of the table. Fields fill [field_name].
func fail(code int, fields ...string) answer {
	f, ok := failures[code]
	if !ok {
		f = failure{http: http.StatusBadRequest, kind: "BadRequest", message: failures[400].message}
	}
	if len(fields) > 0 {
		f.message = strings.ReplaceAll(f.message, "[field_name]", strings.Join(fields, ", "))
	}
	return answer{http: f.http, code: code, kind: f.kind, message: f.message}
}

// because is the same answer with a text of its own.
func (a answer) because(message string) answer {
	a.message = message
	return a
}
