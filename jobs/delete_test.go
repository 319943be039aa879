package jobs

import (
	"testing"

	"aftership-bulk/aftership"
	"aftership-bulk/aftership/sandbox"
	"aftership-bulk/batch"
)

// A delete whose reply was lost is sent again, and what it then hears settles it.
func TestLostDeleteIsSettledByRepeating(t *testing.T) {
	eachStore(t, aftership.V202404, sandbox.Options{}, func(t *testing.T, r *rig) {
		r.seed(sandbox.Seed{Slug: "ups", Number: "1Z999AA10000000001", Tag: "InTransit", Created: created, Updated: created})
		r.fault(sandbox.Fault{Kind: sandbox.FaultLostReply, Endpoints: []aftership.Endpoint{aftership.EndpointDelete}, Numbers: []string{"1Z999AA10000000001"}, First: 1})
		r.work()
		id := r.accept(batch.Delete, Defaults{}, "tracking_number,slug\n1Z999AA10000000001,ups\n1Z999AA10000000002,ups\n")
		r.ended(id)
		items := r.results(id)
		if res := items[0].Result; res.Outcome != batch.Deleted || !res.Ambiguous {
			t.Errorf("got %+v", res)
		}
		if res := items[1].Result; res.Outcome != batch.Already || res.Ambiguous {
			t.Errorf("got %+v", res)
		}
		if n := r.calls(aftership.EndpointDelete); n != 3 {
			t.Errorf("%d deletes were sent", n)
		}
	})
}
