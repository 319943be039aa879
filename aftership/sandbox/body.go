package sandbox

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"aftership-bulk/aftership"
)

// members is a JSON object as it came.
type members map[string]json.RawMessage

// object reads a request body.
func (c *call) object() (members, *answer) {
	var m members
	if json.Unmarshal(c.body, &m) != nil || m == nil {
		return nil, new(fail(4001))
	}
	return m, nil
}

// tracking reads a body that holds a tracking, wrapped as the version has it.
func (c *call) tracking() (members, *answer) {
	if !c.version.Wrapped() {
		return c.object()
	}
	var m map[string]members
	err := json.Unmarshal(c.body, &m)
	switch _, odd := errors.AsType[*json.UnmarshalTypeError](err); {
	case err != nil && !odd:
		return nil, new(fail(4001))
	case m["tracking"] == nil:
		return nil, new(fail(4006))
	}
	return m["tracking"], nil
}

// fill puts the members into the content; of several problems it answers the first by the table's order.
func (c *call) fill(into *content, m members) *answer {
	known := bodies[bodyKey{c.version, c.endpoint}]
	worst := len(fieldTable)
	var bad *answer
	for name, raw := range m {
		f := known[name]
		if f == nil {
			continue
		}
		if err := f.set(into, raw, c.version); err != nil && f.rank < worst {
			if problem := c.problem(f.wire, err); problem != nil {
				worst, bad = f.rank, problem
			}
		}
	}
	if bad == nil {
		bad = c.tooLong(into)
	}
	if bad == nil {
		bad = c.unknown(m)
	}
	return bad
}

// tooLong answers a text that is longer than the option allows.
func (c *call) tooLong(of *content) *answer {
	for _, t := range of.texts {
		if c.opt.MaxText > 0 && utf8.RuneCountInString(t.value) > c.opt.MaxText {
			return new(fail(4008, t.name))
		}
	}
	return nil
}

// problem is the answer to a value that a setter refused; nil where the version ignores it.
func (c *call) problem(name string, err error) *answer {
	switch {
	case err == errType && c.version.Before(aftership.V202410):
		return nil
	case err == errType && c.opt.TypeErrorCode == 400:
		return new(fail(400))
	}
	return new(fail(4008, name))
}

// unknown answers members that the endpoint does not have, if it is told to mind.
func (c *call) unknown(m members) *answer {
	if !c.opt.UnknownFields400 {
		return nil
	}
	var names []string
	for name := range m {
		if !c.knows(name) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	slices.Sort(names)
	return new(fail(4008, strings.Join(names, ", ")))
}

func (c *call) knows(name string) bool {
	if c.endpoint == aftership.EndpointCreate && (name == "tracking_number" || name == "id" && c.version.OwnIDs()) {
		return true
	}
	return bodies[bodyKey{c.version, c.endpoint}][name] != nil
}

// str reads a member that is a text; a missing or null one is "".
func (m members) str(name string) (value string, ok bool) {
	raw, given := m[name]
	if !given {
		return "", true
	}
	err := setString(raw, func(s string) error { value = s; return nil })
	return value, err == nil
}
