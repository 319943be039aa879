package aftershipbulk_test

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "aftership-bulk"

// layers says which of our packages a package may import. A package that is
// missing here fails the test: think about its layer before adding it.
var layers = map[string][]string{
	"aftership":          {},
	"sheet":              {"sheet/charset", "sheet/workbook"},
	"sheet/charset":      {},
	"sheet/workbook":     {},
	"sheet/book":         {},
	"sheet/preset":       {"sheet"},
	"value":              {},
	"carrier":            {},
	"notify":             {},
	"fetch":              {},
	"redisconn":          {},
	"slots":              {},
	"config":             {"slots"},
	"batch":              {"redisconn"},
	"ratelimit":          {"redisconn"},
	"report":             {"batch", "sheet", "sheet/book"},
	"aftership/sandbox":  {"aftership"},
	"jobs":               {"aftership", "sheet", "sheet/preset", "value", "carrier", "batch", "ratelimit", "redisconn", "config", "report", "slots", "notify", "internal/failpoint"},
	"export":             {"aftership", "batch", "jobs", "sheet", "sheet/book"},
	"internal/wire":      {"aftership", "batch", "report", "ratelimit", "redisconn", "config", "jobs", "notify"},
	"inbox":              {},
	"web":                {"aftership", "batch", "jobs", "redisconn", "report", "sheet"},
	"internal/command":   nil, // nil is any
	"cmd/enqueue":        {"internal/command"},
	"cmd/worker":         nil,
	"cmd/sandbox":        nil,
	"internal/redistest": {},
	"internal/failpoint": {},
	"internal/e2e":       {}, // tests alone, of the programs
	"internal/chaos":     {}, // likewise
}

// only says which of our packages may import a package of others, so that each
// of them is known in one place.
var only = map[string][]string{
	"github.com/hibiken/asynq":                       {"jobs"},
	"github.com/gocarina/gocsv":                      {"sheet"},
	"github.com/xuri/excelize/v2":                    {"sheet/workbook", "sheet/book"},
	"golang.org/x/time/rate":                         {"ratelimit"},
	"github.com/alicebob/miniredis/v2":               {"redisconn", "internal/redistest"},
	"github.com/knadh/koanf/v2":                      {"config"},
	"github.com/spf13/cobra":                         {"internal/command", "cmd/worker", "cmd/sandbox"},
	"github.com/prometheus/client_golang/prometheus": {"web"},
	"github.com/robfig/cron/v3":                      {"slots"},
	"github.com/wneessen/go-mail":                    {"notify"},
	"net/http":                                       {"aftership", "fetch", "notify", "web", "aftership/sandbox", "internal/command", "cmd/sandbox", "internal/wire"},
}

type pkg struct {
	ImportPath, Dir string
	Imports         []string
}

func packages(t *testing.T) []pkg {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Dir,Imports", "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []pkg
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

func TestLayers(t *testing.T) {
	for _, p := range packages(t) {
		name := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
		if name == "" || strings.HasPrefix(name, "bench/") {
			continue
		}
		allowed, known := layers[name]
		if !known {
			t.Errorf("package %s has no layer: add it to the map, and to ARCHITECTURE.md", name)
			continue
		}
		for _, imp := range p.Imports {
			checkImport(t, name, allowed, imp)
		}
	}
}

func checkImport(t *testing.T, name string, allowed []string, imp string) {
	t.Helper()
	if ours, ok := strings.CutPrefix(imp, module+"/"); ok && allowed != nil && !slices.Contains(allowed, ours) {
		t.Errorf("%s imports %s, which is not in a lower layer", name, ours)
	}
	if users, ok := only[imp]; ok && !slices.Contains(users, name) {
		t.Errorf("%s imports %s, which only %v may", name, imp, users)
	}
}

// Only the commands read the environment, the arguments or signals.
func TestOnlyCommandsTouchTheProcess(t *testing.T) {
	forbidden := map[string][]string{"os": {"Getenv", "LookupEnv", "Environ", "Args", "Exit"}, "signal": {"Notify", "NotifyContext"}}
	eachFile(t, func(path string, f *ast.File) {
		if strings.HasPrefix(path, "cmd/") || strings.HasPrefix(path, "bench/") || strings.HasSuffix(path, "_test.go") || strings.HasPrefix(path, "internal/redistest/") || strings.HasPrefix(path, "internal/failpoint/") {
			return
		}
		ast.Inspect(f, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if x, ok := sel.X.(*ast.Ident); ok && slices.Contains(forbidden[x.Name], sel.Sel.Name) {
				t.Errorf("%s uses %s.%s, which only cmd may", path, x.Name, sel.Sel.Name)
			}
			return true
		})
	})
}

// Every package and every exported name says what it is.
func TestEverythingIsDocumented(t *testing.T) {
	for _, p := range packages(t) {
		fset := token.NewFileSet()
		var files []*ast.File
		matches, _ := filepath.Glob(filepath.Join(p.Dir, "*.go"))
		for _, path := range matches {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			f, err := parser.ParseFile(fset, path, nil, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, f)
		}
		if len(files) == 0 {
			continue
		}
		d, err := doc.NewFromFiles(fset, files, p.ImportPath)
		if err != nil {
			t.Fatal(err)
		}
		checkDocs(t, p.ImportPath, d)
	}
}

func checkDocs(t *testing.T, path string, d *doc.Package) {
	t.Helper()
	if d.Doc == "" {
		t.Errorf("package %s has no doc comment", path)
	}
	for _, f := range d.Funcs {
		needDoc(t, path, f.Name, f.Doc)
	}
	for _, typ := range d.Types {
		needDoc(t, path, typ.Name, typ.Doc)
		for _, f := range append(slices.Clone(typ.Funcs), typ.Methods...) {
			needDoc(t, path, typ.Name+"."+f.Name, f.Doc)
		}
	}
}

// well-known methods say by their name what they do.
var wellKnown = []string{"Error", "Unwrap", "String", "Is"}

func needDoc(t *testing.T, path, name, text string) {
	t.Helper()
	last := name[strings.LastIndexByte(name, '.')+1:]
	if text == "" && ast.IsExported(last) && !slices.Contains(wellKnown, last) {
		t.Errorf("%s.%s has no doc comment", path, name)
	}
}

// eachFile parses every Go file of the tree.
func eachFile(t *testing.T, visit func(path string, f *ast.File)) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err == nil {
			visit(filepath.ToSlash(path), f)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
