package inbox

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A sheet that lies beside incoming is pointed out once it stands still, and left alone. What is no sheet, or not
// meant for us, is not.
func TestStraysArePointedOut(t *testing.T) {
	f := newFolder(t)
	b := f.open(1)
	strays := []string{"monday.csv", "week.CSV.gz", "done/x.xlsx", "failed/mended.csv", "processing/x.csv"}
	others := []string{"README.txt", ".hidden.csv", "half.csv.part", "backup.zip", "done/2026-11-22/x.csv", "own.csv.error.txt"}
	for _, name := range append(strays, others...) {
		write(t, filepath.Join(f.dir, name), "a\n1\n")
	}
	noted := func() (names []string) {
		for _, dir := range []string{"", done, failed, processing} {
			found, err := filepath.Glob(filepath.Join(f.dir, dir, "*"+errorEnd))
			if err != nil {
				t.Fatal(err)
			}
			for _, path := range found {
				rel, _ := filepath.Rel(f.dir, path)
				names = append(names, filepath.ToSlash(rel))
			}
		}
		return names
	}
	f.look(b)
	if got := strings.Join(noted(), " "); got != "own.csv.error.txt" {
		t.Fatalf("pointed out at first sight: %s", got)
	}
	f.still(b)
	if got := strings.Join(noted(), " "); got != "monday.csv.error.txt own.csv.error.txt week.CSV.gz.error.txt done/x.xlsx.error.txt failed/mended.csv.error.txt processing/x.csv.error.txt" {
		t.Errorf("pointed out: %s", got)
	}
	want := noteHead + "error: only files in incoming are carried out, and this one lies outside of it\nTry: put it into incoming/OPERATION, which is one of create, mark-complete, retrack-expired, update\n"
	if got := f.read("monday.csv.error.txt"); got != want {
		t.Errorf("%q", got)
	}
	for _, name := range strays {
		if got := f.read(name); got != "a\n1\n" {
			t.Errorf("%s: %q", name, got)
		}
		if err := os.Remove(filepath.Join(f.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	f.look(b)
	if got := strings.Join(noted(), " "); got != "own.csv.error.txt" || len(f.jobs) != 0 {
		t.Errorf("left: %s, %d jobs", got, len(f.jobs))
	}
}
