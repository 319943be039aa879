package jobs

import (
	"context"
	"slices"

	"aftership-bulk/carrier"
)

// List is the account's couriers themselves, those that it has activated first: as
// they are kept, or with now as AfterShip lists them now. It is empty where only
// the built-in names are to be had. It fails only when ctx ends.
func (c *Couriers) List(ctx context.Context, now bool) ([]carrier.Courier, Source, error) {
	_, source, err := c.get(ctx, now)
	if err != nil || source.Origin == FromBuiltin {
		return nil, source, err
	}
	c.mu.Lock()
	list := c.have.list().Couriers
	c.mu.Unlock()
	slices.SortStableFunc(list, func(a, b carrier.Courier) int {
		switch {
		case a.Active == b.Active:
			return 0
		case a.Active:
			return -1
		}
		return 1
	})
	return list, source, nil
}
