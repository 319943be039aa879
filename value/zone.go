package value

import (
	"errors"
	"strings"
	"time"
)

// zoneHours are the zones whose short names mean one thing everywhere. CST, IST, BST and others do not.
var zoneHours = map[string]int{
	"Z": 0, "UTC": 0, "GMT": 0, "CET": 1, "MEZ": 1, "CEST": 2, "MESZ": 2, "EET": 2, "EEST": 3, "JST": 9, "KST": 9,
	"EST": -5, "EDT": -4, "CDT": -5, "MDT": -6, "PST": -8, "PDT": -7,
}

// zone reads an offset from UTC or the short name of a zone; nothing is nil.
func zone(s string) (*time.Location, error) {
	s = strings.ToUpper(strings.TrimSpace(s))
	if s == "" || s == "UHR" {
		return nil, nil
	}
	if hours, ok := zoneHours[s]; ok {
		return offset(hours * 3600), nil
	}
	s = strings.TrimSpace(strings.TrimPrefix(strings.TrimPrefix(s, "UTC"), "GMT"))
	if s[0] != '+' && s[0] != '-' {
		return nil, errors.New("has the time zone " + s + ", whose name does not say its offset from UTC")
	}
	hours, minutes := number(s[1:3]), number(s[len(s)-2:])
	if hours > 14 || minutes > 59 {
		return nil, errors.New("has an offset from UTC that no country has")
	}
	seconds := hours*3600 + minutes*60
	if s[0] == '-' {
		seconds = -seconds
	}
	return offset(seconds), nil
}

func offset(seconds int) *time.Location {
	if seconds == 0 {
		return time.UTC
	}
	return time.FixedZone("", seconds)
}
