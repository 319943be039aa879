package sheet

import (
	"strings"
	"unicode/utf8"
)

// formula holds the characters that make a spreadsheet program take a cell for a formula when it begins with one of them,
// with the full-width forms that some programs fold.
const formula = "=+-@\t\r\n＝＋－＠"

// Guard makes a cell safe to open in a spreadsheet program: one that begins like a formula gets an apostrophe in front.
// [Unguard] takes it off again, for every string: Unguard(Guard(x)) == x.
func Guard(cell string) string {
	if cell == "" || !risky(cell) && !guarded(cell) {
		return cell
	}
	return "'" + cell
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

// guarded says that a cell begins with an apostrophe that Unguard takes off: before a formula character, a digit or
// another apostrophe. The last keeps a cell that looks guarded from the start apart from one that we guarded.
func guarded(cell string) bool {
	if len(cell) < 2 || cell[0] != '\'' {
		return false
	}
	next := cell[1]
	return next == '\'' || next >= '0' && next <= '9' || risky(cell[1:])
}
