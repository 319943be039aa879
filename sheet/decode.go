package sheet

import (
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/gocarina/gocsv"
)

// Decoder turns the cells of rows into values of T by the csv tags of its fields. It is not safe for concurrent use.
type Decoder[T any] struct {
	columns []int    // of the sheet, that T has a field for
	others  []int    // of the sheet, that are mapped but unknown to T
	fields  []string // of the mapping
	names   []string // of columns
	cells   []string // of the current row, in the order of columns
	feed    feed
	pull    *gocsv.Unmarshaller
	err     error // of the type, which every Decode returns
}

// NewDecoder makes a decoder for sheets of a mapping. Fields of the mapping that T has no tag for are handed out apart.
// That T is no struct with csv tags is said by Decode.
func NewDecoder[T any](m Mapping) *Decoder[T] {
	d := &Decoder[T]{fields: m.Fields}
	probe, err := gocsv.NewUnmarshaller(feedReader(&feed{}, m.Fields), new(T))
	if err != nil {
		d.err = err
		return d
	}
	for i, field := range m.Fields {
		switch {
		case field == "":
		case slices.Contains(probe.MismatchedHeaders, field):
			d.others = append(d.others, i)
		default:
			d.columns, d.names = append(d.columns, i), append(d.names, field)
		}
	}
	d.cells = make([]string, len(d.columns))
	d.err = d.start()
	return d
}

// start gives gocsv the header, which it reads before any row. It has to be done again after an error.
func (d *Decoder[T]) start() (err error) {
	d.feed = feed{}
	d.pull, err = gocsv.NewUnmarshaller(feedReader(&d.feed, d.names), new(T))
	return err
}

// Decode decodes the cells of a row. Each cell is trimmed and unguarded first. The map holds the cells, as far as they
// are not empty, of fields that T does not know, by field; it is nil when there are none.
func (d *Decoder[T]) Decode(cells []string) (T, map[string]string, error) {
	if d.err != nil {
		return *new(T), nil, fmt.Errorf("can't decode into %T: %w", *new(T), d.err)
	}
	for i, column := range d.columns {
		d.cells[i] = cellValue(cells, column)
	}
	value, err := d.decode()
	if err != nil {
		d.err = d.start()
		return *new(T), nil, fmt.Errorf("can't decode the row: %w", err)
	}
	return *value, d.unknown(cells), nil
}

// decode lets gocsv make a value of the current cells. Cells that its csv.Reader would take for more than text go to it
// by the slower way, as they are.
func (d *Decoder[T]) decode() (*T, error) {
	if !d.feed.put(d.cells) {
		return d.decodeAlone()
	}
	value, err := d.pull.Read()
	if err != nil {
		return nil, err
	}
	return value.(*T), nil
}

func (d *Decoder[T]) decodeAlone() (*T, error) {
	var values []*T
	if err := gocsv.UnmarshalCSV(records{d.names, d.cells}, &values); err != nil {
		return nil, err
	}
	return values[0], nil
}

// unknown collects the cells that T has no field for.
func (d *Decoder[T]) unknown(cells []string) map[string]string {
	var others map[string]string
	for _, i := range d.others {
		cell := cellValue(cells, i)
		if cell == "" {
			continue
		}
		if others == nil {
			others = make(map[string]string, len(d.others))
		}
		others[d.fields[i]] = cell
	}
	return others
}

// cellValue is what a cell means: its text without what can't be seen around it and without a guard.
func cellValue(cells []string, i int) string {
	if i >= len(cells) {
		return ""
	}
	return Unguard(clean(cells[i]))
}

// unit stands between the cells that are fed to gocsv's csv.Reader, and behind the last, so that no line is blank.
const unit = '\x1f'

// feed hands single records to a csv.Reader, one for each time that it is asked.
type feed struct{ buf []byte }

// feedReader makes the csv.Reader that gocsv pulls from, with the header waiting in it.
func feedReader(f *feed, header []string) *csv.Reader {
	f.put(header)
	r := csv.NewReader(f)
	r.Comma, r.ReuseRecord, r.FieldsPerRecord = unit, true, -1
	return r
}

// put makes a record of cells the next one. It reports false if that can't be done without quotes.
func (f *feed) put(cells []string) bool {
	f.buf = f.buf[:0]
	for _, cell := range cells {
		if strings.ContainsAny(cell, "\"\r\n\x1f") {
			return false
		}
		f.buf = append(append(f.buf, cell...), unit)
	}
	f.buf = append(f.buf, unit, '\n')
	return true
}

// Read hands out what put left.
func (f *feed) Read(p []byte) (int, error) {
	if len(f.buf) == 0 {
		return 0, io.EOF
	}
	n := copy(p, f.buf)
	f.buf = f.buf[n:]
	return n, nil
}

// records is a header and a row as a gocsv.CSVReader.
type records [][]string

func (r records) Read() ([]string, error)      { return nil, io.EOF }
func (r records) ReadAll() ([][]string, error) { return r, nil }
