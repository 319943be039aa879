//go:build !failpoints

package failpoint

// Hit does nothing: this is no test build.
func Hit(Point) {}
