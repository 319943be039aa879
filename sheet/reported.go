package sheet

import "strings"

// ReportColumns are the columns that a report adds to a sheet, in their order. A sheet that has the first two is a
// report fed back: its cells carry our guards, which reading takes off.
var ReportColumns = []string{
	ColumnLine, ColumnResult, "aftership_code", "aftership_message", "aftership_hint",
	"aftership_tracking_id", "aftership_slug", "aftership_attempts", "aftership_finished_at",
}

// The two columns that make a sheet a report.
const (
	ColumnLine   = "aftership_line"
	ColumnResult = "aftership_result"
)

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
	return indexOf(header, ColumnLine) >= 0 && indexOf(header, ColumnResult) >= 0
}

// Result returns what an earlier run said of a row, empty if the sheet has no such column: the cell of aftership_result.
func (s *Sheet) Result(row Row) string {
	if i := indexOf(s.Header, ColumnResult); i >= 0 && i < len(row.Cells) {
		return strings.TrimSpace(row.Cells[i])
	}
	return ""
}

// indexOf finds a column by its name, the last one if there are several.
func indexOf(header []string, name string) int {
	name = normal(name)
	for i := len(header) - 1; i >= 0; i-- {
		if normal(header[i]) == name {
			return i
		}
	}
	return -1
}
