package workbook

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/xuri/excelize/v2"
)

// calculator computes formulas that were stored without a value, as programs write them that are no spreadsheets. Only what
// needs nothing but cells of its own row is computed, in an empty workbook with just these: a formula of a hostile file
// could ask for the whole sheet, or for more text than there is memory.
type calculator struct{ file *excelize.File }

// functions are those that give no more text than they are given.
var functions = []string{
	"CONCATENATE", "CONCAT", "TEXT", "LEFT", "RIGHT", "MID", "TRIM", "UPPER", "LOWER", "PROPER", "CLEAN", "T", "N", "VALUE", "LEN",
	"IF", "IFERROR", "AND", "OR", "NOT", "EXACT", "ROUND", "INT", "ABS", "TRUE", "FALSE",
}

var (
	quotedText = regexp.MustCompile(`"(?:[^"]|"")*"`)
	call       = regexp.MustCompile(`([A-Za-z_.][A-Za-z0-9_.]*)\s*\(`)
	reference  = regexp.MustCompile(`\$?\b([A-Za-z]{1,3})\$?([0-9]{1,7})\b`)
	word       = regexp.MustCompile(`[A-Za-z_\\][A-Za-z0-9_.]*`)
)

const (
	longestFormula = 1000
	longestInput   = 1000
)

// compute returns the value of a cell's formula, if it can be known.
func (b *sheetReader) compute(c *cell) (text string, ok bool) {
	formula, columns, ok := rewrite(c.formula, b.row.number)
	if !ok {
		return "", false
	}
	defer func() { // the library's own trouble with a formula is no reason to end the program
		if recover() != nil {
			text, ok = "", false
		}
	}()
	if b.calc.file == nil {
		b.calc.file = excelize.NewFile()
	}
	for _, column := range columns {
		if !b.provide(column) {
			return "", false
		}
	}
	return b.calc.run(formula)
}

// rewrite moves a formula to row 1 and lists the columns that it needs. It reports false if it needs anything else.
func rewrite(formula string, number int) (moved string, columns []string, ok bool) {
	bare := quotedText.ReplaceAllString(formula, `""`)
	if formula == "" || len(formula) > longestFormula || strings.ContainsAny(bare, ":![]{}'@#") {
		return "", nil, false
	}
	for _, found := range call.FindAllStringSubmatch(bare, -1) {
		if !slices.Contains(functions, strings.ToUpper(strings.TrimPrefix(found[1], "_xlfn."))) {
			return "", nil, false
		}
	}
	for _, found := range reference.FindAllStringSubmatch(bare, -1) {
		if found[2] != strconv.Itoa(number) {
			return "", nil, false
		}
		columns = append(columns, strings.ToUpper(found[1]))
	}
	rest := call.ReplaceAllString(reference.ReplaceAllString(bare, "0"), "(")
	for _, name := range word.FindAllString(rest, -1) { // a defined name
		if !strings.EqualFold(name, "TRUE") && !strings.EqualFold(name, "FALSE") {
			return "", nil, false
		}
	}
	return outsideQuotes(formula, func(s string) string { return reference.ReplaceAllString(s, "${1}1") }), columns, true
}

// outsideQuotes changes what is no quoted text of a formula.
func outsideQuotes(formula string, change func(string) string) string {
	var b strings.Builder
	at := 0
	for _, found := range quotedText.FindAllStringIndex(formula, -1) {
		b.WriteString(change(formula[at:found[0]]))
		b.WriteString(formula[found[0]:found[1]])
		at = found[1]
	}
	b.WriteString(change(formula[at:]))
	return b.String()
}

// provide puts a cell of the current row where the formula finds it.
func (b *sheetReader) provide(column string) bool {
	number, err := excelize.ColumnNameToNumber(column)
	if err != nil {
		return false
	}
	i := slices.IndexFunc(b.row.cells, func(c cell) bool { return c.column == number })
	if i < 0 {
		return b.calc.file.SetCellValue("Sheet1", column+"1", nil) == nil
	}
	c := &b.row.cells[i]
	if c.uncomputed() || len(c.value) > longestInput {
		return false
	}
	if c.kind == "" || c.kind == "n" {
		value, err := strconv.ParseFloat(strings.TrimSpace(c.value), 64)
		if c.value == "" {
			return b.calc.file.SetCellValue("Sheet1", column+"1", nil) == nil
		}
		_, exact, ok := digits(strings.TrimSpace(c.value))
		exact = exact && math.Abs(value) < 1e15 // excelize computes with the number, not with the digits
		return err == nil && exact && ok && b.calc.file.SetCellFloat("Sheet1", column+"1", value, -1, 64) == nil
	}
	text, code, err := b.read(c)
	if err != nil || code != "" || len(text) > longestInput {
		return false
	}
	if c.kind == "b" {
		return b.calc.file.SetCellBool("Sheet1", column+"1", text == "TRUE") == nil
	}
	return b.calc.file.SetCellStr("Sheet1", column+"1", text) == nil
}

func (c *calculator) run(formula string) (string, bool) {
	const at = "A2"
	if err := c.file.SetCellFormula("Sheet1", at, formula); err != nil {
		return "", false
	}
	text, err := c.file.CalcCellValue("Sheet1", at, excelize.Options{RawCellValue: true})
	return text, err == nil && !strings.HasPrefix(text, "#")
}
