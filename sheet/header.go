package sheet

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"aftership-bulk/sheet/charset"
)

// layout is how the text is cut into rows and where its data begins.
type layout struct {
	dialect  dialect
	columns  map[string]int // by normalised name
	data     int64          // where the first line of data begins
	dataLine int            // and that line's number
	heads    [][]string     // the header's lines: a row that is one of them is a repeated header
	width    int            // how many cells most lines have
	profile  profile        // what they look like
}

// readHeader finds the dialect and the header, and where the data begins.
func (s *Sheet) readHeader() error {
	if err := s.options.check(); err != nil {
		return err
	}
	start, number := int64(0), 1
	if s.BOM {
		start = int64(len(utf8BOM))
	}
	head := make([]byte, min(s.text-start, sampleBytes))
	if _, err := s.file.ReadAt(head, start); err != nil && !errors.Is(err, io.EOF) {
		return s.readError(err)
	}
	o := s.options
	if at, next, delim := sepLine(head); next > 0 && !s.records {
		s.addPreamble(head[:at])
		number += countLines(head[:next])
		start, head = start+int64(next), head[next:]
		if o.Delimiter == 0 {
			o.Delimiter = delim
		}
	}
	if o.HeaderLine > 0 {
		var err error
		if start, number, err = s.lineStart(o.HeaderLine, start, number); err != nil {
			return o.askedBy(err)
		}
	}
	return o.askedBy(s.understandLines(head, o, start, number))
}

// askedBy adds to an error who named the header's line, where that may be what is wrong.
func (o Options) askedBy(err error) error {
	if err == nil || o.HeaderLine == 0 || o.HeaderLineOf == "" {
		return err
	}
	return fmt.Errorf("%w (%s asks for line %d: take header_line out of it, and the header is looked for; or name the line with --header-line)",
		err, o.HeaderLineOf, o.HeaderLine)
}

// check refuses options that can't be meant.
func (o Options) check() error {
	switch {
	case o.Quote != 0 && o.Quote != NoQuote && o.Quote != '"' && o.Quote != '\'':
		return fmt.Errorf("%q can't enclose cells; use a quote (\") or an apostrophe (')", o.Quote)
	case o.Escape != 0 && o.Escape != '\\' && o.Escape != '"' && o.Escape != '\'':
		return fmt.Errorf("%q can't escape quotes; double the quote or use a backslash", o.Escape)
	case o.HeaderLine < 0 || o.HeaderLines < 0:
		return errors.New("lines are counted from 1; name the header's line by its number")
	case len(o.Columns) > 0 && (o.HeaderLine > 0 || o.HeaderLines > 0):
		return errors.New("columns are named for a sheet without a header; give either their names or the header's line")
	}
	return nil
}

// sepLine finds the line sep=; that Excel understands, at the top or below a preamble: where it begins and where the next
// line does.
func sepLine(head []byte) (at, next int, delim rune) {
	for range headerLines {
		end := bytes.IndexAny(head[at:], "\r\n")
		if end < 0 {
			return 0, 0, 0
		}
		next, _ = skipLineEnd(head, at+end, true)
		if text := head[at : at+end]; len(text) == 5 && strings.EqualFold(string(text[:4]), "sep=") && checkDelimiter(rune(text[4])) == nil {
			return at, next, rune(text[4])
		}
		at = next
	}
	return 0, 0, 0
}

// lineStart finds where a physical line begins, or a record where records count as lines.
func (s *Sheet) lineStart(line int, start int64, number int) (int64, int, error) {
	src := io.NewSectionReader(s.file, start, s.text-start)
	sc := newScanner(src, splitter{dialect: usual(','), limits: s.limits}, number, start)
	sc.countRecords = s.records
	for sc.line < line {
		var err error
		if s.records {
			_, err = sc.next()
		} else if err = sc.discard(); err == nil && sc.pos == s.text {
			err = io.EOF
		}
		if errors.Is(err, io.EOF) {
			return 0, 0, fmt.Errorf("the header should be in line %d, but the sheet ends before it", line)
		}
		if err != nil {
			return 0, 0, s.readError(err)
		}
	}
	if sc.line > line {
		return 0, 0, fmt.Errorf("the header can't be in line %d, as the line sep= is below it", line)
	}
	return sc.pos, sc.line, nil
}

// nothing says that no line holds any text.
func (s *Sheet) nothing() error {
	if s.records {
		return fmt.Errorf("the sheet %q is empty; name another one of the workbook with --sheet", s.SheetName)
	}
	return errors.New("the file has no header; its first line must name the columns")
}

// understandLines reads the beginning of the text with each dialect that it allows and keeps the best reading.
func (s *Sheet) understandLines(head []byte, o Options, start int64, number int) error {
	candidates := dialects(head, o)
	if s.records {
		candidates = []dialect{usual(',')}
	}
	var best *sample
	for _, d := range candidates {
		sm, err := s.sampleOf(d, start, number)
		if err != nil {
			return err
		}
		sm.findHeader()
		sm.rate()
		if best == nil || sm.better(best) {
			best = sm
		}
	}
	if len(best.lines) == 0 {
		return s.nothing()
	}
	if first := best.lines[0].line; o.HeaderLine > 0 && first != o.HeaderLine {
		return fmt.Errorf("the header should be in line %d, but that is blank; the next line with text is %d", o.HeaderLine, first)
	}
	if o.HeaderLine > 0 && o.HeaderLineOf != "" && o.Known != nil && best.known == 0 {
		return fmt.Errorf("line %d does not hold the header; it reads: %s", o.HeaderLine, listed(best.names, unknownNamed))
	}
	if s.options.AnyWidth {
		best.mend(s.limits)
	}
	return s.settle(best)
}

// settle takes over what a sample shows.
func (s *Sheet) settle(sm *sample) error {
	for _, ln := range sm.lines[sm.first : sm.first+sm.heads] {
		if err := s.checkHeader(ln); err != nil {
			return err
		}
	}
	d := sm.dialect
	s.dialect, s.Delimiter, s.Quote, s.Escape = d, rune(d.delim), rune(d.quote), rune(d.escape)
	if d.quote == 0 {
		s.Quote = NoQuote
	}
	s.LineEnd = sm.lineEnd()
	s.width, s.profile = sm.width, sm.profile
	for _, ln := range sm.lines[:sm.first] {
		s.addPreamble(ln.raw)
	}
	s.setHeader(sm)
	s.warnOfMisreading(sm)
	return nil
}

// warnOfMisreading warns of cells in the beginning of the sheet whose text was spoiled before it came to us.
func (s *Sheet) warnOfMisreading(sm *sample) {
	count, text := 0, ""
	for _, ln := range sm.lines[sm.first:] {
		for _, cell := range ln.cells {
			meant, spoiled := charset.Undo(cell)
			if !spoiled {
				continue
			}
			if count++; count == 1 {
				text = fmt.Sprintf("line %d holds text that was decoded wrongly before (%s: %s?)", ln.line, excerpt(clean(cell)), excerpt(clean(meant)))
			}
		}
	}
	switch {
	case count == 2:
		text += ", as do others (1 more cell in the beginning of the sheet)"
	case count > 2:
		text += fmt.Sprintf(", as do others (%d more cells in the beginning of the sheet)", count-1)
	}
	if count > 0 {
		s.Warnings = append(s.Warnings, Warning{Text: text + ": export it again as UTF-8"})
	}
}

// addPreamble keeps the lines of a text that stands above the header, shortened.
func (s *Sheet) addPreamble(text []byte) {
	const mostLines = 20
	for part := range bytes.FieldsFuncSeq(text, func(r rune) bool { return r == '\n' || r == '\r' }) {
		if len(s.Preamble) < mostLines {
			s.Preamble = append(s.Preamble, excerpt(string(part)))
		}
	}
}

func (s *Sheet) setHeader(sm *sample) {
	first := sm.lines[sm.first]
	s.data, s.dataLine = first.pos, first.line
	switch {
	case len(s.options.Columns) > 0:
		s.Header = slices.Clone(s.options.Columns)
	case sm.heads == 0:
		s.NoHeader, s.Header = true, numbered(sm.width)
	default:
		last := sm.lines[sm.first+sm.heads-1]
		s.data, s.dataLine = last.end, last.next
		s.HeaderAsked = s.options.HeaderLine > 0
		s.Header, s.HeaderLine, s.HeaderLines = slices.Clone(sm.names), first.line, sm.heads
		for _, ln := range sm.lines[sm.first : sm.first+sm.heads] {
			s.heads = append(s.heads, cleaned(ln.cells))
		}
	}
	if s.Report = IsReport(s.Header); s.Report {
		s.limits = s.limits.ofReport()
		s.unguardHeader()
		s.heads = [][]string{cleaned(s.Header)}
	}
	for i, name := range s.Header {
		s.Header[i] = strings.ReplaceAll(valid(name), "\x00", "\uFFFD")
	}
	s.columns = columnIndex(s.Header)
}

// unguardHeader takes our guards off a report's header. Who wants the sheet as it is gets it with them.
func (s *Sheet) unguardHeader() {
	for i, cell := range s.Header {
		if !s.options.AnyWidth {
			s.Header[i] = Unguard(cell)
		}
	}
}

func cleaned(cells []string) []string {
	out := make([]string, len(cells))
	for i, cell := range cells {
		out[i] = clean(cell)
	}
	return out
}

// numbered names columns that have no names.
func numbered(width int) []string {
	names := make([]string, width)
	for i := range names {
		names[i] = "column_" + strconv.Itoa(i+1)
	}
	return names
}

// ofReport returns the limits for a report of a sheet that kept to these: quotes in it are written twice, guards and our
// columns are added.
func (l limits) ofReport() limits {
	const ours = 128 << 10
	return limits{cell: 2*l.cell + 8, record: 2*l.record + 8*l.columns + ours, columns: l.columns + len(ReportColumns)}
}

// checkHeader refuses a header that can't be trusted: nothing below it could be either.
func (s *Sheet) checkHeader(ln line) error {
	if !utf8.Valid(ln.raw) && !s.options.AnyWidth {
		return fmt.Errorf("the header (line %d) holds bytes that are not UTF-8; save the file as \"CSV UTF-8\"", ln.line)
	}
	if ln.problem == problemNone && bytes.IndexByte(ln.raw, 0) >= 0 && !s.options.AnyWidth && !s.records {
		ln.problem = problemNUL
	}
	switch ln.problem {
	case problemNone:
		return nil
	case problemTooMany:
		return fmt.Errorf("the header (line %d) has more than %d columns; is this a CSV file?", ln.line, s.limits.columns)
	}
	p := problems[ln.problem]
	return fmt.Errorf("the header (line %d) can't be read: %s; %s", ln.line, p.text, p.hint)
}
