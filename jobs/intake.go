package jobs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"aftership-bulk/aftership"
	"aftership-bulk/batch"
	"aftership-bulk/report"
	"aftership-bulk/sheet"
)

// Order is a request to carry out a sheet.
type Order struct {
	Account  string
	Who      string
	Priority batch.Priority
	Force    bool // send a file again that was finished before
	// Asked is when the run was asked for. A batch that was begun since then is its
	// own: a run that is taken up after a crash does nothing a second time. Zero is
	// now: every batch that has ended is that of an earlier run.
	Asked time.Time
	// Locks are the names of the locks that the caller holds for the batch.
	Locks []string
	// Budget is how much may fail before the batch is stopped. Defaults to none.
	Budget batch.Budget
	// Began is called with the batch before its first row is written, and while it
	// can still be refused.
	Began func(ctx context.Context, id batch.ID) error
}

// Intake takes sheets into the ledger and puts their jobs on the queue.
type Intake struct {
	Ledger *batch.Store
	Queue  *Queue
	// Version is the version of the API that the account speaks. It decides which
	// rows need a look-up first.
	Version aftership.Version
	// Window bounds the jobs that stand in the queue at a time: feeding waits for
	// room. Zero is no bound.
	Window int
	// Ahead is how many jobs one feeding puts on the queue; the workers go on from
	// there. Zero is all.
	Ahead int
	Now   func() time.Time
}

// appendRows is how many rows go to the ledger in one round trip.
const appendRows = 20 * batch.ChunkJobs

// Accept writes the surveyed sheet into the ledger, each row once. A batch of the
// same identity that was left unfinished is continued; one that was finished is
// returned as it is, with existed true, and nothing is written, unless it is to be
// sent again.
func (in *Intake) Accept(ctx context.Context, sh *sheet.Sheet, s *Survey, o Order) (b batch.Batch, existed bool, err error) {
	spec, err := in.spec(sh, s, o)
	if err != nil {
		return b, false, err
	}
	again, err := in.again(ctx, spec, o)
	if err != nil {
		return b, false, err
	}
	b, existed, err = in.Ledger.Begin(ctx, spec, again)
	if err != nil || existed && b.Ended() {
		return b, existed, err
	}
	if existed && o.Budget != "" && o.Budget != b.Budget {
		if _, err := in.Ledger.SetBudget(ctx, b.ID, o.Budget); err != nil {
			return b, existed, err
		}
	}
	if o.Began != nil {
		if err := o.Began(ctx, b.ID); err != nil {
			return b, existed, err
		}
	}
	if !b.Sealed {
		if err := in.write(ctx, b.ID, sh, s); err != nil {
			return b, existed, fmt.Errorf("batch %s is left half received (run the same command again to go on): %w", b.ID, err)
		}
	}
	b, err = in.Ledger.Get(ctx, b.ID)
	return b, existed, err
}

// Existing is the batch that Accept would go on with or show, "" if the sheet is new.
func (in *Intake) Existing(ctx context.Context, sh *sheet.Sheet, s *Survey, o Order) (batch.ID, error) {
	spec, err := in.spec(sh, s, o)
	if err != nil {
		return "", err
	}
	return in.Ledger.Holder(ctx, spec.Identity)
}

func (in *Intake) spec(sh *sheet.Sheet, s *Survey, o Order) (batch.Spec, error) {
	plan := s.Plan
	options, err := json.Marshal(plan.options())
	if err != nil {
		return batch.Spec{}, err
	}
	spec := batch.Spec{
		Identity:  identity(content(sh), o.Account, plan, options, s.needs()),
		Needs:     s.needs(),
		Operation: plan.Operation,
		Account:   o.Account,
		Source:    sh.Name,
		Who:       o.Who,
		Priority:  o.Priority,
		Fields:    plan.Mapping.Fields,
		Plain:     s.plain(),
		Locks:     o.Locks,
		Options:   options,
		SHA256:    sh.SHA256,
		Budget:    o.Budget,
		CreatedAt: in.Now(),
	}
	report.Describe(&spec, sh)
	return spec, nil
}

// content names what was read: the file, and which part of it in which way, as
// far as that is not the way in which every file is read.
func content(sh *sheet.Sheet) string {
	name := sh.SHA256
	if sh.SheetName != "" {
		name += "\x00sheet " + sh.SheetName
	}
	if sh.Encoding != "" && sh.Encoding != "utf-8" {
		name += "\x00in " + sh.Encoding
	}
	if sh.HeaderLine != 1 {
		name += fmt.Sprintf("\x00header %d", sh.HeaderLine)
	}
	return name
}

// needs is the version of the ledger's format that a program must know to send the
// rows as they were checked; zero is any.
func (s *Survey) needs() int {
	switch {
	case !slices.Contains(plainOperations, s.Plan.Operation), s.mixed(), s.Plan.Defaults.plain() != s.Plan.Defaults.known():
		return operationVersion
	case s.changed:
		return repairVersion
	}
	return 0
}

// known is the defaults as far as every version of the program knows them.
func (d Defaults) known() Defaults {
	d = d.plain()
	d.OnExists, d.Lookup = "", ""
	return d
}

// plainOperations are those that every version of the program knows.
var plainOperations = []batch.Operation{batch.Create, batch.Update, batch.Complete, batch.Retrack}

// identity names what would be sent: two imports with the same identity are the
// same import. That rows are read with repairs is part of it, so that no batch is
// gone on with whose first rows were read without.
func identity(content, account string, plan Plan, options []byte, needs int) string {
	fields, _ := json.Marshal(plan.Mapping.Fields)
	parts := [][]byte{[]byte(content), []byte(account), []byte(plan.Operation), fields, options}
	if needs > 0 {
		parts = append(parts, []byte(strconv.Itoa(needs)))
	}
	h := sha256.New()
	for _, part := range parts {
		fmt.Fprintf(h, "%d:", len(part))
		h.Write(part)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// write is pass two: every row goes into the ledger, those that need no call
// with their result.
func (in *Intake) write(ctx context.Context, id batch.ID, sh *sheet.Sheet, s *Survey) error {
	have, _, err := in.Ledger.Appended(ctx, id)
	if err != nil {
		return err
	}
	part := portion{ledger: in.Ledger, id: id, first: have, settled: map[int]batch.Result{}}
	job := 0
	for row, err := range s.Settle(sh) {
		if err != nil {
			return err
		}
		if job >= have {
			if err := part.add(ctx, job, row, in.Now()); err != nil {
				return err
			}
		}
		job++
	}
	if err := part.flush(ctx); err != nil {
		return err
	}
	_, err = in.Ledger.Seal(ctx, id, s.Rows, job)
	return err
}

// portion gathers rows for one round trip to the ledger.
type portion struct {
	ledger  *batch.Store
	id      batch.ID
	first   int
	entries []batch.Entry
	settled map[int]batch.Result
}

func (p *portion) add(ctx context.Context, job int, s Settled, now time.Time) error {
	p.entries = append(p.entries, s.entry())
	if s.Result != nil {
		s.Result.At = now
		p.settled[job] = *s.Result
	}
	if len(p.entries) < appendRows {
		return nil
	}
	return p.flush(ctx)
}

func (p *portion) flush(ctx context.Context) error {
	if len(p.entries) == 0 {
		return nil
	}
	if err := p.ledger.Append(ctx, p.id, p.first, p.entries, p.settled); err != nil {
		return err
	}
	p.first += len(p.entries)
	p.entries = p.entries[:0]
	clear(p.settled)
	return nil
}
