package sheet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
	"unicode/utf8"

	"aftership-bulk/sheet/charset"
)

// Options says how to read a sheet. The zero value finds out everything by itself and reads all that this package
// understands; each field that is set is believed.
type Options struct {
	// Name is shown instead of the path, for what came from an address.
	Name string
	// Delimiter stands between cells: comma, semicolon, tab, pipe or any other ASCII character that is no letter, digit,
	// quote or line end. Zero means to find it out.
	Delimiter rune
	// Quote encloses cells: " or '. Zero means to find it out, [NoQuote] that there is none.
	Quote rune
	// Escape makes a quote inside a quoted cell text: the quote itself (it is doubled) or a backslash. Zero means to
	// find it out.
	Escape rune
	// Encoding is the name of the text's encoding as the web knows it ("windows-1252"); empty means to find it out.
	Encoding string
	// EncodingHint is asked for an encoding when the bytes alone don't say it surely.
	EncodingHint func(head []byte) string
	// HeaderLine is the number of the header's first line, from 1; in a workbook that of its row. Zero means to find it
	// out, within the first twenty lines.
	HeaderLine int
	// HeaderLineOf says who named HeaderLine, as the beginning of a sentence, if that was no person: a preset. A line that holds no
	// name of the header then is an error.
	HeaderLineOf string
	// HeaderLines is how many lines the header has; their cells are joined per column with a space. Zero means to find it out.
	HeaderLines int
	// Columns names the columns of a sheet that has no header. No line is taken for the header then.
	Columns []string
	// SheetName says which sheet of a workbook is read, by its name or its number from 1. Empty means the first visible
	// one that holds a table, which names that mean something show.
	SheetName string
	// Member says which file of a ZIP archive with several is read.
	Member string
	// Hidden has the hidden rows of a workbook read like all others; else they come with [Row.Skip].
	Hidden bool
	// Known says that a header cell is a name that means something, which is evidence of the header line.
	Known func(name string) bool
	// Names are columns that the header is known to have. They mean something beside those of Known.
	Names []string
	// AnyWidth gives every row as well as it can be read, however wide, and calls no line broken: for looking at a
	// sheet and cleaning it, not for sending what is in it.
	AnyWidth bool
	// MaxCell is how many bytes a cell may have. It also bounds how far a missing quote reaches, so a higher value lets
	// one harm more lines. Defaults to 128 KiB, what the 32,767 characters of Excel can take.
	MaxCell int
	// MaxLine is how many bytes a record may have; a reader holds no more than about two of them in memory. Defaults to 1 MiB.
	MaxLine int
	// MaxColumns is how many cells the header may have. Defaults to 16,384, as in Excel.
	MaxColumns int
	// MaxUnpacked is how many bytes a file may have once it is unpacked and decoded. Defaults to 2 GiB.
	MaxUnpacked int64
	// TempDir is where standard input is kept, as it is read twice, and what had to be unpacked or decoded. Defaults to
	// the system's directory for temporary files.
	TempDir string
}

// NoQuote as [Options.Quote] says that no character encloses cells: every quote is text.
const NoQuote rune = -1

// withNames makes the names known.
func (o Options) withNames() Options {
	if len(o.Names) == 0 {
		return o
	}
	names, known := nameSet(o.Names...), o.Known
	o.Known = func(name string) bool { return names[normal(name)] || known != nil && known(name) }
	return o
}

func (o Options) limits() limits {
	l := limits{cell: o.MaxCell, record: o.MaxLine, columns: o.MaxColumns}
	if l.cell <= 0 {
		l.cell = 128 << 10
	}
	if l.record <= 0 {
		l.record = max(1<<20, l.cell)
	}
	if l.columns <= 0 {
		l.columns = 16_384
	}
	return l
}

// SheetInfo is one sheet of a workbook.
type SheetInfo struct {
	Name   string
	Rows   int
	Hidden bool
}

// Sheet is an open spreadsheet whose header is understood. Its fields are for reading.
type Sheet struct {
	Name       string // the file's name without its directory, "stdin" for standard input
	SHA256     string // of the whole file as it was given, in hexadecimal
	Size       int64  // of the file in bytes
	Header     []string
	HeaderLine int // the number of the header's first line, from 1; 0 without a header
	Delimiter  rune
	BOM        bool // the file begins with a byte order mark
	Report     bool // the sheet is one of our reports, fed back

	Format        string // "csv" or "xlsx"
	Packed        string // "gzip", "zip", or empty
	Encoding      string // the text's encoding as the web names it
	EncodingSure  bool
	EncodingDoubt *charset.Unsure // what the text reads like in the encodings that it may be in; nil when it is sure
	SheetName     string          // which sheet of a workbook this is
	Sheets        []SheetInfo     // all sheets of the workbook
	Quote         rune            // what encloses cells, or NoQuote
	Escape        rune            // what makes a quote inside a quoted cell text: the quote itself, a backslash, or 0
	LineEnd       string          // "lf", "crlf", "cr" or "mixed", as far as the beginning of the file shows
	HeaderAsked   bool            // the header's line was named by an option
	HeaderLines   int             // how many lines the header has; 0 without one
	NoHeader      bool            // it looks as if no line names the columns: Header holds column_1, column_2 and so on
	Preamble      []string        // lines above the header, shortened, twenty at most
	Warnings      []Warning       // what a person should know, though the sheet can be read

	file    *os.File // of UTF-8 text: that of given, or of work
	text    int64    // bytes of that text
	records bool     // lines count as records: the text was written by us from the rows of a workbook
	options Options
	given   *store // what was opened
	work    *store // what it was unpacked or decoded to; nil if that was not needed
	modTime time.Time
	limits  limits
	layout  // what readHeader found out, beside the fields above
}

// Open opens a sheet, reads it once for its hash, makes UTF-8 text of it if it is anything else, and understands its
// header. The path "-" means stdin, which is first copied to a temporary file that only we can read and that Close removes;
// so is anything else that can be read only once.
func Open(ctx context.Context, path string, stdin io.Reader, o Options) (*Sheet, error) {
	if err := checkDelimiter(o.Delimiter); err != nil {
		return nil, err
	}
	if o.Encoding != "" {
		if _, err := charset.Lookup(o.Encoding); err != nil {
			return nil, err
		}
	}
	s := &Sheet{Name: filepath.Base(path), Delimiter: o.Delimiter, limits: o.limits(), options: o.withNames()}
	if path == "-" {
		s.Name = "stdin"
	}
	if o.Name != "" {
		s.Name = o.Name
	}
	if err := s.open(ctx, path, stdin); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if err := s.understand(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", s.Name, err), s.Close())
	}
	return s, nil
}

// Close closes the file and removes what was kept of it.
func (s *Sheet) Close() error { return errors.Join(s.given.close(), s.work.close()) }

// open sets what was given, by a temporary copy where it can be read only once.
func (s *Sheet) open(ctx context.Context, path string, stdin io.Reader) error {
	if path == "-" {
		return s.spool(ctx, stdin)
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s: there is no such file; check the path", path)
	case err != nil:
		return fmt.Errorf("can't open the file: %w", err)
	case info.IsDir():
		return fmt.Errorf("%s is a directory; name the file in it", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("can't open the file: %w", err)
	}
	if info.Mode().IsRegular() {
		s.given = &store{File: f}
		return nil
	}
	defer f.Close()
	return s.spool(ctx, f)
}

// spool copies a stream to a temporary file.
func (s *Sheet) spool(ctx context.Context, src io.Reader) (err error) {
	if src == nil {
		return errors.New("there is no standard input to read; name a file instead of -")
	}
	if s.given, err = newStore(s.options.TempDir); err != nil {
		return err
	}
	return s.given.fill(ctx, src)
}

// understand finds out everything that the fields of Sheet say.
func (s *Sheet) understand(ctx context.Context) error {
	if err := s.measure(); err != nil {
		return err
	}
	if err := s.source(ctx); err != nil {
		return err
	}
	err := s.readHeader()
	if err != nil && s.EncodingDoubt != nil { // a header that can't be read for its encoding says less
		return s.EncodingDoubt
	}
	return err
}

func (s *Sheet) measure() error {
	info, err := s.given.Stat()
	if err != nil {
		return s.readError(err)
	}
	s.Size, s.given.size, s.modTime = info.Size(), info.Size(), info.ModTime()
	return nil
}

// unchanged makes sure that the file was not written to since it was opened: what was checked must be what is sent.
func (s *Sheet) unchanged() error {
	info, err := s.given.Stat()
	if err != nil {
		return s.readError(err)
	}
	if info.Size() != s.Size || !info.ModTime().Equal(s.modTime) {
		return fmt.Errorf("%s was changed while it was read; wait until it is complete and run again", s.Name)
	}
	return nil
}

// readError passes io.EOF and says of which file any other error is.
func (s *Sheet) readError(err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return err
	}
	return fmt.Errorf("can't read %s: %w", s.Name, err)
}

const utf8BOM = "\uFEFF"

// checkDelimiter refuses characters that can't stand between cells.
func checkDelimiter(d rune) error {
	letter := d >= '0' && d <= '9' || d >= 'A' && d <= 'Z' || d >= 'a' && d <= 'z'
	if d < 0 || d >= utf8.RuneSelf || letter || d == quote || d == '\n' || d == '\r' {
		return fmt.Errorf("%q can't be a delimiter; use a comma, semicolon, tab or pipe", d)
	}
	return nil
}

// ctxReader ends a copy when its context ends.
type ctxReader struct {
	ctx context.Context
	io.Reader
}

func (r ctxReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.Reader.Read(p)
}
