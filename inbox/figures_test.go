package inbox

import (
	"context"
	"testing"
	"time"
)

// Figures tell files by their fate, and how long those wait that are not carried out.
func TestFigures(t *testing.T) {
	f := newFolder(t)
	b := f.open(1)
	expect := func(want Figures) {
		t.Helper()
		if got := b.Figures(); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
	f.run = func(_ context.Context, j Job) Result {
		switch j.Operation {
		case "update":
			return Result{Code: 2}
		case "mark-complete":
			return Result{Code: codeLocked}
		}
		return reported(j)
	}
	expect(Figures{})
	f.put("create/a.csv", "x")
	f.put("update/b.csv", "x")
	f.put("mark-complete/c.csv", "x")
	f.look(b)
	f.clock.pass(4 * time.Second)
	expect(Figures{Incoming: Waiting{3, 4 * time.Second}})
	f.clock.pass(6 * time.Second)
	f.look(b)
	f.put("create/d.csv", "x")
	f.look(b)
	f.clock.pass(5 * time.Second)
	f.put("create/e.csv", "x")
	f.look(b)
	f.clock.pass(time.Second)
	expect(Figures{Done: 1, Failed: 1, Again: 1, Incoming: Waiting{2, 6 * time.Second}, Processing: Waiting{1, 6 * time.Second}})
	f.run = func(_ context.Context, j Job) Result { return reported(j) }
	f.clock.pass(10 * time.Second)
	f.look(b)
	f.look(b)
	expect(Figures{Done: 4, Failed: 1, Again: 1})
}
