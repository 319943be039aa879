package carrier

import (
	"bytes"
	_ "embed"
	"encoding/csv"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync"
)

//go:embed data/shopify.csv
var shopifyText []byte

//go:embed data/aliases.csv
var aliasText []byte

// requiredText is what GET /couriers/all said about extra columns on 2022-11-10. It changes, so the account's list comes first.
//
//go:embed data/required-2022-11.json
var requiredText []byte

// alias is a name that may mean any of the slugs.
type alias struct {
	name  string
	slugs []string
}

// known is the data that comes with the program.
type known struct {
	aliases  []alias
	couriers []Courier // by slug
	required map[string][]string
}

// builtin reads the data once. The tests read it too, so that it is never wrong.
var builtin = sync.OnceValue(func() known {
	k := known{required: builtinRequired()}
	named := map[string]string{}
	for slug := range k.required {
		named[slug] = ""
	}
	for _, row := range append(shopify(), records(aliasText)...) {
		a := alias{name: row[0]}
		for slug := range strings.SplitSeq(row[1], "|") {
			if !IsSlug(slug) {
				continue // no courier, or a group of them
			}
			named[slug] = named[slug] + ""
			a.slugs = append(a.slugs, slug)
		}
		a.slugs = withoutConnections(a.slugs)
		if len(a.slugs) == 1 && named[a.slugs[0]] == "" {
			named[a.slugs[0]] = a.name
		}
		k.aliases = append(k.aliases, a)
	}
	for _, slug := range slices.Sorted(maps.Keys(named)) {
		k.couriers = append(k.couriers, Courier{Slug: slug, Name: named[slug], Required: k.required[slug]})
	}
	return k
})

func shopify() [][]string { return records(shopifyText) }

// records reads a file of ours, without its header.
func records(text []byte) [][]string {
	r := csv.NewReader(bytes.NewReader(text))
	r.Comment = '#'
	all, err := r.ReadAll()
	if err != nil {
		panic("carrier: " + err.Error()) // part of the program
	}
	return all[1:]
}

func builtinRequired() map[string][]string {
	var all map[string]struct{ Required []string }
	if err := json.Unmarshal(requiredText, &all); err != nil {
		panic("carrier: required-2022-11.json: " + err.Error()) // part of the program
	}
	required := map[string][]string{}
	for slug, c := range all {
		required[slug] = c.Required
	}
	return required
}

// withoutConnections leaves out the slugs that are connections to another of the list.
func withoutConnections(slugs []string) []string {
	return slices.DeleteFunc(slices.Clone(slugs), func(s string) bool { return slices.Contains(slugs, baseOf(s)) })
}
