package preset

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
)

func TestReadNamesWhatIsWrong(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"", "it is empty; it needs at least the columns"},
		{"name: x", "line 1: it says nothing about columns"},
		{"columns:\n  A: tracking_number\ncolums: {}\n", `line 3: "colums" is no key that stands here`},
		{"columns:\n  A: tracking_number\nrules:\n  skip:\n    - {column: A, value: [x], why: y}\n", `line 5: "value" is no key that stands here`},
		{"columns:\n  A: tracking_number\n  A: slug\n", `mapping key "A" already defined at line 2`},
		{"columns: [A, B]\n", "line 1: a list can't stand here, it must be a table of names"},
		{"columns:\n  A: tracking_number\nignore: Price\n", "line 3: a text (Price) can't stand here, it must be a list"},
		{"columns:\n  A: tracking_number\nreading:\n  header_line: three\n", "line 4: a text (three) can't stand here, it must be a number"},
		{"columns:\n  A: tracking_number\n---\nname: b\n", "more than one document"},
		{"columns:\n\tA: slug\n", "line 2: found character that cannot start any token"},
		{"columns:\n  Tracking #: tracking_number\n", `a name that holds ": " or " #" must stand in quotes`},
		{"columns:\n  A:\n", `line 2: the column "A" has no field; write - to leave it out`},
		{"columns:\n  '#': slug\n", `line 2: the column's name "#" has no letter or digit`},
		{"name: My Shop\ncolumns: {A: slug}\n", `line 1: the name "My Shop" must consist`},
		{"proof: sure\ncolumns: {A: slug}\n", `line 1: the proof "sure" is unknown`},
		{"columns: {A: slug}\nmatch:\n  - any: [A]\n", "line 3: a signature needs columns"},
		{"columns: {A: slug}\nmatch:\n  - all: ['*']\n", `line 3: the column's name "*" has no letter`},
		{"columns: {A: slug}\nignore:\n  - B\n  - '-'\n", `line 4: the column's name "-" has no letter`},
		{"columns: {A: slug}\nreading:\n  delimiter: ';;'\n", `line 3: the delimiter ";;" must be one character, or tab`},
		{"columns: {A: slug}\nreading:\n  quote: '\"\"'\n", "line 3: the quote"},
		{"columns: {A: slug}\nreading:\n  escape: xx\n", "line 3: the escape"},
		{"columns: {A: slug}\nreading:\n  header_line: -1\n", "line 2: header_line and header_lines count from 1"},
		{"columns: {A: slug}\nreading:\n  columns: [a, '']\n", "line 3: the column's name"},
		{"columns: {A: slug}\nreading:\n  encoding_hint: {contains: x}\n", "line 3: encoding_hint needs contains and encoding"},
		{"columns: {A: slug}\nrules:\n  dates: soon\n", `line 3: "soon" is no form of dates`},
		{"columns: {A: slug}\nrules:\n  carry: {columns: [A]}\n", "line 3: carry needs the column by which"},
		{"columns: {A: slug}\nrules:\n  carry: {key: A}\n", "line 3: carry needs the columns"},
		{"columns: {A: slug}\nrules:\n  skip:\n    - {column: A, blank: true, why: x}\n    - {column: A, why: x}\n", "line 5: the skip rule of \"A\" needs exactly one of"},
		{"columns: {A: slug}\nrules:\n  skip:\n    - {column: A, blank: true, values: [x], why: x}\n", "needs exactly one of"},
		{"columns: {A: slug}\nrules:\n  skip:\n    - {blank: true, why: x}\n", "line 4: a skip rule needs its column"},
		{"columns: {A: slug}\nrules:\n  skip:\n    - {column: A, blank: true}\n", "line 4: the skip rule of \"A\" needs a reason"},
		{"columns: {A: slug}\nrules:\n  skip:\n    - {column: A, contains: [''], why: x}\n", "looks for an empty text"},
		{"columns: {A: slug}\nrules:\n  first_of:\n    slug: {}\n", "line 4: first_of needs the columns"},
		{"columns: {A: slug}\nrules:\n  values:\n    reason: {}\n", "line 4: values of reason need words"},
		{"name: '-'\ncolumns:\n  A:\n", "line 1: the name \"-\" must consist of at most 60 lower case letters, digits and dashes; line 3: the column"},
		{"- a\n- b\n", "a list can't stand here"},
		{"\xff\xfe", "can't be used"},
	} {
		_, err := Read(strings.NewReader(tt.text), "mine.yaml")
		if err == nil || !strings.HasPrefix(err.Error(), "the preset mine.yaml can't be used: ") || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: %v, want %q", tt.text, err, tt.want)
		}
	}
}

func TestReadTakesItsNameFromTheFile(t *testing.T) {
	p, err := Read(strings.NewReader("columns: {A: slug}"), "/tmp/My Warehouse (2).YAML")
	if err != nil || p.Name != "my-warehouse-2" || p.Rules.Preset != p.Name {
		t.Errorf("%+v, %v", p, err)
	}
	if _, err := Read(strings.NewReader("columns: {A: slug}"), "追跡.yaml"); err == nil || !strings.Contains(err.Error(), `the name "" must consist`) {
		t.Errorf("%v", err)
	}
}

func TestReadOfBadSources(t *testing.T) {
	if _, err := Read(strings.NewReader(strings.Repeat("# comment\n", 200_000)), "big.yaml"); err == nil || !strings.Contains(err.Error(), "larger than 1024 KiB") {
		t.Errorf("%v", err)
	}
	if _, err := Read(io.MultiReader(strings.NewReader("columns:"), brokenReader{}), "x.yaml"); err == nil || !strings.Contains(err.Error(), "can't read the preset x.yaml: broken") {
		t.Errorf("%v", err)
	}
	if err := (&Preset{Name: "x"}).Write(brokenWriter{}); err == nil {
		t.Error("no error of a writer that fails")
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errors.New("broken") }

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("broken") }

// FuzzRead: whatever Read takes comes back from Write unchanged, and its rules can be applied.
func FuzzRead(f *testing.F) {
	files, _ := data.ReadDir("data")
	for _, file := range files {
		text, _ := data.ReadFile("data/" + file.Name())
		f.Add(text)
	}
	f.Add([]byte("columns: {A: slug}\nrules: {carry: {key: A, columns: [A]}, values: {x: {'': y}}}\n"))
	f.Add([]byte("columns: &a {A: slug}\nrules: {values: {x: *a}}\n"))
	f.Add([]byte("columns:\n  A: |\n    two\n    lines\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := Read(bytes.NewReader(text), "fuzz.yaml")
		if err != nil {
			return
		}
		var out bytes.Buffer
		if err := p.Write(&out); err != nil {
			t.Fatal(err)
		}
		again, err := Read(&out, "fuzz.yaml")
		if err != nil {
			t.Fatalf("%v\n%s", err, out.String())
		}
		if !reflect.DeepEqual(normalised(again), normalised(p)) {
			t.Fatalf("%+v\nwant\n%+v", again, p)
		}
		header := []string{"A", "b", "Tracking Number", ""}
		p.Choices(header)
		p.Fits(header)
		r := p.Rules.Reader(header)
		for range 3 {
			r.Row([]string{"x", "", "1Z"})
			r.Row(nil)
		}
	})
}

// normalised makes nothing of what is empty, which a file does not tell apart.
func normalised(p *Preset) string {
	var out bytes.Buffer
	_ = p.Write(&out)
	return out.String()
}
