//go:build unix

package chaos

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// bin is where the programs were built for this run of the tests.
var bin string

// long says that the long form was asked for.
var long = os.Getenv("CHAOS") == "long"

// pick chooses between the short and the long form of a scenario.
func pick[T any](short, full T) T {
	if long {
		return full
	}
	return short
}

// patience is how long a scenario waits while nothing at all moves: longer than
// asynq's own recovery takes at its slowest.
const patience = 4 * time.Minute

func TestMain(m *testing.M) {
	flag.Parse()
	if f := flag.Lookup("test.parallel"); f.Value.String() == f.DefValue {
		_ = f.Value.Set(pick("10", "4")) // the scenarios wait for leases and back-offs more than they compute
	}
	os.Exit(withPrograms(m.Run))
}

// withPrograms builds the programs with their failpoints.
func withPrograms(run func() int) int {
	dir, err := os.MkdirTemp("", "aftership-bulk-chaos-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	bin = dir
	build := exec.Command("go", "build", "-tags", "failpoints", "-o", dir+string(filepath.Separator), "./cmd/enqueue", "./cmd/worker", "./cmd/sandbox")
	build.Dir = filepath.Join("..", "..")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%v\n%s", err, out)
		return 1
	}
	return run()
}
