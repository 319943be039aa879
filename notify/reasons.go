package notify

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Reason is why some rows failed.
type Reason struct {
	Outcome string `json:"outcome"`
	// Code is AfterShip's, 0 for none.
	Code int    `json:"code,omitzero"`
	Text string `json:"message"`
	Hint string `json:"hint,omitzero"`
	Rows int    `json:"rows"`
	// Line is the first of these rows, as an editor counts.
	Line int `json:"example_line"`
}

// String is the reason in a line.
func (r Reason) String() string {
	text := fmt.Sprintf("%d %s", r.Rows, r.Outcome)
	if r.Code != 0 {
		text += fmt.Sprintf(" (%d)", r.Code)
	}
	if r.Text != "" {
		text += ": " + r.Text
	}
	if r.Line > 0 {
		text += fmt.Sprintf(" [such as line %d]", r.Line)
	}
	return text
}

const (
	// mostReasons is how many reasons a Tally tells apart. Those beyond are counted together.
	mostReasons = 500
	// longestText bounds the text of a reason.
	longestText = 200
)

// Tally counts reasons, in bounded memory.
type Tally struct {
	reasons map[reasonKey]*Reason
}

type reasonKey struct {
	outcome string
	code    int
	text    string
}

// Add counts a row that failed.
func (t *Tally) Add(outcome string, code int, message, hint string, line int) {
	key := reasonKey{outcome, code, Blur(message)}
	if t.reasons == nil {
		t.reasons = map[reasonKey]*Reason{}
	}
	r := t.reasons[key]
	if r == nil && len(t.reasons) >= mostReasons {
		key, hint = reasonKey{outcome: outcome, text: "other reasons"}, ""
		r = t.reasons[key]
	}
	if r == nil {
		r = &Reason{Outcome: outcome, Code: key.code, Text: key.text, Hint: blurHint(hint), Line: line}
		t.reasons[key] = r
	}
	r.Rows++
}

// Worst returns the reasons with the most rows.
func (t *Tally) Worst(n int) []Reason {
	all := make([]Reason, 0, len(t.reasons))
	for _, r := range t.reasons {
		all = append(all, *r)
	}
	slices.SortFunc(all, func(a, b Reason) int {
		return cmp.Or(cmp.Compare(b.Rows, a.Rows), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Text, b.Text))
	})
	return all[:min(n, len(all))]
}

// private finds what a message may repeat of a cell: what stands in quotation marks, whatever has an @, and words with several digits.
var private = regexp.MustCompile("\"(?:[^\"\\\\]|\\\\.)*\"?|“[^”]*”?|‘[^’]*’?|\\S*@\\S*|\\+?[\\pL\\d._/+-]*\\d[\\pL\\d._/+-]*\\d[\\pL\\d._/+-]*\\d[\\pL\\d._/+-]*")

// examples are what our own hints show of how a value is written. They say nothing of a cell, even where one holds the same.
var examples = []string{"name@example.com", "+4915112345678", "2024-05-31", "2024-05-31T14:00:00+02:00"}

// blurHint is Blur for a hint, which may quote a cell too, as a carrier's name.
func blurHint(hint string) string {
	return blur(hint, func(part string) string {
		if bare := strings.TrimRight(part, ".,;"); slices.Contains(examples, bare) {
			return part
		}
		return "…"
	})
}

// Blur takes out of a message what it repeats of a cell, which may be personal data, and what makes two messages of one kind differ.
func Blur(message string) string { return blur(message, func(string) string { return "…" }) }

func blur(message string, shown func(part string) string) string {
	text := strings.TrimSpace(plain(private.ReplaceAllStringFunc(message, shown)))
	if utf8.RuneCountInString(text) > longestText {
		text = string([]rune(text)[:longestText]) + "…"
	}
	return text
}
