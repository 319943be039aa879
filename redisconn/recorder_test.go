package redisconn_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"aftership-bulk/internal/redistest"
	"aftership-bulk/redisconn"

	"github.com/redis/go-redis/v9"
)

// enqueue is a script of the same kind as those that the Recorder is for.
//
// KEYS: the task, the list of its queue. ARGV: the message, the id.
// Returns 1 if it was added, 0 if the task exists.
var enqueue = redis.NewScript(`
if redis.call("EXISTS", KEYS[1]) == 1 then
	return 0
end
redis.call("SET", KEYS[1], ARGV[1])
redis.call("LPUSH", KEYS[2], ARGV[2])
return 1 -- no line end after this comment`)

func add(ctx context.Context, c redis.Scripter, queue string, id any) error {
	keys := []string{fmt.Sprintf("{%s}:t:%v", queue, id), "{" + queue + "}:pending"}
	return enqueue.Run(ctx, c, keys, []byte("message"), id).Err()
}

// everywhere runs fn on every kind of server and in both ways of shipping.
func everywhere(t *testing.T, fn func(t *testing.T, c redis.UniversalClient, r *redisconn.Recorder)) {
	servers := map[string]func(t *testing.T) redis.UniversalClient{
		"miniredis": func(t *testing.T) redis.UniversalClient { return redistest.Mini(t) },
		"redis":     func(t *testing.T) redis.UniversalClient { return redistest.Client(t) },
		"embedded":  func(t *testing.T) redis.UniversalClient { return open(t, redisconn.EmbeddedOptions{}).Client() },
		"cluster": func(t *testing.T) redis.UniversalClient {
			c, err := redisconn.Dial(t.Context(), redisconn.Options{URL: redistest.Cluster(t).URL()})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = c.Close() })
			return c
		},
	}
	for name, server := range servers {
		t.Run(name, func(t *testing.T) {
			c := server(t)
			for _, perCall := range []bool{false, true} {
				t.Run(fmt.Sprint("perCall=", perCall), func(t *testing.T) {
					empty(t, c)
					r := redisconn.NewRecorder(c)
					r.PerCall = perCall
					fn(t, c, r)
				})
			}
		})
	}
}

// empty removes what the test before left, from every node of a cluster.
func empty(t *testing.T, c redis.UniversalClient) {
	t.Helper()
	flush := func(ctx context.Context, c *redis.Client) error { return c.FlushAll(ctx).Err() }
	var err error
	switch c := c.(type) {
	case *redis.ClusterClient:
		err = c.ForEachMaster(t.Context(), flush)
	case *redis.Client:
		err = flush(t.Context(), c)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestRecorderShipsEveryCall(t *testing.T) {
	everywhere(t, func(t *testing.T, c redis.UniversalClient, r *redisconn.Recorder) {
		ctx := t.Context()
		queues := []string{"q0", "q1", "q2", "q3"}
		const n = 1203 // more than two chunks, the last one small
		want := make([]redisconn.Enqueued, n)
		for i := range n {
			id := i
			if i%100 == 99 {
				id -= 4 // the same queue and id as a call before
			}
			if err := add(ctx, r, queues[i%4], id); err != nil {
				t.Fatal(err)
			}
			want[i].Added = id == i
		}
		if c.Exists(ctx, "{q0}:pending").Val() != 0 || r.Len() != n {
			t.Fatalf("sent before Flush, or lost: %d recorded", r.Len())
		}
		got, err := r.Flush(ctx)
		if err != nil || !slices.Equal(got, want) {
			t.Fatalf("results differ from what was asked: %v", err)
		}
		total := int64(0)
		for _, q := range queues {
			total += c.LLen(ctx, "{"+q+"}:pending").Val()
		}
		if total != n-n/100 || r.Len() != 0 {
			t.Errorf("%d tasks in the queues, want %d; %d recorded still", total, n-n/100, r.Len())
		}
		if ids := c.LRange(ctx, "{q0}:pending", -2, -1).Val(); !slices.Equal(ids, []string{"4", "0"}) {
			t.Errorf("the order was not kept: %v", ids)
		}
	})
}

func TestRecorderTellsWhichCallFailed(t *testing.T) {
	everywhere(t, func(t *testing.T, c redis.UniversalClient, r *redisconn.Recorder) {
		ctx := t.Context()
		if err := c.Set(ctx, "{bad}:pending", "no list", 0).Err(); err != nil {
			t.Fatal(err)
		}
		for i, q := range []string{"good", "bad", "good", "bad", "good"} {
			if err := add(ctx, r, q, i); err != nil {
				t.Fatal(err)
			}
		}
		got, err := r.Flush(ctx)
		if err == nil || !strings.Contains(err.Error(), "WRONGTYPE") || !strings.Contains(err.Error(), "call 2 of 5") {
			t.Errorf("got %v", err)
		}
		for i, e := range got {
			if bad := i%2 == 1; (e.Err != nil) != bad || e.Added == bad {
				t.Errorf("call %d: %+v", i, e)
			}
		}
	})
}

func TestRecorderLoadsScriptsThatTheServerLost(t *testing.T) {
	everywhere(t, func(t *testing.T, c redis.UniversalClient, r *redisconn.Recorder) {
		ctx := t.Context()
		for round := range 3 {
			if err := add(ctx, r, "q", round); err != nil {
				t.Fatal(err)
			}
			got, err := r.Flush(ctx)
			if err != nil || len(got) != 1 || !got[0].Added {
				t.Fatalf("round %d: %v, %v", round, got, err)
			}
			if err := c.ScriptFlush(ctx).Err(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestRecorderPassesOtherCommandsOn(t *testing.T) {
	c := redistest.Mini(t)
	r := redisconn.NewRecorder(c)
	if err := r.SAdd(t.Context(), "queues", "q").Err(); err != nil {
		t.Fatal(err)
	}
	if n := c.SCard(t.Context(), "queues").Val(); n != 1 {
		t.Errorf("%d queues, want 1", n)
	}
	if err := add(t.Context(), r, "q", 1); err != nil {
		t.Fatal(err)
	}
	r.Discard()
	if got, err := r.Flush(t.Context()); len(got) != 0 || err != nil || c.Exists(t.Context(), "{q}:pending").Val() != 0 {
		t.Errorf("an empty Flush: %v, %v", got, err)
	}
}

func TestRecorderWithoutServer(t *testing.T) {
	server := redistest.Server(t)
	c := redis.NewClient(&redis.Options{Addr: server.Addr(), MaxRetries: -1, DialerRetries: 1})
	defer c.Close()
	r := redisconn.NewRecorder(c)
	if err := add(t.Context(), r, "q", 1); err != nil {
		t.Fatal(err)
	}
	server.Kill()
	got, err := r.Flush(t.Context())
	if err == nil || len(got) != 1 || got[0].Err == nil || got[0].Added {
		t.Errorf("got %v, %v", got, err)
	}
	if err := add(t.Context(), r, "q", 1); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Flush(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// BenchmarkRecorder compares the ways to enqueue on a private redis-server.
func BenchmarkRecorder(b *testing.B) {
	c := redistest.Client(b)
	id := 0
	run := func(name string, fn func(b *testing.B)) {
		b.Run(name, func(b *testing.B) {
			fn(b)
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
		})
	}
	run("plain", func(b *testing.B) {
		for b.Loop() {
			id++
			if err := add(b.Context(), c, "q", id); err != nil {
				b.Fatal(err)
			}
		}
	})
	for _, perCall := range []bool{true, false} {
		run(fmt.Sprintf("perCall=%v", perCall), func(b *testing.B) {
			r := redisconn.NewRecorder(c)
			r.PerCall = perCall
			for b.Loop() {
				id++
				if err := add(b.Context(), r, "q", id); err != nil {
					b.Fatal(err)
				}
				if r.Len() == 1000 {
					if _, err := r.Flush(b.Context()); err != nil {
						b.Fatal(err)
					}
				}
			}
			if _, err := r.Flush(b.Context()); err != nil {
				b.Fatal(err)
			}
		})
	}
}
