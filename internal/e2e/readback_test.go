package e2e

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func init() {
	commands["seed"] = cmdSeed
	commands["interruptat"] = cmdInterruptAt
	commands["cells"] = cmdCells
}

// cmdSeed puts so many trackings in place, a second apart, or those of a file:
// seed 3000, seed trackings.json.
func cmdSeed(ts *testscript.TestScript, _ bool, args []string) {
	if strings.HasSuffix(args[0], ".json") {
		control(ts, http.MethodPost, "seed", ts.ReadFile(args[0]))
		return
	}
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	seeds := make([]map[string]any, n)
	for i := range seeds {
		seeds[i] = map[string]any{
			"tracking_number": fmt.Sprintf("1Z999AA1%010d", i), "slug": "ups", "tag": "InTransit",
			"created_at": time.Now().Add(-time.Duration(n-i) * time.Second),
			"fields":     map[string]any{"title": fmt.Sprintf("Order %d", i), "custom_fields": map[string]string{"shop": strconv.Itoa(i % 7)}},
		}
	}
	text, err := json.Marshal(seeds)
	ts.Check(err)
	control(ts, http.MethodPost, "seed", string(text))
}

// cmdInterruptAt runs a program, sends it SIGINT once the sandbox has seen so many
// calls of an endpoint, and checks its exit code: interruptat list 3 130 enqueue export -o out.csv.
func cmdInterruptAt(ts *testscript.TestScript, _ bool, args []string) {
	control(ts, http.MethodDelete, "calls", "")
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	cmd := exec.Command(filepath.Join(bin, args[3]), args[4:]...)
	cmd.Dir = ts.MkAbs(".")
	for _, name := range []string{"GORACE", "HOME", "USER", "PATH", "STATE_DIR", "REPORT_DIR", "REDIS_URL", "AFTERSHIP_BASE_URL", "AFTERSHIP_API_KEY", "AFTERSHIP_API_VERSION"} {
		cmd.Env = append(cmd.Env, name+"="+ts.Getenv(name))
	}
	said, err := os.Create(ts.MkAbs("interrupted.txt"))
	ts.Check(err)
	defer said.Close()
	cmd.Stdout, cmd.Stderr = said, said
	ts.Check(cmd.Start())
	for end := time.Now().Add(patience); strings.Count(string(control(ts, http.MethodGet, "calls", "")), `"endpoint":"`+args[0]+`"`) < n; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			_ = cmd.Process.Kill()
			ts.Fatalf("no %d calls were sent within %s: %s", n, patience, ts.ReadFile("interrupted.txt"))
		}
	}
	ts.Check(cmd.Process.Signal(os.Interrupt))
	_ = cmd.Wait()
	ts.Check(ts.Exec("cat", "interrupted.txt"))
	if got := strconv.Itoa(cmd.ProcessState.ExitCode()); got != args[2] {
		ts.Fatalf("it ended with %s, want %s", got, args[2])
	}
}

// cmdCells checks how many different cells a column of a CSV has, and that each
// stands there once: cells out.csv tracking_number 3000. With a text behind it, how
// many of its cells are that text.
func cmdCells(ts *testscript.TestScript, _ bool, args []string) {
	rows, err := csv.NewReader(strings.NewReader(ts.ReadFile(args[0]))).ReadAll()
	ts.Check(err)
	column := slices.Index(rows[0], args[1])
	if column < 0 {
		ts.Fatalf("%s has no column %s: %v", args[0], args[1], rows[0])
	}
	want, err := strconv.Atoi(args[2])
	ts.Check(err)
	seen := map[string]int{}
	for _, row := range rows[1:] {
		seen[strings.TrimPrefix(row[column], "'")]++
	}
	switch {
	case len(args) > 3 && seen[args[3]] != want:
		ts.Fatalf("%s has %d rows with %s %q, want %d", args[0], seen[args[3]], args[1], args[3], want)
	case len(args) == 3 && (len(seen) != want || len(rows)-1 != want):
		ts.Fatalf("%s has %d rows with %d different cells in %s, want %d", args[0], len(rows)-1, len(seen), args[1], want)
	}
}
