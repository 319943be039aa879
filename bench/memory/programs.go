package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"aftership-bulk/aftership/sandbox"
	"aftership-bulk/bench/rig"
)

// The memory that law 8 allows: a share for every program, and the hashes of the
// duplicate check.
const (
	goalProgram = 100.0 // MB
	goalHashes  = 40.0  // MB for a million rows
)

// build builds the programs from the module in the working directory.
func build(ctx context.Context, dir string) (programs, error) {
	out, err := exec.CommandContext(ctx, "go", "build", "-o", dir+string(os.PathSeparator), "aftership-bulk/cmd/...").CombinedOutput()
	if err != nil {
		return programs{}, fmt.Errorf("build the programs: %w\n%s", err, out)
	}
	return programs{dir}, nil
}

// measure runs `enqueue` over a sheet and `worker` on its batch, and prints the most
// memory that each held.
func (p programs) measure(ctx context.Context, rows int) error {
	path, err := rig.Sheet(p.dir, rows)
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(path) }()
	r, err := rig.Start(ctx, rig.Listpack)
	if err != nil {
		return err
	}
	defer r.Stop()
	held, took, err := p.enqueue(ctx, r, path)
	if err != nil {
		return err
	}
	allowed := goalProgram + goalHashes*float64(rows)/1e6
	rig.Figure(fmt.Sprintf("memory: enqueue, %s rows", rig.Number(float64(rows))), held, "MB",
		fmt.Sprintf("at its peak; %s", took.Round(100*time.Millisecond)), rig.Goal(fmt.Sprintf("%.0f with the hashes", allowed), held < allowed))
	held, done, err := p.work(ctx, r)
	if err != nil {
		return err
	}
	rig.Figure(fmt.Sprintf("memory: worker on a batch of %s rows", rig.Number(float64(rows))), held, "MB",
		fmt.Sprintf("at its peak; %d rows done in %s", done, *working), rig.Goal(rig.Number(goalProgram), held < goalProgram))
	return nil
}

func (p programs) enqueue(ctx context.Context, r *rig.Redis, path string) (held float64, took time.Duration, err error) {
	cmd := exec.CommandContext(ctx, p.path("enqueue"), "create", path)
	cmd.Env = append(os.Environ(), "REDIS_URL="+r.URL())
	start := time.Now()
	out, err := cmd.CombinedOutput()
	if err != nil {
		return 0, 0, fmt.Errorf("enqueue: %w\n%s", err, out)
	}
	return peak(cmd.ProcessState), time.Since(start), nil
}

// work lets a worker work on what is queued for a while, against a sandbox without
// limits.
func (p programs) work(ctx context.Context, r *rig.Redis) (held float64, done int, err error) {
	box := exec.CommandContext(ctx, p.path("sandbox"), "--addr", "127.0.0.1:0", "--rate", "-1", "--log-size", "-1")
	address, err := start(box)
	if err != nil {
		return 0, 0, err
	}
	defer func() { _ = box.Process.Kill(); _ = box.Wait() }()
	cmd := exec.CommandContext(ctx, p.path("worker"))
	cmd.Env = append(os.Environ(), "REDIS_URL="+r.URL(), "AFTERSHIP_BASE_URL="+address, "AFTERSHIP_API_KEY="+sandbox.DefaultKey,
		"RATE_LIMIT=100000", "REPORT_DIR="+p.path("reports"))
	var said strings.Builder
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		return 0, 0, err
	}
	time.Sleep(*working)
	if err := errors.Join(cmd.Process.Signal(os.Interrupt), cmd.Wait()); err != nil {
		return 0, 0, fmt.Errorf("worker: %w\n%s", err, said.String())
	}
	for b, err := range r.Ledger.List(ctx) {
		if err != nil {
			return 0, 0, err
		}
		done += b.Done
	}
	if done == 0 {
		return 0, 0, fmt.Errorf("the worker did nothing\n%s", said.String())
	}
	return peak(cmd.ProcessState), done, nil
}

// start starts the sandbox and returns its address, which is its first line.
func start(box *exec.Cmd) (string, error) {
	out, err := box.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := box.Start(); err != nil {
		return "", err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	return strings.TrimSpace(line), err
}
