package main

import (
	"fmt"
	"slices"
	"strings"
)

// cell is the text of a cell, and whether the source file writes it in quotes
// although it needs none.
type cell struct {
	text   string
	quoted bool
}

// style is how a row is written.
type style struct {
	delim, quote, escape, end string
}

// plain is the style of the source file.
var plain = style{delim: ",", quote: `"`, escape: `"`, end: "\r\n"}

// write writes a cell: in quotes where the source has them and wherever the
// style asks for it.
func (s style) write(c cell) string {
	if !c.quoted && !strings.ContainsAny(c.text, s.quote+"\r\n") && !strings.Contains(c.text, s.delim[:1]) {
		return c.text
	}
	text := c.text
	if s.escape == `\` {
		text = strings.ReplaceAll(text, `\`, `\\`)
	}
	return s.quote + strings.ReplaceAll(text, s.quote, s.escape+s.quote) + s.quote
}

func (s style) row(cells []cell) string {
	parts := make([]string, len(cells))
	for i, c := range cells {
		parts[i] = s.write(c)
	}
	return strings.Join(parts, s.delim) + s.end
}

func (s style) rows(rows [][]cell) string {
	var out strings.Builder
	for _, row := range rows {
		out.WriteString(s.row(row))
	}
	return out.String()
}

// texts is what a row says, however it is written.
func texts(row []cell) []string {
	out := make([]string, len(row))
	for i, c := range row {
		out[i] = c.text
	}
	return out
}

func allTexts(rows [][]cell) [][]string {
	out := make([][]string, len(rows))
	for i, row := range rows {
		out[i] = texts(row)
	}
	return out
}

// The size of the source table, as in Pollock.
const (
	sourceRows = 84 // with the header
	sourceCols = 9
)

var (
	goods  = []string{"Blue shirt, size M", "Desk lamp", "Women's wool socks", `Garden table, round 48"`, "Two books", `Kids' bike, 24"`, "Tea set, hand-painted", "Rain jacket"}
	places = []string{"Berlin", "Austin, Texas", "Osaka", "Sao Paulo", "Lyon", "Leeds"}
	wishes = []string{
		"Please leave the parcel with the neighbour, who is at home in the morning, and ring twice.",
		"It is a gift, so don't put the invoice into the box.",
		`The customer calls it the 8" version and wants it wrapped, if that is possible.`,
		"No wishes; the address is that of the office, second floor.",
		`Deliver to the yard\gate 3, between nine and twelve.`,
	}
)

// source makes the table that every case is made of: a header and rows of what
// shops write, with commas, quotes, apostrophes, a backslash and empty cells in them.
func source() [][]cell {
	header := []cell{{text: "Ship Date"}, {text: "Time"}, {text: "Quantity"}, {text: "Tracking Number"}, {text: "Price"},
		{text: "Title"}, {text: "Instructions", quoted: true}, {text: "URL", quoted: true}, {text: "Comments"}}
	rows := [][]cell{header}
	for i := 1; i < sourceRows; i++ {
		rows = append(rows, []cell{
			{text: fmt.Sprintf("%02d/%02d/2026", 1+i%28, 1+i/28)},
			{text: fmt.Sprintf("%02d:%02d", i/4, i%4*15)},
			{text: fmt.Sprint(i * 7 % 12)},
			{text: fmt.Sprintf("ZX-%d", 1000+i*97%9000)},
			{text: fmt.Sprintf("$%d.%02d", 2+i*13%90, i*29%100)},
			{text: goods[i%len(goods)]},
			{text: places[i%len(places)] + ": " + wishes[i%len(wishes)], quoted: true},
			{text: fmt.Sprintf("https://shop.example.com/orders/ZX_%d.html", 1000+i*97%9000), quoted: true},
			{text: ""},
		})
	}
	return rows
}

// with returns a copy of rows in which one row is another.
func with(rows [][]cell, i int, row []cell) [][]cell {
	rows = slices.Clone(rows)
	rows[i] = row
	return rows
}
