package batch

import (
	"context"
	"embed"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"
)

//go:embed scripts/*.lua
var scriptFiles embed.FS

var (
	scriptCreate  = script("create")
	scriptClaim   = script("claim")
	scriptRelease = script("release")
	scriptAppend  = script("append")
	scriptSeal    = script("seal")
	scriptBegin   = script("begin")
	scriptAnswer  = script("answer")
	scriptRecord  = script("record")
	scriptIDs     = script("ids")
	scriptControl = script("control")
	scriptCancel  = script("cancel")
	scriptReopen  = script("reopen")
	scriptMark    = script("mark")
	scriptAudit   = script("audit")
)

// script loads a file of scripts/ with what all of them share put before it.
func script(name string) *redis.Script {
	return redis.NewScript(spenders() + source("common") + source(name))
}

func source(name string) string {
	text, err := scriptFiles.ReadFile("scripts/" + name + ".lua")
	if err != nil {
		panic(err) // the files are part of the program
	}
	return string(text)
}

// errUnfinished never leaves the package.
var errUnfinished = errors.New("the batch has not finished")

// refusals are the errors for which a script answers with a negative number: -1 is the first.
var refusals = []error{
	ErrUnknown, ErrNewer, ErrNoJob, ErrGap, ErrDifferent, ErrSealed, ErrCancelled, ErrFinished, ErrTrimmed, errUnfinished,
}

// refusal returns the error behind a script's first number, nil if there is none.
func refusal(n int64) error {
	if n >= 0 {
		return nil
	}
	if int(-n) > len(refusals) {
		return fmt.Errorf("the ledger refused with %d, which this version of the program does not know", n)
	}
	return refusals[-n-1]
}

// numbers reads a script's answer.
func numbers(cmd *redis.Cmd) ([]int64, error) {
	ns, err := cmd.Int64Slice()
	if err != nil {
		return nil, err
	}
	if len(ns) == 0 {
		return nil, errors.New("empty answer of a ledger script")
	}
	return ns, refusal(ns[0])
}

// run calls a script of one batch that answers with numbers.
func (s *Store) run(ctx context.Context, what string, id ID, sc *redis.Script, keys []string, args ...any) ([]int64, error) {
	ns, err := numbers(sc.Run(ctx, s.rdb, keys, args...))
	return ns, wrap(what, id, err)
}

// wrap says what was done to which batch when err came.
func wrap(what string, id ID, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrUnknown): // whatever was to be done
		return fmt.Errorf("batch %s: %w", id, err)
	}
	return fmt.Errorf("batch %s: %s: %w", id, what, err)
}

// call is a script call in a pipeline.
type call struct {
	keys []string
	args []any
}

// runMany sends calls of one script in one round trip, in order. A server that doesn't know the script gets all of
// them again, the first with the script's text: so every call must bear being repeated.
func (s *Store) runMany(ctx context.Context, sc *redis.Script, calls []call) ([]*redis.Cmd, error) {
	cmds, err := s.pipe(ctx, sc, calls, false)
	if err != nil && redis.HasErrorPrefix(err, "NOSCRIPT") {
		cmds, err = s.pipe(ctx, sc, calls, true)
	}
	return cmds, err
}

func (s *Store) pipe(ctx context.Context, sc *redis.Script, calls []call, text bool) ([]*redis.Cmd, error) {
	cmds := make([]*redis.Cmd, len(calls))
	_, err := s.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, c := range calls {
			if text && i == 0 {
				cmds[i] = sc.Eval(ctx, p, c.keys, c.args...)
				continue
			}
			cmds[i] = sc.EvalSha(ctx, p, c.keys, c.args...)
		}
		return nil
	})
	return cmds, err
}
