package e2e

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aftership-bulk/batch"
	"aftership-bulk/report"
	"aftership-bulk/sheet"
)

// office is LibreOffice with a profile of its own.
type office struct{ program, profile string }

func newOffice(t *testing.T) office {
	t.Helper()
	program, err := exec.LookPath("soffice")
	if err != nil {
		t.Fatal(`LibreOffice (soffice) is not installed, and this test opens and saves reports with it: install it
  Debian, Ubuntu:  apt-get install --no-install-recommends libreoffice-calc-nogui
  Fedora:          dnf install libreoffice-calc
  macOS:           brew install --cask libreoffice`)
	}
	return office{program, filepath.ToSlash(t.TempDir())}
}

// plainNumbers is what LibreOffice proposes for a CSV file: commas, double quotes, UTF-8, plain numbers alone.
const plainNumbers = "44,34,76,1"

// csvOf is how LibreOffice reads and writes CSV: commas, double quotes, UTF-8, from line 1, the language of numbers, quoted cells not
// for text alone, numbers of every kind or plain ones alone; when writing, cells as they are shown.
func csvOf(language int, everyKind bool) string {
	return fmt.Sprintf("44,34,76,1,,%d,false,%v", language, everyKind)
}

// save opens a file and saves it as another format, as a person would. It returns the new file.
func (o office) save(t *testing.T, path, ending, options string) string {
	t.Helper()
	dir := t.TempDir()
	to := ending
	if ending == "csv" {
		to = "csv:Text - txt - csv (StarCalc):" + csvOf(0, true)
	}
	args := []string{"-env:UserInstallation=file://" + o.profile, "--headless", "--norestore"}
	if options != "" {
		args = append(args, "--infilter=CSV:"+options)
	}
	out, err := exec.CommandContext(t.Context(), o.program, append(args, "--convert-to", to, "--outdir", dir, path)...).CombinedOutput()
	name := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	saved := filepath.Join(dir, name+"."+ending)
	if _, statErr := os.Stat(saved); err != nil || statErr != nil {
		t.Fatalf("LibreOffice did not save %s as %s: %v\n%s", path, ending, err, out)
	}
	return saved
}

// pieces are what cells that spreadsheet programs misread are made of.
var pieces = []string{"0", "1", "12", "05", "2024", "31", "123456789012345", "E", "e+", "-", "/", ".", ",", ":", " ", "%", "$", "€", "(", ")", "+", "'",
	"Mar", "dec", "Mai", "Fri", "AM", "T", "Z", "TRUE", "x", "#", "=", "@", "\n", "\"", ";", "½", "²", "\u00a0", "１", "d", "h", "_", "&", "*", "!", "?", "°", "|"}

// nastyCells are cells of every kind that opening and saving could harm.
func nastyCells() []string {
	cells := []string{
		"940011120621364217", "1Z999AA10123456784", "00123", "007", "123456789012", "999999999999999", "9999999999999999", "12E45678", "1E5", "1e-3",
		"3-4", "1/2", "MAR1", "1-Mar", "Sept 5", "2024-05-31", "31.12.2024", "10:30", "2026-11-22T12:00:00Z", "2026-11-22T12:00:00", "true", "FALSE",
		"12.50", "1,5", "50%", "$5", "5 €", "(5)", "1'000", "+49 30 1234", "-5", "=1+1", "@cmd", "'00123", "''x", "'t Hooft", "'", " space ",
		"#1001", "#N/A", "5\" box", "a,b;c|d", "two\nlines", "注文番号", "１２３", "0x1F", "1_000", "INF", "NaN", "1.", ".5", "0.0", "-0", "42", "=\"00123\"",
		"_x0041_", "<b>&amp;", "http://a.example/?b=1", "a@b.example", "123-4567890-1234567", "12345-", "1 1/2", "Fri 5 Mar", "5 Mar 2024",
	}
	rng := rand.New(rand.NewPCG(3, 5))
	for range 3000 {
		var cell strings.Builder
		for range 1 + rng.IntN(5) {
			cell.WriteString(pieces[rng.IntN(len(pieces))])
		}
		cells = append(cells, cell.String())
	}
	return cells
}

func itemsOf(cells []string) iter.Seq2[batch.Item, error] {
	return func(yield func(batch.Item, error) bool) {
		for i, cell := range cells {
			res := batch.Result{Outcome: batch.Created, TrackingID: trackingID, Slug: "ups", Attempts: 1, At: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}
			if !yield(batch.Item{Job: i, Entry: batch.Entry{Row: i, Line: i + 2, Cells: []string{fmt.Sprintf("r%d", i), cell}}, Result: res}, nil) {
				return
			}
		}
	}
}

// numberHeader and trackingID could be harmed, too.
const (
	numberHeader = "00123"
	trackingID   = "65012345678901234567890123456789"
)

// reportOf writes a report of the cells.
func reportOf(t *testing.T, cells []string, name string, o report.Options) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	info := report.Info{Header: []string{"row", numberHeader}}
	if _, err := report.ToFile(t.Context(), path, info, itemsOf(cells), o); err != nil {
		t.Fatal(err)
	}
	return path
}

// harmed reads a saved report with our own reader and returns the cells that are not what they were.
func harmed(t *testing.T, path string, cells []string) (changed []string) {
	t.Helper()
	s, err := sheet.Open(t.Context(), path, nil, sheet.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if !s.Report {
		t.Fatalf("not a report: %q", s.Header)
	}
	if s.Header[1] != numberHeader {
		changed = append(changed, fmt.Sprintf("the header %q became %q", numberHeader, s.Header[1]))
	}
	n := 0
	for row, err := range s.Rows() {
		if err != nil || n >= len(cells) || row.Cells[0] != fmt.Sprintf("r%d", n) {
			t.Fatalf("row %d: %q, %v", n, row.Cells, err)
		}
		if got := row.Cells[1]; got != cells[n] {
			changed = append(changed, fmt.Sprintf("%q became %q", cells[n], got))
		}
		if id := s.Cell(row, "aftership_tracking_id"); id != trackingID && n == 0 {
			changed = append(changed, fmt.Sprintf("the id %q became %q", trackingID, id))
		}
		n++
	}
	if n != len(cells) {
		t.Fatalf("%d rows of %d", n, len(cells))
	}
	return changed
}

// TestReportsSurviveLibreOffice opens and saves reports as people do. Our own reader must find every cell as it was.
func TestReportsSurviveLibreOffice(t *testing.T) {
	t.Parallel()
	o, cells := newOffice(t), nastyCells()
	csv, xlsx := reportOf(t, cells, "report.csv", report.Options{}), reportOf(t, cells, "report.xlsx", report.Options{})
	const english, german, french = 1033, 1031, 1036
	for _, way := range []struct {
		name, path, through, options string
	}{
		{"CSV opened with what LibreOffice proposes", csv, "xlsx", plainNumbers},
		{"CSV with numbers of every kind, in English", csv, "ods", csvOf(english, true)},
		{"CSV with numbers of every kind, in German", csv, "ods", csvOf(german, true)},
		{"CSV with numbers of every kind, in French", csv, "xlsx", csvOf(french, true)},
		{"workbook", xlsx, "xlsx", ""},
		{"workbook as OpenDocument", xlsx, "ods", ""},
	} {
		t.Run(way.name, func(t *testing.T) {
			saved := []string{o.save(t, way.path, way.through, way.options)}
			saved = append(saved, o.save(t, saved[0], "csv", ""))
			if way.through == "ods" {
				saved[0] = o.save(t, saved[0], "xlsx", "")
			}
			for _, path := range saved {
				if changed := harmed(t, path, cells); len(changed) > 0 {
					t.Errorf("%s: %d of %d cells were harmed: %s", filepath.Ext(path), len(changed), len(cells), strings.Join(changed[:min(len(changed), 40)], "; "))
				}
			}
		})
	}
}

// TestLibreOfficeHarmsWhatIsNotGuarded makes sure that the test above could fail.
func TestLibreOfficeHarmsWhatIsNotGuarded(t *testing.T) {
	t.Parallel()
	o, cells := newOffice(t), []string{"940011120621364217", "00123", "12.50", "1Z999AA10123456784"}
	path := reportOf(t, cells, "report.csv", report.Options{Guard: report.GuardOff})
	if changed := harmed(t, o.save(t, o.save(t, path, "xlsx", plainNumbers), "csv", ""), cells); len(changed) != 5 {
		t.Errorf("LibreOffice harmed %q, want the header, the id and the first three cells", changed)
	}
}

// TestFormsInLibreOffice opens the templates: header and example are what the plain templates say.
func TestFormsInLibreOffice(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	for _, operation := range []string{"create", "update", "mark-complete", "retrack-expired"} {
		plain, err := exec.CommandContext(t.Context(), filepath.Join(bin, "enqueue"), "template", operation).Output()
		if err != nil {
			t.Fatal(err)
		}
		form := filepath.Join(t.TempDir(), "form.xlsx")
		if out, err := exec.CommandContext(t.Context(), filepath.Join(bin, "enqueue"), "template", operation, "--xlsx", "-o", form).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		saved, err := os.ReadFile(o.save(t, form, "csv", ""))
		if err != nil {
			t.Fatal(err)
		}
		if string(saved) != string(plain) {
			t.Errorf("%s: saved %q, the template is %q", operation, saved, plain)
		}
	}
}
