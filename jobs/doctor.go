package jobs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"aftership-bulk/aftership"
	"aftership-bulk/batch"
)

const (
	// doctorPage is how many tasks are read at a time, so that nothing holds Redis up.
	doctorPage = 100
	// doctorPages bounds the pages of active tasks that are read in one queue.
	doctorPages = 10
)

// Doctor looks at queues and workers, and changes nothing.
type Doctor struct {
	rdb       redis.UniversalClient
	inspector *asynq.Inspector
	ledger    *batch.Store
}

// NewDoctor makes a Doctor over the queue's client.
func NewDoctor(rdb redis.UniversalClient, ledger *batch.Store) *Doctor {
	return &Doctor{rdb: rdb, inspector: asynq.NewInspectorFromRedisClient(rdb), ledger: ledger}
}

// QueueState is one of our queues as the doctor found it.
type QueueState struct {
	Name, Account string
	Paused        bool
	// Tasks is how many tasks stand in the queue in whatever state, Waiting how many of them no worker holds.
	Tasks, Waiting int
	Active         int
	Archived       int
	// Unleased counts, among the first thousand active tasks, those that no worker has a lease for.
	Unleased int

	lane lane
}

// Queues looks at every queue that is ours by its name.
func (d *Doctor) Queues(ctx context.Context) ([]QueueState, error) {
	names, err := d.inspector.Queues()
	if err != nil {
		return nil, fmt.Errorf("list the queues: %w", err)
	}
	slices.Sort(names)
	var all []QueueState
	for _, name := range names {
		account, l, ok := splitQueue(name)
		if !ok {
			continue
		}
		q, err := d.queue(ctx, name)
		if err != nil {
			return nil, err
		}
		q.Account, q.lane = account, l
		all = append(all, q)
	}
	return all, nil
}

// splitQueue takes a queue's name apart; false if it is not one of ours.
func splitQueue(name string) (account string, l lane, ok bool) {
	for _, p := range batch.AllPriorities() {
		for _, l := range lanes() {
			account, found := strings.CutSuffix(name, queueName("", l, p))
			if found && account != "" {
				return account, l, true
			}
		}
	}
	return "", "", false
}

func (d *Doctor) queue(ctx context.Context, name string) (QueueState, error) {
	info, err := d.inspector.GetQueueInfo(name)
	if err != nil {
		return QueueState{}, fmt.Errorf("look at queue %s: %w", name, err)
	}
	q := QueueState{
		Name: name, Paused: info.Paused, Tasks: info.Size - info.Archived - info.Completed,
		Waiting: info.Pending + info.Scheduled + info.Retry, Active: info.Active, Archived: info.Archived,
	}
	q.Unleased, err = d.unleased(ctx, name)
	return q, err
}

// unleased counts active tasks without a lease, or whose lease ran out so long
// ago that somebody should have taken them over.
func (d *Doctor) unleased(ctx context.Context, name string) (int, error) {
	n := 0
	for page := range doctorPages {
		ids, err := d.active(ctx, name, page)
		if err != nil {
			return n, err
		}
		suspects, err := d.withoutLease(ctx, name, ids)
		if err != nil {
			return n, err
		}
		if len(suspects) > 0 { // those that were done meanwhile are no longer there
			still, err := d.active(ctx, name, page)
			if err != nil {
				return n, err
			}
			suspects = slices.DeleteFunc(suspects, func(id string) bool { return !slices.Contains(still, id) })
		}
		n += len(suspects)
		if len(ids) < doctorPage {
			break
		}
	}
	return n, nil
}

func (d *Doctor) active(ctx context.Context, name string, page int) ([]string, error) {
	from := int64(page * doctorPage)
	ids, err := d.rdb.LRange(ctx, "asynq:{"+name+"}:active", from, from+doctorPage-1).Result()
	if err != nil {
		return nil, fmt.Errorf("look at the active tasks of %s: %w", name, err)
	}
	return ids, nil
}

// takeover is how long after the end of a lease asynq gives the task back, at most.
const takeover = 2 * time.Minute

func (d *Doctor) withoutLease(ctx context.Context, name string, ids []string) ([]string, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	now, err := d.rdb.Time(ctx).Result()
	if err != nil {
		return nil, fmt.Errorf("ask Redis for its time: %w", err)
	}
	leases := make([]*redis.FloatCmd, len(ids))
	_, err = d.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, id := range ids {
			leases[i] = p.ZScore(ctx, "asynq:{"+name+"}:lease", id)
		}
		return nil
	})
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, fmt.Errorf("look at the leases of %s: %w", name, err)
	}
	var without []string
	for i, lease := range leases {
		if end, err := lease.Result(); err != nil || now.Sub(time.Unix(int64(end), 0)) > takeover {
			without = append(without, ids[i])
		}
	}
	return without, nil
}

// Orphans are tasks of batches that the ledger does not know, in a sample.
type Orphans struct {
	Sampled, Found int
	// Foreign counts tasks in our queues whose payload this program cannot read.
	Foreign int
	// Batches are those that the tasks belonged to.
	Batches []batch.ID
}

// Orphans reads a page of tasks of every kind in every queue and asks the ledger
// about their batches.
func (d *Doctor) Orphans(ctx context.Context, queues []QueueState) (Orphans, error) {
	var o Orphans
	known := map[batch.ID]bool{}
	for _, q := range queues {
		for _, list := range []func(string, ...asynq.ListOption) ([]*asynq.TaskInfo, error){
			d.inspector.ListPendingTasks, d.inspector.ListScheduledTasks, d.inspector.ListRetryTasks,
		} {
			tasks, err := list(q.Name, asynq.PageSize(doctorPage))
			if err != nil {
				return o, fmt.Errorf("look at the tasks of %s: %w", q.Name, err)
			}
			for _, t := range tasks {
				if err := d.orphan(ctx, &o, known, t); err != nil {
					return o, err
				}
			}
		}
	}
	for id, ok := range known {
		if !ok {
			o.Batches = append(o.Batches, id)
		}
	}
	slices.Sort(o.Batches)
	return o, nil
}

func (d *Doctor) orphan(ctx context.Context, o *Orphans, known map[batch.ID]bool, t *asynq.TaskInfo) error {
	o.Sampled++
	p, err := decodePayload(t.Payload)
	if err != nil {
		o.Foreign++
		return nil
	}
	there, asked := known[p.Batch]
	if !asked {
		_, err := d.ledger.Get(ctx, p.Batch)
		if err != nil && !errors.Is(err, batch.ErrUnknown) && !errors.Is(err, batch.ErrNewer) {
			return err
		}
		there = !errors.Is(err, batch.ErrUnknown)
		known[p.Batch] = there
	}
	if !there {
		o.Found++
	}
	return nil
}

// WorkerState is a worker process as its heartbeat tells it.
type WorkerState struct {
	Host     string
	PID      int
	Accounts []string
	Started  time.Time
	// Skew is by how much its clock is ahead of Redis', to about five seconds; 0 within that.
	Skew time.Duration
}

// Workers lists the worker processes whose heartbeat is fresh.
func (d *Doctor) Workers(ctx context.Context) ([]WorkerState, error) {
	skews, err := d.skews(ctx)
	if err != nil {
		return nil, err
	}
	servers, err := d.inspector.Servers()
	if err != nil {
		return nil, fmt.Errorf("list the workers: %w", err)
	}
	byProcess := map[string]*WorkerState{}
	for _, s := range servers {
		name := fmt.Sprintf("%s:%d", s.Host, s.PID)
		w := byProcess[name]
		if w == nil {
			w = &WorkerState{Host: s.Host, PID: s.PID, Started: s.Started, Skew: skews[name]}
			byProcess[name] = w
		}
		for queue := range s.Queues {
			if account, _, ok := splitQueue(queue); ok && !slices.Contains(w.Accounts, account) {
				w.Accounts = append(w.Accounts, account)
			}
		}
	}
	var all []WorkerState
	for _, name := range slices.Sorted(maps.Keys(byProcess)) {
		slices.Sort(byProcess[name].Accounts)
		all = append(all, *byProcess[name])
	}
	return all, nil
}

const (
	// beatEvery and beatLife are asynq's heartbeat: each says that the worker is
	// there until ten seconds later, by the worker's clock.
	beatEvery = 5 * time.Second
	beatLife  = 2 * beatEvery
	// beatSlack allows for rounding and for a heartbeat that came late.
	beatSlack = 2 * time.Second
)

// skews reads the workers' clocks off their heartbeats, by host and process.
func (d *Doctor) skews(ctx context.Context) (map[string]time.Duration, error) {
	beats, err := d.rdb.ZRangeWithScores(ctx, "asynq:servers", 0, doctorPage*doctorPages).Result()
	if err != nil {
		return nil, fmt.Errorf("look at the workers' heartbeats: %w", err)
	}
	now, err := d.rdb.Time(ctx).Result()
	if err != nil {
		return nil, fmt.Errorf("ask Redis for its time: %w", err)
	}
	skews := map[string]time.Duration{}
	for _, beat := range beats {
		member, _ := beat.Member.(string)
		inner, _ := strings.CutSuffix(strings.TrimPrefix(member, "asynq:servers:{"), "}")
		last := strings.LastIndexByte(inner, ':') // host:pid:server
		if last < 0 {
			continue
		}
		said := time.Unix(int64(beat.Score), 0).Add(-beatLife)
		if skew := skewOf(said.Sub(now)); skew != 0 {
			skews[inner[:last]] = skew
		}
	}
	return skews, nil
}

// skewOf judges a worker's clock by its last heartbeat, which is up to five
// seconds old: 0 if it may be right.
func skewOf(ahead time.Duration) time.Duration {
	switch {
	case ahead > beatSlack:
		return ahead
	case ahead < -beatEvery-beatSlack:
		return ahead + beatEvery
	}
	return 0
}

// Holding returns the stop that explains why the queue is paused, nil if none does.
func (q QueueState) Holding(stops []batch.Stop) *batch.Stop {
	for i, s := range stops {
		if s.Class == "" || s.Class == string(q.lane) {
			return &stops[i]
		}
	}
	return nil
}

// KeyCheck is what one cheap call told about the key of an account.
type KeyCheck struct {
	// Class is the class of the call, whose limits the headers tell.
	Class   aftership.Class
	Headers aftership.RateHeaders
}

// CheckKey asks AfterShip for one tracking, through the bucket that all processes share.
func (a *Account) CheckKey(ctx context.Context) (KeyCheck, error) {
	k := &headerKeeper{Limiter: a.Limiter(batch.Upload, "doctor")}
	var err error
	for _, err = range a.Client.With(k).List(ctx, aftership.Filter{PageSize: 1}) {
		break
	}
	k.class = cmp.Or(k.class, a.Client.Version().Class(aftership.EndpointList))
	return KeyCheck{Class: k.class, Headers: k.headers}, err
}

// headerKeeper is a limiter that remembers the last headers.
type headerKeeper struct {
	aftership.Limiter
	class   aftership.Class
	headers aftership.RateHeaders
}

// Observe keeps the headers and passes them on.
func (k *headerKeeper) Observe(class aftership.Class, h aftership.RateHeaders) {
	k.class, k.headers = class, h
	k.Limiter.Observe(class, h)
}
