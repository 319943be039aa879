package workbook

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"
)

// format is what a number's format says about its meaning.
type format struct {
	date, time bool
	pad        string // the format, if it pads with zeros: 0 and # for digits, all else as it stands
}

// formatOf reads a number format. Those below 164 have no code in the file, though programs may redefine them.
func formatOf(id int, code string) format {
	if code == "" {
		switch {
		case id >= 14 && id <= 17, id >= 27 && id <= 31, id == 36, id >= 50 && id <= 54, id == 57, id == 58:
			return format{date: true}
		case id >= 18 && id <= 21, id >= 32 && id <= 35, id >= 45 && id <= 47, id == 55, id == 56:
			return format{time: true}
		case id == 22:
			return format{date: true, time: true}
		}
		return format{}
	}
	return parseFormat(code)
}

// parseFormat looks at the first section of a format code, which is that of positive numbers.
func parseFormat(code string) format {
	var f format
	var pad strings.Builder
	zeros, plain, minutes := 0, true, false
	for i := 0; i < len(code) && code[i] != ';'; i++ {
		switch c := code[i]; c {
		case '"':
			end := strings.IndexByte(code[i+1:], '"')
			if end < 0 {
				end = len(code) - i - 1
			}
			literal(&pad, code[i+1:i+1+end])
			i += end + 1
		case '\\':
			if i+1 < len(code) {
				literal(&pad, code[i+1:i+2])
			}
			i++
		case '_', '*':
			i++
		case '[':
			end := strings.IndexByte(code[i:], ']')
			if end < 0 {
				return format{}
			}
			if inner := strings.ToLower(code[i+1 : i+end]); inner != "" && strings.Trim(inner, "hms") == "" {
				f.time = true
			}
			i += end
		case 'y', 'Y', 'd', 'D':
			f.date = true
		case 'h', 'H', 's', 'S':
			f.time = true
		case 'm', 'M':
			minutes = true
		case '0', '#':
			if c == '0' {
				zeros++
			}
			pad.WriteByte(c)
		case '-', ' ', '(', ')', ':':
			pad.WriteByte(c)
		default: // a point, comma, percent sign, exponent, fraction, or a word as General
			plain = false
		}
	}
	switch {
	case strings.EqualFold(code, "General"):
		return format{}
	case f.date || f.time:
		return f
	case minutes:
		return format{date: true} // months, as there are no hours and seconds
	case plain && zeros > 1:
		f.pad = pad.String()
	}
	return f
}

// literal keeps text of a format that is shown as it is. Digits in it are set apart from the places of digits.
func literal(pad *strings.Builder, text string) {
	for _, c := range text {
		if c == '0' || c == '#' {
			c += 0xE000
		}
		pad.WriteRune(c)
	}
}

// padded writes digits into a format that pads them with zeros.
func padded(pad, digits string) string {
	places := strings.Count(pad, "0") + strings.Count(pad, "#")
	var b strings.Builder
	if extra := len(digits) - places; extra < 0 {
		digits = strings.Repeat("\x00", -extra) + digits
	}
	extra, first := len(digits)-places, true
	for _, c := range pad {
		switch {
		case c == '0' || c == '#':
			n := 1
			if first {
				n, first = 1+extra, false
			}
			place := digits[:n]
			digits = digits[n:]
			if c == '0' {
				place = strings.ReplaceAll(place, "\x00", "0")
			}
			b.WriteString(strings.ReplaceAll(place, "\x00", ""))
		case c >= 0xE000:
			b.WriteRune(c - 0xE000)
		default:
			b.WriteRune(c)
		}
	}
	return b.String()
}

// number writes out a number as its format means it, and the code of what is wrong with it.
func (b *book) number(raw string, style int) (text, code string) {
	plain, exact, ok := digits(raw)
	if !ok {
		return raw, Broken
	}
	var f format
	if style >= 0 && style < len(b.styles) {
		f = b.styles[style]
	}
	switch {
	case f.date || f.time:
		return b.date(raw, f)
	case !exact:
		return plain, Digits
	case f.pad != "" && strings.Trim(plain, "0123456789") == "":
		return padded(f.pad, plain), ""
	}
	return plain, ""
}

// digits writes a number of the file without an exponent. It is not exact when it has more digits before the point than
// Excel keeps, unless they are digits to which no program can have rounded; after the point, what is beyond the fifteenth digit is noise of the computer's arithmetic and is rounded off.
func digits(raw string) (plain string, exact, ok bool) {
	const kept = 15
	if strings.Trim(raw, "0123456789+-.eE") != "" {
		return "", false, false
	}
	value, err := strconv.ParseFloat(raw, 64)
	if err != nil || math.IsInf(value, 0) {
		return "", false, false
	}
	if math.Abs(value) >= 1e15 {
		if whole := strings.TrimLeft(raw, "+"); strings.Trim(whole, "-0123456789") == "" {
			return whole, !rounded(whole, value), true
		}
		return raw, false, true // as it stands: written out, it would look like a number that is whole
	}
	near, err := strconv.ParseFloat(strconv.FormatFloat(value, 'e', kept-1, 64), 64)
	if err != nil {
		return "", false, false
	}
	if near == 0 {
		return "0", true, true
	}
	return strconv.FormatFloat(near, 'f', -1, 64), true, true
}

// rounded says that a whole number may be what is left of a longer one: a program that computes with it, as spreadsheet
// programs do, holds value in its place, and writes that out in full or with as many digits as it thinks worth it. Any other
// digits were written by a program that had them as text, an exporter of workbooks say, and are whole.
func rounded(whole string, value float64) bool {
	if new(big.Float).SetFloat64(value).Text('f', 0) == whole {
		return true
	}
	for _, digits := range []int{-1, 14, 15, 16, 17} { // the shortest that mean the same number, and 15 to 18 of them
		text := strconv.FormatFloat(value, 'e', digits, 64)
		if n, _, err := big.ParseFloat(text, 10, 256, big.ToNearestEven); err != nil || n.Text('f', 0) == whole {
			return true
		}
	}
	return false
}

// lastDay is the serial number of 9999-12-31.
const lastDay = 2958465

// date writes a serial number in ISO form: the date, the time, or both, as the format shows them.
func (b *book) date(raw string, f format) (text, code string) {
	serial, err := strconv.ParseFloat(raw, 64)
	if err != nil || serial < 0 || serial >= lastDay+1 || math.IsNaN(serial) {
		return raw, Broken
	}
	at, err := excelize.ExcelDateToTime(serial, b.date1904)
	if err != nil {
		return raw, Broken
	}
	switch {
	case f.date && f.time:
		return at.Format("2006-01-02T15:04:05"), ""
	case f.date:
		return at.Format(time.DateOnly), ""
	case serial < 1:
		return at.Format(time.TimeOnly), ""
	}
	seconds := int64(math.Round(serial * 86400)) // a duration, or a time whose date is not shown
	return strconv.FormatInt(seconds/3600, 10) + at.Format(":04:05"), ""
}
