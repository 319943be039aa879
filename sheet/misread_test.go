package sheet

import (
	"strings"
	"testing"
)

// Text that was spoiled before it came to us is told once, and stays as it is.
func TestMisreadTextIsTold(t *testing.T) {
	s := openText(t, "number,name\n1,Ann\n2,JÃ¼rgen\n3,ZÃ¼rich\n", Options{})
	want := "line 3 holds text that was decoded wrongly before (JÃ¼rgen: Jürgen?), as do others (1 more cell in the beginning of the sheet): export it again as UTF-8"
	if len(s.Warnings) != 1 || s.Warnings[0].String() != want {
		t.Errorf("%v", s.Warnings)
	}
	if got := render(s); !strings.Contains(got, "3:2|JÃ¼rgen\n") {
		t.Error(got)
	}
	if s := openText(t, "number,name\n1,Jürgen\n2,São\n", Options{}); len(s.Warnings) != 0 {
		t.Error(s.Warnings)
	}
}
