package jobs

import (
	"maps"
	"strings"
	"testing"

	"aftership-bulk/aftership"
	"aftership-bulk/carrier"
)

func TestPlanNames(t *testing.T) {
	t.Parallel()
	table := sandboxTable(t, aftership.V202507)
	s := carrier.NewSurvey(table)
	for i, name := range []string{"PostNL International 3S", "DHL", "Royal Mail", "ups", "", "Royal Mail", "Neptune"} {
		if err := s.Add(i+2, name); err != nil {
			t.Fatal(err)
		}
	}
	p := Plan{Defaults: Defaults{Slug: "vnpost-api"}}
	p.Name(table, s.Answers())
	if !maps.Equal(p.Carriers, map[string]string{CarrierKey("PostNL International 3S"): "postnl-3s", CarrierKey("Royal Mail"): "royal-mail"}) {
		t.Error(p.Carriers)
	}
	if len(p.CarrierHints) != 2 || !strings.Contains(p.CarrierHints[CarrierKey("DHL")].Wrong, "dhl-germany (Deutsche Post DHL)") {
		t.Error(p.CarrierHints)
	}
	if len(p.Required) != 2 || len(p.Required["postnl-3s"]) != 2 || len(p.Required["vnpost-api"]) != 1 || len(p.Usual) != 0 {
		t.Error(p.Required, p.Usual)
	}
	offline := carrier.Builtin(carrier.Own{})
	p.Name(offline, s.Answers())
	if len(p.Required) != 0 || len(p.Usual["postnl-3s"]) != 2 || len(p.Usual["vnpost-api"]) != 1 {
		t.Errorf("a list of 2022 is good for doubts only: %v, %v", p.Required, p.Usual)
	}
}
