package carrier

import "slices"

// List is what an account says about couriers.
type List struct {
	Couriers []Courier
	// Complete is whether the list holds every courier that AfterShip knows. A slug that a complete list lacks is wrong.
	Complete bool
}

// Table finds couriers by name. It never changes once it is made, and may be used by several goroutines at once.
type Table struct {
	couriers []entry
	bySlug   map[string]int
	own      Own
	complete bool
	// choice is whether it is known what the account has activated.
	choice bool
	listed int // how many couriers the account's list holds

	byName, byOther, byOwnSlug index // by the key of a name
	bare                       index // by the key of a name or other name without its legal form
}

// entry is a courier with its names as they are compared.
type entry struct {
	Courier
	forms  [][]string // the words of its name, other names, aliases and slug
	base   int        // the courier that it is a connection to; -1 if none
	listed bool       // by the account
}

// index holds couriers by the key of a name.
type index map[string][]int

func (x index) add(key string, at int) {
	if key != "" && !slices.Contains(x[key], at) {
		x[key] = append(x[key], at)
	}
}

// New makes a table of an account's list, the built-in aliases and the user's own table. Couriers that only the built-in data
// knows are in it unless the list is complete.
func New(list List, own Own) *Table {
	t := &Table{
		bySlug: map[string]int{}, own: own, complete: list.Complete,
		byName: index{}, byOther: index{}, byOwnSlug: index{}, bare: index{},
	}
	for _, c := range list.Couriers {
		t.add(c, true)
	}
	t.listed = len(t.couriers)
	if !list.Complete {
		for _, c := range builtin().couriers {
			t.add(c, false)
		}
	}
	t.link()
	t.alias()
	return t
}

// Builtin is the table without any account's list: what is known offline.
func Builtin(own Own) *Table { return New(List{}, own) }

// add takes in a courier, unless its slug is there already or is none.
func (t *Table) add(c Courier, listed bool) {
	if _, there := t.bySlug[c.Slug]; there || c.Slug == "" {
		return
	}
	at := len(t.couriers)
	t.bySlug[c.Slug] = at
	t.choice = t.choice || c.Active
	t.couriers = append(t.couriers, entry{Courier: c, base: -1, listed: listed})
	t.name(at, c.Name, t.byName)
	for _, other := range c.otherNames() {
		t.name(at, other, t.byOther)
	}
	w := words(c.Slug)
	t.byOwnSlug.add(key(w), at)
	t.couriers[at].forms = append(t.couriers[at].forms, w)
}

// name files a courier under one of its names.
func (t *Table) name(at int, name string, in index) {
	w := words(name)
	if len(w) == 0 {
		return
	}
	in.add(key(w), at)
	t.bare.add(key(withoutForm(w)), at)
	t.couriers[at].forms = append(t.couriers[at].forms, w)
}

// link finds for each connection the courier that it is one to.
func (t *Table) link() {
	for i := range t.couriers {
		if base, ok := t.bySlug[baseOf(t.couriers[i].Slug)]; ok {
			t.couriers[i].base = base
		}
	}
}

// alias adds the built-in names of couriers that the table has.
func (t *Table) alias() {
	for _, a := range builtin().aliases {
		for _, slug := range a.slugs {
			if at, ok := t.bySlug[slug]; ok {
				t.name(at, a.name, t.byName)
			}
		}
	}
}

// Complete is whether the table holds every courier that AfterShip knows.
func (t *Table) Complete() bool { return t.complete }

// Len is how many couriers the account's list holds; 0 for the built-in table.
func (t *Table) Len() int { return t.listed }

// Courier is the courier of a slug.
func (t *Table) Courier(slug string) (Courier, bool) {
	at, ok := t.bySlug[slug]
	if !ok {
		return Courier{}, false
	}
	return t.courier(at), true
}

// courier is a copy, so that nobody changes the table through an answer.
func (t *Table) courier(at int) Courier {
	c := t.couriers[at].Courier
	c.Required = slices.Clone(c.Required)
	return c
}

// Listed reports whether the account's own list has the slug, so that what the table says about it is of today.
func (t *Table) Listed(slug string) bool {
	at, ok := t.bySlug[slug]
	return ok && t.couriers[at].listed
}
