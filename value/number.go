package value

import (
	"regexp"
	"strings"
	"unicode"
)

// Number cleans a tracking number or the id of a parcel. What it gives is empty or made of letters, digits and - . _ / only,
// and cleaning it again changes nothing. Its errors are [*Damage] and [*Unclear].
func Number(cell string) (Cleaned, error) {
	if sound(cell) {
		return Cleaned{Value: cell}, nil
	}
	m := mend{value: cell}
	if err := m.number(); err != nil {
		return Cleaned{}, err
	}
	return m.cleaned(), nil
}

// OrderNumber cleans the number or the id of an order, which may be any text: the # that shops print in front of it is taken
// off, its spaces and dashes stay. Its errors are as those of [Number].
func OrderNumber(cell string) (Cleaned, error) {
	if sound(cell) || hyphenated(cell) && !dated(cell) {
		return Cleaned{Value: cell}, nil
	}
	m := mend{value: cell}
	if err := m.order(); err != nil {
		return Cleaned{}, err
	}
	return m.cleaned(), nil
}

// clean says that a cell is made of letters and digits, or empty.
func clean(cell string) bool {
	for i := range len(cell) {
		if classes[cell[i]] == 0 {
			return false
		}
	}
	return true
}

// sound says that a cell is a number as it should be, with no need of a closer look. Nearly all are, so that it is worth being quick.
func sound(cell string) bool {
	digits, last := 0, 0
	for i := range len(cell) {
		switch classes[cell[i]] {
		case 0:
			return false
		case digit:
			digits++
		default:
			last = i
		}
	}
	switch letters := len(cell) - digits; {
	case cell == "":
		return true
	case letters == 0:
		return len(cell) <= trueDigits || soundDigits(cell)
	case digits == 0, len(cell) >= 2*leastNumber, letters == 1 && last >= len(cell)-3 && upper(cell[last]) == 'E':
		return false
	}
	return !familyOf(len(cell)).checked || failing(cell) == ""
}

// soundDigits is sound for digits alone, more than a spreadsheet keeps.
func soundDigits(cell string) bool {
	f := familyOf(len(cell))
	return len(cell) <= longestNumber && odd(cell) == 0 && (!f.checked || failing(cell) == "") && (!f.zeros || withZeros(cell) == nil)
}

// hyphenated says that a cell is made of digits with hyphens between them, as Amazon's orders are.
func hyphenated(cell string) bool {
	for i := range len(cell) {
		if !isDigit(cell[i]) && (cell[i] != '-' || i == 0) {
			return false
		}
	}
	return strings.Contains(cell, "-")
}

// The classes of a number's characters; all others have none.
const (
	digit  = 1
	letter = 2
)

var classes = classify()

func classify() (table [256]uint8) {
	for c := range table {
		switch {
		case isDigit(byte(c)):
			table[c] = digit
		case isLetter(byte(c)):
			table[c] = letter
		}
	}
	return table
}

func (m *mend) number() error {
	m.legible()
	if m.absent() || m.value == "" {
		return nil
	}
	if err := m.spoilt(); err != nil {
		return err
	}
	m.decimals()
	m.thousands()
	if err := m.noNumber(); err != nil {
		return err
	}
	m.printed()
	if c := foreign(m.value); c != "" {
		return &Unclear{m.value, "has the character " + c + ", which no tracking number has", "write the number alone, with letters, digits and - . _ / only"}
	}
	if err := m.digitsLost(verified(m.value)); err != nil {
		return err
	}
	m.doubts()
	return nil
}

// noNumber finds what can be no tracking number, and what may be several.
func (m *mend) noNumber() error {
	switch _, found := several(m.value); {
	case strings.IndexFunc(m.value, unicode.IsDigit) < 0:
		return &Unclear{m.value, "holds no digit, and so is no tracking number", "fill in the number, or leave the row out until it is there"}
	case dated(m.value):
		return &Damage{m.value, "is a date or a time and no tracking number; perhaps a spreadsheet took it for one", asText}
	case fraction.MatchString(m.value):
		return &Damage{m.value, "is a decimal number and no tracking number; perhaps a spreadsheet took it for one", asText}
	case found != single:
		return &Unclear{m.value, severalWrong, severalRemedy}
	}
	return nil
}

func (m *mend) order() error {
	m.legible()
	if m.absent() || m.value == "" {
		return nil
	}
	if err := m.spoilt(); err != nil {
		return err
	}
	if strings.HasPrefix(m.value, "=") {
		return isFormula(m.value)
	}
	m.decimals()
	m.thousands()
	if dated(m.value) {
		m.warn("looks like a date, which a spreadsheet may have made of it")
	}
	return m.digitsLost(false)
}

// isFormula refuses a formula that no program worked out.
func isFormula(s string) error {
	return &Damage{s, "is a formula instead of a value", "export the sheet with the values of its formulas"}
}

// foreign is the first character, quoted, that no tracking number has.
func foreign(s string) string {
	for _, r := range s {
		if r > 0x7f || !isAlnum(byte(r)) && !strings.ContainsRune("-._/", r) {
			return quoteRune(r)
		}
	}
	return ""
}

// legible takes off everything that stands around a number or cannot be seen in it, and writes its characters in ASCII.
func (m *mend) legible() {
	m.trim()
	m.narrow()
	for m.trim() || m.formula() || m.quotes() || m.apostrophe(startsAlnum) || m.hash() {
	}
}

func startsAlnum(s string) bool { return s != "" && isAlnum(s[0]) }

// narrow writes full-width characters and typographic dashes as the ASCII characters that they stand for, and drops what
// takes no room.
func (m *mend) narrow() {
	if strings.IndexFunc(m.value, func(r rune) bool { return r > 0x7e || r < ' ' }) < 0 {
		return
	}
	m.becomes(strings.Map(withoutWeight, m.value), "characters that cannot be seen stood in it")
	m.becomes(strings.Map(ordinarySpace, m.value), "unusual spaces stood in it")
	m.becomes(strings.Map(ordinaryWidth, m.value), "full-width characters stand for the ordinary ones")
	m.becomes(strings.Map(ordinaryDash, m.value), "a typographic dash stands for a hyphen")
}

func withoutWeight(r rune) rune {
	if weightless(r) {
		return -1
	}
	return r
}

func ordinarySpace(r rune) rune {
	if blank(r) && r != '\n' && r != '\r' && r != '\t' {
		return ' '
	}
	return r
}

func ordinaryWidth(r rune) rune {
	if r >= '！' && r <= '～' {
		return r - '！' + '!'
	}
	return r
}

func ordinaryDash(r rune) rune {
	if r >= '\u2010' && r <= '\u2015' || r == '\u2212' || r == '\ufe63' {
		return '-'
	}
	return r
}

// quotePairs are the quotation marks that people and programs put around a text.
var quotePairs = []string{`""`, "''", "“”", "„“", "„”", "‘’", "‚‘", "«»", "»«", "””", "’’", "“\"", "\"”", "「」"}

func (m *mend) quotes() bool {
	for _, pair := range quotePairs {
		p := []rune(pair)
		inner, ok := strings.CutPrefix(m.value, string(p[0]))
		if !ok {
			continue
		}
		if inner, ok = strings.CutSuffix(inner, string(p[1])); ok && !strings.ContainsAny(inner, pair) {
			return m.becomes(inner, "quotation marks stood around it")
		}
	}
	return false
}

// hash takes the number sign off that is printed in front of a number.
func (m *mend) hash() bool {
	rest, ok := strings.CutPrefix(m.value, "#")
	rest = strings.TrimLeft(rest, " ")
	if !ok || !startsAlnum(rest) || errorValue(m.value) {
		return false
	}
	return m.becomes(rest, "a # stood in front, which is no part of the number")
}

// absentWords are what people and programs write into a cell that has no value.
var absentWords = map[string]bool{
	"n/a": true, "na": true, "n.a.": true, "nan": true, "none": true, "null": true, "nil": true, "nul": true, "-": true, "--": true,
	"---": true, "/": true, ".": true, "_": true, "?": true, "(none)": true, "(null)": true, "<na>": true, "<none>": true, "<null>": true, "k.a.": true,
	"undefined": true, "not available": true, "not applicable": true,
}

const noValue = "the word says that there is no value"

// absent empties a cell whose word says that there is no value. To send the word would make a tracking named so.
func (m *mend) absent() bool {
	return len(m.value) <= len("not applicable") && absentWords[strings.ToLower(m.value)] && m.becomes("", noValue)
}

// decimal is a whole number as programs write it that take it for an amount.
var decimal = regexp.MustCompile(`^([0-9]+)[.,]0{1,2}$`)

// decimals takes off the .0 that a program added to a number. No digit is lost by that; whether some were lost before is for
// digitsLost to say.
func (m *mend) decimals() bool {
	found := decimal.FindStringSubmatch(m.value)
	return found != nil && m.becomes(found[1], "a program wrote the number with decimals")
}

// grouped is a whole number with marks between the thousands, two at least: one alone may be a part of the number.
var grouped = regexp.MustCompile(`^([0-9]{1,3}(?:(?:,[0-9]{3}){2,}|(?:\.[0-9]{3}){2,}|(?:['’][0-9]{3}){2,}))(?:[.,]0{1,2})?$`)

func (m *mend) thousands() bool {
	found := grouped.FindStringSubmatch(m.value)
	return found != nil && m.becomes(strings.Map(onlyDigits, found[1]), "a program wrote marks between the thousands")
}

func onlyDigits(r rune) rune {
	if r >= '0' && r <= '9' {
		return r
	}
	return -1
}
