//go:build unix

package chaos

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// proc is a program under test.
type proc struct {
	t    *testing.T
	name string
	log  string // the file that has all it said
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
	err  error         // how it ended; to be read once done is closed
}

var started atomic.Int64

// start starts a program. It is killed at the end of the test at the latest.
func (w *world) start(env []string, name string, args ...string) *proc {
	w.t.Helper()
	p := &proc{t: w.t, name: name, done: make(chan struct{})}
	p.log = filepath.Join(w.dir, name+"-"+itoa(int(started.Add(1)))+".log")
	out, err := os.Create(p.log)
	w.check(err)
	defer out.Close()
	p.cmd = exec.Command(filepath.Join(w.bin, name), args...)
	p.cmd.Dir, p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr = w.dir, append(append([]string{}, w.env...), env...), out, out
	dieWithParent(p.cmd)
	w.check(p.cmd.Start())
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	w.t.Cleanup(p.kill)
	return p
}

func (p *proc) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

func (p *proc) signal(s syscall.Signal) { _ = p.cmd.Process.Signal(s) } // it may have ended

// kill ends the program as a crash would, and waits for its end.
func (p *proc) kill() {
	p.signal(syscall.SIGKILL)
	<-p.done
}

// end asks the program to end, and returns its exit code.
func (p *proc) end() int {
	p.signal(syscall.SIGTERM)
	return p.code()
}

// code waits for the program's end and returns its exit code; -1 is a signal.
func (p *proc) code() int {
	select {
	case <-p.done:
	case <-time.After(patience):
		p.t.Errorf("%s does not end", p.name)
		p.kill()
	}
	if exit, ok := errors.AsType[*exec.ExitError](p.err); ok {
		return exit.ExitCode()
	}
	return 0
}

// said is all that the program has said.
func (p *proc) said() string {
	text, _ := os.ReadFile(p.log)
	return string(text)
}

// tail is the last of it.
func (p *proc) tail() string {
	text := p.said()
	return text[max(0, len(text)-1500):]
}

// fleet is a number of workers, each of which is replaced when it is killed.
type fleet struct {
	w       *world
	workers []*proc
}

// fleet starts workers.
func (w *world) fleet(n int, env ...string) *fleet {
	f := &fleet{w: w}
	for range n {
		f.workers = append(f.workers, w.start(env, "worker"))
	}
	return f
}

// kill kills a worker and starts another one.
func (f *fleet) kill(i int) {
	f.workers[i].kill()
	f.workers[i] = f.w.start(nil, "worker")
}

// end ends the workers politely, so that the log of calls is complete.
func (f *fleet) end() {
	for _, p := range f.workers {
		p.signal(syscall.SIGTERM)
	}
	for _, p := range f.workers {
		if code := p.code(); code != 0 {
			f.w.t.Errorf("a worker that was told to end ended with %d:\n%s", code, p.tail())
		}
	}
}

// process is a process that somebody else started.
func process(pid int) *os.Process {
	p, _ := os.FindProcess(pid) // on Unix it always finds one
	return p
}
