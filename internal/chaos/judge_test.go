//go:build unix

package chaos

import (
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"aftership-bulk/aftership"
	"aftership-bulk/aftership/sandbox"
	"aftership-bulk/batch"
)

// verdict is what the judge counted.
type verdict struct {
	rows    int
	calls   int // of the batch's own endpoint
	doubled int // rows for which more than one call may have had an effect
	flagged int // rows that the ledger calls ambiguous
	// unflagged are the doubled rows that it does not, where acknowledged writes may be lost.
	unflagged int
	tooMany   int // 429 that nobody ordered
	outcomes  map[batch.Outcome]int
}

func (v verdict) String() string {
	return fmt.Sprintf("%d rows, %d calls, %d doubled (%d unflagged), %d flagged, %d unordered 429, %v", v.rows, v.calls, v.doubled, v.unflagged, v.flagged, v.tooMany, v.outcomes)
}

// operations are those with one call for a row.
var operations = []batch.Operation{batch.Create, batch.Update, batch.Complete, batch.Retrack, batch.Delete}

// endpoints are what they call.
var endpoints = map[batch.Operation]aftership.Endpoint{
	batch.Create: aftership.EndpointCreate, batch.Update: aftership.EndpointUpdate,
	batch.Complete: aftership.EndpointComplete, batch.Retrack: aftership.EndpointRetrack,
	batch.Delete: aftership.EndpointDelete,
}

// good is the outcome of a row that went as it should.
var good = map[batch.Operation]batch.Outcome{
	batch.Create: batch.Created, batch.Update: batch.Updated, batch.Complete: batch.Completed, batch.Retrack: batch.Retracked,
	batch.Delete: batch.Deleted,
}

// judge compares what went in, the ledger, the report and the sandbox's log of a
// batch that has ended. Every outcome must be good, or one of the others named.
func (w *world) judge(id batch.ID, sheet string, rows int, others ...batch.Outcome) verdict {
	w.t.Helper()
	ctx := w.t.Context()
	w.check(w.ledger.Audit(ctx, id))
	b, err := w.ledger.Get(ctx, id)
	w.check(err)
	if !b.Ended() || b.Rows != rows || b.Total != rows || b.Done != rows {
		w.t.Fatalf("batch %s of %d rows: %d rows, %d jobs, %d done, %s", id, rows, b.Rows, b.Total, b.Done, b.State)
	}
	items := w.items(b, sheet, append(others, good[b.Operation]))
	w.judgeReport(b, items)
	v := w.judgeCalls(b, items)
	w.t.Logf("%s: %s", b.Operation, v)
	return v
}

// items reads the ledger: every row once, in order, with a result that may be.
func (w *world) items(b batch.Batch, sheet string, outcomes []batch.Outcome) []batch.Item {
	var items []batch.Item
	for item, err := range w.ledger.Results(w.t.Context(), b.ID) {
		w.check(err)
		if want := number(sheet, len(items)); item.Entry.Cells[0] != want || item.Entry.Row != len(items) {
			w.t.Errorf("job %d is row %d, %s; want row %d, %s", item.Job, item.Entry.Row, item.Entry.Cells[0], len(items), want)
		}
		if !slices.Contains(outcomes, item.Result.Outcome) {
			w.t.Errorf("row %d: %s, %d %s", item.Job, item.Result.Outcome, item.Result.Code, item.Result.Message)
		}
		items = append(items, item)
	}
	if len(items) != b.Rows {
		w.t.Errorf("the ledger has %d results for %d rows", len(items), b.Rows)
	}
	return items
}

// judgeReport compares the report with the ledger, and the worker's file with
// the command's.
func (w *world) judgeReport(b batch.Batch, items []batch.Item) {
	text := w.enqueue(0, "report", b.ID)
	records, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	w.check(err)
	result := slices.Index(records[0], "aftership_result")
	if len(records) != len(items)+1 {
		w.t.Errorf("the report has %d rows for %d", len(records)-1, len(items))
		return
	}
	for i, item := range items {
		if r := records[i+1]; r[0] != item.Entry.Cells[0] || r[result] != string(item.Result.Outcome) {
			w.t.Errorf("row %d: the report says %s %s, the ledger %s %s", i, r[0], r[result], item.Entry.Cells[0], item.Result.Outcome)
		}
	}
	if w.ledger == nil || b.ReportedAt.IsZero() {
		return // no worker was asked for a file, or `finish` tells
	}
	path := filepath.Join(w.dir, "reports", strings.TrimSuffix(b.Source, ".csv")+"-"+b.ID+".csv")
	if file, err := os.ReadFile(path); err != nil || string(file) != text {
		w.t.Errorf("%s is not the report of the batch (%d bytes, not %d): %v", path, len(file), len(text), err)
	}
}

// judgeCalls compares the ledger with the calls that the sandbox has seen.
func (w *world) judgeCalls(b batch.Batch, items []batch.Item) verdict {
	v := verdict{rows: len(items), outcomes: map[batch.Outcome]int{}}
	byNumber := map[string][]sandbox.Call{}
	all := w.calls()
	for i, c := range all {
		if c.HTTP == 429 && c.Kind == "" {
			v.tooMany++
			w.t.Logf("a 429 that nobody ordered: %s", around(all, i))
		}
		if c.Endpoint == endpoints[b.Operation] {
			byNumber[c.Number] = append(byNumber[c.Number], c)
		}
	}
	for _, item := range items {
		calls := byNumber[item.Entry.Cells[0]]
		v.calls += len(calls)
		v.outcomes[item.Result.Outcome]++
		if item.Result.Ambiguous {
			v.flagged++
		}
		w.judgeRow(b.Operation, item, calls, &v)
	}
	if b.Operation == batch.Create {
		w.judgeState(items)
	}
	if v.tooMany > 0 {
		w.t.Errorf("the limit was broken: %d of %d calls were refused with 429", v.tooMany, len(all))
	}
	return v
}

// effective says whether a call had an effect, or may have had one as far as its
// caller can know. One that was refused at the door had none.
func effective(c sandbox.Call) bool {
	refused := c.HTTP >= 500 || c.HTTP == 429 || c.HTTP == 401 || c.HTTP == 402 || c.HTTP == 403
	return c.Changed || c.Lost || !refused
}

// judgeRow judges the calls of one row: more than one that may have had an
// effect must be flagged, and a create or a retrack must not have its effect twice.
func (w *world) judgeRow(op batch.Operation, item batch.Item, calls []sandbox.Call, v *verdict) {
	changed, effects, again := 0, 0, 0
	for _, c := range calls {
		if changed > 0 {
			again++
		}
		if c.Changed {
			changed++
		}
		if effective(c) {
			effects++
		}
	}
	if effects > 1 {
		v.doubled++
		switch {
		case item.Result.Ambiguous:
		case w.unflagged:
			v.unflagged++
		default:
			w.t.Errorf("row %d was sent %d times and is not flagged: %v", item.Job, effects, brief(calls))
		}
	}
	if changed > 1 && (op == batch.Create || op == batch.Retrack) {
		w.t.Errorf("row %d took effect %d times: %v", item.Job, changed, brief(calls))
	}
	if op == batch.Retrack && again > 0 && !w.unflagged {
		w.t.Errorf("row %d was retracked, and then sent again without looking: %v", item.Job, brief(calls))
	}
	if item.Result.Outcome == good[op] && effects == 0 {
		w.t.Errorf("row %d is %s, and no call for it could have done that: %v", item.Job, item.Result.Outcome, brief(calls))
	}
	untouched := item.Result.Outcome == batch.CancelledJob && !item.Result.Ambiguous
	if untouched && effects > 0 {
		w.t.Errorf("row %d is cancelled, unflagged, and was sent: %v", item.Job, brief(calls))
	}
}

// around tells how many calls came in the second of a call, and when those beside it came.
func around(all []sandbox.Call, i int) string {
	n := 0
	for _, c := range all {
		if c.At.Unix() == all[i].At.Unix() {
			n++
		}
	}
	return fmt.Sprintf("%d calls in a second, of %d in all: %v", n, len(all), brief(all[max(0, i-5):min(len(all), i+6)]))
}

func brief(calls []sandbox.Call) []string {
	var texts []string
	for _, c := range calls {
		texts = append(texts, fmt.Sprintf("%s %d %d %s changed=%t lost=%t", c.At.Format("15:04:05.000"), c.HTTP, c.Code, c.Kind, c.Changed, c.Lost))
	}
	return texts
}

// judgeState checks that each created row is one tracking.
func (w *world) judgeState(items []batch.Item) {
	have := map[string]int{}
	for _, t := range w.state() {
		have[t.Number]++
	}
	for _, item := range items {
		n := have[item.Entry.Cells[0]]
		if n > 1 || item.Result.Outcome == batch.Created && n != 1 {
			w.t.Errorf("row %d is %s, and AfterShip has %d trackings of it", item.Job, item.Result.Outcome, n)
		}
	}
}
