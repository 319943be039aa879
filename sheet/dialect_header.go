package sheet

import (
	"slices"
	"strings"
)

// How the header is found: the options may name it; else a report's header, else the line with the most names that mean
// something; else the first line that is no preamble, unless it looks like the data below it.

// findHeader sets where the table begins, which lines are its header, and the names.
func (sm *sample) findHeader() {
	sm.first, sm.heads, sm.names, sm.known = 0, 0, nil, 0
	if len(sm.options.Columns) > 0 || len(sm.lines) == 0 {
		return
	}
	switch known := sm.bestKnown(); {
	case sm.options.HeaderLine > 0:
		sm.heads = 1
	case known >= 0:
		sm.first, sm.heads = known, 1
		sm.takeGroups()
	default:
		sm.first = sm.belowPreamble()
		if !sm.looksLikeData(sm.first) {
			sm.heads = 1
		}
		sm.takeGroups()
	}
	sm.takeMore()
	sm.names = sm.joined(sm.lines[sm.first : sm.first+sm.heads])
	sm.known = sm.knownIn(sm.names)
	sm.profile = sm.profileFrom(sm.first + sm.heads)
}

// candidates are the lines that the header may begin with.
func (sm *sample) candidates() []line {
	for i, ln := range sm.lines {
		if ln.line > sm.lines[0].line+headerLines-1 {
			return sm.lines[:i]
		}
	}
	return sm.lines
}

// bestKnown finds the header of a report, or the line with the most names that mean something: two at least, or half of
// its cells. It returns -1 if there is none.
func (sm *sample) bestKnown() int {
	best, most := -1, 0
	for i, ln := range sm.candidates() {
		if IsReport(ln.cells) {
			return i
		}
		known := sm.knownIn(ln.cells)
		if known > most && (known > 1 || known*2 >= filled(ln.cells)) {
			best, most = i, known
		}
	}
	return best
}

func (sm *sample) knownIn(names []string) int {
	known := 0
	for _, name := range names {
		if sm.options.Known != nil && clean(name) != "" && sm.options.Known(name) {
			known++
		}
	}
	return known
}

// belowPreamble returns the first line that isn't above the table.
func (sm *sample) belowPreamble() int {
	lines := sm.candidates()
	for i := range lines {
		if !sm.isPreamble(i) {
			return i
		}
	}
	return 0
}

// isPreamble says that a line has so much less in it than those below that it can't be their header. Where the table
// itself is narrow, more must speak for it: a blank line between, or a next line that looks like a header.
func (sm *sample) isPreamble(i int) bool {
	n := filled(sm.lines[i].cells)
	if sm.lines[i].problem != problemNone || i+1 == len(sm.lines) || n*2 > sm.filled || !sm.isTable(i+1) {
		return false
	}
	if sm.filled < 3 {
		header, data := sm.profileFrom(i + 2).votes(sm.lines[i+1].cells)
		return sm.lines[i+1].gap || header > data
	}
	return n == 1 || !sm.isGroups(i)
}

// isTable says that at least half of the lines from one on, and of the rest of the candidates, are as wide as the table.
func (sm *sample) isTable(from int) bool {
	same := 0
	for _, ln := range sm.lines[from:] {
		if len(ln.cells) == sm.width {
			same++
		}
	}
	return same*2 >= len(sm.lines)-from
}

// isGroups says that a line names groups of the columns that the next line names: Order,,Shipment,, but not Shop:,ACME,,
func (sm *sample) isGroups(i int) bool {
	ln, next := sm.lines[i], sm.lines[i+1]
	if len(ln.cells) != sm.width || next.gap || filled(ln.cells) < 2 || sm.looksLikeData(i+1) {
		return false
	}
	header, _ := sm.profileFrom(i + 2).votes(next.cells)
	return header > 1 && !slices.ContainsFunc(ln.cells, func(cell string) bool {
		return kindOf(cell) > kindText || strings.ContainsAny(cell, ":=")
	})
}

// looksLikeData says that a line is data like the lines below it, or, with none below, holds values rather than names.
func (sm *sample) looksLikeData(i int) bool {
	ln := sm.lines[i]
	if ln.problem != problemNone {
		return false
	}
	if i+1 == len(sm.lines) {
		values := 0
		for _, cell := range ln.cells {
			if kindOf(cell) > kindText {
				values++
			}
		}
		return values > 0 && values*2 >= filled(ln.cells) || sm.identifies(i)
	}
	header, data := sm.profileFrom(i + 1).votes(ln.cells)
	return data > header || header == 0 && sm.identifies(i)
}

// identifies says that a line without a name that means something has a number of a parcel or the like where the lines below,
// if any, have such numbers too, of whatever kinds.
func (sm *sample) identifies(i int) bool {
	ln := sm.lines[i]
	if sm.knownIn(ln.cells) > 0 {
		return false
	}
	for at, cell := range ln.cells {
		if isIdentifier(cell) && !slices.ContainsFunc(sm.lines[i+1:], func(below line) bool {
			return at < len(below.cells) && clean(below.cells[at]) != "" && !isIdentifier(below.cells[at])
		}) {
			return true
		}
	}
	return false
}

// isIdentifier says that a cell is one word of capital letters and at least five digits, eight of them or more: no name of a column.
func isIdentifier(cell string) bool {
	cell = clean(cell)
	digits := 0
	for _, r := range cell {
		switch {
		case r >= '0' && r <= '9':
			digits++
		case r < 'A' || r > 'Z':
			return false
		}
	}
	return digits >= 5 && len(cell) >= 8
}

// takeGroups makes the line above the header part of it where that makes more names mean something.
func (sm *sample) takeGroups() {
	most := 3
	if n := sm.options.HeaderLines; n > 0 {
		most = n
	}
	for sm.heads > 0 && sm.heads < most && sm.first > 0 && !sm.lines[sm.first].gap {
		if !sm.gains(sm.lines[sm.first-1], sm.joined(sm.lines[sm.first-1:sm.first+sm.heads]), sm.joined(sm.lines[sm.first:sm.first+sm.heads])) {
			return
		}
		sm.first, sm.heads = sm.first-1, sm.heads+1
	}
}

// gains says that names mean something with a line of groups above them: what meant nothing before or, where several groups
// are named, what is said more closely now.
func (sm *sample) gains(groups line, names, before []string) bool {
	closer := filled(groups.cells) > 1
	for i, name := range names {
		switch {
		case sm.knownIn([]string{name}) == 0 || i < len(before) && normal(name) == normal(before[i]):
		case closer, i >= len(before), sm.knownIn(before[i:i+1]) == 0:
			return true
		}
	}
	return false
}

// takeMore makes the lines below the header part of it: as many as were asked for, or those that look like headers of
// what is below them.
func (sm *sample) takeMore() {
	if sm.heads == 0 {
		return
	}
	if n := sm.options.HeaderLines; n > 0 {
		sm.heads = min(n, len(sm.lines)-sm.first)
		return
	}
	for sm.heads < 3 && sm.goesOn(sm.first+sm.heads) {
		sm.heads++
	}
}

// goesOn says that a line below a header is header too. Where names of the header mean something, the line must make more
// of them do so; else it must clearly be no data, with data below it.
func (sm *sample) goesOn(i int) bool {
	if i >= len(sm.lines) || sm.lines[i].gap || sm.lines[i].problem != problemNone || IsReport(sm.lines[sm.first].cells) {
		return false
	}
	known, more := sm.knownIn(whole(sm.lines[sm.first:i])), sm.knownIn(whole(sm.lines[sm.first:i+1]))
	header, data := sm.profileFrom(i + 1).votes(sm.lines[i].cells)
	if known > 0 || more > 0 {
		return more > known && data <= header && !slices.ContainsFunc(sm.lines[i].cells, isIdentifier)
	}
	return i+2 < len(sm.lines) && header > 1 && data == 0 && !slices.Equal(sm.lines[i].cells, sm.lines[i-1].cells)
}

// lineEnd says how the lines of the sample end.
func (sm *sample) lineEnd() string {
	found := ""
	for _, ln := range sm.lines {
		switch {
		case ln.ending == "" || ln.ending == found:
		case found == "":
			found = ln.ending
		default:
			return "mixed"
		}
	}
	if found == "" {
		return "lf"
	}
	return found
}
