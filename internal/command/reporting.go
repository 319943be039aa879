package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"

	"aftership-bulk/batch"
	"aftership-bulk/internal/wire"
	"aftership-bulk/report"
)

// writeReport writes the report of an input, and beside it the rows that need a
// person.
func (c *cli) writeReport(ctx context.Context, in *input, items iter.Seq2[batch.Item, error], files int) error {
	if dir := c.reportDir(files); dir != "" {
		paths, err := report.FilesWith(ctx, dir, in.b, items, wire.ReportOptions(c.cfg))
		in.report, in.failed = paths.Report, paths.Failed
		return err
	}
	o := report.Options{Guard: report.Guard(c.cfg.ReportGuard)} // the format is what the name says
	paths, err := report.ToFiles(ctx, report.Paths{Report: c.imp.report, Failed: c.failedPath()}, report.InfoOf(in.b), items, o)
	if err != nil {
		return err
	}
	in.report, in.failed = c.imp.report, paths.Failed
	return nil
}

// failedPath is where the rows that need a person go, beside --report FILE.
func (c *cli) failedPath() string {
	ext := filepath.Ext(c.imp.report)
	return strings.TrimSuffix(c.imp.report, ext) + ".failed" + ext
}

// reportable finds out, before anything is sent, whether the reports can be
// written, and that none takes the place of a sheet.
func (c *cli) reportable(inputs []*input) error {
	if c.writesReport() {
		if err := c.writable(len(inputs)); err != nil {
			return usage(fmt.Errorf("the report cannot be written, so nothing was sent: %w", err), "choose another place with --report")
		}
	}
	return nil
}

// writesReport says that this command writes the report, and no worker does.
func (c *cli) writesReport() bool {
	return c.flags.sandbox || c.cfg.RedisURL.Value() == "" || c.imp.wait.set
}

// writable tries the directory of the reports with a file of its own.
func (c *cli) writable(files int) error {
	dir := c.reportDir(files)
	if dir == "" {
		if info, err := os.Stat(c.imp.report); err == nil && !info.Mode().IsRegular() {
			return nil // a device or a pipe
		}
		if dir = filepath.Dir(c.imp.report); dir != "." {
			if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("there is no directory %s", dir)
			}
		}
	}
	return wire.Writable(dir)
}

// notItself refuses a report, or its failed rows, in the place of one of its sheets.
func (c *cli) notItself(files []string) error {
	if c.imp.report == "" {
		return nil
	}
	for _, path := range []string{c.imp.report, c.failedPath()} {
		written, err := os.Stat(path)
		if err != nil {
			continue
		}
		for _, file := range files {
			if sheet, err := os.Stat(file); err == nil && os.SameFile(written, sheet) {
				return usage(fmt.Errorf("--report %s would overwrite the sheet itself, %s", c.imp.report, file), "choose another place with --report")
			}
		}
	}
	return nil
}

// reportDir is the directory for reports; empty if --report names one file.
func (c *cli) reportDir(files int) string {
	if c.imp.report == "" {
		return c.cfg.ReportDir
	}
	if info, err := os.Stat(c.imp.report); files > 1 || err == nil && info.IsDir() {
		return c.imp.report
	}
	return ""
}

// finishRun emits the last event and turns the exit code into the command's error.
func (c *cli) finishRun(inputs []*input, code int) error {
	e := event{Event: "result", Exit: &code}
	for _, in := range inputs {
		if in.unreported {
			code = worst(code, exitRowsFailed) // somebody must look: the report is missing
		}
		if in.b.ID != "" {
			e.Batches = append(e.Batches, viewOf(in.b))
		}
		e.Report, e.Failed = in.report, in.failed
	}
	c.ui.emit(e)
	if code == exitDone {
		return nil
	}
	c.tellTrouble(inputs)
	return &exitWith{code}
}

// tellTrouble says on stderr what stands behind the exit code of a quiet run,
// such as one by cron, which mails what was said and nothing else.
func (c *cli) tellTrouble(inputs []*input) {
	if !c.ui.quiet || c.ui.json {
		return
	}
	for _, in := range inputs {
		if failedRows(in.b) == 0 && in.b.Pending() == 0 {
			continue
		}
		line := fmt.Sprintf("%s: %s", in.name, countsText(in.b))
		if path := cmp.Or(in.failed, in.report); path != "" {
			line += "; look at " + path
		}
		c.ui.alarm("%s", line)
	}
}

// exitWith ends the command with a code after everything was said.
type exitWith struct{ code int }

func (e *exitWith) Error() string { return fmt.Sprintf("exit code %d", e.code) }

// commandOf is the name of the command for an operation.
func commandOf(op batch.Operation) string {
	switch op {
	case batch.Complete:
		return "mark-complete"
	case batch.Retrack:
		return "retrack-expired"
	}
	return string(op)
}
