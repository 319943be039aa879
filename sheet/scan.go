package sheet

import (
	"bytes"
	"errors"
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
}

// minBuffer is what a scanner reads at once.
const minBuffer = 64 << 10

func newScanner(src io.Reader, s splitter, line int, pos int64) *scanner {
	return &scanner{src: src, splitter: s, line: line, pos: pos, buf: make([]byte, min(minBuffer, s.limits.record+2))}
}

// found is a record in the stream. Its text is valid until the next call.
type found struct {
	*record
	bytes []byte // the record without its line end
	line  int
	pos   int64
}

// next returns the next record, or io.EOF.
func (s *scanner) next() (found, error) {
	for {
		if s.start == s.end && s.eof {
			return found{}, io.EOF
		}
		if s.start < s.end && s.split(s.buf[s.start:s.end], s.eof, &s.rec) {
			return s.take(), nil
		}
		if s.end-s.start > s.limits.record {
			return s.tooLong()
		}
		if err := s.fill(); err != nil {
			return found{}, err
		}
	}
}

// take hands out the record that was split and moves on.
func (s *scanner) take() found {
	f := found{record: &s.rec, bytes: s.buf[s.start : s.start+s.rec.text], line: s.line, pos: s.pos}
	s.advance(s.rec.size, s.rec.lines)
	return f
}

func (s *scanner) advance(size, lines int) {
	s.start += size
	s.pos += int64(size)
	s.line += lines
}

// tooLong gives up a record beyond the limit: its first physical line if that ends in the buffer, or else all up to
// wherever the line ends.
func (s *scanner) tooLong() (found, error) {
	s.rec.cells = s.rec.cells[:0]
	s.rec.fail(problemLongLine, s.end-s.start)
	if s.isolate(s.buf[s.start:s.end], false, &s.rec) {
		return s.take(), nil
	}
	f := found{record: &s.rec, line: s.line, pos: s.pos, bytes: bytes.Clone(s.buf[s.start : s.start+min(s.end-s.start, shownBytes)])}
	return f, s.discard()
}

// discard skips the rest of a physical line, buffer by buffer.
func (s *scanner) discard() error {
	for {
		i := bytes.IndexAny(s.buf[s.start:s.end], "\r\n")
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
