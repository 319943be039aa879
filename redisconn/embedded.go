package redisconn

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// queueTick is how often the queue's store advances its TTLs.
const queueTick = 100 * time.Millisecond

// ledgerTick is how often the ledger's store advances its TTLs, and the
// longest time that a write which nobody marked Durable stays without fsync.
const ledgerTick = time.Second

// EmbeddedOptions says how the embedded Redis keeps its ledger.
type EmbeddedOptions struct {
	// StateDir is the directory that keeps the ledger's logs, in its
	// subdirectory "ledger". Defaults to "": a throw-away ledger, kept nowhere.
	StateDir string

	// ReadOnly looks at the ledger while another process may hold it: nothing
	// is locked or written, and each command sees what the other process has
	// logged by then. Defaults to false.
	ReadOnly bool

	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
}

// Embedded is a Redis inside this process, in two parts that share no keys:
// the queue's and the ledger's.
type Embedded struct {
	queue        *miniredis.Miniredis
	queueClient  *redis.Client
	ledger       *ledger
	ledgerClient *redis.Client

	now   func() time.Time
	stop  chan struct{}
	wg    sync.WaitGroup
	close func() error

	mu     sync.Mutex // guards closed, so that nothing connects to a closed queue
	closed bool
}

// OpenEmbedded starts the embedded Redis and replays the ledger's index; the
// log of a batch is replayed when a command first touches that batch. Another
// process with the same state directory makes it fail with ErrLocked, unless
// the options say ReadOnly.
func OpenEmbedded(ctx context.Context, o EmbeddedOptions) (*Embedded, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	ledger, err := openLedger(o)
	if err != nil {
		return nil, err
	}
	e := &Embedded{queue: miniredis.NewMiniRedis(), ledger: ledger, now: o.Now, stop: make(chan struct{})}
	e.close = sync.OnceValue(e.shutdown)
	if err := e.start(ctx); err != nil {
		return nil, errors.Join(err, e.Close())
	}
	return e, nil
}

func (e *Embedded) start(ctx context.Context) error {
	if err := listenInMemory(e.queue); err != nil {
		return err
	}
	e.queueClient = memoryClient(e.dialQueue)
	e.queueClient.AddHook(syncerRepair{})
	e.ledgerClient = memoryClient(e.ledger.dial)
	e.ledgerClient.AddHook(durableHook{e.ledger})
	e.every(queueTick, func(passed time.Duration) { e.queue.FastForward(passed) })
	e.every(ledgerTick, e.ledger.tick)
	if err := errors.Join(e.queueClient.Ping(ctx).Err(), e.ledgerClient.Ping(ctx).Err()); err != nil {
		return fmt.Errorf("embedded redis: %w", err)
	}
	return nil
}

// dialQueue opens a connection to the queue. The client's pool may ask for one
// from the background, also when it is being closed.
func (e *Embedded) dialQueue(context.Context, string, string) (net.Conn, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil, errors.New("the queue is closed")
	}
	client, server := memoryPipe()
	e.queue.Server().ServeConn(server)
	return client, nil
}

// listenInMemory starts m without a port, which nobody else on the machine
// could connect to.
func listenInMemory(m *miniredis.Miniredis) error {
	conn, err := m.Dial()
	if err != nil {
		return fmt.Errorf("embedded redis: %w", err)
	}
	return conn.Close()
}

// memoryClient makes a client without time-outs of its own, since the other
// end is in this process, and without retries, since a lost reply can't happen.
func memoryClient(dial func(context.Context, string, string) (net.Conn, error)) *redis.Client {
	return redis.NewClient(&redis.Options{
		Addr:                     "embedded",
		Dialer:                   dial,
		MaxRetries:               -1,
		ReadTimeout:              -1,
		WriteTimeout:             -1,
		ContextTimeoutEnabled:    true,
		DisableIdentity:          true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
}

// every calls fn with the time that really passed, so that a laptop that slept
// finds its locks expired.
func (e *Embedded) every(period time.Duration, fn func(passed time.Duration)) {
	last := e.now()
	e.wg.Go(func() {
		tick := time.NewTicker(period)
		defer tick.Stop()
		for {
			select {
			case <-e.stop:
				return
			case <-tick.C:
			}
			// Round drops the monotonic clock, which stands still in sleep.
			if now := e.now(); now.Round(0).After(last.Round(0)) {
				fn(now.Round(0).Sub(last.Round(0)))
				last = now
			}
		}
	})
}

// Client is the queue's client, for asynq and everything else that may be lost
// with the process. Like every client for asynq it carries out commands whose
// context was cancelled before they were sent. Close of Embedded closes it.
func (e *Embedded) Client() redis.UniversalClient { return e.queueClient }

// LedgerClient is the ledger's client: every command that changes something
// is in the log before it is answered. It knows the commands whose effect can
// be replayed and refuses the others. Close of Embedded closes it.
func (e *Embedded) LedgerClient() redis.UniversalClient { return e.ledgerClient }

// Close ends the embedded Redis; the ledger's logs are fsynced. Closing twice
// is fine.
func (e *Embedded) Close() error { return e.close() }

func (e *Embedded) shutdown() error {
	close(e.stop)
	e.wg.Wait()
	var errs []error
	for _, c := range []*redis.Client{e.queueClient, e.ledgerClient} {
		if c != nil {
			errs = append(errs, c.Close())
		}
	}
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()
	e.queue.Close()
	return errors.Join(append(errs, e.ledger.close())...)
}
