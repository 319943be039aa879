package sheet

import (
	"cmp"
	"strings"
)

// Why a row is no data row.
const (
	skipHeader = "a repeated header"
	skipFooter = "a footer of the export"
	skipTotal  = "a line of totals"
	skipRule   = "a line that is drawn"
	skipHidden = "the row is hidden"
)

// skip says why a row is no data row, or nothing.
func (s *Sheet) skip(cells []string) string {
	for _, head := range s.heads {
		if repeats(cells, head) {
			return skipHeader
		}
	}
	switch {
	case ruled(cells):
		return skipRule
	case len(s.Header) < 3 || mostlyFilled(cells):
		return ""
	}
	return cmp.Or(footer(cells), footerLine(cells))
}

// repeats says that a row is a line of the header, whose cells are given as clean leaves them, apart from empty cells at its end.
func repeats(cells, head []string) bool {
	for i, cell := range cells {
		name := ""
		if i < len(head) {
			name = head[i]
		}
		if cell != name && clean(cell) != name {
			return false
		}
	}
	return len(head) > 0
}

// mostlyFilled says that more than half of a row's cells hold something. What stands below a table fills fewer.
func mostlyFilled(cells []string) bool {
	n := 0
	for _, cell := range cells {
		if cell != "" {
			n++
		}
	}
	return n*2 > len(cells)
}

// footer tells what exports write below their rows: the number of records and the seller (eBay), and totals.
func footer(cells []string) string {
	texts, numbers, text := 0, 0, ""
	for _, cell := range cells {
		switch kindOf(cell) {
		case kindEmpty:
		case kindNumber:
			numbers++
		default:
			if texts, text = texts+1, clean(cell); texts > 1 {
				return ""
			}
		}
	}
	if texts != 1 {
		return ""
	}
	name, _, colon := strings.Cut(strings.ToLower(text), ":")
	switch name = strings.TrimSpace(name); {
	case numbers < 2 && strings.HasSuffix(name, "record(s) downloaded"), numbers == 0 && colon && name == "seller id":
		return skipFooter
	case numbers > 0 && isTotal(name):
		return skipTotal
	}
	return ""
}

func isTotal(name string) bool {
	switch name {
	case "total", "totals", "grand total", "sum", "summe", "gesamt", "gesamtsumme", "totale", "totaal", "合計", "合计", "总计":
		return true
	}
	return false
}
