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
	utf8    int // cells beyond ASCII that are UTF-8
	other   int // and that are not
}

func newSampler() sampler { return sampler{line: 1, seen: map[string]bool{}} }

func (s *sampler) full() bool { return len(s.cells) >= sampleCells || s.size >= sampleBytes }

// separates says of each byte that cells are cut at it. None is part of a character in any encoding that extends ASCII.
var separates = [256]bool{'\n': true, '\r': true, ',': true, ';': true, '\t': true, '"': true}

// write cuts text into cells.
func (s *sampler) write(p []byte) {
	for len(p) > 0 && !s.full() {
		n, high := 0, byte(0)
		for n < len(p) && !separates[p[n]] {
			high |= p[n]
			n++
		}
		s.strange = s.strange || high >= utf8.RuneSelf
		s.cr = s.cr && n == 0
		if s.strange || n == len(p) {
			s.add(p[:n])
		}
		if n == len(p) {
			return
		}
		s.end()
		s.count(p[n])
		p = p[n+1:]
	}
}

func (s *sampler) add(p []byte) {
	room := cellBytes - len(s.cell)
	s.cut = s.cut || len(p) > room
	s.cell = append(s.cell, p[:min(len(p), room)]...)
}

// count counts the lines by the separators, CR LF as one.
func (s *sampler) count(c byte) {
	if c == '\r' || c == '\n' && !s.cr {
		s.line++
	}
	s.cr = c == '\r'
}

// end keeps the cell if it says something.
func (s *sampler) end() {
	if valid := utf8.Valid(s.cell); s.strange && valid {
		s.utf8++
	} else if s.strange {
		s.other++
	}
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
