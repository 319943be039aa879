package web

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
)

// watchedInbox is a hot folder with everything in it.
func watchedInbox() InboxFigures {
	return InboxFigures{Done: 7, Failed: 2, Again: 3, Incoming: InboxWaiting{4, 90 * time.Second}, Processing: InboxWaiting{1, time.Hour}}
}

func TestInboxMetrics(t *testing.T) {
	want := `
# HELP aftership_bulk_inbox_files_total Files of the hot folder by fate, and the tries that had to be repeated.
# TYPE aftership_bulk_inbox_files_total counter
aftership_bulk_inbox_files_total{fate="again"} 3
aftership_bulk_inbox_files_total{fate="done"} 7
aftership_bulk_inbox_files_total{fate="failed"} 2
# HELP aftership_bulk_inbox_files_waiting Files of the hot folder that are not being carried out: incoming is the same from every worker, processing its own.
# TYPE aftership_bulk_inbox_files_waiting gauge
aftership_bulk_inbox_files_waiting{directory="incoming"} 4
aftership_bulk_inbox_files_waiting{directory="processing"} 1
# HELP aftership_bulk_inbox_oldest_file_age_seconds How long the oldest of them has waited.
# TYPE aftership_bulk_inbox_oldest_file_age_seconds gauge
aftership_bulk_inbox_oldest_file_age_seconds{directory="incoming"} 90
aftership_bulk_inbox_oldest_file_age_seconds{directory="processing"} 3600
`
	names := []string{"aftership_bulk_inbox_files_total", "aftership_bulk_inbox_files_waiting", "aftership_bulk_inbox_oldest_file_age_seconds"}
	if err := testutil.GatherAndCompare(fed(t).registry, strings.NewReader(want), names...); err != nil {
		t.Error(err)
	}
	if n, err := testutil.GatherAndCount(NewMetrics().registry, names...); err != nil || n != 0 {
		t.Errorf("without a hot folder there are %d, %v", n, err)
	}
}
