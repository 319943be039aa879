package command

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/user"
	"time"

	"github.com/redis/go-redis/v9"

	"aftership-bulk/aftership/sandbox"
	"aftership-bulk/batch"
	"aftership-bulk/config"
	"aftership-bulk/internal/wire"
	"aftership-bulk/jobs"
	"aftership-bulk/redisconn"
)

// queuedAhead bounds the tasks in an embedded queue: its lists grow slow when they are long.
const queuedAhead = 2000

// embeddedRows is how many rows a run without Redis takes. All of its ledger is in memory.
const embeddedRows = 200_000

// session is what a command works with: the ledger, and the queue beside it.
type session struct {
	cfg      config.Config
	log      *slog.Logger
	ui       *ui
	ledger   *batch.Store
	queue    *jobs.Queue
	intake   *jobs.Intake
	rdb      redis.UniversalClient
	embedded *redisconn.Embedded // nil with Redis
	sandbox  *http.Server        // nil without --sandbox
	worker   *jobs.Worker        // the worker inside, once it was started
	held     *held               // the locks of a run
	acc      *jobs.Account       // once something was to be sent
	closers  []func()
}

// mode says what a command needs of its session.
type mode int

const (
	readOnly mode = iota // looks at batches, and must not disturb a run
	readWrite
)

// open connects to Redis, or opens the ledger in the state directory.
func (c *cli) open(ctx context.Context, m mode) (*session, error) {
	s := &session{cfg: c.cfg, log: c.log, ui: c.ui}
	var err error
	switch {
	case c.flags.sandbox:
		err = s.openSandbox(ctx)
	case c.cfg.RedisURL.Value() != "":
		err = s.openRedis(ctx)
	default:
		err = s.openEmbedded(ctx, c.cfg.StateDir, m)
	}
	if err != nil {
		s.close()
		return nil, err
	}
	s.queue = jobs.NewQueue(s.rdb)
	s.intake = &jobs.Intake{Ledger: s.ledger, Queue: s.queue, Version: wire.Version(c.cfg), Now: time.Now}
	if s.embedded != nil {
		s.intake.Window = queuedAhead
	} else {
		s.intake.Ahead = jobs.FeedAhead(0) // the first of them; the workers feed the rest
	}
	return s, nil
}

func (s *session) openRedis(ctx context.Context) error {
	rdb, err := redisconn.Dial(ctx, redisconn.Options{URL: s.cfg.RedisURL.Value()})
	if err != nil {
		return unreachable(err, "check REDIS_URL; without it the run needs no Redis")
	}
	s.closers = append(s.closers, func() { _ = rdb.Close() })
	s.rdb = rdb
	s.ledger = batch.New(rdb, wire.LedgerOptions(s.cfg))
	return nil
}

func (s *session) openEmbedded(ctx context.Context, dir string, m mode) error {
	e, err := redisconn.OpenEmbedded(ctx, redisconn.EmbeddedOptions{StateDir: dir, ReadOnly: m == readOnly})
	if errors.Is(err, redisconn.ErrLocked) {
		return &failure{exitLocked, err, "wait until that run has ended, or stop it with Ctrl-C"}
	}
	if err != nil {
		return usage(err, "check STATE_DIR")
	}
	s.closers = append(s.closers, func() { _ = e.Close() })
	s.embedded, s.rdb = e, e.Client()
	s.ledger = batch.New(e.LedgerClient(), wire.LedgerOptions(s.cfg))
	return nil
}

// openSandbox starts the stand-in for AfterShip inside this process, with a
// ledger that is thrown away, and never touches Redis or the real key.
func (s *session) openSandbox(ctx context.Context) error {
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return usage(fmt.Errorf("start the sandbox: %w", err), "")
	}
	s.sandbox = &http.Server{Handler: sandbox.Demo(sandbox.Options{}), ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = s.sandbox.Serve(ln) }()
	s.closers = append(s.closers, func() { _ = s.sandbox.Close() })
	s.cfg = s.cfg.ForSandbox("http://"+ln.Addr().String(), sandbox.DefaultKey)
	return s.openEmbedded(ctx, "", readWrite)
}

func (s *session) close() {
	for i := len(s.closers) - 1; i >= 0; i-- {
		s.closers[i]()
	}
	s.closers = nil
}

// who is the person and machine that started a batch.
func who(env environment) string {
	name := env.get("USER")
	if u, err := user.Current(); name == "" && err == nil {
		name = u.Username
	}
	if host, err := os.Hostname(); err == nil {
		return name + "@" + host
	}
	return name
}

// limiterRedis is the Redis in which the account's buckets stand; nil where one
// process is alone with the account.
func (s *session) limiterRedis() redis.UniversalClient {
	if s.embedded != nil {
		return nil
	}
	return s.rdb
}

// headRoom refuses a batch that would fill Redis.
func (s *session) headRoom(ctx context.Context, rows int) error {
	room, err := redisconn.HeadRoom(ctx, s.rdb)
	if err != nil {
		return err
	}
	if need := int64(rows) * jobs.BytesPerQueuedRow; room > 0 && need > room {
		return fmt.Errorf("Redis has room for %d MB, and %d rows need about %d MB: raise maxmemory, or send a part with --limit", room>>20, rows, need>>20)
	}
	return nil
}

// results are the jobs of a batch as a report shows them.
func (s *session) results(ctx context.Context, b batch.Batch) iter.Seq2[batch.Item, error] {
	return jobs.Results(ctx, s.ledger, b, wire.Version(s.cfg))
}
