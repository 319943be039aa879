package jobs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"aftership-bulk/config"
)

// Schedules reads what is known of schedules, and asks for runs of them.
type Schedules struct {
	rdb   redis.UniversalClient
	queue *Queue
	// now is the clock that decides what is due: Redis' own, so that workers whose
	// clocks differ agree.
	now func(context.Context) (time.Time, error)
}

// NewSchedules makes Schedules over a Redis client.
func NewSchedules(rdb redis.UniversalClient, queue *Queue) *Schedules {
	return &Schedules{rdb: rdb, queue: queue, now: func(ctx context.Context) (time.Time, error) {
		t, err := rdb.Time(ctx).Result()
		if err != nil {
			return t, fmt.Errorf("read Redis' clock: %w", err)
		}
		return t.UTC(), nil
	}}
}

// ScheduleState is what is known of a schedule.
type ScheduleState struct {
	Schedule config.Schedule
	// Running is the run that is under way; nil if there is none. It says Dead
	// beside when its worker is gone and another one is to take it up.
	Running *ScheduleRun
	Dead    bool
	// Last is the last run that ended; nil if there is none.
	Last *ScheduleRun
	// Runs counts the runs that ended.
	Runs map[RunOutcome]int
	// Next is the first slot that was not run: in the past while it waits for a
	// worker, zero for a schedule that is not enabled.
	Next time.Time
}

// States reads the states of schedules, in their order.
func (s *Schedules) States(ctx context.Context, all []config.Schedule) ([]ScheduleState, error) {
	now, err := s.now(ctx)
	if err != nil {
		return nil, err
	}
	records, err := s.read(ctx, all)
	if err != nil {
		return nil, err
	}
	states := make([]ScheduleState, len(all))
	for i, r := range records {
		if states[i], err = r.state(all[i], now); err != nil {
			return nil, err
		}
	}
	return states, nil
}

// Runs are the last runs of a schedule that ended, newest first.
func (s *Schedules) Runs(ctx context.Context, one config.Schedule) ([]ScheduleRun, error) {
	texts, err := s.rdb.LRange(ctx, runsKey(one), 0, runsKept-1).Result()
	if err != nil {
		return nil, fmt.Errorf("read the runs of schedule %s: %w", scheduleLabel(one), err)
	}
	runs := make([]ScheduleRun, len(texts))
	for i, text := range texts {
		if runs[i], err = decodeRun(text); err != nil {
			return nil, err
		}
	}
	return runs, nil
}

// Ask enqueues a run of a schedule for now, enabled or not. It returns the run's slot.
func (s *Schedules) Ask(ctx context.Context, one config.Schedule, who string) (time.Time, error) {
	now, err := s.now(ctx)
	if err != nil {
		return now, err
	}
	records, err := s.read(ctx, []config.Schedule{one})
	if err != nil {
		return now, err
	}
	slot := max(now.Unix(), records[0].slot+1) // a slot is run once
	return time.Unix(slot, 0).UTC(), s.put(ctx, slotTask{Account: one.Account, Name: one.Name, Slot: slot, Attempt: 1, Asked: cmp.Or(who, "somebody")})
}

// Waiting says who has asked for a run that no worker has taken up yet; "" is
// nobody.
func (s *Schedules) Waiting(one config.Schedule) (who string, err error) {
	tasks, err := s.queue.inspector.ListPendingTasks(scheduleQueue(one.Account, one.Name), asynq.PageSize(10))
	if errors.Is(err, asynq.ErrQueueNotFound) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("look for runs of schedule %s that were asked for: %w", scheduleLabel(one), err)
	}
	for _, task := range tasks {
		if t, err := decodeSlot(task.Payload); err == nil && t.Asked != "" {
			return t.Asked, nil
		}
	}
	return "", nil
}

// Served says whether a worker listens to a schedule's queue.
func (s *Schedules) Served(one config.Schedule) (bool, error) {
	servers, err := s.queue.inspector.Servers()
	if err != nil {
		return false, fmt.Errorf("list the workers: %w", err)
	}
	for _, w := range servers {
		if _, ok := w.Queues[scheduleQueue(one.Account, one.Name)]; ok {
			return true, nil
		}
	}
	return false, nil
}

// put enqueues a slot. One that stands in the queue, or stood there, is left as it is.
func (s *Schedules) put(ctx context.Context, t slotTask) error {
	task, opts := t.asynq()
	if _, err := s.queue.client.EnqueueContext(ctx, task, opts...); err != nil && !errors.Is(err, asynq.ErrTaskIDConflict) {
		return fmt.Errorf("enqueue schedule %s/%s: %w", t.Account, t.Name, err)
	}
	return nil
}

// scheduleRecord is what Redis has of a schedule.
type scheduleRecord struct {
	slot    int64 // Unix time of the last run that was begun; 0 for none
	attempt int
	open    bool // that run has not ended
	leased  bool // and somebody is at it
	since   time.Time
	fields  map[string]string
}

// read reads the records of schedules in one round trip.
func (s *Schedules) read(ctx context.Context, all []config.Schedule) ([]scheduleRecord, error) {
	hashes, leases, sinces := make([]*redis.MapStringStringCmd, len(all)), make([]*redis.IntCmd, len(all)), make([]*redis.StringCmd, len(all))
	_, err := s.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, one := range all {
			hashes[i], leases[i], sinces[i] = p.HGetAll(ctx, scheduleKey(one)), p.Exists(ctx, leaseKey(one)), p.Get(ctx, sinceKey(one))
		}
		return nil
	})
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, fmt.Errorf("read the schedules' records: %w", err)
	}
	records := make([]scheduleRecord, len(all))
	for i := range all {
		records[i] = recordOf(hashes[i].Val(), leases[i].Val() > 0, sinces[i].Val())
	}
	return records, nil
}

func recordOf(fields map[string]string, leased bool, since string) scheduleRecord {
	r := scheduleRecord{fields: fields, leased: leased, open: fields["open"] == "1"}
	r.slot, _ = strconv.ParseInt(fields["slot"], 10, 64)
	r.attempt, _ = strconv.Atoi(fields["attempt"])
	if ms, err := strconv.ParseInt(since, 10, 64); err == nil {
		r.since = time.UnixMilli(ms).UTC()
	}
	return r
}

// from is the moment after which slots have not been run.
func (r scheduleRecord) from() time.Time {
	if last := time.Unix(r.slot, 0).UTC(); last.After(r.since) {
		return last
	}
	return r.since
}

// stale says that a task has nothing to run: its slot was, or a later one, or
// a later attempt of it was begun.
func (r scheduleRecord) stale(t slotTask) bool {
	return t.Slot < r.slot || t.Slot == r.slot && (!r.open || t.Attempt <= r.attempt)
}

// run is a run in one of the fields; nil if there is none.
func (r scheduleRecord) run(field string) (*ScheduleRun, error) {
	if r.fields[field] == "" {
		return nil, nil
	}
	run, err := decodeRun(r.fields[field])
	return &run, err
}

func (r scheduleRecord) state(one config.Schedule, now time.Time) (ScheduleState, error) {
	state := ScheduleState{Schedule: one, Dead: r.open && !r.leased, Runs: map[RunOutcome]int{}}
	for _, o := range AllRunOutcomes() {
		state.Runs[o], _ = strconv.Atoi(r.fields["n:"+string(o)])
	}
	running, err := r.run("run")
	if r.open {
		state.Running = running
	}
	last, err2 := r.run("last")
	state.Last = last
	switch {
	case !one.Enabled:
	case r.since.IsZero(): // no worker has seen it
		state.Next = one.Spec.Next(now)
	default:
		state.Next = one.Spec.Next(r.from())
	}
	return state, errors.Join(err, err2)
}

// scriptHold renews a lease, or ends it when the time is 0, if it is still held.
// KEYS: lease. ARGV: token, milliseconds. Returns 1 if it was held.
var scriptHold = redis.NewScript(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] == '0' then redis.call('DEL', KEYS[1]) else redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 1`)

// scriptKeep writes a schedule's record for the holder of its lease.
// KEYS: record, lease, runs, since. ARGV: token, time to keep in ms, number of runs
// to keep, "1" to end the lease, outcome of a run that ended or "", that run, then
// fields and values of the record. Returns 1 if the lease was held.
var scriptKeep = redis.NewScript(`
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
for i = 7, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
if ARGV[5] ~= '' then
  redis.call('HINCRBY', KEYS[1], 'n:' .. ARGV[5], 1)
  redis.call('LPUSH', KEYS[3], ARGV[6])
  redis.call('LTRIM', KEYS[3], 0, ARGV[3] - 1)
end
for _, key in ipairs({KEYS[1], KEYS[3], KEYS[4]}) do redis.call('PEXPIRE', key, ARGV[2]) end
if ARGV[4] == '1' then redis.call('DEL', KEYS[2]) end
return 1`)
