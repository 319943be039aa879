package value

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

var e164 = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)

// Phone reads a phone number and gives it in international form (E.164, as +4915112345678). region is the country, by its code of
// two or three letters, that a number without its country's code is taken to be of; it may be empty. A number that has its
// country's code already is kept if its length is possible; one that has not must be valid in the region. Its errors are
// [*Damage] and [*Unclear].
func Phone(cell, region string) (string, error) {
	if len(cell) > 2 && cell[0] == '+' && e164.MatchString(cell) {
		return cell, nil
	}
	m := mend{value: cell}
	m.trim()
	m.narrow()
	for m.trim() || m.formula() || m.quotes() || m.apostrophe(isFigure) {
	}
	if m.absent() || strings.Trim(m.value, "0") == "" {
		return "", nil
	}
	if err := m.spoilt(); err != nil {
		return "", err
	}
	m.decimals()
	return dial(strings.TrimPrefix(strings.TrimPrefix(m.value, "tel:"), "Tel:"), region)
}

// extension is what an exchange needs to put a call through.
var extension = regexp.MustCompile(`(?i)[\s,;]*(?:\bextension|\bext\.?|\bdurchwahl|[\s0-9]x)\s?[0-9]{1,6}$`)

// WithoutExtension takes the extension off a phone number, as x22 or ext. 22: text messages do not get there.
func WithoutExtension(phone string) (rest string, had bool) {
	at := extension.FindStringIndex(phone)
	if at == nil {
		return phone, false
	}
	if isDigit(phone[at[0]]) {
		at[0]++
	}
	return strings.TrimSpace(phone[:at[0]]), true
}

var phoneText = regexp.MustCompile(`^[+0-9][0-9 ()./+-]*$|^\([0-9+][0-9 ()./+-]*$`)

func dial(text, region string) (string, error) {
	text = strings.TrimSpace(text)
	if !phoneText.MatchString(text) {
		return "", &Unclear{text, "is not a phone number", phoneRemedy}
	}
	international := strings.HasPrefix(text, "+") || strings.HasPrefix(text, "(+")
	if rest, ok := strings.CutPrefix(text, "00"); ok {
		text, international = "+"+rest, true
	}
	alpha2 := regionCode(region)
	if !international && alpha2 == "" {
		return "", &Unclear{text, "does not say which country it is of", "write it with + and the country's code, or say the country with --country"}
	}
	n, err := phonenumbers.Parse(text, alpha2)
	if err != nil {
		return "", &Unclear{text, "is not a phone number", phoneRemedy}
	}
	out, err := callable(n, text, alpha2, international)
	if other := withoutPlus(text, n); err == nil && !international && other != "" && other != out {
		return "", &Unclear{text, "may be " + out + " or " + other, "write it with + and the country's code"}
	}
	return out, err
}

// withoutPlus reads a national number as an international one that lost its +, if it begins with the code of its country and can be
// one: a spreadsheet drops the + as it drops zeros.
func withoutPlus(text string, national *phonenumbers.PhoneNumber) string {
	if !strings.HasPrefix(strings.TrimLeft(text, "( "), strconv.Itoa(int(national.GetCountryCode()))) {
		return "" // before the library is asked, which takes its time
	}
	n, err := phonenumbers.Parse("+"+text, "")
	if err != nil || n.GetCountryCode() != national.GetCountryCode() || !phonenumbers.IsValidNumber(n) {
		return ""
	}
	return phonenumbers.Format(n, phonenumbers.E164)
}

func callable(n *phonenumbers.PhoneNumber, text, alpha2 string, international bool) (string, error) {
	out := phonenumbers.Format(n, phonenumbers.E164)
	switch {
	case international && !phonenumbers.IsPossibleNumber(n), !e164.MatchString(out):
		return "", &Unclear{text, "is too long or too short for a phone number of its country", phoneRemedy}
	case !international && !phonenumbers.IsValidNumber(n):
		return "", &Unclear{text, "is not a phone number of " + alpha2, "write it with + and the country's code"}
	}
	return out, nil
}

const phoneRemedy = "write it as +4915112345678"

// regionCode is the code of two letters of a country, or empty.
func regionCode(country string) string {
	alpha3, err := Country(country)
	if err != nil || alpha3 == "" {
		return ""
	}
	return places().two[alpha3]
}
