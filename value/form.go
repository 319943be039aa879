package value

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

// Form is how dates are written in a file. The zero Form is not to know it, and so to take only what can be read in one way.
type Form struct {
	text    string
	pattern *regexp.Regexp
	order   string // in which the parts come, as DMY
	epoch   func(string) (time.Time, bool)
}

// String is the form as ParseForm reads it.
func (f Form) String() string { return f.text }

// ParseForm reads the form of dates: DD, MM and YYYY or YY in their order and with what stands between them, MMM for the name of a
// month, as DD.MM.YYYY, MM/DD/YY or DD-MMM-YY. It settles the order for dates with other marks between the same parts too; dates that can be
// read in one way only are taken in any form. What follows from HH on is read in any common form. Two forms have names: unix counts
// seconds since 1970, excel counts days as spreadsheets do. An empty text is the zero Form.
func ParseForm(s string) (Form, error) {
	text := strings.TrimSpace(s)
	switch strings.ToLower(text) {
	case "":
		return Form{}, nil
	case "unix":
		return Form{text: "unix", epoch: unixSeconds}, nil
	case "excel":
		return Form{text: "excel", epoch: excelDays}, nil
	}
	return compileForm(text)
}

var formTokens = regexp.MustCompile(`(?i)y+|m+|d+|%[a-z]|[a-z]+`)

var tokenPatterns = map[string]string{
	"YYYY": `(?P<year>[0-9]{4})`, "YY": `(?P<year>[0-9]{2})`,
	"MMMM": `(?P<name>\pL{3,12})\.?`, "MMM": `(?P<name>\pL{3,12})\.?`, "MM": `(?P<month>[0-9]{2})`, "M": `(?P<month>[0-9]{1,2})`,
	"DD": `(?P<day>[0-9]{2})`, "D": `(?P<day>[0-9]{1,2})`,
}

func compileForm(text string) (Form, error) {
	date := text
	if i := strings.IndexAny(text, "Hh"); i >= 0 {
		date = strings.TrimRight(text[:i], " T,")
	}
	var pattern strings.Builder
	count, order, end := map[byte]int{}, "", 0
	for _, at := range formTokens.FindAllStringIndex(date, -1) {
		token := strings.ToUpper(date[at[0]:at[1]])
		known, ok := tokenPatterns[token]
		if !ok {
			return Form{}, fmt.Errorf("the date format %q has the unknown part %q: write it with DD, MM or MMM, and YYYY or YY, as in DD.MM.YYYY", text, date[at[0]:at[1]])
		}
		count[token[0]]++
		order += token[:1]
		pattern.WriteString(regexp.QuoteMeta(date[end:at[0]]) + loose(known, date[end:at[0]], end, at[1] == len(date) || !isAlnum(date[at[1]])))
		end = at[1]
	}
	if count['D'] != 1 || count['M'] != 1 || count['Y'] != 1 {
		return Form{}, fmt.Errorf("the date format %q must have the day, the month and the year once each: write it with DD, MM or MMM, and YYYY or YY, as in DD.MM.YYYY", text)
	}
	re, err := regexp.Compile(`^` + pattern.String() + regexp.QuoteMeta(date[end:]) + `$`)
	if err != nil {
		return Form{}, fmt.Errorf("the date format %q cannot be read: write it as in DD.MM.YYYY", text)
	}
	return Form{text: text, pattern: re, order: order}, nil
}

// loose lets a day or month of two digits be one digit where marks stand around it: files mix 05.06. and 5.6.
func loose(pattern, before string, start int, freeBehind bool) string {
	if freeBehind && (before != "" || start == 0) && !strings.Contains(pattern, "year") {
		return strings.Replace(pattern, "{2}", "{1,2}", 1)
	}
	return pattern
}

// read reads a date in the form.
func (f Form) read(s string, r *reading) bool {
	found := f.pattern.FindStringSubmatch(s)
	if found == nil {
		return false
	}
	for i, part := range f.pattern.SubexpNames() {
		switch part {
		case "year":
			r.year = fullYear(found[i])
		case "month":
			r.month = time.Month(number(found[i]))
		case "name":
			r.month = monthOf(found[i])
		case "day":
			r.dayOf = number(found[i])
		}
	}
	return true
}

// ordered reads three numbers in the order of the form.
func (f Form) ordered(p []string, r reading) reading {
	for i, part := range []string{p[1], p[3], p[5]} {
		switch f.order[i] {
		case 'Y':
			r.year = fullYear(part)
		case 'M':
			r.month = time.Month(number(part))
		case 'D':
			r.dayOf = number(part)
		}
	}
	return r
}
