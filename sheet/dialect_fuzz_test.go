package sheet

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

var odd = []string{
	"a;b\n1,5;2\n3,5;4\n", "a, b\n1, \"x, y\"\n", "'a','b'\n'1','x, y'\n", "a,b\n1,\"x\\\"y\"\n", "1 2026-01-02 x\n2 2026-01-03 \"y z\"\n",
	"Report\nsep=;\nn;q;c\n1;2;x\n", "Report,,\n,,\na,b,c\n1,2,3\n", "a,a,b\nn,d,w\n1,2,3\n4,5,6\n", "a,b,c\na,b,c\nTotal,,5\n2,record(s) downloaded,\n",
	"1Z999123,2026-01-02\n1Z999124,2026-01-03\n", "a,b,c\n1;2;3\n\"4,\"5,6\n7,'8','9'\n\"\"x,y\",z\n", "\xef\xbb\xbf\"a\",b\r1,2\r3,4", "a\x00,b\n\x00\n", "\xff,a\n\x81,b\n",
	"a,b\n1,\"x\ny\n2,z\n\n \n,\n", "tracking_number\n1Z1;1Z2\n",
}

// openBytes opens a text, or returns nil if it is refused.
func openBytes(t *testing.T, dir string, text []byte, o Options) *Sheet {
	path := filepath.Join(dir, "fuzz.csv")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), path, nil, o)
	if err != nil {
		return nil
	}
	return s
}

// FuzzDialect shows that what was found out about a sheet, given as options, reads it in the same way.
func FuzzDialect(f *testing.F) {
	for _, text := range append(slices.Clone(nasty), odd...) {
		f.Add([]byte(text))
	}
	dir := f.TempDir()
	known := knownNames("trackingnumber", "slug", "n", "d")
	f.Fuzz(func(t *testing.T, text []byte) {
		s := openBytes(t, dir, text, Options{Known: known})
		if s == nil {
			return
		}
		defer s.Close()
		o := Options{Known: known, Delimiter: s.Delimiter, Quote: s.Quote, Escape: s.Escape, Encoding: s.Encoding, HeaderLine: s.HeaderLine, HeaderLines: s.HeaderLines}
		if s.NoHeader {
			o.Columns = s.Header
		}
		if len(s.Header) == 0 || s.HeaderLine == 0 && !s.NoHeader {
			t.Fatalf("%q, line %d, NoHeader %v", s.Header, s.HeaderLine, s.NoHeader)
		}
		want := render(s)
		if again := render(s); again != want {
			t.Fatalf("read twice:\n%q\n%q", want, again)
		}
		if s.NoHeader && s.Preamble != nil {
			return // no option says where the data begins
		}
		same := openBytes(t, dir, text, o)
		if same == nil {
			t.Fatalf("refused with %+v", o)
		}
		defer same.Close()
		if got := render(same); !slices.Equal(same.Header, s.Header) || got != want {
			t.Fatalf("with %+v:\n%q %q\nwithout\n%q %q", o, same.Header, got, s.Header, want)
		}
	})
}

// FuzzWriteCSV shows that what WriteCSV makes of any text is well-formed, and is read as the same cells.
func FuzzWriteCSV(f *testing.F) {
	for _, text := range append(slices.Clone(nasty), odd...) {
		f.Add([]byte(text))
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text []byte) {
		s := openBytes(t, dir, text, Options{AnyWidth: true})
		if s == nil {
			return
		}
		defer s.Close()
		var first, second bytes.Buffer
		if err := s.WriteCSV(t.Context(), &first); err != nil {
			t.Fatal(err)
		}
		if first.Len() == 0 {
			return
		}
		o := Options{AnyWidth: true, HeaderLine: 1, HeaderLines: 1}
		if s.NoHeader {
			o = Options{AnyWidth: true, Columns: s.Header}
		}
		again := openBytes(t, dir, first.Bytes(), o)
		if again == nil {
			t.Fatalf("refused: %q", first.Bytes())
		}
		defer again.Close()
		again.NoHeader = s.NoHeader
		if err := again.WriteCSV(t.Context(), &second); err != nil {
			t.Fatal(err)
		}
		if first.String() != second.String() {
			t.Fatalf("written %q\nread    %q", first.String(), second.String())
		}
	})
}
