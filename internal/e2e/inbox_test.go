package e2e

import (
	"path/filepath"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func init() { commands["waitfile"] = cmdWaitFile }

// cmdWaitFile waits until exactly one file matches, or none any more: waitfile box/done/*/x.csv, ! waitfile box/x.csv.
func cmdWaitFile(ts *testscript.TestScript, neg bool, args []string) {
	var paths []string
	want := 1
	if neg {
		want = 0
	}
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if paths, _ = filepath.Glob(ts.MkAbs(args[0])); len(paths) == want {
			return
		}
	}
	ts.Fatalf("%d files match %s after %s: %v", len(paths), args[0], patience, paths)
}
