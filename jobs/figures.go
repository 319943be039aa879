package jobs

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"aftership-bulk/aftership"
	"aftership-bulk/batch"
)

// Figures is how queues and batches of a worker's accounts stand at one moment,
// as every worker sees it, and how this worker's limits do.
type Figures struct {
	Queues  []QueueFigures
	Limits  []LimitFigures
	Batches map[BatchGroup]int
	// DeadLetters are the jobs that gave up, by account, in the batches whose
	// results are kept.
	DeadLetters map[string]int
	// Stops are the stops by account and lane; "" is every lane.
	Stops map[StopPlace]bool
}

// QueueFigures is how full one queue is.
type QueueFigures struct {
	Account  string
	Lane     string
	Priority batch.Priority
	// Pending tasks could be carried out at once, Active ones are, Delayed ones
	// wait for their time.
	Pending, Active, Delayed int
	// Age is how long the oldest pending task has waited.
	Age time.Duration
}

// LimitFigures is the rate limit of an account and class, as this worker knows it.
type LimitFigures struct {
	Account string
	Class   aftership.Class
	// PerSecond is the limit in force.
	PerSecond float64
	// Waiting is how many calls of this worker wait for a slot.
	Waiting int
	// Paused says that AfterShip asked for a pause.
	Paused bool
}

// BatchGroup is the batches of an account in one state.
type BatchGroup struct {
	Account string
	State   batch.State
}

// StopPlace is what a stop holds back.
type StopPlace struct{ Account, Lane string }

// Figures reads how queues and batches stand. It costs some round trips for each
// queue and for every fifty batches.
func (w *Worker) Figures(ctx context.Context) (Figures, error) {
	f := Figures{Batches: map[BatchGroup]int{}, DeadLetters: map[string]int{}, Stops: map[StopPlace]bool{}}
	for _, a := range w.accounts {
		f.DeadLetters[a.Name] = 0
		for _, s := range batch.AllStates() {
			f.Batches[BatchGroup{a.Name, s}] = 0
		}
		f.Limits = append(f.Limits, limitFigures(a)...)
		if err := errors.Join(w.queueFigures(a, &f), w.stopFigures(ctx, a, &f)); err != nil {
			return f, err
		}
	}
	return f, w.batchFigures(ctx, &f)
}

func limitFigures(a *Account) []LimitFigures {
	var all []LimitFigures
	for _, class := range a.Client.Version().Classes() {
		if p, ok := a.Pacers[class]; ok {
			s := p.Status()
			all = append(all, LimitFigures{a.Name, class, s.Limit, s.Waiting, s.Pause > 0})
		}
	}
	return all
}

func (w *Worker) queueFigures(a *Account, f *Figures) error {
	infos, err := w.queue.infos(a.Name, append(lanes(), sideLanes()...)...)
	if err != nil {
		return err
	}
	for _, info := range infos {
		q := QueueFigures{Account: a.Name, Pending: info.Pending, Active: info.Active, Delayed: info.Scheduled + info.Retry, Age: info.Latency}
		q.Lane, q.Priority = partsOf(a.Name, info.Queue)
		f.Queues = append(f.Queues, q)
	}
	return nil
}

// partsOf takes a queue's name apart again.
func partsOf(account, queue string) (lane string, p batch.Priority) {
	rest := strings.TrimPrefix(queue, account+"-")
	at := strings.LastIndexByte(rest, '-')
	return rest[:max(at, 0)], batch.Priority(rest[at+1:])
}

func (w *Worker) stopFigures(ctx context.Context, a *Account, f *Figures) error {
	stops, err := w.ledger.Stops(ctx, a.Name)
	if err != nil {
		return err
	}
	for _, s := range stops {
		f.Stops[StopPlace{a.Name, s.Class}] = true
	}
	return nil
}

func (w *Worker) batchFigures(ctx context.Context, f *Figures) error {
	for b, err := range w.ledger.List(ctx) {
		if errors.Is(err, batch.ErrNewer) {
			continue
		}
		if err != nil {
			return fmt.Errorf("read the batches for the figures: %w", err)
		}
		if _, ours := f.DeadLetters[b.Account]; !ours {
			continue
		}
		f.Batches[BatchGroup{b.Account, b.State}]++
		if b.TrimmedAt.IsZero() {
			f.DeadLetters[b.Account] += b.Counts[batch.GaveUp]
		}
	}
	return nil
}
