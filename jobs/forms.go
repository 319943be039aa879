package jobs

import (
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// What follows tells well-formed values from others. Each row asks some of it, so
// that the usual forms are recognised without regular expressions.

var (
	languageForm = regexp.MustCompile(`^[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*$`)
	phoneForm    = regexp.MustCompile(`^\+[0-9][0-9 ().-]{5,20}$`)
)

// AfterShip takes a date with a time only with its offset (AfterShip docs, create
// a tracking); a date it takes in several forms, which the codec converts.
var (
	datetimeForms = []string{time.RFC3339}
	dateForms     = []string{time.DateOnly, "20060102", time.RFC3339, "2006-01-02T15:04:05"}
)

func parses(s string, forms []string) bool {
	return slices.ContainsFunc(forms, func(form string) bool { _, err := time.Parse(form, s); return err == nil })
}

// isSlug takes lower-case letters and digits, with single hyphens or underscores
// between them.
func isSlug(s string) bool {
	mark := true
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z' || isDigit(c):
			mark = false
		case (c == '-' || c == '_') && !mark:
			mark = true
		default:
			return false
		}
	}
	return !mark
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isAlnum(c byte) bool { return isDigit(c) || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' }

// e164 takes a phone number in the one international form.
func e164(s string) bool {
	if len(s) < 8 || len(s) > 16 || s[0] != '+' || s[1] == '0' {
		return false
	}
	return every(s[1:], isDigit)
}

func every(s string, test func(byte) bool) bool {
	for i := range len(s) {
		if !test(s[i]) {
			return false
		}
	}
	return true
}

// isEmail takes a bare address only: a name before it, as in "Ann <ann@shop.example>", is refused.
func isEmail(s string) bool {
	if plainEmail(s) {
		return true
	}
	a, err := mail.ParseAddress(s)
	return err == nil && a.Address == s && strings.Contains(s[strings.LastIndexByte(s, '@'):], ".")
}

// plainEmail takes what nearly all addresses look like.
func plainEmail(s string) bool {
	local, domain, ok := strings.Cut(s, "@")
	return ok && dotted(local) && dotted(domain) && strings.Contains(domain, ".")
}

// dotted takes letters, digits, hyphens and underscores with single dots between them.
func dotted(s string) bool {
	dot := true
	for i := range len(s) {
		c := s[i]
		if !isAlnum(c) && c != '-' && c != '_' && (c != '.' || dot) {
			return false
		}
		dot = c == '.'
	}
	return !dot
}

var patterns sync.Map // of matchers by the pattern's text

// pattern is the matcher of a field's pattern.
func pattern(text string) func(string) bool {
	if match, ok := patterns.Load(text); ok {
		return match.(func(string) bool)
	}
	match := compile(text)
	patterns.Store(text, match)
	return match
}

// oneClass is a pattern of one class of characters, as nearly all are.
var oneClass = regexp.MustCompile(`^(\[[^\]^\\]+\])\+$`)

func compile(text string) func(string) bool {
	found := oneClass.FindStringSubmatch(text)
	if found == nil {
		return regexp.MustCompile(`^(?:` + text + `)$`).MatchString
	}
	var class [256]bool
	re := regexp.MustCompile(`^` + found[1] + `$`)
	for c := range 128 {
		class[c] = re.MatchString(string(rune(c)))
	}
	return func(s string) bool { return s != "" && every(s, func(c byte) bool { return class[c] }) }
}
