package export

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"aftership-bulk/aftership"
	"aftership-bulk/aftership/sandbox"
	"aftership-bulk/jobs"
	"aftership-bulk/sheet"
)

func listOf(records ...Record) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		for _, r := range records {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// Custom fields get a column each, sorted, in the place of their common one.
func TestCustomFieldsHaveColumns(t *testing.T) {
	records := listOf(Record{Cells: []string{"1", "", "a"}, Custom: map[string]string{"size": "L", "=evil": "=1+1"}}, Record{Cells: []string{"2", "", "b"}, Custom: map[string]string{"colour": "red"}})
	var out bytes.Buffer
	if err := Write(&out, []string{"id", "custom_fields", "tag"}, records, Form{Plain: true}); err != nil {
		t.Fatal(err)
	}
	got, err := csv.NewReader(&out).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{{"id", "custom_fields.=evil", "custom_fields.colour", "custom_fields.size", "tag"}, {"1", "'=1+1", "", "L", "a"}, {"2", "", "red", "", "b"}}
	if !slices.EqualFunc(got, want, slices.Equal) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// What a sheet is written from is what reading it gives back, as CSV and as a workbook.
func TestWrittenSheetsAreRead(t *testing.T) {
	cells := []string{"00123", "940011120621364217", "=1+1", "'quoted", "two\nlines", "Ärger, \"so\"; 日本", "true", "2026-11-22T10:00:00+00:00", "-", "'t Hooft"}
	header := make([]string, len(cells))
	for i := range header {
		header[i] = "column_" + string(rune('a'+i))
	}
	for _, name := range []string{"out.csv", "out.xlsx"} {
		path := filepath.Join(t.TempDir(), name)
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := Write(f, header, listOf(Record{Cells: cells}, Record{Cells: cells}), Form{Workbook: name == "out.xlsx", Name: "Trackings"}); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		sh, err := sheet.Open(t.Context(), path, nil, sheet.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer sh.Close()
		n := 0
		for row, err := range sh.Rows() {
			if err != nil {
				t.Fatal(err)
			}
			n++
			for i, cell := range row.Cells {
				if got := sheet.Unguard(cell); got != cells[i] {
					t.Errorf("%s: got %q, want %q", name, got, cells[i])
				}
			}
		}
		if n != 2 {
			t.Errorf("%s: %d rows", name, n)
		}
	}
}

// Every column of a version can be asked for, no two are the same, and none means anything else to the commands that read
// the sheet again.
func TestColumns(t *testing.T) {
	for _, v := range aftership.Versions() {
		columns := Columns(v)
		if err := CheckColumns(v, columns); err != nil {
			t.Errorf("%s: %v", v, err)
		}
		header := slices.Concat(columns, AnswerColumns())
		mapping, _, err := sheet.Map(header, jobs.Columns())
		if err != nil {
			t.Fatal(v, err)
		}
		for i, field := range mapping.Fields {
			if field != "" && field != header[i] {
				t.Errorf("%s: the column %s is taken for %s", v, header[i], field)
			}
		}
		if sheet.IsReport(header) {
			t.Errorf("%s: an export looks like a report, whose rows are left alone", v)
		}
		for _, bad := range [][]string{{"nosuch"}, {"id", "id"}, {"raw."}, {"custom_fields."}, {""}} {
			if CheckColumns(v, bad) == nil {
				t.Errorf("%s takes %q", v, bad)
			}
		}
	}
	if err := CheckColumns(aftership.V202404, []string{"custom_fields.shop", "raw.on_time_status"}); err != nil {
		t.Error(err)
	}
}

// What was seeded stands in its column, in every version.
func TestRecordOf(t *testing.T) {
	eachEra(t, func(t *testing.T, v aftership.Version) {
		w := newWorld(t, v, sandbox.Options{})
		w.seed(sandbox.Seed{Slug: "ups", Number: number(1), Tag: "Delivered", Subtag: "Delivered_001", Inactive: true, Fields: map[string]any{
			"title": "Blue\x07 shoes", "order_id": "4821", "customers": []map[string]string{{"name": "Ann", "email": "ann@shop.example"}},
			"custom_fields": map[string]string{"shop": "7"}, "destination_country_region": "DEU", "note": "=1+1",
		}})
		page, err := w.client.ListPage(t.Context(), aftership.Filter{}, aftership.Place{})
		w.no(err)
		columns := Columns(v)
		r := RecordOf(&page.Trackings[0], columns)
		for name, want := range map[string]string{"tracking_number": number(1), "slug": "ups", "tag": "Delivered", "subtag": "Delivered_001", "active": "false",
			"title": "Blue  shoes", "order_id": "4821", "emails": "ann@shop.example", "customer_name": "Ann", "destination_country": "DEU", "note": "=1+1",
			"last_checkpoint_tag": "Delivered", "shipment_package_count": "0", "custom_fields": ""} {
			if got := r.Cells[slices.Index(columns, name)]; got != want {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
		if r.Custom["shop"] != "7" {
			t.Error(r.Custom)
		}
		if some := RecordOf(&page.Trackings[0], []string{"custom_fields.shop", "raw.order_id", "raw.no.such"}); !slices.Equal(some.Cells, []string{"7", "4821", ""}) || some.Custom != nil {
			t.Errorf("%+v", some)
		}
	})
}

func TestWithin(t *testing.T) {
	raw := membersOf(json.RawMessage(`{"a":{"b":"text","n":1.50},"w":2,"empty":{},"null":null,"list":[1,"x"]}`))
	for path, want := range map[string]string{"a.b": "text", "a.n": "1.50", "w": "2", "empty": "", "null": "", "list": `[1,"x"]`, "a.b.c": "", "no": "", "a": `{"b":"text","n":1.50}`} {
		if got := raw.text(path); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	if got := raw.text("w.value", "w"); got != "2" {
		t.Error(got)
	}
	if got := raw.text("no.value", "a"); got != "" {
		t.Errorf("an object in the place of its parts: %q", got)
	}
	if got := membersOf(json.RawMessage("not json")).text("a"); got != "" {
		t.Error(got)
	}
}

// The newest event is the one that came last, wherever it stands.
func TestNewest(t *testing.T) {
	at := func(day string) aftership.Checkpoint {
		var c aftership.Checkpoint
		_ = c.CreatedAt.UnmarshalText([]byte(day + "T00:00:00Z"))
		c.Message = day
		return c
	}
	a, b := at("2026-11-01"), at("2026-11-02")
	twin := b
	twin.Message = "twin"
	for _, test := range []struct {
		all  []aftership.Checkpoint
		want string
	}{{nil, ""}, {[]aftership.Checkpoint{a, b}, "2026-11-02"}, {[]aftership.Checkpoint{b, a}, "2026-11-02"}, {[]aftership.Checkpoint{b, twin}, "twin"}} {
		got := ""
		if c := newest(test.all); c != nil {
			got = c.Message
		}
		if got != test.want {
			t.Errorf("%q, want %q", got, test.want)
		}
	}
}

// A workbook cannot hold every cell; that is an error, and nothing is cut.
func TestWorkbookRefuses(t *testing.T) {
	err := Write(&bytes.Buffer{}, []string{"note"}, listOf(Record{Cells: []string{strings.Repeat("x", 40_000)}}), Form{Workbook: true})
	if err == nil || !strings.Contains(err.Error(), ".csv") {
		t.Error(err)
	}
}
