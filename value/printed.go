package value

import (
	"strconv"
	"strings"
)

func quoteRune(r rune) string { return strconv.QuoteRune(r) }

// longestGroup is the longest group of characters that labels print between two spaces. Every number that a courier gives
// out by itself is longer.
const longestGroup = 5

// printed takes the spaces, dashes and dots out of a number that only help the eye ("1Z 999 AA1 01 2345 6784").
//
// A space is never a part of a number. It goes when the rest is the number of a courier that can be told by it, or when it
// stands between short groups of digits; else it may part two numbers, or a number from a word.
// A dash or a dot may be a part of a number. It goes only together with what the joined number proves.
func (m *mend) printed() bool {
	groups := strings.FieldsFunc(m.value, isPrintMark)
	if len(groups) < 2 {
		return false
	}
	joined := strings.Join(groups, "")
	if !clean(joined) || !m.forTheEye(groups, joined) {
		return false
	}
	return m.becomes(joined, "its spaces and dashes only help the eye")
}

func isPrintMark(r rune) bool {
	return r == ' ' || r == '-' || r == '.' || r == '\t' || r == '\n' || r == '\r'
}

func (m *mend) forTheEye(groups []string, joined string) bool {
	if unmistakable(joined) {
		return true
	}
	if strings.ContainsAny(m.value, "-.") {
		return len(groups) > 2 && short(groups) && verified(joined)
	}
	return short(groups) && all(joined, isDigit)
}

func short(groups []string) bool {
	for _, g := range groups {
		if len(g) > longestGroup {
			return false
		}
	}
	return true
}

// unmistakable says that a number has a shape that only one courier's numbers have, and that its check digit, if the shape
// has one, holds.
func unmistakable(number string) bool {
	for _, s := range shapesOf(number) {
		if s.sure && s.fits(number) && (s.check == nil || s.check(number)) {
			return true
		}
	}
	return false
}
