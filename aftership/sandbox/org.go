package sandbox

import (
	"slices"
	"strings"
	"sync"
)

// org is an organisation: what all keys of an account share.
type org struct {
	mu       sync.Mutex
	byID     map[string]*tracking // by id and by legacy id
	byNumber map[string][]*tracking
	ordered  []*tracking // oldest first; deleted ones stay until there are many
	deleted  int
	created  int // counts against the quota
}

func newOrg() *org {
	return &org{byID: map[string]*tracking{}, byNumber: map[string][]*tracking{}}
}

// add files a tracking, whose ids are free.
func (g *org) add(t *tracking) {
	g.byID[t.id], g.byID[t.legacyID] = t, t
	g.index(t)
	place, _ := slices.BinarySearchFunc(g.ordered, t, inOrder)
	g.ordered = slices.Insert(g.ordered, place, t)
}

func (g *org) index(t *tracking) {
	key := strings.ToUpper(t.number)
	g.byNumber[key] = append(g.byNumber[key], t)
}

// remove forgets a tracking.
func (g *org) remove(t *tracking) {
	delete(g.byID, t.id)
	delete(g.byID, t.legacyID)
	key := strings.ToUpper(t.number)
	g.byNumber[key] = slices.DeleteFunc(g.byNumber[key], func(o *tracking) bool { return o == t })
	if len(g.byNumber[key]) == 0 {
		delete(g.byNumber, key)
	}
	t.gone = true
	g.deleted++
	if g.deleted > 100 && g.deleted > len(g.ordered)/2 {
		g.ordered = slices.DeleteFunc(g.ordered, func(o *tracking) bool { return o.gone })
		g.deleted = 0
	}
}

// inOrder sorts by creation, then by the order of arrival.
func inOrder(a, b *tracking) int {
	if c := a.created.Compare(b.created); c != 0 {
		return c
	}
	return int(a.seq - b.seq)
}

// numbered lists the trackings of a number.
func (g *org) numbered(number string, rule Case) []*tracking {
	found := g.byNumber[strings.ToUpper(number)]
	if rule == CaseFold {
		return found
	}
	return slices.DeleteFunc(slices.Clone(found), func(t *tracking) bool { return t.number != number })
}

// twin is the tracking that a new one would double; nil when there is none.
func (g *org) twin(o *Options, c *content, anySlug bool) *tracking {
	for _, t := range g.numbered(c.number, o.Case) {
		if anySlug || t.slug == c.slug && (!o.ExtraInKey || sameExtra(&t.content, c)) {
			return t
		}
	}
	return nil
}

func sameExtra(a, b *content) bool {
	for _, name := range extraFields {
		if a.texts.get(name) != b.texts.get(name) {
			return false
		}
	}
	return true
}
