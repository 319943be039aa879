package jobs

import (
	"slices"

	"aftership-bulk/aftership"
	"aftership-bulk/batch"
	"aftership-bulk/sheet"
)

// exampleRow is why the row of a template is skipped that nobody has written over.
const exampleRow = "the template's example row"

// leastExample is how many cells of an example tell it apart from a row of somebody who tried an example of the manual out.
const leastExample = 8

// anything stands in an example for cells that do not matter.
const anything = "\x00"

// example is what the cells of a row hold that came with a template of ours; nil if the sheet is none. Columns that a person took out
// of the template do not matter as long as many are left.
func (p Plan) example() []string {
	values := examples()
	row, filled := make([]string, len(p.Mapping.Fields)), 0
	var fields []string
	for i, field := range p.Mapping.Fields {
		if slices.Contains(resultColumns, field) {
			row[i] = anything // in a report given back
			continue
		}
		value, ok := values[field]
		if !ok {
			return nil
		}
		row[i], fields = value, append(fields, field)
		if value != "" {
			filled++
		}
	}
	if filled >= leastExample || isTemplate(p.Operation, fields) {
		return row
	}
	return nil
}

// examples holds what a template's example row has in each column.
func examples() map[string]string {
	values := map[string]string{}
	for _, f := range allFields() {
		name, value := exampleOf(f)
		values[name] = value
	}
	return values
}

// exampleOf is a column of a template and what the example row has in it.
func exampleOf(f aftership.Field) (column, value string) {
	switch {
	case f.Kind == aftership.KindMap:
		return aftership.CustomFieldPrefix + "color", f.Example
	case exclusive[f.Name]:
		return f.Name, ""
	}
	return f.Name, f.Example
}

// isTemplate says that the columns are those of the operation's template, in any version.
func isTemplate(op batch.Operation, fields []string) bool {
	return slices.ContainsFunc(aftership.Versions(), func(v aftership.Version) bool {
		header, _ := Template(op, v)
		return slices.Equal(slices.Sorted(slices.Values(header)), slices.Sorted(slices.Values(fields)))
	})
}

// isExample says that a row is a template's example.
func isExample(example, cells []string) bool {
	if example == nil || len(cells) > len(example) {
		return false
	}
	for i, want := range example {
		cell := ""
		if i < len(cells) {
			cell = sheet.Unguard(trim(cells[i]))
		}
		if cell != want && want != anything {
			return false
		}
	}
	return true
}
