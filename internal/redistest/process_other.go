//go:build !linux

package redistest

import (
	"os"
	"os/exec"
)

// dieWithParent does nothing where the system has no such signal.
func dieWithParent(*exec.Cmd) {}

// interrupt kills: a polite signal does not exist on every system.
func interrupt(p *os.Process) error { return p.Kill() }
