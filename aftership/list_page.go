package aftership

import (
	"context"
	"fmt"
)

// Place is where a list goes on. Its zero value is the beginning; others come from a [Page]. It can be kept and taken up
// again, though for how long AfterShip takes a cursor is not documented.
type Place struct {
	Page   int    `json:"page,omitzero"` // counts from 1 in every version
	Cursor string `json:"cursor,omitzero"`
	First  string `json:"first,omitzero"` // the first id of the page before, to see a list that stands still
}

// Page is one call's worth of a list.
type Page struct {
	Trackings []Tracking
	Total     int   // of trackings that pass the filter, as AfterShip counts them; zero where it does not say
	Next      Place // where More
	More      bool
}

// ListPage reads one page of the list that [Client.List] ranges over, for those who must be able to go on later.
func (c *Client) ListPage(ctx context.Context, f Filter, at Place) (Page, error) {
	query, err := c.listQuery(f)
	if err != nil {
		return Page{}, err
	}
	from := position{page: max(1, at.Page), cursor: at.Cursor, first: at.First}
	p, err := c.page(ctx, query, from)
	if err != nil {
		return Page{}, err
	}
	if from.page > 1 && p.first != "" && p.first == from.first {
		return Page{}, fmt.Errorf("aftership: %s: %w", EndpointList, errRepeats)
	}
	next, more := p.next(from)
	return Page{Trackings: p.trackings, Total: p.total, More: more, Next: Place{next.page, next.cursor, next.first}}, nil
}
