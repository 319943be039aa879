//go:build failpoints

package failpoint

import (
	"os"
	"strconv"
	"strings"
	"sync/atomic"
)

var (
	point, times, _ = strings.Cut(os.Getenv("FAILPOINT"), ":")
	hits            atomic.Int64
)

// Hit kills the process when it is at the point of FAILPOINT for the N-th time.
func Hit(p Point) {
	if string(p) != point {
		return
	}
	if n, err := strconv.ParseInt(times, 10, 64); err != nil || hits.Add(1) != n {
		return
	}
	if self, err := os.FindProcess(os.Getpid()); err == nil {
		_ = self.Kill() // the process does not live to see an error
	}
	select {} // the signal is on its way
}
