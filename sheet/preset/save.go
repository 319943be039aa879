package preset

import (
	"strings"

	"aftership-bulk/sheet"
)

// Of makes a preset of what was understood of a sheet: how it was read, which field each column holds, and the rules of
// its rows. Given to the same kind of file again, it reads it alike.
func Of(name string, s *sheet.Sheet, m sheet.Mapping, rules Rules) *Preset {
	p := &Preset{Name: nameOf(name), Columns: map[string]string{}, Reading: readingOf(s), Rules: rules}
	p.Rules.Preset = p.Name
	for i, header := range s.Header {
		column := strings.TrimRight(header, "* ") // a star would stand for more columns
		if _, twice := p.Columns[column]; !named(column) || twice || sheet.IsReportColumn(column) || i >= len(m.Fields) {
			continue
		}
		if p.Columns[column] = m.Fields[i]; m.Fields[i] == "" {
			p.Columns[column] = sheet.NotSent
		}
	}
	p.linkReading()
	return p
}

// readingOf says how a sheet was read, as far as it is not what every sheet is tried as first. The header's line is kept only if
// it was asked for: else it is found again by its names, wherever it stands in the next file.
func readingOf(s *sheet.Sheet) Reading {
	r := Reading{HeaderLines: s.HeaderLines} // also a single one: what is below it may look like a second
	if s.HeaderAsked && s.HeaderLine > 1 {
		r.HeaderLine = s.HeaderLine
	}
	if s.HeaderLine == 0 {
		r.Columns = s.Header
	}
	if s.Format == "xlsx" {
		r.Sheet = s.SheetName
		return r
	}
	if s.Encoding != "" && s.Encoding != "utf-8" {
		r.Encoding = s.Encoding
	}
	r.Delimiter, r.Quote = delimiterName(s.Delimiter), quoteName(s.Quote)
	if s.Escape == '\\' {
		r.Escape = `\`
	}
	return r
}

func delimiterName(d rune) string {
	if d == '\t' {
		return "tab"
	}
	return string(d)
}

// quoteName is a quote that is not the usual one.
func quoteName(q rune) string {
	switch q {
	case 0, '"':
		return ""
	case sheet.NoQuote:
		return "none"
	}
	return string(q)
}
