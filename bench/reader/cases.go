package main

import (
	"slices"
	"strings"
)

// file is one case: a file as a reader gets it, and what stands in it.
type file struct {
	kind   string
	text   string
	header []string // nil where the file has none
	rows   [][]string
}

// cases makes a file of every kind that the Pollock benchmark names (VLDB 2023),
// from a table of our own: one for each pollution of a file, and one for each row, or
// each cell of each row, that a pollution can hit.
func cases() []file {
	return slices.Concat(tables(), dialects(), rows(), cells())
}

func newFile(kind, text string, rows [][]string) file {
	return file{kind: kind, text: text, header: rows[0], rows: rows[1:]}
}

// tables are the pollutions of a whole file that leave its dialect alone.
func tables() []file {
	t := source()
	text, clean := plain.rows(t), allTexts(t)
	files := []file{
		newFile("source", text, clean),
		newFile("no final newline", strings.TrimSuffix(text, plain.end), clean),
		newFile("double final newline", text+plain.end, clean),
		{kind: "no header", text: plain.rows(t[1:]), rows: clean[1:]},
		newFile("header only", plain.rows(t[:1]), clean[:1]),
		newFile("one row", plain.rows(t[:2]), clean[:2]),
		newFile("preamble", plain.row(preamble())+plain.row(make([]cell, sourceCols))+text, clean),
	}
	for n := 2; n <= 3; n++ {
		files = append(files, severalHeaders(t, n))
	}
	return append(files, second(t, -1), second(t, 0), second(t, 1))
}

func preamble() []cell {
	cells := make([]cell, sourceCols)
	cells[0].text = "Shipments of the last quarter"
	return cells
}

// severalHeaders puts lines above the header that say which part of a shipment
// the columns are about. A clean file has one name per column.
func severalHeaders(t [][]cell, n int) file {
	groups := []string{"Departure", "Departure", "Parcel", "Parcel", "Parcel", "Goods", "Goods", "Shop", "Shop"}
	var lines [][]cell
	names := texts(t[0])
	for level := n - 1; level > 0; level-- {
		line := make([]cell, sourceCols)
		for i := range line {
			line[i].text = groups[i]
			if level > 1 {
				line[i].text = "Shipment"
			}
		}
		lines = append(lines, line)
	}
	for _, line := range slices.Backward(lines) {
		for i := range names {
			names[i] = line[i].text + " " + names[i]
		}
	}
	return file{kind: "several header lines", text: plain.rows(lines) + plain.rows(t), header: names, rows: allTexts(t[1:])}
}

// second puts a second table below the first, with more or fewer columns.
func second(t [][]cell, more int) file {
	var below [][]cell
	for i, row := range t {
		row = slices.Clone(row)
		switch {
		case more < 0:
			row = row[:len(row)+more]
		case more > 0 && i == 0:
			row = append(row, cell{text: "Weight"})
		case more > 0:
			row = append(row, cell{text: "1.5 kg"})
		}
		below = append(below, row)
	}
	below[0][0].text = "Return Date"
	return newFile("second table", plain.rows(t)+plain.rows(below), append(allTexts(t), allTexts(below)...))
}

// dialects are files that are written in another dialect as a whole.
func dialects() []file {
	t := source()
	var files []file
	add := func(kind string, change func(*style)) {
		s := plain
		change(&s)
		files = append(files, newFile(kind, s.rows(t), allTexts(t)))
	}
	for _, delim := range []string{";", "\t", "|", " ", ", "} {
		add("field delimiter", func(s *style) { s.delim = delim })
	}
	add("quote", func(s *style) { s.quote, s.escape = "'", "'" })
	add("escape", func(s *style) { s.escape = `\` })
	add("escape", func(s *style) { s.escape = "" })
	add("line end", func(s *style) { s.end = "\n" })
	add("line end", func(s *style) { s.end = "\r" })
	return files
}

// rows are files in which one row is written in another style.
func rows() []file {
	t := source()
	var files []file
	for i := range t {
		add := func(kind string, s style) {
			text := plain.rows(t[:i]) + s.row(t[i]) + plain.rows(t[i+1:])
			files = append(files, newFile(kind, text, allTexts(t)))
		}
		semicolons, quotes, ends := plain, plain, plain
		semicolons.delim, quotes.quote, quotes.escape, ends.end = ";", "'", "'", "\n"
		add("row with semicolons", semicolons)
		add("row with another quote", quotes)
		add("row with another line end", ends)
		files = append(files, spaces(t, i))
	}
	return files
}

// spaces replaces a row's commas between cells by spaces, and changes nothing else.
func spaces(t [][]cell, i int) file {
	parts := make([]string, len(t[i]))
	for j, c := range t[i] {
		parts[j] = plain.write(c)
	}
	text := plain.rows(t[:i]) + strings.Join(parts, " ") + plain.end + plain.rows(t[i+1:])
	return newFile("row with spaces", text, allTexts(t))
}

// cells are files in which one delimiter or one quote is too few or too many.
func cells() []file {
	t := source()
	var files []file
	for i, row := range t {
		for j := range row {
			files = append(files, tooMany(t, i, j), stray(t, i, j))
			if j > 0 {
				files = append(files, tooFew(t, i, j))
			}
		}
	}
	return files
}

// polluted makes a file of a table in which one row is written as given.
func polluted(kind string, t [][]cell, i int, line string, clean []string) file {
	rows := allTexts(t)
	rows[i] = clean
	return newFile(kind, plain.rows(t[:i])+line+plain.end+plain.rows(t[i+1:]), rows)
}

// tooMany writes a delimiter too many before a cell.
func tooMany(t [][]cell, i, j int) file {
	row := slices.Insert(slices.Clone(t[i]), j, cell{})
	return polluted("delimiter too many", t, i, strings.TrimSuffix(plain.row(row), plain.end), texts(row))
}

// stray writes a quote before the text of a cell. It is part of the text then.
func stray(t [][]cell, i, j int) file {
	parts, clean := make([]string, len(t[i])), texts(t[i])
	for k, c := range t[i] {
		parts[k] = plain.write(c)
	}
	if inner, ok := strings.CutPrefix(parts[j], plain.quote); ok {
		parts[j] = plain.quote + plain.quote + inner
	} else {
		parts[j] = plain.quote + parts[j]
	}
	clean[j] = plain.quote + clean[j]
	return polluted("stray quote", t, i, strings.Join(parts, plain.delim), clean)
}

// tooFew leaves out the delimiter before a cell, which makes two cells one.
func tooFew(t [][]cell, i, j int) file {
	parts := make([]string, len(t[i]))
	for k, c := range t[i] {
		parts[k] = plain.write(c)
	}
	line := strings.Join(parts[:j], plain.delim) + strings.Join(parts[j:], plain.delim)
	clean := slices.Concat(texts(t[i][:j-1]), []string{glued(parts[j-1], parts[j], t[i][j-1].text, t[i][j].text)}, texts(t[i][j+1:]))
	return polluted("delimiter too few", t, i, line, clean)
}

// glued is what two cells without a delimiter between them say. By RFC 4180 two quotes
// that meet in quotes are one; a quote behind text that is in none is text; and what
// follows a closing quote belongs to the cell, as spreadsheet programs read it.
func glued(left, right, leftText, rightText string) string {
	inQuotes := func(s string) bool { return strings.HasPrefix(s, plain.quote) }
	switch {
	case inQuotes(left) && inQuotes(right):
		return leftText + plain.quote + rightText
	case left != "" && inQuotes(right):
		return left + right
	}
	return leftText + rightText
}
