package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"aftership-bulk/aftership/sandbox"
)

// program is a run in the background.
type program struct {
	base   string // the address it printed
	stop   func() int
	stderr *bytes.Buffer
}

// start runs the program until the test stops it.
func start(t *testing.T, env []string, args ...string) program {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	out, in := io.Pipe()
	p := program{stderr: &bytes.Buffer{}}
	var wg sync.WaitGroup
	code := 0
	wg.Go(func() {
		code = run(ctx, append([]string{"--addr", "127.0.0.1:0"}, args...), env, in, p.stderr)
		in.Close()
	})
	p.stop = func() int {
		cancel()
		wg.Wait()
		return code
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("no address: %v, code %d, %s", err, p.stop(), p.stderr)
	}
	p.base = strings.TrimSpace(line)
	t.Cleanup(func() { p.stop() })
	return p
}

// get asks with a key and returns the status and the body.
func (p program) get(t *testing.T, key, path string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "GET", p.base+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("as-api-key", key)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

func TestServesAndStops(t *testing.T) {
	log := filepath.Join(t.TempDir(), "calls.jsonl")
	p := start(t, nil, "--demo", "--log", log, "--rate", "50", "--limit", "list=7", "--model", "sliding")
	if status, text := p.get(t, sandbox.DefaultKey, "/tracking/2025-07/trackings?tag=Expired"); status != 200 || !strings.Contains(text, "JNET2608000155") {
		t.Errorf("%d %s", status, text)
	}
	if _, text := p.get(t, "", "/_sandbox/options"); !strings.Contains(text, `"model":"sliding"`) || !strings.Contains(text, `"limits":{"list":7}`) {
		t.Error(text)
	}
	if code := p.stop(); code != 0 {
		t.Errorf("exit code %d: %s", code, p.stderr)
	}
	raw, err := os.ReadFile(log)
	var call sandbox.Call
	if err != nil || json.Unmarshal(raw, &call) != nil || call.HTTP != 200 || call.Limit != 7 {
		t.Errorf("%v %s", err, raw)
	}
}

func TestKeysAndAccounts(t *testing.T) {
	p := start(t, []string{"SANDBOX_KEY=from-env"}, "--account-key", "other=second")
	for key, want := range map[string]int{"from-env": 200, "second": 200, sandbox.DefaultKey: 401} {
		if status, text := p.get(t, key, "/v4/trackings"); status != want {
			t.Errorf("%s: %d %s", key, status, text)
		}
	}
	if strings.Contains(p.stderr.String(), "from-env") {
		t.Error("the key is shown")
	}
}

func TestUsage(t *testing.T) {
	taken := start(t, nil)
	for _, c := range []struct {
		args string
		code int
		text string
	}{
		{"--nothing", exitUsage, "--nothing"},
		{"--model odd", exitUsage, "fixed"},
		{"--limit odd=1", exitUsage, "create"},
		{"--limit create=x", exitUsage, "CLASS=NUMBER"},
		{"--account-key x", exitUsage, "ACCOUNT=KEY"},
		{"--latency -1s", exitUsage, "latency"},
		{"extra", exitUsage, "extra"},
		{"--addr " + strings.TrimPrefix(taken.base, "http://"), exitFailed, "cannot serve"},
		{"--log /nowhere/at/all", exitFailed, "log of calls"},
		{"--help", exitOK, ""},
	} {
		var stdout, stderr bytes.Buffer
		if code := run(t.Context(), strings.Fields(c.args), nil, &stdout, &stderr); code != c.code || !strings.Contains(stderr.String(), c.text) {
			t.Errorf("%s: code %d, not %d: %s", c.args, code, c.code, &stderr)
		}
	}
}
