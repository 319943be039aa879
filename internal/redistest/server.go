package redistest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// startTimeout is how long a server may take to answer its first PING.
const startTimeout = 20 * time.Second

const missing = `redis-server is not installed, and these tests need a real one: install it
  Debian, Ubuntu:  apt-get install redis-server
  Fedora:          dnf install redis
  macOS:           brew install redis`

// Redis is a private redis-server process.
type Redis struct {
	dir    string
	addr   string
	port   int
	config string
	env    []string
	ownDir bool

	mu   sync.Mutex
	cmd  *exec.Cmd
	done chan struct{} // closed when the process has ended
	said bytes.Buffer  // what it printed; to be read once done is closed
}

// Server starts a private redis-server that stops when the test ends.
func Server(tb testing.TB, opts ...Option) *Redis {
	tb.Helper()
	r, err := Start(append([]Option{Dir(tb.TempDir())}, opts...)...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(r.Stop)
	return r
}

// Start starts a private redis-server outside a test: in TestMain or in a
// program under bench/. The caller stops it.
func Start(opts ...Option) (*Redis, error) {
	var s settings
	for _, opt := range opts {
		opt(&s)
	}
	r := &Redis{dir: s.dir, port: s.port, env: s.env}
	if r.dir == "" {
		dir, err := os.MkdirTemp("", "redistest-")
		if err != nil {
			return nil, fmt.Errorf("redistest: %w", err)
		}
		r.dir, r.ownDir = dir, true
	}
	if err := r.launch(s); err != nil {
		r.Stop()
		return nil, err
	}
	return r, nil
}

// launch tries several free ports, since another process may take one between
// its choice and its use.
func (r *Redis) launch(s settings) error {
	attempts := 5
	if s.port != 0 {
		attempts = 1
	}
	var err error
	for range attempts {
		if s.port == 0 {
			if r.port, err = freePort(); err != nil {
				return err
			}
		}
		r.addr = fmt.Sprintf("127.0.0.1:%d", r.port)
		r.config = configuration(s, r.port, r.dir)
		if err = r.Restart(); err == nil || errors.Is(err, exec.ErrNotFound) {
			return err
		}
	}
	return err
}

// configuration is the server's configuration file. The directory is quoted
// because a temporary one may have spaces in its name.
func configuration(s settings, port int, dir string) string {
	lines := []string{
		"bind 127.0.0.1",
		fmt.Sprintf("port %d", port),
		fmt.Sprintf("dir %q", dir),
		`save ""`,
		"daemonize no",
		`logfile "redis.log"`,
	}
	if s.cluster {
		lines = append(lines, "cluster-enabled yes", "cluster-node-timeout 2000")
	}
	return strings.Join(append(lines, s.lines...), "\n") + "\n"
}

// freePort asks the system for a port; below 55536, since a cluster node
// also listens ten thousand ports above its own.
func freePort() (int, error) {
	for {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return 0, fmt.Errorf("redistest: no free port: %w", err)
		}
		port := l.Addr().(*net.TCPAddr).Port
		if err := l.Close(); err != nil {
			return 0, fmt.Errorf("redistest: %w", err)
		}
		if port < 55536 {
			return port, nil
		}
	}
}

// Restart starts a stopped or killed server again, on the same port and with
// the same files, and waits until it answers. A running one is killed first.
func (r *Redis) Restart() error {
	r.Kill()
	r.mu.Lock()
	defer r.mu.Unlock()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		return fmt.Errorf("%s (%w)", missing, err)
	}
	cmd := exec.Command(path, "-")
	cmd.Stdin, cmd.Env = strings.NewReader(r.config), append(os.Environ(), r.env...)
	r.said.Reset()
	cmd.Stdout, cmd.Stderr = &r.said, &r.said
	dieWithParent(cmd)
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("redistest: start %s: %w", path, err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = cmd.Wait() // its exit code says nothing that its log doesn't
	}()
	r.cmd, r.done = cmd, done
	return r.await(done)
}

// await waits until the server answers and has loaded its data.
func (r *Redis) await(done <-chan struct{}) error {
	late := time.After(startTimeout)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !r.answers() {
		select {
		case <-done:
			return fmt.Errorf("redistest: redis-server on %s ended at once: %s%s", r.addr, &r.said, r.logTail())
		case <-late:
			return fmt.Errorf("redistest: redis-server on %s does not answer: %s", r.addr, r.logTail())
		case <-tick.C:
		}
	}
	return nil
}

// answers sends one PING without go-redis, which would log every refused
// connection. A server that still loads its data answers with an error.
func (r *Redis) answers() bool {
	conn, err := net.DialTimeout("tcp", r.addr, time.Second)
	if err != nil {
		return false
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(time.Second)) // without it the read waits for ever, no worse
	if _, err := conn.Write([]byte("PING\r\n")); err != nil {
		return false
	}
	reply := make([]byte, len("+PONG"))
	_, err = io.ReadFull(conn, reply)
	return err == nil && (string(reply) == "+PONG" || string(reply) == "-NOAU") // it wants a password
}

func (r *Redis) logTail() string {
	b, err := os.ReadFile(filepath.Join(r.dir, "redis.log"))
	if err != nil {
		return "it left no log"
	}
	return string(b[max(0, len(b)-800):])
}

// Stop ends the server politely and waits for its end. Stopping twice is fine.
func (r *Redis) Stop() {
	r.end(interrupt)
	if r.ownDir {
		_ = os.RemoveAll(r.dir) // best effort: it is a temporary directory
	}
}

// Kill ends the server as a power cut would: no last write, no goodbye.
func (r *Redis) Kill() {
	r.end(func(p *os.Process) error { return p.Kill() })
}

// end signals the process and waits; a server deaf to the signal is killed.
func (r *Redis) end(signal func(*os.Process) error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cmd == nil {
		return
	}
	_ = signal(r.cmd.Process) // an error here means that it is gone already
	select {
	case <-r.done:
	case <-time.After(10 * time.Second):
		_ = r.cmd.Process.Kill()
		<-r.done
	}
	r.cmd = nil
}

// Addr is the server's host:port.
func (r *Redis) Addr() string { return r.addr }

// URL is the server's address as REDIS_URL takes it.
func (r *Redis) URL() string { return "redis://" + r.addr + "/0" }

// Dir is the directory of the server's files.
func (r *Redis) Dir() string { return r.dir }

// PID is the id of the server's process, or 0 when it does not run.
func (r *Redis) PID() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cmd == nil {
		return 0
	}
	return r.cmd.Process.Pid
}

// Client connects to the server. The caller closes it.
func (r *Redis) Client() *redis.Client {
	return redis.NewClient(&redis.Options{Addr: r.addr, DisableIdentity: true})
}
