package batch

import (
	"encoding/json"
	"errors"
	"time"
)

// ID names a batch: the UTC day and six random letters or digits, as 261122-k7f3qz.
type ID = string

// Version is the newest format of the ledger that this program knows. A batch is written in the oldest one that can hold it, so that in a
// fleet of several versions the older programs carry out what they understand and leave the rest to the others.
const Version = 3

// plainVersion is the oldest format. Version 2 adds nothing to the ledger but values beside the cells of a row; it says that rows mean
// more than their cells do by themselves, which a program that knows only version 1 would send wrongly. Version 3 adds nothing either:
// it says that the batch's jobs do what older programs do not know, and would take for creates.
const plainVersion = 1

// ChunkJobs is how many jobs share a chunk of rows and a bucket of results. Appends start at its multiples.
const ChunkJobs = 100

var (
	// ErrUnknown is returned for a batch that the ledger doesn't have: a wrong id, or it was purged.
	ErrUnknown = errors.New("the ledger has no such batch: check the id with `enqueue batches`; it may have been purged")
	// ErrNewer is returned for a batch that a newer version of the program wrote. Nothing is changed; update this program.
	ErrNewer = errors.New("a newer version of the program wrote this batch: update this one")
	// ErrDifferent is returned by Append for rows that differ from those already accepted under the same job numbers.
	ErrDifferent = errors.New("the rows differ from those that the batch has accepted already: the source changed in between; import it as a new batch")
	// ErrGap is returned by Append for rows that don't follow on the ones before. Ask Appended where to go on.
	ErrGap = errors.New("rows before these are missing in the ledger: go on where it ends")
	// ErrSealed is returned by Append and Seal when the batch has all of its rows already, and other ones than these.
	ErrSealed = errors.New("the batch has all of its rows already")
	// ErrCancelled is returned when a cancelled batch is asked to go on. Retry opens its jobs again.
	ErrCancelled = errors.New("the batch is cancelled: `enqueue retry` opens its jobs again")
	// ErrFinished is returned when a finished batch is asked to pause, resume or cancel.
	ErrFinished = errors.New("the batch has finished already")
	// ErrTrimmed is returned when the rows and results of a batch are asked for after their retention; the counts are still there.
	ErrTrimmed = errors.New("the rows and results of the batch were removed after their retention; only its counts are left")
	// ErrNoJob is returned for a job number that the batch doesn't have.
	ErrNoJob = errors.New("the batch has no such job")
)

// Spec is what makes a batch: its source, what to do with it, and for whom.
type Spec struct {
	// Identity is a hash over everything that makes two imports the same: content, account, operation, mapping, options.
	Identity  string    `json:"identity"`
	Operation Operation `json:"operation"`
	Account   string    `json:"account"`
	// Source is the sheet's name for people, without its directory.
	Source string `json:"source"`
	// Who started the batch.
	Who      string   `json:"who,omitempty"`
	Priority Priority `json:"priority"`
	// Header holds the sheet's header cells as they were read.
	Header    []string `json:"header,omitempty"`
	Delimiter string   `json:"delimiter,omitempty"`
	// BOM says that the sheet began with a byte order mark; its report does, too, for the program that wrote it needs it.
	BOM bool `json:"bom,omitempty"`
	// LineEnd says how the sheet's lines end, as package sheet names it ("crlf"); its report's lines end likewise.
	LineEnd string `json:"line_end,omitempty"`
	// Fields holds, for each header cell, the name of the field that it means, or "".
	Fields []string `json:"fields,omitempty"`
	// Locks holds the names of the locks that the batch was begun under; "" is that of the whole operation. Its rows run again under them.
	Locks []string `json:"locks,omitempty"`
	// Plain says that no row was read otherwise than it stands in the sheet, or left a doubt: its report needs nothing but results.
	Plain bool `json:"plain,omitempty"`
	// Options belong to package jobs; the ledger only keeps them.
	Options json.RawMessage `json:"options,omitempty"`
	SHA256  string          `json:"sha256,omitempty"`
	// Needs is the version of the ledger's format that a program must know to carry the batch out. Defaults to 1. A batch that
	// was read has it as its Version.
	Needs int `json:"-"`
	// Budget is how much may fail before the batch is stopped. Defaults to none.
	Budget    Budget    `json:"-"`
	CreatedAt time.Time `json:"created_at,omitzero"`
}

// Batch is a batch as the ledger has it at one moment.
type Batch struct {
	ID ID
	Spec
	State State
	// Reason says why the batch is paused, stopped or truncated.
	Reason string
	// Rows is how many rows of the source the batch has, so far or, when Sealed, for good.
	Rows int
	// Total is how many jobs the batch has, so far or, when Sealed, for good.
	Total int
	// Sealed says that every row is known.
	Sealed bool
	// Done is how many jobs have a result. Always the sum of Counts.
	Done int
	// Counts holds the results per outcome; pending ones are not in it.
	Counts map[Outcome]int
	// Rounds is the highest round that any job has reached: 1 until something is opened again.
	Rounds int
	// AppendedAt is when the last rows came: an unsealed batch whose rows stopped coming was left half enqueued.
	AppendedAt time.Time
	// StartedAt is when the first call was about to be sent.
	StartedAt time.Time
	// FinishedAt is when the last job got its result; zero while jobs are pending.
	FinishedAt time.Time
	// ReportedAt is when the report was written; zero again once jobs are opened again.
	ReportedAt time.Time
	// SpentAt is when more failed than the Budget allows, as long as the batch is stopped for that.
	SpentAt time.Time
	// Over is why more has failed than the Budget allows, of a batch that has ended all the same: there was nothing left to stop. Else "".
	Over string
	// Told is the EndMark of what was told last.
	Told string
	// TrimmedAt is when rows and results were removed after their retention.
	TrimmedAt time.Time
	// Version is the format of the ledger that the batch is written in.
	Version int
}

// Pending says how many of the known jobs have no result.
func (b Batch) Pending() int { return b.Total - b.Done }

// Ended says whether every row is known and every job has its result.
func (b Batch) Ended() bool { return !b.FinishedAt.IsZero() }

// Entry is the data of one job: a row of the sheet, and which part of it where a row makes several jobs.
type Entry struct {
	// Row counts the data rows of the source from 0.
	Row int
	// Line is the line that a person sees in an editor or in Excel.
	Line int
	// Part counts the jobs of one row from 0.
	Part int
	// Cells are the row's cells as they were read.
	Cells []string
	// Filled holds the values that the row has from elsewhere, an earlier row of the same order for example. A report leaves them out.
	Filled []Fill
}

// Fill is a value that stands in no cell of its row.
type Fill struct {
	Column int // of the header, from 0
	Value  string
}

// Result is how a job ended.
type Result struct {
	Outcome    Outcome
	TrackingID string
	Slug       string
	// Code is AfterShip's code, or the HTTP status where there is none.
	Code     int
	Message  string
	Hint     string
	Attempts int
	// At is when it was recorded, to the second.
	At time.Time
	// Ambiguous says that an earlier call of this job may have reached AfterShip without our seeing its answer.
	Ambiguous bool
	// DuplicateOf is the number of the job that this one repeats, plus one; 0 for none.
	DuplicateOf int
}

// Item is a job with its row and how it stands.
type Item struct {
	Job int
	// Round is the job's current round.
	Round int
	Entry Entry
	// Result has the outcome Pending if there is none yet in this round.
	Result Result
}

// Look is what a handler must know before it takes up a job.
type Look struct {
	// Known is false when the ledger has no such batch or job: then nothing may be sent.
	Known bool
	// Done says that the job has its result in the round that was asked for, or that a later round has been opened.
	Done bool
	// State is the batch's.
	State State
	// Round is the job's current round.
	Round int
	// Begins counts the calls that were about to be sent in this round, Answers the transient failures that came back and were
	// charged as attempts, Uncharged those that were not.
	Begins, Answers, Uncharged int
	// Earlier says that a call was about to be sent in an earlier round.
	Earlier bool
	// TrackingID was found by a look-up, or is "". It may hold more than an id, as SetIDs was given it.
	TrackingID string
}

// Begun is the answer to a handler that wants to send a call.
type Begun struct {
	// OK says that the call may be sent; the begin is counted.
	OK bool
	// Why says why not.
	Why Why
	// Begins counts this begin and those before it in the round. More than Answers + 1: an earlier call is ambiguous.
	Begins int
	// Answers counts the transient failures that came back in the round.
	Answers int
	// Earlier says that a call was about to be sent in an earlier round.
	Earlier bool
}

// Recorded is the answer to a handler that has a result.
type Recorded struct {
	// First says that this result is the one of its round. If not, another one stands or a later round was opened.
	First bool
	// Last says that every job of the batch now has its result and no report was written since: finish it. More than one
	// caller may see it.
	Last bool
	// Round is the job's current round.
	Round int
	// Spent says that this result was one failure too many: the batch is stopped now. One caller sees it.
	Spent bool
}

// Stop is why nothing may be sent for an account, or for one class of its calls.
type Stop struct {
	// Class is the class that is stopped, or "" for the whole account.
	Class  string    `json:"class,omitempty"`
	Reason string    `json:"reason"`
	Code   int       `json:"code,omitempty"`
	At     time.Time `json:"at"`
}

// Todo is a pending job for whoever builds its task anew.
type Todo struct {
	Job   int
	Round int
	// Begun says that a call for the job was about to be sent, in any round.
	Begun bool
}
