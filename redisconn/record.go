package redisconn

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"time"
)

// A log is a header followed by records. The header is the magic with the
// format's number in its last byte, and eight bytes that no two files share, by
// which a reader sees that a compaction put another file in the place of the
// one that it knows. A record holds the effects of one command, all or none of
// which are replayed:
//
//	length   uint32, little endian, of the payload
//	checksum uint32, CRC-32C of the payload
//	check    uint32, CRC-32C of the eight bytes before, inverted, so that a
//	         damaged length is told from a record that was cut off
//	payload  commands: number of words, then each word, lengths as uvarints
const (
	logMagic     = "ABLEDGER\x01"
	logHeader    = len(logMagic) + 8
	recordHeader = 12
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var (
	// errTorn is the end of a log whose last record was not written to its end.
	errTorn = errors.New("torn record")
	// errDamaged is a record that was changed after it was written.
	errDamaged = errors.New("damaged record")
)

// header is the start of a new log.
func header(now time.Time) []byte {
	return binary.LittleEndian.AppendUint64([]byte(logMagic), uint64(now.UnixNano()))
}

// appendRecord appends the record of the commands to buf.
func appendRecord(buf []byte, commands [][]string) []byte {
	start := len(buf)
	buf = append(buf, make([]byte, recordHeader)...)
	for _, words := range commands {
		buf = binary.AppendUvarint(buf, uint64(len(words)))
		for _, w := range words {
			buf = binary.AppendUvarint(buf, uint64(len(w)))
			buf = append(buf, w...)
		}
	}
	payload, head := buf[start+recordHeader:], buf[start:]
	binary.LittleEndian.PutUint32(head[0:], uint32(len(payload)))
	binary.LittleEndian.PutUint32(head[4:], crc32.Checksum(payload, castagnoli))
	binary.LittleEndian.PutUint32(head[8:], ^crc32.Checksum(head[:8], castagnoli))
	return buf
}

// recordReader reads the records of a log of known size.
type recordReader struct {
	r    *bufio.Reader
	left int64 // bytes of the log that were not read yet
	pos  int64 // where the next record starts
	name string
	buf  []byte
}

func newRecordReader(r io.Reader, name string, pos, size int64) *recordReader {
	return &recordReader{r: bufio.NewReaderSize(r, 1<<20), name: name, left: size - pos, pos: pos}
}

// next returns the payload of the next record, valid until the next call, and
// io.EOF after the last one.
func (r *recordReader) next() ([]byte, error) {
	if r.left == 0 {
		return nil, io.EOF
	}
	if r.left < recordHeader {
		return nil, errTorn
	}
	var head [recordHeader]byte
	if err := r.read(head[:]); err != nil {
		return nil, err
	}
	if ^crc32.Checksum(head[:8], castagnoli) != binary.LittleEndian.Uint32(head[8:]) {
		return nil, r.tornIfRestIsZero()
	}
	size := int64(binary.LittleEndian.Uint32(head[0:]))
	if size > r.left {
		return nil, errTorn
	}
	payload, err := r.payload(int(size))
	if err != nil {
		return nil, err
	}
	if crc32.Checksum(payload, castagnoli) != binary.LittleEndian.Uint32(head[4:]) {
		return nil, r.tornIfRestIsZero()
	}
	r.pos += recordHeader + size
	return payload, nil
}

func (r *recordReader) payload(size int) ([]byte, error) {
	if size > cap(r.buf) {
		r.buf = make([]byte, size, size+size/2)
	}
	payload := r.buf[:size]
	return payload, r.read(payload)
}

func (r *recordReader) read(p []byte) error {
	n, err := io.ReadFull(r.r, p)
	r.left -= int64(n)
	return err
}

// tornIfRestIsZero judges a record that does not match its checksums. As the
// last one, or followed by nothing but the zeros that a file system leaves
// after a power cut, it was never finished; followed by more, it was damaged.
func (r *recordReader) tornIfRestIsZero() error {
	chunk := make([]byte, 64<<10)
	for r.left > 0 {
		p := chunk[:min(int64(len(chunk)), r.left)]
		if err := r.read(p); err != nil {
			return err
		}
		if len(bytes.Trim(p, "\x00")) > 0 {
			return errDamaged
		}
	}
	return errTorn
}

// eachCommand calls fn with every command of a payload.
func eachCommand(payload []byte, fn func(words []string)) error {
	for len(payload) > 0 {
		n, rest, err := number(payload)
		if err != nil {
			return err
		}
		words := make([]string, n)
		for i := range words {
			var size int
			if size, rest, err = number(rest); err != nil {
				return err
			}
			words[i], rest = string(rest[:size]), rest[size:]
		}
		if n == 0 {
			return fmt.Errorf("%w: a command without words", errDamaged)
		}
		fn(words)
		payload = rest
	}
	return nil
}

// number reads a count of things that each take at least a byte of what follows.
func number(p []byte) (int, []byte, error) {
	v, n := binary.Uvarint(p)
	if n <= 0 || v > uint64(len(p)-n) {
		return 0, nil, fmt.Errorf("%w: a length beyond its record", errDamaged)
	}
	return int(v), p[n:], nil
}
