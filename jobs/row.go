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
	// Result is the outcome that an earlier report wrote beside the row. A row
	// that was done then is left alone now.
	Result string `csv:"aftership_result"`
}

// ResultColumn is the column of a report that says how a row ended. A sheet that
// has it is a report given back.
const ResultColumn = "aftership_result"

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
	return append(cols, sheet.Column{Field: ResultColumn})
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

// TemplateFields lists the columns of a template: those that have an effect on
// the operation's calls in the version.
func TemplateFields(op batch.Operation, v aftership.Version) []aftership.Field {
	return v.FieldsOf(endpointOf(op))
}

// reader turns the cells of a sheet into rows.
type reader struct {
	op      batch.Operation
	decode  *sheet.Decoder[Row]
	mapping sheet.Mapping
	def     Defaults
}

func newReader(op batch.Operation, m sheet.Mapping, def Defaults) *reader {
	return &reader{op: op, decode: sheet.NewDecoder[Row](m), mapping: m, def: def}
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
	for _, column := range r.mapping.Fields {
		value := row.Value(column)
		if value == "" {
			continue
		}
		clean := trim(value)
		if strings.EqualFold(clean, clearCell) {
			row.Clear, clean = append(row.Clear, column), ""
		}
		if f, _ := aftership.LookupField(column); f.Kind == aftership.KindCountry {
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

// ref names the tracking that the row is about. found is the id that a look-up
// found for it, if any.
func (row *Row) ref(found string) aftership.Ref {
	if found != "" {
		return aftership.Ref{ID: found}
	}
	if row.ID != "" {
		return aftership.Ref{ID: row.ID}
	}
	return aftership.Ref{Slug: row.Slug, TrackingNumber: row.TrackingNumber}
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
