package sheet

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

var testColumns = Columns("tracking_number", "slug", "order_id", "order_number", "emails", "smses", "tracking_ship_date",
	"tracking_postal_code", "destination_country", "destination_postal_code")

func TestMap(t *testing.T) {
	for _, tt := range []struct{ header, want string }{
		{"tracking_number,slug", "tracking_number,slug"},
		{"Tracking Number,  COURIER ", "tracking_number,slug"},
		{"TRACKING\u00a0NUMBER,\ufeffcarrier-code,Grund", "tracking_number,slug,"},
		{"Tracking #,Order ID,Order Number", "tracking_number,order_id,order_number"},
		{"お問い合わせ伝票番号,配送業者コード,注文番号", "tracking_number,slug,order_number"},
		{"Nume\u0301ro de suivi,email,phone", "tracking_number,emails,smses"},
		{"tracking_number,Custom Fields.Item Name, custom_fields: Größe ,custom_fields.", "tracking_number,custom_fields.Item Name,custom_fields.Größe,"},
		{"tracking_number,tracking_postal_code,Shipping Zip", "tracking_number,tracking_postal_code,destination_postal_code"},
		{"tracking_number,aftership_line,aftership_result", "tracking_number,,"},
		{"tracking_number,note,note", "tracking_number,,"},
	} {
		m, warnings, err := Map(strings.Split(tt.header, ","), testColumns)
		if err != nil || len(warnings) > 0 || strings.Join(m.Fields, ",") != tt.want {
			t.Errorf("%s: %q, %v, %v; want %s", tt.header, m.Fields, warnings, err, tt.want)
		}
	}
}

func TestMapOwnNameWinsOverAlias(t *testing.T) {
	for _, header := range [][]string{{"tracking_number", "Carrier Name", "slug"}, {"tracking_number", "slug", "Carrier Name"}} {
		m, warnings, err := Map(header, testColumns)
		if err != nil || m.Fields[slices.Index(header, "slug")] != "slug" || m.Fields[slices.Index(header, "Carrier Name")] != "" {
			t.Errorf("%q: %q, %v", header, m.Fields, err)
		}
		if len(warnings) != 1 || !strings.Contains(warnings[0].String(), "(Carrier Name): not sent, because column") {
			t.Errorf("%q: warnings %v", header, warnings)
		}
	}
}

func TestMapRefuses(t *testing.T) {
	for header, want := range map[string]string{
		"Tracking ID,Tracking Code":                       `the columns "Tracking ID" (number 1) and "Tracking Code" (number 2) both mean tracking_number`,
		"slug,tracking_number,Tracking Number":            `the columns "tracking_number" (number 2) and "Tracking Number" (number 3) both mean tracking_number`,
		"tracking_number,custom_fields.a,custom_fields.a": "both mean custom_fields.a",
		"1Z999,ups,Blue shirt":                            "no column of the header is known (it reads: 1Z999 | ups | Blue shirt)",
		"aftership_line,aftership_result":                 "no column of the header is known",
	} {
		_, _, err := Map(strings.Split(header, ","), append(testColumns, Column{Field: ColumnResult}))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", header, err, want)
		}
	}
}

func TestMapAnEarlierResult(t *testing.T) {
	header := []string{"tracking_number", "aftership_result", "x", "AfterShip Result"}
	m, _, err := Map(header, append(testColumns, Column{Field: ColumnResult}))
	if err != nil || strings.Join(m.Fields, ",") != "tracking_number,,,aftership_result" {
		t.Errorf("%q, %v", m.Fields, err)
	}
	if got := m.Unsent(header); strings.Join(got, ",") != "x" {
		t.Errorf("unsent %q", got)
	}
	if !m.Has("tracking_number") || m.Has("slug") {
		t.Error("Has is wrong")
	}
}

// TestAliasesOfTheSources holds the table against the header names seen in exports of shops, warehouses and carriers.
func TestAliasesOfTheSources(t *testing.T) {
	for field, names := range map[string]string{
		"tracking_number":         "tracking_number, tracking-number, Tracking Number, Tracking #, Tracking No, Tracking No., Tracking ID, Tracking, Tracking Code, trackAndTraceCode, Shipment - Tracking Number, Fulfillment: Tracking Number, tracker.tracking_number, お問い合わせ伝票番号, Sendungsnummer, Numéro de suivi, Numero di tracciamento",
		"slug":                    "slug, courier, carrier, Carrier Name, carrier-code, tracking_provider, Shipping Provider, Shipping Provider Name, Shipping Carrier Used, Tracking Company, Fulfillment: Tracking Company, Shipment - Carrier, shipper, courier_code, carrier_code, 配送業者コード",
		"order_id":                "order_id, order-id, Order ID",
		"order_number":            "Order - Number, Order Number, Order #, Bestellnummer, 注文番号",
		"tracking_ship_date":      "ship-date, Ship Date, date_shipped, Shipped On Date, Date - Shipped Date, tracking_ship_date, shipping_date, 出荷日",
		"destination_country":     "destination_country, Shipping Country, Ship To - Country, ship-country, Ship To Country, Ship Country",
		"destination_postal_code": "destination_postal_code, Shipping Zip, Ship To - Postal Code, ship-postal-code, Ship To Zip, Ship Zipcode",
	} {
		for name := range strings.SplitSeq(names, ", ") {
			if m, _, err := Map([]string{name}, testColumns); err != nil || m.Fields[0] != field {
				t.Errorf("%s: %q, %v; want %s", name, m.Fields, err, field)
			}
		}
	}
}

func TestVagueNames(t *testing.T) {
	columns := append(testColumns, Columns("customer_name", "destination_city", "destination_state")...)
	for _, tt := range []struct {
		header, want string
		warnings     int
	}{
		{"Sendungsnummer,Versanddienstleister,Bestellnummer,Land,PLZ,Ort,Telefon,E-Mail,Versanddatum,Empfänger", "tracking_number,slug,order_number,destination_country,destination_postal_code,destination_city,smses,emails,tracking_ship_date,customer_name", 0},
		{"Paketnummer,Auftragsnummer,Bestelldatum,Bundesland", "tracking_number,order_number,,destination_state", 0},
		{"Numéro de suivi,Transporteur,N° de commande,Pays,Code postal,Ville,Téléphone,Courriel,Date d'expédition,Destinataire", "tracking_number,slug,order_number,destination_country,destination_postal_code,destination_city,smses,emails,tracking_ship_date,customer_name", 0},
		{"Número de seguimiento,Transportista,Número de pedido,País,Código postal,Ciudad,Teléfono,Correo electrónico,Fecha de envío,Destinatario", "tracking_number,slug,order_number,destination_country,destination_postal_code,destination_city,smses,emails,tracking_ship_date,customer_name", 0},
		{"Codice tracking,Corriere,Numero ordine,Paese,CAP,Città,Cellulare,Indirizzo e-mail,Data spedizione,Destinatario", "tracking_number,slug,order_number,destination_country,destination_postal_code,destination_city,smses,emails,tracking_ship_date,customer_name", 0},
		{"Zendingsnummer,Vervoerder,Ordernummer,Land,Postcode,Plaats,Telefoonnummer,E-mailadres,Verzenddatum,Ontvanger", "tracking_number,slug,order_number,destination_country,destination_postal_code,destination_city,smses,emails,tracking_ship_date,customer_name", 0},
		{"追跡番号,配送会社,受注番号,国,郵便番号,都道府県,電話番号,メールアドレス,発送日,お届け先名", "tracking_number,slug,order_number,destination_country,destination_postal_code,destination_state,smses,emails,tracking_ship_date,customer_name", 0},
		{"运单号,快递公司,订单号,收件人,国家,邮编,城市,省份,手机,邮箱,发货时间", "tracking_number,slug,order_number,customer_name,destination_country,destination_postal_code,destination_city,destination_state,smses,emails,tracking_ship_date", 0},
		{"Tracking Numbers,Ship via,Bestellung,Kunde,Ship To Country Code,C.P.,Shipping Phone,Email 1,Sendungsdatum", "tracking_number,slug,order_number,customer_name,destination_country,destination_postal_code,smses,emails,tracking_ship_date", 0},
		{"Numero spedizione,Provider,To Name,To Email,To Phone,To City,To State,To Zip,To Country", "tracking_number,slug,customer_name,emails,smses,destination_city,destination_state,destination_postal_code,destination_country", 0},
		{"Tracking Number,Carrier,Ship via,Customer,Recipient Name,Provider", "tracking_number,slug,,,customer_name,", 3},
		{"tracking_number,Code pays,Nom destinataire,Cliente", "tracking_number,destination_country,customer_name,", 1},
		{"tracking_number,Country,Shipping Country,Zip,Ship To Zip", "tracking_number,,destination_country,,destination_postal_code", 2},
		{"Sendungsnummer,Paketnummer,Telefon,Handy", "tracking_number,,,smses", 2},
	} {
		m, warnings, err := Map(strings.Split(tt.header, ","), columns)
		if err != nil || strings.Join(m.Fields, ",") != tt.want || len(warnings) != tt.warnings {
			t.Errorf("%s: %q, %v, %v", tt.header, strings.Join(m.Fields, ","), warnings, err)
		}
	}
}

// Every vague name is an alias of some field.
func TestVagueNamesAreAliases(t *testing.T) {
	all := map[string]bool{}
	for _, aliases := range Aliases {
		for _, alias := range aliases {
			all[normal(alias)] = true
		}
	}
	for name := range vague {
		if !all[name] {
			t.Errorf("%q is no alias", name)
		}
	}
}

func TestNoAliasMeansTwoFields(t *testing.T) {
	owner := map[string]string{}
	for field, aliases := range Aliases {
		for _, alias := range append(aliases, field) {
			if other, taken := owner[normal(alias)]; taken && other != field {
				t.Errorf("%q means %s and %s", alias, field, other)
			}
			owner[normal(alias)] = field
		}
	}
}

func TestDecoder(t *testing.T) {
	d := NewDecoder[wide](Mapping{Fields: []string{"slug", "", "emails", "custom_fields.Size", "tracking_number", "custom_fields.Kind"}})
	got, others, err := d.Decode([]string{" ups\u00a0", "not mapped", "a@b.c; d@e.f", " XL ", "'0012", ""})
	if err != nil || got.Slug != "ups" || got.TrackingNumber != "0012" || strings.Join(got.Emails, "|") != "a@b.c|d@e.f" {
		t.Errorf("%+v, %v", got, err)
	}
	if len(others) != 1 || others["custom_fields.Size"] != "XL" {
		t.Errorf("others %v", others)
	}
	if got, others, err = d.Decode([]string{"dhl"}); err != nil || got.Slug != "dhl" || got.Emails != nil || others != nil {
		t.Errorf("%+v, %v, %v", got, others, err)
	}
}

func TestDecoderGoesOnAfterAnError(t *testing.T) {
	type numbered struct {
		N int `csv:"n"`
	}
	d := NewDecoder[numbered](Mapping{Fields: []string{"n"}})
	for range 2 {
		for _, bad := range []string{"x", "x\"y"} {
			if _, _, err := d.Decode([]string{bad}); err == nil || !strings.Contains(err.Error(), "can't decode the row") {
				t.Errorf("error %v", err)
			}
		}
		if got, _, err := d.Decode([]string{"7"}); err != nil || got.N != 7 {
			t.Errorf("%+v, %v", got, err)
		}
	}
	if _, _, err := NewDecoder[string](Mapping{Fields: []string{"n"}}).Decode([]string{"1"}); err == nil {
		t.Error("a string can't be decoded into")
	}
}

func TestDecoderOfNoColumns(t *testing.T) {
	d := NewDecoder[wide](Mapping{Fields: []string{"", "custom_fields.a"}})
	for range 3 {
		if _, others, err := d.Decode([]string{"x", "y"}); err != nil || others["custom_fields.a"] != "y" {
			t.Errorf("%v, %v", others, err)
		}
	}
}

func TestWriteTable(t *testing.T) {
	type line struct {
		Number string `csv:"tracking_number"`
		Emails list   `csv:"emails"`
		Note   string `csv:"note"`
		Secret string `csv:"-"`
	}
	var out bytes.Buffer
	if err := WriteTable(&out, []line{{"1Z", list{"a@b.c", "d@e.f"}, "=1+1", "x"}, {Note: "two\nlines"}}); err != nil {
		t.Fatal(err)
	}
	if want := "tracking_number,emails,note\n1Z,a@b.c; d@e.f,'=1+1\n,,\"two\nlines\"\n"; out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
	out.Reset()
	if err := WriteTable(&out, []line{}); err != nil || out.String() != "tracking_number,emails,note\n" {
		t.Errorf("%q, %v", out.String(), err)
	}
	if err := WriteTable(errWriter{}, []line{{}}); err == nil {
		t.Error("no error of a writer that fails")
	}
	if err := WriteTable(&out, []string{"x"}); err == nil {
		t.Error("no error for what is no table")
	}
}

type errWriter struct{}

func (errWriter) Write([]byte) (int, error) { return 0, errReader{}.full() }

func (errReader) full() error { return bytes.ErrTooLarge }

func TestWriter(t *testing.T) {
	var out bytes.Buffer
	w, err := NewWriter(&out, WriterOptions{Delimiter: ';', BOM: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write([]string{"a;b", "c,d", "\"", "\r"}); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if want := utf8BOM + "\"a;b\";c,d;\"\"\"\";\"\r\"\n"; out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
	if _, err := NewWriter(&out, WriterOptions{Delimiter: '"'}); err == nil {
		t.Error("a quote can't be a delimiter")
	}
}

func TestGuard(t *testing.T) {
	for cell, want := range map[string]string{
		"": "", "1Z999": "1Z999", "=1+1": "'=1+1", "+49": "'+49", "-1": "'-1", "@x": "'@x", "\tx": "'\tx", "\rx": "'\rx", "\nx": "'\nx",
		"＝1": "'＝1", "＋1": "'＋1", "－1": "'－1", "＠x": "'＠x", " =1": " =1", "a=1": "a=1", "'": "'", "'t Hooft": "'t Hooft",
		"'0012": "''0012", "'=1": "''=1", "''": "'''", "''x": "'''x", "é": "é",
	} {
		if got := Guard(cell); got != want {
			t.Errorf("Guard(%q) = %q, want %q", cell, got, want)
		}
		if got := Unguard(want); got != cell {
			t.Errorf("Unguard(%q) = %q, want %q", want, got, cell)
		}
	}
	for cell, want := range map[string]string{"'0012": "0012", "'+31612345678": "+31612345678", "'1234AB": "1234AB", "'t Hooft": "'t Hooft", "0012": "0012"} {
		if got := Unguard(cell); got != want {
			t.Errorf("Unguard(%q) = %q, want %q", cell, got, want)
		}
	}
}

func TestMapChoices(t *testing.T) {
	person := func(header, field string) Choice { return Choice{Header: header, Field: field, Must: true} }
	for _, tt := range []struct {
		header  string
		choices []Choice
		want    string
		warns   string
	}{
		{"Paket,Carrier", []Choice{person("paket", "tracking_number")}, "tracking_number,slug", ""},
		{"tracking_number,Ref,slug", []Choice{person("Ref", "Tracking-Number")}, ",tracking_number,slug", "column 1 (tracking_number): not sent, because column 2 (Ref) was chosen"},
		{"tracking_number,slug", []Choice{person("slug", "-")}, "tracking_number,", ""},
		{"tracking_number,Size", []Choice{person("Size", "custom_fields.Size")}, "tracking_number,custom_fields.Size", ""},
		{"tracking_number,Name", []Choice{{Header: "Name", Field: "order_number"}, {Header: "Gone", Field: "slug"}}, "tracking_number,order_number", ""},
		{"Tracking,Carrier", []Choice{{Header: "Carrier", Field: "-"}, person("Carrier", "slug"), person("Tracking", "tracking_number")}, "tracking_number,slug", ""},
		{"Tracking,Carrier", []Choice{person("Carrier", "slug"), {Header: "Carrier", Field: "-"}, person("Tracking", "tracking_number")}, "tracking_number,slug", ""},
		{"Tracking,Number", []Choice{{Header: "Tracking", Field: "tracking_number"}, person("Number", "tracking_number")}, ",tracking_number", "was chosen"},
		{"Number,Tracking", []Choice{{Header: "Tracking", Field: "tracking_number"}, person("Number", "tracking_number")}, "tracking_number,", "was chosen"},
		{"tracking_number,Code", []Choice{{Header: "Code", Field: "tracking_number"}}, ",tracking_number", "is the one that the preset takes"},
	} {
		m, warnings, err := Map(strings.Split(tt.header, ","), testColumns, tt.choices...)
		if err != nil || strings.Join(m.Fields, ",") != tt.want {
			t.Errorf("%s %v: %q, %v; want %s", tt.header, tt.choices, m.Fields, err, tt.want)
		}
		if len(warnings) > 0 != (tt.warns != "") || len(warnings) > 0 && !strings.Contains(warnings[0].String(), tt.warns) {
			t.Errorf("%s %v: warnings %v", tt.header, tt.choices, warnings)
		}
	}
}

func TestMapRefusesChoices(t *testing.T) {
	for _, tt := range []struct {
		choice Choice
		want   string
	}{
		{Choice{"Nummer", "tracking_number", true}, `there is no column "Nummer"; the header has: Tracking | Carrier`},
		{Choice{"Tracking", "tracking_numbr", true}, `the column "Tracking" can't be read as "tracking_numbr", because there is no such field; the fields are: destination_country, `},
		{Choice{"Tracking", "Carrier", false}, "there is no such field"},
		{Choice{"Tracking", "", false}, "there is no such field"},
		{Choice{"Carrier", "tracking_number", false}, "no error, a preset wins over an alias"},
	} {
		_, _, err := Map([]string{"Tracking", "Carrier"}, testColumns, tt.choice)
		if tt.want == "no error, a preset wins over an alias" && err == nil {
			continue
		}
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v: %v, want %q", tt.choice, err, tt.want)
		}
	}
	both := []Choice{{"Tracking", "slug", true}, {"Carrier", "slug", true}}
	if _, _, err := Map([]string{"Tracking", "Carrier"}, testColumns, both...); err == nil || !strings.Contains(err.Error(), "both mean slug") {
		t.Error(err)
	}
}

func TestMessagesOfWideHeadersAreShort(t *testing.T) {
	wide := make([]string, 300)
	for i := range wide {
		wide[i] = "unknown column " + strings.Repeat("x", i)
	}
	_, _, err := Map(wide, testColumns)
	if err == nil || !strings.Contains(err.Error(), " and 294 more") || len(err.Error()) > 700 {
		t.Errorf("%v", err)
	}
	_, _, err = Map(wide, testColumns, Choice{"gone", "slug", true})
	if err == nil || !strings.Contains(err.Error(), " and 260 more") || len(err.Error()) > 4500 {
		t.Errorf("%v", err)
	}
}

func TestNormal(t *testing.T) {
	for _, same := range [][]string{
		{"Tracking Number", "tracking_number", "TRACKING\u00a0NUMBER ", "\ufeffTracking-Number:", "ＴＲＡＣＫＩＮＧ＿ＮＵＭＢＥＲ"},
		{"Numéro de suivi", "Nume\u0301ro  de suivi"},
		{"伝票No.", "伝票Ｎｏ", "伝票ＮＯ．"},
		{"トラッキング", "ﾄﾗｯｷﾝｸﾞ"},
	} {
		for _, name := range same {
			if Normal(name) != Normal(same[0]) {
				t.Errorf("%q is not %q", name, same[0])
			}
		}
	}
	if Normal("Größe") == Normal("Grosse") || Normal("ハ") == Normal("バ") {
		t.Error("different names fold to the same")
	}
}

// A column whose name another one has too is chosen by its number.
func TestColumnsByNumber(t *testing.T) {
	for _, tt := range []struct{ header, choice, want string }{
		{"tracking_number|email|email", "#3=emails", "tracking_number||emails"},
		{"tracking_number|email|email", "#2=emails", "tracking_number|emails|"},
		{"tracking_number|email|email", "#3=-", "tracking_number|emails|"},
		{"tracking_number|x|#2", "#2=emails", "tracking_number||emails"}, // a name wins
		{"tracking_number|email|email", "#4=emails", `error: there is no column "#4"`},
		{"tracking_number|email|email", "#0=emails", `error: there is no column "#0"`},
		{"tracking_number|email|email", "email=emails", "error: say --map '#2=emails' or --map '#3=emails'"},
		{"tracking_number|email|email", "", "error: say --map '#2=emails' or --map '#3=emails'"},
		{"tracking_number|Email|email address", "", "error: say --map 'email address=emails'"},
	} {
		var choices []Choice
		if header, field, ok := strings.Cut(tt.choice, "="); ok {
			choices = append(choices, Choice{Header: header, Field: field, Must: true})
		}
		m, _, err := Map(strings.Split(tt.header, "|"), Columns("tracking_number", "emails"), choices...)
		if want, wrong := strings.CutPrefix(tt.want, "error: "); wrong {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s with %s: %v, want %q", tt.header, tt.choice, err, want)
			}
		} else if got := strings.Join(m.Fields, "|"); err != nil || got != tt.want {
			t.Errorf("%s with %s: %s, %v; want %s", tt.header, tt.choice, got, err, tt.want)
		}
	}
}
