package export

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"aftership-bulk/aftership"
	"aftership-bulk/jobs"
)

// Result is how a row of a sheet was answered.
type Result string

// The results.
const (
	Found     Result = "found"     // the tracking stands in the row
	NotFound  Result = "not_found" // no such tracking, or the list does not reach back to it: give its id
	Ambiguous Result = "ambiguous" // several trackings have the number: give slug or id
	Invalid   Result = "invalid"   // the row cannot be asked about: mend it as the message says
	Rejected  Result = "rejected"  // AfterShip refused the question: see the message
	Failed    Result = "failed"    // the call failed every time: run the export of this row again
	Skipped   Result = "skipped"   // no data row, as a footer: nothing to do
)

// Results lists every result.
func Results() []Result {
	return []Result{Found, NotFound, Ambiguous, Invalid, Rejected, Failed, Skipped}
}

// Bad says that a person must look at the row.
func (r Result) Bad() bool { return r != Found && r != Skipped }

// Chunk is how many rows are asked about together: as many as one call of the list takes.
const Chunk = aftership.MaxLookup

// together is how many calls about single trackings are under way at once. The account's pace bounds them anyway.
const together = 8

// Answer is what came of a question about a row.
type Answer struct {
	Asked    jobs.Asked
	Result   Result
	Message  string
	Tracking aftership.Tracking // where Result is Found; else what the row says itself
}

// Record is the answer as a row of an export, with the [AnswerColumns] behind the columns.
func (a *Answer) Record(columns []string) Record {
	t := a.Tracking
	if a.Result != Found {
		ref := a.Asked.Ref()
		t = aftership.Tracking{Shipment: aftership.Shipment{ID: ref.ID, TrackingNumber: ref.TrackingNumber, Slug: ref.Slug}}
	}
	r := RecordOf(&t, columns)
	if a.Result != Found {
		r.silence(columns)
	}
	r.Cells = append(r.Cells, strconv.Itoa(a.Asked.Line), string(a.Result), printable(a.Message))
	return r
}

// silence empties what is not known of a tracking that was not found: a false or a 0 there would be a claim.
func (r *Record) silence(columns []string) {
	for i, name := range columns {
		if name != "id" && name != "tracking_number" && name != "slug" {
			r.Cells[i] = ""
		}
	}
}

// Finder asks about the trackings that rows name: through the list where that can be, fifty in a call, else one by one.
type Finder struct {
	Client *aftership.Client
	Caller *Caller
	// Lang is the language to translate checkpoints into, which only calls about one tracking can. Empty is none.
	Lang string
	// LastCheckpoint asks for the newest event alone, one call a row, where the version has that.
	LastCheckpoint bool

	dry atomic.Int32 // calls that failed since the last that did not
}

// dryEnough is how many calls in a row fail before it is AfterShip that fails, and not a row.
const dryEnough = 3

// Find answers up to [Chunk] rows, in their order. An error means that nobody is answered: AfterShip is away, or a person
// must act.
func (f *Finder) Find(ctx context.Context, asked []jobs.Asked) ([]Answer, error) {
	answers := make([]Answer, len(asked))
	for i, a := range asked {
		answers[i] = unasked(a)
	}
	var listed []*Answer
	for i := range answers {
		if f.lists(&answers[i]) {
			listed = append(listed, &answers[i])
		}
	}
	if err := f.list(ctx, listed); err != nil {
		return nil, err
	}
	return answers, f.single(ctx, answers)
}

// unasked answers what needs no call. What is still to be answered has no result.
func unasked(a jobs.Asked) Answer {
	ref := a.Ref()
	answer := Answer{Asked: a}
	switch {
	case a.Skip != "":
		answer.Result, answer.Message = Skipped, a.Skip
	case len(a.Problems) > 0:
		answer.Result, answer.Message = Invalid, problems(a.Problems)
	case ref.ID == "" && ref.TrackingNumber == "":
		answer.Result, answer.Message = Invalid, "id and tracking_number are both missing: fill in id, or tracking_number and slug"
	}
	return answer
}

func problems(all []jobs.Problem) string {
	var texts []string
	for _, p := range all {
		texts = append(texts, p.String()+": "+p.Remedy)
	}
	return strings.Join(texts, "; ")
}

// lists says that a row is asked about through the list.
func (f *Finder) lists(a *Answer) bool {
	ref := a.Asked.Ref()
	if a.Result != "" || ref.TrackingNumber == "" || strings.Contains(ref.TrackingNumber, ",") {
		return false
	}
	return !f.oneByOne() || ref.Check(f.Client.Version()) != nil
}

// oneByOne says that each row needs a call of its own.
func (f *Finder) oneByOne() bool {
	return f.Lang != "" || f.LastCheckpoint && f.Client.Version().Has(aftership.EndpointLastCheckpoint)
}

// list looks rows up. Where AfterShip refuses a look-up, each half of it is tried, so that one number does not spoil the
// others.
func (f *Finder) list(ctx context.Context, rows []*Answer) error {
	if len(rows) == 0 {
		return nil
	}
	refs := make([]aftership.Ref, len(rows))
	for i, a := range rows {
		refs[i] = a.Asked.Ref()
	}
	var found []aftership.Found
	err := f.Caller.Call(ctx, func(ctx context.Context) (err error) {
		found, err = f.Client.Lookup(ctx, refs)
		return err
	})
	failed, ok := errors.AsType[*Failure](err)
	switch {
	case ok && failed.Kind == jobs.Refused && len(rows) > 1:
		half := len(rows) / 2
		if err := f.list(ctx, rows[:half]); err != nil {
			return err
		}
		return f.list(ctx, rows[half:])
	case ok && failed.Kind == jobs.Refused && refs[0].ID != "":
		return nil // the id may still be good
	case ok && failed.Kind == jobs.Refused:
		rows[0].refuse(failed)
		return nil
	case err != nil:
		return err
	}
	for i, a := range rows {
		a.listed(found[i], refs[i])
	}
	return nil
}

// listed takes what the list says about a row. What it does not show stays without a result.
func (a *Answer) listed(found aftership.Found, ref aftership.Ref) {
	if ref.ID != "" {
		for _, t := range found.Candidates {
			if t.ID == ref.ID || t.LegacyID != "" && t.LegacyID == ref.ID {
				a.Result, a.Tracking = Found, t
			}
		}
		return // an id that the list does not show may be older than it reaches
	}
	switch found.Match {
	case aftership.MatchFound:
		a.Result, a.Tracking = Found, found.Tracking
	case aftership.MatchAmbiguous:
		a.Result, a.Message = Ambiguous, "several trackings have this number ("+slugs(found.Candidates)+"): fill in slug or id to say which one is meant"
	case aftership.MatchMissing:
		a.Message = missing
		if len(found.Candidates) > 0 {
			a.Message = "the number is known under another courier (" + slugs(found.Candidates) + "): mend slug, or leave it empty"
		}
	}
}

var missing = fmt.Sprintf("no tracking of the last %d days has this number; an older one can only be named by its id", int(aftership.MaxListAge.Hours()/24))

func slugs(all []aftership.Tracking) string {
	var names []string
	for _, t := range all {
		names = append(names, t.Slug)
	}
	slices.Sort(names)
	return strings.Join(slices.Compact(names), ", ")
}

// single asks about the rows that are left, one by one, and again about those that the list showed where only that brings
// everything.
func (f *Finder) single(ctx context.Context, answers []Answer) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(together)
	for i := range answers {
		a := &answers[i]
		ref := a.Asked.Ref()
		switch {
		case a.Result == Found && f.Lang != "":
			ref = aftership.Ref{ID: a.Tracking.ID}
		case a.Result != "":
			continue
		case ref.Check(f.Client.Version()) != nil:
			a.Result, a.Message = NotFound, cmp.Or(a.Message, missing)
			continue
		}
		group.Go(func() error { return f.one(ctx, a, ref) })
	}
	return group.Wait()
}

// one asks about one tracking.
func (f *Finder) one(ctx context.Context, a *Answer, ref aftership.Ref) error {
	err := f.Caller.Call(ctx, func(ctx context.Context) error { return f.get(ctx, a, ref) })
	if err == nil {
		a.Result, a.Message = Found, ""
		f.dry.Store(0)
		return nil
	}
	failed, ok := errors.AsType[*Failure](err)
	switch {
	case !ok:
		return err
	case failed.Kind == jobs.Refused:
		f.dry.Store(0)
		a.refuse(failed)
		return nil
	case failed.Kind == jobs.GiveUp && f.dry.Add(1) < dryEnough:
		a.Result, a.Message = Failed, failed.Error()
		return nil
	}
	return err
}

// get makes the call about one tracking.
func (f *Finder) get(ctx context.Context, a *Answer, ref aftership.Ref) error {
	o := aftership.GetOptions{Lang: f.Lang}
	if !f.LastCheckpoint || !f.Client.Version().Has(aftership.EndpointLastCheckpoint) {
		reply, err := f.Client.Get(ctx, ref, o)
		a.Tracking = reply.Tracking
		return err
	}
	reply, err := f.Client.LastCheckpoint(ctx, ref, o)
	a.Tracking = aftership.Tracking{
		Shipment: aftership.Shipment{ID: cmp.Or(reply.ID, ref.ID), TrackingNumber: cmp.Or(reply.TrackingNumber, ref.TrackingNumber), Slug: cmp.Or(reply.Slug, ref.Slug)},
		Tag:      reply.Tag, Subtag: reply.Subtag, SubtagMessage: reply.SubtagMessage,
	}
	if reply.Checkpoint != (aftership.Checkpoint{}) {
		a.Tracking.Checkpoints = []aftership.Checkpoint{reply.Checkpoint}
	}
	return err
}

// refuse answers a row with AfterShip's refusal.
func (a *Answer) refuse(f *Failure) {
	a.Result = Rejected
	if f.Code == 4004 {
		a.Result = NotFound
		a.Message = cmp.Or(a.Message, "no such tracking in this account: check the id, or the tracking number and slug")
		return
	}
	a.Message = f.Error()
	if f.Hint != "" {
		a.Message += ": " + f.Hint
	}
}
