package config

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"aftership-bulk/aftership"
)

// The table is complete and has no two settings of one name.
func TestTable(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range Settings() {
		for _, id := range []string{"name " + s.Name, "env " + s.Env, "flag " + s.Flag, "key " + s.Key} {
			if !strings.HasSuffix(id, " ") && seen[id] {
				t.Errorf("%s is there twice", id)
			}
			seen[id] = true
		}
		end := s.Doc[strings.LastIndex(s.Doc, ". ")+2:]
		if !strings.HasPrefix(end, "Defaults to ") || !strings.HasSuffix(end, ".") {
			t.Errorf("%s does not end with its default: %s", s.Name, end)
		}
		if s.Default != "" && s.Name != setStateDir && s.Key != "" && !strings.Contains(end, "`"+s.Default+"`") {
			t.Errorf("%s says %q, but its default is %s", s.Name, end, s.Default)
		}
		if s.Secret && s.Flag != "" && s.Name != setRedis {
			t.Errorf("%s is secret and has a flag, which other users of the machine can see", s.Name)
		}
		if (s.Flag == "") != (s.arg == "") {
			t.Errorf("%s: a flag needs a word for its value", s.Name)
		}
	}
}

// Every setting that is read from a layer, is shown.
func TestEverythingIsShown(t *testing.T) {
	c := mustLoad(t, "accounts: {default: {rate_limit: 3}}", nil)
	for _, s := range Settings() {
		shown(t, c, s.Name)
	}
	if len(c.Show()) != len(Settings()) {
		t.Errorf("%d are shown of %d", len(c.Show()), len(Settings()))
	}
}

// Config and the table grow together: a field that no setting fills stays at zero.
func TestEveryFieldHasASetting(t *testing.T) {
	c := mustLoad(t, "schedules: [{name: n, cron: 0 2 * * *, command: [create, f.csv]}]", []string{"AFTERSHIP_API_KEY=k", "RATE_LIMIT=2", "REDIS_URL=redis://h", "CONCURRENCY=2", "HTTP_ADDR=8080", "INBOX_DIR=in", "RETRACK_PER_DAY=9", "RETRACK_ON_EXPIRED=on"})
	v := reflect.ValueOf(c)
	for i := range v.NumField() {
		if v.Field(i).IsZero() {
			t.Errorf("%s is zero", v.Type().Field(i).Name)
		}
	}
}

func TestMarkdown(t *testing.T) {
	lines := strings.Split(strings.TrimSuffix(Markdown(), "\n"), "\n")
	if len(lines) != len(Settings())+2 {
		t.Fatalf("%d lines", len(lines))
	}
	for _, line := range lines {
		if got := strings.Count(line, "|"); got != 5 {
			t.Errorf("%d bars in %s", got, line)
		}
	}
	for i, s := range Settings() {
		if !strings.Contains(lines[i+2], s.Env) || !strings.Contains(lines[i+2], s.Flag) || !strings.Contains(lines[i+2], s.Doc) {
			t.Errorf("%s is missing in %s", s.Name, lines[i+2])
		}
	}
}

func TestFlags(t *testing.T) {
	flags := typed(t)
	var names []string
	flags.VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	want := []string{"account", "api-version", "base-url", "concurrency", "config", "log-format", "log-level", "max-attempts",
		"rate-limit", "redis-url", "report-dir", "report-format", "report-guard", "state-dir"}
	if !slices.Equal(names, want) {
		t.Errorf("%v", names)
	}
	if help := flags.FlagUsages(); !strings.Contains(help, "--redis-url URL") || strings.Contains(help, "`") || !strings.Contains(help, "[MAX_ATTEMPTS]") {
		t.Error(help)
	}
}

// Flags of the command itself are left alone.
func TestOtherFlags(t *testing.T) {
	flags := typed(t)
	flags.String("slug", "", "")
	flags.String("retention", "", "not ours")
	if err := flags.Parse([]string{"--slug=ups", "--retention=x"}); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(Input{Flags: flags}); err != nil {
		t.Error(err)
	}
}

// The names here are those of the client, which this package must not import.
func TestNamesAreTheClients(t *testing.T) {
	check := func(what string, ours, theirs []string) {
		t.Helper()
		if !slices.Equal(ours, theirs) {
			t.Errorf("%s: %v here, %v in the client", what, ours, theirs)
		}
	}
	check("versions", Versions(), texts(aftership.Versions()))
	check("signings", Signings(), texts(aftership.Signings()))
	classes := Classes()
	slices.Sort(classes)
	theirs := append(texts(aftership.Endpoints()), string(aftership.ClassAll))
	slices.Sort(theirs)
	check("classes", classes, theirs)
}

func texts[T ~string](list []T) []string {
	var all []string
	for _, v := range list {
		all = append(all, string(v))
	}
	return all
}

func TestNearest(t *testing.T) {
	for name, want := range map[string]string{"concurency": "concurrency", "report": "report_dir", "redis": "redis_url", "": "account"} {
		if got := nearest(name, []string{"concurrency", "report_dir", "redis_url", "account"}); got != want {
			t.Errorf("%s: %s", name, got)
		}
	}
}
