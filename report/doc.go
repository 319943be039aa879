// Package report gives a sheet back with what happened to each row.
//
// A report holds every row of the input once and in order: the cells as they were, then the columns of [Columns]. A row that made several
// jobs is one row of the report: its result is the worst of its jobs' outcomes, and codes, messages, hints, ids and slugs
// stand in one cell, joined by "; ", those of the worst job first and equal ones once; attempts are added up, the time is
// the last one.
//
// A report is also good input. [sheet.Open] recognises it and takes the guards off, so that its cells are those of the
// input again, for every cell; the columns of an earlier report are left out and written anew.
package report
