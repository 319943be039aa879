// Command reader measures how well files are read that are not as they should be,
// and how fast files are that are. The first figure is the simple score of the Pollock
// benchmark (VLDB 2023) on cases of our own of the kinds that it names, in automatic
// mode, by what `inspect --to-csv` does; beside it stands encoding/csv with a
// naive sniffer. The second is the rate of Sheet.Rows beside that of a bare encoding/csv
// reader, in turns, and the memory that it takes.
package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"aftership-bulk/bench/rig"
	"aftership-bulk/sheet"
)

var (
	rowCount = flag.Int("rows", 100_000, "rows of the sheet that is read for speed")
	runs     = flag.Int("runs", 9, "how often to measure speed; medians are printed")
	details  = flag.Bool("details", false, "print the score of each kind of case, and the worst file of each")
)

func main() { rig.Main(5*time.Minute, run) }

// What should be reached.
const (
	scoreGoal = 9.8
	speedGoal = 0.5
)

func run(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "reader-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := quality(ctx, dir); err != nil {
		return err
	}
	return speed(ctx, dir)
}

// quality prints the scores.
func quality(ctx context.Context, dir string) error {
	files := cases()
	our, exact, err := total(files, ours(ctx, dir), *details)
	if err != nil {
		return err
	}
	their, exactTheir, err := total(files, reader(lax), false)
	if err != nil {
		return err
	}
	bare, exactBare, err := total(files, reader(strict), false)
	if err != nil {
		return err
	}
	rig.Figure("reader: Pollock score (simple), automatic mode", our.sum(), "of 10", note(our, exact), rig.Goal(fmt.Sprint(scoreGoal), our.sum() >= scoreGoal))
	rig.Figure("reader: encoding/csv, naive sniffer, every laxity", their.sum(), "of 10", note(their, exactTheir))
	rig.Figure("reader: encoding/csv, naive sniffer, as it comes", bare.sum(), "of 10", note(bare, exactBare))
	return nil
}

// note says more of a score: as one file differs from its clean version in a line or two at
// most, the share of files that are read without a difference tells readers apart.
func note(m measures, exact int) string {
	return fmt.Sprintf("%.3f; success %.3f, F1 of header %.3f, records %.3f, cells %.3f; %d of %d files without a difference",
		m.sum(), m[0], m[3], m[6], m[9], exact, len(cases()))
}

// ours reads a text by what `inspect --to-csv` does. What it wrote must be well-formed.
func ours(ctx context.Context, dir string) reader {
	path := filepath.Join(dir, "case.csv")
	return func(text string) ([][]string, error) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return nil, err
		}
		sh, err := sheet.Open(ctx, path, nil, sheet.Options{AnyWidth: true})
		if err != nil {
			return nil, err
		}
		var out bytes.Buffer
		if err := errors.Join(sh.WriteCSV(ctx, &out), sh.Close()); err != nil {
			return nil, err
		}
		return parse(out.String(), ',', false)
	}
}

// total averages the measures of all files, each of which counts the same, and counts those without a difference.
func total(files []file, read reader, show bool) (all measures, exact int, err error) {
	byKind, worst, count := map[string]measures{}, map[string]float64{}, map[string]int{}
	var kinds []string
	for _, f := range files {
		m := score(f, read)
		all.add(m)
		if m.sum() > 10-1e-9 {
			exact++
		}
		if !slices.Contains(kinds, f.kind) {
			kinds, worst[f.kind] = append(kinds, f.kind), 10
		}
		sum := byKind[f.kind]
		sum.add(m)
		byKind[f.kind], worst[f.kind] = sum, min(worst[f.kind], m.sum())
		count[f.kind]++
	}
	for _, kind := range kinds {
		if show {
			fmt.Printf("  %-28s %5d files %7.3f, worst %7.3f\n", kind, count[kind], byKind[kind].over(count[kind]).sum(), worst[kind])
		}
	}
	return all.over(len(files)), exact, nil
}

// speed prints the rates of reading a well-formed sheet.
func speed(ctx context.Context, dir string) error {
	path, err := rig.Sheet(dir, *rowCount)
	if err != nil {
		return err
	}
	sh, err := sheet.Open(ctx, path, nil, sheet.Options{})
	if err != nil {
		return err
	}
	defer func() { _ = sh.Close() }()
	var our, bare, ratio []float64
	for range *runs {
		a, err := rate(func() (int, error) { return readRows(sh) })
		if err != nil {
			return err
		}
		b, err := rate(func() (int, error) { return readBare(path) })
		if err != nil {
			return err
		}
		our, bare, ratio = append(our, a), append(bare, b), append(ratio, a/b)
	}
	held, err := memory(sh)
	if err != nil {
		return err
	}
	beside := rig.Median(ratio)
	rig.Figure("reader: Sheet.Rows", rig.Median(our), "rows/s", fmt.Sprintf("%d rows of %d bytes, median of %d runs", *rowCount, rig.RowBytes, *runs))
	rig.Figure("reader: bare encoding/csv", rig.Median(bare), "rows/s", "with ReuseRecord, cells thrown away")
	rig.Figure("reader: beside it in the same run", beside, "times", rig.Spread(ratio), rig.Goal(fmt.Sprint(speedGoal), beside >= speedGoal))
	rig.Figure("reader: most memory held while reading", held, "MB", fmt.Sprintf("of a sheet of %.0f MB", float64(sh.Size)/1e6))
	return nil
}

func rate(read func() (int, error)) (float64, error) {
	start := time.Now()
	n, err := read()
	if err == nil && n != *rowCount {
		err = fmt.Errorf("%d rows were read, not %d", n, *rowCount)
	}
	return rig.Rate(n, start), err
}

func readRows(sh *sheet.Sheet) (n int, err error) {
	for _, err := range sh.Rows() {
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

func readBare(path string) (n int, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer func() { _ = f.Close() }()
	r := csv.NewReader(f)
	r.ReuseRecord = true
	for n = -1; ; n++ { // the header is no row
		if _, err := r.Read(); errors.Is(err, io.EOF) {
			return n, nil
		} else if err != nil {
			return n, err
		}
	}
}

// memory is the most that live objects take while a sheet is read, in MB.
func memory(sh *sheet.Sheet) (float64, error) {
	var now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&now)
	before, most, n := now.HeapAlloc, now.HeapAlloc, 0
	for _, err := range sh.Rows() {
		if err != nil {
			return 0, err
		}
		if n++; n%20_000 == 0 {
			runtime.GC()
			runtime.ReadMemStats(&now)
			most = max(most, now.HeapAlloc)
		}
	}
	return float64(most-before) / 1e6, nil
}
