package book

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/xuri/excelize/v2"
)

// Tint is the colour of what became of a row.
type Tint string

// The tints.
const (
	Plain Tint = ""     // nothing to say
	Good  Tint = "good" // done
	Mild  Tint = "mild" // to be known, nothing to be done
	Bad   Tint = "bad"  // needs a person
)

// Tints lists every tint.
func Tints() []Tint { return []Tint{Plain, Good, Mild, Bad} }

// colours are the fill and the font of tinted cells, those of Excel's own styles "Good", "Neutral" and "Bad".
var colours = map[Tint][2]string{Good: {"C6EFCE", "006100"}, Mild: {"FFEB9C", "7F6000"}, Bad: {"FFC7CE", "9C0006"}}

// Options says how a table looks.
type Options struct {
	// Sheet is the name of the sheet. Defaults to Sheet1.
	Sheet string
	// TintFrom is the first column, from 0, that takes the tint of its row.
	TintFrom int
	// TempDir is where the sheet is kept until it is whole. Defaults to the system's directory for temporary files.
	TempDir string
}

// Table writes a workbook of one sheet with a header, row by row. It holds the first rows, for the widths of the columns, and some
// megabytes of the rest; what is more goes to a temporary file that only the owner can read. Close it in any case.
type Table struct {
	file   *excelize.File
	stream *excelize.StreamWriter
	sheet  string
	dir    string // of the temporary files
	header []string
	first  []line // rows whose columns' widths are not set yet
	begun  bool
	rows   int // that the stream has, with the header
	text   int // the style of cells
	tints  map[Tint]int
	from   int
	cells  []any // of the current row
}

// line is a row that waits.
type line struct {
	cells []string
	tint  Tint
}

// MaxRows is how many rows a table can have beneath its header.
const MaxRows = excelize.TotalRows - 1

// measured is how many rows the widths of the columns are taken from.
const measured = 100

// NewTable begins a workbook with the header of its sheet.
func NewTable(header []string, o Options) (*Table, error) {
	if o.Sheet == "" {
		o.Sheet = "Sheet1"
	}
	if len(header) > excelize.MaxColumns {
		return nil, fmt.Errorf("a workbook can hold %d columns, these are %d; write a .csv file", excelize.MaxColumns, len(header))
	}
	if err := holdsAll(header, 1); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(o.TempDir, "book-*")
	if err != nil {
		return nil, fmt.Errorf("can't keep the workbook: %w; check the directory for temporary files", err)
	}
	t := &Table{sheet: o.Sheet, dir: dir, header: slices.Clone(header), rows: 1, from: o.TintFrom, tints: map[Tint]int{}}
	if err := t.open(); err != nil {
		return nil, errors.Join(fmt.Errorf("can't begin the workbook: %w", err), t.Close())
	}
	return t, nil
}

func (t *Table) open() (err error) {
	if t.file, err = newFile(t.sheet, t.dir); err != nil {
		return err
	}
	if t.text, err = t.file.NewStyle(textStyle()); err != nil {
		return err
	}
	for tint, c := range colours {
		style := textStyle()
		style.Fill, style.Font = fill(c[0]), &excelize.Font{Color: c[1]}
		if t.tints[tint], err = t.file.NewStyle(style); err != nil {
			return err
		}
	}
	t.stream, err = t.file.NewStreamWriter(t.sheet)
	return err
}

// Write writes one row.
func (t *Table) Write(cells []string, tint Tint) error {
	row := t.rows + len(t.first) + 1
	if row > MaxRows+1 {
		return fmt.Errorf("a workbook can hold %d rows beneath its header, and there are more; write a .csv file", MaxRows)
	}
	if err := holdsAll(cells, row); err != nil {
		return err
	}
	if t.begun {
		return t.put(cells, tint)
	}
	t.first = append(t.first, line{slices.Clone(cells), tint})
	if len(t.first) < measured {
		return nil
	}
	return t.begin()
}

// begin writes what comes before the rows, the header, and the rows that waited.
func (t *Table) begin() error {
	t.begun = true
	if err := t.layOut(); err != nil {
		return err
	}
	style, err := t.file.NewStyle(headStyle("D9E1F2"))
	if err != nil {
		return err
	}
	cells := make([]any, len(t.header))
	for i, name := range t.header {
		cells[i] = excelize.Cell{StyleID: style, Value: name}
	}
	if err := t.stream.SetRow("A1", cells, excelize.RowOpts{StyleID: style}); err != nil {
		return err
	}
	for _, l := range t.first {
		if err := t.put(l.cells, l.tint); err != nil {
			return err
		}
	}
	t.first = nil
	return nil
}

// layOut sets the widths and the format of the columns, and freezes the header.
func (t *Table) layOut() error {
	for i, name := range t.header {
		width := widthOf(name) + 3 // the button of the filter
		for _, l := range t.first {
			if i < len(l.cells) {
				width = max(width, widthOf(l.cells[i]))
			}
		}
		if err := t.stream.SetColWidth(i+1, i+1, float64(width)); err != nil {
			return err
		}
	}
	if len(t.header) > 0 {
		if err := t.stream.SetColStyle(1, len(t.header), t.text); err != nil {
			return err
		}
	}
	return t.stream.SetPanes(frozen())
}

func (t *Table) put(cells []string, tint Tint) error {
	t.cells = t.cells[:0]
	for i, cell := range cells {
		style := t.text
		if s, ok := t.tints[tint]; ok && i >= t.from {
			style = s
		}
		var value any // an empty cell has a style and no text
		if cell != "" {
			value = cell
		}
		t.cells = append(t.cells, excelize.Cell{StyleID: style, Value: value})
	}
	t.rows++
	at, err := excelize.CoordinatesToCellName(1, t.rows)
	if err != nil {
		return err
	}
	return t.stream.SetRow(at, t.cells, excelize.RowOpts{StyleID: t.text})
}

// WriteTo ends the sheet and writes the workbook.
func (t *Table) WriteTo(w io.Writer) (int64, error) {
	if !t.begun {
		if err := t.begin(); err != nil {
			return 0, err
		}
	}
	if err := t.filter(); err != nil {
		return 0, err
	}
	if err := t.stream.Flush(); err != nil {
		return 0, err
	}
	return save(t.file, w)
}

// filter puts the buttons of a filter on the header.
func (t *Table) filter() error {
	if len(t.header) == 0 {
		return nil
	}
	last, err := excelize.CoordinatesToCellName(len(t.header), t.rows)
	if err != nil {
		return err
	}
	return t.file.AutoFilter(t.sheet, "A1:"+last, nil)
}

// Close removes the temporary files.
func (t *Table) Close() error {
	var err error
	if t.file != nil {
		err = t.file.Close()
	}
	return errors.Join(err, os.RemoveAll(t.dir))
}
