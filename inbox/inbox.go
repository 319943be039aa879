package inbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Options say how a folder is watched.
type Options struct {
	// Dir is the folder.
	Dir string
	// Operations are the names of what can be done with a file, which folders and files are named after.
	Operations []string
	// Run carries out a file. Several run at once; a context that ends must end them.
	Run func(context.Context, Job) Result
	// ReportEnd is what the name of a report ends in. Defaults to ".csv".
	ReportEnd string
	// Files is how many files are carried out at once, small ones apart whose job says that it only waits. Defaults to 1.
	Files int
	// Still is how long size and time of a file must not change before it is taken. Defaults to 10 seconds.
	Still time.Duration
	// Poll is the time between two looks. Defaults to a third of Still, and to three seconds at most.
	Poll time.Duration
	// Lease is how long a worker may show no sign of life before its files are taken from it. Defaults to 30 seconds.
	Lease time.Duration
	// Retry is the first wait after a run that could not be ended. Defaults to 15 seconds; it doubles up to sixty times that,
	// but not where another run holds the lock.
	Retry time.Duration
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
	// Log takes what happens. Defaults to nowhere.
	Log *slog.Logger
}

func (o Options) withDefaults() Options {
	set := func(d *time.Duration, def time.Duration) {
		if *d <= 0 {
			*d = def
		}
	}
	set(&o.Still, 10*time.Second)
	set(&o.Poll, min(max(o.Still/3, 50*time.Millisecond), 3*time.Second))
	set(&o.Lease, 30*time.Second)
	set(&o.Retry, 15*time.Second)
	o.Files = max(o.Files, 1)
	if o.ReportEnd == "" {
		o.ReportEnd = ".csv"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// Job is a file to be carried out.
type Job struct {
	// Name is the file with its folder, as people know it.
	Name string
	// Operation and Preset are what the names of folder and file say. Preset defaults to "", none named.
	Operation, Preset string
	// Options are those of the folder.
	Options []Option
	// Folder is where the file was put; what the options name by a relative path is there.
	Folder string
	// Taken is when the file was taken, by whichever worker, to the second.
	Taken time.Time
	// Path is where the file is now.
	Path string
	// Report is where the report must be written; the rows that need a person go beside it, with ".failed" before the end of the name.
	Report string
	// Accepted may be called when the run has got what earlier ones have waited for.
	Accepted func()
	// Waits may be called once: from then on the run does nothing but wait.
	Waits func()
}

// Result is what became of a job.
type Result struct {
	// Code is an exit code of enqueue: 0 and 1 are done, 4, 5, 6 and 130 are tried again, everything else is failed.
	Code int
	// Output is what the person must know who has put the file there. It should stay the same while what a file waits for does.
	Output string
	// Told are attributes for the log, such as the batch.
	Told []any
}

// The directories of a folder.
const (
	incoming   = "incoming"
	processing = "processing"
	done       = "done"
	failed     = "failed"
)

// Box is a watched folder.
type Box struct {
	o      Options
	id     string // of this worker
	own    string // the directory of its claims
	seen   map[string]sighting
	astray map[string]sighting // files beside incoming
	peers  map[string]pulse
	queue  []found // files that are ready, as of the last look
	mine   []*claim
	ended  chan ending
	runs   sync.WaitGroup
	told   map[string]bool // warnings that were given
	going  bool            // the worker ends
	stands figures
}

// Open makes the directories that are missing, and makes sure that files can be moved between them.
func Open(o Options) (*Box, error) {
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, err
	}
	o.Dir = dir
	b := &Box{o: o.withDefaults(), id: newID(), seen: map[string]sighting{}, peers: map[string]pulse{}, told: map[string]bool{}}
	b.ended = make(chan ending, b.o.Files)
	b.own = b.path(processing, b.id)
	for _, name := range []string{incoming, processing, done, failed} {
		if err := os.MkdirAll(b.path(name), 0o777); err != nil { // the umask says who else may use it
			return nil, fmt.Errorf("the folder cannot be used: %w", err)
		}
	}
	for _, op := range b.o.Operations {
		if err := os.Mkdir(b.path(incoming, op), 0o777); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, fmt.Errorf("the folder cannot be used: %w", err)
		}
	}
	return b, b.probe()
}

func (b *Box) path(parts ...string) string {
	return filepath.Join(append([]string{b.o.Dir}, parts...)...)
}

// probe moves a file of its own through the directories.
func (b *Box) probe() error {
	name := ".probe-" + b.id
	at := b.path(incoming, name)
	if err := os.WriteFile(at, nil, 0o666); err != nil {
		return fmt.Errorf("the folder cannot be used: %w", err)
	}
	for _, dir := range []string{processing, done, failed} {
		next := b.path(dir, name)
		if err := os.Rename(at, next); err != nil {
			_ = os.Remove(at)
			return fmt.Errorf("files cannot be moved from %s to %s: %w: %s", filepath.Dir(at), filepath.Dir(next), err, sameFileSystem)
		}
		at = next
	}
	return os.Remove(at)
}

const sameFileSystem = "incoming, processing, done and failed must be on one file system, and writable"

// Watch takes files until the context ends. What is not carried out by then is
// left for the other workers, or the next one.
func (b *Box) Watch(ctx context.Context) {
	living, stop := context.WithCancel(context.WithoutCancel(ctx))
	var beating sync.WaitGroup
	b.beat(1)
	beating.Go(func() { b.live(living) })
	look := time.NewTicker(b.o.Poll)
	defer look.Stop()
	b.turn(ctx)
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case e := <-b.ended:
			b.settle(e)
			b.fill(ctx)
		case <-look.C:
			b.turn(ctx)
		}
	}
	b.leave()
	stop()
	beating.Wait()
	b.farewell()
}

// leave waits for the runs, and puts what they have finished where it belongs.
func (b *Box) leave() {
	b.going = true
	for b.count(func(c *claim) bool { return c.running }) > 0 {
		b.settle(<-b.ended)
	}
	b.runs.Wait()
}

// turn is one look at everything.
func (b *Box) turn(ctx context.Context) {
	now := b.o.Now()
	b.queue = b.ready(now)
	b.strays(now)
	b.resume(ctx, now)
	b.adopt(ctx, now)
	b.fill(ctx)
	b.survey()
}

// fill takes files for which there is room.
func (b *Box) fill(ctx context.Context) {
	var rest []found
	for _, f := range b.queue {
		if ctx.Err() != nil || len(b.mine) >= mostClaims || !b.room(f.size) {
			rest = append(rest, f)
			continue
		}
		b.take(ctx, f)
	}
	b.queue = rest
}

// mostClaims bounds the files that a worker has in hand: those that wait for the end of their batch, and those
// that wait for another try, as while an account is stopped.
const mostClaims = 100

// large is the size from which on a file counts as large.
const large = 1 << 20

// room says whether a file of a size may start: large files leave half of the
// places to small ones, and small ones leave a place to large ones. A small file
// that only waits takes no place.
func (b *Box) room(size int64) bool {
	all := b.count((*claim).busy)
	alike := b.count(func(c *claim) bool { return c.busy() && (c.size >= large) == (size >= large) })
	most := max(1, b.o.Files-1)
	if size >= large {
		most = max(1, b.o.Files/2)
	}
	return all < b.o.Files && alike < most
}

func (b *Box) count(which func(*claim) bool) (n int) {
	for _, c := range b.mine {
		if which(c) {
			n++
		}
	}
	return n
}

// ending is a run that has ended, or that only waits from now on.
type ending struct {
	c      *claim
	result Result
	waits  bool
}

// start carries out a claim.
func (b *Box) start(ctx context.Context, c *claim) {
	job, err := b.job(c)
	if err != nil {
		b.settle(ending{c: c, result: Result{Code: codeRefused, Output: "error: " + err.Error()}})
		return
	}
	if err := c.begin(); err != nil {
		b.later(c, err)
		return
	}
	if c.began.IsZero() {
		b.o.Log.Info("file taken", "file", c.display(), "operation", job.Operation, "bytes", c.size)
	}
	c.running, c.waits, c.began = true, false, b.o.Now()
	note := b.waiting(c)
	job.Accepted = func() { dropNote(note) }
	job.Waits = sync.OnceFunc(func() { b.ended <- ending{c: c, waits: true} })
	b.runs.Go(func() { b.ended <- ending{c: c, result: b.run(ctx, job)} })
}

// run carries out a job. A panic of ours must not end the worker, nor each one that takes the file up after it.
func (b *Box) run(ctx context.Context, job Job) (r Result) {
	defer func() {
		if p := recover(); p != nil {
			r = Result{Code: codePanic, Output: fmt.Sprintf("error: the program failed on this file: %v\nTry: report this with the file", p)}
		}
	}()
	return b.o.Run(ctx, job)
}

// job says what to do with a claim's file.
func (b *Box) job(c *claim) (Job, error) {
	info, err := os.Lstat(c.file())
	if err != nil {
		return Job{}, err
	}
	if !info.Mode().IsRegular() {
		return Job{}, fmt.Errorf("%s is %s and no file, so nothing was sent.\nTry: put the file itself there", c.name, kind(info.Mode()))
	}
	if n := c.tries(); n >= mostTries {
		return Job{}, fmt.Errorf("%d workers have died while they had this file, so it is not tried again.\nTry: look at what the workers said last; then put the file there again", n)
	}
	job := Job{Name: c.display(), Folder: b.path(incoming, c.folder), Taken: c.taken(), Path: c.file(), Report: filepath.Join(c.dir, out, "report"+b.o.ReportEnd)}
	if job.Operation, job.Preset, err = meaning(c.folder, c.name, b.o.Operations); err != nil {
		return Job{}, err
	}
	path := filepath.Join(job.Folder, optionsFile)
	if job.Options, err = readOptions(path); err != nil {
		return Job{}, fmt.Errorf("%s/%s cannot be read, so nothing was sent: %w.\nTry: mend that file, then put this one there again", filepath.ToSlash(filepath.Join(incoming, c.folder)), optionsFile, err)
	}
	return job, nil
}

func kind(m fs.FileMode) string {
	switch {
	case m&fs.ModeSymlink != 0:
		return "a symbolic link"
	case m.IsDir():
		return "a directory"
	case m&fs.ModeNamedPipe != 0:
		return "a named pipe"
	}
	return "a device or a socket"
}

// Codes of our own, beside those of enqueue.
const (
	codeRefused = 2
	codeLocked  = 6
	codePanic   = -1
)

// fate is where a file goes after its run: done, failed, or "" for another try.
func fate(code int) string {
	switch code {
	case 0, 1:
		return done
	case 4, 5, codeLocked, 130:
		return ""
	}
	return failed
}

// settle does what a run's result asks for.
func (b *Box) settle(e ending) {
	c := e.c
	if e.waits {
		c.waits = true
		c.over() // nobody has died of it so far
		return
	}
	c.running = false
	c.over()
	to := fate(e.result.Code)
	text := b.plain(c, e.result.Output)
	switch {
	case to == "":
		b.again(c, e.result, text)
	case c.changed():
		b.later(c, errors.New("the file was changed while it was read"))
	default:
		b.put(c, to, e.result, text)
	}
}

// put moves a file with what belongs to it to where it stays.
func (b *Box) put(c *claim, to string, r Result, text string) {
	if _, err := os.Stat(filepath.Join(c.dir, out, "report"+b.o.ReportEnd)); to == done && err != nil {
		to = failed // whoever has put it there must know why there is no report
	}
	if to == failed {
		if err := c.explain(cmp.Or(text, fmt.Sprintf("error: exit code %d", r.Code))); err != nil && c.there() {
			b.later(c, err)
			return
		}
	}
	dropNote(b.waiting(c)) // before the file goes, so that nobody's death leaves it there for ever
	at, err := b.place(c, to)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !c.there():
		b.o.Log.Warn("the file was taken over by another worker, because this one stood still", "file", c.display())
	case err != nil:
		b.later(c, err)
		return
	case to == failed:
		b.stands.count(failed)
		b.o.Log.Warn("file failed", append([]any{"file", c.display(), "exit_code", r.Code, "to", at, "because", firstLine(text)}, r.Told...)...)
	default:
		b.stands.count(done)
		b.o.Log.Info("file done", append([]any{"file", c.display(), "exit_code", r.Code, "to", at}, r.Told...)...)
	}
	b.drop(c)
}

// plain is an output without the names of our directories.
func (b *Box) plain(c *claim, text string) string {
	text = strings.ReplaceAll(text, filepath.Join(c.dir, out)+string(filepath.Separator), "")
	return strings.TrimSpace(strings.ReplaceAll(text, c.dir+string(filepath.Separator), ""))
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return strings.TrimPrefix(line, "error: ")
}

// again lets a claim wait whose run could not be ended, and says so where its file was put. Who waits for a lock
// is told of nobody's end, so that it is tried at a steady pace, which is only slower where a try takes long.
func (b *Box) again(c *claim, r Result, text string) {
	b.stands.count("")
	if b.going || r.Code != codeLocked {
		b.later(c, errors.New(firstLine(text)))
	} else {
		now := b.o.Now()
		c.next, c.repeats = now.Add(min(max(b.o.Retry, 4*now.Sub(c.began)), 60*b.o.Retry)), 0
		if c.told != text {
			c.told = text
			b.o.Log.Warn("file waits", append([]any{"file", c.display(), "because", firstLine(text), "try", wayOut(text)}, r.Told...)...)
		}
	}
	if !b.going {
		b.noteWaiting(c, cmp.Or(text, fmt.Sprintf("error: exit code %d", r.Code))+"\nThe file is kept in "+processing+" meanwhile, and tried again by itself.")
	}
}

// wayOut is what a text advises.
func wayOut(text string) string {
	_, try, _ := strings.Cut(text, "\nTry: ")
	line, _, _ := strings.Cut(try, "\n")
	return line
}

// later tries a claim again after a while, or leaves it to the next worker.
func (b *Box) later(c *claim, err error) {
	if b.going {
		b.o.Log.Info("file left for the next worker", "file", c.display(), "because", err)
		return
	}
	wait := b.o.Retry << min(c.repeats, 10)
	wait = min(wait, 60*b.o.Retry)
	c.repeats++
	c.next = b.o.Now().Add(wait)
	b.o.Log.Warn("file not done yet; trying again", "file", c.display(), "because", err, "in", wait)
}

// tell gives a warning once.
func (b *Box) tell(what, path string, err error) {
	key := what + "\x00" + path
	if b.told[key] {
		return
	}
	if len(b.told) > 10_000 {
		clear(b.told)
	}
	b.told[key] = true
	attrs := []any{"path", path}
	if err != nil {
		attrs = append(attrs, "because", err)
	}
	b.o.Log.Warn(what, attrs...)
}
