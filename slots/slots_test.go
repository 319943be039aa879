package slots

import (
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"pgregory.net/rapid"
)

func mustParse(t interface {
	Helper()
	Fatal(...any)
}, expr, zone string) Spec {
	t.Helper()
	s, err := Parse(expr, zone)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func at(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return t
}

// between are the slots after one moment and not after another, as local times.
func between(s Spec, after, until string) string {
	var all []string
	for t := s.Next(at(after)); !t.IsZero() && !t.After(at(until)); t = s.Next(t) {
		all = append(all, t.In(s.Location()).Format("02T15:04-0700"))
	}
	return strings.Join(all, " ")
}

func TestSummerTime(t *testing.T) {
	spring := [2]string{"2026-03-28T12:00:00Z", "2026-03-30T12:00:00Z"} // Berlin's clocks go from 2 to 3 on the 29th, at 01:00Z
	autumn := [2]string{"2026-10-24T12:00:00Z", "2026-10-26T12:00:00Z"} // and from 3 to 2 on October 25th, at 01:00Z
	for _, tt := range []struct {
		name, expr, zone string
		span             [2]string
		want             string
	}{
		{"a time that does not exist runs at the change", "30 2 * * *", "Europe/Berlin", spring, "29T03:00+0200 30T02:30+0200"},
		{"several of them run once", "0,20,40 2 * * *", "Europe/Berlin", spring, "29T03:00+0200 30T02:00+0200 30T02:20+0200 30T02:40+0200"},
		{"the change is a slot anyway", "15 2,3 * * *", "Europe/Berlin", spring, "29T03:00+0200 29T03:15+0200 30T02:15+0200 30T03:15+0200"},
		{"3 o'clock exists", "0 3 * * *", "Europe/Berlin", spring, "29T03:00+0200 30T03:00+0200"},
		{"a time that exists twice runs the first time", "30 2 * * *", "Europe/Berlin", autumn, "25T02:30+0200 26T02:30+0100"},
		{"2 o'clock too", "0 2 * * *", "Europe/Berlin", autumn, "25T02:00+0200 26T02:00+0100"},
		{"3 o'clock exists once", "0 3 * * *", "Europe/Berlin", autumn, "25T03:00+0100 26T03:00+0100"},
		{"one day only, which is left out", "30 2 29 3 *", "Europe/Berlin", [2]string{"2026-03-01T00:00:00Z", "2027-12-31T00:00:00Z"}, "29T03:00+0200 29T02:30+0200"},
		{"UTC has no summer time", "30 2 * * *", "", spring, "29T02:30+0000 30T02:30+0000"},
		{"midnight is left out in Cairo", "0 0 * * *", "Africa/Cairo", [2]string{"2026-04-23T12:00:00Z", "2026-04-25T00:00:00Z"}, "24T01:00+0300 25T00:00+0300"},
		{"half an hour in Lord Howe", "15 2 * * *", "Australia/Lord_Howe", [2]string{"2026-10-03T00:00:00Z", "2026-10-05T00:00:00Z"}, "04T02:30+1100 05T02:15+1100"},
		{"a day that Samoa left out", "0 9 30 12 *", "Pacific/Apia", [2]string{"2011-12-01T00:00:00Z", "2012-12-31T00:00:00Z"}, "31T00:00+1400 30T09:00+1400"},
		{"every hour passes the gap", "30 * 29 3 *", "Europe/Berlin", [2]string{"2026-03-28T23:00:00Z", "2026-03-29T02:00:00Z"}, "29T00:30+0100 29T01:30+0100 29T03:30+0200"},
		{"every hour runs in both hours", "0,30 * * * *", "Europe/Berlin", [2]string{"2026-10-24T23:59:00Z", "2026-10-25T02:00:00Z"},
			"25T02:00+0200 25T02:30+0200 25T02:00+0100 25T02:30+0100 25T03:00+0100"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := between(mustParse(t, tt.expr, tt.zone), tt.span[0], tt.span[1]); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestParseErrors(t *testing.T) {
	for _, tt := range []struct{ expr, zone, want string }{
		{"", "", "empty"},
		{"* * * *", "", "five fields"},
		{"0 2 * * * *", "", "five fields"},
		{"61 * * * *", "", "above maximum"},
		{"0 2 * * 7", "", "above maximum"},
		{"@every 1h", "", "*/15"},
		{"@reboot", "", "five fields"},
		{"CRON_TZ=Europe/Berlin", "", "zone by itself"},
		{"TZ=UTC 0 2 * * *", "", "zone by itself"},
		{"0 2 30 2 *", "", "no such day"},
		{", * * * *", "", "no such day"},
		{"0 2 * * *", "Europe/Berlyn", "no such time zone"},
		{"0 2 * * *", "Local", "no such time zone"},
		{"0 2 * * *", "../etc/passwd", "no such time zone"},
	} {
		if _, err := Parse(tt.expr, tt.zone); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q in %q: %v", tt.expr, tt.zone, err)
		}
	}
}

func TestSpec(t *testing.T) {
	s := mustParse(t, " 30  2 * * 1-5 ", "Europe/Berlin")
	if s.Expr() != "30 2 * * 1-5" || s.Zone() != "Europe/Berlin" || mustParse(t, "@daily", "").Zone() != "UTC" {
		t.Errorf("%q %q", s.Expr(), s.Zone())
	}
	var none Spec
	if !none.Next(at("2026-01-01T00:00:00Z")).IsZero() || none.Location() != time.UTC {
		t.Error("the zero Spec has slots")
	}
}

func TestLatest(t *testing.T) {
	daily := mustParse(t, "30 2 * * *", "")
	for _, tt := range []struct{ after, until, want string }{
		{"2026-01-01T00:00:00Z", "2026-01-01T02:29:59Z", ""},
		{"2026-01-01T00:00:00Z", "2026-01-01T02:30:00Z", "2026-01-01T02:30:00Z"},
		{"2026-01-01T02:30:00Z", "2026-01-01T12:00:00Z", ""},
		{"1999-01-01T00:00:00Z", "2026-01-05T02:00:00Z", "2026-01-04T02:30:00Z"},
		{"2026-01-05T00:00:00Z", "2026-01-01T00:00:00Z", ""},
	} {
		got := daily.Latest(at(tt.after), at(tt.until))
		if tt.want == "" && !got.IsZero() || tt.want != "" && !got.Equal(at(tt.want)) {
			t.Errorf("after %s until %s: %s", tt.after, tt.until, got)
		}
	}
}

// Whatever the expression, zone and moment: slots ascend, none is left out when
// one looks from another moment, and the clock on the wall shows what was asked
// for, save at a change of summer time.
func TestSlotsAreTheSameForAll(t *testing.T) {
	zones := []string{"UTC", "Europe/Berlin", "America/New_York", "America/Sao_Paulo", "Australia/Lord_Howe", "Africa/Cairo", "Asia/Kathmandu", "Pacific/Apia", "America/Havana", "Africa/Casablanca"}
	exprs := []string{"30 2 * * *", "*/15 * * * *", "0 0 * * *", "0 */6 * * *", "45 1,2,3 * * 0", "5 * 1 * *", "0 0 29 2 *", "59 23 * * 1-5", "10 0-3 * * *", "0 * * * 6"}
	rapid.Check(t, func(t *rapid.T) {
		s := mustParse(t, rapid.SampledFrom(exprs).Draw(t, "expr"), rapid.SampledFrom(zones).Draw(t, "zone"))
		from := time.Unix(rapid.Int64Range(1.2e9, 2.2e9).Draw(t, "from"), 0).UTC()
		first := s.Next(from)
		if !first.After(from) || first.Location() != time.UTC {
			t.Fatalf("the slot after %s is %s", from, first)
		}
		part := time.Duration(rapid.Int64Range(0, int64(first.Sub(from))-1).Draw(t, "part"))
		if again := s.Next(from.Add(part)); !again.Equal(first) {
			t.Fatalf("from %s the next slot is %s, from %s it is %s", from, first, from.Add(part), again)
		}
		if got := s.Latest(from, first); !got.Equal(first) {
			t.Fatalf("the latest until %s is %s", first, got)
		}
		local := first.In(s.Location())
		start, _ := local.ZoneBounds()
		if shown := wall(local); !s.cron.Next(shown.Add(-time.Second)).Equal(shown) && !first.Equal(start) {
			t.Fatalf("%s is no time for %q", local, s.Expr())
		}
	})
}
