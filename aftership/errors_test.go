package aftership

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// createError is the error of a create that is answered so.
func createError(t *testing.T, v Version, h http.HandlerFunc) error {
	t.Helper()
	c, mux := setup(t, v)
	mux.HandleFunc("POST /trackings", h)
	_, err := c.Create(t.Context(), Shipment{TrackingNumber: "1Z999AA10123456784"})
	if err == nil {
		t.Fatal("no error")
	}
	return err
}

func refusalOf(t *testing.T, err error) *Error {
	t.Helper()
	e, ok := errors.AsType[*Error](err)
	if !ok {
		t.Fatalf("not an *Error: %T %v", err, err)
	}
	return e
}

func noAnswerOf(t *testing.T, err error) *NoAnswerError {
	t.Helper()
	e, ok := errors.AsType[*NoAnswerError](err)
	if !ok {
		t.Fatalf("not a *NoAnswerError: %T %v", err, err)
	}
	return e
}

func errorBody(code int, kind, message, data string) string {
	return fmt.Sprintf(`{"meta":{"code":%d,"type":%q,"message":%q,"errors":[]},"data":%s}`, code, kind, message, data)
}

func TestEveryCode(t *testing.T) {
	for _, v := range Versions() {
		for _, info := range Codes() {
			e := refusalOf(t, createError(t, v, replies(info.HTTP, errorBody(info.Code, info.Type, info.Text, `{}`))))
			want(t, "code", e.Code, info.Code)
			want(t, "status", e.HTTP, info.HTTP)
			want(t, "type", e.Type, info.Type)
			want(t, "message", e.Message, info.Text)
			want(t, "trace", e.TraceID, "trace-1")
			want(t, "class", e.Class, v.Class(EndpointCreate))
			if !e.JSON || !e.Known() || e.Quota() || e.Date.IsZero() || e.Endpoint != EndpointCreate {
				t.Errorf("%d: %+v", info.Code, e)
			}
			mustContain(t, e.Error(), "create", strconv.Itoa(info.Code), info.Text, "trace-1")
		}
	}
}

func TestCodesAreListedOnce(t *testing.T) {
	seen := map[int]bool{}
	for _, info := range Codes() {
		if seen[info.Code] {
			t.Errorf("%d stands twice", info.Code)
		}
		seen[info.Code] = true
	}
}

func TestExisting(t *testing.T) {
	at := time.Date(2022, 11, 10, 6, 59, 43, 0, time.UTC)
	known := `{"slug":"4px","tracking_number":"HH19260817","id":"ony1lcaofyn82laapzmq000j","created_at":"2022-11-10T06:59:43+00:00"}`
	tests := map[string]struct {
		data string
		id   string
	}{
		"in data.tracking": {`{"tracking":` + known + `}`, "ony1lcaofyn82laapzmq000j"},
		"in data":          {known, "ony1lcaofyn82laapzmq000j"},
		"nowhere":          {`{}`, ""},
		"null":             {`null`, ""},
		"a list":           {`[]`, ""},
		"the echo only":    {`{"tracking":{"slug":"4px"}}`, ""},
	}
	for name, tt := range tests {
		for _, v := range Versions() {
			for _, status := range []int{400, 409} {
				e := refusalOf(t, createError(t, v, replies(status, errorBody(4003, "BadRequest", "Tracking already exists.", tt.data))))
				if !e.Exists() || (e.Existing != nil) != (tt.id != "") {
					t.Fatalf("%s: %+v", name, e)
				}
				if e.Existing != nil && (e.Existing.ID != tt.id || !e.Existing.CreatedAt.Equal(at)) {
					t.Errorf("%s: %+v", name, e.Existing)
				}
			}
		}
	}
}

func TestConflictCountsAsExisting(t *testing.T) {
	e := refusalOf(t, createError(t, V202607, replies(409, errorBody(409, "Conflict", "limit of one", `{"id":"x"}`))))
	if !e.Exists() || e.Existing == nil || e.Existing.ID != "x" || e.Quota() {
		t.Errorf("%+v", e)
	}
	if e := refusalOf(t, createError(t, V4, replies(404, errorBody(4004, "NotFound", "", `{"id":"x"}`)))); e.Existing != nil {
		t.Error("the data of another error was taken for a tracking")
	}
}

func TestDetail(t *testing.T) {
	const unable = "Unable to import shipment as "
	tests := map[string]Detail{
		unable + "the carrier is not on your approved list for carrier auto-detection. Add the carrier here: https://admin.aftership.com/settings/couriers": DetailNotActivated,
		unable + "we don’t recognize the carrier from this tracking number.":                                                                                DetailNotRecognized,
		unable + "we don't recognize the carrier from this tracking number.":                                                                                DetailNotRecognized,
		unable + "the tracking number has an invalid format.":                                                                                               DetailInvalidFormat,
		unable + "this carrier is no longer supported.":                                                                                                     DetailRetired,
		unable + "the tracking number does not belong to a carrier in that group.":                                                                          DetailGroupMismatch,
		"Cannot detect courier. Activate courier at https://secure.aftership.com/settings/courier":                                                          DetailNotActivated,
		"Something new": "",
	}
	var seen []Detail
	for text, detail := range tests {
		e := refusalOf(t, createError(t, V202404, replies(400, errorBody(4012, "BadRequest", text, `{}`))))
		want(t, text, e.Detail(), detail)
		seen = append(seen, detail)
		e.Code = 4010
		want(t, "of another code", e.Detail(), "")
	}
	for _, d := range Details() {
		if !slices.Contains(seen, d) {
			t.Errorf("%s has no text", d)
		}
	}
}

func TestNamedFields(t *testing.T) {
	tests := []struct {
		code    int
		message string
		fields  []string
	}{
		{4008, "The value of [emails] is invalid.", []string{"emails"}},
		{4008, "The value of destination_country_iso3 is invalid.", []string{"destination_country"}},
		{4008, "The value of `tracking.tracking_ship_date` is invalid.", []string{"tracking_ship_date"}},
		{4008, "The value of customers[0].email is invalid.", []string{"emails"}},
		{4008, "The value of customers[].phone_number is invalid.", []string{"smses"}},
		{4008, "The value of customers.1.name is invalid.", []string{"customer_name"}},
		{4008, "The value of last_mile.slug is invalid.", []string{"last_mile_slug"}},
		{4008, "The value of next_couriers[0].tracking_number is invalid.", []string{"last_mile_tracking_number"}},
		{4008, "The value of order_promised_delivery_date.promised_delivery_date_min is invalid.", []string{"order_promised_delivery_date_min"}},
		{4008, "The value of custom_fields.colour is invalid.", []string{"custom_fields.colour"}},
		{4008, "Nothing like it.", nil},
		{4009, "reason is required.", []string{"reason"}},
		{4009, "'tracking_destination_country' is required", []string{"tracking_destination_country"}},
		{4009, "slug and tracking_number are required.", []string{"slug", "tracking_number"}},
		{4011, "Missing or invalid value of the required fields for this courier. Besides tracking_number, also required: [tracking_postal_code]", []string{"tracking_postal_code"}},
		{4011, "... Besides tracking_number, also required: tracking_destination_country_region, destination_postal_code.", []string{"tracking_destination_country", "destination_postal_code"}},
		{4011, "... also required: [tracking_account_number], [tracking_key] and [tracking_key]", []string{"tracking_account_number", "tracking_key"}},
		{4005, "The value of tracking_number is invalid.", nil},
	}
	for _, tt := range tests {
		e := refusalOf(t, createError(t, V202404, replies(400, errorBody(tt.code, "BadRequest", tt.message, `{}`))))
		want(t, tt.message, e.Fields, tt.fields)
	}
}

func TestQuota(t *testing.T) {
	tests := []struct {
		status, code int
		message      string
		quota        bool
	}{
		{402, 402, "Please upgrade your plan.", true},
		{400, 4099, "Your monthly quota is used up.", true},
		{403, 403, "Your plan has no access.", false},
		{400, 400, "Over your plan's limit.", false},
		{422, 422, "An explanation of the complaint.", false},
		{500, 599, "quota", false},
	}
	for _, tt := range tests {
		e := refusalOf(t, createError(t, V202507, replies(tt.status, errorBody(tt.code, "X", tt.message, `{}`))))
		want(t, tt.message, e.Quota(), tt.quota)
	}
}

func TestRateLimit(t *testing.T) {
	const body = `{"meta":{"code":429,"type":"TooManyRequests","message":"You have exceeded the API call rate limit. Default limit is 10 requests per second."},"data":{}}`
	date := time.Date(2022, 11, 10, 9, 13, 51, 0, time.UTC)
	now := date.Add(time.Hour) // our clock is wrong
	epoch := func(d time.Duration) string { return strconv.FormatInt(date.Add(d).Unix(), 10) }
	tests := map[string]struct {
		headers map[string]string
		reset   time.Time // zero is unknown
	}{
		"reset":               {map[string]string{"X-RateLimit-Limit": "10", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": epoch(time.Second)}, now.Add(time.Second)},
		"reset is past":       {map[string]string{"X-RateLimit-Reset": epoch(-time.Second)}, now},
		"retry after seconds": {map[string]string{"X-RateLimit-Reset": epoch(time.Second), "Retry-After": "7"}, now.Add(7 * time.Second)},
		"retry after date":    {map[string]string{"Retry-After": date.Add(time.Minute).Format(http.TimeFormat)}, now.Add(time.Minute)},
		"nonsense":            {map[string]string{"X-RateLimit-Reset": "soon", "Retry-After": "later", "X-RateLimit-Limit": "-1"}, time.Time{}},
		"nothing":             {nil, time.Time{}},
	}
	for name, tt := range tests {
		c, mux := setup(t, V202404, func(o *Options) { o.Now = fixedClock(now) })
		mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Date", date.Format(http.TimeFormat))
			for k, v := range tt.headers {
				w.Header().Set(k, v)
			}
			reply(w, 429, body)
		})
		_, err := c.Create(t.Context(), Shipment{TrackingNumber: "12345"})
		e := refusalOf(t, err)
		reset, ok := e.Reset()
		if !e.TooMany() || !e.Rate.TooMany || ok != !tt.reset.IsZero() || !reset.Equal(tt.reset) {
			t.Errorf("%s: reset %v %v, want %v", name, reset, ok, tt.reset)
		}
	}
}

func TestOnlyTooManyHasAReset(t *testing.T) {
	e := &Error{HTTP: 500, Code: 500, Rate: RateHeaders{RetryAfter: time.Second}}
	if _, ok := e.Reset(); ok {
		t.Error("a 500 has a reset")
	}
	if at, ok := (RateHeaders{Reset: time.Unix(5, 0)}).Until(); !ok || !at.Equal(time.Unix(5, 0)) {
		t.Error("without a Date the reset is taken as it is")
	}
}

func TestNotJSON(t *testing.T) {
	const html = "<html><head><title>502 Bad Gateway</title></head><body>cloudflare</body></html>"
	tests := []struct {
		status int
		body   string
	}{
		{502, html}, {502, ""}, {503, "no healthy upstream"}, {500, `{"meta":{"code":500`}, {520, html}, {403, html},
		{401, `{"me`}, {429, ""}, {429, `{"meta":`}, {404, html}, {400, html}, {400, ""}, {400, `[]`}, {400, `{"error":"x"}`},
		{302, ""}, {500, `"text"`},
	}
	for _, tt := range tests {
		e := refusalOf(t, createError(t, V202404, replies(tt.status, tt.body)))
		if e.JSON || e.Code != tt.status || e.HTTP != tt.status || strings.Contains(e.Message, "<") {
			t.Errorf("%d %q: %+v", tt.status, tt.body, e)
		}
		mustContain(t, e.Error(), strconv.Itoa(tt.status), "instead of JSON")
	}
}

func TestUnusableSuccesses(t *testing.T) {
	tests := []struct {
		body string
		kind NoAnswer
	}{
		{"", NoAnswerTruncated},
		{"  \n", NoAnswerTruncated},
		{`{"meta":{"code":201},"data":{"id":"x"`, NoAnswerTruncated},
		{`{"meta"`, NoAnswerTruncated},
		{`{"meta":{"code":201},"data":{"id":"x`, NoAnswerTruncated},
		{"<html>welcome</html>", NoAnswerMalformed},
		{`{"meta":{"code":201,},"data":{}}`, NoAnswerMalformed},
		{`[]`, NoAnswerMalformed},
		{`{}`, NoAnswerMalformed},
		{`{"value":{}}`, NoAnswerMalformed},
		{`{"meta":{"code":201}}`, NoAnswerMalformed},
		{`{"meta":{"code":201},"data":null}`, NoAnswerMalformed},
		{`{"meta":{"code":201},"data":"x"}`, NoAnswerMalformed},
		{`{"meta":{"code":201},"data":{"tracking":{}}}`, NoAnswerMalformed},
	}
	for _, v := range Versions() {
		for _, tt := range tests {
			e := noAnswerOf(t, createError(t, v, replies(201, tt.body)))
			if !e.Sent || e.Kind != tt.kind || e.HTTP != 201 || e.TraceID != "trace-1" {
				t.Errorf("%s %q: %+v", v, tt.body, e)
			}
			mustContain(t, e.Error(), string(tt.kind), "may have had its effect", "trace-1")
		}
	}
}

// A refusal that is cut off must not be taken for final: it may be the one that means "exists already".
func TestCutOffRefusalIsNoAnswer(t *testing.T) {
	cut := `{"meta":{"code":4003,"message":"Tracking already ex`
	e := noAnswerOf(t, createError(t, V202404, replies(400, cut)))
	want(t, "kind", e.Kind, NoAnswerTruncated)
	for status, final := range map[int]bool{400: false, 404: false, 500: true, 429: true, 401: true} {
		err := createError(t, V202404, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "1000")
			reply(w, status, cut)
		})
		if _, ok := errors.AsType[*Error](err); ok != final {
			t.Errorf("%d: %v", status, err)
		}
	}
}

func TestSuccessCutOffByTheConnection(t *testing.T) {
	e := noAnswerOf(t, createError(t, V202404, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "1000")
		reply(w, 201, `{"meta":{"code":201},"data":{"tracking":{"id":"x"}}}`)
	}))
	want(t, "kind", e.Kind, NoAnswerTruncated)
}

func TestRefusalUnderASuccessStatus(t *testing.T) {
	e := refusalOf(t, createError(t, V202404, replies(200, errorBody(4005, "BadRequest", "The value of tracking_number is invalid.", `{}`))))
	want(t, "code", e.Code, 4005)
	e = refusalOf(t, createError(t, V202404, replies(500, `{"meta":{"code":200},"data":{}}`)))
	want(t, "code", e.Code, 500)
	e = refusalOf(t, createError(t, V202404, replies(400, `{"meta":{"code":"4010"},"data":{}}`)))
	want(t, "code in quotes", e.Code, 4010)
	want(t, "message", e.Message, "Bad Request")
}

func TestConnectionLost(t *testing.T) {
	hijack := func(end func(net.Conn)) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			end(conn)
			conn.Close()
		}
	}
	e := noAnswerOf(t, createError(t, V202404, hijack(func(net.Conn) {})))
	if !e.Sent || e.Kind != NoAnswerClosed {
		t.Errorf("closed: %+v", e)
	}
	e = noAnswerOf(t, createError(t, V202404, hijack(func(c net.Conn) { c.(*net.TCPConn).SetLinger(0) })))
	if !e.Sent || e.Kind != NoAnswerReset {
		t.Errorf("reset: %+v", e)
	}
}

func TestUnreachable(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close() // now nobody listens there
	for _, base := range []string{"http://" + l.Addr().String(), "http://nowhere.invalid"} {
		c, err := New(Options{BaseURL: base, APIKey: testKey})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Create(t.Context(), Shipment{TrackingNumber: "12345"})
		e := noAnswerOf(t, err)
		if e.Sent || e.Kind != NoAnswerUnreachable {
			t.Errorf("%s: %+v", base, e)
		}
		mustContain(t, e.Error(), "nothing was sent")
	}
}

func TestEveryNoAnswerIsListed(t *testing.T) {
	want(t, "kinds", len(NoAnswers()), 8)
	want(t, "timeout", kindOf(context.DeadlineExceeded, true), NoAnswerTimeout)
	want(t, "cancelled", kindOf(context.Canceled, false), NoAnswerCancelled)
	want(t, "other", kindOf(errors.New("x"), true), NoAnswerReset)
}

func TestLongAndBrokenMessages(t *testing.T) {
	long := strings.Repeat("é", 5000)
	e := refusalOf(t, createError(t, V202404, replies(400, errorBody(4008, "BadRequest", long, `{}`))))
	want(t, "length", len([]rune(e.Message)), maxMessage+1)
	want(t, "invalid bytes", cleanText("a\xffb", ""), "a\uFFFDb")
}
