package jobs

import (
	"slices"
	"strings"
	"testing"

	"aftership-bulk/aftership"
	"aftership-bulk/batch"
	"aftership-bulk/sheet"
	"aftership-bulk/sheet/preset"
)

// readOne reads a row of a plan's sheet: its header, then its cells.
func readOne(t *testing.T, p Plan, header, cells []string) Row {
	t.Helper()
	m, _, err := sheet.Map(header, Columns())
	if err != nil {
		t.Fatal(err)
	}
	p.Mapping = m
	s := &Survey{Plan: p}
	row, err := s.newReader().read(cells, nil)
	if err != nil {
		t.Fatal(err)
	}
	return row
}

// Every kind of value that people write is read as AfterShip takes it.
func TestValuesAreRead(t *testing.T) {
	tests := []struct {
		name, column, cell, want string
		repaired                 bool
	}{
		{"plain number", "tracking_number", "9400110200881234567894", "9400110200881234567894", false},
		{"formula around a number", "tracking_number", `="00123456"`, "00123456", true},
		{"apostrophe", "tracking_number", "'00123456", "00123456", false}, // what our own guard looks like is no news
		{"full-width digits", "tracking_number", "１２３４５６７８９０", "1234567890", true},
		{"zero-width space", "tracking_number", "12345\u200b67890", "1234567890", true},
		{"order number", "order_number", "#1001", "1001", true},
		{"plain order number", "order_number", "ORDER-10012", "ORDER-10012", false},
		{"country by name", "destination_country", "Germany", "DEU", false},
		{"country by two letters", "destination_country", "us", "USA", false},
		{"country in small letters", "destination_country", "deu", "DEU", false},
		{"language with a country", "language", "de-DE", "de", false},
		{"date that can mean one day only", "tracking_ship_date", "31.12.2026", "2026-12-31", false},
		{"date as AfterShip takes it", "tracking_ship_date", "20261231", "20261231", false},
		{"addresses", "emails", "a@shop.example, b@shop.example", "a@shop.example; b@shop.example", false},
		{"addresses on lines", "emails", "a@shop.example\nb@shop.example", "a@shop.example; b@shop.example", false},
		{"word of a closed set", "delivery_type", "Door_To_Door", "door_to_door", false},
		{"phone", "smses", "+49 151 12345678", "+4915112345678", false},
		{"text in a formula", "title", `="Blue"`, "Blue", true},
		{"text", "title", "it's 5\" wide", "it's 5\" wide", false},
		{"word for no name", "customer_name", "-", "", true},
		{"word for no note", "note", "n/a", "", true},
		{"a name like such a word", "customer_name", "Na", "Na", false},
		{"word in a field of one's own", "custom_fields.gift", "none", "none", false},
		{"postal code with decimals", "destination_postal_code", "10001.0", "10001", true},
		{"address with a name", "emails", "Ann <a@shop.example>", "a@shop.example", true},
		{"no address", "emails", "-", "", true},
		{"phone with an extension", "smses", "+1 212-555-0111 x22", "+12125550111", true},
		{"no phone", "smses", "0", "", true},
		{"no date", "tracking_ship_date", "0000-00-00", "", true},
		{"no time", "order_date", "n/a", "", true},
		{"no country", "destination_country", "N/A", "", true},
		{"guarded text", "title", "'=1+1", "=1+1", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			row := readOne(t, Plan{Operation: batch.Create, Version: aftership.V202404}, []string{"custom_fields.x", tt.column}, []string{"y", tt.cell})
			if got := row.Value(tt.column); got != tt.want {
				t.Errorf("got %q, want %q (%v)", got, tt.want, row.Problems)
			}
			told := slices.ContainsFunc(row.Repairs, func(r Repair) bool { return r.Why != "" })
			if told != tt.repaired || len(row.Problems) > 0 {
				t.Errorf("repairs %v, problems %v", row.Repairs, row.Problems)
			}
		})
	}
}

// What is not certain is refused, with what to do about it.
func TestValuesAreRefused(t *testing.T) {
	tests := []struct{ name, column, cell, say string }{
		{"scientific notation", "tracking_number", "9.4055E+21", "damaged"},
		{"digits lost", "tracking_number", "9400110200881230000000", "damaged"},
		{"day or month", "tracking_ship_date", "03/04/2026", "--date-format"},
		{"no such country", "origin_country", "Atlantis", "alpha-3"},
		{"phone of no country", "smses", "0151 1234567", "--country"},
		{"error in a name", "customer_name", "#REF!", "error of a spreadsheet"},
		{"error in an address", "order_id_path", "#NV", "error of a spreadsheet"},
		{"error in a field of one's own", "custom_fields.gift", "#WERT!", "error of a spreadsheet"},
		{"error in a country", "origin_country", "#N/A", "error of a spreadsheet"},
		{"error in an enum", "delivery_type", "########", "error of a spreadsheet"},
		{"error in a list", "shipment_tags", "spring; #BEZUG!", "error of a spreadsheet"},
		{"formula as an order", "order_id", "=1+1", "formula"},
		{"date as a postal code", "destination_postal_code", "2026-06-26", "date"},
		{"date as a number", "tracking_number", "26.06.2026", "date"},
		{"several numbers", "tracking_number", "7946 1234 5678 7946 1234 5690", "semicolon"},
		{"time on no day", "order_date", "2026-02-31 14:00", "calendar"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			row := readOne(t, Plan{Operation: batch.Create, Version: aftership.V202404}, []string{"custom_fields.x", tt.column}, []string{"y", tt.cell})
			if len(row.Problems) != 1 || row.Problems[0].Column != tt.column {
				t.Fatalf("problems %v", row.Problems)
			}
			p := row.Problems[0]
			if text := p.String() + " " + p.Remedy; !strings.Contains(text, tt.say) || p.Remedy == "" {
				t.Errorf("%q does not say %q", text, tt.say)
			}
		})
	}
}

func TestPostalCodesAreReadByTheirCountry(t *testing.T) {
	tests := []struct{ column, country, of, want string }{
		{"destination_postal_code", "destination_country", "US", "02108"},
		{"destination_postal_code", "origin_country", "US", "2108"},
		{"origin_postal_code", "origin_country", "Germany", "02108"},
		{"tracking_postal_code", "destination_country", "US", "02108"},
		{"tracking_postal_code", "tracking_destination_country", "US", "02108"},
		{"destination_postal_code", "destination_country", "AUT", "2108"},
	}
	for _, tt := range tests {
		row := readOne(t, Plan{Operation: batch.Create, Version: aftership.V202404}, []string{tt.column, tt.country}, []string{"2108", tt.of})
		if got := row.Value(tt.column); got != tt.want {
			t.Errorf("%s beside %s %s is read as %q, want %q", tt.column, tt.country, tt.of, got, tt.want)
		}
	}
}

func TestPhonesAreReadByTheirCountry(t *testing.T) {
	tests := []struct{ name, country, destination, phone, want string }{
		{"by the destination", "", "Germany", "0151 12345678", "+4915112345678"},
		{"by the setting", "GB", "", "07400 123456", "+447400123456"},
		{"the destination first", "GB", "DEU", "0151 12345678", "+4915112345678"},
		{"never by the setting where the destination is known", "DEU", "GB", "0151 12345678", "0151 12345678"}, // and is refused
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := Plan{Operation: batch.Create, Version: aftership.V202404, Defaults: Defaults{Country: tt.country}}
			// The phone stands before its country, as it does in many sheets.
			row := readOne(t, p, []string{"smses", "destination_country"}, []string{tt.phone, tt.destination})
			if got := row.SMSes.String(); got != tt.want {
				t.Errorf("got %q, want %q (%v)", got, tt.want, row.Problems)
			}
		})
	}
}

func TestDamagedIDsAreRefused(t *testing.T) {
	for cell, wrong := range map[string]string{"1.23457E+12": "damaged", "Jun-26": "date", "#REF!": "error", "4821000000000000000": "fifteenth", "order-1001-parcel-1": "", "5b7658cec7c33c0e007de3c5": ""} {
		row := readOne(t, Plan{Operation: batch.Update, Version: aftership.V202404}, []string{"id", "title"}, []string{cell, "x"})
		if (wrong != "") != (len(row.Problems) == 1) || wrong != "" && !strings.Contains(row.Problems[0].Wrong, wrong) || wrong == "" && row.ID != cell {
			t.Errorf("the id %q is read as %q, problems %v", cell, row.ID, row.Problems)
		}
	}
}

func TestDatesInOrdersAreDoubted(t *testing.T) {
	for column, cells := range map[string][]string{"order_number": {"2026-06-26", "26.06.2026", "06/26/2026", "26-Jun-2026"}, "order_id": {"2026-06-26"}} {
		for _, cell := range cells {
			row := readOne(t, Plan{Operation: batch.Create, Version: aftership.V202404}, []string{"tracking_number", column}, []string{"1Z5R89390357567127", cell})
			if row.Value(column) != cell || len(row.Problems) > 0 || len(row.Doubts) != 1 || !strings.Contains(row.Doubts[0].Wrong, "date") {
				t.Errorf("%s %q is read as %q, problems %v, doubts %v", column, cell, row.Value(column), row.Problems, row.Doubts)
			}
		}
	}
}

func TestTimesAreReadInTheirZone(t *testing.T) {
	tests := []struct{ zone, cell, want, doubt string }{
		{"", "2026-11-20", "", "--time-zone"},
		{"", "20.11.2026 10:00", "", "was left out"},
		{"", "2026-11-20T10:00:00+01:00", "2026-11-20T10:00:00+01:00", ""},
		{"Europe/Berlin", "2026-11-20", "2026-11-20T00:00:00+01:00", ""},
		{"Europe/Berlin", "20.07.2026 10:00", "2026-07-20T10:00:00+02:00", ""},
	}
	for _, tt := range tests {
		row := readOne(t, Plan{Operation: batch.Create, Version: aftership.V202404, Defaults: Defaults{Zone: tt.zone}}, []string{"order_date", "note"}, []string{tt.cell, "x"})
		if row.OrderDate != tt.want || len(row.Problems) > 0 || (tt.doubt != "") != (len(row.Doubts) == 1) {
			t.Errorf("%q in %q is read as %q, problems %v, doubts %v", tt.cell, tt.zone, row.OrderDate, row.Problems, row.Doubts)
			continue
		}
		if tt.doubt == "" {
			continue
		}
		if d := row.Doubts[0]; d.Value != tt.cell || !strings.Contains(d.String()+d.Remedy, tt.doubt) || len(row.Repairs) > 0 || !row.changed {
			t.Errorf("%q: doubt %v, repairs %v", tt.cell, d, row.Repairs)
		}
	}
}

func TestTimeZonesAreChecked(t *testing.T) {
	for zone, ok := range map[string]bool{"": true, "UTC": true, "Europe/Berlin": true, "Berlin": false, "Local": false, "../etc/passwd": false} {
		if err := (Defaults{Zone: zone}).Validate(); (err == nil) != ok {
			t.Errorf("%q: %v", zone, err)
		}
	}
}

func TestDatesAreReadByTheirForm(t *testing.T) {
	for name, p := range map[string]Plan{
		"by the setting": {Defaults: Defaults{Dates: "DD/MM/YYYY"}},
		"by the preset":  {Rules: preset.Rules{Dates: "DD/MM/YYYY"}},
		"setting first":  {Defaults: Defaults{Dates: "DD/MM/YYYY"}, Rules: preset.Rules{Dates: "MM/DD/YYYY"}},
	} {
		t.Run(name, func(t *testing.T) {
			p.Operation, p.Version = batch.Create, aftership.V202404
			if row := readOne(t, p, []string{"tracking_ship_date"}, []string{"03/04/2026"}); row.TrackingShipDate != "2026-04-03" {
				t.Errorf("got %q (%v)", row.TrackingShipDate, row.Problems)
			}
		})
	}
}

func TestCarriersAreRead(t *testing.T) {
	p := Plan{
		Operation: batch.Create, Version: aftership.V202404,
		Carriers:     map[string]string{CarrierKey("DHL Paket"): "dhl-germany", CarrierKey("Own van"): ""},
		CarrierHints: map[string]CarrierHint{CarrierKey("DHL"): {"may mean several couriers: dhl, dhl-germany", "write the slug"}},
	}
	for cell, want := range map[string]string{"DHL Paket": "dhl-germany", "DHL  Paket ": "dhl-germany", "Own van": "", "ups": "ups", "dhl": "dhl", "DHL": "!may mean several", "Von Neumann": "!not a courier's slug"} {
		row := readOne(t, p, []string{"tracking_number", "slug"}, []string{"AAAA1111", cell})
		say, refused := strings.CutPrefix(want, "!")
		if refused {
			if len(row.Problems) != 1 || !strings.Contains(row.Problems[0].String(), say) {
				t.Errorf("%q: problems %v", cell, row.Problems)
			}
			continue
		}
		if row.Slug != want || len(row.Problems) > 0 {
			t.Errorf("%q: got %q, want %q (%v)", cell, row.Slug, want, row.Problems)
		}
	}
}

// Only columns that the call depends on are read closely: what is not sent cannot be wrong.
func TestUnsentColumnsAreLeftAlone(t *testing.T) {
	row := readOne(t, Plan{Operation: batch.Retrack, Version: aftership.V202404}, []string{"id", "destination_country", "smses"}, []string{"abc", "Atlantis", "12"})
	if len(row.Problems)+len(row.Repairs)+len(row.Doubts) > 0 {
		t.Errorf("%v %v %v", row.Problems, row.Repairs, row.Doubts)
	}
}

// What a program without repairs would send alike is not marked as changed.
func TestPlainRowsStayPlain(t *testing.T) {
	header := []string{"tracking_number", "slug", "destination_country", "emails", "smses", "order_date", "tracking_ship_date", "title"}
	row := readOne(t, Plan{Operation: batch.Create, Version: aftership.V202404}, header,
		[]string{" AAAA1111 ", "ups", "deu", "a@b.example,c@d.example", "+4915112345678", "2024-05-31T14:00:00+02:00", "2024-05-31", "Blue"})
	if row.changed {
		t.Errorf("changed by %v", row.Repairs)
	}
}

// A cell that the sheet's reader does not trust matters if its column is sent.
func TestFlawsOfSentColumnsAreProblems(t *testing.T) {
	header := []string{"tracking_number", "sku"}
	m, _, err := sheet.Map(header, Columns())
	if err != nil {
		t.Fatal(err)
	}
	s := &Survey{Plan: Plan{Operation: batch.Create, Version: aftership.V202404, Mapping: m}}
	s.rules = rulesets(s.Plan)
	flawed := func(column int) reading {
		return s.read(s.newReader(), line{Row: sheet.Row{Line: 2, Cells: []string{"12345678901234500000", "AAAA1111"}, Flaws: []sheet.Flaw{{Column: column, Problem: "is flawed", Hint: "mend it"}}}})
	}
	isFlawed := func(p Problem) bool { return p.Wrong == "is flawed" }
	if got := flawed(1); got.fate != wrong || len(got.said.problems) != 1 || got.said.problems[0].String() != `tracking_number "12345678901234500000" is flawed` {
		t.Errorf("sent: %+v", got.said)
	}
	s.Plan.Mapping.Fields[0] = ""
	s.Plan.Mapping.Fields[1] = "tracking_number"
	if got := flawed(1); got.fate != send || !slices.ContainsFunc(got.said.doubts, isFlawed) || slices.ContainsFunc(got.said.problems, isFlawed) {
		t.Errorf("not sent: %+v", got.said)
	}
	skipped := s.read(s.newReader(), line{Row: sheet.Row{Line: 3, Cells: []string{"a", "b"}, Skip: "a repeated header"}})
	if skipped.fate != noData || skipped.said != nil {
		t.Errorf("skipped: %+v", skipped)
	}
}

func FuzzReader(f *testing.F) {
	f.Add("A1234567; B1234567", "DHL", "Germany", "0151 1234", "03/04/2026", `="x"`)
	f.Add("9.4E+21", "", "", "", "", "(clear)")
	f.Fuzz(func(t *testing.T, number, slug, country, phone, date, note string) {
		m, _, err := sheet.Map([]string{"tracking_number", "slug", "destination_country", "smses", "tracking_ship_date", "note"}, Columns())
		if err != nil {
			t.Fatal(err)
		}
		cells := []string{number, slug, country, phone, date, note}
		for _, op := range batch.AllOperations() {
			s := &Survey{Plan: Plan{Operation: op, Version: aftership.V202404, Mapping: m}}
			s.rules = rulesets(s.Plan)
			r := s.newReader()
			row, err := r.read(cells, nil)
			if err != nil {
				continue
			}
			again, err := r.read(cells, nil)
			if err != nil || again.jobs() != row.jobs() {
				t.Fatalf("read twice: %d and %d jobs, %v", row.jobs(), again.jobs(), err)
			}
			for i := range row.jobs() {
				one := row.part(i)
				if problems := s.check(&one); len(problems) > 0 {
					continue
				}
				if scientific.MatchString(one.TrackingNumber) {
					t.Fatalf("%q would be sent", one.TrackingNumber)
				}
			}
		}
	})
}
