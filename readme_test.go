package aftershipbulk_test

import (
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"aftership-bulk/aftership/sandbox"
	"aftership-bulk/config"
)

var update = flag.Bool("update", false, "write the README's table of settings anew")

// goodSheet is a sheet without a problem, and mixedSheet one with a row that is invalid.
const (
	goodSheet  = "tracking_number,slug\n1Z999AA10100000001,ups\n1Z999AA10100000002,ups\n"
	mixedSheet = goodSheet + ",ups\n"
	newSheet   = "tracking_number,slug\n1Z999AA10100000003,ups\n"
)

// step is how a command of the README is tried.
type step struct {
	in   string       // "clone": at the root of a clone; else in a directory with the sheets of sheetNames
	with func(*world) // what is there before
	code int
	says []string // texts on stdout or stderr
	then func(*world, result)
	try  func(*world, string) // instead of all that
}

// sheetNames are the names that the README gives to the reader's own sheets.
var sheetNames = []string{"shipments.csv", "upload.csv"}

// steps are the README's commands, each as it is written there without its comment.
var steps = map[string]step{
	// Try it.
	"go run ./cmd/enqueue create --sandbox samples/shipments.csv": {in: "clone", code: 1, says: []string{"17 created", "2 already so", "1 duplicate", "2 rejected", "3 invalid", "Report: reports"}, then: reportIsThere},
	"scripts/test": {try: tryTestScript},

	// Install.
	installCommand:                           {try: tryInstall},
	"enqueue completion --help":              {says: []string{"bash", "zsh", "fish", "powershell"}},
	"export AFTERSHIP_API_KEY=asat_...":      {try: tryExport},
	"enqueue create --dry-run shipments.csv": {with: account, says: []string{"Dry run: nothing was sent", "2 rows"}, then: noCalls},
	"enqueue create shipments.csv":           {with: account, says: []string{"Finished", "2 created"}, then: reportIsThere},

	// The operations.
	"enqueue create FILE...":            {with: samples("samples/shipments.csv", "samples/orders-export.csv"), code: 1, says: []string{"17 created", "8 created"}},
	"enqueue update FILE...":            {with: samples("samples/updates.csv"), code: 1, says: []string{"5 updated"}},
	"enqueue mark-complete FILE...":     {with: samples("samples/completions.csv"), code: 1, says: []string{"6 completed"}},
	"enqueue retrack-expired [FILE...]": {with: samples("samples/expired.csv"), code: 1, says: []string{"7 retracked"}},
	"enqueue sync FILE...":              {with: samples("samples/sync.csv"), code: 1, says: []string{"at most 6 calls and about 1 look-up", "2 updated", "2 already so", "1 created"}},
	"enqueue delete FILE...":            {with: samples("samples/deletions.csv"), code: 2, says: []string{"4 shipments would be deleted"}, then: noCalls},

	// Sheets.
	"enqueue template OPERATION":                         {try: tryTemplates},
	"enqueue template create > shipments.csv":            {then: templateIsGood},
	"enqueue template create --xlsx -o shipments.xlsx":   {then: func(w *world, _ result) { w.must(0, "enqueue create --dry-run shipments.xlsx") }},
	"enqueue inspect samples/exports/ebay-orders-de.csv": {in: "clone", says: []string{"ebay-orders-de", "Sendungsnummer", "tracking_number", "--preset ebay-orders-de"}},
	"enqueue check samples/shipments.csv":                {in: "clone", code: 1, says: []string{"25 rows", "damaged by a spreadsheet", "plan: "}},

	// Results, and the commands for a batch.
	"enqueue retry BATCH --rejected":     {with: finished, code: 1, says: []string{"2 rows of batch BATCH run again", "rejected"}},
	"enqueue retry BATCH":                {with: deadLetters, says: []string{"2 rows of batch BATCH run again", "2 created"}},
	"enqueue status BATCH":               {with: deadLetters, says: []string{"finished", "2 dead"}},
	"enqueue batches":                    {with: finished, says: []string{"BATCH", "finished"}},
	"enqueue status BATCH --follow":      {with: carriedOut, says: []string{"Finished. Batch BATCH"}},
	"enqueue report BATCH -o report.csv": {with: queued, says: []string{"Report: report.csv"}, then: func(w *world, _ result) { hasRows(w, "report.csv", "pending", 2) }},
	"enqueue dead BATCH":                 {with: deadLetters, says: []string{"line 2", "line 3", "enqueue retry BATCH"}},
	"enqueue pause BATCH":                {with: queued, says: []string{"BATCH is paused", "enqueue resume BATCH"}, then: stateIs("paused")},
	"enqueue resume BATCH":               {with: paused, says: []string{"BATCH goes on"}, then: stateIs("running")},
	"enqueue cancel BATCH":               {with: queued, says: []string{"2 cancelled"}, then: stateIs("cancelled")},
	"enqueue purge BATCH --yes":          {with: queued, says: []string{"Batch BATCH is removed"}, then: func(w *world, _ result) { w.must(2, "enqueue status "+w.env["BATCH"]) }},
	"enqueue resume --account default":   {with: stopped, says: []string{"default goes on"}, then: goesOn},
	"enqueue resume --account NAME":      {with: stopped, says: []string{"default goes on"}, then: goesOn},

	// Upload by hand.
	"enqueue create --dry-run --report check.csv upload.csv": {with: account, says: []string{"Report: check.csv"}, then: noCalls},
	"enqueue create upload.csv":                              {with: account, says: []string{"2 created"}, then: reportIsThere},

	// Nightly, by cron.
	"enqueue create --quiet --wait=4h --priority nightly --report /var/lib/shipments/report.csv /var/lib/shipments/export.csv": {try: tryCron},
	"enqueue schedules --config settings.yml": {with: scheduled, says: []string{"nightly  30 2 * * *  Europe/Berlin", "retrack  0 5 * * *", "no REDIS_URL", "02:30 CE"}},

	// The hot folder.
	"enqueue watch shipments":  {try: tryHotFolder},
	"worker --inbox shipments": {try: tryHotFolder},

	"enqueue notify --test": {with: someone, says: []string{"slack to 127.0.0.1", "sent."}},

	// Retrack expired shipments.
	"enqueue retrack-expired":                                    {with: account, code: 1, says: []string{"9 trackings listed as expired", "1 still tracked", "7 retracked", "1 rejected"}},
	"enqueue retrack-expired --dry-run":                          {with: account, says: []string{"JNET2608000155,j-net", "not retracked so far", "skip,active"}},
	"enqueue retrack-expired --per-day 500 --min-days-expired 3": {with: account, code: 1, says: []string{"not expired for long enough", "6 retracked", "1 rejected"}},
	"enqueue retrack-expired --limit 100":                        {with: account, code: 1, says: []string{"7 retracked"}},
	"enqueue retrack-expired expired.csv":                        {with: account, code: 1, says: []string{"7 retracked", "1 already so", "2 rejected"}},

	// Read back.
	"enqueue export -o all.csv": {with: account, says: []string{"22 trackings", "Written: all.csv"}, then: func(w *world, _ result) { w.must(0, "enqueue update --dry-run all.csv") }},
	"enqueue export --tag Exception --updated-after 24h -o exceptions.xlsx": {with: account, says: []string{"Written: exceptions.xlsx"}},
	"enqueue export shipments.csv -o state.csv":                             {with: created, says: []string{"2 rows: 2 found, 0 not", "Written: state.csv"}},
	"enqueue last-checkpoint shipments.csv -o events.csv":                   {with: created, says: []string{"2 rows: 2 found, 0 not", "Written: events.csv"}},
	"enqueue predict --sandbox samples/predictions.csv":                     {in: "clone", code: 1, says: []string{"predicted_delivery_date", "7 rows: 4 with a date, 3 without"}},
	"enqueue couriers --detect 1Z999AA10123456784":                          {with: account, says: []string{"ups", "UPS"}},

	// Many workers.
	"redis-server --appendonly yes --maxmemory-policy noeviction --hash-max-listpack-value 512": {try: tryRedisServer},
	"REDIS_URL=redis://localhost:6379 AFTERSHIP_API_KEY=asat_... worker":                        {try: tryWorker},
	"REDIS_URL=redis://localhost:6379 enqueue create shipments.csv":                             {with: withoutKey, says: []string{"Batch BATCH is queued", "enqueue status BATCH --follow"}},

	"worker --http": {try: tryListening},

	// Install.
	"sandbox --demo": {try: trySandbox},
	"export AFTERSHIP_BASE_URL=http://127.0.0.1:8321": {try: tryExportURL},
	"export AFTERSHIP_API_KEY=" + sandbox.DefaultKey:  {try: tryExport},

	// Troubleshooting.
	"enqueue doctor": {with: account, says: []string{"key of default", "valid; AfterShip allows", "0 that fail"}},

	// Configuration.
	"enqueue config show": {with: account, says: []string{"api_key", "********", "environment AFTERSHIP_API_KEY"}},
}

// Every command of the README does what the README says, with the real programs.
func TestReadmeCommands(t *testing.T) {
	commands := readmeCommands(t)
	for _, line := range slices.Sorted(maps.Keys(steps)) {
		if !slices.Contains(commands, line) {
			t.Errorf("the README has no command %q any more: take it out of steps", line)
		}
	}
	for _, line := range commands {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			s, known := steps[line]
			switch {
			case strings.HasPrefix(line, "docker compose "):
				checkComposeCommand(t, line)
			case !known:
				t.Fatalf("no test knows this command: add it to steps")
			case s.try != nil:
				s.try(newWorld(t), line)
			default:
				s.run(newWorld(t), line)
			}
		})
	}
}

func (s step) run(w *world, line string) {
	w.Helper()
	for _, name := range sheetNames {
		w.write(name, goodSheet)
	}
	w.write("expired.csv", read(w.T, "samples/expired.csv"))
	if s.in == "clone" {
		w.dir = w.clone
	}
	if s.with != nil {
		s.with(w)
	}
	r := w.run(w.filled(line))
	batch := w.env["BATCH"]
	if found := regexp.MustCompile(`Batch (\S+) is queued`).FindStringSubmatch(r.stdout); batch == "" && found != nil {
		batch = found[1]
	}
	if r.code != s.code {
		w.Errorf("want exit code %d, got %s", s.code, r)
	}
	for _, text := range s.says {
		if text = strings.ReplaceAll(text, "BATCH", batch); !strings.Contains(r.stdout+r.stderr, text) {
			w.Errorf("nothing says %q: %s", text, r)
		}
	}
	if s.then != nil {
		s.then(w, r)
	}
}

// filled puts real values in the place of the README's.
func (w *world) filled(line string) string {
	for _, p := range [][2]string{
		{"BATCH", w.env["BATCH"]}, {"[FILE...]", w.env["FILES"]}, {"FILE...", w.env["FILES"]}, {"NAME", "default"},
		{"asat_...", sandbox.DefaultKey}, {"redis://localhost:6379", w.env["REDIS_URL"]},
	} {
		line = strings.ReplaceAll(line, p[0], p[1])
	}
	return line
}

// What is there before a command.

func account(w *world) { w.withSandbox(sandbox.Options{}) }

// scheduled puts the README's settings in place, but for Redis, which the reader has.
func scheduled(w *world) {
	text := regexp.MustCompile("(?s)```yaml\n(# settings.yml\n.*?)```").FindStringSubmatch(read(w.T, "README.md"))
	if text == nil {
		w.Fatal("the README shows no settings.yml")
	}
	w.write("settings.yml", strings.Replace(text[1], "redis_url:", "# redis_url:", 1))
}

// someone is there to be told.
func someone(w *world) {
	chat := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	w.Cleanup(chat.Close)
	w.env["NOTIFY_SLACK_URL"] = chat.URL
}

func created(w *world) {
	account(w)
	w.must(0, "enqueue create shipments.csv")
}

func samples(files ...string) func(*world) {
	return func(w *world) {
		account(w)
		w.dir = w.clone
		w.env["FILES"] = strings.Join(files, " ")
		w.env["REPORT_DIR"] = w.TempDir() // the clone's own directory is for the first command
	}
}

func finished(w *world) {
	account(w)
	w.must(1, "enqueue create "+filepath.Join(w.clone, "samples", "shipments.csv"))
	w.env["BATCH"] = w.newest()
}

func deadLetters(w *world) {
	account(w)
	w.fault(sandbox.Fault{Kind: sandbox.FaultStatus, Status: 503})
	w.must(1, "MAX_ATTEMPTS=1 enqueue create shipments.csv")
	w.sandbox.ClearFaults()
	w.env["BATCH"] = w.newest()
}

func queued(w *world) {
	account(w)
	w.withRedis()
	w.must(0, "enqueue create shipments.csv")
	w.env["BATCH"] = w.newest()
}

func withoutKey(w *world) {
	account(w)
	w.withRedis()
	w.env["AFTERSHIP_API_KEY"] = ""
}

func carriedOut(w *world) {
	queued(w)
	w.start("worker")
}

func paused(w *world) {
	queued(w)
	w.must(0, "enqueue pause "+w.env["BATCH"])
}

func stopped(w *world) {
	account(w)
	w.withRedis()
	w.fault(sandbox.Fault{Kind: sandbox.FaultUnauthorized})
	w.start("worker")
	w.must(5, "enqueue create --wait=1m shipments.csv")
	w.sandbox.ClearFaults()
	w.env["BATCH"] = w.newest()
}

func (w *world) fault(f sandbox.Fault) {
	w.Helper()
	if _, err := w.sandbox.Fault(f); err != nil {
		w.Fatal(err)
	}
}

// What is there after it.

func noCalls(w *world, _ result) {
	for _, c := range w.sandbox.Calls() {
		if c.Method != http.MethodGet {
			w.Errorf("a call was made: %s %s", c.Method, c.Path)
		}
	}
}

func reportIsThere(w *world, r result) {
	_, name, _ := strings.Cut(r.stdout, "Report: ")
	name, _, _ = strings.Cut(name, "\n")
	info, err := os.Stat(filepath.Join(w.dir, name))
	if err != nil || info.Mode().Perm() != 0o600 {
		w.Errorf("report %q: %v, mode %v", name, err, info)
	}
}

func stateIs(state string) func(*world, result) {
	return func(w *world, _ result) {
		if r := w.must(0, "enqueue status "+w.env["BATCH"]+" --json"); !strings.Contains(r.stdout, `"state":"`+state+`"`) {
			w.Errorf("the batch is not %s: %s", state, r)
		}
	}
}

func goesOn(w *world, _ result) {
	if r := w.must(0, "enqueue status --follow "+w.env["BATCH"]); !strings.Contains(r.stdout, "2 created") {
		w.Error(r)
	}
}

// hasRows checks that a report has so many rows of a result.
func hasRows(w *world, name, outcome string, want int) {
	w.Helper()
	text, err := os.ReadFile(filepath.Join(w.dir, name))
	if err != nil {
		w.Fatal(err)
	}
	if n := strings.Count(string(text), ","+outcome+","); n != want {
		w.Errorf("%s has %d rows that are %s, want %d:\n%s", name, n, outcome, want, text)
	}
}

func templateIsGood(w *world, _ result) {
	w.must(0, "enqueue create --dry-run shipments.csv")
}

// Commands that are tried in a way of their own.

func tryTestScript(w *world, line string) {
	info, err := os.Stat(line)
	if err != nil || info.Mode()&0o111 == 0 {
		w.Fatalf("%s: %v, %v: it must be there and executable", line, err, info)
	}
	ci := strings.Split(strings.TrimSpace(read(w.T, ".ci/run")), "\n")
	if last := ci[len(ci)-1]; last != line {
		w.Errorf(".ci/run ends with %q, not with %s", last, line)
	}
	if r := w.run("sh -n " + filepath.Join(w.clone, line)); r.code != 0 {
		w.Error(r)
	}
}

// tryInstall looks at what the command has built, as every test here runs it.
func tryInstall(w *world, _ string) {
	for _, name := range []string{"enqueue", "worker", "sandbox"} {
		w.must(0, filepath.Join(w.clone, "bin", name)+" --help")
	}
}

func tryExport(w *world, line string) {
	r := w.must(0, w.filled(line)+"; enqueue config show")
	if !strings.Contains(r.stdout, "environment AFTERSHIP_API_KEY") {
		w.Error(r)
	}
}

// trySandbox checks that the program serves what the lines after it name.
func trySandbox(w *world, line string) {
	if r := w.must(0, line+" --help"); !strings.Contains(r.stdout, "127.0.0.1:8321") {
		w.Error(r)
	}
}

func tryExportURL(w *world, line string) {
	if r := w.must(0, line+"; enqueue config show"); !strings.Contains(r.stdout, "environment AFTERSHIP_BASE_URL") {
		w.Error(r)
	}
}

func tryTemplates(w *world, line string) {
	for _, op := range []string{"create", "update", "mark-complete", "retrack-expired"} {
		w.must(0, strings.ReplaceAll(line, "OPERATION", op)+" > t.csv && enqueue "+op+" --dry-run t.csv")
	}
}

// tryCron runs the line of the crontab without and with Redis: it says nothing
// when all is well, and something when a row needs a person.
func tryCron(w *world, line string) {
	account(w)
	line = strings.ReplaceAll(line, "/var/lib/shipments", w.dir)
	for i, c := range []struct{ sheet, redis string }{{mixedSheet, ""}, {newSheet, "redis"}} {
		if c.redis != "" {
			w.withRedis()
			w.start("worker")
		}
		w.write("export.csv", c.sheet)
		if r := w.must(1-i, line); (r.code == 0) != (r.stdout+r.stderr == "") || r.stdout != "" {
			w.Errorf("quiet when all is well, and only then: %s", r)
		} else if r.code == 1 && !strings.Contains(r.stderr, "1 invalid") {
			w.Error(r)
		}
		hasRows(w, "report.csv", "created", 2-i)
	}
}

func tryRedisServer(w *world, line string) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	listener.Close()
	p := w.start(fmt.Sprintf("%s --bind 127.0.0.1 --port %d", line, port))
	p.says(w.T, "Ready to accept connections")
	w.env["REDIS_URL"] = fmt.Sprintf("redis://127.0.0.1:%d", port)
	w.write("shipments.csv", goodSheet)
	w.must(0, "enqueue create shipments.csv")
	if _, err := os.Stat(filepath.Join(w.dir, "appendonlydir")); err != nil {
		w.Errorf("no append-only file: %v", err)
	}
}

// tryListening starts a worker that listens, on a port that the system picks.
func tryListening(w *world, line string) {
	account(w)
	w.withRedis()
	p := w.start(line + " 127.0.0.1:0")
	p.says(w.T, "listening")
	if code := p.stop(w.T); code != 0 {
		w.Errorf("exit code %d: %s", code, p.said)
	}
}

// tryHotFolder puts two files into the folder that a command watches.
func tryHotFolder(w *world, line string) {
	account(w)
	w.env["INBOX_STILL"] = "200ms"
	if strings.HasPrefix(line, "worker") {
		w.withRedis()
	}
	p := w.start(line)
	p.says(w.T, "watching")
	w.write("shipments/incoming/create/good.csv", goodSheet)
	w.write("shipments/incoming/unclear.csv", goodSheet)
	for _, name := range []string{"done/*/good.csv", "done/*/good.report.csv", "failed/*/unclear.csv", "failed/*/unclear.error.txt"} {
		eventually(w.T, name, func() bool {
			found, _ := filepath.Glob(filepath.Join(w.dir, "shipments", name))
			return len(found) == 1
		})
	}
	if code := p.stop(w.T); code != 0 {
		w.Errorf("exit code %d: %s", code, p.said)
	}
}

func tryWorker(w *world, line string) {
	account(w)
	w.withRedis()
	key := w.env["AFTERSHIP_API_KEY"]
	w.env["AFTERSHIP_API_KEY"] = "" // the line sets it
	w.write("shipments.csv", goodSheet)
	p := w.start(w.filled(line))
	p.says(w.T, "working")
	w.must(0, "enqueue create --wait=1m shipments.csv")
	batch := w.newest()
	eventually(w.T, "the worker writes the report", func() bool {
		_, err := os.Stat(filepath.Join(w.dir, "reports", "shipments-"+batch+".csv"))
		return err == nil
	})
	if code := p.stop(w.T); code != 0 || strings.Contains(p.said.String(), key) {
		w.Errorf("exit code %d: %s", code, p.said)
	}
}

// What the README says, read out of it.

var (
	fence    = regexp.MustCompile("(?ms)^```(\\w*)\n(.*?)^```$")
	codeSpan = regexp.MustCompile("`([^`\n]+)`")
	cronTime = regexp.MustCompile(`^(\S+\s+){5}`)
	comment  = regexp.MustCompile(`\s+# .*$`)
)

// readmeCommands lists every command in the README: the lines of its blocks of
// shell and of its crontab, and the commands within its text and tables.
func readmeCommands(t *testing.T) []string {
	t.Helper()
	text := read(t, "README.md")
	var all []string
	for _, block := range fence.FindAllStringSubmatch(text, -1) {
		for line := range strings.Lines(block[2]) {
			line = comment.ReplaceAllString(strings.TrimSpace(line), "")
			switch block[1] {
			case "sh":
				all = append(all, line)
			case "cron":
				all = append(all, cronTime.ReplaceAllString(line, ""))
			case "yaml": // TestReadmeConfigFile
			default:
				t.Errorf("a block is marked %q, of which no test knows what to do with it", block[1])
			}
		}
	}
	for _, span := range codeSpan.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
		program, rest, _ := strings.Cut(span[1], " ")
		if rest != "" && slices.Contains([]string{"enqueue", "worker", "sandbox", "docker", "go", "redis-server"}, program) {
			all = append(all, span[1])
		}
	}
	all = slices.DeleteFunc(all, func(s string) bool { return s == "" })
	slices.Sort(all)
	return slices.Compact(all)
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// subcommands lists the commands of enqueue out of its help.
func subcommands(w *world) []string {
	w.Helper()
	_, list, _ := strings.Cut(w.must(0, "enqueue --help").stdout, "Available Commands:\n")
	list, _, _ = strings.Cut(list, "\n\n")
	var all []string
	for line := range strings.Lines(list) {
		all = append(all, "enqueue "+strings.Fields(line)[0])
	}
	if len(all) < 10 {
		w.Fatalf("the help lists %d commands", len(all))
	}
	return all
}

// Every flag in the README is one of a command in the README.
func TestReadmeFlags(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var help strings.Builder
	for _, command := range append(subcommands(w), "worker", "sandbox") {
		help.WriteString(w.must(0, command+" --help").stdout)
	}
	outside := fence.ReplaceAllString(read(t, "README.md"), "")
	for _, span := range codeSpan.FindAllStringSubmatch(outside, -1) {
		if strings.HasPrefix(span[1], "docker ") {
			continue
		}
		for _, f := range regexp.MustCompile(`--?[a-z][a-z-]*`).FindAllString(" "+span[1], -1) {
			if strings.HasPrefix(span[1], "-") && f != "--help" && !regexp.MustCompile(regexp.QuoteMeta(f)+`\b`).MatchString(help.String()) {
				t.Errorf("no command has the flag %s of %q", f, span[1])
			}
		}
	}
}

// The table of settings is made from the settings.
func TestReadmeSettings(t *testing.T) {
	const begin, end = "<!-- settings: made from config.Settings() by a test -->\n", "<!-- end of settings -->"
	text := read(t, "README.md")
	before, rest, ok := strings.Cut(text, begin)
	table, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatal("the README has no place for the table of settings")
	}
	want := "\n" + config.Markdown() + "\n"
	if *update && table != want {
		if err := os.WriteFile("README.md", []byte(before+begin+want+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if table != want {
		t.Error("the README's table of settings is not that of the program: run `go test -run TestReadmeSettings . -update`")
	}
}

// The README's exit codes are those of the help.
func TestReadmeExitCodes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, help, ok := strings.Cut(w.must(0, "enqueue --help").stdout, "Exit codes:\n")
	if !ok {
		t.Fatal("the help has no exit codes")
	}
	help, _, _ = strings.Cut(help, "\nAny other code")
	_, table, _ := strings.Cut(read(t, "README.md"), "| exit code | meaning |\n")
	table, _, _ = strings.Cut(table, "\n\n")
	got := map[string]string{}
	for _, row := range regexp.MustCompile(`(?m)^\| (\d+) \| (.*) \|$`).FindAllStringSubmatch(table, -1) {
		got[row[1]] = row[2]
	}
	want := map[string]string{}
	help = regexp.MustCompile(`\n\s{5,}`).ReplaceAllString(help, " ") // a text that goes on in the next line
	for _, row := range regexp.MustCompile(`(?m)^  (\d+)\s+(.*)$`).FindAllStringSubmatch(help, -1) {
		want[row[1]] = row[2]
	}
	if len(want) < 8 || !slices.Equal(slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want))) {
		t.Errorf("the README has the codes %v, the help %v", slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
	}
	plain := strings.NewReplacer("`", "", ",", "", ";", "")
	for code, text := range got {
		if plain.Replace(text) != plain.Replace(want[code]) {
			t.Errorf("exit code %s: the README says %q, the help %q", code, text, want[code])
		}
	}
}

// The README's config file is one that the programs take.
func TestReadmeConfigFile(t *testing.T) {
	t.Parallel()
	for _, block := range fence.FindAllStringSubmatch(read(t, "README.md"), -1) {
		if block[1] != "yaml" {
			continue
		}
		w := newWorld(t)
		w.write("outlet", "key-of-the-outlet")
		w.write("config.yaml", strings.ReplaceAll(block[2], "/run/secrets", w.dir))
		r := w.must(0, "enqueue config show --config config.yaml")
		if strings.Contains(block[2], "outlet") != strings.Contains(r.stdout, "accounts.outlet.api_key ") || strings.Contains(r.stdout, "key-of-the-outlet") {
			t.Error(r)
		}
	}
}

// A clone has nothing that a run leaves behind, and the first command leaves
// nothing behind but its report.
func TestFirstCommandLeavesOnlyItsReport(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.write("shipments.csv", goodSheet)
	w.must(0, "enqueue create --sandbox shipments.csv")
	var files []string
	for _, dir := range []string{w.dir, w.env["HOME"], w.env["TMPDIR"]} {
		_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				files = append(files, filepath.Base(path))
			}
			return err
		})
	}
	slices.Sort(files)
	if len(files) != 2 || files[0] != "shipments.csv" && files[1] != "shipments.csv" {
		t.Errorf("found %v, want the sheet and its report", files)
	}
}
