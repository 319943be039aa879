package sandbox

import (
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"aftership-bulk/aftership"
)

// sample reads a sheet of samples/ as records by column name.
func sample(t *testing.T, name string) []map[string]string {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "..", "samples", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	var records []map[string]string
	for _, row := range rows[1:] {
		record := map[string]string{}
		for i, column := range rows[0] {
			record[column] = row[i]
		}
		records = append(records, record)
	}
	return records
}

func TestSampleColumnsAreKnown(t *testing.T) {
	for _, name := range []string{"shipments.csv", "updates.csv", "completions.csv", "expired.csv"} {
		for column := range sample(t, name)[0] {
			_, custom := aftership.CustomField(column)
			if _, known := aftership.LookupField(column); !known && !custom {
				t.Errorf("%s: column %s is not known", name, column)
			}
		}
	}
}

// TestDemoOfCreate sends samples/shipments.csv and looks for every outcome that a row can have.
func TestDemoOfCreate(t *testing.T) {
	for _, v := range aftership.Versions() {
		clock := &frozen{testTime}
		s := Demo(Options{Limit: -1, Now: clock.now})
		answers := map[int][]string{}
		for _, row := range sample(t, "shipments.csv") {
			if row["tracking_number"] == "" || strings.Contains(row["tracking_number"], "+") {
				continue // the check keeps these
			}
			got := ask(t, s, "POST", v.BasePath()+"/trackings", createBody(v, row))
			if got.Code == 503 || got.Code == 429 {
				answers[got.Code] = append(answers[got.Code], row["tracking_number"])
				got = ask(t, s, "POST", v.BasePath()+"/trackings", createBody(v, row))
			}
			answers[got.Code] = append(answers[got.Code], row["tracking_number"])
		}
		for code, want := range map[int]int{201: 17, 503: 1, 429: 1, 4003: 3, 4010: 1, 4012: 2} {
			if len(answers[code]) != want {
				t.Errorf("%s: code %d for %v, not %d", v, code, answers[code], want)
			}
		}
		if len(answers) != 6 {
			t.Errorf("%s: other codes: %v", v, answers)
		}
	}
}

// createBody is what a row of the sample is sent as.
func createBody(v aftership.Version, row map[string]string) string {
	m := map[string]any{"tracking_number": row["tracking_number"], "title": row["title"]}
	put := func(name, value string) {
		if value != "" {
			m[name] = value
		}
	}
	put("slug", row["slug"])
	put("order_id", row["order_id"])
	put("destination_postal_code", row["destination_postal_code"])
	country, extra := "destination_country_region", ""
	switch {
	case v.Before(aftership.V202501):
		country, extra = "destination_country_iso3", "tracking_destination_country"
	case v.Before(aftership.V202504):
		extra = "tracking_destination_country_region"
	}
	put(country, row["destination_country"])
	if extra != "" && row["slug"] == "postnl-3s" {
		put(extra, row["destination_country"])
		put("tracking_postal_code", row["destination_postal_code"])
	}
	text, err := json.Marshal(m)
	if err != nil {
		panic(err) // texts always marshal
	}
	return body(v, string(text))
}

// find is the path of a row's tracking, by id.
func find(s *Sandbox, row map[string]string) string {
	if row["id"] != "" {
		return "/v4/trackings/" + row["id"]
	}
	if made, ok := s.Tracking(row["slug"], row["tracking_number"]); ok {
		return "/v4/trackings/" + made.LegacyID
	}
	return "/v4/trackings/" + row["slug"] + "/" + row["tracking_number"]
}

func TestDemoOfTheOtherOperations(t *testing.T) {
	for _, c := range []struct {
		name, method, action string
		body                 func(row map[string]string) string
		want                 map[int]int
	}{
		{"updates.csv", "PUT", "", func(row map[string]string) string {
			return `{"tracking":{"order_number":"` + row["order_number"] + `"}}`
		}, map[int]int{200: 5, 4004: 2}},
		{"completions.csv", "POST", "/mark-as-completed", func(row map[string]string) string { return `{"reason":"` + row["reason"] + `"}` }, map[int]int{200: 6, 4004: 2}},
		{"expired.csv", "POST", "/retrack", func(map[string]string) string { return "" }, map[int]int{200: 7, 4013: 1, 4016: 1, 4004: 1}},
	} {
		s := Demo(Options{Limit: -1})
		codes := map[int]int{}
		for _, row := range sample(t, c.name) {
			codes[ask(t, s, c.method, find(s, row)+c.action, c.body(row)).Code]++
		}
		for code, want := range c.want {
			if codes[code] != want {
				t.Errorf("%s: code %d %d times, not %d; all: %v", c.name, code, codes[code], want, codes)
			}
		}
	}
}

func TestDemoListsItsExpiredTrackings(t *testing.T) {
	s := Demo(Options{Limit: -1})
	var numbers, wanted []string
	for _, tr := range listed(t, s, aftership.V202404, "tag=Expired").Trackings {
		numbers = append(numbers, tr.Number)
	}
	for _, row := range sample(t, "expired.csv") {
		if _, ok := s.Tracking(row["slug"], row["tracking_number"]); ok {
			wanted = append(wanted, row["tracking_number"])
		}
	}
	slices.Sort(numbers)
	slices.Sort(wanted)
	if !slices.Equal(numbers, wanted) || len(numbers) != 9 {
		t.Errorf("listed %v, in the sheet %v", numbers, wanted)
	}
}

func TestBrokenSampleIsBroken(t *testing.T) {
	f, err := os.Open(filepath.Join("..", "..", "samples", "broken.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := csv.NewReader(f).ReadAll(); err == nil {
		t.Error("broken.csv can be read without an error")
	}
}

// TestOrdersExportCanBeSent: the foreign sheet's shipments are ones that the demo takes.
func TestOrdersExportCanBeSent(t *testing.T) {
	s := Demo(Options{Limit: -1})
	for _, row := range sample(t, "orders-export.csv") {
		text := `{"tracking_number":"` + row["Shipment - Tracking Number"] + `","slug":"` + row["Shipment - Carrier"] + `"}`
		if got := ask(t, s, "POST", "/tracking/2025-07/trackings", text); got.Code != 201 {
			t.Errorf("%s: %s", text, got.Raw)
		}
	}
}
