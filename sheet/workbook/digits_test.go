package workbook

import "testing"

// Sixteen digits and more in a numeric cell are believed only where no program
// that rounds can have written them.
func TestLongNumbersInNumericCells(t *testing.T) {
	for raw, exact := range map[string]bool{
		"123456789012345":        true,  // fifteen
		"940011120621364217":     true,  // an exporter's own digits: no binary number is odd up there
		"9400111206213642173009": true,  // the same
		"940011120621364224":     false, // the binary number next to it, in full
		"940011120621364200":     false, // the shortest digits that mean it, as JavaScript writes it
		"940011120621364000":     false, // fifteen digits, as Excel keeps
		"940011120621364220":     false, // seventeen
		"9007199254740993":       true,  // 2^53 + 1
		"9007199254740992":       false,
		"9.4001112062136422E+17": false,
		"1.2E+21":                false,
	} {
		if plain, got, ok := digits(raw); got != exact || !ok || exact && plain != raw {
			t.Errorf("%s: %s, exact %v, ok %v; want exact %v", raw, plain, got, ok, exact)
		}
	}
}
