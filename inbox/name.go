package inbox

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
)

// optionsFile is the name of the file with a folder's options.
const optionsFile = "options.yaml"

// optionsOther is what some call it.
const optionsOther = "options.yml"

// partialEnds are what browsers, transfer programs and editors put behind the name
// of a file that is not whole yet, or is none of ours.
var partialEnds = []string{".part", ".partial", ".tmp", ".temp", ".crdownload", ".download", ".filepart", ".opdownload", ".swp", "~"}

// othersFiles are made by operating systems by themselves.
var othersFiles = []string{optionsFile, optionsOther, "thumbs.db", "desktop.ini"}

// leftAlone says that a file is not meant for us, or not yet.
func leftAlone(name string) bool {
	lower := strings.ToLower(name)
	ends := func(end string) bool { return strings.HasSuffix(lower, end) }
	return strings.HasPrefix(lower, ".") || strings.HasPrefix(lower, "~") || slices.Contains(othersFiles, lower) ||
		slices.ContainsFunc(partialEnds, ends) || slices.ContainsFunc(noteEnds, ends)
}

// mostName is how many bytes of a name are kept. File systems allow 255, and the
// names of what lies beside the file are longer.
const mostName = 150

// safeName is the name that a file has from now on: in UTF-8, without characters
// that steer a terminal or break a line, and not too long for what is put behind it.
func safeName(name string) string {
	name = strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029' {
			return '_'
		}
		return r
	}, strings.ToValidUTF8(name, "_"))
	stem, ext := cutExt(name)
	if len(ext) > mostName/2 {
		stem, ext = name, ""
	}
	if most := mostName - len(ext); len(stem) > most {
		stem = strings.ToValidUTF8(stem[:most], "")
	}
	return stem + ext
}

// cutExt cuts a name before the last dot.
func cutExt(name string) (stem, ext string) {
	ext = filepath.Ext(name)
	if stem = strings.TrimSuffix(name, ext); stem == "" {
		return name, ""
	}
	return stem, ext
}

// meaning reads the operation, and the preset if there is one, out of the name of
// the folder: OPERATION or OPERATION.PRESET. A file in incoming itself has them at
// the beginning of its own name, and any text behind them.
func meaning(folder, name string, operations []string) (operation, preset string, err error) {
	text, whole := folder, true
	if folder == "" {
		text, whole = bare(name), false
	}
	lower := strings.ToLower(text)
	for _, op := range operations {
		rest, ok := strings.CutPrefix(lower, op)
		if !ok || len(op) < len(operation) || rest != "" && !strings.ContainsAny(rest[:1], ".-_ ") || whole && rest != "" && rest[0] != '.' {
			continue
		}
		operation, preset = op, ""
		if after, dotted := strings.CutPrefix(text[len(op):], "."); dotted {
			preset = after
			if !whole {
				preset, _, _ = strings.Cut(after, ".")
			}
		}
	}
	if operation != "" {
		return operation, preset, nil
	}
	return "", "", unclear(folder, name, operations)
}

func unclear(folder, name string, operations []string) error {
	if folder != "" {
		return fmt.Errorf("the folder incoming/%s names no operation, so nothing was sent.\nTry: name the folder after one of %s, or after one of them and a preset, as in create.NAME",
			folder, strings.Join(operations, ", "))
	}
	return fmt.Errorf("the name %s does not say what to do with the file, so nothing was sent.\nTry: put it into a folder of incoming (%s), or begin its name with one of them, as in %s-%s",
		name, strings.Join(operations, ", "), operations[0], name)
}

// packed are the ends of names behind which the sheet's own end stands.
var packed = []string{".gz", ".zip"}

// bare is a name without what says the kind of file.
func bare(name string) string {
	stem, ext := cutExt(name)
	if slices.Contains(packed, strings.ToLower(ext)) {
		stem, _ = cutExt(stem)
	}
	return stem
}
