package jobs

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"aftership-bulk/aftership"
	"aftership-bulk/batch"
)

// PayloadVersion is the newest version of [Payload] that this program knows. A
// worker that meets a higher one hands the task back, for a newer worker to take:
// so a fleet can be upgraded while it runs. It is that of the batch: see
// [batch.Version]. What tasks carry is the same in all of them.
const PayloadVersion = batch.Version

// The versions from which on programs know what a batch can need.
const (
	repairVersion    = 2 // rows that are read otherwise than they stand in the sheet
	operationVersion = 3 // operations beyond create, update, complete and retrack
)

// payloadVersion is the oldest version whose programs can carry out the batch.
func payloadVersion(b batch.Batch) int { return max(1, b.Version) }

// Task types, as asynq knows them.
const (
	taskJob    = "aftership:job"    // one call for one row
	taskLookup = "aftership:lookup" // one listing that finds the ids of up to 50 rows
	taskFinish = "aftership:finish" // the report of a batch whose last job has ended
	// taskStopped is the report of a batch that was stopped for its errors.
	taskStopped = "aftership:stopped"
)

// Payload is what a task carries: the address of a job in the ledger, and
// nothing of the row itself, so that personal data stands in one place only.
type Payload struct {
	V       int    `json:"v"`
	Account string `json:"a"`
	Batch   string `json:"b"`
	Job     int    `json:"j"`
	To      int    `json:"t,omitzero"` // look-ups: the job number after the last
	Try     int    `json:"n,omitzero"` // look-ups: how often it has failed
	Round   int    `json:"r"`
}

// errNewerPayload says that the task was written by a newer program.
var errNewerPayload = errors.New("the task was written by a newer version of aftership-bulk; upgrade this worker")

func (p Payload) encode() []byte {
	b, _ := json.Marshal(p) // a struct of strings and numbers always encodes
	return b
}

func decodePayload(b []byte) (Payload, error) {
	var p Payload
	if err := json.Unmarshal(b, &p); err != nil {
		return p, fmt.Errorf("the task's payload is not of this program: %w", err)
	}
	if p.V > PayloadVersion {
		return p, errNewerPayload
	}
	return p, nil
}

// taskID names a task by what it does, so that the same job can stand in the
// queue only once however often it is enqueued.
func (p Payload) taskID(kind string) string {
	switch kind {
	case taskLookup:
		return fmt.Sprintf("%s:l%d:%d:%d", p.Batch, p.Job, p.Round, p.Try)
	case taskFinish:
		return fmt.Sprintf("%s:finish:%d", p.Batch, p.Round)
	case taskStopped:
		return fmt.Sprintf("%s:stopped:%d", p.Batch, p.Job)
	}
	return fmt.Sprintf("%s:%d:%d", p.Batch, p.Job, p.Round)
}

// lane is the part of a queue's name that says which endpoint its tasks call.
// Queues are named after endpoints rather than classes, because the classes
// change with the API version and a task must not be stranded by an upgrade.
type lane string

const (
	laneLookup      = lane(aftership.EndpointList) // look-ups of ids through the list
	laneFinish lane = "finish"                     // finish tasks, which call nothing
)

// laneOf is the lane of an operation's jobs. Those of a sync stand in that of what
// was decided for them.
func laneOf(op batch.Operation) lane { return lane(endpointOf(op)) }

// lanes lists every lane in which tasks of an account can stand.
func lanes() []lane {
	all := []lane{laneLookup, laneFinish}
	for _, op := range batch.AllOperations() {
		if l := laneOf(op); !slices.Contains(all, l) {
			all = append(all, l)
		}
	}
	return all
}

// endpointOf is the endpoint that an operation's jobs call; of a sync, the one
// that takes the most of its columns.
func endpointOf(op batch.Operation) aftership.Endpoint {
	switch op {
	case batch.Update:
		return aftership.EndpointUpdate
	case batch.Complete:
		return aftership.EndpointComplete
	case batch.Retrack:
		return aftership.EndpointRetrack
	case batch.Delete:
		return aftership.EndpointDelete
	}
	return aftership.EndpointCreate
}

// queueName is the asynq queue of an account, lane and priority.
func queueName(account string, l lane, p batch.Priority) string {
	return strings.Join([]string{account, string(l), string(p)}, "-")
}
