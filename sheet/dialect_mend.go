package sheet

import (
	"bytes"
	"slices"
)

// mender reads lines again that don't look like the others: with misplaced quotes, or written with another delimiter or
// quote. It guesses, so that nothing it reads may be sent: it serves only those who want a sheet as well as it can be read.
type mender struct {
	dialect
	width   int // how many cells most lines have
	profile profile
	limits  limits
	header  bool // the line may be the header, which looks like no other
	work    int  // what was spent on weighing
}

// mendable is how many cells and delimiters a line may have to be weighed in every way.
const mendable = 256

// mostWork is how much is spent on weighing the lines of one file. A file made for it could take hours; real ones come
// nowhere near.
const mostWork = 1 << 31

// mend returns the cells of a line that was split into found, or could not be split if that is nil. Clean says that no quote of
// the line is misplaced and some are well placed, which leaves nothing to mend. A reading with as many cells as most lines
// have wins over all others.
func (m *mender) mend(text []byte, found []string, clean bool) []string {
	if clean {
		return found
	}
	misplaced := m.quote != 0 && bytes.IndexByte(text, m.quote) >= 0
	if misplaced && len(found) != m.width {
		if cells := m.fewest(text); len(cells) == m.width {
			return cells
		}
	}
	if len(found) != m.width {
		if cells := m.otherDelimiter(text); cells != nil {
			return cells
		}
	}
	if cells := m.otherQuote(text, found); cells != nil {
		return cells
	}
	if found == nil {
		return m.fewest(text)
	}
	return found
}

// otherDelimiter reads the line with each other delimiter. The cells must look like those of their columns.
func (m *mender) otherDelimiter(text []byte) []string {
	for _, delim := range append(Delimiters(), ' ') {
		if byte(delim) == m.delim || bytes.IndexByte(text, byte(delim)) < 0 {
			continue
		}
		other := *m
		other.delim, other.spaced = byte(delim), false
		if cells := other.strictly(text); m.accepts(cells, delim) {
			return cells
		}
	}
	return nil
}

func (m *mender) accepts(cells []string, delim rune) bool {
	if len(cells) != m.width || m.width < 2 || filled(cells) == 0 {
		return false
	}
	if header, data := m.profile.votes(cells); m.header && header > 1 && data == 0 {
		return true
	}
	values := slices.ContainsFunc(m.profile, func(k kind) bool { return k > kindText })
	return m.profile.fits(cells) || !values && delim != ' ' && m.width > 2
}

// otherQuote reads the line with the other quote, where at least two cells are enclosed by it.
func (m *mender) otherQuote(text []byte, found []string) []string {
	other := *m
	if other.quote = '\''; m.quote == '\'' {
		other.quote = '"'
	}
	other.escape = other.quote
	opening, closing := edges(text, m.delim, other.quote)
	if min(opening, closing) < 2 {
		return nil
	}
	cells := other.strictly(text)
	if cells == nil {
		cells = other.fewest(text)
	}
	if len(cells) != m.width || filled(cells) == 0 || len(found) == m.width && !m.accepts(cells, rune(m.delim)) {
		return nil
	}
	return cells
}

// strictly returns the line's cells, or nil if it can't be split without doubt.
func (m *mender) strictly(text []byte) []string {
	rec := record{}
	s := splitter{dialect: m.dialect, width: m.width, wide: true, limits: m.limits}
	if !s.split(text, true, &rec) || rec.problem != problemNone || rec.text != len(text) {
		return nil
	}
	return m.cells(found{record: &rec, bytes: text})
}

// fewest returns the line's cells in the reading that takes the fewest quotes for text, of those with as many cells as most
// lines have if there are any. Every way to choose which delimiters and which quotes are text is weighed.
func (m *mender) fewest(text []byte) []string {
	starts := m.starts(text)
	if len(starts) > mendable || m.width > mendable || m.work > mostWork {
		return m.apart(text)
	}
	best := m.weigh(text, starts)
	last := len(starts)
	count := m.width
	if count >= len(best) || best[count][last].cost == impossible {
		count = 1
		for n := range best {
			if best[n][last].cost < best[count][last].cost {
				count = n
			}
		}
	}
	cells := make([]string, count)
	for at := last; count > 0; count-- {
		from := best[count][at].from
		begin, end := m.bounds(text, starts, from, at)
		cells[count-1] = string(text[begin:end])
		if way := best[count][at]; way.enclosed {
			cells[count-1] = m.unescape(string(text[begin+1:way.close])) + string(text[way.close+1:end])
		}
		at = from
	}
	return cells
}

// starts lists where cells may begin.
func (m *mender) starts(text []byte) []int {
	starts := []int{0}
	for i, c := range text {
		if c == m.delim && len(starts) <= mendable {
			starts = append(starts, i+1)
		}
	}
	return starts
}

// apart takes every delimiter for one and every quote for text.
func (m *mender) apart(text []byte) []string {
	parts := bytes.SplitN(text, []byte{m.delim}, m.limits.columns)
	cells := make([]string, len(parts))
	for i, part := range parts {
		cells[i] = string(part)
	}
	return cells
}

// step is the best way to read all up to a start in so many cells: where the last of them began.
type step struct {
	cost     int // quotes taken for text
	from     int // index of the start
	enclosed bool
	close    int // where the closing quote stands, if it is enclosed
}

const impossible = 1 << 30

// weigh returns, for each number of cells and each start, the best way there.
func (m *mender) weigh(text []byte, starts []int) [][]step {
	best := make([][]step, len(starts)+1)
	for n := range best {
		best[n] = slices.Repeat([]step{{cost: impossible}}, len(starts)+1)
	}
	best[0][0].cost = 0
	for from := range starts {
		fewest := 0
		for fewest < from && best[fewest][from].cost == impossible {
			fewest++
		}
		m.weighCells(text, starts, from, func(to int, way step) {
			m.work += from + 1 - fewest
			for n := fewest; n <= from; n++ {
				if sum := best[n][from].cost + way.cost; sum < best[n+1][to].cost {
					best[n+1][to] = step{sum, from, way.enclosed, way.close}
				}
			}
		})
	}
	return best
}

// weighCells tells what the cells that may begin at a start would cost: the one up to the next delimiter, and those that
// quotes enclose, with nothing or some text between the closing quote and the next delimiter.
func (m *mender) weighCells(text []byte, starts []int, from int, put func(to int, way step)) {
	begin, end := m.bounds(text, starts, from, from+1)
	cost := m.countQuotes(text[begin:end])
	if cost > 0 {
		cost++
	}
	put(from+1, step{cost: cost})
	if cost == 0 || text[begin] != m.quote {
		return
	}
	w := walk{mender: m, at: begin + 1}
	for to := from + 1; to <= len(starts); to++ {
		_, end = m.bounds(text, starts, from, to)
		last, stray := w.until(text, end)
		switch {
		case last < 0:
		case last == end-1:
			put(to, step{cost: stray, enclosed: true, close: last})
		default:
			put(to, step{cost: stray + 1, enclosed: true, close: last})
		}
	}
	m.work += len(text) - begin
}

// walk counts the quotes in an enclosed cell that are not escaped, from its beginning on.
type walk struct {
	*mender
	at      int
	stray   int
	run     int // quotes without anything between them
	escaped bool
}

// until goes on to a place. It returns the last quote on the way, and how many stray ones there are before that.
func (w *walk) until(text []byte, end int) (last, stray int) {
	last = -1
	for ; w.at < end; w.at++ {
		c := text[w.at]
		if c == w.quote && !w.escaped {
			last, stray = w.at, w.stray+w.run%2
			w.run++
		} else {
			w.stray += w.run % 2
			w.run = 0
		}
		w.escaped = w.escape == '\\' && c == '\\' && !w.escaped
	}
	return last, stray
}

func (m *mender) countQuotes(text []byte) int {
	if m.quote == 0 {
		return 0
	}
	return bytes.Count(text, []byte{m.quote})
}

// bounds returns the place of what stands between two starts.
func (m *mender) bounds(text []byte, starts []int, from, to int) (begin, end int) {
	begin, end = starts[from], len(text)
	if to < len(starts) {
		end = starts[to] - 1
	}
	if m.spaced && from > 0 && begin < end && text[begin] == ' ' {
		begin++
	}
	return begin, end
}

// mend reads the lines of a sample again that don't look like the others, and finds the header anew.
func (sm *sample) mend(l limits) {
	m := mender{dialect: sm.dialect, width: sm.width, profile: sm.profile, limits: l}
	for i := range sm.lines {
		ln := &sm.lines[i]
		if ln.problem.tooLarge() {
			continue
		}
		m.header = ln.line < sm.lines[0].line+headerLines && i <= 3
		ln.cells, ln.problem = m.mend(ln.raw, ln.cells, ln.clean), problemNone
	}
	sm.measure()
	sm.findHeader()
}
