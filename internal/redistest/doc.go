// Package redistest starts private Redis servers for tests, benchmarks and
// the programs under bench/.
//
// Server starts a real redis-server on a free loopback port with its files in
// a directory of its own, and stops it when the test ends. Both runs a test on
// miniredis and on a real server, because the embedded mode of this program
// runs on the first and a team's workers on the second. A machine without
// redis-server fails the test with the way to install it; nothing is skipped.
package redistest
