package jobs

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"aftership-bulk/aftership"
	"aftership-bulk/batch"
)

// Kind is what a verdict tells the handler to do.
type Kind string

// The kinds of verdict.
const (
	// Done: the job has its outcome. It is recorded, and the task ends.
	Done Kind = "done"
	// Refused: AfterShip will never accept this row as it is. It is recorded as
	// rejected, with a hint for the person who mends it.
	Refused Kind = "refused"
	// Wait: AfterShip asked us to slow down. Nothing is counted; the job waits
	// for its next slot.
	Wait Kind = "wait"
	// Known: AfterShip has the shipment that was to be created, and the row wants it
	// changed. The begin is taken back, and the tracking is read and compared.
	Known Kind = "known"
	// Retry: the call failed for a reason that passes. An attempt is counted and
	// the task comes back after its back-off.
	Retry Kind = "retry"
	// GiveUp: the attempts are used up. The job becomes a dead letter, which
	// `enqueue retry` can run again.
	GiveUp Kind = "give_up"
	// Stop: no further call makes sense until a person acts. Nothing is counted,
	// the row stays pending, and Scope says what stands still.
	Stop Kind = "stop"
)

// Kinds lists every kind of verdict.
func Kinds() []Kind { return []Kind{Done, Refused, Wait, Known, Retry, GiveUp, Stop} }

// Scope is what a Stop verdict stops.
type Scope string

// The scopes of a stop.
const (
	// StopAccount: the key was refused or the quota is used up. Every call of the
	// account would fail; `enqueue resume --account` lifts it.
	StopAccount Scope = "account"
	// StopClass: one endpoint is refused, for example by the plan. Other
	// operations go on; `enqueue resume --account` lifts it.
	StopClass Scope = "class"
	// StopRun: the batch speaks the API wrongly (version, wrapping). Other batches
	// go on; `enqueue resume BATCH` lifts it.
	StopRun Scope = "run"
)

// Answer is what came of a call, with what is needed to judge it.
type Answer struct {
	Operation   batch.Operation
	OnExists    OnExists  // of a create: what becomes of the row if AfterShip has the shipment; empty is skip
	Attempt     int       // which counted attempt this was, from 1
	MaxAttempts int       // from the settings
	Ambiguous   bool      // an earlier call of this job may have reached AfterShip
	BatchBegan  time.Time // when the batch began; tells our own earlier create from an older tracking
	Reply       aftership.Reply
	Err         error
}

// Verdict is what an answer means for its job.
type Verdict struct {
	Kind      Kind
	Outcome   batch.Outcome
	Scope     Scope // of a Stop
	Code      int
	Message   string
	Hint      string
	ID, Slug  string
	TraceID   string // AfterShip's name of the exchange, for its support
	Ambiguous bool   // the outcome was settled by evidence, not by a plain reply
	// Reached says whether the call may have had its effect at AfterShip although
	// no success was read. Where it surely had none, the begin is taken back.
	Reached bool
}

// rule is what a code means, whatever the operation.
type rule struct {
	kind  Kind
	scope Scope
	hint  string
}

// rules judges every code of AfterShip's error table. What differs by operation
// stands in special. A code that stands in neither is judged by its HTTP status.
var rules = map[int]rule{
	400:  {Refused, "", "AfterShip could not read the row; look at the values of unusual columns"},
	4001: {Stop, StopRun, "AfterShip could not read our JSON: check AFTERSHIP_API_VERSION, and report this as a bug"},
	4002: {Stop, StopRun, "AfterShip could not read our JSON: check AFTERSHIP_API_VERSION, and report this as a bug"},
	4003: {Refused, "", "another tracking has this tracking number or id"},
	4004: {Refused, "", "no such tracking in this account: check the id, or the tracking number and slug, or create it first"},
	4005: {Refused, "", "mend the tracking number: 4 to 100 characters of A-Z 0-9 - . _ /"},
	4006: {Stop, StopRun, "the body was wrapped for another API version: check AFTERSHIP_API_VERSION"},
	4007: {Refused, "", "fill in tracking_number"},
	4008: {Refused, "", "mend the named field"},
	4009: {Refused, "", "fill in the named field"},
	4010: {Refused, "", "mend slug: use the courier's slug as AfterShip lists it, or leave the cell empty to let AfterShip detect it"},
	4011: {Refused, "", "fill in the fields that this courier requires"},
	4012: {Refused, "", "name the courier in the slug column"},
	4013: {Refused, "", "the tracking is active"},
	4014: {Stop, StopRun, "AfterShip asked for a notification object: check AFTERSHIP_BASE_URL"},
	4015: {Refused, "", "mend the id"},
	4016: {Refused, "", "the retracks of this tracking are used up; delete and create it again (this uses quota)"},
	4017: {Refused, "", "mend the tracking number: it has not the form that this courier uses"},
	401:  {Stop, StopAccount, "set AFTERSHIP_API_KEY to a valid key"},
	403:  {Stop, StopClass, "AfterShip refuses this kind of call: check the plan and the key's permissions"},
	404:  {Stop, StopRun, "AfterShip does not know this address: check AFTERSHIP_API_VERSION and AFTERSHIP_BASE_URL"},
	429:  {Wait, "", ""},
	500:  {Retry, "", transientHint},
	502:  {Retry, "", transientHint},
	503:  {Retry, "", transientHint},
	504:  {Retry, "", transientHint},
}

// reason says why calls are stopped.
func (v Verdict) reason() string {
	return fmt.Sprintf("%d %s: %s", v.Code, strings.TrimSuffix(v.Message, "."), v.Hint)
}

const transientHint = "AfterShip or the way to it failed; run `enqueue retry` later"

// detailHints are the ways out of the five texts of code 4012.
var detailHints = map[aftership.Detail]string{
	aftership.DetailNotActivated:  "activate the carrier at https://admin.aftership.com/settings/couriers, then `enqueue retry --rejected`",
	aftership.DetailNotRecognized: "AfterShip does not recognise the number: name the courier in the slug column",
	aftership.DetailInvalidFormat: "mend the tracking number: no carrier has numbers of this form",
	aftership.DetailRetired:       "AfterShip no longer supports this carrier: use another slug",
	aftership.DetailGroupMismatch: "the number belongs to no carrier of this slug_group: mend slug_group, or name the slug",
}

// Decide judges an answer. It is pure: the same answer has the same verdict.
func Decide(a Answer) Verdict {
	var v Verdict
	if a.Err == nil {
		v = succeeded(a)
	} else if apiErr, ok := errors.AsType[*aftership.Error](a.Err); ok {
		v = answered(a, apiErr)
	} else {
		v = unanswered(a.Err)
	}
	return limitAttempts(a, v)
}

// succeeded judges a 2xx.
func succeeded(a Answer) Verdict {
	t := a.Reply.Tracking
	v := Verdict{Kind: Done, Outcome: doneOutcome(a.Operation), Code: a.Reply.HTTP, ID: t.ID, Slug: t.Slug, TraceID: a.Reply.TraceID, Ambiguous: a.Ambiguous}
	if a.Operation == batch.Create && t.Slug == unrecognized {
		v.Message = "created, but AfterShip did not recognise the courier"
		v.Hint = "set the courier: import the row again with `enqueue update` and a slug"
	}
	return v
}

// unrecognized is the slug that AfterShip stores where it cannot tell the courier.
const unrecognized = "unrecognized"

func doneOutcome(op batch.Operation) batch.Outcome {
	switch op {
	case batch.Update:
		return batch.Updated
	case batch.Complete:
		return batch.Completed
	case batch.Retrack:
		return batch.Retracked
	case batch.Delete:
		return batch.Deleted
	}
	return batch.Created
}

// answered judges a reply that is not a success.
func answered(a Answer, e *aftership.Error) Verdict {
	v := Verdict{Code: e.Code, Message: e.Message, TraceID: e.TraceID, Reached: e.HTTP >= 500}
	if special(a, e, &v) {
		return v
	}
	r, known := rules[e.Code]
	if !known {
		r = unknownCode(e)
	}
	v.Kind, v.Scope, v.Hint = r.kind, r.scope, r.hint
	if hint, ok := detailHints[e.Detail()]; ok {
		v.Hint = hint
	}
	if v.Kind == Refused {
		v.Outcome = batch.Rejected
	}
	return v
}

// special judges what the table of codes cannot say by the code alone.
func special(a Answer, e *aftership.Error, v *Verdict) bool {
	switch {
	case a.Operation == batch.Create && e.Exists():
		existing(a, e, v)
	case a.Operation == batch.Retrack && e.Code == 4013:
		stillActive(a, v)
	case a.Operation == batch.Delete && e.Code == 4004:
		gone(a, v)
	case !e.JSON && e.HTTP >= 400 && e.HTTP < 500 && e.HTTP != 429:
		// Not AfterShip's own words: the network edge before it refused. Such
		// blocks pass, and say nothing about the row or the key.
		v.Kind, v.Hint = Retry, "the network edge before AfterShip refused the call; run `enqueue retry` later"
	default:
		return false
	}
	return true
}

// existing judges "tracking already exists" on create: our own earlier call did it
// if that may have arrived and the tracking is younger than the batch. Else the row
// says what it wants of a tracking that is there.
func existing(a Answer, e *aftership.Error, v *Verdict) {
	if e.Existing != nil {
		v.ID = e.Existing.ID
	}
	switch {
	case e.Existing != nil && a.Ambiguous && !e.Existing.CreatedAt.IsZero() && !e.Existing.CreatedAt.Before(a.BatchBegan.Truncate(time.Second)):
		v.Kind, v.Outcome, v.Ambiguous = Done, batch.Created, true
		v.Message = createdBefore
	case a.OnExists == ExistsUpdate:
		v.Kind = Known
	case a.OnExists == ExistsFail:
		res := refuseExisting(&batch.Result{})
		v.Kind, v.Outcome, v.Message, v.Hint = Refused, res.Outcome, res.Message, res.Hint
	default:
		v.Kind, v.Outcome = Done, batch.Already
		v.Hint = "nothing to do; use `enqueue update` to change it"
	}
}

// stillActive judges 4013: there is nothing to retrack, unless our own earlier
// call is what made the tracking active.
func stillActive(a Answer, v *Verdict) {
	v.Kind, v.Outcome = Done, batch.Already
	v.Hint = "nothing to do: the tracking is active"
	if a.Ambiguous {
		v.Outcome, v.Ambiguous = batch.Retracked, true
		v.Message, v.Hint = "active again: an earlier call of this run, whose reply was lost, or AfterShip itself did it", ""
	}
}

// gone judges 4004 on delete: there is nothing to remove, unless our own earlier
// call is what removed it.
func gone(a Answer, v *Verdict) {
	v.Kind, v.Outcome = Done, batch.Already
	v.Hint = "nothing to do: this account has no such tracking"
	if a.Ambiguous {
		v.Outcome, v.Ambiguous = batch.Deleted, true
		v.Message, v.Hint = "gone when tried again: an earlier call of this run, whose reply was lost, deleted it", ""
	}
}

// unknownCode judges a code that AfterShip's table does not have.
func unknownCode(e *aftership.Error) rule {
	switch {
	case e.HTTP >= 500:
		return rules[500]
	case e.HTTP == 429:
		return rules[429]
	case e.Quota():
		return rule{Stop, StopAccount, "AfterShip speaks of the plan or its quota: look at the account's billing"}
	case e.HTTP == 408:
		return rules[504]
	}
	return rule{Refused, "", "AfterShip refused the row with a code that this program does not know; its message says more"}
}

// unanswered judges a call that got no usable reply.
func unanswered(err error) Verdict {
	v := Verdict{Kind: Retry, Message: err.Error(), Hint: transientHint, Reached: true}
	if none, ok := errors.AsType[*aftership.NoAnswerError](err); ok {
		v.Reached = none.Sent
		return v
	}
	if _, ok := errors.AsType[*panicked](err); ok {
		v.Hint = "a bug of this program: see the worker's log, and report it"
		return v
	}
	if slices.ContainsFunc(refusedByClient, func(refusal error) bool { return errors.Is(err, refusal) }) {
		v.Kind, v.Outcome, v.Reached = Refused, batch.Rejected, false
		v.Hint = "this row cannot be sent with the API version in use; mend it, or change AFTERSHIP_API_VERSION"
	}
	return v // anything else is not known to be about the row, so it is tried again
}

// refusedByClient are the refusals of our own client: it would refuse the row again.
var refusedByClient = []error{
	aftership.ErrNeedsID, aftership.ErrIncompleteRef, aftership.ErrNothingToChange, aftership.ErrNotClearable, aftership.ErrUnsupported,
}

// limitAttempts turns the last Retry into GiveUp. Any of several calls may have
// had its effect; who runs the row again should know.
func limitAttempts(a Answer, v Verdict) Verdict {
	if v.Kind != Retry || a.Attempt < a.MaxAttempts {
		return v
	}
	v.Kind, v.Outcome, v.Ambiguous = GiveUp, batch.GaveUp, v.Ambiguous || a.Ambiguous
	v.Message = "gave up: " + cmp.Or(v.Message, "no reply") // the number of attempts stands beside it
	return v
}
