package book

import (
	"archive/zip"
	"errors"
	"io"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"
)

// newFile makes a workbook of one sheet.
func newFile(sheet, tempDir string) (*excelize.File, error) {
	f := excelize.NewFile(excelize.Options{TmpDir: tempDir})
	err := errors.Join(
		f.SetSheetName("Sheet1", sheet),
		f.SetDocProps(&excelize.DocProperties{Creator: "aftership-bulk"}),
	)
	return f, err
}

// textStyle is the format of all cells: text, whatever it looks like.
func textStyle() *excelize.Style {
	const text = 49 // @
	return &excelize.Style{NumFmt: text}
}

// headStyle is the style of header cells.
func headStyle(colour string) *excelize.Style {
	style := textStyle()
	style.Font, style.Fill = &excelize.Font{Bold: true}, fill(colour)
	style.Alignment = &excelize.Alignment{Vertical: "center"}
	return style
}

func fill(colour string) excelize.Fill {
	return excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{colour}}
}

// frozen keeps the header in sight.
func frozen() *excelize.Panes {
	return &excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft",
		Selection: []excelize.Selection{{SQRef: "A2", ActiveCell: "A2", Pane: "bottomLeft"}}}
}

// widthOf is how wide a column has to be for a text, within reason.
func widthOf(text string) int {
	if first, _, cut := strings.Cut(text, "\n"); cut {
		text = first
	}
	return min(max(utf8.RuneCountInString(text)+2, 8), 50)
}

// save writes a workbook as it is packed. excelize by itself packs it in memory first.
func save(f *excelize.File, w io.Writer) (int64, error) {
	out := &counter{to: w}
	f.SetZipWriter(func(io.Writer) excelize.ZipWriter { return archive{zip.NewWriter(out)} })
	_, err := f.WriteTo(io.Discard)
	return out.n, err
}

// archive is a ZIP archive whose files each keep to what every program can read.
type archive struct{ *zip.Writer }

// Create begins a file.
func (a archive) Create(name string) (io.Writer, error) {
	w, err := a.Writer.Create(name)
	return &counter{to: w, most: math.MaxUint32}, err
}

// counter counts what is written.
type counter struct {
	to      io.Writer
	n, most int64 // most is the limit, if there is one
}

// Write passes the bytes on.
func (c *counter) Write(p []byte) (int, error) {
	if c.most > 0 && c.n+int64(len(p)) > c.most {
		return 0, errors.New("the sheet is larger than a workbook can hold (4 GiB); write a .csv file")
	}
	n, err := c.to.Write(p)
	c.n += int64(n)
	return n, err
}
