package command

import (
	"bytes"
	"encoding/csv"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
)

// runs starts the command with settings of its own.
func runs(t *testing.T, args ...string) (code int, stdout, stderr []byte) {
	t.Helper()
	var out, errs bytes.Buffer
	code = Run(t.Context(), args, []string{"HOME=" + t.TempDir()}, strings.NewReader(""), &out, &errs)
	return code, out.Bytes(), errs.Bytes()
}

// A form has the columns and the example of the plain template, as text; its header says what they mean, and closed sets are lists.
func TestForms(t *testing.T) {
	for op, want := range map[string]struct {
		lists    []string
		required []string
	}{
		"create":          {[]string{"delivery_type"}, []string{"tracking_number"}},
		"update":          {[]string{"delivery_type"}, []string{"tracking_number", "slug"}},
		"mark-complete":   {[]string{"reason"}, []string{"tracking_number", "slug", "reason"}},
		"retrack-expired": {nil, []string{"tracking_number", "slug"}},
	} {
		code, plain, errs := runs(t, "template", op)
		codeForm, form, errsForm := runs(t, "template", op, "--xlsx")
		if code != 0 || codeForm != 0 {
			t.Fatalf("%s: %d %s, %d %s", op, code, errs, codeForm, errsForm)
		}
		rows, err := csv.NewReader(bytes.NewReader(plain)).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		f, err := excelize.OpenReader(bytes.NewReader(form))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		got, err := f.GetRows(op)
		if err != nil {
			t.Fatal(err)
		}
		got[1] = append(got[1], make([]string, len(got[0])-len(got[1]))...)
		if !slices.EqualFunc(rows, got, slices.Equal) {
			t.Errorf("%s: the form holds %q, the plain template %q", op, got, rows)
		}
		checkForm(t, f, op, rows[0], want.lists, want.required)
	}
}

func checkForm(t *testing.T, f *excelize.File, op string, header, lists, required []string) {
	t.Helper()
	column := func(cell string) string {
		n, _, err := excelize.CellNameToCoordinates(strings.Split(cell, ":")[0])
		if err != nil {
			t.Fatal(err)
		}
		return header[n-1]
	}
	found, err := f.GetDataValidations(op)
	if err != nil {
		t.Fatal(err)
	}
	var listed []string
	for _, list := range found {
		listed = append(listed, column(list.Sqref))
	}
	for _, name := range lists {
		if !slices.Contains(listed, name) {
			t.Errorf("%s: %s has no list, only %q", op, name, listed)
		}
	}
	notes, err := f.GetComments(op)
	if err != nil || len(notes) != len(header)+1 {
		t.Fatalf("%s: %d notes for %d columns (%v)", op, len(notes), len(header), err)
	}
	var needed []string
	for _, note := range notes {
		if strings.HasSuffix(note.Cell, "1") && !strings.HasSuffix(note.Cell, "11") && strings.Contains(note.Text, "Required") {
			needed = append(needed, column(note.Cell))
		}
	}
	if !slices.Equal(needed, required) {
		t.Errorf("%s: required are %q, want %q", op, needed, required)
	}
}

func TestTemplateFiles(t *testing.T) {
	dir := t.TempDir()
	for _, args := range [][]string{{"-o", "a.xlsx"}, {"--xlsx", "-o", "b.xlsx"}, {"-o", "c.csv"}} {
		path := filepath.Join(dir, args[len(args)-1])
		args[len(args)-1] = path
		code, out, errs := runs(t, append([]string{"template", "create"}, args...)...)
		content, err := os.ReadFile(path)
		if code != 0 || len(out) > 0 || err != nil || bytes.HasPrefix(content, []byte("PK")) != strings.HasSuffix(path, ".xlsx") {
			t.Errorf("%s: code %d, %q, %v", args, code, errs, err)
		}
		if err := os.WriteFile(path, []byte("filled in"), 0o600); err != nil {
			t.Fatal(err)
		}
		code, _, errs = runs(t, append([]string{"template", "create"}, args...)...)
		if content, _ := os.ReadFile(path); code != 2 || string(content) != "filled in" || !strings.Contains(string(errs), "is there already") {
			t.Errorf("a template that was filled in was written over: code %d, %s", code, errs)
		}
	}
	if code, _, errs := runs(t, "template", "create", "--xlsx", "-o", filepath.Join(dir, "x.csv")); code != 2 || !strings.Contains(string(errs), ".xlsx") {
		t.Errorf("a workbook named .csv: code %d, %s", code, errs)
	}
	if code, _, _ := runs(t, "template", "create", "-o", filepath.Join(dir, "missing", "x.csv")); code != 2 {
		t.Errorf("a directory that is not there: code %d", code)
	}
}
