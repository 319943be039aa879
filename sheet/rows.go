package sheet

import (
	"bytes"
	"errors"
	"io"
	"iter"
	"strings"
	"unicode/utf8"
)

// Row is one data row: its cells, as many as the header has, or more with [Options.AnyWidth]. Of a broken line that can't be split the
// cells are empty, and one more behind them holds the line. The cells belong to the caller.
type Row struct {
	Index int // of the row in the sheet, from 0; rows that are blank don't count
	Line  int // the number of the row's first line in the file, from 1, as an editor shows it; in a workbook that of the row
	Cells []string
	Skip  string // why this is no data row ("a footer of the export"); empty for data. It is yielded so that a report can answer it.
	Flaws []Flaw // cells that can't be trusted; they matter only if their column is sent

	given int // how many of the cells stand in the line; the others were filled up
}

// Flaw is something wrong with one cell, while the other cells of its row can be used.
type Flaw struct {
	Column  int    // the cell's number, from 1
	Problem string // what is wrong, to follow the cell's name: "was damaged by a spreadsheet"
	Hint    string // what to do
}

// Fill is a value that a row inherits from an earlier one: of a continuation row, say. A report never shows it.
type Fill struct {
	Column int // the cell's number, from 0
	Value  string
}

// Rows yields the data rows in the order of the file; it can be ranged over several times, also at the same time.
// A row with a [*LineError] is a broken line, and the next row follows; any other error ends the rows.
// Lines without any text are skipped, short rows are filled up with empty cells.
func (s *Sheet) Rows() iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		r := s.reader()
		for {
			row, err := r.next()
			if errors.Is(err, io.EOF) {
				break
			}
			if !yield(row, err) || fatal(err) {
				return
			}
		}
		if err := s.unchanged(); err != nil {
			yield(Row{}, err)
		}
	}
}

// fatal tells an error that ends the reading from one that concerns a line.
func fatal(err error) bool {
	if err == nil {
		return false
	}
	_, ok := errors.AsType[*LineError](err)
	return !ok
}

// rowReader turns records into rows.
type rowReader struct {
	*scanner
	sheet *Sheet
	index int
	usual int     // cells of the last good row
	doubt int64   // up to this place in the file, short lines may be the rest of an unclosed cell
	mend  *mender // reads what is broken as well as it can be; nil where that is refused
}

func (s *Sheet) reader() *rowReader {
	src := io.NewSectionReader(s.file, s.data, s.text-s.data)
	split := splitter{dialect: s.dialect, width: len(s.Header), limits: s.limits}
	r := &rowReader{sheet: s, usual: len(s.Header)}
	if s.options.AnyWidth {
		split.width, split.wide, split.limits.cell = s.width, true, s.limits.record
		r.mend = &mender{dialect: s.dialect, width: s.width, profile: s.profile, limits: split.limits}
	}
	r.scanner = newScanner(src, split, s.dataLine, s.data)
	r.countRecords = s.records
	return r
}

// next returns the next row that isn't blank.
func (r *rowReader) next() (Row, error) {
	for {
		f, err := r.scanner.next()
		if err != nil {
			return Row{}, r.sheet.readError(err)
		}
		if f.blank() {
			continue
		}
		row := Row{Index: r.index, Line: f.line}
		r.index++
		if r.mend != nil {
			return r.mended(row, f)
		}
		return r.strict(row, f)
	}
}

// strict reads a record only where it is certain how.
func (r *rowReader) strict(row Row, f found) (Row, error) {
	r.judge(&f)
	if f.unsplit() {
		row.Cells = make([]string, r.width+1) // none of its cells is known: the line stands behind them
		row.Cells[r.width] = shown(f.bytes)
	} else {
		row.Cells = r.cells(f, r.width)
	}
	if f.problem != problemNone {
		return row, r.sheet.lineError(f, row.Cells)
	}
	r.inspect(&row, f)
	return row, nil
}

// mended reads a record as well as it can be read. Only what is too large to be held is refused.
func (r *rowReader) mended(row Row, f found) (Row, error) {
	switch {
	case f.problem.tooLarge() && !r.joined(f):
		row.Cells = make([]string, max(1, len(r.sheet.Header)))
		row.Cells[0] = shown(f.bytes)
		return row, r.sheet.lineError(f, row.Cells)
	case f.problem != problemNone:
		row.Cells = r.mend.mend(f.bytes, nil, false)
	default:
		row.Cells = r.cells(f, len(f.cells))
		if f.lines == 1 && !r.sheet.records {
			row.Cells = r.mend.mend(f.bytes, row.Cells, f.clean())
		}
	}
	row.given = len(row.Cells)
	for len(row.Cells) < len(r.sheet.Header) {
		row.Cells = append(row.Cells, "")
	}
	r.inspect(&row, f)
	return row, nil
}

// joined says that a record has too many cells only because quotes joined its line with the next ones.
func (r *rowReader) joined(f found) bool {
	return f.problem == problemTooMany && !f.cut && bytes.Count(f.bytes, []byte{r.delim}) < r.limits.columns
}

// judge looks for what the splitter can't see, and remembers what the next rows are judged by.
func (r *rowReader) judge(f *found) {
	switch n := len(f.cells); {
	case f.problem != problemNone:
		r.doubt = max(r.doubt, f.pos+int64(f.reach))
	case n < r.usual && f.pos < r.doubt:
		f.fail(problemRest, 0)
	case !r.sheet.records && bytes.IndexByte(f.bytes, 0) >= 0:
		f.fail(problemNUL, 0)
		f.column = f.where(func(cell []byte) bool { return bytes.IndexByte(cell, 0) >= 0 })
	default:
		r.usual = n
	}
}

// where returns the number of the first cell that test holds for.
func (f *found) where(test func([]byte) bool) int {
	for i, sp := range f.cells {
		if test(f.bytes[sp.from:sp.to]) {
			return i + 1
		}
	}
	return 0
}

// blank says that the record has nothing but white space in its cells.
func (f *found) blank() bool {
	for _, sp := range f.cells {
		for _, c := range f.bytes[sp.from:sp.to] {
			if c != ' ' && c != '\t' && c != '\n' && c != '\r' {
				return false
			}
		}
	}
	return f.problem == problemNone
}

// clean says that the record has quotes and all of them are where they belong.
func (f *found) clean() bool {
	for _, sp := range f.cells {
		if f.quotes {
			break
		}
		if sp.enclosed {
			return true
		}
	}
	return false
}

// unsplit says that the record's cells are not known.
func (f *found) unsplit() bool { return f.problem != problemNone && f.problem != problemNUL }

// cells makes the row's strings, all of one piece of memory.
func (r *rowReader) cells(f found, width int) []string {
	text := string(f.bytes)
	cells := make([]string, width)
	for i, sp := range f.cells {
		cells[i] = text[sp.from:sp.to]
		if sp.escaped {
			cells[i] = r.unescape(cells[i])
		}
		if r.sheet.Report && r.mend == nil {
			cells[i] = Unguard(cells[i])
		}
	}
	return cells
}

// inspect looks for what is wrong with single cells and whether the row is data.
func (r *rowReader) inspect(row *Row, f found) {
	if !utf8.Valid(f.bytes) {
		row.undamage()
	}
	if r.sheet.records && bytes.IndexByte(f.bytes, 0) >= 0 {
		row.unmark(r.sheet.options.Hidden)
	} else if r.mend != nil && bytes.IndexByte(f.bytes, 0) >= 0 {
		row.unNUL()
	}
	if row.Skip == "" {
		row.Skip = r.sheet.skip(row.Cells)
	}
}

// shownBytes is how much of a line that could not be split is kept: as much as fits a spreadsheet's cell.
const shownBytes = 32_000

// shown makes text out of a broken line, cut where it is too long for a cell.
func shown(line []byte) string {
	text := strings.ToValidUTF8(string(line[:min(len(line), shownBytes)]), "\uFFFD")
	return strings.ReplaceAll(text, "\x00", "\uFFFD")
}
