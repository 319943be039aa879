package redisconn

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/redis/go-redis/v9"
)

// LogTo sends what go-redis has to say to log, at the debug level: every loss
// of a connection also comes back as an error of the call that met it. It
// holds for the whole process.
func LogTo(log *slog.Logger) { redis.SetLogger(slogger{log}) }

type slogger struct{ log *slog.Logger }

// Printf is what go-redis calls.
func (s slogger) Printf(ctx context.Context, format string, v ...any) {
	s.log.DebugContext(ctx, "redis client", "said", fmt.Sprintf(format, v...))
}
