package command

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aftership-bulk/internal/redistest"
)

// cancelling ends a context once a text was written.
type cancelling struct {
	bytes.Buffer
	at   string
	stop context.CancelFunc
}

func (c *cancelling) Write(p []byte) (int, error) {
	n, err := c.Buffer.Write(p)
	if strings.Contains(c.String(), c.at) {
		c.stop()
	}
	return n, err
}

// Who waits for a run that was asked for may go: it is said that the run goes on,
// and not what the interruption has broken off within the program.
func TestInterruptedWaitForARun(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	settings := filepath.Join(dir, "settings.yml")
	text := "schedules:\n  - {name: nightly, cron: \"30 2 * * *\", command: [retrack-expired]}\n"
	if err := os.WriteFile(settings, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stdout, stderr := new(bytes.Buffer), &cancelling{at: "no worker knows schedule nightly", stop: cancel}
	run := Inside{
		Args: []string{"schedules", "run", "nightly", "--wait"}, Stdout: stdout, Stderr: stderr,
		Env: []string{"REDIS_URL=redis://" + redistest.Server(t).Addr(), "AFTERSHIP_BULK_CONFIG=" + settings, "HOME=" + dir, "USER=ops"},
	}
	if code := run.Run(ctx); code != exitInterrupted {
		t.Errorf("exit code %d, want %d", code, exitInterrupted)
	}
	got := stderr.String()
	if want := "error: interrupted; the run goes on without this command\nTry: enqueue schedules nightly\n"; !strings.HasSuffix(got, want) {
		t.Errorf("stderr is %q, and does not end in %q", got, want)
	}
	if stdout.Len() > 0 {
		t.Errorf("stdout is %q, want nothing", stdout)
	}
}
