package web

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// shown are the names of the metrics as Prometheus stores them, each with its labels.
func shown(t *testing.T) map[string][]string {
	t.Helper()
	families, err := fed(t).registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]string{}
	for _, f := range families {
		var labels []string
		for _, l := range f.GetMetric()[0].GetLabel() {
			labels = append(labels, l.GetName())
		}
		all[f.GetName()] = labels
		if f.GetMetric()[0].GetHistogram() != nil {
			delete(all, f.GetName())
			all[f.GetName()+"_bucket"], all[f.GetName()+"_sum"], all[f.GetName()+"_count"] = append(slices.Clone(labels), "le"), labels, labels
		}
	}
	return all
}

var (
	metricUse = regexp.MustCompile(`\b(aftership_bulk_[a-z_]+)(?:\{([^}]*)\})?`)
	labelUse  = regexp.MustCompile(`(\w+)\s*(?:=~|!~|!=|=)\s*"`)
	groupUse  = regexp.MustCompile(`by \(([a-z, ]+)\)`)
)

// checkQuery looks whether a query asks for metrics and labels that are there.
func checkQuery(t *testing.T, where, query string, known map[string][]string) {
	t.Helper()
	uses := metricUse.FindAllStringSubmatch(query, -1)
	if len(uses) == 0 {
		t.Errorf("%s asks for no metric of ours: %s", where, query)
	}
	var labels []string
	for _, use := range uses {
		if _, ok := known[use[1]]; !ok {
			t.Errorf("%s asks for %s, which is not there", where, use[1])
		}
		labels = append(labels, known[use[1]]...)
		for _, l := range labelUse.FindAllStringSubmatch(use[2], -1) {
			if !slices.Contains(known[use[1]], l[1]) {
				t.Errorf("%s asks for %s by %s, a label that it does not have", where, use[1], l[1])
			}
		}
	}
	for _, g := range groupUse.FindAllStringSubmatch(query, -1) {
		for l := range strings.SplitSeq(g[1], ",") {
			if !slices.Contains(labels, strings.TrimSpace(l)) {
				t.Errorf("%s groups by %s, a label that is not there: %s", where, l, query)
			}
		}
	}
	if strings.Count(query, "(") != strings.Count(query, ")") || strings.Count(query, "{") != strings.Count(query, "}") {
		t.Errorf("%s: brackets do not match: %s", where, query)
	}
}

func TestAlertRules(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "examples", "prometheus", "alerts.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Groups []struct {
			Name  string
			Rules []struct {
				Alert, Expr, For    string
				Labels, Annotations map[string]string
			}
		}
	}
	dec := yaml.NewDecoder(strings.NewReader(string(text)))
	dec.KnownFields(true)
	if err := dec.Decode(&file); err != nil {
		t.Fatal(err)
	}
	known, seen := shown(t), map[string]bool{}
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			checkQuery(t, r.Alert, r.Expr, known)
			if r.Alert == "" || seen[r.Alert] || r.Labels["severity"] == "" || r.Annotations["summary"] == "" || r.Annotations["description"] == "" {
				t.Errorf("%q is there twice, or does not say what it is and what to do", r.Alert)
			}
			seen[r.Alert] = true
		}
	}
	if len(seen) < 8 {
		t.Errorf("there are %d rules", len(seen))
	}
}

func TestDashboard(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "examples", "grafana", "aftership-bulk.json"))
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Title  string
		Panels []struct {
			Type, Title string
			ID          int
			GridPos     struct{ X, Y, W, H int }
			Targets     []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(text, &board); err != nil {
		t.Fatal(err)
	}
	known, used, ids := shown(t), string(text), map[int]bool{}
	for _, p := range board.Panels {
		if ids[p.ID] || p.GridPos.X+p.GridPos.W > 24 || (p.Type != "row") != (len(p.Targets) > 0) {
			t.Errorf("panel %q has another's id, no place or no query", p.Title)
		}
		ids[p.ID] = true
		for _, target := range p.Targets {
			checkQuery(t, p.Title, target.Expr, known)
		}
	}
	for name := range known {
		if strings.HasPrefix(name, namespace) && !strings.HasSuffix(name, "_sum") && !strings.HasSuffix(name, "_count") && !strings.Contains(used, name) {
			t.Errorf("the dashboard does not show %s", name)
		}
	}
}
