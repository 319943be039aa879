package preset_test

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"aftership-bulk/sheet"
	"aftership-bulk/sheet/preset"
)

// What is saved of an export reads it as its own preset did, and comes back from its file.
func TestSavedPresetsReadAlike(t *testing.T) {
	for _, g := range goldens(t) {
		sh, p := open(t, g.file, g.named)
		m, _, err := sheet.Map(sh.Header, columns(), p.Choices(sh.Header)...)
		if err != nil {
			t.Fatal(err)
		}
		saved := preset.Of(g.file, sh, m, p.Rules)
		var file bytes.Buffer
		if err := saved.Write(&file); err != nil {
			t.Fatal(err)
		}
		again, err := preset.Read(&file, "saved.yaml")
		if err != nil || !reflect.DeepEqual(again, saved) {
			t.Errorf("%s: %+v, %v; want %+v", g.file, again, err, saved)
			continue
		}
		reopened, err := sheet.Open(t.Context(), filepath.Join(exports, g.file), nil, again.Reading.Options(sheet.Options{}))
		if err != nil {
			t.Errorf("%s: %v", g.file, err)
			continue
		}
		if got := strings.TrimSpace(read(t, reopened, again)); got != g.rows {
			t.Errorf("%s:\n%s\nwant\n%s", g.file, got, g.rows)
		}
		_ = reopened.Close()
	}
}

func TestOf(t *testing.T) {
	sh := &sheet.Sheet{
		Header:     []string{"Tracking Number*", "Note", "", "Note", "aftership_result", "Colour"},
		HeaderLine: 3, HeaderLines: 2, HeaderAsked: true, Delimiter: '\t', Quote: sheet.NoQuote, Escape: '\\', Encoding: "windows-1252",
	}
	m := sheet.Mapping{Fields: []string{"tracking_number", "", "", "", "", "custom_fields.colour"}}
	p := preset.Of("My Export.yaml", sh, m, preset.Rules{Dates: "DD.MM.YYYY"})
	want := &preset.Preset{
		Name:    "my-export",
		Columns: map[string]string{"Tracking Number": "tracking_number", "Note": "-", "Colour": "custom_fields.colour"},
		Reading: preset.Reading{HeaderLine: 3, HeaderLines: 2, Delimiter: "tab", Quote: "none", Escape: `\`, Encoding: "windows-1252"},
		Rules:   preset.Rules{Preset: "my-export", Dates: "DD.MM.YYYY"},
	}
	if written(t, p) != written(t, want) {
		t.Errorf("%+v\nwant\n%+v", p, want)
	}
	o := p.Reading.Options(sheet.Options{Encoding: "utf-8"})
	if o.Encoding != "utf-8" || o.Delimiter != '\t' || o.Quote != sheet.NoQuote || o.Escape != '\\' || o.HeaderLine != 3 || o.HeaderLines != 2 || o.Columns != nil {
		t.Errorf("%+v", o)
	}
	book := preset.Of("x", &sheet.Sheet{Format: "xlsx", SheetName: "Parcels", Header: []string{"a", "b"}, Delimiter: ','}, sheet.Mapping{Fields: []string{"slug", ""}}, preset.Rules{})
	if book.Reading.Sheet != "Parcels" || book.Reading.HeaderLine != 0 || !slices.Equal(book.Reading.Columns, []string{"a", "b"}) {
		t.Errorf("%+v", book.Reading)
	}
}

func written(t *testing.T, p *preset.Preset) string {
	t.Helper()
	var b bytes.Buffer
	if err := p.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

const (
	short = "Erstellt am;21.11.2026;;\n;;;\nParcel;Bote;Kunde;Neu\n00340434161094021017;DHL Paket;Ann;x\n12345678901;GLS;Bob;y\n"
	long  = "Lager;;;\nVersandliste Lager;;;\n" + short
)

func openWith(t *testing.T, text string, o sheet.Options) (*sheet.Sheet, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "list.csv")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := sheet.Open(t.Context(), file, nil, o)
	if err == nil {
		t.Cleanup(func() { _ = s.Close() })
	}
	return s, err
}

// A header that was found by itself is found again by its names, wherever it stands in the next file.
func TestSavedPresetsFindTheHeaderAgain(t *testing.T) {
	for _, pair := range [][2]string{{short, long}, {long, short}} {
		s, err := openWith(t, pair[0], sheet.Options{Known: preset.KnownHeader})
		if err != nil {
			t.Fatal(err)
		}
		m := sheet.Mapping{Fields: []string{"tracking_number", "slug", "customer_name", ""}}
		saved, err := preset.Read(strings.NewReader(written(t, preset.Of("list", s, m, preset.Rules{}))), "list.yaml")
		if err != nil {
			t.Fatal(err)
		}
		o := saved.Reading.Options(sheet.Options{})
		again, err := openWith(t, pair[1], o)
		if err != nil || !slices.Equal(again.Header, s.Header) || again.HeaderLine == s.HeaderLine {
			t.Errorf("%v; %v", again, err)
		}
	}
}

// A line that was asked for stays asked for, and whose fault it is is said.
func TestSavedPresetsKeepTheLineThatWasAskedFor(t *testing.T) {
	s, err := openWith(t, long, sheet.Options{HeaderLine: 5})
	if err != nil {
		t.Fatal(err)
	}
	saved := preset.Of("list", s, sheet.Mapping{Fields: []string{"tracking_number", "slug", "", ""}}, preset.Rules{})
	for _, text := range []string{short, "Parcel;Bote;Kunde;Neu\n1;2;3;4\n", "a\n\n\n\n\nb\n"} {
		_, err := openWith(t, text, saved.Reading.Options(sheet.Options{}))
		if err == nil || !strings.Contains(err.Error(), "the preset list asks for line 5") {
			t.Errorf("%q: %v", text, err)
		}
	}
	if o := saved.Reading.Options(sheet.Options{HeaderLine: 3}); o.HeaderLine != 3 || o.HeaderLineOf != "" {
		t.Errorf("%+v", o)
	}
}
