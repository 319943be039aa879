package inbox

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"go.yaml.in/yaml/v3"
)

// Option is one option of a folder: a flag of the command, without its dashes, and
// its value. A list in the file is one option for each of its values.
type Option struct{ Name, Value string }

// mostOptions is how many bytes a file with options may have.
const mostOptions = 64 << 10

// readOptions reads the options of a folder. Without the file there are none.
func readOptions(path string) ([]Option, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, mostOptions+1))
	if err != nil {
		return nil, err
	}
	if len(text) > mostOptions {
		return nil, fmt.Errorf("it is larger than %d KB", mostOptions>>10)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, err
	}
	if len(doc.Content) == 0 {
		return nil, nil // nothing but comments
	}
	return optionsOf(doc.Content[0])
}

// optionsOf reads the lines one by one, so that they keep their order and form.
func optionsOf(node *yaml.Node) ([]Option, error) {
	if node.Kind == yaml.ScalarNode && node.Tag == "!!null" {
		return nil, nil
	}
	if node.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("line %d: write one flag on each line, as in slug: ups", node.Line)
	}
	var all []Option
	for i := 0; i+1 < len(node.Content); i += 2 {
		name, value := node.Content[i], node.Content[i+1]
		values := []*yaml.Node{value}
		if value.Kind == yaml.SequenceNode {
			values = value.Content
		}
		for _, v := range values {
			if v.Kind != yaml.ScalarNode || v.Tag == "!!null" {
				return nil, fmt.Errorf("line %d: %s needs a value, or a list of values", v.Line, name.Value)
			}
			all = append(all, Option{name.Value, v.Value})
		}
	}
	return all, nil
}
