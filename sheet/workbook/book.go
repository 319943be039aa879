package workbook

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/xuri/excelize/v2"
)

// book is an open workbook.
type book struct {
	ctx      context.Context
	o        Options
	parts    map[string]*zip.File // by lower-case name
	sheets   []sheetPart
	texts    *zip.File // the strings that cells share; nil if there are none
	strings  *stringTable
	styles   []format // by the cell's style number
	date1904 bool
	calc     calculator
}

// sheetPart is a sheet and where its cells are.
type sheetPart struct {
	name   string
	hidden bool
	part   *zip.File
}

var errDamaged = errors.New("the workbook is damaged; open it in a spreadsheet program and save it again")

func damaged(why string) error {
	return fmt.Errorf("the workbook is damaged (%s); open it in a spreadsheet program and save it again", why)
}

// open reads what the workbook says about itself.
func open(ctx context.Context, src io.ReaderAt, size int64, o Options) (*book, error) {
	zr, err := zip.NewReader(src, size)
	if err != nil {
		return nil, damaged(err.Error())
	}
	b := &book{ctx: ctx, o: o, parts: map[string]*zip.File{}}
	for _, f := range zr.File {
		b.parts[partName(f.Name)] = f
	}
	main, rels, err := b.relations()
	if err != nil {
		return nil, err
	}
	f, err := b.skeleton(main)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return b, b.learn(f, rels)
}

func (b *book) close() error {
	if b.strings == nil {
		return nil
	}
	return b.strings.close()
}

// partName is a part's name in the form that they are compared in.
func partName(name string) string {
	return strings.ToLower(strings.TrimPrefix(strings.ReplaceAll(name, "\\", "/"), "/"))
}

// relation is an entry of a .rels part.
type relation struct {
	ID     string `xml:"Id,attr"`
	Type   string `xml:"Type,attr"`
	Target string `xml:"Target,attr"`
}

// is compares the last word of the type, which is the same in both flavours of the standard.
func (r relation) is(kind string) bool { return path.Base(r.Type) == kind }

// relations finds the workbook's main part and what it refers to.
func (b *book) relations() (main string, rels map[string]relation, err error) {
	top, err := b.readRelations("", "_rels/.rels")
	if err != nil {
		return "", nil, err
	}
	main = "xl/workbook.xml"
	for _, r := range top {
		if r.is("officeDocument") {
			main = r.Target
		}
	}
	rels, err = b.readRelations(path.Dir(main), path.Join(path.Dir(main), "_rels", path.Base(main)+".rels"))
	return main, rels, err
}

// readRelations reads a .rels part, with the targets as names of parts.
func (b *book) readRelations(dir, name string) (map[string]relation, error) {
	var doc struct {
		Relationship []relation
	}
	text, err := b.small(name)
	if err != nil || text == nil {
		return nil, err
	}
	if err := xml.Unmarshal(text, &doc); err != nil {
		return nil, damaged(name + ": " + err.Error())
	}
	rels := map[string]relation{}
	for _, r := range doc.Relationship {
		if !strings.HasPrefix(r.Target, "/") {
			r.Target = path.Join(dir, r.Target)
		}
		r.Target = partName(r.Target)
		rels[r.ID] = r
	}
	return rels, nil
}

// smallPart is how large the parts may be that are held in memory.
const smallPart = 16 << 20

// small reads a part that does not grow with the rows; nil if there is none of that name.
func (b *book) small(name string) ([]byte, error) {
	part, ok := b.parts[partName(name)]
	if !ok {
		return nil, nil
	}
	r, err := part.Open()
	if err != nil {
		return nil, damaged(err.Error())
	}
	defer r.Close()
	text, err := io.ReadAll(io.LimitReader(r, smallPart+1))
	switch {
	case err != nil:
		return nil, damaged(err.Error())
	case len(text) > smallPart:
		return nil, fmt.Errorf("the part %s of the workbook is larger than %d MiB; save the sheet as a workbook of its own", name, smallPart>>20)
	}
	return text, nil
}

// The parts of a workbook that say where the others are, as excelize wants them.
const (
	contentTypes = `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>`
	topRelations = `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" ` +
		`Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>`
	noRelations = `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"/>`
)

// skeleton opens the workbook without its sheets and strings, so that nothing of excelize grows with the rows.
func (b *book) skeleton(main string) (f *excelize.File, err error) {
	text, err := b.small(main)
	if err != nil {
		return nil, err
	}
	styles, err := b.small("xl/styles.xml")
	if err != nil {
		return nil, err
	}
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for _, part := range []struct {
		name string
		text []byte
	}{
		{"[Content_Types].xml", []byte(contentTypes)}, {"_rels/.rels", []byte(topRelations)}, {"xl/_rels/workbook.xml.rels", []byte(noRelations)},
		{"xl/workbook.xml", text}, {"xl/styles.xml", styles},
	} {
		out, err := w.Create(part.name)
		if err == nil {
			_, err = out.Write(part.text)
		}
		if err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	defer func() { // what a hostile file does to the library must not end the program
		if recover() != nil {
			f, err = nil, errDamaged
		}
	}()
	if f, err = excelize.OpenReader(&buf); err != nil {
		return nil, damaged(err.Error())
	}
	return f, nil
}

// learn keeps what is needed of the skeleton.
func (b *book) learn(f *excelize.File, rels map[string]relation) error {
	if f.WorkBook == nil {
		return errDamaged
	}
	for _, s := range f.WorkBook.Sheets.Sheet {
		r, ok := rels[s.ID]
		part := b.parts[r.Target]
		if ok && part != nil && r.is("worksheet") { // others are charts
			b.sheets = append(b.sheets, sheetPart{name: s.Name, hidden: s.State != "" && s.State != "visible", part: part})
		}
	}
	for _, r := range rels {
		if r.is("sharedStrings") {
			b.texts = b.parts[r.Target]
		}
	}
	if p := f.WorkBook.WorkbookPr; p != nil {
		b.date1904 = p.Date1904
	}
	b.learnStyles(f)
	return nil
}

func (b *book) learnStyles(f *excelize.File) {
	if f.Styles == nil || f.Styles.CellXfs == nil {
		return
	}
	codes := map[int]string{}
	if f.Styles.NumFmts != nil {
		for _, n := range f.Styles.NumFmts.NumFmt {
			codes[n.NumFmtID] = n.FormatCode
		}
	}
	for _, xf := range f.Styles.CellXfs.Xf {
		var style format
		if xf.NumFmtID != nil {
			style = formatOf(*xf.NumFmtID, codes[*xf.NumFmtID])
		}
		b.styles = append(b.styles, style)
	}
}

// stream opens a part that may be of any size, within the limit.
func (b *book) stream(part *zip.File) (io.ReadCloser, error) {
	r, err := part.Open()
	if err != nil {
		return nil, damaged(err.Error())
	}
	return &bounded{ctx: b.ctx, ReadCloser: r, packed: int64(part.CompressedSize64), most: b.o.MaxUnpacked}, nil
}

// bounded ends a part that is larger than is allowed, or unpacks to so much that it must have been made for it.
type bounded struct {
	ctx context.Context
	io.ReadCloser
	read, packed, most int64
}

// Bounds of what is unpacked: the ratio that a part may have when it is large.
const (
	freeUnpacked = 64 << 20
	mostRatio    = 300
)

func (r *bounded) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := r.ReadCloser.Read(p)
	r.read += int64(n)
	switch {
	case r.read > r.most:
		return n, fmt.Errorf("it is larger than %d MiB when it is unpacked; split it", r.most>>20)
	case r.read > freeUnpacked && r.read > mostRatio*r.packed:
		return n, fmt.Errorf("it unpacks to more than %d times its size, which no real sheet does", mostRatio)
	}
	return n, err
}
