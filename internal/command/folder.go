package command

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// sheetEndings are what the names of the files end in that are taken out of a directory.
var sheetEndings = []string{".csv", ".tsv", ".txt", ".xlsx", ".gz", ".zip"}

// expand replaces directories by their sheets and patterns by what they match,
// each in the order of the names: a schedule, and Windows, have no shell that does
// so. A name without a file stays as it is, and is found missing where it is opened.
func expand(args []string) ([]string, error) {
	var files []string
	for _, arg := range args {
		found, err := expandOne(arg)
		if err != nil {
			return nil, err
		}
		files = append(files, found...)
	}
	return files, nil
}

func expandOne(arg string) ([]string, error) {
	info, err := os.Stat(arg)
	switch {
	case err == nil && info.IsDir():
		return sheetsIn(arg)
	case err == nil || arg == "-" || strings.Contains(arg, "://") || !strings.ContainsAny(arg, "*?["):
		return []string{arg}, nil
	}
	found, err := filepath.Glob(arg)
	if err != nil {
		return nil, usage(fmt.Errorf("%s is no pattern: %w", arg, err), "use *, ? and [a-z]")
	}
	found = slices.DeleteFunc(found, func(file string) bool { return beside(filepath.Base(file)) })
	if len(found) == 0 {
		return []string{arg}, nil
	}
	return found, nil // sorted
}

// beside says that a file is hidden, or one that a program keeps beside an open one.
func beside(name string) bool { return strings.HasPrefix(name, ".") || strings.HasPrefix(name, "~$") }

// sheetsIn lists the sheets of a directory by their names.
func sheetsIn(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, usage(fmt.Errorf("the directory cannot be read: %w", err), "check its path and rights")
	}
	var files []string
	for _, e := range entries {
		if !beside(e.Name()) && !e.IsDir() && slices.Contains(sheetEndings, strings.ToLower(filepath.Ext(e.Name()))) {
			files = append(files, filepath.Join(dir, e.Name()))
		}
	}
	return files, nil
}
