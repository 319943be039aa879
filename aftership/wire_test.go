package aftership

import (
	"bytes"
	"encoding/json"
	"testing"
)

// FuzzCut holds what cuts JSON apart to encoding/json, which knows how: both must find the same fields and items, and
// the same texts in them.
func FuzzCut(f *testing.F) {
	for _, text := range []string{
		`{}`, `[]`, ` { "a" : 1 , "b":[1,{"c":"}"}],"":null}`, `{"a":"\"}\\","a\n\u00e9":"x\ud800","b":{"a":{}}}`, "{\"\xff\":\"\xff\"}",
		`[1,"a,b",[[]],{"x":"]"},true , null,-1.5e3]`, `"{"`, `7`, `null`, `{"a":1,"a":2}`, created, "[\"\\\\\"\t]\r\n",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if !json.Valid(text) {
			return
		}
		var fields map[string]json.RawMessage
		if json.Unmarshal(text, &fields) != nil {
			fields = nil
		}
		o := parseObject(text)
		if len(o) != len(fields) || (o == nil) != (fields == nil) {
			t.Fatalf("%q: %d fields, want %d", text, len(o), len(fields))
		}
		for name, raw := range fields {
			checkCut(t, o[name], raw)
		}
		var items []json.RawMessage
		if json.Unmarshal(text, &items) != nil {
			items = nil
		}
		cut, ok := parseArray(text)
		if len(cut) != len(items) || ok != (items != nil) {
			t.Fatalf("%q: %d items, want %d", text, len(cut), len(items))
		}
		for i := range items {
			checkCut(t, cut[i], items[i])
		}
	})
}

func checkCut(t *testing.T, got, wanted json.RawMessage) {
	t.Helper()
	if !bytes.Equal(got, wanted) {
		t.Errorf("%q, want %q", got, wanted)
	}
	var s string
	if json.Unmarshal(wanted, &s) == nil && string(wanted) != "null" {
		want(t, string(wanted), scalar(got), s)
	}
}
