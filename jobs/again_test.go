package jobs

import (
	"testing"
	"time"

	"aftership-bulk/aftership"
	"aftership-bulk/aftership/sandbox"
	"aftership-bulk/batch"
	"aftership-bulk/internal/redistest"
)

// once sends a sheet of one shipment and waits for it. It says whether it was sent,
// or only shown as a batch that was sent before.
func (r *rig) once(op batch.Operation, text string, o Order) (batch.Batch, bool) {
	r.t.Helper()
	sh, s := r.survey(op, Defaults{}, text)
	o.Account, o.Who, o.Priority = "acc", "test", batch.Upload
	before, shown, err := r.intake().SentBefore(r.t.Context(), sh, s, o)
	if err != nil {
		r.t.Fatal(err)
	}
	b, existed, err := r.intake().Accept(r.t.Context(), sh, s, o)
	if err != nil {
		r.t.Fatal(err)
	}
	if shown != existed || shown && before.ID != b.ID {
		r.t.Errorf("SentBefore: %v %s, but Accept: %v %s", shown, before.ID, existed, b.ID)
	}
	if !existed {
		if err := r.intake().Feed(r.t.Context(), b.ID); err != nil {
			r.t.Fatal(err)
		}
	}
	return r.ended(b.ID), !existed
}

// What was sent before is not sent again, but for what another batch may have
// overwritten: then the sheet says what shall be, and it is sent.
func TestSentBefore(t *testing.T) {
	r := newRig(t, redistest.Client(t), aftership.V202507, sandbox.Options{})
	const (
		a = "tracking_number,slug,title\n1Z999AA10000000001,ups,A\n"
		b = "tracking_number,slug,title\n1Z999AA10000000001,ups,B\n"
		c = "tracking_number,slug,title\n1Z999AA10000000001,ups,C\n"
	)
	r.work()
	steps := []struct {
		what string
		op   batch.Operation
		text string
		o    func() Order
		sent bool
	}{
		{"a create", batch.Create, a, nil, true},
		{"the create again", batch.Create, a, nil, false},
		{"an update", batch.Update, a, nil, true},
		{"the update again", batch.Update, a, nil, false},
		{"another update", batch.Update, b, nil, true},
		{"the first update after it", batch.Update, a, nil, true},
		{"the first update once more", batch.Update, a, nil, false},
		{"the other update once more", batch.Update, b, nil, true},
		{"the create after updates", batch.Create, a, nil, false},
		{"the create by force", batch.Create, a, func() Order { return Order{Force: true} }, true},
		{"a create that only leaves what is there, and then the update", batch.Update, b, nil, false},
		{"a sync", batch.Sync, c, nil, true},
		{"the update after a sync", batch.Update, b, nil, true},
		{"the sync again", batch.Sync, c, nil, true},
	}
	for _, step := range steps {
		var o Order
		if step.o != nil {
			o = step.o()
		}
		if _, sent := r.once(step.op, step.text, o); sent != step.sent {
			t.Errorf("%s: sent %v, want %v", step.what, sent, step.sent)
		}
	}
}

// A run that is taken up after a crash finds its own batch, which is not sent again,
// whatever came in between and whatever was asked for.
func TestRunTakenUpFindsItsBatch(t *testing.T) {
	r := newRig(t, redistest.Client(t), aftership.V202507, sandbox.Options{})
	r.work()
	asked := time.Now().Add(-time.Second)
	for _, op := range []batch.Operation{batch.Create, batch.Update, batch.Sync} {
		const text = "tracking_number,slug,title\n1Z999AA10000000001,ups,A\n"
		first, _ := r.once(op, text, Order{Asked: asked})
		other, sent := r.once(batch.Update, "tracking_number,slug,title\n1Z999AA10000000001,ups,"+string(op)+"\n", Order{})
		if !sent || other.Counts[batch.Updated] != 1 {
			t.Errorf("the batch in between: sent %v, %v", sent, other.Counts)
		}
		for _, force := range []bool{false, true} {
			again, sent := r.once(op, text, Order{Asked: asked, Force: force})
			if sent || again.ID != first.ID {
				t.Errorf("%s taken up, by force %v: sent %v as %s, want batch %s", op, force, sent, again.ID, first.ID)
			}
		}
		if _, sent := r.once(op, text, Order{Asked: time.Now().Add(time.Second), Force: true}); !sent {
			t.Errorf("%s by force, asked for later: not sent", op)
		}
	}
}
