package workbook

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/xuri/excelize/v2"
)

// survey is what must be known of a sheet before its rows are read: XML tells of merged cells behind them.
type survey struct {
	rows   int // that hold anything
	merges []merge
}

// merge is the first column of merged cells that reach over several rows.
type merge struct{ column, from, to int }

// mostMerges is how many merged cells are kept.
const mostMerges = 1 << 20

// survey looks through a sheet by its tags alone.
func (b *book) survey(sheet sheetPart) (survey, error) {
	r, err := b.stream(sheet.part)
	if err != nil {
		return survey{}, err
	}
	defer r.Close()
	var s survey
	in, full := bufio.NewReaderSize(r, 64<<10), false
	for {
		tag, err := nextTag(in)
		switch {
		case errors.Is(err, io.EOF):
			slices.SortStableFunc(s.merges, func(a, b merge) int { return cmp.Compare(a.from, b.from) })
			return s, nil
		case err != nil:
			return survey{}, readError(err)
		}
		switch name := tagName(tag); name {
		case "row":
			full = false
		case "v", "is", "f":
			if !full {
				s.rows++
			}
			full = true
		case "mergeCell":
			s.addMerge(tag)
			if len(s.merges) > mostMerges {
				return survey{}, fmt.Errorf("has more than %d merged cells; unmerge them", mostMerges)
			}
		}
	}
}

// nextTag returns the beginning of the next tag, without its bracket.
func nextTag(in *bufio.Reader) ([]byte, error) {
	for {
		_, err := in.ReadSlice('<')
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if err != nil {
			return nil, err
		}
		tag, err := in.Peek(80)
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		return tag, nil
	}
}

// tagName returns the name of a tag without its name space; empty for the end of an element.
func tagName(tag []byte) string {
	end := bytes.IndexAny(tag, " \t\r\n/>")
	if end <= 0 {
		return ""
	}
	name := tag[:end]
	if i := bytes.IndexByte(name, ':'); i >= 0 {
		name = name[i+1:]
	}
	return string(name)
}

// addMerge reads ref="A2:A4" out of a tag.
func (s *survey) addMerge(tag []byte) {
	_, ref, ok := strings.Cut(string(tag), `ref="`)
	if !ok {
		return
	}
	ref, _, _ = strings.Cut(ref, `"`)
	first, last, ok := strings.Cut(ref, ":")
	if !ok {
		return
	}
	column, from, err := excelize.CellNameToCoordinates(strings.ReplaceAll(first, "$", ""))
	_, to, err2 := excelize.CellNameToCoordinates(strings.ReplaceAll(last, "$", ""))
	if err == nil && err2 == nil && to > from {
		s.merges = append(s.merges, merge{column, from, to})
	}
}

// readError says of what was unpacked that it can't be.
func readError(err error) error {
	return fmt.Errorf("can't be read: %w", err)
}
