package command

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"aftership-bulk/batch"
	"aftership-bulk/sheet"
)

// expected refuses a sheet that has not the columns of --expect-columns, or of
// which others would be sent.
func (c *cli) expected(u *understood, in *input) error {
	expect := c.imp.guards.expect
	if len(expect) == 0 {
		return nil
	}
	has := func(names []string, name string) bool {
		return slices.ContainsFunc(names, func(n string) bool { return sheet.Names(n, name) })
	}
	var wrong []string
	for _, name := range expect {
		if !has(u.sheet.Header, name) {
			wrong = append(wrong, fmt.Sprintf("there is no column %q", name))
		}
	}
	unsent := in.survey.Unsent(u.sheet.Header)
	for i, name := range u.sheet.Header {
		if !sheet.IsReportColumn(name) && !has(expect, name) && !slices.Contains(unsent, name) {
			wrong = append(wrong, fmt.Sprintf("%q%s was not expected", name, meansOther(name, u.mapping.Fields[i])))
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	return usage(fmt.Errorf("%s has not the columns of --expect-columns, and nothing was sent: %s", u.file, fewer(wrong)),
		"look whether the export was changed; else mend --expect-columns, or leave a column out with --map 'HEADER=-'")
}

// meansOther says what a column means, if its name does not say so.
func meansOther(name, field string) string {
	if sheet.Names(name, field) {
		return ""
	}
	return ", which means " + field + ","
}

// fewer joins the first of many texts.
func fewer(texts []string) string {
	const most = 12
	if len(texts) <= most {
		return strings.Join(texts, "; ")
	}
	return fmt.Sprintf("%s; and %d more", strings.Join(texts[:most], "; "), len(texts)-most)
}

// sameColumns refuses, before anything is sent, sheets whose columns are not those
// of the last run of the same --name, and remembers them for the next one.
func (c *cli) sameColumns(ctx context.Context, s *session, inputs []*input) error {
	if c.imp.name == "" {
		return nil
	}
	if err := c.unchanged(ctx, s.ledger, inputs, "nothing was sent"); err != nil {
		return err
	}
	var now [][]batch.Column
	for _, in := range inputs {
		now = append(now, columnsOfSheet(in))
	}
	if err := s.ledger.KeepColumns(ctx, s.cfg.Account, inputs[0].survey.Plan.Operation, c.imp.name, distinct(now)); err != nil {
		return ctxOr(ctx, unreachable(err, "check REDIS_URL"))
	}
	return nil
}

// unchanged refuses sheets whose columns are not those of the last run of the same
// --name, unless it was said that they are to be accepted.
func (c *cli) unchanged(ctx context.Context, ledger *batch.Store, inputs []*input, so string) error {
	last, err := ledger.Columns(ctx, c.cfg.Account, inputs[0].survey.Plan.Operation, c.imp.name)
	if err != nil {
		return ctxOr(ctx, unreachable(err, "check REDIS_URL"))
	}
	var changed []error
	for _, in := range inputs {
		if differences := drift(last.Sheets, columnsOfSheet(in)); len(differences) > 0 {
			changed = append(changed, fmt.Errorf("the columns of %s are not those of the last run by the name %s (%s), and %s: %s",
				in.name, c.imp.name, last.At.Local().Format(time.DateTime), so, fewer(differences)))
		}
	}
	if len(changed) > 0 && !c.imp.guards.accept {
		return usage(errors.Join(changed...), "look at the export; if this is meant, run the command once with --accept-columns")
	}
	return nil
}

// columnsOfSheet are the columns of a sheet with what they mean, but for those of our reports.
func columnsOfSheet(in *input) []batch.Column {
	var columns []batch.Column
	for i, name := range in.sheet.Header {
		if !sheet.IsReportColumn(name) {
			columns = append(columns, batch.Column{Name: name, Field: in.survey.Plan.Mapping.Fields[i]})
		}
	}
	return columns
}

// distinct leaves out sheets that are like an earlier one.
func distinct(sheets [][]batch.Column) [][]batch.Column {
	var all [][]batch.Column
	for _, s := range sheets {
		if !slices.ContainsFunc(all, func(o []batch.Column) bool { return slices.Equal(s, o) }) {
			all = append(all, s)
		}
	}
	return all
}

// drift says how the columns of a sheet differ from those of the one among the
// last run's sheets that is most like it: nothing if that run is unknown.
func drift(last [][]batch.Column, now []batch.Column) []string {
	var least []string
	for i, before := range last {
		d := differences(before, now)
		if i == 0 || len(d) < len(least) {
			least = d
		}
	}
	return least
}

// differences says what changed for what is sent: columns that were used are gone
// or mean something else, and columns are new, used or not. The order is of no
// matter, nor is a column that is gone and was not sent.
func differences(before, now []batch.Column) (said []string) {
	was, is := byName(before), byName(now)
	arrived := map[string]string{} // field: the new column that means it
	for _, col := range is.order {
		if _, known := was.field[col.key]; !known && col.Field != "" {
			arrived[col.Field] = col.Name
		}
	}
	told := map[string]bool{} // new columns that were told of with the one they replace
	for _, col := range was.order {
		field, there := is.field[col.key]
		switch {
		case there && field == col.Field, !there && col.Field == "":
		case there:
			said = append(said, fmt.Sprintf("%q means %s now, and meant %s", col.Name, meaning(field), meaning(col.Field)))
		case arrived[col.Field] != "":
			told[arrived[col.Field]] = true
			said = append(said, fmt.Sprintf("%q, which meant %s, is gone, and %q means that now", col.Name, col.Field, arrived[col.Field]))
		default:
			said = append(said, fmt.Sprintf("%q, which meant %s, is gone", col.Name, col.Field))
		}
	}
	for _, col := range is.order {
		if _, known := was.field[col.key]; !known && !told[col.Name] {
			said = append(said, fmt.Sprintf("%q is new and means %s", col.Name, meaning(col.Field)))
		}
	}
	return said
}

func meaning(field string) string {
	if field == "" || field == sheet.NotSent {
		return "nothing"
	}
	return field
}

// columnIndex finds columns by their names as names are compared; the second of
// two with one name is another column than the first.
type columnIndex struct {
	order []keyedColumn
	field map[string]string
}

type keyedColumn struct {
	batch.Column
	key string
}

func byName(columns []batch.Column) columnIndex {
	x := columnIndex{field: map[string]string{}}
	seen := map[string]int{}
	for _, col := range columns {
		plain := sheet.Plain(col.Name)
		seen[plain]++
		key := fmt.Sprintf("%s#%d", plain, seen[plain])
		if col.Field == sheet.NotSent {
			col.Field = ""
		}
		x.order, x.field[key] = append(x.order, keyedColumn{col, key}), col.Field
	}
	return x
}
