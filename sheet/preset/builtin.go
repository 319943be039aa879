package preset

import (
	"bytes"
	"embed"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"

	"aftership-bulk/sheet"
)

//go:embed data/*.yaml
var data embed.FS

// builtin holds the built-in presets by name. They are read once; a broken one fails the tests of this package and is
// left out here.
var builtin = sync.OnceValue(func() map[string]*Preset {
	presets := map[string]*Preset{}
	files, _ := data.ReadDir("data")
	for _, file := range files {
		if p, err := readBuiltin(file.Name()); err == nil {
			presets[p.Name] = p
		}
	}
	return presets
})

func readBuiltin(file string) (*Preset, error) {
	text, err := data.ReadFile(path.Join("data", file))
	if err != nil {
		return nil, err
	}
	return Read(bytes.NewReader(text), file)
}

// All lists the built-in presets by name. They must not be changed.
func All() []Preset {
	var all []Preset
	for _, name := range sortedKeys(builtin()) {
		all = append(all, *builtin()[name])
	}
	return all
}

// Named finds a built-in preset by its name.
func Named(name string) (*Preset, error) {
	if p, ok := builtin()[strings.ToLower(strings.TrimSpace(name))]; ok {
		return new(*p), nil
	}
	return nil, fmt.Errorf("there is no preset %q; there are: %s; or name a preset file of your own (.yaml)",
		name, strings.Join(sortedKeys(builtin()), ", "))
}

// Recognise finds the built-in preset of a header: of those that fit, the one that names the most of its columns, and of
// equals the first by name. A preset of exports without tracking numbers loses its NoTracking when the header has a
// column for them after all, because somebody has added it.
func Recognise(header []string) (*Preset, bool) {
	var best *Preset
	most := 0
	there := headerOf(header)
	for _, name := range sortedKeys(builtin()) {
		p := builtin()[name]
		if score := p.score(there); score > most {
			best, most = p, score
		}
	}
	if best == nil {
		return nil, false
	}
	best = new(*best)
	if best.NoTracking != "" && HasTracking(header) {
		best.NoTracking = ""
	}
	return best, true
}

// Fits says that a header has what the preset is recognised by.
func (p *Preset) Fits(header []string) bool { return p.score(headerOf(header)) > 0 }

// score is the number of columns by which the preset is recognised, of the signature that has the most; 0 if none fits.
func (p *Preset) score(header headerNames) int {
	most := 0
	for _, s := range p.Match {
		most = max(most, s.score(header))
	}
	return most
}

// headerNames are the normalised names of a header's columns, without our report columns.
type headerNames map[string]bool

func headerOf(header []string) headerNames {
	names := make(headerNames, len(header))
	for _, name := range header {
		if normal := sheet.Normal(name); normal != "" && !sheet.IsReportColumn(name) {
			names[normal] = true
		}
	}
	return names
}

// has says that a column of the name is there, or one that begins so.
func (h headerNames) has(name string) bool {
	begin, ok := strings.CutSuffix(name, "*")
	if !ok {
		return h[sheet.Normal(name)]
	}
	begin = sheet.Normal(begin)
	for column := range h {
		if strings.HasPrefix(column, begin) {
			return true
		}
	}
	return false
}

func (s Signature) score(header headerNames) int {
	some := slices.DeleteFunc(slices.Clone(s.Any), func(name string) bool { return !header.has(name) })
	switch {
	case slices.ContainsFunc(s.All, func(name string) bool { return !header.has(name) }):
		return 0
	case len(s.Any) > 0 && len(some) == 0:
		return 0
	case slices.ContainsFunc(s.None, header.has):
		return 0
	case s.Only && len(header) > len(s.All)+len(some):
		return 0
	}
	return len(s.All) + len(some)
}

// known holds every name that a preset or an alias gives to a column.
var known = sync.OnceValue(func() map[string]bool {
	all := map[string]bool{}
	add := func(names ...string) {
		for _, name := range names {
			all[sheet.Normal(strings.TrimSuffix(name, "*"))] = true
		}
	}
	for field, aliases := range sheet.Aliases {
		add(append(aliases, field)...)
	}
	add(sheet.ReportColumns...)
	for _, p := range builtin() {
		add(slices.Collect(maps.Keys(p.Columns))...)
		add(p.Ignore...)
		for _, s := range p.Match {
			add(slices.Concat(s.All, s.Any)...)
		}
		for _, first := range p.Rules.FirstOf {
			add(first.Columns...)
		}
	}
	delete(all, "")
	return all
})

// KnownHeader says that a cell is a name that exports give to a column: evidence that its line is the header. The names
// of fields that have no other names are the caller's to know.
func KnownHeader(name string) bool { return known()[sheet.Normal(name)] }

// EncodingHint names the encoding of a file by its first bytes, where a preset knows it, else "". It is worth asking only
// when the bytes themselves leave it open.
func EncodingHint(head []byte) string {
	for _, name := range sortedKeys(builtin()) {
		if hint := builtin()[name].Reading.EncodingHint; hint != nil && hint.in(head) {
			return hint.Encoding
		}
	}
	return ""
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
