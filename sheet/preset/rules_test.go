package preset

import (
	"fmt"
	"strings"
	"testing"
)

// told applies a reader to rows and shows each as its cells with the fills in place, and why it is skipped.
func told(r *Reader, rows ...string) string {
	var out []string
	for _, row := range rows {
		cells := strings.Split(row, ",")
		before := strings.Join(cells, ",")
		filled, skip := r.Row(cells)
		if strings.Join(cells, ",") != before {
			return "the cells were changed"
		}
		for _, f := range filled {
			cells[f.Column] = "<" + f.Value + ">"
		}
		if skip != "" {
			skip = " !" + skip
		}
		out = append(out, strings.Join(cells, ",")+skip)
	}
	return strings.Join(out, "\n")
}

func TestCarry(t *testing.T) {
	header := []string{"Name", "Country", "Zip", "Number"}
	for _, tt := range []struct {
		about string
		carry *Carry
		rows  []string
		want  []string
	}{
		{"by key", &Carry{"Name", []string{"Country", "Zip", "Gone"}},
			[]string{"#1,DE,10115,A", "#1,,,B", "#1,,20095,C", "#1,,,D", "#2,,,E", "#2,FR,,F", "#1,,,G"},
			[]string{"#1,DE,10115,A", "#1,<DE>,<10115>,B", "#1,<DE>,20095,C", "#1,<DE>,<20095>,D", "#2,,,E", "#2,FR,,F", "#1,,,G"}},
		{"an empty key ends the group", &Carry{"Name", []string{"Country"}},
			[]string{"#1,DE,,A", ",,,B", "#1,,,C"},
			[]string{"#1,DE,,A", ",,,B", "#1,,,C"}},
		{"an empty key inherits if it is carried", &Carry{"name", []string{"Country", "NAME"}},
			[]string{",,,0", "#1,DE,,A", ",,,B", " \u00a0,FR,,C", ",,,D", "#2,,,E", ",,,F"},
			[]string{",,,0", "#1,DE,,A", "<#1>,<DE>,,B", "<#1>,FR,,C", "<#1>,<FR>,,D", "#2,,,E", "<#2>,,,F"}},
		{"no such key", &Carry{"Order", []string{"Country"}}, []string{"#1,DE,,A", "#1,,,B"}, []string{"#1,DE,,A", "#1,,,B"}},
		{"no rule", nil, []string{"#1,DE,,A", "#1,,,B"}, []string{"#1,DE,,A", "#1,,,B"}},
		{"short rows", &Carry{"Name", []string{"Country"}}, []string{"#1,DE", "#1", "#1,"}, []string{"#1,DE", "#1", "#1,<DE>"}},
	} {
		if tt.about == "short rows" { // a fill beyond the row's end is the caller's to place
			r := Rules{Carry: tt.carry}.Reader(header)
			_, _ = r.Row([]string{"#1", "DE"})
			if filled, _ := r.Row([]string{"#1"}); fmt.Sprint(filled) != "[{1 DE}]" {
				t.Errorf("%s: %v", tt.about, filled)
			}
			continue
		}
		if got := told(Rules{Carry: tt.carry}.Reader(header), tt.rows...); got != strings.Join(tt.want, "\n") {
			t.Errorf("%s:\n%s\nwant\n%s", tt.about, got, strings.Join(tt.want, "\n"))
		}
	}
}

func TestFirstOf(t *testing.T) {
	rules := Rules{FirstOf: map[string]FirstOf{"slug": {Columns: []string{"Code", "Name", "Agent"}, Not: []string{"Other", "その他"}}}}
	for _, tt := range []struct{ header, row, want string }{
		{"Code,Name,Agent", "ups,UPS Ltd,x", "ups,UPS Ltd,x"},
		{"Code,Name,Agent", "OTHER,UPS Ltd,x", "<UPS Ltd>,UPS Ltd,x"},
		{"Code,Name,Agent", " その他 ,,x", "<x>,,x"},
		{"Code,Name,Agent", ",other,x", "<x>,other,x"},
		{"Code,Name,Agent", ",,", ",,"},
		{"Code,Name,Agent", "Other,,", "<>,,"},
		{"Agent,name", "x,", "x,<x>"},
		{"Agent", "Other", "<>"},
		{"Other", "x", "x"},
	} {
		if got := told(rules.Reader(strings.Split(tt.header, ",")), tt.row); got != tt.want {
			t.Errorf("%s %s: %s, want %s", tt.header, tt.row, got, tt.want)
		}
	}
}

func TestSkip(t *testing.T) {
	rules := Rules{
		Carry: &Carry{"Order", []string{"Number"}},
		Skip: []SkipRule{
			{Column: "Voided", Values: []string{"Y", "Yes"}, Why: "voided"},
			{Column: "Type", Except: []string{"Parcel"}, Why: "no parcel"},
			{Column: "Order", Contains: []string{"downloaded", "Seller ID"}, Why: "a footer"},
			{Column: "Number", Blank: true, Why: "not shipped"},
			{Column: "Gone", Blank: true, Why: "never"},
		},
	}
	want := `1,N,Parcel,A
2,y,Parcel,A !voided
3,,Item,A !no parcel
4, ,,A
5,,parcel,  !not shipped
6,Yes,Item, !voided
12 record(s) downloaded,,, !a footer
7,,,A
7,,,<A>`
	rows := []string{"1,N,Parcel,A", "2,y,Parcel,A", "3,,Item,A", "4, ,,A", "5,,parcel, ", "6,Yes,Item,", "12 record(s) downloaded,,,", "7,,,A", "7,,,"}
	if got := told(rules.Reader([]string{"Order", "Voided", "Type", "Number"}), rows...); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

func TestValue(t *testing.T) {
	r := Rules{Values: map[string]map[string]string{"reason": {"Zugestellt": "DELIVERED", "returned to sender": "RETURNED_TO_SENDER"}}}.Reader([]string{"x"})
	for cell, want := range map[string]string{"zugestellt ": "DELIVERED", "RETURNED_TO_SENDER": "RETURNED_TO_SENDER", "Verloren": "Verloren", "": ""} {
		if got := r.Value("reason", cell); got != want {
			t.Errorf("%q: %q", cell, got)
		}
	}
	if got := r.Value("note", "Zugestellt"); got != "Zugestellt" {
		t.Errorf("%q", got)
	}
}

func TestGeneric(t *testing.T) {
	header := []string{"tracking_number", "VOIDED"}
	if got := told(Generic(header).Reader(header), "A,N", "B,Y", "C,"); got != "A,N\nB,Y !the label was voided\nC," {
		t.Error(got)
	}
	if rules := Generic([]string{"tracking_number", "slug"}); rules.Skip != nil {
		t.Errorf("%+v", rules)
	}
}

// A reader costs nothing for rows in which there is nothing to do.
func TestReaderAllocatesNothing(t *testing.T) {
	rules := Rules{
		Carry:   &Carry{"Order", []string{"Country"}},
		FirstOf: map[string]FirstOf{"slug": {Columns: []string{"Code", "Name"}, Not: []string{"Other"}}},
		Skip:    []SkipRule{{Column: "Voided", Values: []string{"Y"}, Why: "voided"}, {Column: "Code", Except: []string{"ups"}, Why: "x"}},
		Values:  map[string]map[string]string{"reason": {"Zugestellt": "DELIVERED"}},
	}
	r := rules.Reader([]string{"Order", "Country", "Code", "Name", "Voided"})
	cells := []string{"#1", " Germany", "UPS", "United Parcel Service", "N"}
	other := []string{"#2", "France", "ups", "", "No"}
	if n := testing.AllocsPerRun(200, func() {
		for _, row := range [][]string{cells, other} {
			if filled, skip := r.Row(row); len(filled) > 0 || skip != "" {
				t.Fatal(filled, skip)
			}
			if r.Value("slug", "ups") != "ups" {
				t.Fatal()
			}
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkRow(b *testing.B) {
	p, err := Named("matrixify-orders")
	if err != nil {
		b.Fatal(err)
	}
	header := []string{"ID", "Name", "Line: Type", "Shipping: Country", "Shipping: Zip", "Fulfillment: Tracking Number", "Fulfillment: Tracking Company", "Fulfillment: Created At"}
	r := p.Rules.Reader(header)
	rows := [][]string{
		{"1", "#1", "Line Item", "Germany", "10115", "", "", ""},
		{"", "#1", "Fulfillment Line", "", "", "A1", "DHL", "2026-07-20 12:30:00 +0000"},
	}
	b.ReportAllocs()
	for b.Loop() {
		for _, row := range rows {
			r.Row(row)
		}
	}
}
