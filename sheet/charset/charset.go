// Package charset finds out the encoding of a text and decodes it to UTF-8.
//
// A [Detector] looks at the whole text once, as it streams by. What proves itself is believed: a byte order mark, the zeros
// of UTF-16, UTF-8 that is valid to the last byte. Other encodings prove nothing; every byte means something in most of
// them. So a text in one of these is read in all that are in use, and the answer is sure only where it makes no difference
// which is taken, or where the readings themselves leave no doubt: see [Detector.Result]. Else the answer is an [*Unsure],
// which shows the words in question as each candidate reads them, for a person to choose.
//
// Programs that guess encodings report confidences, but on the short, mostly ASCII texts that spreadsheets are these are
// of no use alone: a single Japanese name in Shift-JIS is Windows-1252 to them, and a Chinese one KOI8-R.
package charset

import (
	"fmt"
	"io"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"
	"golang.org/x/text/encoding/unicode/utf32"
	"golang.org/x/text/transform"
)

// Encodings that need no detector, by their names.
const (
	UTF8    = "utf-8"
	UTF16LE = "utf-16le"
	UTF16BE = "utf-16be"
	UTF32LE = "utf-32le"
	UTF32BE = "utf-32be"
)

// Usual lists the names that are worth offering to a person: those of the encodings that spreadsheets come in.
func Usual() []string {
	return []string{
		UTF8, UTF16LE, "windows-1252", "iso-8859-1", "iso-8859-15", "windows-1250", "windows-1251", "windows-1254",
		"shift_jis", "euc-jp", "gbk", "big5", "euc-kr", "macintosh", "ibm850",
	}
}

// Lookup returns the one name of an encoding that is known by many: "latin1" is "windows-1252", as on the web. All names
// of the WHATWG and of IANA are understood, in any case.
func Lookup(name string) (string, error) {
	canonical, _, err := find(name)
	return canonical, err
}

func find(name string) (string, encoding.Encoding, error) {
	key := strings.ToLower(strings.TrimSpace(name))
	switch strings.NewReplacer("_", "-", " ", "").Replace(key) {
	case UTF32LE, "utf-32":
		return UTF32LE, utf32.UTF32(utf32.LittleEndian, utf32.IgnoreBOM), nil
	case UTF32BE:
		return UTF32BE, utf32.UTF32(utf32.BigEndian, utf32.IgnoreBOM), nil
	}
	if enc, err := htmlindex.Get(key); err == nil && enc != encoding.Replacement {
		if canonical, err := htmlindex.Name(enc); err == nil {
			return canonical, enc, nil
		}
	}
	if enc, err := ianaindex.IANA.Encoding(key); err == nil && enc != nil {
		if canonical, err := ianaindex.IANA.Name(enc); err == nil {
			return strings.ToLower(canonical), enc, nil
		}
	}
	return "", nil, fmt.Errorf("there is no encoding named %q; usual ones are %s", name, strings.Join(Usual(), ", "))
}

// Bad is the byte that [NewReader] hands out for bytes that mean nothing in the encoding. It stands in no UTF-8 text, so
// that whoever reads on finds the place.
const Bad = 0xFF

// NewReader decodes a text to UTF-8 as it is read. Bytes that mean nothing come as [Bad], and so does U+FFFD, which says
// that somebody before us could not read the text. A byte order mark is text like any other: skip it first.
func NewReader(r io.Reader, name string) (io.Reader, error) {
	_, enc, err := find(name)
	if err != nil {
		return nil, err
	}
	return transform.NewReader(r, transform.Chain(enc.NewDecoder(), marker{})), nil
}

// marker puts Bad in the place of U+FFFD.
type marker struct{ transform.NopResetter }

const replacement = "\uFFFD"

func (marker) Transform(dst, src []byte, atEOF bool) (nDst, nSrc int, err error) {
	for nSrc < len(src) {
		if nDst == len(dst) {
			return nDst, nSrc, transform.ErrShortDst
		}
		c, size := src[nSrc], 1
		if c == replacement[0] {
			rest := src[nSrc:]
			switch {
			case len(rest) < len(replacement) && !atEOF:
				return nDst, nSrc, transform.ErrShortSrc
			case strings.HasPrefix(string(rest[:min(len(rest), len(replacement))]), replacement):
				c, size = Bad, len(replacement)
			}
		}
		dst[nDst] = c
		nDst, nSrc = nDst+1, nSrc+size
	}
	return nDst, nSrc, nil
}
