package config

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/rawbytes"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/pflag"
)

// Files beyond these sizes are surely not what was meant.
const (
	maxFile   = 1 << 20
	maxSecret = 64 << 10
)

// secondDocument finds a --- with settings before it.
var secondDocument = regexp.MustCompile(`(?m)^[^\s#%-].*\n(?s:.*\n)?---[ \t\r]*$`)

// fileLayer reads the YAML file, if one is named.
func (l *loader) fileLayer(flags *pflag.FlagSet) (*koanf.Koanf, error) {
	k := koanf.New(".")
	path, origin := l.filePath(flags)
	if path == "" {
		return k, nil
	}
	l.file = path
	raw, err := readFile(l.env.home(path), maxFile)
	if err != nil {
		return nil, fmt.Errorf("config file %q (%s): %w", path, origin, err)
	}
	if secondDocument.Match(raw) {
		return nil, fmt.Errorf("config file %q (%s) has several YAML documents, of which only the first would count: take out the line ---", path, origin)
	}
	if err := k.Load(rawbytes.Provider(raw), yaml.Parser()); err != nil {
		return nil, fmt.Errorf("config file %q (%s) %s", path, origin, yamlProblem(err))
	}
	l.raw = raw
	l.unknownKeys(k.Raw())
	return k, nil
}

func (l *loader) filePath(flags *pflag.FlagSet) (path, origin string) {
	s := named(setConfig)
	if flags != nil {
		if f := flags.Lookup(s.Flag); f != nil && f.Changed {
			return f.Value.String(), "flag --" + s.Flag
		}
	}
	return l.env.get(s.Env), "environment " + s.Env
}

func (l *loader) fileOrigin() string {
	if l.file == "" {
		return "default"
	}
	if l.env.get(named(setConfig).Env) == l.file {
		return "environment " + named(setConfig).Env
	}
	return "flag --" + named(setConfig).Flag
}

// readFile reads a small file. Its errors name no path, which the caller shows.
func readFile(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fileProblem(err)
	}
	defer func() { _ = f.Close() }()
	raw, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, fileProblem(err)
	}
	if int64(len(raw)) > limit {
		return nil, fmt.Errorf("the file has more than %d KB: name the right one", limit>>10)
	}
	return raw, nil
}

func fileProblem(err error) error {
	cause := err
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		cause = e.Err
	}
	return fmt.Errorf("the file cannot be read: %w; check its path and rights", cause)
}

// readSecret reads a file that holds a secret, without the space around it.
func readSecret(path string) (string, error) {
	raw, err := readFile(path, maxSecret)
	if err != nil {
		return "", err
	}
	text := strings.TrimSpace(strings.TrimPrefix(string(raw), "\ufeff"))
	if text == "" {
		return "", errors.New("the file is empty: put the secret into it")
	}
	return text, nil
}

// looksSecret says that a path that does not exist is likely the secret itself.
func looksSecret(path string) bool {
	return !strings.ContainsAny(path, `/\.`) || strings.ContainsAny(path, "\r\n") || strings.Contains(path, "-----BEGIN")
}

var yamlLine = regexp.MustCompile(`line [0-9]+`)

// yamlProblem tells what is wrong with a YAML file without the parser's words,
// because those quote the file, which holds secrets.
func yamlProblem(err error) string {
	where := cmp.Or(yamlLine.FindString(err.Error()), "its top level")
	return "is not a YAML file of settings, `key: value` on each line: look at " + where + " (its text is not shown, since it may hold secrets)"
}

var keyStart = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,40}`)

// unknownKeys notes every key of the file that means nothing.
func (l *loader) unknownKeys(values map[string]any) {
	var top, ofAccounts []string
	for _, s := range settings {
		if key, ok := strings.CutPrefix(s.Key, "accounts.NAME."); ok {
			ofAccounts = append(ofAccounts, key)
		} else if s.Key != "" {
			top = append(top, s.Key)
		}
	}
	top = append(top, "accounts", "schedules")
	l.unknownIn("", values, top)
	accounts, ok := values["accounts"].(map[string]any)
	if !ok && values["accounts"] != nil {
		l.problem("accounts (file %s) must be a list of names, each with settings of its own: `accounts: {NAME: {api_key_file: PATH}}`", l.file)
	}
	for _, name := range slices.Sorted(maps.Keys(accounts)) {
		l.accountKeys(name, accounts[name], ofAccounts)
	}
}

func (l *loader) accountKeys(name string, value any, known []string) {
	if _, err := accountName(name); err != nil {
		l.problem("accounts.%s (file %s): %w", shownKey(name), l.file, err)
		return
	}
	keys, ok := value.(map[string]any)
	if !ok && value != nil {
		l.problem("accounts.%s (file %s) must have settings of its own, such as api_key_file: PATH", name, l.file)
	}
	l.unknownIn("accounts."+name+".", keys, known)
}

func (l *loader) unknownIn(prefix string, values map[string]any, known []string) {
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if slices.Contains(known, key) {
			continue
		}
		// Names of the environment are a likely slip: REDIS_URL, AFTERSHIP_API_KEY.
		plain := strings.TrimPrefix(strings.ReplaceAll(strings.ToLower(key), "-", "_"), "aftership_")
		likely := prefix + nearest(plain, known)
		if prefix == "" && slices.Contains([]string{setKey, setKeyFile, setSecret, setSecretFile, setSigning, setHook, setHookFile}, plain) {
			likely = "accounts.NAME." + plain
		}
		l.problem("%s%s (file %s) is no setting: did you mean %s?", prefix, shownKey(key), l.file, likely)
	}
}

// shownKey is as much of a key as can be shown: `api_key:abc` without a space
// is a key to YAML, with the secret in it.
func shownKey(key string) string {
	start := keyStart.FindString(key)
	if start != key {
		return start + "..."
	}
	return key
}
