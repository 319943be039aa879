// Package e2e tests the programs as people run them: the real binaries, a real
// redis-server, and the sandbox in AfterShip's place.
package e2e
