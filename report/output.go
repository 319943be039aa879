package report

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"aftership-bulk/batch"
	"aftership-bulk/sheet"
	"aftership-bulk/sheet/book"
)

// output is a file of a format.
type output interface {
	write(cells []string, tint book.Tint) error
	finish() error // writes what is still held back
	close()        // removes what is left, finished or not
}

// newOutput begins a file with its header.
func newOutput(w io.Writer, header []string, info Info, o Options) (output, error) {
	if o.Format == XLSX {
		return newWorkbook(w, header, o)
	}
	if info.Delimiter == ' ' {
		info.Delimiter = ',' // which spreadsheet programs take without asking
	}
	out, err := sheet.NewWriter(w, sheet.WriterOptions{Delimiter: info.Delimiter, BOM: o.BOM || info.BOM, CRLF: info.LineEnd == "\r\n"})
	if err != nil {
		return nil, err
	}
	return text{out}, out.Write(header)
}

// text is a CSV file.
type text struct{ *sheet.Writer }

func (t text) write(cells []string, _ book.Tint) error { return t.Write(cells) }
func (t text) finish() error                           { return t.Flush() }
func (t text) close()                                  {}

// workbook is an Excel file.
type workbook struct {
	*book.Table
	to     io.Writer
	header []string
}

func newWorkbook(w io.Writer, header []string, o Options) (output, error) {
	result := len(header) - len(Columns) + 1 // the line's number has no colour
	table, err := book.NewTable(header, book.Options{Sheet: "Report", TintFrom: result, TempDir: o.TempDir})
	if err != nil {
		return nil, noWorkbook(err)
	}
	return &workbook{Table: table, to: w, header: slices.Clone(header)}, nil
}

func (b *workbook) write(cells []string, tint book.Tint) error {
	err := b.Write(cells, tint)
	if at, ok := errors.AsType[*book.CellError](err); ok {
		err = fmt.Errorf("column %s: %s; write a .csv file", b.header[at.Column-1], at.Problem)
	}
	return noWorkbook(err)
}

// CheckRows says that a report of so many rows can't have a format, for those who want to know before anything is sent.
func CheckRows(f Format, rows int) error {
	if f == XLSX && rows > book.MaxRows {
		return noWorkbook(fmt.Errorf("a workbook can hold %d rows beneath its header, these are %d; write a .csv file", book.MaxRows, rows))
	}
	return nil
}

// noWorkbook says what the error is about. What to do is in it.
func noWorkbook(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("the report can't be a workbook: %w", err)
}

func (b *workbook) finish() error {
	_, err := b.WriteTo(b.to)
	return err
}

func (b *workbook) close() { _ = b.Close() }

// tintOf is the colour of an outcome.
func tintOf(o batch.Outcome) book.Tint {
	switch {
	case o.Failed():
		return book.Bad
	case o.Done():
		return book.Good
	}
	return book.Mild
}
