package sheet

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// spoiled says that some spreadsheet program, in some language, would take a cell for a number, a date, a time or a truth value, and
// so might save another text than it opened. Rather one cell too many: a guard does no harm, and lost digits don't come back.
func spoiled(cell string) bool {
	text := strings.TrimSpace(cell)
	if !digits(text) {
		return strings.EqualFold(text, "true") || strings.EqualFold(text, "false")
	}
	return (text != cell || !keptWhole(text)) && numeric(text)
}

// digits says that there is a digit, of any script, in a text.
func digits(text string) bool {
	for i := range len(text) {
		switch c := text[i]; {
		case c >= '0' && c <= '9':
			return true
		case c >= utf8.RuneSelf:
			return strings.ContainsFunc(text[i:], unicode.IsDigit)
		}
	}
	return false
}

// keptWhole says that a text is a whole number that every program shows, and saves, as it is: Excel shows up to eleven digits.
func keptWhole(text string) bool {
	if text == "" || len(text) > 11 || text[0] == '0' && text != "0" {
		return false
	}
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return false
		}
	}
	return true
}

// numberMarks may stand in numbers, dates and times, beside spaces and the signs of currencies.
const numberMarks = ".,:/-+%()'’"

// numeric says that a text, in which there is a digit, consists of what numbers, dates and times are made of: digits, marks, and
// the words of dates.
func numeric(text string) bool {
	hyphens, long, exponent := false, false, false
	for seen, rest := 0, text; rest != ""; {
		r, size := utf8.DecodeRuneInString(rest)
		switch {
		case unicode.IsDigit(r):
			size = leading(rest, unicode.IsDigit)
			long = long || size > 4
			seen++
		case unicode.IsLetter(r):
			size = leading(rest, unicode.IsLetter)
			if !dateWord(rest[:size], seen > 0, len(rest) > size) {
				return false
			}
			exponent = exponent || size == 1
		case (r == '\'' || r == '’') && seen == 0:
			return false // text: an apostrophe is a mark of thousands
		case r == '-':
			hyphens = hyphens || seen > 0 && strings.ContainsFunc(rest, unicode.IsDigit) // at the end it is a minus
		case !unicode.IsSpace(r) && !unicode.Is(unicode.Sc, r) && !strings.ContainsRune(numberMarks, r):
			return false
		}
		rest = rest[size:]
	}
	// 123-4567890 is no date, and nothing else has a hyphen between its digits.
	return !hyphens || !long || exponent
}

// leading is how many bytes of a text, from its first on, are characters of a kind.
func leading(text string, kind func(rune) bool) int {
	n := strings.IndexFunc(text, func(r rune) bool { return !kind(r) })
	if n < 0 {
		return len(text)
	}
	return n
}

// dateWord says that letters may stand in a number or a date: the E of an exponent, the T of a time, am and pm, the name of a month.
func dateWord(word string, afterDigits, more bool) bool {
	switch {
	case len(word) > 1:
	case strings.Contains("eEtT", word):
		return afterDigits && more
	default:
		return afterDigits && strings.Contains("aApP", word)
	}
	if strings.EqualFold(word, "am") || strings.EqualFold(word, "pm") {
		return afterDigits
	}
	return isMonth(word)
}

// months holds the names of months that spreadsheet programs know, each in its language, and their beginnings of three letters
// and more, which the programs know, too.
var months = beginnings(`january february march april may june july august september october november december
	januar februar märz mrz mai juni juli oktober dezember
	janvier février mars avril juin juillet août septembre octobre novembre décembre
	enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre
	gennaio febbraio aprile maggio giugno luglio settembre ottobre dicembre
	januari februari maart mrt mei augustus
	janeiro fevereiro março maio junho julho setembro outubro novembro dezembro`)

func beginnings(names string) map[string]bool {
	all := map[string]bool{}
	for name := range strings.FieldsSeq(names) {
		letters := []rune(name)
		for n := 3; n <= len(letters); n++ {
			all[string(letters[:n])] = true
		}
	}
	return all
}

// isMonth says that a word is the name of a month or its first letters, at least three.
func isMonth(word string) bool {
	const longest = len("septiembre")
	return len(word) <= longest && months[strings.ToLower(word)]
}
