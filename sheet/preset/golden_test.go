package preset_test

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"aftership-bulk/aftership"
	"aftership-bulk/sheet"
	"aftership-bulk/sheet/preset"
	"aftership-bulk/value"
)

const exports = "../../samples/exports"

// columns are all the fields that a sheet can hold, as the commands ask for them.
func columns() []sheet.Column {
	var all []sheet.Column
	for _, f := range slices.Concat(aftership.Fields(), aftership.CompletionFields()) {
		if f.Kind != aftership.KindMap {
			all = append(all, sheet.Column{Field: f.Name, Aliases: sheet.Aliases[f.Name]})
		}
	}
	return all
}

func known(name string) bool {
	_, ok := aftership.LookupField(name)
	return ok || preset.KnownHeader(name)
}

// open opens an export as the commands do: nothing given but, for some, the preset.
func open(t *testing.T, file, named string) (*sheet.Sheet, *preset.Preset) {
	t.Helper()
	options := sheet.Options{Known: known, EncodingHint: preset.EncodingHint}
	var p *preset.Preset
	if named != "" {
		var err error
		if p, err = preset.Named(named); err != nil {
			t.Fatal(err)
		}
		options = p.Reading.Options(options)
	}
	sh, err := sheet.Open(t.Context(), filepath.Join(exports, file), nil, options)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	t.Cleanup(func() { _ = sh.Close() })
	if p == nil {
		p, _ = preset.Recognise(sh.Header)
	}
	return sh, p
}

// read shows every row of an export as the fields that it has, or why it is left out.
func read(t *testing.T, sh *sheet.Sheet, p *preset.Preset) string {
	t.Helper()
	m, _, err := sheet.Map(sh.Header, columns(), p.Choices(sh.Header)...)
	if err != nil {
		return "error: " + err.Error()
	}
	var out strings.Builder
	rules := p.Rules.Reader(sh.Header)
	for row, err := range sh.Rows() {
		if err != nil {
			t.Fatal(err)
		}
		filled, skip := rules.Row(row.Cells)
		if skip = cmp.Or(row.Skip, skip); skip != "" {
			fmt.Fprintf(&out, "%d skipped: %s\n", row.Line, skip)
			continue
		}
		cells := slices.Clone(row.Cells)
		for _, f := range filled {
			cells[f.Column] = f.Value
		}
		fmt.Fprintf(&out, "%d %s\n", row.Line, fieldsOf(m, rules, cells))
	}
	return out.String()
}

func fieldsOf(m sheet.Mapping, rules *preset.Reader, cells []string) string {
	var fields []string
	for i, field := range m.Fields {
		if value := strings.TrimSpace(rules.Value(field, cells[i])); field != "" && value != "" {
			fields = append(fields, field+"="+value)
		}
	}
	return strings.Join(fields, " | ")
}

// golden is what an export must be read as.
type golden struct {
	file, named, preset string
	rows                string
}

// goldens reads testdata/golden.txt: a line "== FILE PRESET" for each export (with "named" behind it where the preset
// must be asked for), and below it its rows.
func goldens(t *testing.T) []golden {
	t.Helper()
	text, err := os.ReadFile("testdata/golden.txt")
	if err != nil {
		t.Fatal(err)
	}
	var all []golden
	for part := range strings.SplitSeq("\n"+string(text), "\n== ") {
		head, rows, _ := strings.Cut(part, "\n")
		words := strings.Fields(head)
		if len(words) < 2 {
			continue
		}
		g := golden{file: words[0], preset: words[1], rows: strings.TrimSpace(rows)}
		if len(words) > 2 {
			g.named = g.preset
		}
		all = append(all, g)
	}
	return all
}

func TestGolden(t *testing.T) {
	seen := map[string]bool{}
	for _, g := range goldens(t) {
		seen[g.file] = true
		sh, p := open(t, g.file, g.named)
		if p == nil || p.Name != g.preset {
			t.Errorf("%s is taken for %v, want %s; its header: %q", g.file, p, g.preset, sh.Header)
			continue
		}
		if got := strings.TrimSpace(read(t, sh, p)); got != g.rows {
			t.Errorf("%s as %s:\n%s\nwant\n%s", g.file, p.Name, got, g.rows)
		}
	}
	files, err := filepath.Glob(exports + "/*.*")
	if err != nil || len(files) < 25 {
		t.Fatal(len(files), err)
	}
	for _, file := range files {
		if name := filepath.Base(file); !seen[name] && !strings.HasPrefix(name, ".") {
			t.Errorf("testdata/golden.txt says nothing about %s", name)
		}
	}
}

// Every preset has an export of its own, and no other preset's signature fits it.
func TestEveryPresetHasAGoldenFileOfItsOwn(t *testing.T) {
	has := map[string]bool{}
	for _, g := range goldens(t) {
		has[g.preset] = true
		sh, _ := open(t, g.file, g.named)
		for _, p := range preset.All() {
			if p.Fits(sh.Header) != (p.Name == g.preset) {
				t.Errorf("%s: %s fits: %v", g.file, p.Name, p.Fits(sh.Header))
			}
		}
	}
	for _, p := range preset.All() {
		if !has[p.Name] {
			t.Errorf("%s has no golden file", p.Name)
		}
	}
}

// What a preset maps to are fields of the API.
func TestPresetsMapToFields(t *testing.T) {
	for _, p := range preset.All() {
		fields := []string{}
		for _, field := range p.Columns {
			fields = append(fields, field)
		}
		for field := range p.Rules.FirstOf {
			fields = append(fields, field)
		}
		for field := range p.Rules.Values {
			fields = append(fields, field)
		}
		for _, field := range fields {
			if _, ok := aftership.LookupField(field); !ok && field != sheet.NotSent {
				t.Errorf("%s: there is no field %q", p.Name, field)
			}
		}
	}
}

// An export without tracking numbers says what it is and what to export instead.
func TestNoTracking(t *testing.T) {
	for file, want := range map[string]string{
		"shopify-orders.csv":    "Shopify",
		"etsy-orders.csv":       "sold orders",
		"etsy-order-items.csv":  "sold order items",
		"amazon-unshipped.txt":  "Amazon's report of unshipped orders",
		"magento-shipments.csv": "Magento",
	} {
		_, p := open(t, file, "")
		if !strings.HasPrefix(p.NoTracking, "This is ") || !strings.Contains(p.NoTracking, want) || !strings.Contains(strings.ToLower(p.NoTracking), "import") {
			t.Errorf("%s: %q", file, p.NoTracking)
		}
	}
	if _, p := open(t, "shopify-orders-with-tracking.csv", ""); p.NoTracking != "" {
		t.Errorf("%q", p.NoTracking)
	}
}

// unclear are the exports of which some date can be read in two ways until its user says which.
var unclear = map[string]string{"woocommerce-ast.csv": "12/03/2020", "woocommerce-ast-note.csv": "12-03-2026"}

// TestGoldenValues reads the dates, countries and phones of every golden export by the preset's own rules.
func TestGoldenValues(t *testing.T) {
	for _, g := range goldens(t) {
		p, err := preset.Named(g.preset)
		if err != nil {
			t.Fatal(err)
		}
		form, err := value.ParseForm(p.Rules.Dates)
		if err != nil {
			t.Fatalf("%s: %v", p.Name, err)
		}
		for field, cell := range cellsOf(g) {
			if err := readable(field, cell, form); err != nil && unclear[g.file] != cell {
				t.Errorf("%s: %s %q: %v", g.file, field, cell, err)
			}
		}
		if want := unclear[g.file]; want != "" {
			if _, _, err := value.Date(want, form); err == nil || !strings.Contains(g.rows, want) {
				t.Errorf("%s: %s can be read in one way", g.file, want)
			}
		}
	}
}

// cellsOf yields the fields of a golden export's rows.
func cellsOf(g golden) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for line := range strings.Lines(g.rows) {
			_, row, _ := strings.Cut(strings.TrimSpace(line), " ")
			for part := range strings.SplitSeq(row, " | ") {
				if field, cell, ok := strings.Cut(part, "="); ok && !yield(field, sheet.Unguard(cell)) {
					return
				}
			}
		}
	}
}

func readable(field, cell string, form value.Form) error {
	f, _ := aftership.LookupField(field)
	var err error
	switch f.Kind {
	case aftership.KindDate:
		_, _, err = value.Date(cell, form)
	case aftership.KindDatetime:
		_, _, err = value.Datetime(cell, form, nil)
	case aftership.KindCountry:
		_, err = value.Country(cell)
	case aftership.KindPhone:
		for _, number := range value.List(cell) {
			_, one := value.Phone(number, "")
			err = errors.Join(err, one)
		}
	case aftership.KindNumber:
		_, err = value.Number(cell)
	}
	return err
}
