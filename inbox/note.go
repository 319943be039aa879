package inbox

import (
	"errors"
	"io/fs"
	"os"
	"strings"
)

// Notes are for a person who sees the folder and nothing else: they lie beside what
// they are about, or where it was put, and go away with their cause. They are never
// taken for sheets, and whoever finds that a note is there already leaves it to the
// worker that wrote it.
const (
	errorEnd   = ".error.txt"   // what is wrong with a thing that is left alone
	waitingEnd = ".waiting.txt" // what keeps a file that was taken from being carried out
)

// noteHead begins every note. What does not begin so is somebody's own file.
const noteHead = "A note of the hot folder. It goes away once what it says is settled.\n\n"

// noteEnds are what the names of notes end in, and of texts that were put back together with their files.
var noteEnds = []string{errorEnd, waitingEnd}

// misplaced is a thing that is not where it can be used.
type misplaced struct{ what, try string }

var (
	folderInFolder = misplaced{"a folder in a folder is left alone, with all that is in it", "put the files themselves into the folder above"}
	linkedFolder   = misplaced{"a link to a folder is left alone", "make the folder itself"}
	otherOptions   = misplaced{"options are read from " + optionsFile + " alone, so that these count for nothing", "rename it to " + optionsFile}
	unreadable     = misplaced{"a folder cannot be read", "let the user that watches the folder read it"}
	untakable      = misplaced{"a file cannot be taken", sameFileSystem}
)

// point tells the log and, by a note, who looks into the folder, what is wrong with a
// thing. The thing itself is left alone.
func (b *Box) point(m misplaced, path string, err error) {
	b.tell(m.what+"; "+m.try, path, err)
	because := ""
	if err != nil {
		because = ": " + err.Error()
	}
	_ = newNote(path+errorEnd, "error: "+m.what+because+"\nTry: "+m.try) // the log has it
}

// newNote writes a note where nothing is. It follows no link that somebody has put there.
func newNote(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	_, err = f.WriteString(noteHead + text + "\n")
	return errors.Join(err, f.Close())
}

// isNote says whether a file is a note, and what it says.
func isNote(path string) (text string, ok bool) {
	info, err := os.Lstat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() > mostOptions {
		return "", false
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		return "", false
	}
	text, ok = strings.CutPrefix(string(whole), noteHead)
	return strings.TrimSuffix(text, "\n"), ok
}

// dropNote removes a note, and nothing that is none.
func dropNote(path string) {
	if _, ok := isNote(path); ok {
		_ = os.Remove(path) // another worker may be quicker
	}
}

// sweepNote removes a note whose thing has gone.
func sweepNote(path string) {
	thing, ok := strings.CutSuffix(path, errorEnd)
	if !ok {
		return
	}
	if _, err := os.Lstat(thing); errors.Is(err, fs.ErrNotExist) {
		dropNote(path)
	}
}

// waiting is where the note about a claim lies: where its file was put.
func (b *Box) waiting(c *claim) string { return b.path(incoming, c.folder, c.name+waitingEnd) }

// noteWaiting says where a file was put why it is not carried out yet.
func (b *Box) noteWaiting(c *claim, text string) {
	path := b.waiting(c)
	old, there := isNote(path)
	if there && old == text || !c.there() { // which another worker has taken over, and knows better
		return
	}
	if there {
		_ = os.Remove(path)
	}
	if err := newNote(path, text); err != nil && !errors.Is(err, fs.ErrExist) {
		b.tell("nothing can be written beside the files", path, err)
	}
}
