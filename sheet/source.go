package sheet

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"aftership-bulk/sheet/charset"
	"aftership-bulk/sheet/workbook"
)

// Formats that [Sheet.Format] knows.
const (
	FormatCSV  = "csv"
	FormatXLSX = "xlsx"
)

// store is an open file. A temporary one is removed when it is closed, or at once where the system allows it, so that
// nothing is left behind even when the process is killed.
type store struct {
	*os.File
	size int64
	temp string // file to remove at close
}

// newStore makes a temporary file that only we can read.
func newStore(dir string) (*store, error) {
	f, err := os.CreateTemp(dir, "sheet-*.csv")
	if err != nil {
		return nil, fmt.Errorf("can't keep the input: %w; check the directory for temporary files", err)
	}
	st := &store{File: f, temp: f.Name()}
	if os.Remove(st.temp) == nil {
		st.temp = ""
	}
	return st, nil
}

// fill copies a stream to the file and notes its size.
func (st *store) fill(ctx context.Context, src io.Reader) error {
	n, err := io.Copy(st.File, ctxReader{ctx, src})
	st.size = n
	if err != nil {
		return fmt.Errorf("can't keep the input: %w", err)
	}
	return nil
}

func (st *store) close() error {
	if st == nil {
		return nil
	}
	err := st.File.Close()
	if st.temp != "" {
		if rmErr := os.Remove(st.temp); !errors.Is(rmErr, fs.ErrNotExist) {
			err = errors.Join(err, rmErr)
		}
	}
	return err
}

func (st *store) reader() *io.SectionReader { return io.NewSectionReader(st.File, 0, st.size) }

// head returns the beginning of the file.
func (st *store) head() ([]byte, error) {
	head := make([]byte, min(st.size, 4096))
	if _, err := st.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return head, nil
}

// deepest is how often a file may be packed: a workbook in a ZIP archive, compressed, is twice.
const deepest = 2

// source makes UTF-8 text of whatever was given: it unpacks, reads workbooks and decodes, each into a temporary file that
// takes the place of the one before. What was given stays open, to be watched.
func (s *Sheet) source(ctx context.Context) error {
	hash, detector := sha256.New(), charset.NewDetector()
	head, err := s.given.head()
	if err != nil {
		return s.readError(err)
	}
	watch := io.Writer(hash)
	if !packed(head) {
		watch = io.MultiWriter(hash, detector)
	}
	if _, err := io.Copy(watch, ctxReader{ctx, s.given.reader()}); err != nil {
		return s.readError(err)
	}
	s.SHA256 = hex.EncodeToString(hash.Sum(nil))
	for depth := 0; packed(head); depth++ {
		if depth == deepest {
			return fmt.Errorf("the file is packed more than %d times; unpack it first", deepest)
		}
		detector = charset.NewDetector()
		if err := s.unpack(ctx, head, detector); err != nil {
			return err
		}
		if s.Format == FormatXLSX {
			return s.be(s.work)
		}
		if head, err = s.work.head(); err != nil {
			return s.readError(err)
		}
	}
	s.Format = FormatCSV
	if err := checkContent(s.current(), head); err != nil {
		return err
	}
	return s.decode(ctx, detector)
}

// current is the file that was made last.
func (s *Sheet) current() *store {
	if s.work != nil {
		return s.work
	}
	return s.given
}

// be takes a file for the text that the rows are read from.
func (s *Sheet) be(st *store) error {
	s.file, s.text = st.File, st.size
	return nil
}

// replace makes a new file the current one.
func (s *Sheet) replace(st *store) error {
	old := s.work
	s.work = st
	return old.close()
}

// decode makes UTF-8 of the text. What can't be told is left as it is: its bytes beyond ASCII become flaws of their cells.
func (s *Sheet) decode(ctx context.Context, detector *charset.Detector) error {
	now := s.current()
	found := detector.Result(s.options.EncodingHint)
	if s.options.Encoding != "" {
		name, err := charset.Lookup(s.options.Encoding)
		if err != nil {
			return err
		}
		head, err := now.head()
		if err != nil {
			return s.readError(err)
		}
		_, mark := charset.Mark(head)
		found = charset.Result{Encoding: name, Mark: mark}
	}
	if found.Doubt != nil {
		head, err := now.head()
		if err != nil {
			return s.readError(err)
		}
		if noText(head) {
			return errNoText
		}
	}
	s.Encoding, s.EncodingDoubt, s.EncodingSure = found.Encoding, found.Doubt, found.Doubt == nil
	if found.Doubt != nil || found.Encoding == charset.UTF8 {
		s.BOM = found.Mark == len(utf8BOM)
		return s.be(now)
	}
	text, err := charset.NewReader(io.NewSectionReader(now.File, int64(found.Mark), now.size-int64(found.Mark)), found.Encoding)
	if err != nil {
		return err
	}
	st, err := newStore(s.options.TempDir)
	if err != nil {
		return err
	}
	err = st.fill(ctx, s.limited(text, now.size))
	if err = errors.Join(s.replace(st), err); err != nil {
		return err
	}
	head, err := st.head()
	if err != nil {
		return s.readError(err)
	}
	if blankText(head) && st.size < 4096 {
		return errEmpty
	}
	return s.be(st)
}

// packed says that a file is compressed, an archive or a workbook.
func packed(head []byte) bool { return gzipped(head) || zipped(head) }

func gzipped(head []byte) bool { return bytes.HasPrefix(head, []byte("\x1F\x8B\x08")) }

func zipped(head []byte) bool {
	return bytes.HasPrefix(head, []byte("PK\x03\x04")) || bytes.HasPrefix(head, []byte("PK\x05\x06"))
}

// unpack puts what is in the current file in its place, and shows it to the detector.
func (s *Sheet) unpack(ctx context.Context, head []byte, detector io.Writer) error {
	now := s.current()
	st, err := newStore(s.options.TempDir)
	if err != nil {
		return err
	}
	if gzipped(head) {
		err = s.gunzip(ctx, now, st, detector)
	} else {
		err = s.unzip(ctx, now, st, detector)
	}
	return errors.Join(err, s.replace(st))
}

func (s *Sheet) gunzip(ctx context.Context, from, to *store, detector io.Writer) error {
	s.Packed = "gzip"
	src, err := gzip.NewReader(from.reader())
	if err == nil {
		err = to.fill(ctx, io.TeeReader(s.limited(src, from.size), detector))
	}
	if _, ok := errors.AsType[*tooLargeError](err); ok {
		return err
	}
	if errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum) || errors.Is(err, io.ErrUnexpectedEOF) || corrupt(err) {
		return fmt.Errorf("the file is compressed with gzip and damaged (%w); copy or download it again", err)
	}
	return err
}

// unzip reads a workbook, or the only file of an archive.
func (s *Sheet) unzip(ctx context.Context, from, to *store, detector io.Writer) error {
	zr, err := zip.NewReader(from.File, from.size)
	if err != nil {
		return fmt.Errorf("the file is a ZIP archive or a workbook, and damaged (%w); copy or download it again", err)
	}
	kind := workbook.KindOf(zr)
	switch {
	case kind == workbook.XLSX:
		return s.readWorkbook(ctx, from, to)
	case kind != workbook.Archive:
		return errors.New(kind.Remedy())
	}
	s.Packed = "zip"
	member, err := chooseMember(zr, s.options.Member)
	if err != nil {
		return err
	}
	src, err := member.Open()
	if err != nil {
		return fmt.Errorf("can't unpack %s: %w", member.Name, err)
	}
	defer src.Close()
	err = to.fill(ctx, io.TeeReader(s.limited(src, int64(member.CompressedSize64)), detector))
	if _, ok := errors.AsType[*tooLargeError](err); err != nil && !ok {
		return fmt.Errorf("can't unpack %s: %w", member.Name, err)
	}
	return err
}

func (s *Sheet) readWorkbook(ctx context.Context, from, to *store) error {
	info, err := workbook.Convert(ctx, from.File, from.size, workbook.Options{
		Sheet: s.options.SheetName, Known: s.options.Known, MaxUnpacked: s.options.maxUnpacked(), TempDir: s.options.TempDir,
	}, to.File)
	if err != nil {
		return err
	}
	if to.size, err = to.Seek(0, io.SeekCurrent); err != nil {
		return s.readError(err)
	}
	s.Format, s.Encoding, s.EncodingSure, s.records = FormatXLSX, charset.UTF8, true, true
	s.SheetName = info.Sheet
	for _, one := range info.Sheets {
		s.Sheets = append(s.Sheets, SheetInfo(one))
	}
	for _, text := range info.Warnings {
		s.Warnings = append(s.Warnings, Warning{Text: text})
	}
	return nil
}

// chooseMember finds the file of an archive that is meant. What operating systems add by themselves doesn't count.
func chooseMember(zr *zip.Reader, name string) (*zip.File, error) {
	var files []*zip.File
	for _, f := range zr.File {
		base := path.Base(f.Name)
		if !f.FileInfo().IsDir() && !strings.HasPrefix(base, ".") && !strings.HasPrefix(f.Name, "__MACOSX/") && base != "Thumbs.db" && base != "desktop.ini" {
			files = append(files, f)
		}
	}
	if len(files) == 0 {
		return nil, errors.New("the archive holds no file")
	}
	member, err := pick(files, name)
	if err == nil && member.Flags&1 != 0 {
		return nil, fmt.Errorf("%s is encrypted in the archive; unpack it with its password first", member.Name)
	}
	return member, err
}

func pick(files []*zip.File, name string) (*zip.File, error) {
	const most = 20
	var names []string
	for _, f := range files {
		if f.Name == name || name != "" && path.Base(f.Name) == name {
			return f, nil
		}
		if len(names) < most {
			names = append(names, f.Name)
		}
	}
	switch {
	case name != "":
		return nil, fmt.Errorf("the archive holds no file %q; it holds %s", name, strings.Join(names, ", "))
	case len(files) > 1:
		return nil, fmt.Errorf("the archive holds %d files; name the one to read with --member: %s", len(files), strings.Join(names, ", "))
	}
	return files[0], nil
}

func (o Options) maxUnpacked() int64 {
	if o.MaxUnpacked > 0 {
		return o.MaxUnpacked
	}
	return 2 << 30
}

// limited ends a stream that unpacks or decodes to more than is allowed.
func (s *Sheet) limited(src io.Reader, packed int64) io.Reader {
	return &limitedReader{Reader: src, most: s.options.maxUnpacked(), packed: packed}
}

type limitedReader struct {
	io.Reader
	read, packed, most int64
}

// The ratio that a file may unpack to when it is large; text seldom exceeds twenty.
const (
	freeUnpacked = 64 << 20
	mostRatio    = 300
)

// tooLargeError says that a file is larger than is allowed when it is unpacked.
type tooLargeError struct{ text string }

func (e *tooLargeError) Error() string { return e.text }

func (r *limitedReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.read += int64(n)
	switch {
	case r.read > r.most:
		return n, &tooLargeError{fmt.Sprintf("the file is larger than %s when it is unpacked; split it, or allow more", bytesText(r.most))}
	case r.read > freeUnpacked && r.read > mostRatio*r.packed:
		return n, &tooLargeError{fmt.Sprintf("the file unpacks to more than %d times its size, which no real sheet does", mostRatio)}
	}
	return n, err
}

// bytesText writes a size for people.
func bytesText(n int64) string {
	if n < 1<<20 {
		return fmt.Sprintf("%d bytes", n)
	}
	return fmt.Sprintf("%d MiB", n>>20)
}
