package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/spf13/pflag"

	"aftership-bulk/fetch"
	"aftership-bulk/sheet"
	"aftership-bulk/sheet/preset"
)

// readingFlags say how a sheet is read. All are found out where they are not
// given; `enqueue inspect` prints what was found out as these flags.
type readingFlags struct {
	delimiter, quote, escape string
	encoding                 string
	headerLine, headerLines  int
	columns                  []string
	sheet, member            string
	hidden                   bool
	preset                   string
	maps                     []string
	private                  bool
}

func (r *readingFlags) add(f *pflag.FlagSet) {
	f.StringVar(&r.delimiter, "delimiter", "", "what stands between cells: comma, semicolon, tab, pipe, space or a character")
	f.StringVar(&r.quote, "quote-char", "", "what encloses cells: double, single or none")
	f.StringVar(&r.escape, "escape-char", "", "what makes a quote inside a quoted cell text: double (it is written twice) or backslash")
	f.StringVar(&r.encoding, "encoding", "", "the text's encoding: utf-8, windows-1252, shift_jis, gbk, ...")
	f.IntVar(&r.headerLine, "header-line", 0, "the line (of a workbook: the row) of the header, from 1")
	f.IntVar(&r.headerLines, "header-lines", 0, "how many lines the header has")
	f.StringSliceVar(&r.columns, "columns", nil, "the names of the columns of a sheet without a header, with commas")
	f.StringVar(&r.sheet, "sheet", "", "which sheet of a workbook, by `NAME` or number from 1")
	f.StringVar(&r.member, "member", "", "which file of a ZIP archive")
	f.BoolVar(&r.hidden, "hidden-rows", false, "read the hidden rows of a workbook, too")
	f.StringVar(&r.preset, "preset", "", "how the columns of a known export are understood: a `NAME`, a FILE.yaml of your own, or none")
	f.StringArrayVar(&r.maps, "map", nil, "`HEADER=FIELD`: what a column means; FIELD - means that it is not sent (repeat it for more columns)")
	f.BoolVar(&r.private, "allow-private-address", false, "load a sheet also from an address inside your network, and without TLS")
}

// characters are the names under which delimiters and quotes go on the command
// line, where some are awkward to write.
var characters = map[string]rune{
	"comma": ',', "semicolon": ';', "tab": '\t', "pipe": '|', "space": ' ', "colon": ':', `\t`: '\t',
	"double": '"', "single": '\'', "none": sheet.NoQuote, "backslash": '\\',
}

// character reads a flag that is one character or the name of one.
func character(flag, text string) (rune, error) {
	if text == "" {
		return 0, nil
	}
	if r, ok := characters[strings.ToLower(text)]; ok {
		return r, nil
	}
	if r, size := utf8.DecodeRuneInString(text); size == len(text) && r != utf8.RuneError {
		return r, nil
	}
	return 0, usage(fmt.Errorf("--%s %q is not one character", flag, text), "write a name (comma, semicolon, tab, pipe, space) or one character")
}

// characterName is the inverse of character, for people.
func characterName(r rune) string {
	for _, name := range []string{"comma", "semicolon", "tab", "pipe", "space"} {
		if characters[name] == r {
			return name
		}
	}
	return string(r)
}

// options are the flags as package sheet takes them, with those of a preset that
// was named behind them.
func (r *readingFlags) options(named *preset.Preset) (o sheet.Options, err error) {
	for _, c := range []struct {
		flag, text string
		to         *rune
	}{{"delimiter", r.delimiter, &o.Delimiter}, {"quote-char", r.quote, &o.Quote}, {"escape-char", r.escape, &o.Escape}} {
		if *c.to, err = character(c.flag, c.text); err != nil {
			return o, err
		}
	}
	if r.headerLine < 0 || r.headerLines < 0 {
		return o, usage(errors.New("--header-line and --header-lines count from 1"), "enqueue inspect FILE")
	}
	o.Encoding, o.HeaderLine, o.HeaderLines = r.encoding, r.headerLine, r.headerLines
	o.SheetName, o.Member, o.Columns, o.Hidden = r.sheet, r.member, r.columns, r.hidden
	if named != nil {
		o = named.Reading.Options(o)
	}
	o.EncodingHint, o.Known = preset.EncodingHint, preset.KnownHeader
	return o, nil
}

// named is the preset that --preset names, nil if it names none. noPreset says
// that none shall be recognised either.
func (r *readingFlags) named() (p *preset.Preset, noPreset bool, err error) {
	switch {
	case r.preset == "":
		return nil, false, nil
	case r.preset == "none":
		return nil, true, nil
	case !strings.ContainsAny(r.preset, "./\\"):
		p, err = preset.Named(r.preset)
	default:
		p, err = readPreset(r.preset)
	}
	if err != nil {
		return nil, false, usage(err, "enqueue inspect --presets")
	}
	return p, false, nil
}

func readPreset(path string) (*preset.Preset, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the preset: %w", err)
	}
	defer f.Close()
	return preset.Read(f, path)
}

// choices are the columns that --map decides.
func (r *readingFlags) choices() ([]sheet.Choice, error) {
	var all []sheet.Choice
	for _, m := range r.maps {
		i := strings.LastIndexByte(m, '=')
		if i <= 0 || i == len(m)-1 {
			return nil, usage(fmt.Errorf("--map %q is not HEADER=FIELD", m), "write it as --map 'Tracking #=tracking_number'; FIELD - means that the column is not sent")
		}
		all = append(all, sheet.Choice{Header: m[:i], Field: m[i+1:], Must: true})
	}
	return all, nil
}

// source is what a sheet is read from: a file, standard input or an address.
func (c *cli) source(ctx context.Context, file string, o *sheet.Options) (path string, from io.Reader, done func(), err error) {
	if !fetch.IsAddress(file) {
		return file, c.stdin, func() {}, nil
	}
	body, name, err := fetch.Open(ctx, file, fetch.Options{AllowPrivate: c.read.private})
	if err != nil {
		return "", nil, nil, usage(err, "")
	}
	o.Name = name
	return "-", body, func() { _ = body.Close() }, nil
}
