package value

import (
	"fmt"
	"regexp"
	"strings"
)

// postalDigits is how many digits the postal codes of a country have, where all have as many and some begin with a zero (Universal
// Postal Union, addressing systems).
var postalDigits = map[string]int{
	"USA": 5, "DEU": 5, "FRA": 5, "ITA": 5, "ESP": 5, "FIN": 5, "MEX": 5, "TUR": 5, "UKR": 5, "MYS": 5, "KOR": 5, "POL": 5,
	"NOR": 4, "AUS": 4, "NZL": 4, "ZAF": 4, "SGP": 6, "CHN": 6, "JPN": 7, "BRA": 8,
}

// zipPlus4 is the length of the long form of the codes of the USA.
const zipPlus4 = 9

// thousand is a number with one mark between its thousands.
var thousand = regexp.MustCompile(`^[0-9]{1,3}[.,][0-9]{3}$`)

const postalRemedy = "write the postal code as text, with its zeros in front"

// PostalCode cleans a postal code of a country, given by its three letters or empty where it is not known. A zero that a spreadsheet
// dropped is put back if the code is one digit shorter than all codes of the country. Its errors are [*Damage].
func PostalCode(cell, country string) (Cleaned, error) {
	m := mend{value: cell}
	m.trim()
	m.narrow()
	for m.trim() || m.formula() || m.quotes() || m.apostrophe(isFigure) {
	}
	if m.absent() || m.value == "" {
		return m.cleaned(), nil
	}
	if err := m.noPostalCode(); err != nil {
		return Cleaned{}, err
	}
	m.decimals()
	n := postalDigits[country]
	if joined := strings.Map(onlyDigits, m.value); thousand.MatchString(m.value) && len(joined) == n {
		m.becomes(joined, "a program wrote a mark between the thousands")
	}
	if fraction.MatchString(m.value) {
		return Cleaned{}, &Damage{m.value, "was damaged by a spreadsheet, which took it for a number", postalRemedy}
	}
	m.postalZero(country, n)
	return m.cleaned(), nil
}

// noPostalCode finds what a spreadsheet made of a postal code.
func (m *mend) noPostalCode() error {
	switch v := m.value; {
	case Failed(v) != nil:
		return Failed(v)
	case dated(v), monthShape.MatchString(v) && namesMonth(v):
		return &Damage{v, "was damaged by a spreadsheet, which took it for a date", postalRemedy}
	case scientific.MatchString(v):
		return &Damage{v, "was damaged by a spreadsheet: it stands in scientific notation", postalRemedy}
	case strings.HasPrefix(v, "="):
		return isFormula(v)
	}
	return nil
}

// postalZero puts the zero in front back that a code of n digits has lost.
func (m *mend) postalZero(country string, n int) {
	digits := len(m.value)
	switch {
	case n == 0, digits == n, !all(m.value, isDigit), country == "USA" && digits == zipPlus4:
	case digits == n-1:
		m.becomes("0"+m.value, fmt.Sprintf("a spreadsheet dropped the zero in front: postal codes of %s have %d digits", country, n))
	default:
		m.warn(fmt.Sprintf("has %d digits, and postal codes of %s have %d", digits, country, n))
	}
}
