package command

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

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
