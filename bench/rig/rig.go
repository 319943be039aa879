// Package rig is what the programs under bench share: sheets to read, private
// servers, figures and how they are printed.
package rig

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Main runs a program until it is done, is interrupted or takes too long. With
// the flag -cpuprofile the time it took is written to a file for `go tool pprof`.
func Main(longest time.Duration, run func(context.Context) error) {
	profile := flag.String("cpuprofile", "", "write a CPU profile to this `FILE`")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	ctx, cancel := context.WithTimeoutCause(ctx, longest, fmt.Errorf("not done after %s: take fewer rows", longest))
	err := profiled(*profile, func() error { return run(ctx) })
	if err != nil && ctx.Err() != nil {
		err = errors.Join(err, context.Cause(ctx))
	}
	cancel()
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func profiled(path string, run func() error) error {
	if path == "" {
		return run()
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return err
	}
	err = run()
	pprof.StopCPUProfile()
	return errors.Join(err, f.Close())
}

// Figure prints one figure: what it is, its value, and what to hold it against.
func Figure(what string, value float64, unit string, notes ...string) {
	note := ""
	if len(notes) > 0 {
		note = "(" + strings.Join(notes, "; ") + ")"
	}
	fmt.Printf("%-52s %11s %-9s %s\n", what, Number(value), unit, note)
}

// Number writes a figure for people: thousands apart, and two decimals where it is small.
func Number(v float64) string {
	if v < 10 {
		return strconv.FormatFloat(v, 'f', 2, 64)
	}
	digits := strconv.FormatFloat(v, 'f', 0, 64)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// Goal says whether a figure reached its goal.
func Goal(text string, met bool) string {
	if met {
		return "goal " + text + ": met"
	}
	return "goal " + text + ": MISSED"
}

// Median is the middle one of some values: of a busy machine's figures the one
// to trust most.
func Median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// Spread names the lowest and the highest of some ratios, which tell how much the
// machine's other work disturbed.
func Spread(values []float64) string {
	return fmt.Sprintf("from %.2f to %.2f", slices.Min(values), slices.Max(values))
}

// Rate is how many things there were in a second since a time.
func Rate(n int, since time.Time) float64 { return float64(n) / time.Since(since).Seconds() }
