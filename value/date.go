package value

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Date reads a date and gives it as YYYY-MM-DD; a time behind it is left out. A form says what is meant where a date can
// be read in several ways; without, only what can be read in one way is taken. Its errors are [*Damage] and [*Unclear].
func Date(cell string, form Form) (iso string, notes []Note, err error) {
	if len(cell) == len(time.DateOnly) {
		if _, err := time.Parse(time.DateOnly, cell); err == nil && plausible(cell) {
			return cell, nil, nil
		}
	}
	m := mend{value: cell}
	r, err := m.reading(form)
	if err != nil || r.year == 0 {
		return "", nil, err
	}
	return r.day().Format(time.DateOnly), m.notes, nil
}

// Datetime reads a date with a time and gives it in the form of RFC 3339. A date without a time is taken at midnight, and a time
// without its offset from UTC is taken to be of loc; without loc it is refused. Its errors are [*Damage] and [*Unclear].
func Datetime(cell string, form Form, loc *time.Location) (rfc3339 string, notes []Note, err error) {
	if t, err := time.Parse(time.RFC3339, cell); err == nil && plausible(cell) && t.Format(time.RFC3339Nano) == cell {
		return cell, nil, nil
	}
	m := mend{value: cell}
	r, err := m.reading(form)
	if err != nil || r.year == 0 {
		return "", nil, err
	}
	zone := r.zone
	if zone == nil {
		zone = loc
	}
	if zone == nil {
		return "", nil, &Unclear{m.value, ErrNoOffset.Error(), datetimeRemedy}
	}
	return r.in(zone).Format(time.RFC3339Nano), m.notes, nil
}

// in is the time in a zone. A time that its clocks show twice, and one that they never show, has the offset from before the clocks were
// changed.
func (r reading) in(loc *time.Location) time.Time {
	shown := time.Date(r.year, r.month, r.dayOf, r.hour, r.minute, r.second, r.nano, time.UTC)
	_, before := shown.AddDate(0, 0, -1).In(loc).Zone()
	earlier := shown.Add(-time.Duration(before) * time.Second)
	if t := earlier.In(loc); !shows(t, shown) {
		if t = time.Date(r.year, r.month, r.dayOf, r.hour, r.minute, r.second, r.nano, loc); shows(t, shown) {
			return t
		}
	}
	return earlier.In(offset(before))
}

// shows says that a clock shows at a time what another one shows in UTC.
func shows(t, utc time.Time) bool {
	_, seconds := t.Zone()
	return t.Add(time.Duration(seconds) * time.Second).Equal(utc)
}

const (
	dateRemedy     = "write it as 2024-05-31, or say its form with --date-format (DD.MM.YYYY, MM/DD/YYYY)"
	datetimeRemedy = "write it as 2024-05-31T14:00:00+02:00"
)

// The years that dates of shipments and orders can be of.
const firstYear, lastYear = 1990, 2099

func plausible(iso string) bool { return iso[:4] >= "1990" && iso[:4] <= "2099" }

// reading is what was read: a day, and perhaps a time of day with its zone.
type reading struct {
	year         int
	month        time.Month
	dayOf        int
	hour, minute int
	second, nano int
	zone         *time.Location
}

func (r reading) day() time.Time {
	return time.Date(r.year, r.month, r.dayOf, 0, 0, 0, 0, time.UTC)
}

// exists says that the day stands in the calendar and can be a shipment's.
func (r reading) exists() bool {
	return r.year >= firstYear && r.year <= lastYear && r.month >= 1 && r.month <= 12 && r.dayOf >= 1 && r.day().Day() == r.dayOf
}

// reading reads the value; the zero reading is an empty cell.
func (m *mend) reading(form Form) (reading, error) {
	m.trim()
	m.narrow()
	for m.trim() || m.formula() || m.quotes() || m.apostrophe(startsAlnum) {
	}
	if m.absent() || m.value == "" || m.value == "0000-00-00" || m.value == "0000-00-00 00:00:00" {
		return reading{}, nil
	}
	if errorValue(m.value) {
		return reading{}, &Damage{m.value, "holds an error of a spreadsheet instead of a date", "widen the column or mend the formula in the source, and export it again"}
	}
	if form.epoch != nil {
		return form.count(m.value)
	}
	date, r, err := clock(m.value)
	if err != nil {
		return reading{}, err
	}
	return m.calendar(date, r, form)
}

// calendar reads the date of a cell whose time stands in r already.
func (m *mend) calendar(date string, r reading, form Form) (reading, error) {
	if yearFirst(date, &r) {
		return m.check(r)
	}
	if form.pattern != nil && form.read(date, &r) || named(date, &r) {
		return m.check(r)
	}
	p := figureShape.FindStringSubmatch(date)
	switch {
	case p == nil || p[2] != p[4]:
		return r, m.noDate(date, form)
	case (form.order == "DMY" || form.order == "MDY") && p[2] != ".":
		return m.check(form.ordered(p, r))
	}
	return m.figures(p, r)
}

func (m *mend) check(r reading) (reading, error) {
	if r.exists() {
		return r, nil
	}
	return r, &Unclear{m.value, "is no day of the calendar from 1990 to 2099", dateRemedy}
}

var (
	clockShape = regexp.MustCompile(`(?i)(?:^|[\s,T]+)([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]{1,9}))?)?(?:\s*(a\.?m\.?|p\.?m\.?))?(?:\s*(Z|(?:UTC|GMT)?\s?[+-][0-9]{2}:?[0-9]{2}|[A-Z]{3,4}))?(?:\s*\([^)]*\))?(?:\s+([0-9]{4}))?$`)
	compact    = regexp.MustCompile(`^([0-9]{8})T?([0-9]{2})([0-9]{2})([0-9]{2})(Z|[+-][0-9]{4})?$`)
)

// clock takes the time off the end of a cell.
func clock(s string) (date string, r reading, err error) {
	if len(s) < len("20060102150405") && !strings.Contains(s, ":") {
		return s, r, nil
	}
	if c := compact.FindStringSubmatch(s); c != nil {
		s = c[1] + " " + c[2] + ":" + c[3] + ":" + c[4] + c[5]
	}
	at := clockShape.FindStringSubmatchIndex(s)
	if at == nil {
		return s, r, nil
	}
	part := func(i int) string {
		if at[2*i] < 0 {
			return ""
		}
		return s[at[2*i]:at[2*i+1]]
	}
	r.hour, r.minute, r.second = number(part(1)), number(part(2)), number(part(3))
	r.nano = number((part(4) + "000000000")[:9])
	if !r.halfDay(part(5)) || r.hour > 23 || r.minute > 59 || r.second > 59 {
		return "", r, &Unclear{s, "has a time that no clock shows", datetimeRemedy}
	}
	if r.zone, err = zone(part(6)); err != nil {
		return "", r, &Unclear{s, err.Error(), datetimeRemedy}
	}
	return strings.TrimSpace(s[:at[0]] + " " + part(7)), r, nil
}

func number(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}

// halfDay counts the hours after noon in.
func (r *reading) halfDay(mark string) bool {
	if mark == "" {
		return true
	}
	if r.hour < 1 || r.hour > 12 {
		return false
	}
	r.hour %= 12
	if mark[0]|0x20 == 'p' {
		r.hour += 12
	}
	return true
}

var yearShape = regexp.MustCompile(`^([0-9]{4})(?:\s?[-/.年]\s?([0-9]{1,2})\s?[-/.月]\s?([0-9]{1,2})\s?[日.]?|([0-9]{2})([0-9]{2}))$`)

// yearFirst reads a date that begins with its year: 2026-05-31, 2026/5/31, 20260531. The month comes next in all of them.
func yearFirst(s string, r *reading) bool {
	p := yearShape.FindStringSubmatch(s)
	if p == nil || len(s) == 8 && p[4] != "" && number(p[1]) < firstYear {
		return false
	}
	r.year, r.month, r.dayOf = number(p[1]), time.Month(number(p[2]+p[4])), number(p[3]+p[5])
	return true
}

// fullYear reads a year of two digits as one of this century: nobody ships in another.
func fullYear(s string) int {
	if len(s) == 2 {
		return 2000 + number(s)
	}
	return number(s)
}

// named reads a date whose month is a name: the number with four digits is the year; of two short ones the year comes last.
func named(s string, r *reading) bool {
	var numbers []string
	for _, word := range strings.FieldsFunc(s, func(c rune) bool { return strings.ContainsRune(" \t-/.,'’", c) }) {
		if word = strings.TrimRight(strings.ToLower(word), "."); isOrdinal(word) {
			word = strings.TrimRight(word, "sthndrer")
		}
		switch month := monthOf(word); {
		case all(word, isDigit):
			numbers = append(numbers, word)
		case month > 0 && r.month == 0:
			r.month = month
		case !fillWords[word]:
			return false
		}
	}
	if r.month == 0 || len(numbers) != 2 {
		return false
	}
	if len(numbers[0]) == 4 {
		numbers[0], numbers[1] = numbers[1], numbers[0]
	}
	if len(numbers[0]) > 2 || len(numbers[1]) != 2 && len(numbers[1]) != 4 {
		return false
	}
	r.dayOf, r.year = number(numbers[0]), fullYear(numbers[1])
	return true
}

var ordinal = regexp.MustCompile(`^[0-9]{1,2}(?:st|nd|rd|th|er)$`)

func isOrdinal(s string) bool { return ordinal.MatchString(s) }

// fillWords may stand in a date and say nothing: the days of the week, and small words.
var fillWords = set("de", "del", "di", "of", "den", "der", "le", "the", "am", "um", "at", "on",
	"mon", "tue", "tues", "wed", "thu", "thur", "thurs", "fri", "sat", "sun", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday",
	"mo", "di", "mi", "do", "fr", "sa", "so", "montag", "dienstag", "mittwoch", "donnerstag", "freitag", "samstag", "sonnabend", "sonntag",
	"lun", "mer", "jeu", "ven", "sam", "dim", "lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche",
	"mié", "jue", "vie", "sáb", "dom", "lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo",
	"gio", "sab", "lunedì", "martedì", "mercoledì", "giovedì", "venerdì", "sabato", "domenica")
