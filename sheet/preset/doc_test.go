package preset_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"aftership-bulk/sheet"
	"aftership-bulk/sheet/preset"
)

const page = "../../docs/input-files.md"

// The example of a user's preset in the docs works as it stands there.
func TestDocsExample(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindSubmatch(text)
	if found == nil {
		t.Fatal("the page has no example")
	}
	p, err := preset.Read(strings.NewReader(string(found[1])), "warehouse.yaml")
	if err != nil {
		t.Fatal(err)
	}
	file := "Colli #;Agent;Order;Ship to;Mail;Colour;Weight;State;Left on;Packed on\n" +
		"1001;House carrier;A1;Germany;m@example.com;r\xf6tlich;2;sent;05.06.2026;04.06.2026\n" +
		"1002;UPS;A1;;;;3;sent;;04.06.2026\n" +
		"1003;UPS;A2;France;;;3;Void;;\n" +
		";UPS;A3;France;;;3;;;\n"
	sh, err := sheet.Open(t.Context(), "-", strings.NewReader(file), p.Reading.Options(sheet.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	defer sh.Close()
	want := `2 tracking_number=1001 | slug=dhl | order_number=A1 | destination_country=Germany | emails=m@example.com | custom_fields.colour=rötlich | tracking_ship_date=05.06.2026
3 tracking_number=1002 | slug=UPS | order_number=A1 | destination_country=Germany | emails=m@example.com | tracking_ship_date=04.06.2026
4 skipped: the parcel was cancelled
5 skipped: not shipped yet
`
	if got := read(t, sh, p); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

// The page names every preset with its level of proof.
func TestDocsNameEveryPreset(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range preset.All() {
		row := regexp.MustCompile("(?m)^\\|[^|]*`" + regexp.QuoteMeta(p.Name) + "`.*\\|$").FindString(string(text))
		if row == "" || p.NoTracking == "" && !strings.HasSuffix(row, "| "+string(p.Proof)+" |") {
			t.Errorf("the page lacks %s (%s): %q", p.Name, p.Proof, row)
		}
	}
}
