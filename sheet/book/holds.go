package book

import (
	"fmt"
	"regexp"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"
)

// CellError says that a workbook can't hold a cell.
type CellError struct {
	Row, Column int // both from 1, the header is row 1
	Problem     string
}

func (e *CellError) Error() string {
	return fmt.Sprintf("row %d, column %d: %s, which a workbook can't hold; write a .csv file", e.Row, e.Column, e.Problem)
}

func holdsAll(cells []string, row int) error {
	for i, cell := range cells {
		if problem := Holds(cell); problem != "" {
			return &CellError{Row: row, Column: i + 1, Problem: problem}
		}
	}
	return nil
}

// Holds says why a workbook can't hold a text; it returns nothing if it can.
func Holds(cell string) string {
	switch units, strange := measure(cell); {
	case units > excelize.TotalCellChars:
		return fmt.Sprintf("the cell has more than %d characters", excelize.TotalCellChars)
	case strange >= 0:
		r, size := utf8.DecodeRuneInString(cell[strange:])
		if r == utf8.RuneError && size == 1 {
			return "the cell holds bytes that are not UTF-8"
		}
		return fmt.Sprintf("the cell holds the control character %U", r)
	case lost.MatchString(cell):
		return fmt.Sprintf("the cell holds %q", lost.FindString(cell))
	}
	return ""
}

// measure counts the characters of a text as Excel does, and finds the first that XML has no place for; -1 if there is none.
func measure(cell string) (units, strange int) {
	strange = -1
	for i, r := range cell {
		units++
		if r > 0xFFFF {
			units++
		}
		if strange < 0 && !writable(cell, i, r) {
			strange = i
		}
	}
	return units, strange
}

// writable says that XML can hold the character at a place of a text.
func writable(cell string, i int, r rune) bool {
	switch {
	case r == '\t' || r == '\n' || r == '\r':
		return true
	case r < ' ' || r == 0xFFFE || r == 0xFFFF:
		return false
	case r != utf8.RuneError:
		return true
	}
	_, size := utf8.DecodeRuneInString(cell[i:])
	return size > 1
}

// lost is text that looks like the way in which workbooks write characters, and that excelize doesn't bring through: half of a pair of
// UTF-16, and two characters that share an underscore.
var lost = regexp.MustCompile(`_x([dD][89a-fA-F][0-9a-fA-F]{2}|[0-9a-fA-F]{4}_x[0-9a-fA-F]{4})_`)
