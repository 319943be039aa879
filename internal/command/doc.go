// Package command is the command line of enqueue: its arguments, flags, words
// and exit codes. It is a package so that a worker can carry out what is
// scheduled, or found in a folder, by the very commands that a person types.
package command
