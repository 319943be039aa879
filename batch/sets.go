package batch

import "slices"

// Operation is what a batch does with each of its shipments.
type Operation string

const (
	// Create imports shipments: one POST /trackings for each job.
	Create Operation = "create"
	// Update changes shipments that AfterShip knows already.
	Update Operation = "update"
	// Complete marks shipments as completed.
	Complete Operation = "complete"
	// Retrack starts tracking expired shipments again.
	Retrack Operation = "retrack"
	// Delete removes shipments from AfterShip. There is no way back.
	Delete Operation = "delete"
	// Sync brings shipments into step: it creates what is not there, updates what differs and leaves the rest.
	Sync Operation = "sync"
)

// AllOperations lists every operation.
func AllOperations() []Operation { return []Operation{Create, Update, Complete, Retrack, Delete, Sync} }

// Valid says whether o is one of AllOperations.
func (o Operation) Valid() bool { return slices.Contains(AllOperations(), o) }

// State is where a batch stands as a whole.
type State string

const (
	// Receiving: rows are still being written to the ledger. A batch that stays here was left half enqueued:
	// running the same command again goes on with it.
	Receiving State = "receiving"
	// Running: all rows are known and workers carry them out. Nothing to do.
	Running State = "running"
	// Paused: a person held the batch back; nothing is sent until it is resumed.
	Paused State = "paused"
	// Stopped: the program held the batch back (too many errors, or a setting that no row can pass with).
	// The reason says what to mend; resume goes on.
	Stopped State = "stopped"
	// Finished: every job has a result. Read the report.
	Finished State = "finished"
	// Cancelled: a person cancelled the batch. Jobs that were not sent have the outcome cancelled; those in flight are
	// still settled. Retry opens them again.
	Cancelled State = "cancelled"
	// Truncated: every job has a result, but the source broke off before all of its rows were read. The missing rows are
	// not in the ledger: import the source again.
	Truncated State = "truncated"
)

// AllStates lists every state.
func AllStates() []State {
	return []State{Receiving, Running, Paused, Stopped, Finished, Cancelled, Truncated}
}

// Held says whether a batch in this state hands out no work for now.
func (s State) Held() bool { return s == Paused || s == Stopped }

// Outcome is how a job ended.
type Outcome string

const (
	// Pending: the job has no result yet in its current round. Wait, or see why its batch is held.
	Pending Outcome = "pending"
	// Created: AfterShip accepted the shipment and tracks it from now on. Done.
	Created Outcome = "created"
	// Updated: AfterShip stored the change. Done.
	Updated Outcome = "updated"
	// Completed: AfterShip marked the shipment as completed. Done.
	Completed Outcome = "completed"
	// Retracked: AfterShip tracks the expired shipment again. Done.
	Retracked Outcome = "retracked"
	// Deleted: AfterShip removed the shipment. Done.
	Deleted Outcome = "deleted"
	// Already: AfterShip's state was as wanted before our call. Done, nothing changed.
	Already Outcome = "already"
	// Duplicate: an earlier row of the sheet says the same; this one was not sent. It fares as that row does.
	Duplicate Outcome = "duplicate"
	// Skipped: the row was left alone on purpose (a report fed back, --skip, --limit, the policy for retracks). Nothing to do.
	Skipped Outcome = "skipped"
	// Invalid: our own check refused the row; it was never sent. Mend the cell that the message names.
	Invalid Outcome = "invalid"
	// Rejected: AfterShip refused the row for good. Mend what the message says, then import the row again or retry with --rejected.
	Rejected Outcome = "rejected"
	// GaveUp: all attempts were used up by transient failures: the dead letter. Retry it as it is.
	GaveUp Outcome = "gave_up"
	// CancelledJob: the batch was cancelled before this job was sent. Retry it as it is.
	CancelledJob Outcome = "cancelled"
)

// numbered holds the outcomes by their number in the ledger. Append only: the numbers are stored.
var numbered = []Outcome{
	Pending, Created, Updated, Completed, Retracked, Deleted, Already, Duplicate, Skipped, Invalid, Rejected, GaveUp, CancelledJob,
}

// AllOutcomes lists every outcome, pending first.
func AllOutcomes() []Outcome { return slices.Clone(numbered) }

// number returns the outcome's number in the ledger, and false for an unknown outcome.
func (o Outcome) number() (int, bool) {
	n := slices.Index(numbered, o)
	return n, n >= 0
}

// Valid says whether o is one of AllOutcomes.
func (o Outcome) Valid() bool { return slices.Contains(numbered, o) }

// Done says whether AfterShip's state is now as the row wanted it.
func (o Outcome) Done() bool {
	switch o {
	case Created, Updated, Completed, Retracked, Deleted, Already:
		return true
	}
	return false
}

// Failed says whether a person has to look at the row, or to run it again.
func (o Outcome) Failed() bool {
	switch o {
	case Invalid, Rejected, GaveUp, CancelledJob:
		return true
	}
	return false
}

// Priority is how urgent a batch is beside others of its account.
type Priority string

const (
	// Upload is a sheet that a person waits for.
	Upload Priority = "upload"
	// Nightly is a run of the schedule.
	Nightly Priority = "nightly"
	// Background is what may take days.
	Background Priority = "background"
)

// AllPriorities lists every priority, the most urgent first.
func AllPriorities() []Priority { return []Priority{Upload, Nightly, Background} }

// Valid says whether p is one of AllPriorities.
func (p Priority) Valid() bool { return slices.Contains(AllPriorities(), p) }

// Why says why a begin was refused.
type Why string

const (
	// WhyDone: the job has its result in this round already. Nothing is left to do.
	WhyDone Why = "done"
	// WhyCancelled: the batch was cancelled. A job that never began is recorded as cancelled, one that did is settled by evidence.
	WhyCancelled Why = "cancelled"
	// WhyPaused: the batch is held by a person. The job is parked; resume enqueues it again.
	WhyPaused Why = "paused"
	// WhyStopped: the batch is held by the program. The job is parked; resume enqueues it again.
	WhyStopped Why = "stopped"
	// WhyRound: the job runs in another round now. The caller's task is out of date and is dropped.
	WhyRound Why = "round"
)

// AllWhys lists every reason for which a begin is refused.
func AllWhys() []Why { return []Why{WhyDone, WhyCancelled, WhyPaused, WhyStopped, WhyRound} }
