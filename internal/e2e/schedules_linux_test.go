package e2e

import (
	"encoding/binary"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"aftership-bulk/aftership/sandbox"
	"aftership-bulk/config"
	"aftership-bulk/internal/redistest"
	"aftership-bulk/jobs"
)

// week is a week of schedules.
type week struct {
	t         *testing.T
	dir       string
	clock     *os.File
	env       []string
	api       *sandbox.Sandbox
	schedules *jobs.Schedules
	all       []config.Schedule
	workers   []*exec.Cmd
	started   int
	nights    int
}

// weekSettings are the schedules: an import over the night of which each takes
// some seconds, and a list twice a day.
const weekSettings = `
schedules:
  - name: nightly
    cron: 30 2 * * *
    zone: Europe/Berlin
    command: [create, --wait, --quiet, night.csv]
  - name: list
    cron: 0 */12 * * *
    command: [export, --tag, Exception, -o, exceptions.csv]
`

func newWeek(t *testing.T) *week {
	w := &week{t: t, dir: t.TempDir(), api: sandbox.New(sandbox.Options{})}
	clock, err := os.Create(filepath.Join(w.dir, "shift"))
	w.check(err)
	w.clock = clock
	t.Cleanup(func() { _ = clock.Close() })
	w.set(time.Now())
	library := filepath.Join(w.dir, "clock.so")
	w.check(redistest.Shifted.Build(library)) // what is due is said by Redis' clock
	server := redistest.Server(t, redistest.Env("LD_PRELOAD="+library, "CLOCK_SHIFT="+clock.Name()))
	rdb := server.Client()
	t.Cleanup(func() { _ = rdb.Close() })
	w.schedules = jobs.NewSchedules(rdb, jobs.NewQueue(rdb))
	api := httptest.NewServer(w.api)
	t.Cleanup(api.Close)
	settings := filepath.Join(w.dir, "settings.yml")
	w.check(os.WriteFile(settings, []byte(weekSettings), 0o600))
	w.env = []string{"GORACE=" + gorace, "HOME=" + w.dir, "AFTERSHIP_BULK_CONFIG=" + settings, "REDIS_URL=" + server.URL(),
		"AFTERSHIP_BASE_URL=" + api.URL, "AFTERSHIP_API_KEY=" + sandbox.DefaultKey, "REPORT_DIR=" + filepath.Join(w.dir, "reports")}
	cfg, err := config.Load(config.Input{Env: w.env})
	w.check(err)
	w.all = cfg.Schedules
	return w
}

func (w *week) check(err error) {
	if err != nil {
		w.t.Helper()
		w.t.Fatal(err)
	}
}

// set moves Redis' clock.
func (w *week) set(to time.Time) {
	w.t.Helper()
	shift := int64(max(0, time.Until(to).Round(time.Second)/time.Second))
	_, err := w.clock.WriteAt(binary.NativeEndian.AppendUint64(nil, uint64(shift)), 0)
	w.check(err)
}

// start starts a worker.
func (w *week) start() {
	w.t.Helper()
	w.started++
	log, err := os.Create(filepath.Join(w.dir, fmt.Sprintf("worker-%d.log", w.started)))
	w.check(err)
	defer log.Close()
	cmd := exec.Command(filepath.Join(bin, "worker"))
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = w.dir, w.env, log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	w.check(cmd.Start())
	w.workers = append(w.workers, cmd)
	w.t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()
	})
}

// end ends all workers as a restart of the machine does.
func (w *week) end() {
	w.t.Helper()
	for _, cmd := range w.workers {
		w.check(cmd.Process.Signal(syscall.SIGTERM))
	}
	for _, cmd := range w.workers {
		w.check(cmd.Wait())
	}
	w.workers = nil
}

// kill kills the worker that has a run in hand.
func (w *week) kill(run jobs.ScheduleRun) {
	w.t.Helper()
	_, id, _ := strings.Cut(run.Worker, ":")
	i := slices.IndexFunc(w.workers, func(c *exec.Cmd) bool { return strconv.Itoa(c.Process.Pid) == id })
	if i < 0 {
		w.t.Fatalf("the run is in the hands of %s, which is no worker here", run.Worker)
	}
	w.check(w.workers[i].Process.Kill())
	_ = w.workers[i].Wait() // it was killed
	w.workers = slices.Delete(w.workers, i, i+1)
}

const (
	nightRows   = 6
	weekPatient = 4 * time.Minute
)

// night puts the sheet of the coming night in place.
func (w *week) night() {
	w.t.Helper()
	text := []byte("tracking_number,slug\n")
	for i := range nightRows {
		text = fmt.Appendf(text, "1Z999AA1%05d%05d,ups\n", w.nights, i)
	}
	w.nights++
	w.check(os.WriteFile(filepath.Join(w.dir, "night.csv"), text, 0o600))
}

// until waits until a schedule's state is as it should be.
func (w *week) until(what, name string, cond func(jobs.ScheduleState) bool) jobs.ScheduleState {
	w.t.Helper()
	for end := time.Now().Add(weekPatient); ; time.Sleep(50 * time.Millisecond) {
		states, err := w.schedules.States(w.t.Context(), w.all)
		w.check(err)
		i := slices.IndexFunc(states, func(s jobs.ScheduleState) bool { return s.Schedule.Name == name })
		if cond(states[i]) {
			return states[i]
		}
		if time.Now().After(end) {
			logs, _ := filepath.Glob(filepath.Join(w.dir, "*.log"))
			for _, log := range logs {
				text, _ := os.ReadFile(log)
				w.t.Logf("%s: %s", log, text[max(0, len(text)-3000):])
			}
			w.t.Fatalf("%s: %s is not so after %s: %+v", name, what, weekPatient, states[i])
		}
	}
}

// run goes to a slot and waits until it was run.
func (w *week) run(name string, slot time.Time) {
	w.t.Helper()
	w.set(slot.Add(time.Second))
	w.until("the run of "+slot.Format(time.RFC3339), name, func(s jobs.ScheduleState) bool {
		return s.Running == nil && s.Last != nil && !s.Last.Slot.Before(slot)
	})
}

// next is the schedule that is due first after a moment, and when.
func (w *week) next(after time.Time) (name string, slot time.Time) {
	for _, s := range w.all {
		if at := s.Spec.Next(after); slot.IsZero() || at.Before(slot) {
			name, slot = s.Name, at
		}
	}
	return name, slot
}

// autumn is the noon three days before the next change from summer time in Berlin
// that is far enough away for Redis' clock to be ahead of everybody's.
func autumn(t *testing.T) time.Time {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	_, end := time.Now().Add(10 * 24 * time.Hour).In(berlin).ZoneBounds()
	if _, offset := end.In(berlin).Zone(); offset != 3600 {
		_, end = end.In(berlin).ZoneBounds()
	}
	return end.Add(-72 * time.Hour).Truncate(24 * time.Hour).Add(12*time.Hour + 7*time.Minute)
}

// A week with three workers, over the end of summer time: each slot is run once.
// One worker is killed in the middle of a run, which another one takes up, and no
// worker is there for two nights, of which the last slots are made up for.
func TestWeekOfSchedules(t *testing.T) {
	t.Parallel()
	w := newWeek(t)
	now := autumn(t)
	end := now.Add(7 * 24 * time.Hour)
	w.set(now)
	for range 3 {
		w.start()
	}
	for _, s := range w.all {
		w.until("it is known", s.Name, func(s jobs.ScheduleState) bool { return s.Next.Before(now.Add(24*time.Hour)) && w.served(s.Schedule) })
	}
	var want []string
	for n := 0; ; {
		name, slot := w.next(now)
		if slot.After(end) {
			break
		}
		if now = slot; name == "nightly" {
			w.night()
			n++
		}
		want = append(want, name+" "+slot.Format(time.RFC3339))
		switch {
		case name == "nightly" && n == 2:
			w.runKilled(slot)
		case name == "nightly" && n == 4:
			w.run(name, slot)
			now = w.away(now, now.Add(50*time.Hour), &want)
		default:
			w.run(name, slot)
		}
	}
	w.end()
	w.judge(want)
}

func (w *week) served(s config.Schedule) bool {
	served, err := w.schedules.Served(s)
	w.check(err)
	return served
}

// runKilled kills the worker in the middle of a night's run; another one starts.
func (w *week) runKilled(slot time.Time) {
	w.t.Helper()
	_, err := w.api.Fault(sandbox.Fault{Kind: sandbox.FaultStatus}) // so that the run lasts
	w.check(err)
	w.set(slot.Add(time.Second))
	state := w.until("it is under way", "nightly", func(s jobs.ScheduleState) bool { return s.Running != nil })
	w.kill(*state.Running)
	w.api.ClearFaults()
	w.start()
	w.set(slot.Add(time.Minute)) // past the dead worker's lease
	state = w.until("it was taken up", "nightly", func(s jobs.ScheduleState) bool { return s.Running == nil && s.Last != nil && s.Last.Slot.Equal(slot) })
	if state.Last.Attempt < 2 || state.Last.Outcome != jobs.RunDone {
		w.t.Errorf("the run that was taken up: %+v", state.Last)
	}
}

// away has no worker there for a while: the last slot of each schedule is run on return.
func (w *week) away(from, to time.Time, want *[]string) time.Time {
	w.t.Helper()
	w.end()
	w.night()
	w.set(to)
	for range 3 {
		w.start()
	}
	for _, s := range w.all {
		last := s.Spec.Latest(from, to)
		*want = append(*want, s.Name+" "+last.Format(time.RFC3339))
		w.until("the missed slot", s.Name, func(s jobs.ScheduleState) bool { return s.Running == nil && s.Last.Slot.Equal(last) })
	}
	return to
}

var beginning = regexp.MustCompile(`msg="schedule begins" schedule=(\S+) slot=(\S+) attempt=(\d+)`)

// judge compares what the workers' logs, the records and AfterShip have.
func (w *week) judge(want []string) {
	w.t.Helper()
	begun := map[string]int{}
	logs, err := filepath.Glob(filepath.Join(w.dir, "worker-*.log"))
	w.check(err)
	for _, log := range logs {
		text, err := os.ReadFile(log)
		w.check(err)
		for _, found := range beginning.FindAllStringSubmatch(string(text), -1) {
			begun[found[1]+" "+found[2]+" "+found[3]]++
		}
	}
	first := 0
	for _, slot := range want {
		first += begun[slot+" 1"]
		if begun[slot+" 1"] != 1 {
			w.t.Errorf("%s was begun %d times", slot, begun[slot+" 1"])
		}
	}
	again := 0
	for key, n := range begun {
		if !strings.HasSuffix(key, " 1") {
			again += n
		}
	}
	if len(begun) != len(want)+again || again != 1 {
		w.t.Errorf("%d slots, of which %d were begun: %v", len(want), len(begun), begun)
	}
	w.judgeCalls()
	w.t.Logf("%d slots with up to 3 workers, %d runs begun, %d of them taken up", len(want), first+again, again)
}

// judgeCalls looks whether each row of each night was imported once.
func (w *week) judgeCalls() {
	w.t.Helper()
	created := map[string]int{}
	for _, c := range w.api.Calls() {
		if c.Method == http.MethodPost && c.Changed {
			created[c.Number]++
		}
	}
	for number, n := range created {
		if n != 1 {
			w.t.Errorf("%s was created %d times", number, n)
		}
	}
	if len(created) != w.nights*nightRows {
		w.t.Errorf("%d rows were imported of %d", len(created), w.nights*nightRows)
	}
	states, err := w.schedules.States(w.t.Context(), w.all)
	w.check(err)
	for _, s := range states {
		for outcome, n := range s.Runs {
			if outcome != jobs.RunDone && n > 0 {
				w.t.Errorf("%s: %d runs ended as %s: %v", s.Schedule.Name, n, outcome, s.Last.Lines)
			}
		}
	}
}
