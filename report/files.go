package report

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"unicode"

	"aftership-bulk/batch"
)

// Paths says what Files wrote.
type Paths struct {
	Report string
	Failed string // empty if no row needs a person
	Counts Counts
}

// Files writes the report of a batch to the directory, as SOURCE-BATCH.csv, and beside it SOURCE-BATCH.failed.csv with
// only the rows that need a person. There is no such file when there are none; one of an earlier round is removed then.
// Only the owner can read the files, and each is there as a whole or not at all, whenever the process is killed; where
// the report is there, the failed rows are, too.
func Files(ctx context.Context, dir string, b batch.Batch, items iter.Seq2[batch.Item, error]) (Paths, error) {
	return FilesWith(ctx, dir, b, items, Options{})
}

// FilesWith is [Files] with options; the names of workbooks end in .xlsx. OnlyFailed has no meaning here.
func FilesWith(ctx context.Context, dir string, b batch.Batch, items iter.Seq2[batch.Item, error], o Options) (Paths, error) {
	if o.Format == "" {
		o.Format = CSV
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return Paths{}, fmt.Errorf("can't make the report directory: %w", err)
	}
	base := filepath.Join(dir, FileName(b.Source, b.ID))
	end := "." + string(o.Format)
	return write(ctx, InfoOf(b), items, Paths{Report: base + end, Failed: base + ".failed" + end}, o)
}

// ToFile writes a report to a file, in the same way as [Files]; one whose name ends in .xlsx is a workbook. What is there and no file
// (/dev/stdout, a pipe) is simply written to.
func ToFile(ctx context.Context, path string, info Info, items iter.Seq2[batch.Item, error], o Options) (Counts, error) {
	if o.Format == "" {
		o.Format = FormatOf(path)
	}
	path, regular, err := target(path)
	if err != nil {
		return Counts{}, err
	}
	if !regular {
		return toDevice(ctx, path, info, items, o)
	}
	f, err := createFile(path)
	if err != nil {
		return Counts{}, err
	}
	defer f.discard()
	counts, err := Write(ctx, f, info, items, o)
	if err != nil {
		return counts, fmt.Errorf("can't write %s: %w", path, err)
	}
	return counts, f.commit()
}

// ToFiles is [ToFile] with the rows that need a person in a file beside it, in one go over the items, as [Files] writes them. Beside a device
// or a pipe there is none.
func ToFiles(ctx context.Context, p Paths, info Info, items iter.Seq2[batch.Item, error], o Options) (Paths, error) {
	if o.Format == "" {
		o.Format = FormatOf(p.Report)
	}
	path, regular, err := target(p.Report)
	if err != nil {
		return Paths{}, err
	}
	if !regular {
		counts, err := toDevice(ctx, path, info, items, o)
		return Paths{Report: path, Counts: counts}, err
	}
	return write(ctx, info, items, Paths{Report: path, Failed: p.Failed}, o)
}

// target follows symbolic links, which renaming would replace, and says whether the path is, or may become, a file.
func target(path string) (resolved string, regular bool, err error) {
	if resolved, err = filepath.EvalSymlinks(path); errors.Is(err, fs.ErrNotExist) {
		return path, true, nil
	}
	if err != nil {
		return path, false, fmt.Errorf("can't write %s: %w", path, err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return path, false, fmt.Errorf("can't write %s: %w", path, err)
	}
	if info.IsDir() {
		return path, false, fmt.Errorf("can't write %s: it is a directory; name a file in it", path)
	}
	if !info.Mode().IsRegular() {
		return path, false, nil
	}
	return resolved, true, nil
}

func toDevice(ctx context.Context, path string, info Info, items iter.Seq2[batch.Item, error], o Options) (Counts, error) {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return Counts{}, fmt.Errorf("can't write %s: %w", path, err)
	}
	counts, err := Write(ctx, f, info, items, o)
	return counts, errors.Join(err, f.Close())
}

// write writes both files in one go over the items.
func write(ctx context.Context, info Info, items iter.Seq2[batch.Item, error], p Paths, o Options) (Paths, error) {
	all, err := createFile(p.Report)
	if err != nil {
		return Paths{}, err
	}
	defer all.discard()
	failed, err := createFile(p.Failed)
	if err != nil {
		return Paths{}, err
	}
	defer failed.discard()
	if p.Counts, err = writeBoth(ctx, all, failed, info, items, o); err != nil {
		return Paths{}, fmt.Errorf("can't write %s: %w", p.Report, err)
	}
	if p.Counts.Failed == 0 {
		p.Failed, err = "", removeOld(p.Failed)
	} else {
		err = failed.commit()
	}
	if err != nil {
		return Paths{}, err
	}
	return p, all.commit()
}

func writeBoth(ctx context.Context, all, failed *file, info Info, items iter.Seq2[batch.Item, error], o Options) (Counts, error) {
	allTable, err := newTable(all, info, o)
	if err != nil {
		return Counts{}, err
	}
	defer allTable.close()
	failedTable, err := newTable(failed, info, o)
	if err != nil {
		return Counts{}, err
	}
	defer failedTable.close()
	counts, err := each(ctx, items, func(r row) error {
		if r.failed() {
			if err := failedTable.write(r); err != nil {
				return err
			}
		}
		return allTable.write(r)
	})
	if err != nil {
		return counts, err
	}
	return counts, errors.Join(allTable.finish(), failedTable.finish())
}

// removeOld removes the failed rows of an earlier round.
func removeOld(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("can't remove the failed rows of an earlier round: %w", err)
	}
	return nil
}

// FileName makes the name of a batch's report, without its ending, from the name of its source.
func FileName(source string, id batch.ID) string {
	if i := strings.LastIndexAny(source, `/\`); i >= 0 {
		source = source[i+1:]
	}
	source = strings.TrimSuffix(source, filepath.Ext(source))
	source = strings.Map(func(r rune) rune {
		if strings.ContainsRune(`<>:"|?*`, r) || unicode.IsControl(r) || r == unicode.ReplacementChar {
			return '_'
		}
		return r
	}, source)
	const most = 100 // bytes; file systems allow 255, and the temporary name is longer
	if source = strings.Trim(source, " ."); len(source) > most {
		source = strings.ToValidUTF8(source[:most], "")
	}
	if source == "" {
		source = "sheet"
	}
	return source + "-" + id
}
