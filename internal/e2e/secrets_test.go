package e2e

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"aftership-bulk/aftership/sandbox"
	"aftership-bulk/internal/redistest"
)

// What must never be seen, each with letters that some encodings change.
const (
	plainKey    = "asat_never-shown+key/0001="
	signedKey   = "asat_never-shown+key/0002="
	refusedKey  = "asat_never-shown+key/0003="
	fileKey     = "asat_never-shown+key/0004="
	apiSecret   = "never-shown+secret/0005="
	hookSecret  = "never-shown+hook-0006="
	password    = "never-shown/word?0006&%"
	badPassword = "never-shown/word?0007&%"
)

// secretsRun is one run of everything, and what all of it left behind.
type secretsRun struct {
	*testing.T
	dir  string
	env  map[string]string
	seen sync.Map // where -> text
}

// No secret is in anything that the programs print, write, log or store.
func TestNoSecretLeaves(t *testing.T) {
	t.Parallel()
	box := sandbox.Demo(sandbox.Options{Limit: 1000, Keys: []sandbox.Key{
		{Name: "plain", Value: plainKey},
		{Name: "file", Value: fileKey},
		{Name: "signed", Value: signedKey, Signing: sandbox.SigningAES, Secret: apiSecret},
	}})
	box.ClearFaults("demo-503-once") // its back-off would only take time
	api := httptest.NewServer(box)
	t.Cleanup(api.Close)
	s := &secretsRun{T: t, dir: t.TempDir(), env: map[string]string{
		"PATH": bin + string(os.PathListSeparator) + os.Getenv("PATH"), "USER": "ops",
		"AFTERSHIP_BASE_URL": api.URL, "AFTERSHIP_API_KEY": plainKey, "RATE_LIMIT": "1000",
	}}
	s.env["HOME"], s.env["STATE_DIR"], s.env["REPORT_DIR"] = s.dir, filepath.Join(s.dir, "state"), filepath.Join(s.dir, "reports")
	s.withoutRedis()
	s.withMistakes()
	s.withRedis()
	s.files()
	if calls, err := json.Marshal(box.Calls()); err != nil || bytes.Count(calls, []byte(`"signed"`)) < 20 {
		t.Errorf("too few calls were signed: %v", err)
	} else {
		s.seen.Store("the sandbox' log of calls", string(calls))
	}
	s.check()
}

// withoutRedis runs the commands on a ledger of their own.
func (s *secretsRun) withoutRedis() {
	s.run(0, "enqueue config show")
	s.batch("enqueue create -v "+sample("shipments.csv"), 1)
	s.batch("enqueue create --json -v --force "+sample("shipments.csv"), 1)
	s.run(1, "enqueue retrack-expired -v")
	s.run(2, "enqueue status 000000-nosuch -v")
	s.with(map[string]string{"LOG_FORMAT": "json", "LOG_LEVEL": "debug", "AFTERSHIP_API_VERSION": "2026-07"}, func() {
		s.run(1, "enqueue update -v "+sample("updates.csv"))
	})
	s.with(signed, func() {
		s.run(0, "enqueue config show")
		s.batch("enqueue create -v --force "+sample("shipments.csv"), 1)
		s.batch("enqueue mark-complete -v --json "+sample("completions.csv"), 1)
	})
	s.with(map[string]string{"AFTERSHIP_API_KEY": refusedKey}, func() {
		s.batch("enqueue create -v --force "+sample("orders-export.csv"), 5)
		s.run(5, "enqueue retrack-expired -v --json")
	})
	s.with(map[string]string{"AFTERSHIP_BASE_URL": "http://127.0.0.1:1"}, func() {
		s.run(5, "enqueue create -v --json --force "+sample("orders-export.csv"))
	})
	s.run(1, "enqueue create --sandbox -v "+sample("shipments.csv"))
}

// signed are the settings of an account that signs.
var signed = map[string]string{"AFTERSHIP_API_KEY": signedKey, "AFTERSHIP_API_SECRET": apiSecret, "AFTERSHIP_API_SIGNING": "aes"}

// withMistakes puts secrets where they do not belong.
func (s *secretsRun) withMistakes() {
	for _, env := range []map[string]string{
		{"AFTERSHIP_API_KEY": plainKey + " " + plainKey},
		{"AFTERSHIP_API_KEY": "", "AFTERSHIP_API_KEY_FILE": "asat_never-shown+key-0003="},
		{"AFTERSHIP_API_SECRET": apiSecret},
		{"AFTERSHIP_API_SECRET": apiSecret, "AFTERSHIP_API_SIGNING": "rsa"},
		{"AFTERSHIP_API_SECRET": apiSecret, "AFTERSHIP_API_SIGNING": "hmac"},
		{"AFTERSHIP_WEBHOOK_SECRET": hookSecret + " " + hookSecret},
		{"AFTERSHIP_WEBHOOK_SECRET": hookSecret, "AFTERSHIP_WEBHOOK_SECRET_FILE": hookSecret},
		{"AFTERSHIP_WEBHOOK_SECRET": hookSecret, "HTTP_ADDR": "0"},
		{"AFTERSHIP_WEBHOOK_SECRET_FILE": hookSecret},
		{"REDIS_URL": "redis//:" + url.QueryEscape(password) + "@127.0.0.1:1"},
		{"REDIS_URL": "redis://:" + password + "@127.0.0.1:1"},
		{"REDIS_URL": "redis://:" + url.QueryEscape(password) + "@127.0.0.1:port"},
		{"AFTERSHIP_BASE_URL": "http://ops:" + url.QueryEscape(password) + "@127.0.0.1:1"},
	} {
		s.with(env, func() { s.run(-1, "enqueue create -v --force "+sample("orders-export.csv")); s.run(-1, "worker -v") })
	}
	for i, text := range []string{
		"accounts:\n  default:\n    api_key:" + plainKey + "\n",
		"api_key: " + plainKey + "\n",
		"accounts:\n  default: [" + plainKey + "\n",
		"accounts:\n  default: {api_key: " + plainKey + ", api_secret: " + apiSecret + ", signing: no}\n",
		"redis_url: [" + password + "]\n",
	} {
		s.write("mistake.yaml", text)
		if r := s.run(-1, "enqueue config show --config mistake.yaml"); r == 0 && i < 3 {
			s.Errorf("the config file is taken: %s", text)
		}
	}
	_ = os.Remove(filepath.Join(s.dir, "mistake.yaml")) // it holds the secrets itself
}

// withRedis runs the commands and two workers with a Redis that asks for a password.
func (s *secretsRun) withRedis() {
	r := redistest.Server(s.T, redistest.AppendOnly("always"), redistest.Config(fmt.Sprintf("requirepass %q", password), "loglevel verbose"))
	address := func(word string) string { return "redis://:" + url.QueryEscape(word) + "@" + r.Addr() + "/0" }
	s.write("outlet.key", fileKey)
	s.write("config.yaml", "accounts:\n  outlet:\n    api_key_file: "+filepath.Join(s.dir, "outlet.key")+"\n")
	s.env["REDIS_URL"], s.env["AFTERSHIP_BULK_CONFIG"] = address(password), filepath.Join(s.dir, "config.yaml")
	s.run(0, "enqueue config show")
	stop := s.worker("worker -v")
	s.batch("enqueue create --wait=1m -v --force "+sample("shipments.csv"), 1)
	s.run(1, "enqueue create --wait=1m -v --account outlet --json --force "+sample("shipments.csv"))
	stop()
	s.with(signed, func() {
		defer s.worker("worker -v --log-format json")()
		s.batch("enqueue update --wait=1m --json -v "+sample("updates.csv"), 1)
	})
	s.with(map[string]string{"AFTERSHIP_API_KEY": refusedKey}, func() {
		defer s.worker("worker -v")()
		s.batch("enqueue create --wait=1m -v --force "+sample("orders-export.csv"), 5)
	})
	s.with(map[string]string{"REDIS_URL": address(badPassword)}, func() {
		s.run(5, "enqueue batches -v")
		s.run(5, "worker -v")
	})
	s.with(map[string]string{"REDIS_URL": "redis://:" + url.QueryEscape(password) + "@127.0.0.1:1"}, func() {
		s.run(5, "enqueue create --json -v "+sample("shipments.csv"))
		s.run(5, "worker -v")
	})
	s.dump(r)
	_ = os.Remove(filepath.Join(s.dir, "outlet.key")) // it is the secret itself
}

// batch runs an import and then everything that tells of its batch.
func (s *secretsRun) batch(line string, code int) {
	s.Helper()
	s.run(code, line)
	s.run(0, "enqueue batches --json")
	text, _ := s.seen.Load("enqueue batches --json: stdout")
	var list struct{ Batches []struct{ Batch string } }
	if err := json.Unmarshal([]byte(text.(string)), &list); err != nil || len(list.Batches) == 0 {
		s.Fatalf("%v: %s", err, text)
	}
	id := list.Batches[0].Batch
	for _, command := range []string{"status -v " + id, "status --json " + id, "report -v " + id, "dead --json " + id, "batches -v"} {
		s.run(0, "enqueue "+command)
	}
}

// run runs a command, checks its exit code unless it is negative, and keeps what it said.
func (s *secretsRun) run(code int, line string) int {
	s.Helper()
	var stdout, stderr bytes.Buffer
	cmd := s.command(line)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if _, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
		s.Fatal(err)
	}
	got := cmd.ProcessState.ExitCode()
	if code >= 0 && got != code {
		s.Fatalf("%s ended with %d, want %d:\n%s%s", line, got, code, &stdout, &stderr)
	}
	s.keep(line+": stdout", stdout.String())
	s.keep(line+": stderr", stderr.String())
	return got
}

// keep stores what was seen: the newest at its name, and all of it under another.
func (s *secretsRun) keep(where, text string) {
	before, _ := s.seen.LoadOrStore("before: "+where, "")
	s.seen.Store("before: "+where, before.(string)+text)
	s.seen.Store(where, text)
}

func (s *secretsRun) command(line string) *exec.Cmd {
	words := strings.Fields(line)
	cmd := exec.Command(filepath.Join(bin, words[0]), words[1:]...)
	cmd.Dir = s.dir
	cmd.Env = []string{"GORACE=" + gorace}
	for name, value := range s.env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	return cmd
}

// worker starts a worker; the returned function ends it and keeps what it said.
func (s *secretsRun) worker(line string) (stop func()) {
	s.Helper()
	var said bytes.Buffer
	cmd := s.command(line)
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		s.Fatal(err)
	}
	var once sync.Once
	stop = func() {
		once.Do(func() {
			_ = cmd.Process.Signal(syscall.SIGTERM)
			late := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
			defer late.Stop()
			if err := cmd.Wait(); err != nil {
				s.Errorf("%s: %v\n%s", line, err, &said)
			}
			s.keep(line+": output", said.String())
			if !strings.Contains(said.String(), "answered") {
				s.Errorf("%s -v logs no call:\n%s", line, &said)
			}
		})
	}
	s.Cleanup(stop)
	return stop
}

// with does something with other variables.
func (s *secretsRun) with(env map[string]string, do func()) {
	before := map[string]string{}
	for name, value := range env {
		before[name] = s.env[name]
		s.env[name] = value
	}
	defer func() {
		maps.Copy(s.env, before)
	}()
	do()
}

func (s *secretsRun) write(name, text string) {
	s.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
		s.Fatal(err)
	}
}

func sample(name string) string { return filepath.Join(root(), "samples", name) }

// dump keeps every key and value of Redis, and its files and log.
func (s *secretsRun) dump(r *redistest.Redis) {
	s.Helper()
	rdb := redis.NewClient(&redis.Options{Addr: r.Addr(), Password: password})
	defer rdb.Close()
	n := 0
	for keys := rdb.Scan(s.Context(), 0, "*", 1000).Iterator(); keys.Next(s.Context()); n++ {
		s.seen.Store("redis key "+keys.Val(), keys.Val()+" "+s.value(rdb, keys.Val()))
	}
	if n < 20 {
		s.Errorf("Redis has %d keys only", n)
	}
	s.tree("redis files", r.Dir())
}

// value is the value of a key, as text.
func (s *secretsRun) value(rdb *redis.Client, key string) string {
	s.Helper()
	ctx := s.Context()
	var value any
	var err error
	switch kind := rdb.Type(ctx, key).Val(); kind {
	case "string":
		value, err = rdb.Get(ctx, key).Result()
	case "hash":
		value, err = rdb.HGetAll(ctx, key).Result()
	case "list":
		value, err = rdb.LRange(ctx, key, 0, -1).Result()
	case "set":
		value, err = rdb.SMembers(ctx, key).Result()
	case "zset":
		value, err = rdb.ZRangeWithScores(ctx, key, 0, -1).Result()
	case "stream":
		value, err = rdb.XRange(ctx, key, "-", "+").Result()
	case "none": // it has expired meanwhile
	default:
		s.Errorf("%s is a %s, which the test cannot read", key, kind)
	}
	if err != nil {
		s.Errorf("%s: %v", key, err)
	}
	return fmt.Sprint(value)
}

// files keeps what the programs have written: reports and state.
func (s *secretsRun) files() {
	s.Helper()
	s.tree("files", s.dir)
	for _, dir := range []string{s.env["STATE_DIR"], s.env["REPORT_DIR"]} {
		if entries, err := os.ReadDir(dir); err != nil || len(entries) == 0 {
			s.Errorf("%s: %v, %d entries", dir, err, len(entries))
		}
	}
}

func (s *secretsRun) tree(what, dir string) {
	s.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		s.seen.Store(what+" "+path, string(text))
		return err
	})
	if err != nil {
		s.Error(err)
	}
}

// check looks for every secret, in every form that it may have taken.
func (s *secretsRun) check() {
	s.Helper()
	forms := map[string]string{}
	for _, secret := range []string{plainKey, signedKey, refusedKey, fileKey, apiSecret, hookSecret, password, badPassword, "asat_never-shown+key-0003="} {
		forms[secret] = secret
		forms[url.QueryEscape(secret)] = secret
		forms[url.PathEscape(secret)] = secret
		forms[hex.EncodeToString([]byte(secret))] = secret
		forms[base64.StdEncoding.EncodeToString([]byte(secret))] = secret
		forms[base64.URLEncoding.EncodeToString([]byte(secret))] = secret
		quoted, _ := json.Marshal(secret)
		forms[strings.Trim(string(quoted), `"`)] = secret
	}
	forms["never-shown"] = "a part of a secret"
	n := 0
	s.seen.Range(func(where, text any) bool {
		n++
		for form, secret := range forms {
			if i := strings.Index(text.(string), form); i >= 0 {
				s.Errorf("%s shows %s: ...%s...", where, secret, around(text.(string), i))
			}
		}
		return true
	})
	s.Logf("looked through %d texts", n)
}

// around is the text about a place.
func around(text string, i int) string {
	return text[max(0, i-80):min(len(text), i+80)]
}
