package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hibiken/asynq"
)

// Orphans are tasks that asynq counts as active although the worker that held
// them is dead. asynq itself gives them back 55 to 120 seconds after the crash:
// it waits until the lease has run out, and half a minute more. But its workers
// also tell every five seconds which tasks they hold, and what they said is
// forgotten after ten. A task that no living worker claims in two looks, a while
// apart, is enqueued once more under an id of its own; the ledger sees to it that
// it is carried out once, and asynq's own copy finds it done.
//
// The cost: a list of the active tasks every few seconds, and, should a living
// worker be cut off from Redis for so long, a call that is begun a second time
// and flagged as ambiguous.

const (
	// orphanLook is how often orphans are looked for.
	orphanLook = 4 * time.Second
	// orphanPage bounds one page of active tasks.
	orphanPage = 100
)

// orphanage remembers the tasks that the last look found without a worker, by
// their ids.
type orphanage map[string]orphan

// orphan is what became of such a task.
type orphan int

const (
	alone   orphan = iota // found without a worker for the first time
	adopted               // enqueued once more; asynq's own copy stays where it is for up to two minutes
)

// adopt enqueues the tasks once more that two looks in a row found without a worker.
func (w *Worker) adopt(ctx context.Context, o *orphanage) error {
	held, err := w.held()
	if err != nil {
		return err
	}
	now := orphanage{}
	for _, a := range w.accounts {
		infos, err := w.queue.infos(a.Name, append(lanes(), sideLanes()...)...)
		if err != nil {
			return err
		}
		for _, info := range infos {
			if info.Active == 0 {
				continue
			}
			if err := w.adoptFrom(ctx, info.Queue, held, *o, now); err != nil {
				return err
			}
		}
	}
	*o = now
	return nil
}

// held lists the tasks that living workers say they hold.
func (w *Worker) held() (map[string]bool, error) {
	servers, err := w.queue.inspector.Servers()
	if err != nil {
		return nil, fmt.Errorf("list the workers: %w", err)
	}
	held := map[string]bool{}
	for _, s := range servers {
		for _, at := range s.ActiveWorkers {
			held[at.TaskID] = true
		}
	}
	return held, nil
}

func (w *Worker) adoptFrom(ctx context.Context, queue string, held map[string]bool, before, now orphanage) error {
	for page := 1; ; page++ {
		tasks, err := w.queue.inspector.ListActiveTasks(queue, asynq.PageSize(orphanPage), asynq.Page(page))
		if err != nil {
			return fmt.Errorf("list the active tasks of %s: %w", queue, err)
		}
		for _, t := range tasks {
			if held[t.ID] {
				continue
			}
			state, twice := before[t.ID]
			now[t.ID] = state
			if !twice || state == adopted {
				continue
			}
			put, err := w.queue.putAgain(ctx, t)
			if err != nil {
				return err
			}
			now[t.ID] = adopted
			if put {
				w.opts.Log.Info("a worker died; its task is enqueued once more", "task", t.ID, "queue", queue)
			}
		}
		if len(tasks) < orphanPage {
			return nil
		}
	}
}

// again marks the id of a task that was enqueued once more.
const again = "~"

// putAgain enqueues a copy of a task. Its id follows from that of the task, so
// that two workers that find the same orphan enqueue one copy. It reports whether
// this one did.
func (q *Queue) putAgain(ctx context.Context, t *asynq.TaskInfo) (put bool, err error) {
	_, err = q.client.EnqueueContext(ctx, asynq.NewTask(t.Type, t.Payload),
		asynq.TaskID(t.ID+again), asynq.Queue(t.Queue), asynq.MaxRetry(neverArchive), asynq.Timeout(taskTimeout))
	switch {
	case errors.Is(err, asynq.ErrTaskIDConflict):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("enqueue %s once more: %w", t.ID, err)
	}
	return true, nil
}
