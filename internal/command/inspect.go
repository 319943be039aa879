package command

import (
	"cmp"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"aftership-bulk/batch"
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
		if at, ok := errors.AsType[*fs.PathError](err); ok {
			err = at.Err // whose path is that of a temporary file
		}
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
	in.meaning(c, u)
	for i, name := range sh.Header {
		in.Columns = append(in.Columns, columnView{Column: i + 1, Header: name, Field: u.mapping.Fields[i], First: []string{}})
	}
	if err := in.rows(ctx, u); err != nil {
		return nil, err
	}
	for _, w := range u.warnings {
		in.Warnings = append(in.Warnings, w.String())
	}
	if sh.EncodingDoubt != nil {
		in.Warnings = append(in.Warnings, sh.EncodingDoubt.Error())
	}
	in.Flags = u.flags(c.read)
	return in, nil
}

// meaning finds out what the columns mean, and why nothing can be made of them.
func (in *inspection) meaning(c *cli, u *understood) {
	if err := c.mapColumns(u); err != nil {
		in.Unmapped = err.Error()
		u.mapping = sheet.Mapping{Fields: make([]string, len(u.sheet.Header))}
	}
	if u.preset != nil {
		in.Preset, in.title = u.preset.Name, u.preset.Title
	}
	switch {
	case c.nameless(u):
		in.Unmapped = "no line names the columns; name them with --columns tracking_number,slug,... (one for each; - for one that is not sent)"
	case u.numberless():
		in.NoTracking, in.Unmapped = u.preset.NoTracking, u.preset.NoTracking
	case in.Unmapped == "" && !u.mapping.Has("tracking_number") && !u.mapping.Has("id"):
		in.Unmapped = "no column means tracking_number, nor id; say it with --map 'HEADER=tracking_number'"
	}
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
func (u *understood) flags(said readingFlags) []string {
	f := u.formFlags(said)
	switch {
	case len(said.columns) > 0:
		f.add("columns", listFlag(said.columns))
	case u.sheet.NoHeader:
		f.add("columns", listFlag(u.sheet.Header))
	case u.sheet.HeaderLine > 0:
		f.add("header-line", strconv.Itoa(u.sheet.HeaderLine))
	}
	if u.sheet.HeaderLines > 1 {
		f.add("header-lines", strconv.Itoa(u.sheet.HeaderLines))
	}
	switch {
	case u.preset != nil:
		f.add("preset", cmp.Or(u.named, u.preset.Name))
		for _, m := range said.maps {
			f.add("map", m)
		}
		return f
	case said.preset != "":
		f.add("preset", said.preset)
	}
	return append(f, u.mapFlags(said)...)
}

// flagList is what stands on a command line.
type flagList []string

func (f *flagList) add(name, value string) { *f = append(*f, "--"+name, value) }

// formFlags say how the cells are read.
func (u *understood) formFlags(said readingFlags) (f flagList) {
	sh := u.sheet
	if said.member != "" {
		f.add("member", said.member)
	}
	if said.private {
		f = append(f, "--allow-private-address")
	}
	if sh.Format == sheet.FormatXLSX {
		f.add("sheet", sh.SheetName)
		if said.hidden {
			f = append(f, "--hidden-rows")
		}
		return f
	}
	if sh.Encoding != "" {
		f.add("encoding", sh.Encoding)
	}
	f.add("delimiter", characterName(sh.Delimiter))
	if sh.Quote != '"' {
		f.add("quote-char", quoteName(sh.Quote))
	}
	if sh.Escape == '\\' {
		f.add("escape-char", "backslash")
	}
	return f
}

// mapFlags say which field each column holds that has not the field's own name.
func (u *understood) mapFlags(said readingFlags) (f flagList) {
	for i, field := range u.mapping.Fields {
		if field != "" && field != u.sheet.Header[i] && !sheet.IsReportColumn(u.sheet.Header[i]) {
			f.add("map", u.sheet.Header[i]+"="+field)
		}
	}
	for _, m := range said.maps {
		if strings.HasSuffix(m, "="+sheet.NotSent) {
			f.add("map", m)
		}
	}
	return f
}

// listFlag writes a list as --columns takes it.
func listFlag(names []string) string {
	var b strings.Builder
	w := csv.NewWriter(&b)
	_ = w.Write(names) // to memory
	w.Flush()
	return strings.TrimSuffix(b.String(), "\n")
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
	c.ui.say("\nTo read it the same way again:\n  enqueue %s %s %s", in.command(), shellJoin(in.Flags), shellQuote(in.File))
}

// command is the command that can do something with the sheet.
func (in *inspection) command() string {
	has := func(field string) bool {
		return slices.ContainsFunc(in.Columns, func(col columnView) bool { return col.Field == field })
	}
	switch {
	case in.Unmapped != "":
		return "inspect"
	case has("reason"):
		return commandOf(batch.Complete)
	case has("tracking_number"):
		return commandOf(batch.Create)
	}
	return commandOf(batch.Update)
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
	put("encoding", "%s", cmp.Or(in.Encoding, "not sure"))
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
		put("header", "none was found")
	case in.HeaderLines > 1:
		put("header", "lines %d to %d", in.HeaderLine, in.HeaderLine+in.HeaderLines-1)
	default:
		put("header", "line %d", in.HeaderLine)
	}
	for _, line := range in.Preamble {
		put("above it", "%s", oneLine(line, 90))
	}
	switch {
	case in.title != "":
		put("preset", "%s: %s", in.Preset, in.title)
	case in.Preset != "":
		put("preset", "%s", in.Preset)
	default:
		put("preset", "none")
	}
}

func (in *inspection) tellRows(put func(name, format string, args ...any)) {
	parts := []string{strconv.Itoa(in.Rows)}
	if in.Broken > 0 {
		parts = append(parts, fmt.Sprintf("%d of them can't be read", in.Broken))
	}
	for _, why := range slices.Sorted(maps.Keys(in.Skipped)) {
		parts = append(parts, fmt.Sprintf("%d left out (%s)", in.Skipped[why], why))
	}
	put("rows", "%s", strings.Join(parts, "; "))
}

func (in *inspection) columnTable() [][]string {
	rows := [][]string{{"  COLUMN", "MEANS", "FIRST VALUES"}}
	for _, col := range in.Columns {
		rows = append(rows, []string{"  " + oneLine(col.Header, 40), cmp.Or(col.Field, "(not sent)"), oneLine(strings.Join(col.First, " | "), 70)})
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
