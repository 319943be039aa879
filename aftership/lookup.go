package aftership

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// MaxLookup is how many tracking numbers one call of the list takes (AfterShip's OpenAPI document).
const MaxLookup = 50

// Match is how a look-up ended for one tracking.
type Match string

// The ends of a look-up, and what the operator can do.
const (
	// MatchFound means that exactly one tracking fits.
	MatchFound Match = "found"
	// MatchMissing means that none fits among those of the last 120 days: an older one cannot be looked up, give its id.
	// Candidates may show the number under another courier, which AfterShip's carrier auto-correction can have chosen.
	MatchMissing Match = "missing"
	// MatchAmbiguous means that several fit: name the slug, or the id.
	MatchAmbiguous Match = "ambiguous"
)

// Matches lists the ends of a look-up.
func Matches() []Match { return []Match{MatchFound, MatchMissing, MatchAmbiguous} }

// Found is the result of a look-up for one tracking.
type Found struct {
	Ref        Ref // as it was asked
	Match      Match
	Tracking   Tracking   // where Match is MatchFound
	Candidates []Tracking // every tracking with the number, whatever its courier
}

// Lookup finds trackings by number, and by slug where the ref has one, through the list: one call for up to [MaxLookup]
// numbers, and more only where couriers share numbers so widely that a page is not enough. The results stand in the order
// of the refs. Letters' case does not count, since whether AfterShip folds it is not documented.
func (c *Client) Lookup(ctx context.Context, refs []Ref) ([]Found, error) {
	numbers, err := lookupNumbers(refs)
	if err != nil || len(numbers) == 0 {
		return nil, err
	}
	byNumber := map[string][]Tracking{}
	for t, err := range c.List(ctx, Filter{TrackingNumbers: numbers}) {
		if err != nil {
			return nil, err
		}
		key := strings.ToUpper(t.TrackingNumber)
		byNumber[key] = append(byNumber[key], t)
	}
	found := make([]Found, len(refs))
	for i, ref := range refs {
		found[i] = match(ref, byNumber[strings.ToUpper(ref.TrackingNumber)])
	}
	return found, nil
}

// lookupNumbers lists the distinct numbers. A comma would make two of one.
func lookupNumbers(refs []Ref) ([]string, error) {
	var numbers []string
	for _, ref := range refs {
		if ref.TrackingNumber == "" || strings.Contains(ref.TrackingNumber, ",") {
			return nil, fmt.Errorf("aftership: %s: %q cannot be looked up as a tracking number", EndpointList, ref.TrackingNumber)
		}
		if !slices.Contains(numbers, ref.TrackingNumber) {
			numbers = append(numbers, ref.TrackingNumber)
		}
	}
	if len(numbers) > MaxLookup {
		return nil, fmt.Errorf("aftership: %s: %d tracking numbers in one look-up, but AfterShip takes %d", EndpointList, len(numbers), MaxLookup)
	}
	return numbers, nil
}

// match picks the tracking that a ref means. A page can bring a tracking twice, so ids decide.
func match(ref Ref, candidates []Tracking) Found {
	f := Found{Ref: ref, Match: MatchMissing, Candidates: candidates}
	for _, t := range candidates {
		switch {
		case ref.Slug != "" && !strings.EqualFold(t.Slug, ref.Slug):
		case f.Match == MatchMissing:
			f.Match, f.Tracking = MatchFound, t
		case t.ID != f.Tracking.ID:
			return Found{Ref: ref, Match: MatchAmbiguous, Candidates: candidates}
		}
	}
	return f
}
