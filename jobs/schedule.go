package jobs

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hibiken/asynq"

	"aftership-bulk/config"
)

// Schedules are run by the workers that have them in their settings, whoever is
// first. A slot (the instant at which a schedule is due, by Redis' clock) becomes
// one task, whose id is made of schedule, slot and attempt, so that any number of
// workers put it on the queue once. Before a run begins its worker takes the
// schedule's lease, and looks at the schedule's record: a slot that was begun, or
// an older one, is not begun again. The record is the truth; the queue may lose a
// task or bring it twice.
//
// A run whose worker dies leaves its record open. Once the lease has run out, the
// next look of any worker enqueues the slot's next attempt.

const (
	// scheduleKept is how long a schedule's record outlives its last run.
	scheduleKept = 400 * 24 * time.Hour
	// slotKept is how long the task of a slot that was run cannot be enqueued
	// again. The record refuses it anyway; this keeps clocks that differ, or a
	// Redis that lost its last second, from asking it in vain.
	slotKept = 6 * time.Hour
	// scheduleTimeout is how long a run may take.
	scheduleTimeout = 7 * 24 * time.Hour
	// mostRunAttempts is how often a run is begun whose worker dies.
	mostRunAttempts = 10
	// runsKept is how many runs of a schedule are remembered.
	runsKept = 20
	// taskSchedule is the type of the tasks of schedules.
	taskSchedule = "aftership:schedule"
	// schedulePayload is the newest version of slotTask that this program knows.
	schedulePayload = 1
	// runVersion is the newest version of ScheduleRun that this program knows.
	runVersion = 1
)

// RunOutcome is how a run of a schedule ended.
type RunOutcome string

// How a run can end; what to do stands in the last lines of its output.
const (
	RunDone        RunOutcome = "done"         // exit code 0
	RunRowsFailed  RunOutcome = "rows_failed"  // 1: some rows need a person; see the reports of its batches
	RunRefused     RunOutcome = "refused"      // 2: the command or its sheet could not be used, nothing was sent
	RunErrorBudget RunOutcome = "error_budget" // 3: stopped by an error budget
	RunUnfinished  RunOutcome = "unfinished"   // 4: it stopped waiting while rows were pending
	RunUnreachable RunOutcome = "unreachable"  // 5: AfterShip or Redis was away, or the key was refused
	RunLocked      RunOutcome = "locked"       // 6: another run held the lock
	RunFailed      RunOutcome = "failed"       // any other code
	RunCrashed     RunOutcome = "crashed"      // its workers died, again and again or until a later slot was due
)

// AllRunOutcomes lists every way in which a run can end.
func AllRunOutcomes() []RunOutcome {
	return []RunOutcome{RunDone, RunRowsFailed, RunRefused, RunErrorBudget, RunUnfinished, RunUnreachable, RunLocked, RunFailed, RunCrashed}
}

// outcomeOfExit is the outcome that an exit code of enqueue means.
func outcomeOfExit(code int) RunOutcome {
	if byCode := AllRunOutcomes(); code >= 0 && code <= 6 {
		return byCode[code]
	}
	return RunFailed
}

// ScheduleRun is one run of a schedule, as it is kept.
type ScheduleRun struct {
	V int `json:"v"`
	// Slot is the instant at which it was due.
	Slot time.Time `json:"slot"`
	// Asked is who asked for the run; empty where the clock did.
	Asked string `json:"asked,omitzero"`
	// Attempt is how often it was begun.
	Attempt int `json:"attempt"`
	// Worker is the process that ran it.
	Worker string `json:"worker"`
	// Started and Ended are when, by Redis' clock. Ended is zero while it is under way.
	Started time.Time `json:"started"`
	Ended   time.Time `json:"ended,omitzero"`
	// Outcome and Exit are how it ended; Exit is the exit code of enqueue.
	Outcome RunOutcome `json:"outcome,omitzero"`
	Exit    int        `json:"exit_code"`
	// Batches are the batches that it made, or went on with.
	Batches []string `json:"batches"`
	// Lines are the last lines of what it said.
	Lines []string `json:"lines"`
}

// crashed is the run as one whose workers died.
func (r ScheduleRun) crashed(now time.Time) ScheduleRun {
	r.Outcome, r.Exit, r.Ended = RunCrashed, -1, now
	return r
}

func (r ScheduleRun) encode() string {
	b, _ := json.Marshal(r) // a struct of strings, numbers and times always encodes
	return string(b)
}

func decodeRun(text string) (ScheduleRun, error) {
	var r ScheduleRun
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		return r, fmt.Errorf("damaged record of a run: %w", err)
	}
	if r.V > runVersion {
		return r, errors.New("the record of a run was written by a newer version of aftership-bulk: update this one")
	}
	return r, nil
}

// slotTask is what a task carries.
type slotTask struct {
	V       int    `json:"v"`
	Account string `json:"a"`
	Name    string `json:"n"`
	Slot    int64  `json:"s"` // Unix time
	Attempt int    `json:"t"`
	Asked   string `json:"w,omitzero"`
}

func (t slotTask) slot() time.Time { return time.Unix(t.Slot, 0).UTC() }

// asynq is the task as asynq takes it.
func (t slotTask) asynq() (*asynq.Task, []asynq.Option) {
	t.V = schedulePayload
	payload, _ := json.Marshal(t) // a struct of strings and numbers always encodes
	return asynq.NewTask(taskSchedule, payload), []asynq.Option{
		asynq.TaskID(fmt.Sprintf("%s/%s:%d:%d", t.Account, t.Name, t.Slot, t.Attempt)),
		asynq.Queue(scheduleQueue(t.Account, t.Name)),
		asynq.MaxRetry(neverArchive),
		asynq.Timeout(scheduleTimeout),
		asynq.Retention(slotKept),
	}
}

func decodeSlot(payload []byte) (slotTask, error) {
	var t slotTask
	if err := json.Unmarshal(payload, &t); err != nil {
		return t, fmt.Errorf("the task's payload is not of this program: %w", err)
	}
	if t.V > schedulePayload {
		return t, errNewerPayload
	}
	return t, nil
}

// scheduleQueue is the queue of one schedule: a worker listens to those of the
// schedules that it knows, so that a change of settings strands no task.
func scheduleQueue(account, name string) string { return account + ":" + name + ":schedule" }

// What a schedule keeps in Redis, under one hash tag:
//
//	aftership:{schedule:<account>/<name>}           slot, attempt, open and run of the last run that was begun, last of the last that ended, and n:<outcome>
//	aftership:{schedule:<account>/<name>}:lease     who runs it now
//	aftership:{schedule:<account>/<name>}:runs      the last runs that ended, newest first
//	aftership:{schedule:<account>/<name>}:since:... since when an expression is known: earlier slots are none
func scheduleKey(s config.Schedule) string {
	return "aftership:{schedule:" + s.Account + "/" + s.Name + "}"
}

func leaseKey(s config.Schedule) string { return scheduleKey(s) + ":lease" }
func runsKey(s config.Schedule) string  { return scheduleKey(s) + ":runs" }

func sinceKey(s config.Schedule) string {
	sum := sha256.Sum256([]byte(s.Spec.Expr() + "|" + s.Spec.Zone()))
	return scheduleKey(s) + fmt.Sprintf(":since:%x", sum[:8])
}

// scheduleLabel names a schedule for logs and errors.
func scheduleLabel(s config.Schedule) string { return strings.Join([]string{s.Account, s.Name}, "/") }
