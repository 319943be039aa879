package jobs

import "aftership-bulk/carrier"

// Name puts what was found out about a sheet's carrier names into the plan: the
// slugs of those that are settled, what to do about the others, and what their
// couriers require. A name that means something in one writing and is in doubt in
// another, where the plan cannot tell the writings apart, counts as in doubt.
func (p *Plan) Name(t *carrier.Table, answers []carrier.Answer) {
	p.Carriers, p.CarrierHints, p.Required = map[string]string{}, map[string]CarrierHint{}, map[string][]string{}
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

// require notes what the courier requires, as far as the account's own list says
// so: what is older is no ground for a refusal.
func (p *Plan) require(t *carrier.Table, slug string) {
	if required := t.Required(slug); t.Listed(slug) && len(required) > 0 {
		p.Required[slug] = required
	}
}
