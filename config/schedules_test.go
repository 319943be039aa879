package config

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

const twoSchedules = `
account: us
accounts:
  us: {api_key: us-key}
  eu: {api_key: eu-key}
schedules:
  - name: retrack
    cron: 30 2 * * *
    zone: Europe/Berlin
    command: [retrack-expired, --limit, 500]
    account: eu
  - {name: nightly, cron: "*/15 * * * *", command: &args [create, --yes, /data/export.csv], enabled: false}
`

func TestSchedules(t *testing.T) {
	c := mustLoad(t, twoSchedules, nil)
	if len(c.Schedules) != 2 {
		t.Fatalf("%+v", c.Schedules)
	}
	retrack, nightly := c.Schedules[0], c.Schedules[1]
	if retrack.Name != "retrack" || retrack.Account != "eu" || !retrack.Enabled || retrack.Spec.Zone() != "Europe/Berlin" ||
		!reflect.DeepEqual(retrack.Command, []string{"retrack-expired", "--limit", "500"}) {
		t.Errorf("%+v", retrack)
	}
	if nightly.Account != "us" || nightly.Enabled || nightly.Spec.Zone() != "UTC" || nightly.Spec.Expr() != "*/15 * * * *" {
		t.Errorf("%+v", nightly)
	}
	if next := retrack.Spec.Next(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)); next.Format(time.RFC3339) != "2026-01-01T01:30:00Z" {
		t.Errorf("the first slot is %s", next)
	}
	if got := shown(t, c, "schedules"); got.Value != "retrack, nightly (not enabled)" || !strings.HasPrefix(got.Origin, "file ") {
		t.Errorf("%+v", got)
	}
	if _, err := c.ScheduleNamed("nightly"); err != nil {
		t.Error(err)
	}
	if _, err := c.ScheduleNamed("weekly"); err == nil || !strings.Contains(err.Error(), "retrack, nightly") {
		t.Error(err)
	}
	for _, file := range []string{"", "schedules:\n", "schedules: []\n"} {
		if c := mustLoad(t, file, nil); len(c.Schedules) != 0 {
			t.Errorf("%q: %+v", file, c.Schedules)
		} else if _, err := c.ScheduleNamed("x"); err == nil || !strings.Contains(err.Error(), "no schedules") {
			t.Error(err)
		}
	}
}

// Each error says which schedule, where in the file, which value, and what to do.
func TestScheduleErrors(t *testing.T) {
	const good = "name: n, cron: 0 2 * * *, command: [create, f.csv]"
	for _, tt := range []struct{ file, want string }{
		{"schedules: nightly", "schedules (file %, line 1, column 12): give a list"},
		{"schedules:\n  n: {cron: 0 2 * * *}", "line 2, column 3): give a list"},
		{"schedules: [nightly]", "schedules[0] (file %, line 1, column 13): give name, cron and command"},
		{"schedules:\n  - {cron: 0 2 * * *, command: [create, f.csv]}", "schedules[0] (file %, line 2, column 5): it has no name"},
		{"schedules:\n  - {name: a b, cron: 0 2 * * *, command: [create, f.csv]}", `schedules[0].name (file %, line 2, column 12): "a b" is no name`},
		{"schedules:\n  - {name: [n], cron: 0 2 * * *, command: [create, f.csv]}", "letters"},
		{"schedules:\n  - {" + good + "}\n  - {" + good + "}", `schedules[1].name (file %, line 3, column 12): "n" is the name of the schedule in line 2, too`},
		{"schedules:\n  - {name: n, command: [create, f.csv]}", "it has no cron"},
		{"schedules:\n  - {name: n, cron: 0 2 * *, command: [create, f.csv]}", `schedules[0].cron of "n" (file %, line 2, column 21): "0 2 * *": expected exactly 5 fields`},
		{"schedules:\n  - {name: n, cron: 0 2 * * *, zone: Berlin, command: [create, f.csv]}", `schedules[0].zone of "n" (file %, line 2, column 38): "Berlin": there is no such time zone`},
		{"schedules:\n  - {name: n, cron: 0 2 * * *}", "it has no command"},
		{"schedules:\n  - {name: n, cron: 0 2 * * *, command: create f.csv}", "as a list"},
		{"schedules:\n  - {name: n, cron: 0 2 * * *, command: []}", "as a list"},
		{"schedules:\n  - {name: n, cron: 0 2 * * *, command: [create, ~]}", "schedules[0].command[1] of"},
		{"schedules:\n  - {name: n, cron: 0 2 * * *, command: [create, [a]]}", "no text"},
		{"schedules:\n  - {name: n, cron: 0 2 * * *, command: [enqueue, create, f.csv]}", "leave out the word"},
		{"schedules:\n  - {name: n, cron: 0 2 * * *, command: [create, --account=eu, f.csv]}", "beside the command"},
		{"schedules:\n  - {name: n, cron: 0 2 * * *, command: [create, --redis-url, '', f.csv]}", "settings of the worker"},
		{"schedules:\n  - {name: n, cron: 0 2 * * *, command: [create, --sandbox, f.csv]}", "settings of the worker"},
		{"schedules:\n  - {name: n, cron: 0 2 * * *, command: [bad]}", `schedules[0].command of "n" (file %, line 2, column 41): no such command`},
		{"schedules:\n  - {" + good + ", account: eu}", `account "eu" is not in the settings`},
		{"schedules:\n  - {" + good + ", account: a b}", "letters"},
		{"schedules:\n  - {" + good + ", enabled: perhaps}", "give true or false"},
		{"schedules:\n  - {" + good + ", timezone: UTC}", "schedules[0].timezone (file %, line 2, column 58): is no setting: did you mean zone?"},
		{"schedule: []", "did you mean schedules?"},
	} {
		path := place(t, "set.yml", tt.file)
		check := func(args []string) error {
			if args[0] == "bad" {
				return errors.New("no such command")
			}
			return nil
		}
		_, err := Load(Input{Env: []string{"AFTERSHIP_BULK_CONFIG=" + path}, Command: check})
		want := strings.ReplaceAll(tt.want, "%", path)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\ngot  %v\nwant %s", tt.file, err, want)
		} else if strings.Count(err.Error(), "\n") > 0 {
			t.Errorf("%s: more than one error: %v", tt.file, err)
		}
	}
}

func TestTooManySchedules(t *testing.T) {
	file := "schedules:\n" + strings.Repeat("  - {name: n, cron: 0 2 * * *, command: [create, f.csv]}\n", mostSchedules+1)
	if _, err := Load(Input{Env: []string{"AFTERSHIP_BULK_CONFIG=" + place(t, "set.yml", file)}}); err == nil || !strings.Contains(err.Error(), "100 are the most") {
		t.Error(err)
	}
}

// The environment's key is the current account's: no command for another account
// may take it for its own.
func TestEnvFor(t *testing.T) {
	c := mustLoad(t, twoSchedules, nil)
	env := []string{"PATH=/bin", "AFTERSHIP_API_KEY=us", "AFTERSHIP_API_SECRET_FILE=/s", "AFTERSHIP_WEBHOOK_SECRET=w", "REDIS_URL=redis://h"}
	if got := c.EnvFor("us", env); !slices.Equal(got, env) {
		t.Errorf("%v", got)
	}
	if got := c.EnvFor("eu", env); !slices.Equal(got, []string{"PATH=/bin", "REDIS_URL=redis://h"}) {
		t.Errorf("%v", got)
	}
}

func FuzzSchedules(f *testing.F) {
	f.Add(twoSchedules)
	f.Add("schedules: [&a {name: *a}]")
	f.Add("schedules: &a [*a]")
	f.Fuzz(func(_ *testing.T, text string) {
		l := &loader{file: "f"}
		l.schedulesOf([]byte(text), nil, "default", nil) // must not panic
	})
}
