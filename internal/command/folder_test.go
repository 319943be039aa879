package command

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestExpand(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"b.csv", "a.XLSX", "c.csv.gz", "notes.md", ".hidden.csv", "~$a.xlsx", "[odd].csv", "sub/d.csv"} {
		path := filepath.Join(dir, "in", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	in := filepath.Join(dir, "in")
	for arg, want := range map[string][]string{
		in:                                {"[odd].csv", "a.XLSX", "b.csv", "c.csv.gz"},
		filepath.Join(in, "*.csv"):        {"[odd].csv", "b.csv"},
		filepath.Join(in, "[odd].csv"):    {"[odd].csv"}, // it is there by this name
		filepath.Join(in, "none-*.csv"):   {"none-*.csv"},
		filepath.Join(in, "none.csv"):     {"none.csv"},
		filepath.Join(in, "sub", "?.csv"): {"d.csv"},
		"-":                               {"-"},
		"https://example.com/x?a=[1]":     {"x?a=[1]"},
	} {
		got, err := expand([]string{arg})
		if err != nil {
			t.Errorf("%s: %v", arg, err)
		}
		for i := range got {
			got[i] = got[i][strings.LastIndexByte(got[i], '/')+1:]
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", arg, got, want)
		}
	}
	if got, err := expand([]string{filepath.Join(in, "sub"), filepath.Join(in, "b.csv")}); err != nil || len(got) != 2 {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := expand([]string{filepath.Join(dir, "[a")}); err == nil || !strings.Contains(err.Error(), "no pattern") {
		t.Error(err)
	}
}
