package carrier

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
)

func TestSurvey(t *testing.T) {
	column := []string{"DHL Express", "dhl", "", "DHL", "DHL Express", "Evry", "dhl ", "DHL", "Other", strings.Repeat("ö", 500)}
	var own Own
	if err := own.Add("Other", Detect); err != nil {
		t.Fatal(err)
	}
	s, err := SurveyOf(New(list(), own), func(yield func(int, string) bool) {
		for i, name := range column {
			if !yield(i+2, name) {
				return
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, a := range s.Answers() {
		got = append(got, fmt.Sprintf("%.12s x%d @%d %s %s", a.Name, a.Rows, a.FirstLine, a.How, a.Slug))
	}
	want := "DHL Express x2 @2 name dhl|dhl x1 @3 slug dhl| x1 @4 detection |DHL x2 @5 ambiguous |Evry x1 @7 none |dhl  x1 @8 slug dhl|Other x1 @10 user |öööööööööööö x1 @11 none "
	if strings.Join(got, "|") != want {
		t.Errorf("%s\nnot\n%s", strings.Join(got, "|"), want)
	}
	if slugs := s.Slugs(); !maps.Equal(slugs, map[string]string{"DHL Express": "dhl", "dhl ": "dhl", "Other": ""}) {
		t.Error(slugs)
	}
	if near := s.Answers()[4].Candidates; len(near) != 1 || near[0].Slug != "myhermes-uk" {
		t.Error(near)
	}
}

// A column with more names than there are carriers is none, and costs neither memory nor time.
func TestSurveyIsBounded(t *testing.T) {
	s := NewSurvey(Builtin(Own{}))
	line := 1
	for range MaxNames {
		line++
		if err := s.Add(line, fmt.Sprintf("Parcel %d", line)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Add(line+1, "Parcel 2"); err != nil {
		t.Error(err) // seen before
	}
	err := s.Add(line+2, "Parcel x")
	if many, ok := errors.AsType[*TooManyNames](err); !ok || many.Line != MaxNames+3 || !strings.Contains(err.Error(), `"Parcel x" is one of more than 10000 different names`) {
		t.Error(err)
	}
	if len(s.Answers()) != MaxNames || s.hinted != maxHinted {
		t.Error(len(s.Answers()), s.hinted)
	}
}
