package command

import (
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// count writes a number with its noun: "1 row", "2 rows".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// verbed is a number with the form of a verb that goes with it.
func verbed(n int, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, more)
}

// printable takes out of a text what would steer a terminal or turn the direction
// of writing: cells and headers are shown as they came, from whoever made them.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return r
		case r == '\t':
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r):
			return unicode.ReplacementChar
		}
		return r
	}, text)
}

// oneLine shows a cell in one line, shortened.
func oneLine(cell string, most int) string {
	return shortenTo(strings.Join(strings.Fields(cell), " "), most)
}

func shortenTo(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

// columnsOf is how many columns of a terminal a text takes: letters of East Asia are twice as wide.
func columnsOf(text string) int {
	n := 0
	for _, r := range text {
		switch width.LookupRune(r).Kind() {
		case width.EastAsianWide, width.EastAsianFullwidth:
			n += 2
		default:
			n++
		}
	}
	return n
}
