package batch

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/klauspost/compress/zstd"
)

// A chunk: a byte for its format, 8 bytes of the hash of its content, then the content, compressed. The hash is over
// the content, not over the compressed form, which another version of the compressor may make differently.
const (
	chunkCells  = 'Z' // rows are their cells
	chunkFilled = 'F' // and the values that stand in none of them
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

// formatOf returns the simplest format that can hold the rows.
func formatOf(entries []Entry) byte {
	if slices.ContainsFunc(entries, func(e Entry) bool { return len(e.Filled) > 0 }) {
		return chunkFilled
	}
	return chunkCells
}

// encodeChunk packs the rows of a chunk.
func encodeChunk(entries []Entry) []byte {
	format := formatOf(entries)
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
		if format == chunkFilled {
			raw = appendFilled(raw, e.Filled)
		}
	}
	hash := sha256.Sum256(raw)
	out := make([]byte, chunkHead, chunkHead+len(raw)/2)
	out[0] = format
	copy(out[1:], hash[:chunkHead-1])
	return compressor.EncodeAll(raw, out)
}

func appendFilled(raw []byte, filled []Fill) []byte {
	raw = binary.AppendUvarint(raw, uint64(len(filled)))
	for _, f := range filled {
		raw = binary.AppendUvarint(raw, uint64(f.Column))
		raw = binary.AppendUvarint(raw, uint64(len(f.Value)))
		raw = append(raw, f.Value...)
	}
	return raw
}

// decodeChunk unpacks the rows of a chunk. All cells share one string.
func decodeChunk(chunk string) ([]Entry, error) {
	if len(chunk) < chunkHead {
		return nil, errChunk
	}
	format := chunk[0]
	if format != chunkCells && format != chunkFilled {
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
	return decodeEntries(&reader{s: string(raw)}, format)
}

func decodeEntries(r *reader, format byte) ([]Entry, error) {
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
		if format == chunkFilled {
			e.Filled = decodeFilled(r)
		}
	}
	if r.bad || r.s != "" {
		return nil, errChunk
	}
	return entries, nil
}

func decodeFilled(r *reader) []Fill {
	n := r.int()
	if n <= 0 || n > len(r.s) {
		r.bad = r.bad || n != 0
		return nil
	}
	filled := make([]Fill, n)
	for i := range filled {
		filled[i] = Fill{Column: r.int(), Value: r.text()}
	}
	return filled
}
