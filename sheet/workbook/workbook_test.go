package workbook

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"
)

// convert converts a workbook and shows marks as <code>.
func convert(t testing.TB, file []byte, o Options) (string, Info, error) {
	t.Helper()
	dir := t.TempDir()
	o.TempDir = dir
	var out bytes.Buffer
	info, err := Convert(t.Context(), bytes.NewReader(file), int64(len(file)), o, &out)
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	text := out.String()
	for _, code := range []string{Digits, Formula, Error, Broken, Hidden} {
		text = strings.ReplaceAll(text, Mark+code+Mark, "<"+code+">")
	}
	return text, info, err
}

// build makes a workbook with excelize.
func build(t testing.TB, fill func(f *excelize.File) error) []byte {
	t.Helper()
	f := excelize.NewFile()
	if err := fill(f); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// styled makes a workbook with one cell of a number format.
func styled(t *testing.T, value any, o excelize.Style) []byte {
	return build(t, func(f *excelize.File) error {
		id, err := f.NewStyle(&o)
		if err != nil {
			return err
		}
		if err := f.SetCellValue("Sheet1", "A1", value); err != nil {
			return err
		}
		return f.SetCellStyle("Sheet1", "A1", "A1", id)
	})
}

func TestCellsByTheirFormat(t *testing.T) {
	custom := func(code string) excelize.Style { return excelize.Style{CustomNumFmt: &code} }
	builtIn := func(id int) excelize.Style { return excelize.Style{NumFmt: id} }
	at := time.Date(2026, 5, 31, 14, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name  string
		value any
		style excelize.Style
		want  string
	}{
		{"text", "00123456", builtIn(0), "00123456"},
		{"text that looks like a long number", "940011120621364217", builtIn(0), "940011120621364217"},
		{"number", 123456, builtIn(0), "123456"},
		{"price", 19.9, builtIn(4), "19.9"},
		{"number shown as 7.85E+14", 784512369012345, builtIn(11), "784512369012345"},
		{"number padded with zeros", 123456, custom("00000000"), "00123456"},
		{"number padded in groups", 123456789, custom("000-00-0000"), "123-45-6789"},
		{"number padded, with letters", 42, custom(`"SF"0000`), "SF0042"},
		{"number padded, longer than the format", 123456, custom("0000"), "123456"},
		{"thousands", 1234567, custom("#,##0"), "1234567"},
		{"percent", 0.5, builtIn(9), "0.5"},
		{"date", at, builtIn(14), "2026-05-31"},
		{"date and time", at, builtIn(22), "2026-05-31T14:00:00"},
		{"date of a custom format", at, custom(`dd"."mm"."yyyy`), "2026-05-31"},
		{"date and time of a custom format", at, custom("yyyy-mm-dd hh:mm"), "2026-05-31T14:00:00"},
		{"month", at, custom("mmm"), "2026-05-31"},
		{"German date", at, custom("[$-407]d. mmmm yyyy;@"), "2026-05-31"},
		{"time", 0.5, builtIn(20), "12:00:00"},
		{"hours", 1.5, custom("[h]:mm"), "36:00:00"},
		{"text format", 123, builtIn(49), "123"},
		{"yes", true, builtIn(0), "TRUE"},
		{"no", false, builtIn(0), "FALSE"},
		{"negative date", -5, builtIn(14), "<broken>-5"},
		{"lines and quotes", "a\r\n\"b\", c", builtIn(0), "\"a\r\n\"\"b\"\", c\""},
	} {
		got, _, err := convert(t, styled(t, tt.value, tt.style), Options{})
		if err != nil || got != tt.want+"\n" {
			t.Errorf("%s: %q, %v; want %q", tt.name, got, err, tt.want)
		}
	}
}

// raw makes a workbook of hand-made parts: those that are given by name take the place of the usual ones.
func raw(t testing.TB, rows string, parts ...string) []byte {
	t.Helper()
	const office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
	all := map[string]string{
		"[Content_Types].xml": `<Types/>`,
		"_rels/.rels":         `<Relationships><Relationship Id="r1" Type="` + office + `/officeDocument" Target="xl/workbook.xml"/></Relationships>`,
		"xl/_rels/workbook.xml.rels": `<Relationships><Relationship Id="r1" Type="` + office + `/worksheet" Target="worksheets/sheet1.xml"/>` +
			`<Relationship Id="r2" Type="` + office + `/sharedStrings" Target="sharedStrings.xml"/></Relationships>`,
		"xl/workbook.xml": `<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="` + office + `"><sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>`,
		"xl/styles.xml": `<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><numFmts count="1"><numFmt numFmtId="164" formatCode="00000000"/></numFmts>` +
			`<cellXfs count="3"><xf numFmtId="0"/><xf numFmtId="164"/><xf numFmtId="14"/></cellXfs></styleSheet>`,
		"xl/worksheets/sheet1.xml": `<worksheet><sheetData>` + rows + `</sheetData></worksheet>`,
	}
	for i := 0; i < len(parts); i += 2 {
		all[parts[i]] = parts[i+1]
	}
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, text := range all {
		if text == "" {
			continue
		}
		f, err := w.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(f, text); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestCellsAsTheyStandInTheFile(t *testing.T) {
	const shared = `<sst><si><t>one</t></si><si><r><t>r</t></r><r><t xml:space="preserve">ich </t></r></si><si><t>漢</t><rPh sb="0" eb="1"><t>かん</t></rPh></si><si><t>a_x000D_b_x0000__x12_</t></si><si/></sst>`
	for _, tt := range []struct{ name, cells, want string }{
		{"shared text", `<c t="s"><v>0</v></c>`, "one"},
		{"rich text", `<c t="s"><v>1</v></c>`, "rich "},
		{"Japanese with its pronunciation", `<c t="s"><v>2</v></c>`, "漢"},
		{"escaped characters", `<c t="s"><v>3</v></c>`, "\"a\rb\uFFFD_x12_\""},
		{"empty shared text", `<c t="s"><v>4</v></c><c><v>1</v></c>`, ",1"},
		{"shared text that is not there", `<c t="s"><v>9</v></c>`, "<broken>"},
		{"shared text without a number", `<c t="s"><v>x</v></c>`, "<broken>x"},
		{"inline text", `<c t="inlineStr"><is><r><t>in</t></r><r><t>line</t></r></is></c>`, "inline"},
		{"18 digits", `<c><v>940011120621364224</v></c>`, "<digits>940011120621364224"},
		{"18 digits that no program rounded", `<c><v>940011120621364217</v></c>`, "940011120621364217"},
		{"18 digits as Excel writes them", `<c><v>9.4001112062136422E+17</v></c>`, "<digits>9.4001112062136422E+17"},
		{"16 digits that end in zeros", `<c><v>9400111206213640</v></c>`, "<digits>9400111206213640"},
		{"22 digits", `<c><v>1.2345678901234567e21</v></c>`, "<digits>1.2345678901234567e21"},
		{"15 digits", `<c><v>940011120621364</v></c>`, "940011120621364"},
		{"15 digits with an exponent", `<c><v>7.84512369012345E+14</v></c>`, "784512369012345"},
		{"noise of arithmetic", `<c><v>0.10000000000000001</v></c><c><v>19.989999999999998</v></c>`, "0.1,19.99"},
		{"tiny", `<c><v>1E-7</v></c>`, "0.0000001"},
		{"negative", `<c><v>-5</v></c><c><v>-0</v></c>`, "-5,0"},
		{"padded", `<c s="1"><v>42</v></c>`, "00000042"},
		{"padded, negative", `<c s="1"><v>-42</v></c>`, "-42"},
		{"date", `<c s="2"><v>46173</v></c>`, "2026-05-31"},
		{"date beyond the calendar", `<c s="2"><v>2958466</v></c>`, "<broken>2958466"},
		{"date in ISO form", `<c t="d"><v>2026-05-31</v></c>`, "2026-05-31"},
		{"unknown style", `<c s="99"><v>1</v></c><c s="-1"><v>1</v></c><c s="x"><v>1</v></c>`, "1,1,1"},
		{"no number", `<c><v>abc</v></c>`, "<broken>abc"},
		{"infinite and hexadecimal", `<c><v>Inf</v></c><c><v>0x1p-2</v></c><c><v>1e999</v></c>`, "<broken>Inf,<broken>0x1p-2,<broken>1e999"},
		{"error", `<c t="e"><v>#REF!</v></c>`, "<error>#REF!"},
		{"words of truth", `<c t="b"><v>1</v></c><c t="b"><v>0</v></c><c t="b"><v>7</v></c>`, "TRUE,FALSE,<broken>7"},
		{"formula with a value", `<c t="str"><f>A9</f><v>00123</v></c>`, "00123"},
		{"formula with a number", `<c><f>A9</f><v>12</v></c>`, "12"},
		{"formula with an empty text", `<c t="str"><f>IF(A2="","",A2)</f><v></v></c><c><v>1</v></c>`, ",1"},
		{"formula of a text", `<c><f>"00123"</f></c>`, "00123"},
		{"formula of its row", `<c r="A1" t="inlineStr"><is><t>1Z</t></is></c><c r="B1"><v>7</v></c><c r="C1"><f>A1&amp;"-"&amp;TEXT($B$1,"000")</f><v/></c>`, "1Z,7,1Z-007"},
		{"formula of a long text", `<c t="inlineStr"><is><t>940011120621364217</t></is></c><c><f>A1&amp;""</f></c>`, "940011120621364217,940011120621364217"},
		{"formula of a long number", `<c><v>940011120621364217</v></c><c><f>A1&amp;""</f></c>`, "940011120621364217,\"<formula>=A1&\"\"\"\"\""},
		{"formula of another row", `<c><f>A2</f></c>`, "<formula>=A2"},
		{"formula of a range", `<c><f>SUM(A2:A9)</f></c>`, "<formula>=SUM(A2:A9)"},
		{"formula of a formula", `<c><f>"x"</f></c><c><f>A1</f></c>`, "x,<formula>=A1"},
		{"formula of a name", `<c><f>secret&amp;"x"</f></c>`, "\"<formula>=secret&\"\"x\"\"\""},
		{"formula without text", `<c><f t="shared" si="0"/></c>`, "<formula>="},
		{"formula for ever", `<c><f>REPT("x",1E+18)</f></c>`, "\"<formula>=REPT(\"\"x\"\",1E+18)\""},
		{"formula that fails", `<c><f>1/0</f></c>`, "<formula>=1/0"},
		{"places of cells", `<c r="B1"><v>1</v></c><c r="D1"><v>2</v></c><c><v>3</v></c>`, ",1,,2,3"},
		{"name space", `<x:c xmlns:x="y" t="b"><x:v>1</x:v></x:c>`, "TRUE"},
	} {
		got, _, err := convert(t, raw(t, `<row>`+tt.cells+`</row>`, "xl/sharedStrings.xml", shared), Options{})
		if err != nil || got != tt.want+"\n" {
			t.Errorf("%s: %q, %v; want %q", tt.name, got, err, tt.want)
		}
	}
}

func TestRowsOfASheet(t *testing.T) {
	text := func(s string) string { return `<c t="inlineStr"><is><t>` + s + `</t></is></c>` }
	for _, tt := range []struct{ name, rows, want string }{
		{"gaps", `<row r="3">` + text("a") + `</row><row r="6">` + text("b") + `</row>`, "\n\na\n\n\nb\n"},
		{"rows that hold nothing", `<row/><row r="2"><c s="1"/></row><row>` + text("a") + `</row><row/><row r="90000"><c s="1"/></row>`, "\n\na\n"},
		{"hidden", `<row>` + text("a") + `</row><row hidden="1"><c/>` + text("b") + `</row><row hidden="true"><c><v>1234567890123456</v></c></row>`, "a\n<hidden>,b\n<hidden><digits>1234567890123456\n"},
		{"a short row with quotes", `<row>` + text("a") + text("b") + text("c") + `</row><row>` + text("x, y") + `</row>`, "a,b,c\n\"x, y\",,\n"},
	} {
		got, _, err := convert(t, raw(t, tt.rows), Options{})
		if err != nil || got != tt.want {
			t.Errorf("%s: %q, %v; want %q", tt.name, got, err, tt.want)
		}
	}
}

func TestCellsMergedDownwardsGiveTheirValueToEachRow(t *testing.T) {
	file := build(t, func(f *excelize.File) error {
		for cell, value := range map[string]string{"A1": "order", "B1": "item", "A2": "1001", "B2": "a", "B3": "b", "B4": "c", "A5": "1002", "B5": "d", "A8": "wide", "A9": "x", "B9": "y"} {
			if err := f.SetCellStr("Sheet1", cell, value); err != nil {
				return err
			}
		}
		for _, area := range [][2]string{{"A2", "A4"}, {"A5", "A7"}, {"A8", "C8"}} {
			if err := f.MergeCell("Sheet1", area[0], area[1]); err != nil {
				return err
			}
		}
		return nil
	})
	got, info, err := convert(t, file, Options{})
	if want := "order,item\n1001,a\n1001,b\n1001,c\n1002,d\n\n\nwide\nx,y\n"; err != nil || got != want {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
	if len(info.Warnings) != 1 || !strings.Contains(info.Warnings[0], "2 cells are merged over several rows (the first from row 2)") {
		t.Errorf("%q", info.Warnings)
	}
}

func TestChoiceOfTheSheet(t *testing.T) {
	file := build(t, func(f *excelize.File) error {
		for i, name := range []string{"Notes", "Secret", "Orders", "2"} {
			if _, err := f.NewSheet(name); err != nil {
				return err
			}
			if i > 0 {
				if err := f.SetCellStr(name, "A1", "of "+name); err != nil {
					return err
				}
			}
		}
		return f.SetSheetVisible("Secret", false)
	})
	for _, tt := range []struct{ name, want, err string }{
		{"", "Orders", ""},
		{"orders ", "Orders", ""},
		{"Secret", "Secret", ""},
		{"4", "Orders", ""},
		{"2", "2", ""},
		{"9", "", `no sheet "9"; it has 1 "Sheet1", 2 "Notes", 3 "Secret" (hidden), 4 "Orders", 5 "2"`},
	} {
		got, info, err := convert(t, file, Options{Sheet: tt.name})
		switch {
		case tt.err != "":
			if err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("%q: %v", tt.name, err)
			}
		case err != nil || got != "of "+tt.want+"\n" || info.Sheet != tt.want:
			t.Errorf("%q: %q of %q, %v", tt.name, got, info.Sheet, err)
		}
	}
	_, info, err := convert(t, file, Options{})
	if err != nil || len(info.Sheets) != 5 || info.Sheets[2] != (SheetInfo{"Secret", 1, true}) || !strings.Contains(info.Warnings[0], `others hold rows too: "Secret" (hidden), "2"`) {
		t.Errorf("%+v, %v", info, err)
	}
}

func TestHiddenSheetsAreNotChosen(t *testing.T) {
	file := build(t, func(f *excelize.File) error {
		if _, err := f.NewSheet("Hidden"); err != nil {
			return err
		}
		if err := f.SetCellStr("Hidden", "A1", "x"); err != nil {
			return err
		}
		return f.SetSheetVisible("Hidden", false)
	})
	if _, _, err := convert(t, file, Options{}); err == nil || !strings.Contains(err.Error(), "all sheets with rows are hidden") {
		t.Error(err)
	}
}

func TestDatesThatCountFrom1904(t *testing.T) {
	wb := `<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><workbookPr date1904="1"/><sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>`
	got, _, err := convert(t, raw(t, `<row><c s="2"><v>44711</v></c></row>`, "xl/workbook.xml", wb), Options{})
	if err != nil || got != "2026-05-31\n" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestDamage(t *testing.T) {
	for _, tt := range []struct {
		name, want string
		file       []byte
	}{
		{"no ZIP", "damaged", []byte("PK\x03\x04 nothing")},
		{"no main part", "damaged", raw(t, "", "xl/workbook.xml", "")},
		{"main part that is no XML", "damaged", raw(t, "", "xl/workbook.xml", "<workbook")},
		{"styles that are no XML", "damaged", raw(t, "", "xl/styles.xml", "<a></b>")},
		{"relations that are no XML", "damaged", raw(t, "", "xl/_rels/workbook.xml.rels", "<a></b>")},
		{"no sheet", "no sheet with cells", raw(t, "", "xl/worksheets/sheet1.xml", "")},
		{"a sheet that ends early", "unexpected EOF", raw(t, "", "xl/worksheets/sheet1.xml", "<worksheet><sheetData><row><c><v>1</v>")},
		{"rows that go back", `row "1" comes after row 2`, raw(t, `<row r="2"><c><v>1</v></c></row><row r="1"/>`)},
		{"rows beyond the end", `row "1048577" comes after row 0`, raw(t, `<row r="1048577"><c><v>1</v></c></row>`)},
		{"cells that go back", `cell "A1" is out of place in row 1`, raw(t, `<row><c r="B1"><v>1</v></c><c r="A1"/></row>`)},
		{"cells nowhere", `cell "ZZZZ1" is out of place`, raw(t, `<row><c r="ZZZZ1"><v>1</v></c></row>`)},
		{"strings that are no XML", "damaged", raw(t, `<row><c t="s"><v>0</v></c></row>`, "xl/sharedStrings.xml", "<sst><si><t>a</i")},
		{"too many columns", "more than 16384 columns", raw(t, `<row>`+strings.Repeat(`<c/>`, 16385)+`<c><v>1</v></c></row>`)},
	} {
		_, _, err := convert(t, tt.file, Options{})
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

func TestNothingTooLargeIsHeld(t *testing.T) {
	huge := strings.Repeat("x", mostText+4096)
	for _, tt := range []struct {
		name, want string
		file       []byte
		o          Options
	}{
		{"a cell", "piece of more than", raw(t, `<row><c t="inlineStr"><is><t>`+huge+`</t></is></c></row>`), Options{}},
		{"a cell of many pieces", "piece of more than", raw(t, `<row><c t="inlineStr"><is>`+strings.Repeat(`<r><t>`+huge[:1000]+`</t></r>`, 1100)+`</is></c></row>`), Options{}},
		{"an attribute", "piece of more than", raw(t, `<row><c t="`+huge+`"><v>1</v></c></row>`), Options{}},
		{"a shared text", "piece of more than", raw(t, `<row><c><v>1</v></c></row>`, "xl/sharedStrings.xml", `<sst><si><t>`+huge+`</t></si></sst>`), Options{}},
		{"the styles", "larger than 16 MiB", raw(t, "", "xl/styles.xml", strings.Repeat(" ", smallPart+1)), Options{}},
		{"a sheet", "larger than 1 MiB", raw(t, `<row><c><v>1</v></c></row>`+huge), Options{MaxUnpacked: 1 << 20}},
		{"merged cells", "merged cells", raw(t, `<row><c><v>1</v></c></row>`+strings.Repeat(`<mergeCell ref="A2:A3"/>`, mostMerges+1)), Options{}},
	} {
		if _, _, err := convert(t, tt.file, tt.o); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

func TestStringsAreFoundWhereverTheyStand(t *testing.T) {
	var sst, rows, want strings.Builder
	const n = 5000
	for i := range n {
		fmt.Fprintf(&sst, "<si><t>%d-%s</t></si>", i, strings.Repeat("x", i%40))
	}
	for i := range n {
		k := i * 7919 % n
		fmt.Fprintf(&rows, `<row><c t="s"><v>%d</v></c></row>`, k)
		fmt.Fprintf(&want, "%d-%s\n", k, strings.Repeat("x", k%40))
	}
	got, _, err := convert(t, raw(t, rows.String(), "xl/sharedStrings.xml", "<sst>"+sst.String()+"</sst>"), Options{})
	if err != nil || got != want.String() {
		t.Errorf("%v; %d bytes, want %d", err, len(got), want.Len())
	}
}

func TestEveryKindHasARemedyOrIsRead(t *testing.T) {
	for _, k := range Kinds() {
		if (k.Remedy() == "") != (k == XLSX || k == Archive) {
			t.Errorf("%s: %q", k, k.Remedy())
		}
	}
}

func FuzzConvert(f *testing.F) {
	f.Add(raw(f, `<row><c r="A1" s="1"><v>1</v></c></row>`))
	f.Add(build(f, func(x *excelize.File) error {
		if err := x.SetCellStr("Sheet1", "A1", "a"); err != nil {
			return err
		}
		return x.MergeCell("Sheet1", "A1", "A3")
	}))
	f.Fuzz(func(t *testing.T, file []byte) {
		var out bytes.Buffer
		_, err := Convert(t.Context(), bytes.NewReader(file), int64(len(file)), Options{MaxUnpacked: 1 << 20, TempDir: t.TempDir()}, &out)
		checkRecords(t, out.Bytes(), err)
	})
}

// checkRecords holds what is written against what every reader of it relies on.
func checkRecords(t *testing.T, out []byte, err error) {
	if err != nil {
		if err.Error() == "" {
			t.Error("an error without a word")
		}
		return
	}
	if !utf8.Valid(out) || len(out) > 0 && out[len(out)-1] != '\n' || bytes.Count(out, []byte(Mark))%2 != 0 || bytes.Count(out, []byte{'"'})%2 != 0 {
		t.Errorf("records that can't be read: %q", out)
	}
}

// FuzzRows makes workbooks of any XML, which bytes of a ZIP file hardly ever are.
func FuzzRows(f *testing.F) {
	f.Add(`<row r="2"><c r="A2" t="s"><v>0</v></c><c><f>A2&amp;"x"</f></c></row>`, `<si><t>a</t></si>`, `<xf numFmtId="164"/>`, "yyyy-mm-dd")
	f.Add(`<row><c s="0"><v>46173.5</v></c></row>`, "", `<xf numFmtId="22"/>`, `"x"0000;[Red]-0`)
	f.Add(`<row><c><f>TEXT(1,"0")</f></c></row><mergeCell ref="A1:A9"/>`, "", "", "[h]:mm")
	f.Fuzz(func(t *testing.T, rows, shared, styles, code string) {
		file := raw(t, rows, "xl/sharedStrings.xml", "<sst>"+shared+"</sst>", "xl/styles.xml",
			`<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><numFmts><numFmt numFmtId="164" formatCode="`+code+`"/></numFmts><cellXfs>`+styles+`</cellXfs></styleSheet>`)
		var out bytes.Buffer
		_, err := Convert(t.Context(), bytes.NewReader(file), int64(len(file)), Options{MaxUnpacked: 1 << 20, TempDir: t.TempDir()}, &out)
		checkRecords(t, out.Bytes(), err)
	})
}

func FuzzFormat(f *testing.F) {
	f.Add("00000000", "42")
	f.Add(`"a0"\000-#`, "940011120621364217")
	f.Add("yyyy;@", "-1E+300")
	f.Fuzz(func(t *testing.T, code, value string) {
		b := &book{styles: []format{formatOf(164, code)}}
		text, problem := b.number(value, 0)
		if problem == "" && text == "" {
			t.Errorf("%q in the format %q became nothing", value, code)
		}
	})
}

// tables makes a workbook of sheets, each given as its name and its rows.
func tables(t *testing.T, sheets ...[]string) []byte {
	return build(t, func(f *excelize.File) error {
		for _, s := range sheets {
			if _, err := f.NewSheet(s[0]); err != nil {
				return err
			}
			for i, line := range s[1:] {
				var cells []any
				for cell := range strings.SplitSeq(line, ",") {
					cells = append(cells, cell)
				}
				if err := f.SetSheetRow(s[0], fmt.Sprintf("A%d", i+1), &cells); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// A sheet of notes, or one that names less, is passed over for the table, and that is told.
func TestTheSheetWithTheTableIsRead(t *testing.T) {
	known := func(name string) bool {
		return strings.Contains(" number courier country city order ", " "+name+" ")
	}
	orders := []string{"Versand", "number,courier,city,order", "1,ups,Rome,7"}
	for name, tt := range map[string]struct {
		sheets [][]string
		known  func(string) bool
		want   string
		told   bool
	}{
		"a cell of notes":             {[][]string{{"Notizen", "call Ann"}, orders}, known, "Versand", true},
		"notes, and nothing is known": {[][]string{{"Notizen", "call Ann", "or Bob"}, orders}, nil, "Versand", true},
		"a list of countries":         {[][]string{{"Lists", "country,code", "Italy,IT", "Spain,ES"}, orders}, known, "Versand", true},
		"two tables":                  {[][]string{{"October", "number,courier,city", "1,ups,Rome"}, orders}, known, "October", false},
		"the table first":             {[][]string{orders, {"Notizen", "call Ann"}}, known, "Versand", false},
		"a header alone":              {[][]string{{"Template", "number,courier,city,order"}, orders}, known, "Versand", true},
		"only notes":                  {[][]string{{"Notizen", "call Ann"}, {"More", "call Bob"}}, known, "Notizen", false},
	} {
		_, info, err := convert(t, tables(t, tt.sheets...), Options{Known: tt.known})
		told := err == nil && strings.Contains(info.Warnings[0], "as it holds the table; before it: ") && strings.Contains(info.Warnings[0], "--sheet")
		if err != nil || info.Sheet != tt.want || told != tt.told {
			t.Errorf("%s: %q, %q, %v", name, info.Sheet, info.Warnings, err)
		}
	}
	if _, info, err := convert(t, tables(t, []string{"Notizen", "call Ann"}, orders), Options{Sheet: "Notizen"}); err != nil || info.Sheet != "Notizen" || strings.Contains(info.Warnings[0], "as it holds") {
		t.Errorf("%+v, %v", info, err)
	}
}
