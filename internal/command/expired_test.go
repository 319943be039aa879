package command

import (
	"bytes"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"aftership-bulk/aftership/sandbox"
	"aftership-bulk/batch"
	"aftership-bulk/internal/redistest"
)

// A scheduled retrack that another worker takes up goes on with the batch that the
// dead one had begun, although that batch holds the lock and AfterShip lists other
// shipments by now. Nobody else does.
func TestRetrackTakenUpGoesOnWithItsBatch(t *testing.T) {
	t.Parallel()
	api := sandbox.New(sandbox.Options{})
	for i := range 3 {
		seed := sandbox.Seed{Slug: "ups", Number: fmt.Sprintf("1Z999AA1000000000%d", i), Tag: "Expired", Inactive: true, Created: time.Now().AddDate(0, 0, -40)}
		if err := api.Seed(seed); err != nil {
			t.Fatal(err)
		}
	}
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	dir, redis := t.TempDir(), redistest.Server(t)
	asked := time.Now().Add(-time.Second)
	run := func(user string, asked time.Time) (code int, batches []batch.ID, said string) {
		t.Helper()
		var out bytes.Buffer
		code = Inside{
			Args: []string{"retrack-expired"}, Stdout: &out, Stderr: &out, Asked: asked, OnBatch: func(id batch.ID) { batches = append(batches, id) },
			Env: []string{"REDIS_URL=redis://" + redis.Addr(), "AFTERSHIP_BASE_URL=" + server.URL, "AFTERSHIP_API_KEY=" + sandbox.DefaultKey, "HOME=" + dir, "USER=" + user},
		}.Run(t.Context())
		return code, batches, out.String()
	}
	code, first, said := run("schedule expired", asked)
	if code != exitDone || len(first) != 1 { // no worker is there, so that the batch stays unfinished
		t.Fatalf("the first run: exit code %d, batches %v: %s", code, first, said)
	}
	code, second, said := run("schedule expired", asked)
	if want := "The run goes on as batch " + first[0]; code != exitDone || len(second) != 1 || second[0] != first[0] || !strings.Contains(said, want) {
		t.Errorf("the run that takes it up: exit code %d, batches %v, want %v: %s", code, second, first, said)
	}
	for what, other := range map[string]struct {
		user  string
		asked time.Time
	}{
		"the schedule's next run": {"schedule expired", time.Now().Add(time.Second)},
		"another schedule":        {"schedule other", asked},
		"a person":                {"ops", time.Time{}},
	} {
		if code, batches, said := run(other.user, other.asked); code != exitLocked || len(batches) != 0 {
			t.Errorf("%s: exit code %d, batches %v, want %d and none: %s", what, code, batches, exitLocked, said)
		}
	}
}
