package sheet

import (
	"fmt"
	"strings"
)

// LineError says what is wrong with one line of a sheet and what to do about it. It concerns that line only.
type LineError struct {
	File    string
	Line    int
	Column  int    // the cell's number, from 1; 0 when the whole line is meant
	Name    string // the column's name in the header, if it has one
	Value   string // the text in question, shortened
	Problem string // what is wrong, without a full stop
	Hint    string // what to do
}

func (e *LineError) Error() string {
	place := fmt.Sprintf("%s, line %d", e.File, e.Line)
	if e.Name != "" {
		place += ", column " + e.Name
	}
	return fmt.Sprintf("%s: %s; %s", place, e.Problem, e.Hint)
}

// problems says in words what a problem means and what to do about it. The texts hold no value of the row, so that equal
// problems have equal texts.
var problems = map[problem]struct{ text, hint string }{
	problemUnclosed: {"a quote (\") opens a cell and is never closed",
		"close the cell with a quote, or remove the quote, or write it twice if it is part of the text"},
	problemTail: {"text stands between a closing quote (\") and the next delimiter",
		"write quotes inside a quoted cell twice (\"\")"},
	problemTooMany: {"the line has more cells than the header",
		"put the cell that contains the delimiter in quotes (\"), or remove what is too much"},
	problemTooFew: {"the line has fewer cells than the header, and a quote (\") in it may have joined cells or lines",
		"check the quotes of this line, and fill up its empty cells with delimiters"},
	problemRest: {"the line has fewer cells than the header and may be the rest of an earlier line's unclosed cell",
		"mend the line above whose quote is not closed, or fill up the empty cells with delimiters"},
	problemLongCell: {"a cell is longer than the limit", "shorten it; a missing quote (\") is a common cause"},
	problemLongLine: {"the line is longer than the limit", "shorten it; a missing quote (\") or line end is a common cause"},
	problemNUL:      {"the line holds a NUL byte", "export the file again; this one was damaged or is not text"},
}

// lineError describes a broken record.
func (s *Sheet) lineError(f found, cells []string) *LineError {
	e := &LineError{File: s.Name, Line: f.line, Value: excerpt(cells[len(cells)-1])}
	e.Problem, e.Hint = problems[f.problem].text, problems[f.problem].hint
	switch {
	case f.problem == problemTooMany && s.options.AnyWidth:
		e.Problem = fmt.Sprintf("the line has more than %d cells", s.limits.columns)
	case f.problem == problemTooMany:
		e.Problem = fmt.Sprintf("%s, which has %d", e.Problem, len(s.Header))
	}
	if f.column > 0 && f.column <= len(s.Header) && f.problem != problemRest {
		e.Column, e.Name = f.column, clean(s.Header[f.column-1])
		if !f.unsplit() {
			e.Value = excerpt(cells[f.column-1])
		}
	}
	return e
}

// excerpt shortens a value for a message.
func excerpt(value string) string {
	const most = 80
	value = strings.ToValidUTF8(value, "\uFFFD")
	if runes := []rune(value[:min(len(value), 4*most+4)]); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return value
}
