package aftershipbulk_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// units are the systemd units, in a directory in which what they start is there.
func units(t *testing.T) (dir string, names []string) {
	t.Helper()
	dir = t.TempDir()
	paths, err := filepath.Glob("examples/systemd/aftership-bulk-*")
	if err != nil || len(paths) < 3 {
		t.Fatalf("%v, %v", paths, err)
	}
	for _, program := range []string{"enqueue", "worker"} {
		if err := os.WriteFile(filepath.Join(dir, program), []byte("#!/bin/sh\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range paths {
		text := strings.ReplaceAll(read(t, path), "/usr/local/bin/", dir+"/")
		names = append(names, filepath.Join(dir, filepath.Base(path)))
		if err := os.WriteFile(names[len(names)-1], []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir, names
}

var execStart = regexp.MustCompile(`(?m)^ExecStart=(.*)$`)

func TestExampleSystemdUnits(t *testing.T) {
	dir, names := units(t)
	verify := exec.Command("systemd-analyze", append([]string{"verify", "--man=no"}, names...)...)
	verify.Env = append(os.Environ(), "SYSTEMD_UNIT_PATH="+dir+":") // the system's own units after ours
	out, err := verify.CombinedOutput()
	if err != nil || strings.Contains(string(out), dir) {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
	starts := 0
	for _, name := range names {
		for _, found := range execStart.FindAllStringSubmatch(read(t, name), -1) {
			starts++
			if words := strings.Fields(found[1]); filepath.Base(words[0]) != "worker" {
				enqueueLine(t, filepath.Base(name), words)
			}
		}
	}
	if starts != 2 {
		t.Errorf("%d units start something", starts)
	}
}

func TestUnitsAreReallyChecked(t *testing.T) {
	dir := t.TempDir()
	unit := filepath.Join(dir, "wrong.service")
	if err := os.WriteFile(unit, []byte("[Service]\nExecStart=/nowhere/worker\nRestrt=always\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("systemd-analyze", "verify", "--man=no", unit).CombinedOutput()
	if err == nil || !bytes.Contains(out, []byte("Restrt")) {
		t.Errorf("a wrong unit passes: %v %s", err, out)
	}
}
