// Package inbox is the hot folder: a file that is put into it is carried out, and
// comes out of it with its report.
//
//	incoming/create/monday.csv            put here by a person or a program
//	processing/HOST-PID-x7/20261122-.../  a claim: the file belongs to one worker
//	done/2026-11-22/monday.csv            and beside it monday.report.csv, monday.failed.csv
//	failed/2026-11-22/monday.csv          and beside it monday.error.txt, which says why
//
// Any number of workers, on any number of machines, may share the folder. The
// truth is where a file stands: it is moved by rename alone, which succeeds for
// one of them. So the four directories must be on one file system, and nothing
// else is asked of it: no locks, no common clock.
//
// A worker's claims stand in a directory of its own, in which it changes the file
// "alive" every few seconds. Who sees no change for the length of a lease, by his
// own clock, takes the worker's claims by renaming them into his own directory.
// A worker that was frozen for so long finds its claims gone, and leaves them.
// What it carried out meanwhile was carried out twice, which must be harmless: the
// ledger knows a file by its content.
//
// What is done with a file, the package does not know: it is told by a function.
package inbox
