// Package aftershipbulk holds the tests that are about the whole module: its
// layers, its documentation and its files. The programs are under cmd.
package aftershipbulk
