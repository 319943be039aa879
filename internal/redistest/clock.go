package redistest

import (
	_ "embed"
	"fmt"
	"os/exec"
	"strings"
)

//go:embed clock/redisclock.c
var clockSource string

// Clock is how a server's clock is moved. Only what Redis counts time by is moved,
// not what it waits by.
type Clock string

const (
	// Shifted is a clock that is ahead by as many seconds as the file CLOCK_SHIFT of
	// the server's environment says, as eight bytes, which may change at any time.
	Shifted Clock = "SHIFTED"
	// Hastened is a clock that runs CLOCK_SPEED times as fast from CLOCK_BASE on, in
	// nanoseconds of Unix time.
	Hastened Clock = "HASTENED"
)

// Build builds the library of the clock under a path. A server whose environment
// (see Env) names it as LD_PRELOAD has that clock: it stands before that of libc.
// It needs Linux and a C compiler.
func (c Clock) Build(path string) error {
	cc := exec.Command("cc", "-shared", "-fPIC", "-O1", "-D"+string(c), "-x", "c", "-o", path, "-")
	cc.Stdin = strings.NewReader(clockSource)
	if out, err := cc.CombinedOutput(); err != nil {
		return fmt.Errorf("redis-server's clock needs a C compiler: %w\n%s", err, out)
	}
	return nil
}
