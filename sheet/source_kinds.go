package sheet

import (
	"bytes"
	"compress/flate"
	"errors"
	"io"
)

var errEmpty = errors.New("the file is empty; it needs a header line that names the columns, and rows below it")

// kinds are the beginnings of files that hold no rows for us, and what to do with them.
var kinds = []struct{ magic, text string }{
	{"%PDF", "the file is a PDF; export a CSV or a workbook (.xlsx) instead"},
	{"{\\rtf", "the file is a text document (.rtf); export a CSV or a workbook (.xlsx) instead"},
	{"Rar!", "the file is a RAR archive; unpack it first"},
	{"7z\xBC\xAF\x27\x1C", "the file is a 7z archive; unpack it first"},
	{"BZh", "the file is compressed with bzip2; unpack it first"},
	{"\xFD7zXZ", "the file is compressed with xz; unpack it first"},
	{"\x28\xB5\x2F\xFD", "the file is compressed with zstd; unpack it first"},
	{"\x89PNG", "the file is a picture; export a CSV or a workbook (.xlsx) instead"},
	{"\xFF\xD8\xFF", "the file is a picture; export a CSV or a workbook (.xlsx) instead"},
	{"SQLite format 3\x00", "the file is a database; export a CSV instead"},
	{"PAR1", "the file is in Parquet format; export a CSV instead"},
}

const oldWorkbook = "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"

// checkContent refuses files that are surely no text with rows.
func checkContent(st *store, head []byte) error {
	if bytes.HasPrefix(head, []byte(oldWorkbook[:4])) {
		return oldContent(st)
	}
	for _, kind := range kinds {
		if bytes.HasPrefix(head, []byte(kind.magic)) {
			return errors.New(kind.text)
		}
	}
	if blankText(head) && st.size < 4096 {
		return errEmpty
	}
	return checkMarkup(head)
}

// checkMarkup recognises web pages and XML, which some systems export under the name of a spreadsheet.
func checkMarkup(head []byte) error {
	text := bytes.ToLower(bytes.TrimSpace(bytes.TrimPrefix(head, []byte(utf8BOM))))
	switch {
	case bytes.HasPrefix(text, []byte("<?xml")) && bytes.Contains(text, []byte("excel.sheet")), bytes.Contains(text, []byte("urn:schemas-microsoft-com:office:spreadsheet")) && bytes.HasPrefix(text, []byte("<")):
		return errors.New("the file is an XML spreadsheet of Excel 2003; open it in a spreadsheet program and save it as a workbook (.xlsx)")
	case bytes.HasPrefix(text, []byte("<!doctype")), bytes.HasPrefix(text, []byte("<html")), bytes.HasPrefix(text, []byte("<table")), bytes.HasPrefix(text, []byte("<head")), bytes.HasPrefix(text, []byte("<meta")):
		return errors.New("the file is a web page (HTML), whatever its name is; if it shows a table, open it in a spreadsheet program and save it as a workbook (.xlsx), else download the export again")
	case bytes.HasPrefix(text, []byte("<?xml")):
		return errors.New("the file is XML; export a CSV or a workbook (.xlsx) instead")
	}
	return nil
}

// oldContent tells the files of Microsoft's old format apart: old workbooks, and new ones behind a password.
func oldContent(st *store) error {
	protected, err := containsUTF16(st.reader(), "EncryptedPackage")
	switch {
	case err != nil:
		return err
	case protected:
		return errors.New("the workbook is protected by a password; save it without one (File, Info, Protect Workbook), or save the sheet as \"CSV UTF-8\"")
	}
	return errors.New("the file is an old Excel workbook (.xls); save it as a workbook (.xlsx), or the sheet as \"CSV UTF-8\"")
}

// containsUTF16 looks for a word in UTF-16.
func containsUTF16(r io.Reader, word string) (bool, error) {
	var want []byte
	for _, c := range []byte(word) {
		want = append(want, c, 0)
	}
	buf := make([]byte, 64<<10)
	kept := 0
	for {
		n, err := r.Read(buf[kept:])
		if bytes.Contains(buf[:kept+n], want) {
			return true, nil
		}
		if errors.Is(err, io.EOF) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		tail := buf[max(0, kept+n-len(want)) : kept+n]
		kept = copy(buf, tail)
	}
}

var errNoText = errors.New("the file is no text and no workbook: many of its bytes are control characters, of many kinds; export a CSV or a workbook (.xlsx) instead, or say with --encoding which encoding it is in if it is a text all the same")

// noText says that the beginning of a file whose encoding is in doubt is no text in any. Texts may hold zeros where they
// are damaged, escape sequences, or one or the other control character as a delimiter, but not all sorts of them.
func noText(head []byte) bool {
	const mostKinds, mostShare = 5, 40 // one byte in 40
	var kinds [256]bool
	found, different := 0, 0
	for _, c := range head {
		if c >= ' ' && c != 0x7F || c == 0x1B || c >= '\t' && c <= '\r' {
			continue
		}
		found++
		if c != 0 && !kinds[c] {
			kinds[c] = true
			different++
		}
	}
	return different > mostKinds && found*mostShare > len(head)
}

// blankText says that a text holds nothing that could be seen.
func blankText(head []byte) bool {
	return len(bytes.TrimSpace(bytes.TrimPrefix(head, []byte(utf8BOM)))) == 0
}

// corrupt says that compressed bytes can't be read.
func corrupt(err error) bool {
	_, ok := errors.AsType[flate.CorruptInputError](err)
	return ok
}
