package jobs

import (
	"cmp"
	"slices"

	"aftership-bulk/batch"
)

// Bounds of what pass one remembers of what it found.
const (
	mostGroups   = 200
	mostExamples = 3
)

// Group is one kind of remark about the cells of a column, with how many rows
// have it.
type Group struct {
	Column   string
	Wrong    string // what is wrong, as the end of a sentence that begins with the column; of a repair, why it is certain
	Remedy   string // what to do; empty for a repair
	Rows     int
	Examples []Example // the first few
}

// Example is a row that has a group's remark.
type Example struct {
	Line  int
	Value string // the cell
	Now   string // of a repair: what is sent instead
}

// groupKey is what remarks of one group have in common.
type groupKey struct{ column, wrong, remedy string }

// tally groups remarks. Those that are one kind too many make a group of their own.
type tally struct {
	groups map[groupKey]*tallied
	others *tallied
}

type tallied struct {
	Group
	line int // the last one counted, since a row counts once
}

func (t *tally) add(line int, key groupKey, e Example) {
	g := t.group(key)
	if g.Rows > 0 && g.line == line {
		return
	}
	g.line = line
	g.Rows++
	if len(g.Examples) < mostExamples {
		e.Line, e.Value, e.Now = line, shorten(e.Value), shorten(e.Now)
		g.Examples = append(g.Examples, e)
	}
}

func (t *tally) group(key groupKey) *tallied {
	if t.groups == nil {
		t.groups = map[groupKey]*tallied{}
	}
	g := t.groups[key]
	if g == nil && len(t.groups) >= mostGroups {
		if t.others == nil {
			t.others = &tallied{Group: Group{Column: "other columns", Wrong: "have problems of further kinds", Remedy: "read the report"}}
		}
		return t.others
	}
	if g == nil {
		g = &tallied{Group: Group{Column: key.column, Wrong: key.wrong, Remedy: key.remedy}}
		t.groups[key] = g
	}
	return g
}

// sorted lists the groups, those of most rows first.
func (t *tally) sorted() []Group {
	var out []Group
	for _, g := range t.groups {
		out = append(out, g.Group)
	}
	slices.SortFunc(out, func(a, b Group) int {
		return cmp.Or(b.Rows-a.Rows, a.Examples[0].Line-b.Examples[0].Line, cmp.Compare(a.Column, b.Column), cmp.Compare(a.Wrong, b.Wrong), cmp.Compare(a.Remedy, b.Remedy))
	})
	if t.others != nil {
		out = append(out, t.others.Group)
	}
	return out
}

// tally counts what there is to tell about a row.
func (s *Survey) tally(line int, said *remarks) {
	for _, p := range said.problems {
		s.problems.add(line, groupKey{p.Column, p.Wrong, p.Remedy}, Example{Value: p.Value})
	}
	for _, p := range said.doubts {
		s.doubts.add(line, groupKey{p.Column, p.Wrong, p.Remedy}, Example{Value: p.Value})
	}
	for _, p := range said.repairs {
		s.repairs.add(line, groupKey{p.Column, cmp.Or(p.Wrong, "written as AfterShip takes it"), ""}, Example{Value: p.Value, Now: p.Remedy})
	}
}

// plain says that there is nothing to tell about any row but how it fared.
func (s *Survey) plain() bool {
	return s.repairs.groups == nil && s.doubts.groups == nil && len(s.several) == 0
}

// Problems lists why rows are invalid, grouped by column and kind, those of most
// rows first.
func (s *Survey) Problems() []Group {
	groups := s.problems.sorted()
	for _, f := range []fate{contradicts, crosses} {
		if n := s.count(f); n > 0 {
			groups = append(groups, s.groupApart(f, n))
		}
	}
	return groups
}

// groupApart is what is told of rows that differ from others of their shipment.
func (s *Survey) groupApart(f fate, n int) Group {
	g := Group{Column: "this row", Wrong: "wants other values than a row of the same shipment", Remedy: s.conflictRemedy(f), Rows: n}
	if f == crosses {
		g.Wrong = "wants another operation than a row of the same shipment"
	}
	for _, line := range s.apart[f] {
		g.Examples = append(g.Examples, Example{Line: line})
	}
	return g
}

// conflictRemedy is what to do about rows that differ from others of their shipment.
func (s *Survey) conflictRemedy(f fate) string {
	switch op := s.Plan.Operation; {
	case f == crosses:
		return "keep one of the rows; what is to be done later goes into a file of its own, because rows are carried out side by side"
	case op == batch.Update, op == batch.Sync: // whose commands have the flag
		return "keep one of the rows, or say --on-conflict last"
	}
	return "keep one of the rows"
}

// Repairs lists what is read otherwise than it stands in the sheet, and so sent.
func (s *Survey) Repairs() []Group { return s.repairs.sorted() }

// Doubts lists what a person should look at, though the rows are sent.
func (s *Survey) Doubts() []Group { return s.doubts.sorted() }
