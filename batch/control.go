package batch

import (
	"context"
	"fmt"
	"slices"
)

// span is how many chunks one script goes through: 300 jobs, about a millisecond.
const span = 3

// CancelMessage and CancelHint are the texts of a job that was cancelled before it was sent.
const (
	CancelMessage = "cancelled before it was sent"
	CancelHint    = "run `enqueue retry` to send it after all"
)

// Pause holds a batch back: nothing more of it is sent until Resume.
func (s *Store) Pause(ctx context.Context, id ID, reason string) error {
	_, err := s.control(ctx, id, "pause", reason)
	return err
}

// Halt holds a batch back because of what the program found out; one that a person has paused stays so.
func (s *Store) Halt(ctx context.Context, id ID, reason string) error {
	_, err := s.control(ctx, id, "stop", reason)
	return err
}

// Resume lets a paused or stopped batch go on. The caller enqueues what was parked, see Todo.
func (s *Store) Resume(ctx context.Context, id ID) error {
	_, err := s.control(ctx, id, "resume", "")
	return err
}

// MarkReported notes that the report of an ended batch was written.
func (s *Store) MarkReported(ctx context.Context, id ID) error {
	_, err := s.control(ctx, id, "reported", "")
	return err
}

func (s *Store) control(ctx context.Context, id ID, act, reason string) (due bool, err error) {
	ns, err := s.run(durable(ctx), act, id, scriptControl, []string{keysOf(id).meta()}, act, s.now(), clip(reason))
	return err == nil && ns[0] == 1, err
}

// Cancel ends a batch: from now on none of its jobs begins, and each that was not sent gets the outcome cancelled. Those that
// have begun are left to their handlers. A batch that was still receiving is sealed with what it has. Cancel can be
// repeated; last says that every job has its result and no report was written.
func (s *Store) Cancel(ctx context.Context, id ID) (last bool, err error) {
	if last, err = s.control(ctx, id, "cancel", ""); err != nil {
		return false, err
	}
	more, err := s.cancelUnsent(ctx, id)
	return last || more, err
}

// cancelUnsent records the jobs of a cancelled batch that were not sent. If the batch is opened again meanwhile, it stops.
func (s *Store) cancelUnsent(ctx context.Context, id ID) (last bool, err error) {
	b, err := s.Get(ctx, id)
	if err != nil {
		return false, err
	}
	p, err := pack(Result{Outcome: CancelledJob, At: s.opts.Now()}, 1)
	if err != nil {
		return false, err
	}
	k := keysOf(id)
	shared := []string{k.meta(), k.done(), k.begun(), k.texts(), k.intern()}
	err = s.eachSpan(b.Total, func(first, n int) error {
		keys := slices.Clone(shared)
		for chunk := first; chunk < first+n; chunk++ {
			keys = append(keys, k.results(chunk), k.work(chunk))
		}
		ns, err := s.run(ctx, "cancel", id, scriptCancel, keys, first, s.now(), p.head, CancelMessage, CancelHint)
		last = err == nil && (last || ns[1] == 1)
		return err
	})
	return last, err
}

// eachSpan goes through the chunks of so many jobs, a few at a time.
func (s *Store) eachSpan(jobs int, do func(first, n int) error) error {
	all := chunks(jobs)
	for first := 0; first < all; first += span {
		if err := do(first, min(span, all-first)); err != nil {
			return err
		}
	}
	return nil
}

// Reopen starts the next round for every job that ended in one of the outcomes, and says for how many. The batch runs again; a
// cancelled one too. The old results become history. Called again after a crash it opens the rest.
func (s *Store) Reopen(ctx context.Context, id ID, outcomes ...Outcome) (jobs int, err error) {
	wanted := make([]byte, 0, len(outcomes))
	for _, o := range outcomes {
		n, ok := o.number()
		if !ok || o == Pending {
			return 0, wrap("reopen", id, fmt.Errorf("%q is no outcome that can be opened again", o))
		}
		wanted = append(wanted, byte(n))
	}
	b, err := s.Get(ctx, id)
	if err != nil {
		return 0, err
	}
	if err := s.MarkOpen(ctx, b.Account, id); err != nil {
		return 0, err
	}
	k := keysOf(id)
	err = s.eachSpan(b.Total, func(first, n int) error {
		keys := []string{k.meta(), k.done()}
		for chunk := first; chunk < first+n; chunk++ {
			keys = append(keys, k.results(chunk), k.work(chunk), k.history(chunk))
		}
		ns, err := s.run(durable(ctx), "reopen", id, scriptReopen, keys, first, s.now(), wanted)
		if err == nil {
			jobs += int(ns[0])
		}
		return err
	})
	return jobs, err
}
