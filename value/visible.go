package value

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Text cleans a free text of what cannot be seen at its ends and of what keeps a spreadsheet program from changing it: the
// formula ="...", and an apostrophe in front of nothing but digits. White space around it goes without a word.
func Text(cell string) (string, []Note) {
	if plainEnds(cell) {
		return cell, nil
	}
	m := mend{value: cell}
	for m.trim() || m.formula() || m.apostrophe(isFigure) {
	}
	return m.value, m.notes
}

// plainEnds says that a cell neither begins nor ends with anything that Text takes off.
func plainEnds(cell string) bool {
	if cell == "" {
		return true
	}
	first, last := cell[0], cell[len(cell)-1]
	if first > ' ' && first < 0x7f && last > ' ' && last < 0x7f {
		return first != '=' && first != '\''
	}
	f, _ := utf8.DecodeRuneInString(cell)
	l, _ := utf8.DecodeLastRuneInString(cell)
	return f != '=' && f != '\'' && !unseen(f) && !unseen(l)
}

// trim takes white space and unseen characters off both ends. It notes the latter only: everybody leaves a space somewhere.
func (m *mend) trim() bool {
	clean := strings.TrimFunc(m.value, unseen)
	if len(clean) == len(m.value) {
		return false
	}
	if strings.Trim(m.value, " \t\r\n") == clean {
		m.value = clean
		return true
	}
	return m.becomes(clean, "characters that cannot be seen stood around it")
}

// unseen says that a rune shows nothing: white space of any kind, and the characters that only direct the layout.
func unseen(r rune) bool { return blank(r) || weightless(r) }

func blank(r rune) bool {
	return unicode.IsSpace(r) || unicode.Is(unicode.Zs, r) || r == '\u2800' || r == '\u3164'
}

// weightless says that a rune takes no room: marks of order and joining, the soft hyphen, control characters.
func weightless(r rune) bool {
	if unicode.IsSpace(r) {
		return false
	}
	return unicode.In(r, unicode.Cf, unicode.Cc) || r == '\u034f'
}

// formula unwraps ="00123", which keeps a spreadsheet program from taking digits for a number.
func (m *mend) formula() bool {
	inner, ok := strings.CutPrefix(m.value, `="`)
	if !ok {
		return false
	}
	inner, ok = strings.CutSuffix(inner, `"`)
	if !ok || strings.Contains(inner, `"`) {
		return false
	}
	return m.becomes(inner, `the formula ="..." stood around it, which only keeps a spreadsheet from changing it`)
}

// apostrophe takes off the apostrophe that marks a cell as text, where the rest is what a spreadsheet would have changed.
func (m *mend) apostrophe(guarded func(string) bool) bool {
	for _, mark := range []string{"'", "’", "‘", "`", "´"} {
		if rest, ok := strings.CutPrefix(m.value, mark); ok && guarded(rest) {
			return m.becomes(rest, "an apostrophe stood in front, which only marks a cell as text")
		}
	}
	return false
}

// isFigure says that a text is made of digits, and at most of the marks between them, so that it is no word with an
// apostrophe ('90s, 't Hooft).
func isFigure(s string) bool {
	digits := 0
	for _, c := range []byte(s) {
		switch {
		case isDigit(c):
			digits++
		case !strings.ContainsRune("+-. ()/", rune(c)):
			return false
		}
	}
	return digits > 0
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

func isAlnum(c byte) bool { return isDigit(c) || isLetter(c) }

// all says that a text is not empty and each of its bytes is of the class.
func all(s string, class func(byte) bool) bool {
	for i := range len(s) {
		if !class(s[i]) {
			return false
		}
	}
	return s != ""
}
