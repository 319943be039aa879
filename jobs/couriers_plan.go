package jobs

import "aftership-bulk/carrier"

// Name puts what was found out about a sheet's carrier names into the plan: the
// slugs of those that are settled, what to do about the others, and what their
// couriers require. A name that means something in one writing and is in doubt in
// another, where the plan cannot tell the writings apart, counts as in doubt.
func (p *Plan) Name(t *carrier.Table, answers []carrier.Answer) {
	p.Carriers, p.CarrierHints = map[string]string{}, map[string]CarrierHint{}
	p.Required, p.Usual = map[string][]string{}, map[string][]string{}
	for _, a := range answers {
		key := CarrierKey(a.Name)
		if !a.Settled() {
			wrong, remedy := a.Problem()
			p.CarrierHints[key] = CarrierHint{Wrong: wrong, Remedy: remedy}
			continue
		}
		if a.Slug != a.Name {
			p.Carriers[key] = a.Slug
		}
		p.require(t, a.Slug)
	}
	p.require(t, p.Defaults.Slug)
	for key := range p.CarrierHints {
		delete(p.Carriers, key)
	}
}

// require notes what the courier requires: for certain where the account's own
// list says so, and as a doubt where only an older one does.
func (p *Plan) require(t *carrier.Table, slug string) {
	required := t.Required(slug)
	switch {
	case len(required) == 0:
	case t.Listed(slug):
		p.Required[slug] = required
	default:
		p.Usual[slug] = required
	}
}
