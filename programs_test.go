package aftershipbulk_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"aftership-bulk/aftership/sandbox"
	"aftership-bulk/internal/redistest"
)

// patience is how long a test waits for something to become so.
const patience = 60 * time.Second

// installCommand is the README's way to build the programs, which the tests take too.
const installCommand = "go build -o bin/ ./cmd/enqueue ./cmd/worker ./cmd/sandbox"

// scratch is where the copy of the tree stands, removed by TestMain.
var scratch string

func TestMain(m *testing.M) {
	flag.Parse()
	if f := flag.Lookup("test.parallel"); f.Value.String() == f.DefValue {
		_ = f.Value.Set("8") // these tests wait for other programs more than they compute
	}
	code := m.Run()
	if scratch != "" {
		_ = os.RemoveAll(scratch) // a temporary directory
	}
	os.Exit(code)
}

// clone is the tree as someone has it who has just cloned it, with the programs
// built as the README says. -trimpath lets the build cache serve every copy.
var clone = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "aftership-bulk-clone-")
	if err != nil {
		return "", err
	}
	scratch = dir
	if err := copyTree(dir); err != nil {
		return "", err
	}
	build := exec.Command("sh", "-c", installCommand)
	build.Dir = dir
	build.Env = append(os.Environ(), "GOFLAGS="+os.Getenv("GOFLAGS")+" -trimpath")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s: %w\n%s", installCommand, err, out)
	}
	return dir, nil
})

// notCloned are the places of the tree that no clone has.
var notCloned = []string{".git", "bin", "reports", "state"}

func copyTree(dir string) error {
	return filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && slices.Contains(notCloned, path):
			return fs.SkipDir
		case d.IsDir():
			return os.MkdirAll(filepath.Join(dir, path), 0o755)
		case !d.Type().IsRegular():
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		text, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) { // a temporary file of someone's editor
			return nil
		} else if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, path), text, info.Mode().Perm())
	})
}

// world is a machine of its own for one command: a home, a directory to work
// in, and the variables that are set.
type world struct {
	*testing.T
	clone, dir string
	env        map[string]string
	sandbox    *sandbox.Sandbox // nil before withSandbox
}

func newWorld(t *testing.T) *world {
	t.Helper()
	dir, err := clone()
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	return &world{T: t, clone: dir, dir: t.TempDir(), env: map[string]string{
		"PATH": filepath.Join(dir, "bin") + string(os.PathListSeparator) + os.Getenv("PATH"),
		"HOME": home, "USER": "ops", "TMPDIR": t.TempDir(),
		"GOCACHE": goEnv(t, "GOCACHE"), "GOMODCACHE": goEnv(t, "GOMODCACHE"), "GOFLAGS": os.Getenv("GOFLAGS") + " -trimpath",
		"GOPROXY": goEnv(t, "GOPROXY"),
	}}
}

func goEnv(t *testing.T, name string) string {
	t.Helper()
	out, err := exec.Command("go", "env", name).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// withSandbox puts a sandbox in AfterShip's place.
func (w *world) withSandbox(options sandbox.Options) {
	w.sandbox = sandbox.Demo(options)
	server := httptest.NewServer(w.sandbox)
	w.Cleanup(server.Close)
	w.env["AFTERSHIP_BASE_URL"], w.env["AFTERSHIP_API_KEY"] = server.URL, sandbox.DefaultKey
}

// withRedis starts a private Redis.
func (w *world) withRedis() {
	w.Helper()
	w.env["REDIS_URL"] = redistest.Server(w.T).URL()
}

// write makes a file in the directory that the command runs in.
func (w *world) write(name, text string) {
	w.Helper()
	if err := os.WriteFile(filepath.Join(w.dir, name), []byte(text), 0o600); err != nil {
		w.Fatal(err)
	}
}

// result is what a command did.
type result struct {
	code           int
	stdout, stderr string
}

func (r result) String() string {
	return fmt.Sprintf("exit code %d\n--- stdout\n%s--- stderr\n%s", r.code, r.stdout, r.stderr)
}

// run runs a line of a shell to its end.
func (w *world) run(line string) result {
	w.Helper()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(w.Context(), "sh", "-c", line)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = w.dir, w.environ(), &stdout, &stderr
	err := cmd.Run()
	if _, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
		w.Fatal(err)
	}
	return result{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// must runs a line that ends with that exit code.
func (w *world) must(code int, line string) result {
	w.Helper()
	r := w.run(line)
	if r.code != code {
		w.Fatalf("%s: want exit code %d, got %s", line, code, r)
	}
	return r
}

func (w *world) environ() []string {
	var env []string
	for _, name := range slices.Sorted(maps.Keys(w.env)) {
		env = append(env, name+"="+w.env[name])
	}
	return env
}

// newest is the id of the newest batch.
func (w *world) newest() string {
	w.Helper()
	var list struct {
		Batches []struct {
			Batch string `json:"batch"`
		} `json:"batches"`
	}
	if err := json.Unmarshal([]byte(w.must(0, "enqueue batches --json").stdout), &list); err != nil || len(list.Batches) == 0 {
		w.Fatalf("no batch: %v", err)
	}
	return list.Batches[0].Batch
}

// program is a command that runs on, such as worker.
type program struct {
	cmd  *exec.Cmd
	said *lines
}

// start starts a line of assignments and a program, as in REDIS_URL=... worker.
// The test's end ends it.
func (w *world) start(line string) *program {
	w.Helper()
	env, words := w.environ(), strings.Fields(line)
	for len(words) > 1 && strings.Contains(words[0], "=") && !strings.HasPrefix(words[0], "-") {
		env, words = append(env, words[0]), words[1:]
	}
	path := filepath.Join(w.clone, "bin", words[0])
	if _, err := os.Stat(path); err != nil {
		if path, err = exec.LookPath(words[0]); err != nil {
			w.Fatal(err)
		}
	}
	p := &program{cmd: exec.Command(path, words[1:]...), said: &lines{}}
	p.cmd.Dir, p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr = w.dir, env, p.said, p.said
	if err := p.cmd.Start(); err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { p.stop(w.T) })
	return p
}

// stop asks the program politely to end, and returns its exit code.
func (p *program) stop(t *testing.T) int {
	t.Helper()
	if p.cmd.ProcessState == nil {
		_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended by itself
		late := time.AfterFunc(patience, func() { _ = p.cmd.Process.Kill() })
		_ = p.cmd.Wait() // the exit code says it
		late.Stop()
	}
	return p.cmd.ProcessState.ExitCode()
}

// says waits until the program has said a text.
func (p *program) says(t *testing.T, text string) {
	t.Helper()
	eventually(t, fmt.Sprintf("%s says %q", p.cmd.Path, text), func() bool { return strings.Contains(p.said.String(), text) })
}

// eventually waits until something is so.
func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); !so(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("not within %s: %s", patience, what)
		}
	}
}

// lines collects what a running program says.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

var _ io.Writer = (*lines)(nil)

// Write keeps what was said.
func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}
