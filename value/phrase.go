package value

import "strings"

// emptyWords are the words for no value that are no name of anybody or anything: NA is a province, Nil and Nan are names.
var emptyWords = set("n/a", "n.a.", "none", "null", "-", "--", "---", "–", "—", "/", ".", "_", "?", "(none)", "(null)", "<na>", "<none>", "<null>", "undefined", "not available", "not applicable")

// Phrase cleans a text about a shipment, as a name or a note: as [Text] does, and it empties a word that says that there is none.
func Phrase(cell string) Cleaned {
	text, notes := Text(cell)
	m := mend{value: text, notes: notes}
	if len(text) <= len("not applicable") && emptyWords[strings.ToLower(text)] {
		m.becomes("", noValue)
	}
	return m.cleaned()
}
