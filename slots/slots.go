package slots

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// Spec is a cron expression in a time zone. The zero Spec has no slots.
type Spec struct {
	expr, zone string
	cron       *cron.SpecSchedule
	loc        *time.Location
}

// everyHour are the bits of cron's field of hours when all of them are set.
const everyHour = 1<<24 - 1

// Parse reads a cron expression of five fields (or @hourly, @daily, @weekly,
// @monthly, @yearly) and the name of a time zone, of which "" is UTC.
func Parse(expr, zone string) (Spec, error) {
	loc, err := parseZone(zone)
	if err != nil {
		return Spec{}, err
	}
	fields, err := parseExpr(expr)
	if err != nil {
		return Spec{}, err
	}
	s := Spec{expr: strings.Join(strings.Fields(expr), " "), zone: loc.String(), cron: fields, loc: loc}
	if fields.Next(time.Unix(0, 0).UTC()).IsZero() {
		return Spec{}, errors.New("there is no such day in any year: mend day or month")
	}
	return s, nil
}

func parseZone(zone string) (*time.Location, error) {
	loc, err := time.LoadLocation(zone)
	if err != nil || strings.EqualFold(zone, "local") {
		return nil, errors.New("there is no such time zone: give a name such as Europe/Berlin, or UTC")
	}
	return loc, nil
}

func parseExpr(expr string) (*cron.SpecSchedule, error) {
	const form = "give five fields, minute, hour, day of the month, month and day of the week, such as 30 2 * * 1-5"
	if strings.Contains(expr, "=") {
		return nil, errors.New("an expression has no zone in it: give the zone by itself")
	}
	if strings.HasPrefix(expr, "@every") {
		return nil, errors.New("@every starts anew with every worker, so that workers would not agree on a time: give */15 * * * * or the like")
	}
	parsed, err := cron.ParseStandard(expr)
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, form)
	}
	fields, ok := parsed.(*cron.SpecSchedule)
	if !ok {
		return nil, errors.New(form)
	}
	fields.Location = time.UTC // it is asked about clocks on walls, see wall
	return fields, nil
}

// Expr is the expression.
func (s Spec) Expr() string { return s.expr }

// Zone is the name of the time zone.
func (s Spec) Zone() string { return s.zone }

// Location is the time zone.
func (s Spec) Location() *time.Location {
	if s.loc == nil {
		return time.UTC
	}
	return s.loc
}

// Next is the first slot after a moment, in UTC; zero if there is none.
func (s Spec) Next(after time.Time) time.Time {
	switch {
	case s.cron == nil:
		return time.Time{}
	case s.cron.Hour&everyHour == everyHour:
		return s.nextPassing(after)
	}
	return s.nextOnWall(after)
}

// nextPassing goes through the stretches of time in which the zone keeps its
// distance from UTC.
func (s Spec) nextPassing(after time.Time) time.Time {
	at := wall(after.In(s.loc))
	for {
		next := s.cron.Next(at)
		if next.IsZero() {
			return time.Time{}
		}
		_, offset := after.In(s.loc).Zone()
		_, end := after.In(s.loc).ZoneBounds()
		slot := next.Add(-time.Duration(offset) * time.Second)
		if end.IsZero() || slot.Before(end) {
			return slot
		}
		after = end
		at = wall(end.In(s.loc)).Add(-time.Second) // a slot at the very change counts
	}
}

// nextOnWall goes through the times that the clock on the wall shows.
func (s Spec) nextOnWall(after time.Time) time.Time {
	for at := wall(after.In(s.loc)); ; {
		at = s.cron.Next(at)
		if at.IsZero() {
			return time.Time{}
		}
		if slot := s.instant(at); slot.After(after) {
			return slot.UTC()
		}
	}
}

// instant is when the clock on the wall shows a time first or, if it never does,
// when it is put past it.
func (s Spec) instant(at time.Time) time.Time {
	t := time.Date(at.Year(), at.Month(), at.Day(), at.Hour(), at.Minute(), at.Second(), 0, s.loc)
	start, end := t.ZoneBounds()
	switch shown := wall(t); {
	case shown.After(at):
		return start
	case shown.Before(at):
		return end
	case start.IsZero():
		return t
	}
	_, offset := start.Add(-time.Second).Zone()
	if before := at.Add(-time.Duration(offset) * time.Second); before.Before(start) {
		return before
	}
	return t
}

// wall is what the clock on the wall shows, as if the wall stood in UTC.
func wall(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}

// Latest is the last slot after one moment and not after another; zero if there
// is none. It looks at stretches that grow into the past, so that it costs
// little however long ago the first moment is.
func (s Spec) Latest(after, until time.Time) time.Time {
	for stretch := time.Hour; ; stretch *= 2 {
		from := until.Add(-stretch)
		if from.Before(after) {
			from = after
		}
		if last := s.lastOf(from, until); !last.IsZero() || !from.After(after) {
			return last
		}
	}
}

func (s Spec) lastOf(after, until time.Time) (last time.Time) {
	for t := s.Next(after); !t.IsZero() && !t.After(until); t = s.Next(t) {
		last = t
	}
	return last
}
