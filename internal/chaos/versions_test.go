//go:build unix

package chaos

import (
	"bytes"
	"testing"

	"github.com/hibiken/asynq"

	"aftership-bulk/batch"
)

// Tasks of a newer worker stand among ours. This one leaves them alone, carries
// out the rest, and the newer one finds them as they were.
func TestTasksOfANewerWorker(t *testing.T) {
	w := open(t, setup{rate: 30})
	rows, newer := 60, 12
	id := w.order(batch.Create, "made", rows)
	queue := "default-create-upload"
	w.reversion(queue, asynq.TaskStatePending, newer, `"v":1`, `"v":9`)
	workers := w.fleet(1)
	w.reach(id, rows-newer)
	inspector := asynq.NewInspectorFromRedisClient(w.rdb)
	w.until("the newer tasks were handed back", func() bool {
		tasks, err := inspector.ListRetryTasks(queue)
		w.check(err)
		return len(tasks) == newer
	})
	if b := w.batch(id); b.Done != rows-newer || b.Ended() {
		t.Errorf("%d jobs are done, want %d", b.Done, rows-newer)
	}
	// What the newer worker can read is what this one reads once it is of our version again.
	w.reversion(queue, asynq.TaskStateRetry, newer, `"v":9`, `"v":1`)
	w.finish(id)
	workers.end()
	if v := w.judge(id, "made", rows); v.calls != rows {
		t.Errorf("%d calls for %d rows", v.calls, rows)
	}
}

// reversion writes tasks anew as another version of the program would have.
func (w *world) reversion(queue string, state asynq.TaskState, n int, from, to string) {
	inspector, client := asynq.NewInspectorFromRedisClient(w.rdb), asynq.NewClientFromRedisClient(w.rdb)
	list := inspector.ListPendingTasks
	if state == asynq.TaskStateRetry {
		list = inspector.ListRetryTasks
	}
	tasks, err := list(queue, asynq.PageSize(n))
	w.check(err)
	if len(tasks) != n {
		w.t.Fatalf("%d tasks are %s, want %d", len(tasks), state, n)
	}
	for _, task := range tasks {
		w.check(inspector.DeleteTask(queue, task.ID))
		payload := bytes.Replace(task.Payload, []byte(from), []byte(to), 1)
		_, err := client.Enqueue(asynq.NewTask(task.Type, payload), asynq.TaskID(task.ID), asynq.Queue(queue), asynq.MaxRetry(task.MaxRetry), asynq.Timeout(task.Timeout))
		w.check(err)
	}
}
