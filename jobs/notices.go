package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"aftership-bulk/batch"
	"aftership-bulk/notify"
	"aftership-bulk/report"
)

// Whoever has written the report of a batch puts a task on a queue of its own for
// each channel on which the end is to be told. So a mail server that is slow keeps
// no row waiting, and one channel that fails none of the others. A task is carried
// out until it has succeeded once: that it has is noted at once, so that only a
// crash between the two tells twice, under the same id.

const (
	taskNotice  = "aftership:notice"
	laneNotices = lane("notices") // see lanes for those of jobs
	// noticeVersion is the version of a notice's payload.
	noticeVersion = 1
	// noticePlaces is how many messages of an account are under way at once.
	noticePlaces = 2
	// noticeTries is how often a message is tried: for about six hours.
	noticeTries = 24
	// untoldFor is how old an end may be that is still told when nobody was: settings
	// that are new say nothing of the past.
	untoldFor = 24 * time.Hour
)

// sideLanes lists the lanes beside those of jobs.
func sideLanes() []lane { return []lane{laneUpdates, laneNotices} }

func noticeQueue(account string) string { return queueName(account, laneNotices, batch.Upload) }

// notice is what such a task carries: which end, on which channel, and where the
// files are. The rest is read from the ledger.
type notice struct {
	V       int            `json:"v"`
	Account string         `json:"a"`
	Batch   batch.ID       `json:"b"`
	Mark    string         `json:"m"`
	Channel notify.Channel `json:"c"`
	Where
}

// announce puts on the queue what is to be told of the batch, once.
func (h *Handler) announce(ctx context.Context, b batch.Batch, files report.Paths) error {
	mark := b.EndMark()
	if h.opts.Notify == nil || mark == "" || b.Told == mark {
		return nil
	}
	for _, c := range h.opts.Notify.Channels(Ending(b)) {
		n := notice{V: noticeVersion, Account: b.Account, Batch: b.ID, Mark: mark, Channel: c, Where: whereabouts(files)}
		if err := h.queue.putNotice(ctx, n); err != nil {
			return err
		}
	}
	return h.ledger.MarkTold(ctx, b.ID, mark)
}

// whereabouts are the files with the machine that they are on.
func whereabouts(files report.Paths) Where {
	if files.Report == "" {
		return Where{}
	}
	host, _ := os.Hostname()
	return Where{Host: host, Report: whole(files.Report), Failed: whole(files.Failed)}
}

func whole(path string) string {
	if abs, err := filepath.Abs(path); path != "" && err == nil {
		return abs
	}
	return path
}

func (q *Queue) putNotice(ctx context.Context, n notice) error {
	text, err := json.Marshal(n)
	if err != nil {
		return fmt.Errorf("write the notice of batch %s: %w", n.Batch, err)
	}
	_, err = q.client.EnqueueContext(ctx, asynq.NewTask(taskNotice, text),
		asynq.TaskID(fmt.Sprintf("%s:notice:%s:%s", n.Batch, n.Mark, n.Channel)),
		asynq.Queue(noticeQueue(n.Account)), asynq.MaxRetry(neverArchive), asynq.Timeout(taskTimeout))
	if err != nil && !errors.Is(err, asynq.ErrTaskIDConflict) {
		return fmt.Errorf("enqueue the notice of batch %s: %w", n.Batch, err)
	}
	return nil
}

// noticer carries out the tasks of notices.
type noticer struct {
	ledger  *batch.Store
	notify  *notify.Notifier
	backoff func(n int) time.Duration
	log     *slog.Logger
}

// newNoticeServers makes the servers of the queues of notices, one for each account.
func (w *Worker) newNoticeServers(rdb redis.UniversalClient) {
	if w.opts.Notify == nil {
		return
	}
	for _, a := range w.accounts {
		cfg := w.config(a, laneFinish)
		cfg.Concurrency = noticePlaces
		cfg.Queues = map[string]int{noticeQueue(a.Name): 1}
		w.notices = append(w.notices, asynq.NewServerFromRedisClient(rdb, cfg))
	}
}

func (w *Worker) startNotices() error {
	for i, s := range w.notices {
		n := &noticer{ledger: w.ledger, notify: w.opts.Notify, backoff: w.opts.Backoff, log: w.opts.Log}
		if err := s.Start(n); err != nil {
			return fmt.Errorf("start to tell of the batches of account %s: %w", w.accounts[i].Name, err)
		}
	}
	return nil
}

// ProcessTask tells of one end on one channel.
func (n *noticer) ProcessTask(ctx context.Context, t *asynq.Task) error {
	var v notice
	if err := json.Unmarshal(t.Payload(), &v); err != nil {
		n.log.Error("dropped a notice that is not ours", "type", t.Type(), "error", err)
		return nil
	}
	if v.V > noticeVersion {
		return back(time.Minute, "%v", errNewerPayload)
	}
	b, err := n.ledger.Get(ctx, v.Batch)
	switch {
	case errors.Is(err, batch.ErrUnknown):
		return nil // purged
	case err != nil:
		return err
	case b.EndMark() != v.Mark:
		return nil // it has gone on since: its next end is told
	}
	return n.tell(ctx, b, v)
}

func (n *noticer) tell(ctx context.Context, b batch.Batch, v notice) error {
	event, channel := EventID(b), string(v.Channel)
	known, err := n.ledger.Notice(ctx, v.Account, event, channel)
	if err != nil || known.Done {
		return err
	}
	m, err := Explained(ctx, n.ledger, b, v.Where)
	if err != nil {
		return err
	}
	err = n.notify.Send(ctx, v.Channel, m)
	if err == nil {
		n.log.Info("told how the batch ended", "batch", b.ID, "channel", channel, "to", n.notify.To(v.Channel))
		return n.done(ctx, v.Account, event, channel)
	}
	if ctx.Err() != nil {
		return back(time.Second, "interrupted")
	}
	e, _ := errors.AsType[*notify.Error](err)
	if e == nil || !e.Permanent && known.Tries+1 < noticeTries {
		return n.later(ctx, v.Account, event, channel, known.Tries+1, err)
	}
	n.log.Error("nobody could be told how the batch ended; mend the settings, try them with `enqueue notify --test`, then `enqueue notify BATCH`",
		"batch", b.ID, "tries", known.Tries+1, "error", err)
	return n.done(ctx, v.Account, event, channel)
}

// later sends the task back after a failure that may pass.
func (n *noticer) later(ctx context.Context, account, event, channel string, tries int, cause error) error {
	if err := n.ledger.NoticeFailed(ctx, account, event, channel); err != nil {
		return err
	}
	after := n.backoff(tries)
	if e, ok := errors.AsType[*notify.Error](cause); ok {
		after = max(after, e.After)
	}
	n.log.Warn("nobody was told how a batch ended; it is tried again", "event", event, "try", tries, "after", after, "error", cause)
	return back(after, "%v", cause)
}

// done notes what was told. It outlives a shutdown, because it has gone out.
func (n *noticer) done(ctx context.Context, account, event, channel string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTime)
	defer cancel()
	return n.ledger.NoticeDone(ctx, account, event, channel)
}

// untold enqueues the end of a batch of which nobody was told, because a process
// died at the wrong moment, or somebody else wrote the report.
func (w *Worker) untold(ctx context.Context, b batch.Batch) error {
	mark, at := b.EndMark(), b.FinishedAt
	if b.Spent() {
		at = b.SpentAt
	}
	age := w.opts.Now().Sub(at)
	if w.opts.Notify == nil || mark == "" || b.Told == mark || age < quietTime || age > untoldFor {
		return nil
	}
	if b.Spent() {
		return w.queue.put(ctx, stoppedTask(b))
	}
	return w.queue.put(ctx, finishTask(b))
}
