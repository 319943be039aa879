package redistest

import (
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

// Both runs fn as two subtests: on miniredis, whose TTLs follow the clock, and
// on a private real redis-server.
func Both(t *testing.T, fn func(t *testing.T, rdb redis.UniversalClient)) {
	t.Helper()
	t.Run("miniredis", func(t *testing.T) { fn(t, Mini(t)) })
	t.Run("redis", func(t *testing.T) { fn(t, Client(t)) })
}

// Client starts a private real server and connects to it; both end with the test.
func Client(tb testing.TB, opts ...Option) *redis.Client {
	tb.Helper()
	c := Server(tb, opts...).Client()
	closeAfter(tb, c)
	return c
}

// Mini starts a miniredis whose TTLs follow the clock and connects to it; both
// end with the test.
func Mini(tb testing.TB) *redis.Client {
	tb.Helper()
	m := miniredis.RunT(tb)
	m.ClockTTL(true)
	c := redis.NewClient(&redis.Options{Addr: m.Addr(), DisableIdentity: true})
	closeAfter(tb, c)
	return c
}

func closeAfter(tb testing.TB, c *redis.Client) {
	tb.Cleanup(func() {
		if err := c.Close(); err != nil {
			tb.Errorf("close the client: %v", err)
		}
	})
}
