package sheet

import "strings"

// marker begins and ends the code in front of a cell that the reading of a workbook could not trust.
const marker = "\x00"

// NotUTF8 is the problem of a cell whose bytes mean no text in the sheet's encoding, or in none that is sure.
const NotUTF8 = "holds bytes that are not UTF-8"

// flaws says in words what the codes mean. The code "hidden" concerns the whole row and is not among them.
var flaws = map[string]Flaw{
	"digits": {Problem: "was damaged by a spreadsheet: its digits after the fifteenth are lost",
		Hint: "export the column as text, or format it as text before the numbers are entered"},
	"formula": {Problem: "is a formula without a value", Hint: "open the file in a spreadsheet program and save it, or paste the values instead of the formulas"},
	"merged":  {Problem: "is part of a merged cell, whose value stands in another row", Hint: "unmerge the cells and fill in each row"},
	"error":   {Problem: "holds an error of the spreadsheet instead of a value", Hint: "mend the formula, or paste the values instead of the formulas"},
}

// Flaws of text that is not as it should be.
var (
	flawEncoding = Flaw{Problem: NotUTF8, Hint: "save the file as \"CSV UTF-8\", or name its encoding"}
	flawNUL      = Flaw{Problem: "holds a NUL byte", Hint: "export the file again; this one was damaged or is not text"}
	flawUnknown  = Flaw{Problem: "can't be trusted", Hint: "look at the cell in a spreadsheet program"}
)

// flaw notes something wrong with a cell.
func (row *Row) flaw(i int, f Flaw) {
	f.Column = i + 1
	row.Flaws = append(row.Flaws, f)
}

// undamage shows bytes that are not UTF-8 as U+FFFD.
func (row *Row) undamage() {
	for i, cell := range row.Cells {
		if shown := valid(cell); shown != cell {
			row.Cells[i] = shown
			row.flaw(i, flawEncoding)
		}
	}
}

// unNUL shows NUL bytes as U+FFFD.
func (row *Row) unNUL() {
	for i, cell := range row.Cells {
		if strings.Contains(cell, "\x00") {
			row.Cells[i] = strings.ReplaceAll(cell, "\x00", "\uFFFD")
			row.flaw(i, flawNUL)
		}
	}
}

// unmarkAll takes the codes off cells of which only the text counts.
func unmarkAll(cells []string) {
	row := Row{Cells: cells}
	row.unmark(true)
}

// unmark turns the codes in front of cells into flaws, and that of a hidden row into the reason to skip it.
func (row *Row) unmark(hiddenToo bool) {
	for i := range row.Cells {
		for strings.HasPrefix(row.Cells[i], marker) {
			code, rest, ok := strings.Cut(row.Cells[i][len(marker):], marker)
			if !ok {
				break
			}
			row.Cells[i] = rest
			switch f, known := flaws[code]; {
			case code == "hidden" && hiddenToo:
			case code == "hidden":
				row.Skip = skipHidden
			case known:
				row.flaw(i, f)
			default:
				row.flaw(i, flawUnknown)
			}
		}
	}
	row.unNUL()
}
