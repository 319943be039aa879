package jobs

import (
	"context"
	"fmt"
	"slices"
	"time"

	"aftership-bulk/aftership"
	"aftership-bulk/batch"
	"aftership-bulk/sheet"
)

// lookupRows is how many numbers AfterShip's list takes in one call.
const lookupRows = 50

// Feed puts the jobs of the batch that have no result on the queue: all of them,
// or the first Ahead. It may be repeated: a task that stands in the queue already
// is left alone.
func (in *Intake) Feed(ctx context.Context, id batch.ID) error {
	b, err := in.Ledger.Get(ctx, id)
	if err != nil {
		return err
	}
	_, err = in.feedFrom(ctx, b, 0)
	return err
}

// feedFrom feeds from a job number on, and returns the one to go on with;
// negative when the end of the batch was reached.
func (in *Intake) feedFrom(ctx context.Context, b batch.Batch, from int) (next int, err error) {
	f, err := newFeeder(in, b)
	if err != nil {
		return from, err
	}
	if next, err = f.run(ctx, from); err != nil {
		return from, fmt.Errorf("put batch %s on the queue (run the same command again to go on): %w", b.ID, err)
	}
	return next, nil
}

// feeder gathers tasks for bulk enqueueing.
type feeder struct {
	in   *Intake
	b    batch.Batch
	read *reader
	// looksUp says that rows are looked up that need not be, within fixed bounds.
	looksUp bool
	mixed   bool // rows can have operations of their own
	pays    bool // and that it pays, as far as is known
	asked   int  // the range of which that was asked last
	tasks   []task
	jobs    int // that the tasks stand for
	lookup  lookupRange
}

// lookupRange is a run of jobs that need ids; those between that need none are skipped by its handler.
type lookupRange struct{ from, to, n, round int }

func newFeeder(in *Intake, b batch.Batch) (*feeder, error) {
	read, err := readerOf(b, in.Version)
	if err != nil {
		return nil, err
	}
	return &feeder{in: in, b: b, read: read, looksUp: read.opts.looksUp(b.Operation), mixed: read.opts.mayMix(b), asked: -1}, nil
}

// readerOf rebuilds the reader of a batch's rows from the ledger.
func readerOf(b batch.Batch, v aftership.Version) (*reader, error) {
	o, err := optionsOf(b)
	if err != nil {
		return nil, err
	}
	return newReader(b.Operation, v, sheet.Mapping{Fields: b.Fields}, o), nil
}

// run feeds the jobs without a result, Ahead of them at most.
func (f *feeder) run(ctx context.Context, from int) (next int, err error) {
	next = -1
	fed := 0
	for todo, err := range f.in.Ledger.Work(ctx, f.b.ID, from) {
		if err != nil {
			return from, err
		}
		if f.in.Ahead > 0 && fed >= f.in.Ahead && (!f.looksUp || !f.fits(todo)) {
			next = todo.Job
			break
		}
		if err := f.one(ctx, todo); err != nil {
			return from, err
		}
		fed++
	}
	if err := f.closeLookup(ctx); err != nil {
		return from, err
	}
	return next, f.flush(ctx)
}

// one feeds a job, or gathers it into a look-up.
func (f *feeder) one(ctx context.Context, todo batch.Todo) error {
	lookup, l, err := f.way(ctx, todo.Job)
	if err != nil {
		return err
	}
	if !lookup {
		return f.add(ctx, jobTask(f.b, l, todo.Job, todo.Round), 1)
	}
	return f.gather(ctx, todo)
}

// gather puts a job into the current look-up, and starts the next one when it is full.
func (f *feeder) gather(ctx context.Context, todo batch.Todo) error {
	l := &f.lookup
	if l.n > 0 && !f.fits(todo) {
		if err := f.closeLookup(ctx); err != nil {
			return err
		}
	}
	if l.n == 0 {
		*l = lookupRange{from: f.firstOf(todo.Job), round: todo.Round}
	}
	l.to, l.n = todo.Job+1, l.n+1
	return nil
}

// fits reports whether a job still belongs into the current look-up.
func (f *feeder) fits(todo batch.Todo) bool {
	l := &f.lookup
	return l.round == todo.Round && l.n < lookupRows && (!f.looksUp || l.from == f.firstOf(todo.Job))
}

// firstOf is the first job of a look-up that begins with the job. Where every row is
// looked up, the bounds are always the same, so that workers that feed the same jobs
// make the same tasks.
func (f *feeder) firstOf(job int) int {
	if f.looksUp {
		return job - job%lookupRows
	}
	return job
}

// way is where a job goes: to a look-up first, or into a lane.
func (f *feeder) way(ctx context.Context, job int) (lookup bool, l lane, err error) {
	op := f.b.Operation
	switch {
	case f.mixed:
	case f.looksUp:
		lookup, err := f.lookupPays(ctx, job/lookupRows)
		return lookup, laneOf(op), err
	case op == batch.Create:
		return false, laneOf(op), nil
	}
	e, err := f.in.Ledger.Entry(ctx, f.b.ID, job)
	if err != nil {
		return false, "", err
	}
	row, err := f.read.read(e.Cells, e.Filled)
	if err != nil {
		return false, laneOf(op), nil // its handler says what is wrong
	}
	if lookup = row.needsLookup(f.in.Version, row.Op); !lookup && f.read.opts.looksUp(row.Op) {
		lookup, err = f.lookupPays(ctx, job/lookupRows)
	}
	return lookup, laneOf(row.Op), err
}

// lookupPays asks once for a range of jobs whether it pays to look it up.
func (f *feeder) lookupPays(ctx context.Context, at int) (bool, error) {
	if f.read.opts.Lookup != LookupAuto {
		return true, nil
	}
	if at != f.asked {
		b, err := f.in.Ledger.Get(ctx, f.b.ID)
		if err != nil {
			return false, err
		}
		f.asked, f.pays = at, f.read.opts.pays(b.Counts)
	}
	return f.pays, nil
}

func (f *feeder) closeLookup(ctx context.Context) error {
	l := f.lookup
	f.lookup = lookupRange{}
	if l.n == 0 {
		return nil
	}
	if f.looksUp {
		l.to = l.from + lookupRows
	}
	return f.add(ctx, lookupTask(f.b, l.from, l.to, l.round), l.n)
}

func jobTask(b batch.Batch, l lane, job, round int) task {
	return task{
		kind:    taskJob,
		queue:   queueName(b.Account, l, b.Priority),
		payload: Payload{V: payloadVersion(b), Account: b.Account, Batch: b.ID, Job: job, Round: round},
	}
}

func lookupTask(b batch.Batch, from, to, round int) task {
	return task{
		kind:    taskLookup,
		queue:   queueName(b.Account, laneLookup, b.Priority),
		payload: Payload{V: payloadVersion(b), Account: b.Account, Batch: b.ID, Job: from, To: to, Round: round},
	}
}

func finishTask(b batch.Batch) task {
	return task{
		kind:    taskFinish,
		queue:   queueName(b.Account, laneFinish, b.Priority),
		payload: Payload{V: payloadVersion(b), Account: b.Account, Batch: b.ID, Round: b.Rounds},
	}
}

// stoppedTask is that of the report of a batch that was stopped for its errors;
// the moment tells several stops apart.
func stoppedTask(b batch.Batch) task {
	return task{
		kind:    taskStopped,
		queue:   queueName(b.Account, laneFinish, b.Priority),
		payload: Payload{V: payloadVersion(b), Account: b.Account, Batch: b.ID, Job: int(b.SpentAt.UnixMilli()), Round: b.Rounds},
	}
}

// add takes a task that stands for so many jobs.
func (f *feeder) add(ctx context.Context, t task, jobs int) error {
	f.tasks, f.jobs = append(f.tasks, t), f.jobs+jobs
	if f.jobs < f.bulk() {
		return nil
	}
	return f.flush(ctx)
}

// bulk is smaller where the queue is bounded, so that the bound is kept.
func (f *feeder) bulk() int {
	if f.in.Window > 0 {
		return min(bulk, max(1, f.in.Window/4))
	}
	return bulk
}

func (f *feeder) flush(ctx context.Context) error {
	if err := f.room(ctx); err != nil {
		return err
	}
	if err := f.in.Queue.putMany(ctx, f.tasks); err != nil {
		return err
	}
	f.tasks, f.jobs = f.tasks[:0], 0
	return nil
}

// room waits until the queues have room for the tasks, where they are bounded.
func (f *feeder) room(ctx context.Context) error {
	if f.in.Window == 0 {
		return nil
	}
	for {
		n, err := f.queued()
		if err != nil || n+f.jobs <= f.in.Window {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(roomPoll):
		}
	}
}

// queued is how many jobs stand in the queues that the batch's can stand in. A
// look-up counts for all of its rows: each can become a task.
func (f *feeder) queued() (int, error) {
	n, err := f.in.Queue.size(f.b.Account, f.read.opts.jobLanes(f.b)...)
	if err != nil || !slices.Contains(f.read.opts.lanes(f.b), laneLookup) {
		return n, err
	}
	lookups, err := f.in.Queue.size(f.b.Account, laneLookup)
	return n + lookups*lookupRows, err
}

// roomPoll is how often a feeder looks whether a bounded queue has room again.
const roomPoll = 50 * time.Millisecond
