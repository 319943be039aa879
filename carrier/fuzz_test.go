package carrier

import (
	"slices"
	"strings"
	"testing"
)

// FuzzResolve holds any name against what is true of every answer.
func FuzzResolve(f *testing.F) {
	for _, row := range shopify() {
		f.Add(row[0])
	}
	for _, name := range []string{"", "dhl", "DHL-GERMANY", "J&T", "Kuehne & Nagel", "Heppner GmbH & Co. KG", "İstanbul ı", "ｶﾞ", "e\u0301", "\xff", "---", "and", "Ltd", "Co Ltd"} {
		f.Add(name)
	}
	active := list("gls-italy", "dhlparcel-uk", "ups")
	tables := []*Table{Builtin(Own{}), New(list(), Own{}), New(active, Own{}), New(List{Couriers: active.Couriers[:9]}, Own{})}
	f.Fuzz(func(t *testing.T, name string) {
		for i, table := range tables {
			r := table.Resolve(name)
			check(t, i, table, name, r)
			if other := strings.ToUpper(name); r.How == ByName && r.Slug != table.Resolve(other).Slug && slices.Equal(words(name), words(other)) {
				t.Errorf("table %d: %q is %s, and %q is %s", i, name, brief(r), other, brief(table.Resolve(other)))
			}
		}
	})
}

func check(t *testing.T, i int, table *Table, name string, r Resolution) {
	wrong, remedy := r.Problem()
	known := r.Slug == "" || table.has(r.Slug) || r.Unlisted && !table.Complete() && IsSlug(r.Slug)
	switch {
	case !slices.Contains(AllHow(), r.How):
		t.Errorf("table %d: %q has no ground", i, name)
	case !known:
		t.Errorf("table %d: %q is %s, which is no courier", i, name, r.Slug)
	case r.Settled() && (r.Slug == "") != (r.How == Detection || r.How == NoneGiven):
		t.Errorf("table %d: %q is %s", i, name, brief(r))
	case r.Settled() != (wrong == "" && remedy == ""), r.Settled() && len(r.Candidates) > 0, !r.Settled() && r.Slug != "":
		t.Errorf("table %d: %q is %s, with the problem %q %q", i, name, brief(r), wrong, remedy)
	case r.How == Ambiguous && len(r.Candidates) == 0, len(r.Candidates) > maxCandidates:
		t.Errorf("table %d: %q has %d candidates", i, name, len(r.Candidates))
	}
}
