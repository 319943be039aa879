package sheet

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"io"

	"github.com/gocarina/gocsv"
)

// WriterOptions says how a sheet is written.
type WriterOptions struct {
	Delimiter rune // Defaults to a comma.
	BOM       bool // begins with a byte order mark, which old versions of Excel need to see UTF-8
	CRLF      bool // ends lines with CR LF. Defaults to LF. Line ends within a cell stay as they are.
}

// Writer writes rows of cells as CSV in UTF-8. It guards nothing by itself: see [Guard].
type Writer struct {
	out  *bufio.Writer
	csv  *csv.Writer
	line *bytes.Buffer // the current row, where its line end is ours to make
}

// NewWriter makes a writer. Call Flush when all is written.
func NewWriter(w io.Writer, o WriterOptions) (*Writer, error) {
	if o.Delimiter == 0 {
		o.Delimiter = ','
	}
	if err := checkDelimiter(o.Delimiter); err != nil {
		return nil, err
	}
	out := bufio.NewWriterSize(w, 64<<10)
	if o.BOM {
		if _, err := out.WriteString(utf8BOM); err != nil {
			return nil, err
		}
	}
	made := &Writer{out: out}
	if made.csv = csv.NewWriter(out); o.CRLF {
		made.line = &bytes.Buffer{}
		made.csv = csv.NewWriter(made.line)
	}
	made.csv.Comma = o.Delimiter
	return made, nil
}

// Write writes one row. Reading gives the same cells back.
func (w *Writer) Write(cells []string) error {
	if err := w.csv.Write(cells); err != nil || w.line == nil {
		return err
	}
	// csv.Writer's own UseCRLF would change the line ends in cells, too.
	w.csv.Flush()
	w.line.Truncate(w.line.Len() - 1)
	w.line.WriteString("\r\n")
	_, err := w.line.WriteTo(w.out)
	return err
}

// Flush writes what is still held back.
func (w *Writer) Flush() error {
	w.csv.Flush()
	if err := w.csv.Error(); err != nil {
		return err
	}
	return w.out.Flush()
}

// WriteTable writes a header and one row per value, the columns by the csv tags of T. Cells are guarded.
func WriteTable[T any](w io.Writer, rows []T) error {
	out, err := NewWriter(w, WriterOptions{})
	if err != nil {
		return err
	}
	table := &tableWriter{Writer: out}
	if err := gocsv.MarshalCSV(rows, table); err != nil {
		return err
	}
	return table.Error()
}

// tableWriter is the writer that gocsv wants.
type tableWriter struct {
	*Writer
	err error
}

func (t *tableWriter) Write(cells []string) error {
	for i, cell := range cells {
		cells[i] = Guard(cell)
	}
	return t.Writer.Write(cells)
}

func (t *tableWriter) Flush()       { t.err = t.Writer.Flush() }
func (t *tableWriter) Error() error { return t.err }
