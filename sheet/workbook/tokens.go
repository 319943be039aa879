package workbook

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// tokens reads XML piece by piece. No piece may be larger than a cell can be, so that a hostile file can't fill the memory.
type tokens struct {
	dec   *xml.Decoder
	leash *leash
	attrs []xml.Attr // of the last start of an element
	text  []byte     // of the last end of an element that text was asked for
}

// mostText is how many bytes one piece of a cell may have; Excel allows 32,767 characters.
const mostText = 1 << 20

// leash ends a reading that goes on too long without a token.
type leash struct {
	io.Reader
	left int
}

var errTooLong = fmt.Errorf("it holds a piece of more than %d KiB, which no spreadsheet program writes", mostText>>10)

func (l *leash) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, errTooLong
	}
	n, err := l.Reader.Read(p[:min(len(p), l.left)])
	l.left -= n
	return n, err
}

func newTokens(r io.Reader) *tokens {
	l := &leash{Reader: r}
	return &tokens{dec: xml.NewDecoder(l), leash: l}
}

// raw returns the next token.
func (t *tokens) raw() (xml.Token, error) {
	t.leash.left = mostText
	return t.dec.RawToken()
}

// next returns the next element that begins or ends, without its name space.
func (t *tokens) next() (element string, end bool, err error) {
	for {
		token, err := t.raw()
		if err != nil {
			return "", false, err
		}
		switch x := token.(type) {
		case xml.StartElement:
			t.attrs = x.Attr
			return x.Name.Local, false, nil
		case xml.EndElement:
			return x.Name.Local, true, nil
		}
	}
}

func (t *tokens) attr(name string) string {
	for _, a := range t.attrs {
		if a.Name.Local == name && a.Name.Space == "" {
			return a.Value
		}
	}
	return ""
}

// content returns the text up to the end of an element.
func (t *tokens) content(element string) (string, error) {
	t.text = t.text[:0]
	for {
		token, err := t.raw()
		if err != nil {
			return "", unfinished(err)
		}
		switch x := token.(type) {
		case xml.CharData:
			if t.text = append(t.text, x...); len(t.text) > mostText {
				return "", errTooLong
			}
		case xml.EndElement:
			if x.Name.Local == element {
				return string(t.text), nil
			}
		}
	}
}

// richText joins the pieces of a formatted text up to the end of an element.
func (t *tokens) richText(element string) (string, error) {
	var all strings.Builder
	for phonetic := false; ; {
		name, end, err := t.next()
		switch {
		case err != nil:
			return "", unfinished(err)
		case name == "rPh":
			phonetic = !end
		case end && name == element:
			return all.String(), nil
		case !end && name == "t":
			text, err := t.content("t")
			if err != nil {
				return "", err
			}
			if !phonetic {
				all.WriteString(unescape(text))
			}
			if all.Len() > mostText {
				return "", errTooLong
			}
		}
	}
}

func unfinished(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// unescape reads the characters that XML has no place for and Excel writes as _x000D_.
func unescape(text string) string {
	if !strings.Contains(text, "_x") {
		return text
	}
	var b strings.Builder
	for {
		i := strings.Index(text, "_x")
		if i < 0 || len(text) < i+7 {
			b.WriteString(text)
			return b.String()
		}
		n, err := strconv.ParseUint(text[i+2:i+6], 16, 32)
		if err != nil || text[i+6] != '_' {
			b.WriteString(text[:i+2])
			text = text[i+2:]
			continue
		}
		b.WriteString(text[:i])
		if n == 0 || n >= 0xD800 && n < 0xE000 {
			n = utf8.RuneError
		}
		b.WriteRune(rune(n))
		text = text[i+7:]
	}
}

// describe says of which part an error is.
func describe(part string, err error) error {
	if _, ok := errors.AsType[*xml.SyntaxError](err); ok || errors.Is(err, io.ErrUnexpectedEOF) {
		return damaged(part + ": " + err.Error())
	}
	return fmt.Errorf("%s: %w", part, err)
}
