// Package slots says at which moments a schedule runs. A schedule is a cron
// expression in a time zone, and its moments, the slots, are instants: every
// process computes the same ones, whatever zone and clock it has itself.
//
// Where clocks are changed for summer time:
//   - an expression that names hours means the clock on the wall. A time that a
//     change leaves out runs at the moment of the change; a time that occurs twice
//     runs the first time.
//   - an expression for every hour (its second field is *) counts hours as they
//     pass. Nothing is made up for, and an hour that occurs twice runs twice.
package slots
