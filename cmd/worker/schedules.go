package main

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"aftership-bulk/batch"
	"aftership-bulk/config"
	enqueue "aftership-bulk/internal/command"
	"aftership-bulk/jobs"
)

const (
	// linesKept is how many of the last lines of a command stand in the record of its run.
	linesKept = 20
	// lineLength is how much of a line is logged and kept.
	lineLength = 500
	// linesLogged is how many lines of a command are logged.
	linesLogged = 1000
)

// commander runs commands of enqueue inside the worker, with the worker's own
// environment and settings.
type commander struct {
	cfg  config.Config
	args []string // settings that were given to the worker as flags
	env  []string
	log  *slog.Logger
}

// order is a command to run for an account.
type order struct {
	account string
	by      string    // is told as who started its batches
	asked   time.Time // for the first time, if a worker died of it before
	args    []string
}

// run runs a command.
func (c *commander) run(ctx context.Context, o order, log *slog.Logger) jobs.RunResult {
	var mu sync.Mutex
	result := jobs.RunResult{}
	out := &lines{log: log}
	command := enqueue.Inside{
		Args: slices.Concat(c.args, []string{"--account=" + o.account}, o.args), Env: append([]string{"USER=" + o.by}, c.cfg.EnvFor(o.account, c.env)...),
		Stdout: out, Stderr: out, Asked: o.asked,
		OnBatch: func(id batch.ID) {
			mu.Lock()
			defer mu.Unlock()
			if !slices.Contains(result.Batches, id) {
				result.Batches = append(result.Batches, id)
			}
		},
	}
	result.Exit = command.Run(ctx)
	result.Lines = out.end()
	return result
}

// newScheduler makes what runs the schedules of the settings.
func newScheduler(c *commander, carrier, rdb redis.UniversalClient, queue *jobs.Queue) *jobs.Scheduler {
	return jobs.NewScheduler(carrier, rdb, queue, jobs.SchedulerOptions{
		Schedules: c.cfg.Schedules, Who: process(), Log: c.log,
		Run: func(ctx context.Context, s config.Schedule, slot time.Time) jobs.RunResult {
			log := c.log.With("schedule", s.Name, "slot", slot.Format(time.RFC3339))
			return c.run(ctx, order{account: s.Account, by: "schedule " + s.Name, asked: slot, args: s.Command}, log)
		},
	})
}

// process names this process.
func process() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("%s:%d", host, os.Getpid())
}

// lines logs what a command says line by line, and keeps the last ones.
type lines struct {
	log *slog.Logger

	mu   sync.Mutex
	part []byte
	last []string
	n    int
}

// Write takes a piece of text.
func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for rest := p; ; {
		i := bytes.IndexAny(rest, "\r\n")
		if i < 0 {
			l.add(rest)
			return len(p), nil
		}
		l.add(rest[:i])
		l.flush()
		rest = rest[i+1:]
	}
}

// add adds to the line, up to its greatest length.
func (l *lines) add(p []byte) {
	l.part = append(l.part, p[:min(len(p), lineLength-len(l.part))]...)
}

// flush ends the line.
func (l *lines) flush() {
	line := strings.TrimRight(strings.ToValidUTF8(string(l.part), ""), " ")
	l.part = l.part[:0]
	if line == "" {
		return
	}
	switch l.n++; {
	case l.n <= linesLogged:
		l.log.Info("command says", "line", line)
	case l.n == linesLogged+1:
		l.log.Warn("the command says more than is logged", "lines", linesLogged)
	}
	if l.last = append(l.last, line); len(l.last) > linesKept {
		l.last = slices.Delete(l.last, 0, 1)
	}
}

// end ends the last line, and returns those that were kept.
func (l *lines) end() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.flush()
	return l.last
}
