package sheet

import (
	"strings"
	"testing"
)

// What a spreadsheet program writes anew when it opens and saves it, in some language.
var spoiledCells = []string{
	"940011120621364217", "123456789012", "9999999999999999", "00123", "00", "007", " 1", "1 ", "\u00a01",
	"12E45678", "1E5", "1e+20", "1.5e-3", "9.40011E+17", "3-4", "1/2", "MAR1", "mar 1", "1-Mar", "Mar-24", "SEPT2", "3. Mai", "1 déc 2024", "31 mrt",
	"2024-05-31", "31.12.2024", "5/31/2024", "2024-05-31 10:30", "2024-05-31T10:30", "10:30", "10:30:15 PM", "5 p", "4821-1", "12345-",
	"12.50", "1,5", "1.234,56", "1,234", "12 345", "1'000", ".5", "1.", "50%", "$5", "5 €", "(5)", "１２３", "true", "TRUE", "False",
}

// What every program leaves alone.
var keptCells = []string{
	"", "0", "1", "42", "10001", "99999999999", "1Z999AA10123456784", "1Z999", "ups", "#1001", "5\" box", "2 m", "12h", "a,b", "e", "1e", "E5",
	"May", "March", "Mark 5", "Decker 12", "12 Main", "Sep", "t", "am", "123-4567890-1234567", "030-1234567", "12345-6789", "R2-D2",
	"123; 456", "1|2", "2026-11-22T12:00:00Z", "65f0a1b2", "'t Hooft", "x@y.example", "http://a/1", "...", "no", "wahr",
}

func TestGuardNumbers(t *testing.T) {
	for _, cell := range spoiledCells {
		if got := GuardNumbers(cell); got != "'"+cell {
			t.Errorf("%q would be spoiled and becomes %q", cell, got)
		}
		if got := Guard(cell); got != cell {
			t.Errorf("%q is no formula and becomes %q", cell, got)
		}
	}
	for _, cell := range keptCells {
		if got := GuardNumbers(cell); got != cell {
			t.Errorf("%q needs no guard and becomes %q", cell, got)
		}
	}
	for _, cell := range []string{"=1+1", "-5", "+49 30", "@x", "\tx", "＝1", "'0012", "''", "'=x", "'MAR1"} {
		if got := GuardNumbers(cell); got != "'"+cell {
			t.Errorf("%q becomes %q", cell, got)
		}
	}
}

func TestGuardNothingKeepsTextApart(t *testing.T) {
	for cell, want := range map[string]string{"=1": "=1", "00123": "00123", "'00123": "''00123", "'=1": "''=1", "'t Hooft": "'t Hooft", "'": "'", "": ""} {
		if got := GuardNothing(cell); got != want {
			t.Errorf("%q becomes %q, want %q", cell, got, want)
		}
	}
}

// FuzzGuards is the law of the guards: what one puts on, Unguard takes off, for every string.
func FuzzGuards(f *testing.F) {
	for _, cell := range append(append([]string{"'", "''", "'\xff", "\xff1", "=1", "'-", "1\xff"}, spoiledCells...), keptCells...) {
		f.Add(cell)
		f.Add("'" + cell)
	}
	f.Fuzz(func(t *testing.T, cell string) {
		for name, guard := range map[string]func(string) string{"Guard": Guard, "GuardNumbers": GuardNumbers, "GuardNothing": GuardNothing} {
			guarded := guard(cell)
			if got := Unguard(guarded); got != cell {
				t.Errorf("%s(%q) = %q, and back %q", name, cell, guarded, got)
			}
		}
		if got := Guard(cell); got != "" && strings.Contains("=+-@\t\r\n", got[:1]) {
			t.Errorf("Guard(%q) = %q begins like a formula", cell, got)
		}
		if got := GuardNumbers(cell); got != "" && (risky(got) || spoiled(got)) {
			t.Errorf("GuardNumbers(%q) = %q can still be spoiled", cell, got)
		}
	})
}

func BenchmarkGuardNumbers(b *testing.B) {
	cells := []string{"1Z999AA10000000001", "ups", "Blue shirt, size M", "ORDER-00000001", "anna.example@example.com", "DEU", "10115", "940011120621364217", "2024-05-31", "Leave at door 5"}
	for b.Loop() {
		for _, cell := range cells {
			GuardNumbers(cell)
		}
	}
}
