package aftershipbulk_test

import (
	"bytes"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// ours lists the files of the tree that are kept: neither git's own nor what a
// build or a run leaves behind.
func ours(t *testing.T) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && slices.Contains(notCloned, path) {
			return fs.SkipDir
		}
		if err == nil && d.Type().IsRegular() {
			all = append(all, filepath.ToSlash(path))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.+)$`)
)

// anchors are the names by which the headings of a page are linked to.
func anchors(text string) []string {
	var all []string
	for _, h := range heading.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
		name := strings.ToLower(h[1])
		name = regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(name, "")
		all = append(all, strings.ReplaceAll(name, " ", "-"))
	}
	return all
}

// Every link from one page of ours to another, or into it, leads somewhere.
func TestLinks(t *testing.T) {
	for _, page := range ours(t) {
		if !strings.HasSuffix(page, ".md") {
			continue
		}
		for _, found := range link.FindAllStringSubmatch(fence.ReplaceAllString(read(t, page), ""), -1) {
			u, err := url.Parse(found[1])
			if err != nil || u.IsAbs() {
				continue
			}
			target := page
			if u.Path != "" {
				target = filepath.Join(filepath.Dir(page), filepath.FromSlash(u.Path))
			}
			info, err := os.Stat(target)
			switch {
			case err != nil:
				t.Errorf("%s links to %s, which is not there", page, found[1])
			case u.Fragment != "" && !info.IsDir() && !slices.Contains(anchors(read(t, target)), u.Fragment):
				t.Errorf("%s links to %s, a heading that is not there", page, found[1])
			}
		}
	}
}

// Files that pages, Makefile and scripts speak of are there.
var namedFile = regexp.MustCompile(`\b(scripts|docs|samples|bench|internal|\.ci)/[a-z0-9_./-]*[a-z0-9]`)

func TestNamedFilesAreThere(t *testing.T) {
	for _, page := range ours(t) {
		base := filepath.Base(page)
		if !strings.HasSuffix(page, ".md") && base != "Makefile" && base != "docker-compose.yml" && base != "Dockerfile" {
			continue
		}
		for _, name := range namedFile.FindAllString(read(t, page), -1) {
			if _, err := os.Stat(name); err != nil {
				t.Errorf("%s speaks of %s, which is not there", page, name)
			}
		}
	}
}

// foreign finds what belongs to one machine only: its paths and its sources of
// packages. The patterns are written so that they do not find themselves.
var foreign = []*regexp.Regexp{
	regexp.MustCompile(`(?:^|[\s"'=(:` + "`" + `])/(?:work|root)/[a-zA-Z]`),
	regexp.MustCompile(`/tmp/` + `(?:design|bash_jobs|go-build)`),
	regexp.MustCompile(`\.\./` + `shared`),
	regexp.MustCompile(`(?i)(?:proxy` + `\.golang\.org|sum` + `\.golang\.org|artifac` + `tory|GOPROXY` + `=http|registry` + `\.npmjs|pkg` + `\.go\.dev/proxy)`),
}

func TestNoMachineInTheTree(t *testing.T) {
	for _, path := range ours(t) {
		text, err := os.ReadFile(path)
		if err != nil || bytes.IndexByte(text, 0) >= 0 {
			continue
		}
		for number, line := range strings.Split(string(text), "\n") {
			for _, f := range foreign {
				if f.MatchString(line) {
					t.Errorf("%s:%d: %s", path, number+1, strings.TrimSpace(line))
				}
			}
		}
	}
}

// Every sample is used by a test.
func TestSamplesAreUsed(t *testing.T) {
	var tests strings.Builder
	for _, path := range ours(t) {
		if strings.HasSuffix(path, ".txtar") || strings.HasSuffix(path, "_test.go") {
			tests.WriteString(read(t, path))
		}
	}
	sheets, err := filepath.Glob("samples/*")
	if err != nil || len(sheets) < 6 {
		t.Fatalf("%v %v", sheets, err)
	}
	for _, sheet := range sheets {
		name := filepath.Base(sheet)
		if !strings.Contains(tests.String(), "$SAMPLES/"+name) && !strings.Contains(tests.String(), "samples/"+name+`"`) {
			t.Errorf("no test uses %s", sheet)
		}
	}
}
