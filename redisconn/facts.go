package redisconn

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// Facts are what a Redis server says about itself. Text is "" and a number is
// -1 where the server does not tell, as some managed ones forbid INFO or CONFIG.
type Facts struct {
	// Addr is where the server is; "" where there is only one.
	Addr    string
	Version string
	// Policy is maxmemory-policy.
	Policy string
	// AppendOnly is whether there is an append-only file: 1 or 0.
	AppendOnly int64
	// Snapshots is CONFIG's save, "" if there are none or it may not be asked.
	Snapshots string
	// WriteStatus is not "ok" when the last write to the append-only file failed.
	WriteStatus string
	// ListpackValue is the longest value that small hashes hold without becoming large.
	ListpackValue int64
	// Used and Max are bytes; Max is 0 without a bound.
	Used, Max int64
	// Clock is Redis' time, and Skew by how much ours is ahead of it, to the half of Trip.
	Clock time.Time
	Skew  time.Duration
	Trip  time.Duration
}

// FactsOf asks a server, or every master of a cluster, about itself. It is an
// error if one does not answer, but none if it may not tell.
func FactsOf(ctx context.Context, c redis.UniversalClient) ([]Facts, error) {
	cluster, ok := c.(*redis.ClusterClient)
	if !ok {
		f, err := factsOf(ctx, c)
		return []Facts{f}, err
	}
	var mu sync.Mutex
	var all []Facts
	err := cluster.ForEachMaster(ctx, func(ctx context.Context, node *redis.Client) error {
		f, err := factsOf(ctx, node)
		f.Addr = node.Options().Addr
		mu.Lock()
		defer mu.Unlock()
		all = append(all, f)
		return err
	})
	return all, err
}

func factsOf(ctx context.Context, c redis.UniversalClient) (Facts, error) {
	f := Facts{AppendOnly: -1, ListpackValue: -1, Used: -1, Max: -1}
	var err error
	if f.Clock, f.Skew, f.Trip, err = skew(ctx, c); err != nil {
		return f, err
	}
	if err := f.info(ctx, c); err != nil {
		return f, err
	}
	return f, f.config(ctx, c)
}

// skew compares the clocks by the quickest of a few questions.
func skew(ctx context.Context, c redis.UniversalClient) (clock time.Time, ahead, trip time.Duration, err error) {
	for i := range 5 {
		sent := time.Now()
		now, err := c.Time(ctx).Result()
		if err != nil {
			return clock, 0, 0, fmt.Errorf("ask Redis for its time: %w", err)
		}
		if took := time.Since(sent); i == 0 || took < trip {
			clock, ahead, trip = now, sent.Add(took/2).Sub(now), took
		}
	}
	return clock, ahead, trip, nil
}

func (f *Facts) info(ctx context.Context, c redis.UniversalClient) error {
	for _, section := range []string{"server", "memory", "persistence"} {
		text, err := c.Info(ctx, section).Result()
		if refused(err) {
			continue
		}
		if err != nil {
			return fmt.Errorf("ask Redis about itself: %w", err)
		}
		switch section {
		case "server":
			f.Version = infoText(text, "redis_version")
		case "memory":
			f.Policy = infoText(text, "maxmemory_policy")
			f.Used, f.Max = infoCount(text, "used_memory"), infoCount(text, "maxmemory")
		case "persistence":
			f.AppendOnly, f.WriteStatus = infoCount(text, "aof_enabled"), infoText(text, "aof_last_write_status")
		}
	}
	return nil
}

func (f *Facts) config(ctx context.Context, c redis.UniversalClient) error {
	// The first name is that of Redis 7; later ones know both, 6.2 the second.
	for _, name := range []string{"hash-max-listpack-value", "hash-max-ziplist-value", "save"} {
		values, err := c.ConfigGet(ctx, name).Result()
		if refused(err) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("ask Redis about its settings: %w", err)
		}
		value, ok := values[name]
		switch {
		case !ok:
		case name == "save":
			f.Snapshots = value
		default:
			f.ListpackValue = atoi(value)
		}
	}
	return nil
}

// refused tells an answer that is no from no answer.
func refused(err error) bool {
	_, ok := errors.AsType[redis.Error](err)
	return ok && !errors.Is(err, redis.Nil)
}

// infoText reads a line of the answer to INFO; "" if it is not there.
func infoText(text, name string) string {
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), name+":"); ok {
			return value
		}
	}
	return ""
}

func infoCount(text, name string) int64 {
	value := infoText(text, name)
	if value == "" {
		return -1
	}
	return atoi(value)
}

func atoi(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return -1
	}
	return n
}

// AtLeast says whether a server's version is major.minor or newer, and false
// for known when the version cannot be told.
func (f Facts) AtLeast(major, minor int) (enough, known bool) {
	parts := strings.SplitN(f.Version, ".", 3)
	if len(parts) < 2 {
		return false, false
	}
	a, b := int(atoi(parts[0])), int(atoi(parts[1]))
	if a < 0 || b < 0 {
		return false, false
	}
	return a > major || a == major && b >= minor, true
}
