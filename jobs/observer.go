package jobs

import (
	"time"

	"aftership-bulk/aftership"
	"aftership-bulk/batch"
)

// Observer hears what a worker does, as it happens, for metrics. Its methods may
// be called by many goroutines at once and must return at once.
type Observer interface {
	// JobEnded is called when a job has its result.
	JobEnded(account string, op batch.Operation, outcome batch.Outcome)
	// Called is called for each request to AfterShip that was sent, or tried.
	Called(account string, c aftership.Called)
	// SlotWaited is called for each slot that was had, with the wait for it.
	SlotWaited(account string, class aftership.Class, waited time.Duration)
	// Updated is called for each event of a webhook that was taken in.
	Updated(account string, result UpdateResult)
}

// deaf is the observer where there is none.
type deaf struct{}

func (deaf) JobEnded(string, batch.Operation, batch.Outcome)   {}
func (deaf) Called(string, aftership.Called)                   {}
func (deaf) SlotWaited(string, aftership.Class, time.Duration) {}
func (deaf) Updated(string, UpdateResult)                      {}

// observe makes an observer hear of an account's calls and slots.
func (a *Account) observe(o Observer) {
	a.observer = o
	a.Client = a.Client.Observed(func(c aftership.Called) { o.Called(a.Name, c) })
}

// slotWaited tells the observer, if there is one.
func (a *Account) slotWaited(class aftership.Class, waited time.Duration) {
	if a.observer != nil {
		a.observer.SlotWaited(a.Name, class, waited)
	}
}
