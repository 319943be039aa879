package sheet

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Delimiters lists the delimiters that are looked for, the likelier first.
func Delimiters() []rune { return []rune{',', ';', '\t', '|'} }

// layout is how the text is cut and where its data begins.
type layout struct {
	columns  map[string]int // by normalised name
	data     int64          // where the first line after the header begins
	dataLine int
}

// readHeader finds the header line and the delimiter, and where the data begins.
func (s *Sheet) readHeader() error {
	start, line := int64(0), 1
	if s.BOM {
		start = int64(len(utf8BOM))
	}
	if d, size := s.sepLine(start); size > 0 {
		start, line = start+size, 2
		if s.Delimiter == 0 {
			s.Delimiter = d
		}
	}
	candidates := Delimiters()
	if s.Delimiter != 0 {
		candidates = []rune{s.Delimiter}
	}
	return s.bestHeader(start, line, candidates)
}

// sepLine reads the line sep=; that Excel understands above the header.
func (s *Sheet) sepLine(start int64) (delim rune, size int64) {
	head := make([]byte, 8)
	n, _ := s.file.ReadAt(head, start)
	head = head[:n]
	if n < 6 || !strings.EqualFold(string(head[:4]), "sep=") || checkDelimiter(rune(head[4])) != nil {
		return 0, 0
	}
	if head[5] != '\r' && head[5] != '\n' {
		return 0, 0
	}
	next, _ := skipLineEnd(head, 5, true)
	return rune(head[4]), int64(next)
}

// bestHeader reads the header with each delimiter and keeps the reading that has the most cells; one that shows our own
// report columns wins over all.
func (s *Sheet) bestHeader(start int64, line int, candidates []rune) error {
	best, most := header{}, -1
	var firstErr error
	for _, d := range candidates {
		h, err := s.tryHeader(start, line, d)
		if err != nil {
			if firstErr == nil {
				firstErr = err
			}
			continue
		}
		score := len(h.cells)
		if IsReport(h.cells) {
			score += s.limits.columns
		}
		if score > most {
			best, most = h, score
		}
	}
	// One column is what a wrong delimiter makes of every header; an error of a likelier one says more.
	if firstErr != nil && most <= 1 {
		return firstErr
	}
	s.setHeader(best)
	return nil
}

// header is the header line as read with one delimiter.
type header struct {
	cells []string
	line  int
	delim rune
	data  int64 // where the line after it begins
	next  int   // and that line's number
}

func (s *Sheet) setHeader(h header) {
	s.Header, s.HeaderLine, s.Delimiter, s.data, s.dataLine = h.cells, h.line, h.delim, h.data, h.next
	if s.Report = IsReport(h.cells); s.Report {
		for i, cell := range h.cells {
			s.Header[i] = Unguard(cell)
		}
		s.limits = s.limits.ofReport()
	}
	s.columns = columnIndex(s.Header)
}

// ofReport returns the limits for a report of a sheet that kept to these: quotes in it are written twice, guards and our
// columns are added.
func (l limits) ofReport() limits {
	const ours = 128 << 10
	return limits{cell: 2*l.cell + 8, record: 2*l.record + 8*l.columns + ours, columns: l.columns + len(ReportColumns)}
}

// tryHeader reads the first line that isn't blank as the header.
func (s *Sheet) tryHeader(start int64, line int, delim rune) (header, error) {
	src := io.NewSectionReader(s.file, start, s.text-start)
	sc := newScanner(src, splitter{delim: byte(delim), limits: s.limits}, line, start)
	for {
		f, err := sc.next()
		if errors.Is(err, io.EOF) {
			return header{}, errors.New("the file has no header; its first line must name the columns")
		}
		if err != nil {
			return header{}, s.readError(err)
		}
		if f.problem == problemNone && len(bytes.Trim(f.bytes, string(delim)+"\" ,;|\t\r\n")) == 0 {
			continue
		}
		if err := s.checkHeader(f); err != nil {
			return header{}, err
		}
		return header{cells: headerCells(f), line: f.line, delim: delim, data: sc.pos, next: sc.line}, nil
	}
}

// checkHeader refuses a header that can't be trusted: nothing below it could be either.
func (s *Sheet) checkHeader(f found) error {
	if !utf8.Valid(f.bytes) {
		return fmt.Errorf("the header (line %d) holds bytes that are not UTF-8; save the file as \"CSV UTF-8\"", f.line)
	}
	switch f.problem {
	case problemNone:
		return nil
	case problemTooMany:
		return fmt.Errorf("the header (line %d) has more than %d columns; is this a CSV file?", f.line, s.limits.columns)
	}
	p := problems[f.problem]
	return fmt.Errorf("the header (line %d) can't be read: %s; %s", f.line, p.text, p.hint)
}

func headerCells(f found) []string {
	cells := make([]string, len(f.cells))
	for i, sp := range f.cells {
		cells[i] = string(f.bytes[sp.from:sp.to])
		if sp.doubled {
			cells[i] = strings.ReplaceAll(cells[i], `""`, `"`)
		}
	}
	return cells
}
