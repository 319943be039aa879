package inbox

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

var operations = []string{"create", "mark-complete", "retrack-expired", "update"}

func TestMeaning(t *testing.T) {
	for _, tt := range []struct{ folder, name, op, preset string }{
		{"create", "anything.csv", "create", ""},
		{"Create", "update-x.csv", "create", ""},
		{"create.ebay-orders-de", "x.csv", "create", "ebay-orders-de"},
		{"mark-complete.v2.x", "x.csv", "mark-complete", "v2.x"},
		{"", "create.csv", "create", ""},
		{"", "CREATE.CSV", "create", ""},
		{"", "create", "create", ""},
		{"", "create.csv.gz", "create", ""},
		{"", "update-monday.csv", "update", ""},
		{"", "update_monday.v2.csv", "update", ""},
		{"", "update monday.csv", "update", ""},
		{"", "mark-complete-2026.csv", "mark-complete", ""},
		{"", "create.ebay-orders-de.csv", "create", "ebay-orders-de"},
		{"", "create.ebay-orders-de.monday.csv.gz", "create", "ebay-orders-de"},
		{"", "create.shopify-monday.xlsx", "create", "shopify-monday"},
		{"", "creates.csv", "", ""},
		{"", "shipments.csv", "", ""},
		{"", ".csv", "", ""},
		{"create-monday", "x.csv", "", ""},
		{"orders", "create.csv", "", ""},
	} {
		op, preset, err := meaning(tt.folder, tt.name, operations)
		if op != tt.op || preset != tt.preset || (err == nil) != (tt.op != "") {
			t.Errorf("%s/%s: %q %q %v, want %q %q", tt.folder, tt.name, op, preset, err, tt.op, tt.preset)
		}
		if err != nil && !strings.Contains(err.Error(), "Try: ") {
			t.Errorf("%v does not say what to do", err)
		}
	}
}

func TestLeftAlone(t *testing.T) {
	for name, want := range map[string]bool{
		"x.csv": false, "x.csv.part": true, "x.CRDOWNLOAD": true, "x.tmp": true, "x.filepart": true, "~$x.xlsx": true, ".x.csv": true,
		".~lock.x.csv#": true, "x.csv~": true, "options.yaml": true, "Thumbs.db": true, "part.csv": false, "x": false, "a~b.csv": false,
	} {
		if leftAlone(name) != want {
			t.Errorf("%s: %v", name, !want)
		}
	}
}

func FuzzSafeName(f *testing.F) {
	for _, s := range []string{"x.csv", "a\nb.csv", "\xff\xfe.csv", strings.Repeat("ü", 200) + ".csv", "x." + strings.Repeat("c", 200), "\u202efdp.csv", "."} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		got := safeName(name)
		if !utf8.ValidString(got) || len(got) > mostName || strings.ContainsAny(got, "\n\r\x00\u202e") || got == "" && name != "" {
			t.Errorf("%q became %q", name, got)
		}
		if again := safeName(got); again != got {
			t.Errorf("%q became %q, and that %q", name, got, again)
		}
		_, _, _ = meaning("", got, operations)
		_, _, _ = meaning(got, "x.csv", operations)
	})
}

func TestOptions(t *testing.T) {
	path := filepath.Join(t.TempDir(), optionsFile)
	for text, want := range map[string][]Option{
		"":                               nil,
		"# nothing\n":                    nil,
		"slug: ups\nskip: 3\nyes: true":  {{"slug", "ups"}, {"skip", "3"}, {"yes", "true"}},
		"map: [A=title, 'B C=note']":     {{"map", "A=title"}, {"map", "B C=note"}},
		"delimiter: ';'\nlimit: 0x10\n":  {{"delimiter", ";"}, {"limit", "0x10"}},
		"date-format: 2026-11-22":        {{"date-format", "2026-11-22"}},
		"slug: &a ups\nname: 'a: b # c'": {{"slug", "ups"}, {"name", "a: b # c"}},
	} {
		write(t, path, text)
		if got, err := readOptions(path); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %v %v, want %v", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"- slug\n":                 "line 1",
		"slug: ups\nmap: {a: b}\n": "line 2: map needs a value",
		"slug:\n":                  "line 1: slug needs a value",
		"map: [a, [b]]":            "map needs a value",
		"slug: [":                  "line",
		"just text":                "one flag on each line",
		strings.Repeat("#", 70000): "larger than 64 KB",
	} {
		write(t, path, text)
		if got, err := readOptions(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: %v %v, want %q", text, got, err, want)
		}
	}
	if got, err := readOptions(filepath.Join(t.TempDir(), "none")); got != nil || err != nil {
		t.Errorf("%v %v", got, err)
	}
}

func FuzzOptions(f *testing.F) {
	f.Add("slug: ups")
	f.Add("a: &x [*x]")
	f.Add("<<: {a: b}")
	path := filepath.Join(f.TempDir(), optionsFile)
	f.Fuzz(func(t *testing.T, text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, _ = readOptions(path) // there is an answer and no crash
	})
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
