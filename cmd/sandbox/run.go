package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"aftership-bulk/aftership"
	"aftership-bulk/aftership/sandbox"
)

// The exit codes.
const (
	exitOK     = 0 // stopped by a signal
	exitUsage  = 2 // a flag that makes no sense
	exitFailed = 5 // the address cannot be served, or the log not be written
)

// errUsage marks errors of the command line.
var errUsage = errors.New("usage")

// settings are the flags.
type settings struct {
	addr, logFile, key string
	keys, limits       []string
	demo               bool
	options            sandbox.Options
}

// run is the program: it serves until the context ends.
func run(ctx context.Context, args, env []string, stdout, stderr io.Writer) int {
	var set settings
	cmd := command(&set, env)
	cmd.SetArgs(args)
	cmd.SetOut(stdout)
	cmd.SetErr(stderr)
	err := cmd.ExecuteContext(ctx)
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errUsage):
		fmt.Fprintf(stderr, "sandbox: %v\nRun 'sandbox --help' for the flags.\n", err)
		return exitUsage
	}
	fmt.Fprintf(stderr, "sandbox: %v\n", err)
	return exitFailed
}

const long = `Serves a stateful stand-in for AfterShip's Tracking API in every version, under /v4 and /tracking/<version>.
AfterShip has no test system for this API; point AFTERSHIP_BASE_URL at this one instead.

The first line on standard output is the address, as http://127.0.0.1:8321. While it runs, everything can be
changed and read under /_sandbox/ (GET it for the list): settings, faults, trackings, keys, the log of calls.

The key is ` + sandbox.DefaultKey + `, or that of SANDBOX_KEY or --key.

Exit codes: 0 stopped by a signal; 2 a flag that makes no sense; 5 the address or the log file cannot be used.`

const example = `  sandbox --demo
  sandbox --addr 127.0.0.1:0 --rate 5 --model sliding --latency 40ms --jitter 3ms --log calls.jsonl
  sandbox --limit create=100 --limit update=10
  curl -d '{"kind":"status","status":503,"share":0.05}' http://127.0.0.1:8321/_sandbox/faults`

func command(set *settings, env []string) *cobra.Command {
	cmd := &cobra.Command{
		Use: "sandbox", Short: "A stand-in for AfterShip's Tracking API", Long: long, Example: example,
		SilenceUsage: true, SilenceErrors: true,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return fmt.Errorf("%w: there are no arguments, only flags: %q", errUsage, args)
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := set.complete(env); err != nil {
				return fmt.Errorf("%w: %w", errUsage, err)
			}
			return set.serve(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return fmt.Errorf("%w: %w", errUsage, err) })
	set.flags(cmd)
	return cmd
}

func (set *settings) flags(cmd *cobra.Command) {
	f, o := cmd.Flags(), &set.options
	f.StringVar(&set.addr, "addr", "127.0.0.1:8321", "address to serve on; port 0 takes a free one")
	f.BoolVar(&set.demo, "demo", false, "begin with the trackings and faults that the sheets in samples/ are made for")
	f.StringVar(&set.key, "key", "", "API key to accept (default "+sandbox.DefaultKey+")")
	f.StringArrayVar(&set.keys, "account-key", nil, "one more key, as ACCOUNT=KEY; an account has its own trackings and limits")
	f.IntVar(&o.Limit, "rate", 0, "requests a second for every class; -1 for no limit (default the vendor's table)")
	f.StringArrayVar(&set.limits, "limit", nil, "requests a second of one class, as CLASS=NUMBER")
	f.StringVar((*string)(&o.Model), "model", string(sandbox.ModelFixed), "how requests are counted: fixed, sliding or bucket")
	f.DurationVar(&o.Latency, "latency", 0, "time that a request and its reply are under way")
	f.DurationVar(&o.Jitter, "jitter", 0, "mean of a random delay, each way")
	f.DurationVar(&o.ClockOffset, "clock-offset", 0, "how far this server's clock is ahead")
	f.IntVar(&o.Quota, "quota", 0, "trackings that can be created (default any number)")
	f.IntVar(&o.LogSize, "log-size", 0, "calls kept in memory (default 100000)")
	f.StringVar(&set.logFile, "log", "", "file that gets every call as a line of JSON")
	f.Uint64Var(&o.RandomSeed, "seed", 0, "makes ids, jitter and random faults repeatable")
}

// complete reads what flags alone cannot say.
func (set *settings) complete(env []string) error {
	if set.key == "" {
		set.key = lookup(env, "SANDBOX_KEY")
	}
	set.options.Keys = []sandbox.Key{{Value: set.key}}
	if set.key == "" {
		set.options.Keys[0].Value = sandbox.DefaultKey
	}
	for _, text := range set.keys {
		account, value, ok := strings.Cut(text, "=")
		if !ok || account == "" || value == "" {
			return errors.New("--account-key takes ACCOUNT=KEY")
		}
		set.options.Keys = append(set.options.Keys, sandbox.Key{Account: account, Value: value})
	}
	limits, err := parseLimits(set.limits)
	set.options.Limits = limits
	if err == nil {
		err = set.options.Check()
	}
	return err
}

// parseLimits reads CLASS=NUMBER.
func parseLimits(texts []string) (map[aftership.Class]int, error) {
	known := map[aftership.Class]bool{}
	for _, v := range aftership.Versions() {
		for _, c := range v.Classes() {
			known[c] = true
		}
	}
	limits := map[aftership.Class]int{}
	for _, text := range texts {
		class, number, _ := strings.Cut(text, "=")
		var n int
		if _, err := fmt.Sscanf(number, "%d", &n); err != nil || !known[aftership.Class(class)] {
			return nil, fmt.Errorf("--limit %q must be CLASS=NUMBER, with one of the classes %v", text, slices.Sorted(maps.Keys(known)))
		}
		limits[aftership.Class(class)] = n
	}
	return limits, nil
}

// lookup finds a variable of the environment.
func lookup(env []string, name string) string {
	value := ""
	for _, pair := range env {
		if found, ok := strings.CutPrefix(pair, name+"="); ok {
			value = found
		}
	}
	return value
}

// serve answers requests until the context ends, then lets those under way finish for a moment.
func (set *settings) serve(ctx context.Context, stdout, stderr io.Writer) error {
	closeLog, err := set.openLog()
	if err != nil {
		return err
	}
	defer closeLog()
	listener, err := net.Listen("tcp", set.addr)
	if err != nil {
		return fmt.Errorf("cannot serve on %s: %w", set.addr, err)
	}
	box := set.sandbox()
	server := &http.Server{Handler: box, ReadHeaderTimeout: time.Minute}
	fmt.Fprintf(stdout, "http://%s\n", listener.Addr())
	fmt.Fprintf(stderr, "sandbox: serving every version of the API; steer it under http://%s/_sandbox/\n", listener.Addr())
	finished := make(chan struct{})
	context.AfterFunc(ctx, func() {
		defer close(finished)
		shutdown(server)
	})
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	<-finished
	return box.LogError()
}

func (set *settings) sandbox() *sandbox.Sandbox {
	if set.demo {
		return sandbox.Demo(set.options)
	}
	return sandbox.New(set.options)
}

// shutdown gives requests under way a second: some are slow on purpose.
func shutdown(server *http.Server) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if server.Shutdown(ctx) != nil {
		server.Close() //nolint:errcheck // the program ends anyway
	}
}

// openLog opens the file for the calls, if there is to be one.
func (set *settings) openLog() (closeLog func(), err error) {
	if set.logFile == "" {
		return func() {}, nil
	}
	f, err := os.OpenFile(set.logFile, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("cannot write the log of calls: %w", err)
	}
	set.options.LogTo = f
	return func() { f.Close() }, nil
}
