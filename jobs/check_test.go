package jobs

import (
	"strings"
	"testing"

	"aftership-bulk/aftership"
	"aftership-bulk/batch"
	"aftership-bulk/sheet"
)

// rowOf reads one row as a sheet with this header would give it.
func rowOf(t *testing.T, op batch.Operation, cells map[string]string) Row {
	t.Helper()
	var header, values []string
	for name, cell := range cells {
		header, values = append(header, name), append(values, cell)
	}
	m, _, err := sheet.Map(header, Columns())
	if err != nil {
		t.Fatal(err)
	}
	row, err := newReader(op, aftership.V202404, m, options{}).read(values, nil)
	if err != nil {
		t.Fatal(err)
	}
	return row
}

func TestCheckFindsEveryProblem(t *testing.T) {
	row := rowOf(t, batch.Create, map[string]string{
		"tracking_number": "1Z 999", "slug": "UPS!", "emails": "a@b.example; nonsense", "origin_country": "Atlantis",
		"language": "klingonese", "delivery_type": "drone", "order_date": "yesterday", "smses": "0151",
	})
	problems := Check(batch.Create, aftership.V202404, &row)
	want := []string{"tracking_number", "slug", "emails", "origin_country", "language", "delivery_type", "order_date", "smses"}
	for _, column := range want {
		if !hasProblem(problems, column) {
			t.Errorf("no problem with %s in %v", column, problems)
		}
	}
	if len(problems) != len(want) {
		t.Errorf("%d problems, want %d: %v", len(problems), len(want), problems)
	}
	for _, p := range problems {
		if p.Remedy == "" || p.Value == "" || !strings.Contains(p.String(), p.Column) {
			t.Errorf("%+v does not say what is wrong and what to do", p)
		}
	}
}

func hasProblem(ps []Problem, column string) bool {
	for _, p := range ps {
		if p.Column == column {
			return true
		}
	}
	return false
}

func TestCheckTakesGoodRows(t *testing.T) {
	tests := []struct {
		name  string
		op    batch.Operation
		cells map[string]string
	}{
		{"number only", batch.Create, map[string]string{"tracking_number": "9400110200881234567890"}},
		{"every kind", batch.Create, map[string]string{
			"tracking_number": "1Z999AA10123456784", "slug": "ups", "emails": "a@shop.example, b@shop.example", "smses": "+49 151 1234567",
			"order_date": "2024-05-31T14:00:00+02:00", "tracking_ship_date": "20240531", "destination_country": "deu", "language": "de",
			"delivery_type": "door_to_door", "custom_fields.color": "red", "shipment_tags": "a;b", "order_id_path": "https://shop.example/1",
		}},
		{"update by id", batch.Update, map[string]string{"id": "abc", "title": "New"}},
		{"update of the courier", batch.Update, map[string]string{"id": "abc", "slug": "ups"}},
		{"clear", batch.Update, map[string]string{"id": "abc", "note": "(clear)"}},
		{"completion", batch.Complete, map[string]string{"tracking_number": "1Z999AA10123456784", "slug": "ups", "reason": "delivered"}},
		{"retrack", batch.Retrack, map[string]string{"id": "abc"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			row := rowOf(t, tt.op, tt.cells)
			if problems := Check(tt.op, aftership.V202404, &row); len(problems) > 0 {
				t.Errorf("problems: %v", problems)
			}
		})
	}
}

func TestCheckRefuses(t *testing.T) {
	tests := []struct {
		name   string
		op     batch.Operation
		cells  map[string]string
		column string
		say    string
	}{
		{"no number", batch.Create, map[string]string{"slug": "ups"}, "tracking_number", "missing"},
		{"scientific notation", batch.Create, map[string]string{"tracking_number": "9.40551E+21"}, "tracking_number", "damaged by a spreadsheet"},
		{"scientific notation, no sign", batch.Create, map[string]string{"tracking_number": "9.4E21"}, "tracking_number", "damaged by a spreadsheet"},
		{"update of a time without its offset", batch.Update, map[string]string{"id": "x", "order_date": "2026-11-05"}, "order_date", "offset from UTC"},
		{"too short", batch.Create, map[string]string{"tracking_number": "123"}, "tracking_number", "fewer than 4"},
		{"too long", batch.Create, map[string]string{"tracking_number": strings.Repeat("AB12", 26)}, "tracking_number", "more than 100"},
		{"four addresses", batch.Create, map[string]string{"tracking_number": "12345", "emails": "a@b.example;c@d.example;e@f.example;g@h.example"}, "emails", "holds 4"},
		{"slug and group", batch.Create, map[string]string{"tracking_number": "12345", "slug": "ups", "slug_group": "ups-group"}, "slug_group", "takes one of them"},
		{"location and origin", batch.Create, map[string]string{"tracking_number": "12345", "location_id": "L1", "origin_city": "Bonn"}, "location_id", "takes one of them"},
		{"half a last mile", batch.Create, map[string]string{"tracking_number": "12345", "last_mile_slug": "usps"}, "last_mile_slug", "both"},
		{"clear on create", batch.Create, map[string]string{"tracking_number": "12345", "note": "(clear)"}, "note", "cannot be emptied"},
		{"clear what cannot be cleared", batch.Update, map[string]string{"id": "x", "title": "(clear)"}, "title", "cannot be emptied"},
		{"update of nothing", batch.Update, map[string]string{"tracking_number": "12345", "slug": "ups"}, "this row", "changes nothing"},
		{"no name", batch.Update, map[string]string{"title": "New"}, "tracking_number", "both missing"},
		{"no reason", batch.Complete, map[string]string{"id": "x"}, "reason", "missing"},
		{"bad reason", batch.Complete, map[string]string{"id": "x", "reason": "EATEN"}, "reason", "not one of"},
		{"long custom field", batch.Create, map[string]string{"tracking_number": "12345", "custom_fields.x": strings.Repeat("y", 513)}, "custom_fields.x", "more than 512"},
		{"long name", batch.Create, map[string]string{"tracking_number": "12345", "custom_fields." + strings.Repeat("n", 31): "y"}, "custom_fields." + strings.Repeat("n", 31), "more than 30"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			row := rowOf(t, tt.op, tt.cells)
			problems := Check(tt.op, aftership.V202404, &row)
			if len(problems) != 1 || problems[0].Column != tt.column || !strings.Contains(problems[0].String(), tt.say) {
				t.Errorf("got %v, want one about %s that says %q", problems, tt.column, tt.say)
			}
		})
	}
}

// Every kind of field that has a form has a complaint and a remedy.
func TestEveryCheckedKindHasWords(t *testing.T) {
	for kind := range kindChecks {
		if kindComplaints[kind] == "" {
			t.Errorf("kind %s has no complaint", kind)
		}
	}
	for _, f := range allFields() {
		if remedy(f) == "" {
			t.Errorf("field %s has no remedy", f.Name)
		}
	}
}

// A template can be sent as it is, in every version.
func TestTemplatesPassTheCheck(t *testing.T) {
	for _, v := range aftership.Versions() {
		for _, op := range batch.AllOperations() {
			header, example := Template(op, v)
			m, _, err := sheet.Map(header, Columns())
			if err != nil {
				t.Fatal(err)
			}
			row, err := newReader(op, v, m, options{}).read(example, nil)
			if err != nil {
				t.Fatal(err)
			}
			if problems := Check(op, v, &row); len(problems) > 0 {
				t.Errorf("%s %s: %v", v, op, problems)
			}
		}
	}
}

func FuzzCheck(f *testing.F) {
	f.Add("1Z999AA10123456784", "ups", "a@b.example", "2024-05-31", "(clear)")
	f.Add("9.4E+21", "", ";,", "31/12/2024", "\x00")
	f.Fuzz(func(t *testing.T, number, slug, emails, date, note string) {
		row := Row{Shipment: aftership.Shipment{TrackingNumber: number, Slug: slug, Emails: aftership.ParseList(emails), TrackingShipDate: date, Note: note}}
		for _, op := range batch.AllOperations() {
			for _, p := range Check(op, aftership.V202404, &row) {
				if p.Column == "" || p.Wrong == "" || p.Remedy == "" {
					t.Errorf("%+v is not complete", p)
				}
			}
		}
	})
}
