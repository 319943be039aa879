package redistest

import (
	"os"
	"os/exec"
	"syscall"
)

// dieWithParent makes the kernel kill the server when this process ends in a
// way that runs no cleanup, such as a test's time-out.
func dieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}

func interrupt(p *os.Process) error { return p.Signal(syscall.SIGTERM) }
