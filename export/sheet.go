package export

import (
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"

	"aftership-bulk/aftership"
	"aftership-bulk/sheet"
	"aftership-bulk/sheet/book"
)

// mostCustom is how many custom fields get a column of their own.
const mostCustom = 2000

// Form says how a sheet is written.
type Form struct {
	Workbook bool // an Excel workbook instead of CSV
	// Plain guards formulas alone; else what a spreadsheet program would round or write anew is guarded, too.
	Plain bool
	Name  string // of the workbook's sheet
}

// Write writes the records as a sheet of the columns, with one for each custom field that occurs where custom_fields is
// among them. The records are read twice then.
func Write(w io.Writer, columns []string, records iter.Seq2[Record, error], f Form) error {
	at := slices.Index(columns, customFields)
	header, custom := columns, []string(nil)
	if at >= 0 {
		var err error
		if custom, err = customNames(records); err != nil {
			return err
		}
		header = slices.Concat(columns[:at], prefixed(custom), columns[at+1:])
	}
	t, err := newTable(w, header, f)
	if err != nil {
		return err
	}
	defer t.close()
	var cells []string
	for r, err := range records {
		if err != nil {
			return err
		}
		cells = r.appendTo(cells[:0], at, custom)
		if err := t.write(cells); err != nil {
			return err
		}
	}
	return t.finish()
}

func prefixed(names []string) []string {
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = aftership.CustomFieldPrefix + name
	}
	return out
}

// appendTo appends the cells, those of custom fields in the place of their common column.
func (r *Record) appendTo(cells []string, at int, custom []string) []string {
	if at < 0 || at >= len(r.Cells) {
		return append(cells, r.Cells...)
	}
	cells = append(cells, r.Cells[:at]...)
	for _, name := range custom {
		cells = append(cells, printable(r.Custom[name]))
	}
	return append(cells, r.Cells[at+1:]...)
}

// customNames lists the custom fields that occur.
func customNames(records iter.Seq2[Record, error]) ([]string, error) {
	names := map[string]bool{}
	for r, err := range records {
		if err != nil {
			return nil, err
		}
		for name := range r.Custom {
			names[name] = true
		}
		if len(names) > mostCustom {
			return nil, fmt.Errorf("the trackings have more than %d custom fields: name those that are wanted, as --fields id,custom_fields.NAME", mostCustom)
		}
	}
	return slices.Sorted(maps.Keys(names)), nil
}

// table is a sheet in the making.
type table interface {
	write(cells []string) error
	finish() error
	close()
}

func newTable(w io.Writer, header []string, f Form) (table, error) {
	if f.Workbook {
		t, err := book.NewTable(guardAll(header, sheet.GuardNothing), book.Options{Sheet: f.Name, TintFrom: len(header)})
		if err != nil {
			return nil, fmt.Errorf("it can't be a workbook: %w", err)
		}
		return &workbook{t, w}, nil
	}
	out, err := sheet.NewWriter(w, sheet.WriterOptions{})
	if err != nil {
		return nil, err
	}
	guard := sheet.GuardNumbers
	if f.Plain {
		guard = sheet.Guard
	}
	return &text{out, guard}, out.Write(guardAll(header, guard))
}

// text is a CSV file.
type text struct {
	*sheet.Writer
	guard func(string) string
}

func (t *text) write(cells []string) error { return t.Write(guardAll(cells, t.guard)) }
func (t *text) finish() error              { return t.Flush() }
func (t *text) close()                     {}

func guardAll(cells []string, guard func(string) string) []string {
	out := make([]string, len(cells))
	for i, cell := range cells {
		out[i] = guard(cell)
	}
	return out
}

// workbook is an Excel file, whose cells are text.
type workbook struct {
	*book.Table
	to io.Writer
}

func (b *workbook) write(cells []string) error {
	if err := b.Write(guardAll(cells, sheet.GuardNothing), book.Plain); err != nil {
		return fmt.Errorf("it can't be a workbook: %w", err)
	}
	return nil
}

func (b *workbook) finish() error {
	_, err := b.WriteTo(b.to)
	return err
}

func (b *workbook) close() { _ = b.Close() }
