package redisconn

import (
	"context"
	"net"

	"github.com/redis/go-redis/v9"
)

// durableHook makes the ledger's client wait for the fsync of what it wrote
// with a Durable context. The wait is outside the ledger's lock, so that all
// who wait at a time share one fsync.
type durableHook struct{ ledger *ledger }

func (durableHook) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		return next(ctx, network, addr)
	}
}

func (h durableHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		return h.settle(ctx, next(ctx, cmd), cmd)
	}
}

func (h durableHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		return h.settle(ctx, next(ctx, cmds), cmds...)
	}
}

// settle fsyncs also after an error reply, since a script may have written
// before it failed.
func (h durableHook) settle(ctx context.Context, err error, cmds ...redis.Cmder) error {
	if !isDurable(ctx) {
		return err
	}
	if syncErr := h.ledger.sync(cmds); syncErr != nil {
		for _, cmd := range cmds {
			cmd.SetErr(syncErr)
		}
		return syncErr
	}
	return err
}
