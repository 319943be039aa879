// Package workbook reads a sheet of an Excel workbook (.xlsx) as rows of text, cell by cell as a person means it: digits as
// they stand in the file and not as they are shown, leading zeros where the format has them, dates in ISO form. What can't
// be trusted is marked and never guessed.
//
// excelize reads what a workbook says about itself (its sheets, styles and formats) and computes formulas. The two parts
// that grow with the rows, the sheet and its strings, are streamed here: excelize's rows come either formatted or raw,
// without the type and style that tell text from numbers, and what it would look these up in holds the whole sheet in memory.
//
// # What becomes of a cell
//
// Text stays as it is. A number is written out plainly; one whose format pads it with zeros, as the format has it; one with
// a date format as 2026-05-31 or 2026-05-31T14:00:00. TRUE and FALSE stay words. A formula gives the value that was stored
// with it, or is computed if it needs nothing but its own row. Excel keeps fifteen digits, so a longer number is marked as
// damaged, unless its digits are none that a program which rounds would write. A cell merged down several rows gives its value to each of them that has others.
package workbook

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// Mark begins and ends the code in front of a cell that can't be trusted.
const Mark = "\x00"

// The codes. [Hidden] stands in front of the first cell of a hidden row, before any other.
const (
	Digits  = "digits"  // a number that lost its digits after the fifteenth
	Formula = "formula" // a formula without a value
	Error   = "error"   // an error of the spreadsheet, as #N/A
	Broken  = "broken"  // a value that the file itself contradicts
	Hidden  = "hidden"
)

// Options says what is read and how much of it.
type Options struct {
	Sheet       string                 // its name, or its number from 1; empty for the first visible one that holds a table
	Known       func(name string) bool // that a cell is a name of a column; nil if that is not known
	MaxUnpacked int64                  // bytes of a part of the workbook, unpacked; defaults to 2 GiB
	TempDir     string                 // for the workbook's strings
}

// SheetInfo is one sheet of a workbook.
type SheetInfo struct {
	Name   string
	Rows   int // that hold anything
	Hidden bool
}

// Info is what a workbook says about itself.
type Info struct {
	Sheet    string // the one that was read
	Sheets   []SheetInfo
	Warnings []string
}

// Convert writes a sheet of the workbook as CSV of RFC 4180 with LF: one record for each row up to the last that holds
// anything, an empty one for a row that doesn't.
func Convert(ctx context.Context, src io.ReaderAt, size int64, o Options, w io.Writer) (Info, error) {
	if o.MaxUnpacked <= 0 {
		o.MaxUnpacked = 2 << 30
	}
	b, err := open(ctx, src, size, o)
	if err != nil {
		return Info{}, err
	}
	info, err := b.convert(w)
	if err != nil {
		return Info{}, errors.Join(err, b.close())
	}
	return info, b.close()
}

func (b *book) convert(w io.Writer) (Info, error) {
	surveys, info, err := b.surveyAll()
	if err != nil {
		return Info{}, err
	}
	if b.strings, err = loadStrings(b); err != nil {
		return Info{}, err
	}
	i, err := b.chosen(info.Sheets, surveys)
	if err != nil {
		return Info{}, err
	}
	info.Sheet = info.Sheets[i].Name
	var before []SheetInfo
	if b.o.Sheet == "" {
		before = passedOver(info.Sheets[:i])
	}
	info.Warnings = warnings(info, surveys[i], before)
	out := newWriter(w)
	if err := b.readSheet(b.sheets[i], surveys[i].merges, out); err != nil {
		return Info{}, fmt.Errorf("the sheet %q %w", info.Sheet, err)
	}
	return info, out.flush()
}

// chosen is the place of the sheet that is named, or else of the one that makes the best table.
func (b *book) chosen(sheets []SheetInfo, surveys []survey) (int, error) {
	if b.o.Sheet != "" {
		return choose(sheets, b.o.Sheet)
	}
	return b.chooseTable(sheets, surveys)
}

// surveyAll counts the rows of every sheet and finds what is merged.
func (b *book) surveyAll() ([]survey, Info, error) {
	var info Info
	surveys := make([]survey, len(b.sheets))
	for i, sheet := range b.sheets {
		s, err := b.survey(sheet)
		if err != nil {
			return nil, Info{}, fmt.Errorf("the sheet %q %w", sheet.name, err)
		}
		surveys[i] = s
		info.Sheets = append(info.Sheets, SheetInfo{Name: sheet.name, Rows: s.rows, Hidden: sheet.hidden})
	}
	return surveys, info, nil
}
