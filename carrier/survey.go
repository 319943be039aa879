package carrier

import (
	"fmt"
	"iter"
	"strings"
)

const (
	// MaxNames is how many different names a column of carriers holds at most.
	MaxNames = 10_000
	// maxHinted is for how many unsettled names near candidates are looked for, which takes a millisecond or so each.
	maxHinted = 100
)

// Answer is what one name of a sheet means, and where it stands.
type Answer struct {
	Name      string
	Rows      int // how many rows have it
	FirstLine int
	Resolution
}

// TooManyNames is the error for a column that holds so many different values that it is no column of carriers.
type TooManyNames struct {
	Line int    // where the name stood that was one too many
	Name string // it
}

func (e *TooManyNames) Error() string {
	return fmt.Sprintf("line %d: %q is one of more than %d different names: this is no column of carriers; map the right column to slug",
		e.Line, shorten(e.Name), MaxNames)
}

// Survey resolves the distinct names of a sheet, as its rows go by. What it holds grows with the names, not with the rows.
type Survey struct {
	table   *Table
	at      map[string]int
	answers []Answer
	hinted  int
}

// NewSurvey begins a survey.
func NewSurvey(t *Table) *Survey { return &Survey{table: t, at: map[string]int{}} }

// Add counts a row with the name, just as the reader of rows has it. An empty one is a row that AfterShip finds the courier of.
func (s *Survey) Add(line int, name string) error {
	name = held(name)
	if at, ok := s.at[name]; ok {
		s.answers[at].Rows++
		return nil
	}
	if len(s.answers) == MaxNames {
		return &TooManyNames{Line: line, Name: name}
	}
	s.at[name] = len(s.answers)
	s.answers = append(s.answers, Answer{Name: name, Rows: 1, FirstLine: line, Resolution: s.resolve(name)})
	return nil
}

// held is the name as it is held: of one too long to mean anything, its beginning.
func held(name string) string {
	if len(name) <= longestName {
		return name
	}
	return strings.ToValidUTF8(name[:longestName], "") + "…"
}

func (s *Survey) resolve(name string) Resolution {
	r := s.table.settle(name)
	if r.How == None && s.hinted < maxHinted {
		s.hinted++
		r.Candidates = s.table.near(name)
	}
	return r
}

// Answers lists the names in the order in which they came.
func (s *Survey) Answers() []Answer { return s.answers }

// Slugs are the names that are settled and not slugs already, with what they mean; "" is AfterShip's own detection. It is
// what a plan needs to know to read a row.
func (s *Survey) Slugs() map[string]string {
	slugs := map[string]string{}
	for _, a := range s.answers {
		if a.Settled() && a.Slug != a.Name {
			slugs[a.Name] = a.Slug
		}
	}
	return slugs
}

// SurveyOf resolves the distinct names of a sequence of lines and names.
func SurveyOf(t *Table, names iter.Seq2[int, string]) (*Survey, error) {
	s := NewSurvey(t)
	for line, name := range names {
		if err := s.Add(line, name); err != nil {
			return s, err
		}
	}
	return s, nil
}
