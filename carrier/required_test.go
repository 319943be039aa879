package carrier

import (
	"bytes"
	"os"
	"slices"
	"testing"
)

func TestRequired(t *testing.T) {
	account, offline := New(list(), Own{}), Builtin(Own{})
	for _, c := range []struct {
		table  *Table
		slug   string
		want   []string
		listed bool
	}{
		{account, "j-net", []string{"tracking_ship_date"}, true},
		{account, "dhl", nil, true},
		{account, "postnl-3s", []string{"tracking_postal_code", "tracking_destination_country"}, true},
		{account, "star-track-courier", []string{"tracking_state"}, false}, // not in the list: what was known once
		{account, "nothing", nil, false},
		{offline, "postnl-3s", []string{"tracking_destination_country", "tracking_postal_code"}, false},
		{offline, "dhl", []string{}, false},
	} {
		if got := c.table.Required(c.slug); !slices.Equal(got, c.want) || c.table.Listed(c.slug) != c.listed {
			t.Errorf("%s requires %v (%v), not %v", c.slug, got, c.table.Listed(c.slug), c.want)
		}
	}
}

func TestMissing(t *testing.T) {
	all := []string{"tracking_postal_code", "tracking_destination_country", "tracking_ship_date", "destination_state"}
	for _, c := range []struct{ has, want []string }{
		{nil, all},
		{[]string{"tracking_postal_code", "tracking_destination_country", "tracking_ship_date", "destination_state"}, nil},
		{[]string{"destination_postal_code", "destination_country", "tracking_ship_date", "tracking_state"}, nil},
		{[]string{"origin_country", "tracking_ship_date"}, []string{"tracking_postal_code", "tracking_destination_country", "destination_state"}},
	} {
		got := Missing(all, func(column string) bool { return slices.Contains(c.has, column) })
		if !slices.Equal(got, c.want) {
			t.Errorf("with %v, %v are missing, not %v", c.has, got, c.want)
		}
	}
	if got := Missing(nil, func(string) bool { return false }); got != nil {
		t.Error(got)
	}
}

func TestNeeds(t *testing.T) {
	got := Needs(Courier{Slug: "postnl-3s", Name: "PostNL"}, []string{"tracking_ship_date", "tracking_postal_code"})
	if want := "courier postnl-3s (PostNL) needs tracking_ship_date, and tracking_postal_code or destination_postal_code"; got != want {
		t.Error(got)
	}
}

// The sandbox refuses rows by the same recording.
func TestSandboxHasTheSameRequirements(t *testing.T) {
	theirs, err := os.ReadFile("../aftership/sandbox/required-fields-2022-11.json")
	if err != nil || !bytes.Equal(theirs, requiredText) {
		t.Errorf("the sandbox' required-fields-2022-11.json differs: %v", err)
	}
}

// Every slug and alias of the built-in data can be used.
func TestBuiltinData(t *testing.T) {
	table := Builtin(Own{})
	for _, c := range builtin().couriers {
		if !IsSlug(c.Slug) || !table.has(c.Slug) || table.Listed(c.Slug) {
			t.Errorf("courier %q", c.Slug)
		}
	}
	for _, row := range records(aliasText) {
		if r := table.Resolve(row[0]); r.Slug != row[1] {
			t.Errorf("%s is %s, not %s", row[0], brief(r), row[1])
		}
	}
	if table.Complete() || table.Len() != 0 {
		t.Error("a built-in table is complete")
	}
}
