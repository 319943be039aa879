package command

import (
	"slices"
	"strings"
	"testing"
)

func TestCheckArgs(t *testing.T) {
	for _, line := range []string{
		"create f.csv", "create --yes --min-rows 100 https://shop.example.com/export.csv", "update -y in", "mark-complete --reason LOST f.csv",
		"retrack-expired", "retrack-expired --limit 500 f.csv", "export --tag Exception -o f.xlsx", "last-checkpoint f.csv", "couriers --refresh", "doctor",
		"delete --yes f.csv", "delete --dry-run f.csv", "--quiet create f.csv", "create --wait=10m f.csv",
	} {
		if err := CheckArgs(strings.Fields(line)); err != nil {
			t.Errorf("%s: %v", line, err)
		}
	}
	for line, want := range map[string]string{
		"":                          "is no command",
		"--quiet":                   "is no command",
		"frobnicate --token=secret": "enqueue frobnicate is no command: use one of",
		"create":                    "requires at least 1 arg",
		"create --dry f.csv":        "unknown flag: --dry",
		"create --min-rows many f":  "invalid argument",
		"create -":                  "standard input",
		"delete f.csv":              "say --yes",
		"purge 261122-k7f3qz":       "say --yes",
		"create --help":             "nothing to be scheduled",
		"schedules":                 "nothing to be scheduled",
		"schedules run nightly":     "nothing to be scheduled",
		"watch in":                  "nothing to be scheduled",
		"config show":               "nothing to be scheduled",
		"config":                    "nothing to be scheduled",
		"completion bash":           "is no command",
		"export a.csv b.csv":        "accepts at most 1 arg",
	} {
		err := CheckArgs(strings.Fields(line))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v, want %s", line, err, want)
		}
	}
}

// Every command can be scheduled, or it is said that it cannot.
func TestUnscheduledCommandsAreThere(t *testing.T) {
	root := (&cli{ui: newUI(nil, nil, nil)}).rootCommand()
	var names []string
	for _, cmd := range root.Commands() {
		names = append(names, cmd.Name())
	}
	for _, name := range []string{"schedules", "config", "watch"} {
		if !slices.Contains(names, name) || !slices.Contains(unscheduled, name) {
			t.Errorf("%s is no command any more", name)
		}
	}
}
