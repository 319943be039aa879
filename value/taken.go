package value

import (
	"regexp"
	"strings"
	"unicode"
)

// fraction is a number with digits behind its decimal mark.
var fraction = regexp.MustCompile(`^[0-9]+[.,][0-9]+$`)

// longestDate is more than the length of any date with its time.
const longestDate = 48

// dated says that a text is a date or a time of day, or has the form of one: no courier's number looks so, and a spreadsheet writes it
// so that took a value for a date.
func dated(s string) bool {
	if len(s) < 5 || len(s) > longestDate || !strings.ContainsAny(s, "-/.: 年") {
		return false
	}
	date, r := s, reading{}
	if strings.Contains(s, ":") {
		var err error
		if date, r, err = clock(s); err != nil || date == "" {
			return clockShape.MatchString(s)
		}
	}
	if p := yearShape.FindStringSubmatch(date); p != nil {
		return p[4] == "" // without marks it is a number
	}
	if p := figureShape.FindStringSubmatch(date); p != nil {
		return p[2] == p[4]
	}
	return strings.IndexFunc(date, unicode.IsLetter) >= 0 && named(date, &r)
}
