package redisconn_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"aftership-bulk/redisconn"

	"github.com/redis/go-redis/v9"
)

func open(t *testing.T, o redisconn.EmbeddedOptions) *redisconn.Embedded {
	t.Helper()
	e, err := redisconn.OpenEmbedded(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

func TestEmbeddedAnswers(t *testing.T) {
	e := open(t, redisconn.EmbeddedOptions{})
	for name, c := range map[string]redis.UniversalClient{"queue": e.Client(), "ledger": e.LedgerClient()} {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			if err := c.Set(ctx, "{b:1}k", "v", 0).Err(); err != nil {
				t.Fatal(err)
			}
			got, err := redis.NewScript(`return redis.call("GET", KEYS[1])`).Run(ctx, c, []string{"{b:1}k"}).Text()
			if got != "v" || err != nil {
				t.Errorf("got %q, %v", got, err)
			}
			if err := c.Get(ctx, "none").Err(); err != redis.Nil {
				t.Errorf("a missing key: %v", err)
			}
		})
	}
}

func TestEmbeddedTakesLargePipelines(t *testing.T) {
	e := open(t, redisconn.EmbeddedOptions{})
	value := strings.Repeat("x", 10_000)
	for name, c := range map[string]redis.UniversalClient{"queue": e.Client(), "ledger": e.LedgerClient()} {
		t.Run(name, func(t *testing.T) {
			p := c.Pipeline()
			for range 300 {
				p.Set(t.Context(), "k", value, 0)
				p.Get(t.Context(), "k")
			}
			cmds, err := p.Exec(t.Context())
			if err != nil || len(cmds) != 600 || cmds[599].(*redis.StringCmd).Val() != value {
				t.Errorf("%d replies, %v", len(cmds), err)
			}
		})
	}
}

func TestEmbeddedKeysExpire(t *testing.T) {
	e := open(t, redisconn.EmbeddedOptions{})
	for name, c := range map[string]redis.UniversalClient{"queue": e.Client(), "ledger": e.LedgerClient()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := c.Set(t.Context(), "k", "v", 50*time.Millisecond).Err(); err != nil {
				t.Fatal(err)
			}
			for c.Exists(t.Context(), "k").Val() == 1 {
				time.Sleep(time.Millisecond) // the key's own end is what is waited for
			}
		})
	}
}

func TestLedgerTransactions(t *testing.T) {
	c := open(t, redisconn.EmbeddedOptions{}).LedgerClient()
	cmds, err := c.TxPipelined(t.Context(), func(p redis.Pipeliner) error {
		p.HSet(t.Context(), "h", "f", 1)
		p.HIncrBy(t.Context(), "h", "f", 41)
		return nil
	})
	if err != nil || cmds[1].(*redis.IntCmd).Val() != 42 {
		t.Errorf("got %v, %v", cmds, err)
	}
}

func TestLedgerRefusesWhatItCannotReplay(t *testing.T) {
	c := open(t, redisconn.EmbeddedOptions{}).LedgerClient()
	ctx := t.Context()
	c.SAdd(ctx, "s", "a")
	for name, err := range map[string]error{
		"random":        c.SPop(ctx, "s").Err(),
		"stream":        c.XAdd(ctx, &redis.XAddArgs{Stream: "x", Values: []string{"a", "b"}}).Err(),
		"flush":         c.FlushAll(ctx).Err(),
		"in a script":   c.Eval(ctx, `return redis.call("SPOP", KEYS[1])`, []string{"s"}).Err(),
		"two batches":   c.MSet(ctx, "{b:1}a", 1, "{b:2}a", 1).Err(),
		"script across": c.Eval(ctx, `redis.call("SET", KEYS[1], 1); redis.call("SET", KEYS[2], 1)`, []string{"{b:1}a", "{b:2}a"}).Err(),
		"watch":         c.Watch(ctx, func(*redis.Tx) error { return nil }, "s"),
	} {
		if err == nil {
			t.Errorf("%s: not refused", name)
		}
	}
	if n := c.SCard(ctx, "s").Val(); n != 1 {
		t.Errorf("a refused command had an effect: %d members", n)
	}
}

// TestEmbeddedQueuePublishes is what asynq's cancellations need.
func TestEmbeddedQueuePublishes(t *testing.T) {
	c := open(t, redisconn.EmbeddedOptions{}).Client()
	sub := c.Subscribe(t.Context(), "channel")
	defer sub.Close()
	if _, err := sub.Receive(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n, err := c.Publish(t.Context(), "channel", "hello").Result(); n != 1 || err != nil {
		t.Fatalf("%d subscribers, %v", n, err)
	}
	if m, err := sub.ReceiveMessage(t.Context()); err != nil || m.Payload != "hello" {
		t.Errorf("got %v, %v", m, err)
	}
}

func TestEmbeddedUseAfterCloseIsAnError(t *testing.T) {
	e := open(t, redisconn.EmbeddedOptions{StateDir: t.TempDir()})
	for range 2 {
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]redis.UniversalClient{"queue": e.Client(), "ledger": e.LedgerClient()} {
		if err := c.Set(redisconn.Durable(t.Context()), "k", "v", 0).Err(); err == nil {
			t.Errorf("%s: a write after Close succeeded", name)
		}
	}
	if err := e.Compact(t.Context(), "one"); err == nil {
		t.Error("compacted after Close")
	}
}

// TestEmbeddedUnderManyHands has a batch per writer, pipelines and closing in
// the midst of it all; the race detector and the leak check are the judges.
func TestEmbeddedUnderManyHands(t *testing.T) {
	e := open(t, redisconn.EmbeddedOptions{StateDir: t.TempDir()})
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			ctx, key := t.Context(), fmt.Sprintf("{b:w%d}k", w)
			for i := range 200 {
				if i%10 == 0 {
					ctx = redisconn.Durable(ctx)
				}
				_ = e.LedgerClient().HIncrBy(ctx, key, "n", 1).Err()
				_, _ = e.Client().Pipelined(ctx, func(p redis.Pipeliner) error { return p.LPush(ctx, "list", i).Err() })
				if i%50 == 0 {
					_ = e.Compact(ctx, fmt.Sprintf("w%d", w))
				}
				if w == 0 && i == 190 {
					_ = e.Close()
				}
			}
		})
	}
	wg.Wait()
}
