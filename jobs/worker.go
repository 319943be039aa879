package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"aftership-bulk/batch"
)

// Shares of a lane's queues, when all of them hold tasks.
var weights = map[batch.Priority]int{batch.Upload: 6, batch.Nightly: 3, batch.Background: 1}

// Worker carries out the jobs of the accounts that it has keys for: one asynq
// server for each account and lane, so that a slow lane never holds a fast
// one's places, and one pacer for each account and class.
type Worker struct {
	rdb      redis.UniversalClient
	ledger   *batch.Store
	queue    *Queue
	accounts []*Account
	opts     Options
	servers  []*asynq.Server
	handlers map[string]*Handler // by account
	reach    reach
	couriers *renewal
	stopping sync.Once
	sweeps   context.CancelFunc
	sweeping sync.WaitGroup
	updater  *updater        // nil where no webhooks are taken in
	updates  []*asynq.Server // of events, one for each account
	notices  []*asynq.Server // of what is told of batches, likewise
}

// NewWorker makes a worker. rdb must be a client whose cancelled contexts are
// repaired (see package redisconn), because asynq writes its results through it.
func NewWorker(rdb redis.UniversalClient, ledger *batch.Store, queue *Queue, accounts []*Account, opts Options) *Worker {
	w := &Worker{rdb: rdb, ledger: ledger, queue: queue, accounts: accounts, opts: opts.withDefaults()}
	w.reach.now = w.opts.Now
	w.couriers = newRenewal(rdb, accounts, w.opts.Now)
	for _, a := range accounts {
		a.observe(w.opts.Observer)
		for _, l := range lanes() {
			w.servers = append(w.servers, asynq.NewServerFromRedisClient(rdb, w.config(a, l)))
		}
	}
	w.newUpdateServers(rdb)
	w.newNoticeServers(rdb)
	return w
}

func (w *Worker) config(a *Account, l lane) asynq.Config {
	queues := map[string]int{}
	for p, weight := range weights {
		queues[queueName(a.Name, l, p)] = weight
	}
	return asynq.Config{
		Concurrency:              w.concurrency(a, l),
		Queues:                   queues,
		RetryDelayFunc:           retryDelay,
		IsFailure:                func(error) bool { return false },
		TaskCheckInterval:        w.opts.Poll,
		DelayedTaskCheckInterval: w.opts.Poll,
		ShutdownTimeout:          w.opts.ShutdownTime,
		Logger:                   quietLogger{w.opts.Log},
		LogLevel:                 asynq.WarnLevel,
	}
}

const (
	// coveredLatency is how slow answers may be before the places of a lane run
	// out and slots stay unused.
	coveredLatency = 4 * time.Second
	mostPlaces     = 256
	fewestPlaces   = 4
)

// concurrency is how many jobs of a lane are held at once: as many as the class
// starts while one slow answer is awaited.
func (w *Worker) concurrency(a *Account, l lane) int {
	if l == laneFinish {
		return 1
	}
	if w.opts.Concurrency > 0 {
		return w.opts.Concurrency
	}
	return min(mostPlaces, max(fewestPlaces, int(w.rate(a, l)*coveredLatency.Seconds())))
}

// Start begins to work. It returns at once.
func (w *Worker) Start(ctx context.Context) error {
	w.handlers = map[string]*Handler{}
	i := 0
	for _, a := range w.accounts {
		h := w.handler(a)
		w.handlers[a.Name] = h
		for range lanes() {
			if err := w.servers[i].Start(h); err != nil {
				return fmt.Errorf("start the worker of account %s: %w", a.Name, err)
			}
			i++
		}
	}
	w.startSweeper(ctx)
	return errors.Join(w.startUpdates(), w.startNotices())
}

func (w *Worker) handler(a *Account) *Handler {
	return &Handler{
		ledger:  w.ledger,
		queue:   w.queue,
		account: a,
		opts:    w.opts,
		stops:   &stopWatch{ledger: w.ledger, now: w.opts.Now},
		batches: newBatchCache(w.ledger, a.Client.Version()),
		health:  newHealth(w.ledger, a.Name, w.opts.Now),
		reach:   &w.reach,
		log:     w.opts.Log.With("account", a.Name),
	}
}

// Shutdown takes no new slot, lets the calls under way end and be recorded, and
// gives everything else back to the queue without counting it.
func (w *Worker) Shutdown() {
	w.stopping.Do(func() {
		if w.sweeps != nil {
			w.sweeps()
		}
		servers := slices.Concat(w.servers, w.updates, w.notices)
		for _, s := range servers {
			s.Stop() // fetch no more
		}
		for _, a := range w.accounts {
			a.hold() // hand out no more
		}
		var all sync.WaitGroup
		for _, s := range servers {
			all.Go(s.Shutdown)
		}
		all.Wait()
		w.endUpdates()
		w.sweeping.Wait()
		for _, a := range w.accounts {
			a.Close()
		}
	})
}

// Unreachable says why AfterShip or the ledger cannot be reached, once that has
// been so for a while and for every task; else it is empty.
func (w *Worker) Unreachable() string { return w.reach.lost() }

// startSweeper starts what looks after the queues beside the handlers.
func (w *Worker) startSweeper(ctx context.Context) {
	ctx, w.sweeps = context.WithCancel(ctx)
	if w.opts.SweepEvery < 0 {
		return
	}
	orphans, fed := &orphanage{}, &feeding{courses: map[batch.ID]*course{}}
	w.repeat(ctx, feedEvery, "feeding of the queues", func(ctx context.Context) error { return w.feed(ctx, fed) })
	w.repeat(ctx, w.opts.SweepEvery, "sweep", w.Sweep)
	w.repeat(ctx, w.opts.SweepEvery, "renewal of the couriers", w.couriers.renew)
	w.repeat(ctx, w.opts.SweepEvery/4, "probe of stops", w.probeStops)
	if every := w.opts.RetrackExpired; every > 0 {
		w.repeat(ctx, every/2, "retrack of what has expired", w.retrackExpired)
	}
	w.repeat(ctx, orphanLook, "search for orphans", func(ctx context.Context) error { return w.adopt(ctx, orphans) })
}

// repeat does something again and again until the context ends. A failure is
// logged: the next time may do.
func (w *Worker) repeat(ctx context.Context, every time.Duration, what string, do func(context.Context) error) {
	w.sweeping.Go(func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			if err := do(ctx); err != nil && ctx.Err() == nil {
				w.opts.Log.Warn("the "+what+" failed; it is tried again", "error", err)
			}
		}
	})
}

// quietLogger passes asynq's warnings and errors on to slog.
type quietLogger struct{ log *slog.Logger }

func (l quietLogger) Debug(args ...any) { l.log.Debug(fmt.Sprint(args...), "from", "asynq") }
func (l quietLogger) Info(args ...any)  { l.log.Debug(fmt.Sprint(args...), "from", "asynq") }
func (l quietLogger) Warn(args ...any)  { l.log.Warn(fmt.Sprint(args...), "from", "asynq") }
func (l quietLogger) Error(args ...any) { l.log.Error(fmt.Sprint(args...), "from", "asynq") }
func (l quietLogger) Fatal(args ...any) { l.log.Error(fmt.Sprint(args...), "from", "asynq") }
