package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"aftership-bulk/redisconn"
)

// program makes a command with the script's environment and directory.
func program(ts *testscript.TestScript, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(bin, args[0]), args[1:]...)
	cmd.Dir = ts.Getenv("WORK")
	cmd.Env = os.Environ()
	for _, name := range []string{"HOME", "USER", "REDIS_URL", "STATE_DIR", "REPORT_DIR", "AFTERSHIP_BASE_URL", "AFTERSHIP_API_KEY"} {
		cmd.Env = append(cmd.Env, name+"="+ts.Getenv(name))
	}
	return cmd
}

// cmdRace starts two imports under one name at the same moment, so many times. Of
// each two one must be accepted, and the other end with 6: race 10 nightly.
func cmdRace(ts *testscript.TestScript, _ bool, args []string) {
	times, err := strconv.Atoi(args[0])
	ts.Check(err)
	for round := range times {
		var cmds [2]*exec.Cmd
		for i := range cmds {
			sheet := fmt.Sprintf("race-%d-%d.csv", round, i)
			ts.Check(os.WriteFile(ts.MkAbs(sheet), fmt.Appendf(nil, "tracking_number,slug\n1Z999AA109%07d,ups\n", round*2+i), 0o600))
			cmds[i] = program(ts, "enqueue", "create", "--name", args[1], sheet)
		}
		var codes [2]int
		var both sync.WaitGroup
		for i, cmd := range cmds {
			both.Go(func() {
				_, err := cmd.Output()
				if exit, ok := errors.AsType[*exec.ExitError](err); ok {
					codes[i] = exit.ExitCode()
				}
			})
		}
		both.Wait()
		if codes != [2]int{0, 6} && codes != [2]int{6, 0} {
			ts.Fatalf("the two runs ended with %v, want 0 and 6", codes)
		}
		cmdBatchID(ts, false, nil)
		ts.Check(ts.Exec("enqueue", "cancel", ts.Getenv("BATCH")))
	}
}

// cmdKilled starts a program and kills it as soon as it has taken a lock:
// killed enqueue create --name nightly big.csv.
func cmdKilled(ts *testscript.TestScript, _ bool, args []string) {
	const locks = "aftership:{locks}"
	name := ""
	for i, arg := range args {
		if arg == "--name" {
			name = args[i+1]
		}
	}
	rdb, err := redisconn.Dial(context.Background(), redisconn.Options{URL: ts.Getenv("REDIS")})
	ts.Check(err)
	defer rdb.Close()
	cmd := program(ts, args...)
	ts.Check(cmd.Start())
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		held, err := rdb.HKeys(context.Background(), locks).Result()
		ts.Check(err)
		if slices.ContainsFunc(held, func(key string) bool { return strings.HasSuffix(key, "/"+name) }) {
			break
		}
		if time.Now().After(end) {
			_ = cmd.Process.Kill()
			ts.Fatalf("no lock was taken within %s", patience)
		}
	}
	ts.Check(cmd.Process.Kill())
	_ = cmd.Wait() // it was killed
	ts.Check(ts.Exec("redis-cli", "-u", ts.Getenv("REDIS"), "HVALS", locks))
	if !strings.Contains(ts.ReadFile("stdout"), `"until"`) {
		ts.Fatalf("the lock has no lease: %s", ts.ReadFile("stdout"))
	}
}
