package charset

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// Undo returns what a cell meant before somebody read its UTF-8 as Windows-1252 ("JÃ¼rgen": Jürgen), and false if it looks like no
// such text. It is for telling a person, not for mending: what was lost on the way is not known.
func Undo(cell string) (string, bool) {
	if !strings.ContainsAny(cell, "ÂÃÄÅâ") {
		return cell, false
	}
	words, found := strings.Split(cell, " "), false
	for i, word := range words {
		if once, ok := undoWord(word); ok {
			words[i], found = once, true
		}
	}
	return strings.Join(words, " "), found
}

func undoWord(word string) (string, bool) {
	bytes, err := charmap.Windows1252.NewEncoder().String(word)
	if err != nil || !utf8.ValidString(bytes) {
		return "", false
	}
	beyond := false
	for _, r := range bytes {
		switch {
		case r < utf8.RuneSelf:
		case r >= 0xA0 && r <= 0x17F, r >= 0x2010 && r <= 0x2026, r == '€':
			beyond = true
		default:
			return "", false
		}
	}
	return bytes, beyond
}
