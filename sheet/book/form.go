package book

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"
)

// Field is a column of a form.
type Field struct {
	Name     string
	Note     string   // shown when the pointer rests on the header; empty is none
	Required bool     // marked by the colour of the header
	Choices  []string // what the cells can be, offered as a list; empty is anything
	Example  string   // in the first row
}

// Form is a sheet to fill in: a header with notes, an example, and beneath it columns of text cells, with lists to choose from where
// the choice is limited.
type Form struct {
	Sheet   string // its name
	Fields  []Field
	Example string // what the note on the example row says; empty is none
}

// Write writes the form as a workbook.
func (form Form) Write(w io.Writer) error {
	file, err := newFile(form.Sheet, "")
	if err != nil {
		return fmt.Errorf("can't begin the form: %w", err)
	}
	if err = form.fill(file); err == nil {
		_, err = save(file, w)
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("can't write the form: %w", err)
	}
	return nil
}

func (form Form) fill(file *excelize.File) error {
	f := &filling{file: file, sheet: form.Sheet}
	for i, field := range form.Fields {
		if err := f.column(i+1, field); err != nil {
			return err
		}
	}
	return errors.Join(f.note("A2", form.Example), file.SetPanes(form.Sheet, frozen()))
}

// filling is a form on its way into a file.
type filling struct {
	file  *excelize.File
	sheet string
}

// column writes one column.
func (f *filling) column(n int, field Field) error {
	letter, err := excelize.ColumnNumberToName(n)
	if err != nil {
		return err
	}
	if err := holdsAll([]string{field.Name, field.Example}, n); err != nil {
		return err
	}
	width := float64(max(widthOf(field.Name), widthOf(field.Example)))
	return errors.Join(
		f.file.SetColWidth(f.sheet, letter, letter, width),
		f.style(letter, field.Required),
		f.file.SetCellStr(f.sheet, letter+"1", field.Name),
		f.file.SetCellStr(f.sheet, letter+"2", field.Example),
		f.note(letter+"1", field.Note),
		f.choices(letter, field),
	)
}

// style makes the column text, and its header and example what they are.
func (f *filling) style(letter string, required bool) error {
	colour := "D9E1F2"
	if required {
		colour = "F8CBAD"
	}
	example := textStyle()
	example.Font = &excelize.Font{Italic: true, Color: "7F7F7F"}
	text, err := f.file.NewStyle(textStyle())
	head, headErr := f.file.NewStyle(headStyle(colour))
	grey, greyErr := f.file.NewStyle(example)
	return errors.Join(err, headErr, greyErr,
		f.file.SetColStyle(f.sheet, letter, text),
		f.file.SetCellStyle(f.sheet, letter+"1", letter+"1", head),
		f.file.SetCellStyle(f.sheet, letter+"2", letter+"2", grey))
}

// note puts a note on a cell, as large as its text.
func (f *filling) note(cell, text string) error {
	if text == "" {
		return nil
	}
	const columns, pixels = 44, 19
	lines := 1
	for line := range strings.SplitSeq(text, "\n") {
		lines += 1 + utf8.RuneCountInString(line)/columns
	}
	return f.file.AddComment(f.sheet, excelize.Comment{Cell: cell, Author: "aftership-bulk", Text: text, Width: 320, Height: uint(lines * pixels)})
}

// choices offers what the cells of a column can be, and refuses all else.
func (f *filling) choices(letter string, field Field) error {
	if len(field.Choices) == 0 {
		return nil
	}
	list := excelize.NewDataValidation(true)
	list.SetSqref(fmt.Sprintf("%s2:%s%d", letter, letter, excelize.TotalRows))
	list.SetError(excelize.DataValidationErrorStyleStop, field.Name, "Choose one of: "+strings.Join(field.Choices, ", "))
	if err := list.SetDropList(field.Choices); err != nil {
		return err
	}
	return f.file.AddDataValidation(f.sheet, list)
}
