package preset

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxBytes bounds a preset's file.
const maxBytes = 1 << 20

// Read reads a preset's file strictly: an unknown key, a second document or a rule that can't work is an error that names
// its line. name is the file's, for messages and for a preset that has no name of its own.
func Read(r io.Reader, name string) (*Preset, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("can't read the preset %s: %w", name, err)
	}
	if len(text) > maxBytes {
		return nil, fmt.Errorf("the preset %s is larger than %d KiB; is it the right file?", name, maxBytes>>10)
	}
	p, err := parse(text, name)
	if err != nil {
		return nil, fmt.Errorf("the preset %s can't be used: %w", name, err)
	}
	return p, nil
}

func parse(text []byte, name string) (*Preset, error) {
	var tree yaml.Node
	if err := yaml.Unmarshal(text, &tree); err != nil {
		return nil, plain(err)
	}
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	p := &Preset{}
	if err := dec.Decode(p); err != nil {
		return nil, plain(err)
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, errors.New("it holds more than one document; remove the line --- and what follows it")
	}
	if p.Name == "" {
		p.Name = nameOf(name)
	}
	p.Rules.Preset = p.Name
	p.linkReading()
	return p, check(p, &tree)
}

// nameOf makes a preset's name of its file's.
func nameOf(file string) string {
	base := strings.ToLower(filepath.Base(filepath.ToSlash(file)))
	base = strings.TrimSuffix(strings.TrimSuffix(base, ".yml"), ".yaml")
	base = strings.Trim(regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(base, "-"), "-")
	return base[:min(len(base), maxName)]
}

const maxName = 60

var (
	unknownKey = regexp.MustCompile(`field (.*) not found in type \S+`)
	wrongKind  = regexp.MustCompile("cannot unmarshal !!(\\S+) (?:`(.*)` )?into (\\S+)")
)

// kindNames says in plain words what the parser calls a kind.
var kindNames = map[string]string{"str": "a text", "int": "a number", "float": "a number", "bool": "true or false", "seq": "a list", "map": "a table of names", "null": "nothing"}

// plain says what is wrong in the words of a preset's file.
func plain(err error) error {
	if errors.Is(err, io.EOF) {
		return errors.New("it is empty; it needs at least the columns")
	}
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	if kind, ok := errors.AsType[*yaml.TypeError](err); ok {
		text = strings.Join(kind.Errors, "; ")
	}
	text = unknownKey.ReplaceAllString(text, `"$1" is no key that stands here`)
	text = wrongKind.ReplaceAllStringFunc(text, func(found string) string {
		part := wrongKind.FindStringSubmatch(found)
		return fmt.Sprintf("%s can't stand here, it must be %s", given(kindNames[part[1]], part[2]), wanted(part[3]))
	})
	return errors.New(text + `; a name that holds ": " or " #" must stand in quotes`)
}

func given(kind, value string) string {
	if kind == "" {
		kind = "this"
	}
	if value != "" {
		return fmt.Sprintf("%s (%s)", kind, value)
	}
	return kind
}

// wanted says what a key takes, by the type that it is read into.
func wanted(kind string) string {
	switch {
	case kind == "int":
		return "a number"
	case kind == "bool":
		return "true or false"
	case strings.HasPrefix(kind, "[]"):
		return "a list"
	case kind == "string" || kind == "preset.Proof":
		return "a text"
	}
	return "a table of names"
}

// Write writes the preset as a file that Read understands.
func (p *Preset) Write(w io.Writer) error {
	enc := yaml.NewEncoder(w)
	enc.SetIndent(2)
	if err := enc.Encode(p); err != nil {
		return fmt.Errorf("can't write the preset: %w", err)
	}
	return enc.Close()
}

// checker collects what is wrong with a preset, each with its line.
type checker struct {
	tree     *yaml.Node
	problems []string
}

// wrong notes a problem of the place in the file that a path of keys leads to.
func (c *checker) wrong(path []any, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if line := lineOf(c.tree, path); line > 0 {
		text = fmt.Sprintf("line %d: %s", line, text)
	}
	c.problems = append(c.problems, text)
}

// lineOf finds the line of a place in the file, or of as much of the path as is there.
func lineOf(node *yaml.Node, path []any) int {
	if node.Kind == yaml.DocumentNode && len(node.Content) > 0 {
		node = node.Content[0]
	}
	line := node.Line
	for _, step := range path {
		if node.Kind == yaml.AliasNode {
			node = node.Alias
		}
		next, at := child(node, step)
		if next == nil {
			break
		}
		node, line = next, at
	}
	return line
}

func child(node *yaml.Node, step any) (next *yaml.Node, line int) {
	switch step := step.(type) {
	case int:
		if node.Kind == yaml.SequenceNode && step < len(node.Content) {
			return node.Content[step], node.Content[step].Line
		}
	case string:
		for i := 0; node.Kind == yaml.MappingNode && i+1 < len(node.Content); i += 2 {
			if node.Content[i].Value == step {
				return node.Content[i+1], node.Content[i].Line
			}
		}
	}
	return nil, 0
}

func at(path ...any) []any { return path }

var nameForm = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*$`)

// check finds what a preset says that can't work.
func check(p *Preset, tree *yaml.Node) error {
	c := &checker{tree: tree}
	if !nameForm.MatchString(p.Name) || len(p.Name) > maxName {
		c.wrong(at("name"), "the name %q must consist of at most %d lower case letters, digits and dashes", p.Name, maxName)
	}
	if p.Proof != "" && !slices.Contains(Proofs(), p.Proof) {
		c.wrong(at("proof"), "the proof %q is unknown; use verified, documented or unproven", p.Proof)
	}
	if len(p.Columns) == 0 && len(p.Rules.FirstOf) == 0 && p.NoTracking == "" {
		c.wrong(nil, "it says nothing about columns; add at least the one of the tracking numbers")
	}
	c.columns(p)
	c.match(p.Match)
	c.reading(p.Reading)
	c.rules(p.Rules)
	if len(c.problems) > 0 {
		return errors.New(strings.Join(c.problems, "; "))
	}
	return nil
}

func (c *checker) columns(p *Preset) {
	for _, name := range sortedKeys(p.Columns) {
		if !named(strings.TrimSuffix(name, "*")) {
			c.wrong(at("columns", name), "the column's name %q has no letter or digit", name)
		}
		if strings.TrimSpace(p.Columns[name]) == "" {
			c.wrong(at("columns", name), "the column %q has no field; write - to leave it out", name)
		}
	}
	for i, name := range p.Ignore {
		if !named(strings.TrimSuffix(name, "*")) {
			c.wrong(at("ignore", i), "the column's name %q has no letter or digit", name)
		}
	}
}

func (c *checker) match(signatures []Signature) {
	for i, s := range signatures {
		if len(s.All) == 0 {
			c.wrong(at("match", i), "a signature needs columns that must all be there (all: [...])")
		}
		for _, name := range slices.Concat(s.All, s.Any, s.None) {
			if !named(strings.TrimSuffix(name, "*")) {
				c.wrong(at("match", i), "the column's name %q has no letter or digit", name)
			}
		}
	}
}

func (c *checker) rules(r Rules) {
	if r.Dates != "" && !dateForm.MatchString(r.Dates) {
		c.wrong(at("rules", "dates"), "%q is no form of dates; write it as DD.MM.YYYY, MM/DD/YY or DD-MMM-YY", r.Dates)
	}
	if r.Carry != nil {
		if !named(r.Carry.Key) {
			c.wrong(at("rules", "carry"), "carry needs the column by which rows belong together (key)")
		}
		c.list(r.Carry.Columns, "carry needs the columns that are inherited (columns)", "rules", "carry")
	}
	for i, rule := range r.Skip {
		c.skip(rule, i)
	}
	for _, field := range sortedKeys(r.FirstOf) {
		c.list(r.FirstOf[field].Columns, "first_of needs the columns of the field, the preferred first (columns)", "rules", "first_of", field)
	}
	for _, field := range sortedKeys(r.Values) {
		if len(r.Values[field]) == 0 {
			c.wrong(at("rules", "values", field), "values of %s need words and what they mean", field)
		}
	}
}

// list checks names of columns that must be there.
func (c *checker) list(columns []string, missing string, path ...any) {
	if len(columns) == 0 {
		c.wrong(path, "%s", missing)
	}
	for _, name := range columns {
		if !named(name) {
			c.wrong(path, "the column's name %q has no letter or digit", name)
		}
	}
}

func (c *checker) skip(rule SkipRule, i int) {
	ways := 0
	for _, given := range []bool{len(rule.Values) > 0, len(rule.Except) > 0, len(rule.Contains) > 0, rule.Blank} {
		if given {
			ways++
		}
	}
	switch {
	case !named(rule.Column):
		c.wrong(at("rules", "skip", i), "a skip rule needs its column")
	case ways != 1:
		c.wrong(at("rules", "skip", i), "the skip rule of %q needs exactly one of values, except, contains and blank", rule.Column)
	case strings.TrimSpace(rule.Why) == "":
		c.wrong(at("rules", "skip", i), "the skip rule of %q needs a reason that the report can give (why)", rule.Column)
	case slices.Contains(rule.Contains, ""):
		c.wrong(at("rules", "skip", i), "the skip rule of %q looks for an empty text", rule.Column)
	}
}
