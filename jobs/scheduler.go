package jobs

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"aftership-bulk/batch"
	"aftership-bulk/config"
)

// scheduleLease is how long a run outlives its worker. It is longer than the
// lease of the locks that the dead run's command may have held.
const scheduleLease = batch.LockLease + 15*time.Second

// leaseBack is how soon the task comes back of a schedule that is under way.
const leaseBack = 5 * time.Second

// SchedulerOptions are the settings of a scheduler.
type SchedulerOptions struct {
	// Schedules are those that it looks after.
	Schedules []config.Schedule
	// Run carries out a schedule's command. When its context ends, it must return
	// soon; the run is then begun again by another worker.
	Run func(ctx context.Context, s config.Schedule, slot time.Time) RunResult
	// Who names the process in the records of runs.
	Who string
	// Poll is how often the clock and idle queues are looked at. Defaults to one second.
	Poll time.Duration
	// ShutdownTime is how long commands under way may take to end. Defaults to 45 seconds.
	ShutdownTime time.Duration
	// Log takes the log. Defaults to [slog.Default].
	Log *slog.Logger

	lease time.Duration
	now   func(context.Context) (time.Time, error)
}

// RunResult is what became of a command.
type RunResult struct {
	// Exit is its exit code.
	Exit int
	// Batches are the batches that it made, or went on with.
	Batches []string
	// Lines are the last lines of what it said.
	Lines []string
}

// Scheduler runs schedules when they are due. Any number of them, in any number
// of processes, run each slot once.
type Scheduler struct {
	*Schedules
	opts     SchedulerOptions
	byName   map[string]config.Schedule // by account/name
	server   *asynq.Server
	ctx      context.Context // of the runs
	stop     context.CancelFunc
	looking  sync.WaitGroup
	stopping sync.Once
}

// NewScheduler makes a scheduler. carrier must be a client whose cancelled
// contexts are repaired (see package redisconn), rdb one whose are not.
func NewScheduler(carrier, rdb redis.UniversalClient, queue *Queue, o SchedulerOptions) *Scheduler {
	o.Poll, o.ShutdownTime = cmp.Or(o.Poll, time.Second), cmp.Or(o.ShutdownTime, 45*time.Second)
	o.Log, o.lease = cmp.Or(o.Log, slog.Default()), cmp.Or(o.lease, scheduleLease)
	s := &Scheduler{Schedules: NewSchedules(rdb, queue), opts: o, byName: map[string]config.Schedule{}}
	if o.now != nil {
		s.now = o.now
	}
	queues := map[string]int{}
	for _, one := range o.Schedules {
		s.byName[scheduleLabel(one)] = one
		queues[scheduleQueue(one.Account, one.Name)] = 1
	}
	if len(queues) > 0 {
		s.server = asynq.NewServerFromRedisClient(carrier, asynq.Config{
			Concurrency: len(queues), Queues: queues, RetryDelayFunc: retryDelay, IsFailure: func(error) bool { return false },
			TaskCheckInterval: o.Poll, DelayedTaskCheckInterval: o.Poll, ShutdownTimeout: o.ShutdownTime,
			Logger: quietLogger{o.Log}, LogLevel: asynq.WarnLevel,
		})
	}
	return s
}

// ScheduleStates reads the states of the scheduler's schedules.
func (s *Scheduler) ScheduleStates(ctx context.Context) ([]ScheduleState, error) {
	return s.States(ctx, s.opts.Schedules)
}

// Start begins to look at the clock. It returns at once.
func (s *Scheduler) Start(ctx context.Context) error {
	s.ctx, s.stop = context.WithCancel(ctx)
	if s.server == nil {
		return nil
	}
	if err := s.forgetDisabled(ctx); err != nil {
		return err
	}
	if err := s.server.Start(s); err != nil {
		return fmt.Errorf("start the scheduler: %w", err)
	}
	s.looking.Go(s.look)
	return nil
}

// forgetDisabled makes a schedule that is switched off start afresh once it is
// switched on again: what it did not run meanwhile is not missed.
func (s *Scheduler) forgetDisabled(ctx context.Context) error {
	for _, one := range s.opts.Schedules {
		if one.Enabled {
			continue
		}
		if err := s.rdb.Del(ctx, sinceKey(one)).Err(); err != nil {
			return fmt.Errorf("start schedule %s: %w", scheduleLabel(one), err)
		}
	}
	return nil
}

// Shutdown begins no run any more, interrupts the commands under way, which
// another worker goes on with, and waits for them.
func (s *Scheduler) Shutdown() {
	s.stopping.Do(func() {
		if s.stop == nil {
			return
		}
		s.stop()
		s.looking.Wait()
		if s.server != nil {
			s.server.Shutdown()
		}
	})
}

// look looks at the clock until the scheduler is shut down.
func (s *Scheduler) look() {
	tick := time.NewTicker(s.opts.Poll)
	defer tick.Stop()
	for {
		if err := s.due(s.ctx); err != nil && s.ctx.Err() == nil {
			s.opts.Log.Warn("the schedules could not be looked at; it is tried again", "error", err)
		}
		select {
		case <-s.ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// due enqueues the slots that are due.
func (s *Scheduler) due(ctx context.Context) error {
	now, err := s.now(ctx)
	if err != nil {
		return err
	}
	records, err := s.read(ctx, s.opts.Schedules)
	if err != nil {
		return err
	}
	var failed []error
	for i, one := range s.opts.Schedules {
		failed = append(failed, s.dueOne(ctx, one, records[i], now))
	}
	return errors.Join(failed...)
}

// dueOne enqueues what is to be run of one schedule: a run whose worker died, or
// else the last of the slots that have passed.
func (s *Scheduler) dueOne(ctx context.Context, one config.Schedule, r scheduleRecord, now time.Time) error {
	t := slotTask{Account: one.Account, Name: one.Name, Slot: r.slot, Attempt: r.attempt + 1}
	switch {
	case r.leased:
		return nil
	case r.open:
		return s.put(ctx, t)
	case !one.Enabled:
		return nil
	case r.since.IsZero(): // its first sight: what was before is none of its slots
		return s.rdb.SetNX(ctx, sinceKey(one), now.UnixMilli(), scheduleKept).Err()
	}
	slot := one.Spec.Latest(r.from(), now)
	if slot.IsZero() {
		return nil
	}
	t.Slot, t.Attempt = slot.Unix(), 1
	return s.put(ctx, t)
}

// ProcessTask runs the slot of a task. It returns an error only if the task must
// come back.
func (s *Scheduler) ProcessTask(ctx context.Context, task *asynq.Task) error {
	t, err := decodeSlot(task.Payload())
	if errors.Is(err, errNewerPayload) {
		return back(time.Minute, "%v", err)
	}
	one, known := s.byName[t.Account+"/"+t.Name]
	if err != nil || !known {
		s.opts.Log.Error("dropped a task that is no schedule of ours", "type", task.Type(), "error", err)
		return nil
	}
	r := &scheduledRun{s: s, one: one, task: t, token: rand.Text(), log: s.opts.Log.With("schedule", one.Name, "slot", t.slot().Format(time.RFC3339))}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.ctx, cancel)()
	return r.take(ctx)
}

// scheduledRun is one attempt to run a slot.
type scheduledRun struct {
	s     *Scheduler
	one   config.Schedule
	task  slotTask
	token string // of the lease
	log   *slog.Logger
	run   ScheduleRun
}

// take takes the lease and runs the slot, unless that was done.
func (r *scheduledRun) take(ctx context.Context) error {
	mine, err := r.s.rdb.SetNX(ctx, leaseKey(r.one), r.token, r.s.opts.lease).Result()
	if err != nil {
		return fmt.Errorf("take the lease of schedule %s: %w", scheduleLabel(r.one), err)
	}
	if !mine {
		return back(leaseBack, "schedule %s is under way", scheduleLabel(r.one))
	}
	defer r.leave(ctx) // if it is still held
	records, err := r.s.read(ctx, []config.Schedule{r.one})
	if err != nil {
		return err
	}
	if records[0].stale(r.task) {
		return nil
	}
	return r.begin(ctx, records[0])
}

// leave ends the lease.
func (r *scheduledRun) leave(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaseBack)
	defer cancel()
	_, _ = r.hold(ctx, 0) // it ends by itself, too
}

// begin records that the run is under way, and runs it.
func (r *scheduledRun) begin(ctx context.Context, before scheduleRecord) error {
	now, err := r.s.now(ctx)
	if err != nil {
		return err
	}
	earlier, err := before.run("run")
	if err != nil {
		return back(time.Minute, "%v", err)
	}
	r.run = ScheduleRun{V: runVersion, Slot: r.task.slot(), Asked: r.task.Asked, Attempt: r.task.Attempt, Worker: r.s.opts.Who, Started: now.Truncate(time.Millisecond)}
	var lost *ScheduleRun
	if before.open && earlier != nil {
		if before.slot == r.task.Slot {
			r.run.Asked = earlier.Asked
		} else {
			lost = new(earlier.crashed(now))
		}
	}
	if r.task.Attempt > mostRunAttempts {
		r.log.Error("the schedule's workers died again and again: it is given up until the next slot", "attempts", mostRunAttempts)
		return r.end(ctx, r.run.crashed(now))
	}
	held, err := r.keep(ctx, false, lost, "slot", strconv.FormatInt(r.task.Slot, 10), "attempt", strconv.Itoa(r.task.Attempt), "open", "1", "run", r.run.encode())
	if err != nil || !held {
		return err // not held: somebody else has it
	}
	return r.carryOut(ctx)
}

// carryOut runs the command while it holds the lease, and records how it ended.
func (r *scheduledRun) carryOut(ctx context.Context) error {
	r.log.Info("schedule begins", "attempt", r.run.Attempt, "late", r.run.Started.Sub(r.run.Slot).Round(time.Second))
	began := time.Now()
	working, lost := r.underLease(ctx)
	result := r.command(working)
	switch gone := lost(); {
	case gone:
		r.log.Error("the schedule's lease was lost, as this worker stood still; another one has taken it up")
		return nil
	case ctx.Err() != nil:
		r.log.Info("schedule interrupted; another worker takes it up")
		return nil
	}
	run := r.run
	run.Ended, run.Exit, run.Outcome = r.run.Started.Add(time.Since(began)).Truncate(time.Millisecond), result.Exit, outcomeOfExit(result.Exit)
	run.Batches, run.Lines = result.Batches, result.Lines
	return r.end(ctx, run)
}

// command runs the command. One that panics has failed, and takes nobody along.
func (r *scheduledRun) command(ctx context.Context) (result RunResult) {
	defer func() {
		if p := recover(); p != nil {
			result = RunResult{Exit: -1, Lines: []string{fmt.Sprint("internal error: ", p)}}
		}
	}()
	return r.s.opts.Run(ctx, r.one, r.task.slot())
}

// end records how the run ended.
func (r *scheduledRun) end(ctx context.Context, run ScheduleRun) error {
	held, err := r.keepTrying(ctx, run)
	if err != nil {
		return err
	}
	level := slog.LevelInfo
	if run.Outcome != RunDone {
		level = slog.LevelWarn
	}
	r.log.Log(ctx, level, "schedule ended", "outcome", run.Outcome, "exit_code", run.Exit, "batches", run.Batches, "took", run.Ended.Sub(run.Started), "recorded", held)
	return nil
}

// keepTrying records the end of a run, and tries it for as long as nobody else can
// have taken the run up: a Redis that is away for a moment must not make it run again.
func (r *scheduledRun) keepTrying(ctx context.Context, run ScheduleRun) (held bool, err error) {
	for end := time.Now().Add(r.s.opts.lease); ; {
		held, err = r.keep(ctx, true, &run, "slot", strconv.FormatInt(r.task.Slot, 10), "attempt", strconv.Itoa(run.Attempt), "open", "0", "run", run.encode(), "last", run.encode())
		if err == nil || time.Now().After(end) {
			return held, err
		}
		time.Sleep(r.s.opts.Poll)
	}
}

// keep writes the record, and a run that ended, on a context that outlives a shutdown.
func (r *scheduledRun) keep(ctx context.Context, end bool, ended *ScheduleRun, fields ...any) (held bool, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.s.opts.lease)
	defer cancel()
	outcome, text, last := "", "", ""
	if ended != nil {
		outcome, text = string(ended.Outcome), ended.encode()
	}
	if end {
		last = "1"
	}
	keys := []string{scheduleKey(r.one), leaseKey(r.one), runsKey(r.one), sinceKey(r.one)}
	args := append([]any{r.token, scheduleKept.Milliseconds(), runsKept, last, outcome, text}, fields...)
	n, err := scriptKeep.Run(ctx, r.s.rdb, keys, args...).Int()
	if err != nil {
		return false, fmt.Errorf("record the run of schedule %s: %w", scheduleLabel(r.one), err)
	}
	return n == 1, nil
}

// underLease renews the lease until the returned function is called, which says
// whether it was lost. The context ends when that happens.
func (r *scheduledRun) underLease(ctx context.Context) (context.Context, func() (lost bool)) {
	ctx, cancel := context.WithCancel(ctx)
	done, lost := make(chan struct{}), false
	go func() {
		defer close(done)
		lost = r.renew(ctx)
		cancel()
	}()
	return ctx, func() bool {
		cancel()
		<-done
		return lost
	}
}

// renew renews the lease until the context ends, or the lease is lost. One that
// could not be renewed in time, with Redis away, counts as lost: another worker
// may have it by now.
func (r *scheduledRun) renew(ctx context.Context) (lost bool) {
	tick := time.NewTicker(r.s.opts.lease / 5)
	defer tick.Stop()
	for renewed := time.Now(); ; {
		select {
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
		asked := time.Now()
		held, err := r.hold(ctx, r.s.opts.lease)
		switch {
		case err == nil && !held, err != nil && ctx.Err() == nil && time.Since(renewed) > r.s.opts.lease*3/4:
			return true
		case err == nil:
			renewed = asked
		}
	}
}

// hold renews the lease; for no time at all, it ends it.
func (r *scheduledRun) hold(ctx context.Context, d time.Duration) (held bool, err error) {
	n, err := scriptHold.Run(ctx, r.s.rdb, []string{leaseKey(r.one)}, r.token, d.Milliseconds()).Int()
	return n == 1, err
}
