package config

import (
	"cmp"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/providers/posflag"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/pflag"
)

// Input is everything that settings are read from, apart from the files that it names.
type Input struct {
	// Flags are the parsed flags, among them those of [AddFlags]. Defaults to none.
	Flags *pflag.FlagSet
	// Env is the environment, as KEY=value; the last of two wins. A variable
	// that is empty counts as not set. Defaults to none.
	Env []string
	// Command says what is wrong with the command of a schedule. Defaults to
	// nothing: it is not looked at.
	Command func(args []string) error
}

// Load reads the settings and checks them. Its error names everything that is
// wrong: the setting, its value unless that is secret, where it came from, and
// what to do. The Config beside an error is good for Show only.
func Load(in Input) (Config, error) { return load(in, runtime.GOOS) }

func load(in Input, goos string) (Config, error) {
	l := &loader{env: environment{vars: in.Env, goos: goos}}
	if err := l.layer(in.Flags); err != nil {
		return Config{}, err
	}
	cfg := l.read()
	cfg.Schedules = l.schedulesOf(l.raw, cfg.Accounts, cfg.Account, in.Command)
	l.showSchedules(cfg.Schedules)
	cfg.shown = l.shown
	if err := errors.Join(l.problems...); err != nil {
		return Config{shown: cfg.shown}, err
	}
	return cfg, nil
}

// layer is one of the places that settings come from.
type layer struct {
	values *koanf.Koanf
	origin func(Setting) string
}

// The layers by their place in loader.layers: the first that has a setting wins.
const (
	layerFlags = iota
	layerEnv
	layerFile
	layerDefaults
)

// loader collects the settings, where they came from and what is wrong with them.
type loader struct {
	env      environment
	layers   []layer
	file     string
	raw      []byte    // the file's text
	rate     RateLimit // the general limit, and where it is from
	rateFrom found
	problems []error
	shown    []Shown
}

// found is a setting as some layer has it.
type found struct {
	Setting
	text   string
	origin string
	layer  int
}

func (l *loader) problem(format string, args ...any) {
	l.problems = append(l.problems, fmt.Errorf(format, args...))
}

// layer reads flags, environment, file and defaults, each by itself.
func (l *loader) layer(flags *pflag.FlagSet) error {
	typed, err := flagLayer(flags)
	if err != nil {
		return err
	}
	env, err := mapLayer(l.fromEnv())
	if err != nil {
		return err
	}
	file, err := l.fileLayer(flags)
	if err != nil {
		return err
	}
	defaults, err := mapLayer(l.defaults())
	if err != nil {
		return err
	}
	l.layers = []layer{
		layerFlags:    {typed, func(s Setting) string { return "flag --" + s.Flag }},
		layerEnv:      {env, func(s Setting) string { return "environment " + s.Env }},
		layerFile:     {file, func(Setting) string { return "file " + l.file }},
		layerDefaults: {defaults, func(Setting) string { return "default" }},
	}
	return nil
}

func mapLayer(values map[string]any) (*koanf.Koanf, error) {
	k := koanf.New(".")
	return k, k.Load(confmap.Provider(values, "."), nil)
}

// flagLayer has the flags that were typed.
func flagLayer(flags *pflag.FlagSet) (*koanf.Koanf, error) {
	k := koanf.New(".")
	if flags == nil {
		return k, nil
	}
	keys := map[string]string{}
	for _, s := range settings {
		if s.Flag != "" && s.Key != "" {
			keys[s.Flag] = s.Key
		}
	}
	return k, k.Load(posflag.ProviderWithFlag(flags, ".", nil, func(f *pflag.Flag) (string, any) {
		return keys[f.Name], strings.TrimSpace(f.Value.String())
	}), nil)
}

// fromEnv has the settings that the environment gives. Those of an account wait
// until the account's name is known.
func (l *loader) fromEnv() map[string]any {
	values := map[string]any{}
	for _, s := range settings {
		if v := l.env.get(s.Env); v != "" && s.Key != "" && !s.ofAccount() {
			values[s.Key] = v
		}
	}
	return values
}

func (l *loader) defaults() map[string]any {
	values := map[string]any{}
	for _, s := range settings {
		if s.Key != "" && s.Default != "" && !s.ofAccount() {
			values[s.Key] = s.Default
		}
	}
	values[named(setStateDir).Key] = l.env.stateDir()
	return values
}

// ofAccount says that each account has a value of its own.
func (s Setting) ofAccount() bool { return strings.HasPrefix(s.Key, "accounts.") }

// in is the setting's key in the layers, for an account if it is an account's.
func (s Setting) in(account string) Setting {
	s.Key = strings.Replace(s.Key, "NAME", account, 1)
	return s
}

// find is the setting in the first layer that has it. A setting that no layer
// has is empty.
func (l *loader) find(s Setting) found {
	for i := range l.layers {
		if f, ok := l.at(i, s); ok {
			return f
		}
	}
	return found{Setting: s, origin: "default", layer: layerDefaults}
}

// at is the setting in one layer.
func (l *loader) at(i int, s Setting) (found, bool) {
	value := l.layers[i].values.Get(s.Key)
	if value == nil {
		return found{}, false
	}
	f := found{Setting: s, origin: l.layers[i].origin(s), layer: i}
	text, err := textOf(s, value)
	if err != nil {
		l.wrong(f, err)
	}
	f.text = text
	return f, true
}

// wrong notes that a setting cannot be used. A secret's value is left out.
func (l *loader) wrong(f found, err error) {
	if f.hidden() {
		l.problem("%s (%s): %w", f.label(), f.origin, err)
		return
	}
	l.problem("%s is %q (%s): %w", f.label(), f.text, f.origin, err)
}

// hidden says that the value stays out of errors: a secret, an address with a
// password in it, and nothing at all.
func (f found) hidden() bool {
	return f.Secret || f.text == "" || ((f.Name == setBaseURL || f.Name == setNotifyServer) && strings.Contains(f.text, "@"))
}

// label names the setting as its origin does.
func (f found) label() string {
	if f.layer == layerFile {
		return f.Key
	}
	return f.Name
}

// parsed reads a setting by a function whose error says the remedy.
func parsed[T any](l *loader, name string, parse func(string) (T, error)) (T, found) {
	before := len(l.problems)
	f := l.find(named(name))
	if len(l.problems) > before { // its form is wrong already
		var zero T
		return zero, f
	}
	value, err := parse(f.text)
	if err != nil {
		l.wrong(f, err)
	}
	return value, f
}

// setting is parsed, and shown.
func setting[T any](l *loader, name string, parse func(string) (T, error)) T {
	value, f := parsed(l, name, parse)
	l.show(f.Name, shownText(f, value), f.origin)
	return value
}

func shownText(f found, value any) string {
	if f.Secret && f.text != "" {
		return mask
	}
	if d, ok := value.(time.Duration); ok && d == 0 && f.Name == setRetrackHook {
		return "off"
	}
	if d, ok := value.(time.Duration); ok && d%time.Hour == 0 {
		return fmt.Sprintf("%dh", d/time.Hour) // 336h0m0s is hard to read
	}
	return fmt.Sprint(value)
}

func (l *loader) show(name, value, origin string) {
	l.shown = append(l.shown, Shown{Name: name, Value: value, Origin: origin})
}

// read makes the settings out of the layers, in the order of the table.
func (l *loader) read() Config {
	c := Config{file: cmp.Or(l.file, "the config file")}
	l.show(setConfig, l.file, l.fileOrigin())
	c.Account = setting(l, setAccount, accountName)
	l.rate, l.rateFrom = parsed(l, setRate, ParseRateLimit)
	c.Accounts = l.accounts(c.Account)
	c.APIVersion = setting(l, setVersion, version)
	c.BaseURL = setting(l, setBaseURL, baseURL)
	c.RateLimit = l.rate
	l.show(setRate, l.rate.String(), l.rateFrom.origin)
	l.classesFit(c)
	c.RedisURL = setting(l, setRedis, redisURL)
	c.ReportDir = setting(l, setReportDir, l.env.directory)
	c.ReportFormat = setting(l, setReportFormat, oneOf("csv", "xlsx"))
	c.ReportGuard = setting(l, setReportGuard, oneOf("auto", "off"))
	c.UpdatesDir = setting(l, setUpdatesDir, l.env.directory)
	c.StateDir = setting(l, setStateDir, l.env.directory)
	c.Concurrency = setting(l, setConcurrency, wholeNumber(0, 10_000))
	c.MaxAttempts = setting(l, setMaxAttempts, wholeNumber(1, 100))
	c.Retention = setting(l, setRetention, duration)
	c.MetaRetention = l.metaRetention(c.Retention)
	c.RetrackLimit = setting(l, setRetracks, wholeNumber(1, 100))
	c.RetrackBackoff = setting(l, setRetrackWait, duration)
	c.RetrackPerDay = setting(l, setRetrackDay, wholeNumber(0, 1_000_000))
	c.RetrackOnExpired = setting(l, setRetrackHook, gathering)
	c.HTTPAddr = setting(l, setHTTP, httpAddr)
	c.InboxDir = setting(l, setInboxDir, l.env.optionalDirectory)
	c.InboxStill = setting(l, setInboxStill, stillness)
	c.InboxFiles = setting(l, setInboxFiles, wholeNumber(1, 100))
	c.Notify = l.notify()
	c.LogLevel = setting(l, setLogLevel, oneOf("debug", "info", "warn", "error"))
	c.LogFormat = setting(l, setLogFormat, oneOf("text", "json"))
	c.shown = l.shown
	return c
}

// metaRetention is at least the retention: nothing can be kept of a batch that is forgotten.
func (l *loader) metaRetention(retention time.Duration) time.Duration {
	meta, f := parsed(l, setMetaRetention, duration)
	switch {
	case f.layer == layerDefaults:
		meta = max(meta, retention)
	case meta > 0 && meta < retention:
		l.wrong(f, fmt.Errorf("that is shorter than retention, %s: make it at least as long", shownText(f, retention)))
	}
	l.show(f.Name, shownText(f, meta), f.origin)
	return meta
}
