//go:build !race

package e2e

// buildFlags build the programs as they are shipped.
var buildFlags []string
