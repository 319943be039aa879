package jobs

import (
	"context"
	"fmt"
	"iter"
	"strings"

	"aftership-bulk/aftership"
	"aftership-bulk/batch"
)

// Results yields every job of a batch as a report shows it: as the ledger has it,
// and in its message what was repaired in its row and what is doubtful about it.
// The ledger does not keep that, because its rows tell it; those of a batch whose
// rows tell nothing are not read again.
func Results(ctx context.Context, ledger *batch.Store, b batch.Batch, v aftership.Version) iter.Seq2[batch.Item, error] {
	items := ledger.Results(ctx, b.ID)
	if b.Version < repairVersion || b.Plain {
		return items
	}
	read, err := readerOf(b, v)
	if err != nil {
		return items // the results count, and what the rows say can do without
	}
	return told(items, read)
}

// told completes the messages of items by what their rows tell.
func told(items iter.Seq2[batch.Item, error], read *reader) iter.Seq2[batch.Item, error] {
	return func(yield func(batch.Item, error) bool) {
		for item, err := range items {
			if err == nil {
				item.Result.Message = read.tell(item)
			}
			if !yield(item, err) {
				return
			}
		}
	}
}

// tell is the message of a job with what its row tells.
func (r *reader) tell(item batch.Item) string {
	message := item.Result.Message
	if o := item.Result.Outcome; o == batch.Skipped {
		return message
	}
	row, err := r.read(item.Entry.Cells, item.Entry.Filled)
	if err != nil {
		return message
	}
	several := row.jobs() > 1
	row = row.part(item.Entry.Part)
	if several {
		message = join(": ", row.TrackingNumber, string(item.Result.Outcome), message)
	}
	if o := item.Result.Outcome; o == batch.Invalid || o == batch.Duplicate {
		return message
	}
	return join("; ", message, row.repaired(), row.doubtful())
}

// join puts the texts that are not empty behind each other.
func join(between string, texts ...string) string {
	var b strings.Builder
	for _, t := range texts {
		if b.Len() > 0 && t != "" {
			b.WriteString(between)
		}
		b.WriteString(t)
	}
	return b.String()
}

// remarksTold is how many repairs or doubts of a row are told.
const remarksTold = 3

func (row *Row) repaired() string {
	var texts []string
	for _, r := range row.Repairs {
		if r.Why != "" {
			texts = append(texts, r.String())
		}
	}
	return list("repaired: ", texts)
}

func (row *Row) doubtful() string {
	var texts []string
	for _, d := range row.Doubts {
		texts = append(texts, d.String())
	}
	return list("doubtful: ", texts)
}

func list(what string, texts []string) string {
	if len(texts) == 0 {
		return ""
	}
	text := what + strings.Join(texts[:min(len(texts), remarksTold)], ", ")
	if more := len(texts) - remarksTold; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}
