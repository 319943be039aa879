package sandbox

import (
	"encoding/json"
	"strconv"
	"time"
)

// object writes a JSON object member by member: replies have some sixty members, and maps would be slow.
type object struct{ buf []byte }

func newObject() *object { return newSized(256) }

// newSized makes room for a text that is known to be long.
func newSized(size int) *object { return &object{buf: append(make([]byte, 0, size), '{')} }

func (o *object) key(name string) {
	if last := o.buf[len(o.buf)-1]; last != '{' {
		o.buf = append(o.buf, ',')
	}
	o.buf = append(o.buf, '"')
	o.buf = append(o.buf, name...)
	o.buf = append(o.buf, '"', ':')
}

func (o *object) str(name, value string) {
	o.key(name)
	o.buf = appendString(o.buf, value)
}

// opt writes null for an empty text.
func (o *object) opt(name, value string) {
	o.key(name)
	if value == "" {
		o.buf = append(o.buf, "null"...)
		return
	}
	o.buf = appendString(o.buf, value)
}

func (o *object) null(names ...string) {
	for _, name := range names {
		o.raw(name, []byte("null"))
	}
}

func (o *object) num(name string, value int) {
	o.key(name)
	o.buf = strconv.AppendInt(o.buf, int64(value), 10)
}

func (o *object) flag(name string, value bool) {
	o.key(name)
	o.buf = strconv.AppendBool(o.buf, value)
}

func (o *object) time(name string, value time.Time) {
	o.key(name)
	o.buf = append(o.buf, '"')
	o.buf = value.UTC().AppendFormat(o.buf, stampLayout)
	o.buf = append(o.buf, '"')
}

func (o *object) raw(name string, value []byte) {
	o.key(name)
	o.buf = append(o.buf, value...)
}

// any writes a value with encoding/json: for the few that have a structure of their own.
func (o *object) any(name string, value any) {
	text, err := json.Marshal(value)
	if err != nil {
		text = []byte("null")
	}
	o.raw(name, text)
}

// list writes [] for a nil list.
func (o *object) list(name string, values []string) {
	o.key(name)
	o.buf = append(o.buf, '[')
	for i, v := range values {
		if i > 0 {
			o.buf = append(o.buf, ',')
		}
		o.buf = appendString(o.buf, v)
	}
	o.buf = append(o.buf, ']')
}

// end closes the object and returns its text.
func (o *object) end() []byte {
	o.buf = append(o.buf, '}')
	return o.buf
}

// stampLayout is how the API writes a moment: whole seconds, an offset in digits.
const stampLayout = "2006-01-02T15:04:05+00:00"

func appendString(buf []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c > '~' {
			text, _ := json.Marshal(s) // a string always has a text
			return append(buf, text...)
		}
	}
	buf = append(buf, '"')
	buf = append(buf, s...)
	return append(buf, '"')
}

// arrayOf joins texts of JSON to an array.
func arrayOf(items [][]byte) []byte {
	buf := []byte{'['}
	for i, item := range items {
		if i > 0 {
			buf = append(buf, ',')
		}
		buf = append(buf, item...)
	}
	return append(buf, ']')
}
