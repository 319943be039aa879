package value

import (
	"regexp"
	"slices"
	"strings"
)

var mailto = regexp.MustCompile(`(?i)\bmailto:\s*`)

// Emails cleans a list of e-mail addresses and takes it apart. The names that mail programs write beside addresses (Ann <ann@shop.example>)
// are left out. What is no address stays, for others to refuse.
func Emails(cell string) ([]string, []Note) {
	text, notes := Text(cell)
	m := mend{value: text, notes: notes}
	if m.absent() {
		return nil, m.notes
	}
	m.becomes(mailto.ReplaceAllString(m.value, ""), "mailto: stood in front, which is no part of the address")
	if strings.Contains(m.value, "<") {
		m.becomes(strings.Join(mailboxes(m.value), "; "), "a name stood beside the address, which is no part of it")
	}
	return List(m.value), m.notes
}

// mailboxes lists the addresses of a text in which some stand in angle brackets behind a name. A name may hold a comma.
func mailboxes(s string) []string {
	var out []string
	add := func(address string) {
		if address = strings.TrimSpace(address); address != "" && !slices.Contains(out, address) {
			out = append(out, address)
		}
	}
	for {
		name, rest, ok := strings.Cut(s, "<")
		address, after, closed := strings.Cut(rest, ">")
		if !ok || !closed {
			break
		}
		for _, part := range strings.FieldsFunc(name, isSeparator) {
			if strings.Contains(part, "@") {
				add(part)
			}
		}
		add(address)
		s = after
	}
	for _, part := range strings.FieldsFunc(s, isSeparator) {
		add(part)
	}
	return out
}
