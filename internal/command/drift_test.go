package command

import (
	"slices"
	"testing"

	"aftership-bulk/batch"
)

func columns(pairs ...string) []batch.Column {
	var all []batch.Column
	for i := 0; i < len(pairs); i += 2 {
		all = append(all, batch.Column{Name: pairs[i], Field: pairs[i+1]})
	}
	return all
}

func TestDrift(t *testing.T) {
	last := columns("Tracking #", "tracking_number", "Carrier", "slug", "Colour", "", "Ref", "order_id")
	tests := map[string]struct {
		now  []batch.Column
		want []string
	}{
		"the same":              {last, nil},
		"another order":         {columns("Ref", "order_id", "Colour", "", "Carrier", "slug", "Tracking #", "tracking_number"), nil},
		"another way to write":  {columns("tracking#", "tracking_number", "CARRIER", "slug", "colour ", "", "ref", "order_id"), nil},
		"unused is gone":        {columns("Tracking #", "tracking_number", "Carrier", "slug", "Ref", "order_id"), nil},
		"used is gone":          {columns("Tracking #", "tracking_number", "Colour", "", "Ref", "order_id"), []string{`"Carrier", which meant slug, is gone`}},
		"renamed":               {columns("Tracking #", "tracking_number", "Courier", "slug", "Colour", "", "Ref", "order_id"), []string{`"Carrier", which meant slug, is gone, and "Courier" means that now`}},
		"renamed to no name":    {columns("Tracking #", "tracking_number", "Xyz", "", "Colour", "", "Ref", "order_id"), []string{`"Carrier", which meant slug, is gone`, `"Xyz" is new and means nothing`}},
		"another meaning":       {columns("Tracking #", "tracking_number", "Carrier", "slug", "Colour", "title", "Ref", "order_id"), []string{`"Colour" means title now, and meant nothing`}},
		"no meaning":            {columns("Tracking #", "tracking_number", "Carrier", "slug", "Colour", "", "Ref", "-"), []string{`"Ref" means nothing now, and meant order_id`}},
		"new and used":          {append(slices.Clone(last), columns("Note", "note")...), []string{`"Note" is new and means note`}},
		"new and unused":        {append(slices.Clone(last), columns("Size", "")...), []string{`"Size" is new and means nothing`}},
		"a second of its name":  {append(slices.Clone(last), columns("Colour", "")...), []string{`"Colour" is new and means nothing`}},
		"meanings change place": {columns("Tracking #", "order_id", "Carrier", "slug", "Colour", "", "Ref", "tracking_number"), []string{`"Tracking #" means order_id now, and meant tracking_number`, `"Ref" means tracking_number now, and meant order_id`}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := drift([][]batch.Column{last}, test.now); !slices.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
	if got := drift(nil, last); got != nil {
		t.Errorf("the first run has %q", got)
	}
	// Of several sheets the most like counts.
	if got := drift([][]batch.Column{columns("x", "id"), last}, last); len(got) > 0 {
		t.Errorf("got %q", got)
	}
}
