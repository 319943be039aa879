package preset

import (
	"bytes"
	"cmp"
	"regexp"
	"slices"
	"unicode/utf8"

	"golang.org/x/text/encoding/htmlindex"

	"aftership-bulk/sheet"
)

// dateForm is how a form of dates may look: letters of year, month and day, and at most a time; or one that has a name.
// Whoever reads dates by it looks closer.
var dateForm = regexp.MustCompile(`^(?:[YMDHhmsSZTAPap ,./:_-]*YY[YMDHhmsSZTAPap ,./:_-]*|unix|excel)$`)

// named says that a column's name has something to compare.
func named(name string) bool { return sheet.Normal(name) != "" }

func (c *checker) reading(r Reading) {
	if r.Delimiter != "" && r.DelimiterRune() == 0 {
		c.wrong(at("reading", "delimiter"), "the delimiter %q must be one character, or tab", r.Delimiter)
	}
	if utf8.RuneCountInString(r.Quote) > 1 && r.Quote != "none" {
		c.wrong(at("reading", "quote"), "the quote %q must be one character, or none", r.Quote)
	}
	if utf8.RuneCountInString(r.Escape) > 1 {
		c.wrong(at("reading", "escape"), "the escape %q must be one character", r.Escape)
	}
	if r.HeaderLine < 0 || r.HeaderLines < 0 {
		c.wrong(at("reading"), "header_line and header_lines count from 1")
	}
	if h := r.EncodingHint; h != nil && (h.Contains == "" || h.Encoding == "") {
		c.wrong(at("reading", "encoding_hint"), "encoding_hint needs contains and encoding")
	}
	for _, name := range r.Columns {
		if !named(name) && name != sheet.NotSent {
			c.wrong(at("reading", "columns"), "the column's name %q has no letter or digit", name)
		}
	}
}

// DelimiterRune is the delimiter as a character, 0 for none.
func (r Reading) DelimiterRune() rune {
	if r.Delimiter == "tab" {
		return '\t'
	}
	return only(r.Delimiter)
}

// Options adds what the preset says to options of a person, whose own always count.
func (r Reading) Options(o sheet.Options) sheet.Options {
	o.Encoding = cmp.Or(o.Encoding, r.Encoding)
	o.Delimiter = cmp.Or(o.Delimiter, r.DelimiterRune())
	o.Quote, o.Escape = cmp.Or(o.Quote, r.quoteRune()), cmp.Or(o.Escape, only(r.Escape))
	if o.HeaderLine == 0 && r.HeaderLine > 0 {
		o.HeaderLineOf = "the preset " + r.preset
	}
	o.Names = append(slices.Clip(o.Names), r.names...)
	o.HeaderLine, o.HeaderLines = cmp.Or(o.HeaderLine, r.HeaderLine), cmp.Or(o.HeaderLines, r.HeaderLines)
	o.SheetName = cmp.Or(o.SheetName, r.Sheet)
	if o.Columns == nil && o.HeaderLine == 0 {
		o.Columns = slices.Clone(r.Columns)
	}
	return o
}

func (r Reading) quoteRune() rune {
	if r.Quote == "none" {
		return sheet.NoQuote
	}
	return only(r.Quote)
}

// in says that the beginning of a file holds the hint's text in the hint's encoding.
func (h Hint) in(head []byte) bool {
	enc, err := htmlindex.Get(h.Encoding)
	if err != nil {
		return false
	}
	text, err := enc.NewEncoder().Bytes([]byte(h.Contains))
	return err == nil && bytes.Contains(head, text)
}

// only returns the one character of a text, 0 if it has none or several.
func only(text string) rune {
	if first, size := utf8.DecodeRuneInString(text); size == len(text) && size > 0 {
		return first
	}
	return 0
}
