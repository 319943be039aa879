package charset

import (
	"bytes"
	"encoding/binary"
	"unicode/utf8"
)

// Result is what the encoding of a text is.
type Result struct {
	Encoding string  // by its one name; empty when there is a doubt
	Mark     int     // bytes of the byte order mark, which are no text
	Damaged  bool    // some bytes mean nothing in the encoding
	Doubt    *Unsure // why the encoding is not known; nil when it is
}

// Detector learns the encoding of the text that is written to it, in constant memory.
type Detector struct {
	size    int64
	head    []byte
	carry   []byte // an unfinished UTF-8 sequence
	valid   int64  // UTF-8 sequences of several bytes
	invalid int64  // bytes that are not UTF-8
	zeros   [2]int64
	sampler sampler
}

const headSize = 4096

// NewDetector makes a detector. Write the whole text to it, then ask for the Result.
func NewDetector() *Detector { return &Detector{sampler: newSampler()} }

// Write looks at the next piece of the text. It never fails.
func (d *Detector) Write(p []byte) (int, error) {
	if room := headSize - len(d.head); room > 0 {
		d.head = append(d.head, p[:min(room, len(p))]...)
	}
	d.countZeros(p)
	d.size += int64(len(p))
	d.sampler.write(p)
	d.countSequences(p)
	return len(p), nil
}

func (d *Detector) countZeros(p []byte) {
	for at := 0; ; at++ {
		i := bytes.IndexByte(p[at:], 0)
		if i < 0 {
			return
		}
		at += i
		d.zeros[(d.size+int64(at))&1]++
	}
}

// countSequences tells the UTF-8 sequences from the bytes that are none.
func (d *Detector) countSequences(p []byte) {
	for len(d.carry) > 0 && len(p) > 0 {
		d.carry, p = append(d.carry, p[0]), p[1:]
		d.carry = d.sequences(d.carry)
	}
	if len(p) > 0 {
		d.carry = append(d.carry[:0], d.sequences(p)...)
	}
}

// sequences counts in p up to an unfinished sequence at its end, which it returns.
func (d *Detector) sequences(p []byte) []byte {
	for len(p) > 0 {
		if p[0] < utf8.RuneSelf {
			p = p[ascii(p):]
			continue
		}
		if !utf8.FullRune(p) {
			return p
		}
		r, size := utf8.DecodeRune(p)
		if r == utf8.RuneError && size == 1 {
			d.invalid++
		} else {
			d.valid++
		}
		p = p[size:]
	}
	return nil
}

// ascii counts the ASCII characters that p begins with.
func ascii(p []byte) int {
	const high = 0x8080808080808080
	skip := 0
	for len(p)-skip >= 8 && binary.LittleEndian.Uint64(p[skip:])&high == 0 {
		skip += 8
	}
	for i, c := range p[skip:] {
		if c >= utf8.RuneSelf {
			return skip + i
		}
	}
	return len(p)
}

// marks are the byte order marks. The longer come first, as one of UTF-32 begins like one of UTF-16.
var marks = []struct{ bytes, encoding string }{
	{"\xFF\xFE\x00\x00", UTF32LE},
	{"\x00\x00\xFE\xFF", UTF32BE},
	{"\xEF\xBB\xBF", UTF8},
	{"\xFF\xFE", UTF16LE},
	{"\xFE\xFF", UTF16BE},
}

// Mark returns the encoding that a byte order mark at the beginning of a text names, and the mark's size.
func Mark(head []byte) (encoding string, size int) {
	for _, m := range marks {
		if bytes.HasPrefix(head, []byte(m.bytes)) {
			return m.encoding, len(m.bytes)
		}
	}
	return "", 0
}

// Result says what the encoding is. In this order: a byte order mark; the zeros that ASCII has in UTF-16; UTF-8 as far as
// the whole text is valid, or has so many valid sequences that the rest is damage, and in doubt where some cells are UTF-8 and
// more of them are in a Latin encoding; the encoding that hint names for the
// beginning of the text, provided that the text makes sense in it; the readings in all encodings, see the package comment.
// Hint may be nil.
func (d *Detector) Result(hint func(head []byte) string) Result {
	encoding, mark := Mark(d.head)
	switch {
	case mark > 0:
		return Result{Encoding: encoding, Mark: mark, Damaged: encoding == UTF8 && d.bad() > 0}
	case d.wide() != "":
		return Result{Encoding: d.wide()}
	case d.bad() == 0:
		return Result{Encoding: UTF8}
	case d.valid >= 3 && d.valid >= 4*d.bad():
		return Result{Encoding: UTF8, Damaged: true}
	}
	cells := d.sampler.finish()
	if hint != nil {
		if name, ok := believe(hint(d.head), cells); ok {
			return Result{Encoding: name}
		}
	}
	name, doubt := judge(cells)
	if n := d.sampler.utf8; n > 0 && isLatin(name) { // which would make "Ã¼" of a cell that is UTF-8
		if n >= d.sampler.other {
			return Result{Encoding: UTF8, Damaged: true}
		}
		return Result{Doubt: mixedDoubt(cells)}
	}
	return Result{Encoding: name, Doubt: doubt}
}

// bad counts the bytes that are not UTF-8, with a sequence that the end cuts off.
func (d *Detector) bad() int64 { return d.invalid + int64(len(d.carry)) }

// wide tells UTF-16 by its zeros: line ends, digits and delimiters have one in every language, always on the same side.
func (d *Detector) wide() string {
	const least, pure = 16, 20 // one byte in 16 is a zero, 20 are on one side for one on the other
	even, odd := d.zeros[0], d.zeros[1]
	switch {
	case d.size%2 != 0 && d.size < headSize, (even+odd)*least < d.size, even+odd < 3:
		return ""
	case odd > pure*even:
		return UTF16LE
	case even > pure*odd:
		return UTF16BE
	}
	return ""
}

// believe takes an encoding at its word if the text has a meaning in it.
func believe(name string, cells []cell) (string, bool) {
	if name == "" {
		return "", false
	}
	name, enc, err := find(name)
	if err != nil {
		return "", false
	}
	for _, c := range cells {
		if _, ok := decode(enc, c); !ok {
			return "", false
		}
	}
	return name, true
}
