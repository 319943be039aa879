package aftership

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"
	"unicode/utf8"
)

// object is a JSON object that is read leniently: a field of an unexpected type is as good as absent, so that one odd
// field never costs a whole reply. What AfterShip must send is checked where it is needed.
//
// A reply is checked by encoding/json once, as a whole ([parseEnvelope]). Everything below relies on that: objects and
// lists are only cut into the parts of the body that they are made of, and a field is decoded when it is asked for.
// Having encoding/json read each level anew cost a create more than sending it.
type object map[string]json.RawMessage

// parseObject cuts valid JSON into its fields; anything but an object is nil.
func parseObject(raw json.RawMessage) object {
	if !startsWith(raw, '{') {
		return nil
	}
	o := object{}
	name, rest := cutValue(inside(raw))
	for name != nil {
		o[scalar(name)], rest = cutValue(rest)
		name, rest = cutValue(rest)
	}
	return o
}

// parseArray cuts valid JSON into the items of a list; ok is false where there is none.
func parseArray(raw json.RawMessage) (items []json.RawMessage, ok bool) {
	if !startsWith(raw, '[') {
		return nil, false
	}
	item, rest := cutValue(inside(raw))
	for item != nil {
		items = append(items, item)
		item, rest = cutValue(rest)
	}
	return items, true
}

func startsWith(raw json.RawMessage, c byte) bool {
	raw = bytes.TrimLeft(raw, jsonSpace)
	return len(raw) > 0 && raw[0] == c
}

const jsonSpace = " \t\r\n"

// inside is what follows the opening bracket.
func inside(raw json.RawMessage) json.RawMessage { return bytes.TrimLeft(raw, jsonSpace)[1:] }

// cutValue cuts the next name, value or item off what is left of an object or list; at its end there is none.
func cutValue(rest json.RawMessage) (value, after json.RawMessage) {
	for len(rest) > 0 && isGap(rest[0]) {
		rest = rest[1:]
	}
	n := valueLen(rest)
	if n == 0 {
		return nil, nil
	}
	return rest[:n:n], rest[n:]
}

// isGap reports what stands between values. In valid JSON it need not be told apart.
func isGap(c byte) bool {
	return c == ' ' || c == ',' || c == ':' || c == '\n' || c == '\r' || c == '\t'
}

// valueLen is the length of the value at the start of the text; it is zero at the end of what holds the values.
func valueLen(text []byte) int {
	for i, c := range text {
		switch {
		case i == 0 && c == '"':
			return stringLen(text)
		case i == 0 && (c == '{' || c == '['):
			return nestedLen(text)
		case isGap(c) || c == '}' || c == ']':
			return i
		}
	}
	return len(text)
}

func stringLen(text []byte) int {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(text)
}

func nestedLen(text []byte) int {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			i += stringLen(text[i:]) - 1
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return len(text)
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
		return unquote(raw)
	case '{', '[', 'n':
		return ""
	}
	return string(raw)
}

// unquote leaves to encoding/json what is more than plain text.
func unquote(raw json.RawMessage) string {
	if inner := raw[1 : len(raw)-1]; bytes.IndexByte(inner, '\\') < 0 && utf8.Valid(inner) {
		return string(inner)
	}
	var s string
	_ = json.Unmarshal(raw, &s) // raw is part of valid JSON
	return s
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
