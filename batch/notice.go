package batch

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// noticeKept is how long it is remembered whom an event was told to.
const noticeKept = 7 * 24 * time.Hour

// EndMark names what is to be told of a batch now: that it has ended, or that it was stopped for its errors, and when. It is "" while there
// is nothing. A batch that goes on and ends again has another one.
func (b Batch) EndMark() string {
	switch {
	case b.Ended():
		return "finished." + strconv.FormatInt(b.FinishedAt.UnixMilli(), 10)
	case b.Spent():
		return "stopped." + strconv.FormatInt(b.SpentAt.UnixMilli(), 10)
	}
	return ""
}

// MarkTold notes that what the mark names was told, or stands on the queue to be.
func (s *Store) MarkTold(ctx context.Context, id ID, mark string) error {
	_, err := s.control(ctx, id, "told", mark)
	return err
}

// Notice is how far the telling of an event on one channel is.
type Notice struct {
	// Done says that it was told, or given up.
	Done bool
	// Tries is how often it has failed.
	Tries int
}

// noticeKey is a hash of what was told of an event, by channel.
func noticeKey(account, event string) string {
	return "aftership:{notice:" + account + ":" + event + "}"
}

// Notice says how far the telling of an event is.
func (s *Store) Notice(ctx context.Context, account, event, channel string) (Notice, error) {
	values, err := s.rdb.HMGet(ctx, noticeKey(account, event), channel, channel+".tries").Result()
	if err != nil {
		return Notice{}, fmt.Errorf("look whether %s was told: %w", event, err)
	}
	t := texts(values)
	return Notice{Done: t[0] != "", Tries: number(t[1])}, nil
}

// NoticeDone notes that an event was told on a channel, or given up.
func (s *Store) NoticeDone(ctx context.Context, account, event, channel string) error {
	return s.noteNotice(ctx, account, event, func(p redis.Pipeliner, key string) { p.HSet(ctx, key, channel, s.now()) })
}

// NoticeFailed counts a failed try.
func (s *Store) NoticeFailed(ctx context.Context, account, event, channel string) error {
	return s.noteNotice(ctx, account, event, func(p redis.Pipeliner, key string) { p.HIncrBy(ctx, key, channel+".tries", 1) })
}

func (s *Store) noteNotice(ctx context.Context, account, event string, do func(redis.Pipeliner, string)) error {
	key := noticeKey(account, event)
	_, err := s.rdb.TxPipelined(ctx, func(p redis.Pipeliner) error {
		do(p, key)
		p.Expire(ctx, key, noticeKept)
		return nil
	})
	if err != nil {
		return fmt.Errorf("note that %s was told: %w", event, err)
	}
	return nil
}
