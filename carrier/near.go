package carrier

import (
	"cmp"
	"slices"
)

// maxNear is how many near candidates are given.
const maxNear = 5

// common are words that so many carriers have in their names that they tell nothing.
var common = map[string]bool{
	"express": true, "post": true, "posta": true, "courier": true, "couriers": true, "logistics": true, "parcel": true,
	"parcels": true, "delivery": true, "international": true, "group": true, "service": true, "services": true,
	"shipping": true, "cargo": true, "kargo": true, "freight": true, "worldwide": true, "global": true, "line": true,
	"domestic": true, "mail": true, "api": true, "the": true, "company": true,
}

// near finds couriers whose names are like the one that fits none: a service of theirs ("FedEx SmartPost"), a slip of the pen, a
// word in common.
func (t *Table) near(name string) []Courier {
	if name = clean(name); len(name) > longestName {
		return nil
	}
	w := words(name)
	type scored struct{ at, score int }
	var all []scored
	for at := range t.couriers {
		best := 0
		for _, form := range t.couriers[at].forms {
			best = max(best, likeness(w, form))
		}
		if best > 0 {
			all = append(all, scored{at, best})
		}
	}
	slices.SortStableFunc(all, func(a, b scored) int {
		return cmp.Or(b.score-a.score, t.rank(a.at)-t.rank(b.at))
	})
	var found []Courier
	for _, s := range all[:min(len(all), maxNear)] {
		found = append(found, t.courier(s.at))
	}
	return found
}

// likeness is how much a name is like another, from 0 for not at all.
func likeness(w, form []string) int {
	switch {
	case len(w) == 0 || len(form) == 0:
		return 0
	case hasPrefix(w, form) && !(len(form) == 1 && common[form[0]]):
		return 1000 + len(form)
	}
	a, b := key(w), key(form)
	if slips := slipsAllowed(a); slips > 0 {
		if d := distance([]rune(a), []rune(b), slips); d <= slips {
			return 900 - 100*d
		}
	}
	return 10 * inCommon(w, form)
}

// slipsAllowed is how many letters may be wrong in a name of that length.
func slipsAllowed(key string) int { return min(3, len(key)/4) }

// inCommon counts the telling words that both names have.
func inCommon(w, form []string) (n int) {
	for _, word := range w {
		if len(word) > 2 && !common[word] && slices.Contains(form, word) {
			n++
		}
	}
	return n
}

// distance is how many letters must be added, dropped, changed or swapped to make b of a; more than most if it is more.
func distance(a, b []rune, most int) int {
	if max(len(a)-len(b), len(b)-len(a)) > most {
		return most + 1
	}
	before, last, now := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		now[0] = i
		best := i
		for j := 1; j <= len(b); j++ {
			same := 1
			if a[i-1] == b[j-1] {
				same = 0
			}
			now[j] = min(last[j]+1, now[j-1]+1, last[j-1]+same)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				now[j] = min(now[j], before[j-2]+1)
			}
			best = min(best, now[j])
		}
		if best > most {
			return most + 1
		}
		before, last, now = last, now, before
	}
	return last[len(b)]
}
