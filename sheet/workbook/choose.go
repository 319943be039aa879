package workbook

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// choose returns the place of the sheet that is meant.
func choose(sheets []SheetInfo, name string) (int, error) {
	switch {
	case len(sheets) == 0:
		return 0, errors.New("the workbook has no sheet with cells")
	case name != "":
		return named(sheets, name)
	}
	for i, s := range sheets {
		if !s.Hidden && s.Rows > 0 {
			return i, nil
		}
	}
	if i := slices.IndexFunc(sheets, func(s SheetInfo) bool { return s.Rows > 0 }); i >= 0 {
		return 0, fmt.Errorf("all sheets with rows are hidden; name the one to read: %s", list(sheets))
	}
	return 0, errors.New("the workbook is empty; it needs a header row that names the columns, and rows below it")
}

func named(sheets []SheetInfo, name string) (int, error) {
	for _, same := range []func(s SheetInfo) bool{
		func(s SheetInfo) bool { return s.Name == name },
		func(s SheetInfo) bool { return strings.EqualFold(strings.TrimSpace(s.Name), strings.TrimSpace(name)) },
	} {
		if i := slices.IndexFunc(sheets, same); i >= 0 {
			return i, nil
		}
	}
	if n, err := strconv.Atoi(name); err == nil && n >= 1 && n <= len(sheets) {
		return n - 1, nil
	}
	return 0, fmt.Errorf("the workbook has no sheet %q; it has %s", name, list(sheets))
}

// list names the sheets for a person.
func list(sheets []SheetInfo) string {
	const most = 20
	var words []string
	for i, s := range sheets[:min(len(sheets), most)] {
		word := fmt.Sprintf("%d %q", i+1, s.Name)
		if s.Hidden {
			word += " (hidden)"
		}
		words = append(words, word)
	}
	if len(sheets) > most {
		words = append(words, "and others")
	}
	return strings.Join(words, ", ")
}

// warnings says what a person should know about the choice and the sheet. Those before it were passed over.
func warnings(info Info, s survey, before []SheetInfo) []string {
	var others []SheetInfo
	for _, sheet := range info.Sheets {
		if sheet.Rows > 0 && sheet.Name != info.Sheet && !slices.Contains(before, sheet) {
			others = append(others, sheet)
		}
	}
	var texts []string
	if len(before) > 0 {
		texts = append(texts, fmt.Sprintf("the sheet %q was read, as it holds the table; before it: %s; name the one that is meant with --sheet", info.Sheet, names(before)))
	}
	if len(others) > 0 {
		texts = append(texts, fmt.Sprintf("only the sheet %q was read; others hold rows too: %s; read another with --sheet", info.Sheet, names(others)))
	}
	if len(s.merges) > 0 {
		cells := fmt.Sprintf("%d cells are", len(s.merges))
		if len(s.merges) == 1 {
			cells = "a cell is"
		}
		texts = append(texts, fmt.Sprintf("%s merged over several rows (the first from row %d); each of the rows got the value", cells, s.merges[0].from))
	}
	return texts
}

func names(sheets []SheetInfo) string {
	const most = 10
	var words []string
	for _, s := range sheets[:min(len(sheets), most)] {
		word := strconv.Quote(s.Name)
		if s.Hidden {
			word += " (hidden)"
		}
		words = append(words, word)
	}
	if len(sheets) > most {
		words = append(words, "and others")
	}
	return strings.Join(words, ", ")
}
