package main

import (
	"encoding/csv"
	"errors"
	"io"
	"strings"
)

// measures are those of the Pollock benchmark, each from 0 to 1: success, and
// precision, recall and F1 of the header's cells, of the records, and of the
// cells. Cells and records are compared as multisets.
type measures [10]float64

// sum is the simple Pollock score of one file, or of many once they are averaged.
func (m measures) sum() float64 {
	sum := 0.0
	for _, v := range m {
		sum += v
	}
	return sum
}

func (m *measures) add(other measures) {
	for i := range m {
		m[i] += other[i]
	}
}

func (m measures) over(n int) measures {
	for i := range m {
		m[i] /= float64(n)
	}
	return m
}

// reader reads a text in automatic mode: no parameter tells it anything.
type reader func(text string) ([][]string, error)

// score compares what a reader made of a case with what stands in it.
func score(f file, read reader) measures {
	rows, err := read(f.text)
	if err != nil {
		return measures{}
	}
	var header []string
	if f.header != nil && len(rows) > 0 {
		header, rows = rows[0], rows[1:]
	}
	m := measures{1}
	copy(m[1:], compare(f.header, header))
	copy(m[4:], compare(joined(f.rows), joined(rows)))
	copy(m[7:], compare(flat(f.rows), flat(rows)))
	return m
}

// compare returns precision, recall and F1 of two multisets. Nothing to find is found.
func compare(want, got []string) []float64 {
	if len(want) == 0 {
		return []float64{1, 1, 1}
	}
	counts := map[string]int{}
	for _, v := range want {
		counts[v]++
	}
	same := 0.0
	for _, v := range got {
		if counts[v] > 0 {
			counts[v]--
			same++
		}
	}
	if same == 0 {
		return []float64{0, 0, 0}
	}
	precision, recall := same/float64(len(got)), same/float64(len(want))
	return []float64{precision, recall, 2 * precision * recall / (precision + recall)}
}

func joined(rows [][]string) []string {
	out := make([]string, len(rows))
	for i, row := range rows {
		out[i] = strings.Join(row, "\x1f")
	}
	return out
}

func flat(rows [][]string) []string {
	var out []string
	for _, row := range rows {
		out = append(out, row...)
	}
	return out
}

// sniff takes for the delimiter what the first line has most of.
func sniff(text string) rune {
	first, _, _ := strings.Cut(text, "\n")
	delim, most := ',', 0
	for _, d := range ",;\t| " {
		if n := strings.Count(first, string(d)); n > most {
			delim, most = d, n
		}
	}
	return delim
}

// lax is encoding/csv with every laxity allowed: any width, and quotes anywhere.
func lax(text string) ([][]string, error) { return parse(text, sniff(text), true) }

// strict is encoding/csv as it comes.
func strict(text string) ([][]string, error) {
	r := csv.NewReader(strings.NewReader(text))
	r.Comma = sniff(text)
	return r.ReadAll()
}

// parse reads well-formed CSV.
func parse(text string, delim rune, lazy bool) ([][]string, error) {
	r := csv.NewReader(strings.NewReader(text))
	r.Comma, r.LazyQuotes, r.FieldsPerRecord = delim, lazy, -1
	var rows [][]string
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
}
