package sheet

// ReportColumns are the columns that a report adds to a sheet, in their order. A sheet that has the first two is a
// report fed back: its cells carry our guards, which reading takes off.
var ReportColumns = []string{
	ColumnLine, ColumnResult, "aftership_code", "aftership_message", "aftership_hint",
	"aftership_tracking_id", "aftership_slug", "aftership_attempts", "aftership_finished_at", ColumnBroken,
}

// The two columns that make a sheet a report, and the one for lines that could not be split into cells: it shows such a line as it
// stood in the file, so that a person can fill the row's own cells from it. Nothing is ever sent from there.
const (
	ColumnLine   = "aftership_line"
	ColumnResult = "aftership_result"
	ColumnBroken = "aftership_broken_line"
)

// Names says that a header cell is a column's name; case, spaces and punctuation don't count.
func Names(cell, column string) bool { return normal(cell) == normal(column) }

// Plain is the name of a column as names are compared: without case, spaces and punctuation.
func Plain(name string) string { return normal(name) }

// IsReportColumn says that a header cell names one of our report columns.
func IsReportColumn(name string) bool { return reportNames[normal(name)] }

var reportNames = func() map[string]bool {
	names := map[string]bool{}
	for _, name := range ReportColumns {
		names[normal(name)] = true
	}
	return names
}()

// IsReport says that a header is that of a report.
func IsReport(header []string) bool {
	columns := columnIndex(header)
	_, line := columns[normal(ColumnLine)]
	_, result := columns[normal(ColumnResult)]
	return line && result
}

// Result returns what an earlier run said of a row, empty if the sheet has no such column: the cell of aftership_result.
func (s *Sheet) Result(row Row) string { return s.Cell(row, ColumnResult) }

// Cell returns a row's cell, trimmed, of the last column of that name; empty if there is none.
func (s *Sheet) Cell(row Row, name string) string {
	if i, ok := s.columns[normal(name)]; ok && i < len(row.Cells) {
		return clean(row.Cells[i])
	}
	return ""
}

// columnIndex holds the place of each column by its normalised name, of the last one if several have the same.
func columnIndex(header []string) map[string]int {
	columns := make(map[string]int, len(header))
	for i, name := range header {
		columns[normal(name)] = i
	}
	return columns
}
