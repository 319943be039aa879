package redisconn

import "context"

type durableKey struct{}

// Durable marks the commands sent with the returned context as ones whose
// reply must mean "kept, even if the power fails now".
//
// The embedded ledger then answers after an fsync of the log. A real Redis
// decides by its own appendfsync setting, and the mark changes nothing.
func Durable(ctx context.Context) context.Context {
	return context.WithValue(ctx, durableKey{}, true)
}

func isDurable(ctx context.Context) bool {
	on, _ := ctx.Value(durableKey{}).(bool)
	return on
}
