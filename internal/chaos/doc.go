// Package chaos tests the programs while everything around them fails: workers
// killed or frozen at every step, AfterShip failing in every way, Redis cut off,
// killed, full or losing replies.
//
// The programs are the real binaries on a real redis-server; AfterShip is the
// sandbox, whose log of calls is the witness. After every scenario one judge
// compares the sheet, the report, the ledger and that log.
//
// The short form runs with every test. With CHAOS=long in the environment
// (make chaos) the sheets are as large and the faults as long as
// docs/reliability.md says.
package chaos
