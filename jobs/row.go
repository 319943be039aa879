package jobs

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"aftership-bulk/aftership"
	"aftership-bulk/batch"
	"aftership-bulk/sheet"
)

// Row is one row of a sheet in our vocabulary: everything that any operation
// can read from it.
type Row struct {
	aftership.Shipment
	aftership.Completion
	// What an earlier report wrote beside the row. A row that was done then is
	// left alone now.
	Result     string `csv:"aftership_result"`
	ResultCode string `csv:"aftership_code"`
	ResultID   string `csv:"aftership_tracking_id"`
	ResultSlug string `csv:"aftership_slug"`
}

// resultColumns are the columns of a report that a sheet is asked for. A sheet
// that has them is a report given back.
var resultColumns = []string{"aftership_result", "aftership_code", "aftership_tracking_id", "aftership_slug"}

// clearCell is what a person writes into a cell to empty the field at AfterShip.
// An empty cell never does that: it leaves the field as it is.
const clearCell = "(clear)"

// Columns lists the columns that the operation can use, with their other names,
// for the mapping of a sheet's header. Columns of other operations are known
// too, so that one sheet can serve several commands.
func Columns() []sheet.Column {
	var cols []sheet.Column
	for _, f := range allFields() {
		if f.Kind != aftership.KindMap {
			cols = append(cols, sheet.Column{Field: f.Name, Aliases: sheet.Aliases[f.Name]})
		}
	}
	for _, name := range resultColumns {
		cols = append(cols, sheet.Column{Field: name})
	}
	return cols
}

func allFields() []aftership.Field {
	return append(aftership.Fields(), aftership.CompletionFields()...)
}

// Defaults fill in what a row does not say. They are part of a batch's identity,
// because they change the calls.
type Defaults struct {
	Slug       string           `json:"slug,omitzero"`   // the courier of rows that name none
	Reason     aftership.Reason `json:"reason,omitzero"` // why shipments are marked as completed
	OnConflict string           `json:"on_conflict,omitzero"`
	Limit      int              `json:"limit,omitzero"`
	Skip       int              `json:"skip,omitzero"`
	Sample     int              `json:"sample,omitzero"`
}

// Validate reports what is wrong with the defaults.
func (d Defaults) Validate() error {
	switch {
	case d.Slug != "" && !slugForm.MatchString(d.Slug):
		return fmt.Errorf("--slug %q is not a courier's slug: write it as AfterShip does (dhl, j-net)", d.Slug)
	case d.Reason != "" && !slices.Contains(aftership.Reasons(), d.Reason):
		return fmt.Errorf("--reason %q is unknown: use DELIVERED, LOST or RETURNED_TO_SENDER", d.Reason)
	case d.OnConflict != "" && d.OnConflict != ConflictLast:
		return fmt.Errorf("--on-conflict %q is unknown: use last", d.OnConflict)
	case d.Limit < 0 || d.Skip < 0 || d.Sample < 0:
		return errors.New("--limit, --skip and --sample count rows: use a number of 0 or more")
	}
	return nil
}

// Template is the header of a sheet with every column that has an effect on the
// operation's calls in the version, and a row that can be sent.
func Template(op batch.Operation, v aftership.Version) (header, example []string) {
	for _, f := range v.FieldsOf(endpointOf(op)) {
		name, value := f.Name, f.Example
		switch {
		case f.Kind == aftership.KindMap:
			name = aftership.CustomFieldPrefix + "color"
		case exclusive[f.Name]:
			value = ""
		}
		header, example = append(header, name), append(example, value)
	}
	return header, example
}

// exclusive are the columns that AfterShip takes only without others of the template.
var exclusive = map[string]bool{"slug_group": true, "location_id": true}

// reader turns the cells of a sheet into rows.
type reader struct {
	op        batch.Operation
	decode    *sheet.Decoder[Row]
	columns   []string
	countries map[string]bool // those of the columns that hold countries
	def       Defaults
}

func newReader(op batch.Operation, m sheet.Mapping, def Defaults) *reader {
	r := &reader{op: op, decode: sheet.NewDecoder[Row](m), columns: m.Fields, countries: map[string]bool{}, def: def}
	for _, column := range m.Fields {
		if f, ok := aftership.LookupField(column); ok && f.Kind == aftership.KindCountry {
			r.countries[column] = true
		}
	}
	return r
}

// row reads the cells of one row, cleans them and fills in the defaults.
func (r *reader) row(cells []string) (Row, error) {
	row, rest, err := r.decode.Decode(cells)
	if err != nil {
		return row, err
	}
	for column, cell := range rest {
		if _, ok := aftership.CustomField(column); ok && strings.TrimSpace(cell) != "" {
			row.Set(column, cell)
		}
	}
	r.clean(&row)
	r.fill(&row)
	return row, nil
}

// clean takes off the white space that spreadsheets and people leave around a
// value, and finds the cells that ask for a field to be emptied.
func (r *reader) clean(row *Row) {
	row.Reason = aftership.Reason(strings.ToUpper(trim(string(row.Reason))))
	row.EventDatetime, row.Result = trim(row.EventDatetime), strings.ToLower(trim(row.Result))
	for _, column := range r.columns {
		value := row.Value(column)
		if value == "" {
			continue
		}
		clean := trim(value)
		if strings.EqualFold(clean, clearCell) {
			row.Clear, clean = append(row.Clear, column), ""
		}
		if r.countries[column] {
			clean = strings.ToUpper(clean)
		}
		if clean != value {
			row.Set(column, clean)
		}
	}
}

func trim(s string) string {
	return strings.TrimFunc(s, func(r rune) bool { return unicode.IsSpace(r) || r == '\u200b' || r == '\ufeff' })
}

func (r *reader) fill(row *Row) {
	if row.Slug == "" && row.SlugGroup == "" && row.ID == "" || r.op == batch.Create && row.Slug == "" && row.SlugGroup == "" {
		row.Slug = r.def.Slug
	}
	if row.Reason == "" {
		row.Reason = r.def.Reason
	}
}

// ref names the tracking that the row is about, for an operation. found is the
// id that a look-up found for it, if any.
func (row *Row) ref(op batch.Operation, found string) aftership.Ref {
	ref := row.Shipment.Ref(endpointOf(op))
	if ref.ID == "" {
		ref.ID = found
	}
	return ref
}

// needsLookup reports whether the row's tracking must be found through the list
// before it can be named in the version.
func (row *Row) needsLookup(v aftership.Version, op batch.Operation) bool {
	if op == batch.Create || row.ID != "" {
		return false
	}
	return !v.SlugPaths() || row.Slug == ""
}

// shipmentKey names the shipment that the row is about, for finding rows of the
// same shipment. Numbers are compared in upper case.
func (row *Row) shipmentKey(op batch.Operation) string {
	if op != batch.Create && row.ID != "" {
		return "id\x00" + row.ID
	}
	return strings.ToUpper(row.TrackingNumber) + "\x00" + strings.ToLower(row.Slug) + "\x00" + strings.ToLower(row.SlugGroup)
}
