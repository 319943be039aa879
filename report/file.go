package report

import (
	"fmt"
	"os"
	"path/filepath"
)

// file is a file in the making: it gets its name when it is whole.
type file struct {
	*os.File
	path string
}

// createFile begins a file next to where it will be, as only there it can be renamed in one step. Only the owner can read it.
func createFile(path string) (*file, error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.tmp")
	if err != nil {
		return nil, fmt.Errorf("can't write %s: %w; check that the directory exists and can be written", path, err)
	}
	return &file{File: f, path: path}, nil
}

// commit makes sure that the file is on the disk and then gives it its name, in the place of an older one.
func (f *file) commit() error {
	temp := f.Name()
	if err := f.Sync(); err != nil {
		return fmt.Errorf("can't write %s: %w", f.path, err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("can't write %s: %w", f.path, err)
	}
	f.File = nil
	if err := os.Rename(temp, f.path); err != nil {
		os.Remove(temp)
		return fmt.Errorf("can't write %s: %w", f.path, err)
	}
	syncDir(filepath.Dir(f.path))
	return nil
}

// discard removes the file if it was not committed.
func (f *file) discard() {
	if f.File == nil {
		return
	}
	f.Close()
	os.Remove(f.Name())
}

// syncDir makes the new name last through a power cut, where the system can do that. The file is whole in any case, so a
// failure is none.
func syncDir(dir string) {
	d, err := os.Open(dir)
	if err != nil {
		return
	}
	defer d.Close()
	_ = d.Sync()
}
