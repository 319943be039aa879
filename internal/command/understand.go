package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"aftership-bulk/batch"
	"aftership-bulk/fetch"
	"aftership-bulk/jobs"
	"aftership-bulk/sheet"
	"aftership-bulk/sheet/charset"
	"aftership-bulk/sheet/preset"
)

// understood is a sheet with everything that was found out about it.
type understood struct {
	file     string // as it was named
	sheet    *sheet.Sheet
	preset   *preset.Preset // nil for none
	named    string         // the preset as it was named, empty if it was recognised
	chosen   []sheet.Choice // by --map
	mapping  sheet.Mapping
	warnings []sheet.Warning
}

// rules are those of the preset, or what the columns themselves say.
func (u *understood) rules() preset.Rules {
	if u.preset == nil {
		return preset.Generic(u.sheet.Header)
	}
	rules := u.preset.Rules
	for field, first := range rules.FirstOf {
		if u.decided(field, first.Columns) {
			rules.FirstOf = maps.Clone(rules.FirstOf)
			delete(rules.FirstOf, field)
		}
	}
	if len(rules.FirstOf) == 0 {
		rules.FirstOf = nil
	}
	return rules
}

// decided says that a person has said which column holds a field, or what one of
// the columns holds that a preset takes it from.
func (u *understood) decided(field string, columns []string) bool {
	return slices.ContainsFunc(u.chosen, func(c sheet.Choice) bool {
		return c.Field == field || slices.ContainsFunc(columns, func(column string) bool { return sheet.Names(c.Header, column) })
	})
}

// openSheet opens a sheet and finds out what it is, without asking that it can be imported.
func (c *cli) openSheet(ctx context.Context, file string, anyWidth bool) (*understood, error) {
	named, none, err := c.read.named()
	if err != nil {
		return nil, err
	}
	o, err := c.read.options(named)
	if err != nil {
		return nil, err
	}
	o.AnyWidth = anyWidth
	path, from, done, err := c.source(ctx, file, &o)
	if err != nil {
		return nil, ctxOr(ctx, err)
	}
	defer done()
	sh, err := sheet.Open(ctx, path, from, o)
	if err != nil {
		return nil, ctxOr(ctx, usage(err, openHint(file, err)))
	}
	u := &understood{file: displayed(file), sheet: sh, preset: named}
	switch {
	case named != nil:
		u.named = c.read.preset
	case !none:
		u.preset, _ = preset.Recognise(sh.Header)
	}
	return u, nil
}

// displayed is a file as it is shown: of an address without what may be secret in it.
func displayed(file string) string {
	if a, err := url.Parse(file); err == nil && fetch.IsAddress(file) {
		return fetch.Shown(a)
	}
	return file
}

// openHint says what to do about a sheet that can't be read.
func openHint(file string, err error) string {
	if _, ok := errors.AsType[*charset.Unsure](err); ok {
		return "enqueue inspect FILE --encoding NAME" // the error says the rest
	}
	return durationHint(file)
}

// understand finds out what a sheet's columns mean, and refuses one that can't be imported.
func (c *cli) understand(ctx context.Context, op batch.Operation, file string) (*understood, error) {
	u, err := c.openSheet(ctx, file, false)
	if err != nil {
		return nil, err
	}
	if err := c.importable(u, op); err != nil {
		return nil, errors.Join(err, u.sheet.Close())
	}
	return u, nil
}

func mapHint(op batch.Operation) string {
	return fmt.Sprintf("say what a column means with --map 'HEADER=FIELD'; `enqueue inspect FILE` shows what was understood, `enqueue template %s` the fields", commandOf(op))
}

// importable finds out what a sheet's columns mean, and refuses sheets of which
// nothing can be made.
func (c *cli) importable(u *understood, op batch.Operation) error {
	if c.nameless(u) {
		return usage(fmt.Errorf("%s has no line that names the columns: it begins with %s", u.file, firstCells(u.sheet)),
			"name them with --columns tracking_number,slug,... (one for each column; - for one that is not sent), or the header's line with --header-line")
	}
	if err := c.mapColumns(u); err != nil {
		return usage(fmt.Errorf("%s: %w", u.file, err), mapHint(op))
	}
	switch {
	case u.mapping.Has("tracking_number"), u.mapping.Has("id") && u.mapping.Has("operation"), !jobs.Creates(op) && u.mapping.Has("id"):
		return nil
	case u.numberless():
		return usage(fmt.Errorf("%s holds no tracking numbers; it was recognised as: %s", u.file, u.preset.Title), u.preset.NoTracking)
	}
	needed, try := "tracking_number", mapHint(op)
	switch {
	case !jobs.Creates(op):
		needed = "tracking_number or id"
	case u.mapping.Has("id"):
		check := ""
		if c.imp.checkOnly {
			check = " (--operation update)"
		}
		try = "the column id is for `enqueue update`, `mark-complete`, `retrack-expired` or `delete`" + check + "; " + try
	}
	return usage(fmt.Errorf("%s: no column means %s; the columns are: %s", u.file, needed, listedColumns(u.sheet.Header)), try)
}

// nameless says that no line names the columns, and nobody said what they are.
func (c *cli) nameless(u *understood) bool {
	return u.sheet.NoHeader && len(c.read.columns) == 0 && c.read.headerLine == 0
}

// numberless says that the sheet is an export of a kind that holds no tracking numbers.
func (u *understood) numberless() bool {
	return u.preset != nil && u.preset.NoTracking != "" && !u.mapping.Has("tracking_number")
}

// firstCells shows the beginning of a sheet.
func firstCells(sh *sheet.Sheet) string {
	for row := range sh.Rows() {
		return fmt.Sprintf("%q", oneLine(strings.Join(row.Cells, " | "), 80))
	}
	return "nothing"
}

// mapColumns decides what each column means: --map, then the preset, then names.
func (c *cli) mapColumns(u *understood) error {
	choices, err := c.read.choices()
	if err != nil {
		return err
	}
	u.chosen = slices.Clip(choices)
	if u.preset != nil {
		choices = append(u.chosen, u.preset.Choices(u.sheet.Header)...)
	}
	u.mapping, u.warnings, err = sheet.Map(u.sheet.Header, jobs.Columns(), choices...)
	u.warnings = append(u.sheet.Warnings, u.warnings...)
	return err
}

// marked says that the reasons of the sheet are the user-marked status of AfterShip's
// own sheets, which makes the rows that have one completions.
func (u *understood) marked(op batch.Operation) bool {
	i := slices.Index(u.mapping.Fields, "reason")
	return i >= 0 && strings.HasPrefix(strings.ToLower(u.sheet.Header[i]), "user_marked") && (jobs.Creates(op) || op == batch.Update)
}

// summary is what was understood, in one line.
func (u *understood) summary() string {
	sh := u.sheet
	parts := []string{}
	switch {
	case sh.Format == "xlsx":
		parts = append(parts, fmt.Sprintf("workbook, sheet %q", sh.SheetName))
	default:
		if sh.Encoding != "" && sh.Encoding != "utf-8" {
			parts = append(parts, sh.Encoding)
		}
		if sh.Delimiter != ',' && len(sh.Header) > 1 {
			parts = append(parts, characterName(sh.Delimiter)+" between cells")
		}
	}
	if sh.HeaderLine > 1 {
		parts = append(parts, fmt.Sprintf("header in line %d", sh.HeaderLine))
	}
	if u.preset != nil {
		parts = append(parts, "understood as "+cmp.Or(u.preset.Title, u.preset.Name))
	}
	return strings.Join(parts, ", ")
}
