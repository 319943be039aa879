package sheet

import (
	"encoding/csv"
	"fmt"
	"github.com/gocarina/gocsv"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

type list []string

func (l *list) UnmarshalCSV(s string) error {
	*l = nil
	for part := range strings.FieldsFuncSeq(s, func(r rune) bool { return r == ';' || r == ',' }) {
		*l = append(*l, strings.TrimSpace(part))
	}
	return nil
}

func (l list) MarshalCSV() (string, error) { return strings.Join(l, "; "), nil }

type wide struct {
	TrackingNumber        string            `csv:"tracking_number"`
	Slug                  string            `csv:"slug"`
	Title                 string            `csv:"title"`
	OrderID               string            `csv:"order_id"`
	Emails                list              `csv:"emails"`
	CustomerName          string            `csv:"customer_name"`
	DestinationCountry    string            `csv:"destination_country"`
	DestinationPostalCode string            `csv:"destination_postal_code"`
	Note                  string            `csv:"note"`
	Language              string            `csv:"language"`
	F00                   string            `csv:"f00"`
	F01                   string            `csv:"f01"`
	F02                   string            `csv:"f02"`
	F03                   string            `csv:"f03"`
	F04                   string            `csv:"f04"`
	F05                   string            `csv:"f05"`
	F06                   string            `csv:"f06"`
	F07                   string            `csv:"f07"`
	F08                   string            `csv:"f08"`
	F09                   string            `csv:"f09"`
	F10                   string            `csv:"f10"`
	F11                   string            `csv:"f11"`
	F12                   string            `csv:"f12"`
	F13                   string            `csv:"f13"`
	F14                   string            `csv:"f14"`
	F15                   string            `csv:"f15"`
	F16                   string            `csv:"f16"`
	F17                   string            `csv:"f17"`
	F18                   string            `csv:"f18"`
	F19                   string            `csv:"f19"`
	F20                   string            `csv:"f20"`
	F21                   string            `csv:"f21"`
	F22                   string            `csv:"f22"`
	F23                   string            `csv:"f23"`
	F24                   string            `csv:"f24"`
	F25                   string            `csv:"f25"`
	F26                   string            `csv:"f26"`
	F27                   string            `csv:"f27"`
	F28                   string            `csv:"f28"`
	F29                   string            `csv:"f29"`
	F30                   string            `csv:"f30"`
	F31                   string            `csv:"f31"`
	F32                   string            `csv:"f32"`
	F33                   string            `csv:"f33"`
	F34                   string            `csv:"f34"`
	L1                    list              `csv:"l1"`
	L2                    list              `csv:"l2"`
	L3                    list              `csv:"l3"`
	L4                    list              `csv:"l4"`
	Custom                map[string]string `csv:"-"`
}

var wideHeader = []string{"tracking_number", "slug", "title", "order_id", "emails", "customer_name", "destination_country", "destination_postal_code", "note", "language"}

func wideRow(i int) []string {
	return []string{fmt.Sprintf("1Z999AA1%010d", i), "ups", "Blue shirt, size M", fmt.Sprintf("ORDER-%08d", i), "anna.example@example.com", "Anna Example",
		"DEU", "10115", "Leave at the door of the neighbour, ring twice, then call and wait a little, thank you, goodbye", "en"}
}

func BenchmarkDecodeAlternatives(b *testing.B) {
	b.Run("pull", func(b *testing.B) {
		d := NewDecoder[wide](Mapping{Fields: wideHeader})
		row := wideRow(1)
		b.ReportAllocs()
		for b.Loop() {
			if _, _, err := d.Decode(row); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
	})
	for _, n := range []int{100, 1000} {
		b.Run(fmt.Sprint("batch", n), func(b *testing.B) {
			rec := records{wideHeader}
			for i := range n {
				rec = append(rec, wideRow(i))
			}
			b.ReportAllocs()
			for b.Loop() {
				var out []*wide
				if err := gocsv.UnmarshalCSV(rec, &out); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

func benchFile(tb testing.TB, n int) string {
	path := filepath.Join(tb.TempDir(), "bench.csv")
	f, err := os.Create(path)
	if err != nil {
		tb.Fatal(err)
	}
	w, _ := NewWriter(f, WriterOptions{})
	w.Write(wideHeader)
	for i := range n {
		w.Write(wideRow(i))
	}
	w.Flush()
	f.Close()
	return path
}

func BenchmarkRows(b *testing.B) {
	path := benchFile(b, 100_000)
	b.Run("sheet", func(b *testing.B) {
		s, err := Open(b.Context(), path, nil, Options{})
		if err != nil {
			b.Fatal(err)
		}
		defer s.Close()
		b.SetBytes(s.Size)
		n := 0
		for b.Loop() {
			for _, err := range s.Rows() {
				if err != nil {
					b.Fatal(err)
				}
				n++
			}
		}
		b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "rows/s")
	})
	b.Run("encoding-csv", func(b *testing.B) {
		n := 0
		for b.Loop() {
			f, _ := os.Open(path)
			r := csv.NewReader(f)
			r.ReuseRecord = true
			for {
				if _, err := r.Read(); err == io.EOF {
					break
				}
				r.FieldPos(0)
				n++
			}
			f.Close()
		}
		b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "rows/s")
	})
}
