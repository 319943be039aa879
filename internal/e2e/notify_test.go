package e2e

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

func init() { commands["receiver"] = cmdReceiver }

// cmdReceiver starts something that takes messages, puts its address into a
// variable, answers each with a status, and appends what came to a file, a line
// each: receiver HOOK 200 hook.txt.
func cmdReceiver(ts *testscript.TestScript, _ bool, args []string) {
	status, err := strconv.Atoi(args[1])
	ts.Check(err)
	path := ts.MkAbs(args[2])
	var mu sync.Mutex
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err == nil {
			_, err = f.WriteString(strings.ReplaceAll(string(body), "\n", " ") + "\n")
			_ = f.Close()
		}
		if err != nil {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		w.WriteHeader(status)
	}))
	ts.Defer(server.Close)
	ts.Setenv(args[0], server.URL)
}
