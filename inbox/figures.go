package inbox

import (
	"sync"
	"time"
)

// Figures are how a folder stands, as one worker sees it.
type Figures struct {
	// Done, Failed and Again count what this worker has put into done and into failed, and the tries that it has to repeat.
	Done, Failed, Again int
	// Incoming are the files that nobody has taken yet; every worker sees the same ones.
	Incoming Waiting
	// Processing are the files that this worker has in hand, and tries again after a while.
	Processing Waiting
}

// Waiting are files that are not being carried out.
type Waiting struct {
	// Files is how many there are; of each folder the first 10,000 are seen.
	Files int
	// Oldest is how long the oldest one waits: in incoming since it has last changed under the eyes of this worker, in processing since it was taken.
	Oldest time.Duration
}

// figures are kept for those that ask while the box is at work.
type figures struct {
	mu                  sync.Mutex
	done, failed, again int
	incoming, held      waiting
}

// waiting are files by the beginning of the longest wait.
type waiting struct {
	files int
	since time.Time
}

func (w *waiting) add(since time.Time) {
	w.files++
	if w.since.IsZero() || since.Before(w.since) {
		w.since = since
	}
}

func (w waiting) at(now time.Time) Waiting {
	if w.files == 0 {
		return Waiting{}
	}
	return Waiting{Files: w.files, Oldest: max(0, now.Sub(w.since))}
}

// Figures says how the folder stands. It may be called at any time.
func (b *Box) Figures() Figures {
	now := b.o.Now()
	b.stands.mu.Lock()
	defer b.stands.mu.Unlock()
	s := &b.stands
	return Figures{Done: s.done, Failed: s.failed, Again: s.again, Incoming: s.incoming.at(now), Processing: s.held.at(now)}
}

// count counts the end of a run by where its file goes.
func (f *figures) count(fate string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch fate {
	case done:
		f.done++
	case failed:
		f.failed++
	default:
		f.again++
	}
}

// survey counts what waits, after a look.
func (b *Box) survey() {
	var incoming, held waiting
	for _, s := range b.seen {
		incoming.add(s.since)
	}
	for _, c := range b.mine {
		if !c.running {
			held.add(c.taken())
		}
	}
	b.stands.mu.Lock()
	defer b.stands.mu.Unlock()
	b.stands.incoming, b.stands.held = incoming, held
}
