package sheet

import (
	"strings"
	"unicode/utf8"
)

// formula holds the characters that make a spreadsheet program take a cell for a formula when it begins with one of them,
// with the full-width forms that some programs fold.
const formula = "=+-@\t\r\n＝＋－＠"

// Guard makes a cell safe to open in a spreadsheet program: one that begins like a formula gets an apostrophe in front.
// [Unguard] takes it off again, for every string: Unguard(Guard(x)) == x. That holds for [GuardNumbers] and [GuardNothing], too.
func Guard(cell string) string {
	if cell == "" || !risky(cell) && !guarded(cell) {
		return cell
	}
	return "'" + cell
}

// GuardNumbers makes a cell come back as it was when a spreadsheet program opens and saves it: beside what [Guard] does, what the
// program would take for a number or a date and write anew (00123, 940011120621364217, 12E45678, 3-4) gets an apostrophe in front.
// Excel and LibreOffice take such a cell for text and save the apostrophe, too; the form ="00123" is gone after one saving.
func GuardNumbers(cell string) string {
	if cell != "" && !risky(cell) && spoiled(cell) {
		return "'" + cell
	}
	return Guard(cell)
}

// GuardNothing is for cells that are text in any case, as those of a workbook: only what looks guarded gets an apostrophe in
// front, so that Unguard leaves the rest.
func GuardNothing(cell string) string {
	if guarded(cell) {
		return "'" + cell
	}
	return cell
}

// Unguard takes a leading apostrophe off a cell: our own guard, or what people and shops write to keep digits from being
// taken for a number ('0012, '+31612345678). An apostrophe before anything else is text ('t Hooft) and stays.
func Unguard(cell string) string {
	if guarded(cell) {
		return cell[1:]
	}
	return cell
}

// risky says that a cell begins like a formula.
func risky(cell string) bool {
	if c := cell[0]; c < utf8.RuneSelf {
		return strings.IndexByte(formula, c) >= 0
	}
	r, _ := utf8.DecodeRuneInString(cell)
	return r != utf8.RuneError && strings.ContainsRune(formula, r)
}

// guarded says that a cell begins with an apostrophe that Unguard takes off: before a formula character, a digit, another
// apostrophe, or what a spreadsheet program would spoil. An apostrophe before another keeps a cell that looks guarded from the
// start apart from one that we guarded.
func guarded(cell string) bool {
	if len(cell) < 2 || cell[0] != '\'' {
		return false
	}
	next := cell[1]
	return next == '\'' || next >= '0' && next <= '9' || risky(cell[1:]) || spoiled(cell[1:])
}
