//go:build race

package e2e

// buildFlags build the programs with the race detector where the tests have it.
var buildFlags = []string{"-race"}

// slower is how many times the time and memory a program may take.
const slower = 8
