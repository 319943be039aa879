package workbook

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/xuri/excelize/v2"
)

// cell is a cell as it stands in the file.
type cell struct {
	column     int // from 1
	kind       string
	style      int
	value      string
	hasValue   bool
	formula    string
	hasFormula bool
}

// row is a row of cells, in their order.
type row struct {
	number int
	hidden bool
	cells  []cell
}

// sheetReader turns the rows of a sheet into records.
type sheetReader struct {
	*book
	*tokens
	out    *writer
	merges []merge         // that begin below the current row
	open   map[int]carried // by column
	row    row
	texts  []string // of the record
}

// carried is the value of a merged cell that reaches into the next rows.
type carried struct {
	text string
	to   int
}

// readSheet writes the rows of a sheet.
func (b *book) readSheet(sheet sheetPart, merges []merge, out *writer) error {
	src, err := b.stream(sheet.part)
	if err != nil {
		return err
	}
	defer src.Close()
	r := &sheetReader{book: b, tokens: newTokens(src), out: out, merges: merges, open: map[int]carried{}}
	for {
		element, end, err := r.next()
		switch {
		case errors.Is(err, io.EOF), err == nil && end && element == "sheetData":
			return nil
		case err != nil:
			return readError(err)
		case end:
			continue
		}
		if element != "row" {
			continue
		}
		if err := r.beginRow(); err != nil {
			return err
		}
		if err := r.readRow(); err != nil {
			return err
		}
	}
}

func (r *sheetReader) beginRow() error {
	number := r.row.number + 1
	if given := r.attr("r"); given != "" {
		n, err := strconv.Atoi(given)
		if err != nil || n < number || n > excelize.TotalRows {
			return fmt.Errorf("is damaged: row %q comes after row %d", given, r.row.number)
		}
		number = n
	}
	hidden := r.attr("hidden")
	r.row = row{number: number, hidden: hidden == "1" || hidden == "true", cells: r.row.cells[:0]}
	return nil
}

// readRow reads the cells up to the end of the row and writes the record.
func (r *sheetReader) readRow() error {
	for {
		element, end, err := r.next()
		switch {
		case err != nil:
			return readError(unfinished(err))
		case end && element == "row":
			return r.writeRow()
		case !end && element == "c":
			if err := r.readCell(); err != nil {
				return err
			}
		}
	}
}

// readCell reads a cell up to its end.
func (r *sheetReader) readCell() error {
	c := cell{column: 1, kind: r.attr("t")}
	if n := len(r.row.cells); n > 0 {
		c.column = r.row.cells[n-1].column + 1
	}
	if name := r.attr("r"); name != "" {
		column, _, err := excelize.CellNameToCoordinates(name)
		if err != nil || column < c.column {
			return fmt.Errorf("is damaged: cell %q is out of place in row %d", name, r.row.number)
		}
		c.column = column
	}
	if c.column > excelize.MaxColumns {
		return fmt.Errorf("has more than %d columns in row %d", excelize.MaxColumns, r.row.number)
	}
	c.style, _ = strconv.Atoi(r.attr("s"))
	for {
		element, end, err := r.next()
		if err != nil {
			return readError(unfinished(err))
		}
		switch {
		case end && element == "c":
			r.row.cells = append(r.row.cells, c)
			return nil
		case end:
		case element == "v":
			c.hasValue = true
			c.value, err = r.content("v")
		case element == "f":
			c.hasFormula = true
			c.formula, err = r.content("f")
		case element == "is":
			c.hasValue = true
			c.value, err = r.richText("is")
		}
		if err != nil {
			return readError(err)
		}
	}
}

// writeRow makes the texts of the cells and writes them.
func (r *sheetReader) writeRow() error {
	r.texts = r.texts[:0]
	for i := range r.row.cells {
		text, code, err := r.read(&r.row.cells[i])
		if err != nil {
			return err
		}
		if code != "" {
			text = Mark + code + Mark + text
		}
		if text != "" {
			r.put(r.row.cells[i].column, text)
		}
	}
	r.carry()
	if r.row.hidden && len(r.texts) > 0 {
		r.texts[0] = Mark + Hidden + Mark + r.texts[0]
	}
	return r.out.write(r.row.number, r.texts)
}

func (r *sheetReader) put(column int, text string) {
	for len(r.texts) < column {
		r.texts = append(r.texts, "")
	}
	r.texts[column-1] = text
}

// carry gives the value of cells that are merged downwards to the row, as a person sees it. A row of nothing else stays blank.
func (r *sheetReader) carry() {
	blank := len(r.texts) == 0
	for column, c := range r.open {
		switch {
		case c.to < r.row.number:
			delete(r.open, column)
		case !blank && c.text != "":
			r.put(column, c.text)
		}
	}
	for len(r.merges) > 0 && r.merges[0].from <= r.row.number {
		m := r.merges[0]
		r.merges = r.merges[1:]
		if m.from == r.row.number && m.column <= len(r.texts) {
			r.open[m.column] = carried{r.texts[m.column-1], m.to}
		}
	}
}

// read returns what a cell means, and the code of what is wrong with it.
func (b *sheetReader) read(c *cell) (text, code string, err error) {
	if c.uncomputed() {
		text, ok := b.compute(c)
		if !ok {
			return "=" + shorten(c.formula), Formula, nil
		}
		return text, "", nil
	}
	switch c.kind {
	case "s":
		i, err := strconv.Atoi(strings.TrimSpace(c.value))
		if err != nil {
			return c.value, brokenIf(c.hasValue), nil
		}
		text, ok, err := b.strings.get(i)
		return text, brokenIf(!ok), err
	case "str":
		return unescape(c.value), "", nil
	case "inlineStr", "d":
		return c.value, "", nil
	case "b":
		return boolean(c.value)
	case "e":
		return c.value, Error, nil
	}
	raw := strings.TrimSpace(c.value)
	if raw == "" {
		return "", "", nil
	}
	text, code = b.number(raw, c.style)
	return text, code, nil
}

// uncomputed says that a formula was stored without its value. The empty text is one.
func (c *cell) uncomputed() bool {
	return c.hasFormula && (!c.hasValue || c.value == "" && c.kind != "str")
}

func brokenIf(broken bool) string {
	if broken {
		return Broken
	}
	return ""
}

func boolean(value string) (text, code string, err error) {
	switch strings.ToLower(strings.TrimSpace(value)) {
	case "1", "true":
		return "TRUE", "", nil
	case "0", "false":
		return "FALSE", "", nil
	case "":
		return "", "", nil
	}
	return value, Broken, nil
}

// shorten keeps a formula fit to be shown.
func shorten(formula string) string {
	const most = 200
	if runes := []rune(formula); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return formula
}
