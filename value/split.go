package value

import (
	"regexp"
	"strings"
)

// Numbers takes the numbers of a cell apart. A comma, a semicolon, a bar and a line break part them, a slash, an ampersand and a
// plus with spaces around them, a space where each side can only be a number of its own, and the characters of separators. What it gives is not cleaned. A cell without any number gives none.
func Numbers(cell, separators string) []string {
	if clean(cell) && (len(cell) < 2*leastNumber || len(cell) <= longestNumber && all(cell, isDigit)) {
		return filled([]string{cell})
	}
	if separators != "" {
		var out []string
		for part := range strings.FieldsFuncSeq(cell, func(r rune) bool { return strings.ContainsRune(separators, r) }) {
			out = append(out, Numbers(part, "")...)
		}
		return out
	}
	m := mend{value: cell}
	for m.trim() || m.formula() || m.quotes() {
	}
	if oneNumber(m.value) {
		return filled([]string{cell})
	}
	var out []string
	for _, part := range strings.FieldsFunc(m.value, isSeparator) {
		for _, piece := range splitWords(part) {
			for _, p := range apart(piece) {
				out = append(out, unglued(p)...)
			}
		}
	}
	return filled(out)
}

func filled(parts []string) []string {
	out := parts[:0]
	for _, p := range parts {
		if p = strings.TrimFunc(p, unseen); p != "" {
			out = append(out, p)
		}
	}
	return out
}

// oneNumber says that the separators in a cell belong to one number that a spreadsheet wrote.
func oneNumber(s string) bool {
	s = strings.TrimLeft(s, "'")
	return scientific.MatchString(s) || grouped.MatchString(s) || decimal.MatchString(s)
}

func isSeparator(r rune) bool {
	return strings.ContainsRune(",;|\n\r\v\f、，；", r) || r == '\u2028'
}

var betweenNumbers = regexp.MustCompile(`\s+(?:[/&+]|and|und|et|y|e)\s+`)

// splitWords takes a text apart at a sign or a word between two numbers.
func splitWords(s string) []string {
	parts := betweenNumbers.Split(s, -1)
	for _, p := range parts {
		if !numberlike(p) {
			return []string{s}
		}
	}
	return parts
}

// numberlike says that a text has the length and the digits of a tracking number.
func numberlike(s string) bool {
	digits := 0
	for i := range len(s) {
		if isDigit(s[i]) {
			digits++
		}
	}
	return digits >= 6 && len(s) >= 8
}

// apart takes a text apart at its spaces if each part can only be a number of its own: a known one, or all of them equally long
// and longer than any group of a printed number, with hyphens at the same places.
func apart(s string) []string {
	parts := strings.FieldsFunc(s, blank)
	if len(parts) < 2 || unmistakable(strings.Join(parts, "")) {
		return []string{s}
	}
	for _, p := range parts {
		if !unmistakable(p) && !(len(p) >= leastNumber && numberlike(p) && layout(p) == layout(parts[0])) {
			return []string{s}
		}
	}
	return parts
}

// layout is where the hyphens of a number stand; of what is no number with hyphens it is all of it.
func layout(s string) string {
	if !clean(strings.ReplaceAll(s, "-", "")) {
		return s
	}
	return strings.Map(func(r rune) rune {
		if r == '-' {
			return r
		}
		return 'x'
	}, s)
}

// unglued takes several numbers apart that are certainly in one text.
func unglued(s string) []string {
	if parts, found := several(s); found == certain {
		return parts
	}
	return []string{s}
}

// List takes a list of e-mail addresses or phone numbers apart: at commas, semicolons, bars and line breaks, at a slash with spaces
// around it if whole ones stand on both sides, and at spaces if every part is an e-mail address.
func List(cell string) []string {
	parts := filled(strings.FieldsFunc(cell, isSeparator))
	var out []string
	for _, p := range parts {
		for _, side := range sides(p) {
			out = append(out, addresses(side)...)
		}
	}
	return out
}

var spacedSlash = regexp.MustCompile(`\s+/\s+`)

// leastDigits is fewer than any phone number has, and more than the code of a city: "030 / 1234567" is one number.
const leastDigits = 7

func sides(s string) []string {
	parts := spacedSlash.Split(s, -1)
	for _, p := range parts {
		if strings.Count(p, "@") != 1 && len(strings.Map(onlyDigits, p)) < leastDigits {
			return []string{s}
		}
	}
	return parts
}

func addresses(s string) []string {
	words := strings.FieldsFunc(s, blank)
	for _, w := range words {
		if strings.Count(w, "@") != 1 {
			return []string{s}
		}
	}
	return words
}
