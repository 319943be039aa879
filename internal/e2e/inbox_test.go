package e2e

import (
	"path/filepath"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func init() { commands["waitfile"] = cmdWaitFile }

// cmdWaitFile waits until exactly one file matches: waitfile box/done/*/x.csv.
func cmdWaitFile(ts *testscript.TestScript, _ bool, args []string) {
	var paths []string
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if paths, _ = filepath.Glob(ts.MkAbs(args[0])); len(paths) == 1 {
			return
		}
	}
	ts.Fatalf("%d files match %s after %s: %v", len(paths), args[0], patience, paths)
}
