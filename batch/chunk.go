package batch

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/klauspost/compress/zstd"
)

// A chunk: a byte for its format, 8 bytes of the hash of its content, then the content, compressed. The hash is over
// the content, not over the compressed form, which another version of the compressor may make differently.
const (
	chunkFormat = 'Z'
	chunkHead   = 9
)

var errChunk = errors.New("damaged rows in the ledger")

// The encoder and decoder are stateless in use and shared by all stores.
var (
	compressor   = must(zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithLowerEncoderMem(true), zstd.WithEncoderCRC(false)))
	decompressor = must(zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderLowmem(true)))
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// encodeChunk packs the rows of a chunk.
func encodeChunk(entries []Entry) []byte {
	raw := make([]byte, 0, 64*len(entries))
	raw = binary.AppendUvarint(raw, uint64(len(entries)))
	for _, e := range entries {
		raw = binary.AppendUvarint(raw, uint64(e.Row))
		raw = binary.AppendUvarint(raw, uint64(e.Line))
		raw = binary.AppendUvarint(raw, uint64(e.Part))
		raw = binary.AppendUvarint(raw, uint64(len(e.Cells)))
		for _, cell := range e.Cells {
			raw = binary.AppendUvarint(raw, uint64(len(cell)))
			raw = append(raw, cell...)
		}
	}
	hash := sha256.Sum256(raw)
	out := make([]byte, chunkHead, chunkHead+len(raw)/2)
	out[0] = chunkFormat
	copy(out[1:], hash[:chunkHead-1])
	return compressor.EncodeAll(raw, out)
}

// decodeChunk unpacks the rows of a chunk. All cells share one string.
func decodeChunk(chunk string) ([]Entry, error) {
	if len(chunk) < chunkHead {
		return nil, errChunk
	}
	if chunk[0] != chunkFormat {
		return nil, ErrNewer
	}
	raw, err := decompressor.DecodeAll([]byte(chunk[chunkHead:]), nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errChunk, err)
	}
	hash := sha256.Sum256(raw)
	if string(hash[:chunkHead-1]) != chunk[1:chunkHead] {
		return nil, errChunk
	}
	return decodeEntries(&reader{s: string(raw)})
}

func decodeEntries(r *reader) ([]Entry, error) {
	n := r.int()
	if n < 0 || n > ChunkJobs {
		return nil, errChunk
	}
	entries := make([]Entry, n)
	var cells []string
	for i := range entries {
		e := &entries[i]
		e.Row, e.Line, e.Part = r.int(), r.int(), r.int()
		width := r.int()
		if width < 0 || width > len(r.s) {
			return nil, errChunk
		}
		if len(cells) < width {
			cells = make([]string, width*(n-i))
		}
		e.Cells, cells = cells[:width:width], cells[width:]
		for c := range e.Cells {
			e.Cells[c] = r.text()
		}
	}
	if r.bad || r.s != "" {
		return nil, errChunk
	}
	return entries, nil
}
