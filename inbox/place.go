package inbox

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// mostAlike is how many files of one name find a number on one day.
const mostAlike = 1000

// place moves a file, and what belongs to it, to done or failed: what belongs to it
// first, so that a file that is there has everything beside it. Nothing is ever
// overwritten: a name that is taken gets a number.
func (b *Box) place(c *claim, to string) (string, error) {
	if !c.there() {
		return "", fs.ErrNotExist
	}
	id := filepath.Base(c.dir)
	day, _ := dayOf(id)
	dir := b.path(to, day)
	if err := os.Mkdir(dir, 0o777); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	stem, mark, fresh, err := b.reserve(c, dir, id)
	if err != nil {
		return "", err
	}
	_, ext := cutExt(c.name)
	for i, m := range b.moves(stem, ext, c) {
		if err := b.handOver(c, m[0], filepath.Join(dir, m[1])); err != nil {
			if i == 0 && fresh {
				_ = os.Remove(mark) // else who goes on must find the same name
			}
			return "", err
		}
	}
	_ = os.Remove(mark) // there is none where the ticket is part of the name
	return filepath.ToSlash(filepath.Join(to, day, stem+ext)), nil
}

// moves says what is called what in the end, the file itself last.
func (b *Box) moves(stem, ext string, c *claim) [][2]string {
	return [][2]string{
		{filepath.Join(c.dir, out, "report"+b.o.ReportEnd), stem + ".report" + b.o.ReportEnd},
		{filepath.Join(c.dir, out, "report.failed"+b.o.ReportEnd), stem + ".failed" + b.o.ReportEnd},
		{filepath.Join(c.dir, out, errorText), stem + ".error.txt"},
		{c.file(), stem + ext},
	}
}

// handOver moves one of them. Whoever could read the file can read what belongs to it.
func (b *Box) handOver(c *claim, from, to string) error {
	if from != c.file() {
		info, err := os.Lstat(c.file())
		if err != nil {
			return err
		}
		if info.Mode().IsRegular() {
			_ = os.Chmod(from, info.Mode().Perm()&0o666|0o600) // it is not there, or only we can read it
		}
	}
	err := move(from, to)
	if errors.Is(err, fs.ErrNotExist) && from != c.file() {
		return nil
	}
	return err
}

// reserve finds a name under which nothing is there. The mark that holds it says
// by the ticket whose it is, so that who goes on after a crash in the middle finds
// the same name.
func (b *Box) reserve(c *claim, dir, id string) (stem, mark string, fresh bool, err error) {
	base, ext := cutExt(c.name)
	for n := 1; n <= mostAlike; n++ {
		stem := base
		if n > 1 {
			stem = fmt.Sprintf("%s-%d", base, n)
		}
		mark := filepath.Join(dir, "."+stem+".claim")
		ours, fresh, err := hold(mark, id)
		if err != nil {
			return "", "", false, err
		}
		if ours && fresh && b.taken(dir, stem, ext) {
			_ = os.Remove(mark)
			continue
		}
		if ours {
			return stem, mark, fresh, nil
		}
	}
	return base + "-" + id, "", false, nil
}

// hold makes a mark, or finds out that it was made for the same ticket.
func hold(mark, id string) (ours, fresh bool, err error) {
	f, err := os.OpenFile(mark, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if errors.Is(err, fs.ErrExist) {
		text, err := os.ReadFile(mark)
		if errors.Is(err, fs.ErrNotExist) {
			return false, false, nil // it was released in between, and the name is taken
		}
		return string(text) == id, false, err
	}
	if err != nil {
		return false, false, err
	}
	_, err = f.WriteString(id)
	return true, true, errors.Join(err, f.Close())
}

// taken says that a name, or one that would lie beside it, is there.
func (b *Box) taken(dir, stem, ext string) bool {
	for _, end := range []string{ext, ".report" + b.o.ReportEnd, ".failed" + b.o.ReportEnd, ".error.txt"} {
		if _, err := os.Lstat(filepath.Join(dir, stem+end)); !errors.Is(err, fs.ErrNotExist) {
			return true
		}
	}
	return false
}
