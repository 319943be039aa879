package batch

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

var (
	scriptFail  = script("fail")
	scriptProbe = script("probe")
)

// Failures is how the calls of an account's class fare, as all processes see it.
type Failures struct {
	InRow int       // transient failures since the last other answer
	Since time.Time // when the first of them came; zero when there are none
}

// failuresKey holds the failures in a row of a class, probeKey the last try of a stopped one.
func failuresKey(account, class string) string { return "aftership:{health:" + account + "}:" + class }

// Fail counts one more transient failure in a row, across processes, and says how many there are.
func (s *Store) Fail(ctx context.Context, account, class string) (int, error) {
	ns, err := numbers(scriptFail.Run(ctx, s.rdb, []string{failuresKey(account, class)}, s.now()))
	if err != nil {
		return 0, fmt.Errorf("count a failure of %s %s: %w", account, class, err)
	}
	return int(ns[0]), nil
}

// Failures says how many transient failures in a row there are.
func (s *Store) Failures(ctx context.Context, account, class string) (Failures, error) {
	v, err := s.rdb.HMGet(ctx, failuresKey(account, class), "n", "since").Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return Failures{}, fmt.Errorf("read the failures of %s %s: %w", account, class, err)
	}
	t := texts(v)
	f := Failures{InRow: number(t[0])}
	if f.InRow > 0 {
		f.Since = moment(t[1])
	}
	return f, nil
}

// Recover ends the row of failures: AfterShip has answered.
func (s *Store) Recover(ctx context.Context, account, class string) error {
	if err := s.rdb.Del(ctx, failuresKey(account, class)).Err(); err != nil {
		return fmt.Errorf("forget the failures of %s %s: %w", account, class, err)
	}
	return nil
}

// MayProbe gives one process in every while, on Redis' clock, the right to try a
// call of a class that fails or is stopped.
func (s *Store) MayProbe(ctx context.Context, account, class string, every time.Duration) (bool, error) {
	ns, err := numbers(scriptProbe.Run(ctx, s.rdb, []string{failuresKey(account, class)}, every.Milliseconds()))
	if err != nil {
		return false, fmt.Errorf("ask for a probe of %s %s: %w", account, class, err)
	}
	return ns[0] == 1, nil
}
