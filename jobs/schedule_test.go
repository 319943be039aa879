package jobs

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"aftership-bulk/config"
	"aftership-bulk/internal/redistest"
	"aftership-bulk/slots"
)

// day is a clock that a test moves, and what was run by it.
type day struct {
	t    *testing.T
	rdb  redis.UniversalClient
	mu   sync.Mutex
	now  time.Time
	runs []string       // schedule and slot, as they began
	busy map[string]int // runs of a schedule that are under way
	most int            // at once
	// run is what the commands do. Defaults to nothing, well.
	run func(ctx context.Context, s config.Schedule, slot time.Time) RunResult
}

func (d *day) clock(skew time.Duration) func(context.Context) (time.Time, error) {
	return func(context.Context) (time.Time, error) {
		d.mu.Lock()
		defer d.mu.Unlock()
		return d.now.Add(skew), nil
	}
}

func (d *day) set(to time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.now = to
}

func runName(s string, slot time.Time) string { return s + " " + slot.UTC().Format("0102T1504Z") }

// work is the Run of all schedulers.
func (d *day) work(ctx context.Context, s config.Schedule, slot time.Time) RunResult {
	d.mu.Lock()
	d.runs = append(d.runs, runName(s.Name, slot))
	d.busy[s.Name]++
	d.most = max(d.most, d.busy[s.Name])
	d.mu.Unlock()
	defer func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.busy[s.Name]--
	}()
	if d.run == nil {
		return RunResult{Batches: []string{"b-" + s.Name}, Lines: []string{"well done"}}
	}
	return d.run(ctx, s, slot)
}

func (d *day) began() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.runs)
}

// scheduler is one that takes tasks, and looks at the clock when it is told to.
func (d *day) scheduler(who string, skew time.Duration, all ...config.Schedule) *Scheduler {
	d.t.Helper()
	s := NewScheduler(d.rdb, d.rdb, NewQueue(d.rdb), SchedulerOptions{
		Schedules: all, Run: d.work, Who: who, Poll: 5 * time.Millisecond, ShutdownTime: time.Second, Log: slog.New(slog.DiscardHandler),
		lease: 2 * time.Second, now: d.clock(skew),
	})
	s.ctx, s.stop = context.WithCancel(d.t.Context())
	if err := s.forgetDisabled(s.ctx); err != nil {
		d.t.Fatal(err)
	}
	if err := s.server.Start(s); err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(s.Shutdown)
	return s
}

func (d *day) look(all ...*Scheduler) {
	d.t.Helper()
	for _, i := range rand.Perm(len(all)) {
		if err := all[i].due(d.t.Context()); err != nil {
			d.t.Fatal(err)
		}
	}
}

// state waits until a schedule's state is as it should be.
func (d *day) state(what string, s *Scheduler, cond func(ScheduleState) bool) ScheduleState {
	d.t.Helper()
	for end := time.Now().Add(2 * time.Minute); ; time.Sleep(5 * time.Millisecond) {
		states, err := s.ScheduleStates(d.t.Context())
		if err != nil {
			d.t.Fatal(err)
		}
		if cond(states[0]) {
			return states[0]
		}
		if time.Now().After(end) {
			d.t.Fatalf("%s: not so: %+v, runs %v", what, states[0], d.began())
		}
	}
}

func newDay(t *testing.T, rdb redis.UniversalClient, now string) *day {
	return &day{t: t, rdb: rdb, now: instant(t, now), busy: map[string]int{}}
}

func instant(t *testing.T, text string) time.Time {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func schedule(t *testing.T, name, expr, zone string) config.Schedule {
	spec, err := slots.Parse(expr, zone)
	if err != nil {
		t.Fatal(err)
	}
	return config.Schedule{Name: name, Account: "default", Spec: spec, Enabled: true, Command: []string{"retrack-expired"}}
}

// slotsOf are the names of a schedule's slots after one moment and not after another.
func slotsOf(s config.Schedule, after, until time.Time) (names []string) {
	for at := s.Spec.Next(after); !at.After(until); at = s.Spec.Next(at) {
		names = append(names, runName(s.Name, at))
	}
	return names
}

// A week with three workers whose clocks differ, over a change of summer time,
// with all of them away for two nights: each slot is run once, of those that were
// missed the last one.
func TestWeekOfSchedules(t *testing.T) {
	t.Parallel()
	d := newDay(t, redistest.Client(t), "2026-10-22T12:07:00Z")
	all := []config.Schedule{
		schedule(t, "nightly", "30 2 * * *", "Europe/Berlin"),
		schedule(t, "retrack", "0 */6 * * *", ""),
		schedule(t, "office", "15 8-18/2 * * 1-5", "America/New_York"),
	}
	start, end := d.now, d.now.Add(7*24*time.Hour)
	away, back := start.Add(4*24*time.Hour), start.Add(6*24*time.Hour)
	var want []string
	for _, s := range all {
		want = append(want, slotsOf(s, start, away)...)
		missed := slotsOf(s, away, back)
		want = append(want, missed[len(missed)-1])
		want = append(want, slotsOf(s, back, end)...)
	}
	workers := []*Scheduler{d.scheduler("w1", -40*time.Second, all...), d.scheduler("w2", 0, all...), d.scheduler("w3", 55*time.Second, all...)}
	d.look(workers...)
	for now := start; now.Before(end); {
		before := now
		now = minTime(now.Add(time.Minute+rand.N(50*time.Minute)), end)
		switch {
		case before.Before(away) && now.After(away):
			now = away
		case now.After(away) && now.Before(back):
			now = back
		}
		d.set(now)
		d.look(workers...)
		for _, s := range all {
			due := s.Spec.Latest(start, now)
			d.reach(s, due, workers...)
		}
	}
	got := d.began()
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	if d.most != 1 {
		t.Errorf("%d runs of one schedule were under way at once", d.most)
	}
	d.judgeWeek(workers[0], want)
}

func minTime(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// reach waits until a slot was run. The schedulers look again meanwhile, as they
// do by themselves: a run that is just being recorded keeps the next one out.
func (d *day) reach(s config.Schedule, slot time.Time, workers ...*Scheduler) {
	d.t.Helper()
	if slot.IsZero() {
		return
	}
	for end := time.Now().Add(2 * time.Minute); ; time.Sleep(5 * time.Millisecond) {
		d.mu.Lock()
		there, busy := slices.Contains(d.runs, runName(s.Name, slot)), d.busy[s.Name]
		d.mu.Unlock()
		if there && busy == 0 {
			return
		}
		d.look(workers...)
		if time.Now().After(end) {
			d.t.Fatalf("%s was not run", runName(s.Name, slot))
		}
	}
}

func (d *day) judgeWeek(s *Scheduler, want []string) {
	d.t.Helper()
	states, err := s.ScheduleStates(d.t.Context())
	if err != nil {
		d.t.Fatal(err)
	}
	for _, state := range states {
		name, n := state.Schedule.Name, 0
		for _, w := range want {
			if strings.HasPrefix(w, name+" ") {
				n++
			}
		}
		d.state(name+" is recorded", s, func(ScheduleState) bool {
			now, err := s.ScheduleStates(d.t.Context())
			i := slices.IndexFunc(now, func(one ScheduleState) bool { return one.Schedule.Name == name })
			return err == nil && now[i].Runs[RunDone] == n && now[i].Running == nil
		})
		runs, err := s.Runs(d.t.Context(), state.Schedule)
		if err != nil || len(runs) != min(n, runsKept) {
			d.t.Errorf("%s: %d runs are kept of %d: %v", name, len(runs), n, err)
		}
	}
}

// What was before a schedule was known is none of its slots; of what was missed
// since, the last one is run, once.
func TestMissedSlots(t *testing.T) {
	t.Parallel()
	redistest.Both(t, func(t *testing.T, rdb redis.UniversalClient) {
		d := newDay(t, rdb, "2026-03-02T12:00:00Z")
		nightly := schedule(t, "nightly", "0 2 * * *", "")
		w := d.scheduler("w", 0, nightly)
		d.look(w)
		d.look(w)
		if got := d.began(); len(got) > 0 {
			t.Fatalf("it began with %v", got)
		}
		w.Shutdown()
		d.set(instant(t, "2026-03-06T09:00:00Z"))
		w = d.scheduler("w", 0, nightly)
		next := d.state("it is due", w, func(ScheduleState) bool { return true }).Next
		if next.Format(time.RFC3339) != "2026-03-03T02:00:00Z" {
			t.Errorf("the next slot was %s", next)
		}
		d.look(w)
		state := d.state("it ran", w, func(s ScheduleState) bool { return s.Last != nil })
		d.look(w)
		if got := d.began(); !slices.Equal(got, []string{"nightly 0306T0200Z"}) {
			t.Errorf("%v", got)
		}
		last := *state.Last
		if last.Outcome != RunDone || last.Exit != 0 || last.Worker != "w" || last.Attempt != 1 || !slices.Equal(last.Batches, []string{"b-nightly"}) ||
			!slices.Equal(last.Lines, []string{"well done"}) || last.Started.Sub(last.Slot) != 7*time.Hour || state.Next.Format(time.RFC3339) != "2026-03-07T02:00:00Z" {
			t.Errorf("%+v", state)
		}
	})
}

// A new expression has no slots before it was known; one that was switched off
// has missed nothing.
func TestChangedSchedules(t *testing.T) {
	t.Parallel()
	d := newDay(t, redistest.Mini(t), "2026-03-02T12:00:00Z")
	d.look(d.scheduler("w", 0, schedule(t, "n", "0 2 * * *", "")))
	d.set(instant(t, "2026-03-03T01:00:00Z"))
	off := schedule(t, "n", "0 2 * * *", "")
	off.Enabled = false
	idle := d.scheduler("off", 0, off)
	d.look(idle)
	if s := d.state("off", idle, func(ScheduleState) bool { return true }); !s.Next.IsZero() {
		t.Errorf("a schedule that is off is due at %s", s.Next)
	}
	d.set(instant(t, "2026-03-03T08:00:00Z"))
	on, changed := d.scheduler("on", 0, schedule(t, "n", "0 2 * * *", "")), d.scheduler("changed", 0, schedule(t, "n", "0 7 * * *", ""))
	d.look(on, changed)
	d.look(on, changed)
	d.set(instant(t, "2026-03-04T01:00:00Z"))
	d.look(on, changed)
	d.set(instant(t, "2026-03-04T07:00:00Z"))
	d.look(changed)
	d.state("the new one ran", changed, func(s ScheduleState) bool { return s.Last != nil })
	if got := d.began(); !slices.Equal(got, []string{"n 0304T0700Z"}) {
		t.Errorf("%v", got)
	}
}

// While a run is under way no other one of the schedule begins; what was missed
// meanwhile is run once when it has ended.
func TestRunsDoNotOverlap(t *testing.T) {
	t.Parallel()
	d := newDay(t, redistest.Client(t), "2026-03-02T12:00:00Z")
	release := make(chan struct{})
	d.run = func(ctx context.Context, _ config.Schedule, _ time.Time) RunResult {
		select {
		case <-release:
		case <-ctx.Done():
		}
		return RunResult{Exit: 1}
	}
	often := schedule(t, "often", "*/5 * * * *", "")
	w1, w2 := d.scheduler("w1", 0, often), d.scheduler("w2", 0, often)
	d.look(w1, w2)
	for _, minute := range []int{5, 10, 15, 20} {
		d.set(instant(t, fmt.Sprintf("2026-03-02T12:%02d:01Z", minute)))
		d.look(w1, w2)
		d.state("one is under way", w1, func(s ScheduleState) bool { return s.Running != nil })
	}
	if _, err := w1.Ask(t.Context(), often, "ann"); err != nil { // waits as well
		t.Fatal(err)
	}
	close(release)
	d.state("it ended", w1, func(s ScheduleState) bool { return s.Runs[RunRowsFailed] > 0 })
	d.look(w1, w2)
	d.state("the others ended", w1, func(s ScheduleState) bool { d.look(w1); return s.Runs[RunRowsFailed] >= 2 && s.Running == nil })
	got := d.began()
	if got[0] != "often 0302T1205Z" || got[1] != "often 0302T1220Z" || d.most != 1 {
		t.Errorf("%v, %d at once", got, d.most)
	}
}

// A worker that stands still loses its run to another one: the slot is run again,
// the first run is told to end, and the second one is recorded.
func TestDeadWorker(t *testing.T) {
	t.Parallel()
	redistest.Both(t, func(t *testing.T, rdb redis.UniversalClient) {
		d := newDay(t, rdb, "2026-03-02T12:00:00Z")
		first, ended := make(chan struct{}), make(chan struct{})
		var once sync.Once
		d.run = func(ctx context.Context, _ config.Schedule, _ time.Time) (r RunResult) {
			once.Do(func() {
				close(first)
				<-ctx.Done() // it learns that its lease was lost
				close(ended)
				r.Exit = 130
			})
			return r
		}
		hourly := schedule(t, "hourly", "0 * * * *", "")
		w1, w2 := d.scheduler("w1", 0, hourly), d.scheduler("w2", 0, hourly)
		d.look(w1, w2)
		d.set(instant(t, "2026-03-02T13:00:00Z"))
		d.look(w1, w2)
		<-first
		if err := rdb.Set(t.Context(), leaseKey(hourly), "of another", time.Hour).Err(); err != nil {
			t.Fatal(err)
		}
		<-ended
		if err := rdb.Del(t.Context(), leaseKey(hourly)).Err(); err != nil {
			t.Fatal(err)
		}
		dead := d.state("it is dead", w1, func(s ScheduleState) bool { return s.Dead })
		if dead.Running == nil || dead.Running.Attempt != 1 {
			t.Errorf("%+v", dead.Running)
		}
		state := d.state("it was taken up", w2, func(s ScheduleState) bool { d.look(w1, w2); return s.Last != nil })
		if state.Last.Attempt != 2 || state.Last.Outcome != RunDone || state.Runs[RunDone] != 1 || d.most > 2 {
			t.Errorf("%+v, %+v", state, state.Last)
		}
	})
}

// A shutdown interrupts the command, and the next worker runs the slot again.
func TestInterruptedRun(t *testing.T) {
	t.Parallel()
	d := newDay(t, redistest.Client(t), "2026-03-02T12:00:00Z")
	began := make(chan struct{}, 10)
	d.run = func(ctx context.Context, _ config.Schedule, _ time.Time) RunResult {
		began <- struct{}{}
		if len(d.began()) == 1 {
			<-ctx.Done()
			return RunResult{Exit: 130}
		}
		return RunResult{Exit: 6}
	}
	hourly := schedule(t, "hourly", "0 * * * *", "")
	w1 := d.scheduler("w1", 0, hourly)
	d.look(w1)
	slot, err := w1.Ask(t.Context(), hourly, "ann")
	if err != nil {
		t.Fatal(err)
	}
	<-began
	w1.Shutdown()
	w2 := d.scheduler("w2", 0, hourly)
	state := d.state("it was taken up", w2, func(s ScheduleState) bool { d.look(w2); return s.Last != nil })
	if l := state.Last; l.Asked != "ann" || !l.Slot.Equal(slot) || l.Attempt != 2 || l.Worker != "w2" || l.Outcome != RunLocked || len(d.began()) != 2 {
		t.Errorf("%+v", state.Last)
	}
}

// A run whose workers die again and again is given up, and so is one that is
// open when a later slot is due.
func TestGivenUpRuns(t *testing.T) {
	t.Parallel()
	d := newDay(t, redistest.Client(t), "2026-03-02T12:00:00Z")
	hourly := schedule(t, "hourly", "0 * * * *", "")
	w := d.scheduler("w", 0, hourly)
	open := func(slot string, attempt int) {
		at := instant(t, slot)
		run := ScheduleRun{V: runVersion, Slot: at, Attempt: attempt, Worker: "dead", Started: at}
		if err := d.rdb.HSet(t.Context(), scheduleKey(hourly), "slot", at.Unix(), "attempt", attempt, "open", 1, "run", run.encode()).Err(); err != nil {
			t.Fatal(err)
		}
	}
	open("2026-03-02T11:00:00Z", mostRunAttempts)
	d.look(w)
	state := d.state("it was given up", w, func(s ScheduleState) bool { return s.Runs[RunCrashed] == 1 })
	if len(d.began()) > 0 || state.Last.Exit != -1 || state.Running != nil {
		t.Errorf("%+v %v", state, d.began())
	}
	open("2026-03-02T12:00:00Z", 1)
	if err := w.put(t.Context(), slotTask{Account: "default", Name: "hourly", Slot: instant(t, "2026-03-02T13:00:00Z").Unix(), Attempt: 1}); err != nil {
		t.Fatal(err)
	}
	state = d.state("the later one ran", w, func(s ScheduleState) bool { return s.Runs[RunDone] == 1 })
	if state.Runs[RunCrashed] != 2 || state.Last.Outcome != RunDone {
		t.Errorf("%+v", state)
	}
	runs, err := w.Runs(t.Context(), hourly)
	if err != nil || len(runs) != 3 || runs[1].Outcome != RunCrashed || runs[1].Worker != "dead" {
		t.Errorf("%+v %v", runs, err)
	}
}

// A panic of a command is a failure of its run.
func TestPanickingRun(t *testing.T) {
	t.Parallel()
	d := newDay(t, redistest.Mini(t), "2026-03-02T12:00:00Z")
	d.run = func(context.Context, config.Schedule, time.Time) RunResult { panic("oh") }
	s := schedule(t, "n", "0 2 * * *", "")
	w := d.scheduler("w", 0, s)
	if _, err := w.Ask(t.Context(), s, ""); err != nil {
		t.Fatal(err)
	}
	state := d.state("it failed", w, func(s ScheduleState) bool { return s.Last != nil })
	if l := state.Last; l.Outcome != RunFailed || !slices.Equal(l.Lines, []string{"internal error: oh"}) || l.Asked != "somebody" {
		t.Errorf("%+v", l)
	}
	if served, err := w.Served(s); err != nil || !served {
		t.Errorf("served: %v, %v", served, err)
	}
	other := schedule(t, "other", "0 2 * * *", "")
	if served, err := w.Served(other); err != nil || served {
		t.Errorf("served: %v, %v", served, err)
	}
}

func TestOutcomeOfExit(t *testing.T) {
	for code, want := range map[int]RunOutcome{0: RunDone, 1: RunRowsFailed, 2: RunRefused, 3: RunErrorBudget, 4: RunUnfinished, 5: RunUnreachable, 6: RunLocked, 7: RunFailed, 130: RunFailed, -1: RunFailed} {
		if got := outcomeOfExit(code); got != want || !slices.Contains(AllRunOutcomes(), got) {
			t.Errorf("%d is %s", code, got)
		}
	}
}

// What a newer program wrote is left to newer programs.
func TestNewerScheduleData(t *testing.T) {
	if _, err := decodeSlot([]byte(`{"v":2}`)); err == nil {
		t.Error("a newer task was read")
	}
	if _, err := decodeRun(`{"v":2}`); err == nil {
		t.Error("a newer run was read")
	}
	if _, err := decodeRun("{"); err == nil {
		t.Error("half a run was read")
	}
}
