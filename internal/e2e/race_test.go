//go:build race

package e2e

// buildFlags build the programs with the race detector where the tests have it.
var buildFlags = []string{"-race"}
