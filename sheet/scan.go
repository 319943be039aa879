package sheet

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// scanner cuts a stream into records, in a buffer that never grows beyond the limits.
type scanner struct {
	splitter
	src   io.Reader
	buf   []byte // unread bytes are buf[start:end]
	start int
	end   int
	eof   bool
	line  int   // number of the physical line that begins at start
	pos   int64 // place in the file of the byte at start
	rec   record
	spent int64 // bytes looked at in vain
	// countRecords makes each record one line, whatever is in it: the line is the number of a workbook's row.
	countRecords bool
	// stopAtLong ends the reading at a line beyond the limit instead of looking for that line's end.
	stopAtLong bool
}

// minBuffer is what a scanner reads at once.
const minBuffer = 64 << 10

func newScanner(src io.Reader, s splitter, line int, pos int64) *scanner {
	size := min(minBuffer, s.limits.record+2)
	if section, ok := src.(*io.SectionReader); ok { // all of a small text at once, with room to see its end
		size = min(size, int(min(section.Size(), minBuffer))+1)
	}
	return &scanner{src: src, splitter: s, line: line, pos: pos, buf: make([]byte, size)}
}

// found is a record in the stream. Its text is valid until the next call.
type found struct {
	*record
	bytes []byte // the record without its line end
	line  int
	pos   int64
	cut   bool // there is more of the line than is in bytes
}

// next returns the next record, or io.EOF.
func (s *scanner) next() (found, error) {
	for {
		if s.start == s.end && s.eof {
			return found{}, io.EOF
		}
		window, eof := s.window()
		switch {
		case len(window) > 0 && s.split(window, eof, &s.rec):
			return s.take()
		case len(window) == s.limits.record+2:
			return s.tooLong(window)
		}
		if err := s.fill(); err != nil {
			return found{}, err
		}
	}
}

// window returns the bytes that the next record may take, as far as they are read: its limit and a line end. What is
// found never depends on how many more happen to be in the buffer.
func (s *scanner) window() (window []byte, eof bool) {
	end := min(s.end, s.start+s.limits.record+2)
	return s.buf[s.start:end], s.eof && end == s.end
}

// take hands out the record that was split and moves on.
func (s *scanner) take() (found, error) {
	f := found{record: &s.rec, bytes: s.buf[s.start : s.start+s.rec.text], line: s.line, pos: s.pos}
	if s.countRecords {
		s.rec.lines = 1
	}
	s.advance(s.rec.size, s.rec.lines)
	if s.rec.problem == problemNone {
		return f, nil
	}
	return f, s.spend(s.rec.reach)
}

func (s *scanner) advance(size, lines int) {
	s.start += size
	s.pos += int64(size)
	s.line += lines
}

var errTooManyQuotes = errors.New("too many misplaced quotes")

// spend counts the bytes that were looked at for a broken record, most of which are looked at again for the next ones. A file
// made for it could have us look at each byte thousands of times.
func (s *scanner) spend(n int) error {
	const free, factor = 16 << 20, 32
	if s.spent += int64(n); s.spent > free+factor*s.pos {
		return fmt.Errorf("%w up to line %d; look for one (\") that is never closed", errTooManyQuotes, s.line)
	}
	return nil
}

// tooLong gives up a record beyond the limit: its first physical line if that is short enough, or else all up to wherever
// the line ends.
func (s *scanner) tooLong(window []byte) (found, error) {
	if s.rec.cells = s.rec.cells[:0]; s.rec.problem != problemTooMany {
		s.rec.fail(problemLongLine, len(window))
	}
	if s.isolate(window, false, &s.rec) {
		return s.take()
	}
	f := found{record: &s.rec, line: s.line, pos: s.pos, bytes: bytes.Clone(window[:min(len(window), shownBytes)]), cut: true}
	if s.stopAtLong {
		s.start, s.end, s.eof = 0, 0, true
		return f, nil
	}
	return f, s.discard()
}

// discard skips the rest of a physical line, buffer by buffer.
func (s *scanner) discard() error {
	for {
		i := lineEnd(s.buf[s.start:s.end])
		if i >= 0 {
			s.advance(i, 0)
			if size, ok := skipLineEnd(s.buf[s.start:s.end], 0, s.eof); ok {
				s.advance(size, 1)
				return nil
			}
		} else {
			s.advance(s.end-s.start, 0)
		}
		if s.eof {
			s.line++
			return nil
		}
		if err := s.fill(); err != nil {
			return err
		}
	}
}

// fill reads more bytes behind the unread ones, making room first.
func (s *scanner) fill() error {
	if s.start > 0 {
		s.end = copy(s.buf, s.buf[s.start:s.end])
		s.start = 0
	}
	if s.end == len(s.buf) {
		s.buf = append(s.buf, make([]byte, min(len(s.buf), s.limits.record+2))...)
	}
	n, err := io.ReadAtLeast(s.src, s.buf[s.end:], 1)
	s.end += n
	if errors.Is(err, io.EOF) {
		s.eof = true
		return nil
	}
	return err
}
