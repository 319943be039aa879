package batch

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Stop notes that nothing may be sent for an account, or, if class isn't "", for a class of its calls. A stop that is there
// already stands, with its reason and time; first says that this one is new.
func (s *Store) Stop(ctx context.Context, account, class, reason string, code int) (first bool, err error) {
	stop := Stop{Class: class, Reason: clip(reason), Code: code, At: Settled(s.opts.Now())}
	text, err := json.Marshal(stop)
	if err != nil {
		return false, fmt.Errorf("stop account %s: %w", account, err)
	}
	first, err = s.rdb.HSetNX(durable(ctx), stopsKey(account), class, text).Result()
	if err != nil {
		return false, fmt.Errorf("stop account %s: %w", account, err)
	}
	return first, nil
}

// Stops lists the stops of an account: that of the whole account first, then by class.
func (s *Store) Stops(ctx context.Context, account string) ([]Stop, error) {
	all, err := s.rdb.HGetAll(ctx, stopsKey(account)).Result()
	if err != nil {
		return nil, fmt.Errorf("read the stops of account %s: %w", account, err)
	}
	stops := make([]Stop, 0, len(all))
	for class, text := range all {
		var stop Stop
		if err := json.Unmarshal([]byte(text), &stop); err != nil {
			return nil, fmt.Errorf("read the stops of account %s, class %q: %w", account, class, err)
		}
		stops = append(stops, stop)
	}
	slices.SortFunc(stops, func(a, b Stop) int { return strings.Compare(a.Class, b.Class) })
	return stops, nil
}

// Lift removes the stops of the given classes of an account, or, without any, all of its stops. It says how many there were.
func (s *Store) Lift(ctx context.Context, account string, classes ...string) (int, error) {
	if len(classes) == 0 {
		stops, err := s.Stops(ctx, account)
		if err != nil {
			return 0, err
		}
		for _, stop := range stops {
			classes = append(classes, stop.Class)
		}
	}
	if len(classes) == 0 {
		return 0, nil
	}
	n, err := s.rdb.HDel(durable(ctx), stopsKey(account), classes...).Result()
	if err != nil {
		return 0, fmt.Errorf("lift the stops of account %s: %w", account, err)
	}
	return int(n), nil
}
