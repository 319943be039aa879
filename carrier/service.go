package carrier

import "slices"

// service are the words by which carriers tell their services apart. None of them names a company or a country.
var service = wordSet(
	"ground", "express", "expedited", "expedite", "priority", "standard", "economy", "classic", "premium", "advantage", "basic", "plus",
	"first", "class", "mail", "letter", "parcel", "parcels", "package", "packet", "paket", "päckchen", "colis", "select", "media",
	"home", "residential", "delivery", "direct", "door", "doorstep", "signature", "signed", "for", "tracked", "untracked", "registered", "recorded",
	"next", "day", "same", "overnight", "2nd", "second", "3rd", "1st", "2day", "3day", "two", "three", "2", "3", "am", "pm", "early", "morning", "saturday",
	"saver", "air", "surface", "worldwide", "international", "intl", "domestic", "24", "48", "24h", "48h", "12", "10",
	"service", "shipping", "versand", "spedizione", "envio", "livraison",
)

// narrower are words that a courier's name may have beside its company's without being another company's.
var narrower = wordSet("3s", "api", "reference")

// nothing are the words of a cell that names no carrier.
var nothing = wordSet(
	"na", "n/a", "none", "null", "nil", "other", "others", "unknown", "not specified", "no carrier", "undefined", "nan",
	"keine", "keiner", "kein", "unbekannt", "sonstige", "sonstiger", "sonstiges", "andere", "anderer",
	"autre", "aucun", "inconnu", "otro", "otros", "ninguno", "desconocido", "altro", "nessuno", "sconosciuto", "geen", "anders", "onbekend",
	"その他", "なし", "不明", "其他", "无", "未知",
)

func wordSet(list ...string) map[string]bool {
	set := make(map[string]bool, len(list))
	for _, word := range list {
		set[key(words(word))] = true
	}
	return set
}

// isNothing says that a cell, which is not empty, names no carrier: a dash, or a word such as "Other" that no courier has for a name.
func (t *Table) isNothing(name string, w []string) bool {
	if len(w) == 0 {
		return !slices.ContainsFunc([]rune(name), func(r rune) bool { return r != '-' && r != '–' && r != '—' && r != '_' })
	}
	k := key(w)
	return nothing[k] && len(t.byName[k]) == 0 && len(t.byOther[k]) == 0
}

// served settles a name with a service behind it: "UPS Ground". The longest beginning that is a courier's name decides, and it
// must be certain itself. The rest must be service words only, and begin no name of another courier that has a slug of its own
// for that service, unless of both only the first is activated.
func (t *Table) served(w []string) Resolution {
	for n := len(w) - 1; n > 0 && service[w[n]]; n-- {
		begin := w[:n]
		if n == 1 && service[begin[0]] {
			break // "Express Mail" is nobody's
		}
		r := t.fitting(begin, t.kin(begin))
		if r.How == None {
			continue
		}
		if !r.Settled() {
			return r
		}
		return t.unrivalled(t.bySlug[r.Slug], t.kin(w[:n+1]))
	}
	return Resolution{How: None}
}

// unrivalled settles on a courier unless others have names that begin as what was written does.
func (t *Table) unrivalled(at int, kin []int) Resolution {
	rivals := slices.DeleteFunc(without(kin, []int{at}), func(other int) bool { return t.couriers[other].base == at })
	active := t.activated(union([]int{at}, rivals))
	if len(rivals) == 0 || len(active) == 1 && active[0] == at {
		return Resolution{Slug: t.couriers[at].Slug, How: ByService}
	}
	return t.ask([]int{at}, rivals)
}
