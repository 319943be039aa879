package value

import "errors"

// Note is a repair: what a cell held, what is used instead, and why that is certain.
type Note struct{ Was, Now, Why string }

// Cleaned is a value that can be used, with what was repaired in it and what is doubtful about it.
type Cleaned struct {
	Value    string
	Notes    []Note
	Warnings []string // each ends a sentence that begins with the column, as "fails the check digit of UPS"
}

// Damage is the error of a value that a spreadsheet program has damaged beyond repair. Its message ends a sentence that
// begins with the column; Remedy says how to export it rightly.
type Damage struct{ Value, Wrong, Remedy string }

// Error is what is wrong.
func (d *Damage) Error() string { return d.Wrong }

// Unclear is the error of a value that cannot be read with certainty, though no program has damaged it. Its message ends a
// sentence that begins with the column; Remedy says what to write instead.
type Unclear struct{ Value, Wrong, Remedy string }

// Error is what is wrong.
func (u *Unclear) Error() string { return u.Wrong }

// ErrNoOffset is an [*Unclear] of a time that does not say its offset from UTC.
var ErrNoOffset = errors.New("does not say its offset from UTC")

// Is reports whether the value is unclear for that reason.
func (u *Unclear) Is(reason error) bool {
	return reason == ErrNoOffset && u.Wrong == ErrNoOffset.Error()
}

// asText is how a column of long numbers gets out of a spreadsheet program whole.
const asText = "format the column as text in the source and export it again"

// mend is a value on its way through the repairs.
type mend struct {
	value    string
	notes    []Note
	warnings []string
}

// becomes replaces the value and tells why, if there is a change.
func (m *mend) becomes(now, why string) bool {
	if now == m.value {
		return false
	}
	m.notes = append(m.notes, Note{Was: m.value, Now: now, Why: why})
	m.value = now
	return true
}

func (m *mend) warn(warning string) { m.warnings = append(m.warnings, warning) }

func (m *mend) cleaned() Cleaned {
	return Cleaned{Value: m.value, Notes: m.notes, Warnings: m.warnings}
}
