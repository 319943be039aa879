package command

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"aftership-bulk/batch"
	"aftership-bulk/config"
	"aftership-bulk/inbox"
)

// The hot folder has a directory for each command that takes a sheet and sends it.
func TestSheetCommands(t *testing.T) {
	got := sheetCommands()
	for _, name := range []string{"create", "update", "mark-complete", "retrack-expired"} {
		if !slices.Contains(got, name) {
			t.Errorf("%v has no %s", got, name)
		}
	}
	for _, name := range []string{"check", "export", "watch", "predict"} {
		if slices.Contains(got, name) {
			t.Errorf("%v has %s", got, name)
		}
	}
}

func TestOptionFlags(t *testing.T) {
	folder := t.TempDir()
	flags := func(options ...inbox.Option) ([]string, error) {
		return optionFlags(inbox.Job{Operation: "create", Folder: folder, Options: options})
	}
	got, err := flags(inbox.Option{Name: "slug", Value: "ups"}, inbox.Option{Name: "map", Value: "A B=note"}, inbox.Option{Name: "map", Value: "C=title"},
		inbox.Option{Name: "account", Value: "outlet"}, inbox.Option{Name: "preset", Value: "./own.yaml"}, inbox.Option{Name: "preset", Value: "shopify-orders"})
	want := []string{"--slug=ups", "--map=A B=note", "--map=C=title", "--account=outlet", "--preset=" + filepath.Join(folder, "own.yaml"), "--preset=shopify-orders"}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%v %v, want %v", got, err, want)
	}
	for _, name := range []string{"force", "wait", "report", "sandbox", "base-url", "redis-url", "config", "state-dir", "json", "", "-slug", "slug=x", "reason"} {
		if got, err := flags(inbox.Option{Name: name, Value: "x"}); err == nil || !strings.Contains(err.Error(), "sets "+name+", which a folder cannot") || !strings.Contains(err.Error(), "slug") {
			t.Errorf("%s: %v %v", name, got, err)
		}
	}
}

// An account that the settings do not know is refused: its rows would wait for ever.
func TestInboxAccount(t *testing.T) {
	cfg, err := config.Load(config.Input{Env: []string{"HOME=" + t.TempDir()}})
	if err != nil {
		t.Fatal(err)
	}
	in := Inbox{Config: cfg}
	r := in.run(t.Context(), inbox.Job{Operation: "create", Options: []inbox.Option{{Name: "account", Value: "outlet"}}})
	if r.Code != exitUsage || !strings.Contains(r.Output, "the account outlet, which the settings do not know") || !strings.Contains(r.Output, "default") {
		t.Errorf("%+v", r)
	}
}

// Advice names options as they are written in the folder, whichever way the command line says them.
func TestOptionWords(t *testing.T) {
	for text, want := range map[string]string{
		"Try: `enqueue check FILE` lists every problem; --yes sends without asking":                  "Try: `enqueue check FILE` lists every problem; `yes: true` sends without asking",
		"Try: " + mapHint(batch.Create):                                                              "Try: say what a column means with `map: \"HEADER=FIELD\"`; `enqueue inspect FILE` shows what was understood, `enqueue template create` the fields",
		"x has 3 rows, and --min-rows asks for 10: nothing was sent":                                 "x has 3 rows, and `min-rows:` asks for 10: nothing was sent",
		"say its form with --date-format (DD.MM.YYYY, MM/DD/YYYY)":                                   "say its form with `date-format:` (DD.MM.YYYY, MM/DD/YYYY)",
		"export it again, or say --date-format excel":                                                "export it again, or say `date-format: excel`",
		"--on-exists skip leaves it as it is, --on-exists update sends what differs":                 "`on-exists: skip` leaves it as it is, `on-exists: update` sends what differs",
		"say which is right with --encoding, or save the file as \"CSV UTF-8\"":                      "say which is right with `encoding:`, or save the file as \"CSV UTF-8\"",
		"name them with --columns tracking_number,slug,... (one for each)":                           "name them with `columns: tracking_number,slug,...` (one for each)",
		"--slug \"U P\" is not a courier's slug":                                                     "`slug: \"U P\"` is not a courier's slug",
		`invalid argument "many" for "--min-rows" flag: strconv.ParseInt`:                            "invalid argument \"many\" for `min-rows:` flag: strconv.ParseInt",
		"--limit, --skip and --sample count rows: use a number of 0 or more":                         "`limit:`, `skip:` and `sample:` count rows: use a number of 0 or more",
		"--time-zone settles it, as --time-zone Europe/Berlin":                                       "`time-zone:` settles it, as `time-zone: Europe/Berlin`",
		"look at the export; if this is meant, run the command once with --accept-columns":           "look at the export; if this is meant, say `accept-columns: true` for this file, and take that out again afterwards",
		"--hidden-rows=false reads fewer, --carrier 'Royal Mail=royal-mail' and --encoding=big5 all": "`hidden-rows: false` reads fewer, `carrier: \"Royal Mail=royal-mail\"` and `encoding: big5` all",
	} {
		got := optionWords(text, inbox.Job{Operation: "create", Name: "create.shop/x.csv"}, "then put it there again")
		if want += "\nOptions are lines of incoming/create.shop/options.yaml; then put it there again."; got != want {
			t.Errorf("%q becomes\n%s\nwant\n%s", text, got, want)
		}
	}
	for text, want := range map[string]string{
		"Try: enqueue inspect FILE --encoding NAME":                          "Try: enqueue inspect FILE --encoding NAME",
		"mend the cause, then: enqueue resume --account eu":                  "mend the cause, then: enqueue resume --account eu",
		"set it, then `enqueue resume --account NAME`":                       "set it, then `enqueue resume --account NAME`",
		"nothing is sent again (--force sends it again)":                     "nothing is sent again (`enqueue create --force FILE` sends it again)",
		"set a key, or try it out with --sandbox; with REDIS_URL set, it is": "set a key, or try it out with `enqueue watch --sandbox DIR`; with REDIS_URL set, it is",
		"choose another place with --report":                                 "make sure that the folder can be written and its disk is not full, then put the file there again",
		"nothing -- at all, --no-such-flag x":                                "nothing -- at all, --no-such-flag x",
	} {
		if got := optionWords(text, inbox.Job{Operation: "create", Name: "x.csv"}, ""); got != want {
			t.Errorf("%q becomes\n%s\nwant\n%s", text, got, want)
		}
	}
}

// Whoever waits hears of the batch and what to do, in words that stay the same while that is so.
func TestLockedText(t *testing.T) {
	e := batch.LockedError{Lock: batch.LockRequest{Account: "eu", Operation: batch.Create, Name: "nightly"}, Who: "ops@a", Batch: "261122-x", State: batch.Stopped}
	if got := lockedText(&e); !strings.Contains(got, "batch 261122-x, which is stopped, holds the lock on create of account eu by the name nightly") ||
		!strings.Contains(got, "Try: `enqueue resume 261122-x` goes on with that batch, `enqueue cancel 261122-x` gives it up") {
		t.Error(got)
	}
	e.State = batch.Running
	if got := lockedText(&e); !strings.Contains(got, "Try: nothing; the file is taken soon after that batch has ended. `enqueue status 261122-x`") {
		t.Error(got)
	}
	e.Batch, e.Short, e.Left = "", true, 20
	other := e
	other.Left = 7e9
	if got := lockedText(&e); got != lockedText(&other) || !strings.Contains(got, "is held by ops@a") {
		t.Error(got)
	}
}

func TestSpentText(t *testing.T) {
	v := &batchView{Batch: "261122-x", Rows: 40, Pending: 30, Reason: "too many errors: 6 rows failed, and --max-errors allows 5", Outcomes: map[string]int{"rejected": 5, "invalid": 2, "created": 3}}
	v.State = string(batch.Stopped)
	ended := *v
	ended.State, ended.Pending = string(batch.Finished), 0
	one := *v
	one.Pending = 1
	job := inbox.Job{Operation: "create", Name: "create/x.csv", Options: []inbox.Option{{Name: "max-errors", Value: "5"}, {Name: "name", Value: "nightly"}}}
	text := func(in Inbox, e event) string {
		if e.Batches == nil {
			e.Batches = []*batchView{v}
		}
		return in.result(job, exitErrorBudget, "said", &exitWith{exitErrorBudget}, &lastEvent{result: e}).Output
	}
	for what, in := range map[string][]string{
		"all": {text(Inbox{}, event{Report: "r", Failed: "f"}), "error: too many errors: 6 rows failed, and `max-errors:` allows 5\nAs of 2", " UTC: batch 261122-x, which is this file, is stopped: 7 of 40 rows failed, 30 are not sent.\nIts report so far lies", "`enqueue status 261122-x` tells how it stands by now",
			"so do the rows that failed (.failed)", "`enqueue resume 261122-x` goes on with the rest", "`enqueue cancel 261122-x` gives it up", "options.yaml says `name: nightly`"},
		"nothing was left to stop": {text(Inbox{}, event{Report: "r", Failed: "f", Batches: []*batchView{&ended}}), "has ended: 7 of 40 rows failed, every row was gone through all the same.\nIts report lies beside the file", "Try: mend the rows"},
		"one is left":              {text(Inbox{}, event{Batches: []*batchView{&one}}), "7 of 40 rows failed, 1 is not sent."},
		"no report":                {text(Inbox{}, event{}), "`enqueue report 261122-x -o FILE` writes it"},
		"sandbox":                  {text(Inbox{Args: []string{"--sandbox"}}, event{Report: "r"}), "lies beside the file (.report).\nTry: mend the file", "keeps no batch"},
	} {
		for _, want := range in[1:] {
			if !strings.Contains(in[0], want) {
				t.Errorf("%s: %s\ndoes not say %q", what, in[0], want)
			}
		}
	}
}

// The log tells a file whose rows were sent for an earlier one from one that was taken over from a dead worker.
func TestSentBeforeIsTold(t *testing.T) {
	taken := time.Date(2026, 11, 22, 16, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		made    time.Time
		existed bool
		want    bool
	}{{taken.Add(-time.Hour), true, true}, {taken.Add(time.Second), true, false}, {taken.Add(-time.Hour), false, false}} {
		l := lastEvent{accepted: func() {}}
		for _, e := range []event{
			{Event: "accepted", Existed: tt.existed, Batch: &batchView{Batch: "261122-x", CreatedAt: tt.made}},
			{Event: "result", Batches: []*batchView{{Batch: "261122-x", Rows: 1}}},
		} {
			line, err := json.Marshal(e)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = l.Write(line)
		}
		if told := l.told(taken); slices.Contains(told, any("sent_before")) != tt.want || !slices.Contains(told, any("261122-x")) {
			t.Errorf("made %v, existed %v: %v", tt.made, tt.existed, told)
		}
	}
}
