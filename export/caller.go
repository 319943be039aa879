package export

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"aftership-bulk/aftership"
	"aftership-bulk/batch"
	"aftership-bulk/jobs"
)

// longestWait is how long a 429 may ask to wait. A limit that is reset later than that, as that of a day, ends the export.
const longestWait = 10 * time.Minute

// Caller repeats calls that change nothing until they have an answer, and judges the answers as jobs does.
type Caller struct {
	// Attempts is how often a call is tried that fails for a while. Defaults to 8; a 429 is no attempt.
	Attempts int
	// Backoff is the wait after the n-th failure, from 1. Defaults to a second that doubles, up to half a minute.
	Backoff func(n int) time.Duration
	// Told hears why a call is repeated, and after which wait. It may be called by several goroutines at once. Defaults to
	// nobody.
	Told func(text string, wait time.Duration)
}

// Failure is why a call got no answer that is good.
type Failure struct {
	jobs.Verdict
	err error
}

// Error is what AfterShip said, with its code where there is one.
func (f *Failure) Error() string {
	text := cmp.Or(f.Message, f.err.Error())
	if f.Code != 0 {
		return fmt.Sprintf("%d %s", f.Code, text)
	}
	return text
}

// Unwrap is the error of the call.
func (f *Failure) Unwrap() error { return f.err }

// Call makes a call until it has an answer. Its error is a [Failure], or that of the context.
func (c *Caller) Call(ctx context.Context, call func(context.Context) error) error {
	for n := 1; ; {
		err := call(ctx)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		}
		f := c.judge(err, n)
		var wait time.Duration
		switch f.Kind {
		case jobs.Wait:
			if wait = untilReset(err); wait > longestWait {
				return f
			}
			c.tell(wait, "AfterShip asks to slow down")
		case jobs.Retry:
			wait = c.backoff(n)
			n++
			c.tell(wait, f.Error())
		default:
			return f
		}
		if err := sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// judge judges a failed call. An update has no codes of its own, and neither has a call that reads.
func (c *Caller) judge(err error, n int) *Failure {
	if ours(err) {
		return &Failure{jobs.Verdict{Kind: jobs.Refused, Message: err.Error()}, err}
	}
	return &Failure{jobs.Decide(jobs.Answer{Operation: batch.Update, Attempt: n, MaxAttempts: cmp.Or(c.Attempts, 8), Err: err}), err}
}

// ours says that it was this program that refused, and would refuse again.
func ours(err error) bool {
	return errors.Is(err, errMismatch) || errors.Is(err, aftership.ErrUnsupported) || errors.Is(err, aftership.ErrIncompleteRef) || errors.Is(err, aftership.ErrNeedsID)
}

func (c *Caller) tell(wait time.Duration, text string) {
	if c.Told != nil {
		c.Told(text, wait)
	}
}

func (c *Caller) backoff(n int) time.Duration {
	if c.Backoff != nil {
		return c.Backoff(n)
	}
	d := min(time.Second<<min(n-1, 10), 30*time.Second)
	return d/2 + rand.N(d/2)
}

// untilReset is how long a 429 asks to wait, a moment at least.
func untilReset(err error) time.Duration {
	const moment = 200 * time.Millisecond
	if e, ok := errors.AsType[*aftership.Error](err); ok {
		if reset, ok := e.Reset(); ok {
			return max(moment, time.Until(reset))
		}
	}
	return time.Second
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
