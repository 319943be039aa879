package config

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// RateLimit says how many requests a second are allowed: for every class of
// endpoints, for some of them, or both. The zero RateLimit says nothing, so that
// AfterShip's own table holds.
type RateLimit struct {
	every float64 // for the classes that have no number of their own; 0 = none
	class map[string]float64
}

// every class is also called this, as AfterShip has one class only in its older versions.
const allClasses = "all"

// maxRate is more than any account is sold, and guards against a slip of the keyboard.
const maxRate = 1_000_000

var rateNumber = regexp.MustCompile(`^[0-9]{1,9}(\.[0-9]{1,6})?$`)

// Classes lists the names that a rate limit can be given for: "all", and from
// API version 2024-07 on the kinds of calls.
func Classes() []string {
	return []string{allClasses, "create", "list", "get", "update", "delete", "retrack", "complete", "couriers",
		"couriers_all", "detect", "predict_batch", "predict", "last_checkpoint"}
}

// ParseRateLimit understands "10" (every class), "create=20,update=5" (these
// classes), and "10,create=20" (every other class 10). Nothing is the zero RateLimit.
func ParseRateLimit(text string) (RateLimit, error) {
	var r RateLimit
	if strings.TrimSpace(text) == "" {
		return r, nil
	}
	for part := range strings.SplitSeq(text, ",") {
		if err := r.add(part); err != nil {
			return RateLimit{}, err
		}
	}
	return r, nil
}

func (r *RateLimit) add(part string) error {
	class, number, named := strings.Cut(part, "=")
	if !named {
		class, number = allClasses, part
	}
	class, number = strings.ToLower(strings.TrimSpace(class)), strings.TrimSpace(number)
	if !slices.Contains(Classes(), class) {
		return fmt.Errorf("%q is no class of endpoints: use %s", class, strings.Join(Classes(), ", "))
	}
	if _, again := r.own(class); again {
		return fmt.Errorf("%s has two numbers: give it one", class)
	}
	perSecond, err := parseRate(number)
	if err != nil {
		return err
	}
	r.set(class, perSecond)
	return nil
}

func parseRate(number string) (float64, error) {
	if !rateNumber.MatchString(number) {
		return 0, fmt.Errorf("%q is no number of requests a second: write 10, or create=20,update=5", number)
	}
	perSecond, err := strconv.ParseFloat(number, 64)
	if err != nil || perSecond > maxRate {
		return 0, fmt.Errorf("%s requests a second are too many: at most %d", number, maxRate)
	}
	if perSecond == 0 {
		return 0, errors.New("at 0 requests a second nothing would ever be sent: give a number above 0, or pause the batch instead")
	}
	return perSecond, nil
}

func (r *RateLimit) set(class string, perSecond float64) {
	if class == allClasses {
		r.every = perSecond
		return
	}
	if r.class == nil {
		r.class = map[string]float64{}
	}
	r.class[class] = perSecond
}

// own is the number that was given for exactly this class.
func (r RateLimit) own(class string) (float64, bool) {
	if class == allClasses {
		return r.every, r.every > 0
	}
	perSecond, ok := r.class[class]
	return perSecond, ok
}

// Of is the number of requests a second for a class; false when the settings
// leave it to AfterShip's table.
func (r RateLimit) Of(class string) (perSecond float64, ok bool) {
	if perSecond, ok = r.own(class); ok {
		return perSecond, true
	}
	return r.every, r.every > 0
}

// String is the limit in the form that [ParseRateLimit] reads.
func (r RateLimit) String() string {
	var parts []string
	if r.every > 0 {
		parts = append(parts, strconv.FormatFloat(r.every, 'f', -1, 64))
	}
	for _, class := range r.Named() {
		parts = append(parts, class+"="+strconv.FormatFloat(r.class[class], 'f', -1, 64))
	}
	return strings.Join(parts, ",")
}

// MarshalText is the limit as a text, for JSON and logs.
func (r RateLimit) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// Named lists the classes that have a number of their own, sorted.
func (r RateLimit) Named() []string { return slices.Sorted(maps.Keys(r.class)) }

// over is r where it says something, and base for the rest.
func (r RateLimit) over(base RateLimit) RateLimit {
	if r.every > 0 {
		return r
	}
	merged := RateLimit{every: base.every, class: maps.Clone(base.class)}
	for class, perSecond := range r.class {
		merged.set(class, perSecond)
	}
	return merged
}
