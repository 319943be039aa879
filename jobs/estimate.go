package jobs

import (
	"time"

	"aftership-bulk/aftership"
)

// Estimate is what sending a sheet takes.
type Estimate struct {
	Calls    int  // one for each job that is sent
	AtMost   bool // look-ups can spare calls
	Lookups  int  // calls that find trackings first, as far as the rows tell
	Duration time.Duration
	Counted  int // shipments that count against the plan's quota
}

// Estimate reckons what sending the sheet takes, where limit is the number of
// calls that a class takes in a second.
func (s *Survey) Estimate(limit func(aftership.Class) float64) Estimate {
	e := Estimate{Calls: s.Send(), Lookups: (s.lookups + lookupRows - 1) / lookupRows}
	if s.Plan.Defaults.Lookup == LookupAuto { // as many as tell whether it pays
		e.Lookups = min(e.Lookups, firstLooked/lookupRows)
	}
	calls := map[aftership.Class]int{}
	for op, n := range s.sends {
		calls[s.Plan.Version.Class(endpointOf(op))] += n
		e.AtMost = e.AtMost || n > 0 && s.Plan.Defaults.looksUp(op)
		if Creates(op) {
			e.Counted += n
		}
	}
	calls[s.Plan.Version.Class(aftership.EndpointList)] += e.Lookups
	for class, n := range calls { // classes go side by side
		if rate := limit(class); rate > 0 {
			e.Duration = max(e.Duration, time.Duration(float64(n)/rate*float64(time.Second)))
		}
	}
	return e
}
