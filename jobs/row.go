package jobs

import (
	"slices"
	"strings"

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
	ResultSaid string `csv:"aftership_message"`
	ResultID   string `csv:"aftership_tracking_id"`
	ResultSlug string `csv:"aftership_slug"`

	// Op is what is done with the row; Skip says that it is left alone.
	Op   batch.Operation `csv:"-"`
	Skip bool            `csv:"-"`

	findings `csv:"-"`
}

// findings are what reading found out about a row beside its values.
type findings struct {
	// Problems are what is wrong with the cells. Such a row is not sent.
	Problems []Problem
	// Repairs are what was read otherwise than it stands in the sheet.
	Repairs []Repair
	// Doubts are what a person should look at, though the row is sent.
	Doubts []Problem

	cleared []string // columns whose cells ask for their field to be emptied
	pieces  []piece  // the tracking numbers of a cell that holds several; each is a job
	changed bool     // a program that knows no repairs would send something else
}

// jobs is how many jobs the row makes.
func (row *Row) jobs() int { return max(1, len(row.pieces)) }

// part is the row as one of its jobs sees it.
func (row Row) part(n int) Row {
	if n >= len(row.pieces) {
		return row
	}
	p := row.pieces[n]
	row.TrackingNumber, row.changed = p.number, true
	row.Repairs, row.Doubts = slices.Concat(p.repairs, row.Repairs), slices.Concat(p.doubts, row.Doubts)
	if p.problem != nil {
		row.Problems = append(slices.Clone(row.Problems), *p.problem)
	}
	return row
}

// resultColumns are the columns of a report that a sheet is asked for. A sheet
// that has them is a report given back.
var resultColumns = []string{"aftership_result", "aftership_code", "aftership_message", "aftership_tracking_id", "aftership_slug"}

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
	for _, name := range append([]string{operationColumn}, resultColumns...) {
		cols = append(cols, sheet.Column{Field: name})
	}
	return cols
}

func allFields() []aftership.Field {
	return append(aftership.Fields(), aftership.CompletionFields()...)
}

// Template is the header of a sheet with every column that has an effect on the
// operation's calls in the version, and an example row, which is skipped as long as
// nobody writes over it.
func Template(op batch.Operation, v aftership.Version) (header, example []string) {
	for _, f := range fieldsOf(v, op) {
		name, value := exampleOf(f)
		header, example = append(header, name), append(example, value)
	}
	return header, example
}

// fieldsOf lists the columns of the operation's template: those that it checks.
func fieldsOf(v aftership.Version, op batch.Operation) []aftership.Field {
	return v.FieldsOf(endpointOf(op))
}

// accepts reports whether a column has an effect on the operation's calls.
func accepts(v aftership.Version, op batch.Operation, column string) bool {
	return v.Accepts(column, endpointOf(op)) || op == batch.Sync && v.Accepts(column, aftership.EndpointUpdate)
}

// exclusive are the columns that AfterShip takes only without others of the template.
var exclusive = map[string]bool{"slug_group": true, "location_id": true}

// ref names the tracking that the row is about, for an operation. found is the
// id that a look-up found for it, if any.
func (row *Row) ref(op batch.Operation, found string) aftership.Ref {
	ref := row.Shipment.Ref(endpointOf(op))
	if ref.ID == "" {
		ref.ID = found
	}
	return ref
}

// Creates reports whether the operation can create a tracking.
func Creates(op batch.Operation) bool { return op == batch.Create || op == batch.Sync }

// needsLookup reports whether the row's tracking must be found through the list
// before it can be named in the version.
func (row *Row) needsLookup(v aftership.Version, op batch.Operation) bool {
	switch {
	case op == batch.Sync:
		return true
	case op == batch.Create || row.ID != "":
		return false
	}
	return !v.SlugPaths() || row.Slug == ""
}

// shipmentKey names the shipment that the row is about, for finding rows of the
// same shipment. Numbers are compared in upper case.
func (row *Row) shipmentKey(op batch.Operation) string {
	if !Creates(op) && row.ID != "" {
		return "id\x00" + row.ID
	}
	return strings.ToUpper(row.TrackingNumber) + "\x00" + strings.ToLower(row.Slug) + "\x00" + strings.ToLower(row.SlugGroup)
}
