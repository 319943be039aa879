package jobs

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"aftership-bulk/batch"
	"aftership-bulk/notify"
)

// worstReasons is how many reasons a message names.
const worstReasons = 5

// Where says where the files of a batch are; the zero Where is nowhere.
type Where struct {
	Host   string `json:"h,omitzero"`
	Report string `json:"f,omitzero"`
	Failed string `json:"x,omitzero"`
}

// EventID names what is to be told of a batch; "" while there is nothing.
func EventID(b batch.Batch) string {
	if mark := b.EndMark(); mark != "" {
		return b.ID + "." + mark
	}
	return ""
}

// Ending is the message about a batch as it stands, with everything but its reasons.
func Ending(b batch.Batch) notify.Message {
	m := notify.Message{
		ID: EventID(b), Kind: notify.Finished, At: b.FinishedAt, Batch: b.ID, Source: b.Source, Operation: string(b.Operation), Account: b.Account,
		State: string(b.State), Reason: cmp.Or(b.Reason, b.Over), Rows: b.Rows, Pending: b.Pending(), Outcomes: map[string]int{},
	}
	if b.Spent() {
		m.Kind, m.At = notify.Stopped, b.SpentAt
	}
	for o, n := range b.Counts {
		m.Outcomes[string(o)] = n
		if o.Failed() {
			m.Failed += n
		}
	}
	return m
}

// Explained is Ending with the worst reasons, where the files are, and what to do.
func Explained(ctx context.Context, ledger *batch.Store, b batch.Batch, w Where) (notify.Message, error) {
	m := Ending(b)
	m.Host, m.Report, m.FailedRows = w.Host, w.Report, w.Failed
	m.Next = nextSteps(b, w)
	m.Worst = []notify.Reason{}
	if m.Failed == 0 || !b.TrimmedAt.IsZero() {
		return m, nil
	}
	var tally notify.Tally
	seen := 0
	for item, err := range ledger.Results(ctx, b.ID) {
		if errors.Is(err, batch.ErrTrimmed) {
			break
		}
		if err != nil {
			return m, err
		}
		if r := item.Result; r.Outcome.Failed() {
			tally.Add(string(r.Outcome), r.Code, r.Message, r.Hint, item.Entry.Line)
			if seen++; seen == m.Failed {
				break // no other row failed
			}
		}
	}
	m.Worst = slices.Concat(m.Worst, tally.Worst(worstReasons))
	for i, r := range m.Worst {
		m.Worst[i].Hint = withBatch(r.Hint, b.ID)
	}
	return m, nil
}

// withBatch names the batch in the commands of a hint, which is read far from any.
func withBatch(hint string, id batch.ID) string {
	return strings.ReplaceAll(hint, "`enqueue retry", "`enqueue retry "+id)
}

// nextSteps are the commands that make sense for a batch now.
func nextSteps(b batch.Batch, w Where) (steps []string) {
	if b.Spent() {
		return []string{"enqueue resume " + b.ID + "   (goes on, once the cause is mended)", "enqueue cancel " + b.ID + "   (leaves the other rows)"}
	}
	if b.Counts[batch.GaveUp]+b.Counts[batch.CancelledJob] > 0 {
		steps = append(steps, "enqueue retry "+b.ID+"   (the rows that gave up or were cancelled)")
	}
	if b.Counts[batch.Rejected] > 0 {
		steps = append(steps, "enqueue retry "+b.ID+" --rejected   (once the cause is mended in AfterShip)")
	}
	if b.Counts[batch.Invalid]+b.Counts[batch.Rejected] > 0 && w.Failed != "" {
		steps = append(steps, "mend the rows in the failed-rows file, and import that")
	}
	return steps
}
