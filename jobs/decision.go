package jobs

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"aftership-bulk/aftership"
	"aftership-bulk/batch"
)

// OnExists is what becomes of a row to create whose shipment AfterShip has already.
type OnExists string

const (
	// ExistsSkip leaves the tracking as it is; the row ends as already.
	ExistsSkip OnExists = "skip"
	// ExistsUpdate sends what differs; a row of which nothing does ends as already.
	ExistsUpdate OnExists = "update"
	// ExistsFail refuses the row.
	ExistsFail OnExists = "fail"
)

// AllOnExists lists what can become of such a row.
func AllOnExists() []OnExists { return []OnExists{ExistsSkip, ExistsUpdate, ExistsFail} }

// onExists is what becomes of the operation's rows whose shipment is there. To sync
// is to create what is not there, and to update the rest.
func (d Defaults) onExists(op batch.Operation) OnExists {
	if op == batch.Sync {
		return ExistsUpdate
	}
	return cmp.Or(d.OnExists, ExistsSkip)
}

// Lookup says whether rows to create are looked up before a call is spent on them.
type Lookup string

const (
	// LookupOff spends a call on every row.
	LookupOff Lookup = "off"
	// LookupOn looks every row up.
	LookupOn Lookup = "on"
	// LookupAuto looks the first rows up, and goes on only while that spares calls.
	LookupAuto Lookup = "auto"
)

// AllLookups lists the ways to look up rows to create.
func AllLookups() []Lookup { return []Lookup{LookupAuto, LookupOn, LookupOff} }

// plain is the defaults without what is the default anyway, so that saying it makes
// no other batch.
func (d Defaults) plain() Defaults {
	if d.Lookup == LookupOff {
		d.Lookup = ""
	}
	if d.OnExists == ExistsSkip {
		d.OnExists = ""
	}
	return d
}

// looksUp reports whether rows of the operation may be looked up although their
// trackings can be named.
func (d Defaults) looksUp(op batch.Operation) bool {
	return op == batch.Sync || op == batch.Create && d.Lookup != "" && d.Lookup != LookupOff
}

const (
	// firstLooked is how many rows must have been settled before it is asked whether
	// look-ups pay.
	firstLooked = 2 * lookupRows
	// paying is the share of rows that must be there already: a look-up spares a call
	// for each, and is one itself for 50 rows. Twice that, because it also takes time.
	paying = 2.0 / lookupRows
)

// pays reports whether it pays to look further rows up, by what became of those
// before them.
func (d Defaults) pays(counts map[batch.Outcome]int) bool {
	if d.Lookup != LookupAuto {
		return true
	}
	there := counts[batch.Already] + counts[batch.Updated]
	if d.OnExists == ExistsFail {
		there += counts[batch.Rejected]
	}
	all := there + counts[batch.Created]
	return all < firstLooked || float64(there) >= paying*float64(all)
}

// jobLanes lists the lanes in which the batch's jobs can stand.
func (d Defaults) jobLanes(b batch.Batch) []lane {
	if d.mayMix(b) {
		return slices.DeleteFunc(callLanes(), func(l lane) bool { return l == laneLookup })
	}
	if b.Operation == batch.Sync || b.Operation == batch.Create && d.onExists(b.Operation) == ExistsUpdate {
		return []lane{laneOf(batch.Create), laneOf(batch.Update)}
	}
	return []lane{laneOf(b.Operation)}
}

// lanes lists the lanes of the batch's calls, those of its look-ups included.
func (d Defaults) lanes(b batch.Batch) []lane {
	all := d.jobLanes(b)
	if b.Operation != batch.Create || d.looksUp(b.Operation) || d.mayMix(b) {
		all = append(all, laneLookup)
	}
	return all
}

// deed is what a look-up decided that a job does.
type deed string

const (
	undecided  deed = ""        // nothing is known beside the id, if that is
	toCreate   deed = "create"  // AfterShip's list does not have the shipment
	toUpdate   deed = "update"  // the tracking differs from the row
	toCompare  deed = "compare" // a create was answered "exists": the tracking must be read first
	fixedHint       = "an update cannot change it; delete the tracking and create it again, or leave it"
	unseenHint      = "AfterShip does not show it, so that it cannot be compared; `enqueue update` sends it"
)

// decision is what is known of a job's tracking before its call. The ledger keeps
// it until the job has its result, so that a worker that dies loses none.
type decision struct {
	Do deed   `json:"do,omitzero"`
	ID string `json:"id,omitzero"`
	// Columns of the row are sent, and beside them what AfterShip would lose else.
	Columns []string          `json:"columns,omitempty"`
	Kept    map[string]string `json:"kept,omitempty"`

	changed []string // columns that differ, of a decision that was just made
}

// none reports whether nothing is known.
func (d decision) none() bool { return d.Do == undecided && d.ID == "" }

// text is the decision as the ledger keeps it: a bare id where there is no more.
func (d decision) text() string {
	if d.Do == undecided {
		return d.ID
	}
	b, _ := json.Marshal(d) // strings always encode
	return string(b)
}

// decisionOf reads a decision back.
func decisionOf(text string) (d decision, err error) {
	if !strings.HasPrefix(text, "{") { // no id has one
		return decision{ID: text}, nil
	}
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		return d, fmt.Errorf("the ledger's decision about the job cannot be read: %w", err)
	}
	return d, nil
}

// found is what the list showed for a row to create or to sync.
type found struct {
	wanted
	aftership.Found
}

// decideFor says what becomes of a row that was looked up: what its job does, or the
// result that it has without a call.
func decideFor(v aftership.Version, exists OnExists, b batch.Batch, f found) (decision, *batch.Result) {
	t, refused := f.meant()
	switch {
	case refused != nil && f.row.Op == batch.Sync:
		return decision{}, refused
	case t == nil && f.row.Op == batch.Sync && f.row.ID != "" && !v.OwnIDs():
		return decision{Do: toUpdate, ID: f.row.ID, Columns: append(f.row.Columns(), f.row.Clear...)}, nil // older than the list reaches
	case t == nil:
		return decision{Do: toCreate}, nil
	}
	d, res := met(v, exists, &f.row, *t)
	if res != nil && f.tried && !t.CreatedAt.Before(b.CreatedAt.Truncate(1e9)) {
		res.Outcome, res.Ambiguous, res.Code, res.Hint = batch.Created, true, 0, ""
		res.Message = createdBefore
	}
	return d, res
}

// createdBefore tells a tracking that our own earlier call has made.
const createdBefore = "created by an earlier call of this run whose reply was lost"

// meant is the tracking that a row to create or to sync is about, nil if there is
// none. It may not be clear which it is.
func (f *found) meant() (*aftership.Tracking, *batch.Result) {
	if f.row.ID != "" {
		if i := slices.IndexFunc(f.Candidates, func(t aftership.Tracking) bool { return t.ID == f.row.ID || t.LegacyID == f.row.ID }); i >= 0 {
			return &f.Candidates[i], nil
		}
	}
	switch {
	case f.Match == aftership.MatchFound && f.row.ID != "" && f.row.Op == batch.Sync:
		return nil, &batch.Result{Outcome: batch.Rejected, Message: "the number is known under another id: " + f.Tracking.ID, Hint: "mend id, or leave it empty"}
	case f.Match == aftership.MatchFound:
		return &f.Tracking, nil
	case len(f.Candidates) == 1 && f.Candidates[0].Unrecognized():
		return &f.Candidates[0], nil
	case len(f.Candidates) > 0:
		res := notFound(f.row.Op, f.wanted, f.Found)
		return nil, &res
	}
	return nil, nil
}

// met says what becomes of a row whose tracking is there.
func met(v aftership.Version, exists OnExists, row *Row, t aftership.Tracking) (decision, *batch.Result) {
	res := &batch.Result{Outcome: batch.Already, TrackingID: t.ID, Slug: t.Slug}
	switch exists {
	case ExistsSkip:
		res.Message, res.Hint = "AfterShip has it", "nothing to do; use `enqueue sync` or --on-exists update to change it"
		return decision{}, res
	case ExistsFail:
		return decision{}, refuseExisting(res)
	}
	d := v.Differ(row.Shipment, t)
	if !d.None() {
		return decision{Do: toUpdate, ID: t.ID, Columns: d.Columns, Kept: d.Kept, changed: d.Changed}, nil
	}
	res.Message, res.Hint = "AfterShip has it as the row says", "nothing to do"
	switch {
	case len(d.Fixed) > 0:
		res.Message, res.Hint = "AfterShip has it, but with another "+strings.Join(d.Fixed, ", "), fixedHint
	case len(d.Unseen) > 0:
		res.Message, res.Hint = "AfterShip has it as the row says; not compared: "+strings.Join(d.Unseen, ", "), unseenHint
	}
	return decision{}, res
}

func refuseExisting(res *batch.Result) *batch.Result {
	res.Outcome, res.Code = batch.Rejected, 4003
	res.Message, res.Hint = "AfterShip has this shipment already", "--on-exists skip leaves it as it is, --on-exists update sends what differs"
	return res
}
