package sheet

import (
	"bufio"
	"context"
	"io"
	"strings"
)

// WriteCSV writes the whole sheet as clean CSV: UTF-8, commas, LF, every cell in quotes, as RFC 4180 has it. Columns
// and rows are those of the sheet: a row has as many cells as it had there, rows with [Row.Skip] are written like all others, and a sheet
// without a header gets none. Lines of a preamble and blank lines are no rows. Open the sheet with [Options.AnyWidth],
// or a broken line ends the writing with its error.
func (s *Sheet) WriteCSV(ctx context.Context, w io.Writer) error {
	out := bufio.NewWriterSize(w, 64<<10)
	if !s.NoHeader {
		writeQuoted(out, s.Header)
	}
	n := 0
	for row, err := range s.Rows() {
		if n++; err == nil && n%1000 == 0 {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		if err := writeQuoted(out, row.asGiven()); err != nil {
			return err
		}
	}
	return out.Flush()
}

// asGiven returns the cells that stand in the row's line.
func (row Row) asGiven() []string {
	if row.given == 0 {
		return row.Cells
	}
	return row.Cells[:row.given]
}

// writeQuoted writes a record with every cell in quotes, so that none can be taken for anything but text.
func writeQuoted(out *bufio.Writer, cells []string) error {
	for i, cell := range cells {
		if i > 0 {
			out.WriteByte(',')
		}
		out.WriteByte('"')
		out.WriteString(strings.ReplaceAll(valid(cell), `"`, `""`))
		out.WriteByte('"')
	}
	return out.WriteByte('\n')
}
