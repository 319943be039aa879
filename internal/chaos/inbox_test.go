//go:build unix

package chaos

import (
	"encoding/csv"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"aftership-bulk/aftership"
	"aftership-bulk/aftership/sandbox"
	"aftership-bulk/batch"
)

// dropped is a file that is put into the hot folder.
type dropped struct {
	path string // in incoming
	text string
	rows int // that are sent
	bad  bool
}

// hotFolder makes the files: most go into the folder of their operation. Of ten one lies
// beside it and has the name of the one before, one has the content of the one
// before, one has a row that is invalid, and one is no sheet.
func hotFolder(files, rows int) []dropped {
	var all []dropped
	for i := range files {
		d := dropped{path: fmt.Sprintf("create/create-%d.csv", i), rows: rows}
		var text strings.Builder
		text.WriteString("tracking_number,slug,title\n")
		for r := range rows {
			fmt.Fprintf(&text, "%s,ups,Order %d\n", number("box", i*rows+r), r)
		}
		d.text = text.String()
		switch i % 10 {
		case 3:
			d.text += ",ups,no number\n"
		case 5:
			d.path = fmt.Sprintf("create-%d.csv", i-1)
		case 7:
			d.text, d.rows, d.bad = fmt.Sprintf("Dear colleague %d\n", i), 0, true
		case 9:
			d.text, d.rows = all[i-1].text, 0
		}
		all = append(all, d)
	}
	return all
}

// Two workers on one hot folder are killed again and again, and in the long form one is
// frozen, while files are put into it: every file is carried out once, and lies in the end where it belongs
// with the report of its rows.
func TestHotFolder(t *testing.T) {
	w := open(t, setup{rate: pick(200, 1000)})
	box := filepath.Join(w.dir, "box")
	w.env = append(w.env, "INBOX_DIR="+box, "INBOX_STILL=300ms")
	files, kills := hotFolder(pick(60, 500), pick(5, 20)), pick(4, 40)
	workers := w.fleet(2)
	w.until("the folder is there", func() bool { return exists(filepath.Join(box, "incoming", "update")) })
	began := time.Now()
	for k := range kills {
		w.drop(box, files[len(files)*k/kills:len(files)*(k+1)/kills])
		if long && k == kills/2 {
			w.freeze(box, workers.workers)
		}
		w.until("files come out", func() bool { return len(placed(box)) >= len(files)*k/(kills+1) })
		time.Sleep(rand.N(300 * time.Millisecond)) // the moment is random on purpose
		workers.kill(rand.IntN(len(workers.workers)))
	}
	w.until("all files came out", func() bool { return len(placed(box)) >= len(files) })
	took := time.Since(began)
	workers.end()
	w.judgeFolder(box, files)
	t.Logf("%d files, %d kills, %s", len(files), kills, took.Round(time.Second))
}

// freeze stops a worker that has files in hand until the other one has taken them.
// Files were put into the folder just now, so that one of the workers gets some.
func (w *world) freeze(box string, workers []*proc) {
	has := func(p *proc) bool {
		claims, _ := filepath.Glob(filepath.Join(box, "processing", "*-"+itoa(p.cmd.Process.Pid)+"-*", "2*"))
		return len(claims) > 0
	}
	busy := -1
	w.until("a worker has files in hand", func() bool {
		busy = slices.IndexFunc(workers, has)
		return busy >= 0
	})
	p := workers[busy]
	p.signal(syscall.SIGSTOP)
	w.until("its files were taken over", func() bool { return !has(p) })
	p.signal(syscall.SIGCONT)
	w.t.Log("a worker was frozen until its files were taken over")
}

// drop puts files into the folder as a careful program does: under another name first.
func (w *world) drop(box string, files []dropped) {
	for _, d := range files {
		path := filepath.Join(box, "incoming", d.path)
		w.check(os.WriteFile(path+".part", []byte(d.text), 0o644))
		w.check(os.Rename(path+".part", path))
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// placed lists the sheets in done and failed.
func placed(box string) []string {
	var all []string
	for _, dir := range []string{"done", "failed"} {
		paths, _ := filepath.Glob(filepath.Join(box, dir, "*", "*.csv"))
		all = append(all, slices.DeleteFunc(paths, func(path string) bool {
			return strings.HasSuffix(path, ".report.csv") || strings.HasSuffix(path, ".failed.csv")
		})...)
	}
	return all
}

func (w *world) judgeFolder(box string, files []dropped) {
	w.t.Helper()
	for _, dir := range []string{"incoming", "processing"} {
		w.check(filepath.WalkDir(filepath.Join(box, dir), func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && d.Name() != "alive" {
				w.t.Errorf("%s is left", path)
			}
			return err
		}))
	}
	want, rows, sheets := map[string]int{}, 0, map[string]bool{}
	for _, d := range files {
		want[fmt.Sprint(d.bad, d.text)]++
		rows += d.rows
		if !d.bad {
			sheets[d.text] = true
		}
	}
	for _, path := range placed(box) {
		text, err := os.ReadFile(path)
		w.check(err)
		bad := strings.HasPrefix(path, filepath.Join(box, "failed"))
		want[fmt.Sprint(bad, string(text))]--
		w.judgeBeside(path, string(text), bad)
	}
	for what, n := range want {
		if n != 0 {
			w.t.Errorf("%d files are missing of: %.60q", n, what)
		}
	}
	w.judgeSheets(len(sheets), rows)
}

// judgeBeside reads what lies beside a file.
func (w *world) judgeBeside(path, text string, bad bool) {
	stem := strings.TrimSuffix(path, ".csv")
	if bad {
		if why, err := os.ReadFile(stem + ".error.txt"); err != nil || !strings.Contains(string(why), "no column of the header is known") {
			w.t.Errorf("%s: %s %v", path, why, err)
		}
		return
	}
	report, err := os.ReadFile(stem + ".report.csv")
	w.check(err)
	records, err := csv.NewReader(strings.NewReader(string(report))).ReadAll()
	w.check(err)
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if len(records) != len(lines) {
		w.t.Errorf("the report beside %s has %d rows for %d", path, len(records)-1, len(lines)-1)
		return
	}
	result := slices.Index(records[0], "aftership_result")
	for i, r := range records[1:] {
		line := strings.Join(r[:3], ",")
		if want := map[bool]string{true: "invalid", false: "created"}[r[0] == ""]; r[result] != want || line != lines[i+1] {
			w.t.Errorf("beside %s: %v, want %s of %s", path, r, want, lines[i+1])
		}
	}
	if exists(stem+".failed.csv") != strings.Contains(text, "no number") {
		w.t.Errorf("beside %s: are there rows that need a person?", path)
	}
}

// judgeSheets looks whether each sheet became one batch, and every row one tracking.
func (w *world) judgeSheets(sheets, rows int) {
	byNumber := map[string][]sandbox.Call{}
	v := verdict{outcomes: map[batch.Outcome]int{}}
	for _, c := range w.calls() {
		if c.Endpoint == aftership.EndpointCreate {
			byNumber[c.Number] = append(byNumber[c.Number], c)
		}
		if c.HTTP == 429 && c.Kind == "" {
			v.tooMany++
		}
	}
	var items []batch.Item
	batches := 0
	for b, err := range w.ledger.List(w.t.Context()) {
		w.check(err)
		w.check(w.ledger.Audit(w.t.Context(), b.ID))
		batches++
		for item, err := range w.ledger.Results(w.t.Context(), b.ID) {
			w.check(err)
			v.outcomes[item.Result.Outcome]++
			if item.Result.Outcome == batch.Invalid {
				continue
			}
			calls := byNumber[item.Entry.Cells[0]]
			v.calls += len(calls)
			if item.Result.Ambiguous {
				v.flagged++
			}
			w.judgeRow(batch.Create, item, calls, &v)
			items = append(items, item)
		}
	}
	v.rows = len(items)
	w.judgeState(items)
	if batches != sheets || v.rows != rows || v.outcomes[batch.Created] != rows || len(byNumber) != rows || v.tooMany > 0 {
		w.t.Errorf("%d batches for %d sheets, %d rows for %d, %d numbers called: %s", batches, sheets, v.rows, rows, len(byNumber), v)
	}
	w.t.Logf("%d batches: %s", batches, v)
}
