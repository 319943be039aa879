package inbox

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"
)

// claim is a file that belongs to this worker. Everything about it can be read
// out of where it stands, so that another worker can go on with it.
type claim struct {
	dir    string // processing/WORKER/TICKET
	folder string // that it was put into; "" is incoming itself
	name   string
	size   int64
	mod    time.Time

	running bool
	waits   bool      // for the end of its batch, and does nothing else
	repeats int       // tries that must be repeated
	next    time.Time // when
	began   time.Time // when the last run began
	told    string    // what the log has last said of its wait
}

// busy says that the claim takes a place. What a large file keeps in memory while it waits is worth one.
func (c *claim) busy() bool { return c.running && !(c.waits && c.size < large) }

// Names within a claim.
const (
	out       = ".out"  // the directory for what lies beside the file in the end
	runs      = ".runs" // one byte for each run that has not ended
	errorText = "error.txt"
)

// mostTries is how many workers may die while they have a file.
const mostTries = 10

// newID names a worker: the machine and process for people, the rest for being alone.
func newID() string {
	host, _ := os.Hostname()
	host = strings.Map(func(r rune) rune {
		if r == '-' || r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
			return r
		}
		return '_'
	}, host)
	return fmt.Sprintf("%.40s-%d-%s", host, os.Getpid(), strings.ToLower(rand.Text()[:6]))
}

// ticket names a claim for as long as there is one, whoever has it. It begins with
// the day on which the file was taken, which is where it goes in the end.
func ticket(now time.Time) string {
	return now.UTC().Format(ticketTime+"-") + strings.ToLower(rand.Text()[:10])
}

const (
	ticketDay  = "20060102"
	ticketTime = ticketDay + "-150405"
)

// taken is when the file was taken; zero if the directory does not say.
func (c *claim) taken() time.Time {
	name := filepath.Base(c.dir)
	at, _ := time.Parse(ticketTime, name[:min(len(name), len(ticketTime))])
	return at
}

// dayOf is the day of a ticket; false for what is none.
func dayOf(ticket string) (string, bool) {
	day, _, _ := strings.Cut(ticket, "-")
	at, err := time.Parse(ticketDay, day)
	return at.Format(time.DateOnly), err == nil
}

func (c *claim) file() string { return filepath.Join(c.dir, c.folder, c.name) }

// display is the file as its owner knows it.
func (c *claim) display() string { return filepath.ToSlash(filepath.Join(c.folder, c.name)) }

// there says that the file is still ours.
func (c *claim) there() bool {
	_, err := os.Lstat(c.file())
	return err == nil
}

// begin notes that a run begins.
func (c *claim) begin() error {
	dir := filepath.Join(c.dir, out)
	if err := errors.Join(os.RemoveAll(dir), os.Mkdir(dir, 0o777)); err != nil { // what an earlier run has left says nothing about this one
		return err
	}
	f, err := os.OpenFile(filepath.Join(c.dir, runs), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o666)
	if err != nil {
		return err
	}
	_, err = f.WriteString("x")
	return errors.Join(err, f.Close())
}

// explain says beside the file what is wrong.
func (c *claim) explain(text string) error {
	dir := filepath.Join(c.dir, out)
	if err := os.Mkdir(dir, 0o777); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return os.WriteFile(filepath.Join(dir, errorText), []byte(text+"\n"), 0o666)
}

// over notes that the run has ended, whichever way, or that it has got past what may kill a worker.
func (c *claim) over() { _ = os.Remove(filepath.Join(c.dir, runs)) }

// tries is how many runs have begun and not ended.
func (c *claim) tries() int {
	info, err := os.Lstat(filepath.Join(c.dir, runs))
	if err != nil {
		return 0
	}
	return int(info.Size())
}

// changed says that the file is not what it was when it was taken, and takes note of how it is now.
func (c *claim) changed() bool {
	info, err := os.Lstat(c.file())
	if err != nil || info.Size() == c.size && info.ModTime().Equal(c.mod) {
		return false
	}
	c.size, c.mod = info.Size(), info.ModTime()
	return true
}

// take claims a file of incoming, if nobody is quicker.
func (b *Box) take(ctx context.Context, f found) {
	src := b.path(incoming, f.folder, f.name)
	c := &claim{dir: filepath.Join(b.own, ticket(b.o.Now())), folder: f.folder, name: safeName(f.name), size: f.size, mod: f.mod}
	err := b.home()
	if err == nil {
		err = mkdirs(c.dir, filepath.Dir(c.file()))
	}
	if err == nil {
		err = move(src, c.file())
	}
	if err != nil {
		_, _ = os.Remove(filepath.Dir(c.file())), os.Remove(c.dir) // they are empty, else they stay
		if !errors.Is(err, fs.ErrNotExist) {
			b.point(untakable, src, err)
		}
		return
	}
	b.mine = append(b.mine, c)
	delete(b.seen, filepath.Join(f.folder, f.name))
	if c.changed() {
		b.later(c, errors.New("the file has changed"))
		return
	}
	b.start(ctx, c)
}

// home makes the worker's own directory, which others remove when they believe it dead.
func (b *Box) home() error {
	if err := os.Mkdir(b.own, 0o777); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// mkdirs makes a directory, and one in it unless it is the same.
func mkdirs(dir, inner string) error {
	if err := os.Mkdir(dir, 0o777); err != nil {
		return err
	}
	if inner == dir {
		return nil
	}
	return os.Mkdir(inner, 0o777)
}

// move renames to a name that nobody else would use. Over a network the answer to a rename may be
// lost, and the repeated call fails: what counts is where the file is.
func move(from, to string) error {
	err := os.Rename(from, to)
	if err == nil {
		return nil
	}
	if _, there := os.Lstat(to); there == nil {
		return nil
	}
	return err
}

// resume goes on with the claims whose time has come.
func (b *Box) resume(ctx context.Context, now time.Time) {
	for _, c := range slices.Clone(b.mine) {
		if c.running || now.Before(c.next) || !b.room(c.size) {
			continue
		}
		switch {
		case !c.there():
			b.o.Log.Warn("the file was taken over by another worker, because this one stood still", "file", c.display())
			b.drop(c)
		case c.changed():
			c.next = now.Add(b.o.Still)
		default:
			b.start(ctx, c)
		}
	}
}

// drop forgets a claim, and what is left of its directory.
func (b *Box) drop(c *claim) {
	b.mine = slices.DeleteFunc(b.mine, func(o *claim) bool { return o == c })
	empty(c.dir, c.folder)
}

// empty removes the directory of a claim without its file. It removes nothing that it does not know: through a network's
// caches, the path may still lead to where another worker has moved it.
func empty(dir string, folders ...string) {
	_ = os.Remove(filepath.Join(dir, runs))
	for _, name := range append(folders, out, "") {
		_ = os.Remove(filepath.Join(dir, name)) // only if it is empty
	}
}

// load reads a claim out of its directory. Without a file in it there is none, and what is there is removed.
func load(dir string) *claim {
	name, isDir := visible(dir)
	c := &claim{dir: dir, name: name}
	if isDir {
		c.folder = name
		c.name, _ = visible(filepath.Join(dir, name))
	}
	if c.name == "" { // its worker died before the file was in it, or after it had left
		empty(dir, c.folder)
		return nil
	}
	c.changed()
	return c
}

// visible is the first entry of a directory that is not hidden.
func visible(dir string) (name string, isDir bool) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") {
			return e.Name(), e.IsDir()
		}
	}
	return "", false
}
