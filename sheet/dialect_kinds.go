package sheet

import (
	"strings"
	"unicode/utf8"
)

// kind is what a cell looks like. Kinds are evidence of where cells and headers are; no value is ever made of them.
type kind byte

const (
	kindEmpty   kind = iota
	kindText         // words
	kindNumber       // digits with signs, separators or a currency: 12, 1.234,50, $74.69, +49 30 123
	kindTime         // a date or a time: 2026-10-02, 02/10/2026, 15:04
	kindCode         // letters and at least three digits in one word: 1Z999AA1, MG-8769
	kindAddress      // an e-mail or web address
)

// kindOf says what a cell looks like.
func kindOf(cell string) kind {
	cell = clean(cell)
	switch {
	case cell == "":
		return kindEmpty
	case len(cell) > 200:
		return kindText
	}
	count := countMarks(cell)
	switch {
	case count.digits > 0 && count.letters == 0 && count.other == 0:
		if count.slashes > 0 || count.colons > 0 || count.dashes > 1 && count.spaces == 0 {
			return kindTime
		}
		return kindNumber
	case count.spaces > 0:
		return kindText
	case strings.Contains(cell, "://"), strings.HasPrefix(cell, "www."), looksLikeMail(cell):
		return kindAddress
	case count.digits > 2 && count.other == 0:
		return kindCode
	}
	return kindText
}

// marks counts the characters of a cell.
type marks struct{ digits, letters, spaces, slashes, colons, dashes, other int }

func countMarks(cell string) (m marks) {
	for _, r := range cell {
		switch {
		case r >= '0' && r <= '9':
			m.digits++
		case r == ' ', r == '\u00A0':
			m.spaces++
		case r == '/':
			m.slashes++
		case r == ':':
			m.colons++
		case r == '-':
			m.dashes++
		case strings.ContainsRune(".,+%#()_'$€£¥", r):
		case r >= 'A' && r <= 'Z', r >= 'a' && r <= 'z', r >= utf8.RuneSelf:
			m.letters++
		default:
			m.other++
		}
	}
	return m
}

func looksLikeMail(cell string) bool {
	at := strings.IndexByte(cell, '@')
	return at > 0 && strings.IndexByte(cell[at:], '.') > 1
}

// profile says of each column what most of its cells look like: kindText where they differ, kindEmpty where there are none.
type profile []kind

// mostOfTen is how many of ten cells must look alike to say something about their column.
const mostOfTen = 8

func profileOf(rows [][]string, width int) profile {
	counts := make([][kindAddress + 1]int, width)
	for _, cells := range rows {
		for i, cell := range cells[:min(len(cells), width)] {
			counts[i][kindOf(cell)]++
		}
	}
	p := make(profile, width)
	for i, count := range counts {
		p[i] = prevailing(count[:])
	}
	return p
}

func prevailing(count []int) kind {
	total := 0
	for _, n := range count[kindText:] {
		total += n
	}
	if total == 0 {
		return kindEmpty
	}
	for k, n := range count[kindText:] {
		if n*10 >= total*mostOfTen {
			return kindText + kind(k)
		}
	}
	return kindText
}

// votes counts what speaks for a line being a header, and what for its being data: words above a column of something else,
// and cells that look like the rest of their column.
func (p profile) votes(cells []string) (header, data int) {
	for i, cell := range cells[:min(len(cells), len(p))] {
		switch k := kindOf(cell); {
		case p[i] <= kindText || k == kindEmpty:
		case k == p[i]:
			data++
		case k == kindText:
			header++
		}
	}
	return header, data
}

// fits says that a row looks like the rows of the profile.
func (p profile) fits(cells []string) bool {
	same, other := 0, 0
	for i, cell := range cells[:min(len(cells), len(p))] {
		switch k := kindOf(cell); {
		case p[i] <= kindText || k == kindEmpty:
		case k == p[i]:
			same++
		default:
			other++
		}
	}
	return same > 0 && other*4 <= same
}
