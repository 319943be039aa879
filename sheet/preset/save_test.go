package preset_test

import (
	"bytes"
	"path/filepath"
	"reflect"
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
		HeaderLine: 3, HeaderLines: 2, Delimiter: '\t', Quote: sheet.NoQuote, Escape: '\\', Encoding: "windows-1252",
	}
	m := sheet.Mapping{Fields: []string{"tracking_number", "", "", "", "", "custom_fields.colour"}}
	p := preset.Of("My Export.yaml", sh, m, preset.Rules{Dates: "DD.MM.YYYY"})
	want := &preset.Preset{
		Name:    "my-export",
		Columns: map[string]string{"Tracking Number": "tracking_number", "Note": "-", "Colour": "custom_fields.colour"},
		Reading: preset.Reading{HeaderLine: 3, HeaderLines: 2, Delimiter: "tab", Quote: "none", Escape: `\`, Encoding: "windows-1252"},
		Rules:   preset.Rules{Preset: "my-export", Dates: "DD.MM.YYYY"},
	}
	if !reflect.DeepEqual(p, want) {
		t.Errorf("%+v\nwant\n%+v", p, want)
	}
	o := p.Reading.Options(sheet.Options{Encoding: "utf-8"})
	if o.Encoding != "utf-8" || o.Delimiter != '\t' || o.Quote != sheet.NoQuote || o.Escape != '\\' || o.HeaderLine != 3 || o.HeaderLines != 2 || o.Columns != nil {
		t.Errorf("%+v", o)
	}
	book := preset.Of("x", &sheet.Sheet{Format: "xlsx", SheetName: "Parcels", Header: []string{"a", "b"}, Delimiter: ','}, sheet.Mapping{Fields: []string{"slug", ""}}, preset.Rules{})
	if !reflect.DeepEqual(book.Reading, preset.Reading{Sheet: "Parcels", Columns: []string{"a", "b"}}) {
		t.Errorf("%+v", book.Reading)
	}
}
