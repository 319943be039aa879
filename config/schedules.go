package config

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"aftership-bulk/slots"
)

// Schedule is a command of enqueue that workers run by themselves.
type Schedule struct {
	// Name is the schedule's name, by which it is known to every worker of the account.
	Name string
	// Spec says when it runs.
	Spec slots.Spec
	// Command are the arguments of enqueue, without the word enqueue.
	Command []string
	// Account is the account that the command works for. Defaults to Config.Account.
	Account string
	// Enabled says that it runs by itself; else only when it is asked for. Defaults to true.
	Enabled bool
}

// mostSchedules bounds the list: each has a queue that every worker looks at.
const mostSchedules = 100

// settingsOfWorker are the flags that a schedule's command may not have, as the
// worker gives them to it.
var settingsOfWorker = []string{setConfig, "redis-url", "state-dir", "sandbox"}

// node is a part of the YAML file with its place in it.
type node struct {
	*yaml.Node
	path string // how errors call it
	of   string // the name of the schedule that it belongs to, once that is known
}

// schedulesOf reads the schedules out of the YAML file.
func (l *loader) schedulesOf(raw []byte, known map[string]Account, current string, check func([]string) error) []Schedule {
	var file struct {
		Schedules yaml.Node `yaml:"schedules"`
	}
	if err := yaml.Unmarshal(raw, &file); err != nil { // the whole file was read before
		l.problem("schedules (file %s) cannot be read", l.file)
		return nil
	}
	list := node{Node: resolved(&file.Schedules), path: "schedules"}
	switch {
	case list.Kind == 0 || list.Tag == "!!null":
		return nil
	case list.Kind != yaml.SequenceNode:
		l.badNode(list, errors.New("give a list, each with name, cron and command: `- {name: retrack, cron: 30 2 * * *, command: [retrack-expired]}`"))
		return nil
	case len(list.Content) > mostSchedules:
		l.badNode(list, fmt.Errorf("these are %d, and %d are the most", len(list.Content), mostSchedules))
		return nil
	}
	r := scheduleReader{loader: l, known: known, current: current, check: check, lines: map[string]int{}}
	var all []Schedule
	for i, item := range list.Content {
		all = append(all, r.schedule(node{Node: resolved(item), path: fmt.Sprintf("schedules[%d]", i)}))
	}
	return all
}

// resolved is what an alias stands for.
func resolved(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

// badNode notes what is wrong at a place of the file.
func (l *loader) badNode(n node, err error) {
	what := n.path
	if n.of != "" {
		what += fmt.Sprintf(" of %q", n.of)
	}
	l.problem("%s (file %s, line %d, column %d): %w", what, l.file, n.Line, n.Column, err)
}

// scheduleReader reads schedules one after another.
type scheduleReader struct {
	*loader
	known   map[string]Account
	current string
	check   func([]string) error
	lines   map[string]int // of the names so far
}

var scheduleKeys = []string{"name", "cron", "zone", "command", "account", "enabled"}

// schedule reads one schedule.
func (r *scheduleReader) schedule(item node) Schedule {
	s := Schedule{Account: r.current, Enabled: true}
	if item.Kind != yaml.MappingNode {
		r.badNode(item, errors.New("give name, cron and command, such as `{name: retrack, cron: 30 2 * * *, command: [retrack-expired]}`"))
		return s
	}
	parts := r.parts(item)
	s.Name = r.name(item, parts)
	for key, n := range parts {
		n.of = s.Name
		parts[key] = n
	}
	s.Spec = r.spec(item, parts)
	s.Command = r.command(item, parts)
	s.Account = r.accountOf(parts)
	s.Enabled = r.enabled(parts)
	return s
}

// parts are the values of a schedule by their keys.
func (r *scheduleReader) parts(item node) map[string]node {
	parts := map[string]node{}
	for i := 0; i+1 < len(item.Content); i += 2 {
		key, value := item.Content[i], item.Content[i+1]
		if !slices.Contains(scheduleKeys, key.Value) {
			r.badNode(node{Node: key, path: item.path + "." + shownKey(key.Value)}, fmt.Errorf("is no setting: did you mean %s?", nearest(strings.ToLower(key.Value), scheduleKeys)))
			continue
		}
		parts[key.Value] = node{Node: resolved(value), path: item.path + "." + key.Value}
	}
	return parts
}

// text is the text of a part, which may be a number to YAML; "" if there is none.
// What is no text is noted, and is not ok.
func (r *scheduleReader) text(n node, remedy string) (text string, ok bool) {
	switch {
	case n.Node == nil || n.Tag == "!!null":
		return "", true
	case n.Kind != yaml.ScalarNode:
		r.badNode(n, errors.New(remedy))
		return "", false
	}
	return strings.TrimSpace(n.Value), true
}

var scheduleName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

func (r *scheduleReader) name(item node, parts map[string]node) string {
	const remedy = "give it a name of 1 to 64 letters (a to z), digits, dots, _ and -, by which `enqueue schedules` shows it"
	n := parts["name"]
	name, ok := r.text(n, remedy)
	switch {
	case !ok:
		return ""
	case name == "":
		r.badNode(item, errors.New("it has no name: "+remedy))
		return ""
	case !scheduleName.MatchString(name):
		r.badNode(n, fmt.Errorf("%q is no name: %s", name, remedy))
		return ""
	case r.lines[name] > 0:
		r.badNode(n, fmt.Errorf("%q is the name of the schedule in line %d, too: choose another", name, r.lines[name]))
	}
	r.lines[name] = cmp.Or(r.lines[name], n.Line)
	return name
}

func (r *scheduleReader) spec(item node, parts map[string]node) slots.Spec {
	const remedy = "give an expression such as 30 2 * * *: minute, hour, day of the month, month, day of the week"
	n, z := parts["cron"], parts["zone"]
	expr, ok := r.text(n, remedy)
	zone, zoned := r.text(z, "give the name of a time zone, such as Europe/Berlin")
	if ok && expr == "" {
		r.badNode(item, errors.New("it has no cron: "+remedy))
	}
	if !ok || !zoned || expr == "" {
		return slots.Spec{}
	}
	spec, err := slots.Parse(expr, zone)
	if err == nil {
		return spec
	}
	if _, zoneless := slots.Parse(expr, ""); zoneless == nil {
		r.badNode(z, fmt.Errorf("%q: %w", zone, err))
	} else {
		r.badNode(n, fmt.Errorf("%q: %w", expr, zoneless))
	}
	return slots.Spec{}
}

func (r *scheduleReader) command(item node, parts map[string]node) []string {
	const remedy = "give the arguments of enqueue as a list, such as [create, --yes, /data/export.csv]"
	n, ok := parts["command"]
	switch {
	case !ok:
		r.badNode(item, errors.New("it has no command: "+remedy))
		return nil
	case n.Kind != yaml.SequenceNode || len(n.Content) == 0:
		r.badNode(n, errors.New(remedy))
		return nil
	}
	var args []string
	for i, c := range n.Content {
		arg := node{Node: resolved(c), path: fmt.Sprintf("%s[%d]", n.path, i), of: n.of}
		if arg.Kind != yaml.ScalarNode || arg.Tag == "!!null" {
			r.badNode(arg, errors.New("this is no text: "+remedy))
			return nil
		}
		args = append(args, arg.Value)
	}
	if err := r.runnable(args); err != nil {
		r.badNode(n, err)
	}
	return args
}

// runnable says what is wrong with a command.
func (r *scheduleReader) runnable(args []string) error {
	if args[0] == "enqueue" {
		return errors.New("leave out the word enqueue: it is a command of enqueue anyway")
	}
	for _, arg := range args {
		name, _, _ := strings.Cut(strings.TrimPrefix(arg, "--"), "=")
		if strings.HasPrefix(arg, "--") && name == setAccount {
			return errors.New("give the account as `account: NAME` beside the command")
		}
		if strings.HasPrefix(arg, "--") && slices.Contains(settingsOfWorker, name) {
			return fmt.Errorf("--%s cannot be set here: the command has the settings of the worker that runs it", name)
		}
	}
	if r.check == nil {
		return nil
	}
	return r.check(args)
}

func (r *scheduleReader) accountOf(parts map[string]node) string {
	n := parts["account"]
	name, _ := r.text(n, "give the name of an account")
	if name == "" {
		return r.current
	}
	if _, err := accountName(name); err != nil {
		r.badNode(n, err)
	} else if _, known := r.known[name]; !known {
		r.badNode(n, fmt.Errorf("account %q is not in the settings: add it under accounts, or leave it out for %s", name, r.current))
	}
	return name
}

func (r *scheduleReader) enabled(parts map[string]node) bool {
	n, ok := parts["enabled"]
	if !ok {
		return true
	}
	var yes bool
	if err := n.Decode(&yes); err != nil || n.Tag == "!!null" {
		r.badNode(n, errors.New("give true or false"))
	}
	return yes
}

// showSchedules shows the schedules as a setting, where there are some.
func (l *loader) showSchedules(all []Schedule) {
	var names []string
	for _, s := range all {
		if !s.Enabled {
			s.Name += " (not enabled)"
		}
		names = append(names, s.Name)
	}
	if len(names) > 0 {
		l.show("schedules", strings.Join(names, ", "), "file "+l.file)
	}
}

// ScheduleNamed is the schedule of that name; the error of one that is not known names those that are.
func (c Config) ScheduleNamed(name string) (Schedule, error) {
	var names []string
	for _, s := range c.Schedules {
		if s.Name == name {
			return s, nil
		}
		names = append(names, s.Name)
	}
	if len(names) == 0 {
		return Schedule{}, errors.New("there are no schedules: add them under `schedules` in the config file")
	}
	return Schedule{}, fmt.Errorf("there is no schedule %q: there are %s", name, strings.Join(names, ", "))
}

// EnvFor is the environment for a command that works for an account. The
// variables of the current account's key and secrets are left out for another one,
// whose own they would be taken for.
func (c Config) EnvFor(account string, env []string) []string {
	if account == c.Account {
		return slices.Clone(env)
	}
	return slices.DeleteFunc(slices.Clone(env), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return slices.ContainsFunc(settings, func(s Setting) bool { return s.ofAccount() && s.Env != "" && strings.EqualFold(s.Env, name) })
	})
}
