package redisconn

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// logFile is the log of one batch, or the index. The ledger's lock guards all
// but the fsync, which has a lock of its own so that nobody waits for it who
// need not.
type logFile struct {
	path string
	head []byte   // the header of the file that was replayed
	size int64    // bytes of whole records, header included
	file *os.File // nil until the first append; changed under both locks

	written atomic.Int64 // size, for those who hold only the fsync's lock

	mu     sync.Mutex // the fsync's
	synced int64
	named  bool  // the directory that has the file's name was fsynced
	broken error // once an fsync failed nobody knows what is on the disk
}

// append writes one record. What was written of a failed one is cut off again.
func (f *logFile) append(record []byte) error {
	if err := f.open(); err != nil {
		return err
	}
	if _, err := f.file.WriteAt(record, f.size); err != nil {
		_ = f.file.Truncate(f.size) // a torn last record is dropped by the next replay
		return fmt.Errorf("append to %s: %w; free space on the disk and start again", f.path, err)
	}
	f.size += int64(len(record))
	f.written.Store(f.size)
	return nil
}

func (f *logFile) open() error {
	if f.file != nil {
		return nil
	}
	file, err := os.OpenFile(f.path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("open the ledger's log: %w", err)
	}
	if f.size == 0 {
		if _, err := file.WriteAt(header(time.Now()), 0); err != nil {
			return errors.Join(fmt.Errorf("start the ledger's log: %w", err), file.Close())
		}
		f.size = int64(logHeader)
	}
	f.mu.Lock()
	f.file = file
	f.mu.Unlock()
	return nil
}

// sync makes everything appended so far safe against a power cut. All who
// come while one fsync runs share the next.
func (f *logFile) sync() error {
	want := f.written.Load()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.broken != nil || f.file == nil || f.synced >= want {
		return f.broken
	}
	reach := f.written.Load()
	if err := f.flush(); err != nil {
		f.broken = fmt.Errorf("fsync %s: %w; check the disk and start again", f.path, err)
		return f.broken
	}
	f.synced = reach
	return nil
}

func (f *logFile) flush() error {
	if err := f.file.Sync(); err != nil {
		return err
	}
	if f.named {
		return nil
	}
	f.named = true
	return syncDir(filepath.Dir(f.path))
}

func (f *logFile) trouble() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.broken
}

// close leaves the file; a later append opens it again.
func (f *logFile) close() error {
	err := f.sync()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.file == nil {
		return err
	}
	err = errors.Join(err, f.file.Close())
	f.file = nil
	return err
}

// replace puts a snapshot in the place of the log, in such a way that either
// the one or the other is there whatever happens meanwhile.
func (f *logFile) replace(snapshot []byte) error {
	temp := f.path + ".tmp"
	if err := writeSynced(temp, snapshot); err != nil {
		return errors.Join(err, removeIfThere(temp))
	}
	if err := f.close(); err != nil { // Windows renames onto no open file
		return err
	}
	if err := os.Rename(temp, f.path); err != nil {
		return fmt.Errorf("compact the ledger's log: %w", err)
	}
	f.size = int64(len(snapshot))
	f.written.Store(f.size)
	f.mu.Lock()
	f.synced, f.named = f.size, true
	f.mu.Unlock()
	return syncDir(filepath.Dir(f.path))
}

func writeSynced(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

func removeIfThere(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// syncDir makes a new or renamed file's name safe. Windows has no such call
// and needs none.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
