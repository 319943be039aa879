package value

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// trueDigits is how many digits of a number a spreadsheet program keeps.
const trueDigits = 15

// Rounded counts the zeros that a number of digits alone ends in past its fifteenth digit, if nothing else stands there: what
// a spreadsheet leaves of a long number. One number of that kind says little, a whole column of them says all.
func Rounded(number string) int {
	if len(number) <= trueDigits || !all(number, isDigit) {
		return 0
	}
	sig := strings.TrimLeft(number, "0")
	if len(sig) <= trueDigits || strings.Trim(sig[trueDigits:], "0") != "" {
		return 0
	}
	return len(sig) - trueDigits
}

// odd says how unlikely it is that a number of digits alone looks by chance as if a program had rounded it: 3 is one in a
// thousand. Zero is no sign of it.
func odd(digits string) float64 {
	if !roundish(digits) {
		return 0
	}
	if k := Rounded(digits); k > 0 {
		return float64(k)
	}
	sig := strings.TrimLeft(digits, "0")
	if len(sig) < trueDigits+2 {
		return 0
	}
	return binary(sig)
}

// roundish says by the last digits of a number that it may be rounded: it ends in a zero, or it is a multiple of the power of two that
// tells a binary number. Most numbers need no closer look.
func roundish(digits string) bool {
	if digits[len(digits)-1] == '0' {
		return true
	}
	tail := 0
	for i := len(digits) - tellingBits; i < len(digits); i++ {
		tail = tail*10 + int(digits[i]-'0')
	}
	return tail%(1<<tellingBits) == 0
}

// tellingBits is how many bits a binary number must have to spare for it to tell something.
const tellingBits = 7

// binary is odd for a number that programs other than spreadsheets (pandas, JavaScript) carried as a binary floating point
// number: either it is one exactly, or it is the shortest way to write one and ends in zeros.
func binary(sig string) float64 {
	f, err := strconv.ParseFloat(sig, 64)
	if err != nil {
		return 0
	}
	var buffer [64]byte
	if exact := strconv.AppendFloat(buffer[:0], f, 'f', 0, 64); string(exact) == sig {
		return telling(float64(math.Ilogb(f)-52) * math.Log10(2))
	}
	if shortest := strconv.AppendFloat(buffer[:0], f, 'e', -1, 64); len(sig) > 17 && sameDigits(shortest, sig) {
		return telling(float64(len(sig) - 17))
	}
	return 0
}

// telling leaves out signs that one number in a hundred has by chance.
func telling(odd float64) float64 {
	if odd < 2 {
		return 0
	}
	return odd
}

// sameDigits says that a number in scientific notation has the digits of another, zeros at the end apart.
func sameDigits(scientific []byte, digits string) bool {
	mantissa, _, _ := strings.Cut(string(scientific), "e")
	return strings.Replace(mantissa, ".", "", 1) == strings.TrimRight(digits, "0")
}

// The limits between what is worth a warning, what needs a check digit to be believed, and what no check digit can save.
const (
	unlikely = 3
	beyond   = 5
)

// digitsLost judges whether the digits of a long number were rounded away. holds says that a check digit speaks for it.
func (m *mend) digitsLost(holds bool) error {
	if len(m.value) <= trueDigits || !all(m.value, isDigit) {
		return nil
	}
	o := odd(m.value)
	padded := m.value[0] == '0'
	switch {
	case o == 0, o < unlikely && holds:
		return nil
	case o < unlikely, holds && (o < beyond || padded):
		m.warn("ends as if a spreadsheet had rounded it")
		return nil
	}
	return &Damage{m.value, "was damaged by a spreadsheet: its digits after the fifteenth are lost", asText}
}

var (
	// scientific is a number as spreadsheets write long ones. Without a decimal mark and without a + it is none: 12E45678 is
	// a real number.
	scientific = regexp.MustCompile(`^[0-9]{1,3}(?:[.,][0-9]*[eE][+-]?|[eE]\+)[0-9]{1,3}$`)
	// whole is one whose digits are all there.
	whole = regexp.MustCompile(`^([0-9])[.,]([0-9]+)[eE]\+?([0-9]{1,2})$`)
	// monthShape is what becomes of a number such as MAR10: two parts, one of them the name of a month.
	monthShape = regexp.MustCompile(`^(?:[0-9]{1,2}[-/. ]{1,2}(\pL{3,10})\.?|(\pL{3,10})\.?[-/ ]([0-9]{2}|(?:19|20)[0-9]{2}))$`)
	// midnight is a date as a program writes a cell that it took for one.
	midnight = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}[ T]00:00:00(?:\.0+)?$`)
)

// spoilt finds what a spreadsheet made of a number, and repairs it if all its digits are there.
func (m *mend) spoilt() error {
	v := m.value
	switch {
	case errorValue(v):
		return &Damage{v, "holds an error of a spreadsheet instead of a value", "mend the formula in the source, or empty the cell"}
	case truthValue(v):
		return &Damage{v, "holds a truth value instead of a number", asText}
	case monthShape.MatchString(v) && namesMonth(v), midnight.MatchString(v):
		return &Damage{v, "was damaged by a spreadsheet, which took it for a date", asText}
	case scientific.MatchString(v) && !m.unfold():
		return &Damage{v, "was damaged by a spreadsheet: its digits are lost in scientific notation", asText}
	}
	return nil
}

// namesMonth says that a text of the shape has a month in it. No spreadsheet writes one in capitals: MAY-24 is what somebody typed.
func namesMonth(s string) bool {
	found := monthShape.FindStringSubmatch(s)
	name := found[1] + found[2]
	return monthOf(name) > 0 && name != strings.ToUpper(name)
}

// unfold writes a number in scientific notation out, if it has as many digits as the number is long.
func (m *mend) unfold() bool {
	found := whole.FindStringSubmatch(m.value)
	if found == nil {
		return false
	}
	digits := found[1] + found[2]
	exponent, _ := strconv.Atoi(found[3])
	if found[1] == "0" || len(digits) != exponent+1 || len(digits) < 10 || len(digits) > trueDigits {
		return false
	}
	return m.becomes(digits, "a program wrote the number in scientific notation, with all its digits")
}

// errorValue says that a cell holds an error of a spreadsheet program, or the signs that it shows in a narrow column.
func errorValue(s string) bool {
	if len(s) < 3 || s[0] != '#' {
		return false
	}
	if strings.Trim(s, "#") == "" {
		return true
	}
	return errorValues[strings.ToUpper(s)]
}

// errorValues are what Excel shows in the languages in which it is most used.
var errorValues = set("#N/A", "#NAME?", "#REF!", "#VALUE!", "#DIV/0!", "#NUM!", "#NULL!", "#SPILL!", "#CALC!", "#ERROR!", "#FIELD!", "#GETTING_DATA",
	"#BLOCKED!", "#CONNECT!", "#BUSY!", "#UNKNOWN!", "#ADDIN?", "#MACRO?",
	"#NV", "#BEZUG!", "#WERT!", "#ZAHL!", "#ÜBERLAUF!", "#KALK!", "#FEHLER!", // German
	"#NOM?", "#VALEUR!", "#NOMBRE!", "#N/D", "#NUL!", "#PROPAGATION!", "#CALCUL!", // French
	"#VALOR!", "#NOMBRE?", "#¡REF!", "#¡VALOR!", "#¡NUM!", "#¡DIV/0!", "#¡NULO!", "#¿NOMBRE?", "#NULO!", "#NÚM!", // Spanish and Portuguese
	"#VALORE!", "#RIF!", "#NOME?", "#NULLO!", // Italian
	"#NAAM?", "#VERW!", "#WAARDE!", "#DEEL/0!", "#GETAL!", "#LEEG!", "#N/B", // Dutch
	"#ADR!", "#ARG!", "#LICZBA!", "#NAZWA?", "#ZERO!", "#DZIEL/0!", // Polish
	"#HODNOTA!", "#NÁZEV?", "#ODKAZ!", "#ČÍSLO!", "#DĚLENÍ_NULOU!", "#NENÍ_K_DISPOZICI", // Czech
	"#VÄRDEFEL!", "#REFERENS!", "#SAKNAS!", "#NAMN?", "#OGILTIGT!", "#DIVISION/0!", "#VÆRDI!", "#NAVN?", "#I/T", "#VERDI!", // of the north
	"#BAŞV!", "#DEĞER!", "#AD?", "#SAYI!", "#SAYI/0!", "#YOK", // Turkish
	"#ЗНАЧ!", "#ССЫЛКА!", "#ИМЯ?", "#ДЕЛ/0!", "#ЧИСЛО!", "#ПУСТО!", "#Н/Д") // Russian

// libreError is what LibreOffice shows.
var libreError = regexp.MustCompile(`^(?:Err|Fehler|Erreur):5[0-9]{2}$`)

// Failed is the [*Damage] of a cell that holds an error of a spreadsheet program instead of a value, whatever kind of value it should
// hold; nil for any other cell.
func Failed(cell string) error {
	if len(cell) < 3 || cell[0] != '#' && cell[0] != 'E' && cell[0] != 'F' {
		return nil
	}
	if errorValue(cell) || libreError.MatchString(cell) {
		return &Damage{cell, "holds an error of a spreadsheet instead of a value", "mend the formula or widen the column in the source, or empty the cell"}
	}
	return nil
}

func truthValue(s string) bool { return len(s) <= 9 && truthValues[strings.ToUpper(s)] }

var truthValues = set("TRUE", "FALSE", "WAHR", "FALSCH", "VRAI", "FAUX", "VERDADERO", "FALSO", "VERO")

func set(words ...string) map[string]bool {
	s := make(map[string]bool, len(words))
	for _, w := range words {
		s[w] = true
	}
	return s
}

// doubts restores zeros that are certainly lost and warns of what is not certain.
func (m *mend) doubts() {
	if s := withZeros(m.value); s != nil && s.sure {
		m.becomes(strings.Repeat("0", len(s.pattern)-len(m.value))+m.value, "a spreadsheet dropped the zeros in front: only "+s.courier+" has numbers like this")
	} else if s != nil {
		m.warn(fmt.Sprintf("would be a number of %s with the %d digits that zeros in front give it: they may be lost", s.courier, len(s.pattern)))
	}
	if courier := failing(m.value); courier != "" {
		m.warn("fails the check digit of " + courier)
	}
	if exponent.MatchString(m.value) {
		m.warn("looks like scientific notation, though it may be a number")
	}
}

var exponent = regexp.MustCompile(`^[0-9]+[eE][0-9]{1,2}$`)

// failing is the courier that a number must be of by its shape and cannot be of by its check digit.
func failing(number string) string {
	courier := ""
	for _, s := range shapesOf(number) {
		if s.check == nil || !s.fits(number) {
			continue
		}
		if s.check(number) {
			return ""
		}
		if s.sure {
			courier = s.courier
		}
	}
	return courier
}

// withZeros is the shape that a number would have with one or two zeros in front, where it has none without them. A shape of one
// courier alone goes before others.
func withZeros(number string) *shape {
	if !all(number, isDigit) || number[0] == '0' || known(number) {
		return nil
	}
	var found *shape
	for _, zeros := range []string{"0", "00"} {
		for _, s := range familyOf(len(number) + len(zeros)).shapes {
			if s.zeros && s.holdsWith(zeros, number) && (found == nil || s.sure) {
				found = s
			}
		}
	}
	return found
}

// holdsWith says that a number fits the shape and passes its check digit once the zeros are put in front.
func (s *shape) holdsWith(zeros, number string) bool {
	if len(s.pattern) != len(zeros)+len(number) {
		return false
	}
	padded := zeros + number
	return s.fits(padded) && s.holds(padded)
}

// known says that a number has a shape as it stands.
func known(number string) bool {
	for _, s := range shapesOf(number) {
		if s.fits(number) && (s.check == nil || s.check(number)) {
			return true
		}
	}
	return false
}
