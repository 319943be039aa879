//go:build !race

package e2e

// buildFlags build the programs as they are shipped.
var buildFlags []string

// slower is how many times the time and memory a program may take.
const slower = 1
