package carrier

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// How is the ground on which a name was settled, or why it was not.
type How string

// The grounds.
const (
	// Detection: the cell is empty, and AfterShip finds the courier by itself.
	Detection How = "detection"
	// ByUser: the user's own table says so, be it a slug or AfterShip's own detection.
	ByUser How = "user"
	// BySlug: it is a slug.
	BySlug How = "slug"
	// ByName: it is a courier's name, or one of its other names.
	ByName How = "name"
	// ByAlias: it is a name that the built-in data knows.
	ByAlias How = "alias"
	// ByChoice: several couriers have that name, and the account has activated one of them.
	ByChoice How = "activated"
	// ByService: it is a courier's name with the words of a service behind it.
	ByService How = "service"
	// NoneGiven: the cell says that there is no carrier ("-", "Other"), and AfterShip finds the courier by itself.
	NoneGiven How = "none given"
	// Ambiguous: it may mean several couriers, or one whose name goes on. The candidates are for the person to choose from.
	Ambiguous How = "ambiguous"
	// None: it fits no courier. The candidates, if any, are near to it.
	None How = "none"
)

// AllHow lists every ground.
func AllHow() []How {
	return []How{Detection, ByUser, BySlug, ByName, ByAlias, ByChoice, ByService, NoneGiven, Ambiguous, None}
}

// Resolution is what a name means.
type Resolution struct {
	// Slug is the courier. It is empty when AfterShip is to find it, and when the name is not settled.
	Slug string
	How  How
	// Candidates are the couriers to choose from when the name is not settled, the likeliest first, and at most twenty.
	Candidates []Courier
	// Unlisted is set for a slug that no list at hand has. With a complete list that is an error in the user's own table;
	// without one it cannot be told.
	Unlisted bool
}

// Settled reports whether the name means something certain.
func (r Resolution) Settled() bool { return r.How != Ambiguous && r.How != None }

// maxCandidates is how many candidates are given for an ambiguous name.
const maxCandidates = 20

// Resolve finds the courier that a name means.
func (t *Table) Resolve(name string) Resolution {
	r := t.settle(name)
	if r.How == None {
		r.Candidates = t.near(name)
	}
	return r
}

// settle is Resolve without the near candidates, which take long to find.
func (t *Table) settle(name string) Resolution {
	name = clean(name)
	if name == "" {
		return Resolution{How: Detection}
	}
	if len(name) > longestName || !utf8.ValidString(name) {
		return Resolution{How: None}
	}
	if slug, ok := t.own.find(name); ok {
		return Resolution{Slug: slug, How: ByUser, Unlisted: slug != "" && !t.has(slug)}
	}
	if t.has(name) {
		return Resolution{Slug: name, How: BySlug}
	}
	w := words(name)
	if t.isNothing(name, w) {
		return Resolution{How: NoneGiven}
	}
	return t.settleWords(name, w)
}

func (t *Table) has(slug string) bool {
	_, ok := t.bySlug[slug]
	return ok
}

// settleWords looks among the names, in the order of what they are worth.
func (t *Table) settleWords(name string, w []string) Resolution {
	if len(w) == 0 {
		return Resolution{How: None}
	}
	kin := t.kin(withoutForm(w))
	if r := t.fitting(w, kin); r.How != None {
		return r
	}
	if !t.complete && IsSlug(name) {
		return Resolution{Slug: name, How: BySlug, Unlisted: true}
	}
	if r := t.served(w); r.How != None || len(kin) == 0 {
		return r
	}
	return t.ask(kin, nil)
}

// fitting looks for couriers that have the name as a whole.
func (t *Table) fitting(w []string, kin []int) Resolution {
	for _, found := range []match{t.named(w), t.otherwise(w), t.written(w, kin), t.bareNamed(w)} {
		if len(found.at) > 0 {
			return t.choose(found, kin, w)
		}
	}
	return Resolution{How: None}
}

// match is which couriers a name fits, and how.
type match struct {
	at  []int
	how How
}

// named finds couriers by name and alias. Where only connections have the name, its other owners are in doubt too.
func (t *Table) named(w []string) match {
	k := key(w)
	m := match{t.byName[k], ByAlias}
	if slices.ContainsFunc(m.at, func(at int) bool { return t.couriers[at].listed && key(words(t.couriers[at].Name)) == k }) {
		m.how = ByName
	}
	if len(m.at) > 0 && !slices.ContainsFunc(m.at, func(at int) bool { return baseOf(t.couriers[at].Slug) == "" }) {
		m.at = union(m.at, t.byOther[k])
	}
	return m
}

func (t *Table) otherwise(w []string) match { return match{t.byOther[key(w)], ByName} }

// written finds a slug in other writing. A slug of one word that begins the names of others ("DHL") settles nothing.
func (t *Table) written(w []string, kin []int) match {
	found := t.byOwnSlug[key(w)]
	if len(found) == 1 && len(w) == 1 && len(without(kin, found)) > 0 {
		return match{}
	}
	return match{found, BySlug}
}

func (t *Table) bareNamed(w []string) match { return match{t.bare[key(withoutForm(w))], ByName} }

// kin finds the couriers with a name that begins with these words.
func (t *Table) kin(w []string) []int {
	var all []int
	for at := range t.couriers {
		if slices.ContainsFunc(t.couriers[at].forms, func(form []string) bool { return hasPrefix(form, w) }) {
			all = append(all, at)
		}
	}
	return all
}

func hasPrefix(form, w []string) bool { return len(form) >= len(w) && slices.Equal(form[:len(w)], w) }

// choose takes the one courier that is meant, if that is certain.
func (t *Table) choose(m match, kin []int, w []string) Resolution {
	meant := t.bases(m.at)
	one := len(meant) == 1
	contested := one && t.contested(meant[0], kin, w)
	only := one && !contested
	if only && (!t.choice || t.couriers[meant[0]].Active) {
		return Resolution{Slug: t.couriers[meant[0]].Slug, How: m.how}
	}
	active := t.activated(union(union(meant, kin), t.connectionsTo(meant)))
	switch {
	case only && len(active) == 0:
		return Resolution{Slug: t.couriers[meant[0]].Slug, How: m.how}
	case len(active) == 1 && slices.Contains(meant, active[0]):
		return Resolution{Slug: t.couriers[active[0]].Slug, How: ByChoice}
	}
	if contested {
		return t.ask(meant, kin)
	}
	return t.ask(meant, active)
}

// contested says that a name begins those of other companies' couriers or other countries' too, and that the one it fits is
// not the family's own: one whose name and slug both are this very name, as with GLS and DPD.
func (t *Table) contested(at int, kin []int, w []string) bool {
	c := &t.couriers[at]
	w = withoutForm(w)
	if k := key(w); key(words(c.Slug)) == k && (!c.listed || c.Name == "" || key(withoutForm(words(c.Name))) == k) {
		return false
	}
	return slices.ContainsFunc(kin, func(i int) bool {
		other := &t.couriers[i]
		return i != at && other.base != at && c.base != i && slices.ContainsFunc(other.forms, func(form []string) bool {
			return hasPrefix(form, w) && !onlyService(form[len(w):])
		})
	})
}

// onlyService says that words tell services of one company apart and nothing more.
func onlyService(words []string) bool {
	return !slices.ContainsFunc(words, func(word string) bool { return !service[word] && !narrower[word] && !legal[word] })
}

// bases leaves out the connections to couriers that are there themselves.
func (t *Table) bases(at []int) []int {
	return slices.DeleteFunc(slices.Clone(at), func(i int) bool { return slices.Contains(at, t.couriers[i].base) })
}

func (t *Table) activated(at []int) []int {
	return slices.DeleteFunc(slices.Clone(at), func(i int) bool { return !t.couriers[i].Active })
}

func (t *Table) connectionsTo(at []int) []int {
	var all []int
	for i := range t.couriers {
		if slices.Contains(at, t.couriers[i].base) {
			all = append(all, i)
		}
	}
	return all
}

// ask is the answer that leaves the choice to the person: activated couriers first, of those and of the others connections last.
func (t *Table) ask(first, more []int) Resolution {
	all := union(first, more)
	slices.SortFunc(all, func(a, b int) int {
		x, y := &t.couriers[a], &t.couriers[b]
		return cmp.Or(t.rank(a)-t.rank(b), cmp.Compare(key(words(x.Name)), key(words(y.Name))), cmp.Compare(x.Slug, y.Slug))
	})
	r := Resolution{How: Ambiguous}
	for _, at := range all[:min(len(all), maxCandidates)] {
		r.Candidates = append(r.Candidates, t.courier(at))
	}
	return r
}

// rank is the place of a courier among candidates.
func (t *Table) rank(at int) (rank int) {
	if !t.couriers[at].Active {
		rank += 2
	}
	if t.couriers[at].base >= 0 {
		rank++
	}
	return rank
}

func union(a, b []int) []int {
	all := slices.Clone(a)
	for _, at := range b {
		if !slices.Contains(all, at) {
			all = append(all, at)
		}
	}
	return all
}

func without(a, b []int) []int {
	return slices.DeleteFunc(slices.Clone(a), func(at int) bool { return slices.Contains(b, at) })
}

// shownCandidates is how many candidates a sentence names.
const shownCandidates = 5

// Problem says what is wrong with a name that is not settled, as the end of a sentence that begins with it, and what to do.
// Both are empty for one that is.
func (r Resolution) Problem() (wrong, remedy string) {
	switch {
	case r.How == Ambiguous && len(r.Candidates) == 1:
		return "may mean " + r.Candidates[0].String(), "write the slug in its place, or say --carrier 'NAME=SLUG'"
	case r.How == Ambiguous:
		return "may mean several couriers: " + shown(r.Candidates), "write the slug of the right one in its place, or say --carrier 'NAME=SLUG'"
	case r.How == None && len(r.Candidates) > 0:
		return "is no carrier that AfterShip knows by that name; near are " + shown(r.Candidates), "write the slug of the right one in its place, or say --carrier 'NAME=SLUG'"
	case r.How == None:
		return "is no carrier that AfterShip knows by that name", "write the courier's slug in its place, say --carrier 'NAME=SLUG', or empty the cell to let AfterShip find the courier"
	}
	return "", ""
}

func shown(all []Courier) string {
	names := make([]string, 0, shownCandidates)
	for _, c := range all[:min(len(all), shownCandidates)] {
		names = append(names, c.String())
	}
	text := strings.Join(names, ", ")
	if more := len(all) - len(names); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// shorten keeps messages readable.
func shorten(s string) string {
	const most = 60
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most]) + "…"
}
