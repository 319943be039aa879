package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"aftership-bulk/sheet"
	"aftership-bulk/sheet/preset"
)

// inspectFlags are the flags of inspect alone.
type inspectFlags struct {
	toCSV   string
	save    string
	presets bool
}

func (c *cli) inspectCommand() *cobra.Command {
	var f inspectFlags
	cmd := &cobra.Command{
		Use: "inspect FILE", Short: "Show how a sheet is understood: encoding, delimiter, header, columns, rows",
		Long: `Shows what was found out about a sheet, and the flags that read it the same way
again. Nothing is sent, and no key is needed.

FILE is a CSV in any dialect and encoding, an Excel workbook (.xlsx), either of
them in .gz or .zip, - for standard input, or an https:// address.

--to-csv writes the whole sheet as clean CSV (UTF-8, commas, every cell as text).
--save writes what was understood as a preset of your own: mend it, and use it
with --preset FILE.yaml.`,
		Example: `  enqueue inspect export.csv
  enqueue inspect --sheet Orders --to-csv clean.csv orders.xlsx
  enqueue inspect --map 'Sendung=tracking_number' --save nightly.yaml export.csv
  enqueue inspect --presets`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, files []string) error {
			switch {
			case f.presets:
				return c.listPresets()
			case len(files) == 0:
				return usage(errors.New("inspect needs a file"), cmd.Example)
			}
			return c.inspect(cmd.Context(), files[0], f)
		},
	}
	cmd.Flags().StringVar(&f.toCSV, "to-csv", "", "write the whole sheet to this `FILE` as clean CSV; - is standard output")
	cmd.Flags().StringVar(&f.save, "save", "", "write what was understood to this `FILE.yaml`, a preset for --preset")
	cmd.Flags().BoolVar(&f.presets, "presets", false, "list the presets that are known")
	c.read.add(cmd.Flags())
	return cmd
}

func (c *cli) listPresets() error {
	rows := [][]string{{"PRESET", "WHAT IT IS"}}
	for _, p := range preset.All() {
		title := p.Title
		if p.NoTracking != "" {
			title += " (has no tracking numbers)"
		}
		rows = append(rows, []string{p.Name, title})
	}
	c.ui.table(rows)
	return nil
}

func (c *cli) inspect(ctx context.Context, file string, f inspectFlags) error {
	u, err := c.openSheet(ctx, file, f.toCSV != "")
	if err != nil {
		return err
	}
	defer u.sheet.Close()
	if f.toCSV == "-" {
		return ctxOr(ctx, u.sheet.WriteCSV(ctx, c.ui.stdout))
	}
	in, err := newInspection(ctx, c, u)
	if err != nil {
		return ctxOr(ctx, usage(err, ""))
	}
	if c.ui.json {
		err = json.NewEncoder(c.ui.stdout).Encode(in)
	} else {
		c.tellInspection(in)
	}
	return errors.Join(err, c.writeClean(ctx, u, f.toCSV), c.savePreset(u, f.save))
}

func (c *cli) writeClean(ctx context.Context, u *understood, path string) error {
	if path == "" {
		return nil
	}
	err := writeWhole(path, func(w io.Writer) error { return u.sheet.WriteCSV(ctx, w) })
	if err != nil {
		return ctxOr(ctx, usage(err, "choose another place with --to-csv"))
	}
	c.ui.say("Clean CSV: %s", path)
	return nil
}

// writeWhole writes a file that is whole or absent.
func writeWhole(path string, write func(io.Writer) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.tmp")
	if err != nil {
		return fmt.Errorf("can't write %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	if err := errors.Join(write(f), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// savePreset writes what was understood as a preset.
func (c *cli) savePreset(u *understood, path string) error {
	if path == "" {
		return nil
	}
	p := preset.Of(path, u.sheet, u.mapping, u.rules())
	if err := writeWhole(path, p.Write); err != nil {
		return usage(err, "choose another place with --save")
	}
	c.ui.say("Preset: %s; use it with --preset %s", path, path)
	return nil
}

// inspection is what is shown of a sheet.
type inspection struct {
	File        string            `json:"file"`
	Format      string            `json:"format"`
	Packed      string            `json:"packed,omitzero"`
	Bytes       int64             `json:"bytes"`
	Encoding    string            `json:"encoding,omitzero"`
	Delimiter   string            `json:"delimiter,omitzero"`
	Quote       string            `json:"quote,omitzero"`
	LineEnd     string            `json:"line_end,omitzero"`
	Sheet       string            `json:"sheet,omitzero"`
	Sheets      []sheet.SheetInfo `json:"sheets,omitzero"`
	HeaderLine  int               `json:"header_line"`
	HeaderLines int               `json:"header_lines"`
	NoHeader    bool              `json:"no_header,omitzero"`
	Preamble    []string          `json:"preamble,omitzero"`
	Preset      string            `json:"preset,omitzero"`
	NoTracking  string            `json:"no_tracking,omitzero"`
	Columns     []columnView      `json:"columns"`
	Rows        int               `json:"rows"`
	Broken      int               `json:"broken_rows,omitzero"`
	Skipped     map[string]int    `json:"skipped_rows,omitzero"`
	Unmapped    string            `json:"not_importable,omitzero"`
	Warnings    []string          `json:"warnings,omitzero"`
	Flags       []string          `json:"flags"`

	title string
}

// columnView is one column with what it means and how it begins.
type columnView struct {
	Column int      `json:"column"`
	Header string   `json:"header"`
	Field  string   `json:"field,omitzero"`
	First  []string `json:"first"`
}

// firstRows is how many rows inspect shows.
const firstRows = 3

func newInspection(ctx context.Context, c *cli, u *understood) (*inspection, error) {
	sh := u.sheet
	in := &inspection{
		File: u.file, Format: sh.Format, Packed: sh.Packed, Bytes: sh.Size, Sheet: sh.SheetName, Sheets: sh.Sheets,
		HeaderLine: sh.HeaderLine, HeaderLines: sh.HeaderLines, NoHeader: sh.NoHeader, Preamble: sh.Preamble, Skipped: map[string]int{},
	}
	if sh.Format != "xlsx" {
		in.Encoding, in.Delimiter, in.LineEnd = sh.Encoding, characterName(sh.Delimiter), sh.LineEnd
		in.Quote = quoteName(sh.Quote)
	}
	if err := c.mapColumns(u); err != nil {
		in.Unmapped = err.Error()
		u.mapping = sheet.Mapping{Fields: make([]string, len(sh.Header))}
	}
	if u.preset != nil {
		in.Preset, in.title, in.NoTracking = u.preset.Name, u.preset.Title, u.preset.NoTracking
	}
	for i, name := range sh.Header {
		in.Columns = append(in.Columns, columnView{Column: i + 1, Header: name, Field: u.mapping.Fields[i], First: []string{}})
	}
	if err := in.rows(ctx, u); err != nil {
		return nil, err
	}
	for _, w := range u.warnings {
		in.Warnings = append(in.Warnings, w.String())
	}
	in.Flags = u.flags()
	return in, nil
}

// rows counts the rows and keeps how each column begins.
func (in *inspection) rows(ctx context.Context, u *understood) error {
	rules := u.rules().Reader(u.sheet.Header)
	for row, err := range u.sheet.Rows() {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		in.Rows++
		switch {
		case err != nil && isLineError(err):
			in.Broken++
		case err != nil:
			return err
		case row.Skip != "":
			in.Skipped[row.Skip]++
		default:
			in.data(rules, row)
		}
	}
	return nil
}

// data counts a row that the reader takes for data; the preset may know better.
func (in *inspection) data(rules *preset.Reader, row sheet.Row) {
	if _, skip := rules.Row(row.Cells); skip != "" {
		in.Skipped[skip]++
	} else if in.Rows <= 1000 {
		in.keep(row)
	}
}

func isLineError(err error) bool {
	_, ok := errors.AsType[*sheet.LineError](err)
	return ok
}

// keep keeps the first values of each column, without empty ones.
func (in *inspection) keep(row sheet.Row) {
	for i, cell := range row.Cells {
		if i < len(in.Columns) && cell != "" && len(in.Columns[i].First) < firstRows {
			in.Columns[i].First = append(in.Columns[i].First, cell)
		}
	}
}

func quoteName(r rune) string {
	switch r {
	case '"':
		return "double"
	case '\'':
		return "single"
	case sheet.NoQuote:
		return "none"
	}
	return string(r)
}

// flags are the flags that read the sheet the same way without finding out anything.
func (u *understood) flags() []string {
	sh := u.sheet
	var flags []string
	add := func(name, value string) { flags = append(flags, "--"+name, value) }
	if sh.Format == "xlsx" {
		add("sheet", sh.SheetName)
	} else {
		add("encoding", sh.Encoding)
		add("delimiter", characterName(sh.Delimiter))
		if sh.Quote != '"' {
			add("quote-char", quoteName(sh.Quote))
		}
		if sh.Escape == '\\' {
			add("escape-char", "backslash")
		}
	}
	if sh.NoHeader {
		add("columns", strings.Join(sh.Header, ","))
	} else {
		add("header-line", strconv.Itoa(sh.HeaderLine))
	}
	if sh.HeaderLines > 1 {
		add("header-lines", strconv.Itoa(sh.HeaderLines))
	}
	if u.preset != nil {
		add("preset", cmp.Or(u.named, u.preset.Name))
		return flags
	}
	for i, field := range u.mapping.Fields {
		if field != "" && field != sh.Header[i] && !sheet.IsReportColumn(sh.Header[i]) {
			add("map", sh.Header[i]+"="+field)
		}
	}
	return flags
}

func (c *cli) tellInspection(in *inspection) {
	c.ui.say("%s", in.File)
	rows := [][]string{}
	put := func(name, format string, args ...any) {
		rows = append(rows, []string{"  " + name, fmt.Sprintf(format, args...)})
	}
	in.tellForm(put)
	in.tellHeader(put)
	in.tellRows(put)
	c.ui.show(rows)
	c.ui.say("")
	c.ui.show(in.columnTable())
	for _, w := range in.Warnings {
		c.ui.warn("%s", w)
	}
	if in.Unmapped != "" {
		c.ui.warn("it can't be imported as it is: %s", in.Unmapped)
	}
	c.ui.say("\nTo read it the same way again:\n  enqueue create %s %s", shellJoin(in.Flags), shellQuote(in.File))
}

func (in *inspection) tellForm(put func(name, format string, args ...any)) {
	form := "CSV"
	if in.Format == "xlsx" {
		form = "Excel workbook"
	}
	if in.Packed != "" {
		form += " in " + in.Packed
	}
	put("format", "%s, %d bytes", form, in.Bytes)
	if in.Format == "xlsx" {
		put("sheet", "%s (of %s)", in.Sheet, sheetNames(in.Sheets))
		return
	}
	put("encoding", "%s", in.Encoding)
	put("delimiter", "%s; quotes: %s; line ends: %s", in.Delimiter, in.Quote, strings.ToUpper(in.LineEnd))
}

func sheetNames(sheets []sheet.SheetInfo) string {
	names := make([]string, len(sheets))
	for i, s := range sheets {
		names[i] = s.Name
		if s.Hidden {
			names[i] += " (hidden)"
		}
	}
	return strings.Join(names, ", ")
}

func (in *inspection) tellHeader(put func(name, format string, args ...any)) {
	switch {
	case in.NoHeader:
		put("header", "none: name the columns with --columns, or the header's line with --header-line")
	case in.HeaderLines > 1:
		put("header", "lines %d to %d", in.HeaderLine, in.HeaderLine+in.HeaderLines-1)
	default:
		put("header", "line %d", in.HeaderLine)
	}
	for _, line := range in.Preamble {
		put("above it", "%s", shortenTo(line, 90))
	}
	switch {
	case in.NoTracking != "":
		put("preset", "%s: %s. It has no tracking numbers: %s", in.Preset, in.title, in.NoTracking)
	case in.Preset != "":
		put("preset", "%s: %s", in.Preset, in.title)
	default:
		put("preset", "none")
	}
}

func (in *inspection) tellRows(put func(name, format string, args ...any)) {
	text := strconv.Itoa(in.Rows)
	if in.Broken > 0 {
		text += fmt.Sprintf(", of which %d can't be read", in.Broken)
	}
	for _, why := range slices.Sorted(maps.Keys(in.Skipped)) {
		text += fmt.Sprintf("; %d left out: %s", in.Skipped[why], why)
	}
	put("rows", "%s", text)
}

func (in *inspection) columnTable() [][]string {
	rows := [][]string{{"  COLUMN", "MEANS", "FIRST VALUES"}}
	for _, col := range in.Columns {
		rows = append(rows, []string{"  " + shortenTo(col.Header, 40), cmp.Or(col.Field, "(not sent)"), shortenTo(strings.Join(col.First, " | "), 70)})
	}
	return rows
}

// shellJoin writes arguments as a shell takes them.
func shellJoin(args []string) string {
	quoted := make([]string, len(args))
	for i, a := range args {
		quoted[i] = shellQuote(a)
	}
	return strings.Join(quoted, " ")
}

func shellQuote(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./=:,+@%", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
