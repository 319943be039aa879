package main

import (
	"bytes"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func logged(text *bytes.Buffer) *slog.Logger { return slog.New(slog.NewTextHandler(text, nil)) }

// What a command says comes in pieces, and is logged in lines.
func TestLines(t *testing.T) {
	var text bytes.Buffer
	l := &lines{log: logged(&text)}
	for _, piece := range []string{"one\ntw", "o\n\n", "3 of 7\r4 of 7\r\n", "last"} {
		if n, err := l.Write([]byte(piece)); n != len(piece) || err != nil {
			t.Errorf("%d %v", n, err)
		}
	}
	if got := l.end(); !slices.Equal(got, []string{"one", "two", "3 of 7", "4 of 7", "last"}) {
		t.Errorf("%q", got)
	}
	if n := strings.Count(text.String(), "command says"); n != 5 {
		t.Errorf("%d lines are logged: %s", n, text.String())
	}
}

// However much it says, little of it is kept.
func TestLinesAreBounded(t *testing.T) {
	var text bytes.Buffer
	l := &lines{log: logged(&text)}
	for i := range 2 * linesLogged {
		fmt.Fprintf(l, "line %d\n", i)
	}
	fmt.Fprint(l, strings.Repeat("ü", lineLength))
	fmt.Fprint(l, strings.Repeat("ü", lineLength))
	got := l.end()
	if len(got) != linesKept || got[0] != fmt.Sprintf("line %d", 2*linesLogged-linesKept+1) {
		t.Errorf("%d lines from %q", len(got), got[0])
	}
	if last := got[len(got)-1]; len(last) > lineLength || len(last) < lineLength-2 || !utf8.ValidString(last) {
		t.Errorf("%d bytes: %q", len(last), last)
	}
	if n := strings.Count(text.String(), `msg="command says"`); n != linesLogged || strings.Count(text.String(), "more than is logged") != 1 {
		t.Errorf("%d lines are logged", n)
	}
}
