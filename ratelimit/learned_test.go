package ratelimit

import (
	"reflect"
	"testing"
	"time"
)

func TestReadHeaders(t *testing.T) {
	// The source's clock is a thousand seconds ahead of the process's zero.
	unix := func(s int64) time.Time { return time.Unix(s, 0) }
	y := way{clock: clock{offset: 1000 * second, known: true}, least: 100000}
	const sent, received = 4.2e6, 4.3e6 // 1004.2 and 1004.3 on the source's clock
	window := func(reset, left, refused float64) []seen { return []seen{{reset, left, left, 1, refused, 0}} }
	tests := []struct {
		name string
		h    Headers
		want Learned
	}{
		{"no headers", Headers{}, Learned{}},
		{"no headers, refused", Headers{TooMany: true}, Learned{until: received + second}},
		{"a second", Headers{Limit: 10, Remaining: 7, Reset: unix(1005), Date: unix(1004)},
			Learned{limit: 10000, limitAt: sent, phased: true, low: 1004*second - sent, high: 1005*second - sent, windows: window(1005, 7, 0)}},
		{"a second, without date", Headers{Limit: 10, Remaining: 7, Reset: unix(1005)},
			Learned{limit: 10000, limitAt: sent, phased: true, low: 1004*second - sent, high: 1005*second - sent, windows: window(1005, 7, 0)}},
		{"a reset that is already past", Headers{Limit: 10, Remaining: 7, Reset: unix(1004), Date: unix(1004)},
			Learned{limit: 10000, limitAt: sent}},
		{"refused", Headers{Limit: 10, Reset: unix(1005), Date: unix(1004), TooMany: true},
			Learned{limit: 10000, limitAt: sent, phased: true, low: 1004*second - sent, high: 1005*second - sent,
				windows: window(1005, 0, 1), until: received + 700000, untilReset: 1005}},
		{"refused with Retry-After", Headers{Limit: 10, Reset: unix(1005), Date: unix(1004), TooMany: true, RetryAfter: 3 * time.Second},
			Learned{limit: 10000, limitAt: sent, phased: true, low: 1004*second - sent, high: 1005*second - sent,
				windows: window(1005, 0, 1), until: received + 3*second}},
		{"refused at a reset that is past", Headers{Limit: 10, Reset: unix(1004), Date: unix(1004), TooMany: true},
			Learned{limit: 10000, limitAt: sent, until: received + 250000, untilReset: 1004}},
		{"a minute", Headers{Limit: 600, Remaining: 30, Reset: unix(1044), Date: unix(1004)},
			Learned{longEnd: received + 39.7*second, longLeft: 30}},
		{"a day, refused", Headers{Limit: 100, Reset: unix(1004 + 7200), Date: unix(1004), TooMany: true},
			Learned{longEnd: received + 7199.7*second, until: received + 7199.7*second}},
		{"a server whose clock is an hour ahead", Headers{Limit: 10, Remaining: 7, Reset: unix(4605), Date: unix(4604), TooMany: true},
			Learned{limit: 10000, limitAt: sent, phased: true, low: 4604*second - sent, high: 4605*second - sent,
				windows: window(4605, 7, 1), until: received + second, untilReset: 4605}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := *read(test.h, sent, received, y); !reflect.DeepEqual(got, test.want) {
				t.Errorf("got  %+v\nwant %+v", got, test.want)
			}
		})
	}
}

// A request that was held up on its way says little about where seconds begin, and
// is known as a stray if it came in the second after its own.
func TestHeldUpRequests(t *testing.T) {
	y := way{clock: clock{offset: 1000 * second, known: true}, least: 20000, whole: true, phase: 5000}
	h := Headers{Limit: 10, Remaining: 7, Reset: time.Unix(1006, 0), Date: time.Unix(1005, 0)}
	tests := []struct {
		name           string
		sent, received float64
		low, high      float64
		stray          float64
	}{
		{"in time", 5.1e6, 5.12e6, 1005*second - 5.1e6, 1006*second - 5.1e6, 0},
		{"held up within its second", 5.1e6, 5.42e6, 1005*second - 5.4e6, 1006*second - 5.1e6, 0},
		{"held up beyond its second", 4.9e6, 5.32e6, 1005*second - 5.3e6, 1006*second - 4.9e6, 1},
		{"at the edge", 4.99e6, 5.02e6, 1005*second - 5e6, 1006*second - 4.99e6, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			l := read(h, test.sent, test.received, y)
			if l.low != test.low || l.high != test.high || l.windows[0].stray != test.stray || l.stray() != (test.stray > 0) {
				t.Errorf("%.0f to %.0f, stray %v, want %.0f to %.0f, %v", l.low, l.high, l.windows[0].stray, test.low, test.high, test.stray)
			}
		})
	}
}

func TestAbsorb(t *testing.T) {
	l := &Learned{limit: 10000, limitAt: 5, phased: true, low: 1, high: 9, windows: []seen{{7, 4, 8, 3, 0, 1}}}
	l.absorb(&Learned{limit: 5000, limitAt: 4, phased: true, low: 3, high: 20, until: 50, windows: []seen{{6, 0, 9, 1, 1, 0}, {7, 2, 2, 1, 1, 1}}})
	l.absorb(&Learned{longEnd: 9e6, longLeft: 7})
	l.absorb(&Learned{longEnd: 9.5e6, longLeft: 5})
	want := &Learned{limit: 10000, limitAt: 5, phased: true, low: 3, high: 9, until: 50, longEnd: 9e6, longLeft: 5,
		windows: []seen{{6, 0, 9, 1, 1, 0}, {7, 2, 8, 4, 1, 2}}}
	if !reflect.DeepEqual(l, want) {
		t.Errorf("got  %+v\nwant %+v", l, want)
	}
	for i := range 20 {
		l.absorb(&Learned{windows: []seen{{reset: float64(10 + i)}}})
	}
	if len(l.windows) > 6 || l.windows[len(l.windows)-1].reset != 29 {
		t.Errorf("kept %+v, want the newest few", l.windows)
	}
}

func TestSpreadIsDeafToOneOddTrip(t *testing.T) {
	var s trips
	for i := range 300 {
		s.add(5000 + float64(i%11)*100)
	}
	s.add(9e6)
	if got := s.spread(); got != 1000 {
		t.Errorf("spread %v, want 1000", got)
	}
}
