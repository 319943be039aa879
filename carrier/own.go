package carrier

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

const (
	// maxOwn is how many names an own table holds at most.
	maxOwn = 10_000
	// maxOwnSize is how many bytes its file has at most.
	maxOwnSize = 4 << 20
)

// Detect is what an own table says in place of a slug for names that are to be left to AfterShip's own detection.
const Detect = "-"

// Own is the user's own table of names and slugs. The zero value is an empty one.
type Own struct {
	names []ownName
	byKey map[string]int
}

type ownName struct{ name, slug string }

// Len is how many names the table holds.
func (o *Own) Len() int { return len(o.names) }

// Add says which slug a name means; [Detect] leaves it to AfterShip. The same name, in whatever writing, cannot mean two.
func (o *Own) Add(name, slug string) error {
	name, slug = oneLine(name), clean(slug)
	switch {
	case name == "":
		return errors.New("the name is empty: write the name as it stands in your sheets")
	case len(name) > longestName:
		return fmt.Errorf("the name has %d bytes: a carrier's name has %d at most", len(name), longestName)
	case slug != Detect && !IsSlug(slug):
		return fmt.Errorf("%q is not a courier's slug: write it as AfterShip does (dhl, j-net), or %s for its own detection", shorten(slug), Detect)
	}
	if at, there := o.byKey[ownKey(name)]; there {
		if o.names[at].slug != slug {
			return fmt.Errorf("%q means %s here and %s before: keep one of the two", shorten(name), slug, o.names[at].slug)
		}
		return nil
	}
	if len(o.names) == maxOwn {
		return fmt.Errorf("there are more than %d names", maxOwn)
	}
	if o.byKey == nil {
		o.byKey = map[string]int{}
	}
	o.byKey[ownKey(name)] = len(o.names)
	o.names = append(o.names, ownName{name, slug})
	return nil
}

// ownKey is what the writings of a name have in common; a name without letters ("-", "?") has itself.
func ownKey(name string) string {
	if k := key(words(name)); k != "" {
		return k
	}
	return oneLine(name)
}

func oneLine(name string) string { return strings.Join(strings.Fields(clean(name)), " ") }

// find is what the table says about a name.
func (o *Own) find(name string) (slug string, ok bool) {
	at, ok := o.byKey[ownKey(name)]
	if !ok {
		return "", false
	}
	if slug = o.names[at].slug; slug == Detect {
		slug = ""
	}
	return slug, true
}

// ReadOwn reads an own table: YAML of "name: slug" if the file's name ends with .yaml or .yml, else CSV of name and slug,
// with comma, semicolon or tab, and with or without a header. Lines of CSV that begin with # are notes.
func ReadOwn(r io.Reader, name string) (Own, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxOwnSize+1))
	if err != nil {
		return Own{}, fmt.Errorf("read the carrier table %s: %w", name, err)
	}
	if len(text) > maxOwnSize {
		return Own{}, fmt.Errorf("the carrier table %s has more than %d MB: is it the right file?", name, maxOwnSize>>20)
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	read := readCSV
	if ext := strings.ToLower(filepath.Ext(name)); ext == ".yaml" || ext == ".yml" {
		read = readYAML
	}
	own, err := read(text)
	if err != nil {
		return Own{}, fmt.Errorf("carrier table %s: %w", name, err)
	}
	return own, nil
}

func readYAML(text []byte) (own Own, err error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return own, fmt.Errorf("%w: write lines like `DHL Paket: dhl-germany`", err)
	}
	if len(doc.Content) == 0 {
		return own, nil
	}
	root := doc.Content[0]
	if root.Kind != yaml.MappingNode {
		return own, fmt.Errorf("line %d: this is no list of names: write lines like `DHL Paket: dhl-germany`", root.Line)
	}
	for i := 0; i+1 < len(root.Content); i += 2 {
		name, slug := root.Content[i], root.Content[i+1]
		if name.Kind != yaml.ScalarNode || slug.Kind != yaml.ScalarNode {
			return own, fmt.Errorf("line %d: a name has one slug: write lines like `DHL Paket: dhl-germany`", name.Line)
		}
		if err := own.Add(name.Value, slug.Value); err != nil {
			return own, fmt.Errorf("line %d: %w", name.Line, err)
		}
	}
	return own, nil
}

func readCSV(text []byte) (own Own, err error) {
	r := csv.NewReader(bytes.NewReader(text))
	r.Comma, r.Comment, r.FieldsPerRecord, r.TrimLeadingSpace = delimiter(text), '#', -1, true
	for first := true; ; first = false {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			return own, nil
		}
		if err != nil {
			return own, err // it says the line
		}
		if blank(record) || first && isHeader(record) {
			continue
		}
		line, _ := r.FieldPos(0)
		if len(record) < 2 || !blank(record[2:]) {
			return own, fmt.Errorf("line %d: there are %d cells: write the name and the slug", line, len(record))
		}
		if err := own.Add(record[0], record[1]); err != nil {
			return own, fmt.Errorf("line %d: %w", line, err)
		}
	}
}

// delimiter is the first of the usual ones in the first line that holds something.
func delimiter(text []byte) rune {
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, maxOwnSize+1)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		if i := strings.IndexAny(line, ",;\t"); i >= 0 {
			return rune(line[i])
		}
		break
	}
	return ','
}

func blank(record []string) bool {
	return !slices.ContainsFunc(record, func(cell string) bool { return clean(cell) != "" })
}

func isHeader(record []string) bool {
	return len(record) >= 2 && slices.Contains([]string{"slug", "courier", "courier slug", "courier_slug"}, strings.ToLower(clean(record[1])))
}

// Write writes the table as CSV that ReadOwn reads.
func (o *Own) Write(w io.Writer) error {
	out := bufio.NewWriter(w)
	_, _ = out.WriteString("name,slug\n") // Flush tells the error
	for _, n := range o.names {
		// Quoted, since a name may begin with #.
		_, _ = fmt.Fprintf(out, "\"%s\",%s\n", strings.ReplaceAll(n.name, `"`, `""`), n.slug)
	}
	return out.Flush()
}
