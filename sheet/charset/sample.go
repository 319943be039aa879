package charset

import (
	"bytes"
	"unicode/utf8"
)

// cell is a piece of the text that is not UTF-8, from one delimiter, quote or line end to the next.
type cell struct {
	line  int // from 1
	bytes []byte
	cut   bool // its end is missing, perhaps with half a character
}

// Bounds of what a sampler keeps.
const (
	sampleCells = 2000
	sampleBytes = 128 << 10
	cellBytes   = 256
)

// sampler collects the first different cells that are not UTF-8.
type sampler struct {
	line    int
	cr      bool // the last byte was CR
	cell    []byte
	strange bool // the cell holds bytes beyond ASCII
	cut     bool // the cell is longer than is kept
	cells   []cell
	size    int
	seen    map[string]bool
}

func newSampler() sampler { return sampler{line: 1, seen: map[string]bool{}} }

func (s *sampler) full() bool { return len(s.cells) >= sampleCells || s.size >= sampleBytes }

// separators are what cells are cut at. None of them is part of a character in any encoding that extends ASCII.
const separators = "\n\r,;\t\""

// write cuts text into cells. Where all is ASCII, as in nearly all of a file, only lines count and the last cell, which may
// go on.
func (s *sampler) write(p []byte) {
	for len(p) > 0 && !s.full() {
		n := ascii(p)
		first, last := bytes.IndexAny(p[:n], separators), bytes.LastIndexAny(p[:n], separators)
		if n > cellBytes && first < last {
			s.bytes(p[:first+1])
			s.lines(p[first+1 : last])
			p, n = p[last:], n-last
		}
		end := min(len(p), n+1)
		s.bytes(p[:end])
		p = p[end:]
	}
}

// lines counts the line ends in cells that say nothing.
func (s *sampler) lines(p []byte) {
	if len(p) == 0 {
		return
	}
	s.line += bytes.Count(p, []byte{'\n'})
	if s.cr && p[0] == '\n' {
		s.line--
	}
	if crs := bytes.Count(p, []byte{'\r'}); crs > 0 {
		s.line += crs - bytes.Count(p, []byte("\r\n"))
	}
	s.cr = p[len(p)-1] == '\r'
}

func (s *sampler) bytes(p []byte) {
	for _, c := range p {
		if s.full() {
			return
		}
		switch c {
		case '\n', '\r':
			s.end()
			if c == '\r' || !s.cr {
				s.line++
			}
		case ',', ';', '\t', '"':
			s.end()
		default:
			s.add(c)
		}
		s.cr = c == '\r'
	}
}

func (s *sampler) add(c byte) {
	s.strange = s.strange || c >= utf8.RuneSelf
	if len(s.cell) < cellBytes {
		s.cell = append(s.cell, c)
		return
	}
	s.cut = true
}

// end keeps the cell if it says something.
func (s *sampler) end() {
	if s.strange && !utf8.Valid(s.cell) && !s.seen[string(s.cell)] {
		s.seen[string(s.cell)] = true
		s.cells = append(s.cells, cell{s.line, bytes.Clone(bytes.TrimSpace(s.cell)), s.cut})
		s.size += len(s.cell)
	}
	s.cell, s.strange, s.cut = s.cell[:0], false, false
}

func (s *sampler) finish() []cell {
	s.end()
	return s.cells
}
