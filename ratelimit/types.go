package ratelimit

import (
	"context"
	"errors"
	"time"
)

// Headers is what one answer said about the limit. A zero field means that the
// header was absent. Sent and Received are taken on this machine's clock, right
// before the request was written and right after the answer came.
type Headers struct {
	Limit, Remaining int
	Reset, Date      time.Time
	RetryAfter       time.Duration
	TooMany          bool
	Sent, Received   time.Time
}

// Priority says how urgent a waiter is.
type Priority string

// The priorities, from the most urgent down. They share slots by weight, so
// that none starves: while all three have waiters, of ten slots six go to
// uploads, three to nightly runs and one to the background.
const (
	// Upload is a person waiting for a sheet: the default of the command line.
	Upload Priority = "upload"
	// Nightly is a planned run that should be done by morning.
	Nightly Priority = "nightly"
	// Background is work that nobody waits for.
	Background Priority = "background"
)

// Priorities lists every priority, the most urgent first.
func Priorities() []Priority { return []Priority{Upload, Nightly, Background} }

// Weight is the share of slots that the priority gets while others wait too.
// An unknown priority counts as Background.
func (p Priority) Weight() int {
	switch p {
	case Upload:
		return 6
	case Nightly:
		return 3
	default:
		return 1
	}
}

// Mode is the way in which a bucket places its slots.
type Mode string

// The modes of a bucket.
const (
	// Paced spreads slots evenly with a margin. Every bucket starts so, and one
	// whose headers do not behave like whole seconds stays so. Nothing to do.
	Paced Mode = "paced"
	// Locked places slots inside the server's whole seconds, clear of their
	// edges. A bucket gets there by seeing three such seconds in a row. Nothing to do.
	Locked Mode = "locked"
	// Roomy is Paced with slots that came late made up for, a few at a time. A
	// bucket gets there when the limit is used and the answers still show room,
	// as a token bucket's do, and leaves with the first that do not. Nothing to do.
	Roomy Mode = "roomy"
)

// Modes lists every mode.
func Modes() []Mode { return []Mode{Paced, Locked, Roomy} }

// Errors that Wait returns beside the context's own.
var (
	// ErrHeld says that the process is shutting down and hands out no more slots.
	ErrHeld = errors.New("ratelimit: no more slots: this process is shutting down")
	// ErrClosed says that the pacer was closed.
	ErrClosed = errors.New("ratelimit: the pacer is closed")
)

// Request is what a pacer asks of its source in one exchange.
type Request struct {
	N       int           // slots wanted; 0 only tells what was learned
	Lead    time.Duration // how far ahead of its time a slot must be known: the round trip, doubled
	Learned *Learned      // what the answers said since the last exchange; nil for nothing
}

// Grant is a source's answer: Slots slots, the first Wait after the exchange
// and the others each Spacing later; or none, and when to ask again.
type Grant struct {
	Now     int64 // the source's clock in microseconds
	Slots   int
	Wait    time.Duration
	Spacing time.Duration
	Slack   time.Duration // a slot this much late is void
	End     time.Duration // if set, slots are valid up to this long after Now, and Slack does not matter
	Retry   time.Duration // without slots: ask again after this
	Epoch   int64         // slots of another epoch are void
	View    View
}

// View is the state of a bucket as one exchange saw it.
type View struct {
	Limit    float64       // requests a second in force: the configured limit or a lower one from the headers
	Mode     Mode          // how slots are placed
	Margin   float64       // the share given away in paced mode
	Foreign  int           // another client's use, in requests a second, subtracted from Limit
	Pause    time.Duration // time until the pause for all processes ends; 0 for none
	LongLeft int           // requests left in a window longer than a second
	Long     time.Duration // time until that window ends; 0 for none
	Phase    time.Duration // by how much the server's seconds lead the source's
	Gap      time.Duration // the time between two slots
}

// Source is one bucket: one account and class. A Source serves one Pacer.
type Source interface {
	// Reserve tells the bucket what was learned and asks for slots. An error
	// means that there is no slot, never that one may be taken.
	Reserve(ctx context.Context, r Request) (Grant, error)
}
