package rig

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	"aftership-bulk/aftership"
	"aftership-bulk/batch"
	"aftership-bulk/jobs"
	"aftership-bulk/sheet"
)

// RowBytes is the length of each row of [Sheet], with its line end.
const RowBytes = 200

// header is that of the sheets. Its columns are those that shops fill in.
const header = "tracking_number,slug,title,order_id,customer_name,emails,smses,destination_country,destination_city,destination_postal_code,order_date,note\n"

// Sheet writes a sheet of different shipments into a directory, all rows of
// them valid and [RowBytes] long. Its values repeat as little as real ones do.
func Sheet(dir string, rows int) (path string, err error) {
	path = filepath.Join(dir, fmt.Sprintf("shipments-%d.csv", rows))
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return "", err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	_, _ = w.WriteString(header) // Flush says what went wrong
	random := rand.New(rand.NewPCG(1, 2))
	for i := range rows {
		_, _ = w.WriteString(line(random, i))
	}
	if err := w.Flush(); err != nil {
		return "", err
	}
	return path, f.Close()
}

func line(r *rand.Rand, i int) string {
	pick := func(s ...string) string { return s[r.IntN(len(s))] }
	first, last := pick("Ana", "Jurgen", "Mei", "Omar", "Priya", "Tom"), pick("Muller", "Sato", "Okafor", "Silva", "Smith", "Novak")
	text := strings.Join([]string{
		fmt.Sprintf("TN%07d%09d", r.IntN(1e7), i), pick("ups", "fedex", "dhl", "japan-post", "jd-worldwide"),
		pick("Blue shirt", "Teapot", "Desk lamp", "Two books"), fmt.Sprintf("ORDER-%08d", i), first + " " + last,
		fmt.Sprintf("%s.%s%d@example.com", first, last, r.IntN(9999)), fmt.Sprintf("+49151%08d", r.IntN(1e8)),
		pick("DEU", "USA", "FRA", "ITA"), pick("Berlin", "Austin", "Lyon", "Torino"), fmt.Sprintf("%05d", r.IntN(1e5)),
		fmt.Sprintf("2026-11-%02dT%02d:00:00Z", 1+r.IntN(30), r.IntN(24)), pick("leave at the door", "ring twice", "a gift"),
	}, ",")
	pad := fmt.Sprintf(" %016x%016x%016x", r.Uint64(), r.Uint64(), r.Uint64())
	return (text + pad + strings.Repeat(".", RowBytes))[:RowBytes-1] + "\n"
}

// Open opens a sheet and takes pass one over it.
func Open(ctx context.Context, path string) (*sheet.Sheet, *jobs.Survey, error) {
	sh, err := sheet.Open(ctx, path, nil, sheet.Options{})
	if err != nil {
		return nil, nil, err
	}
	mapping, _, err := sheet.Map(sh.Header, jobs.Columns())
	if err != nil {
		return sh, nil, err
	}
	survey, err := jobs.Take(ctx, sh, jobs.Plan{Operation: batch.Create, Version: aftership.V202404, Mapping: mapping})
	return sh, survey, err
}

// TempSheet writes a [Sheet] into a directory of its own, which clean removes.
func TempSheet(rows int) (path string, clean func(), err error) {
	dir, err := os.MkdirTemp("", "bench-")
	if err != nil {
		return "", nil, err
	}
	clean = func() { _ = os.RemoveAll(dir) }
	if path, err = Sheet(dir, rows); err != nil {
		clean()
	}
	return path, clean, err
}

// Shipments reads the shipments of a sheet.
func Shipments(ctx context.Context, path string, each func(aftership.Shipment) error) error {
	sh, err := sheet.Open(ctx, path, nil, sheet.Options{})
	if err != nil {
		return err
	}
	defer func() { _ = sh.Close() }()
	mapping, _, err := sheet.Map(sh.Header, jobs.Columns())
	if err != nil {
		return err
	}
	decoder := sheet.NewDecoder[aftership.Shipment](mapping)
	for row, err := range sh.Rows() {
		if err != nil {
			return err
		}
		s, _, err := decoder.Decode(row.Cells)
		if err != nil {
			return err
		}
		if err := each(s); err != nil {
			return err
		}
	}
	return nil
}
