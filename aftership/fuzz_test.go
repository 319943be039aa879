package aftership

import (
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzReply feeds any body to everything that reads one: it must end in a value or in one of the two typed errors.
func FuzzReply(f *testing.F) {
	for _, body := range []string{
		"", "<html>", `{"meta":{"code":201},"data":{"tracking":` + created + `}}`, `{"value":{"meta":{"code":200},"data":` + created + `}}`,
		errorBody(4003, "BadRequest", "Tracking already exists.", `{"tracking":{"id":"x","created_at":"2022-11-10T06:59:43+00:00"}}`),
		errorBody(4011, "BadRequest", "... also required: [a], b and 'c'", `{}`), twoCouriers,
		`{"meta":{"code":200},"data":{"pagination":{"has_next_page":true,"next_cursor":"c"},"trackings":[{"id":"x"}]}}`,
		`{"meta":{"code":200},"data":{"estimated_delivery_dates":[{}]}}`, `{"meta":{"code":2`,
	} {
		for _, status := range []int{200, 201, 400, 429, 500} {
			f.Add(status, body)
		}
	}
	f.Fuzz(func(t *testing.T, status int, body string) {
		a := &answer{endpoint: EndpointCreate, status: status}
		err := a.judge([]byte(body), nil, testKey)
		if err == nil {
			readEverything(t, a)
			return
		}
		checkTyped(t, err)
	})
}

func readEverything(t *testing.T, a *answer) {
	if a.data != nil && !json.Valid(a.data) {
		t.Errorf("the data is no JSON: %q", a.data)
	}
	if r, err := a.reply(Ref{}); err != nil {
		checkTyped(t, err)
	} else if r.Tracking.ID == "" || !json.Valid(r.Tracking.Raw) {
		t.Errorf("a create without an id: %+v", r)
	}
	if _, err := a.page(1, nil); err != nil {
		checkTyped(t, err)
	}
	if _, err := a.estimates(); err != nil {
		checkTyped(t, err)
	}
	for _, o := range parseObject(a.data).objects("couriers") {
		decodeCourier(o)
	}
}

func checkTyped(t *testing.T, err error) {
	t.Helper()
	if e, ok := errors.AsType[*Error](err); ok {
		if !utf8.ValidString(e.Message) || strings.Contains(e.Error(), testKey) || utf8.RuneCountInString(e.Message) > maxMessage+1 {
			t.Errorf("message %q", e.Message)
		}
		e.Detail()
		e.Quota()
		return
	}
	if _, ok := errors.AsType[*NoAnswerError](err); !ok {
		t.Errorf("an error without a type: %T", err)
	}
}

// FuzzNamedFields looks for messages that yield something else than names.
func FuzzNamedFields(f *testing.F) {
	f.Add(4008, "The value of [emails] is invalid.")
	f.Add(4009, "'tracking_destination_country' is required")
	f.Add(4011, "also required: tracking_postal_code, customers[0].email")
	name := regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.\[\]-]*$`)
	f.Fuzz(func(t *testing.T, code int, message string) {
		for _, field := range namedFields(code, message) {
			if !name.MatchString(field) {
				t.Errorf("%q gives %q", message, field)
			}
		}
	})
}

// FuzzCell checks what cells go through: lists come back from their text, and dates are never made up.
func FuzzCell(f *testing.F) {
	for _, cell := range []string{"", "a;b", "a, b;;", "20240601", "2024-06-01", "2024-06-01T10:00:00Z", "\u00a0x"} {
		f.Add(cell)
	}
	digits := regexp.MustCompile(`\D`)
	f.Fuzz(func(t *testing.T, cell string) {
		l := ParseList(cell)
		if back := ParseList(l.String()); back.String() != l.String() || len(back) != len(l) {
			t.Errorf("%q: %q, then %q", cell, l, back)
		}
		for _, v := range Versions() {
			date := v.shipDate(cell)
			if date != cell && !strings.HasPrefix(digits.ReplaceAllString(cell, ""), digits.ReplaceAllString(date, "")) {
				t.Errorf("%s: %q became %q", v, cell, date)
			}
			if !json.Valid(asJSON(t, v.encode(Shipment{TrackingNumber: cell, Title: cell, Emails: l}, EndpointCreate))) {
				t.Errorf("%s: %q is no JSON", v, cell)
			}
		}
	})
}
