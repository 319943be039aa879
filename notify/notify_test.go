package notify

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// sample is a message about a batch that has everything.
func sample() Message {
	return Message{
		ID: "261122-k7f3qz.finished.1", Kind: Finished, At: noon, Batch: "261122-k7f3qz", Source: "export <1>.csv", Operation: "create", Account: "default",
		State: "finished", Rows: 50, Failed: 3, Outcomes: map[string]int{"created": 40, "already": 7, "rejected": 3},
		Worst: []Reason{{Outcome: "rejected", Code: 4012, Text: "the courier is not known", Rows: 3, Line: 17}},
		Host:  "worker-1", Report: "/data/reports/export.csv", FailedRows: "/data/reports/export.failed.csv", Next: []string{"enqueue retry 261122-k7f3qz --rejected"},
	}
}

// post is a request that a receiver got.
type post struct {
	header http.Header
	body   string
}

// receiver answers with the statuses in turn, and then with 200.
func receiver(t *testing.T, statuses ...int) (url string, posts *[]post) {
	t.Helper()
	posts = &[]post{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		*posts = append(*posts, post{r.Header, string(body)})
		w.Header().Set("Retry-After", "7")
		w.Header().Set("Location", "/elsewhere")
		if n := len(*posts); n <= len(statuses) {
			w.WriteHeader(statuses[n-1])
		}
	}))
	t.Cleanup(server.Close)
	return server.URL + "/hooks/T0KEN", posts
}

func open(t *testing.T, o Options) *Notifier {
	t.Helper()
	if o.Now == nil {
		o.Now = func() time.Time { return noon }
	}
	n, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// The example of the Standard Webhooks specification.
func TestSignAsTheSpecificationDoes(t *testing.T) {
	got := Sign("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestWebhook(t *testing.T) {
	url, posts := receiver(t)
	n := open(t, Options{WebhookURL: url, WebhookSecret: "plain secret"})
	if err := n.Send(t.Context(), Webhook, sample()); err != nil {
		t.Fatal(err)
	}
	p := (*posts)[0]
	at, err := strconv.ParseInt(p.header.Get(HeaderTimestamp), 10, 64)
	if err != nil || at != noon.Unix() {
		t.Errorf("the timestamp is %q", p.header.Get(HeaderTimestamp))
	}
	if got := p.header.Get(HeaderSignature); got != Sign("plain secret", p.header.Get(HeaderID), noon, []byte(p.body)) {
		t.Errorf("signed with %q", got)
	}
	var m Message
	if err := json.Unmarshal([]byte(p.body), &m); err != nil || fmt.Sprint(m) != fmt.Sprint(sample()) {
		t.Errorf("got %+v, %v", m, err)
	}
	if p.header.Get(HeaderID) != m.ID || p.header.Get("Content-Type") != "application/json" {
		t.Errorf("headers: %v", p.header)
	}
}

func TestSlack(t *testing.T) {
	url, posts := receiver(t)
	n := open(t, Options{SlackURL: url})
	if err := n.Send(t.Context(), Slack, sample()); err != nil {
		t.Fatal(err)
	}
	var got map[string]string
	if err := json.Unmarshal([]byte((*posts)[0].body), &got); err != nil || len(got) != 1 {
		t.Fatalf("%v, %v", got, err)
	}
	want := "aftership-bulk: create of export &lt;1&gt;.csv: 3 of 50 rows need a person\n```\n" +
		"Batch 261122-k7f3qz: create of export &lt;1&gt;.csv, account default, finished.\n" +
		"50 rows: 40 created, 7 already, 3 rejected.\n\n" +
		"What failed most:\n  3 rejected (4012): the courier is not known [such as line 17]\n\n" +
		"Report: /data/reports/export.csv (on worker-1)\nRows to look at: /data/reports/export.failed.csv (on worker-1)\n\n" +
		"What to do:\n  enqueue retry 261122-k7f3qz --rejected\n```"
	if got["text"] != want {
		t.Errorf("got\n%s\nwant\n%s", got["text"], want)
	}
}

// An answer says whether another try makes sense, and no error shows the address.
func TestAnswers(t *testing.T) {
	tests := map[int]struct {
		permanent bool
		after     time.Duration
	}{
		301: {true, 0}, 400: {true, 0}, 404: {true, 0}, 410: {true, 0},
		408: {false, 7 * time.Second}, 429: {false, 7 * time.Second}, 500: {false, 7 * time.Second}, 503: {false, 7 * time.Second},
	}
	for status, want := range tests {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			url, posts := receiver(t, status)
			n := open(t, Options{SlackURL: url})
			err := n.Send(t.Context(), Slack, sample())
			e, ok := errors.AsType[*Error](err)
			if !ok || e.Permanent != want.permanent || e.After != want.after || e.Channel != Slack {
				t.Fatalf("got %#v", err)
			}
			if strings.Contains(err.Error(), "T0KEN") || !strings.Contains(err.Error(), strconv.Itoa(status)) {
				t.Errorf("the error is %q", err)
			}
			if len(*posts) != 1 {
				t.Errorf("%d requests", len(*posts))
			}
		})
	}
	n := open(t, Options{SlackURL: "http://127.0.0.1:1/T0KEN"})
	err := n.Send(t.Context(), Slack, sample())
	if e, ok := errors.AsType[*Error](err); !ok || e.Permanent || strings.Contains(err.Error(), "T0KEN") {
		t.Errorf("nobody listens: %v", err)
	}
}

func TestSettings(t *testing.T) {
	tests := map[string]struct {
		o    Options
		want string // of the error; "" for none
	}{
		"https":              {Options{SlackURL: "https://hooks.example.com/x"}, ""},
		"http":               {Options{SlackURL: "http://hooks.example.com/T0KEN"}, "the address on hooks.example.com is not encrypted"},
		"http allowed":       {Options{SlackURL: "http://hooks.example.com/x", PlainText: true}, ""},
		"http on loopback":   {Options{SlackURL: "http://[::1]:80/x"}, ""},
		"http on localhost":  {Options{SlackURL: "http://localhost/x"}, ""},
		"no address":         {Options{WebhookURL: "T0KEN", WebhookSecret: "s"}, "it should look like https://"},
		"another scheme":     {Options{WebhookURL: "ftp://example.com/T0KEN", WebhookSecret: "s"}, "it should look like https://"},
		"unsigned":           {Options{WebhookURL: "https://example.com/T0KEN"}, "no secret to sign with"},
		"mail":               {Options{MailServer: "smtp://ops@mail.example.com", MailFrom: "a@example.com", MailTo: []string{"b@example.com, C <c@example.com>"}}, ""},
		"password in server": {Options{MailServer: "smtps://ops:T0KEN@mail.example.com", MailFrom: "a@example.com", MailTo: []string{"b@example.com"}}, "give it by the setting"},
		"no server":          {Options{MailServer: "mail.example.com", MailFrom: "a@example.com", MailTo: []string{"b@example.com"}}, "it should look like smtp://"},
		"no sender":          {Options{MailServer: "smtps://mail.example.com", MailFrom: "", MailTo: []string{"b@example.com"}}, "the sender is no address"},
		"no recipient":       {Options{MailServer: "smtps://mail.example.com", MailFrom: "a@example.com"}, "there is no recipient"},
		"not a recipient":    {Options{MailServer: "smtps://mail.example.com", MailFrom: "a@example.com", MailTo: []string{"T0KEN"}}, "the recipients are no addresses"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			n, err := New(test.o)
			switch {
			case test.want == "" && (err != nil || n == nil):
				t.Errorf("got %v", err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("got %v, want %q", err, test.want)
			case err != nil && strings.Contains(err.Error(), "T0KEN"):
				t.Errorf("a secret is in %v", err)
			}
		})
	}
}

func TestWhen(t *testing.T) {
	good, bad, stopped, test := sample(), sample(), sample(), Message{Kind: Test}
	good.Failed, stopped.Kind, stopped.Failed = 0, Stopped, 0
	for when, want := range map[When][]bool{Always: {true, true, true, true}, OnFailure: {false, true, true, true}, Off: {false, false, false, true}, "": {false, true, true, true}} {
		n := open(t, Options{SlackURL: "https://hooks.example.com/x", SlackWhen: when})
		for i, m := range []Message{good, bad, stopped, test} {
			if got := len(n.Channels(m)) == 1; got != want[i] {
				t.Errorf("%q: message %d goes out: %t", when, i, got)
			}
		}
	}
	nobody, err := New(Options{})
	if nobody != nil || err != nil || len(nobody.Channels(bad)) > 0 || nobody.To(Slack) != "" || nobody.Wants() {
		t.Errorf("without settings: %v, %v", nobody, err)
	}
	if err := nobody.Send(t.Context(), Slack, bad); err == nil {
		t.Error("nobody was told")
	}
}

func TestBlur(t *testing.T) {
	for message, want := range map[string]string{
		`phone "+49 30 1234567" is no number`:    "phone … is no number",
		`title "a \"quoted\" thing" is too long`: "title … is too long",
		`cut off: "Anna Mus`:                     "cut off: …",
		"ann@example.com is unknown":             "… is unknown",
		"tracking 1Z999AA10123456784 exists":     "tracking … exists",
		"call +4930123 back":                     "call … back",
		"of 12 rows 3 failed":                    "of 12 rows 3 failed",
		"the courier needs tracking_postal_code": "the courier needs tracking_postal_code",
		"a\nb\x1b[31m\u202ec":                    "a b [31m c",
		"«" + strings.Repeat("ä", 300):           "«" + strings.Repeat("ä", 199) + "…",
	} {
		if got := Blur(message); got != want {
			t.Errorf("%q became %q, want %q", message, got, want)
		}
	}
}

// A hint shows how a value is written, and no cell.
func TestBlurHint(t *testing.T) {
	for hint, want := range map[string]string{
		"write it as name@example.com":                               "write it as name@example.com",
		"write it as +4915112345678; write it as 2024-05-31":         "write it as +4915112345678; write it as 2024-05-31",
		"write it as name@example.com; mend it":                      "write it as name@example.com; mend it",
		`name its slug: --carrier "ann@example.com=SLUG", or 123456`: "name its slug: --carrier …, or …",
		"ask ann@example.com, born 2024-05-30":                       "ask … born …",
	} {
		var tally Tally
		tally.Add("invalid", 0, "", hint, 1)
		if got := tally.Worst(1)[0].Hint; got != want {
			t.Errorf("%q became %q, want %q", hint, got, want)
		}
	}
}

func TestTally(t *testing.T) {
	var tally Tally
	for i := range 40 {
		tally.Add("invalid", 0, fmt.Sprintf("phone %q is no number", fmt.Sprint("0", i)), "give it with its country", 10+i)
	}
	for i := range 7 {
		tally.Add("rejected", 4012, "unknown courier", "", 100+i)
	}
	// More reasons than are told apart: those beyond are counted together.
	for i := range mostReasons + 98 {
		tally.Add("gave_up", 0, "reason "+strings.Repeat("x", i%30)+strings.Repeat("y", i/30), "", 200+i)
	}
	want := []Reason{
		{"gave_up", 0, "other reasons", "", 100, 200 + mostReasons - 2}, {"invalid", 0, "phone … is no number", "give it with its country", 40, 10}, {"rejected", 4012, "unknown courier", "", 7, 100},
	}
	if got := tally.Worst(3); !slices.Equal(got, want) {
		t.Errorf("got %+v", got)
	}
	rows := 0
	for _, r := range tally.Worst(10_000) {
		rows += r.Rows
	}
	if rows != 47+mostReasons+98 {
		t.Errorf("%d rows are counted", rows)
	}
}

// A file's name cannot forge lines of a message.
func TestLinesStayLines(t *testing.T) {
	m := sample()
	m.Source, m.Reason = "a\r\nBcc: x@example.com\n```", "b\nc"
	if s := subject(m); strings.ContainsAny(s, "\r\n") {
		t.Errorf("the subject is %q", s)
	}
	if got := strings.Count(slackText(m), "```"); got != 2 {
		t.Errorf("%d fences", got)
	}
	if !strings.Contains(body(m), "Why: b c\n") {
		t.Errorf("got %s", body(m))
	}
}
