package e2e

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/rogpeppe/go-internal/testscript"

	"aftership-bulk/aftership"
	"aftership-bulk/internal/redistest"
	"aftership-bulk/jobs"
)

func init() {
	commands["freeport"] = cmdFreePort
	commands["ask"] = cmdAsk
	commands["webhook"] = cmdWebhook
	commands["updates"] = cmdUpdates
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// cmdFreePort puts an address that nobody listens on into a variable: freeport ADDR.
func cmdFreePort(ts *testscript.TestScript, _ bool, args []string) {
	addr, err := freePort()
	ts.Check(err)
	ts.Setenv(args[0], addr)
}

// cmdAsk waits until $ADDR answers a GET with a status and, if one is given, a
// text: ask 200 /readyz ready.
func cmdAsk(ts *testscript.TestScript, _ bool, args []string) {
	got := ""
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		resp, err := http.Get("http://" + ts.Getenv("ADDR") + args[1])
		if err != nil {
			got = err.Error()
			continue
		}
		text, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		got = fmt.Sprint(resp.StatusCode, " ", string(text))
		if strconv.Itoa(resp.StatusCode) == args[0] && (len(args) < 3 || strings.Contains(got, args[2])) {
			return
		}
	}
	ts.Fatalf("%s did not answer %v within %s: %s", args[1], args, patience, got)
}

// cmdWebhook signs a file and posts it to $ADDR, as AfterShip does, again and again
// while nobody listens: webhook 200 SECRET FILE.
func cmdWebhook(ts *testscript.TestScript, _ bool, args []string) {
	body := []byte(ts.ReadFile(args[2]))
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		status, err := post(http.DefaultClient, ts.Getenv("ADDR"), aftership.SignWebhook(args[1], body), body)
		if err != nil {
			continue
		}
		if strconv.Itoa(status) != args[0] {
			ts.Fatalf("the webhook was answered with %d, want %s", status, args[0])
		}
		return
	}
	ts.Fatalf("nobody took the webhook within %s", patience)
}

func post(client *http.Client, addr, signature string, body []byte) (status int, err error) {
	req, err := http.NewRequest(http.MethodPost, "http://"+addr+"/webhooks/aftership", bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(aftership.WebhookSignature, signature)
	req.Header.Set(aftership.WebhookVersion, "2025-07")
	resp, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, resp.Body.Close()
}

// cmdUpdates waits until the daily files hold so many events: updates 2.
func cmdUpdates(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	n := 0
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		lines, err := updatesIn(ts.Getenv("UPDATES_DIR"))
		ts.Check(err)
		if n = len(lines); n == want {
			return
		}
	}
	ts.Fatalf("the daily files hold %d events, want %d", n, want)
}

// updatesIn reads the daily files of some directories: the event ids, and how often
// each stands there.
func updatesIn(dirs ...string) (map[string]int, error) {
	all := map[string]int{}
	for _, dir := range dirs {
		files, err := filepath.Glob(filepath.Join(dir, "updates-*.csv"))
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			if err := countUpdates(file, all); err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

func countUpdates(file string, all map[string]int) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	whole := text[:bytes.LastIndexByte(text, '\n')+1] // a line may be on its way
	records, err := csv.NewReader(bytes.NewReader(whole)).ReadAll()
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	for i, r := range records {
		if id := r[len(r)-1]; i > 0 {
			all[id]++
		} else if id != "event_id" {
			return fmt.Errorf("%s has no header: %v", file, r)
		}
	}
	return nil
}

// storm is what several senders send, and the workers that take it.
type storm struct {
	t       *testing.T
	rdb     *redis.Client
	url     string
	addrs   []string
	dirs    []string
	workers []*exec.Cmd
	sent    atomic.Int64
	refused atomic.Int64
	newest  map[string]string // tracking id: the event that is its state in the end
	genuine map[string]bool   // event ids
	posts   []posting
}

type posting struct {
	body   []byte
	secret string
}

const (
	stormTrackings = 500
	stormEvents    = 8 // of each tracking
	stormRepeats   = 600
	stormForged    = 400
)

// forecast makes the webhooks, in no order: what is late is left to chance.
func (s *storm) forecast() {
	tags := []aftership.Tag{"InfoReceived", "InTransit", "InTransit", "OutForDelivery", "AttemptFail", "OutForDelivery", "Exception", "Delivered"}
	at := time.Date(2026, 8, 1, 0, 0, 0, 0, time.UTC)
	body := func(event, tracking string, n int, tag aftership.Tag) []byte {
		when := at.Add(time.Duration(n) * time.Hour)
		return fmt.Appendf(nil, `{"ts":%d,"event":"tracking_update","event_id":%q,"msg":{"id":%q,"tracking_number":%q,"slug":"ups","tag":%q,"updated_at":%q,"checkpoints":[{"message":"step %d, \"quoted\""}]}}`,
			when.Unix()+60, event, tracking, "1Z"+tracking, tag, when.Format(time.RFC3339), n)
	}
	for i := range stormTrackings {
		tracking := fmt.Sprintf("t%04d", i)
		for n := range stormEvents {
			event := fmt.Sprintf("%s-e%d", tracking, n)
			s.genuine[event], s.newest[tracking] = true, event
			s.posts = append(s.posts, posting{body(event, tracking, n, tags[n]), "whsec_good"})
		}
	}
	for range stormRepeats {
		s.posts = append(s.posts, s.posts[rand.IntN(stormTrackings*stormEvents)])
	}
	for i := range stormForged {
		tracking := fmt.Sprintf("t%04d", i)
		s.posts = append(s.posts, posting{body(fmt.Sprintf("forged-%d", i), tracking, 99, "Expired"), "whsec_forged"})
	}
	rand.Shuffle(len(s.posts), func(i, j int) { s.posts[i], s.posts[j] = s.posts[j], s.posts[i] })
}

// start starts the i-th worker.
func (s *storm) start(i int) {
	s.t.Helper()
	cmd := exec.Command(filepath.Join(bin, "worker"), "--http", s.addrs[i], "--updates-dir", s.dirs[i%len(s.dirs)], "--report-dir", s.t.TempDir())
	cmd.Env = []string{"GORACE=" + gorace, "REDIS_URL=" + s.url, "AFTERSHIP_API_KEY=" + sandboxKey, "AFTERSHIP_BASE_URL=http://127.0.0.1:1", "AFTERSHIP_WEBHOOK_SECRET=whsec_old,whsec_good", "HOME=" + s.t.TempDir()}
	log, err := os.Create(filepath.Join(s.t.TempDir(), "worker.log"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.workers[i] = cmd
	s.t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()
		if text, _ := os.ReadFile(log.Name()); bytes.Contains(text, []byte("whsec")) {
			s.t.Errorf("a secret is in the log: %s", text)
		}
	})
}

// send posts every n-th webhook, each until it is answered, as AfterShip does.
func (s *storm) send(sender, senders int) {
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for i := sender; i < len(s.posts); i += senders {
		p := s.posts[i]
		want := http.StatusOK
		if p.secret == "whsec_forged" {
			want = http.StatusUnauthorized
		}
		for try, end := i, time.Now().Add(patience); ; try++ {
			status, err := post(client, s.addrs[try%len(s.addrs)], aftership.SignWebhook(p.secret, p.body), p.body)
			if err == nil && status == want {
				break
			}
			if err == nil && status != http.StatusServiceUnavailable || time.Now().After(end) {
				s.t.Errorf("answered with %d, %v; want %d", status, err, want)
				break
			}
			s.refused.Add(1)
			time.Sleep(20 * time.Millisecond) // AfterShip's back-off, made short
		}
		s.sent.Add(1)
	}
}

// killing kills workers while the storm lasts, each when so many webhooks were sent.
func (s *storm) killing(kills int) {
	for k := range kills {
		s.until("webhooks are sent", func() bool { return int(s.sent.Load()) >= len(s.posts)*(k+1)/(kills+1) })
		i := k % len(s.workers)
		_ = s.workers[i].Process.Kill()
		_ = s.workers[i].Wait()
		s.start(i)
	}
}

func (s *storm) until(what string, ok func() bool) {
	s.t.Helper()
	for end := time.Now().Add(2 * patience); !ok(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			s.t.Fatalf("not within %s: %s", 2*patience, what)
		}
	}
}

// done says that every event is known as done: from then on no line of it is written.
func (s *storm) done() bool {
	var keys []string
	for event := range s.genuine {
		keys = append(keys, "aftership:{ev:default:"+event+"}")
	}
	marks, err := s.rdb.MGet(s.t.Context(), keys...).Result()
	return err == nil && !slices.ContainsFunc(marks, func(m any) bool { return m != "done" })
}

// judge looks whether every tracking's state is that of its last event.
func (s *storm) judge() {
	s.t.Helper()
	var refs []aftership.Ref
	for id := range s.newest {
		refs = append(refs, aftership.Ref{ID: id})
	}
	known, err := jobs.LastKnown(s.t.Context(), s.rdb, "default", refs)
	if err != nil {
		s.t.Fatal(err)
	}
	for i, u := range known {
		if u.Event != s.newest[refs[i].ID] || u.Tag != aftership.TagDelivered {
			s.t.Errorf("%s is known by %s (%s), want %s", refs[i].ID, u.Event, u.Tag, s.newest[refs[i].ID])
		}
	}
}

// 5,000 webhooks come from four senders at once, with repeats, forged and late
// ones, while workers are killed. Where the workers share a directory, every event
// stands in the daily files once; where each has its own, as on machines of their
// own, what a kill hit between the line and its mark stands there twice.
func TestWebhookStorm(t *testing.T) {
	t.Parallel()
	for _, shared := range []bool{true, false} {
		t.Run(fmt.Sprintf("shared=%v", shared), func(t *testing.T) {
			t.Parallel()
			const kills, places = 6, 16 // places: the events that a worker takes in at once
			server := redistest.Server(t)
			s := &storm{t: t, rdb: server.Client(), url: server.URL(), dirs: []string{t.TempDir()}, workers: make([]*exec.Cmd, 2), newest: map[string]string{}, genuine: map[string]bool{}}
			defer s.rdb.Close()
			if !shared {
				s.dirs = append(s.dirs, t.TempDir())
			}
			for i := range s.workers {
				addr, err := freePort()
				if err != nil {
					t.Fatal(err)
				}
				s.addrs = append(s.addrs, addr)
				s.start(i)
			}
			s.forecast()
			var senders sync.WaitGroup
			for i := range 4 {
				senders.Go(func() { s.send(i, 4) })
			}
			s.killing(kills)
			senders.Wait()
			s.until("every event is done", s.done)
			got, err := updatesIn(s.dirs...)
			if err != nil {
				t.Fatal(err)
			}
			twice := 0
			for event, n := range got {
				if !s.genuine[event] || n > 2 {
					t.Errorf("event %s stands in the files %d times", event, n)
				}
				twice += n - 1
			}
			if len(got) != len(s.genuine) {
				t.Errorf("%d events of %d stand in the files", len(got), len(s.genuine))
			}
			if most := map[bool]int{true: 0, false: kills * places}[shared]; twice > most {
				t.Errorf("%d events stand in the files twice, want %d at most", twice, most)
			}
			s.judge()
			t.Logf("%d webhooks, %d kills, %d sent again because nobody answered, %d lines twice", len(s.posts), kills, s.refused.Load(), twice)
		})
	}
}
