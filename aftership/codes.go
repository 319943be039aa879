package aftership

import (
	"regexp"
	"slices"
	"strings"
)

// CodeInfo is what AfterShip's docs say about one code of the tracking API.
type CodeInfo struct {
	Code int    // meta.code
	HTTP int    // the status that it comes with
	Type string // meta.type; 4004 is documented as BadRequest but was recorded as NotFound
	Text string // the documented message; [field_name] stands for a name
}

// The codes that callers branch on.
const (
	CodeInvalidJSON       = 4001
	CodeExists            = 4003
	CodeNotFound          = 4004
	CodeNumberInvalid     = 4005
	CodeWrapping          = 4006
	CodeFieldInvalid      = 4008
	CodeFieldRequired     = 4009
	CodeSlugInvalid       = 4010
	CodeCourierFields     = 4011
	CodeCourierUnresolved = 4012
	CodeStillActive       = 4013
	CodeIDInvalid         = 4015
	CodeRetrackUsedUp     = 4016
	CodeUnauthorized      = 401
	CodeForbidden         = 403
	CodeURINotFound       = 404
	CodeTooMany           = 429
)

const (
	typeBadRequest = "BadRequest"
	typeInternal   = "InternalError"
	textInternal   = "Something went wrong on AfterShip's end."
)

// codes is AfterShip's table (AfterShip docs, request errors page, and the README files of its SDKs).
var codes = []CodeInfo{
	{400, 400, typeBadRequest, "The request was invalid or cannot be otherwise served."},
	{401, 401, "Unauthorized", "The API key is invalid."},
	{403, 403, "Forbidden", "The request is understood, but it has been refused or access is not allowed."},
	{404, 404, "NotFound", "The URI requested is invalid or the resource requested does not exist."},
	{429, 429, "TooManyRequests", "You have exceeded the API call rate limit."},
	{500, 500, typeInternal, textInternal},
	{502, 502, typeInternal, textInternal},
	{503, 503, typeInternal, textInternal},
	{504, 504, typeInternal, textInternal},
	{4001, 400, typeBadRequest, "Invalid JSON data."},
	{4002, 400, typeBadRequest, "Invalid JSON data."},
	{4003, 400, typeBadRequest, "Tracking already exists."},
	{4004, 404, "NotFound", "Tracking does not exist."},
	{4005, 400, typeBadRequest, "The value of tracking_number is invalid."},
	{4006, 400, typeBadRequest, "tracking object is required."},
	{4007, 400, typeBadRequest, "tracking_number is required."},
	{4008, 400, typeBadRequest, "The value of [field_name] is invalid."},
	{4009, 400, typeBadRequest, "[field_name] is required."},
	{4010, 400, typeBadRequest, "The value of slug is invalid."},
	{4011, 400, typeBadRequest, "Missing or invalid value of the required fields for this courier. Besides tracking_number, also required: [field_name]"},
	{4012, 400, typeBadRequest, "Unable to import shipment as we don’t recognize the carrier from this tracking number."},
	{4013, 400, typeBadRequest, "Retrack is not allowed. You can only retrack an inactive tracking."},
	{4014, 400, typeBadRequest, "notification object is required."},
	{4015, 400, typeBadRequest, "The value of id is invalid."},
	{4016, 400, typeBadRequest, "Retrack is not allowed. You can only retrack each shipment once."},
	{4017, 400, typeBadRequest, "The format of tracking_number is invalid."},
}

// Codes lists every code that AfterShip documents for the tracking API.
func Codes() []CodeInfo { return slices.Clone(codes) }

// LookupCode finds what the docs say about a code.
func LookupCode(code int) (CodeInfo, bool) {
	for _, c := range codes {
		if c.Code == code {
			return c, true
		}
	}
	return CodeInfo{}, false
}

// Detail is which of the five causes of code 4012 an error has. Only the text tells them apart.
type Detail string

// The details of code 4012 (AfterShip docs, request errors page), and what helps.
const (
	// DetailNotActivated means that the courier is not on the account's list for detection: activate it in the admin.
	DetailNotActivated Detail = "courier_not_activated"
	// DetailNotRecognized means that no courier has numbers like this one: give the slug.
	DetailNotRecognized Detail = "courier_not_recognized"
	// DetailInvalidFormat means that the number is wrong: look at the sheet.
	DetailInvalidFormat Detail = "invalid_format"
	// DetailRetired means that AfterShip no longer supports the courier: leave the row out, or name its successor.
	DetailRetired Detail = "courier_retired"
	// DetailGroupMismatch means that no courier of the slug_group has numbers like this one.
	DetailGroupMismatch Detail = "group_mismatch"
)

// detailTexts maps a part of the text to its detail. The last one is how v4's docs put it.
var detailTexts = []struct {
	part   string
	detail Detail
}{
	{"approved list", DetailNotActivated},
	{"recognize the carrier", DetailNotRecognized},
	{"invalid format", DetailInvalidFormat},
	{"no longer supported", DetailRetired},
	{"in that group", DetailGroupMismatch},
	{"activate courier", DetailNotActivated},
}

// Details lists the causes of code 4012.
func Details() []Detail {
	return []Detail{DetailNotActivated, DetailNotRecognized, DetailInvalidFormat, DetailRetired, DetailGroupMismatch}
}

// fieldTexts finds the part of a message that names fields, by code. The docs write a name as [field_name]; a recorded
// message had it in single quotes.
var fieldTexts = map[int]*regexp.Regexp{
	CodeFieldInvalid:  regexp.MustCompile(`(?i)value of (.+?) (?:is|are) invalid`),
	CodeFieldRequired: regexp.MustCompile(`(?i)^(.+?) (?:is|are) required`),
	CodeCourierFields: regexp.MustCompile(`(?i)also required:?(.+)$`),
}

var (
	fieldSeparator = regexp.MustCompile(`(?i)[\s,;]+(?:(?:and|or)\s+)?`)
	fieldName      = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_-]+|\[\d*\])*$`)
)

// namedFields reads the names of fields out of a message, in the words of [Fields].
func namedFields(code int, message string) []string {
	pattern := fieldTexts[code]
	if pattern == nil {
		return nil
	}
	found := pattern.FindStringSubmatch(message)
	if found == nil {
		return nil
	}
	var names []string
	for _, part := range fieldSeparator.Split(found[1], -1) {
		name := columnOf(unquoteName(part))
		if fieldName.MatchString(name) && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

func unquoteName(s string) string {
	s = strings.Trim(s, "'\"`‘’“”().:")
	if inner, ok := strings.CutPrefix(s, "["); ok {
		s = strings.TrimSuffix(inner, "]")
	}
	return strings.Trim(s, "'\"`‘’“”")
}

// quotaText is what a refusal for an exhausted quota or a plan without access would speak of. Which code AfterShip sends
// for it is documented nowhere.
var quotaText = regexp.MustCompile(`(?i)\b(quota|plan|plans|upgrade|limit|subscription|payment|billing)\b`)
