package inbox

import (
	"cmp"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// sighting is how a file looked, and since when it has looked like that, by the
// clock of who looks: the times of a file on a shared folder are another machine's.
type sighting struct {
	size  int64
	mod   time.Time
	since time.Time
}

// found is a file in incoming.
type found struct {
	folder string // its folder in incoming; "" is incoming itself
	name   string
	sighting
}

// mostEntries is how many entries of a directory are looked at in one go; the
// others are seen once these have gone.
const mostEntries = 10_000

// ready lists the files that have stopped growing, in the order in which to take
// them: small ones first, by size, then large ones, by age.
func (b *Box) ready(now time.Time) []found {
	seen := map[string]sighting{}
	var all []found
	for _, folder := range b.folders() {
		for _, f := range b.files(folder, now) {
			seen[filepath.Join(f.folder, f.name)] = f.sighting
			if now.Sub(f.since) >= b.o.Still {
				all = append(all, f)
			}
		}
	}
	b.seen = seen
	slices.SortFunc(all, sooner)
	return all
}

func sooner(a, b found) int {
	switch {
	case a.size < large && b.size < large:
		return cmp.Or(cmp.Compare(a.size, b.size), a.since.Compare(b.since))
	case a.size < large:
		return -1
	case b.size < large:
		return 1
	}
	return cmp.Or(a.since.Compare(b.since), cmp.Compare(a.size, b.size))
}

// folders are incoming itself and what is in it.
func (b *Box) folders() []string {
	all := []string{""}
	for _, e := range b.entries(b.path(incoming)) {
		if e.IsDir() && !leftAlone(e.Name()) {
			all = append(all, e.Name())
		}
	}
	return all
}

// files are what may be taken out of a folder, sooner or later.
func (b *Box) files(folder string, now time.Time) (all []found) {
	for _, e := range b.entries(b.path(incoming, folder)) {
		path := b.path(incoming, folder, e.Name())
		switch {
		case e.Name() == optionsOther:
			b.point(otherOptions, path, nil)
		case leftAlone(e.Name()):
			sweepNote(path)
		case e.IsDir():
			if folder != "" {
				b.point(folderInFolder, path, nil)
			}
		case folder == "" && e.Type()&fs.ModeSymlink != 0 && isDir(path):
			b.point(linkedFolder, path, nil)
		default:
			if info, err := e.Info(); err == nil { // else it has gone
				all = append(all, found{folder, e.Name(), sight(b.seen, filepath.Join(folder, e.Name()), info, now)})
			}
		}
	}
	return all
}

// sight compares a file with how it was seen before.
func sight(seen map[string]sighting, key string, info fs.FileInfo, now time.Time) sighting {
	s, known := seen[key]
	if !known || s.size != info.Size() || !s.mod.Equal(info.ModTime()) {
		return sighting{info.Size(), info.ModTime(), now}
	}
	return s
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// entries reads the beginning of a directory.
func (b *Box) entries(dir string) []fs.DirEntry {
	f, err := os.Open(dir)
	if errors.Is(err, fs.ErrNotExist) && b.putInto(dir) {
		return nil // it has just gone
	}
	if err != nil {
		b.closed(dir, err)
		return nil
	}
	defer f.Close()
	entries, err := f.ReadDir(mostEntries)
	if err != nil && !errors.Is(err, io.EOF) {
		b.closed(dir, err)
	} else if b.putInto(dir) {
		dropNote(dir + errorEnd)
	}
	return entries
}

// closed tells of a folder that cannot be read.
func (b *Box) closed(dir string, err error) {
	if b.putInto(dir) {
		b.point(unreadable, dir, err)
		return
	}
	b.tell(unreadable.what, dir, err)
}

// putInto says that a directory is one into which people put files.
func (b *Box) putInto(dir string) bool { return filepath.Dir(dir) == b.path(incoming) }
