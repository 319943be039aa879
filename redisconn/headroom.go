package redisconn

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// HeadRoom is how many bytes Redis can still take before maxmemory, or 0 where it has no such bound. Of a cluster it is the room
// of the node that answers.
func HeadRoom(ctx context.Context, c redis.UniversalClient) (int64, error) {
	text, err := c.Info(ctx, "memory").Result()
	if err != nil {
		return 0, fmt.Errorf("ask Redis about its memory: %w", err)
	}
	used, most := infoNumber(text, "used_memory"), infoNumber(text, "maxmemory")
	if most == 0 {
		return 0, nil
	}
	return max(1, most-used), nil
}

// infoNumber reads a number out of the answer to INFO; 0 if it is not there.
func infoNumber(text, name string) int64 {
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), name+":"); ok {
			n, _ := strconv.ParseInt(value, 10, 64)
			return n
		}
	}
	return 0
}
