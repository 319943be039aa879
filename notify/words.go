package notify

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
)

// subject is the message in a line.
func subject(m Message) string {
	what := ""
	switch {
	case m.Kind == Test:
		return "aftership-bulk: a test"
	case m.Kind == Stopped:
		what = fmt.Sprintf("stopped, %d of %d rows are not done", m.Pending, m.Rows)
	case m.Failed > 0:
		what = fmt.Sprintf("%d of %d rows need a person", m.Failed, m.Rows)
	default:
		what = fmt.Sprintf("all %d rows are done", m.Rows)
	}
	return plain(fmt.Sprintf("aftership-bulk: %s of %s: %s", m.Operation, m.Source, what))
}

// body is the message as a text of some lines.
func body(m Message) string {
	if m.Kind == Test {
		return "This is a test of the settings: messages about batches come this way."
	}
	lines := []string{
		fmt.Sprintf("Batch %s: %s of %s, account %s, %s.", m.Batch, m.Operation, m.Source, m.Account, m.State),
	}
	if m.Reason != "" {
		lines = append(lines, "Why: "+m.Reason)
	}
	lines = append(lines, fmt.Sprintf("%d rows: %s.", m.Rows, counts(m)))
	if len(m.Worst) > 0 {
		lines = append(lines, "", "What failed most:")
	}
	for _, r := range m.Worst {
		lines = append(lines, "  "+r.String())
	}
	lines = append(append(lines, ""), places(m)...)
	for i, next := range m.Next {
		if i == 0 {
			lines = append(lines, "", "What to do:")
		}
		lines = append(lines, "  "+next)
	}
	for i := range lines {
		lines[i] = plain(lines[i])
	}
	return strings.Join(lines, "\n")
}

// places says where the files are.
func places(m Message) []string {
	if m.Report == "" {
		return []string{"Report: enqueue report " + m.Batch + " -o report.csv"}
	}
	at := ""
	if m.Host != "" {
		at = " (on " + m.Host + ")"
	}
	lines := []string{"Report: " + m.Report + at}
	if m.FailedRows != "" {
		lines = append(lines, "Rows to look at: "+m.FailedRows+at)
	}
	return lines
}

// counts are the outcomes in words, the most first.
func counts(m Message) string {
	names := slices.SortedFunc(maps.Keys(m.Outcomes), func(a, b string) int {
		return cmp.Or(cmp.Compare(m.Outcomes[b], m.Outcomes[a]), cmp.Compare(a, b))
	})
	var parts []string
	for _, name := range names {
		parts = append(parts, fmt.Sprintf("%d %s", m.Outcomes[name], name))
	}
	if m.Pending > 0 {
		parts = append(parts, fmt.Sprintf("%d pending", m.Pending))
	}
	if len(parts) == 0 {
		return "nothing to do"
	}
	return strings.Join(parts, ", ")
}

// plain takes out what could make a line more than a line: control characters and those that change the direction of writing.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return ' '
		}
		return r
	}, text)
}

// slackText is the message for Slack, which takes &, < and > for marks of its own.
func slackText(m Message) string {
	escape := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "```", "'''")
	return escape.Replace(subject(m)) + "\n```\n" + escape.Replace(body(m)) + "\n```"
}
