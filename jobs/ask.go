package jobs

import (
	"iter"
	"slices"
	"strings"

	"aftership-bulk/aftership"
	"aftership-bulk/batch"
	"aftership-bulk/sheet"
)

// Asked is a row of a sheet that asks about a shipment, and changes nothing.
type Asked struct {
	Index, Line int
	Cells       []string // as they stand in the sheet
	Row         Row
	Skip        string    // why it is no data row; empty for data
	Problems    []Problem // why nothing can be asked; the row is read as far as it can be
}

// Ref names the tracking that the row asks about: by the id that it or an earlier
// report has, else by number and slug.
func (a *Asked) Ref() aftership.Ref {
	ref := a.Row.ref(batch.Retrack, "")
	id := a.Row.ResultID
	if ref.ID == "" && !strings.Contains(id, ";") { // several numbers have several ids
		ref.ID = id
	}
	return ref
}

// Ask yields what the rows of a sheet ask about, read as the plan's operation
// would read them: one for each tracking number, so that a row with several yields
// several. Nothing is left out; broken lines and footers come with the reason.
func (p Plan) Ask(sh *sheet.Sheet) iter.Seq2[Asked, error] {
	s := Survey{Plan: p}
	return func(yield func(Asked, error) bool) {
		read := s.newReader()
		for l, err := range p.lines(sh) {
			if err != nil {
				yield(Asked{}, err)
				return
			}
			for _, a := range s.ask(read, l) {
				if !yield(a, nil) {
					return
				}
			}
		}
	}
}

func (s *Survey) ask(read *reader, l line) []Asked {
	a := Asked{Index: l.Index, Line: l.Line, Cells: l.Cells, Skip: l.Skip}
	switch {
	case l.Skip != "":
		return []Asked{a}
	case l.err != nil:
		res := brokenLine(l.err)
		a.Problems = []Problem{{Column: "line", Wrong: res.Message, Remedy: res.Hint}}
		return []Asked{a}
	}
	row, err := s.row(read, l)
	if err != nil {
		a.Problems = []Problem{unreadable(err)}
		return []Asked{a}
	}
	all := make([]Asked, row.jobs())
	for i := range all {
		all[i] = a
		all[i].Row = row.part(i)
		all[i].Problems = all[i].Row.obstacles(s.Plan.Operation)
	}
	return all
}

// obstacles are the problems that stand in the way of asking: about a tracking that
// there is, an id is enough, whatever else is wrong with the row.
func (row *Row) obstacles(op batch.Operation) []Problem {
	if Creates(op) || row.ID == "" {
		return row.Problems
	}
	return slices.DeleteFunc(slices.Clone(row.Problems), func(p Problem) bool { return p.Column != "id" })
}
