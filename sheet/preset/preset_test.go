package preset

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"aftership-bulk/sheet"
)

// Every built-in preset is read strictly, is called as its file, says where it is known from, and comes back from a
// file that Write wrote.
func TestBuiltin(t *testing.T) {
	files, err := data.ReadDir("data")
	if err != nil || len(files) < 20 {
		t.Fatal(len(files), err)
	}
	for _, file := range files {
		p, err := readBuiltin(file.Name())
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		if p.Name+".yaml" != file.Name() {
			t.Errorf("%s is called %s", file.Name(), p.Name)
		}
		if p.Title == "" || p.Proof == "" || p.Source == "" || p.Export == "" || len(p.Match) == 0 {
			t.Errorf("%s lacks a title, proof, source, export or match", p.Name)
		}
		roundTrip(t, p)
	}
	if len(All()) != len(files) {
		t.Errorf("%d presets of %d files", len(All()), len(files))
	}
}

func roundTrip(t *testing.T, p *Preset) {
	t.Helper()
	var out bytes.Buffer
	if err := p.Write(&out); err != nil {
		t.Fatal(err)
	}
	again, err := Read(&out, "again.yaml")
	if err != nil || !reflect.DeepEqual(again, p) {
		t.Errorf("%s comes back as %+v, %v; want %+v", p.Name, again, err, p)
	}
	text, err := json.Marshal(p.Rules)
	if err != nil {
		t.Fatal(err)
	}
	var rules Rules
	if err := json.Unmarshal(text, &rules); err != nil || !reflect.DeepEqual(rules, p.Rules) {
		t.Errorf("%s: rules come back as %+v, %v; want %+v", p.Name, rules, err, p.Rules)
	}
}

func TestZeroRulesAreOmitted(t *testing.T) {
	type options struct {
		Rules Rules `json:"rules,omitzero"`
	}
	if text, err := json.Marshal(options{}); err != nil || string(text) != "{}" {
		t.Errorf("%s, %v", text, err)
	}
}

func TestNamed(t *testing.T) {
	p, err := Named(" Shipstation ")
	if err != nil || p.Name != "shipstation" || p.Rules.Preset != "shipstation" {
		t.Errorf("%+v, %v", p, err)
	}
	if _, err := Named("shipstaton"); err == nil || !strings.Contains(err.Error(), `there is no preset "shipstaton"; there are: aftership-import, `) {
		t.Errorf("%v", err)
	}
}

func TestGenericSheetsAreNoPresets(t *testing.T) {
	for _, header := range []string{
		"",
		"tracking_number,slug",
		"Tracking Number,Carrier",
		"Order Number,Tracking Number,Carrier,Email,Phone,Country",
		"tracking_number,slug,title,order_id,order_number,order_id_path,order_date,emails,smses,customer_name,note,language,origin_country,destination_country,destination_postal_code,tracking_ship_date,shipment_tags,custom_fields.color",
		"id,tracking_number,slug,title,note,emails,smses",
		"tracking_number,slug,reason,event_datetime",
		"tracking_number,slug,title,aftership_line,aftership_result,aftership_code,aftership_message,aftership_hint,aftership_tracking_id,aftership_slug,aftership_attempts,aftership_finished_at",
		"trackNumber,courierId,destinationCountry,departureAddress,destinationAddress,orderId,recipientName,recipientEmail,recipientPhone,comment",
		"Tracking Number*,Carrier*,Document Type*,Document Number*,Note,Delete",
		"Order ID,Order Number,Tracking Number,Carrier Name,Ship Date",
		"Sendungsnummer,Versanddienstleister,Bestellnummer,Land",
	} {
		if p, ok := Recognise(strings.Split(header, ",")); ok {
			t.Errorf("%s is taken for %s", header, p.Name)
		}
	}
}

// A report of a known export is that export still.
func TestReportsOfPresets(t *testing.T) {
	header := append([]string{"Order ID", "Order Number", "Tracking Number", "Carrier Name"}, sheet.ReportColumns...)
	if p, ok := Recognise(header); !ok || p.Name != "aftership-woocommerce" {
		t.Errorf("%v", p)
	}
}

func TestTrackingColumnAddedByHand(t *testing.T) {
	header := []string{"Name", "Financial Status", "Fulfillment Status", "Lineitem name", "Shipping Country"}
	p, ok := Recognise(header)
	if !ok || !strings.Contains(p.NoTracking, "This is Shopify's own orders export") {
		t.Fatalf("%+v", p)
	}
	p, ok = Recognise(append(header, "Tracking #"))
	if !ok || p.Name != "shopify-orders" || p.NoTracking != "" {
		t.Fatalf("%+v", p)
	}
	if p, _ := Named("shopify-orders"); p.NoTracking == "" {
		t.Error("the preset itself was changed")
	}
}

func TestSignature(t *testing.T) {
	header := headerOf([]string{"Order No.", "user_marked_status", "Weight", "aftership_line"})
	for _, tt := range []struct {
		s    Signature
		want int
	}{
		{Signature{All: []string{"order no"}}, 1},
		{Signature{All: []string{"ORDER_NO", "user_marked_*"}}, 2},
		{Signature{All: []string{"order no"}, Any: []string{"weight", "height"}}, 2},
		{Signature{All: []string{"order no"}, Any: []string{"height"}}, 0},
		{Signature{All: []string{"order no", "height"}}, 0},
		{Signature{All: []string{"order no"}, None: []string{"we*"}}, 0},
		{Signature{All: []string{"order no"}, Only: true}, 0},
		{Signature{All: []string{"order no", "user*"}, Any: []string{"weight"}, Only: true}, 3},
	} {
		if got := tt.s.score(header); got != tt.want {
			t.Errorf("%+v: %d, want %d", tt.s, got, tt.want)
		}
	}
}

func TestKnownHeader(t *testing.T) {
	for name, want := range map[string]bool{
		"Tracking Number": true, "SENDUNGSNUMMER": true, "Verkaufsprotokollnummer": true, "注文番号": true, "aftership_line": true,
		"Fulfillment: Tracking Company": true, "carrier-name": true, "": false, " ": false, "1Z999AA10123456784": false, "Berlin": false, "record(s) downloaded": false,
	} {
		if got := KnownHeader(name); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
}

func TestEncodingHint(t *testing.T) {
	japanese := []byte("TemplateType=OrderFulfillment\tVersion=2011.1102\r\n\x92\x8d\x95\xb6\x94\xd4\x8d\x86\t\x8fo\x89\xd7\x90\x94\r\n")
	if got := EncodingHint(japanese); got != "shift_jis" {
		t.Errorf("%q", got)
	}
	for _, other := range []string{"", "tracking_number,slug\n", "TemplateType=OrderFulfillment\tVersion=2011.1102\nM\xfcller", "注文番号"} {
		if got := EncodingHint([]byte(other)); got != "" {
			t.Errorf("%q: %q", other, got)
		}
	}
}

func TestChoices(t *testing.T) {
	p := &Preset{
		Columns: map[string]string{"Ref": "order_id", "user_marked_*": "reason", "Name": "customer_name"},
		Ignore:  []string{"Carrier - *", "Note"},
		Rules:   Rules{FirstOf: map[string]FirstOf{"slug": {Columns: []string{"Code", "Name", "Agent"}}, "order_number": {Columns: []string{"Number", "Ref"}}}},
	}
	for header, want := range map[string]string{
		"Code,Name,Agent,note,Other":           "slug customer_name - - ",
		"Agent,Name":                           "- slug",
		"REF,User Marked Status,Carrier - Fee": "order_number reason -",
		"Ref,Number":                           "order_id order_number",
		"Other":                                "",
	} {
		fields := map[string]string{}
		for _, c := range p.Choices(strings.Split(header, ",")) {
			fields[c.Header] = c.Field
		}
		var got []string
		for name := range strings.SplitSeq(header, ",") {
			got = append(got, fields[name])
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %q, want %q", header, strings.Join(got, " "), want)
		}
	}
}

func TestProofs(t *testing.T) {
	for _, p := range All() {
		if !slices.Contains(Proofs(), p.Proof) {
			t.Errorf("%s: %q", p.Name, p.Proof)
		}
	}
}

func BenchmarkRecogniseWide(b *testing.B) {
	header := make([]string, 16_384)
	for i := range header {
		header[i] = "Column " + strings.Repeat("x", i%40)
	}
	header[0] = "Tracking Number"
	for b.Loop() {
		Recognise(header)
	}
}
