package charset

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

func encode(t testing.TB, name, text string) string {
	t.Helper()
	_, enc, err := find(name)
	if err != nil {
		t.Fatal(err)
	}
	out, err := enc.NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

const sample = "tracking_number,name\n1Z999,Zoë\n00123,Jörg\n"

func TestWhatProvesItself(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       Result
	}{
		{"nothing", "", Result{Encoding: UTF8}},
		{"ASCII", "a,b\n1,2\n", Result{Encoding: UTF8}},
		{"UTF-8", sample, Result{Encoding: UTF8}},
		{"UTF-8 with a mark", "\xEF\xBB\xBF" + sample, Result{Encoding: UTF8, Mark: 3}},
		{"UTF-8 with a mark and damage", "\xEF\xBB\xBFa\xFF", Result{Encoding: UTF8, Mark: 3, Damaged: true}},
		{"UTF-8 with one damaged cell", strings.Repeat("Zoë,Jörg\n", 5) + "M\xFCller\n", Result{Encoding: UTF8, Damaged: true}},
		{"UTF-16 with a mark", "\xFF\xFE" + encode(t, UTF16LE, sample), Result{Encoding: UTF16LE, Mark: 2}},
		{"UTF-16, big-endian, with a mark", "\xFE\xFF" + encode(t, UTF16BE, sample), Result{Encoding: UTF16BE, Mark: 2}},
		{"UTF-16", encode(t, UTF16LE, sample), Result{Encoding: UTF16LE}},
		{"UTF-16, big-endian", encode(t, UTF16BE, sample), Result{Encoding: UTF16BE}},
		{"UTF-16, Japanese", encode(t, UTF16LE, "お問い合わせ伝票番号,配送業者コード\r\n123456789012,ヤマト運輸\r\n"), Result{Encoding: UTF16LE}},
		{"UTF-32 with a mark", "\xFF\xFE\x00\x00" + encode(t, UTF32LE, sample), Result{Encoding: UTF32LE, Mark: 4}},
		{"UTF-32, big-endian, with a mark", "\x00\x00\xFE\xFF" + encode(t, UTF32BE, sample), Result{Encoding: UTF32BE, Mark: 4}},
		{"a lone NUL is no UTF-16", "a,b\n" + strings.Repeat("1,2\n", 20) + "1,\x002\n", Result{Encoding: UTF8}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, size := range []int{1, 2, 3, 7, 4096} {
				d := NewDetector()
				if _, err := io.CopyBuffer(struct{ io.Writer }{d}, struct{ io.Reader }{strings.NewReader(tt.text)}, make([]byte, size)); err != nil {
					t.Fatal(err)
				}
				if got := d.Result(nil); got != tt.want {
					t.Errorf("in pieces of %d: %+v, want %+v", size, got, tt.want)
				}
			}
		})
	}
}

func TestLineOfSeveralSamplesIsNamedOnce(t *testing.T) {
	got := detect([]byte("name,city\n" + encode(t, "windows-1254", "Ayşe,Şişli\n")))
	if got.Doubt == nil || len(got.Doubt.Lines) != 2 || !strings.Contains(got.Doubt.Error(), "(line 2): ") {
		t.Errorf("%+v", got)
	}
}

func TestHintIsBelievedWhereTheBytesDoNotSay(t *testing.T) {
	text := file(t, "shift_jis", "佐藤")
	ask := func(hint string) Result {
		d := NewDetector()
		d.Write(text)
		return d.Result(func(head []byte) string {
			if !bytes.Equal(head, text) {
				t.Errorf("the hint was asked about %q", head)
			}
			return hint
		})
	}
	if got := ask("Shift-JIS"); got.Encoding != "shift_jis" || got.Doubt != nil {
		t.Errorf("%+v", got)
	}
	for _, hint := range []string{"", "nonsense", "euc-jp"} {
		if got := ask(hint); got.Doubt == nil {
			t.Errorf("with the hint %q: %+v", hint, got)
		}
	}
}

func TestUnsureShowsWhatEachCandidateReads(t *testing.T) {
	got := detect([]byte("number,name\n1,Ayşe\n" + encode(t, "windows-1254", "2,Ayşe\r\n3,\"Şişli, 5\"\n")))
	if got.Doubt == nil {
		t.Fatalf("%+v", got)
	}
	// The first line with the cell is valid UTF-8, so only the later ones are in question.
	if !slices.Equal(got.Doubt.Lines, []int{3, 4}) {
		t.Errorf("lines %v", got.Doubt.Lines)
	}
	found := slices.IndexFunc(got.Doubt.Candidates, func(c Candidate) bool { return c.Encoding == "windows-1254" })
	if found < 0 || !slices.Equal(got.Doubt.Candidates[found].Samples, []string{"Ayşe", "Şişli"}) {
		t.Errorf("candidates %+v", got.Doubt.Candidates)
	}
	for _, part := range []string{"lines 3, 4", `windows-1254 reads "Ayşe", "Şişli"`, "--encoding"} {
		if !strings.Contains(got.Doubt.Error(), part) {
			t.Errorf("%q is not in %s", part, got.Doubt)
		}
	}
	if none := detect([]byte("a\n\xFF\xFE\xFD\x81\x00\x01\xFF\n")); none.Doubt == nil || strings.Contains(none.Doubt.Error(), "\n") {
		t.Errorf("%+v", none)
	}
}

func TestReader(t *testing.T) {
	for _, name := range Usual() {
		text := "número,Größe\r\n1,x\r\n"
		switch name {
		case "shift_jis", "euc-jp", "gbk", "big5", "euc-kr", "windows-1251":
			text = "number,size\r\n1,x\r\n"
		case "windows-1254", "windows-1250":
			text = "number,Größe\r\n"
		}
		for _, src := range []io.Reader{strings.NewReader(encode(t, name, text)), iotest.OneByteReader(strings.NewReader(encode(t, name, text)))} {
			r, err := NewReader(src, strings.ToUpper(name))
			if err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(r); err != nil || string(got) != text {
				t.Errorf("%s: %q, %v", name, got, err)
			}
		}
	}
}

func TestReaderMarksWhatMeansNothing(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"windows-1252", "a\x81b\xFC", "a\xFFbü"},
		{"shift_jis", "a\x82", "a\xFF"},
		{UTF16LE, "a\x00\x00\xD8b\x00", "a\xFFb"},
		{UTF16LE, "a\x00\xFD\xFFb\x00", "a\xFFb"}, // U+FFFD in the text itself
		{UTF16LE, "a\x00b", "a\xFF"},
		{"gbk", "\xB1\xB1\xFF,", "北\xFF,"},
		{UTF16LE, "\xFF\xEF", "\uEFFF"}, // begins like U+FFFD in UTF-8
	} {
		r, err := NewReader(iotest.OneByteReader(strings.NewReader(tt.text)), tt.name)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(r); err != nil || string(got) != tt.want {
			t.Errorf("%s %q: %q, %v", tt.name, tt.text, got, err)
		}
	}
}

func TestLookup(t *testing.T) {
	for name, want := range map[string]string{
		"UTF-8": UTF8, "latin1": "windows-1252", "ISO-8859-1": "windows-1252", "cp1252": "windows-1252", " SJIS ": "shift_jis", "Shift-JIS": "shift_jis",
		"utf-16": UTF16LE, "UTF-32": UTF32LE, "utf_32be": UTF32BE, "cp850": "ibm850", "cp866": "ibm866", "gb2312": "gbk", "l9": "iso-8859-15", "mac": "macintosh",
	} {
		if got, err := Lookup(name); err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", name, got, err, want)
		}
	}
	for _, name := range []string{"", "klingon", "iso-2022-kr"} {
		if got, err := Lookup(name); err == nil || !strings.Contains(err.Error(), "windows-1252") {
			t.Errorf("%q: %s, %v", name, got, err)
		}
	}
}

func TestCandidatesAndUsualNamesAreKnown(t *testing.T) {
	for _, c := range candidates {
		if got, err := Lookup(c.name); err != nil || got != c.name {
			t.Errorf("%s: %s, %v", c.name, got, err)
		}
	}
	for _, name := range Usual() {
		if _, err := Lookup(name); err != nil {
			t.Error(err)
		}
	}
}

func TestSamplerIsBounded(t *testing.T) {
	d := NewDetector()
	row := []byte("x\xFCy" + strings.Repeat("z", 500) + "\n")
	for i := range 20_000 {
		row[0] = byte('a' + i%26)
		row[3] = byte('a' + i/26%26)
		row[4] = byte('a' + i/676%26)
		d.Write(row)
	}
	if cells := d.sampler.finish(); d.sampler.size > sampleBytes+cellBytes || len(cells) > sampleCells || len(cells) < 100 {
		t.Errorf("%d cells of %d bytes", len(cells), d.sampler.size)
	}
}

// The lines of samples are counted rightly over the parts that are skipped.
func TestLinesOfSamples(t *testing.T) {
	for _, end := range []string{"\n", "\r\n", "\r"} {
		text := strings.Repeat(strings.Repeat("x,", 30)+end, 1000) + "Ay\xFEe" + end + strings.Repeat("y"+end, 5000) + "\xDEi\xFEli"
		for _, size := range []int{1, 61, 62, 63, 4096, 65536} {
			d := NewDetector()
			if _, err := io.CopyBuffer(struct{ io.Writer }{d}, struct{ io.Reader }{strings.NewReader(text)}, make([]byte, size)); err != nil {
				t.Fatal(err)
			}
			if got := d.Result(nil); got.Doubt == nil || !slices.Equal(got.Doubt.Lines, []int{1001, 6002}) {
				t.Errorf("line end %q, pieces of %d: %+v", end, size, got.Doubt)
			}
		}
	}
}

func FuzzDetector(f *testing.F) {
	for name, entries := range corpus {
		f.Add(string(file(f, name, entries[0])), 5)
	}
	f.Add("\xFF\xFE\x00\x00", 1)
	f.Fuzz(func(t *testing.T, text string, size int) {
		d := NewDetector()
		d.Write([]byte(text))
		whole := d.Result(nil)
		pieces := NewDetector()
		for rest := text; rest != ""; {
			n := min(len(rest), max(1, size%9))
			pieces.Write([]byte(rest[:n]))
			rest = rest[n:]
		}
		if got := pieces.Result(nil); got.Encoding != whole.Encoding || (got.Doubt == nil) != (whole.Doubt == nil) {
			t.Fatalf("%+v in pieces, %+v as a whole", got, whole)
		}
		if (whole.Encoding == "") != (whole.Doubt != nil) {
			t.Fatalf("%+v", whole)
		}
		if whole.Doubt != nil {
			if strings.ContainsAny(whole.Doubt.Error(), "\n\x00") {
				t.Fatalf("%q", whole.Doubt)
			}
			return
		}
		r, err := NewReader(strings.NewReader(text[whole.Mark:]), whole.Encoding)
		if err != nil {
			t.Fatal(err)
		}
		out, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if whole.Encoding == UTF8 && !whole.Damaged && !bytes.Contains(out, []byte{Bad}) && string(out) != text[whole.Mark:] {
			t.Fatalf("%q became %q", text, out)
		}
	})
}

func BenchmarkDetector(b *testing.B) {
	for name, row := range map[string]string{"ascii": "1Z999AA10123456784,ups,Blue shirt,1043\n", "utf-8": "1Z999AA10123456784,ups,Grüße,1043\n"} {
		b.Run(name, func(b *testing.B) {
			text := []byte(strings.Repeat(row, 25_000))
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				d := NewDetector()
				d.Write(text)
			}
		})
	}
}
