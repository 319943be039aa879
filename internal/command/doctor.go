package command

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"aftership-bulk/config"
	"aftership-bulk/internal/wire"
)

// level says how bad a finding is.
type level string

const (
	// levelOK: all is well. Nothing to do.
	levelOK level = "ok"
	// levelWarn: it works, and may not always, or could not be found out. Do it when there is time.
	levelWarn level = "warn"
	// levelFail: something does not work, or rows are in danger. Do what the finding says.
	levelFail level = "fail"
)

// levels lists every level, the worst last.
func levels() []level { return []level{levelOK, levelWarn, levelFail} }

// finding is what the doctor found in one place.
type finding struct {
	Check string `json:"check"`
	Level level  `json:"level"`
	Found string `json:"found"`
	Means string `json:"means,omitzero"`
	Do    string `json:"do,omitzero"`
}

// doctor gathers findings.
type doctor struct {
	cli      *cli
	rows     int
	now      time.Time
	findings []finding
}

func (c *cli) doctorCommand() *cobra.Command {
	var rows int
	cmd := &cobra.Command{
		Use: "doctor", Short: "Look for what is wrong, or may become so, and say what to do",
		Long: `Looks at Redis, the queues, the workers, the batches, the key and the places on
this machine. It changes nothing, and sends one small request for each key.

Its exit code is 0 when nothing fails, 1 when something does, and 5 when Redis
cannot be reached.`,
		Example: "  enqueue doctor\n  enqueue doctor --rows 500000\n  enqueue doctor --json", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.doctor(cmd.Context(), rows) },
	}
	cmd.Flags().IntVar(&rows, "rows", 100_000, "find out whether Redis has room for this many rows")
	return cmd
}

func (c *cli) doctor(ctx context.Context, rows int) error {
	d := &doctor{cli: c, rows: rows, now: time.Now()}
	d.configFile()
	d.writable("report directory", c.cfg.ReportDir, "REPORT_DIR")
	code, err := d.store(ctx)
	if err != nil {
		return ctxOr(ctx, err)
	}
	d.show()
	if code == exitDone && slices.ContainsFunc(d.findings, func(f finding) bool { return f.Level == levelFail }) {
		code = exitRowsFailed
	}
	if code == exitDone {
		return nil
	}
	return &exitWith{code}
}

// store looks at what keeps the batches, Redis or the state directory, and at
// everything that needs it.
func (d *doctor) store(ctx context.Context) (code int, err error) {
	inRedis := d.cli.cfg.RedisURL.Value() != ""
	if !inRedis {
		d.ok("Redis", "none is set: `enqueue` carries everything out itself")
		d.writable("state directory", d.cli.cfg.StateDir, "STATE_DIR")
	}
	s, err := d.cli.open(ctx, readOnly)
	if err != nil && ctx.Err() != nil {
		return 0, err
	}
	switch {
	case err != nil && inRedis:
		d.fail("Redis", err.Error(), "nothing can be enqueued or carried out", "check that it runs and that REDIS_URL is right")
		return exitUnreachable, nil
	case err != nil:
		d.fail("state directory", err.Error(), "batches cannot be read", cmp.Or(hintOf(err), "check STATE_DIR"))
		return exitDone, nil
	}
	defer s.close()
	x := &examination{doctor: d, s: s}
	if err := x.all(ctx); err != nil {
		switch {
		case ctx.Err() != nil:
			return 0, err
		case !inRedis:
			d.fail("state directory", err.Error(), "some batches cannot be read", "do what the error says")
			return exitDone, nil
		}
		d.fail("Redis", err.Error(), "it could not be asked about everything", "run `enqueue doctor` again; check what the user in REDIS_URL may do")
		return exitUnreachable, nil
	}
	return exitDone, nil
}

func (d *doctor) add(l level, check, found, means, do string) {
	d.findings = append(d.findings, finding{check, l, found, means, do})
}

func (d *doctor) ok(check, found string, args ...any) {
	d.add(levelOK, check, fmt.Sprintf(found, args...), "", "")
}

func (d *doctor) warn(check, found, means, do string) { d.add(levelWarn, check, found, means, do) }

func (d *doctor) fail(check, found, means, do string) { d.add(levelFail, check, found, means, do) }

// unknown is the finding of what Redis or the system does not tell.
func (d *doctor) unknown(check, why, do string) {
	d.add(levelWarn, check, "unknown", why, do)
}

// show prints the findings: all of them, or in quiet those that fail.
func (d *doctor) show() {
	u := d.cli.ui
	count := map[level]int{}
	for _, f := range d.findings {
		count[f.Level]++
	}
	if u.json {
		answer := map[string]any{"findings": d.findings}
		for _, l := range levels() {
			answer[string(l)] = count[l]
		}
		_ = json.NewEncoder(u.stdout).Encode(answer) // nobody is left to tell when stdout is gone
		return
	}
	for _, f := range d.findings {
		if u.quiet && f.Level == levelFail {
			u.alarm("%s: %s: %s; %s", f.Check, f.Found, f.Means, f.Do)
		}
		u.say("%s  %-20s  %s", u.levelWord(f.Level), f.Check, f.Found)
		if f.Level != levelOK {
			u.say("      %-20s  it means: %s", "", f.Means)
			u.say("      %-20s  do: %s", "", f.Do)
		}
	}
	u.say("")
	u.say("%d ok, %d to look at, %s.", count[levelOK], count[levelWarn], verbed(count[levelFail], "that fails", "that fail"))
}

// levelWord is a level of four letters, coloured where colours are.
func (u *ui) levelWord(l level) string {
	return u.tint(map[level]string{levelOK: "32", levelWarn: "33", levelFail: "31"}[l], fmt.Sprintf("%-4s", l))
}

// configFile warns when others can read the keys in the config file.
func (d *doctor) configFile() {
	path, secret := secretsIn(d.cli.cfg)
	if path == "" {
		return
	}
	info, err := os.Stat(path)
	switch {
	case err != nil || runtime.GOOS == "windows":
		return // it was read a moment ago, or the system has other permissions than these
	case secret == "":
		d.ok("config file", "%s holds no secrets", path)
	case info.Mode().Perm()&0o007 != 0:
		d.warn("config file", fmt.Sprintf("%s holds secrets (%s) and has the permissions %s", path, secret, info.Mode().Perm()),
			"every user of this machine can read them", "chmod 600 "+path+", or put the secret into a file of its own with "+secret+"_file")
	default:
		d.ok("config file", "%s holds secrets, and others cannot read it", path)
	}
}

// secretsIn finds the config file and, if there is one, a secret that stands in it.
func secretsIn(cfg config.Config) (path, secret string) {
	shown := cfg.Show()
	value := map[string]config.Shown{}
	for _, s := range shown {
		value[s.Name] = s
	}
	path = value["config"].Value
	for _, s := range shown {
		ofFile := strings.HasPrefix(s.Origin, "file ")
		if ofFile && s.Value != "" && s.Value == config.NewSecret("x").String() && value[s.Name+"_file"].Value == "" {
			return path, s.Name
		}
	}
	return path, ""
}

// writable tries whether a directory can be written to, or made where it would be.
func (d *doctor) writable(check, dir, setting string) {
	at := dir
	info, err := os.Stat(at)
	for err != nil && os.IsNotExist(err) && filepath.Dir(at) != at {
		at = filepath.Dir(at)
		info, err = os.Stat(at)
	}
	if err == nil && !info.IsDir() {
		err = &fs.PathError{Op: "write into", Path: at, Err: fs.ErrInvalid}
	}
	if err == nil {
		err = wire.Writable(at)
	}
	if err != nil {
		d.fail(check, fmt.Sprintf("%s cannot be written: %v", dir, err), "runs cannot keep what became of the rows", "choose another place with "+setting)
		return
	}
	if at != dir {
		d.ok(check, "%s is not there yet, and can be made", dir)
		return
	}
	d.ok(check, "%s can be written", dir)
}
