package jobs

import (
	"time"

	"aftership-bulk/aftership"
	"aftership-bulk/batch"
)

// Estimate is what sending a sheet takes.
type Estimate struct {
	Calls    int // one for each job that is sent
	Lookups  int // calls that find trackings first, as far as the rows tell
	Duration time.Duration
	Counted  int // shipments that count against the plan's quota
}

// Estimate reckons what sending the sheet takes, where limit is the number of
// calls that a class takes in a second.
func (s *Survey) Estimate(limit func(aftership.Class) float64) Estimate {
	e := Estimate{Calls: s.Send(), Lookups: (s.lookups + lookupRows - 1) / lookupRows}
	if s.Plan.Operation == batch.Create {
		e.Counted = e.Calls
	}
	calls := map[aftership.Class]int{}
	calls[s.Plan.Version.Class(endpointOf(s.Plan.Operation))] += e.Calls
	calls[s.Plan.Version.Class(aftership.EndpointList)] += e.Lookups
	for class, n := range calls { // classes go side by side
		if rate := limit(class); rate > 0 {
			e.Duration = max(e.Duration, time.Duration(float64(n)/rate*float64(time.Second)))
		}
	}
	return e
}
