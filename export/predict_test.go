package export

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"aftership-bulk/aftership"
	"aftership-bulk/aftership/sandbox"
	"aftership-bulk/jobs"
)

func question(slug string) aftership.EstimateRequest {
	return aftership.EstimateRequest{Slug: slug, OriginAddress: aftership.Address{Country: "USA", PostalCode: "10001"},
		DestinationAddress: aftership.Address{Country: "USA", PostalCode: "90210"}, PickupTime: "2026-11-23 15:00:00"}
}

// One bad item does not spoil the others of its call, in any version.
func TestPredict(t *testing.T) {
	eachEra(t, func(t *testing.T, v aftership.Version) {
		w := newWorld(t, v, sandbox.Options{})
		p := &Predictor{Client: w.client, Caller: w.caller}
		got, err := p.Predict(t.Context(), []aftership.EstimateRequest{question("ups"), question("dhl"), question("nobody"), question("usps"), question("fedex")})
		w.no(err)
		for i, want := range []Result{Found, Found, Rejected, Found, Found} {
			if got[i].Result != want || want == Found && got[i].Estimate.EstimatedDeliveryDate == "" {
				t.Errorf("item %d: %+v", i, got[i])
			}
		}
		if !strings.Contains(got[2].Message, "4010") || got[3].Estimate.Slug != "usps" {
			t.Errorf("%q %q", got[2].Message, got[3].Estimate.Slug)
		}
		if n := w.calls(aftership.EndpointPredictBatch); n != 6 {
			t.Errorf("%d calls", n)
		}
		w.sandbox.ClearCalls()
		got, err = p.Predict(t.Context(), slices.Repeat([]aftership.EstimateRequest{question("ups")}, 5))
		w.no(err)
		if len(got) != 5 || w.calls(aftership.EndpointPredictBatch) != 1 {
			t.Errorf("%d answers, %d calls", len(got), w.calls(aftership.EndpointPredictBatch))
		}
	})
}

// A plan without predictions ends the command, an outage too, and what passes is tried again.
func TestPredictStops(t *testing.T) {
	items := []aftership.EstimateRequest{question("ups"), question("dhl"), question("usps")}
	for kind, o := range map[jobs.Kind]sandbox.Options{jobs.Stop: {PredictForbidden: true}, jobs.GiveUp: {}, "": {}} {
		w := newWorld(t, aftership.V202507, o)
		switch kind {
		case jobs.GiveUp:
			w.fault(sandbox.Fault{Kind: sandbox.FaultStatus, Status: 503})
		case "":
			w.fault(sandbox.Fault{Kind: sandbox.FaultStatus, Status: 503, First: 2})
		}
		got, err := (&Predictor{Client: w.client, Caller: w.caller}).Predict(t.Context(), items)
		failed, ok := errors.AsType[*Failure](err)
		if ok != (kind != "") || ok && failed.Kind != kind || kind == "" && len(got) != 3 {
			t.Errorf("%q: %v, %v", kind, got, err)
		}
	}
}

// Estimates that are not those of the questions are never taken for them.
func TestMismatch(t *testing.T) {
	if err := matches([]aftership.EstimateRequest{question("ups")}, nil); !errors.Is(err, errMismatch) || !ours(err) {
		t.Error(err)
	}
	if err := matches([]aftership.EstimateRequest{question("ups")}, []aftership.Estimate{{Slug: "dhl"}}); !errors.Is(err, errMismatch) {
		t.Error(err)
	}
	if got := predictions([]aftership.Estimate{{Slug: "ups"}})[0]; got.Result != NotFound || len(got.Cells()) != len(PredictColumns()) {
		t.Errorf("%+v", got)
	}
}
