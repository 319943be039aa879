package sandbox

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"aftership-bulk/aftership"
)

// Seed is a tracking to put in place, or one as it stands. No check of the API applies to it, so that any state can
// be made; it costs no quota.
type Seed struct {
	Account  string    `json:"account,omitzero"` // Defaults to "default"
	ID       string    `json:"id,omitzero"`      // of 2024-07 and later. Defaults to a new one
	LegacyID string    `json:"legacy_id,omitzero"`
	Number   string    `json:"tracking_number"`
	Slug     string    `json:"slug"`
	Tag      string    `json:"tag,omitzero"` // Defaults to Pending
	Subtag   string    `json:"subtag,omitzero"`
	Inactive bool      `json:"inactive,omitzero"`
	Retracks int       `json:"retracks,omitzero"` // how often it was retracked
	Created  time.Time `json:"created_at,omitzero"`
	Updated  time.Time `json:"updated_at,omitzero"`
	Marked   string    `json:"completed,omitzero"` // the reason it was completed with

	// Fields are further members as a create of the newest version sends them (customers, order_id, custom_fields, ...);
	// the courier's own fields are named as up to 2024-10.
	Fields map[string]any `json:"fields,omitzero"`
}

// Seed puts trackings in place. It refuses one whose id another has, or whose fields cannot be read; those before it stay.
func (s *Sandbox) Seed(seeds ...Seed) error {
	now := s.opt.Load().now()
	dated := slices.Clone(seeds)
	for i := range dated {
		if dated[i].Created.IsZero() {
			dated[i].Created = now
		}
	}
	// In order of time each one is filed at the end; many out of order would be slow.
	slices.SortStableFunc(dated, func(a, b Seed) int { return a.Created.Compare(b.Created) })
	for _, seed := range dated {
		if err := s.seed(seed); err != nil {
			return fmt.Errorf("seed %s %s: %w", seed.Slug, seed.Number, err)
		}
	}
	return nil
}

func (s *Sandbox) seed(seed Seed) error {
	t, err := seed.tracking()
	if err != nil {
		return err
	}
	g := s.org(or(seed.Account, "default"))
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, id := range named(seed.ID, seed.LegacyID) {
		if g.byID[id] != nil {
			return fmt.Errorf("the id %q is taken", id)
		}
	}
	id, legacy, seq := s.newIDs()
	t.id, t.legacyID, t.seq = or(seed.ID, id), or(seed.LegacyID, legacy), seq
	g.add(t)
	return nil
}

func (seed *Seed) tracking() (*tracking, error) {
	t := &tracking{source: "api", active: !seed.Inactive, retracks: seed.Retracks, completed: seed.Marked}
	t.created, t.updated = seed.Created, or(seed.Updated, seed.Created)
	tag := or(seed.Tag, "Pending")
	t.setTag(tag, or(seed.Subtag, tag+"_001"))
	t.number, t.slug = seed.Number, seed.Slug
	if tag != "Pending" {
		t.checkpoints = []checkpoint{{at: t.updated, created: t.updated, message: subtagMessages[t.subtag], tag: tag, subtag: t.subtag}}
	}
	return t, seed.fill(&t.content)
}

func (seed *Seed) fill(c *content) error {
	for name, value := range seed.Fields {
		f := seedField(name)
		if f == nil {
			return fmt.Errorf("field %q is not known", name)
		}
		raw, err := json.Marshal(value)
		if err == nil {
			err = f.set(c, raw, or(f.to, aftership.V202607))
		}
		if err != nil {
			return fmt.Errorf("field %q: %w", name, err)
		}
	}
	if c.texts.get("title") == "" {
		c.texts.set("title", c.number)
	}
	return nil
}

// seedField is the newest field of that name.
func seedField(name string) *field {
	for _, f := range slices.Backward(fieldTable) {
		if f.wire == name {
			return &f
		}
	}
	return nil
}

// Trackings returns what stands in all accounts, by account, then oldest first.
func (s *Sandbox) Trackings() []Seed {
	s.mu.Lock()
	orgs := make(map[string]*org, len(s.orgs))
	var names []string
	for name, g := range s.orgs {
		orgs[name] = g
		names = append(names, name)
	}
	s.mu.Unlock()
	slices.Sort(names)
	var seeds []Seed
	for _, name := range names {
		seeds = append(seeds, orgs[name].seeds(name)...)
	}
	return seeds
}

func (g *org) seeds(account string) []Seed {
	g.mu.Lock()
	defer g.mu.Unlock()
	seeds := make([]Seed, 0, len(g.ordered))
	for _, t := range g.ordered {
		if !t.gone {
			seeds = append(seeds, t.seed(account))
		}
	}
	return seeds
}

func (t *tracking) seed(account string) Seed {
	return Seed{Account: account, ID: t.id, LegacyID: t.legacyID, Number: t.number, Slug: t.slug, Tag: t.tag, Subtag: t.subtag,
		Inactive: !t.active, Retracks: t.retracks, Created: t.created, Updated: t.updated, Marked: t.completed, Fields: t.content.fields()}
}

// fields are the members of a seed.
func (c *content) fields() map[string]any {
	m := map[string]any{}
	for _, t := range c.texts {
		if t.value != "" {
			m[t.name] = t.value
		}
	}
	if len(c.customers) > 0 {
		m["customers"] = slices.Clone(c.customers)
	}
	if len(c.custom) > 0 {
		m["custom_fields"] = c.clone().custom
	}
	if len(c.tags) > 0 {
		m["shipment_tags"] = slices.Clone(c.tags)
	}
	if c.lastMile != nil {
		m["last_mile"] = *c.lastMile
	}
	if c.promised != (promised{}) {
		m["order_promised_delivery_date"] = c.promised
	}
	return m
}

// Tracking returns the one tracking of a slug and number in the default account.
func (s *Sandbox) Tracking(slug, number string) (Seed, bool) {
	g := s.org("default")
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, t := range g.byNumber[strings.ToUpper(number)] {
		if t.slug == slug {
			return t.seed("default"), true
		}
	}
	return Seed{}, false
}

// Reset forgets all trackings, faults, calls and counts against limits and quota. Settings and keys stay.
func (s *Sandbox) Reset() {
	s.mu.Lock()
	s.orgs = map[string]*org{}
	s.mu.Unlock()
	s.limits.clear()
	s.ClearFaults()
	s.ClearCalls()
}
