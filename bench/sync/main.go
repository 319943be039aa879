// Command sync measures what a nightly sync costs: the programs as they are built,
// against a sandbox of its own process that takes AfterShip's ten calls a second. Of
// the rows 96 in a hundred are known and unchanged, two are changed and two are new.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"aftership-bulk/aftership"
	"aftership-bulk/aftership/sandbox"
	"aftership-bulk/bench/rig"
)

var rows = flag.Int("rows", 50_000, "rows of the sheet; the goal is set for 50,000")

func main() { rig.Main(20*time.Minute, run) }

// Goals for the sheet of 50,000 rows, of which 2,000 need a call.
const (
	perSecond   = 10.0
	lookupRows  = 50
	writeShare  = 0.04
	slack       = 1.2 // the time above that of the calls alone
	startUp     = 10.0
	seedPortion = 500
)

func run(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "bench-sync-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", dir+string(os.PathSeparator), "aftership-bulk/cmd/...").CombinedOutput(); err != nil {
		return fmt.Errorf("build the programs: %w\n%s", err, out)
	}
	path, err := rig.Sheet(dir, *rows)
	if err != nil {
		return err
	}
	r, err := rig.Start(ctx, rig.Listpack)
	if err != nil {
		return err
	}
	defer r.Stop()
	box, err := serve(ctx, dir)
	if err != nil {
		return err
	}
	defer box.stop()
	if err := box.seed(ctx, path); err != nil {
		return err
	}
	return measure(ctx, r, box, dir, path)
}

// server is the sandbox in a process of its own.
type server struct {
	cmd *exec.Cmd
	url string
}

func serve(ctx context.Context, dir string) (*server, error) {
	cmd := exec.CommandContext(ctx, filepath.Join(dir, "sandbox"), "--addr", "127.0.0.1:0", "--log-size", "200000")
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s := &server{cmd: cmd}
	_, err = fmt.Fscanln(out, &s.url)
	return s, err
}

func (s *server) stop() { _ = s.cmd.Process.Kill(); _ = s.cmd.Wait() }

// seed makes the trackings of all rows but the new ones, those of changed rows with
// another title.
func (s *server) seed(ctx context.Context, path string) error {
	var seeds []sandbox.Seed
	i := 0
	err := rig.Shipments(ctx, path, func(row aftership.Shipment) error {
		i++
		if i%50 == 0 {
			return nil // new
		}
		seed := seedOf(row)
		if i%50 == 25 {
			seed.Fields["title"] = "as it was before"
		}
		if seeds = append(seeds, seed); len(seeds) < seedPortion {
			return nil
		}
		err := s.control(ctx, http.MethodPost, "seed", seeds, nil)
		seeds = seeds[:0]
		return err
	})
	return errors.Join(err, s.control(ctx, http.MethodPost, "seed", seeds, nil))
}

func seedOf(row aftership.Shipment) sandbox.Seed {
	fields := map[string]any{
		"customers":                  []map[string]string{{"name": row.CustomerName, "email": row.Emails.String(), "phone_number": row.SMSes.String()}},
		"destination_country_region": row.DestinationCountry,
	}
	for _, column := range []string{"title", "order_id", "destination_city", "destination_postal_code", "order_date", "note"} {
		fields[column] = row.Value(column)
	}
	return sandbox.Seed{Number: row.TrackingNumber, Slug: row.Slug, Tag: "InTransit", Fields: fields}
}

func (s *server) control(ctx context.Context, method, path string, body, into any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, s.url+"/_sandbox/"+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
		return err
	case resp.StatusCode >= 300:
		return fmt.Errorf("%s %s: %d %s", method, path, resp.StatusCode, answer)
	case into == nil:
		return nil
	}
	return json.Unmarshal(answer, into)
}

// measure runs the sync with one worker and prints what it took.
func measure(ctx context.Context, r *rig.Redis, box *server, dir, path string) error {
	env := append(os.Environ(), "REDIS_URL="+r.URL(), "AFTERSHIP_BASE_URL="+box.url, "AFTERSHIP_API_KEY="+sandbox.DefaultKey,
		"REPORT_DIR="+filepath.Join(dir, "reports"), "AFTERSHIP_API_VERSION=2024-04")
	worker := exec.CommandContext(ctx, filepath.Join(dir, "worker"))
	worker.Env = env
	if err := worker.Start(); err != nil {
		return err
	}
	defer func() { _ = worker.Process.Signal(os.Interrupt); _ = worker.Wait() }()
	enqueue := exec.CommandContext(ctx, filepath.Join(dir, "enqueue"), "sync", "--wait", "--report", filepath.Join(dir, "report.csv"), path)
	enqueue.Env = env
	start := time.Now()
	out, err := enqueue.CombinedOutput()
	took := time.Since(start).Seconds()
	if err != nil {
		return fmt.Errorf("enqueue sync: %w\n%s", err, out)
	}
	return tell(ctx, box, took, string(out))
}

func tell(ctx context.Context, box *server, took float64, said string) error {
	var log struct{ Calls []sandbox.Call }
	if err := box.control(ctx, http.MethodGet, "calls", nil, &log); err != nil {
		return err
	}
	var lookups, writes, refused float64
	for _, c := range log.Calls {
		switch {
		case c.HTTP == http.StatusTooManyRequests:
			refused++
		case c.Endpoint == aftership.EndpointList:
			lookups++
		case c.Endpoint == aftership.EndpointCreate, c.Endpoint == aftership.EndpointUpdate:
			writes++
		}
	}
	n := float64(*rows)
	mostLookups, mostWrites := n/lookupRows, n*writeShare
	mostTime := (mostLookups+mostWrites)/perSecond*slack + startUp
	rig.Figure("sync: look-ups", lookups, "calls", fmt.Sprintf("%d rows", *rows), rig.Goal(rig.Number(mostLookups), lookups <= mostLookups))
	rig.Figure("sync: creates and updates", writes, "calls", rig.Goal(rig.Number(mostWrites), writes <= mostWrites))
	rig.Figure("sync: time", took, "s", fmt.Sprintf("%.0f s without look-ups", n/perSecond), rig.Goal(rig.Number(mostTime), took <= mostTime))
	rig.Figure("sync: calls that were refused (429)", refused, "calls")
	if want := fmt.Sprintf("%d already so", *rows*96/100); *rows%50 == 0 && !strings.Contains(said, want) {
		return fmt.Errorf("the sync does not say %q:\n%s", want, said)
	}
	return nil
}
