package jobs

import (
	"slices"
	"strings"

	"aftership-bulk/aftership"
	"aftership-bulk/batch"
	"aftership-bulk/sheet"
)

// operationColumn is the column in which a row names its own operation, which wins
// over that of the command.
const operationColumn = "operation"

// skipWord is what the column says of a row that is to be left alone.
const skipWord = "skip"

// operationWords are the words of the column: operations, and how commands call them.
var operationWords = map[string]batch.Operation{
	"create": batch.Create, "update": batch.Update, "complete": batch.Complete, "mark-complete": batch.Complete,
	"retrack": batch.Retrack, "retrack-expired": batch.Retrack, "delete": batch.Delete, "sync": batch.Sync,
}

// mayMix reports whether rows of the batch can have other operations than it has.
func (d Defaults) mayMix(b batch.Batch) bool {
	return b.Version >= operationVersion && (d.Marked || slices.Contains(b.Fields, operationColumn))
}

// Asking is a mapping for rows that are asked about, whatever else is to be done with
// them: without the column operation.
func Asking(m sheet.Mapping) sheet.Mapping {
	m.Fields = slices.Clone(m.Fields)
	for i, field := range m.Fields {
		if field == operationColumn {
			m.Fields[i] = ""
		}
	}
	return m
}

// operation finds out what is to be done with the row whose cells are in hand.
func (r *reader) operation() (op batch.Operation, skip bool, problem *Problem) {
	text := sheet.Unguard(trim(r.at(r.opAt)))
	word := strings.ReplaceAll(strings.ToLower(text), "_", "-")
	switch op, known := operationWords[word]; {
	case known:
		return op, false, nil
	case word == skipWord:
		return r.op, true, nil
	case word != "":
		return r.op, false, &Problem{operationColumn, text, "is no operation", "write create, update, complete, retrack, delete, sync or skip, or leave the cell empty"}
	case r.opts.Marked && trim(r.at(r.reasonAt)) != "":
		return batch.Complete, false, nil
	}
	return r.op, false, nil
}

// at is a cell of the current row; empty where there is no such column.
func (r *reader) at(i int) string {
	if i < 0 || i >= len(r.cells) {
		return ""
	}
	return r.cells[i]
}

// markedOnly warns that a row with a user-marked status is a completion, which sends
// nothing else.
func (r *reader) markedOnly(row *Row) {
	if row.Op != batch.Complete || !r.opts.Marked || trim(r.at(r.opAt)) != "" {
		return
	}
	changes := slices.DeleteFunc(row.Columns(), func(column string) bool {
		f, _ := aftership.LookupField(column)
		return f.Key || !r.version.Accepts(column, aftership.EndpointUpdate)
	})
	if len(changes) > 0 {
		row.Doubts = append(row.Doubts, Problem{
			"reason", string(row.Reason), "makes this row a completion, which does not send " + strings.Join(changes, ", "), "put those into a row or a file of their own",
		})
	}
}

// ruleset is what pass one looks at in rows of one operation.
type ruleset struct {
	columns []string          // that change a row's call
	checked []aftership.Field // that a row can hold something in
}

// rulesets are those of every operation that rows of the plan can have.
func rulesets(p Plan) map[batch.Operation]ruleset {
	rules := map[batch.Operation]ruleset{}
	for _, op := range batch.AllOperations() {
		each := p
		each.Operation = op
		rules[op] = ruleset{columns: sentColumns(each), checked: checkedFields(each)}
	}
	return rules
}

// Operations lists the operations of the jobs that become calls, the plan's first.
func (s *Survey) Operations() []batch.Operation {
	ops := []batch.Operation{s.Plan.Operation}
	for _, op := range batch.AllOperations() {
		if op != s.Plan.Operation && s.sends[op] > 0 {
			ops = append(ops, op)
		}
	}
	return ops
}

// SendOf is the number of jobs of an operation that become calls.
func (s *Survey) SendOf(op batch.Operation) int { return s.sends[op] }

// mixed reports whether jobs of other operations than the plan's become calls.
func (s *Survey) mixed() bool { return len(s.Operations()) > 1 }
