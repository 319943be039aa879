// Package sandbox is a stateful stand-in for AfterShip's Tracking API: an http.Handler that keeps trackings, counts requests
// against the vendor's limits, refuses what the vendor refuses and fails when it is told to. AfterShip offers no test
// system for this API, so tests, the demo and --sandbox all run against this one.
//
// Every version of the API is served, under /v4 and /tracking/<version>. What is known about the real API is built in; what
// no source settles is a switch in [Options], so that a client can be tried with every answer. [Fault] makes chosen calls
// fail, [Seed] puts trackings in place, and a log of every request ([Sandbox.Calls]) lets a test judge what a client did.
// All of it can be changed while the sandbox runs, from Go or, by another process, as JSON under /_sandbox/.
//
// It reads and writes the wire format on its own and takes only names, versions and limits from the client's package,
// so that the two check one another.
package sandbox
