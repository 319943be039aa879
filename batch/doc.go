// Package batch is the ledger: the record in Redis of batches, rows, jobs and results, and the only truth about them.
//
// A batch is one sheet accepted for one operation and one account. Its jobs are numbered from 0 in the order of
// the sheet, without gaps; the number indexes every bitmap and bucket of the batch. A job runs in rounds: round 1 when
// the batch is accepted, one more for each time that it is opened again. In each round exactly one result is recorded, by whoever
// comes first; nobody can overwrite it, and a record of an older round is refused.
//
// Everything of one batch lies under one Redis hash tag, {b:<id>}, so that each change is one atomic script, on a cluster too:
//
//	aftership:{b:<id>}:meta    hash: the Spec, state, counts per outcome, times
//	aftership:{b:<id>}:done    bitmap: the job has a result in its current round
//	aftership:{b:<id>}:begun   bitmap: a call for the job was about to be sent, in any round
//	aftership:{b:<id>}:c:<k>   string: the rows of jobs 100k..100k+99, compressed
//	aftership:{b:<id>}:r:<k>   hash: their results, packed, at most 64 bytes each in nearly every case
//	aftership:{b:<id>}:j:<k>   hash: work in hand: round, begins, answers, looked-up tracking id; gone when the job is done (but for the round)
//	aftership:{b:<id>}:x:<k>   hash: texts that are too long or too many to intern
//	aftership:{b:<id>}:h:<k>   hash: results of earlier rounds
//	aftership:{b:<id>}:texts   list, and :intern, hash: texts that results share, by number
//
// Outside of the tag stand the index of batches by time (aftership:{batches}), one key per identity of a sheet
// (aftership:{identity:<sha>}), the stops of an account (aftership:{stops:<account>}) and the locks (aftership:{locks}).
//
// No script touches more than 300 jobs, so that nothing holds Redis for more than a millisecond or two; what concerns
// a whole batch goes chunk by chunk and can be repeated after a crash. Scripts take the time as an argument and declare their keys.
package batch
