package workbook

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"
)

// large writes a workbook of orders, half of the cells shared text as Excel writes it.
func large(t testing.TB, rows int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "large.xlsx")
	f := excelize.NewFile()
	w, err := f.NewStreamWriter("Sheet1")
	if err != nil {
		t.Fatal(err)
	}
	for i := range rows {
		row := []any{fmt.Sprintf("1Z999AA1%09d", i), "ups", i, 19.9, time.Date(2026, 5, 31, 0, 0, 0, 0, time.UTC), "Blue shirt", true, fmt.Sprintf("Customer %d", i), "DEU", fmt.Sprintf("note %d, \"so\"", i)}
		if err := w.SetRow(fmt.Sprintf("A%d", i+1), row); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := f.SaveAs(path); err != nil {
		t.Fatal(err)
	}
	return path
}

// shared makes a workbook whose text is all in the table of shared strings, each different.
func shared(t testing.TB, rows int) string {
	t.Helper()
	var sst, cells strings.Builder
	for i := range rows {
		cells.WriteString("<row>")
		for k := range 10 {
			fmt.Fprintf(&sst, "<si><t>text %d of column %d</t></si>", i, k)
			fmt.Fprintf(&cells, `<c t="s"><v>%d</v></c>`, i*10+k)
		}
		cells.WriteString("</row>")
	}
	path := filepath.Join(t.TempDir(), "shared.xlsx")
	if err := os.WriteFile(path, raw(t, cells.String(), "xl/sharedStrings.xml", "<sst>"+sst.String()+"</sst>"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// peak runs something and returns the largest heap that was seen, beyond what there was before.
func peak(run func()) uint64 {
	var before, now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	most, done := before.HeapAlloc, make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-done:
				return
			case <-time.After(5 * time.Millisecond):
				runtime.ReadMemStats(&now)
				most = max(most, now.HeapAlloc)
			}
		}
	})
	run()
	close(done)
	wg.Wait()
	return most - before.HeapAlloc
}

func convertFile(t testing.TB, path string) {
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Convert(t.Context(), f, info.Size(), Options{TempDir: t.TempDir()}, io.Discard); err != nil {
		t.Fatal(err)
	}
}

func TestMemoryDoesNotGrowWithTheRows(t *testing.T) {
	const most = 14 << 20
	for name, path := range map[string]string{"inline": large(t, 12_000), "shared": shared(t, 12_000)} {
		if got := peak(func() { convertFile(t, path) }); got > most {
			t.Errorf("%s: %d MB", name, got>>20)
		}
	}
}

// BenchmarkConvert reads 100,000 rows of ten cells. The figure of excelize is its Rows alone, raw, which is less than is needed.
func BenchmarkConvert(b *testing.B) {
	const rows = 100_000
	for name, path := range map[string]string{"inline": large(b, rows), "shared": shared(b, rows)} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				most := peak(func() { convertFile(b, path) })
				b.ReportMetric(float64(most>>20), "MB")
			}
			b.ReportMetric(rows*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
	path := large(b, rows)
	b.Run("excelize", func(b *testing.B) {
		for b.Loop() {
			most := peak(func() { rowsOfExcelize(b, path) })
			b.ReportMetric(float64(most>>20), "MB")
		}
		b.ReportMetric(rows*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
	})
}

func rowsOfExcelize(b *testing.B, path string) {
	f, err := excelize.OpenFile(path, excelize.Options{RawCellValue: true, TmpDir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	rows, err := f.Rows("Sheet1")
	if err != nil {
		b.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		if _, err := rows.Columns(); err != nil {
			b.Fatal(err)
		}
	}
}
