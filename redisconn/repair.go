package redisconn

import (
	"context"
	"errors"
	"net"

	"github.com/redis/go-redis/v9"
)

// syncerRepair is a go-redis hook that lets asynq v0.26.0 finish its writes.
//
// When the write that ends a task fails, asynq hands it to its "syncer" to be
// tried again, but with a context that the failing function has already
// cancelled, so every further try fails at once and the task runs a second
// time a minute later. The hook replaces a cancelled context by a live one with
// the same values and deadline. A deadline that has passed stays passed: the
// lease is gone by then and another worker may hold the task.
//
// Our own calls go through clients without it, so that cancelling them works.
type syncerRepair struct{}

func (syncerRepair) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		return next(ctx, network, addr)
	}
}

func (syncerRepair) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		ctx, done := revive(ctx)
		defer done()
		return next(ctx, cmd)
	}
}

func (syncerRepair) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		ctx, done := revive(ctx)
		defer done()
		return next(ctx, cmds)
	}
}

// revive returns ctx itself unless it was cancelled before its deadline.
func revive(ctx context.Context) (context.Context, context.CancelFunc) {
	if !errors.Is(ctx.Err(), context.Canceled) {
		return ctx, func() {}
	}
	alive := context.WithoutCancel(ctx)
	if deadline, ok := ctx.Deadline(); ok {
		return context.WithDeadline(alive, deadline)
	}
	return alive, func() {}
}
