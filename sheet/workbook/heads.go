package workbook

import (
	"bytes"
	"encoding/csv"
	"errors"
)

// headRows is how many rows of a sheet are looked at to tell tables from notes, and headBytes how much text.
const (
	headRows  = 25
	headBytes = 1 << 20
)

var errEnough = errors.New("enough")

// looks is what the beginning of a sheet looks like.
type looks struct {
	known int // the most names in one row that mean something
	full  int // rows with two or more cells
}

// table says that a sheet has rows of several cells: a header and something below it.
func (l looks) table() bool { return l.full > 1 }

// head is a writer that takes the beginning only.
type head struct{ bytes.Buffer }

func (h *head) Write(p []byte) (int, error) {
	n, err := h.Buffer.Write(p)
	if err == nil && (h.Len() > headBytes || bytes.Count(h.Bytes(), []byte{'\n'}) > 4*headRows) {
		err = errEnough
	}
	return n, err
}

// look reads the beginning of a sheet. What is wrong with it is said when it is read as a whole.
func (b *book) look(sheet sheetPart, merges []merge) looks {
	var h head
	out := newWriter(&h)
	out.most = headRows
	if err := b.readSheet(sheet, merges, out); err != nil && !errors.Is(err, errEnough) {
		return looks{}
	}
	if err := out.flush(); err != nil && !errors.Is(err, errEnough) {
		return looks{}
	}
	r := csv.NewReader(&h.Buffer)
	r.FieldsPerRecord, r.LazyQuotes = -1, true
	var l looks
	for {
		cells, err := r.Read()
		if err != nil { // the end, or the place where the beginning was cut off
			return l
		}
		filled, known := 0, 0
		for _, cell := range cells {
			if cell == "" {
				continue
			}
			filled++
			if b.o.Known != nil && b.o.Known(cell) {
				known++
			}
		}
		if filled > 1 {
			l.full++
		}
		l.known = max(l.known, known)
	}
}

// chooseTable returns the place of the sheet to read when none is named: the first visible one, unless it is no table or another
// has more than twice as many names that mean something.
func (b *book) chooseTable(sheets []SheetInfo, surveys []survey) (int, error) {
	first, err := choose(sheets, "")
	if err != nil {
		return 0, err
	}
	all := make([]looks, len(sheets))
	most := 0
	for i, s := range sheets {
		if !s.Hidden && s.Rows > 0 && len(sheets) > 1 {
			all[i] = b.look(b.sheets[i], surveys[i].merges)
			if all[i].table() {
				most = max(most, all[i].known)
			}
		}
	}
	for i, l := range all {
		if l.table() && (most < 2 || l.known*2 >= most) {
			return i, nil
		}
	}
	return first, nil
}

// passedOver are the visible sheets that were taken for no table.
func passedOver(before []SheetInfo) []SheetInfo {
	var over []SheetInfo
	for _, s := range before {
		if !s.Hidden && s.Rows > 0 {
			over = append(over, s)
		}
	}
	return over
}
