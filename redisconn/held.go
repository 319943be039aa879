package redisconn

import (
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
)

// Held says whether a process works with the state directory right now.
func Held(stateDir string) bool {
	path := filepath.Join(stateDir, "ledger", "lock")
	if _, err := os.Stat(path); err != nil {
		return false
	}
	lock := flock.New(path)
	got, err := lock.TryRLock()
	if err == nil && got {
		_ = lock.Unlock()
	}
	return err == nil && !got
}
