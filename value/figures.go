package value

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

var figureShape = regexp.MustCompile(`^([0-9]{1,2})\s?([-/.])\s?([0-9]{1,2})\s?([-/.])\s?([0-9]{4}|[0-9]{2})\.?$`)

// figures reads a date of numbers that does not begin with a year of four digits.
//
// With dots the day comes first: no country and no program writes the month first and dots. With other marks it is read in every
// order that is in use, and taken only if all that give a day of the calendar give the same one.
func (m *mend) figures(p []string, r reading) (reading, error) {
	candidates := orders(p, r)
	switch len(candidates) {
	case 0:
		return r, &Unclear{m.value, "is no day of the calendar from 1990 to 2099", dateRemedy}
	case 1:
		return candidates[0], nil
	}
	var shown []string
	for _, c := range candidates {
		shown = append(shown, c.day().Format("2 January 2006"))
	}
	return r, &Unclear{m.value, "may be " + strings.Join(shown, " or "), "say which with --date-format (DD/MM/YYYY, MM/DD/YYYY), or write it as 2024-05-31"}
}

// orders lists the different days that three numbers can mean.
func orders(p []string, r reading) []reading {
	a, b, c := number(p[1]), number(p[3]), number(p[5])
	tries := [][3]int{{fullYear(p[5]), b, a}}
	if p[2] != "." {
		tries = append(tries, [3]int{fullYear(p[5]), a, b})
		if len(p[5]) == 2 && len(p[1]) == 2 {
			tries = append(tries, [3]int{2000 + a, b, c})
		}
	}
	var out []reading
	for _, t := range tries {
		r.year, r.month, r.dayOf = t[0], time.Month(t[1]), t[2]
		if r.exists() && !contains(out, r) {
			out = append(out, r)
		}
	}
	return out
}

func contains(list []reading, r reading) bool {
	for _, l := range list {
		if l.day().Equal(r.day()) {
			return true
		}
	}
	return false
}

var (
	serialShape = regexp.MustCompile(`^[0-9]{5}(?:[.,][0-9]+)?$`)
	unixShape   = regexp.MustCompile(`^1[0-9]{9}(?:[0-9]{3})?$`)
)

// noDate says what a cell holds that is no date, as far as that can be told.
func (m *mend) noDate(date string, form Form) error {
	switch {
	case scientific.MatchString(m.value):
		return &Damage{m.value, "was damaged by a spreadsheet: it stands in scientific notation", "format the column as a date in the source and export it again"}
	case serialShape.MatchString(m.value):
		return &Unclear{m.value, "is a number, perhaps the days that a spreadsheet counts", "format the column as a date in the source and export it again, or say --date-format excel"}
	case unixShape.MatchString(m.value):
		return &Unclear{m.value, "is a number, perhaps seconds since 1970", "write it as 2024-05-31, or say --date-format unix"}
	case monthShape.MatchString(date) && namesMonth(date):
		return &Unclear{m.value, "does not say its day or its year", "write it as 2024-05-31"}
	}
	if form.pattern != nil {
		return &Unclear{m.value, "does not have the form " + form.text, "write it as " + form.text + " or as 2024-05-31"}
	}
	return &Unclear{m.value, "is not a date", dateRemedy}
}

// count reads a date that is counted from an epoch.
func (f Form) count(s string) (reading, error) {
	t, ok := f.epoch(s)
	r := reading{year: t.Year(), month: t.Month(), dayOf: t.Day(), hour: t.Hour(), minute: t.Minute(), second: t.Second()}
	if f.text == "unix" {
		r.zone = time.UTC
	}
	if ok && r.exists() {
		return r, nil
	}
	var dated reading
	if yearFirst(s, &dated) && dated.exists() {
		return dated, nil
	}
	return r, &Unclear{s, "does not have the form " + f.text, "write it as 2024-05-31"}
}

func unixSeconds(s string) (time.Time, bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	if len(s) == 13 {
		n /= 1000
	}
	return time.Unix(n, 0).UTC(), err == nil
}

// excelEpoch is day zero of the spreadsheets' count, which has a 29 February 1900 too many.
var excelEpoch = time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)

func excelDays(s string) (time.Time, bool) {
	days, err := strconv.ParseFloat(strings.Replace(s, ",", ".", 1), 64)
	if err != nil || math.IsNaN(days) || days < 1 || days > 1e6 {
		return time.Time{}, false
	}
	seconds := math.Round((days - math.Floor(days)) * 86400)
	return excelEpoch.AddDate(0, 0, int(days)).Add(time.Duration(seconds) * time.Second), true
}
