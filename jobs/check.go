package jobs

import (
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"aftership-bulk/aftership"
	"aftership-bulk/batch"
)

// Problem is one thing that is wrong with a row, and what to do about it.
type Problem struct {
	Column, Value string
	Wrong         string // what is wrong, as the end of a sentence that starts with the column
	Remedy        string // what to do, as an imperative
}

// String is the problem in one sentence.
func (p Problem) String() string {
	if p.Value == "" {
		return p.Column + " " + p.Wrong
	}
	return fmt.Sprintf("%s %q %s", p.Column, shorten(p.Value), p.Wrong)
}

// longestQuote is the longest piece of a cell that a message repeats.
const longestQuote = 60

func shorten(s string) string {
	if utf8.RuneCountInString(s) <= longestQuote {
		return s
	}
	return string([]rune(s)[:longestQuote]) + "…"
}

// Check finds every problem of a row for an operation in a version of the API.
// It is pure: nothing is sent, and the same row has the same problems.
func Check(op batch.Operation, v aftership.Version, row *Row) []Problem {
	return check(op, v, fieldsOf(v, op), row)
}

// check is Check with the fields that it looks at, which are the same for all
// rows of a sheet and cost more to find than to check.
func check(op batch.Operation, v aftership.Version, fields []aftership.Field, row *Row) []Problem {
	c := checker{op: op, version: v, row: row, problems: slices.Clone(row.Problems)}
	c.identity()
	for i := range fields {
		c.field(&fields[i])
	}
	c.together()
	c.cleared()
	return c.problems
}

// checkedFields lists the fields that rows of the plan can hold something in.
func checkedFields(p Plan) []aftership.Field {
	return slices.DeleteFunc(fieldsOf(p.Version, p.Operation), func(f aftership.Field) bool {
		filled := f.Kind == aftership.KindMap || f.Name == "slug" || f.Name == "reason" // also by defaults
		return !filled && !slices.Contains(p.Mapping.Fields, f.Name)
	})
}

type checker struct {
	op       batch.Operation
	version  aftership.Version
	row      *Row
	problems []Problem
}

func (c *checker) add(column, value, wrong, remedy string) {
	c.problems = append(c.problems, Problem{column, value, wrong, remedy})
}

// identity checks that the row says which shipment it means.
func (c *checker) identity() {
	if c.row.TrackingNumber != "" || !Creates(c.op) && c.row.ID != "" {
		return
	}
	if Creates(c.op) {
		c.add("tracking_number", "", "is missing", "fill in the tracking number")
		return
	}
	c.add("tracking_number", "", "and id are both missing", "fill in id, or tracking_number and slug")
}

// field checks the value or the items of one column.
func (c *checker) field(f *aftership.Field) {
	switch {
	case len(c.row.Problems) > 0 && slices.ContainsFunc(c.row.Problems, func(p Problem) bool { return p.Column == f.Name }):
		// told by whoever read the cell
	case f.Kind == aftership.KindMap:
		c.customFields(f)
	case f.Complete:
		c.value(f, c.completion(f.Name))
	case f.List:
		c.list(f)
	default:
		c.value(f, c.row.Value(f.Name))
	}
}

func (c *checker) completion(column string) string {
	if column == "reason" {
		return string(c.row.Reason)
	}
	return c.row.EventDatetime
}

func (c *checker) list(f *aftership.Field) {
	items := aftership.ParseList(c.row.Value(f.Name))
	if f.MaxItems > 0 && len(items) > f.MaxItems {
		c.add(f.Name, items.String(), fmt.Sprintf("holds %d values, and AfterShip takes %d", len(items), f.MaxItems), fmt.Sprintf("keep %d at most", f.MaxItems))
	}
	for _, item := range items {
		c.value(f, item)
	}
}

// value checks one value. An empty one is not sent and so never wrong.
func (c *checker) value(f *aftership.Field, value string) {
	if value == "" {
		return
	}
	if f.Kind == aftership.KindNumber && strings.ContainsAny(value, "eE") && scientific.MatchString(value) {
		c.add(f.Name, value, "was damaged by a spreadsheet: its digits are lost", "format the column as text in the source and export it again")
		return
	}
	n := utf8.RuneCountInString(value)
	switch wrong := malformed(f, value); {
	case wrong != "":
		c.add(f.Name, value, wrong, remedy(*f))
	case n < f.MinLen:
		c.add(f.Name, value, fmt.Sprintf("has %d characters, fewer than %d", n, f.MinLen), fmt.Sprintf("write it whole: it has %d characters or more", f.MinLen))
	case f.MaxLen > 0 && n > f.MaxLen:
		c.add(f.Name, value, fmt.Sprintf("has %d characters, more than %d", n, f.MaxLen), fmt.Sprintf("shorten it to %d characters", f.MaxLen))
	}
}

// scientific is the shape into which a spreadsheet turns a long number. The
// lost digits cannot be brought back.
var scientific = regexp.MustCompile(`^\d(?:[.,]\d+)?[eE]\+\d+$|^\d[.,]\d+[eE]\d+$`)

// malformed says what is wrong with the form of a value, if anything.
func malformed(f *aftership.Field, value string) string {
	if f.Pattern != "" && !pattern(f.Pattern)(value) {
		return "has a character or a form that AfterShip does not take"
	}
	if wellFormed := kindChecks[f.Kind]; wellFormed != nil && !wellFormed(f, value) {
		return kindComplaints[f.Kind]
	}
	if !utf8.ValidString(value) {
		return "is not valid UTF-8"
	}
	return ""
}

// kindChecks says whether a value has the form of its kind. Kinds that are not
// here take any text that matches the field's pattern.
var kindChecks = map[aftership.Kind]func(*aftership.Field, string) bool{
	aftership.KindSlug:     func(_ *aftership.Field, s string) bool { return isSlug(s) },
	aftership.KindDate:     func(_ *aftership.Field, s string) bool { return parses(s, dateForms) },
	aftership.KindDatetime: func(_ *aftership.Field, s string) bool { return parses(s, datetimeForms) },
	aftership.KindLanguage: func(_ *aftership.Field, s string) bool { return languageForm.MatchString(s) },
	aftership.KindEmail:    func(_ *aftership.Field, s string) bool { return isEmail(s) },
	aftership.KindPhone:    func(_ *aftership.Field, s string) bool { return e164(s) || phoneForm.MatchString(s) },
	aftership.KindURL:      func(_ *aftership.Field, s string) bool { _, err := url.Parse(s); return err == nil },
	aftership.KindEnum:     func(f *aftership.Field, s string) bool { return slices.Contains(f.Enum, s) },
}

var kindComplaints = map[aftership.Kind]string{
	aftership.KindSlug:     "is not a courier's slug",
	aftership.KindDate:     "is not a date",
	aftership.KindDatetime: "is not a date with a time",
	aftership.KindLanguage: "is not a language code",
	aftership.KindEmail:    "is not an e-mail address",
	aftership.KindPhone:    "is not a phone number in international form",
	aftership.KindURL:      "is not an address",
	aftership.KindEnum:     "is not one of the values that AfterShip knows",
}

var kindRemedies = map[aftership.Kind]string{
	aftership.KindNumber:   "use letters, digits and - . _ / only",
	aftership.KindID:       "use letters, digits, - and _ only",
	aftership.KindSlug:     "write it as AfterShip does: dhl, j-net, jd-worldwide",
	aftership.KindDate:     "write it as 2024-05-31",
	aftership.KindDatetime: "write it as 2024-05-31T14:00:00+02:00",
	aftership.KindCountry:  "write the country's three letters, as DEU or USA (ISO 3166-1 alpha-3)",
	aftership.KindLanguage: "write the two letters of ISO 639-1, as en or de",
	aftership.KindEmail:    "write it as name@example.com",
	aftership.KindPhone:    "write it as +4915112345678",
	aftership.KindURL:      "write it as https://shop.example/orders/1",
}

func remedy(f aftership.Field) string {
	if f.Kind == aftership.KindEnum {
		return "write one of " + strings.Join(f.Enum, ", ")
	}
	if r, ok := kindRemedies[f.Kind]; ok {
		return r
	}
	return "mend the cell, as in this example: " + f.Example
}

func (c *checker) customFields(f *aftership.Field) {
	fields := c.row.CustomFields
	if len(fields) > f.MaxItems {
		c.add("custom_fields", "", fmt.Sprintf("are %d, and AfterShip takes %d", len(fields), f.MaxItems), fmt.Sprintf("keep %d columns at most", f.MaxItems))
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if n := utf8.RuneCountInString(name); n > aftership.MaxCustomFieldName {
			c.add(aftership.CustomFieldPrefix+name, "", fmt.Sprintf("has a name of %d characters, more than %d", n, aftership.MaxCustomFieldName), "shorten the column's name")
		}
		if n := utf8.RuneCountInString(fields[name]); n > f.MaxLen {
			c.add(aftership.CustomFieldPrefix+name, fields[name], fmt.Sprintf("has %d characters, more than %d", n, f.MaxLen), "shorten it")
		}
	}
}

// together checks columns that depend on one another.
func (c *checker) together() {
	r := c.row
	if Creates(c.op) && r.Slug != "" && r.SlugGroup != "" {
		c.add("slug_group", r.SlugGroup, "stands beside a slug, and AfterShip takes one of them", "empty one of the two cells")
	}
	if r.LocationID != "" && slices.ContainsFunc(r.Columns(), func(col string) bool { return strings.HasPrefix(col, "origin_") }) {
		c.add("location_id", r.LocationID, "stands beside origin columns, and AfterShip takes one of them", "empty location_id or the origin columns")
	}
	if (r.LastMileSlug == "") != (r.LastMileTrackingNumber == "") {
		c.add("last_mile_slug", r.LastMileSlug, "and last_mile_tracking_number must both be filled in", "fill in both, or none")
	}
	if c.op == batch.Complete && r.Reason == "" {
		c.add("reason", "", "is missing", "fill in the reason column, or say --reason DELIVERED")
	}
	c.nothingToChange()
}

// nothingToChange finds an update that names a shipment and changes nothing.
func (c *checker) nothingToChange() {
	if c.op != batch.Update || len(c.row.Clear) > 0 {
		return
	}
	sent := func(col string) bool {
		f, _ := aftership.LookupField(col)
		return f.Update && c.version.Accepts(col, aftership.EndpointUpdate) && (!f.Key || c.row.ID != "")
	}
	if slices.ContainsFunc(c.row.Columns(), sent) {
		return
	}
	if i := slices.IndexFunc(c.row.Doubts, func(p Problem) bool { return p.Wrong == noOffset }); i >= 0 {
		c.problems = append(c.problems, c.row.Doubts[i])
	} else {
		c.add("this row", "", "changes nothing", "fill in a column that an update can change; `enqueue template update` lists them")
	}
}

// cleared checks the cells that say "(clear)".
func (c *checker) cleared() {
	for _, column := range c.row.Clear {
		f, _ := aftership.LookupField(column)
		if c.op != batch.Update && c.op != batch.Sync || !f.Clearable || !c.version.Accepts(column, aftership.EndpointUpdate) {
			c.add(column, clearCell, "cannot be emptied", "leave the cell empty to leave the field as it is")
		}
	}
}
