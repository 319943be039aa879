package config

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The functions here read one value each. Their errors say what to do; the
// setting, its value and its origin are added where they are called.

var accountPattern = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// accountName checks a name, which becomes part of the names of queues and files.
func accountName(name string) (string, error) {
	if !accountPattern.MatchString(name) {
		return "", errors.New("an account's name has 1 to 64 letters (a to z), digits, _ and -: choose another")
	}
	return name, nil
}

func version(text string) (string, error) {
	v := strings.ToLower(text)
	if v == "legacy" {
		v = "v4"
	}
	if !slices.Contains(Versions(), v) {
		return "", fmt.Errorf("there is no such version of the API here: use one of %s", strings.Join(Versions(), ", "))
	}
	return v, nil
}

// baseURL checks an address without showing it, as it may hold a password.
func baseURL(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil {
		return "", errors.New("give an address such as https://api.aftership.com, without a user name")
	}
	if u.RawQuery != "" || u.Fragment != "" {
		return "", errors.New("an address with ? or # cannot be used: leave that part out")
	}
	path := strings.TrimRight(u.Path, "/")
	if strings.HasSuffix(path, "/v4") || strings.Contains(path, "/tracking/") || strings.HasSuffix(path, "/tracking") {
		return "", errors.New("leave out /v4 and /tracking/VERSION: they are added by api_version")
	}
	return strings.TrimRight(text, "/"), nil
}

var redisSchemes = []string{"redis", "rediss", "redis-sentinel", "rediss-sentinel", "redis-cluster", "rediss-cluster", "unix"}

// redisURL looks at the scheme only: who connects checks the rest.
func redisURL(text string) (Secret, error) {
	scheme, rest, found := strings.Cut(text, "://")
	if text != "" && (!found || rest == "" || !slices.Contains(redisSchemes, scheme)) {
		return Secret{}, fmt.Errorf("give an address such as redis://HOST:6379 (schemes: %s); its value is not shown", strings.Join(redisSchemes, ", "))
	}
	return NewSecret(text), nil
}

// httpAddr reads where to listen. A port alone is one of this machine only: what
// the whole network can reach must be asked for.
func httpAddr(text string) (string, error) {
	if text == "" {
		return "", nil
	}
	if !strings.Contains(text, ":") {
		text = ":" + text
	}
	host, port, err := net.SplitHostPort(text)
	if err == nil {
		_, err = wholeNumber(0, 65535)(port)
	}
	if err != nil || strings.ContainsAny(host, "/@ ") {
		return "", errors.New("give a port such as 8080, which this machine alone can reach, or an address such as 0.0.0.0:8080")
	}
	return net.JoinHostPort(cmp.Or(host, "127.0.0.1"), port), nil
}

func wholeNumber(low, high int) func(string) (int, error) {
	return func(text string) (int, error) {
		n, err := strconv.Atoi(text)
		if err != nil || n < low || n > high {
			return 0, fmt.Errorf("give a whole number from %d to %d", low, high)
		}
		return n, nil
	}
}

// maxDays is a hundred years, which a duration can hold.
const maxDays = 36500

var daysPattern = regexp.MustCompile(`^([0-9]{1,5})d(.*)$`)

// duration understands 14d, 336h, 1d12h and whatever else Go does.
func duration(text string) (time.Duration, error) {
	days, rest := 0, text
	if m := daysPattern.FindStringSubmatch(text); m != nil {
		days, _ = strconv.Atoi(m[1]) // the pattern has digits only
		rest = m[2]
	}
	var d time.Duration
	var err error
	if rest != "" || days == 0 {
		d, err = time.ParseDuration(rest)
	}
	d += time.Duration(days) * 24 * time.Hour
	if err != nil || strings.HasPrefix(rest, "-") || d < time.Minute || d > maxDays*24*time.Hour {
		return 0, errors.New("give a time of a minute or more, with its unit: 14d, 336h")
	}
	return d, nil
}

// stillness is how long a file must not change. A day is more than any copy takes a break.
func stillness(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil || d < time.Millisecond || d > 24*time.Hour {
		return 0, errors.New("give a time of up to a day, with its unit: 10s, 2m")
	}
	return d, nil
}

// gathering reads for how long something is gathered; 0 is not at all.
func gathering(text string) (time.Duration, error) {
	switch strings.ToLower(text) {
	case "off":
		return 0, nil
	case "on":
		return 2 * time.Minute, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < time.Second || d > 24*time.Hour {
		return 0, errors.New("say off, on, or a time from 1s to 24h")
	}
	return d, nil
}

func oneOf(choices ...string) func(string) (string, error) {
	return func(text string) (string, error) {
		choice := strings.ToLower(text)
		if !slices.Contains(choices, choice) {
			return "", fmt.Errorf("choose one of %s", strings.Join(choices, ", "))
		}
		return choice, nil
	}
}

// classesFit refuses limits by class for a version that has one limit for all:
// they would be left unused in silence.
func (l *loader) classesFit(c Config) {
	if c.APIVersion == "" || slices.Index(Versions(), c.APIVersion) >= slices.Index(Versions(), "2024-07") {
		return
	}
	const remedy = "API version %s has one limit for all endpoints: give one number, or an api_version from 2024-07 on"
	if len(c.RateLimit.Named()) > 0 {
		l.wrong(l.rateFrom, fmt.Errorf(remedy, c.APIVersion))
		return
	}
	for _, name := range slices.Sorted(maps.Keys(c.Accounts)) {
		f := l.find(named(setAccountRate).in(name))
		if r, _ := ParseRateLimit(f.text); len(r.Named()) > 0 {
			l.wrong(f, fmt.Errorf(remedy, c.APIVersion))
		}
	}
}

// textOf is the text of a value from a layer. YAML makes numbers and dates of
// some texts, which cannot be undone, so only settings that are numbers take one.
func textOf(s Setting, value any) (string, error) {
	switch v := value.(type) {
	case string:
		return strings.TrimSpace(v), nil
	case int, int64, uint64, float64:
		if s.number {
			return strings.TrimSpace(fmt.Sprint(v)), nil
		}
	case map[string]any:
		if s.Name == setRate || s.Name == setAccountRate {
			return rateText(v)
		}
	}
	return "", errors.New("put the value in quotes: YAML takes it for something else than a text")
}

// rateText is a limit that the file gives as a list: {create: 20, update: 5}.
func rateText(classes map[string]any) (string, error) {
	var parts []string
	for class, number := range classes {
		text, err := textOf(Setting{number: true}, number)
		if err != nil {
			return "", errors.New("give each class one number: {create: 20, update: 5}")
		}
		parts = append(parts, class+"="+text)
	}
	slices.Sort(parts)
	return strings.Join(parts, ","), nil
}

// environment looks up variables, as the system that the program runs on does.
type environment struct {
	vars []string
	goos string
}

// get is a variable without the space around it; "" when it is not set.
func (e environment) get(name string) string {
	if name == "" {
		return ""
	}
	value := ""
	for _, v := range e.vars {
		key, text, _ := strings.Cut(v, "=")
		if key == name || (e.goos == "windows" && strings.EqualFold(key, name)) {
			value = strings.TrimSpace(text)
		}
	}
	return value
}

func (e environment) homeDir() string {
	if e.goos == "windows" {
		return e.get("USERPROFILE")
	}
	return e.get("HOME")
}

// home writes out a ~ at the start, which shells leave alone after the = of a
// flag and in files.
func (e environment) home(path string) string {
	rest, ok := strings.CutPrefix(path, "~")
	if !ok || e.homeDir() == "" || (rest != "" && rest[0] != '/' && rest[0] != filepath.Separator) {
		return path
	}
	return filepath.Join(e.homeDir(), rest)
}

func (e environment) directory(path string) (string, error) {
	if path == "" {
		return "", errors.New("it is empty: name a directory, . for this one")
	}
	return e.home(path), nil
}

func (e environment) optionalDirectory(path string) (string, error) { return e.home(path), nil }

// stateDir is the system's place for what programs keep between runs.
func (e environment) stateDir() string {
	const program = "aftership-bulk"
	home := e.homeDir()
	switch {
	case e.goos == "windows" && e.get("LocalAppData") != "":
		return filepath.Join(e.get("LocalAppData"), program)
	case e.goos == "windows" && home != "":
		return filepath.Join(home, "AppData", "Local", program)
	case e.goos == "darwin" && home != "":
		return filepath.Join(home, "Library", "Application Support", program)
	case e.goos != "windows" && e.goos != "darwin" && filepath.IsAbs(e.get("XDG_STATE_HOME")):
		return filepath.Join(e.get("XDG_STATE_HOME"), program)
	case e.goos != "windows" && home != "":
		return filepath.Join(home, ".local", "state", program)
	}
	return "state"
}
