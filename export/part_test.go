package export

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"aftership-bulk/aftership"
)

var began = Begun{Identity: "one", At: time.Now().UTC().Truncate(time.Second)}

func open(t *testing.T, path string, begun Begun) *Part {
	t.Helper()
	p, err := OpenPart(path, begun)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func add(t *testing.T, p *Part, from, to int) {
	t.Helper()
	for i := from; i < to; i++ {
		if err := p.Add(Record{Cells: []string{strconv.Itoa(i)}, Custom: map[string]string{"n": strconv.Itoa(i)}}); err != nil {
			t.Fatal(err)
		}
	}
}

func save(t *testing.T, p *Part, place aftership.Place) {
	t.Helper()
	p.Mark.Place = place
	if err := p.Save(); err != nil {
		t.Fatal(err)
	}
}

func holds(t *testing.T, p *Part, want int) {
	t.Helper()
	n := 0
	for r, err := range p.Records() {
		if err != nil {
			t.Fatal(err)
		}
		if r.Cells[0] != strconv.Itoa(n) || r.Custom["n"] != r.Cells[0] {
			t.Fatalf("record %d is %v", n, r)
		}
		n++
	}
	if n != want {
		t.Errorf("%d records, want %d", n, want)
	}
}

// An export goes on behind its last mark, whatever stood behind that, even half a line.
func TestPartGoesOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.csv"+PartSuffix)
	p := open(t, path, began)
	add(t, p, 0, 100)
	save(t, p, aftership.Place{Page: 2, Cursor: "x"})
	add(t, p, 100, 150)
	if err := errors.Join(p.out.Flush(), p.Close()); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, tail := range []string{"", `{"r":{"c":["15`, "\x00\x00\x00", "{}\n{\n"} {
		if err := os.WriteFile(path, append(whole[:len(whole):len(whole)], tail...), 0o600); err != nil {
			t.Fatal(err)
		}
		p = open(t, path, Begun{Identity: "one", At: began.At.Add(time.Hour)})
		if !p.Again || p.Mark.Records != 100 || p.Mark.Place != (aftership.Place{Page: 2, Cursor: "x"}) || !p.At.Equal(began.At) {
			t.Fatalf("%+v %+v", p.Mark, p.Begun)
		}
		add(t, p, 100, 120)
		save(t, p, aftership.Place{})
		holds(t, p, 120)
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
	}
	p = open(t, path, began)
	holds(t, p, 120)
	if err := p.Remove(); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*")); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

func TestPartOfAnother(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.csv"+PartSuffix)
	p := open(t, path, began)
	add(t, p, 0, 10)
	save(t, p, aftership.Place{})
	if _, err := OpenPart(path, began); !errors.Is(err, ErrBusy) {
		t.Errorf("two at once: %v", err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenPart(path, Begun{Identity: "two", At: began.At}); !errors.Is(err, ErrOther) {
		t.Errorf("another export: %v", err)
	}
	p = open(t, path, Begun{Identity: "one", At: time.Now().Add(13 * time.Hour)})
	if p.Again || !p.Stale || p.Mark.Records != 0 {
		t.Errorf("an old part: %+v", p.Mark)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("id,tag\n1,Delivered\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if p := open(t, path, began); p.Again || !p.Stale {
		t.Error("a foreign file is gone on with")
	} else if err := p.Close(); err != nil {
		t.Fatal(err)
	}
}

// A part that was damaged before its last mark is no export.
func TestDamagedPart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.csv"+PartSuffix)
	p := open(t, path, began)
	defer p.Close()
	add(t, p, 0, 10)
	save(t, p, aftership.Place{})
	if err := os.Truncate(path, 200); err != nil {
		t.Fatal(err)
	}
	var last error
	for _, err := range p.Records() {
		last = err
	}
	if last == nil {
		t.Error("records are missing, and nothing says so")
	}
}

// A part without a name is gone when it is closed.
func TestPartWithoutName(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	p := open(t, "", began)
	add(t, p, 0, 10)
	save(t, p, aftership.Place{})
	holds(t, p, 10)
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(p.path); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

// Whatever stands in a part, it is gone on with or begun anew, and what is added then is read again.
func FuzzPart(f *testing.F) {
	f.Add([]byte(`{"begun":{"v":1,"identity":"one","at":"2026-11-22T10:00:00Z"}}` + "\n" + `{"r":{"c":["0"]}}` + "\n" + `{"mark":{"records":1}}` + "\n"))
	f.Add([]byte("{\"mark\":{\"records\":-1}}\n"))
	f.Add([]byte("{}\n\n{"))
	f.Add([]byte(`{"begun":{"v":2}}` + "\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		path := filepath.Join(t.TempDir(), "part")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		p, err := OpenPart(path, began)
		if err != nil {
			return
		}
		defer p.Close()
		add(t, p, 0, 1)
		save(t, p, aftership.Place{Page: 7})
		last := ""
		for r, err := range p.Records() {
			if err == nil && len(r.Cells) > 0 {
				last = r.Cells[0]
			}
		}
		if last != "0" {
			t.Errorf("the last record is %q", last)
		}
	})
}
