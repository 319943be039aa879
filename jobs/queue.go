package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"aftership-bulk/batch"
	"aftership-bulk/redisconn"
)

const (
	// neverArchive puts asynq's own give-up out of reach: its archive keeps only
	// 9,999 tasks and drops the rest in silence, so the handler alone decides
	// when a job is dead, and the ledger remembers it.
	neverArchive = 1 << 30
	// taskTimeout covers waiting for slots as well as the call.
	taskTimeout = 5 * time.Minute
	// bulk is how many tasks go to Redis in one round trip.
	bulk = 1000
)

// Queue puts tasks on asynq's queues.
type Queue struct {
	client    *asynq.Client
	inspector *asynq.Inspector

	mu       sync.Mutex // a recorder belongs to one bulk at a time
	recorder *redisconn.Recorder
	many     *asynq.Client
}

// BytesPerQueuedRow is what a row takes up in Redis until it has its result:
// its task and its part of the ledger, for rows of about 200 bytes (measured by
// bench/memory, rounded up).
const BytesPerQueuedRow = 800

// NewQueue makes a Queue over a Redis client.
func NewQueue(rdb redis.UniversalClient) *Queue {
	rec := redisconn.NewRecorder(rdb)
	return &Queue{
		client:    asynq.NewClientFromRedisClient(rdb),
		inspector: asynq.NewInspectorFromRedisClient(rdb),
		recorder:  rec,
		many:      asynq.NewClientFromRedisClient(rec),
	}
}

// task is a task on its way to a queue.
type task struct {
	kind    string
	queue   string
	payload Payload
	delay   time.Duration
}

func (t task) asynq() (*asynq.Task, []asynq.Option) {
	opts := []asynq.Option{
		asynq.TaskID(t.payload.taskID(t.kind)),
		asynq.Queue(t.queue),
		asynq.MaxRetry(neverArchive),
		asynq.Timeout(taskTimeout),
	}
	if t.delay > 0 {
		opts = append(opts, asynq.ProcessIn(t.delay))
	}
	return asynq.NewTask(t.kind, t.payload.encode()), opts
}

// put enqueues one task. One that already stands in the queue is fine: it is the same task.
func (q *Queue) put(ctx context.Context, t task) error {
	at, opts := t.asynq()
	if _, err := q.client.EnqueueContext(ctx, at, opts...); err != nil && !errors.Is(err, asynq.ErrTaskIDConflict) {
		return fmt.Errorf("enqueue %s in %s: %w", t.payload.taskID(t.kind), t.queue, err)
	}
	return nil
}

// putMany enqueues tasks in one round trip.
func (q *Queue) putMany(ctx context.Context, tasks []task) error {
	if len(tasks) == 0 {
		return nil
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, t := range tasks {
		at, opts := t.asynq()
		if _, err := q.many.EnqueueContext(ctx, at, opts...); err != nil {
			_, _ = q.recorder.Flush(ctx) // those before it may go; the next bulk starts empty
			return fmt.Errorf("enqueue %s in %s: %w", t.payload.taskID(t.kind), t.queue, err)
		}
	}
	if _, err := q.recorder.Flush(ctx); err != nil {
		return fmt.Errorf("enqueue %d tasks: %w", len(tasks), err)
	}
	return nil
}

// infos reads the state of those of the queues of an account and lanes that exist.
func (q *Queue) infos(account string, ls ...lane) ([]*asynq.QueueInfo, error) {
	names, err := q.inspector.Queues()
	if err != nil {
		return nil, fmt.Errorf("list the queues: %w", err)
	}
	var infos []*asynq.QueueInfo
	for _, l := range ls {
		for _, p := range batch.AllPriorities() {
			name := queueName(account, l, p)
			if !slices.Contains(names, name) {
				continue
			}
			info, err := q.inspector.GetQueueInfo(name)
			if err != nil {
				return nil, fmt.Errorf("look at queue %s: %w", name, err)
			}
			infos = append(infos, info)
		}
	}
	return infos, nil
}

// size is the number of tasks in the queues of an account and lanes, whatever their state.
func (q *Queue) size(account string, ls ...lane) (int, error) {
	infos, err := q.infos(account, ls...)
	n := 0
	for _, info := range infos {
		n += info.Size
	}
	return n, err
}

// waiting is the number of tasks of a queue that wait to be carried out, or are.
func (q *Queue) waiting(name string) (int, error) {
	names, err := q.inspector.Queues()
	if err != nil || !slices.Contains(names, name) {
		return 0, err
	}
	info, err := q.inspector.GetQueueInfo(name)
	if err != nil {
		return 0, fmt.Errorf("look at queue %s: %w", name, err)
	}
	return info.Pending + info.Active, nil
}

// setPaused pauses or unpauses the queues of an account and lanes. It may be
// repeated. A queue that does not exist yet is not paused: its tasks find the
// stop by themselves.
func (q *Queue) setPaused(account string, paused bool, ls ...lane) error {
	infos, err := q.infos(account, ls...)
	if err != nil {
		return err
	}
	set := q.inspector.UnpauseQueue
	if paused {
		set = q.inspector.PauseQueue
	}
	for _, info := range infos {
		if info.Paused == paused {
			continue
		}
		if err := set(info.Queue); err != nil {
			return fmt.Errorf("pause or unpause queue %s: %w", info.Queue, err)
		}
	}
	return nil
}
