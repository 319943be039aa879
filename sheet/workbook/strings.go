package workbook

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"os"
)

// stringTable holds the strings that cells share, in temporary files: a workbook may have millions.
type stringTable struct {
	texts, places *pages
	count         int
}

// loadStrings copies the strings of the workbook; nil if it has none.
func loadStrings(b *book) (t *stringTable, err error) {
	if b.texts == nil {
		return nil, nil
	}
	r, err := b.stream(b.texts)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	t = &stringTable{}
	defer func() {
		if err != nil {
			err = errors.Join(err, t.close())
			t = nil
		}
	}()
	if t.texts, err = newPages(b.o.TempDir); err != nil {
		return t, err
	}
	if t.places, err = newPages(b.o.TempDir); err != nil {
		return t, err
	}
	return t, t.load(newTokens(r))
}

// load reads the strings. Those that show how Japanese is pronounced are left out.
func (t *stringTable) load(tokens *tokens) error {
	at := int64(0)
	if err := t.places.number(0); err != nil {
		return err
	}
	for {
		element, end, err := tokens.next()
		switch {
		case errors.Is(err, io.EOF):
			return errors.Join(t.texts.flush(), t.places.flush())
		case err != nil:
			return describe("the workbook's strings", err)
		case end || element != "si":
			continue
		}
		text, err := tokens.richText("si")
		if err != nil {
			return describe("the workbook's strings", err)
		}
		at += int64(len(text))
		t.count++
		if err := errors.Join(t.texts.write([]byte(text)), t.places.number(at)); err != nil {
			return err
		}
	}
}

// get returns a string by its number.
func (t *stringTable) get(i int) (string, bool, error) {
	if t == nil || i < 0 || i >= t.count {
		return "", false, nil
	}
	var place [16]byte
	if err := t.places.read(place[:], int64(i)*8); err != nil {
		return "", false, err
	}
	from, to := int64(binary.LittleEndian.Uint64(place[:8])), int64(binary.LittleEndian.Uint64(place[8:]))
	text := make([]byte, to-from)
	err := t.texts.read(text, from)
	return string(text), err == nil, err
}

func (t *stringTable) close() error { return errors.Join(t.texts.close(), t.places.close()) }

// pages is a temporary file that is written once and read piece by piece, with the pages last used in memory.
type pages struct {
	file  *os.File
	temp  string // file to remove at close
	out   *bufio.Writer
	cache [cachedPages]page
}

type page struct {
	number int64 // from 1
	bytes  []byte
}

const (
	pageSize    = 16 << 10
	cachedPages = 64
)

func newPages(dir string) (*pages, error) {
	f, err := os.CreateTemp(dir, "sheet-strings-*")
	if err != nil {
		return nil, err
	}
	p := &pages{file: f, temp: f.Name(), out: bufio.NewWriterSize(f, 64<<10)}
	if os.Remove(p.temp) == nil {
		p.temp = ""
	}
	return p, nil
}

func (p *pages) write(b []byte) error {
	_, err := p.out.Write(b)
	return err
}

func (p *pages) number(n int64) error {
	return p.write(binary.LittleEndian.AppendUint64(nil, uint64(n)))
}

func (p *pages) flush() error { return p.out.Flush() }

// read fills b with what stands at a place.
func (p *pages) read(b []byte, at int64) error {
	for len(b) > 0 {
		bytes, err := p.page(at / pageSize)
		if err != nil {
			return err
		}
		within := int(at % pageSize)
		if within >= len(bytes) {
			return io.ErrUnexpectedEOF
		}
		n := copy(b, bytes[within:])
		b, at = b[n:], at+int64(n)
	}
	return nil
}

func (p *pages) page(i int64) ([]byte, error) {
	slot := &p.cache[i%cachedPages]
	if slot.number == i+1 {
		return slot.bytes, nil
	}
	if slot.bytes == nil {
		slot.bytes = make([]byte, pageSize)
	}
	n, err := p.file.ReadAt(slot.bytes[:pageSize], i*pageSize)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	slot.number, slot.bytes = i+1, slot.bytes[:n]
	return slot.bytes, nil
}

func (p *pages) close() error {
	if p == nil {
		return nil
	}
	err := p.file.Close()
	if p.temp != "" {
		if rmErr := os.Remove(p.temp); !errors.Is(rmErr, fs.ErrNotExist) {
			err = errors.Join(err, rmErr)
		}
	}
	return err
}
