package main

import (
	"math/rand/v2"
	"slices"
	"time"

	"aftership-bulk/aftership/sandbox"
)

// bound is the most of the limit that anybody can use of the server in the
// cell with at most one refusal in a hundred calls: requests at even distances,
// by a sender that knows the way's jitter and is itself never late, on a
// machine that does nothing else. Jitter costs nothing where seconds are whole
// or a bucket makes up for it. Zero where no figure is to be had.
func (c cell) bound() float64 {
	switch {
	case c.change, c.foreign > 0:
		return 0
	case c.model != sandbox.ModelSliding:
		return 1
	}
	best := 0.0
	for margin := 0.002; margin < 0.3; margin *= 1.1 {
		if used, refused := slide(c.jitter, margin); refused <= 0.01 {
			best = max(best, used)
		}
	}
	return best
}

// slide simulates a sliding window and a sender that keeps a margin.
func slide(jitter time.Duration, margin float64) (used, refused float64) {
	const calls = 100_000
	gap := (1 + margin) / limit
	random := rand.New(rand.NewPCG(5, 6))
	arrivals := make([]float64, calls)
	for i := range arrivals {
		arrivals[i] = float64(i)*gap + random.ExpFloat64()*jitter.Seconds()
	}
	slices.Sort(arrivals)
	var taken []float64
	for _, at := range arrivals {
		if n := len(taken); n < limit || taken[n-limit] <= at-1 {
			taken = append(taken, at)
		}
	}
	return float64(len(taken)) / (calls * gap * limit), 1 - float64(len(taken))/calls
}
