package sheet

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"unicode/utf8"
)

// How a dialect is found: the beginning of the text is read with each dialect that its characters allow, and the reading
// that makes the best table wins. A report of ours wins over all, then the header with the most names that mean
// something, then the score: the share of lines that have as many cells as most lines have, times the share of cells that look like
// one value, times a weight that grows with the number of columns. Of equals the first wins, so a comma.

// What of a text is looked at.
const (
	sampleBytes = 256 << 10
	sampleLines = 200
	headerLines = 20 // within so many physical lines from the top the header is looked for
)

// Delimiters lists the delimiters that are looked for, the likelier first. A space is looked for too, where every line
// then has the same three or more cells.
func Delimiters() []rune { return []rune{',', ';', '\t', '|'} }

// dialects lists the dialects that are worth a try for a text that begins with head.
func dialects(head []byte, o Options) []dialect {
	var list []dialect
	for _, delim := range delimiters(head, o) {
		for _, quote := range quotes(head, delim, o) {
			for _, escape := range escapes(head, quote, o) {
				d := dialect{delim: delim, quote: quote, escape: escape}
				d.spaced = delim != ' ' && delim != '\t' && spacedAfter(head, delim)
				list = append(list, d)
			}
		}
	}
	return list
}

func delimiters(head []byte, o Options) []byte {
	if o.Delimiter != 0 {
		return []byte{byte(o.Delimiter)}
	}
	var list []byte
	for _, d := range append(Delimiters(), ' ') {
		if bytes.IndexByte(head, byte(d)) >= 0 {
			list = append(list, byte(d))
		}
	}
	if len(list) == 0 || list[0] != ',' {
		return slices.Insert(list, 0, ',')
	}
	return list
}

// quotes lists what may enclose cells. An apostrophe is far more often text, so it must stand at both ends of cells.
func quotes(head []byte, delim byte, o Options) []byte {
	switch {
	case o.Quote == NoQuote:
		return []byte{0}
	case o.Quote != 0:
		return []byte{byte(o.Quote)}
	}
	const enough = 2
	if opening, closing := edges(head, delim, '\''); opening >= enough && closing >= enough {
		return []byte{quote, '\''}
	}
	return []byte{quote}
}

// edges counts how often a character stands at the beginning and at the end of a cell.
func edges(head []byte, delim, c byte) (opening, closing int) {
	isEdge := func(b byte) bool { return b == delim || b == '\n' || b == '\r' }
	for i, b := range head {
		if b != c {
			continue
		}
		if i == 0 || isEdge(head[i-1]) || head[i-1] == ' ' && i > 1 && isEdge(head[i-2]) {
			opening++
		}
		if i+1 == len(head) || isEdge(head[i+1]) {
			closing++
		}
	}
	return opening, closing
}

func escapes(head []byte, quote byte, o Options) []byte {
	switch {
	case o.Escape != 0:
		return []byte{byte(o.Escape)}
	case quote != 0 && bytes.Contains(head, []byte{'\\', quote}):
		return []byte{quote, '\\'}
	}
	return []byte{quote}
}

// spacedAfter says that a space follows nearly every delimiter.
func spacedAfter(head []byte, delim byte) bool {
	all, spaced := bytes.Count(head, []byte{delim}), bytes.Count(head, []byte{delim, ' '})
	return all > 0 && spaced*10 >= all*9
}

// rarer is what apostrophes as quotes count beside quotes: one line written so must not decide on a short file.
const rarer = 0.9

// sample is the beginning of a text as one dialect reads it.
type sample struct {
	dialect dialect
	options *Options
	lines   []line  // those that are not blank
	width   int     // how many cells most lines have
	filled  int     // how many of them are not empty, usually
	profile profile // of the lines as wide as that

	first int      // the line that the table begins with
	heads int      // how many lines the header has, from first on; 0 without a header
	names []string // the header
	known int      // how many of the names mean something
	score float64
}

// line is a record of a sample.
type line struct {
	cells   []string
	raw     []byte // a copy of its bytes
	line    int    // its number, and where it begins
	pos     int64
	next    int // the number of the line after it, and where that begins
	end     int64
	gap     bool // a blank line stands above it
	clean   bool // its quotes are where they belong, and it has some
	strange int  // cells that look as if another dialect had been right
	ending  string
	problem problem
}

// sampleOf reads the beginning of the text from a place on.
func (s *Sheet) sampleOf(d dialect, start int64, number int) (*sample, error) {
	sm := &sample{dialect: d, options: &s.options}
	src := io.NewSectionReader(s.file, start, s.text-start)
	sc := newScanner(src, splitter{dialect: d, limits: s.limits}, number, start)
	sc.countRecords, sc.stopAtLong = s.records, true
	for gap := false; len(sm.lines) < sampleLines && sc.pos-start < sampleBytes; {
		f, err := sc.next()
		if errors.Is(err, io.EOF) || errors.Is(err, errTooManyQuotes) && len(sm.lines) > 0 {
			break
		}
		if err != nil {
			return nil, s.readError(err)
		}
		if f.blank() {
			gap = true
			continue
		}
		ln := d.line(f, sc, gap)
		if s.records {
			unmarkAll(ln.cells)
		}
		sm.lines = append(sm.lines, ln)
		gap = false
	}
	sm.measure()
	return sm, nil
}

func (d dialect) line(f found, sc *scanner, gap bool) line {
	ln := line{raw: bytes.Clone(f.bytes), line: f.line, pos: f.pos, next: sc.line, end: sc.pos, gap: gap, problem: f.problem}
	ln.ending = lineEnding(sc, f)
	if f.problem == problemNone {
		ln.cells, ln.strange, ln.clean = d.cells(f), d.strange(f), f.clean()
	}
	return ln
}

// lineEnding says how a record ended, which is still in the scanner's buffer.
func lineEnding(sc *scanner, f found) string {
	if f.size <= f.text || sc.start < f.size-f.text {
		return ""
	}
	switch end := string(sc.buf[sc.start-(f.size-f.text) : sc.start]); end {
	case "\n":
		return "lf"
	case "\r":
		return "cr"
	case "\r\n":
		return "crlf"
	}
	return ""
}

// cells makes strings of a record's cells.
func (d dialect) cells(f found) []string {
	cells := make([]string, len(f.cells))
	for i, sp := range f.cells {
		cells[i] = string(f.bytes[sp.from:sp.to])
		if sp.escaped {
			cells[i] = d.unescape(cells[i])
		}
	}
	return cells
}

// strange counts the cells that hold another delimiter or wear another quote. Decimals such as 1,5 are none, nor are
// commas and spaces in words.
func (d dialect) strange(f found) int {
	n := 0
	for _, sp := range f.cells {
		cell := f.bytes[sp.from:sp.to]
		if !sp.enclosed && d.isStrange(cell) {
			n++
		}
	}
	return n
}

func (d dialect) isStrange(cell []byte) bool {
	if len(cell) == 0 || kindOf(string(cell)) == kindNumber {
		return false
	}
	for _, other := range []byte{'"', '\''} {
		if other != d.quote && (cell[0] == other || cell[len(cell)-1] == other) {
			return true
		}
	}
	for _, other := range Delimiters() {
		spaces := other == ',' && bytes.Contains(cell, []byte(", "))
		if byte(other) != d.delim && !spaces && bytes.IndexByte(cell, byte(other)) >= 0 {
			return true
		}
	}
	return false
}

// measure finds out how wide the table is: as many cells as the most lines have, where more cells count more.
func (sm *sample) measure() {
	counts := map[int]int{}
	for _, ln := range sm.lines {
		counts[len(ln.cells)]++
	}
	most := -1.0
	for width, n := range counts {
		if weight := float64(n) * share(width-1, width); weight > most || weight == most && width > sm.width {
			most, sm.width = weight, width
		}
	}
	sm.filled = sm.usuallyFilled()
	sm.profile = sm.profileFrom(0)
}

// usuallyFilled is the middle one of the numbers of cells with something in them.
func (sm *sample) usuallyFilled() int {
	var counts []int
	for _, ln := range sm.lines {
		if len(ln.cells) == sm.width {
			counts = append(counts, filled(ln.cells))
		}
	}
	if len(counts) == 0 {
		return 0
	}
	slices.Sort(counts)
	return counts[len(counts)/2]
}

func filled(cells []string) int {
	n := 0
	for _, cell := range cells {
		if clean(cell) != "" {
			n++
		}
	}
	return n
}

// profileFrom is the profile of the lines from one on that are as wide as most.
func (sm *sample) profileFrom(first int) profile {
	var rows [][]string
	for _, ln := range sm.lines[min(first, len(sm.lines)):] {
		if len(ln.cells) == sm.width {
			rows = append(rows, ln.cells)
		}
	}
	return profileOf(rows, sm.width)
}

// rate sets the score, once the header is found.
func (sm *sample) rate() {
	same, cells, strange := 0, 0, 0
	for _, ln := range sm.lines {
		if len(ln.cells) == sm.width {
			same++
		}
		cells, strange = cells+len(ln.cells), strange+ln.strange
	}
	sm.score = share(same, len(sm.lines)) * share(sm.width-1, sm.width) * share(cells-strange, cells) * sm.agreement()
	if sm.dialect.quote == '\'' {
		sm.score *= rarer
	}
	if sm.dialect.delim == ' ' {
		sm.known = 0
		if sm.options.Delimiter == 0 && !sm.surelySpaces(same) {
			sm.score = 0
		}
	}
}

// agreement is how well the header's width agrees with that of the table.
func (sm *sample) agreement() float64 {
	if sm.heads == 0 || len(sm.names) == 0 {
		return 1
	}
	return share(min(len(sm.names), sm.width)-1, max(len(sm.names), sm.width)-1)
}

// surelySpaces says that spaces delimit cells and not words: there are three columns or more, nearly all lines agree, and
// some column holds values, not words.
func (sm *sample) surelySpaces(same int) bool {
	values := slices.ContainsFunc(sm.profile, func(k kind) bool { return k > kindText })
	return sm.width > 2 && same*10 >= len(sm.lines)*9 && values
}

func share(part, whole int) float64 {
	if whole <= 0 {
		return 0
	}
	return float64(part) / float64(whole)
}

// better says that a sample makes a better table than another.
func (sm *sample) better(other *sample) bool {
	if a, b := IsReport(sm.names), IsReport(other.names); a != b {
		return a
	}
	if sm.known != other.known {
		return sm.known > other.known
	}
	return sm.score > other.score
}

// valid is what a damaged text is shown as: bytes that are not UTF-8 become U+FFFD.
func valid(cell string) string {
	if utf8.ValidString(cell) {
		return cell
	}
	return string([]rune(cell))
}
