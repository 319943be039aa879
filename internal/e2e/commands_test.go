package e2e

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// patience is how long a script waits for something to become so.
const patience = 60 * time.Second

// commands are what scripts can say beside testscript's own words.
var commands = map[string]func(ts *testscript.TestScript, neg bool, args []string){
	"exitcode":  cmdExitCode,
	"sandbox":   cmdSandbox,
	"fault":     cmdFault,
	"calls":     cmdCalls,
	"report":    cmdReport,
	"batchid":   cmdBatchID,
	"until":     cmdUntil,
	"rows":      cmdRows,
	"interrupt": cmdInterrupt,
	"race":      cmdRace,
	"killed":    cmdKilled,
}

// cmdExitCode runs a program and checks its exit code: exitcode 2 enqueue create.
func cmdExitCode(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	if exit, ok := err.(*exec.ExitError); ok {
		got = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("%s ended with %d, want %d", strings.Join(args[1:], " "), got, want)
	}
}

// cmdSandbox starts a sandbox for the script, sets AFTERSHIP_BASE_URL and
// AFTERSHIP_API_KEY to it: sandbox --demo. It allows twice what the programs send,
// which never go beyond AfterShip's own limit by themselves: so a call that a busy
// machine holds up is not refused, and every call can be counted.
func cmdSandbox(ts *testscript.TestScript, _ bool, args []string) {
	cmd := exec.Command(filepath.Join(bin, "sandbox"), append([]string{"--addr", "127.0.0.1:0", "--rate", "20"}, args...)...)
	stdout, err := cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	ts.Defer(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	ts.Check(err)
	go func() { _, _ = io.Copy(io.Discard, stdout) }()
	ts.Setenv("AFTERSHIP_BASE_URL", strings.TrimSpace(line))
	ts.Setenv("AFTERSHIP_API_KEY", sandboxKey)
}

// sandboxKey is the key that the sandbox takes when it is told no other.
const sandboxKey = "asat_sandbox0000000000000000000000"

func control(ts *testscript.TestScript, method, path, body string) []byte {
	req, err := http.NewRequest(method, ts.Getenv("AFTERSHIP_BASE_URL")+"/_sandbox/"+path, strings.NewReader(body))
	ts.Check(err)
	resp, err := http.DefaultClient.Do(req)
	ts.Check(err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	ts.Check(err)
	if resp.StatusCode >= 300 {
		ts.Fatalf("%s %s: %d %s", method, path, resp.StatusCode, text)
	}
	return text
}

// cmdFault orders a fault of the sandbox, or clears all: fault '{"kind":"reset"}', fault clear.
func cmdFault(ts *testscript.TestScript, _ bool, args []string) {
	if args[0] == "clear" {
		control(ts, http.MethodDelete, "faults", "")
		return
	}
	control(ts, http.MethodPost, "faults", args[0])
}

// cmdCalls checks how many calls of an endpoint the sandbox has seen, or of all
// but the lists of couriers, which change nothing: calls create 20.
func cmdCalls(ts *testscript.TestScript, neg bool, args []string) {
	var log struct {
		Calls []struct {
			Endpoint string    `json:"endpoint"`
			At       time.Time `json:"at"`
			Number   string    `json:"number"`
			Code     int       `json:"code"`
		} `json:"calls"`
	}
	ts.Check(json.Unmarshal(control(ts, http.MethodGet, "calls", ""), &log))
	n, seen := 0, strings.Builder{}
	for _, c := range log.Calls {
		if args[0] == "all" && !strings.HasPrefix(c.Endpoint, "couriers") || c.Endpoint == args[0] {
			n++
			fmt.Fprintf(&seen, "%s %s %s %d\n", c.At.Format("05.000"), c.Endpoint, c.Number, c.Code)
		}
	}
	want, err := strconv.Atoi(args[1])
	ts.Check(err)
	if (n == want) == neg {
		ts.Fatalf("the sandbox has seen %d calls of %s, want %s:\n%s", n, args[0], args[1], seen.String())
	}
}

// cmdReport checks the outcomes of a report, each with its number of rows:
// report out.csv created=3 rejected=1.
func cmdReport(ts *testscript.TestScript, _ bool, args []string) {
	paths, err := filepath.Glob(ts.MkAbs(args[0]))
	ts.Check(err)
	paths = slices.DeleteFunc(paths, func(p string) bool {
		return strings.HasSuffix(p, ".failed.csv") && !strings.Contains(args[0], "failed")
	})
	if len(paths) != 1 {
		ts.Fatalf("%d files match %s", len(paths), args[0])
	}
	text, err := os.ReadFile(paths[0])
	ts.Check(err)
	reader := csv.NewReader(bytes.NewReader(text))
	for _, delimiter := range ";\t" { // a report has the delimiter of its sheet
		if strings.Contains(string(text), string(delimiter)+"aftership_line") {
			reader.Comma = delimiter
		}
	}
	records, err := reader.ReadAll()
	ts.Check(err)
	column := slices.Index(records[0], "aftership_result")
	got := map[string]int{}
	for _, r := range records[1:] {
		got[r[column]]++
	}
	want := map[string]int{}
	for _, a := range args[1:] {
		name, n, _ := strings.Cut(a, "=")
		want[name], err = strconv.Atoi(n)
		ts.Check(err)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		ts.Fatalf("%s has %v, want %v", paths[0], got, want)
	}
}

// cmdBatchID puts the id of the newest batch into $BATCH.
func cmdBatchID(ts *testscript.TestScript, _ bool, _ []string) {
	ts.Check(ts.Exec("enqueue", "batches", "--json"))
	var list struct {
		Batches []struct {
			Batch string `json:"batch"`
		} `json:"batches"`
	}
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &list))
	if len(list.Batches) == 0 {
		ts.Fatalf("there is no batch")
	}
	ts.Setenv("BATCH", list.Batches[0].Batch)
}

// cmdUntil repeats a program until its output has a text: until 'finished' enqueue status $BATCH.
func cmdUntil(ts *testscript.TestScript, _ bool, args []string) {
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if err := ts.Exec(args[1], args[2:]...); err == nil && strings.Contains(ts.ReadFile("stdout"), args[0]) {
			return
		}
	}
	ts.Fatalf("%s did not say %q within %s", strings.Join(args[1:], " "), args[0], patience)
}

// cmdRows writes a sheet with so many shipments: rows 500 big.csv.
func cmdRows(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	var b strings.Builder
	b.WriteString("tracking_number,slug,title\n")
	for i := range n {
		fmt.Fprintf(&b, "1Z999AA1%010d,ups,Order %d\n", i, i)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(b.String()), 0o600))
}

// cmdInterrupt runs a program, sends it SIGINT once the sandbox has seen a call,
// and checks its exit code: interrupt 130 enqueue create rows.csv.
func cmdInterrupt(ts *testscript.TestScript, _ bool, args []string) {
	cmd := exec.Command(filepath.Join(bin, args[1]), args[2:]...)
	cmd.Dir = ts.MkAbs(".")
	for _, name := range []string{"GORACE", "HOME", "USER", "PATH", "STATE_DIR", "REPORT_DIR", "REDIS_URL", "AFTERSHIP_BASE_URL", "AFTERSHIP_API_KEY"} {
		cmd.Env = append(cmd.Env, name+"="+ts.Getenv(name))
	}
	stdout, err := os.Create(ts.MkAbs("interrupted.txt"))
	ts.Check(err)
	defer stdout.Close()
	cmd.Stdout = stdout
	ts.Check(cmd.Start())
	for end := time.Now().Add(patience); !strings.Contains(string(control(ts, http.MethodGet, "calls", "")), `"endpoint":"create"`); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			ts.Fatalf("no call was sent within %s", patience)
		}
	}
	ts.Check(cmd.Process.Signal(os.Interrupt))
	_ = cmd.Wait()
	if got := strconv.Itoa(cmd.ProcessState.ExitCode()); got != args[0] {
		ts.Fatalf("it ended with %s, want %s", got, args[0])
	}
	ts.Check(ts.Exec("cat", "interrupted.txt"))
}
