package command

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"aftership-bulk/batch"
	"aftership-bulk/jobs"
)

const (
	// renewEvery is how often the leases of held locks are put off.
	renewEvery = batch.LockLease / 3
	// lockPoll is how often a lock is tried that is waited for.
	lockPoll = 500 * time.Millisecond
)

// lockHintOf is the way out of a lock that another run holds. One whose batch
// stands still is not worth a wait.
func lockHintOf(err error) string {
	e, ok := errors.AsType[*batch.LockedError](err)
	switch {
	case ok && e.State.Held():
		return fmt.Sprintf("let that batch go on (enqueue resume %[1]s), or end it (enqueue cancel %[1]s)", e.Batch)
	case ok && e.Batch != "":
		return fmt.Sprintf("wait for it with --wait-lock, or end it with `enqueue cancel %s`", e.Batch)
	}
	return "wait for it with --wait-lock"
}

// addWaitLock adds --wait-lock.
func (c *cli) addWaitLock(cmd *cobra.Command) {
	f := cmd.Flags()
	f.Var(&c.imp.waitLock, "wait-lock", "wait until such a run has ended, or for this long (--wait-lock=10m)")
	f.Lookup("wait-lock").NoOptDefVal = waitForever
}

// held are the locks of a run.
type held struct {
	locks []*batch.Lock
	every time.Duration // between two renewals
}

// lockRequests says which locks a run takes: that of --name, and before it, where
// no file says what is meant, that of the account's whole operation.
func (c *cli) lockRequests(s *session, op batch.Operation, listed bool, mine []batch.ID) []batch.LockRequest {
	r := batch.LockRequest{Account: s.cfg.Account, Operation: op, Who: who(c.env), Mine: mine, Alone: s.embedded != nil}
	var all []batch.LockRequest
	if listed {
		all = append(all, r)
	}
	if r.Name = c.imp.name; r.Name != "" {
		all = append(all, r)
	}
	return all
}

// openToWork opens the session of a run. The state directory is a lock too, and waited for as one.
func (c *cli) openToWork(ctx context.Context) (*session, error) {
	var s *session
	err := c.waitFor(ctx, func() (err error) {
		s, err = c.open(ctx, readWrite)
		return err
	})
	return s, err
}

// waitFor repeats what fails for a lock, for as long as --wait-lock says.
func (c *cli) waitFor(ctx context.Context, try func() error) error {
	if c.lockEnd.IsZero() {
		c.lockEnd = time.Now().Add(c.imp.waitLock.max)
	}
	for told := false; ; told = true {
		err := try()
		f, ok := errors.AsType[*failure](err)
		if !ok || f.code != exitLocked || !c.imp.waitLock.set {
			return err
		}
		if c.imp.waitLock.max > 0 && time.Now().After(c.lockEnd) {
			return err
		}
		if !told {
			c.ui.warn("waiting: %v", err)
		}
		select {
		case <-ctx.Done():
			return context.Canceled
		case <-time.After(lockPoll):
		}
	}
}

// underLock does something while it holds the locks. The batches that begin
// meanwhile keep them until they have ended.
func (c *cli) underLock(ctx context.Context, s *session, requests []batch.LockRequest, do func(context.Context) error) error {
	h := &held{every: renewEvery}
	for _, r := range requests {
		err := c.waitFor(ctx, func() error {
			l, err := s.ledger.Lock(ctx, r)
			if err == nil {
				h.locks = append(h.locks, l)
			}
			return lockError(err)
		})
		if err != nil {
			h.leave(ctx)
			return ctxOr(ctx, err)
		}
	}
	s.held = h
	return h.during(ctx, do)
}

// lockError gives the errors of locks their exit codes.
func lockError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, batch.ErrLocked):
		return &failure{exitLocked, err, lockHintOf(err)}
	case errors.Is(err, batch.ErrLockLost):
		return &failure{exitLocked, err, "run the same command again"}
	}
	return unreachable(err, "check REDIS_URL")
}

// during renews the locks while something is done. What is done is broken off
// when one of them is lost.
func (h *held) during(ctx context.Context, do func(context.Context) error) error {
	working, stop := context.WithCancelCause(ctx)
	var renewing sync.WaitGroup
	if len(h.locks) > 0 {
		renewing.Go(func() { h.renew(working, stop) })
	}
	err := do(working)
	lost := context.Cause(working)
	stop(nil)
	renewing.Wait()
	h.leave(ctx)
	if errors.Is(lost, batch.ErrLockLost) {
		return lockError(lost)
	}
	return err
}

func (h *held) renew(ctx context.Context, stop context.CancelCauseFunc) {
	tick := time.NewTicker(h.every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for _, l := range h.locks {
			if err := l.Renew(ctx); errors.Is(err, batch.ErrLockLost) {
				stop(err)
				return
			} // a Redis that is away is tried again; nobody can take the lock there meanwhile
		}
	}
}

// leave ends the leases. What cannot be told ends by itself.
func (h *held) leave(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	for _, l := range h.locks {
		_ = l.Leave(ctx)
	}
}

// names are those that the locks were asked for by.
func (h *held) names() []string {
	if h == nil {
		return nil
	}
	var names []string
	for _, l := range h.locks {
		names = append(names, l.Name())
	}
	return names
}

// locksOf says which locks a batch runs again under: those that it was begun under.
func (c *cli) locksOf(s *session, b batch.Batch) []batch.LockRequest {
	var all []batch.LockRequest
	for _, name := range b.Locks {
		all = append(all, batch.LockRequest{
			Account: b.Account, Operation: b.Operation, Name: name, Who: who(c.env), Mine: []batch.ID{b.ID}, Alone: s.embedded != nil,
		})
	}
	return all
}

// attach makes the locks belong to a batch that is about to be received.
func (s *session) attach(ctx context.Context, id batch.ID) error {
	if s.held == nil {
		return nil
	}
	for _, l := range s.held.locks {
		if err := l.Attach(ctx, id); err != nil {
			return lockError(fmt.Errorf("batch %s: %w", id, err))
		}
	}
	return nil
}

// keeps makes sure that the locks are still ours before a batch is sent. One that
// is not sent is paused, so that no worker takes it up beside the other run.
func (s *session) keeps(ctx context.Context, b batch.Batch) error {
	if s.held == nil {
		return nil
	}
	for _, l := range s.held.locks {
		err := l.Renew(ctx)
		if !errors.Is(err, batch.ErrLockLost) {
			continue // away for a moment: the batch holds the lock by now
		}
		pause := s.ledger.Pause(context.WithoutCancel(ctx), b.ID, "its lock was taken by another run while this one stood still")
		return &failure{exitLocked, errors.Join(err, pause), "when the other run has ended: enqueue resume " + b.ID}
	}
	return nil
}

// existing lists the batches that a run of the inputs goes on with.
func (c *cli) existing(ctx context.Context, s *session, inputs []*input) ([]batch.ID, error) {
	if c.imp.name == "" {
		return nil, nil
	}
	var ids []batch.ID
	for _, in := range inputs {
		id, err := s.intake.Existing(ctx, in.sheet, in.survey, c.order(s))
		if err != nil {
			return nil, unreachable(err, "check REDIS_URL")
		}
		if id != "" {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// order is what the flags say about a batch.
func (c *cli) order(s *session) jobs.Order {
	return jobs.Order{
		Account: c.cfg.Account, Who: who(c.env), Priority: batch.Priority(c.imp.priority), Force: c.imp.force, Locks: s.held.names(), Began: s.attach,
		Budget: c.imp.guards.budget, Asked: c.asked,
	}
}
