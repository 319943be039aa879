package sheet

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aftership-bulk/sheet/charset"

	"golang.org/x/text/encoding/htmlindex"
)

func encoded(t *testing.T, name, text string) string {
	t.Helper()
	enc, err := htmlindex.Get(name)
	if err != nil {
		t.Fatal(err)
	}
	out, err := enc.NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func gzipOf(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// zipOf packs files, given as name and text in turn.
func zipOf(t *testing.T, files ...string) string {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		f, err := w.Create(files[i])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(files[i+1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// tinyWorkbook makes a workbook with the parts that it can't be without.
func tinyWorkbook(t *testing.T, rows string) string {
	t.Helper()
	const head = `<?xml version="1.0" encoding="UTF-8"?>`
	return zipOf(t,
		"[Content_Types].xml", head+`<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>`,
		"_rels/.rels", head+`<Relationships><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>`,
		"xl/_rels/workbook.xml.rels", head+`<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>`,
		"xl/workbook.xml", head+`<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="Orders" sheetId="1" r:id="rId1"/></sheets></workbook>`,
		"xl/worksheets/sheet1.xml", head+`<worksheet><sheetData>`+rows+`</sheetData></worksheet>`)
}

const tinyRows = `<row r="2"><c r="A2" t="inlineStr"><is><t>tracking_number</t></is></c><c t="inlineStr"><is><t>note</t></is></c></row>` +
	`<row r="3" hidden="1"><c t="inlineStr"><is><t>001</t></is></c><c><v>1</v></c></row>` +
	`<row r="5"><c><v>940011120621364224</v></c></row>` +
	"<row r=\"6\"><c t=\"inlineStr\"><is><t>a\nb</t></is></c></row>" +
	`<row r="7"><c t="inlineStr"><is><t>002</t></is></c><c t="e"><v>#N/A</v></c></row>`

const tinyWant = "3:001|1 skip the row is hidden\n5:940011120621364224| ?1\n6:a\nb|\n7:002|#N/A ?2\n"

// sketch shows what a sheet reads like, with the columns that can't be trusted.
func sketch(t *testing.T, s *Sheet) string {
	t.Helper()
	var b strings.Builder
	for row, err := range s.Rows() {
		b.WriteString(itoa(row.Line) + ":" + strings.Join(row.Cells, "|"))
		for _, f := range row.Flaws {
			b.WriteString(" ?" + itoa(f.Column))
		}
		if row.Skip != "" {
			b.WriteString(" skip " + row.Skip)
		}
		if err != nil {
			b.WriteString(" !" + err.Error())
		}
		b.WriteString("\n")
	}
	return b.String()
}

func TestSources(t *testing.T) {
	const text = "tracking_number,name\r\n00123,Zoë\r\n2,Jürgen Weiß\r\n"
	const want = "2:00123|Zoë\n3:2|Jürgen Weiß\n"
	book := tinyWorkbook(t, tinyRows)
	for _, tt := range []struct {
		name, file               string
		o                        Options
		format, packed, encoding string
		want                     string
	}{
		{"UTF-8", text, Options{}, "csv", "", "utf-8", want},
		{"UTF-8 with a mark", utf8BOM + text, Options{}, "csv", "", "utf-8", want},
		{"UTF-16 with a mark", "\xFF\xFE" + encoded(t, "utf-16le", text), Options{}, "csv", "", "utf-16le", want},
		{"UTF-16, big-endian, with a mark", "\xFE\xFF" + encoded(t, "utf-16be", text), Options{}, "csv", "", "utf-16be", want},
		{"UTF-16 without a mark", encoded(t, "utf-16le", text), Options{}, "csv", "", "utf-16le", want},
		{"Windows-1252", encoded(t, "windows-1252", text), Options{}, "csv", "", "windows-1252", want},
		{"as asked for", encoded(t, "macintosh", text), Options{Encoding: "mac"}, "csv", "", "macintosh", want},
		{"as asked for, with another mark", utf8BOM + text, Options{Encoding: "UTF8"}, "csv", "", "utf-8", want},
		{"hint", encoded(t, "shift_jis", "tracking_number,name\n00123,佐藤\n"), Options{EncodingHint: func([]byte) string { return "sjis" }}, "csv", "", "shift_jis", "2:00123|佐藤\n"},
		{"bytes without a meaning", "tracking_number,name\n1,M\xFCller\n2,x\x90y\n", Options{Encoding: "windows-1252"}, "csv", "", "windows-1252", "2:1|Müller\n3:2|x\uFFFDy ?2\n"},
		{"gzip", gzipOf(t, text), Options{}, "csv", "gzip", "utf-8", want},
		{"gzip of two streams", gzipOf(t, text[:30]) + gzipOf(t, text[30:]), Options{}, "csv", "gzip", "utf-8", want},
		{"gzip of UTF-16", gzipOf(t, "\xFF\xFE"+encoded(t, "utf-16le", text)), Options{}, "csv", "gzip", "utf-16le", want},
		{"zip", zipOf(t, "orders.csv", text), Options{}, "csv", "zip", "utf-8", want},
		{"zip with rubbish of an operating system", zipOf(t, "__MACOSX/._orders.csv", "x", "a/.DS_Store", "y", "a/orders.csv", text), Options{}, "csv", "zip", "utf-8", want},
		{"zip with a member", zipOf(t, "one.csv", "a,b\n1,2\n", "two/orders.csv", text), Options{Member: "orders.csv"}, "csv", "zip", "utf-8", want},
		{"gzip in zip", zipOf(t, "orders.csv.gz", gzipOf(t, text)), Options{}, "csv", "gzip", "utf-8", want},
		{"workbook", book, Options{}, "xlsx", "", "utf-8", tinyWant},
		{"workbook in zip", zipOf(t, "orders.xlsx", book), Options{}, "xlsx", "zip", "utf-8", tinyWant},
		{"workbook, hidden rows too", book, Options{Hidden: true}, "xlsx", "", "utf-8", strings.Replace(tinyWant, " skip the row is hidden", "", 1)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			tt.o.TempDir = dir
			s, err := Open(t.Context(), writeText(t, tt.file), nil, tt.o)
			if err != nil {
				t.Fatal(err)
			}
			if s.Format != tt.format || s.Packed != tt.packed || s.Encoding != tt.encoding || !s.EncodingSure || s.EncodingDoubt != nil || s.Size != int64(len(tt.file)) {
				t.Errorf("%q, %q, %q, sure %v, doubt %v, %d bytes", s.Format, s.Packed, s.Encoding, s.EncodingSure, s.EncodingDoubt, s.Size)
			}
			for range 2 {
				if got := sketch(t, s); got != tt.want {
					t.Errorf("%s\nwant\n%s", got, tt.want)
				}
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			if left, _ := os.ReadDir(dir); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

func TestSourcesThatAreRefused(t *testing.T) {
	encrypted := []byte(zipOf(t, "orders.csv", "a,b\n1,2\n"))
	for _, signature := range []string{"PK\x03\x04", "PK\x01\x02"} { // set the flag in both headers
		at := bytes.Index(encrypted, []byte(signature))
		encrypted[at+6+2*(len(signature)-4)] |= 1
		if signature == "PK\x01\x02" {
			encrypted[at+8] |= 1
		}
	}
	utf16 := func(s string) string { return encoded(t, "utf-16le", s) }
	for _, tt := range []struct{ name, file, want string }{
		{"two files", zipOf(t, "a.csv", "x", "b.csv", "y"), "the archive holds 2 files; name the one to read with --member: a.csv, b.csv"},
		{"no file", zipOf(t), "the archive holds no file"},
		{"encrypted", string(encrypted), "orders.csv is encrypted in the archive"},
		{"packed thrice", gzipOf(t, gzipOf(t, gzipOf(t, "a,b\n"))), "packed more than 2 times"},
		{"a gzip that is cut", gzipOf(t, strings.Repeat("a,b\n", 100))[:30], "compressed with gzip and damaged"},
		{"an old workbook", oldWorkbook + strings.Repeat("\x00", 600) + utf16("Workbook"), "old Excel workbook (.xls)"},
		{"a workbook with a password", oldWorkbook + strings.Repeat("\x00", 70_000) + utf16("EncryptedPackage"), "protected by a password"},
		{"ods", zipOf(t, "mimetype", "application/vnd.oasis.opendocument.spreadsheet", "content.xml", "<x/>"), "OpenDocument spreadsheet (.ods)"},
		{"numbers", zipOf(t, "Index/Document.iwa", "x", "preview.jpg", "y"), "Apple Numbers"},
		{"xlsb", zipOf(t, "[Content_Types].xml", "x", "xl/workbook.bin", "y"), "binary Excel workbook"},
		{"docx", zipOf(t, "[Content_Types].xml", "x", "word/document.xml", "y"), "no spreadsheet"},
		{"a web page", "\r\n<!DOCTYPE html><html><table><tr><td>tracking</td></tr></table></html>", "web page (HTML)"},
		{"an XML spreadsheet", `<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?><Workbook/>`, "XML spreadsheet of Excel 2003"},
		{"XML", `<?xml version="1.0"?><orders/>`, "the file is XML"},
		{"a picture", "\x89PNG\r\n", "a picture"},
		{"nothing in gzip", gzipOf(t, " \n"), "the file is empty"},
		{"a workbook without rows", tinyWorkbook(t, ""), "the workbook is empty"},
		{"a workbook without a workbook", zipOf(t, "[Content_Types].xml", "x", "xl/workbook.xml", "y"), "the workbook is damaged"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			s, err := Open(t.Context(), writeText(t, tt.file), nil, Options{TempDir: dir})
			if err == nil {
				s.Close()
				t.Fatal("no error")
			}
			if !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%q, want %q in it", err, tt.want)
			}
			if left, _ := os.ReadDir(dir); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

func TestMemberThatIsNotThere(t *testing.T) {
	_, err := Open(t.Context(), writeText(t, zipOf(t, "a.csv", "x", "b.csv", "y")), nil, Options{Member: "c.csv"})
	if err == nil || !strings.Contains(err.Error(), `no file "c.csv"; it holds a.csv, b.csv`) {
		t.Error(err)
	}
}

func TestBombsEndInAClearError(t *testing.T) {
	zeros := strings.Repeat("0", 70<<20)
	big := "a,b\n" + strings.Repeat("1,2\n", 1000)
	for _, tt := range []struct {
		name, file string
		o          Options
		want       string
	}{
		{"gzip, by its ratio", gzipOf(t, zeros), Options{}, "more than 300 times its size"},
		{"zip, by its ratio", zipOf(t, "a.csv", zeros), Options{}, "more than 300 times its size"},
		{"workbook, by its ratio", tinyWorkbook(t, `<row><c><v>1</v></c></row>`+zeros), Options{}, "more than 300 times its size"},
		{"gzip, by its size", gzipOf(t, big), Options{MaxUnpacked: 1000}, "larger than 1000 bytes when it is unpacked"},
		{"zip, by its size", zipOf(t, "a.csv", big), Options{MaxUnpacked: 1000}, "larger than 1000 bytes when it is unpacked"},
	} {
		_, err := Open(t.Context(), writeText(t, tt.file), nil, tt.o)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

func TestEncodingThatIsNotSureLeavesTheOtherColumnsUsable(t *testing.T) {
	s := openText(t, "tracking_number,name\n00123,"+encoded(t, "windows-1254", "Ayşe")+"\n00124,Smith\n", Options{})
	if s.Encoding != "" || s.EncodingSure || s.EncodingDoubt == nil || len(s.EncodingDoubt.Candidates) < 2 {
		t.Fatalf("%q, %v, %+v", s.Encoding, s.EncodingSure, s.EncodingDoubt)
	}
	if got := sketch(t, s); got != "2:00123|Ay\uFFFDe ?2\n3:00124|Smith\n" {
		t.Errorf("%q", got)
	}
	_, err := Open(t.Context(), writeText(t, encoded(t, "windows-1254", "şehir\n1\n")), nil, Options{})
	if _, ok := errors.AsType[*charset.Unsure](err); !ok {
		t.Errorf("of a header that can't be read: %v", err)
	}
}

func TestWorkbookSaysWhatItIs(t *testing.T) {
	s := openText(t, tinyWorkbook(t, tinyRows), Options{})
	if s.SheetName != "Orders" || len(s.Sheets) != 1 || s.Sheets[0] != (SheetInfo{Name: "Orders", Rows: 5}) || s.HeaderLine != 2 {
		t.Errorf("%q, %+v, header in line %d", s.SheetName, s.Sheets, s.HeaderLine)
	}
}

func TestAPackedFileThatChangesIsNoticed(t *testing.T) {
	path := writeText(t, gzipOf(t, "a,b\n1,2\n"))
	s, err := Open(t.Context(), path, nil, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := os.Chtimes(path, time.Time{}, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if got := render(s); !strings.Contains(got, "was changed while it was read") {
		t.Errorf("%q", got)
	}
}

func TestNameInsteadOfThePath(t *testing.T) {
	s := openText(t, "a,b\n1,2\n", Options{Name: "https://example.com/orders.csv"})
	if s.Name != "https://example.com/orders.csv" {
		t.Error(s.Name)
	}
}

func TestUnpackingEndsWithItsContext(t *testing.T) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, file := range []string{gzipOf(t, "a,b\n"), tinyWorkbook(t, tinyRows)} {
		if _, err := Open(cancelled, writeText(t, file), nil, Options{}); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}
	if _, err := Open(t.Context(), writeText(t, gzipOf(t, "a,b\n")), nil, Options{TempDir: filepath.Join(t.TempDir(), "none")}); err == nil {
		t.Error("no error for a missing directory")
	}
}

// Bytes at random are said to be no text, and not asked about in five encodings; texts with some control characters are texts.
func TestNoText(t *testing.T) {
	random := rand.NewChaCha8([32]byte{})
	for _, size := range []int{200, 700, 9000} {
		for range 3 {
			text := make([]byte, size)
			_, _ = random.Read(text) // it never fails
			text[0] = 'a'            // else it may be the mark of another kind of file
			for name, text := range map[string]string{"x.csv": string(text), "x.csv.gz": gzipOf(t, string(text))} {
				s, err := Open(t.Context(), writeText(t, text), nil, Options{})
				if err == nil {
					s.Close()
				}
				if !errors.Is(err, errNoText) {
					t.Errorf("%s of %d bytes: %.200v", name, size, err)
				}
			}
		}
	}
	for name, text := range map[string]string{
		"delimiters":      "number\x01slug\x1fcity\x1e1\x01ups\x1fM\xfcnchen\n",
		"escapes":         strings.Repeat("\x1b[1m", 100) + "M\xfcnchen",
		"zeros at an end": "number,city\n1,M\xfcnchen\n" + strings.Repeat("\x00", 4000),
		"a few":           strings.Repeat("number,city\n1,M\xfcnchen\n", 40) + "\x01\x02\x03\x04\x05\x06\x07\x08",
		"Japanese":        encoded(t, "iso-2022-jp", "番号,都市\n1,東京\n"),
		"Chinese":         encoded(t, "gbk", "快递单号,收件人\n1,王小明\n"),
	} {
		if noText([]byte(text)) {
			t.Errorf("%s is taken for no text", name)
		}
	}
}
