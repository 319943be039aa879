package aftership

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"
)

// object is a JSON object that is read leniently: a field of an unexpected type is as good as absent, so that one odd
// field never costs a whole reply. What AfterShip must send is checked where it is needed.
type object map[string]json.RawMessage

func parseObject(raw json.RawMessage) object {
	var o object
	if !startsWith(raw, '{') || json.Unmarshal(raw, &o) != nil {
		return nil
	}
	return o
}

// startsWith spares most fields of most replies, which are absent or null, the making of an error.
func startsWith(raw json.RawMessage, c byte) bool {
	raw = bytes.TrimLeft(raw, " \t\r\n")
	return len(raw) > 0 && raw[0] == c
}

// parseArray splits an array into its items; ok is false where there is none.
func parseArray(raw json.RawMessage) (items []json.RawMessage, ok bool) {
	if !startsWith(raw, '[') || json.Unmarshal(raw, &items) != nil {
		return nil, false
	}
	return items, true
}

// text is the first of the named fields that holds a string, a number or a boolean, as text.
func (o object) text(names ...string) string {
	for _, name := range names {
		if s := scalar(o[name]); s != "" {
			return s
		}
	}
	return ""
}

// scalar is a JSON string's text, or a number or boolean as it is written; null, lists and objects are empty.
func scalar(raw json.RawMessage) string {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 {
		return ""
	}
	switch raw[0] {
	case '"':
		var s string
		_ = json.Unmarshal(raw, &s) // raw is valid JSON, having been read once
		return s
	case '{', '[', 'n':
		return ""
	}
	return string(raw)
}

func (o object) int(name string) int {
	n, _ := strconv.Atoi(o.text(name))
	return n
}

func (o object) bool(name string) bool { return o.text(name) == "true" }

func (o object) object(name string) object { return parseObject(o[name]) }

// list is a list of scalars; a single scalar is a list of one.
func (o object) list(name string) []string {
	items, ok := parseArray(o[name])
	if !ok {
		items = []json.RawMessage{o[name]}
	}
	var out []string
	for _, raw := range items {
		if s := scalar(raw); s != "" {
			out = append(out, s)
		}
	}
	return out
}

// objects is a list of objects; whatever else stands in the list is left out.
func (o object) objects(name string) []object {
	items, _ := parseArray(o[name])
	var out []object
	for _, raw := range items {
		if item := parseObject(raw); item != nil {
			out = append(out, item)
		}
	}
	return out
}

// strings is an object of scalars, as custom_fields.
func (o object) strings(name string) map[string]string {
	inner := o.object(name)
	if len(inner) == 0 {
		return nil
	}
	out := make(map[string]string, len(inner))
	for key := range inner {
		out[key] = inner.text(key)
	}
	return out
}

// time reads a moment; one without an offset is taken as UTC.
func (o object) time(name string) time.Time { return parseTime(o.text(name)) }

func parseTime(s string) time.Time {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t
		}
	}
	return time.Time{}
}
