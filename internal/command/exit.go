package command

import (
	"context"
	"errors"
	"slices"

	"aftership-bulk/batch"
)

// Exit codes. A code that is not here means failure.
const (
	exitDone        = 0
	exitRowsFailed  = 1
	exitUsage       = 2
	exitErrorBudget = 3
	exitUnfinished  = 4
	exitUnreachable = 5
	exitLocked      = 6
	exitInterrupted = 130
)

// exitHelp is the table of exit codes, for the help and the documentation.
const exitHelp = `Exit codes:
  0    every row is done, or was already so (queued without --wait: accepted, and no row is invalid)
  1    finished (or accepted), and some rows are invalid, rejected, dead or cancelled
  2    usage, configuration or an unreadable file; nothing was sent
  3    more rows failed than --max-errors allows; enqueue resume BATCH goes on where it was stopped
  4    --wait ran out while rows were pending
  5    Redis or AfterShip cannot be reached, or the key was refused, or the quota is used up;
       the report is written, with pending rows
  6    another run holds the lock
  130  interrupted; safe to run again
Any other code means failure.`

// exitOrder says which code a run of several files has: the first of these that occurred.
var exitOrder = []int{exitInterrupted, exitUnreachable, exitErrorBudget, exitLocked, exitUnfinished, exitRowsFailed, exitDone}

// worst is the exit code of several.
func worst(codes ...int) int {
	for _, code := range exitOrder {
		if slices.Contains(codes, code) {
			return code
		}
	}
	return exitDone
}

// failure is an error with the exit code and the way out that belong to it.
type failure struct {
	code int
	err  error
	try  string // a command or an action
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

func usage(err error, try string) error { return &failure{exitUsage, err, try} }

func unreachable(err error, try string) error { return &failure{exitUnreachable, err, try} }

// orUnreachable is unreachable for errors that have no exit code of their own.
func orUnreachable(err error, try string) error {
	if _, ok := errors.AsType[*failure](err); ok {
		return err
	}
	return unreachable(err, try)
}

// exitCode is the one switch from what happened to the code that says it.
func exitCode(err error) int {
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	}
	if f, ok := errors.AsType[*failure](err); ok {
		return f.code
	}
	return exitUsage
}

// ending is how a batch stood when the command stopped looking.
type ending struct {
	batch       batch.Batch
	interrupted bool
	stopped     string // why the account stands still
	timedOut    bool
	paused      bool // held by a person, in a run without Redis
	untouched   bool // stopped by an earlier run's --max-errors, so that nothing was sent now
	queued      bool // handed over to workers, not waited for
	otherBudget bool // had ended before, by another --max-errors than this run's
	failedRows  int  // rows that a person must look at, duplicates of such rows included
}

// overspent is why more failed than --max-errors allows, of a batch that has ended:
// as far as this run asks.
func (e ending) overspent() string {
	if e.otherBudget {
		return ""
	}
	return e.batch.Over
}

// code is the exit code of one batch.
func (e ending) code() int {
	switch {
	case e.interrupted:
		return exitInterrupted
	case e.batch.Spent(), e.overspent() != "":
		return exitErrorBudget
	case e.stopped != "":
		return exitUnreachable
	case e.timedOut, e.paused:
		return exitUnfinished
	case e.failedRows > 0:
		return exitRowsFailed
	}
	return exitDone
}

// hintOf is the way out that an error knows.
func hintOf(err error) string {
	if f, ok := errors.AsType[*failure](err); ok {
		return f.try
	}
	return ""
}
