package redisconn

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// ErrLocked is the error of a state directory that another process holds; the
// error in full is a *LockedError.
var ErrLocked = errors.New("another process holds the state directory")

// LockedError says which process holds a state directory.
type LockedError struct {
	Dir   string
	PID   int       // 0 if unknown
	Since time.Time // zero if unknown
}

// Error says who holds the directory and what to do.
func (e *LockedError) Error() string {
	who := "another process"
	if e.PID != 0 {
		who = fmt.Sprintf("process %d", e.PID)
	}
	if !e.Since.IsZero() {
		who += ", since " + e.Since.Local().Format(time.DateTime) + ","
	}
	return fmt.Sprintf("%s works with the state directory %s: wait for it to end, or use another STATE_DIR", who, e.Dir)
}

// Is makes errors.Is(err, ErrLocked) true.
func (e *LockedError) Is(target error) bool { return target == ErrLocked }

// owner is what the holder of a lock writes beside it; the lock itself can't
// be read on Windows while it is held.
type owner struct {
	PID   int       `json:"pid"`
	Since time.Time `json:"since"`
}

// lockDir takes the lock of a ledger's directory. The system frees it when
// the process ends, however it ends.
func lockDir(dir string, now time.Time) (*flock.Flock, error) {
	lock := flock.New(filepath.Join(dir, "lock"), flock.SetPermissions(0o600))
	got, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock the state directory %s: %w", dir, err)
	}
	path := filepath.Join(dir, "owner.json")
	if !got {
		held := &LockedError{Dir: dir}
		var o owner
		if b, err := os.ReadFile(path); err == nil && json.Unmarshal(b, &o) == nil {
			held.PID, held.Since = o.PID, o.Since
		}
		return nil, held
	}
	b, err := json.Marshal(owner{PID: os.Getpid(), Since: now.UTC().Truncate(time.Second)})
	if err == nil {
		err = os.WriteFile(path, b, 0o600)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("write %s: %w", path, err), lock.Unlock())
	}
	return lock, nil
}
