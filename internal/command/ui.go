package command

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"aftership-bulk/batch"
)

// ui speaks to the person or the program that called: results on stdout, in
// words or as JSON lines, progress and warnings on stderr.
type ui struct {
	stdout, stderr io.Writer
	json, quiet    bool
	color          bool

	mu  sync.Mutex
	bar *progressbar.ProgressBar
	// line is when the last progress line was written, where there is no terminal.
	line time.Time
	told int // rows done in the last progress event
}

// lineEvery is how often progress is told where stderr is not a terminal.
const lineEvery = 5 * time.Second

func newUI(stdout, stderr io.Writer, env environment) *ui {
	return &ui{stdout: stdout, stderr: stderr, color: isTerminal(stderr) && env.get("NO_COLOR") == "" && env.get("TERM") != "dumb"}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// event is one JSON line. The last one of a run has the event "result".
type event struct {
	Event   string    `json:"event"`
	Time    time.Time `json:"time"`
	File    string    `json:"file,omitzero"`
	Message string    `json:"message,omitzero"`
	Rows    *int      `json:"rows,omitzero"`
	Calls   *int      `json:"calls,omitzero"`
	Invalid *int      `json:"invalid,omitzero"`
	Rate    float64   `json:"rate,omitzero"`
	Left    float64   `json:"seconds_left,omitzero"`
	Report  string    `json:"report,omitzero"`
	// LeftAlone counts what was listed and is not retracked, by its reason.
	LeftAlone map[string]int `json:"left_alone,omitzero"`
	// Would counts what a dry run would send, by the outcome that it would be sent for, and
	// Differ what it would update, by the columns that differ.
	Would    map[string]int `json:"would,omitempty"`
	Differ   map[string]int `json:"differ,omitempty"`
	Failed   string         `json:"failed_rows,omitzero"`
	Exit     *int           `json:"exit_code,omitzero"`
	Error    string         `json:"error,omitzero"`
	Try      string         `json:"try,omitzero"`
	Batch    *batchView     `json:"batch,omitzero"`
	Batches  []*batchView   `json:"batches,omitzero"`
	Existed  bool           `json:"existed,omitzero"`
	Warnings []string       `json:"warnings,omitzero"`
}

func (u *ui) emit(e event) {
	if !u.json {
		return
	}
	e.Time = time.Now().UTC().Truncate(time.Millisecond)
	u.mu.Lock()
	defer u.mu.Unlock()
	_ = json.NewEncoder(u.stdout).Encode(e) // nobody is left to tell when stdout is gone
}

// say writes a line for people to stdout.
func (u *ui) say(format string, args ...any) {
	if u.json || u.quiet {
		return
	}
	u.clearBar()
	fmt.Fprintln(u.stdout, printable(fmt.Sprintf(format, args...)))
}

// warn writes a line to stderr, whatever the mode, but for quiet.
func (u *ui) warn(format string, args ...any) {
	if !u.quiet {
		u.remark(format, args...)
	}
}

// remark is a warning that is to be seen in the mail of a quiet run, though nothing
// has failed.
func (u *ui) remark(format string, args ...any) {
	u.clearBar()
	fmt.Fprintln(u.stderr, u.tint("33", "warning: ")+printable(fmt.Sprintf(format, args...)))
}

// alarm writes a line to stderr in every mode.
func (u *ui) alarm(format string, args ...any) {
	u.clearBar()
	fmt.Fprintln(u.stderr, u.tint("31", "error: ")+printable(fmt.Sprintf(format, args...)))
}

func (u *ui) tint(code, s string) string {
	if !u.color {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

// fail tells an error and the way out of it, and returns the exit code.
func (u *ui) fail(err error) int {
	code := exitCode(err)
	text, try := err.Error(), hintOf(err)
	if errors.Is(err, context.Canceled) {
		text = "interrupted"
	}
	if u.json {
		u.emit(event{Event: "result", Exit: &code, Error: text, Try: try})
	}
	u.alarm("%s", text)
	if try != "" {
		fmt.Fprintln(u.stderr, "Try: "+printable(try))
	}
	return code
}

// progress shows how far a batch is.
func (u *ui) progress(b batch.Batch, rate float64, left time.Duration) {
	if u.json {
		u.progressEvent(b, rate, left)
		return
	}
	if u.quiet {
		return
	}
	if isTerminal(u.stderr) {
		u.drawBar(b)
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if now := time.Now(); now.Sub(u.line) >= lineEvery {
		u.line = now
		speed := ""
		if rate > 0 {
			speed = ", " + rateText(rate, left)
		}
		fmt.Fprintf(u.stderr, "%s: %d of %d rows%s; %s\n", b.ID, b.Done, b.Total, speed, countsText(b))
	}
}

// progressEvent tells programs of progress, once a second and only where there is some.
func (u *ui) progressEvent(b batch.Batch, rate float64, left time.Duration) {
	u.mu.Lock()
	stale := b.Done == u.told || time.Since(u.line) < time.Second
	if !stale {
		u.told, u.line = b.Done, time.Now()
	}
	u.mu.Unlock()
	if !stale {
		u.emit(event{Event: "progress", Batch: viewOf(b), Rate: rate, Left: left.Seconds()})
	}
}

func (u *ui) drawBar(b batch.Batch) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.bar == nil {
		u.bar = progressbar.NewOptions(b.Total,
			progressbar.OptionSetWriter(u.stderr),
			progressbar.OptionShowCount(),
			progressbar.OptionShowIts(),
			progressbar.OptionSetItsString("rows"),
			progressbar.OptionSetPredictTime(true),
			progressbar.OptionFullWidth(),
			progressbar.OptionEnableColorCodes(u.color),
			progressbar.OptionClearOnFinish(),
		)
	}
	u.bar.Describe(countsText(b))
	_ = u.bar.Set(b.Done)
}

// clearBar takes the progress bar off the terminal before other text is written.
func (u *ui) clearBar() {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.bar != nil {
		_ = u.bar.Clear()
	}
}

func (u *ui) endBar() {
	u.clearBar()
	u.mu.Lock()
	defer u.mu.Unlock()
	u.bar, u.line, u.told = nil, time.Time{}, 0
}

// countsText is the counts of a batch in words: "20 created, 2 rejected".
func countsText(b batch.Batch) string {
	var parts []string
	for _, o := range batch.AllOutcomes() {
		if n := b.Counts[o]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, outcomeWord(o)))
		}
	}
	if p := b.Pending(); p > 0 {
		parts = append(parts, fmt.Sprintf("%d pending", p))
	}
	if len(parts) == 0 {
		return "no rows"
	}
	return strings.Join(parts, ", ")
}

// outcomeWord is how an outcome is written for people.
func outcomeWord(o batch.Outcome) string {
	switch o {
	case batch.Already:
		return "already so"
	case batch.GaveUp:
		return "dead (gave up)"
	}
	return string(o)
}

// batchView is a batch as programs see it, in status, batches and events.
type batchView struct {
	Batch      string         `json:"batch"`
	Operation  string         `json:"operation"`
	Account    string         `json:"account"`
	Source     string         `json:"source"`
	State      string         `json:"state"`
	Reason     string         `json:"reason"`
	Rows       int            `json:"rows"`
	Pending    int            `json:"pending"`
	Outcomes   map[string]int `json:"outcomes"`
	CreatedAt  time.Time      `json:"created_at"`
	StartedAt  time.Time      `json:"started_at,omitzero"`
	FinishedAt time.Time      `json:"finished_at,omitzero"`
	Who        string         `json:"who,omitzero"`
	Priority   string         `json:"priority"`
	Rounds     int            `json:"rounds"`
	Rate       float64        `json:"rate,omitzero"`
	Left       float64        `json:"seconds_left,omitzero"`
}

func viewOf(b batch.Batch) *batchView {
	v := &batchView{
		Batch: b.ID, Operation: string(b.Operation), Account: b.Account, Source: b.Source, State: string(b.State), Reason: cmp.Or(b.Reason, b.Over),
		Rows: b.Rows, Pending: b.Pending(), Outcomes: map[string]int{}, CreatedAt: b.CreatedAt, StartedAt: b.StartedAt,
		FinishedAt: b.FinishedAt, Who: b.Who, Priority: string(b.Priority), Rounds: b.Rounds,
	}
	for o, n := range b.Counts {
		if n > 0 {
			v.Outcomes[string(o)] = n
		}
	}
	return v
}

// failedRows counts the rows of a batch that a person must look at.
func failedRows(b batch.Batch) int { return rowsThat(b, batch.Outcome.Failed) }

// rowsThat counts the rows of a batch by their outcomes.
func rowsThat(b batch.Batch, which func(batch.Outcome) bool) int {
	n := 0
	for o, c := range b.Counts {
		if which(o) {
			n += c
		}
	}
	return n
}

// table writes aligned columns.
func (u *ui) table(rows [][]string) {
	widths := []int{}
	for _, r := range rows {
		for i, c := range r {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], columnsOf(c))
		}
	}
	for _, r := range rows {
		var b strings.Builder
		for i, c := range r {
			b.WriteString(c)
			if i < len(r)-1 {
				b.WriteString(strings.Repeat(" ", widths[i]-columnsOf(c)+2))
			}
		}
		fmt.Fprintln(u.stdout, printable(strings.TrimRight(b.String(), " ")))
	}
}

// show writes aligned columns, unless nothing or JSON is to be written.
func (u *ui) show(rows [][]string) {
	if !u.json && !u.quiet {
		u.table(rows)
	}
}

// environment is the process's environment, passed in so that tests can set it.
type environment []string

func (e environment) get(name string) string {
	i := slices.IndexFunc(e, func(kv string) bool { return strings.HasPrefix(kv, name+"=") })
	if i < 0 {
		return ""
	}
	return e[i][len(name)+1:]
}
