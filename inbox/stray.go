package inbox

import (
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// sheetEnds are what the names of sheets end in. Where nothing is expected, texts and archives may be anything.
var sheetEnds = []string{".csv", ".tsv", ".tab", ".xlsx", ".xlsm", ".xls", ".ods"}

// looksLikeSheet says that the name of a file is that of a sheet, packed or not.
func looksLikeSheet(name string) bool {
	stem, ext := cutExt(name)
	if slices.Contains(packed, strings.ToLower(ext)) {
		_, ext = cutExt(stem)
	}
	return slices.Contains(sheetEnds, strings.ToLower(ext))
}

// strays points out the sheets that were put beside incoming, or into a directory that is the workers' own. What
// comes through there on its way to incoming does not stand still for long enough to be one.
func (b *Box) strays(now time.Time) {
	m := misplaced{"only files in " + incoming + " are carried out, and this one lies outside of it",
		"put it into " + incoming + "/OPERATION, which is one of " + strings.Join(b.o.Operations, ", ")}
	astray := map[string]sighting{}
	for _, dir := range []string{"", processing, done, failed} {
		for _, e := range b.entries(b.path(dir)) {
			path := b.path(dir, e.Name())
			info, err := e.Info()
			switch {
			case err != nil || !info.Mode().IsRegular(): // the directories of workers and days, or it has gone
			case leftAlone(e.Name()):
				sweepNote(path)
			case looksLikeSheet(e.Name()):
				key := filepath.Join(dir, e.Name())
				astray[key] = sight(b.astray, key, info, now)
				if now.Sub(astray[key].since) >= b.o.Still {
					b.point(m, path, nil)
				}
			}
		}
	}
	b.astray = astray
}
