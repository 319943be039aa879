package sheet

import (
	"bytes"
	"strings"
)

// quote is the character that encloses cells, where nothing says otherwise.
const quote = '"'

// dialect says how a text is cut into cells.
type dialect struct {
	delim  byte
	quote  byte // encloses cells; 0 means that nothing does
	escape byte // makes a quote in a quoted cell text: the quote itself, or a backslash
	spaced bool // a space behind a delimiter belongs to it
}

// usual is the dialect of a delimiter with all else as in RFC 4180.
func usual(delim byte) dialect { return dialect{delim: delim, quote: quote, escape: quote} }

// unescape turns what stands in a quoted cell into its text.
func (d dialect) unescape(cell string) string {
	if d.escape == '\\' {
		return strings.NewReplacer(`\\`, `\`, `\`+string(d.quote), string(d.quote), string(d.quote)+string(d.quote), string(d.quote)).Replace(cell)
	}
	return strings.ReplaceAll(cell, string([]byte{d.quote, d.quote}), string(d.quote))
}

// problem says why a record could not be split; empty means that it could.
type problem string

const (
	problemNone     problem = ""
	problemUnclosed problem = "unclosed"  // a quote opens a cell and nothing closes it
	problemTail     problem = "tail"      // text between a closing quote and the next delimiter
	problemTooMany  problem = "too many"  // more cells than the header
	problemTooFew   problem = "too few"   // a quoted cell swallowed lines and cells are missing
	problemLongCell problem = "long cell" // a cell beyond the limit
	problemLongLine problem = "long line" // a line beyond the limit
	problemRest     problem = "rest"      // a short line that may be the rest of an unclosed cell
	problemNUL      problem = "nul"       // a NUL byte
)

// tooLarge says that the record could not be held.
func (p problem) tooLarge() bool {
	return p == problemLongCell || p == problemLongLine || p == problemTooMany
}

// limits bounds what one record may take. Nothing in a file, however hostile, makes the reader hold more than this.
type limits struct {
	cell, record int // bytes
	columns      int // of the header
}

// span is a cell's place in the record's bytes, without its quotes.
type span struct {
	from, to int
	enclosed bool // stood in quotes
	escaped  bool // is not its text yet: it holds doubled quotes or backslashes
}

// record is one split record: its cells, and how much of the input it takes.
type record struct {
	cells   []span
	size    int  // bytes, with the line end
	text    int  // bytes, without the line end
	lines   int  // physical lines
	quotes  bool // a quote stands in a cell that is not enclosed
	problem problem
	column  int // of the problem, from 1
	reach   int // bytes looked at when the problem was found
}

// splitter cuts records out of bytes. Width is the number of cells that a record should have, 0 while that is not known.
type splitter struct {
	dialect
	width  int
	wide   bool // records may have more cells than that
	limits limits
}

// split cuts the first record of buf into rec, or reports false when it needs more bytes than buf holds.
// A record that can't be split takes exactly the first physical line, so that the next one starts afresh.
func (s *splitter) split(buf []byte, eof bool, rec *record) bool {
	*rec = record{cells: rec.cells[:0], lines: 1}
	for pos := 0; ; {
		end, next, ok := s.cell(buf, pos, eof, rec)
		switch {
		case rec.problem != problemNone:
			return s.isolate(buf, eof, rec)
		case !ok:
			return false
		case next > end: // a delimiter: another cell follows
			pos = next
			continue
		}
		rec.text = end
		if rec.size, ok = skipLineEnd(buf, end, eof); !ok {
			return false
		}
		if (rec.lines > 1 || rec.quotes && !s.wide) && len(rec.cells) < s.width {
			rec.fail(problemTooFew, end)
			return s.isolate(buf, eof, rec)
		}
		return true
	}
}

// cell reads the cell that begins at pos. It returns where the cell ends and where the next begins; the two are equal at
// the end of the record.
func (s *splitter) cell(buf []byte, pos int, eof bool, rec *record) (end, next int, ok bool) {
	if s.spaced && pos > 0 && pos < len(buf) && buf[pos] == ' ' {
		pos++
	}
	sp, end, ok := span{from: pos}, pos, false
	if pos < len(buf) && buf[pos] == s.quote && s.quote != 0 {
		sp, end, ok = s.quoted(buf, pos, eof, rec)
	} else {
		end, ok = s.bare(buf, pos, eof, rec)
		sp.to = end
	}
	if !ok {
		return 0, 0, false
	}
	s.add(sp, end, rec)
	if end < len(buf) && buf[end] == s.delim {
		return end, end + 1, true
	}
	return end, end, true
}

// add appends a cell. Empty cells beyond the header are no cells: spreadsheets write delimiters for columns once used.
func (s *splitter) add(sp span, end int, rec *record) {
	switch full := s.width > 0 && !s.wide && len(rec.cells) >= s.width; {
	case sp.to-sp.from > s.limits.cell:
		rec.fail(problemLongCell, end)
	case full && sp.to == sp.from:
	case full, len(rec.cells) >= s.limits.columns:
		rec.fail(problemTooMany, end)
	default:
		rec.cells = append(rec.cells, sp)
	}
}

// bare finds the end of an unquoted cell.
func (s *splitter) bare(buf []byte, pos int, eof bool, rec *record) (end int, ok bool) {
	delim, most := s.delim, max(s.quote, '\r')
	for i, c := range buf[pos:] {
		if c > most && c != delim {
			continue
		}
		switch c {
		case delim, '\n', '\r':
			return pos + i, true
		case s.quote:
			rec.quotes = rec.quotes || c != 0
		}
	}
	if len(buf)-pos > s.limits.cell {
		rec.fail(problemLongCell, pos+s.limits.cell)
	}
	return len(buf), eof
}

// quoted finds the end of a quoted cell and counts the lines in it.
func (s *splitter) quoted(buf []byte, pos int, eof bool, rec *record) (sp span, end int, ok bool) {
	sp = span{from: pos + 1, enclosed: true}
	for at := sp.from; ; {
		i := bytes.IndexByte(buf[at:], s.quote)
		if i < 0 || at+i-sp.from > s.limits.cell {
			if eof || len(buf)-sp.from > s.limits.cell {
				rec.fail(problemUnclosed, min(len(buf), sp.from+s.limits.cell))
			}
			return sp, 0, false
		}
		sp.to = at + i
		end = sp.to + 1
		switch {
		case s.escape == '\\' && afterBackslash(buf[sp.from:sp.to]):
			sp.escaped, at = true, end
			continue
		case end == len(buf) && !eof:
			return sp, 0, false
		case end == len(buf), buf[end] == s.delim, buf[end] == '\n', buf[end] == '\r':
			rec.lines += countLines(buf[sp.from:sp.to])
			sp.escaped = sp.escaped || s.escape == '\\' && bytes.IndexByte(buf[sp.from:sp.to], '\\') >= 0
			return sp, end, true
		case buf[end] != s.quote:
			rec.fail(problemTail, end)
			return sp, 0, false
		}
		sp.escaped, at = true, end+1
	}
}

// afterBackslash says that a text ends in a backslash that is not itself escaped.
func afterBackslash(text []byte) bool {
	n := len(text) - len(bytes.TrimRight(text, `\`))
	return n%2 == 1
}

// fail marks the record as broken at its current cell.
func (r *record) fail(p problem, reach int) {
	r.problem, r.column, r.reach = p, len(r.cells)+1, reach
}

// isolate makes a broken record one physical line long. It reports false when that line's end is not in buf yet.
func (s *splitter) isolate(buf []byte, eof bool, rec *record) (ok bool) {
	if rec.text = lineEnd(buf); rec.text < 0 {
		rec.text = len(buf)
	}
	rec.size, ok = skipLineEnd(buf, rec.text, eof)
	rec.lines = 1
	return ok
}

// lineEnd returns where the first line ends, or -1. It looks at a block at a time for either line end, as a file may have
// one of them only.
func lineEnd(text []byte) int {
	const block = 4 << 10
	for at := 0; at < len(text); at += block {
		part := text[at:min(len(text), at+block)]
		end := bytes.IndexByte(part, '\n')
		if end >= 0 {
			part = part[:end]
		}
		if cr := bytes.IndexByte(part, '\r'); cr >= 0 {
			end = cr
		}
		if end >= 0 {
			return at + end
		}
	}
	return -1
}

// skipLineEnd returns where the line after the one that ends at pos begins: after LF, CR LF or CR, or at the end of the file.
func skipLineEnd(buf []byte, pos int, eof bool) (next int, ok bool) {
	switch {
	case pos == len(buf):
		return pos, eof
	case buf[pos] == '\n':
		return pos + 1, true
	case pos+1 == len(buf):
		return pos + 1, eof
	case buf[pos+1] == '\n':
		return pos + 2, true
	}
	return pos + 1, true
}

// countLines counts the line ends in a cell, a CR LF as one.
func countLines(cell []byte) int {
	n := bytes.Count(cell, []byte{'\n'})
	if bytes.IndexByte(cell, '\r') < 0 {
		return n
	}
	for i, c := range cell {
		if c == '\r' && (i+1 == len(cell) || cell[i+1] != '\n') {
			n++
		}
	}
	return n
}
