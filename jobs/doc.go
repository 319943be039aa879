// Package jobs does the work: it checks the rows of a sheet, puts them into the
// ledger and on the queue, carries them out against AfterShip, judges the
// answers, and finishes batches with a report.
//
// The way of a row is: [Survey] (pass one, nothing is sent) → [Intake] (pass two:
// ledger, then queue) → [Handler] (slot, begin, call) → [Decide] (verdict) →
// the ledger → [Finisher] (report). asynq only carries; the ledger in package
// batch is the truth, and every task on the queue can be rebuilt from it.
package jobs
