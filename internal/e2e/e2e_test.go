package e2e

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"aftership-bulk/internal/redistest"
)

// bin is where the programs were built for this run of the tests.
var bin string

// gorace is what programs with the race detector are told: not to wait a second
// before they end for races that are still to be found, since they are many and short.
const gorace = "atexit_sleep_ms=0"

func TestMain(m *testing.M) {
	flag.Parse()
	if f := flag.Lookup("test.parallel"); f.Value.String() == f.DefValue {
		_ = f.Value.Set("8") // the scripts wait for rate limits and back-offs more than they compute
	}
	os.Exit(withPrograms(m.Run))
}

func withPrograms(run func() int) int {
	dir, err := os.MkdirTemp("", "aftership-bulk-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	bin = dir
	_ = os.Setenv("GORACE", gorace)
	args := append([]string{"build"}, buildFlags...)
	args = append(args, "-o", dir+string(filepath.Separator), "./cmd/enqueue", "./cmd/worker", "./cmd/sandbox")
	build := exec.CommandContext(context.Background(), "go", args...)
	build.Dir = root()
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%v\n%s", err, out)
		return 1
	}
	return run()
}

// root is the module's directory.
func root() string {
	dir, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		panic(err)
	}
	return dir
}

// TestScripts runs the scripts of testdata/script. Those whose name begins with
// "redis" get a private redis-server, whose address is in $REDIS.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireExplicitExec: true,
		Cmds:                commands,
		Setup: func(env *testscript.Env) error {
			env.Setenv("PATH", bin+string(os.PathListSeparator)+env.Getenv("PATH"))
			env.Setenv("GORACE", gorace)
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("USER", "ops")
			env.Setenv("STATE_DIR", filepath.Join(env.WorkDir, "state"))
			env.Setenv("REPORT_DIR", filepath.Join(env.WorkDir, "reports"))
			env.Setenv("SAMPLES", filepath.Join(root(), "samples"))
			return setupRedis(env)
		},
	})
}

func setupRedis(env *testscript.Env) error {
	if ok, _ := filepath.Match("script-redis*", filepath.Base(env.WorkDir)); !ok {
		return nil
	}
	r, err := redistest.Start()
	if err != nil {
		return err
	}
	env.Defer(r.Stop)
	env.Setenv("REDIS", r.URL())
	env.Setenv("REDIS_ADDR", r.Addr())
	return nil
}
