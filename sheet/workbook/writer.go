package workbook

import (
	"bufio"
	"io"
	"strings"
)

// writer writes records of CSV, each at its number.
type writer struct {
	out    *bufio.Writer
	next   int // number of the next record
	widest int // cells of the widest record so far
	most   int // how many records that hold anything are written; 0 for all
	count  int // of them
}

func newWriter(w io.Writer) *writer { return &writer{out: bufio.NewWriterSize(w, 64<<10), next: 1} }

// write writes the record of a row, and empty ones for the rows before it that hold nothing.
func (w *writer) write(number int, cells []string) error {
	for len(cells) > 0 && cells[len(cells)-1] == "" {
		cells = cells[:len(cells)-1]
	}
	if len(cells) == 0 {
		return nil
	}
	if w.count++; w.most > 0 && w.count > w.most {
		return errEnough
	}
	for ; w.next < number; w.next++ {
		w.out.WriteByte('\n') // what fails here fails again at the end of the record
	}
	w.widest = max(w.widest, len(cells))
	enclosed := false
	for i, cell := range cells {
		enclosed = enclosed || special(cell)
		if i > 0 {
			w.out.WriteByte(',')
		}
		w.cell(cell)
	}
	for i := len(cells); enclosed && i < w.widest; i++ {
		w.out.WriteByte(',') // a short record with quotes looks as if one of them were misplaced
	}
	w.next++
	return w.out.WriteByte('\n')
}

func (w *writer) cell(cell string) {
	if !special(cell) {
		w.out.WriteString(cell)
		return
	}
	w.out.WriteByte('"')
	w.out.WriteString(strings.ReplaceAll(cell, `"`, `""`))
	w.out.WriteByte('"')
}

// special says that a cell can't be written without quotes.
func special(cell string) bool { return strings.ContainsAny(cell, ",\"\r\n") }

func (w *writer) flush() error { return w.out.Flush() }
