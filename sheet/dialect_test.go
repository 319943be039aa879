package sheet

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// described says in one line what was found out about a sheet.
func described(s *Sheet) string {
	return fmt.Sprintf("%q %q %q %s %d+%d %s", s.Delimiter, s.Quote, s.Escape, s.LineEnd, s.HeaderLine, s.HeaderLines, strings.Join(s.Header, "|"))
}

func knownNames(names ...string) func(string) bool {
	return func(name string) bool { return slices.Contains(names, normal(name)) }
}

func TestDialects(t *testing.T) {
	known := Options{Known: knownNames("trackingnumber", "slug", "ordernumber", "shipdate")}
	for _, tt := range []struct {
		name, text string
		o          Options
		want       string
	}{
		{"commas", "a,b\n1,2\n", Options{}, `',' '"' '"' lf 1+1 a|b`},
		{"semicolons and decimal commas", "a;b;c\r\n1,5;2,5;3,5\r\n1,7;2,1;0,3\r\n", Options{}, `';' '"' '"' crlf 1+1 a|b|c`},
		{"tabs and texts with commas", "a\tb\nx, y\t1\nz, w\t2\n", Options{}, `'\t' '"' '"' lf 1+1 a|b`},
		{"pipes", "a|b\r1|2\r", Options{}, `'|' '"' '"' cr 1+1 a|b`},
		{"comma and space", "a, b, c\n1, \"x, y\", 3\n4, z, 5\n", Options{}, `',' '"' '"' lf 1+1 a|b|c`},
		{"spaces", "num day text\n1 2026-01-02 \"x y\"\n2 2026-01-03 z\n", Options{}, `' ' '"' '"' lf 1+1 num|day|text`},
		{"words are no cells", "Tracking number of\nRR 123 x\nRR 456 y\nRR 7 8 z\n", Options{}, `',' '"' '"' lf 1+1 Tracking number of`},
		{"two words are no cells", "Tracking number\nRR 123\nRR 456\n", Options{}, `',' '"' '"' lf 1+1 Tracking number`},
		{"one column with commas in it", "Title\nBlue shirt, size M\nRed, L\n", Options{}, `',' '"' '"' lf 1+1 Title`},
		{"several numbers in a cell", "tracking_number\n1Z1;1Z2\n1Z3;1Z4\n", Options{}, `',' '"' '"' lf 1+1 tracking_number`},
		{"apostrophes", "'a','b, c'\n'1','x, y'\n'2','it''s, z'\n", Options{}, `',' '\'' '\'' lf 1+1 a|b, c`},
		{"apostrophes of Excel enclose nothing", "a,b\n'0012,'0034\n'0056,'0078\n", Options{}, `',' '"' '"' lf 1+1 a|b`},
		{"backslashes", "a,b\n1,\"5\\\" box, x\"\n2,\"6\\\" box, y\"\n", Options{}, `',' '"' '\\' lf 1+1 a|b`},
		{"backslashes that escape nothing", "a,b\n1,\"C:\\x\"\n2,\"D:\\\"\n", Options{}, `',' '"' '"' lf 1+1 a|b`},
		{"mixed line ends", "a,b\r\n1,2\n3,4\r\n", Options{}, `',' '"' '"' mixed 1+1 a|b`},
		{"line ends in cells don't count", "a,b\n1,\"x\r\ny\"\n3,4\n", Options{}, `',' '"' '"' lf 1+1 a|b`},
		{"options win", "a,b;c\n1,2;3\n", Options{Delimiter: ';', Quote: NoQuote}, `';' '�' '\x00' lf 1+1 a,b|c`},
		{"no quotes", "a,b\n\"1,2\"\n", Options{Quote: NoQuote}, `',' '�' '\x00' lf 1+1 a|b`},
		{"an escape that is asked for", "a,b\n1,\"x\\\"y\"\n", Options{Escape: '\\'}, `',' '"' '\\' lf 1+1 a|b`},
		{"eBay's preamble", "Orders report generated 2 October 2026\nsep=;\nOrder;Qty;City\n1;2;x\n", Options{}, `';' '"' '"' lf 3+1 Order|Qty|City`},
		{"a preamble with a blank line", "Report\n\nName,Qty\nX,2\nY,3\n", Options{}, `',' '"' '"' lf 3+1 Name|Qty`},
		{"a preamble in delimiters", "Report,,,\n,,,\na,b,c,d\n1,2,3,4\n", Options{}, `',' '"' '"' lf 3+1 a|b|c|d`},
		{"a preamble of texts", "Report of 2 October\nFirst,Last,City\nJohn,Doe,Rome\nJane,Roe,Oslo\n", Options{}, `',' '"' '"' lf 2+1 First|Last|City`},
		{"a preamble like a table", "Shop:,ACME,,,,\nFrom:,Berlin,,,,\nname,qty,price,day,zip,city\nx,1,2,2026-01-02,3,y\nz,4,5,2026-01-03,6,w\n", Options{},
			`',' '"' '"' lf 3+1 name|qty|price|day|zip|city`},
		{"names that mean something", "Shipments,of,October\nx,y,z\nTracking number,Slug,More\n1,2,3\n", known, `',' '"' '"' lf 3+1 Tracking number|Slug|More`},
		{"one name among three in the data", "a,b,c\nx,slug,z\n1,2,3\n", known, `',' '"' '"' lf 1+1 a|b|c`},
		{"names decide on the delimiter", "Tracking number;Slug, or so\n1;a,b\n2;c,d\n", known, `';' '"' '"' lf 1+1 Tracking number|Slug, or so`},
		{"two lines of a header", "Order,Order,Parcel\nNumber,Date,Weight\n1,2026-01-02,5\n2,2026-01-03,6\n", Options{}, `',' '"' '"' lf 1+2 Order Number|Order Date|Parcel Weight`},
		{"groups above names", "Order,,Parcel,,\nNumber,Date,Weight,Length,Note\n1,2026-01-02,5,6,x\n2,2026-01-03,6,7,y\n", Options{}, `',' '"' '"' lf 1+2 Order Number|Date|Parcel Weight|Length|Note`},
		{"groups that make names", "Tracking,Order,Ship\nNumber,Number,Date\n1,2,3\n", known, `',' '"' '"' lf 1+2 Tracking Number|Order Number|Ship Date`},
		{"groups above names that mean something by themselves", "Shipment,,Order\nTracking number,Slug,Number\n1,2,3\n", known, `',' '"' '"' lf 1+2 Tracking number|Slug|Order Number`},
		{"a group above several names", "Parcel,,Order,\nTracking number,Slug,City,Number\n1,2,x,3\n", known, `',' '"' '"' lf 1+2 Tracking number|Slug|Order City|Order Number`},
		{"names of somebody else", "Shipment,Order,Sender,\nTracking number,Number,Name,Slug\n1,2,x,y\n", known, `',' '"' '"' lf 1+2 Tracking number|Order Number|Sender Name|Sender Slug`},
		{"names merged down", "Slug,Order,Tracking number\nSlug,Number,Tracking number\n1,2,3\n", known, `',' '"' '"' lf 1+2 Slug|Order Number|Tracking number`},
		{"one line of groups that was asked not to be taken", "Shipment,,Order\nTracking number,Slug,Number\n1,2,3\n", Options{Known: known.Known, HeaderLines: 1}, `',' '"' '"' lf 2+1 Tracking number|Slug|Number`},
		{"labels above names", "お問い合わせ,slug\ntracking-number,slug\n1,2\n", known, `',' '"' '"' lf 2+1 tracking-number|slug`},
		{"no header", "RR123456785DE,2026-01-02,5\nRR123456794DE,2026-01-03,6\n", Options{}, `',' '"' '"' lf 0+0 column_1|column_2|column_3`},
		{"no header, one row", "RR123456785DE,2026-01-02\n", Options{}, `',' '"' '"' lf 0+0 column_1|column_2`},
		{"no header, numbers of several kinds", "1Z999AA10123456784,UPS,Carol Jones,US\nRN418923764GB,Royal Mail,Jack Smith,UK\n00340434161094012345,DHL Paket,Wilma Kurz,DE\n", known, `',' '"' '"' lf 0+0 column_1|column_2|column_3|column_4`},
		{"no header, one row of words and a number", "1Z999AA10123456784,UPS,Carol Jones,US\n", known, `',' '"' '"' lf 0+0 column_1|column_2|column_3|column_4`},
		{"a number among known names", "Slug,ORDERS20261002\nups,1Z999AA10123456784\n", known, `',' '"' '"' lf 1+1 Slug|ORDERS20261002`},
		{"a number above words", "City,ORDERS20261002\nRome,blue\nOslo,red\n", known, `',' '"' '"' lf 1+1 City|ORDERS20261002`},
		{"header only", "Tracking number,Slug\n", Options{}, `',' '"' '"' lf 1+1 Tracking number|Slug`},
		{"a header of words over words", "City,Name\nRome,Doe\nOslo,Roe\n", Options{}, `',' '"' '"' lf 1+1 City|Name`},
		{"names of columns", "1Z1,ups\n1Z2,ups\n", Options{Columns: []string{"tracking_number", "slug"}}, `',' '"' '"' lf 0+0 tracking_number|slug`},
		{"a line that is asked for", "x,y\n\nz,w\na,b\n1,2\n", Options{HeaderLine: 4}, `',' '"' '"' lf 4+1 a|b`},
		{"lines that are asked for", "x,y\na,b\nc,d\n1,2\n", Options{HeaderLine: 2, HeaderLines: 2}, `',' '"' '"' lf 2+2 a c|b d`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := openText(t, tt.text, tt.o)
			if got := described(s); got != tt.want {
				t.Errorf("%s\nwant %s", got, tt.want)
			}
			if s.NoHeader != (s.HeaderLines == 0 && tt.o.Columns == nil) {
				t.Errorf("NoHeader %v with %d header lines", s.NoHeader, s.HeaderLines)
			}
		})
	}
}

func TestHeaderOnAnyOfTheFirstTwentyLines(t *testing.T) {
	table := "tracking_number,slug,city\n1Z1,ups,Rome\n1Z2,ups,Oslo\n1Z3,ups,Bonn\n"
	for n := range headerLines {
		var preamble strings.Builder
		for i := range n {
			fmt.Fprintf(&preamble, "Line %d of the report\n", i+1)
		}
		s := openText(t, preamble.String()+table, Options{Known: knownNames("trackingnumber", "slug")})
		if s.HeaderLine != n+1 || len(s.Preamble) != n || len(s.Header) != 3 {
			t.Errorf("%d lines above: header line %d, %q, preamble %q", n, s.HeaderLine, s.Header, s.Preamble)
		}
		if got := render(s); !strings.HasPrefix(got, itoa(n+2)+":1Z1|ups|Rome\n") {
			t.Errorf("%q", got)
		}
	}
}

func TestPreambleIsShown(t *testing.T) {
	s := openText(t, "Orders\n\n"+strings.Repeat("x", 500)+"\nsep=,\nShop: A\nName,Qty,City\nX,2,R\nY,3,O\n", Options{})
	want := []string{"Orders", strings.Repeat("x", 80) + "…", "Shop: A"}
	if !slices.Equal(s.Preamble, want) || s.HeaderLine != 6 {
		t.Errorf("line %d, %q", s.HeaderLine, s.Preamble)
	}
}

func TestOptionsThatCannotBeMeant(t *testing.T) {
	for want, o := range map[string]Options{
		"can't enclose cells":  {Quote: 'x'},
		"can't escape quotes":  {Escape: 'x'},
		"counted from 1":       {HeaderLine: -1},
		"give either":          {HeaderLine: 1, Columns: []string{"a"}},
		"the sheet ends":       {HeaderLine: 9},
		"that is blank":        {HeaderLine: 2},
		"can't be a delimiter": {Delimiter: 'x'},
	} {
		if _, err := Open(t.Context(), writeText(t, "a,b\n\n1,2\n"), nil, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", o, err, want)
		}
	}
}

func TestRowsThatAreNoData(t *testing.T) {
	header := "Order,Item,Qty,Price,City\n"
	for text, want := range map[string]string{
		"Order,Item,Qty,Price,City":    skipHeader,
		"Order , Item,Qty,Price":       "",
		" Order,Item,Qty,Price,City,,": skipHeader,
		"2,record(s) downloaded,,,":    skipFooter,
		"2 record(s) downloaded":       skipFooter,
		"Seller ID : shop_1,,,,":       skipFooter,
		"Seller ID,x,,,":               "",
		"Total,,,12.50,":               skipTotal,
		"Total":                        "",
		"Total,x,1,12.50,":             "",
		"Summe,,7,,":                   skipTotal,
		"A-1,Total,,,":                 "",
		"A-1,,,,":                      "",
		",,,2 shipments,":              skipFooter,
		"Printed by admin,,,,":         skipFooter,
		"Page 1 of 1":                  skipFooter,
		"Seite 2 von 3,,,,":            skipFooter,
		"Summe,5 Sendungen,,,":         skipTotal,
		"Anzahl Datensätze: 2,,,,":     skipFooter,
		"Anzahl Datensätze,2,,,":       skipFooter,
		"Erstellt am,21.11.2026,,,":    skipFooter,
		"Total shipments: 12":          skipFooter,
		"---,---,---,---,---":          skipRule,
		"----------":                   skipRule,
		"-,-,,,":                       "",
		"Page,,,,":                     "",
		"2 boxes,,,,":                  "",
		"12345678,2 shipments,,,":      "", // may be one
		"RR123456785DE,Page 1,,,":      "",
		"Parcel: 12345,,,,":            "",
		"2,Printed by admin,x,,":       "",
		"Printed by admin,Page 1,2,,":  "",
		"Erstellt am,bald,,,":          "",
		"Total,,,,":                    "",
		"20000000,,,,":                 "",
	} {
		s := openText(t, header+"A-1,x,1,2,Rome\n"+text+"\n", Options{})
		got := "none"
		for row, err := range s.Rows() {
			if err != nil {
				t.Errorf("%s: %v", text, err)
			}
			got = row.Skip
		}
		if got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

func TestDialectsAreReadToTheEnd(t *testing.T) {
	for text, want := range map[string]string{
		"'a','b, c'\n'1','it''s, \"z\"'\n'2','x\ny, '\n":             "2:1|it's, \"z\"\n3:2|x\ny, \n",
		"a,b\n1,\"5\\\" box, \\\\ x\"\n2,\"6\\\", y\"\n3,\"\"\"\"\n": "2:1|5\" box, \\ x\n3:2|6\", y\n4:3|\"\n",
		"a, b, c\n1, \"x, y\", 3\n4,  z, \n":                         "2:1|x, y|3\n3:4| z|\n",
		"num day text\n1 2026-01-02 \"x y\"\n2 2026-01-03 z\n":       "2:1|2026-01-02|x y\n3:2|2026-01-03|z\n",
	} {
		if got := render(openText(t, text, Options{})); got != want {
			t.Errorf("%q\ngives %q\nwant  %q", text, got, want)
		}
	}
	s := openText(t, "1Z1,ups\n1Z2,\"x\n", Options{Columns: []string{"n", "s"}})
	if got := render(s); !strings.HasPrefix(got, "1:1Z1|ups\n2:||1Z2,\"x !") {
		t.Errorf("%q", got)
	}
}

// written is the sheet as WriteCSV writes it.
func written(t testing.TB, text string, o Options) string {
	t.Helper()
	var out bytes.Buffer
	if err := openText(t, text, o).WriteCSV(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestWriteCSVMendsWhatItCan(t *testing.T) {
	typed := "id,day,text,note\n1,2026-01-02,\"a, b\",x\n2,2026-01-03,c,\n"
	head := "\"id\",\"day\",\"text\",\"note\"\n\"1\",\"2026-01-02\",\"a, b\",\"x\"\n\"2\",\"2026-01-03\",\"c\",\"\"\n"
	for line, want := range map[string]string{
		"3,2026-01-04,d":                        `"3","2026-01-04","d"`,
		"3,2026-01-04,d,e,f":                    `"3","2026-01-04","d","e","f"`,
		"3,2026-01-04,\"5\" box, big\",x":       `"3","2026-01-04","5"" box, big","x"`,
		"3,2026-01-04,\"5\"\",\"x\"":            `"3","2026-01-04","5""","x"`,
		"3,2026-01-04,\"\"d, e\",x":             `"3","2026-01-04","""d, e","x"`,
		"3,\"2026-01-04,\"d, e\",x":             `"3","""2026-01-04","d, e","x"`,
		"3,2026-01-04,d,\"":                     `"3","2026-01-04","d",""""`,
		"3,2026-01-04,\"d\" e,x":                `"3","2026-01-04","d e","x"`,
		"3;2026-01-04;\"d; e\";x, y":            `"3","2026-01-04","d; e","x, y"`,
		"3\t2026-01-04\td\tx":                   `"3","2026-01-04","d","x"`,
		"3 2026-01-04 \"d, e\" x":               `"3","2026-01-04","d, e","x"`,
		"3,2026-01-04,'d, e','x'":               `"3","2026-01-04","d, e","x"`,
		"3;not a day;d;x":                       `"3;not a day;d;x"`,
		"id,day,text,note":                      `"id","day","text","note"`,
		"3,2026-01-04,d,\xff":                   "\"3\",\"2026-01-04\",\"d\",\"\uFFFD\"",
		"3,2026-01-04,d,\x00":                   "\"3\",\"2026-01-04\",\"d\",\"\uFFFD\"",
		"Total,,5,":                             `"Total","","5",""`,
		"3,2026-01-04,\"d\ne\",x":               "\"3\",\"2026-01-04\",\"d\ne\",\"x\"",
		"3,\"2026-01-04\"\",\"say \"\"d\"\"\",": "\"3\",\"2026-01-04\"\"\",\"say \"\"d\"\"\",\"\"",
	} {
		if got := written(t, typed+line+"\n4,2026-01-05,f,g\n", Options{AnyWidth: true}); got != head+want+"\n\"4\",\"2026-01-05\",\"f\",\"g\"\n" {
			t.Errorf("%q\ngives %s\nwant  %s", line, strings.TrimPrefix(got, head), want)
		}
	}
}

func TestWriteCSVMendsTheHeader(t *testing.T) {
	rows := "1,2026-01-02,5,x\n2,2026-01-03,6,y\n"
	for line, want := range map[string]string{
		"id;day;sum;note":     `"id","day","sum","note"`,
		"id,day,sum":          `"id","day","sum"`,
		"id,\"day,sum,note":   `"id","""day","sum","note"`,
		"'id','day','s',note": `"id","day","s","note"`,
		"id,day,s\xfc,note":   "\"id\",\"day\",\"s\uFFFD\",\"note\"",
	} {
		got, _, _ := strings.Cut(written(t, line+"\n"+rows, Options{AnyWidth: true, Encoding: "utf-8"}), "\n")
		if got != want {
			t.Errorf("%q gives %s, want %s", line, got, want)
		}
	}
}

func TestWriteCSVWithoutHeader(t *testing.T) {
	if got := written(t, "1,2026-01-02\n2,2026-01-03\n", Options{AnyWidth: true}); got != "\"1\",\"2026-01-02\"\n\"2\",\"2026-01-03\"\n" {
		t.Errorf("%q", got)
	}
}

func TestWriteCSVPassesErrors(t *testing.T) {
	s := openText(t, "a,b\n1,\"x\n", Options{})
	if _, ok := errors.AsType[*LineError](s.WriteCSV(t.Context(), io.Discard)); !ok {
		t.Error("a broken line ends no strict writing")
	}
	long := openText(t, "a,b\n"+strings.Repeat("x", 300)+"\n", Options{AnyWidth: true, MaxLine: 100, MaxCell: 50})
	if err := long.WriteCSV(t.Context(), io.Discard); err == nil || !strings.Contains(err.Error(), "the line is longer than the limit") {
		t.Errorf("%v", err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	many := openText(t, "a,b\n"+strings.Repeat("1,2\n", 2000), Options{})
	if err := many.WriteCSV(gone, io.Discard); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if err := many.WriteCSV(t.Context(), fullDisk{}); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("%v", err)
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func TestAnyWidthGivesWideRows(t *testing.T) {
	s := openText(t, "a,b\n1\n1,2,3,\n", Options{AnyWidth: true})
	if got := render(s); got != "2:1|\n3:1|2|3|\n" {
		t.Errorf("%q", got)
	}
}

// openRecords opens what the reading of a workbook wrote.
func openRecords(t *testing.T, text string, o Options) *Sheet {
	t.Helper()
	path := writeText(t, text)
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	s := &Sheet{Name: filepath.Base(path), given: &store{File: f}, file: f, text: int64(len(text)), records: true, options: o, limits: o.limits()}
	t.Cleanup(func() { f.Close() })
	if err := errors.Join(s.measure(), s.readHeader()); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestRowsOfAWorkbook(t *testing.T) {
	text := "\"Report\n2026\"\n\n\x00merged\x00n,x;y,z\n\x00digits\x009400110000000000,\"a\nb\",\x00formula\x00\n\n\x00hidden\x00\x00error\x00#N/A,c,d\n1,\x00other\x00x,\x00\n"
	want := "4:9400110000000000|a\nb| ?1 " + flaws["digits"].Problem + " ?3 " + flaws["formula"].Problem + "\n" +
		"6:#N/A|c|d ?1 " + flaws["error"].Problem + " (the row is hidden)\n" +
		"7:1|x|\uFFFD ?2 " + flawUnknown.Problem + " ?3 " + flawNUL.Problem + "\n"
	s := openRecords(t, text, Options{})
	if got := render(s); s.HeaderLine != 3 || strings.Join(s.Header, "|") != "n|x;y|z" || got != want {
		t.Errorf("line %d, %q\n%s\nwant\n%s", s.HeaderLine, s.Header, got, want)
	}
	all := openRecords(t, text, Options{Hidden: true, HeaderLine: 3})
	if got := render(all); strings.Contains(got, "hidden") || all.HeaderLine != 3 {
		t.Errorf("%s", got)
	}
}

func TestHostileTexts(t *testing.T) {
	for name, tt := range map[string]struct {
		text string
		want string
	}{
		"a million columns":          {strings.Repeat("a,", 1_000_000) + "\n1,2\n", "more than 16384 columns"},
		"a million columns in a row": {"a,b\n" + strings.Repeat("1,", 1_000_000) + "\n1,2\n", "line 2"},
		"a line of quotes":           {"a,b\n1,2\n" + strings.Repeat("\"", 3<<20) + "\n", "line 3"},
		"lines of quotes":            {strings.Repeat("a,", 3000) + "a\n" + strings.Repeat("x\",\"y\n", 100_000), "too many misplaced quotes"},
		"lines of quotes and commas": {strings.Repeat("a,", 200) + "\n" + strings.Repeat(strings.Repeat("\",\"\"", 120)+"\n", 3000), ""},
		"only quotes":                {strings.Repeat("\"", 3<<20), "the header"},
		"only commas":                {strings.Repeat(",", 3<<20), "the header"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, any := range []bool{false, true} {
				start := time.Now()
				err := readAll(t, tt.text, Options{AnyWidth: any})
				if tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
					t.Errorf("any width %v: %v, want %q", any, err, tt.want)
				}
				if took := time.Since(start); took > 30*time.Second {
					t.Errorf("any width %v: %s", any, took)
				}
			}
		})
	}
}

// readAll returns the last error of reading all rows.
func readAll(t *testing.T, text string, o Options) (last error) {
	s, err := Open(t.Context(), writeText(t, text), nil, o)
	if err != nil {
		return err
	}
	for _, err := range s.Rows() {
		last = cmp.Or(err, last)
	}
	return errors.Join(last, s.Close())
}

// same is a stream of one text over and over.
type same []byte

func (s same) Read(p []byte) (int, error) { return copy(p, s), nil }

// TestALineOfTwoGigabytes reads one that is never stored anywhere, as a header and as a row.
func TestALineOfTwoGigabytes(t *testing.T) {
	l := Options{}.limits()
	for _, stop := range []bool{true, false} {
		src := io.MultiReader(strings.NewReader("a,b\n"), io.LimitReader(same(bytes.Repeat([]byte("x"), 1<<20)), 2<<30))
		sc := newScanner(src, splitter{dialect: usual(','), limits: l}, 1, 0)
		sc.stopAtLong = stop
		var seen []string
		for {
			f, err := sc.next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			seen = append(seen, fmt.Sprintf("%d:%s", f.line, f.problem))
		}
		if got := strings.Join(seen, " "); got != "1: 2:"+string(problemLongLine) || len(sc.buf) > 3*l.record {
			t.Errorf("%s, in %d bytes", got, len(sc.buf))
		}
	}
}
