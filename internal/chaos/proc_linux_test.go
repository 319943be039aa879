package chaos

import (
	"os/exec"
	"syscall"
)

// dieWithParent makes the kernel kill the program when the tests end in a way
// that runs no cleanup.
func dieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
