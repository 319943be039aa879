package workbook

import (
	"archive/zip"
	"io"
	"strings"
)

// Kind is what a file in ZIP format is.
type Kind string

// All kinds that are told apart.
const (
	XLSX    Kind = "xlsx"    // a workbook that this package reads
	XLSB    Kind = "xlsb"    // a binary workbook
	ODS     Kind = "ods"     // a spreadsheet of LibreOffice
	Numbers Kind = "numbers" // a spreadsheet of Apple
	Office  Kind = "office"  // another document of an office program
	Archive Kind = "archive" // files packed together
)

// Kinds lists them all.
func Kinds() []Kind { return []Kind{XLSX, XLSB, ODS, Numbers, Office, Archive} }

// Remedy says what a file that can't be read is and what to do; empty for the others.
func (k Kind) Remedy() string {
	const save = "; save it as a workbook (.xlsx), or the sheet as \"CSV UTF-8\""
	switch k {
	case XLSB:
		return "the file is a binary Excel workbook (.xlsb)" + save
	case ODS:
		return "the file is an OpenDocument spreadsheet (.ods)" + save
	case Numbers:
		return "the file is a spreadsheet of Apple Numbers; export it as a workbook (.xlsx) or as CSV"
	case Office:
		return "the file is a document and no spreadsheet; export a CSV or a workbook (.xlsx) instead"
	}
	return ""
}

// KindOf tells what a ZIP file is by what is in it.
func KindOf(zr *zip.Reader) Kind {
	parts := map[string]*zip.File{}
	for _, f := range zr.File {
		parts[partName(f.Name)] = f
	}
	_, types := parts["[content_types].xml"]
	switch {
	case parts["xl/workbook.bin"] != nil:
		return XLSB
	case parts["xl/workbook.xml"] != nil:
		return XLSX
	case parts["index/document.iwa"] != nil, parts["index.zip"] != nil && parts["preview.jpg"] != nil:
		return Numbers
	case types && (parts["word/document.xml"] != nil || parts["ppt/presentation.xml"] != nil):
		return Office
	case types && parts["_rels/.rels"] != nil:
		return XLSX // with its main part in another place
	}
	return openDocument(parts["mimetype"])
}

// openDocument reads the part that names the kind of an OpenDocument file.
func openDocument(mime *zip.File) Kind {
	if mime == nil {
		return Archive
	}
	r, err := mime.Open()
	if err != nil {
		return Archive
	}
	defer r.Close()
	text, _ := io.ReadAll(io.LimitReader(r, 100)) // what can't be read is no mark of anything
	switch {
	case strings.HasPrefix(string(text), "application/vnd.oasis.opendocument.spreadsheet"):
		return ODS
	case strings.HasPrefix(string(text), "application/vnd.oasis.opendocument"):
		return Office
	}
	return Archive
}
